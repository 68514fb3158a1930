"""What to configure to notice a dead peer in time, with the formula and its numbers.

All findings recommend with these sentences, and what-if with the function behind them: one tunnel
has one remedy, and one target, which is the budget.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

from msgspec.structs import replace

from analyzers.configs.config_lines import config_lines, profile_for
from analyzers.configs.vendors import PROFILES
from analyzers.model.black_hole import BlackHole
from analyzers.model.policy import DpdPolicy, PolicyMode
from analyzers.whatif.formula import number, worst_case_formula
from analyzers.whatif.plan import Demand
from analyzers.whatif.recommend import Recommendation, recommend, recommendable, target_s
from analyzers.whatif.timing import timing_of

# The timers of an unknown product are shown as those of this one.
_EXAMPLE: Final = "cisco-ios"
_FRAME: Final = ("config ", "edit ", "connections ", "charon ", "conn ")
_ENDS: Final = frozenset({"}", "next", "end"})


def advice(
    family: str | None,
    ike_version: int | None,
    budget_s: float,
    *,
    hold_s: float | None = None,
    mode: PolicyMode | None = None,
    lines_of: Callable[[DpdPolicy], tuple[str, ...]] | None = None,
    either: bool = False,
) -> str:
    """The cheapest setting of a product that comes to a verdict within a budget.

    `family` as `case.vendor` tells it; a product whose lines are not known gets the numbers of an
    IOS router as an example. `hold_s`: of a routing protocol over the tunnel. `lines_of` writes
    the lines where the product has several formats. `either`: one setting is for both versions.
    """
    name = None if family is None else profile_for(family, ike_version)
    known = name is not None and name in recommendable()
    if name is None or not known:
        name = profile_for(_EXAMPLE, ike_version) or _EXAMPLE
    within_s = target_s(budget_s, hold_s)
    demand = Demand(target_s=within_s, hold_s=hold_s)
    found = recommend(name, demand, mode)
    why = "--budget" if within_s <= budget_s else f"routing holds {number(hold_s or 0.0)} s"
    names = [profile_for(family or "", version) for version in (1, 2)] if either else []
    if known and names and all(each in recommendable() for each in names):
        both = [recommend(each or "", demand, mode).policy for each in names]
        said = _for_either(both, lines_of)
        return f"Configure {said}, within {number(within_s)} s ({why})."
    lines = on_one_line(found.lines if lines_of is None else lines_of(found.policy))
    if not known:
        lines = f"the equivalent of {lines} ({PROFILES[name].title})"
    timing = timing_of(found.policy)
    formula = "" if timing is None else worst_case_formula(timing)
    if not found.plan.meets_target:
        return (
            f"{PROFILES[name].title} cannot be quicker than {_worst(found)} ({formula}):"
            f" {lines}. Within {number(within_s)} s only routing or a monitor over the tunnel"
            " notices it."
        )
    return f"Configure {lines}. At worst: {formula}, within {number(within_s)} s ({why})."


def _for_either(
    policies: Sequence[DpdPolicy], lines_of: Callable[[DpdPolicy], tuple[str, ...]] | None
) -> str:
    """One interval for both IKE versions, which is the shorter one, and what it comes to in each.

    Neither verdict comes later for that: that of IKEv1 has a timer of its own.
    """
    interval_s = min(policy.interval_s or 0.0 for policy in policies)
    lines: dict[str, None] = {}
    formulas: list[str] = []
    for version, policy in enumerate(policies, start=1):
        waits_s = policy.waits_s
        later_s = (policy.interval_s or 0.0) - interval_s
        if version == 1 and later_s:
            waits_s = (later_s + sum(waits_s),)
        used = replace(policy, interval_s=interval_s, waits_s=waits_s)
        written = config_lines(used, used.profile or "") if lines_of is None else lines_of(used)
        lines.update(dict.fromkeys(written))
        timing = timing_of(used)
        if timing is not None:
            formulas.append(f"{worst_case_formula(timing)} (IKEv{version})")
    return f"{on_one_line(list(lines))}. At worst: {', '.join(formulas)}"


def with_what_it_lasted(advised: str, hole: BlackHole, budget_s: float) -> str:
    """What is advised, and where it would not have ended this black hole sooner, that."""
    if not hole.traffic_known or hole.max_seconds > budget_s:
        return advised
    return (
        f"{advised} This black hole, of {number(hole.max_seconds)} s, is within that: a smaller"
        " --budget gives timers that would have noticed it."
    )


def _worst(found: Recommendation) -> str:
    verdict = found.plan.verdict
    return "that" if verdict is None else f"{number(verdict.last_s)} s"


def on_one_line(lines: Sequence[str]) -> str:
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
