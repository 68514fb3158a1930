"""What a device has lost as it started anew, by its own log: all of its SAs (dpd-semantics 4.7).

From then on nothing is known of its peers until they are heard again.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence

from msgspec.structs import replace

from analyzers.model.peer import Hint, HintKind, PeerState, StateSpan
from analyzers.model.sa import IkeSa, SaEnd

_OVER = frozenset({PeerState.DEAD, PeerState.DELETED})


def starts_of(hints: Sequence[Hint], device: str) -> list[Hint]:
    """The starts that the log of a device tells of."""
    return [hint for hint in hints if hint.kind is HintKind.STARTED and hint.sender == device]


def with_lost(sas: Sequence[IkeSa], starts: Sequence[Hint]) -> tuple[IkeSa, ...]:
    """IKE SAs, those as lost that were used no more after a start of their device."""
    return tuple(_lost(sa, starts) for sa in sas)


def _lost(sa: IkeSa, starts: Sequence[Hint]) -> IkeSa:
    if sa.end not in (None, SaEnd.REPLACED) or (sa.established_ns is None and not sa.messages):
        return sa
    for start in starts:
        if sa.last_ns <= start.at_ns and (sa.ended_ns is None or start.at_ns <= sa.ended_ns):
            refs = (sa.refs[0], start.ref)
            return replace(sa, end=SaEnd.LOST, ended_ns=start.at_ns, refs=refs)
    return sa


def with_starts(
    spans: list[StateSpan], starts: Sequence[Hint], heard_ns: Sequence[int]
) -> list[StateSpan]:
    """The states, unknown from each start on until the peer is heard; `heard_ns` ascends."""
    for start_ns in (start.at_ns for start in starts):
        place = bisect_right(heard_ns, start_ns)
        again_ns = heard_ns[place] if place < len(heard_ns) else None
        before = [s for s in spans if s.start_ns < start_ns]
        within = [
            s
            for s in spans
            if s.start_ns >= start_ns and (again_ns is None or s.start_ns < again_ns)
        ]
        if not before or any(s.state in _OVER for s in (before[-1], *within)):
            continue
        after = spans[len(before) + len(within) :]
        spans = [*before, StateSpan(PeerState.UNKNOWN, start_ns)]
        if before[-1].state is PeerState.UNKNOWN:
            spans.pop()
        if again_ns is not None and not (after and after[0].start_ns == again_ns):
            spans.append(StateSpan(PeerState.ALIVE, again_ns))
        spans += after
    return spans
