"""Vectorised classification: which frames of a chunk are ESP, which need a closer look.

ESP of the usual shapes (Ethernet with VLAN tags, Linux cooked, raw and NULL; IPv4 without
options, IPv6 without extension headers; ESP over IP or in UDP 4500) stays columns. IKE and
everything unusual that might matter is named by index for the slow path. The rest is counted.
"""

from __future__ import annotations

from collections import Counter
from typing import Final

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from analyzers.wire.frames import BUFFER_SLACK_BYTES, FrameBlock, Int64Array

U8 = NDArray[np.uint8]
U16 = NDArray[np.uint16]
U32 = NDArray[np.uint32]
U64 = NDArray[np.uint64]
Bool = NDArray[np.bool_]

IKE_PORT: Final = 500
NAT_T_PORT: Final = 4500

_L2_GATHER: Final = 20
_L3_GATHER: Final = 64
_VLAN_TYPES: Final = (0x8100, 0x88A8, 0x9100)
_MAX_VLAN_TAGS: Final = 4
_IPV4: Final = 0x0800
_IPV6: Final = 0x86DD
# EtherTypes that may hide IP: PPPoE session, MPLS, transparent Ethernet bridging.
_ODD_TYPES: Final = (0x8864, 0x8847, 0x8848, 0x6558)
_SNAP_MAX_LENGTH: Final = 1500
_LLC_IN_SLL: Final = 4

_ETHERNET, _NULL, _LOOP, _SLL, _SLL2 = 1, 0, 108, 113, 276
_RAW: Final = (12, 14, 101, 228, 229)

_TCP, _UDP, _ESP = 6, 17, 50
# ICMP, IP in IP, IPv6 in IP, GRE, AH, Ethernet in IP, MPLS in IP
_ODD_IPV4: Final = (1, 4, 41, 47, 51, 97, 137)
# Fragments of what is or carries IKE or ESP; ICMP errors are never fragmented.
_FRAGMENTED_IPV4: Final = (4, _UDP, 41, 47, _ESP, 51, 97, 137)
# hop-by-hop, IP in IP, IPv6, routing, fragment, GRE, AH, ICMPv6, destination options
_ODD_IPV6: Final = (0, 4, 41, 43, 44, 47, 51, 58, 60)


def _table(size: int, members: tuple[int, ...]) -> Bool:
    """Membership as a look-up."""
    table = np.zeros(size, dtype=np.bool_)
    table[list(members)] = True
    return table


_IS_ODD_IPV4: Final = _table(256, _ODD_IPV4)
_IS_ODD_IPV6: Final = _table(256, _ODD_IPV6)
_IS_FRAGMENTED_IPV4: Final = _table(256, _FRAGMENTED_IPV4)
_IS_VLAN: Final = _table(1 << 16, _VLAN_TYPES)
_IS_ODD_TYPE: Final = _table(1 << 16, _ODD_TYPES)

# Ports of frames that carry nothing for us are counted in the first frames only: they serve the
# diagnosis of an empty result, which a sample answers as well.
_PORT_SAMPLE_FRAMES: Final = 20_000

assert _L3_GATHER + _L2_GATHER < BUFFER_SLACK_BYTES


class EspColumns(Struct):
    """ESP packets, one row each, in frame order."""

    at_ns: Int64Array
    record: Int64Array
    address: U8
    """(n, 32) source and destination; an IPv4 address fills the first 4 of its 16 bytes."""
    ipv6: Bool
    source_port: U16
    """0 when carried directly over IP."""
    destination_port: U16
    spi: U32
    sequence: U32
    length: Int64Array
    """Bytes from the ESP header on, as on the wire."""

    def __len__(self) -> int:
        return len(self.record)


class Classified(Struct):
    """What a chunk of frames consists of."""

    esp: EspColumns
    closer_look: Int64Array
    """Indices of frames for the slow path, ascending."""
    nat_keepalives: int


