"""Words and measures of simulated policies: the same on pages and in the console."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import median_low
from typing import Final

from msgspec import Struct

from analyzers.configs.config_lines import mode_instead
from analyzers.configs.vendors import PROFILES
from analyzers.export import words
from analyzers.export.formatting import (
    Severity,
    black_hole_bounds,
    byte_count,
    duration_s,
    holes_seconds,
)
from analyzers.export.story import NOTHING_BACK
from analyzers.model.black_hole import BlackHole, StopBasis
from analyzers.model.policy import DpdPolicy
from analyzers.model.time import LONG_S
from analyzers.whatif.formula import number, rate
from analyzers.whatif.study import Result, Study
from analyzers.whatif.timing import Timing

UNENDING: Final = "no end"
AT_LEAST: Final = "+ at least: the window is longer than what was observed"
BETTER: Final = "its own policy is better"
_ALIKE_S: Final = 0.05
"""Differences that nobody cares for, s."""
_LIKELY: Final = 1e-4
_MUCH_LONGER: Final = 2
"""Bars that are so many times longer than half of them have no room for all they stand for."""


_ENDLESS_S: Final = 1000
"""Seconds from which nobody counts in seconds."""
_HOUR_S: Final = 3600


def tenths(seconds: float, *, minutes: bool = False) -> str:
    """Seconds below one another; much longer ones in as few cells: "17 min", "4.4 h".

    `minutes`: beside others that are told in minutes, from where these are: "28 min 53 s".
    """
    if abs(seconds) < (LONG_S if minutes else _ENDLESS_S):
        return f"{seconds:.1f} s"
    if minutes:
        return duration_s(seconds)
    if abs(seconds) < 2 * _HOUR_S:
        return f"{seconds / 60:.0f} min"
    return f"{seconds / _HOUR_S:.1f} h"


def chance_severity(value: float) -> Severity:
    """Whether live peers are given up so often that it matters."""
    return Severity.WARN if value > _LIKELY else Severity.MUTE


def loss_title(loss: float) -> str:
    """A packet loss as the title of a column: "0.1%", "5%"."""
    return f"{loss:.1%}".replace(".0%", "%")


ARRIVES: Final = f"what was sent arrived, and {NOTHING_BACK}: how long that lasts"


def bare_rate(per_second: float) -> str:
    """A number of messages a second, or of questions an hour, without its unit."""
    return rate(per_second).removesuffix(" messages/s")


def mode_note(policy: DpdPolicy, product: str = "") -> str:
    """That nothing on its product, or on this one, sets the mode of a policy; else empty.

    What can be typed there has other numbers than the policy.
    """
    vendor = policy.profile or product
    instead = mode_instead(policy, vendor)
    if instead is None:
        return ""
    return f"nothing on {PROFILES[vendor].title} sets mode {policy.mode}: there it is {instead}"


def worst_case(timing: Timing) -> str:
    """The worst case with traffic to send, as numbers: "10 + 5 × 2 = 20 s"."""
    verdict = timing.verdict()
    if verdict is None:
        return "never asks"
    waits = timing.waits_s
    lead = verdict.last_s - timing.probing_s
    if max(waits) - min(waits) < _ALIKE_S:
        return f"{number(lead)} + {len(waits)} × {number(waits[0])} = {number(verdict.last_s)} s"
    return f"{number(lead)} + {number(timing.probing_s)} = {number(verdict.last_s)} s"


def observed(hole: BlackHole, fate: str = "") -> str:
    """What a black hole cost: "14.7 to 19.8 s, 73 to 98 packets (12 kB)"; `fate` of packets."""
    if hole.traffic_known:
        size = f" ({byte_count(hole.max_bytes)})" if hole.bytes_known else ""
        return f"{black_hole_bounds(hole, fate)}{size}"
    bounds = holes_seconds([hole])
    return f"{bounds}; {words.untold(hole)}"


def is_nothing(text: str) -> bool:
    """Whether a number is written as one that is 0: "-0.0 s"."""
    return text.strip("-0. s") == ""


# --- bars -----------------------------------------------------------------------------------


class Bar(Struct, frozen=True):
    """The cells of a bar: those that are sure, then those that are possible."""

    sure: int
    maybe: int
    unending: bool = False
    """It goes on past its last cell."""


class Scale(Struct, frozen=True):
    """Bars that can be compared: so many cells stand for so many seconds."""

    longest_s: float
    cells: int

    def bar(self, least_s: float, most_s: float | None) -> Bar:
        """A time that is at least, and at most; None: it has no end."""
        if most_s is None:
            return Bar(max(self.cells - 1, 0), 0, unending=True)
        if most_s > self.longest_s > 0:
            sure = min(self._cells(least_s), max(self.cells - 1, 0))
            return Bar(sure, max(self.cells - 1 - sure, 0), unending=True)
        sure = self._cells(least_s)
        return Bar(sure, max(self._cells(most_s) - sure, 0))

    def _cells(self, seconds: float) -> int:
        if self.longest_s <= 0:
            return 0
        return max(round(seconds / self.longest_s * self.cells), 1 if seconds > 0 else 0)


def longest_s(study: Study) -> float:
    """What the longest bar of a black hole stands for, observed or under a policy."""
    lengths = [r.left.worst.seconds for r in study.results if r.left is not None]
    known = [study.hole.max_seconds] if comparable(study) else []
    return longest_of([*known, *(length_s for length_s in lengths if length_s is not None)])


def longest_of(lengths_s: Sequence[float]) -> float:
    """What the longest of such bars stands for; 0 without any.

    Not for hours, beside which no others could be told apart: their bars go on past the end.
    """
    if not lengths_s:
        return 0.0
    most_s = _MUCH_LONGER * median_low(lengths_s)
    return max(length_s for length_s in lengths_s if length_s <= most_s)


def comparable(study: Study) -> bool:
    """Whether the observed window is more than a mere bound."""
    return all(result.comparable for result in study.results)


def window_severity(hole: BlackHole, result: Result) -> Severity:
    """Whether a policy is better than what was observed, or worse."""
    if not result.comparable or result.left is None:
        return Severity.NOTE
    lasted_s = result.left.worst.seconds
    if lasted_s is None or lasted_s > hole.max_seconds + _ALIKE_S:
        return Severity.BAD
    return Severity.GOOD if lasted_s < hole.max_seconds - _ALIKE_S else Severity.WARN


def lasting(hole: BlackHole, seconds: float) -> str:
    """How long it would have lasted, as it is told how long it did."""
    return tenths(seconds, minutes=in_minutes(hole))


def in_minutes(hole: BlackHole) -> bool:
    """Whether a black hole is told in minutes, and so what policies would have left of it."""
    return hole.max_seconds >= LONG_S


def against_own(own: Result | None, other: Result) -> str:
    """That the own policy of the sender would have left less, where it would have."""
    if own is None or own.left is None or other.left is None:
        return ""
    own_s, other_s = own.left.worst.seconds, other.left.worst.seconds
    if own_s is None:
        return ""
    if other_s is None:
        return f"{BETTER}: this one would not have ended it"
    gain_s = other_s - own_s
    return f"{BETTER} by {tenths(gain_s)}" if gain_s > _ALIKE_S else ""


def against_observed(hole: BlackHole, result: Result) -> str:
    """That it leaves more than was observed, and why that need not be worse."""
    saved_s = result.saved(hole).seconds
    if saved_s is None or saved_s > -_ALIKE_S:
        return ""
    more = f"leaves {lasting(hole, -saved_s)} more than was observed"
    if hole.stop_basis is StopBasis.CAPTURE_END:
        return f"{more}: the input ends before that"
    return f"{more}: saves nothing"
