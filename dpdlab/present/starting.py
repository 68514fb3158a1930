"""What the editing of a policy begins with: what is known best of who sent into a black hole."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from msgspec import Struct
from msgspec.structs import replace

from analyzers.configs.config_lines import as_set_on, is_spaced_as, profile_for
from analyzers.configs.vendors import PROFILES, keys_of
from analyzers.model.black_hole import BlackHole
from analyzers.model.peer import PeerView
from analyzers.model.policy import DpdPolicy, PolicyBasis, PolicyMode, by_precedence
from analyzers.whatif import candidates
from analyzers.whatif.timing import as_told, timing_of
from dpdlab.present.draft import Draft, draft_of, how_near, turned_to, with_values, wrong_with
from dpdlab.present.policy_match import sides

_STATED: Final = {
    PolicyBasis.GIVEN: "the policy that was given for",
    PolicyBasis.CONFIG: "what is configured at",
    PolicyBasis.DEFAULT: "what the product does by itself at",
}
# Of retries that no file sets that was read.
_RETRIES: Final = {
    PolicyBasis.OBSERVED: "retries as seen, the rest ",
    PolicyBasis.DEFAULT: "retries by default, the rest ",
}
_IN_PART: Final = {
    PolicyBasis.GIVEN: "given for",
    PolicyBasis.CONFIG: "configured at",
    PolicyBasis.DEFAULT: "that is the default at",
    PolicyBasis.OBSERVED: "seen at",
}
_MOST_WAITS: Final = 6
_STRAY_S: Final = 0.005
_NEAR_S: Final = 1.0
"""Fields whose worst case is this near to what was observed stand for it."""


class Start(Struct, frozen=True):
    """A policy to begin with, and what it is, in a few words."""

    draft: Draft
    whence: str
    defaults: frozenset[str] | None = None
    """Values that are the product's own; None: all that the draft does not give."""


def starting_policy(
    peer: PeerView | None,
    product_at: Callable[[PeerView, str], str | None],
    why_none: str = "there is no peer",
) -> Start:
    """What is stated for the sender, else observed, else usual on its product, else usual at all.

    Of a policy that is known in part the rest is the product's. `product_at`: the family of the
    product at an address of the peer. `why_none`: why there is no peer, where there is none.
    """
    if peer is None:
        return _common(None, why_none)
    hole = max(peer.black_holes, key=lambda one: one.max_seconds, default=None)
    sender = _asker(peer) if hole is None else hole.sender
    version = _version(peer, hole)
    product = product_at(peer, sender)
    for policy in _known(peer, hole, sender):
        start = _start_with(policy, sender, product, version)
        if start is not None:
            return start
    return _usual(product, version, sender)


def own_policies(
    peer: PeerView, product_at: Callable[[PeerView, str], str | None]
) -> list[tuple[str, Draft | DpdPolicy]]:
    """What is known of each end that asks: its address, and its policy, the foremost end first.

    A policy of which the interval is only about known is nothing to begin with, and stays as it is.
    """
    found: list[tuple[str, Draft | DpdPolicy]] = []
    for end in sides(peer):
        version, product = _version(peer, None), product_at(peer, end)
        starts = (_start_with(p, end, product, version) for p in _known(peer, None, end))
        start = next((start for start in starts if start is not None), None)
        near = next((p for p in by_precedence(peer.policies, end) if p.about_s is not None), None)
        if start is not None:
            found.append((end, start.draft))
        elif near is not None:
            found.append((end, near))
    return found


def _asker(peer: PeerView) -> str:
    """Who asks; the local side where both do, or neither."""
    return next((end for end in sides(peer) if _known(peer, None, end)), peer.local)


def _version(peer: PeerView, hole: BlackHole | None) -> int | None:
    if hole is not None:
        return candidates.version_at(peer, hole.stop_ns)
    return max(peer.ike_versions, default=None)


def _profile_of(product: str | None, version: int | None) -> str | None:
    """The profile of a product, if it is of the IKE version."""
    profile = profile_for(product or "", version)
    if profile is None or version is None:
        return profile
    return profile if PROFILES[profile].ike_version in (None, version) else None


def _known(peer: PeerView, hole: BlackHole | None, sender: str) -> list[DpdPolicy]:
    """Policies of the sender whose interval is known, the one that counts most first.

    Waits that it does not tell are those that were seen.
    """
    found = by_precedence(peer.policies, sender)
    if hole is not None:
        found.append(candidates.own(peer, hole).policy)
    asking = [p for p in found if p.mode is not PolicyMode.DISABLED]
    seen = next((p for p in asking if p.basis is PolicyBasis.OBSERVED and p.waits_s), None)
    return [_completed(p, seen) for p in asking if p.interval_s]


def _completed(policy: DpdPolicy, seen: DpdPolicy | None) -> DpdPolicy:
    untold = policy.profile is None and not policy.waits_s
    if seen is None or not untold:
        return policy
    return replace(
        policy,
        retry_s=seen.retry_s,
        retries=seen.retries,
        backoff=seen.backoff,
        waits_s=seen.waits_s,
        retry_basis=seen.basis,
    )


