"""Which policies are compared: the device's own, and those of common products."""

from __future__ import annotations

from functools import cache
from itertools import pairwise
from typing import Final

from msgspec.structs import replace

from analyzers.configs.config_lines import config_lines, profile_for
from analyzers.configs.vendors import out_of_range, parse_policy
from analyzers.model.black_hole import BlackHole, BlackHoleClass
from analyzers.model.exchange import Outcome
from analyzers.model.peer import PeerView
from analyzers.model.policy import DpdPolicy, PolicyBasis, PolicyMode
from analyzers.model.time import seconds
from analyzers.whatif.formula import about, number, worst_case_formula
from analyzers.whatif.plan import Demand
from analyzers.whatif.recommend import (
    RIDE_OUT_S,
    recommend,
    recommendable,
    why_fragile,
)
from analyzers.whatif.recommend import target_s as recommend_target_s
from analyzers.whatif.study import Candidate
from analyzers.whatif.timing import timing_of

_SHORT: Final = {
    "cisco-ios": "IOS",
    "cisco-ios-ikev2": "IOS",
    "cisco-asa": "ASA",
    "fortios-ikev1": "FortiOS",
    "fortios-ikev2": "FortiOS",
    "strongswan-ikev1": "strongSwan",
    "strongswan-ikev2": "strongSwan",
    "libreswan-ikev1": "Libreswan",
    "libreswan-ikev2": "Libreswan",
}
SOONER: Final = "its own policy gives up sooner"
"""What the reason of a recommendation begins with that is given all the same."""
_UNCHANGED: Final = "recommended: its own"
_STATED: Final = {PolicyBasis.GIVEN: "as given", PolicyBasis.CONFIG: "as configured"}
# Where the interval is stated, and the retries are not.
_RETRIES: Final = {
    PolicyBasis.OBSERVED: "retries as seen",
    PolicyBasis.DEFAULT: "retries assumed",
}
_COMMON: Final = {
    1: (
        ("IOS periodic 10 2", "cisco-ios interval=10 retry=2 mode=periodic"),
        ("IOS on-demand 10 2", "cisco-ios interval=10 retry=2 mode=on-demand"),
        ("ASA on-idle 10 2", "cisco-asa interval=10 retry=2"),
        ("FortiGate on-demand 20×3", "fortios-ikev1 interval=20"),
        ("strongSwan on-idle 30/150", "strongswan-ikev1 interval=30 timeout=150"),
    ),
    2: (
        ("IOS periodic 10 2", "cisco-ios-ikev2 interval=10 retry=2 mode=periodic"),
        ("IOS on-demand 10 2", "cisco-ios-ikev2 interval=10 retry=2 mode=on-demand"),
        # Of the IKEv2 of the ASA no source tells the timers; the FTD has its engine.
        ("FTD on-idle 10 2", "cisco-ftd interval=10 retry=2"),
        ("FortiGate on-demand 20 s", "fortios-ikev2 interval=20"),
        ("strongSwan on-idle 30 s", "strongswan-ikev2 interval=30"),
    ),
}


@cache
def common(ike_version: int | None) -> tuple[Candidate, ...]:
    """Policies as products have them by default, or as their guides write them.

    strongSwan asks nothing by default: its 30 s are those of ipsec.conf(5).
    """
    rows = _COMMON.get(ike_version or 1, _COMMON[1])
    return tuple(Candidate(label, parse_policy(text)) for label, text in rows)


def given(text: str) -> Candidate:
    """A policy of the user's. Raises OptionError."""
    return Candidate(" ".join(text.split()), parse_policy(text))


def plain(mode: PolicyMode, interval_s: float, retry_s: float, questions: int) -> Candidate:
    """A policy of no product: `questions` in all, each waited for `retry_s`."""
    policy = DpdPolicy(
        holder="",
        profile=None,
        mode=mode,
        interval_s=interval_s,
        retry_s=retry_s,
        retries=questions - 1,
        basis=PolicyBasis.GIVEN,
        worst_case_s=interval_s + questions * retry_s,
        evidence="given",
        waits_s=(retry_s,) * questions,
    )
    retries = "1 retry" if questions == 2 else f"{questions - 1} retries"
    return Candidate(f"{mode} {interval_s:g}, {retries} × {retry_s:g}", policy)


def version_at(peer: PeerView, at_ns: int) -> int | None:
    """The IKE version in use at a time."""
    begun = [sa.ike_version for sa in peer.ike_sas if sa.first_ns <= at_ns]
    return begun[-1] if begun else None


