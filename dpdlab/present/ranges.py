"""What of a session belongs to a stretch of time: all that has any of itself in it."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Container, Mapping, Sequence
from typing import NamedTuple

from analyzers.export.content import Content
from analyzers.model.finding import Finding
from analyzers.model.observations import IkeMessage
from analyzers.model.peer import Activity, PeerView
from analyzers.model.records import Ref
from analyzers.model.time import ORDER_LIMIT_NS
from analyzers.session.log_lines import LogLines
from dpdlab.present.digest import Digest
from dpdlab.present.events import Event, EventKind
from dpdlab.present.tallies import exchanges_within, holes_within


def is_silent(
    content: Content, digest: Digest, log: LogLines | None, first_ns: int, last_ns: int
) -> bool:
    """Whether no message, ESP, verdict, black hole and line of a log is of a stretch of time.

    Where ESP is counted in pieces longer than that, a piece with packets counts as something.
    """
    if any(first_ns <= at_ns <= last_ns for at_ns in digest.given_up_ns):
        return False
    if any(s.begin_ns <= last_ns and first_ns <= s.stop_ns for s in digest.silences):
        return False
    if log is not None and _says_something(log, first_ns, last_ns):
        return False
    return not any(_did_something(peer, first_ns, last_ns) for peer in content.peers)


def _says_something(log: LogLines, first_ns: int, last_ns: int) -> bool:
    if not len(log):
        return False
    row = log.row_at(first_ns)
    # The row before, where none is of just that moment.
    times = (log.at_ns(place) for place in (row, row + 1) if place < len(log))
    return any(at_ns is not None and first_ns <= at_ns <= last_ns for at_ns in times)


def _did_something(peer: PeerView, first_ns: int, last_ns: int) -> bool:
    if peer.last_ns < first_ns or peer.first_ns > last_ns:
        return False
    messages = peer.messages
    place = bisect_left(messages, first_ns, key=lambda m: m.at_ns)
    if place < len(messages) and messages[place].at_ns <= last_ns:
        return True
    return peer.activity is not None and _has_packets(peer.activity, first_ns, last_ns)


def _has_packets(activity: Activity, first_ns: int, last_ns: int) -> bool:
    begin = max((first_ns - activity.start_ns) // activity.slice_ns, 0)
    end = max((last_ns - activity.start_ns) // activity.slice_ns + 1, 0)
    return any(activity.outbound[begin:end]) or any(activity.inbound[begin:end])


def events_within(
    events: Sequence[Event], peer: PeerView, range_ns: tuple[int, int]
) -> list[Event]:
    """The events of a stretch of time, and the beginnings of what goes on in it.

    A black hole that has begun before, and a question that is repeated or answered in it, are of
    it: their first event stands before the others.
    """
    first_ns, last_ns = range_ns
    begin = bisect_left(events, first_ns, key=_at_ns)
    inside = events[begin : bisect_right(events, last_ns, begin, key=_at_ns)]
    holes = {h.id for h in holes_within(peer, range_ns) if h.begin_ns < first_ns}
    asked = {x.id for x in exchanges_within(peer, range_ns) if x.first_ns < first_ns}
    if not (holes or asked):
        return list(inside)
    starts = min(
        [h.begin_ns for h in peer.black_holes if h.id in holes]
        + [x.first_ns for x in peer.exchanges if x.id in asked]
    )
    earlier = events[bisect_left(events, starts, key=_at_ns) : begin]
    return [*(e for e in earlier if _begins(e, holes, asked)), *inside]


def _begins(event: Event, holes: Container[str], asked: Container[str]) -> bool:
    if event.kind is EventKind.HOLE and event.hole is not None:
        return event.hole.id in holes
    exchange = event.exchange
    first = exchange is not None and event.kind in (EventKind.QUESTION, EventKind.RETRY)
    return first and exchange is not None and event.number == 0 and exchange.id in asked


def findings_within(
    findings: Sequence[Finding],
    peers: Mapping[str, PeerView],
    log: LogLines | None,
    range_ns: tuple[int, int],
) -> tuple[Finding, ...]:
    """The findings of a stretch of time: those that are about a moment of it or have no time, and
    those of which evidence, a black hole or a question lies in it.
    """
    touching: dict[str, _Touched] = {}

    def is_of(finding: Finding) -> bool:
        at_ns = finding.at_ns
        if at_ns is None or at_ns < ORDER_LIMIT_NS or range_ns[0] <= at_ns <= range_ns[1]:
            return True
        peer = peers.get(finding.peer or "")
        if peer is None:
            return False
        if peer.id not in touching:
            touching[peer.id] = _touched(peer, range_ns)
        touched = touching[peer.id]
        if any(begin_ns <= at_ns <= end_ns for begin_ns, end_ns in touched.holes):
            return True
        if not touched.refs.isdisjoint(finding.refs):
            return True
        return log is not None and any(_is_line_of(ref, log, range_ns) for ref in finding.refs)

    return tuple(filter(is_of, findings))


class _Touched(NamedTuple):
    """What of a peer a stretch of time has any of."""

    refs: frozenset[Ref]
    holes: Sequence[tuple[int, int]]
    """Black holes that rest on no message: a finding within them is about them."""


def _touched(peer: PeerView, range_ns: tuple[int, int]) -> _Touched:
    first_ns, last_ns = range_ns
    begin = bisect_left(peer.messages, first_ns, key=_message_ns)
    end = bisect_right(peer.messages, last_ns, begin, key=_message_ns)
    refs = {message.ref for message in peer.messages[begin:end]}
    for exchange in exchanges_within(peer, range_ns):
        refs.update(sent.ref for sent in exchange.transmissions)
    holes = holes_within(peer, range_ns)
    refs.update(ref for hole in holes for ref in hole.refs)
    bare = [(hole.begin_ns, hole.stop_ns) for hole in holes if not hole.refs]
    return _Touched(frozenset(refs), bare)


def _is_line_of(ref: Ref, log: LogLines, range_ns: tuple[int, int]) -> bool:
    row = log.row_of(ref)
    at_ns = None if row is None else log.at_ns(row)
    return at_ns is not None and range_ns[0] <= at_ns <= range_ns[1]


def _at_ns(event: Event) -> int:
    return event.at_ns


def _message_ns(message: IkeMessage) -> int:
    return message.at_ns
