"""What is said of which frame: the comments of an exported capture."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from analyzers.export import words
from analyzers.export.causes import hint_words
from analyzers.export.content import Content
from analyzers.export.exchanges import (
    answer_words,
    bracketed,
    delete_answer_words,
    delete_words,
    sent_words,
)
from analyzers.export.messages import message_word
from analyzers.model.exchange import Exchange, Transmission
from analyzers.model.finding import Finding
from analyzers.model.observations import IkeMessage
from analyzers.model.peer import PeerView
from analyzers.model.records import Ref

Comments = dict[Ref, list[str]]
"""By frame, in the order in which they are shown; a frame without one is context."""


def comments_on(content: Content, whole: Sequence[PeerView] = ()) -> Comments:
    """The comments on every frame that the report rests on, and on all other IKE messages.

    `whole`: the peers before `content` was narrowed; they choose no frame, but say what it is.
    """
    said = _Notes(content.peers, content.findings).said
    known = _Notes(whole, content.findings).said if whole else said
    captures = {source.id for source in content.sources if source.kind == "capture"}
    return {ref: known.get(ref) or text for ref, text in said.items() if ref.source in captures}


def finding_words(finding: Finding) -> str:
    """A finding as a comment: "error dpd-no-ack: …"."""
    doubt = bracketed(finding.confidence)
    return f"{finding.severity} {finding.rule}: {finding.title}{doubt}"


class _Notes:
    """Comments as they are gathered."""

    def __init__(self, peers: Iterable[PeerView], findings: Iterable[Finding]) -> None:
        self.said: Comments = {}
        for peer in peers:
            self.peer(peer)
        for finding in findings:
            self.say(finding.refs, finding_words(finding))

    def say(self, refs: Iterable[Ref], text: str) -> None:
        """A comment on some frames, once on each."""
        for ref in refs:
            said = self.said.setdefault(ref, [])
            if text and text not in said:
                said.append(text)

    def peer(self, peer: PeerView) -> None:
        for exchange in peer.exchanges:
            self._exchange(exchange)
        for delete in peer.deletes:
            self.say((delete.ref,), delete_words(delete))
            self.say(delete.refs[1:], delete_answer_words(delete))
        for hole in peer.black_holes:
            self.say(hole.refs, "")
        for hint in peer.hints:
            self.say((hint.ref,), f"{hint_words(hint)}: a hint, no proof")
        for sa in peer.ike_sas:
            self.say(sa.refs, "")
        for message in peer.messages:
            self._message(message)

    def _exchange(self, exchange: Exchange) -> None:
        for index, sent in enumerate(exchange.transmissions):
            self.say(_places(sent), sent_words(exchange, index))
        if exchange.answer is not None:
            self.say(_places(exchange.answer), answer_words(exchange))
        if exchange.verdict_ns is not None:
            last = exchange.transmissions[-1]
            logged = exchange.verdict_ref is not None
            how = "said by the log" if logged else "inferred"
            what = words.DECLARED_DEAD if logged else "given up"
            self.say(_places(last), f"no answer to this last one: {what} ({how})")

    def _message(self, message: IkeMessage) -> None:
        places = (message.ref, *message.seen)
        fragments = [ref for ref in message.refs if ref != message.ref]
        if all(not self.said.get(ref) for ref in places):
            # What it is in its exchange says more than what it is by itself.
            self.say(places, message_word(message))
        for number, ref in enumerate(fragments, 1):
            whole = len(fragments) + 1
            self.say((ref,), f"fragment {number} of {whole} of {message_word(message)}")


def _places(sent: Transmission) -> tuple[Ref, ...]:
    return (sent.ref, *sent.seen)
