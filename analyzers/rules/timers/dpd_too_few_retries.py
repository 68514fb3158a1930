"""dpd-too-few-retries: a peer was given up after fewer questions than the schedule has."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from analyzers.model.exchange import Exchange
from analyzers.model.finding import Severity
from analyzers.model.records import Confidence
from analyzers.model.time import seconds
from analyzers.rules.case import Case
from analyzers.rules.peer_rule import PeerRule
from analyzers.rules.rule import Found, Needs
from analyzers.rules.timers.evidence import first_refs, question, spoken, times, weakest
from analyzers.rules.timers.held import Schedule, observed, schedule_of
from analyzers.rules.timers.questions import Asked, gaps_s
from analyzers.rules.timers.verdict import GivenUp, heard_otherwise, verdicts

# Fewer are too few for anybody: ordinary loss gives a living peer up.
_ENOUGH: Final = 3
_LOSS: Final = 0.2
# Where the schedule is unknown, a verdict this many retry gaps late leaves room for unseen retries.
_GAPS: Final = 1.5


def _check(case: Case) -> Iterator[Found]:
    if not case.timed:
        return
    for own, exchange, verdict in verdicts(case):
        if heard_otherwise(case, exchange, verdict.at_ns):
            continue
        sent = exchange.sent
        if sent is None:
            continue  # nobody knows how often it had been asked before the log begins
        if sent < 2 and not verdict.by_log:
            continue  # somebody may have closed the tunnel just then
        if not _is_whole(case, exchange):
            continue
        held = schedule_of(case, own.prober, own.sa.ike_version)
        found = _found(case, own, exchange, verdict, held, sent)
        if found is not None:
            yield found


def _is_whole(case: Case, exchange: Exchange) -> bool:
    """Whether the input shows the peer before its first question: else there may be earlier ones.

    Who begins to watch in an outage sees the last tries only.
    """
    if exchange.since_proof_ns is not None or not case.captured:
        return True
    peer, first_ns = case.peer, exchange.first_ns
    heard_ns = [m.at_ns for m in peer.messages[:1]] if peer.forgotten else []
    heard_ns += [m.at_ns for m in peer.messages if m.src == exchange.responder]
    heard_ns += [f.first_ns for f in peer.esp_flows if f.sender == exchange.responder]
    heard_ns += [sa.established_ns for sa in peer.ike_sas if sa.established_ns is not None]
    return min(heard_ns, default=first_ns) < first_ns


def _found(
    case: Case,
    own: Asked,
    exchange: Exchange,
    verdict: GivenUp,
    held: Schedule | None,
    sent: int,
) -> Found | None:
    took_s = seconds(verdict.at_ns - exchange.first_ns)
    refs = first_refs([*(t.ref for t in exchange.transmissions), verdict.ref])
    least = "at least " * exchange.first_missing
    start = (
        f"{exchange.prober} gave {exchange.responder} up {least}{spoken(took_s)} after the first"
        f" {question(exchange)}, which it sent {times(sent)} ({verdict.how})"
    )
    wanted, said = _wanted(case, own, held)
    if wanted is not None and sent < wanted and _no_room(case, held, exchange, verdict, took_s):
        confidence = exchange.confidence
        if held is None or not verdict.by_log:
            confidence = weakest(confidence, Confidence.INFERRED)
        if held is not None:
            confidence = weakest(confidence, held.confidence)
        return Found(
            f"{start}; {wanted} transmissions are expected ({said}).",
            (*refs, *(held.refs if held is not None else ())),
            confidence=confidence,
            at_ns=verdict.at_ns,
            end=exchange.prober,
        )
    if wanted is None and sent < _ENOUGH and verdict.by_log:
        lost = (1 - (1 - _LOSS) ** 2) ** sent
        return Found(
            f"{start}. With {_LOSS:.0%} loss each way, {lost:.0%} of such checks give up a living"
            " peer.",
            refs,
            confidence=exchange.confidence,
            at_ns=verdict.at_ns,
            end=exchange.prober,
        )
    return None


def _wanted(case: Case, own: Asked, held: Schedule | None) -> tuple[int | None, str]:
    """The fewest transmissions before a verdict, and who says so."""
    if held is not None:
        return (min(held.counts), held.said) if held.counts else (None, "")
    policy = observed(case, own.prober)
    if policy is None or policy.transmissions is None:
        return None, ""
    return policy.transmissions, "as it did another time"


def _no_room(
    case: Case, held: Schedule | None, exchange: Exchange, verdict: GivenUp, took_s: float
) -> bool:
    """Whether the verdict came too soon for retries that were not captured."""
    if verdict.by_log and not case.captured:
        return True
    if held is not None and held.readings:
        waits = min(held.readings, key=sum)
        return took_s < sum(waits) - case.thresholds.retry_tolerance(waits[-1])
    gaps = gaps_s(exchange)
    return bool(gaps) and seconds(verdict.at_ns - exchange.last_ns) <= _GAPS * max(gaps)


RULE = PeerRule(
    id="dpd-too-few-retries",
    severity=Severity.WARNING,
    title="The peer was given up after too few questions",
    rationale=(
        "A question and its answer must both get through once. With loss p each way and n"
        " questions a living peer is given up with probability (1-(1-p)^2)^n: three questions at"
        " 20 % loss make 5 %, one makes 36 %."
    ),
    remedy="Let it ask at least three times, better five, before the verdict.",
    source="RFC 3706 section 5.4; RFC 7296 section 2.4",
    needs=(Needs.CAPTURE, Needs.LOG, Needs.CONFIGURATION),
    traps=(
        "retries that were lost before the capture: where the verdict came late enough for them"
        " to have been sent, nothing is said",
        "the other end, or a hint on its behalf, said that the SA is gone: no more is to be asked",
        "a tunnel that somebody closes while a question is open",
        "a capture that begins with a question: earlier ones are not in it",
        "a log that begins with a retry: what the device counts tells which one it is, or nothing",
        "the dozen tries over several minutes that RFC 7296 suggests are more than any product"
        " makes: fewer alone are no finding",
    ),
    check=_check,
)
