"""ikev2-retransmit-not-exponential: retransmissions keep one distance."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from statistics import median
from typing import Final

from analyzers.model.finding import Severity
from analyzers.model.time import seconds
from analyzers.rules.case import Case
from analyzers.rules.peer_rule import PeerRule
from analyzers.rules.rule import Found, Needs
from analyzers.rules.timers.evidence import first_refs, spoken, times
from analyzers.rules.timers.retransmissions import Request, requests

_FEWEST_GAPS: Final = 3
_GROWTH_FROM: Final = 1.2
# Stacks that cap their growth do so at 60 s and more (dpd-semantics 3.8).
_CAPPED_FROM_S: Final = 30.0
_PATH_TEST_S: Final = 2.5
_PATH_TEST_OFF_S: Final = 0.1
_CISCO: Final = frozenset({"cisco-ios", "cisco-asa"})


def _check(case: Case) -> Iterator[Found]:
    if not case.timed:
        return
    for found in requests(case):
        constant = [request for request in found if _is_constant(request)]
        if not constant or case.vendor(constant[0].first.src) in _CISCO:
            continue
        longest = max(constant, key=lambda request: len(request.sent))
        gaps = _gaps_s(longest)
        first = longest.first
        more = f" So it was with {len(constant)} requests." if len(constant) > 1 else ""
        yield Found(
            f"{first.src} sent request {first.message_id} to {first.dst}"
            f" {times(len(longest.sent))}, each time {spoken(median(gaps))} after the last;"
            f" RFC 7296 asks for growing distances.{more}",
            first_refs(m.ref for request in (longest, *constant) for m in request.sent),
            at_ns=first.at_ns,
            end=first.src,
        )


def _gaps_s(request: Request) -> list[float]:
    return [seconds(later.at_ns - sooner.at_ns) for sooner, later in pairwise(request.sent)]


def _is_constant(request: Request) -> bool:
    gaps = _gaps_s(request)
    if len(gaps) < _FEWEST_GAPS or min(gaps) <= 0 or median(gaps) >= _CAPPED_FROM_S:
        return False
    if abs(median(gaps) - _PATH_TEST_S) <= _PATH_TEST_OFF_S:
        return False
    if len({(m.src, m.dst) for m in request.sent}) > 1:
        return False
    return all(later < _GROWTH_FROM * sooner for sooner, later in pairwise(gaps))


RULE = PeerRule(
    id="ikev2-retransmit-not-exponential",
    severity=Severity.INFO,
    title="Retransmissions keep one distance instead of growing ones",
    rationale=(
        "Growing distances spare a path that is overloaded: many peers that repeat at a constant"
        " pace make it worse. Constant ones notice a dead peer sooner, which may be what was"
        " wanted."
    ),
    remedy=(
        "If it is not on purpose, let the distances grow (strongSwan: charon.retransmit_base = 1.8,"
        " the default)."
    ),
    source="RFC 7296 section 2.4",
    needs=(Needs.CAPTURE,),
    traps=(
        "a tail that has reached its cap (PAN-OS: 60 s) grows no more",
        "path tests of MOBIKE go out every 2.5 s, or to several addresses",
        "Cisco repeats at the configured retry interval",
        "fewer than three distances show no growth",
    ),
    check=_check,
)
