"""Which policies are compared: the device's own, and those of common products."""

from __future__ import annotations

from itertools import pairwise
from typing import Final

from analyzers.configs.vendors import parse_policy
from analyzers.model.black_hole import BlackHole, BlackHoleClass
from analyzers.model.exchange import Outcome
from analyzers.model.peer import PeerView
from analyzers.model.policy import DpdPolicy, PolicyBasis, PolicyMode
from analyzers.model.time import seconds
from analyzers.whatif.study import Candidate
from analyzers.whatif.timing import timing_of

_STATED: Final = (PolicyBasis.GIVEN, PolicyBasis.CONFIG)
_COMMON: Final = {
    1: (
        ("IOS periodic 10 2", "cisco-ios interval=10 retry=2 mode=periodic"),
        ("IOS on-demand 10 2", "cisco-ios interval=10 retry=2 mode=on-demand"),
        ("ASA 10 2", "cisco-asa interval=10 retry=2"),
        ("FortiGate 20×3", "fortios-ikev1 interval=20 retries=3"),
        ("strongSwan 30 s, 150 s", "strongswan-ikev1 interval=30 timeout=150"),
    ),
    2: (
        ("IOS periodic 10 2", "cisco-ios-ikev2 interval=10 retry=2 mode=periodic"),
        ("IOS on-demand 10 2", "cisco-ios-ikev2 interval=10 retry=2 mode=on-demand"),
        ("ASA 10 2", "cisco-asa interval=10 retry=2"),
        ("FortiGate 20 s", "fortios-ikev2 interval=20"),
        ("strongSwan 30 s", "strongswan-ikev2 interval=30"),
    ),
}


def common(ike_version: int | None) -> list[Candidate]:
    """Policies as products have them by default, or as their guides write them."""
    rows = _COMMON.get(ike_version or 1, _COMMON[1])
    return [Candidate(label, parse_policy(text)) for label, text in rows]


def given(text: str) -> Candidate:
    """A policy of the user's. Raises OptionError."""
    return Candidate(" ".join(text.split()), parse_policy(text))


def own(peer: PeerView, hole: BlackHole) -> Candidate:
    """What the sender of a black hole does: stated, else as its questions show it."""
    mine = [p for p in peer.policies if p.holder == hole.sender]
    for policy in (p for basis in _STATED for p in mine if p.basis is basis):
        if timing_of(policy) is not None:
            said = "as given" if policy.basis is PolicyBasis.GIVEN else "as configured"
            return Candidate(f"its own, {said}", policy, own=True)
    seen = next((p for p in mine if p.basis is PolicyBasis.OBSERVED), None)
    if seen is not None and timing_of(seen) is not None:
        return Candidate("its own, as observed", seen, own=True)
    asked = _as_asked(peer, hole)
    if asked is not None:
        return Candidate("its own, as it asked", asked, own=True)
    answered = hole.black_hole_class is BlackHoleClass.DATA_PLANE
    said = "its own: answered" if answered else "its own: never asked"
    return Candidate(said, _never(hole), own=True)


def _as_asked(peer: PeerView, hole: BlackHole) -> DpdPolicy | None:
    """The policy that one unanswered exchange shows: when it was asked, and given up."""
    if hole.first_probe_ns is None or hole.last_proof_ns is None or hole.dead_ns is None:
        return None
    interval_s = seconds(hole.first_probe_ns - hole.last_proof_ns)
    sent = [
        t.at_ns
        for x in peer.exchanges
        if x.prober == hole.sender and x.outcome is not Outcome.ANSWERED
        for t in x.transmissions
        if hole.first_probe_ns <= t.at_ns <= hole.dead_ns
    ]
    times = [*(sent or [hole.first_probe_ns]), hole.dead_ns]
    waits_s = tuple(seconds(later - sooner) for sooner, later in pairwise(times))
    if interval_s <= 0 or sum(waits_s) <= 0:
        return None
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
