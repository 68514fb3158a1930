"""IKE profiles, crypto maps, tunnel protection, Easy VPN and FlexVPN of Cisco IOS."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from msgspec import Struct

from analyzers.configs.cisco_interfaces import Interface, address_of
from analyzers.configs.lines import Line
from analyzers.configs.sections import Section, after, is_address, network, number, starting
from analyzers.model.configuration import (
    Connection,
    ConnectionKind,
    EasyVpn,
    EasyVpnRole,
    Lifetime,
    LifetimeOf,
    RemotePeer,
)
from analyzers.model.records import Ref

DEFAULT_IKE_LIFETIME_S = 86_400


class IkeProfile(Struct, frozen=True):
    """`crypto isakmp profile` (version 1) or `crypto ikev2 profile` (version 2)."""

    name: str
    version: int
    section: Section
    peers: tuple[str, ...]
    local: str | None
    dpd: tuple[Line, list[str]] | None
    """The DPD line and its arguments."""

    @property
    def key(self) -> str:
        """What connections and settings call it: each version has names of its own."""
        return f"{'isakmp' if self.version == 1 else 'ikev2'} profile {self.name}"


def ike_profiles(
    all_sections: Sequence[Section], interfaces: dict[str, Interface]
) -> tuple[IkeProfile, ...]:
    """The IKE profiles of both versions."""
    return tuple(
        _ike_profile(section, version, interfaces)
        for version, word in ((1, "isakmp"), (2, "ikev2"))
        for section in starting(all_sections, "crypto", word, "profile")
        if len(section.words) > 3
    )


def _ike_profile(section: Section, version: int, interfaces: dict[str, Interface]) -> IkeProfile:
    peers: list[str] = []
    local: str | None = None
    dpd: tuple[Line, list[str]] | None = None
    for line in section.children:
        match line.words:
            case ["match", "identity", ("address"), address, *rest]:
                peers.append(network(address, _mask(rest)))
            case ["match", "identity", "remote", "address", address, *rest]:
                peers.append(network(address, _mask(rest)))
            case ["match", "identity", ("host" | "fqdn"), name, *_]:
                peers.append(name)
            case ["match", "identity", "remote", ("fqdn" | "email" | "key-id"), name, *_]:
                peers.append(name)
            case ["local-address", name, *_] | ["match", "address", "local", name]:
                local = address_of(interfaces, name)
            case ["match", "address", "local", "interface", *name]:
                local = address_of(interfaces, "".join(name))
            case ["keepalive", *arguments] if version == 1:
                dpd = line, arguments
            case ["dpd", *arguments] if version == 2:
                dpd = line, arguments
            case _:
                pass
    return IkeProfile(section.words[3], version, section, tuple(peers), local, dpd)


def _mask(rest: Sequence[str]) -> str | None:
    return rest[0] if rest and is_address(rest[0]) else None


class CryptoReader:
    """Connections of one configuration."""

    def __init__(
        self,
        all_sections: Sequence[Section],
        interfaces: dict[str, Interface],
        profiles: Sequence[IkeProfile],
        source: str,
    ) -> None:
        self._sections = all_sections
        self._interfaces = interfaces
        self._profiles = {profile.key: profile for profile in profiles}
        self._source = source
        self._ipsec_profiles = dict(self._read_ipsec_profiles())
        self._used: set[str] = set()
        self._maps = list(starting(all_sections, "crypto", "map"))
        self._profiles_of_maps = dict(self._read_map_options("isakmp-profile"))
        self._locals_of_maps = dict(self._read_map_options("local-address"))
        self._carriers = {
            name: interface
            for interface in reversed(interfaces.values())
            for name in interface.crypto_maps
        }

    def connections(self) -> tuple[Connection, ...]:
        """Everything a peer is reached by, crypto maps first."""
        found = [*self._crypto_maps(), *self._tunnels(), *self._easy_vpn_clients()]
        found += self._flexvpn_clients()
        self._used.update(c.profile for c in found if c.profile is not None)
        return (*found, *self._virtual_templates())

    # --- crypto maps ---

    def _crypto_maps(self) -> Iterator[Connection]:
        access = {s.words[2] for s in self._maps if s.words[3:4] == ["client"]}
        for section in self._maps:
            words = section.words
            if len(words) < 5 or number(words[3]) is None or words[4] != "ipsec-isakmp":
                continue
            name = words[2]
            dynamic = after(words, "dynamic")
            lines = section.children if dynamic is None else self._dynamic_lines(dynamic)
            version, profile = self._profile_in(lines)
            if profile is None:
                profile = self._profile_of_map(name)
            interface = self._carriers.get(name)
            remotes = tuple(self._peers(lines)) if dynamic is None else ()
            if dynamic is None and not remotes:
                continue  # an entry without a peer does nothing
            remote_access = dynamic is not None and (
                name in access or self._serves_clients(profile)
            )
            yield Connection(
                name=f"crypto map {name} {words[3]}",
                kind=(
                    ConnectionKind.REMOTE_ACCESS if remote_access else ConnectionKind.POLICY_BASED
                ),
                ref=self._ref(section.line),
                remotes=remotes,
                local=self._local_of_map(name, interface),
                ike_version=version,
                profile=profile,
                interface=interface.name if interface else None,
            )

    def _read_map_options(self, option: str) -> Iterator[tuple[str, str]]:
        """Map to value, of options that are for all of its entries."""
        for section in self._maps:
            if section.words[3:4] == [option] and len(section.words) > 4:
                yield section.words[2], "".join(section.words[4:])

    def _dynamic_lines(self, name: str) -> list[Line]:
        return [
            line
            for section in starting(self._sections, "crypto", "dynamic-map", name)
            for line in section.children
        ]

    def _peers(self, lines: Sequence[Line]) -> Iterator[RemotePeer]:
        for line in lines:
            match line.words:
                case ["set", "peer", address, *rest]:
                    yield RemotePeer(address, self._ref(line), "default" in rest)

    def _profile_in(self, lines: Sequence[Line]) -> tuple[int, str | None]:
        for line in lines:
            match line.words:
                case ["set", "ikev2-profile", name, *_]:
                    return 2, f"ikev2 profile {name}"
                case ["set", "isakmp-profile", name, *_]:
                    return 1, f"isakmp profile {name}"
        return 1, None

    def _profile_of_map(self, name: str) -> str | None:
        profile = self._profiles_of_maps.get(name)
        return None if profile is None else f"isakmp profile {profile}"

    def _serves_clients(self, profile: str | None) -> bool:
        known = None if profile is None else self._profiles.get(profile)
        return known is not None and any(
            line.words[0] in ("client", "virtual-template") for line in known.section.children
        )

    def _local_of_map(self, name: str, interface: Interface | None) -> str | None:
        if name in self._locals_of_maps:
            return address_of(self._interfaces, self._locals_of_maps[name])
        if interface is None:
            return None
        for _, crypto_map, group, _ in interface.redundancy:
            if crypto_map == name:
                virtual = (v for _, v, called in interface.standby.values() if called == group)
                return next(virtual, None) or interface.address
        return interface.address

    # --- tunnels ---

    def _read_ipsec_profiles(self) -> Iterator[tuple[str, tuple[int, str | None]]]:
        for section in starting(self._sections, "crypto", "ipsec", "profile"):
            if len(section.words) > 3:
                yield section.words[3], self._profile_in(section.children)

    def _tunnels(self) -> Iterator[Connection]:
        for interface in self._interfaces.values():
            if not interface.is_tunnel or interface.protection is None:
                continue
            if interface.name.lower().startswith("virtual-template"):
                continue  # a pattern for the tunnels of clients, told by their IKE profile
            version, profile = self._ipsec_profiles.get(interface.protection[0], (1, None))
            known = None if profile is None else self._profiles.get(profile)
            local = address_of(self._interfaces, interface.source)
            remotes = self._tunnel_peers(interface)
            if not remotes and not interface.multipoint:
                continue  # a FlexVPN client fills the destination in
            # Each next-hop server of a multipoint tunnel is a peer of its own.
            groups = [(peer,) for peer in remotes] if interface.multipoint else [remotes]
            kind = ConnectionKind.MULTIPOINT if interface.multipoint else ConnectionKind.ROUTE_BASED
            for group in groups or [()]:
                yield Connection(
                    name=interface.name,
                    kind=kind,
                    ref=group[0].ref if group else self._ref(interface.line),
                    remotes=group,
                    local=local or (known.local if known else None),
                    ike_version=version,
                    profile=profile,
                    interface=interface.name,
                )

    @staticmethod
    def _tunnel_peers(interface: Interface) -> tuple[RemotePeer, ...]:
        if interface.destination is not None and interface.destination.address != "dynamic":
            return (interface.destination,)
        unique = {peer.address: peer for peer in reversed(interface.nhrp_peers)}
        return tuple(reversed(unique.values()))

    # --- clients and their servers ---

    def _easy_vpn_clients(self) -> Iterator[Connection]:
        for client in self.easy_vpn():
            if client.role is EasyVpnRole.REMOTE and client.peers:
                outside = (i for i in self._interfaces.values() if i.ezvpn == client.name)
                interface = next(outside, None)
                yield Connection(
                    name=f"Easy VPN remote {client.name}",
                    kind=ConnectionKind.REMOTE_ACCESS,
                    ref=client.ref,
                    remotes=client.peers,
                    local=interface.address if interface else None,
                    ike_version=1,
                    interface=interface.name if interface else None,
                )

    def easy_vpn(self) -> tuple[EasyVpn, ...]:
        """Easy VPN definitions of both roles."""
        found = []
        for section in starting(self._sections, "crypto", "ipsec", "client", "ezvpn"):
            peers = tuple(
                RemotePeer(line.words[1], self._ref(line), "default" in line.words[2:])
                for line in section.children
                if line.words[0] == "peer" and len(line.words) > 1
            )
            name = " ".join(section.words[4:5])
            found.append(EasyVpn(EasyVpnRole.REMOTE, name, self._ref(section.line), peers))
        for section in starting(
            self._sections, "crypto", "isakmp", "client", "configuration", "group"
        ):
            name = " ".join(section.words[5:6])
            found.append(EasyVpn(EasyVpnRole.SERVER, name, self._ref(section.line)))
        return tuple(found)

    def _flexvpn_clients(self) -> Iterator[Connection]:
        for section in starting(self._sections, "crypto", "ikev2", "client", "flexvpn"):
            peers = []
            tunnel: str | None = None
            for line in section.children:
                match line.words:
                    case ["peer", _, address, *_] if is_address(address):
                        peers.append(RemotePeer(address, self._ref(line)))
                    case ["client", "connect", *name]:
                        tunnel = "".join(name)
            interface = self._interfaces.get(tunnel or "")
            protection = interface.protection if interface else None
            known = self._ipsec_profiles.get(protection[0]) if protection else None
            yield Connection(
                name=f"FlexVPN client {' '.join(section.words[4:5])}",
                kind=ConnectionKind.ROUTE_BASED,
                ref=self._ref(section.line),
                remotes=tuple(peers),
                local=address_of(self._interfaces, interface.source) if interface else None,
                ike_version=2,
                profile=known[1] if known else None,
                interface=interface.name if interface else None,
            )

    def _virtual_templates(self) -> Iterator[Connection]:
        """IKE profiles that make a tunnel for whoever matches them."""
        for profile in self._profiles.values():
            if profile.key in self._used:
                continue
            if any(line.words[0] == "virtual-template" for line in profile.section.children):
                yield Connection(
                    name=profile.key,
                    kind=ConnectionKind.REMOTE_ACCESS,
                    ref=self._ref(profile.section.line),
                    local=profile.local,
                    ike_version=profile.version,
                    profile=profile.key,
                )

    def _ref(self, line: Line) -> Ref:
        return Ref(self._source, line.number)


def lifetimes(
    all_sections: Sequence[Section], profiles: Sequence[IkeProfile], source: str
) -> tuple[Lifetime, ...]:
    """Lifetimes of IKE SAs (a policy without one has the default) and of Child SAs."""
    found = []
    for section in starting(all_sections, "crypto", "isakmp", "policy"):
        name = f"isakmp policy {' '.join(section.words[3:4])}"
        found.append(_ike_lifetime(section, name, 1, source))
    found += [_ike_lifetime(p.section, p.key, 2, source) for p in profiles if p.version == 2]
    for section in starting(
        all_sections, "crypto", "ipsec", "security-association", "lifetime", "seconds"
    ):
        seconds = number(" ".join(section.words[5:6]))
        if seconds:
            ref = Ref(source, section.line.number)
            found.append(Lifetime(LifetimeOf.CHILD, "global", float(seconds), ref))
    return tuple(found)


def _ike_lifetime(section: Section, name: str, version: int, source: str) -> Lifetime:
    for line in [section.line, *section.children]:
        words = line.words
        # Some releases write "lifetime seconds 3600", the PIX all of it on one line.
        value = after(words, "lifetime", "seconds") or after(words, "lifetime")
        seconds = number(value)
        if seconds:
            ref = Ref(source, line.number)
            return Lifetime(LifetimeOf.IKE, name, float(seconds), ref, version)
    ref = Ref(source, section.line.number)
    default = float(DEFAULT_IKE_LIFETIME_S)
    return Lifetime(LifetimeOf.IKE, name, default, ref, version, explicit=False)