def _start_with(
    policy: DpdPolicy, sender: str, product: str | None, version: int | None
) -> Start | None:
    profile = _profile_of(product, version)
    if timing_of(policy) is None:
        return _start_in_part(policy, sender, profile)
    told = _STATED.get(policy.basis)
    if told is not None:
        found = draft_of(policy)
        if policy.retry_basis is not None:
            told = f"{_RETRIES.get(policy.retry_basis, '')}{told}"
        if found is None:
            return None
        said = f"{told} {sender}{how_near(found[1])}"
        return Start(found[0], said, _defaults(policy, found[0]))
    if profile is not None:
        found = _on_product(policy, profile)
        if found is not None:
            said = f"what {sender} was seen to do, as {PROFILES[profile].title} has it"
            said += "" if found[1] else f", only near: {_spacing(policy)}"
            return Start(found[0], said, frozenset())
    found = draft_of(as_told(policy))
    if found is None:
        return None
    said = f"what {sender} was seen to do{how_near(found[1])}"
    return Start(found[0], said, frozenset())


def _defaults(policy: DpdPolicy, draft: Draft) -> frozenset[str] | None:
    """What nobody stated of a policy; a value may be configured that is the default, too."""
    if policy.basis is PolicyBasis.DEFAULT:
        return None
    if policy.retry_basis is PolicyBasis.DEFAULT:
        return frozenset({"retry", "retries", "backoff"})
    fixed = (key for key in draft.keys if draft.knob(key) is None and key != "mode")
    return frozenset(fixed) if policy.retry_basis is None else frozenset()


def _start_in_part(policy: DpdPolicy, sender: str, profile: str | None) -> Start | None:
    """What is known of a policy, and the rest as the product has it."""
    profile = policy.profile or profile
    known = {"interval": _even(policy.interval_s)}
    row = PROFILES.get(profile or "")
    if policy.retry_s and (row is None or "retry" in keys_of(row)):
        known["retry"] = _even(policy.retry_s)
    rest = turned_to(Draft(None, tuple(known.items())), profile)
    given = {**dict(rest.given), **known}
    if policy.mode is not PolicyMode.UNKNOWN:
        given["mode"] = str(policy.mode)
    elif row is None:
        given["mode"] = str(PolicyMode.ON_IDLE)
    draft = with_values(profile, given)
    if wrong_with(draft.candidate):
        return None
    if row is None:
        others = "a guess: no source tells it"
    elif any(key not in known for key, _ in rest.given):
        others = f"a guess: {row.title} has no default"
    else:
        others = f"the default of {row.title}"
    parts = " and ".join(f"the {key} of {value} s" for key, value in known.items())
    how = _IN_PART[policy.basis]
    return Start(draft, f"{parts} {how} {sender}; the rest is {others}")


def _even(seconds: float | None) -> str:
    """A duration as people set it, where the clock of a device strays from that by little."""
    value = seconds or 0.0
    tenth = round(value, 1)
    return f"{tenth if tenth and abs(value - tenth) <= _STRAY_S else round(value, 3):.10g}"


def _on_product(policy: DpdPolicy, profile: str) -> tuple[Draft, bool] | None:
    """An observed policy as a product can be told it, where that is near.

    And whether it repeats its questions just as they were seen.
    """
    fitted = as_set_on(policy, profile)
    wanted, made = timing_of(policy), None if fitted is None else timing_of(fitted)
    if fitted is None or wanted is None or made is None:
        return None
    has, was = made.verdict(), wanted.verdict()
    if has is None or was is None or abs(has.last_s - was.last_s) > _NEAR_S:
        return None
    found = draft_of(fitted)
    return None if found is None else (found[0], is_spaced_as(made.waits_s, policy))


def _spacing(policy: DpdPolicy) -> str:
    """How the questions were repeated: "it waited 5 + 5 + 5 s"."""
    waits = " + ".join(_even(wait_s) for wait_s in policy.waits_s[:_MOST_WAITS])
    more = "" if len(policy.waits_s) <= _MOST_WAITS else " + ..."
    return f"it waited {waits}{more} s"


def _usual(product: str | None, version: int | None, sender: str) -> Start:
    """What is common on the product; on Cisco IOS where it is not known."""
    common = candidates.common(version)
    profile = _profile_of(product, version)
    for candidate in common:
        if profile is not None and candidate.policy.profile == profile:
            found = draft_of(candidate.policy)
            if found is not None:
                said = f"what is usual on {PROFILES[profile].title}, the product of {sender}"
                return Start(found[0], said)
    unknown = f"neither timers nor product of {sender} are known"
    if product is not None:
        ike = "" if version is None else f" in IKEv{version}"
        unknown = f"no timers of {sender} are known, nor what is usual on {product}{ike}"
        start = _common(version, unknown)
        # The lines of another product are no use to it.
        return replace(start, draft=turned_to(start.draft, None))
    return _common(version, unknown)


def _common(version: int | None, why: str) -> Start:
    """What is common on Cisco IOS, and why nothing better is known."""
    usual = candidates.common(version)[0]
    found = draft_of(usual.policy)
    assert found is not None
    return Start(found[0], f"{usual.label}: {why}")