def advised_profile(own: Candidate, product: str | None, ike_version: int | None) -> str | None:
    """The profile that a policy is recommended for: that of the device, else of its product.

    None where neither is known, or no policy is recommended for it.
    """
    name = own.policy.profile
    return name if name in recommendable() else profile_for(product or "", ike_version)


def recommended(
    hole: BlackHole,
    vendor: str | None,
    ike_version: int | None,
    *,
    target_s: float | None,
    budget_s: float,
    hold_s: float | None = None,
    mode: PolicyMode | None = None,
    ride_out_s: float = RIDE_OUT_S,
    in_force: Candidate | None = None,
) -> Candidate:
    """The cheapest policy that would have noticed in time.

    In time is `target_s`, without one what follows from `budget_s`, as for the findings.
    `vendor`: a profile; None where the product of the sender is not known.
    `in_force`: what the sender does; where that is as soon, and as sturdy, it is recommended to
    leave it alone.
    """
    every_s = None
    if hole.max_packets > 1:
        every_s = round(hole.max_seconds / (hole.max_packets - 1), 3) or None
    chosen: tuple[str, ...] = ()
    if target_s is None:
        target_s = recommend_target_s(budget_s, hold_s)
        chosen = (_target_said(hole, target_s, budget_s, hold_s),)
    is_guess = vendor is None
    if vendor is None:
        chosen = (
            "the product of the sender is not known: the numbers are those of Cisco IOS",
            *chosen,
        )
        vendor = "cisco-ios" if ike_version == 1 else "cisco-ios-ikev2"
    demand = Demand(every_s=every_s, target_s=target_s, hold_s=hold_s)
    found = recommend(vendor, demand, mode, ride_out_s=ride_out_s)
    set_s = f"{number(found.policy.interval_s or 0.0)} {number(found.policy.retry_s or 0.0)}"
    rank = "cheapest in time" if found.met else "the nearest it comes"
    advised = Candidate(
        f"recommended: {_SHORT.get(vendor, vendor)} {found.policy.mode} {set_s}",
        found.policy,
        why=(f"{rank}: {found.brief}", *chosen, *found.why),
        lines=found.lines,
        met=found.met,
    )
    # What a product is told is told to that one alone.
    told = None if is_guess else vendor
    return _beside_own(advised, in_force, demand, ride_out_s, chosen, told)


def _target_said(hole: BlackHole, target_s: float, budget_s: float, hold_s: float | None) -> str:
    """The target and why it is that."""
    said = f"target {number(target_s)} s: the budget (--budget)"
    if target_s > budget_s and hold_s is not None:
        said = f"target {number(target_s)} s: 1.5 × the hold time of {number(hold_s)} s"
    if hole.traffic_known and hole.max_seconds <= target_s:
        lasted = number(round(hole.max_seconds, 1))
        said += (
            f"; this black hole, of {lasted} s, is within it: what is to be noticed sooner needs a"
            " smaller one"
        )
    return said


def _beside_own(
    advised: Candidate,
    in_force: Candidate | None,
    demand: Demand,
    ride_out_s: float,
    chosen: tuple[str, ...],
    vendor: str | None,
) -> Candidate:
    """The recommendation, or what the sender has where that is as soon, and as sturdy.

    `chosen`: why the target is what it is; `vendor`: its product, where that is known.
    """
    has = None if in_force is None else in_force.timing
    takes = advised.timing
    own_verdict = None if has is None else has.verdict(demand.every_s)
    verdict = None if takes is None else takes.verdict(demand.every_s)
    if in_force is None or has is None or own_verdict is None or takes is None or verdict is None:
        return advised
    refused = out_of_range(in_force.policy) if in_force.policy.basis in _STATED else ()
    if refused:
        return replace(advised, why=(f"its own cannot be set: {refused[0]}", *advised.why))
    target_s = demand.target_s or 0.0
    in_time = own_verdict.last_s <= target_s + 1e-9
    told = in_force.told or has
    formula = worst_case_formula(told, demand.every_s)
    enough = f"what it has is in time, too: {formula} <= {number(target_s)} s"
    gain_s = round(verdict.last_s - own_verdict.last_s, 1)
    if gain_s < 0:
        more = f"{enough}; to change it would save questions, not packets"
        return replace(advised, why=(more, *advised.why)) if in_time else advised
    fragile = why_fragile(has, ride_out_s)
    if fragile:
        sooner = f"{SOONER}, by {number(gain_s)} s, but {fragile}"
        return replace(advised, why=(sooner, *advised.why))
    if not in_time:
        enough = f"nothing sooner was found than what it has: {formula}"
    other = advised.label.removeprefix("recommended: ")
    than = f"{other} would give up {number(gain_s)} s later"
    fewer = told.questions_per_hour - takes.questions_per_hour
    if fewer > 0:
        than += f", and ask about {about(fewer)} times an hour less"
    return Candidate(
        _UNCHANGED,
        in_force.policy,
        why=(f"{enough}; {than}", *chosen),
        lines=() if vendor is None else config_lines(in_force.policy, vendor),
        met=in_time,
        own=in_force.own,
    )


