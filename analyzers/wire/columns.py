"""Vectorised classification: which frames of a chunk are ESP, which need a closer look.

ESP of the usual shapes (Ethernet with VLAN tags, Linux cooked, raw and NULL; IPv4 without
options, IPv6 without extension headers; ESP over IP or in UDP 4500) stays columns. IKE and
everything unusual that might matter is named by index for the slow path. The rest is counted.
"""

from __future__ import annotations

from collections import Counter
from typing import Final

import numpy as np
from msgspec import Struct, field
from numpy.typing import NDArray

from analyzers.wire.frames import LEFT_OUT, FrameBlock, Int64Array
from analyzers.wire.tunnels import UDP_PORTS

U8 = NDArray[np.uint8]
U16 = NDArray[np.uint16]
U32 = NDArray[np.uint32]
U64 = NDArray[np.uint64]
Bool = NDArray[np.bool_]

IKE_PORT: Final = 500
NAT_T_PORT: Final = 4500

_L4_GATHER: Final = 16
"""A UDP header and the first eight bytes behind it."""
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
# Bytes of the link layer, and where in it the EtherType stands.
_LAYOUTS: Final = {_ETHERNET: (14, 12), _SLL: (16, 14), _SLL2: (20, 0)}
_NO_TYPE: Final = 0xFFFF
"""Of a frame that is cut off before it says what it carries."""

