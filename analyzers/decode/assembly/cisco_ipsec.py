"""Says whose the SAs of `debug crypto ipsec` are: a record names the destination, the ends come
in the same record, or in one before it."""

from __future__ import annotations

import ipaddress
from collections import OrderedDict
from collections.abc import Iterable
from typing import Final

from analyzers.decode.assembly.lines import LogLine, address, event
from analyzers.model.exchange import DeleteProtocol
from analyzers.model.log_events import LogEvent, LogEventKind

_PROTOCOLS: Final = {"50": DeleteProtocol.ESP, "51": DeleteProtocol.AH}
_MAX_REMEMBERED: Final = 65_536
_MAX_ENDS: Final = 4096

Ends = tuple[str, str]


class CiscoIpsecAssembly:
    """The state of one router's debug."""

    def __init__(self) -> None:
        self._by_address: OrderedDict[str, Ends] = OrderedDict()
        self._by_spi: OrderedDict[str, Ends] = OrderedDict()

    def take(self, line: LogLine) -> Iterable[LogEvent]:
        """One record."""
        fields = line.fields
        if "local_end" in fields:
            self._learn((_host(fields["local_end"]), _host(fields["peer_end"])))
        match line.id:
            case "created":
                return (self._about(line, LogEventKind.CHILD_SA_UP),)
            case "deleted" | "delete-asked":
                return (self._about(line, LogEventKind.CHILD_SA_DOWN),)
            case _:
                return ()

    def finish(self) -> Iterable[LogEvent]:
        """Nothing waits."""
        return ()

    def _learn(self, ends: Ends) -> None:
        for end in ends:
            self._by_address[end] = ends
            self._by_address.move_to_end(end)
        while len(self._by_address) > _MAX_ENDS:
            self._by_address.popitem(last=False)

    def _about(self, line: LogLine, kind: LogEventKind) -> LogEvent:
        protocol = _PROTOCOLS.get(line.fields["proto"], DeleteProtocol.UNKNOWN)
        made = event(line, kind, protocol=protocol)
        spi = made.spis[0] if made.spis else ""
        ends = self._by_spi.get(spi) or self._ends(line, made.remote)
        if ends is None:
            return made
        made.local, made.remote = ends
        self._by_spi[spi] = ends
        while len(self._by_spi) > _MAX_REMEMBERED:
            self._by_spi.popitem(last=False)
        return made

    def _ends(self, line: LogLine, remote: str | None) -> Ends | None:
        fields = line.fields
        if "local_end" in fields:
            return _host(fields["local_end"]), _host(fields["peer_end"])
        named = address(fields["dest"]) if "dest" in fields else remote
        return None if named is None else self._by_address.get(named)


def _host(end: str) -> str:
    """The address of "192.0.2.1:500", "192.0.2.1", and of IPv6 with or without a port."""
    host, colon, port = end.rpartition(":")
    if colon and port.isdigit() and (":" not in host or _is_ipv6(host)):
        return address(host)
    return address(end)


def _is_ipv6(text: str) -> bool:
    try:
        return ipaddress.ip_address(text).version == 6
    except ValueError:
        return False
