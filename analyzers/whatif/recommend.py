"""The cheapest policy of a product that notices a dead peer in time, and why it is that one.

It must survive a short outage and ordinary loss, for a verdict on a live peer costs more than a
question, and notice a peer that nobody writes to. Cheapest is what asks least then. Rules, lint and
what-if all recommend with these functions, so that one tunnel has one remedy.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from functools import lru_cache
from typing import Final

from msgspec import Struct
from msgspec.structs import replace

from analyzers.configs.config_lines import config_lines
from analyzers.configs.profiles import Timers, VendorProfile
from analyzers.configs.vendors import PROFILES
from analyzers.model.policy import DpdPolicy, PolicyBasis, PolicyMode
from analyzers.whatif.formula import (
    asks,
    chance,
    false_death_formula,
    load_formula,
    number,
    worst_case_formula,
)
from analyzers.whatif.plan import Demand, Plan, plan
from analyzers.whatif.timing import Timing, Trigger, false_death, timing_of

RIDE_OUT_S: Final = 10.0
"""An outage this long, and not yet seen when the first question is sent, must not cost the SA."""
LIKELIEST_FALSE_DEATH: Final = 0.001
AT_LOSS: Final = 0.05

_BACKSTOP: Final = 1.5
"""Hold times of routing that DPD may take: time for the protocol to move the traffic first."""

_CISCO: Final = (PolicyMode.PERIODIC, PolicyMode.ON_DEMAND)
_MODES: Final = {
    "cisco-ios": _CISCO,
    "cisco-ios-ikev2": _CISCO,
    "cisco-asa": (PolicyMode.ON_IDLE,),
    "fortios-ikev1": (PolicyMode.ON_IDLE, PolicyMode.ON_DEMAND),
    "fortios-ikev2": (PolicyMode.ON_IDLE, PolicyMode.ON_DEMAND),
    "strongswan-ikev1": (PolicyMode.ON_IDLE,),
    "strongswan-ikev2": (PolicyMode.ON_IDLE,),
    "libreswan-ikev1": (PolicyMode.ON_IDLE,),
    "libreswan-ikev2": (PolicyMode.ON_IDLE,),
}
_LONGEST_S: Final = 3600
_NEEDS_TRAFFIC: Final = frozenset({Trigger.ON_DEMAND, Trigger.EACH_INTERVAL, Trigger.FREE_RUNNING})
# strongSwan: its default schedule, and steps of the first gap down to a tenth of a second.
_CHARON_STEPS: Final = 40
_CHARON_TRIES: Final = 4
# Libreswan: where its doubled gaps can end.
_PLUTO_TIMEOUTS_S: Final = (8.0, 16.0, 32.0, 64.0, 128.0)


class Recommendation(Struct, frozen=True):
    """A policy with its plan, its lines, and the numbers that speak for it."""

    policy: DpdPolicy
    plan: Plan
    why: tuple[str, ...]
    brief: str
    """`why` in one line."""
    lines: tuple[str, ...]
    met: bool
    """False: the product cannot meet the demand; this is the nearest it comes."""


# Findings of many peers ask for the same few.
_MOST_DEMANDS: Final = 256


def recommendable() -> tuple[str, ...]:
    """Profiles that a policy is recommended for."""
    return tuple(_MODES)


def target_s(budget_s: float, hold_s: float | None = None) -> float:
    """Within which a peer that is gone is to be given up, where nobody says more than a budget.

    Beside a routing protocol over the tunnel DPD is the backstop, and takes longer than that.
    """
    return budget_s if hold_s is None else max(budget_s, float(math.ceil(_BACKSTOP * hold_s)))


@lru_cache(maxsize=_MOST_DEMANDS)
def recommend(
    vendor: str, demand: Demand, mode: PolicyMode | None = None, *, ride_out_s: float = RIDE_OUT_S
) -> Recommendation:
    """The cheapest policy of a profile that meets `demand.target_s`.

    Raises ValueError for a profile that is not `recommendable`, and without a target.
    """
    if vendor not in _MODES or demand.target_s is None:
        raise ValueError("a recommendation is for a known product and a target")
    profile = PROFILES[vendor]
    modes = [m for m in _MODES[vendor] if mode in (None, m)] or list(_MODES[vendor])
    found = [
        (policy, timing, plan(timing, replace(demand, peers=1), with_fleet=False))
        for chosen in modes
        for timers in _choices(profile, chosen, demand, ride_out_s)
        for policy in [_policy(profile, timers, chosen)]
        for timing in [timing_of(policy)]
        if timing is not None
    ]
    policy, timing, _ = min(found, key=lambda choice: _rank(choice[1], choice[2], ride_out_s))
    made = plan(timing, demand)
    return Recommendation(
        policy=policy,
        plan=made,
        why=_why(timing, demand, ride_out_s),
        brief=brief(timing, demand),
        lines=config_lines(policy, vendor),
        met=bool(made.meets_target) and _is_sturdy(timing, ride_out_s),
    )


def _policy(profile: VendorProfile, timers: Timers, mode: PolicyMode) -> DpdPolicy:
    return profile.policy(timers, "recommended", basis=PolicyBasis.DEFAULT, mode=mode)


def _choices(
    profile: VendorProfile, mode: PolicyMode, demand: Demand, ride_out_s: float
) -> Iterator[Timers]:
    """Settings with the longest interval that leaves time for the retries, one for each retry."""
    target_s = demand.target_s or 0.0
    pause_s = demand.every_s or 0.0 if mode is PolicyMode.ON_DEMAND else 0.0
    default = profile.defaults
    match profile.name:
        case "cisco-ios" | "cisco-ios-ikev2" | "cisco-asa":
            messages, most = (4, 10) if profile.name == "cisco-asa" else (5, 60)
            for retry_s in range(2, most + 1):
                room_s = math.floor(target_s - pause_s - messages * retry_s + 1e-9)
                interval_s = float(min(max(room_s, 10), _LONGEST_S))
                yield Timers(interval_s=interval_s, retry_s=retry_s, retries=default.retries)
        case "fortios-ikev1":
            for count in range(3, 11):
                room_s = math.floor(target_s / (count + 1) + 1e-9)
                if mode is PolicyMode.ON_DEMAND and pause_s > room_s:
                    room_s = math.floor((target_s - pause_s) / (count + 1) + 1e-9)
                yield Timers(interval_s=float(max(1, min(room_s, _LONGEST_S))), retries=count)
        case "fortios-ikev2":
            fixed_s = sum(profile.waits_s(default) or ())
            room_s = math.floor(target_s - pause_s - fixed_s)
            yield replace(default, interval_s=float(max(5, min(room_s, _LONGEST_S))))
        case "strongswan-ikev1":
            # The questions come every delay until the timeout: three of them at least.
            for questions in range(3, 11):
                interval_s = math.floor(target_s / (questions + 1) + 1e-9)
                timeout_s = float(max(2, math.floor(target_s + 1e-9)))
                yield Timers(interval_s=float(max(1, interval_s)), timeout_s=timeout_s)
        case "libreswan-ikev1":
            # The timeout runs from the first question, and three must come before its end.
            for questions in range(3, 11):
                interval_s = float(max(1, math.floor(target_s / (questions + 1) + 1e-9)))
                timeout_s = float(max(interval_s, math.floor(target_s - interval_s + 1e-9)))
                yield Timers(interval_s=interval_s, timeout_s=timeout_s)
        case "libreswan-ikev2":
            for timeout_s in _PLUTO_TIMEOUTS_S:
                room_s = math.floor(target_s - timeout_s - profile.slack_s)
                interval_s = float(max(1, min(room_s, _LONGEST_S)))
                yield replace(default, interval_s=interval_s, timeout_s=timeout_s)
        case _:
            yield replace(default, interval_s=_charon_delay_s(profile, default, target_s))
            grown = sum(default.backoff**k for k in range(_CHARON_TRIES + 1))
            first_s = math.ceil(ride_out_s / grown * 100) / 100
            for step in range(_CHARON_STEPS):
                tried = replace(
                    default, retry_s=round(first_s + step / 10, 2), retries=_CHARON_TRIES
                )
                yield replace(tried, interval_s=_charon_delay_s(profile, tried, target_s))


def _charon_delay_s(profile: VendorProfile, timers: Timers, target_s: float) -> float:
    total_s = sum(profile.waits_s(timers) or ())
    return float(max(1, min(math.floor(target_s - total_s), _LONGEST_S)))


def _is_sturdy(timing: Timing, ride_out_s: float) -> bool:
    """Whether ordinary loss and a short outage leave a live peer alone."""
    return not why_fragile(timing, ride_out_s)


def why_fragile(timing: Timing, ride_out_s: float) -> str:
    """What would have a live peer given up; empty where ordinary loss and an outage do not."""
    if timing.probing_s < ride_out_s - 1e-9:
        return (
            f"an outage of {number(ride_out_s)} s outlasts its {number(timing.probing_s)} s of"
            " retries"
        )
    if (1 - (1 - AT_LOSS) ** 2) ** len(timing.waits_s) > LIKELIEST_FALSE_DEATH:
        return f"at {AT_LOSS:.0%} loss it gives up a live peer with a chance of {_chance(timing)}"
    return ""


def _rank(timing: Timing, made: Plan, ride_out_s: float) -> tuple[float, ...]:
    """Smaller is better: what is demanded first, then the cost."""
    late_s = 0.0
    if not made.meets_target:
        late_s = math.inf if made.verdict is None else made.verdict.last_s
    fragile = not _is_sturdy(timing, ride_out_s)
    routing = made.routing
    broken = 0 if routing is None else 2 - routing.backstop - routing.routing_first
    # A mode that asks only where there is traffic never notices a peer nobody writes to.
    blind = timing.trigger in _NEEDS_TRAFFIC
    return (
        late_s,
        fragile,
        broken,
        blind,
        made.hub.amid_traffic,
        made.hub.at_most,
        -timing.probing_s,
    )


def _why(timing: Timing, demand: Demand, ride_out_s: float) -> tuple[str, ...]:
    verdict = timing.verdict(demand.every_s)
    target_s = demand.target_s or 0.0
    found = []
    if verdict is not None:
        sign = "<=" if verdict.last_s <= target_s + 1e-9 else ">"
        formula = worst_case_formula(timing, demand.every_s)
        found.append(f"worst case {formula} {sign} {number(target_s)} s")
    found.append(f"a false verdict at {AT_LOSS:.0%} loss: {_chance(timing)}")
    outage = f"{number(timing.probing_s)} s of retries"
    sign = ">=" if timing.probing_s >= ride_out_s - 1e-9 else "<"
    found.append(f"an outage during the questions: {outage} {sign} {number(ride_out_s)} s")
    load = load_formula(demand.peers, timing.interval_s, both_ends=demand.both_ends_ask)
    found.append(f"load at most {load}")
    if demand.hold_s is not None and verdict is not None:
        sign = ">" if verdict.last_s > demand.hold_s else "<="
        found.append(
            f"backstop of routing: {number(verdict.last_s)} s {sign} hold time"
            f" {number(demand.hold_s)} s"
        )
    if timing.trigger in _NEEDS_TRAFFIC:
        found.append("asks only with packets to send: a peer nobody writes to is noticed at rekey")
    return tuple(found)


def brief(timing: Timing, demand: Demand) -> str:
    """The numbers of a policy that decide: "20 s <= 21 s, 360 asks/h, false deaths 9e-6 …"."""
    verdict = timing.verdict(demand.every_s)
    parts = [f"{asks(timing)} asks/h"]
    if verdict is not None and demand.target_s is not None:
        sign = "<=" if verdict.last_s <= demand.target_s + 1e-9 else ">"
        parts.insert(0, f"{number(verdict.last_s)} s {sign} {number(demand.target_s)} s")
    deaths = chance(false_death(len(timing.waits_s), AT_LOSS))
    return ", ".join([*parts, f"false deaths {deaths} at {AT_LOSS:.0%} loss"])


def _chance(timing: Timing) -> str:
    return false_death_formula(len(timing.waits_s), AT_LOSS)
