"""dpd-too-many-retries: a question was repeated more often than the schedule has it."""

from __future__ import annotations

from collections.abc import Iterator

from analyzers.model.exchange import Exchange
from analyzers.model.finding import Severity
from analyzers.model.records import Basis, Confidence
from analyzers.model.time import seconds
from analyzers.rules.case import Case
from analyzers.rules.peer_rule import PeerRule
from analyzers.rules.rule import Found, Needs
from analyzers.rules.timers.evidence import a_question, confidence_of, first_refs, spoken, weakest
from analyzers.rules.timers.held import Schedule, schedule_of
from analyzers.rules.timers.questions import asked, gaps_s


def _check(case: Case) -> Iterator[Found]:
    if not case.timed:
        return
    for own in asked(case):
        held = schedule_of(case, own.prober, own.sa.ike_version)
        if held is None or not held.counts:
            continue
        found = [x for x in own.exchanges if len(x.transmissions) > _most(held, x)]
        found = [x for x in found if not _are_two(case, held, x)]
        if not found:
            continue
        worst = max(found, key=lambda x: len(x.transmissions))
        lasted_s = seconds(worst.last_ns - worst.first_ns)
        more = f" So it was with {len(found)} questions." if len(found) > 1 else ""
        yield Found(
            f"{own.prober} sent {a_question(worst)} to {worst.responder}"
            f" {len(worst.transmissions)} times within {spoken(lasted_s)};"
            f" {max(held.counts)} transmissions are expected ({held.said}).{more}",
            first_refs([*held.refs, *(t.ref for x in (worst, *found) for t in x.transmissions)]),
            confidence=weakest(held.confidence, confidence_of(found)),
            at_ns=worst.first_ns,
            end=own.prober,
        )


def _most(held: Schedule, exchange: Exchange) -> int:
    """The most transmissions that are no finding."""
    most = max(held.counts)
    # Without keys the Delete of a peer given up looks like one more; a default is not all certain.
    unsure = exchange.basis is Basis.RHYTHM or held.confidence is not Confidence.CERTAIN
    return most + int(unsure)


def _are_two(case: Case, held: Schedule, exchange: Exchange) -> bool:
    """Whether a longer pause shows that a second question began."""
    longest_s = max((max(waits) for waits in held.readings), default=None)
    gaps = gaps_s(exchange)
    if longest_s is None or not gaps:
        return not gaps
    return max(gaps) > longest_s + case.thresholds.retry_tolerance(longest_s)


RULE = PeerRule(
    id="dpd-too-many-retries",
    severity=Severity.WARNING,
    title="A question was repeated more often than it is set",
    rationale=(
        "Each retry more is time in which traffic goes into a dead tunnel. The verdict comes later"
        " than was planned for."
    ),
    remedy=(
        "Look for a second place that sets the count: a profile, or daemon-wide options such as"
        " charon.retransmit_tries in strongswan.conf."
    ),
    source="RFC 3706 section 5.4; the documents of the product",
    needs=(Needs.CAPTURE, Needs.LOG, Needs.CONFIGURATION),
    traps=(
        "the ISAKMP Delete that Cisco sends one retry interval after the last question is as long"
        " as a question",
        "a pause longer than any retry: a second question began",
        "documents that count in two ways: the larger count is held",
    ),
    check=_check,
)
