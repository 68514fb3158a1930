"""Cisco ASA, PIX and FTD (`show running-config`): tunnel groups, crypto maps, tunnel interfaces."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Final

from analyzers.configs import cisco_interfaces
from analyzers.configs.asa_dpd import ACCESS_PARENTS, Group, dpd_settings, tunnel_groups
from analyzers.configs.cisco_interfaces import Interface, address_of
from analyzers.configs.cisco_routing import RoutingReader
from analyzers.configs.formats import Reader
from analyzers.configs.lines import Line, within_limit
from analyzers.configs.sections import Section, after, number, sections, starting
from analyzers.model.configuration import (
    ConfigFormat,
    Configuration,
    Connection,
    ConnectionKind,
    Lifetime,
    LifetimeOf,
    NatKeepalive,
    RemotePeer,
)
from analyzers.model.records import Ref

DEFAULT_IKE_LIFETIME_S: Final = 86_400.0

BELOW: Final = {
    "tunnel-group": re.compile(
        r"(?:isakmp keepalive|ikev[12] |pre-shared-key|peer-id-validate|chain|trust-point)"
    ),
    "interface": re.compile(
        r"(?:nameif|security-level|ip address|no |description|tunnel |speed|duplex|shutdown|vlan)"
    ),
    "crypto ikev": re.compile(r"(?:authentication|encryption|hash|group|lifetime|prf|integrity)\b"),
    "crypto isakmp policy": re.compile(r"(?:authentication|encryption|hash|group|lifetime)\b"),
    "crypto ipsec profile": re.compile(r"set\b"),
    "router": re.compile(
        r"(?:network|neighbor|timers|bgp|address-family|exit-address-family|no)\b"
    ),
}


def read(lines: Sequence[Line], source: str) -> Configuration:
    """What a configuration of ASA or PIX says of IKE, DPD and its peers."""
    lines, problems = within_limit(lines, source)
    found = sections(lines, BELOW)
    interfaces = cisco_interfaces.interfaces(found, source)
    groups = tunnel_groups(found)
    connections = tuple(_connections(found, interfaces, groups, source))
    used = [c.local for c in connections if c.local is not None]
    every = [a.partition("/")[0] for i in interfaces.values() for a, _ in i.addresses]
    addresses = tuple(dict.fromkeys([*used, *every]))
    hostname = next((s.words[1] for s in starting(found, "hostname") if len(s.words) > 1), None)
    holder = addresses[0] if addresses else hostname or ""
    settings, refused = dpd_settings(found, groups, connections, holder, source)
    return Configuration(
        source=source,
        format=ConfigFormat.CISCO_ASA,
        first_line=lines[0].number if lines else 1,
        last_line=lines[-1].number if lines else 1,
        hostname=hostname,
        addresses=addresses,
        dpd=settings,
        connections=connections,
        lifetimes=tuple(_lifetimes(found, source)),
        routing=RoutingReader(found, interfaces, source).timers(),
        tunnels=cisco_interfaces.tunnels(interfaces, source),
        nat_keepalive=_nat_keepalive(found, source),
        problems=(*problems, *refused),
    )


# --- connections ---


def _connections(
    found: Sequence[Section],
    interfaces: dict[str, Interface],
    groups: dict[str, Group],
    source: str,
) -> Iterator[Connection]:
    carriers = {
        section.words[2]: section.words[4]
        for section in starting(found, "crypto", "map")
        if section.words[3:4] == ["interface"] and len(section.words) > 4
    }
    yield from _crypto_maps(found, interfaces, groups, carriers, source)
    for interface in interfaces.values():
        if interface.is_tunnel and interface.destination is not None and interface.protection:
            yield Connection(
                name=interface.name,
                kind=ConnectionKind.ROUTE_BASED,
                ref=interface.destination.ref,
                remotes=(interface.destination,),
                local=address_of(interfaces, interface.source),
                profile=_profile(groups, interface.destination.address),
                interface=interface.name,
            )
    for group in groups.values():
        if group.remote_access and group.name not in ACCESS_PARENTS:
            yield Connection(
                name=f"tunnel-group {group.name}",
                kind=ConnectionKind.REMOTE_ACCESS,
                ref=Ref(source, group.line.number),
                profile=f"tunnel-group {group.name}",
            )


def _crypto_maps(
    found: Sequence[Section],
    interfaces: dict[str, Interface],
    groups: dict[str, Group],
    carriers: dict[str, str],
    source: str,
) -> Iterator[Connection]:
    entries: dict[tuple[str, str], list[Line]] = {}
    for section in starting(found, "crypto", "map"):
        words = section.words
        if len(words) > 4 and number(words[3]) is not None:
            entries.setdefault((words[2], words[3]), []).append(section.line)
    for (name, sequence), lines in entries.items():
        peers = tuple(
            RemotePeer(address, Ref(source, line.number))
            for line in lines
            if line.words[4:6] == ["set", "peer"]
            for address in line.words[6:]
            if address != "default"
        )
        versions = {v for line in lines if (v := _proposed_version(line.words[4:])) is not None}
        if not peers:
            continue  # dynamic entries are told by their tunnel groups
        yield Connection(
            name=f"crypto map {name} {sequence}",
            kind=ConnectionKind.POLICY_BASED,
            ref=peers[0].ref,
            remotes=peers,
            local=address_of(interfaces, carriers.get(name)),
            ike_version=versions.pop() if len(versions) == 1 else None,
            profile=_profile(groups, peers[0].address),
            interface=carriers.get(name),
        )


def _proposed_version(words: Sequence[str]) -> int | None:
    """The IKE version whose IPsec proposals a crypto map line sets."""
    match words:
        case ["set", "transform-set", *_] | ["set", "ikev1", "transform-set", *_]:
            return 1
        case ["set", "ikev2", "ipsec-proposal", *_]:
            return 2
    return None


def _profile(groups: dict[str, Group], peer: str) -> str | None:
    return f"tunnel-group {peer}" if peer in groups else None


# --- lifetimes ---


def _lifetimes(found: Sequence[Section], source: str) -> Iterator[Lifetime]:
    for version, word in ((1, "ikev1"), (1, "isakmp"), (2, "ikev2")):
        for section in starting(found, "crypto", word, "policy"):
            yield _ike_lifetime(section, version, source)


def _ike_lifetime(section: Section, version: int, source: str) -> Lifetime:
    scope = " ".join(section.words[1:4])
    for line in [section.line, *section.children]:
        seconds = number(after(line.words, "lifetime", "seconds") or after(line.words, "lifetime"))
        if seconds:
            ref = Ref(source, line.number)
            return Lifetime(LifetimeOf.IKE, scope, float(seconds), ref, version)
    ref = Ref(source, section.line.number)
    return Lifetime(LifetimeOf.IKE, scope, DEFAULT_IKE_LIFETIME_S, ref, version, explicit=False)


def _nat_keepalive(found: Sequence[Section], source: str) -> NatKeepalive | None:
    for word in ("isakmp", "ikev1"):
        for section in starting(found, "crypto", word, "nat-traversal"):
            seconds = number(" ".join(section.words[3:4]))
            if seconds is not None:
                return NatKeepalive(float(seconds), Ref(source, section.line.number))
    return None


# --- likeness ---

_SURE: Final = re.compile(
    r"tunnel-group \S+ (?:type|general|ipsec|webvpn)|(?:ASA|PIX) Version \d|nameif \S+$"
    r"|crypto map \S+ (?:\d+ (?:set|match) |interface )|crypto ikev[12] (?:policy|enable)"
    r"|isakmp keepalive (?:threshold|disable|\d)|object(?:-group)? network |same-security-traffic "
    r"|crypto ipsec ikev[12] "
)
_KNOWN: Final = re.compile(
    r"(?:aaa|aaa-server|access-group|access-list|arp|asdm|banner|boot|class|class-map|clock|console"
    r"|crypto|cryptochecksum|dhcpd|dns|dns-group|domain-name|dynamic-access-policy-record|enable"
    r"|failover|firewall|ftp|global|group-policy|hostname|http|icmp|icmp-type|inspect|interface|ip"
    r"|ipv6|isakmp|key|ldap|license|logging|management|management-access|match|mtu|names?|nameif"
    r"|nat|no|ntp|object|object-group|pager|parameters|passwd|policy-map|prefix-list|prompt|quit"
    r"|route|route-map|router|same-security-traffic|security-level|service|service-policy|set|sla"
    r"|snmp-server|speed|duplex|ssh|ssl|static|sysopt|telnet|terminal|threat-detection|timeout"
    r"|tunnel-group|tunnel-group-map|user-identity|username|version|vpdn|vpn|webvpn|xlate|zonelabs"
    r"|(?:ASA|PIX) Version|Cryptochecksum|Saved)\b"
)
_UNDER: Final = tuple(BELOW.values())


def likeness(lines: Sequence[Line]) -> float:
    """Share of lines that can be configuration of a firewall."""
    known = total = sure = 0
    inside = False
    for line in lines:
        text = line.text.strip()
        if not text or text[0] in "!:":
            continue
        total += 1
        at_margin = not line.text[0].isspace()
        fits = bool(_KNOWN.match(text)) or any(p.match(text) for p in _UNDER)
        if at_margin:
            inside = fits
        known += fits or (inside and not at_margin)
        sure += bool(_SURE.match(text))
    return known / total if sure and total else 0.0


READER: Final = Reader(ConfigFormat.CISCO_ASA, likeness, read)
