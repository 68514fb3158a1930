"""What other inputs say of messages that were captured, or that another log shows too.

A log line that names an encrypted message makes its content known: the message is then
`correlated`, and as certain as the log, without any key.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final, NamedTuple

from msgspec import Struct, field

from analyzers.model.exchange import DeleteProtocol
from analyzers.model.log_events import LogEvent, LogEventKind
from analyzers.model.observations import DeletePayload, IkeMessage, MessageKind
from analyzers.model.records import Basis, Confidence, Ref
from analyzers.model.time import NS_PER_SECOND

# A capture that is stopped loses what its buffers hold: its edges are no evidence of anything.
EDGE_NS: Final = 5 * NS_PER_SECOND
PROTOCOL_NUMBERS: Final = {
    DeleteProtocol.IKE: 1,
    DeleteProtocol.AH: 2,
    DeleteProtocol.ESP: 3,
}
TELLING: Final = frozenset(
    {
        MessageKind.R_U_THERE,
        MessageKind.R_U_THERE_ACK,
        MessageKind.DELETE,
        MessageKind.NOTIFY,
        MessageKind.LIVENESS_MOBIKE,
    }
)
_UNTOLD: Final = frozenset({MessageKind.INFORMATIONAL, MessageKind.NOTIFY, MessageKind.DELETE})
QUESTIONS: Final = frozenset(
    {MessageKind.R_U_THERE, MessageKind.LIVENESS, MessageKind.LIVENESS_MOBIKE}
)


LIVENESS: Final = QUESTIONS | {MessageKind.R_U_THERE_ACK}


class Witnesses(Struct):
    """Sightings of messages beside the one that is tracked, by the place of that one."""

    by_ref: dict[Ref, list[LogEvent | Ref]] = field(default_factory=dict)
    unread: set[Ref] = field(default_factory=set)
    """Messages that did not come to the device that they were captured on the way to."""
    lost: set[Ref] = field(default_factory=set)
    """Messages that did not come by a capture which is nearer to their receiver."""
    came: set[Ref] = field(default_factory=set)
    """Messages that did."""

    def add(self, ref: Ref, witness: LogEvent | Ref) -> None:
        """`witness` saw the message at `ref`."""
        self.by_ref.setdefault(ref, []).append(witness)

    def testify(self, message: IkeMessage) -> None:
        """Add what is known elsewhere to a message."""
        message.lost = message.ref in self.lost
        message.unread = message.ref in self.unread and not message.lost
        message.arrived = message.arrived or message.ref in self.came
        found = self.by_ref.get(message.ref)
        if found is None:
            return
        message.seen = tuple(w.ref if isinstance(w, LogEvent) else w for w in found)
        for witness in found:
            if isinstance(witness, LogEvent):
                message.arrived = message.arrived or witness.sent is False
                tell(message, witness)


def tell(message: IkeMessage, event: LogEvent) -> None:
    """Take the content of an encrypted message from the log that names it."""
    if message.basis is not Basis.HEADER or not message.encrypted:
        return
    if message.kind not in _UNTOLD or event.message not in TELLING:
        return
    message.kind = event.message
    message.dpd_sequence = event.sequence
    message.basis, message.confidence = Basis.CORRELATED, Confidence.CERTAIN
    if event.message is MessageKind.DELETE:
        # Of IKEv1 a log may not say what is deleted; IKEv2 tells by the answer.
        unknown = 0 if message.version == 1 else None
        protocol = PROTOCOL_NUMBERS.get(event.protocol, unknown)
        message.deletes = () if protocol is None else (DeletePayload(protocol, event.spis),)


class Watched(NamedTuple):
    """When a capture near the receiver of what goes between two ends would show a message."""

    src: str
    dst: str
    first_ns: int
    last_ns: int


class Reach(Struct, frozen=True):
    """What one input could have seen: messages between these ends, in this time."""

    first_ns: int
    last_ns: int
    pairs: frozenset[tuple[str, str]]
    """Addresses of a capture, both ways round."""
    own: frozenset[str] = frozenset()
    """Addresses of the device that wrote a log."""
    reads: bool = True
    """Whether it shows what comes, message by message."""

    def covers(self, event: LogEvent) -> bool:
        """Whether it would show the event's message, had it passed."""
        if event.at_ns is None:
            return False
        edge_ns = 0 if self.own else EDGE_NS
        if not self.first_ns - edge_ns <= event.at_ns <= self.last_ns + edge_ns:
            return False
        if self.own:
            return event.remote in self.own and event.local not in self.own
        return (event.local or "", event.remote or "") in self.pairs

    def at_edge(self, event: LogEvent) -> bool:
        """Whether it falls just outside: a capture may have lost it when it began or ended."""
        at_ns = event.at_ns or 0
        return not self.first_ns <= at_ns <= self.last_ns


def reach_of_capture(ends: Iterable[tuple[str, str]], first_ns: int, last_ns: int) -> Reach:
    """What a capture covers, by source and destination of the IKE messages in it."""
    pairs = frozenset(ends)
    return Reach(first_ns, last_ns, pairs | {(b, a) for a, b in pairs})


def reach_of_log(events: Sequence[LogEvent], first_ns: int, last_ns: int) -> Reach:
    """What a log covers: the messages of its own device."""
    own = frozenset(e.local for e in events if e.local is not None)
    return Reach(first_ns, last_ns, frozenset(), own, shows_what_comes(events))


def shows_what_comes(events: Iterable[LogEvent]) -> bool:
    """Whether what a log does not have did not come to its device.

    Without debugging a log may tell of negotiations, retransmissions and verdicts, and of no
    question or answer that comes in between.
    """
    return any(
        e.kind is LogEventKind.MESSAGE
        and not e.sent
        and (bool(e.message_id) or e.message in LIVENESS)
        for e in events
    )


def belongs(event: LogEvent, others: Sequence[Reach]) -> bool:
    """Whether a message that no other input shows is tracked, rather than kept as evidence.

    Where another input covers it, a question counts if its sender logged it, an answer if its
    receiver did: what the other end says then only tells where it was lost.
    """
    covering = [r for r in others if r.covers(event)]
    if event.kind is not LogEventKind.MESSAGE or not covering:
        return True
    captures = [r for r in covering if not r.own]
    if captures and all(r.at_edge(event) for r in captures):
        if event.message is not MessageKind.DELETE:
            return False
        # It ends an SA, wherever it is said.
        return bool(event.sent) or len(captures) == len(covering)
    if event.message in QUESTIONS and not event.response:
        return bool(event.sent)
    if event.message is MessageKind.R_U_THERE_ACK or event.response:
        return not event.sent
    # What else one end logged, and the other did not: its Deletes, where no capture shows more.
    return not captures and bool(event.sent)


def is_astray(event: LogEvent, others: Sequence[Reach]) -> bool:
    """Whether a message that its sender logged proves nothing to the other end.

    Another input would have shown it if it had come by there; and nobody waits for a Delete.
    """
    if not event.sent:
        return False
    return event.message is MessageKind.DELETE or any(
        r.covers(event) and (r.reads if r.own else not r.at_edge(event)) for r in others
    )
