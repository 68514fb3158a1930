"""What the editing of a policy begins with: what is known best of who sent into a black hole."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from msgspec import Struct

from analyzers.configs.config_lines import as_set_on, profile_for
from analyzers.configs.vendors import PROFILES
from analyzers.model.black_hole import BlackHole
from analyzers.model.peer import PeerView
from analyzers.model.policy import DpdPolicy, PolicyBasis, PolicyMode, by_precedence
from analyzers.whatif import candidates
from analyzers.whatif.timing import timing_of
from dpdlab.present.draft import Draft, draft_of

_STATED: Final = {
    PolicyBasis.GIVEN: "the policy that was given for",
    PolicyBasis.CONFIG: "what is configured at",
    PolicyBasis.DEFAULT: "what the product does by itself at",
}
_NEAR_S: Final = 1.0
"""Fields whose worst case is this near to what was observed stand for it."""


class Start(Struct, frozen=True):
    """A policy to begin with, and what it is, in a few words."""

    draft: Draft
    whence: str


def starting_policy(
    peer: PeerView | None, product_at: Callable[[PeerView, str], str | None]
) -> Start:
    """What is stated for the sender, else observed, else usual on its product, else usual at all.

    `product_at`: the family of the product at an address of the peer.
    """
    if peer is None:
        return _usual(None, None, "no peer")
    hole = max(peer.black_holes, key=lambda one: one.max_seconds, default=None)
    sender = peer.local if hole is None else hole.sender
    version = _version(peer, hole)
    product = product_at(peer, sender)
    for policy in _known(peer, hole, sender):
        start = _start_with(policy, sender, product, version)
        if start is not None:
            return start
    return _usual(product, version, sender)


def _version(peer: PeerView, hole: BlackHole | None) -> int | None:
    if hole is not None:
        return candidates.version_at(peer, hole.stop_ns)
    return max((sa.ike_version for sa in peer.ike_sas), default=None)


def _known(peer: PeerView, hole: BlackHole | None, sender: str) -> list[DpdPolicy]:
    """Policies of the sender with all of their timers, the one that counts most first."""
    found = by_precedence(peer.policies, sender)
    if hole is not None:
        found.append(candidates.own(peer, hole).policy)
    return [p for p in found if p.mode is not PolicyMode.DISABLED and timing_of(p) is not None]


def _start_with(
    policy: DpdPolicy, sender: str, product: str | None, version: int | None
) -> Start | None:
    told = _STATED.get(policy.basis)
    if told is not None:
        found = draft_of(policy)
        return None if found is None else Start(found[0], f"{told} {sender}{_near(found[1])}")
    profile = profile_for(product or "", version)
    if profile is not None:
        found = _on_product(policy, profile)
        if found is not None:
            said = f"what {sender} was seen to do, as {PROFILES[profile].title} has it"
            return Start(found[0], said)
    found = draft_of(policy)
    if found is None:
        return None
    return Start(found[0], f"what {sender} was seen to do{_near(found[1])}")


def _on_product(policy: DpdPolicy, profile: str) -> tuple[Draft, bool] | None:
    """An observed policy as a product can be told it, where that is near."""
    fitted = as_set_on(policy, profile)
    wanted, made = timing_of(policy), None if fitted is None else timing_of(fitted)
    if fitted is None or wanted is None or made is None:
        return None
    has, was = made.verdict(), wanted.verdict()
    if has is None or was is None or abs(has.last_s - was.last_s) > _NEAR_S:
        return None
    return draft_of(fitted)


def _near(exact: bool) -> str:
    return "" if exact else ", as near as the fields can tell"


def _usual(product: str | None, version: int | None, sender: str) -> Start:
    """What is common on the product; on Cisco IOS where it is not known."""
    common = candidates.common(version)
    profile = profile_for(product or "", version)
    for candidate in common:
        if profile is not None and candidate.policy.profile == profile:
            found = draft_of(candidate.policy)
            if found is not None:
                said = f"what is usual on {PROFILES[profile].title}, the product of {sender}"
                return Start(found[0], said)
    found = draft_of(common[0].policy)
    assert found is not None
    return Start(found[0], f"{common[0].label}: neither timers nor product of {sender} are known")
