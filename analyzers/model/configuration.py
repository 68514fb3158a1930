"""Device configurations: what a device was told of DPD, IKE, its peers and its routing."""

from __future__ import annotations

from collections.abc import Iterator
from enum import StrEnum
from functools import cached_property

from msgspec import Struct

from analyzers.model.addresses import Named, closeness, same_address
from analyzers.model.policy import DpdPolicy
from analyzers.model.records import Problem, Ref


class ConfigFormat(StrEnum):
    """Formats of configurations. The value is public: `format` of a source."""

    CISCO_IOS = "cisco-ios"
    CISCO_ASA = "cisco-asa"
    SWANCTL = "swanctl"
    IPSEC_CONF = "ipsec-conf"
    STRONGSWAN_CONF = "strongswan-conf"
    FORTIOS = "fortios"


class IgnoredOption(Struct, frozen=True):
    """Something that was configured and that this device does not use here."""

    option: str
    """As written: "dpd_timeout = 150s"."""
    why: str
    """One clause: "IKEv2 gives up by retransmission"."""
    ref: Ref
    off: bool = False
    """It would be used if DPD were not switched off by another option."""


class DpdSetting(Struct, frozen=True):
    """One DPD setting and the peers it is for. Durations in seconds."""

    scope: str
    """For people: "global", "isakmp profile SPOKES", "connection gw-b"."""
    policy: DpdPolicy
    """Mode DISABLED where the device never asks. The evidence says how the line was read."""
    ref: Ref
    """The line; for a default, the line that opens what it is the default of."""
    peers: tuple[str, ...] = ()
    """Addresses, networks ("198.51.100.0/24") or names; () is every peer."""
    local: str | None = None
    ike_version: int | None = None
    """1, 2, or None for both."""
    profile: str | None = None
    """What a `Connection.profile` names; None for a global setting."""
    explicit: bool = True
    """False: nothing is configured, and this is what the device does by itself."""
    mode_explicit: bool = True
    """False: the mode is not written, and is the default of the device."""
    answers: bool = True
    """False: the device does not even offer DPD (no vendor ID)."""
    transmissions: int | None = None
    """Questions sent before the verdict, the first included."""
    timeout_s: float | None = None
    """A verdict timer as written, whether or not it is used."""
    action: str | None = None
    """What is done with a dead peer, as written."""
    ignored: tuple[IgnoredOption, ...] = ()
    alternatives: tuple[DpdPolicy, ...] = ()
    """The same line under the other readings that documents of its vendor allow."""


class ConnectionKind(StrEnum):
    """How a device comes to protect traffic for a peer."""

    POLICY_BASED = "policy-based"
    """Crypto map, traffic selectors."""
    ROUTE_BASED = "route-based"
    """A tunnel interface with one peer."""
    MULTIPOINT = "multipoint"
    """A tunnel interface with many peers (DMVPN)."""
    REMOTE_ACCESS = "remote-access"


class RemotePeer(Struct, frozen=True):
    """One address of a peer in the order in which they are tried."""

    address: str
    ref: Ref
    is_default: bool = False
    """The device returns to it (`set peer … default`)."""


class Connection(Struct, frozen=True):
    """What one peer, or any peer, is reached by."""

    name: str
    """For people: "crypto map OUTSIDE 10", "Tunnel10", "connection gw-b"."""
    kind: ConnectionKind
    ref: Ref
    remotes: tuple[RemotePeer, ...] = ()
    """Alternatives for one peer, in order; () is any address."""
    local: str | None = None
    ike_version: int | None = None
    """1, 2, or None where both are possible or it cannot be told."""
    profile: str | None = None
    """The profile whose settings apply."""
    interface: str | None = None
    """The tunnel interface, or that which the crypto map is applied to."""

    @property
    def named(self) -> tuple[str, ...]:
        """The addresses of its peers."""
        return tuple(peer.address for peer in self.remotes)


class LifetimeOf(StrEnum):
    """What a lifetime is of."""

    IKE = "ike"
    CHILD = "child"


class Lifetime(Struct, frozen=True):
    """How long an SA lives, in seconds."""

    of: LifetimeOf
    scope: str
    seconds: float
    ref: Ref
    ike_version: int | None = None
    explicit: bool = True


class RoutingProtocol(StrEnum):
    """What can notice a dead path over a tunnel."""

    EIGRP = "EIGRP"
    OSPF = "OSPF"
    BGP = "BGP"
    RIP = "RIP"
    BFD = "BFD"
    GRE_KEEPALIVE = "GRE keepalive"


class RoutingTimer(Struct, frozen=True):
    """Hello and hold time of a protocol over one tunnel, in seconds."""

    protocol: RoutingProtocol
    interface: str
    """The tunnel interface."""
    hello_s: float
    hold_s: float
    """Silence after which the neighbour is taken for lost."""
    ref: Ref
    neighbor: str | None = None
    explicit: bool = True
    """False: both are defaults of the protocol."""


class Tunnel(Struct, frozen=True):
    """A tunnel interface."""

    interface: str
    ref: Ref
    source: str | None = None
    """An address or an interface, as written."""
    destination: str | None = None
    multipoint: bool = False
    protection: str | None = None
    """The IPsec profile of `tunnel protection`."""
    next_hop_servers: tuple[str, ...] = ()
    """NHRP servers; a multipoint tunnel without one is a hub."""
    shared: bool = False


class Standby(Struct, frozen=True):
    """A first-hop redundancy group (HSRP)."""

    interface: str
    group: int
    virtual: str | None
    """The address that survives the node."""
    ref: Ref
    name: str | None = None


