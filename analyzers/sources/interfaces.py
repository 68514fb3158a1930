"""The network interfaces of this machine, as far as a capture is concerned."""

from __future__ import annotations

import array
import contextlib
import socket
import struct
from pathlib import Path
from typing import Final

from msgspec import Struct

ANY: Final = "any"
"""The pseudo interface of Linux that is all of them."""
_UP: Final = 1
_GET_FLAGS: Final = 0x8913
"""Of Linux; unlike /sys it tells of the network namespace that we are in."""
_FLAGS: Final = struct.Struct("16sh")
_GET_ADDRESSES: Final = 0x8912
"""Of IPv4, all of them; so does this one."""
_LISTED: Final = struct.Struct("@iP")
_NAME_BYTES: Final = 16
_REQUEST_BYTES: Final = _NAME_BYTES + (24 if struct.calcsize("P") == 8 else 16)
_MOST_ADDRESSES: Final = 4096


class Interface(Struct, frozen=True):
    """One interface."""

    name: str
    up: bool | None
    """None where the system does not tell."""
    addresses: tuple[str, ...] = ()


def interfaces() -> list[Interface]:
    """All interfaces, in the order of the system."""
    try:
        names = [name for _, name in socket.if_nameindex()]
    except OSError:
        return []
    found = _addresses()
    return [Interface(name, _is_up(name), tuple(found.get(name, ()))) for name in names]


def addresses_on(interface: str) -> tuple[str, ...]:
    """The addresses of this machine on an interface; none where the system does not tell."""
    found = _addresses()
    names = found if interface == ANY else [interface]
    return tuple(address for name in names for address in found.get(name, ()))


def exists(name: str) -> bool:
    """Whether there is such an interface."""
    if name == ANY:
        return True
    try:
        return socket.if_nametoindex(name) > 0
    except OSError:
        return False


def is_down(name: str) -> bool:
    """Whether there is such an interface and it is down; no where the system does not tell."""
    with contextlib.suppress(ImportError, OSError, struct.error):
        import fcntl

        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asked:
            request = name.encode()[:15].ljust(40, b"\0")
            answer = fcntl.ioctl(asked.fileno(), _GET_FLAGS, request)
        return not _FLAGS.unpack_from(answer)[1] & _UP
    return False


def _is_up(name: str) -> bool | None:
    try:
        flags = Path("/sys/class/net", name, "flags").read_text(encoding="ascii")
        return bool(int(flags, 16) & _UP)
    except (OSError, ValueError):
        return None


def _addresses() -> dict[str, list[str]]:
    """By interface, those of IPv4 first."""
    found: dict[str, list[str]] = {}
    for each in (_ipv4_addresses(), _ipv6_addresses()):
        for name, address in each:
            found.setdefault(name, []).append(address)
    return found


def _ipv4_addresses() -> list[tuple[str, str]]:
    """Interface and address."""
    listed = array.array("B", bytes(_MOST_ADDRESSES * _REQUEST_BYTES))
    try:
        import fcntl

        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asked:
            request = _LISTED.pack(len(listed), listed.buffer_info()[0])
            size = _LISTED.unpack(fcntl.ioctl(asked.fileno(), _GET_ADDRESSES, request))[0]
    except (ImportError, OSError):
        return []
    found = []
    for start in range(0, size, _REQUEST_BYTES):
        name, raw = struct.unpack_from(f"{_NAME_BYTES}s4x4s", listed, start)
        # An alias is the label of a further address.
        interface = name.rstrip(b"\0").decode(errors="replace").partition(":")[0]
        found.append((interface, socket.inet_ntoa(raw)))
    return found


def _ipv6_addresses() -> list[tuple[str, str]]:
    """Interface and address."""
    found: list[tuple[str, str]] = []
    try:
        lines = Path("/proc/net/if_inet6").read_text(encoding="ascii").splitlines()
    except OSError:
        return found
    for line in lines:
        fields = line.split()
        if len(fields) == 6 and len(fields[0]) == 32:
            address = socket.inet_ntop(socket.AF_INET6, bytes.fromhex(fields[0]))
            found.append((fields[5], address))
    return found
