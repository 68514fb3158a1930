"""What to configure to notice a dead peer in time, with the formula and its numbers."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Final

from analyzers.configs.config_lines import profile_for
from analyzers.configs.vendors import PROFILES
from analyzers.model.black_hole import BlackHole
from analyzers.rules.timers.evidence import spoken
from analyzers.whatif.formula import worst_case_formula
from analyzers.whatif.plan import Demand
from analyzers.whatif.recommend import Recommendation, recommend, recommendable
from analyzers.whatif.timing import timing_of

# The timers of an unknown product are shown as those of this one.
_EXAMPLE: Final = "cisco-ios"
# With common settings few products are quicker.
_SOONEST_S: Final = 20.0
_FRAME: Final = ("config ", "edit ", "connections ", "charon ")
_ENDS: Final = frozenset({"}", "next", "end"})


def in_time_s(hole: BlackHole, budget_s: float) -> float:
    """Within which a policy would have helped: half of what it took, if products can do that."""
    return min(budget_s, max(_SOONEST_S, float(math.ceil(hole.max_seconds / 2))))


def advice(family: str | None, ike_version: int | None, within_s: float) -> str:
    """The cheapest setting of a product that comes to a verdict within a time.

    `family` as `case.vendor` tells it. A product whose lines are not known gets the numbers of an
    IOS router as an example.
    """
    name = None if family is None else profile_for(family, ike_version)
    known = name is not None and name in recommendable()
    if name is None or not known:
        name = profile_for(_EXAMPLE, ike_version) or _EXAMPLE
    found = recommend(name, Demand(target_s=within_s))
    lines = _lines(found.lines)
    if not known:
        lines = f"the equivalent of {lines} ({PROFILES[name].title})"
    timing = timing_of(found.policy)
    formula = "" if timing is None else worst_case_formula(timing)
    if not found.plan.meets_target:
        return (
            f"{PROFILES[name].title} cannot be quicker than {_worst(found)} ({formula}):"
            f" {lines}. Within {spoken(within_s)} only routing or a monitor over the tunnel notices"
            " it."
        )
    return f"Configure {lines}. At worst: {formula}, within {spoken(within_s)}."


def _worst(found: Recommendation) -> str:
    verdict = found.plan.verdict
    return "that" if verdict is None else spoken(verdict.last_s)


def _lines(lines: Sequence[str]) -> str:
    """Lines of a configuration in a sentence: what frames them is left out."""
    said: list[str] = []
    lead = ""
    for line in (each.strip() for each in lines):
        if line in _ENDS or line.endswith("{") or line.startswith(_FRAME):
            continue
        if line.startswith("#"):
            lead = f"and in {line.removeprefix('#').strip()}: "
            continue
        said.append(f"{lead}{line}")
        lead = ""
    return ", ".join(said)
