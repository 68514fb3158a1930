"""sending-refused: a device whose own system did not take its packets."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from typing import Final

from analyzers.model.exchange import Exchange, Lost, Outcome
from analyzers.model.finding import Severity
from analyzers.model.peer import Hint
from analyzers.model.records import Confidence
from analyzers.rules.case import Case
from analyzers.rules.causes import refusal_remedy, refusals, refused_within
from analyzers.rules.peer_rule import PeerRule
from analyzers.rules.rule import Found, Needs
from analyzers.rules.wording import few, spoken_ns, times


def _check(case: Case) -> Iterator[Found]:
    harmless: dict[tuple[str, str], list[Hint]] = defaultdict(list)
    for hint in refusals(case.peer):
        unanswered = _unanswered(case, hint)
        if unanswered or _is_in_black_hole(case, hint):
            yield _found(case, [hint], unanswered, Severity.ERROR)
        else:
            harmless[hint.sender, hint.reason].append(hint)
    for hints in harmless.values():
        yield _found(case, hints, [], Severity.WARNING)


def _unanswered(case: Case, hint: Hint) -> list[Exchange]:
    """The questions that met no answer meanwhile, whoever asked.

    They ran out, or all answers to them were refused: then nobody but the asker knows their end.
    """
    return [
        x
        for x in case.peer.exchanges
        if refused_within(hint, x.first_ns, x.last_ns)
        and ((x.outcome is Outcome.UNANSWERED and x.verdict_ns is not None) or _in_vain(x, hint))
    ]


def _in_vain(exchange: Exchange, hint: Hint) -> bool:
    return exchange.lost is Lost.ANSWER and exchange.responder == hint.sender


def _tells_of_both(hint: Hint, unanswered: list[Exchange]) -> bool:
    """Whether the log that tells of the refusals has an answer meanwhile: on one clock, its own."""
    return any(
        lost.ref.source == hint.ref.source and hint.at_ns <= lost.at_ns <= hint.last_ns
        for exchange in unanswered
        for lost in exchange.lost_answers
    )


def _is_in_black_hole(case: Case, hint: Hint) -> bool:
    return any(
        hole.max_seconds > 0 and refused_within(hint, hole.begin_ns, hole.stop_ns)
        for hole in case.peer.black_holes
    )


def _found(case: Case, hints: list[Hint], unanswered: list[Exchange], severity: Severity) -> Found:
    first = hints[0]
    number = sum(hint.times for hint in hints)
    length_ns = sum(hint.last_ns - hint.at_ns for hint in hints)
    often = times(number)
    if number > 1 and len(hints) == 1 and case.timed:
        often += f" in {spoken_ns(length_ns)}"
    elif len(hints) > 1:
        often += f", in {len(hints):,} spells"
    why = f" ({first.reason})" if first.reason else ""
    said = f"{first.sender} could not send, {often}: its own system refused{why}, as its log says."
    if unanswered:
        asked = unanswered[0]
        who = "it" if asked.prober == first.sender else asked.prober
        said += f" What {who} asked meanwhile was not answered."
    placed = not unanswered or case.is_placed(first.ref) or _tells_of_both(first, unanswered)
    return Found(
        said,
        few([*(hint.ref for hint in hints), *(t.ref for x in unanswered for t in x.transmissions)]),
        remedy=refusal_remedy(first),
        severity=severity,
        confidence=Confidence.CERTAIN if placed else Confidence.INFERRED,
        at_ns=first.at_ns if case.timed else None,
        end=first.sender,
    )


RULE: Final = PeerRule(
    id="sending-refused",
    severity=Severity.ERROR,
    title="An end could not send",
    rationale=(
        "A filter of the device itself, a route that is gone or an interface that is down keep what"
        " it sends from leaving it. To its peer it looks dead, though it runs and receives."
    ),
    remedy=(
        "Look at that device, at that time: its own outbound filter (nft list ruleset, iptables"
        " -S OUTPUT), its route to the peer (ip route get) and its interface."
    ),
    source="Linux send(2), ip(7) and netfilter: EPERM, ENETUNREACH, EHOSTUNREACH, ENETDOWN",
    needs=(Needs.LOG,),
    traps=(
        "nothing ran out meanwhile, and nothing was lost: a warning",
        "a line that names nobody, of a device with several peers",
    ),
    check=_check,
)
