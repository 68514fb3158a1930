"""Columns of packets -> the bytes of capture records, by numpy: one scatter a kind of header."""

from __future__ import annotations

import ipaddress
import struct
from typing import Literal

import numpy as np
import numpy.typing as npt
from msgspec import Struct

from tests.benchmarks.ike_schedule import NAT_PORT, OUT, IkeEvent
from tests.benchmarks.peers import (
    FIRST_PEER_IPV4,
    FIRST_PEER_IPV6,
    HUB_IPV4,
    HUB_IPV6,
    I64,
    Mask,
    Peers,
)

Format = Literal["pcap", "pcapng"]
U8 = npt.NDArray[np.uint8]

TCP, ESP, IKE = 0, 1, 2
"""Kinds of packets."""

HUB_MAC, ROUTER_MAC = bytes.fromhex("020000000001"), bytes.fromhex("020000000002")
TCP_CLIENT = int(ipaddress.IPv4Address("198.51.100.1"))
TCP_SERVER = int(ipaddress.IPv4Address("203.0.113.1"))
TCP_HOSTS = 250
SNAPLEN = 262_144

EPOCH_US = 1_767_225_600 * 1_000_000
"""2026-01-01 00:00:00 UTC: the first moment of every generated capture."""


class Columns(Struct):
    """Packets in order of time, one element a packet."""

    at_us: I64
    kind: I64
    peer: I64
    """Peer of ESP and IKE; for TCP a number that chooses the connection."""
    direction: I64
    size: I64
    """ESP: bytes from the SPI on. TCP: bytes of payload. IKE: index into the messages."""
    spi: I64
    """ESP: the SPI. TCP: the sequence number."""
    sequence: I64
    """ESP: the sequence number. TCP: the number acknowledged."""


