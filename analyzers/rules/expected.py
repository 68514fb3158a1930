"""The policy that the timers of a holder are held against, and how it is known.

What is given by hand comes first, then the configuration, then what its product does by default,
then its own rhythm. Defaults can be changed by whoever runs the device: what is held against them
alone is inferred.
"""

from __future__ import annotations

from typing import Final

from msgspec import Struct

from analyzers.configs.vendors import PROFILES
from analyzers.model.peer import PeerView
from analyzers.model.policy import DpdPolicy, PolicyBasis, by_precedence
from analyzers.model.records import Confidence

# Profiles by family and IKE version; None where both versions have one.
_PROFILES: Final[dict[tuple[str, int], str]] = {
    ("cisco-ios", 1): "cisco-ios",
    ("cisco-ios", 2): "cisco-ios-ikev2",
    ("cisco-asa", 1): "cisco-asa",
    ("strongswan", 1): "strongswan-ikev1",
    ("strongswan", 2): "strongswan-ikev2",
    ("libreswan", 1): "libreswan-ikev1",
    ("libreswan", 2): "libreswan-ikev2",
    ("fortios", 1): "fortios-ikev1",
    ("fortios", 2): "fortios-ikev2",
    ("racoon", 1): "racoon",
    ("juniper-srx", 1): "juniper-srx",
    ("juniper-srx", 2): "juniper-srx",
    ("mikrotik", 1): "mikrotik",
    ("mikrotik", 2): "mikrotik",
    ("checkpoint", 1): "checkpoint",
    ("checkpoint", 2): "checkpoint",
}


class Expected(Struct, frozen=True):
    """A policy and, for people, what it is."""

    policy: DpdPolicy
    said: str
    """"configured", "given", "the default of Cisco IOS and IOS XE, IKEv1", "its own rhythm"."""

    @property
    def confidence(self) -> Confidence:
        """Confidence of a judgement that rests on it."""
        stated = self.policy.basis in (PolicyBasis.GIVEN, PolicyBasis.CONFIG)
        return Confidence.CERTAIN if stated else Confidence.INFERRED

    @property
    def stated(self) -> bool:
        """Somebody set it: a device that keeps to something else is wrong."""
        return self.policy.basis in (PolicyBasis.GIVEN, PolicyBasis.CONFIG)


def expected_policy(
    peer: PeerView, holder: str, vendor: str | None, ike_version: int | None
) -> Expected | None:
    """What is expected of a holder; None where nothing is known of it."""
    first = next(iter(by_precedence(peer.policies, holder)), None)
    profile = PROFILES.get(_PROFILES.get((vendor or "", ike_version or 0), ""))
    if profile is not None and (first is None or first.basis is PolicyBasis.OBSERVED):
        default = profile.policy(
            profile.defaults, profile.source, basis=PolicyBasis.DEFAULT, holder=holder
        )
        return Expected(default, f"the default of {profile.title}")
    return None if first is None else Expected(first, _said(first))


def _said(policy: DpdPolicy) -> str:
    match policy.basis:
        case PolicyBasis.GIVEN:
            return "given"
        case PolicyBasis.CONFIG:
            return "configured"
        case PolicyBasis.DEFAULT:
            return "the default of the device"
        case PolicyBasis.OBSERVED:
            return "its own rhythm"
