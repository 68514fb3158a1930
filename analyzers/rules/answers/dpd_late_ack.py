"""dpd-late-ack: answers that come long after their question, or only after it was repeated."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from statistics import median
from typing import Final

from msgspec import Struct

from analyzers.model.exchange import Exchange, Lost, Transmission
from analyzers.model.finding import Severity
from analyzers.model.observations import Encapsulation
from analyzers.model.peer import Hint
from analyzers.model.records import Basis
from analyzers.model.time import NS_PER_SECOND, nanoseconds
from analyzers.rules.answers.silence_causes import QUESTION_LOST, REMEDIES
from analyzers.rules.case import Case
from analyzers.rules.causes import refusal_before, refusal_remedy, refusals
from analyzers.rules.peer_rule import PeerRule
from analyzers.rules.rule import Found, Needs
from analyzers.rules.wording import few, question_name, spoken_ns, times, weakest

# Of two answers the faster one is the usual one.
_FEW: Final = 2
_REPEATED: Final = "Questions are answered only when they are repeated"
_OWN_PORTS: Final = frozenset({0, 500, 4500})


class _Late(Struct, frozen=True):
    exchange: Exchange
    answer: Transmission
    delay_ns: int
    """Since the question that it answers."""
    limit_ns: int
    before: int
    """How often the question had been sent by then."""

    @property
    def is_slow(self) -> bool:
        return self.delay_ns > self.limit_ns

    @property
    def is_lost_on_the_way(self) -> bool:
        """Whether by the log of the other end nothing before the answered transmission came."""
        sent = self.exchange.transmissions[: self.before]
        return not self.is_slow and len(sent) > 1 and all(each.lost for each in sent[:-1])


def _check(case: Case) -> Iterator[Found]:
    if not case.timed:
        return
    groups: dict[tuple[str, str], list[tuple[Exchange, int]]] = defaultdict(list)
    for exchange in case.peer.exchanges:
        rtt_ns = exchange.rtt_ns
        if rtt_ns is not None:
            groups[exchange.ike_sa, exchange.prober].append((exchange, rtt_ns))
    for answered in groups.values():
        limit_ns = _limit_ns(case, _usual_ns([rtt_ns for _, rtt_ns in answered]))
        late = [
            found
            for x, rtt_ns in answered
            # Of one transmission, the round trip is all that can be late.
            if (rtt_ns > limit_ns or len(x.transmissions) > 1 or x.first_missing)
            and (found := _late(case, x, limit_ns))
        ]
        if late:
            yield _found(case, late, len(answered))


def _refused(case: Case, late: list[_Late]) -> list[Hint]:
    """The spell of refusals that is the cause, of each that has one."""
    spells = refusals(case.peer)
    found = (refusal_before(spells, each.exchange) for each in late)
    return [hint for hint in found if hint is not None]


def _usual_ns(times: list[int]) -> int:
    """The usual round trip; of a lone answer nobody knows whether it is usual."""
    if len(times) <= _FEW:
        return min(times) if len(times) > 1 else 0
    return round(median(times))


def _late(case: Case, exchange: Exchange, limit_ns: int) -> _Late | None:
    answer = exchange.answer
    if answer is None or exchange.unheard_answers:
        return None  # it was answered in time: that is of `dpd-answer-unheard`
    sent = [t for t in exchange.transmissions if t.at_ns <= answer.at_ns]
    asked = _answered(case, sent, answer)
    before = len(sent) + exchange.first_missing
    sources = {answer.ref.source, *(t.ref.source for t in exchange.transmissions)}
    limit_ns += NS_PER_SECOND * bool(sources & case.coarse_sources)
    late = _Late(exchange, answer, answer.at_ns - asked.at_ns, limit_ns, before)
    return late if late.is_slow or before > 1 else None


def _answered(case: Case, sent: list[Transmission], answer: Transmission) -> Transmission:
    """The transmission that an answer belongs to: by its number, else the last one."""
    message = case.message_at.get(answer.ref)
    number = None if message is None else message.dpd_sequence
    for each in reversed(sent):
        question = case.message_at.get(each.ref)
        if number is not None and question is not None and question.dpd_sequence == number:
            return each
    return sent[-1]


def _is_captured(case: Case, answer: Transmission) -> bool:
    """Whether an answer that did not arrive came by a capture."""
    message = case.message_at.get(answer.ref)
    return message is not None and message.basis is not Basis.LOG


def _limit_ns(case: Case, usual_ns: int) -> int:
    return max(
        nanoseconds(case.thresholds.late_answer_s),
        round(case.thresholds.late_answer_rtts * usual_ns),
    )


def _found(case: Case, late: list[_Late], answered: int) -> Found:
    first = late[0].exchange
    prober, responder = first.prober, first.responder
    slow = [each for each in late if each.is_slow]
    asked = question_name(first.kind)
    whose = f"answers of {responder} to {asked}s of {prober}"
    the_only_one = f"The only answer of {responder} to the {asked}s of {prober}"
    said = ""
    if slow:
        said = (
            f"{the_only_one} came late."
            if answered == 1
            else f"{len(late):,} of {answered:,} {whose} came late."
        )
        worst = max(slow, key=lambda each: each.delay_ns)
        said += (
            f" The latest came {spoken_ns(worst.delay_ns)} after its question; up to"
            f" {spoken_ns(worst.limit_ns)} would have been in time."
        )
    repeated = [each for each in late if each.before > 1]
    if repeated:
        most = max(repeated, key=lambda each: each.before)
        whole_ns = most.answer.at_ns - most.exchange.first_ns
        which = f"{len(repeated):,} of them" if len(late) > 1 else "It"
        if not slow:
            which = f"{len(repeated):,} of {answered:,} {whose}"
            which = the_only_one if answered == 1 else which
        least = "at least " * most.exchange.first_missing
        most_of = "up to " * (len(repeated) > 1)
        said += (
            f" {which} came only after {most_of}{most.before} transmissions,"
            f" {least}{spoken_ns(whole_ns)} after the first."
        )
    refused = [] if slow else _refused(case, late)
    lost = all(each.is_lost_on_the_way for each in late)
    remedy = ""
    if refused:
        reason = refused[0].reason
        why = f" ({reason})" if reason else ""
        which = f", {times(len(refused))}" if len(refused) < len(late) else ""
        remedy = refusal_remedy(refused[0])
        said += (
            f" By the log of {prober} its own system refused to send those before the answered"
            f" one{which}{why}: they did not leave it, and what left was answered at once."
        )
    elif lost:
        remedy = QUESTION_LOST
        said += (
            f" By the {_input(late)} {responder} those before the answered one did not arrive:"
            " they were lost on the way, and what arrived was answered at once."
        )
    elif not slow and all(each.exchange.lost_answers for each in late):
        captured = all(
            _is_captured(case, answer) for x in late for answer in x.exchange.lost_answers
        )
        by_capture = all(each.exchange.by_capture for each in late)
        remedy = REMEDIES[Lost.UNREAD if captured and not by_capture else Lost.ANSWER]
        where = "the capture has the answers to those before" if captured else "those before, too"
        lacking = "capture near" if by_capture else "log of"
        said += (
            f" Each was answered at once ({where}); by the {lacking} {prober} no answer arrived but"
            " the last one."
        )
    severity = Severity.INFO if all(_from_client(case, each) for each in late) else None
    return Found(
        said.strip(),
        few(
            ref
            for each in late
            for ref in (*(t.ref for t in each.exchange.transmissions), each.answer.ref)
        ),
        title="" if any(each.is_slow for each in late) else _REPEATED,
        remedy=remedy,
        severity=severity,
        confidence=weakest(each.exchange.confidence for each in late),
        at_ns=late[0].answer.at_ns,
        end=late[0].exchange.prober,
    )


def _input(late: list[_Late]) -> str:
    """What of the responder tells that questions did not arrive."""
    return "capture near" if all(each.exchange.by_capture for each in late) else "log of"


def _from_client(case: Case, late: _Late) -> bool:
    """Whether a client answers, behind a NAT or by TCP: these may sleep."""
    message = case.message_at.get(late.answer.ref)
    if message is None or message.basis is Basis.LOG:
        return False
    return message.encapsulation is Encapsulation.TCP or message.sport not in _OWN_PORTS


RULE = PeerRule(
    id="dpd-late-ack",
    severity=Severity.WARNING,
    title="Answers to liveness questions come late",
    rationale=(
        "A late answer, or one that needs retries, is a peer or a path that is nearly too slow: a"
        " little more load or loss, and a living peer is declared dead."
    ),
    remedy=(
        "Look for loss on the path and for load at the end that answers (CPU of the IKE process,"
        " policing of UDP 500 and 4500). Until then allow more retries, or more time for each."
    ),
    source="RFC 3706 section 5.4; dpd-semantics section 4.2",
    needs=(Needs.CAPTURE, Needs.KEYS, Needs.LOG),
    traps=(
        "clients sleep: behind a NAT it is worth a note only",
        "an answer belongs to the retry whose number it has",
        "a log that stamps whole seconds is off by a second; one without stamps has no times",
        "a far peer is slow every time: its own round trip counts",
    ),
    check=_check,
)
