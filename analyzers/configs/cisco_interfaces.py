"""Interfaces of Cisco devices: addresses, tunnels, NHRP, HSRP, and crypto maps applied to them."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import Struct, field

from analyzers.configs.lines import Line
from analyzers.configs.sections import Section, after, is_address, number, starting
from analyzers.model.configuration import Redundancy, RemotePeer, Standby, Tunnel
from analyzers.model.records import Ref


class Interface(Struct):
    """One interface as it is read, line by line."""

    name: str
    line: Line
    nameif: str | None = None
    addresses: list[tuple[str, str | None]] = field(default_factory=list)
    """Address and mask; IPv6 with its prefix in the address and no mask."""
    crypto_maps: list[str] = field(default_factory=list)
    redundancy: list[tuple[Line, str, str, bool]] = field(default_factory=list)
    """Line, crypto map, group, stateful."""
    standby: dict[int, tuple[Line, str | None, str | None]] = field(default_factory=dict)
    """Group to line, virtual address, name."""
    source: str | None = None
    destination: RemotePeer | None = None
    multipoint: bool = False
    ipsec: bool = False
    protection: tuple[str, bool] | None = None
    """IPsec profile, and whether it is shared."""
    next_hop_servers: list[str] = field(default_factory=list)
    nhrp_peers: list[RemotePeer] = field(default_factory=list)
    """Outside (NBMA) addresses that NHRP is told of."""
    ezvpn: str | None = None
    routing: list[Line] = field(default_factory=list)
    """Lines of routing protocols, of keepalives and of BFD, for who reads timers."""

    @property
    def is_tunnel(self) -> bool:
        """Whether traffic of this interface goes to a tunnel peer."""
        return self.name.lower().startswith(("tunnel", "virtual-template"))

    @property
    def address(self) -> str | None:
        """The first address."""
        return self.addresses[0][0].partition("/")[0] if self.addresses else None


_ROUTING = ("keepalive", "ospf", "ospfv3", "eigrp", "hello-interval", "hold-time", "bfd", "rip")


def interfaces(all_sections: Sequence[Section], source: str) -> dict[str, Interface]:
    """The interfaces by name; the lines of one that is named twice are taken together."""
    found: dict[str, Interface] = {}
    for section in starting(all_sections, "interface"):
        name = "".join(section.words[1:3])
        if not name:
            continue
        interface = found.setdefault(name, Interface(name, section.line))
        for line in section.children:
            _read(interface, line, source)
    return found


def _read(interface: Interface, line: Line, source: str) -> None:
    words = line.words
    if words[0] == "nameif" and len(words) > 1:
        interface.nameif = words[1]
    elif words[:2] in (["ip", "address"], ["ipv6", "address"]) and len(words) > 2:
        _read_address(interface, words)
    elif words[:2] == ["crypto", "map"] and len(words) > 2:
        interface.crypto_maps.append(words[2])
        group = after(words, "redundancy")
        if group is not None:
            interface.redundancy.append((line, words[2], group, "stateful" in words))
    elif words[:4] == ["crypto", "ipsec", "client", "ezvpn"] and len(words) > 4:
        if "inside" not in words[5:]:
            interface.ezvpn = words[4]
    elif words[0] == "standby":
        _read_standby(interface, line)
    elif words[0] == "tunnel":
        _read_tunnel(interface, line, source)
    elif words[:2] in (["ip", "nhrp"], ["ipv6", "nhrp"]):
        _read_nhrp(interface, line, source)
    elif words[0] in _ROUTING or (
        words[0] in ("ip", "ipv6") and words[1:2] and words[1] in _ROUTING
    ):
        interface.routing.append(line)


def _read_address(interface: Interface, words: list[str]) -> None:
    address, mask = words[2], words[3] if len(words) > 3 else None
    if is_address(address) and is_address(mask):
        interface.addresses.append((address, mask))
    elif is_address(address.partition("/")[0]):
        interface.addresses.append((address, None))


def _read_standby(interface: Interface, line: Line) -> None:
    words = line.words[1:]
    group = number(words[0]) if words else None
    if group is not None:
        words = words[1:]
    if not words or words[0] not in ("ip", "ipv6", "name"):
        return
    first, virtual, name = interface.standby.get(group or 0, (line, None, None))
    if words[0] == "name" and len(words) > 1:
        name = words[1]
    elif len(words) > 1 and "secondary" not in words and is_address(words[1]):
        first, virtual = line, words[1]
    interface.standby[group or 0] = (first, virtual, name)


def _read_tunnel(interface: Interface, line: Line, source: str) -> None:
    words = line.words
    match words[1:]:
        case ["source", "interface", value, *_] | ["source", value, *_]:
            interface.source = value
        case ["destination", value, *_]:
            interface.destination = RemotePeer(value, Ref(source, line.number))
        case ["mode", "gre", "multipoint", *_]:
            interface.multipoint = True
        case ["mode", "ipsec", *_]:
            interface.ipsec = True
        case ["protection", "ipsec", "profile", value, *rest]:
            interface.protection = value, "shared" in rest


def _read_nhrp(interface: Interface, line: Line, source: str) -> None:
    ref = Ref(source, line.number)
    match line.words[2:]:
        case ["nhs", server, *rest]:
            interface.next_hop_servers.append(server)
            outside = after(["nhs", *rest], "nbma")
            if outside is not None:
                interface.nhrp_peers.append(RemotePeer(outside, ref))
        case ["map", "multicast", *_]:
            pass
        case ["map", inside, outside, *_] if is_address(inside.partition("/")[0]):
            interface.nhrp_peers.append(RemotePeer(outside, ref))


def address_of(found: dict[str, Interface], name: str | None) -> str | None:
    """The address of a tunnel source, which may be one itself, a name, or a short name."""
    if name is None or is_address(name):
        return name
    wanted = name.lower()
    for interface in found.values():
        if interface.name.lower() == wanted or interface.nameif == name:
            return interface.address
    letters = wanted.rstrip("0123456789/.")
    for interface in found.values():
        known = interface.name.lower()
        if letters and known.startswith(letters) and known.endswith(wanted[len(letters) :]):
            known_letters = known.rstrip("0123456789/.")
            if known[len(known_letters) :] == wanted[len(letters) :]:
                return interface.address
    return None


def tunnels(found: dict[str, Interface], source: str) -> tuple[Tunnel, ...]:
    """The tunnel interfaces."""
    return tuple(
        Tunnel(
            interface=interface.name,
            ref=Ref(source, interface.line.number),
            source=address_of(found, interface.source) or interface.source,
            destination=interface.destination.address if interface.destination else None,
            multipoint=interface.multipoint,
            protection=interface.protection[0] if interface.protection else None,
            next_hop_servers=tuple(interface.next_hop_servers),
            shared=bool(interface.protection and interface.protection[1]),
        )
        for interface in found.values()
        if interface.is_tunnel
    )


def standby_groups(found: dict[str, Interface], source: str) -> tuple[Standby, ...]:
    """The HSRP groups."""
    return tuple(
        Standby(interface.name, group, virtual, Ref(source, line.number), name)
        for interface in found.values()
        for group, (line, virtual, name) in interface.standby.items()
    )


def redundancy(found: dict[str, Interface], source: str) -> tuple[Redundancy, ...]:
    """Crypto maps that share the address of a redundancy group."""
    return tuple(
        Redundancy(
            f"crypto map {crypto_map} on {interface.name}",
            group,
            stateful,
            Ref(source, line.number),
            interface.name,
        )
        for interface in found.values()
        for line, crypto_map, group, stateful in interface.redundancy
    )
