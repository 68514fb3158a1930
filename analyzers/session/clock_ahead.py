"""Whether the clock of a capture was set ahead where nothing was captured for long.

Then ESP goes on both ways without a missing number. So it does where nobody sends anything; but who
asks in regular intervals, whatever comes in, would have asked meanwhile. A host that stands still
asks nothing either: one that did not capture has to be among those who ask. Where that is not known
the silence stands, and what speaks for a step of the clock is said.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Iterator, Sequence
from itertools import pairwise
from statistics import median_low
from typing import Final

from msgspec.structs import replace

from analyzers.export.formatting import counted
from analyzers.model.exchange import Exchange, ExchangeKind
from analyzers.model.peer import PeerView
from analyzers.model.records import ClockAhead, Leap, Problem, ProblemKind, Ref, SourceInfo
from analyzers.model.time import NS_PER_SECOND, seconds
from analyzers.session.opening import Opened
from analyzers.sources.inputs import InputSpec
from analyzers.tracking.flows import FlowTable

_LEAST_NS: Final = 30 * NS_PER_SECOND
# So many packets before, and as many intervals of questions, are a pace.
_LEAST_PACKETS: Final = 10
_LEAST_INTERVALS: Final = 3
# A flow, or who asks, is steady if nothing took longer than so many times as long as usual.
_STEADY: Final = 5
_REGULAR: Final = 1.5
# A time that is so many times as long holds questions that are missing.
_MISSED: Final = 3

_Ends = tuple[str, str]


def with_clock_ahead(
    opened: Opened, flows: FlowTable, peers: Callable[[], Sequence[PeerView]]
) -> list[InputSpec] | None:
    """The inputs with what is known of the clock of the only capture, now that all is read.

    None where nothing changes, as where nothing can be read again.
    """
    captures = [info for info in opened.sources if info.leap is not None]
    if len(captures) != 1:
        return None
    leap = captures[0].leap
    if leap is None or leap.end_ns - leap.start_ns < _LEAST_NS:
        return None
    steady = _going_on(flows, leap)
    if not steady:
        return None
    told = peers()
    is_sure = _is_set_ahead(captures[0], leap, steady, told)
    if not is_sure or any(item.size_bytes is None for item in opened.items):
        if is_sure or any(_lasts(peer, leap) for peer in told):
            captures[0].note(_problem(captures[0], leap, len(steady), is_sure=is_sure))
        return None
    found = ClockAhead(leap.record, leap.end_ns - leap.start_ns - min(steady.values()))
    return [
        replace(spec, ahead=found) if info.leap is not None else spec
        for spec, info in zip(opened.specs, opened.sources, strict=True)
    ]


def _is_set_ahead(
    info: SourceInfo, leap: Leap, steady: Container[_Ends], peers: Sequence[PeerView]
) -> bool:
    """Whether somebody asked on as if a leap had not been, who has not captured it."""
    asking = {
        prober
        for peer in peers
        for prober in (peer.local, peer.remote)
        if (peer.local, peer.remote) in steady and (peer.remote, peer.local) in steady
        if _asks_on(peer.exchanges, prober, leap)
    }
    return bool(asking - info.addresses) if info.addresses else len(asking) > 1


def _problem(info: SourceInfo, leap: Leap, flows: int, *, is_sure: bool) -> Problem:
    lasted_s = seconds(leap.end_ns - leap.start_ns)
    why = "nobody sent anything meanwhile, or the clock was set ahead, and"
    if is_sure:
        why = "the clock was set ahead (a file, and no pipe, is put right), and"
    said = (
        f"nothing was captured for {lasted_s:,.1f} s, and no number of"
        f" {counted(flows, 'ESP flow')} is missing: {why} what lasts across this time is shorter"
        " by as much"
    )
    return Problem(ProblemKind.CAPTURE_INSUFFICIENT, said, Ref(info.id, leap.record))


def _going_on(flows: FlowTable, leap: Leap) -> dict[_Ends, int]:
    """Whose steady flows go on after a leap as if it had not been, and how often they send, ns.

    Nothing if any of them lost packets then.
    """
    found: dict[_Ends, int] = {}
    leap_ns = leap.end_ns - leap.start_ns
    for flow, pause in flows.pauses.items():
        lasted_ns = pause.end_ns - pause.start_ns
        if pause.start_ns > leap.start_ns or pause.end_ns < leap.end_ns:
            continue
        first_ns, last_ns = int(flows.first_ns[flow]), int(flows.last_ns[flow])
        usual_ns = (last_ns - first_ns - lasted_ns) // max(1, int(flows.packets[flow]) - 2)
        before = pause.start_ns - first_ns > _LEAST_PACKETS * usual_ns
        if not before or lasted_ns - leap_ns > _STEADY * usual_ns or usual_ns * _STEADY > leap_ns:
            continue
        if pause.missing:
            return {}
        src, dst = flows.identities[flow][:2]
        found[src, dst] = min(usual_ns, found.get((src, dst), usual_ns))
    return found


def _asks_on(exchanges: Sequence[Exchange], prober: str, leap: Leap) -> bool:
    """Whether somebody asks regularly, and as regularly on without the time of a leap."""
    leap_ns = leap.end_ns - leap.start_ns
    asked = sorted((x for x in exchanges if x.prober == prober), key=lambda x: x.first_ns)
    across: list[int] = []
    apart: list[int] = []
    for earlier, later in pairwise(asked):
        spans = earlier.first_ns <= leap.start_ns and later.first_ns >= leap.end_ns
        if spans and not _follows(earlier, later):
            return False
        (across if spans else apart).append(later.first_ns - earlier.first_ns)
    if len(apart) < _LEAST_INTERVALS or not across:
        return False
    usual_ns = median_low(apart)
    regular = max(apart) <= _REGULAR * usual_ns and min(apart) * _REGULAR >= usual_ns
    goes_on: bool = abs(across[0] - leap_ns - usual_ns) <= (_REGULAR - 1) * usual_ns
    return regular and goes_on and leap_ns > _MISSED * usual_ns


def _follows(earlier: Exchange, later: Exchange) -> bool:
    """Whether nothing tells of questions between two."""
    before, after = _number(earlier), _number(later)
    return before is None or after is None or after == before + 1


def _number(exchange: Exchange) -> int | None:
    """What an end counts its questions by, as far as that is seen."""
    if exchange.kind is ExchangeKind.LIVENESS:
        return exchange.transmissions[0].message_id
    return exchange.sequence


def _lasts(peer: PeerView, leap: Leap) -> bool:
    """Whether something is told that lasts across a leap."""
    return any(
        since_ns <= leap.start_ns and until_ns >= leap.end_ns for since_ns, until_ns in _spans(peer)
    )


def _spans(peer: PeerView) -> Iterator[tuple[int, int]]:
    for hole in peer.black_holes:
        yield hole.begin_ns, hole.stop_ns
    for exchange in peer.exchanges:
        answer_ns = 0 if exchange.answer is None else exchange.answer.at_ns
        yield exchange.first_ns, max(exchange.last_ns, answer_ns)