def own(peer: PeerView, hole: BlackHole) -> Candidate:
    """What the sender of a black hole does: stated, else as its questions show it."""
    mine = [p for p in peer.policies if p.holder == hole.sender]
    for policy in (p for basis in _STATED for p in mine if p.basis is basis):
        if timing_of(policy) is not None:
            said = _STATED[policy.basis]
            if policy.retry_basis is not None:
                said = _RETRIES.get(policy.retry_basis, said)
            return Candidate(f"its own, {said}", policy, own=True)
    seen = next((p for p in mine if p.basis is PolicyBasis.OBSERVED), None)
    if seen is not None and timing_of(seen) is not None:
        return Candidate("its own, as observed", seen, own=True)
    asked = _as_asked(peer, hole)
    if asked is not None and not hole.traffic_known:
        # A log does not show the last packet of the peer: how long it waited is not known.
        unknown = replace(asked, interval_s=None, worst_case_s=None)
        return Candidate("its own: interval unknown", unknown, own=True)
    if asked is not None:
        return Candidate("its own, as it asked", asked, own=True)
    if hole.black_hole_class is BlackHoleClass.DATA_PLANE:
        return Candidate("its own: answered", _never(hole), own=True)
    if seen is not None:
        # It asks: when it would have given the peer up, no question of it shows.
        untold = "interval" if seen.interval_s is None else "retries"
        return Candidate(f"its own: {untold} unknown", seen, own=True)
    return Candidate("its own: never asked", _never(hole), own=True)


def _as_asked(peer: PeerView, hole: BlackHole) -> DpdPolicy | None:
    """The policy that one unanswered exchange shows: when it was asked, and given up."""
    if hole.first_probe_ns is None or hole.last_proof_ns is None or hole.dead_ns is None:
        return None
    interval_s = seconds(hole.first_probe_ns - hole.last_proof_ns)
    sent = []
    for x in peer.whole.exchanges:
        if x.prober != hole.sender or x.outcome is Outcome.ANSWERED:
            continue
        within = [
            t.at_ns for t in x.transmissions if hole.first_probe_ns <= t.at_ns <= hole.dead_ns
        ]
        if within and (x.first_missing or x.first_ns < hole.first_probe_ns):
            return None  # it is asked again there: what it waited before it asked is not shown
        sent += within
    if not sent and peer.whole.exchanges:
        return None  # a request of another purpose found the peer dead
    times = [*(sent or [hole.first_probe_ns]), hole.dead_ns]
    waits_s = tuple(seconds(later - sooner) for sooner, later in pairwise(times))
    if interval_s <= 0 or sum(waits_s) <= 0:
        return None
    if hole.dead_basis != "log" and len(waits_s) > 1:
        # Where the input ends, the last wait is longer than can be seen.
        waits_s = (*waits_s[:-1], max(waits_s[-2:]))
    return DpdPolicy(
        holder=hole.sender,
        profile=None,
        mode=PolicyMode.UNKNOWN,
        interval_s=interval_s,
        retry_s=waits_s[0],
        retries=len(waits_s) - 1,
        basis=PolicyBasis.OBSERVED,
        worst_case_s=round(interval_s + sum(waits_s), 3),
        evidence="the questions of this black hole",
        waits_s=waits_s,
    )


def _never(hole: BlackHole) -> DpdPolicy:
    return DpdPolicy(
        holder=hole.sender,
        profile=None,
        mode=PolicyMode.DISABLED,
        interval_s=None,
        retry_s=None,
        retries=None,
        basis=PolicyBasis.OBSERVED,
        worst_case_s=None,
        evidence="no question of it was seen in this black hole",
    )
