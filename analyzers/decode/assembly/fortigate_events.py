"""Reads the keys of FortiGate's VPN event log.

A tunnel that goes down is told by its phase 1, its phase 2 and its interface: one end of the IKE
SA, one of the Child SA.
"""

from __future__ import annotations

import re
from collections import OrderedDict
from collections.abc import Iterable, Iterator
from typing import ClassVar, Final

from msgspec import Struct

from analyzers.decode.assembly.child_pairs import ChildPairs
from analyzers.decode.assembly.lines import LogLine, address, event, number, spi
from analyzers.model.exchange import DeleteProtocol
from analyzers.model.log_events import LogEvent, LogEventKind

_KEY: Final = re.compile(r'\b([A-Za-z_]{2,24})=("[^"\n]{0,400}"|[^\s"]{1,200})')
_MAX_TEXT: Final = 4000
_MAX_TUNNELS: Final = 4096
_NO_SPI: Final = "0" * 16
_KINDS: Final = {
    "dead": LogEventKind.PEER_DEAD,
    "ike-up": LogEventKind.IKE_SA_UP,
    "ike-down": LogEventKind.IKE_SA_DOWN,
    "tunnel-up": LogEventKind.IKE_SA_UP,
    "tunnel-down": LogEventKind.IKE_SA_DOWN,
    "child-up": LogEventKind.CHILD_SA_UP,
    "child-down": LogEventKind.CHILD_SA_DOWN,
    "invalid-spi": LogEventKind.INVALID_SPI,
    "gave-up": LogEventKind.GAVE_UP,
}
_CHILDREN: Final = (
    LogEventKind.CHILD_SA_UP,
    LogEventKind.CHILD_SA_DOWN,
    LogEventKind.INVALID_SPI,
)


class _Tunnel(Struct):
    up: bool | None = None
    initiator_spi: str | None = None


class FortigateEventsAssembly:
    """The state of one FortiGate's event log."""

    useless: ClassVar[frozenset[str]] = frozenset({""})
    """Ids of patterns whose lines it has no use for; "" is that of lines that nothing knows."""

    def __init__(self) -> None:
        self._tunnels: OrderedDict[str, _Tunnel] = OrderedDict()
        self._children = ChildPairs()

    def take(self, line: LogLine) -> Iterable[LogEvent]:
        """One line."""
        kind = _KINDS.get(line.id)
        return () if kind is None else list(self._take(line, kind))

    def finish(self) -> Iterable[LogEvent]:
        """Nothing waits."""
        return ()

    def _take(self, line: LogLine, kind: LogEventKind) -> Iterator[LogEvent]:
        keys = _keys(line.text)
        made = event(line, kind)
        made.local, made.remote = _address(keys, "locip"), _address(keys, "remip")
        made.local_port = number(keys.get("locport", ""), 65535)
        made.remote_port = number(keys.get("remport", ""), 65535)
        name = keys.get("vpntunnel", "")
        made.handle = name or None
        cookies = keys.get("cookies", "").partition("/")
        made.initiator_spi, made.responder_spi = _cookie(cookies[0]), _cookie(cookies[2])
        version = keys.get("version", "").removeprefix("IKEv")
        made.version = int(version) if version in ("1", "2") else None
        if kind in _CHILDREN:
            yield from self._child(made, keys)
            return
        reason = keys.get("reason", "N/A")
        made.reason = "" if reason in ("N/A", "none") else reason[:200]
        if kind is LogEventKind.PEER_DEAD:
            made.reason = made.reason or keys.get("msg", "")[:200]
        yield from self._ike(line, made, self._tunnel(name or made.remote or ""))

    def _tunnel(self, name: str) -> _Tunnel:
        tunnel = self._tunnels.setdefault(name, _Tunnel())
        while len(self._tunnels) > _MAX_TUNNELS:
            self._tunnels.popitem(last=False)
        return tunnel

    def _ike(self, line: LogLine, made: LogEvent, tunnel: _Tunnel) -> Iterator[LogEvent]:
        if made.kind is LogEventKind.IKE_SA_UP:
            if line.id == "tunnel-up" and tunnel.up:
                return
            tunnel.up, tunnel.initiator_spi = True, made.initiator_spi
        elif made.kind is LogEventKind.IKE_SA_DOWN:
            made.protocol = DeleteProtocol.IKE
            replaced = None not in (tunnel.initiator_spi, made.initiator_spi)
            if replaced and tunnel.initiator_spi != made.initiator_spi:
                yield made  # an SA that was rekeyed before
                return
            if tunnel.up is False:
                return
            tunnel.up, tunnel.initiator_spi = False, None
        elif made.kind is LogEventKind.PEER_DEAD and tunnel.up is False:
            tunnel.up = None  # nothing told that it was up again
        yield made

    def _child(self, made: LogEvent, keys: dict[str, str]) -> Iterator[LogEvent]:
        made.protocol = DeleteProtocol.ESP
        found = [spi(keys.get(key, ""), 8) for key in ("in_spi", "out_spi", "spi")]
        made.spis = tuple(value for value in found if value is not None)
        if made.kind is LogEventKind.CHILD_SA_UP and not self._children.up(made.spis):
            return
        if made.kind is LogEventKind.CHILD_SA_DOWN:
            gone = self._children.down(made.spis)
            if gone is None:
                return
            made.spis = gone
        yield made


def _keys(text: str) -> dict[str, str]:
    return {m[1].lower(): m[2].strip('"') for m in _KEY.finditer(text[:_MAX_TEXT])}


def _address(keys: dict[str, str], name: str) -> str | None:
    value = keys.get(name, "N/A")
    return None if value in ("N/A", "") else address(value)


def _cookie(text: str) -> str | None:
    value = spi(text, 16)
    return None if value == _NO_SPI else value
