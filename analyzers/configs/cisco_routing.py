"""What can notice a dead path over a tunnel: EIGRP, OSPF, BGP, BFD and GRE keepalives.

Defaults: EIGRP hello 5 s and hold 15 s (RFC 7868 section 5.3.2); OSPF hello 10 s, or 30 s on
networks without broadcast, and dead four hellos (RFC 2328 appendix C.3); BGP of Cisco devices
keepalive 60 s and hold 180 s (RFC 4271 section 10 suggests 30 s and 90 s).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network
from typing import NamedTuple

from analyzers.configs.cisco_interfaces import Interface
from analyzers.configs.lines import Line
from analyzers.configs.sections import Section, after, number, starting
from analyzers.model.configuration import RoutingProtocol, RoutingTimer
from analyzers.model.records import Ref

EIGRP_S = (5, 15)
OSPF_HELLO_S = 10
OSPF_SLOW_HELLO_S = 30
OSPF_DEAD_HELLOS = 4
BGP_S = (60, 180)
GRE_KEEPALIVE = (10, 3)

_OSPF_SLOW = ("non-broadcast", "point-to-multipoint")


class _Covered(NamedTuple):
    """One `network` statement."""

    line: Line
    network: IPv4Network
    silent: frozenset[str]
    speaking: frozenset[str]


class RoutingReader:
    """Timers of one configuration, over its tunnel interfaces only."""

    def __init__(
        self, all_sections: Sequence[Section], interfaces: dict[str, Interface], source: str
    ) -> None:
        self._sections = all_sections
        self._tunnels = [i for i in interfaces.values() if i.is_tunnel]
        self._subnets = [(n, tunnel) for tunnel in self._tunnels for n in _subnets(tunnel)]
        self._source = source

    def timers(self) -> tuple[RoutingTimer, ...]:
        """In the order of the tunnels."""
        named = self._named_eigrp()
        eigrp = self._networks("eigrp")
        ospf = self._networks("ospf")
        found: list[RoutingTimer] = []
        for tunnel in self._tunnels:
            found += self._eigrp(tunnel, eigrp, named)
            found += self._ospf(tunnel, ospf)
            found += self._bfd(tunnel)
            found += self._gre_keepalive(tunnel)
        found += self._bgp()
        return tuple(found)

    # --- interface by interface ---

    def _eigrp(
        self,
        tunnel: Interface,
        networks: Sequence[_Covered],
        named: dict[str, tuple[Line, int | None, int | None]],
    ) -> Iterator[RoutingTimer]:
        line, hello, hold = named.get(tunnel.name, (None, None, None))
        for own in tunnel.routing:
            words = own.words
            if words[1:3] == ["hello-interval", "eigrp"] and len(words) > 4:
                line, hello = own, number(words[4])
            elif words[1:3] == ["hold-time", "eigrp"] and len(words) > 4:
                line, hold = own, number(words[4])
        if line is None and (covering := _covering(tunnel, networks)) is not None:
            line = covering
        if line is not None:
            explicit = hello is not None or hold is not None
            yield self._timer(
                RoutingProtocol.EIGRP,
                tunnel,
                (hello or EIGRP_S[0], hold or EIGRP_S[1]),
                line,
                explicit=explicit,
            )

    def _ospf(self, tunnel: Interface, networks: Sequence[_Covered]) -> Iterator[RoutingTimer]:
        line: Line | None = _covering(tunnel, networks)
        hello: int | None = None
        dead: float | None = None
        usual = OSPF_HELLO_S
        for own in tunnel.routing:
            match own.words:
                case [_, "ospf", "hello-interval", value, *_]:
                    line, hello = own, number(value)
                case [_, "ospf", "dead-interval", "minimal", *_]:
                    line, dead = own, 1
                case [_, "ospf", "dead-interval", value, *_]:
                    line, dead = own, number(value)
                case [_, "ospf", "network", kind, *_] if kind in _OSPF_SLOW:
                    usual = OSPF_SLOW_HELLO_S
                case [_, "ospf", process, "area", *_] if number(process) is not None:
                    line = line or own
        if line is None:
            return
        hello_s = hello or usual
        explicit = hello is not None or dead is not None
        times = (hello_s, dead or hello_s * OSPF_DEAD_HELLOS)
        yield self._timer(RoutingProtocol.OSPF, tunnel, times, line, explicit=explicit)

    def _bfd(self, tunnel: Interface) -> Iterator[RoutingTimer]:
        for line in tunnel.routing:
            words = line.words
            every_ms = number(after(words, "min_rx"))
            times = number(after(words, "multiplier"))
            if words[0] == "bfd" and every_ms and times:
                seconds = (every_ms / 1000, every_ms * times / 1000)
                yield self._timer(RoutingProtocol.BFD, tunnel, seconds, line)

    def _gre_keepalive(self, tunnel: Interface) -> Iterator[RoutingTimer]:
        for line in tunnel.routing:
            words = line.words
            if words[0] == "keepalive":
                every = number(words[1]) if len(words) > 1 else GRE_KEEPALIVE[0]
                times = number(words[2]) if len(words) > 2 else GRE_KEEPALIVE[1]
                if every and times:
                    seconds = (every, every * times)
                    yield self._timer(RoutingProtocol.GRE_KEEPALIVE, tunnel, seconds, line)

    # --- router by router ---

    def _networks(self, protocol: str) -> list[_Covered]:
        """`network` statements, and the interfaces that stay silent in spite of them."""
        found = []
        for section in starting(self._sections, "router", protocol):
            silent, speaking = _passive(section.children)
            for line in section.children:
                words = line.words
                if words[0] == "network" and len(words) > 1:
                    covered = _wildcard(words[1], words[2] if len(words) > 2 else None)
                    if covered is not None:
                        found.append(_Covered(line, covered, silent, speaking))
        return found

    def _named_eigrp(self) -> dict[str, tuple[Line, int | None, int | None]]:
        """Tunnel interface to line, hello and hold time, from `af-interface` of named EIGRP."""
        found: dict[str, tuple[Line, int | None, int | None]] = {}
        for section in starting(self._sections, "router", "eigrp"):
            name: str | None = None
            for line in section.children:
                words = line.words
                if words[0] == "af-interface":
                    name = "".join(words[1:])
                elif words[0] in ("exit-af-interface", "exit-address-family", "address-family"):
                    name = None
                elif name is not None and words[0] in ("hello-interval", "hold-time"):
                    _, hello, hold = found.get(name, (line, None, None))
                    value = number(words[1]) if len(words) > 1 else None
                    if words[0] == "hello-interval":
                        found[name] = line, value, hold
                    else:
                        found[name] = line, hello, value
        return found

    def _bgp(self) -> Iterator[RoutingTimer]:
        for section in starting(self._sections, "router", "bgp"):
            usual: tuple[Line | None, tuple[int, int]] = (None, BGP_S)
            neighbors: dict[str, Line] = {}
            own: dict[str, tuple[Line, tuple[int, int]]] = {}
            groups: dict[str, str] = {}
            sources: dict[str, str] = {}
            for line in section.children:
                match line.words:
                    case ["timers", "bgp", keepalive, hold, *_]:
                        usual = line, _pair(keepalive, hold) or BGP_S
                    case ["neighbor", name, "timers", keepalive, hold, *_]:
                        times = _pair(keepalive, hold)
                        if times is not None:
                            own[name] = line, times
                    case ["neighbor", name, "peer-group", group, *_]:
                        groups[name] = group
                        neighbors.setdefault(name, line)
                    case ["neighbor", name, "remote-as", *_]:
                        neighbors.setdefault(name, line)
                    case ["neighbor", name, "update-source", *interface]:
                        sources[name] = "".join(interface)
            for name, line in neighbors.items():
                group = groups.get(name, "")
                tunnel = self._tunnel_of(name, sources.get(name) or sources.get(group))
                if tunnel is None:
                    continue
                where, times = own.get(name) or own.get(group) or (usual[0] or line, usual[1])
                yield self._timer(
                    RoutingProtocol.BGP,
                    tunnel,
                    times,
                    where,
                    neighbor=name,
                    explicit=where is not line,
                )

    def _tunnel_of(self, neighbor: str, source: str | None) -> Interface | None:
        for tunnel in self._tunnels:
            if source is not None and tunnel.name.lower() == source.lower():
                return tunnel
        try:
            address = ip_address(neighbor)
        except ValueError:
            return None  # a peer group, or a name
        return next((tunnel for network, tunnel in self._subnets if address in network), None)

    def _timer(
        self,
        protocol: RoutingProtocol,
        tunnel: Interface,
        seconds: tuple[float, float],
        line: Line,
        *,
        neighbor: str | None = None,
        explicit: bool = True,
    ) -> RoutingTimer:
        ref = Ref(self._source, line.number)
        hello_s, hold_s = float(seconds[0]), float(seconds[1])
        return RoutingTimer(protocol, tunnel.name, hello_s, hold_s, ref, neighbor, explicit)


def _passive(lines: Sequence[Line]) -> tuple[frozenset[str], frozenset[str]]:
    """Passive interfaces ("default" is all of them), and those that are not, in small letters."""
    named = {word: set[str]() for word in ("passive-interface", "no")}
    for line in lines:
        words = line.words
        if words[0] == "passive-interface":
            named["passive-interface"].add("".join(words[1:]).lower())
        elif words[:2] == ["no", "passive-interface"]:
            named["no"].add("".join(words[2:]).lower())
    return frozenset(named["passive-interface"]), frozenset(named["no"])


def _pair(keepalive: str, hold: str) -> tuple[int, int] | None:
    first, second = number(keepalive), number(hold)
    return (first, second) if first and second else None


def _wildcard(address: str, wildcard: str | None) -> IPv4Network | None:
    """`network` with a wildcard mask, or classful without one."""
    try:
        if wildcard is None:
            leading = int(address.partition(".")[0])
            prefix = 8 if leading < 128 else 16 if leading < 192 else 24
            return IPv4Network(f"{address}/{prefix}", strict=False)
        if wildcard == "0.0.0.0":
            return IPv4Network(address)
        return IPv4Network(f"{address}/{wildcard}", strict=False)
    except ValueError:
        return None


def _covering(tunnel: Interface, networks: Sequence[_Covered]) -> Line | None:
    """The statement that makes a protocol speak on a tunnel."""
    if tunnel.address is None:
        return None
    try:
        own = ip_address(tunnel.address)
    except ValueError:
        return None
    name = tunnel.name.lower()
    for line, covered, silent, speaking in networks:
        is_silent = name in silent or ("default" in silent and name not in speaking)
        if own in covered and not is_silent:
            return line
    return None


def _subnets(tunnel: Interface) -> Iterator[IPv4Network | IPv6Network]:
    """The networks of a tunnel interface: whoever is in one is reached through it."""
    for address, mask in tunnel.addresses:
        try:
            yield ip_network(address if mask is None else f"{address}/{mask}", strict=False)
        except ValueError:
            continue
