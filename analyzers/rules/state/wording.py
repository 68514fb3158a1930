"""What several rules of this family say in the same words."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from analyzers.model.records import Confidence
from analyzers.model.time import seconds

MOST_REFS: Final = 20
_RANK: Final = (Confidence.CERTAIN, Confidence.INFERRED, Confidence.SUSPECT)
_MINUTES_FROM_S: Final = 600.0


def weakest(confidences: Iterable[Confidence]) -> Confidence:
    """The confidence of what rests on all of these."""
    return max(confidences, key=_RANK.index, default=Confidence.CERTAIN)


def lasted(duration_ns: int) -> str:
    """A duration for people: "12.3 s", "15 min"."""
    length_s = seconds(duration_ns)
    return f"{length_s / 60:,.0f} min" if length_s >= _MINUTES_FROM_S else f"{length_s:,.1f} s"


def times(count: int) -> str:
    """How often, for people: "once", "3 times"."""
    return "once" if count == 1 else f"{count} times"
