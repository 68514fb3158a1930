"""What configurations and the user say of the peers: policies, who is local, what is slow."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Final

from msgspec.structs import replace

from analyzers.model.addresses import same_address
from analyzers.model.configuration import Configuration
from analyzers.model.policy import DpdPolicy, GivenPolicy
from analyzers.tracking.sightings import is_private

# A live session asks of the same pairs of addresses at every look; a hub has a connection for each.
_MOST_PAIRS: Final = 1 << 16


class Configured:
    """The configurations and given policies of a session, asked by the ends of a peer."""

    def __init__(
        self, configurations: Sequence[Configuration], given: Sequence[GivenPolicy] = ()
    ) -> None:
        self._configurations = tuple(configurations)
        self._given = tuple(given)
        self._readings = {
            (setting.ref, setting.policy.profile): setting.alternatives
            for configuration in configurations
            for setting in configuration.dpd
        }
        self._of = lru_cache(_MOST_PAIRS)(self._owner)
        self._policy = lru_cache(_MOST_PAIRS)(self._towards)

    def __bool__(self) -> bool:
        return bool(self._configurations or self._given)

    def expected(self, holder: str, remote: str, ike_version: int | None) -> DpdPolicy | None:
        """The policy that an end is held to: what the user says goes before a configuration."""
        given = self.given(holder, ike_version)
        return given or self.policy(holder, remote, ike_version)

    def given(self, holder: str, ike_version: int | None) -> DpdPolicy | None:
        """What the user says of one end; of a policy for it alone, and for its IKE version."""
        fitting = [
            given
            for given in self._given
            if given.ike_version in (None, ike_version)
            and (given.holder is None or same_address(given.holder, holder))
        ]
        fitting.sort(key=lambda given: (given.holder is None, given.ike_version is None))
        return replace(fitting[0].policy, holder=holder) if fitting else None

    def policy(self, holder: str, remote: str, ike_version: int | None) -> DpdPolicy | None:
        """The configured policy of one end towards the other, with the line it comes from."""
        return self._policy(holder, remote, ike_version)

    def of_ends(self, ends: tuple[str, str], ike_version: int | None) -> list[DpdPolicy]:
        """What the user says of both ends of a peer, and what they are configured with."""
        if not self:
            return []
        held = [self.given(end, ike_version) for end in ends]
        held += [self.policy(end, other, ike_version) for end, other in (ends, ends[::-1])]
        return [policy for policy in held if policy is not None]

    def _towards(self, holder: str, remote: str, ike_version: int | None) -> DpdPolicy | None:
        own = self._of(holder, remote)
        if own is None:
            return None
        found = own.policy_for(None, remote, ike_version)
        return None if found is None else replace(found, holder=holder)

    def other_readings(self, policy: DpdPolicy) -> Sequence[DpdPolicy]:
        """The line of a configured policy by the other readings that documents allow."""
        if policy.ref is None:
            return ()
        return self._readings.get((policy.ref, policy.profile), ())

    def owner(self, holder: str, remote: str) -> Configuration | None:
        """The configuration of one end of a peer, if it is here."""
        return self._of(holder, remote)

    def local(self, ends: tuple[str, str]) -> int | None:
        """The end whose device is configured here, if only one is."""
        mine = [self._of(end, ends[1 - side]) is not None for side, end in enumerate(ends)]
        return mine.index(True) if mine.count(True) == 1 else None

    def _owner(self, holder: str, remote: str) -> Configuration | None:
        """The configuration of the device with an address, else one that names its peer.

        Inputs of several sites may have a device each with one address: then it is the one that
        says anything about the peer.
        """
        owning = [
            configuration
            for configuration in self._configurations
            if any(same_address(a, holder) for a in configuration.addresses)
        ]
        for configuration in owning:
            if configuration.policy_for(None, remote, None) is not None:
                return configuration
        naming = [c for c in self._configurations if _may_have(c, holder) and _names(c, remote)]
        devices = {c.hostname or str(number) for number, c in enumerate(naming)}
        if len(devices) == 1:
            return naming[0]
        return owning[0] if owning else None


def _may_have(configuration: Configuration, address: str) -> bool:
    """Whether a device may have an address that its configuration does not say.

    That is so behind a NAT, with addresses from elsewhere, and where the address is masked.
    """
    known = configuration.addresses
    return is_private(address) is None or not known or any(is_private(a) for a in known)


def _names(configuration: Configuration, remote: str) -> bool:
    """Whether the configuration of another device names one as its peer."""
    if any(same_address(a, remote) for a in configuration.addresses):
        return False
    return any(configuration.connections_to(remote))
