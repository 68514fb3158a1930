"""The network interfaces of this machine, as far as a capture is concerned."""

from __future__ import annotations

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
    v6 = _ipv6_addresses()
    return [
        Interface(name, _is_up(name), (*_ipv4_addresses(name), *v6.get(name, ()))) for name in names
    ]


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


def _ipv4_addresses(name: str) -> tuple[str, ...]:
    """Its first address: what the oldest of all calls tells."""
    get_address = 0x8915
    try:
        import fcntl

        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asked:
            request = name.encode()[:15].ljust(256, b"\0")
            answer = fcntl.ioctl(asked.fileno(), get_address, request)
        return (socket.inet_ntoa(answer[20:24]),)
    except (ImportError, OSError):
        return ()


def _ipv6_addresses() -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    try:
        lines = Path("/proc/net/if_inet6").read_text(encoding="ascii").splitlines()
    except OSError:
        return found
    for line in lines:
        fields = line.split()
        if len(fields) == 6 and len(fields[0]) == 32:
            address = socket.inet_ntop(socket.AF_INET6, bytes.fromhex(fields[0]))
            found.setdefault(fields[5], []).append(address)
    return found
