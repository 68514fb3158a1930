"""Devices that share an address in a log: those behind one NAT, and those behind one mask.

What is heard of one proves nothing of another. Two IKE SAs that go on side by side, each on a port
of its own, are two devices; an SA whose port moves stays one, and so does a device that comes back
on another port. Where addresses are masked, nothing but the SAs tells devices apart.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Sequence
from typing import Final

from msgspec import Struct, field

from analyzers.model.log_events import LogEvent, LogEventKind
from analyzers.tracking.log_sas import BEFORE_UP
from analyzers.tracking.sightings import is_private

_OCTET: Final = r"(?:\d{1,3}|[xX*]{1,3}|[a-zA-Z])"
_MASKED: Final = re.compile(rf"{_OCTET}(?:\.{_OCTET}){{3}}")
_IKE: Final = (500, 4500)

_Address = tuple[str | None, str | None, str]
"""Host, local and remote, as the log has them."""


class _Sa(Struct):
    """What a log has of one IKE SA."""

    handle: str
    heard: list[int] = field(default_factory=list)
    """Places of the messages that came on it, in the log."""
    ports: set[int] = field(default_factory=set)
    """Those of the other end; those of IKE itself are one."""

    def goes_on_beside(self, other: _Sa) -> bool:
        """Whether both were heard, and heard again after the other one."""
        return self._is_amid(other) and other._is_amid(self)

    def _is_amid(self, other: _Sa) -> bool:
        after = bisect_left(self.heard, other.heard[0])
        return after < len(self.heard) and self.heard[after] < other.heard[-1]


class _Device(Struct):
    """One of several that have an address."""

    first: _Sa
    ports: set[int] = field(default_factory=set)
    last: list[_Sa] = field(default_factory=list)
    """SAs of it that may go on beside later ones."""

    def may_have(self, sa: _Sa, *, masked: bool) -> bool:
        """Whether an SA that begins after those of this device can be of it."""
        self.last = [known for known in self.last if known.heard[-1] >= sa.heard[0]]
        return not any(
            (masked or _have_other_ports(known, sa)) and known.goes_on_beside(sa)
            for known in self.last
        )

    def add(self, sa: _Sa) -> None:
        """An SA is one of it."""
        self.ports |= sa.ports
        self.last.append(sa)


def tell_apart(events: Sequence[LogEvent]) -> None:
    """Say of the events of a log which device they are about, where several have one address.

    `device_port` tells those behind a NAT; behind a mask each gets a name of its own.
    """
    found: dict[_Address, dict[str, _Sa]] = {}
    for place, event in enumerate(events):
        address = _address_of(event)
        if address is None or event.handle is None or event.kind is not LogEventKind.MESSAGE:
            continue
        if event.message in BEFORE_UP:
            continue  # what is negotiated may go on from another port
        sas = found.setdefault(address, {})
        sa = sas.get(event.handle)
        if sa is None:
            sa = sas[event.handle] = _Sa(event.handle)
        port = _port_of(event)
        if port is not None:
            sa.ports.add(port)
        if not event.sent:
            sa.heard.append(place)
    devices = {
        address: found_devices
        for address, sas in found.items()
        if len(sas) > 1 and len(found_devices := _devices(address[2], list(sas.values()))) > 1
    }
    if devices:
        _name(events, devices)


def _devices(remote: str, sas: Sequence[_Sa]) -> dict[str, _Device]:
    """The devices that have an address, by the handles of their SAs."""
    masked = _is_masked(remote)
    devices: list[_Device] = []
    by_handle: dict[str, _Device] = {}
    for sa in sorted((sa for sa in sas if sa.heard), key=lambda sa: sa.heard[0]):
        possible = [device for device in devices if device.may_have(sa, masked=masked)]
        device = next((known for known in possible if known.ports & sa.ports), None)
        if device is None or masked:
            device = possible[0] if possible else None
        if device is None:
            device = _Device(sa)
            devices.append(device)
        device.add(sa)
        by_handle[sa.handle] = device
    return by_handle if len(devices) > 1 else {}


def _name(events: Sequence[LogEvent], devices: dict[_Address, dict[str, _Device]]) -> None:
    for event in events:
        address = _address_of(event)
        by_handle = None if address is None else devices.get(address)
        if address is None or by_handle is None:
            continue
        device = None if event.handle is None else by_handle.get(event.handle)
        port = _port_of(event)
        if _is_masked(address[2]):
            if device is None and event.kind is not LogEventKind.PEER_DEAD:
                device = next(iter(by_handle.values()))
            if device is not None:
                event.remote = f"{address[2]} (SA {device.first.handle})"
            continue
        if device is None and port is not None:
            device = next((d for d in by_handle.values() if port in d.ports), None)
        if device is not None:
            event.device_port = min(device.first.ports)


def _address_of(event: LogEvent) -> _Address | None:
    return None if event.remote is None else (event.host, event.local, event.remote)


def _port_of(event: LogEvent) -> int | None:
    port = event.remote_port
    return _IKE[-1] if port in _IKE else port


def _is_masked(address: str) -> bool:
    return is_private(address) is None and _MASKED.fullmatch(address) is not None


def _have_other_ports(one: _Sa, two: _Sa) -> bool:
    return bool(one.ports and two.ports) and one.ports.isdisjoint(two.ports)
