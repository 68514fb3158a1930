"""Which lines of the logs the facts of a report rest on."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence

from analyzers.export.content import Content
from analyzers.model.observations import IkeMessage
from analyzers.model.peer import PeerView
from analyzers.model.records import Ref
from analyzers.model.time import NS_PER_SECOND
from analyzers.session.log_lines import LogLines
from dpdlab.present.cells import Cell
from dpdlab.present.detail import Detail
from dpdlab.present.events import Event
from dpdlab.present.formatting import Glyphs
from dpdlab.present.lane import question_cell

# Two logs, or a log and a capture, may be so far apart on one message.
_APART_NS = 5 * NS_PER_SECOND


def places_of(peer: PeerView) -> Iterator[Ref]:
    """Every place that anything of a peer rests on."""
    for message in peer.messages:
        yield from (message.ref, *message.refs, *message.seen)
    for exchange in peer.exchanges:
        for sent in exchange.messages:
            yield from (sent.ref, *sent.seen)
        if exchange.verdict_ref is not None:
            yield exchange.verdict_ref
    yield from (delete.ref for delete in (*peer.deletes, *peer.lost_deletes))
    yield from (hint.ref for hint in peer.hints)
    for hole in peer.black_holes:
        yield from hole.refs
    for sa in peer.ike_sas:
        yield from sa.refs


def places_in(content: Content, sources: frozenset[str]) -> set[Ref]:
    """Every place in some sources that anything of a report rests on."""
    found: set[Ref] = set()
    for peer in content.peers:
        found.update(ref for ref in places_of(peer) if ref.source in sources)
    for finding in content.findings:
        found.update(ref for ref in finding.refs if ref.source in sources)
    return found


def questions_in(
    peers: Iterable[PeerView], sources: frozenset[str], signs: Glyphs
) -> dict[Ref, Cell]:
    """The sign of each question in some sources, as lanes have it."""
    return {
        ref: question_cell(exchange, index, signs)
        for peer in peers
        for exchange in peer.exchanges
        for index, sent in enumerate(exchange.transmissions)
        for ref in (sent.ref, *sent.seen)
        if ref.source in sources
    }


def message_at(
    peers: Iterable[PeerView], ref: Ref, at_ns: int
) -> tuple[PeerView, IkeMessage] | None:
    """The message that a line tells of, and its peer; `at_ns` is about when that was."""
    for peer in peers:
        messages = peer.messages
        place = bisect_left(messages, at_ns - _APART_NS, key=lambda m: m.at_ns)
        while place < len(messages) and messages[place].at_ns <= at_ns + _APART_NS:
            message = messages[place]
            if message.ref == ref or ref in message.seen:
                return peer, message
            place += 1
    return None


def refs_of(log: LogLines | None, event: Event) -> Sequence[Ref]:
    """The places in the logs that tell of an event."""
    seen = () if event.message is None else event.message.seen
    refs = (*filter(None, (event.ref,)), *seen)
    return () if log is None else [ref for ref in refs if log.row_of(ref) is not None]


def texts_of(log: LogLines | None, event: Event) -> Iterator[Detail]:
    """What the logs say of an event, word for word."""
    if log is None:
        return
    for ref in refs_of(log, event):
        for number, text in log.lines_around(ref):
            yield Detail("log", f"{ref.source}:{number} {text}")


def lines_of(log: LogLines, event: Event) -> Iterator[str]:
    """The same, the lines alone."""
    for ref in refs_of(log, event):
        yield from (text for _, text in log.lines_around(ref))


def peer_at(peers: Iterable[PeerView], ref: Ref, at_ns: int) -> PeerView | None:
    """Whose line it is: of what anything of a peer rests on."""
    known = tuple(peers)
    found = message_at(known, ref, at_ns)
    if found is not None:
        return found[0]
    for peer in known:
        if not peer.first_ns - _APART_NS <= at_ns <= peer.last_ns + _APART_NS:
            continue
        verdicts = (x.verdict_ref for x in peer.exchanges)
        others = (
            *(d.ref for d in (*peer.deletes, *peer.lost_deletes)),
            *(h.ref for h in peer.hints),
            *(a.ref for x in peer.exchanges for a in x.lost_answers),
        )
        if ref in others or ref in verdicts:
            return peer
    return None
