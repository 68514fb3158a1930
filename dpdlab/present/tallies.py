"""What is counted over one peer: all of it, or a stretch of time."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable
from typing import Final

from msgspec import Struct
from msgspec.structs import replace

from analyzers.export.formatting import Severity, peer_severity, state_severity
from analyzers.model.addresses import AddressOrder, address_order
from analyzers.model.black_hole import BlackHole
from analyzers.model.exchange import Exchange, Outcome
from analyzers.model.finding import Finding
from analyzers.model.finding import Severity as FindingSeverity
from analyzers.model.peer import PeerView
from analyzers.model.time import NS_PER_SECOND, seconds

_LONGEST_NS: Final = 1_000 * NS_PER_SECOND
"""No question is repeated for longer (dpd-semantics section 3: 435 s)."""

WorstFirst = tuple[int, int, float, AddressOrder, AddressOrder]


class Tally(Struct, frozen=True):
    """What is counted over the exchanges and black holes of a peer."""

    answered: int
    unanswered: int
    retries: int
    lost_s: float
    severity: Severity
    worst_first: WorstFirst
    """As `analyzers.export.formatting.worst_first` orders peers."""
    errors: int = 0
    warnings: int = 0
    """Findings on the peer, by their severity."""
    probes: int = 0
    deletes: int = 0


def tally_of(peer: PeerView, findings: Iterable[Finding] = ()) -> Tally:
    """What is counted over one peer and its findings."""
    answered, unanswered = _outcomes(peer.exchanges)
    retries = sum(exchange.retries for exchange in peer.exchanges)
    lost_s = sum(hole.max_seconds for hole in peer.black_holes)
    # How bad a peer is, and where that puts it, is told by all of it, whatever a filter hides.
    severity = peer_severity(peer)
    all_lost_s = sum(hole.max_seconds for hole in peer.whole.black_holes)
    ends = address_order(peer.local), address_order(peer.remote)
    order = (-severity, -state_severity(peer.state), -all_lost_s, *ends)
    errors, warnings = _severities(findings)
    return Tally(
        answered,
        unanswered,
        retries,
        lost_s,
        severity,
        order,
        errors,
        warnings,
        len(peer.exchanges),
        len(peer.deletes),
    )


def tally_within(
    whole: Tally, peer: PeerView, findings: Iterable[Finding], range_ns: tuple[int, int]
) -> Tally:
    """What of that falls into a stretch of time, its ends included; times in ns.

    A question counts where any of it lies, a retry where it was sent; `findings` are those of the
    stretch. How bad the peer is, and where that puts it, is told by all of the time.
    """
    first_ns, last_ns = range_ns
    asked = exchanges_within(peer, range_ns)
    answered, unanswered = _outcomes(asked)
    deletes = sum(first_ns <= delete.at_ns <= last_ns for delete in peer.deletes)
    errors, warnings = _severities(findings)
    return replace(
        whole,
        answered=answered,
        unanswered=unanswered,
        retries=_retries(asked, first_ns, last_ns),
        lost_s=sum(_within_s(hole, first_ns, last_ns) for hole in holes_within(peer, range_ns)),
        errors=errors,
        warnings=warnings,
        probes=len(asked),
        deletes=deletes,
    )


def holes_within(peer: PeerView, range_ns: tuple[int, int]) -> list[BlackHole]:
    """The black holes that a stretch of time has any of."""
    first_ns, last_ns = range_ns
    return [h for h in peer.black_holes if h.begin_ns <= last_ns and h.stop_ns >= first_ns]


def exchanges_within(peer: PeerView, range_ns: tuple[int, int]) -> list[Exchange]:
    """The questions that a stretch of time has any of: a retry, the answer, the verdict."""
    first_ns, last_ns = range_ns
    begin = bisect_left(peer.exchanges, first_ns - _LONGEST_NS, key=_first_ns)
    end = bisect_right(peer.exchanges, last_ns, begin, key=_first_ns)
    return [x for x in peer.exchanges[begin:end] if ends_ns(x) >= first_ns]


def ends_ns(exchange: Exchange) -> int:
    """The last moment of a question."""
    ends = [exchange.last_ns, exchange.verdict_ns or 0]
    if exchange.answer is not None:
        ends.append(exchange.answer.at_ns)
    return max(ends)


def is_within(hole: BlackHole, range_ns: tuple[int, int]) -> bool:
    """Whether a stretch of time has all of a black hole."""
    return range_ns[0] <= hole.begin_ns and hole.stop_ns <= range_ns[1]


def _retries(exchanges: Iterable[Exchange], first_ns: int, last_ns: int) -> int:
    return sum(
        first_ns <= sent.at_ns <= last_ns
        for exchange in exchanges
        for sent in exchange.transmissions[0 if exchange.first_missing else 1 :]
    )


def _within_s(hole: BlackHole, first_ns: int, last_ns: int) -> float:
    inside_ns = min(hole.stop_ns, last_ns) - max(hole.begin_ns, first_ns)
    return min(hole.max_seconds, seconds(max(inside_ns, 0)))


def _outcomes(exchanges: Iterable[Exchange]) -> tuple[int, int]:
    answered = unanswered = 0
    for exchange in exchanges:
        answered += exchange.outcome is Outcome.ANSWERED
        unanswered += exchange.outcome is Outcome.UNANSWERED
    return answered, unanswered


def _severities(findings: Iterable[Finding]) -> tuple[int, int]:
    found = [finding.severity for finding in findings]
    return found.count(FindingSeverity.ERROR), found.count(FindingSeverity.WARNING)


def _first_ns(exchange: Exchange) -> int:
    return exchange.first_ns