class ColumnClassifier:
    """Classifies chunk after chunk; counts what carries nothing for us."""

    def __init__(self, ports: frozenset[int]) -> None:
        self._extra_ports = sorted(ports - {IKE_PORT, NAT_T_PORT})
        self._sampled = 0
        self.protocols: Counter[str] = Counter()

    def classify(self, frames: FrameBlock) -> Classified:
        """Classify all frames of a block."""
        if isinstance(frames.link_types, int):
            return self._one_link_type(frames, np.arange(len(frames)), frames.link_types)
        parts = [
            self._one_link_type(frames, np.flatnonzero(frames.link_types == link), int(link))
            for link in np.unique(frames.link_types)
        ]
        if len(parts) == 1:
            return parts[0]
        esp = concatenate([p.esp for p in parts])
        return Classified(
            take(esp, np.argsort(esp.record, kind="stable")),
            np.sort(np.concatenate([p.closer_look for p in parts])),
            sum(p.nat_keepalives for p in parts),
        )

    def _one_link_type(self, frames: FrameBlock, index: Int64Array, link: int) -> Classified:
        offset = frames.offset[index]
        captured = frames.captured[index]
        l3, ipv4, ipv6, odd = _network_layer(frames.buffer, offset, captured, link)
        available = captured - (l3 - offset)
        ip = _gather(frames.buffer, l3, _L3_GATHER)
        words = ip.view(">u2")
        version = ip[:, 0] >> 4
        plain4 = ipv4 & (ip[:, 0] == 0x45) & (available >= 28)
        odd |= ipv4 & ~plain4 & (version == 4)
        plain6 = ipv6 & (version == 6) & (available >= 48)
        odd |= ipv6 & ~plain6 & (version == 6)

        esp_parts: list[EspColumns] = []
        keepalives = 0
        for rows, is_ipv6 in ((plain4, False), (plain6, True)):
            if not rows.any():
                continue
            protocol = ip[:, 6 if is_ipv6 else 9]
            l4 = 40 if is_ipv6 else 20
            if not is_ipv6:
                fragment = rows & ((words[:, 3] & 0x3FFF) != 0)
                if fragment.any():
                    odd |= fragment & _IS_FRAGMENTED_IPV4[protocol]
                    rows = rows & ~fragment
            odd |= rows & (_IS_ODD_IPV6 if is_ipv6 else _IS_ODD_IPV4)[protocol]
            source, destination = words[:, l4 // 2], words[:, l4 // 2 + 1]
            wanted = (source == NAT_T_PORT) | (destination == NAT_T_PORT)
            for port in self._extra_ports:
                odd |= (
                    rows
                    & ((protocol == _UDP) | (protocol == _TCP))
                    & ((source == port) | (destination == port))
                )
            odd |= rows & (protocol == _TCP) & wanted
            udp = rows & (protocol == _UDP)
            odd |= udp & ((source == IKE_PORT) | (destination == IKE_PORT))
            nat_t = udp & wanted & ~odd
            udp_length = words[:, l4 // 2 + 2].astype(np.int64)
            keepalive = nat_t & (udp_length == 9) & (ip[:, l4 + 8] == 0xFF) & (available > l4 + 8)
            keepalives += int(np.count_nonzero(keepalive))
            marked = (words[:, l4 // 2 + 4] | words[:, l4 // 2 + 5]) != 0
            in_udp = nat_t & ~keepalive & marked & (available >= l4 + 16) & (udp_length >= 16)
            odd |= nat_t & ~keepalive & ~in_udp
            over_ip = rows & (protocol == _ESP)
            short = over_ip & (available < l4 + 8)
            odd |= short
            over_ip &= ~short
            for chosen, shift in ((over_ip, 0), (in_udp, 8)):
                if chosen.any():
                    ip_length = (
                        words[:, 2].astype(np.int64)
                        if is_ipv6
                        else words[:, 1].astype(np.int64) - 20
                    )
                    esp_parts.append(
                        _esp_rows(
                            frames, index, np.flatnonzero(chosen), ip, l4, shift, is_ipv6, ip_length
                        )
                    )
            self._count_rest(rows & ~(odd | over_ip | nat_t), protocol, source, destination)
        rest = len(index) - int(np.count_nonzero(plain4 | plain6 | odd))
        if rest:
            self.protocols["not ip"] += rest
        esp = concatenate(esp_parts)
        if len(esp_parts) > 1:
            esp = take(esp, np.argsort(esp.record, kind="stable"))
        return Classified(esp, index[np.flatnonzero(odd)], keepalives)

    def _count_rest(
        self, rows: Bool, protocol: U8, source: NDArray[np.uint16], destination: NDArray[np.uint16]
    ) -> None:
        for number, count in enumerate(np.bincount(protocol[rows], minlength=1)):
            if count and number != _UDP:
                self.protocols[{_TCP: "tcp"}.get(number, f"ip protocol {number}")] += int(count)
        udp = np.flatnonzero(rows & (protocol == _UDP))
        if not len(udp):
            return
        if self._sampled >= _PORT_SAMPLE_FRAMES:
            self.protocols["udp"] += len(udp)
            return
        self._sampled += len(udp)
        lower = np.minimum(source[udp], destination[udp])
        for port, count in zip(*np.unique(lower, return_counts=True), strict=True):
            name = f"udp:{port}"
            if name not in self.protocols and len(self.protocols) >= 64:
                name = "udp"
            self.protocols[name] += int(count)


def _gather(buffer: bytearray, offset: Int64Array, width: int) -> U8:
    """(n, width) bytes at each offset; offsets near the end read into the buffer's slack."""
    windows = np.ndarray((len(buffer) - width + 1,), dtype=f"V{width}", buffer=buffer, strides=(1,))
    return windows[offset].view(np.uint8).reshape(-1, width)


def _network_layer(
    buffer: bytearray, offset: Int64Array, captured: Int64Array, link: int
) -> tuple[Int64Array, Bool, Bool, Bool]:
    """Where the network layer starts, and which frames are IPv4, IPv6, or need a closer look."""
    count = len(offset)
    none = np.zeros(count, dtype=np.bool_)
    if link in _RAW or link in (_NULL, _LOOP):
        header = 0 if link in _RAW else 4
        l3 = offset + header
        first = _gather(buffer, l3, 1)[:, 0]
        version = first >> 4
        enough = captured > header
        # Some PPP devices announce raw IP but prepend address and control bytes.
        return l3, enough & (version == 4), enough & (version == 6), enough & (first == 0xFF)
    if link == _SLL:
        l3, enough = offset + 16, captured >= 16
        kind = _gather(buffer, offset, 16).view(">u2")[:, 7]
    elif link == _SLL2:
        l3, enough = offset + 20, captured >= 20
        kind = _gather(buffer, offset, 20).view(">u2")[:, 0]
    elif link == _ETHERNET:
        l3, enough = offset + 14, captured >= 14
        kind = _gather(buffer, offset, 14).view(">u2")[:, 6]
    else:
        # PPP, HDLC, PPPoE and unknown link types: one frame at a time.
        return offset, none, none, ~none
    kind = kind.astype(np.uint16)
    tagged = np.flatnonzero(_IS_VLAN[kind])
    if len(tagged):
        l3 = l3.copy()
        for _ in range(_MAX_VLAN_TAGS):
            kind[tagged] = _gather(buffer, l3[tagged], 4).view(">u2")[:, 1]
            l3[tagged] += 4
            tagged = tagged[_IS_VLAN[kind[tagged]]]
            if not len(tagged):
                break
        enough &= l3 - offset <= captured
    odd = enough & _IS_ODD_TYPE[kind]
    odd[tagged] = True
    if link == _ETHERNET:
        # 802.3 with a SNAP header may carry IP.
        snap = enough & (kind <= _SNAP_MAX_LENGTH)
    else:
        snap = enough & (kind == _LLC_IN_SLL)
    if snap.any():
        odd |= snap & (_gather(buffer, l3, 3) == (0xAA, 0xAA, 0x03)).all(axis=1)
    return l3, enough & (kind == _IPV4), enough & (kind == _IPV6), odd


def _esp_rows(
    frames: FrameBlock,
    index: Int64Array,
    rows: Int64Array,
    ip: U8,
    l4: int,
    shift: int,
    is_ipv6: bool,
    ip_length: Int64Array,
) -> EspColumns:
    count = len(rows)
    header = ip[rows]
    address = np.zeros((count, 32), dtype=np.uint8)
    if is_ipv6:
        address[:] = header[:, 8:40]
    else:
        address[:, 0:4] = header[:, 12:16]
        address[:, 16:20] = header[:, 16:20]
    start = l4 + shift
    fields = np.ascontiguousarray(header[:, start : start + 8]).view(">u4")
    words = header.view(">u2")
    if shift:
        length = words[:, l4 // 2 + 2].astype(np.int64) - 8
        source, destination = words[:, l4 // 2], words[:, l4 // 2 + 1]
    else:
        length = ip_length[rows]
        source = destination = np.zeros(count, dtype=np.uint16)
    frame = index[rows]
    return EspColumns(
        at_ns=frames.at_ns[frame],
        record=frames.first_record + frame,
        address=address,
        ipv6=np.full(count, is_ipv6),
        source_port=source.astype(np.uint16),
        destination_port=destination.astype(np.uint16),
        spi=fields[:, 0].astype(np.uint32),
        sequence=fields[:, 1].astype(np.uint32),
        length=np.maximum(length, 0),
    )


def empty_esp() -> EspColumns:
    """Columns without a row."""
    return EspColumns(
        at_ns=np.empty(0, np.int64),
        record=np.empty(0, np.int64),
        address=np.empty((0, 32), np.uint8),
        ipv6=np.empty(0, np.bool_),
        source_port=np.empty(0, np.uint16),
        destination_port=np.empty(0, np.uint16),
        spi=np.empty(0, np.uint32),
        sequence=np.empty(0, np.uint32),
        length=np.empty(0, np.int64),
    )


def concatenate(parts: list[EspColumns]) -> EspColumns:
    """One after the other."""
    if not parts:
        return empty_esp()
    if len(parts) == 1:
        return parts[0]
    return EspColumns(
        *(
            np.concatenate([getattr(p, name) for p in parts])
            for name in EspColumns.__struct_fields__
        )
    )


def take(esp: EspColumns, rows: NDArray[np.intp] | slice) -> EspColumns:
    """The chosen rows, in the order chosen."""
    return EspColumns(*(getattr(esp, name)[rows] for name in EspColumns.__struct_fields__))
