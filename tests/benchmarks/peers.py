"""The peers of a generated capture: addresses, encapsulation, and when they are away."""

from __future__ import annotations

import ipaddress

import numpy as np
import numpy.typing as npt
from msgspec import Struct

US_PER_SECOND = 1_000_000

HUB_IPV4 = int(ipaddress.IPv4Address("192.0.2.1"))
HUB_IPV6 = ipaddress.IPv6Address("2001:db8::1").packed
FIRST_PEER_IPV4 = int(ipaddress.IPv4Address("198.18.0.1"))
"""RFC 2544's benchmark range, 198.18.0.0/15: room for 131,000 peers."""
FIRST_PEER_IPV6 = int(ipaddress.IPv6Address("2001:db8:1::1"))

MAX_PEERS = 100_000

FOREVER_US = 2**62

I64 = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]


class Peers(Struct):
    """One row a peer. Times are microseconds since the start of the capture."""

    count: int
    ipv6: Mask
    """ESP directly over IPv6; there is no UDP encapsulation of it here."""
    udp: Mask
    """ESP in UDP; else directly over IP."""
    vlan: I64
    """802.1Q VLAN ID; 0 means untagged."""
    remote_port: I64
    """Remote UDP port for 4500: 4500 itself, or what a NAT made of it."""
    ike_v1: Mask
    rtt_us: I64
    weight: npt.NDArray[np.float64]
    """Share of the ESP packets."""
    spi: npt.NDArray[np.uint32]
    """Shape (peers, 2 directions, 2 epochs); direction 0 is out of the hub."""
    up_us: I64
    """When the tunnel is up and ESP begins."""
    fail_us: I64
    """When the peer falls silent; FOREVER_US: never."""
    back_us: I64
    """When a silence that the SA survives ends; FOREVER_US: there is no such silence."""
    stop_us: I64
    """When the hub stops sending to a peer that it gave up."""
    replaced_us: I64
    """When a new tunnel to that peer is up; the second epoch of SPIs begins."""

    def away_share(self, last_us: int) -> float:
        """Share of the ESP packets that the silences suppress in a capture of `last_us`, about."""
        end = np.int64(last_us)
        inbound = np.minimum(self.replaced_us, end) - np.minimum(self.fail_us, end)
        inbound = np.where(
            self.back_us < FOREVER_US,
            np.minimum(self.back_us, end) - np.minimum(self.fail_us, end),
            inbound,
        )
        outbound = np.minimum(self.replaced_us, end) - np.minimum(self.stop_us, end)
        late = np.minimum(self.up_us, end) * 2
        return float((self.weight * (inbound + outbound + late)).sum() / 2 / last_us)


def make_peers(count: int, rng: np.random.Generator) -> Peers:
    """A table of `count` peers, a fixed mix of kinds; times are filled by the IKE schedule."""
    if not 1 <= count <= MAX_PEERS:
        raise ValueError(f"between 1 and {MAX_PEERS} peers")
    number = np.arange(count, dtype=np.int64)
    ipv6 = number % 10 == 3
    udp = ~ipv6 & ~np.isin(number % 10, (0, 4, 8))
    behind_nat = udp & (number % 4 == 1)
    tagged = (number % 5 == 1) | (number % 20 == 3)
    rank = rng.permutation(count)
    weight = (rank + 10.0) ** -0.5
    spi = rng.integers(0x1000_0000, 0xFFFF_FFFF, size=(count, 2, 2), dtype=np.uint32)
    never = np.full(count, FOREVER_US, dtype=np.int64)
    return Peers(
        count=count,
        ipv6=ipv6,
        udp=udp,
        vlan=np.where(tagged, 100 + number % 16, 0),
        remote_port=np.where(behind_nat, 20_000 + number % 40_000, 4500),
        ike_v1=(number % 5 == 2) | (number % 20 == 0),
        rtt_us=rng.integers(2_000, 40_000, size=count),
        weight=weight / weight.sum(),
        spi=spi,
        up_us=np.zeros(count, dtype=np.int64),
        fail_us=never.copy(),
        back_us=never.copy(),
        stop_us=never.copy(),
        replaced_us=never.copy(),
    )
