"""The two ends of a connection, as strongSwan, Libreswan and FortiOS write them."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network, summarize_address_range
from itertools import islice
from typing import Final

from msgspec import Struct

EVERYONE: Final = ("0.0.0.0/0", "::/0")
"""Any peer, as networks: a setting for them still belongs to its connection."""


class Scope(Struct, frozen=True):
    """Whose DPD options they are."""

    name: str
    """For people: "connection gw"."""
    profile: str
    peers: tuple[str, ...]
    local: str | None
    holder: str


_MAX_ENDPOINTS: Final = 200
_MAX_NAME: Final = 255
_ANY: Final = frozenset({"%any", "%any4", "%any6", "0.0.0.0", "::", "0.0.0.0/0", "::/0"})


def endpoints(text: str) -> tuple[str, ...]:
    """Addresses, networks and names of a list with commas; () is anyone.

    A range becomes the networks that cover it. What stands for an address that the device looks
    up (`%defaultroute`) is left out.
    """
    found: dict[str, None] = {}
    for part in islice(text.split(","), _MAX_ENDPOINTS):
        name = part.strip()
        if name in _ANY:
            return ()
        if name and not name.startswith("%") and len(name) <= _MAX_NAME:
            found.update(dict.fromkeys(_expanded(name)))
    return tuple(islice(found, _MAX_ENDPOINTS))


def _expanded(name: str) -> list[str]:
    low, dash, high = name.partition("-")
    first, last = address(low), address(high)
    if dash and first is not None and last is not None and first.version == last.version:
        try:
            return [_plain(str(n)) for n in summarize_address_range(first, last)]
        except ValueError:
            return []
    return [network(name)]


def _plain(text: str) -> str:
    """A network of one address as that address."""
    return text.removesuffix("/32") if "." in text else text.removesuffix("/128")


def network(name: str) -> str:
    """A network in its usual form; anything else as it is."""
    if "/" not in name:
        return name
    try:
        return _plain(str(ip_network(name, strict=False)))
    except ValueError:
        return name


def address(text: str) -> IPv4Address | IPv6Address | None:
    """An IP address; None for anything else."""
    try:
        return ip_address(text.strip())
    except ValueError:
        return None


def one_address(names: tuple[str, ...]) -> str | None:
    """The only endpoint, where it is an address."""
    return names[0] if len(names) == 1 and address(names[0]) is not None else None
