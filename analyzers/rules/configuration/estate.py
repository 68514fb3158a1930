"""All configurations of a run together: what each says of its peers, and which ends meet."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from msgspec import Struct
from msgspec.structs import replace

from analyzers.model.addresses import address_key, closeness
from analyzers.model.configuration import (
    ConfigFormat,
    Configuration,
    Connection,
    ConnectionKind,
    DpdSetting,
    Lifetime,
    LifetimeOf,
    RoutingProtocol,
    RoutingTimer,
)
from analyzers.model.policy import PolicyBasis, PolicyMode
from analyzers.model.records import Ref
from analyzers.model.snapshot import Snapshot

DEFAULT_BUDGET_S = 30.0
UNNAMED = "the device"


_UNREAD: Final = {
    PolicyBasis.DEFAULT: "its defaults are taken",
    PolicyBasis.OBSERVED: "the retries are taken as they were seen",
}
"""What a verdict rests on whose retries a file sets that is not among the inputs."""


class Usage(Struct, frozen=True):
    """One connection of one configuration, and the DPD setting it is under."""

    configuration: Configuration
    connection: Connection
    setting: DpdSetting | None
    """None: nothing is known of it."""
    routing: tuple[RoutingTimer, ...] = ()
    """What else notices a dead path of this connection, the fastest first."""
    either: bool = False
    """The connection may use either IKE version, and this is it in one of them."""

    @property
    def asks(self) -> bool:
        """Whether this end asks its peer by itself."""
        return self.setting is not None and self.setting.policy.mode is not PolicyMode.DISABLED

    @property
    def worst_case_s(self) -> float | None:
        """From the last proof of life to the verdict, if this end asks."""
        return None if self.setting is None else self.setting.policy.worst_case_s

    @property
    def assumed(self) -> bool:
        """The schedule of retries is that of a file which is not here."""
        return schedule_assumed(self.configuration, self.setting)

    @property
    def rests_on(self) -> str:
        """A sentence on what stands for that file, with a blank before it; empty without need."""
        if self.setting is None or not self.assumed:
            return ""
        basis = self.setting.policy.retry_basis or PolicyBasis.DEFAULT
        return f" strongswan.conf is not among the inputs: {_UNREAD[basis]}."

    @property
    def device(self) -> str:
        """What people call the device."""
        return device_name(self.configuration)

    @property
    def is_for_anyone(self) -> bool:
        """A hub, or a server of clients: it does not know its peers."""
        return not self.connection.remotes

    @property
    def refs(self) -> tuple[Ref, ...]:
        """The line of the setting, if one was written, and that of the connection."""
        written = self.setting is not None and self.setting.explicit
        refs = [self.setting.ref] if self.setting is not None and written else []
        return tuple(dict.fromkeys([*refs, self.connection.ref]))

    @property
    def protocols(self) -> tuple[RoutingTimer, ...]:
        """Routing protocols over it, the fastest first; a GRE keepalive is none."""
        return tuple(t for t in self.routing if t.protocol is not RoutingProtocol.GRE_KEEPALIVE)

    @property
    def outlasted(self) -> RoutingTimer | None:
        """The protocol that DPD has to outlast: the slowest, unless BFD tells all of them."""
        told = tuple(t for t in self.protocols if t.protocol is RoutingProtocol.BFD)
        slowest = (told or self.protocols)[-1:]
        return slowest[0] if slowest else None

    @property
    def ike_lifetime(self) -> Lifetime | None:
        """The longest IKE lifetime that this connection can get."""
        version = self.connection.ike_version
        fitting = [
            lifetime
            for lifetime in self.configuration.lifetimes
            if lifetime.of is LifetimeOf.IKE
            and (version is None or lifetime.ike_version in (None, version))
        ]
        return max(fitting, key=lambda lifetime: lifetime.seconds, default=None)


class Link(Struct, frozen=True):
    """Two connections that are the two ends of one."""

    left: Usage
    right: Usage


class Estate:
    """What the rules of this family look at."""

    def __init__(
        self,
        configurations: Sequence[Configuration],
        budget_s: float = DEFAULT_BUDGET_S,
        shown: Sequence[Snapshot] = (),
    ) -> None:
        """`shown`: what devices showed of their SAs, where no peer is told of it."""
        self.configurations = tuple(configurations)
        self.budget_s = budget_s
        self.shown = tuple(shown)
        self.usages = tuple(
            usage for configuration in configurations for usage in _usages(configuration)
        )
        self.links = tuple(_links(self.configurations, self.usages))
        self._others: dict[int, list[Usage]] = {}
        for link in self.links:
            self._others.setdefault(id(link.left), []).append(link.right)
            self._others.setdefault(id(link.right), []).append(link.left)

    def others(self, usage: Usage) -> list[Usage]:
        """The other ends of a connection, as far as they are given."""
        return self._others.get(id(usage), [])

    def ike_lifetime(self, usage: Usage) -> Lifetime | None:
        """How long the IKE SA of a connection lives at most, by its ends as far as they are given.

        Cisco devices take the shorter lifetime of both ends in IKEv1; in IKEv2 each has its own.
        """
        own = usage.ike_lifetime
        if own is None or not _agrees_lifetimes(usage):
            return own
        others = [other for other in self.others(usage) if _agrees_lifetimes(other)]
        there = [lifetime for other in others if (lifetime := other.ike_lifetime) is not None]
        if not there or len(there) < len(others):
            return own
        longest = max(there, key=lambda lifetime: lifetime.seconds)
        return min(own, longest, key=lambda lifetime: lifetime.seconds)

    def under(self, configuration: Configuration, setting: DpdSetting) -> list[Connection]:
        """The connections that a setting governs, be it for one peer of several."""
        own = (usage for usage in self.usages if usage.configuration is configuration)
        return [u.connection for u in own if u.setting is setting or _is_named(setting, u)]

    def is_asked_from_elsewhere(self, usage: Usage) -> bool:
        """Whether the other end is given, and asks."""
        return any(other.asks for other in self.others(usage))


_CISCO: Final = frozenset({ConfigFormat.CISCO_IOS, ConfigFormat.CISCO_ASA})


def _agrees_lifetimes(usage: Usage) -> bool:
    return usage.connection.ike_version == 1 and usage.configuration.format in _CISCO


_TUNNELS = frozenset({ConnectionKind.MULTIPOINT, ConnectionKind.ROUTE_BASED})


def _usages(configuration: Configuration) -> Iterator[Usage]:
    timers: dict[str, list[RoutingTimer]] = {}
    for timer in configuration.routing:
        if not is_idle_keepalive(configuration, timer):
            timers.setdefault(timer.interface, []).append(timer)
    inside = _tunnels_by_destination(configuration)
    versions: dict[str, set[int]] = {}
    for setting in configuration.dpd:
        if setting.profile is not None and setting.ike_version is not None:
            versions.setdefault(setting.profile, set()).add(setting.ike_version)
    for either in configuration.connections:
        tunnels = {either.interface} if either.interface else set()
        for peer in either.remotes:
            tunnels.update(inside.get(address_key(peer.address), ()))
        routing = [timer for tunnel in tunnels for timer in timers.get(tunnel, ())]
        routing.sort(key=lambda timer: (timer.hold_s, timer.ref))
        split_by = versions.get(either.profile or "", set())
        for connection in _by_version(either, split_by):
            under = configuration.setting_of(connection)
            split = either.ike_version is None and len(split_by) > 1
            yield Usage(configuration, connection, under, tuple(routing), split)


def _is_named(setting: DpdSetting, usage: Usage) -> bool:
    """Whether a setting names a backup peer of a connection."""
    version = usage.connection.ike_version
    fits = setting.ike_version is None or version in (None, setting.ike_version)
    backups = usage.connection.named[1:] if setting.peers and fits else ()
    return any(closeness(setting.peers, peer) is not None for peer in backups)


def _tunnels_by_destination(configuration: Configuration) -> dict[str, list[str]]:
    """Tunnel interfaces without protection of their own: GRE inside a crypto map."""
    found: dict[str, list[str]] = {}
    for tunnel in configuration.tunnels:
        if tunnel.protection is None and tunnel.destination is not None:
            found.setdefault(address_key(tunnel.destination), []).append(tunnel.interface)
    return found


def _by_version(connection: Connection, versions: set[int]) -> list[Connection]:
    """A connection that may use either IKE version, once for each that has settings of its own."""
    if connection.ike_version is not None or not versions:
        return [connection]
    return [replace(connection, ike_version=version) for version in sorted(versions)]


def device_name(configuration: Configuration) -> str:
    """Host name, else its first address."""
    if configuration.hostname:
        return configuration.hostname
    return configuration.addresses[0] if configuration.addresses else UNNAMED


def is_idle_keepalive(configuration: Configuration, timer: RoutingTimer) -> bool:
    """A GRE keepalive where the device cannot use one: multipoint, or with tunnel protection."""
    return timer.protocol is RoutingProtocol.GRE_KEEPALIVE and any(
        tunnel.interface == timer.interface and (tunnel.multipoint or tunnel.protection is not None)
        for tunnel in configuration.tunnels
    )


def _links(configurations: Sequence[Configuration], usages: Sequence[Usage]) -> Iterator[Link]:
    own = {id(usage): _own_keys(usage) for usage in usages}
    for number, left in enumerate(configurations):
        for right in configurations[number + 1 :]:
            ends = [u for u in usages if u.configuration is left]
            others = [u for u in usages if u.configuration is right]
            yield from _links_between(ends, others, own)


def _links_between(
    left: Sequence[Usage], right: Sequence[Usage], own: dict[int, frozenset[str]]
) -> Iterator[Link]:
    """Pairs that fit, best first; each connection in one pair unless it is for anyone."""
    pairs = [
        (fit, one, other)
        for one, other in _candidates(left, right, own)
        if (fit := _fit(one, other, own)) is not None
    ]
    taken: set[int] = set()
    for _, one, other in sorted(pairs, key=lambda pair: -pair[0]):
        if id(one) not in taken and id(other) not in taken:
            taken.update(id(end) for end in (one, other) if not end.is_for_anyone)
            yield Link(one, other)


def _candidates(
    left: Sequence[Usage], right: Sequence[Usage], own: dict[int, frozenset[str]]
) -> Iterator[tuple[Usage, Usage]]:
    """Pairs of which one names an address of the other."""
    at: dict[str, list[Usage]] = {}
    naming: dict[str, list[Usage]] = {}
    for other in right:
        for key in own[id(other)]:
            at.setdefault(key, []).append(other)
        for key in _remote_keys(other):
            naming.setdefault(key, []).append(other)
    for one in left:
        near = [other for key in _remote_keys(one) for other in at.get(key, ())]
        near += [other for key in own[id(one)] for other in naming.get(key, ())]
        for other in {id(other): other for other in near}.values():
            yield one, other


def _fit(one: Usage, other: Usage, own: dict[int, frozenset[str]]) -> int | None:
    """2: each names the other; 1: one does, the other takes anyone; None: no two ends."""
    versions = {one.connection.ike_version, other.connection.ike_version} - {None}
    if len(versions) > 1:
        return None
    there = bool(_remote_keys(one) & own[id(other)])
    back = bool(_remote_keys(other) & own[id(one)])
    if there and back:
        return 2
    kinds = {one.connection.kind, other.connection.kind}
    if ConnectionKind.MULTIPOINT in kinds and not kinds <= _TUNNELS:
        return None  # a peer without a tunnel interface is no spoke
    if (there and other.is_for_anyone) or (back and one.is_for_anyone):
        return 1
    return None


def _remote_keys(usage: Usage) -> frozenset[str]:
    return frozenset(address_key(peer.address) for peer in usage.connection.remotes)


def _own_keys(usage: Usage) -> frozenset[str]:
    """The addresses that a peer can name to mean this connection."""
    connection, configuration = usage.connection, usage.configuration
    own = [connection.local] if connection.local is not None else list(configuration.addresses)
    own += [group.virtual for group in configuration.standby if group.virtual]
    return frozenset(address_key(address) for address in own)


def schedule_assumed(configuration: Configuration, setting: DpdSetting | None) -> bool:
    """Whether charon's retransmission is taken for its default, or as it was seen: nobody has read
    strongswan.conf."""
    if setting is None or configuration.retransmission is not None:
        return False
    profile = setting.policy.profile
    return profile == "strongswan-ikev2" or (
        profile == "strongswan-ikev1" and not setting.timeout_s
    )