class RecordWriter:
    """Turns columns into records of one format; payloads come from a pool of random bytes."""

    def __init__(self, peers: Peers, capture_format: Format, rng: np.random.Generator) -> None:
        self._peers = peers
        self._format = capture_format
        self._pool = np.frombuffer(rng.bytes(8 << 20), dtype=np.uint8)
        self._packets = 0

    def file_header(self) -> bytes:
        """The head of the file: Ethernet, microseconds, little endian."""
        if self._format == "pcap":
            return struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, SNAPLEN, 1)
        section = struct.pack("<IIIHHqI", 0x0A0D0D0A, 28, 0x1A2B3C4D, 1, 0, -1, 28)
        return section + struct.pack("<IIHHII", 1, 20, 1, 0, SNAPLEN, 20)

    def records(self, columns: Columns, messages: list[bytes]) -> U8:
        """The records of all packets; `messages` are the whole frames of IKE packets."""
        is_pcap = self._format == "pcap"
        peers, kind = self._peers, columns.kind
        of_ipsec = kind != TCP
        safe_peer = np.where(of_ipsec, columns.peer, 0)
        ipv6 = peers.ipv6[safe_peer] & of_ipsec
        udp = peers.udp[safe_peer] & (kind == ESP)
        tagged = np.where(of_ipsec, peers.vlan[safe_peer], 200 * (columns.peer % 4 == 0)) > 0
        length = 14 + 4 * tagged + np.where(ipv6, 40, 20) + columns.size
        length += np.where(kind == TCP, 20, 8 * udp)
        for row in np.flatnonzero(kind == IKE):
            length[row] = len(messages[columns.size[row]])
        head = 16 if is_pcap else 28
        padded = length if is_pcap else (length + 3) & ~3
        total = head + padded + (0 if is_pcap else 4)
        start = np.cumsum(total) - total
        end = int(start[-1] + total[-1])
        out = np.resize(self._pool[self._packets % 4096 :], end)
        self._record_headers(out, start, columns.at_us + EPOCH_US, length, total)
        frame = start + head
        for code in range(8):
            want_v6, want_udp, want_tag = bool(code & 4), bool(code & 2), bool(code & 1)
            chosen = (ipv6 == want_v6) & (udp == want_udp) & (tagged == want_tag)
            for of_kind in (TCP, ESP):
                rows = np.flatnonzero(chosen & (kind == of_kind))
                if len(rows):
                    headers = self._headers(columns, rows, of_kind, want_v6, want_udp, want_tag)
                    _scatter(out, frame[rows], headers)
        for row in np.flatnonzero(kind == IKE):
            message = messages[columns.size[row]]
            out[frame[row] : frame[row] + len(message)] = np.frombuffer(message, dtype=np.uint8)
        self._packets += len(kind)
        return out

    def _record_headers(self, out: U8, start: I64, at_us: I64, length: I64, total: I64) -> None:
        if self._format == "pcap":
            words = np.stack([at_us // 1_000_000, at_us % 1_000_000, length, length], axis=1)
        else:
            block = np.full(len(start), 6)
            words = np.stack(
                [block, total, 0 * block, at_us >> 32, at_us & 0xFFFFFFFF, length, length], axis=1
            )
            trailer = total.astype("<u4").view(np.uint8).reshape(-1, 4)
            _scatter(out, start + total - 4, trailer)
        _scatter(out, start, words.astype("<u4").view(np.uint8).reshape(len(start), -1))

    def _headers(
        self, columns: Columns, rows: I64, kind: int, ipv6: bool, udp: bool, tagged: bool
    ) -> U8:
        """Ethernet to the last header byte of `rows`, which are all of one shape."""
        peer, size = columns.peer[rows], columns.size[rows]
        outbound = columns.direction[rows] == OUT
        count = len(rows)
        fields: list[U8] = [_ethernet(outbound)]
        if tagged:
            vlan = self._peers.vlan[peer] if kind == ESP else np.full(count, 200)
            fields += [_be(np.full(count, 0x8100), 2), _be(vlan, 2)]
        fields.append(_be(np.full(count, 0x86DD if ipv6 else 0x0800), 2))
        inner = size + (20 if kind == TCP else 8 * udp)
        if ipv6:
            fields.append(_ipv6(peer, outbound, inner))
        else:
            if kind == TCP:
                near, far = TCP_CLIENT + peer % TCP_HOSTS, TCP_SERVER + peer // 7 % TCP_HOSTS
            else:
                near, far = np.full(count, HUB_IPV4), FIRST_PEER_IPV4 + peer
            protocol = 6 if kind == TCP else 17 if udp else 50
            number = (self._packets + rows) & 0xFFFF
            fields.append(_ipv4(protocol, near, far, outbound, 20 + inner, number))
        if kind == TCP:
            fields.append(_tcp(peer, outbound, columns.spi[rows], columns.sequence[rows]))
        else:
            if udp:
                near, far = np.full(count, NAT_PORT), self._peers.remote_port[peer]
                fields.append(_ports(near, far, outbound))
                # RFC 3948 section 2.1: the checksum of ESP in UDP is zero.
                fields += [_be(inner, 2), _be(np.zeros(count, dtype=np.int64), 2)]
            fields += [_be(columns.spi[rows], 4), _be(columns.sequence[rows], 4)]
        return np.concatenate(fields, axis=1)


def _scatter(out: U8, at: I64, rows: U8) -> None:
    """Write row i of `rows`, shape (n, width), at `out[at[i]]` onwards."""
    out[at[:, None] + np.arange(rows.shape[1])] = rows


def _be(values: I64, width: int) -> U8:
    """Big-endian bytes of non-negative numbers, shape (n, width)."""
    return values.astype(f">u{width}").view(np.uint8).reshape(len(values), width)


def _pair(near: U8, far: U8, outbound: Mask) -> U8:
    """Source and destination: near to far where outbound, else far to near."""
    return np.where(outbound[:, None], np.hstack([near, far]), np.hstack([far, near]))


def _ethernet(outbound: Mask) -> U8:
    near = np.tile(np.frombuffer(HUB_MAC, dtype=np.uint8), (len(outbound), 1))
    far = np.tile(np.frombuffer(ROUTER_MAC, dtype=np.uint8), (len(outbound), 1))
    return _pair(far, near, outbound)


def _ports(near: I64, far: I64, outbound: Mask) -> U8:
    return _pair(_be(near, 2), _be(far, 2), outbound)


def _ipv4(protocol: int, near: I64, far: I64, outbound: Mask, total: I64, number: I64) -> U8:
    count = len(total)
    fixed = np.array([0x40, 0x00, 62, protocol, 0, 0], dtype=np.uint8)
    header = np.hstack(
        [
            np.tile(np.array([0x45, 0], dtype=np.uint8), (count, 1)),
            _be(total, 2),
            _be(number, 2),
            np.tile(fixed, (count, 1)),
            _pair(_be(near, 4), _be(far, 4), outbound),
        ]
    )
    words = header.reshape(count, 10, 2).astype(np.int64)
    sums = (words[:, :, 0] * 256 + words[:, :, 1]).sum(axis=1)
    for _ in range(2):
        sums = (sums & 0xFFFF) + (sums >> 16)
    header[:, 10:12] = _be(0xFFFF - sums, 2)
    return header


def _ipv6(peer: I64, outbound: Mask, length: I64) -> U8:
    count = len(peer)
    prefix = np.frombuffer(FIRST_PEER_IPV6.to_bytes(16, "big")[:12], dtype=np.uint8)
    far = np.hstack([np.tile(prefix, (count, 1)), _be(peer + (FIRST_PEER_IPV6 & 0xFFFFFFFF), 4)])
    near = np.tile(np.frombuffer(HUB_IPV6, dtype=np.uint8), (count, 1))
    return np.hstack(
        [
            np.tile(np.array([0x60, 0, 0, 0], dtype=np.uint8), (count, 1)),
            _be(length, 2),
            np.tile(np.array([50, 62], dtype=np.uint8), (count, 1)),
            _pair(near, far, outbound),
        ]
    )


def _tcp(connection: I64, outbound: Mask, sequence: I64, acknowledged: I64) -> U8:
    tail = np.array([0x50, 0x10, 0x40, 0x00, 0, 0, 0, 0], dtype=np.uint8)
    count = len(connection)
    ports = _ports(49_152 + connection, np.full(count, 5201), outbound)
    return np.hstack([ports, _be(sequence, 4), _be(acknowledged, 4), np.tile(tail, (count, 1))])


def ike_frame(peers: Peers, event: IkeEvent) -> bytes:
    """One IKE message as a whole Ethernet frame, with correct checksums."""
    peer, outbound = event.peer, event.direction == OUT
    payload = event.payload if event.port != NAT_PORT else bytes(4) + event.payload
    ports = [event.port, event.port]
    if peers.udp[peer] and int(peers.remote_port[peer]) != NAT_PORT:
        ports[1] = int(peers.remote_port[peer]) + (0 if event.port == NAT_PORT else 1)
    if peers.ipv6[peer]:
        addresses = [HUB_IPV6, (FIRST_PEER_IPV6 + peer).to_bytes(16, "big")]
    else:
        addresses = [HUB_IPV4.to_bytes(4, "big"), (FIRST_PEER_IPV4 + peer).to_bytes(4, "big")]
    macs = [HUB_MAC, ROUTER_MAC]
    if not outbound:
        for both in (ports, addresses, macs):
            both.reverse()
    length = 8 + len(payload)
    pseudo = addresses[0] + addresses[1] + struct.pack("!II", length, 17)
    udp = struct.pack("!HHHH", ports[0], ports[1], length, 0)
    check = _checksum(pseudo + udp + payload) or 0xFFFF
    datagram = udp[:6] + check.to_bytes(2, "big") + payload
    if peers.ipv6[peer]:
        ether_type = 0x86DD
        ip = struct.pack("!IHBB", 0x60000000, length, 17, 62) + addresses[0] + addresses[1]
    else:
        ether_type = 0x0800
        ip = struct.pack("!BBHHHBBH", 0x45, 0, 20 + length, event.at_us & 0xFFFF, 0, 62, 17, 0)
        ip += addresses[0] + addresses[1]
        ip = ip[:10] + _checksum(ip).to_bytes(2, "big") + ip[12:]
    vlan = int(peers.vlan[peer])
    tag = struct.pack("!HH", 0x8100, vlan) if vlan else b""
    return macs[1] + macs[0] + tag + ether_type.to_bytes(2, "big") + ip + datagram


def _checksum(data: bytes) -> int:
    """The Internet checksum, RFC 1071."""
    total: int = sum(struct.unpack(f"!{(len(data) + 1) // 2}H", data + bytes(len(data) % 2)))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return 0xFFFF - total
