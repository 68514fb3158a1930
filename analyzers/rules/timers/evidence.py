"""What several rules of timers and traffic need to tell a case: numbers, references, confidence."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

from analyzers.configs.durations import spoken_s
from analyzers.model.black_hole import BlackHole
from analyzers.model.exchange import Exchange, ExchangeKind
from analyzers.model.records import Confidence, Ref
from analyzers.model.time import LONG_S, long_duration
from analyzers.rules.case import Case
from analyzers.rules.wording import question_name

MOST_REFS: Final = 20
_TENTHS_FROM_S: Final = 10.0
_LISTED: Final = 6
_ORDER: Final = (Confidence.CERTAIN, Confidence.INFERRED, Confidence.SUSPECT)


def spoken(seconds: float) -> str:
    """A duration for people: "0.52 s", "4.01 s", "28 min 43 s"; a timer: "86,400 s"."""
    if seconds >= LONG_S and not seconds.is_integer():
        return long_duration(round(seconds))
    return spoken_s(round(seconds, 1 if seconds >= _TENTHS_FROM_S else 2))


def listed(durations_s: Sequence[float]) -> str:
    """Durations for people: "2 s", "2, 2.01 and 4 s"; the first few of many."""
    texts = [spoken(each).removesuffix(" s") for each in durations_s[:_LISTED]]
    if len(durations_s) > _LISTED:
        return ", ".join(texts) + " s and so on"
    start = ", ".join(texts[:-1])
    return f"{start} and {texts[-1]} s" if start else f"{texts[-1]} s"


def times(count: int) -> str:
    """How often: "once", "4 times"."""
    return "once" if count == 1 else f"{count} times"


def question(exchange: Exchange) -> str:
    """What a question is called in its protocol."""
    return question_name(exchange.kind)


def a_question(exchange: Exchange) -> str:
    """The same with its article."""
    return f"{'an' if exchange.kind is ExchangeKind.DPD else 'a'} {question(exchange)}"


def weakest(*all_of: Confidence) -> Confidence:
    """The confidence of what rests on several facts."""
    return max(all_of, key=_ORDER.index)


def confidence_of(exchanges: Iterable[Exchange]) -> Confidence:
    """The confidence of what rests on several exchanges."""
    return weakest(Confidence.CERTAIN, *(x.confidence for x in exchanges))


def first_refs(refs: Iterable[Ref]) -> tuple[Ref, ...]:
    """The first few places, each once."""
    return tuple(dict.fromkeys(refs))[:MOST_REFS]


def into(case: Case, hole: BlackHole) -> tuple[Ref, ...]:
    """The first packet into a black hole, else where the flows begin whose packets went there."""
    if hole.first_exposed_ref is not None:
        return (hole.first_exposed_ref,)
    flows = [f for f in case.peer.esp_flows if f.sender == hole.sender and f.ref is not None]
    meant = [f for f in flows if (not hole.spis or f.spi in hole.spis)]
    going = [f for f in meant if f.first_ns <= hole.stop_ns and f.last_ns >= hole.begin_ns]
    return tuple(f.ref for f in going if f.ref is not None)


def around(case: Case, start_ns: int | None, end_ns: int) -> tuple[Ref, ...]:
    """The IKE messages next to a time in which there was none."""
    before = [
        m for m in case.peer.messages if m.at_ns <= (end_ns if start_ns is None else start_ns)
    ]
    after = [m for m in case.peer.messages if m.at_ns >= end_ns]
    return tuple(m.ref for m in (*before[-1:], *after[:1]))