class EasyVpnRole(StrEnum):
    """Which end of Easy VPN a device is."""

    REMOTE = "remote"
    SERVER = "server"


class EasyVpn(Struct, frozen=True):
    """An Easy VPN client or server definition."""

    role: EasyVpnRole
    name: str
    ref: Ref
    peers: tuple[RemotePeer, ...] = ()


class Redundancy(Struct, frozen=True):
    """A crypto map tied to a redundancy group: the peer talks to the virtual address."""

    scope: str
    group: str
    stateful: bool
    ref: Ref
    interface: str | None = None


class NatKeepalive(Struct, frozen=True):
    """How often a NAT mapping is refreshed; 0 is never."""

    interval_s: float
    ref: Ref


class Retransmission(Struct, frozen=True):
    """Retransmission of IKEv2 requests: gap k is `timeout_s * base**k`, at most `limit_s`."""

    timeout_s: float
    base: float
    tries: int
    """Retransmissions after the first sending."""
    limit_s: float | None = None
    ref: Ref | None = None
    """None: the defaults of the device."""

    @property
    def gaps_s(self) -> tuple[float, ...]:
        """The wait after each transmission, the last one ending in the verdict."""
        gaps = (self.timeout_s * self.base**k for k in range(self.tries + 1))
        return tuple(gap if self.limit_s is None else min(gap, self.limit_s) for gap in gaps)

    @property
    def total_s(self) -> float:
        """From the first transmission to the verdict."""
        return sum(self.gaps_s)


class Configuration(Struct, frozen=True, dict=True):
    """What one configuration says, in the order of its lines."""

    source: str
    """Id of the source."""
    format: ConfigFormat
    first_line: int
    last_line: int
    hostname: str | None = None
    addresses: tuple[str, ...] = ()
    """Addresses of the device itself, those that IKE uses first."""
    dpd: tuple[DpdSetting, ...] = ()
    connections: tuple[Connection, ...] = ()
    lifetimes: tuple[Lifetime, ...] = ()
    routing: tuple[RoutingTimer, ...] = ()
    tunnels: tuple[Tunnel, ...] = ()
    standby: tuple[Standby, ...] = ()
    easy_vpn: tuple[EasyVpn, ...] = ()
    redundancy: tuple[Redundancy, ...] = ()
    nat_keepalive: NatKeepalive | None = None
    retransmission: Retransmission | None = None
    problems: tuple[Problem, ...] = ()

    @cached_property
    def _connections(self) -> Named:
        return Named(connection.named for connection in self.connections)

    @cached_property
    def _settings(self) -> Named:
        return Named(setting.peers for setting in self.dpd)

    def connections_to(self, address: str) -> Iterator[Connection]:
        """The connections that have this address among their peers."""
        for place in self._connections.of(address):
            connection = self.connections[place]
            if any(same_address(named, address) for named in connection.named):
                yield connection

    def policy_for(
        self, local: str | None, remote: str, ike_version: int | None
    ) -> DpdPolicy | None:
        """The policy towards a peer; None if no setting covers it."""
        setting = self.setting_for(local, remote, ike_version)
        return None if setting is None else setting.policy

    def setting_for(
        self, local: str | None, remote: str, ike_version: int | None
    ) -> DpdSetting | None:
        """The most specific setting that covers a peer, the first of equal ones.

        In this order: the connection that names the peer, a setting that names it, a connection
        for any peer, a setting for any peer. `ike_version` None fits any.
        """
        named = self._connection_for(local, remote, ike_version)
        if named is not None and named.remotes:
            return self.setting_of(named, ike_version)
        direct = self._most_specific(local, remote, ike_version)
        if named is None or (direct is not None and direct.peers):
            return direct
        return self.setting_of(named, ike_version)

    def setting_of(
        self, connection: Connection, ike_version: int | None = None
    ) -> DpdSetting | None:
        """The setting that a connection is under: that of its profile, else by address."""
        version = connection.ike_version if ike_version is None else ike_version
        if connection.profile is not None:
            for setting in self.dpd:
                if setting.profile == connection.profile and _fits(setting.ike_version, version):
                    return setting
        remote = connection.remotes[0].address if connection.remotes else None
        return self._most_specific(connection.local, remote, version)

    def _connection_for(
        self, local: str | None, remote: str, ike_version: int | None
    ) -> Connection | None:
        """The connection that names a peer most closely; one for any peer where none does."""
        best: tuple[int, Connection] | None = None
        for place in self._connections.of(remote):
            connection = self.connections[place]
            if not _fits(connection.ike_version, ike_version) or _differ(local, connection.local):
                continue
            depth = closeness(connection.named, remote)
            if depth is not None and (best is None or depth > best[0]):
                best = depth, connection
        return None if best is None else best[1]

    def _most_specific(
        self, local: str | None, remote: str | None, ike_version: int | None
    ) -> DpdSetting | None:
        best: tuple[tuple[int, ...], DpdSetting] | None = None
        for place in self._settings.of(remote):
            setting = self.dpd[place]
            if not _fits(setting.ike_version, ike_version) or _differ(local, setting.local):
                continue
            if setting.profile is not None and not setting.peers:
                continue  # for those who are sent to the profile by name
            depth = closeness(setting.peers, remote)
            if depth is None:
                continue
            rank = (depth, int(setting.local is not None), int(setting.ike_version is not None))
            if best is None or rank > best[0]:
                best = rank, setting
        return None if best is None else best[1]


def _fits(known: int | None, wanted: int | None) -> bool:
    return known is None or wanted is None or known == wanted


def _differ(left: str | None, right: str | None) -> bool:
    return left is not None and right is not None and not same_address(left, right)
