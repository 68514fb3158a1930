"""dpd-no-ack: a liveness question that nobody answered within the retry horizon."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from enum import Enum, auto
from typing import Final

from analyzers.model.exchange import Exchange, Lost, Outcome
from analyzers.model.finding import Severity
from analyzers.model.peer import Hint, HintKind
from analyzers.model.records import Confidence
from analyzers.model.sa import IkeSa, SaEnd
from analyzers.model.time import seconds
from analyzers.rules.answers.silence_causes import cause_of
from analyzers.rules.case import Case
from analyzers.rules.peer_rule import PeerRule
from analyzers.rules.rule import Found, Needs
from analyzers.rules.timers.evidence import a_question
from analyzers.rules.timers.verdict import given_up
from analyzers.rules.wording import few, sa_name, spoken_ns, times, weakest


class _Fate(Enum):
    """What the missing answer cost."""

    GIVEN_UP = auto()
    SURVIVED = auto()
    LEFT_BEHIND = auto()
    """The SA was in use no more when it was asked."""


_SEVERITIES: Final = {
    _Fate.GIVEN_UP: Severity.ERROR,
    _Fate.SURVIVED: Severity.WARNING,
    _Fate.LEFT_BEHIND: Severity.INFO,
}


def _check(case: Case) -> Iterator[Found]:
    lost: dict[tuple[str, str, _Fate, Lost | None], list[Exchange]] = defaultdict(list)
    last = {(x.ike_sa, x.prober): x for x in case.peer.exchanges}
    for exchange in case.peer.exchanges:
        if exchange.outcome is Outcome.UNANSWERED and case.heard(exchange.responder):
            newest = exchange is last[exchange.ike_sa, exchange.prober]
            fate = _fate(case, exchange, newest=newest)
            lost[exchange.ike_sa, exchange.prober, fate, exchange.lost].append(exchange)
    for (_, _, fate, _), exchanges in lost.items():
        cause = cause_of(case, exchanges[0])
        said = _detail(case, exchanges, fate)
        yield Found(
            f"{said} {cause.said}" if cause else said,
            few(
                [
                    *(t.ref for x in exchanges for t in x.transmissions),
                    *(cause.refs if cause else ()),
                ]
            ),
            remedy=cause.remedy if cause else "",
            severity=_SEVERITIES[fate],
            confidence=_confidence(case, exchanges, fate),
            at_ns=exchanges[0].first_ns,
            end=exchanges[0].prober,
        )
    yield from _unshown(case)


def _unshown(case: Case) -> Iterator[Found]:
    """Verdicts of devices that ask in silence: their logs say only what came of it."""
    shown = {x.ike_sa for x in case.peer.exchanges if x.outcome is Outcome.UNANSWERED}
    verdicts = {h.ref: h for h in sorted(case.peer.hints, key=_is_verdict)}
    for sa in case.peer.ike_sas:
        hint = verdicts.get(sa.refs[-1])
        if hint is None or sa.end is not SaEnd.DEAD_PEER or sa.id in shown:
            continue
        requests = any(m.src == hint.sender for m in case.messages.get(sa.id, ()))
        if requests and not _is_verdict(hint):
            continue  # ikev2-unanswered-request-other tells of it
        why = f" ({hint.reason})" if hint.reason else ""
        asked = case.exchanges_of.get(sa.id, ())
        shown_before = any(x.prober == hint.sender and x.first_ns <= hint.at_ns for x in asked)
        which = "the question that met no answer" if shown_before else "what was asked"
        yield Found(
            f"The log of {hint.sender} says that it gave {case.other(hint.sender)} up for want of"
            f" answers{why}. It does not show {which}.",
            (hint.ref,),
            at_ns=hint.at_ns if case.timed else None,
            end=hint.sender,
        )


def _is_verdict(hint: Hint) -> bool:
    return hint.kind is HintKind.PEER_DEAD


def _fate(case: Case, exchange: Exchange, *, newest: bool) -> _Fate:
    sa = case.sas.get(exchange.ike_sa)
    if sa is None or sa.ended_ns is None:
        return _Fate.SURVIVED
    if case.newer_sa(exchange) is not None:
        return _Fate.LEFT_BEHIND
    over = sa.end is SaEnd.DEAD_PEER or _is_deleted_for_it(case, exchange, sa)
    # Where a log does not name its SAs, what was asked on two of them looks like one.
    told = exchange.verdict_ref is not None and exchange.verdict_ns == sa.ended_ns
    if over and (newest or told) and exchange.verdict_ns is not None:
        return _Fate.GIVEN_UP
    gone = sa.end in (SaEnd.REPLACED, SaEnd.REKEYED) and sa.ended_ns <= exchange.first_ns
    return _Fate.LEFT_BEHIND if gone else _Fate.SURVIVED


def _is_deleted_for_it(case: Case, exchange: Exchange, sa: IkeSa) -> bool:
    """Whether the prober gave its peer up by deleting the SA."""
    shown = given_up(case, exchange)
    return sa.end is SaEnd.DELETE and shown is not None and shown.at_ns <= (sa.ended_ns or 0)


def _confidence(case: Case, exchanges: list[Exchange], fate: _Fate) -> Confidence:
    """As that of the questions; a verdict that nothing but silence shows is inferred."""
    parts = [x.confidence for x in exchanges]
    if any(x.cut_short for x in exchanges):
        parts.append(Confidence.SUSPECT)
    if fate is _Fate.GIVEN_UP:
        shown = given_up(case, exchanges[0])
        parts.append(Confidence.INFERRED if shown is None else shown.confidence)
        if _clock_off_ns(case, exchanges[0]):
            parts.append(Confidence.INFERRED)
    return weakest(parts)


def _clock_off_ns(case: Case, exchange: Exchange) -> int:
    """By how much messages contradict the clock, set by hand, of the log that has the verdict."""
    ref = exchange.verdict_ref
    info = None if ref is None else case.source.get(ref.source)
    return 0 if info is None else info.clock_contradicted_ns or 0


def _came_back(case: Case, exchange: Exchange) -> bool:
    """Whether the one that did not answer set up a new IKE SA, and no verdict was seen before."""
    verdict_ns = exchange.verdict_ns or exchange.last_ns
    return given_up(case, exchange) is None and any(
        sa.initiator == exchange.responder
        and sa.id != exchange.ike_sa
        and exchange.last_ns < sa.first_ns <= verdict_ns
        for sa in case.peer.ike_sas
    )


def _detail(case: Case, exchanges: list[Exchange], fate: _Fate) -> str:
    first = exchanges[0]
    what = a_question(first)
    sent = len(first.transmissions)
    again = "repeated" if first.first_missing else "sent"
    said = f"{first.prober} {again} {what} {times(sent)} to {first.responder}"
    lasted_ns = first.last_ns - first.first_ns
    if lasted_ns and case.timed:
        said += f" within {spoken_ns(lasted_ns)}"
    if first.first_missing:
        said += ", after a question that the log does not show"
    elif first.idle_ns and case.timed:
        proof = "proof of life" if case.captured else "message of the peer in the log"
        said += f", the first {spoken_ns(first.idle_ns)} after the last {proof}"
    said += "; no answer to the last came" if first.unheard_answers else "; no answer came"
    if first.cut_short:
        said += " until the input ends, before the next retry was due"
    if first.ceased_ns is not None:
        left_ns = case.end_ns - first.last_ns
        said += f", and it was not asked again in the {spoken_ns(left_ns)} that the input goes on"
    if fate is _Fate.GIVEN_UP and first.verdict_ns is not None and case.timed:
        whole = spoken_ns(first.verdict_ns - first.first_ns)
        by = ", as its log says" if first.verdict_ref else ""
        if first.verdict_ref and case.is_unsure(first.verdict_ref, first.transmissions[-1].ref):
            by += ", if that shows the same session"
        off_ns = _clock_off_ns(case, first)
        if off_ns:
            by += ", by a clock that was set by hand and is"
            by += f" {seconds(off_ns):.1f} s off by messages"
        if _came_back(case, first):
            said += f", until {first.responder} set up a new IKE SA after {whole}"
        else:
            least = "at least " if first.first_missing else ""
            said += f", and the peer was given up after {least}{whole}{by}"
        if first.heard_beside:
            said += f", though {first.responder} was heard meanwhile on a newer IKE SA: it lives"
        elif first.peer_heard:
            said += (
                f", though {first.responder} was heard after it: its traffic came, not its answers"
            )
    elif fate is _Fate.LEFT_BEHIND:
        said += f", but {sa_name(case.sas[first.ike_sa])} had been replaced before"
    elif first.peer_heard:
        said += f", though {first.responder} was heard after it{_afterwards(case, first)}"
    said += "."
    if len(exchanges) > 1:
        said += f" On this IKE SA that happened to {len(exchanges):,} questions."
    return said


def _afterwards(case: Case, exchange: Exchange) -> str:
    """What it says that one who did not answer was heard: who slept was not asked when it woke."""
    if exchange.heard_between:
        return ": its tunnel lives, its IKE does not"
    later = [
        x
        for x in case.exchanges_of[exchange.ike_sa]
        if x.prober == exchange.prober and x.first_ns > exchange.last_ns
    ]
    if any(x.outcome is Outcome.ANSWERED for x in later):
        return ", and answered later questions"
    return "" if later else ", and was not asked any more"


RULE = PeerRule(
    id="dpd-no-ack",
    severity=Severity.ERROR,
    title="A liveness question was not answered",
    rationale=(
        "The answer is mandatory. When it stays out, the peer is gone, it has lost its SA, or IKE"
        " is dropped on the way there or back; what is sent into the tunnel meanwhile is lost."
    ),
    remedy=(
        "Capture at both ends: a question that does not arrive is a problem of the path or a"
        " filter (UDP 500 and 4500); one that arrives and stays unanswered is one of the peer."
    ),
    source="RFC 3706 section 5.2; RFC 7296 section 1.4",
    needs=(Needs.CAPTURE, Needs.KEYS, Needs.LOG),
    traps=(
        "the input ends before the retry horizon: the question is open",
        "nothing of the other end was captured: the answer may have taken another path",
        "a later question proves the answer that was not captured",
        "without keys: a Delete as long as an R-U-THERE is no question",
        "a retry that comes when the peer has forgotten its answer: the question was answered",
        "the SA had been replaced before it was asked: worth a note only",
    ),
    check=_check,
)
