"""dpd-retry-spacing-wrong: retries come at other distances than they are set to."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Final

from analyzers.model.exchange import Exchange
from analyzers.model.finding import Severity
from analyzers.model.observations import Encapsulation
from analyzers.rules.case import Case
from analyzers.rules.peer_rule import PeerRule
from analyzers.rules.rule import Found, Needs
from analyzers.rules.schedules import fits
from analyzers.rules.timers.evidence import (
    a_question,
    confidence_of,
    first_refs,
    listed,
    spoken,
    weakest,
)
from analyzers.rules.timers.held import Schedule, schedule_of
from analyzers.rules.timers.questions import Asked, asked, gaps_s, stamp_s

_SHARE: Final = 0.2
"""How far a ratio may be off (dpd-semantics 4.4)."""


def _check(case: Case) -> Iterator[Found]:
    if not case.timed or _hides_retries(case):
        return
    for own in asked(case):
        held = schedule_of(case, own.prober, own.sa.ike_version)
        if held is None:
            continue
        wrong = [x for x in own.exchanges if x.retries and not _keeps(case, held, x)]
        if wrong:
            yield _found(own, held, wrong)


def _hides_retries(case: Case) -> bool:
    """TCP repeats for IKE, and a clock that was set makes distances of its own."""
    in_tcp = any(m.encapsulation is Encapsulation.TCP for m in case.peer.messages)
    return in_tcp or case.clock_was_set


def _keeps(case: Case, held: Schedule, exchange: Exchange) -> bool:
    """Whether the distances of a question fit any reading of its schedule."""
    gaps = gaps_s(exchange)
    if any(gap <= 0 for gap in gaps):
        return True
    slack_s = stamp_s(case, exchange)
    if held.readings:
        return any(fits(reading, gaps, case.thresholds, slack_s) for reading in held.readings)
    return slack_s > 0 or held.growth is None or _grows(case, held, gaps)


def _grows(case: Case, held: Schedule, gaps: Sequence[float]) -> bool:
    growth = held.growth or 1.0
    pairs = list(pairwise(gaps))[int(held.repeats_first) :]
    for sooner, later in pairs:
        wanted = growth * sooner
        tolerance = max(case.thresholds.retry_tolerance(wanted), _SHARE * wanted)
        if abs(later - wanted) > tolerance:
            return False
    return True


def _found(own: Asked, held: Schedule, wrong: Sequence[Exchange]) -> Found:
    worst = max(wrong, key=lambda x: x.retries)
    more = f" So it is with {len(wrong)} questions." if len(wrong) > 1 else ""
    return Found(
        f"{own.prober} repeated {a_question(worst)} to {worst.responder} after"
        f" {listed(gaps_s(worst))}; {_wanted(held)} ({held.said}).{more}",
        first_refs([*held.refs, *(t.ref for x in (worst, *wrong) for t in x.transmissions)]),
        confidence=weakest(held.confidence, confidence_of(wrong)),
        at_ns=worst.first_ns,
        end=own.prober,
    )


def _wanted(held: Schedule) -> str:
    if held.readings:
        waits = held.readings[0][:-1] or held.readings[0]
        if len(set(waits)) == 1:
            return f"every {spoken(waits[0])} is expected"
        return f"{listed(waits)} are expected"
    if held.growth == 1.0:
        return "equal distances are expected"
    return f"each distance should be {held.growth or 1.0:g} times the last"


RULE = PeerRule(
    id="dpd-retry-spacing-wrong",
    severity=Severity.WARNING,
    title="Retries come at other distances than they are set to",
    rationale=(
        "The sum of the retries is most of the time a dead peer stays unnoticed, in IKEv2 nearly"
        " all of it. Other distances than planned make the verdict late, or let a short outage"
        " become one."
    ),
    remedy=(
        "Look for a second place that sets the retries: a profile, or daemon-wide options such as"
        " charon.retransmit_timeout and retransmit_base in strongswan.conf."
    ),
    source="RFC 3706 section 5.4; RFC 7296 section 2.4; the documents of the product",
    needs=(Needs.CAPTURE, Needs.LOG, Needs.CONFIGURATION),
    traps=(
        "a distance that is the sum of several waits: a retry is missing from the capture",
        "jitter shortens the distances of strongSwan by up to 20 %",
        "in TCP, IKE need not repeat",
        "a clock that was set, or stamps whole seconds, tells no distances",
        "swanctl.conf does not say how charon retransmits: strongswan.conf does",
    ),
    check=_check,
)
