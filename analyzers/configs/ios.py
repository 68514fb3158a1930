"""Cisco IOS and IOS XE: `show running-config`, or a part of one."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

from analyzers.configs import cisco_interfaces, ios_dpd
from analyzers.configs.cisco_interfaces import Interface
from analyzers.configs.cisco_routing import RoutingReader
from analyzers.configs.formats import Reader
from analyzers.configs.ios_crypto import CryptoReader, IkeProfile, ike_profiles, lifetimes
from analyzers.configs.lines import Line, unusable, within_limit
from analyzers.configs.sections import Section, number, sections, starting
from analyzers.model.configuration import (
    ConfigFormat,
    Configuration,
    Connection,
    DpdSetting,
    NatKeepalive,
)
from analyzers.model.records import Problem, Ref

# What stands under a command even where a paste lost the indentation.
_SET: Final = re.compile(r"(?:set|match|description|reverse-route|qos|responder-only)\b")
BELOW: Final = {
    "crypto isakmp policy": re.compile(r"(?:encr|encryption|hash|authentication|group|lifetime)\b"),
    "crypto isakmp profile": re.compile(
        r"(?:keyring|match|keepalive|local-address|virtual-template|client|isakmp|initiate"
        r"|self-identity|vrf|ca|accounting|description|qos-group)\b"
    ),
    "crypto isakmp client configuration group": re.compile(
        r"(?:key|dns|wins|domain|pool|acl|save-password|max-users|max-logins|netmask)\b"
    ),
    "crypto ikev2 profile": re.compile(
        r"(?:match|identity|authentication|keyring|dpd|lifetime|aaa|virtual-template|pki|ivrf|nat"
        r"|description|initial-contact|redirect|config-exchange)\b"
    ),
    "crypto ikev2 client flexvpn": re.compile(r"(?:peer|client|source|backup)\b"),
    "crypto ipsec client ezvpn": re.compile(
        r"(?:connect|group|mode|peer|xauth|username|virtual-interface|acl|nat|idletime"
        r"|local-address|backup|flow|description)\b"
    ),
    "crypto ipsec profile": _SET,
    "crypto ipsec transform-set": re.compile(r"mode\b"),
    "crypto map": _SET,
    "crypto dynamic-map": _SET,
    "interface": re.compile(
        r"(?:ip|ipv6) (?:address|nhrp|ospf|hello-interval|hold-time|mtu|tcp|nat|redirects|eigrp"
        r"|virtual-reassembly|access-group|split-horizon|unnumbered|nbma)\b"
        r"|(?:no|description|tunnel|keepalive|standby|duplex|speed|bandwidth|delay|encapsulation"
        r"|shutdown|bfd|vrf|negotiation|media-type|cdp|load-interval|zone-member|if-state)\b"
        r"|crypto (?:map \S+(?: redundancy .*)?$|ipsec client ezvpn)"
    ),
    "router": re.compile(
        r"(?:network|neighbor|timers|passive-interface|no|redistribute|address-family|bgp|eigrp"
        r"|exit-address-family|af-interface|exit-af-interface|hello-interval|hold-time|router-id"
        r"|area|auto-summary|default-information|maximum-paths|version|topology|distance"
        r"|exit-af-topology)\b"
    ),
}


def read(lines: Sequence[Line], source: str) -> Configuration:
    """What a configuration of IOS says of IKE, DPD, its peers and routing over its tunnels."""
    lines, problems = within_limit(lines, source)
    found = sections(lines, BELOW)
    interfaces = cisco_interfaces.interfaces(found, source)
    profiles = ike_profiles(found, interfaces)
    crypto = CryptoReader(found, interfaces, profiles, source)
    connections = crypto.connections()
    addresses = _addresses(connections, interfaces)
    settings, refused = _settings(found, profiles, connections, addresses, source)
    return Configuration(
        source=source,
        format=ConfigFormat.CISCO_IOS,
        first_line=lines[0].number if lines else 1,
        last_line=lines[-1].number if lines else 1,
        hostname=_hostname(found),
        addresses=addresses,
        dpd=settings,
        connections=connections,
        lifetimes=lifetimes(found, profiles, source),
        routing=RoutingReader(found, interfaces, source).timers(),
        tunnels=cisco_interfaces.tunnels(interfaces, source),
        standby=cisco_interfaces.standby_groups(interfaces, source),
        easy_vpn=crypto.easy_vpn(),
        redundancy=cisco_interfaces.redundancy(interfaces, source),
        nat_keepalive=_nat_keepalive(found, source),
        problems=(*problems, *refused),
    )


def _hostname(found: Sequence[Section]) -> str | None:
    return next((s.words[1] for s in starting(found, "hostname") if len(s.words) > 1), None)


def _addresses(
    connections: Sequence[Connection], interfaces: dict[str, Interface]
) -> tuple[str, ...]:
    """Addresses of the device, those of its connections first."""
    used = [c.local for c in connections if c.local is not None]
    every = [text.partition("/")[0] for i in interfaces.values() for text, _ in i.addresses]
    return tuple(dict.fromkeys([*used, *every]))


def _nat_keepalive(found: Sequence[Section], source: str) -> NatKeepalive | None:
    """The rarer one, where IKEv1 and IKEv2 have one each."""
    both = [
        NatKeepalive(float(seconds), Ref(source, section.line.number))
        for word in ("isakmp", "ikev2")
        for section in starting(found, "crypto", word, "nat", "keepalive")
        if (seconds := number(" ".join(section.words[4:5]))) is not None
    ]
    return max(both, key=lambda keepalive: keepalive.interval_s, default=None)


# --- DPD ---


def _settings(
    found: Sequence[Section],
    profiles: Sequence[IkeProfile],
    connections: Sequence[Connection],
    addresses: Sequence[str],
    source: str,
) -> tuple[tuple[DpdSetting, ...], list[Problem]]:
    """DPD settings, and the lines that cannot be meant."""
    holder = addresses[0] if addresses else _hostname(found) or ""
    settings: list[DpdSetting] = []
    problems: list[Problem] = []

    def add(line: Line, arguments: Sequence[str], target: ios_dpd.Target) -> None:
        timers = ios_dpd.timers(arguments)
        if timers is None:
            problems.append(unusable(line, source, "a DPD command without an interval"))
        else:
            settings.append(ios_dpd.setting(timers, target, line, source))
            problems.extend(ios_dpd.out_of_range(timers, line, source))

    for version, command in ((1, ("isakmp", "keepalive")), (2, ("ikev2", "dpd"))):
        every = list(starting(found, "crypto", *command))
        if every:
            # Where a log has the line twice, the later one is in force.
            add(every[-1].line, every[-1].words[3:], ios_dpd.Target("global", version, holder))
            continue
        first = next((c for c in connections if c.ike_version == version), None)
        if first is not None:
            settings.append(ios_dpd.never_asks(version, holder, first.ref))
    for profile in profiles:
        if profile.dpd is not None:
            holder_here = profile.local or holder
            target = ios_dpd.Target(
                profile.key, profile.version, holder_here, profile.peers, profile.local, profile.key
            )
            add(*profile.dpd, target)
    return tuple(settings), problems


# --- likeness ---

_SURE: Final = re.compile(
    r"crypto (?:isakmp (?:policy|key|keepalive|profile|client|nat|aggressive-mode|invalid-spi)"
    r"|ikev2 (?:dpd|profile|keyring|proposal|policy|client|cookie|nat)"
    r"|ipsec (?:transform-set|profile|client ezvpn|security-association) "
    r"|map \S+ \d+ (?:ipsec-isakmp|gdoi)|dynamic-map \S+ \d+$|keyring )"
    r"|interface (?:Tunnel|Vlan|Loopback|FastEthernet|GigabitEthernet|Ethernet|Serial)[\d/.]+$"
    r"|router (?:eigrp|ospf|bgp) \S+$|hostname \S+$|ip route \d"
)
_FIREWALL: Final = re.compile(
    r"tunnel-group \S+ (?:type|general|ipsec|webvpn)|(?:ASA|PIX) Version |: Saved|nameif \S"
    r"|crypto map \S+ (?:\d+ set |interface )|crypto ikev1 |object(?:-group)? network |names$"
    r"|crypto ipsec ikev[12] |isakmp keepalive|same-security-traffic "
)
_KNOWN: Final = re.compile(
    r"(?:aaa|access-list|alias|archive|banner|boot|bridge|call|cdp|clock|class-map|control-plane"
    r"|controller|crypto|diagnostic|dial-peer|do|dot11|enable|end|event|exit|fhrp|flow|frame-relay"
    r"|hostname|hw-module|interface|ip|ipv6|isdn|key|l2vpn|license|line|lldp|logging|login|mac"
    r"|memory|mls|monitor|mpls|multilink|nat|netconf|network|no|ntp|object-group|parser|platform"
    r"|policy-map|privilege|process|quit|radius|redundancy|route-map|router|scheduler|secure"
    r"|service|snmp-server|spanning-tree|standby|subscriber|switch|tacacs|tacacs-server|template"
    r"|track|transport|tunnel|username|version|vlan|voice|vrf|vtp|vpdn|wireless|zone|zone-pair"
    r"|Building configuration|Current configuration :)\b"
)


def likeness(lines: Sequence[Line]) -> float:
    """Share of lines that can be IOS configuration; less where lines can only be a firewall's."""
    known = total = sure = other = 0
    inside = False
    for line in lines:
        text = line.text.strip()
        if not text or text[0] == "!":
            continue
        total += 1
        at_margin = not line.text[0].isspace()
        fits = bool(_KNOWN.match(text)) or any(p.match(text) for p in _UNDER)
        if at_margin:
            inside = fits
        known += fits or (inside and not at_margin)
        sure += bool(_SURE.match(text))
        other += bool(_FIREWALL.match(text))
    if not sure or not total:
        return 0.0
    return known / total * sure / (sure + 2 * other)


_UNDER: Final = tuple(dict.fromkeys(BELOW.values()))

READER: Final = Reader(ConfigFormat.CISCO_IOS, likeness, read)
