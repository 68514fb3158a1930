"""Puts together what an SRX says of one tunnel: its two SAs, its alarms, its peer.

A tunnel is down for many reasons, of which only some mean its IKE SA; what DPD found is a reason,
too, where the daemon has no line of its own for it.
"""

from __future__ import annotations

import re
from collections import OrderedDict
from collections.abc import Iterable, Iterator
from typing import ClassVar, Final

from msgspec import Struct

from analyzers.decode.assembly.child_pairs import ChildPairs
from analyzers.decode.assembly.lines import LogLine, address, event
from analyzers.model.exchange import DeleteProtocol
from analyzers.model.log_events import LogEvent, LogEventKind
from analyzers.model.time import NS_PER_SECOND

# Of the reasons of a tunnel's end: the peer did not answer, and the IKE SA ended with it.
_DEAD: Final = re.compile(r"DPD (?:detected|failed|failure|timeout)", re.IGNORECASE)
_WITH_IKE: Final = re.compile(r"\bIKE(?: SA|/IPSec)", re.IGNORECASE)
# The two directions of a Child SA are logged within this.
_TOGETHER_NS: Final = NS_PER_SECOND
_MAX_TUNNELS: Final = 4096


class _Tunnel(Struct):
    """What is known of the tunnels with one peer."""

    up: bool = False
    dead: bool = False
    spis: tuple[str, ...] = ()
    version: int | None = None


class JuniperKmdAssembly:
    """The state of one SRX."""

    useless: ClassVar[frozenset[str]] = frozenset({""})
    """Ids of patterns whose lines it has no use for; "" is that of lines that nothing knows."""

    def __init__(self) -> None:
        self._tunnels: OrderedDict[str, _Tunnel] = OrderedDict()
        self._children = ChildPairs()
        self._half: LogEvent | None = None
        """One direction of a Child SA that came up."""
        self._half_is_inbound = False

    def take(self, line: LogLine) -> Iterable[LogEvent]:
        """One line."""
        return list(self._take(line))

    def finish(self) -> Iterable[LogEvent]:
        """The log is over."""
        return list(self._half_told())

    def _take(self, line: LogLine) -> Iterator[LogEvent]:
        if line.id != "child-up":
            yield from self._half_told()
        tunnel = self._tunnel(line)
        match line.id:
            case "dead" | "dead-kmd":
                yield from self._dead(line, tunnel)
                if line.id == "dead":
                    yield self._about(line, LogEventKind.IKE_SA_DOWN, tunnel)
            case "vpn-down":
                yield from self._vpn_down(line, tunnel)
            case "vpn-up":
                if not tunnel.up:
                    yield self._about(line, LogEventKind.CHILD_SA_UP, tunnel)
                tunnel.up, tunnel.dead = True, False
            case "child-up":
                yield from self._child_up(line, tunnel)
            case "ike-up":
                tunnel.version, tunnel.dead = int(line.fields["version"]), False
                yield self._about(line, LogEventKind.IKE_SA_UP, tunnel)
            case _:
                if "imed out" in line.fields["reason"]:
                    yield self._about(line, LogEventKind.GAVE_UP, tunnel)

    def _tunnel(self, line: LogLine) -> _Tunnel:
        tunnel = self._tunnels.setdefault(address(line.fields["peer"]), _Tunnel())
        while len(self._tunnels) > _MAX_TUNNELS:
            self._tunnels.popitem(last=False)
        return tunnel

    @staticmethod
    def _about(line: LogLine, kind: LogEventKind, tunnel: _Tunnel) -> LogEvent:
        made = event(line, kind, version=tunnel.version)
        if kind is LogEventKind.IKE_SA_DOWN:
            made.protocol = DeleteProtocol.IKE
        elif kind in (LogEventKind.CHILD_SA_UP, LogEventKind.CHILD_SA_DOWN):
            made.protocol = DeleteProtocol.ESP
        return made

    def _dead(self, line: LogLine, tunnel: _Tunnel) -> Iterator[LogEvent]:
        if not tunnel.dead:
            tunnel.dead = True
            yield self._about(line, LogEventKind.PEER_DEAD, tunnel)

    def _vpn_down(self, line: LogLine, tunnel: _Tunnel) -> Iterator[LogEvent]:
        reason = line.fields.get("reason", "")
        told = tunnel.dead
        if _DEAD.search(reason):
            yield from self._dead(line, tunnel)
        down = self._about(line, LogEventKind.CHILD_SA_DOWN, tunnel)
        down.spis = self._children.down(tunnel.spis) or tunnel.spis
        tunnel.up, tunnel.spis = False, ()
        yield down
        if not told and (tunnel.dead or _WITH_IKE.search(reason)):
            yield self._about(line, LogEventKind.IKE_SA_DOWN, tunnel)
        tunnel.dead = False

    def _child_up(self, line: LogLine, tunnel: _Tunnel) -> Iterator[LogEvent]:
        made = self._about(line, LogEventKind.CHILD_SA_UP, tunnel)
        inbound = line.fields["direction"] == "in"
        half, self._half = self._half, None
        if half is not None and self._half_is_inbound is not inbound and _fits(half, made):
            half.spis = (*made.spis, *half.spis) if inbound else (*half.spis, *made.spis)
            self._half = half
            yield from self._half_told()
            return
        if half is not None:
            self._half = half
            yield from self._half_told()
        self._half, self._half_is_inbound = made, inbound

    def _half_told(self) -> Iterator[LogEvent]:
        half, self._half = self._half, None
        if half is None or not self._children.up(half.spis):
            return
        tunnel = self._tunnels.get(half.remote or "")
        if tunnel is not None:
            tunnel.up, tunnel.spis = True, half.spis
        yield half


def _fits(half: LogEvent, other: LogEvent) -> bool:
    """Whether two SAs can be the two directions of one."""
    if (half.local, half.remote) != (other.local, other.remote):
        return False
    if half.at_ns is None or other.at_ns is None:
        return True
    return 0 <= other.at_ns - half.at_ns <= _TOGETHER_NS
