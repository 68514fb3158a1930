"""sa-deleted-prematurely: a peer was given up before its time, or without a question."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Final

from analyzers.model.exchange import Outcome
from analyzers.model.finding import Severity
from analyzers.model.records import Confidence
from analyzers.model.sa import IkeSa, SaEnd
from analyzers.model.time import NS_PER_SECOND, seconds
from analyzers.rules.case import Case
from analyzers.rules.peer_rule import PeerRule
from analyzers.rules.rule import Found, Needs
from analyzers.rules.timers.evidence import first_refs, question, spoken, times, weakest
from analyzers.rules.timers.held import schedule_of
from analyzers.rules.timers.verdict import heard_otherwise, verdicts
from analyzers.rules.wording import sa_name

# Any request that is repeated in vain is a reason for a verdict (RFC 7296 section 2.4); the longest
# schedules take this long (dpd-semantics 3.8: PAN-OS, 435 s).
_LOOK_BACK_NS: Final = 450 * NS_PER_SECOND
# A capture that begins with the verdict does not show what led to it.
_SEEN_BEFORE_NS: Final = 30 * NS_PER_SECOND


def _check(case: Case) -> Iterator[Found]:
    if not case.timed or case.one_direction:
        return
    yield from _cut_short(case)
    if case.captured:
        for sa in case.peer.ike_sas:
            yield from _unasked(case, sa)


def _cut_short(case: Case) -> Iterator[Found]:
    """Verdicts after all retries, but before the last one could be answered."""
    for own, exchange, verdict in verdicts(case):
        held = schedule_of(case, own.prober, own.sa.ike_version)
        if held is None or not held.readings or not held.counts:
            continue
        sent = len(exchange.transmissions)
        if sent < min(held.counts) or exchange.first_missing:
            continue
        fitting = [waits for waits in held.readings if len(waits) <= sent] or [held.readings[0]]
        took_s = seconds(verdict.at_ns - exchange.first_ns)
        shortest = min(fitting, key=sum)
        early_s = sum(shortest) - took_s
        if early_s <= case.thresholds.retry_tolerance(shortest[-1]):
            continue
        if heard_otherwise(case, exchange, verdict.at_ns):
            continue
        yield Found(
            f"{exchange.prober} gave {exchange.responder} up {spoken(took_s)} after the first"
            f" {question(exchange)}, sent {times(sent)} ({verdict.how}): {spoken(early_s)} before"
            f" the {spoken(sum(shortest))} of its schedule ({held.said}) were over.",
            first_refs([*(t.ref for t in exchange.transmissions), verdict.ref, *held.refs]),
            confidence=weakest(exchange.confidence, held.confidence, verdict.confidence),
            at_ns=verdict.at_ns,
            end=exchange.prober,
        )


def _unasked(case: Case, sa: IkeSa) -> Iterator[Found]:
    """A verdict by the log of which the capture shows no reason."""
    if sa.end is not SaEnd.DEAD_PEER or sa.ended_ns is None or not case.is_log(sa.refs[-1]):
        return
    ended_ns = sa.ended_ns
    exchanges = case.exchanges_of.get(sa.id, [])
    if any(x.outcome is not Outcome.ANSWERED for x in exchanges):
        return
    before = [m for m in case.messages.get(sa.id, []) if m.at_ns <= ended_ns]
    captured = [m for m in before if not case.is_log(m.ref)]
    if not captured or ended_ns - captured[0].at_ns < _SEEN_BEFORE_NS:
        return
    late = Counter(m.fingerprint for m in before if ended_ns - m.at_ns <= _LOOK_BACK_NS)
    if any(count > 1 for count in late.values()):
        return  # some request was repeated: that is a reason
    if any(ended_ns - _LOOK_BACK_NS <= h.at_ns < ended_ns for h in case.peer.hints):
        return
    if any(abs(d.at_ns - ended_ns) <= _SEEN_BEFORE_NS for d in case.peer.deletes):
        return
    yield Found(
        f"The log says that the peer of {sa_name(sa)} was given up, but since"
        f" {spoken(seconds(ended_ns - captured[0].at_ns))} before the capture shows no question"
        " that stayed unanswered, and no request that was repeated.",
        (sa.refs[-1],),
        confidence=Confidence.INFERRED,
        at_ns=ended_ns,
    )


RULE = PeerRule(
    id="sa-deleted-prematurely",
    severity=Severity.WARNING,
    title="A peer was given up before its time",
    rationale=(
        "A verdict without a full round of questions throws away a tunnel that may be well: a"
        " moment of loss is then enough for an outage, and the renegotiation costs more than the"
        " loss did."
    ),
    remedy=(
        "Find out what ended the SA: another monitor (tracking, routing, a script), or a setting"
        " that gives up sooner than the one that was meant."
    ),
    source="RFC 3706 section 5.4; RFC 7296 section 2.4",
    needs=(Needs.CAPTURE, Needs.LOG, Needs.CONFIGURATION),
    traps=(
        "lifetime, rekey, and an operator who clears the SA: a Delete alone is no verdict",
        "the peer deleted it, or set up a new SA (INITIAL_CONTACT)",
        "hints may shorten the retries: INVALID_IKE_SPI, a QCD token (RFC 6290 section 2)",
        "a log that does not show its questions",
        "another request was repeated in vain: that tests liveness too",
    ),
    check=_check,
)
