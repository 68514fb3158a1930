"""What rules of all families say alike: one finding for many occurrences of one thing."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import islice
from typing import Final

from analyzers.configs.durations import spoken_s
from analyzers.model.exchange import ExchangeKind
from analyzers.model.records import Confidence, Ref
from analyzers.model.sa import IkeSa
from analyzers.model.time import LONG_S, NS_PER_SECOND, long_duration, seconds

MOST_REFS: Final = 20
_WEAKNESS: Final = {Confidence.CERTAIN: 0, Confidence.INFERRED: 1, Confidence.SUSPECT: 2}


def few(refs: Iterable[Ref]) -> tuple[Ref, ...]:
    """The first places of many, each once."""
    return tuple(islice(dict.fromkeys(refs), MOST_REFS))


def times(count: int) -> str:
    """How often, for people."""
    return "once" if count == 1 else f"{count:,} times"


def weakest(parts: Iterable[Confidence]) -> Confidence:
    """The confidence of what rests on all of its parts; certain where there are none."""
    return max(parts, key=_WEAKNESS.__getitem__, default=Confidence.CERTAIN)


def spoken_ns(duration_ns: int) -> str:
    """A duration for people: "0.016 s", "12.3 s", "28 min 43 s"."""
    if abs(duration_ns) >= LONG_S * NS_PER_SECOND and duration_ns > 0:
        return long_duration(round(seconds(duration_ns)))
    digits = 1 if abs(duration_ns) >= 10 * NS_PER_SECOND else 3
    return spoken_s(round(seconds(duration_ns), digits))


def question_name(kind: ExchangeKind) -> str:
    """What a question is called in its protocol."""
    return "R-U-THERE" if kind is ExchangeKind.DPD else "liveness request"


def sa_name(sa: IkeSa) -> str:
    """An IKE SA as reports name it: "IKE SA a41ac1a6…"; logs need not tell its SPI."""
    return f"IKE SA {sa.initiator_spi[:8]}…" if sa.initiator_spi else "the IKE SA"
