"""Addresses as texts: which are the same, and which of many settings name one."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from heapq import merge
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network
from typing import Final

# More than the longest prefix.
_EXACT: Final = 129
# More than any version of IP has.
_NO_VERSION: Final = 16


def same_address(left: str, right: str) -> bool:
    """Whether two texts are one address, however they are written."""
    return left == right or address_key(left) == address_key(right)


@lru_cache(maxsize=1 << 16)
def address_key(text: str) -> str:
    """An address as all its spellings have it; a name in small letters."""
    try:
        return str(ip_address(text))
    except ValueError:
        return text.lower()


AddressOrder = tuple[int, int, str]


@lru_cache(maxsize=1 << 16)
def address_order(text: str) -> AddressOrder:
    """Sort key of addresses: by version and number, names after them."""
    try:
        address = ip_address(text)
    except ValueError:
        return _NO_VERSION, 0, text.lower()
    return address.version, int(address), text


def closeness(named: Sequence[str], address: str | None) -> int | None:
    """How closely addresses and networks name an address: -1 for everyone, None for not at all.

    An address of its own is closer than any network, a long prefix closer than a short one.
    """
    if not named:
        return -1
    if address is None:
        return None
    found = [_EXACT for one in named if same_address(one, address)]
    found += [length for one in named if (length := _prefix_length(one, address)) is not None]
    return max(found, default=None)


def _prefix_length(network: str, address: str) -> int | None:
    if "/" not in network:
        return None
    try:
        covered: IPv4Network | IPv6Network = ip_network(network, strict=False)
        return covered.prefixlen if ip_address(address) in covered else None
    except ValueError:
        return None


class Named:
    """Which of many settings may name an address: a hub has one for each of its peers."""

    def __init__(self, names: Iterable[Sequence[str]]) -> None:
        """`names`: what each setting names, by its place; nothing: everyone."""
        self._wide: list[int] = []
        self._exact: dict[str, list[int]] = defaultdict(list)
        for place, named in enumerate(names):
            if not named or any("/" in one for one in named):
                self._wide.append(place)
                continue
            for key in {address_key(one) for one in named}:
                self._exact[key].append(place)

    def of(self, address: str | None) -> Iterator[int]:
        """The places of those that may, in their order; the others name it in no way."""
        exact = () if address is None else self._exact.get(address_key(address), ())
        return merge(self._wide, exact)