_TCP, _UDP, _ESP = 6, 17, 50
_NO_PROTOCOL: Final = np.uint16(256)
"""Of a fragment: what stands behind its IP header is looked into elsewhere, if at all."""
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
# Ports of each protocol that are named.
_MOST_PORTS: Final = 48


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
        # ESP in UDP stands on a port of its own; whatever else may be ours gets a closer look.
        self._is_udp_port = _table(1 << 16, tuple((ports - {NAT_T_PORT}) | UDP_PORTS))
        self._is_tcp_port = _table(1 << 16, tuple((ports - {IKE_PORT}) | {NAT_T_PORT}))
        self._sampled: Counter[str] = Counter()
        self._ports_named: Counter[str] = Counter()
        self.protocols: Counter[str] = Counter()

    def classify(self, frames: FrameBlock) -> Classified:
        """Classify all frames of a block."""
        if isinstance(frames.link_types, int):
            return self._one_link_type(frames, np.arange(len(frames)), frames.link_types)
        parts = [
            self._one_link_type(frames, np.flatnonzero(frames.link_types == link), int(link))
            for link in np.unique(frames.link_types)
            if link != LEFT_OUT
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
        layer = _network_layer(frames.buffer, offset, captured, link)
        available = captured - (layer.start - offset)
        first = _gather(frames.buffer, layer.start, 1)[:, 0]
        plain4 = layer.ipv4 & (first == 0x45) & (available >= 28)
        plain6 = layer.ipv6 & (first >> 4 == 6) & (available >= 48)
        odd = layer.odd
        unusual = np.flatnonzero((layer.ipv4 ^ plain4) | (layer.ipv6 ^ plain6))
        if len(unusual):
            version = np.where(layer.ipv4[unusual], 4, 6)
            odd[unusual] |= first[unusual] >> 4 == version

        found = _Found()
        for plain, is_ipv6 in ((plain4, False), (plain6, True)):
            rows = np.flatnonzero(plain)
            if len(rows):
                packets = _Packets(
                    frames, index[rows], layer.start[rows], available[rows], is_ipv6=is_ipv6
                )
                odd[rows] |= self._transport(packets, found)
        rest = len(index) - int(np.count_nonzero(plain4 | plain6 | odd))
        if rest:
            self.protocols["not ip"] += rest
        esp = concatenate(found.esp)
        if len(found.esp) > 1:
            esp = take(esp, np.argsort(esp.record, kind="stable"))
        return Classified(esp, index[np.flatnonzero(odd)], found.nat_keepalives)

    def _transport(self, packets: _Packets, found: _Found) -> Bool:
        """Sort IP packets of the usual form by what they carry; (n,) which need a closer look."""
        protocol = packets.protocol
        odd = packets.odd_protocols[protocol]
        usual: U8 | U16 = protocol
        if not packets.is_ipv6:
            fragment = (packets.words[:, 3] & 0x3FFF) != 0
            if fragment.any():
                odd = np.where(fragment, _IS_FRAGMENTED_IPV4[protocol], odd)
                usual = np.where(fragment, _NO_PROTOCOL, protocol)
        over_ip = np.flatnonzero(usual == _ESP)
        if len(over_ip):
            found.esp.append(packets.esp(over_ip, over_udp=False))
        tcp = np.flatnonzero(usual == _TCP)
        if len(tcp):
            ours = (
                self._is_tcp_port[packets.source(tcp)] | self._is_tcp_port[packets.destination(tcp)]
            )
            odd[tcp[ours]] = True
            self._count_ports("tcp", packets, tcp[~ours])
        udp = np.flatnonzero(usual == _UDP)
        if len(udp):
            self._udp(packets, udp, odd, found)
        if len(over_ip) + len(tcp) + len(udp) < len(protocol):
            self._count_others(usual[~odd])
        return odd

    def _udp(self, packets: _Packets, rows: Int64Array, odd: Bool, found: _Found) -> None:
        source, destination = packets.source(rows), packets.destination(rows)
        ours = self._is_udp_port[source] | self._is_udp_port[destination]
        odd[rows[ours]] = True
        wanted = ((source == NAT_T_PORT) | (destination == NAT_T_PORT)) & ~ours
        others = ~(wanted | ours)
        self._count_ports("udp", packets, rows[others])
        rows = rows[wanted]
        if not len(rows):
            return
        l4, available = packets.l4, packets.available[rows]
        length = packets.words[rows, l4 // 2 + 2]
        keepalive = (length == 9) & (packets.ip[rows, l4 + 8] == 0xFF) & (available > l4 + 8)
        marked = (packets.words[rows, l4 // 2 + 4] | packets.words[rows, l4 // 2 + 5]) != 0
        is_esp = ~keepalive & marked & (available >= l4 + 16) & (length >= 16)
        found.nat_keepalives += int(np.count_nonzero(keepalive))
        odd[rows[~(keepalive | is_esp)]] = True
        if is_esp.any():
            found.esp.append(packets.esp(rows[is_esp], over_udp=True))

    def _count_others(self, protocol: U8 | U16) -> None:
        for number, count in enumerate(np.bincount(protocol, minlength=1)):
            if count and number not in (_TCP, _UDP, _ESP, _NO_PROTOCOL):
                self.protocols[f"ip protocol {number}"] += int(count)

    def _count_ports(self, name: str, packets: _Packets, rows: Int64Array) -> None:
        """Count packets of a protocol by the lower of their two ports: the service, as a rule."""
        room = _PORT_SAMPLE_FRAMES - self._sampled[name]
        if len(rows) > room:
            self.protocols[name] += len(rows) - room
            rows = rows[:room]
        if not len(rows):
            return
        self._sampled[name] += len(rows)
        lower = np.minimum(packets.source(rows), packets.destination(rows))
        ports, first, counts = np.unique(lower, return_index=True, return_counts=True)
        for place in np.argsort(first).tolist():
            named = f"{name}:{ports[place]}"
            if named not in self.protocols:
                if self._ports_named[name] == _MOST_PORTS:
                    named = name
                self._ports_named[name] += named is not name
            self.protocols[named] += int(counts[place])


class _Found(Struct):
    """What a block turned out to hold."""

    esp: list[EspColumns] = field(default_factory=list)
    nat_keepalives: int = 0


class _Packets:
    """IP packets of one version without options or extension headers, as columns."""

    def __init__(
        self,
        frames: FrameBlock,
        frame: Int64Array,
        start: Int64Array,
        available: Int64Array,
        *,
        is_ipv6: bool,
    ) -> None:
        self.is_ipv6 = is_ipv6
        self.l4 = 40 if is_ipv6 else 20
        self.available = available
        """(n,) captured bytes from the IP header on."""
        self.ip = _gather(frames.buffer, start, self.l4 + _L4_GATHER)
        self.words = self.ip.view(">u2")
        self.protocol: U8 = np.ascontiguousarray(self.ip[:, 6 if is_ipv6 else 9])
        self.odd_protocols = _IS_ODD_IPV6 if is_ipv6 else _IS_ODD_IPV4
        self._frames = frames
        self._frame = frame

    def source(self, rows: Int64Array) -> U16:
        """Source ports."""
        ports: U16 = self.words[rows, self.l4 // 2].astype(np.uint16)
        return ports

    def destination(self, rows: Int64Array) -> U16:
        """Destination ports."""
        ports: U16 = self.words[rows, self.l4 // 2 + 1].astype(np.uint16)
        return ports

    def esp(self, rows: Int64Array, *, over_udp: bool) -> EspColumns:
        """The rows as ESP packets."""
        count = len(rows)
        header = self.ip[rows]
        words, numbers = header.view(">u2"), header.view(">u4")
        address = np.zeros((count, 4), dtype=np.uint64)
        halves = address.view(np.uint32)
        if self.is_ipv6:
            halves[:] = header.view(np.uint32)[:, 2:10]
        else:
            halves[:, 0] = header.view(np.uint32)[:, 3]
            halves[:, 4] = header.view(np.uint32)[:, 4]
        spi = (self.l4 + (8 if over_udp else 0)) // 4
        if over_udp:
            length = words[:, self.l4 // 2 + 2].astype(np.int64) - 8
            source, destination = self.source(rows), self.destination(rows)
        else:
            length = words[:, 2 if self.is_ipv6 else 1].astype(np.int64)
            if not self.is_ipv6:
                length -= self.l4
            source = destination = np.zeros(count, dtype=np.uint16)
        frame = self._frame[rows]
        return EspColumns(
            at_ns=self._frames.at_ns[frame],
            record=self._frames.first_record + frame,
            address=address.view(np.uint8),
            ipv6=np.full(count, self.is_ipv6),
            source_port=source,
            destination_port=destination,
            spi=numbers[:, spi].astype(np.uint32),
            sequence=numbers[:, spi + 1].astype(np.uint32),
            length=np.maximum(length, 0),
        )


def _gather(buffer: bytearray, offset: Int64Array, width: int) -> U8:
    """(n, width) bytes at each offset; offsets near the end read into the buffer's slack."""
    windows = np.ndarray((len(buffer) - width + 1,), dtype=f"V{width}", buffer=buffer, strides=(1,))
    return windows[offset].view(np.uint8).reshape(-1, width)


class _NetworkLayer(Struct):
    """Where the network layer of frames starts, and what it is."""

    start: Int64Array
    ipv4: Bool
    ipv6: Bool
    odd: Bool
    """It may be IP in a way that needs a closer look."""


def _network_layer(
    buffer: bytearray, offset: Int64Array, captured: Int64Array, link: int
) -> _NetworkLayer:
    if link in _RAW or link in (_NULL, _LOOP):
        header = 0 if link in _RAW else 4
        start = offset + header
        first = _gather(buffer, start, 1)[:, 0]
        version = first >> 4
        enough = captured > header
        # Some PPP devices announce raw IP but prepend address and control bytes.
        odd = enough & (first == 0xFF)
        return _NetworkLayer(start, enough & (version == 4), enough & (version == 6), odd)
    if link not in _LAYOUTS:
        # PPP, HDLC, PPPoE and unknown link types: one frame at a time.
        none = np.zeros(len(offset), dtype=np.bool_)
        return _NetworkLayer(offset, none, none, ~none)
    header, type_at = _LAYOUTS[link]
    start = offset + header
    kind = _gather(buffer, offset + type_at, 2).view(">u2")[:, 0].astype(np.uint16)
    if len(captured) and captured.min() < header:
        kind[captured < header] = _NO_TYPE
    ipv4, ipv6 = kind == _IPV4, kind == _IPV6
    layer = _NetworkLayer(start, ipv4, ipv6, np.zeros(len(offset), dtype=np.bool_))
    others = np.flatnonzero(~(ipv4 | ipv6))
    if len(others):
        _look_below(buffer, layer, others, kind[others], (offset + captured)[others], link)
    return layer


def _look_below(
    buffer: bytearray,
    layer: _NetworkLayer,
    rows: Int64Array,
    kind: U16,
    end: Int64Array,
    link: int,
) -> None:
    """The frames that do not say at once that they are IP: VLAN tags, SNAP, and what may hide IP.

    `kind` and `end` are those of `rows`: the EtherType, and where the captured bytes end.
    """
    start = layer.start[rows]
    tagged = np.flatnonzero(_IS_VLAN[kind])
    for _ in range(_MAX_VLAN_TAGS):
        if not len(tagged):
            break
        kind[tagged] = _gather(buffer, start[tagged], 4).view(">u2")[:, 1]
        start[tagged] += 4
        cut = start[tagged] > end[tagged]
        if cut.any():
            kind[tagged[cut]] = _NO_TYPE
        tagged = tagged[_IS_VLAN[kind[tagged]]]
    layer.start[rows] = start
    layer.ipv4[rows] = kind == _IPV4
    layer.ipv6[rows] = kind == _IPV6
    odd = _IS_ODD_TYPE[kind]
    odd[tagged] = True
    # 802.3 with a SNAP header may carry IP.
    snap = kind <= _SNAP_MAX_LENGTH if link == _ETHERNET else kind == _LLC_IN_SLL
    if snap.any():
        odd |= snap & (_gather(buffer, start, 3) == (0xAA, 0xAA, 0x03)).all(axis=1)
    layer.odd[rows] = odd


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
