"""Frames that the vectorised classification leaves: one at a time, from link layer to IKE or ESP.

Owns the order in which layers are tried and what becomes an observation, a problem or a count; the
layers themselves are in `link`, `ip`, `fragments`, `tunnels`, `tcp_encap`, `natt` and `icmp`.
"""

from __future__ import annotations

from collections import Counter
from typing import Final

from msgspec import Struct

from analyzers.model.observations import Datagram, Encapsulation, EspPacket, IcmpHint
from analyzers.model.records import Problem, ProblemKind, Ref
from analyzers.wire import tunnels
from analyzers.wire.fragments import LossCause, LostDatagram, Reassembler
from analyzers.wire.framing import ProblemFold
from analyzers.wire.icmp import read_error
from analyzers.wire.ip import (
    AH,
    CUT,
    ESP,
    EXTENSION_HEADERS,
    ICMP,
    ICMPV6,
    MALFORMED,
    TCP,
    UDP,
    IpPacket,
    address_text,
    ipv4_header_checksum_ok,
    parse_ip,
    skip_extensions,
    udp_checksum_ok,
)
from analyzers.wire.link import TOO_DEEP, is_supported, network_layer
from analyzers.wire.natt import IKE_PORT, MARKER, MARKER_BYTES, Carried, classify
from analyzers.wire.tcp_encap import TcpMessage, TcpSegment, TcpStreams
from analyzers.wire.tcp_framing import KEEPALIVE

Observation = Datagram | EspPacket | IcmpHint

# IP headers in one frame: a mirror session inside a tunnel inside a tunnel has four.
MAX_IP_LAYERS: Final = 6
# Different names of what carried nothing for us; all further ones are "other".
MAX_PROTOCOL_NAMES: Final = 64
# Pairs of addresses named in problems about fragments; hostile input has a new one in each frame.
MAX_NAMED_ROUTES: Final = 64
_UDP_HEADER_BYTES: Final = 8
_TCP_HEADER_BYTES: Final = 20
_ESP_HEADER_BYTES: Final = 8
_AH_HEADER_BYTES: Final = 12
# Of an ESP or AH payload, SPI and sequence number: (offset, bytes needed).
_SPI_OFFSETS: Final = {ESP: (0, _ESP_HEADER_BYTES), AH: (4, _AH_HEADER_BYTES)}
_IP_NAMES: Final = {ICMP: "icmp", ICMPV6: "icmpv6", TCP: "tcp", UDP: "udp"}


class _Payload(Struct):
    """What IP carries: bytes, and where it starts and ends on the wire."""

    src: bytes
    dst: bytes
    protocol: int
    data: bytes
    start: int
    end: int
    """As the IP length says."""
    wire_end: int
    """As the enclosing layers allow; bytes before it that are not in `data` were not captured."""
    truncated: bool
    """A mirror cut the frame before it was captured."""
    header_ok: bool

    @property
    def stop(self) -> int:
        """Where the bytes that belong to it end in `data`."""
        return min(self.end, self.wire_end, len(self.data))

    @property
    def is_cut(self) -> bool:
        """Whether the snap length (or the mirror) explains that bytes are missing."""
        return self.truncated or len(self.data) < min(self.end, self.wire_end)


class OddFrameDecoder:
    """Decodes frame after frame of one source. State depends only on the sequence of frames."""

    def __init__(self, source_id: str, ports: frozenset[int]) -> None:
        """`ports` are the UDP ports that carry IKE; those but 500 may carry it in TCP too."""
        self._source = source_id
        self._ports = ports
        self._tcp_ports = ports - {IKE_PORT}
        self._reassembler = Reassembler(self._is_wanted)
        self._streams = TcpStreams()
        self._problems = ProblemFold(source_id)
        self._named_routes: set[tuple[bytes, bytes]] = set()
        self._unknown_linktypes: set[int] = set()
        self._found: list[Observation] = []
        self._at_ns = 0
        self._record = 0
        self.nat_keepalives = 0
        """NAT keepalives seen; the caller may reset it."""
        self.protocols: Counter[str] = Counter()
        """Frames that carry nothing for us, by what they are."""

    def decode(
        self, frame: bytes, linktype: int, at_ns: int, record: int, wire_length: int
    ) -> list[Observation]:
        """What one frame tells; `wire_length` counts its bytes before the snap length cut it.

        A datagram in fragments and a message in TCP segments carry the frame that completed them.
        Every observation names this frame, the one exception being a time: an ESP packet whose
        later fragments are given up keeps the time of its first.
        """
        offset, name = network_layer(frame, linktype)
        if offset < 0:
            self._count(name)
            if not is_supported(linktype):
                self._unknown_linktype(linktype, record)
            return []
        found: list[Observation] = []
        self._found, self._at_ns, self._record = found, at_ns, record
        self._ip_layers(frame, offset, max(wire_length, len(frame)))
        return found

    def finish(self) -> list[Observation]:
        """What is left at the end: packets of incomplete fragments and of streams with holes."""
        found: list[Observation] = []
        self._found = found
        self._reassembler.finish()
        for lost in self._reassembler.take_lost():
            self._record = lost.first_record
            self._lost(lost)
        self._messages(self._streams.finish())
        self._take_gaps()
        return found

    def take_problems(self) -> list[Problem]:
        """Problems since the last call."""
        return self._problems.take()

    def _count(self, name: str) -> None:
        if name not in self.protocols and len(self.protocols) >= MAX_PROTOCOL_NAMES - 1:
            name = "other"
        self.protocols[name] += 1

    def _problem(self, kind: ProblemKind, detail: str) -> None:
        self._problems.add(kind, detail, self._record)

    def _unknown_linktype(self, linktype: int, record: int) -> None:
        # Few captures have more than one; 16 bits of hostile ones would fill the list.
        name = f"link type {linktype} is"
        if linktype not in self._unknown_linktypes:
            if len(self._unknown_linktypes) >= MAX_NAMED_ROUTES:
                name = "other link types are"
            else:
                self._unknown_linktypes.add(linktype)
        self._problems.add(ProblemKind.UNKNOWN_LINK_TYPE, f"{name} not known", record)

    def _ip_layers(self, data: bytes, offset: int, wire_end: int) -> None:
        truncated = False
        for _ in range(MAX_IP_LAYERS):
            packet = parse_ip(data, offset, wire_end)
            if isinstance(packet, str):
                self._unreadable(packet)
                return
            payload = self._payload(data, packet, wire_end, truncated)
            if payload is None:
                return
            if not self._is_tunnel(payload.protocol, payload.data, payload.start):
                self._transport(payload)
                return
            # A header behind the end of the IP packet is link-layer padding.
            data, wire_end = payload.data[: payload.stop], min(payload.end, payload.wire_end)
            offset, name, cut = tunnels.inner_layer(data, payload.start, payload.protocol)
            if offset < 0:
                self._count(name)
                return
            truncated |= payload.truncated or cut
        self._count(TOO_DEEP)

    def _unreadable(self, name: str) -> None:
        self._count(name)
        if name == CUT:
            self._problem(ProblemKind.SNAPLEN_SHORT, "the snap length cuts IP headers off")

    def _payload(
        self, data: bytes, packet: IpPacket, wire_end: int, truncated: bool
    ) -> _Payload | None:
        """The payload of an IP packet, or of the datagram that it completes."""
        header_ok = ipv4_header_checksum_ok(data, packet)
        if packet.fragment is None:
            return _Payload(
                packet.src,
                packet.dst,
                packet.protocol,
                data,
                packet.start,
                packet.end,
                wire_end,
                truncated,
                header_ok,
            )
        captured = data[packet.start : min(packet.end, wire_end)]
        whole = self._reassembler.add(packet, captured, self._at_ns, self._record)
        self._fragment_problems()
        if whole is None:
            return None
        joined = IpPacket(
            0, packet.src, packet.dst, whole.protocol, 0, whole.length, fragment=packet.fragment
        )
        if whole.protocol in EXTENSION_HEADERS:
            rest = skip_extensions(whole.payload, joined)
            if isinstance(rest, str):
                self._unreadable(rest)
                return None
        return _Payload(
            packet.src,
            packet.dst,
            joined.protocol,
            whole.payload,
            joined.start,
            whole.length,
            whole.length,
            truncated,
            header_ok,
        )

    def _transport(self, payload: _Payload) -> None:
        protocol = payload.protocol
        if protocol == UDP:
            self._udp(payload)
        elif protocol == TCP:
            self._tcp(payload)
        elif protocol in _SPI_OFFSETS:
            self._esp(payload, protocol, payload.start, payload.end - payload.start, (0, 0))
        elif protocol in (ICMP, ICMPV6):
            self._icmp(payload)
        else:
            self._count(_IP_NAMES.get(protocol) or f"ip protocol {protocol}")

    def _udp(self, payload: _Payload) -> None:
        data, start = payload.data, payload.start
        if start + 4 > payload.stop:
            self._unreadable(CUT if payload.is_cut else MALFORMED)
            return
        sport, dport = data[start] << 8 | data[start + 1], data[start + 2] << 8 | data[start + 3]
        if sport not in self._ports and dport not in self._ports:
            self._count(f"udp:{min(sport, dport)}")
            return
        if start + _UDP_HEADER_BYTES > payload.stop:
            self._short(payload, "a UDP header on an IKE port")
            return
        udp_bytes = data[start + 4] << 8 | data[start + 5]
        if udp_bytes < _UDP_HEADER_BYTES:
            self._count(f"udp:{min(sport, dport)}")
            self._problem(ProblemKind.BAD_LENGTH, "a UDP length on an IKE port is less than 8")
            return
        body = data[start + _UDP_HEADER_BYTES : min(payload.stop, start + udp_bytes)]
        length = udp_bytes - _UDP_HEADER_BYTES
        carried = classify(body, length, sport, dport)
        if carried is Carried.ESP:
            self._esp(payload, ESP, start + _UDP_HEADER_BYTES, length, (sport, dport))
        elif carried is Carried.KEEPALIVE:
            self.nat_keepalives += 1
        elif carried is Carried.CUT:
            self._short(payload, "a datagram on an IKE port")
        elif carried is Carried.NOTHING:
            self._count(f"udp:{min(sport, dport)}")
        else:
            self._ike(payload, body, length, (sport, dport), carried is Carried.MARKED_IKE)

    def _ike(
        self, payload: _Payload, body: bytes, length: int, ports: tuple[int, int], marked: bool
    ) -> None:
        missing = length - len(body)
        checksum_bad = not payload.header_ok
        if missing:
            self._short(payload, "an IKE message")
        else:
            datagram = payload.data[payload.start : payload.start + _UDP_HEADER_BYTES + length]
            checksum_bad |= not udp_checksum_ok(payload.src, payload.dst, datagram)
        if checksum_bad:
            which = "UDP" if payload.header_ok else "IP header"
            self._problem(ProblemKind.BAD_CHECKSUM, f"the {which} checksum of an IKE message")
        self._found.append(
            Datagram(
                self._at_ns,
                Ref(self._source, self._record),
                address_text(payload.src),
                address_text(payload.dst),
                *ports,
                body[MARKER_BYTES:] if marked else body,
                Encapsulation.NON_ESP_MARKER if marked else Encapsulation.UDP,
                missing,
                checksum_bad,
            )
        )

    def _esp(
        self, payload: _Payload, protocol: int, start: int, length: int, ports: tuple[int, int]
    ) -> None:
        """An ESP or AH header at `start`; `length` counts from there on the wire."""
        at, needed = _SPI_OFFSETS[protocol]
        if start + needed > payload.stop:
            self._short(payload, "an ESP or AH header")
            return
        self._found.append(
            _esp_packet(
                (self._at_ns, self._record),
                (payload.src, payload.dst, *ports),
                payload.data[start + at : start + at + 8],
                length,
            )
        )

    def _short(self, payload: _Payload, what: str) -> None:
        if payload.is_cut:
            self._problem(ProblemKind.SNAPLEN_SHORT, f"the snap length cuts {what} short")
        else:
            self._problem(ProblemKind.BAD_LENGTH, f"{what} is longer than what carries it")

    def _icmp(self, payload: _Payload) -> None:
        error = read_error(payload.data, payload.start, payload.end, payload.protocol, self._ports)
        if error is None:
            self._count(_IP_NAMES[payload.protocol])
            return
        self._found.append(
            IcmpHint(
                self._at_ns,
                Ref(self._source, self._record),
                address_text(payload.src),
                address_text(error.src),
                address_text(error.dst),
                error.detail,
            )
        )

    def _tcp(self, payload: _Payload) -> None:
        data, start = payload.data, payload.start
        ports = data[start : start + 4]
        sport, dport = int.from_bytes(ports[:2], "big"), int.from_bytes(ports[2:], "big")
        if sport not in self._tcp_ports and dport not in self._tcp_ports:
            self._count(f"tcp:{min(sport, dport)}" if len(ports) == 4 else "tcp")
            return
        header = data[start : min(start + _TCP_HEADER_BYTES, payload.stop)]
        body_start = start + (header[12] >> 4) * 4 if len(header) == _TCP_HEADER_BYTES else 0
        if body_start < start + _TCP_HEADER_BYTES or body_start > payload.end:
            self._count("tcp")
            return
        direction = (payload.src, payload.dst, sport, dport)
        segment = TcpSegment(
            direction,
            int.from_bytes(header[4:8], "big"),
            int.from_bytes(header[8:12], "big"),
            header[13],
            data[body_start : payload.stop],
            max(min(payload.end, payload.wire_end) - body_start, 0),
            self._at_ns,
            self._record,
        )
        self._messages(self._streams.add(segment))
        self._take_gaps()
        if not segment.length:
            self._count("tcp")
        elif self._streams.is_foreign(direction):
            self._count(f"tcp:{min(sport, dport)}")

    def _messages(self, messages: list[TcpMessage]) -> None:
        for message in messages:
            body = message.payload
            src, dst, sport, dport = message.direction
            missing = message.length - len(body)
            if message.length == len(KEEPALIVE):
                self.nat_keepalives += 1
            elif body.startswith(MARKER):
                if missing:
                    self._problem(
                        ProblemKind.SNAPLEN_SHORT, "the snap length cuts an IKE message short"
                    )
                self._found.append(
                    Datagram(
                        message.at_ns,
                        Ref(self._source, message.record),
                        address_text(src),
                        address_text(dst),
                        sport,
                        dport,
                        body[MARKER_BYTES:],
                        Encapsulation.TCP,
                        missing,
                    )
                )
            elif len(body) >= _ESP_HEADER_BYTES:
                place = (message.at_ns, message.record)
                self._found.append(_esp_packet(place, message.direction, body, message.length))

    def _take_gaps(self) -> None:
        for detail in self._streams.take_gaps():
            self._problem(ProblemKind.STREAM_GAP, detail)

    def _is_tunnel(self, protocol: int, data: bytes, start: int) -> bool:
        """Whether a packet carries packets; IKE goes before tunnels on the same UDP port."""
        if protocol != UDP or start + 4 > len(data):
            return protocol in tunnels.PROTOCOLS
        sport, dport = data[start] << 8 | data[start + 1], data[start + 2] << 8 | data[start + 3]
        return dport in tunnels.UDP_PORTS and not {sport, dport} & self._ports

    def _is_wanted(self, protocol: int, head: bytes) -> bool:
        """Whether a datagram can matter, by the head of its first fragment."""
        if self._is_tunnel(protocol, head, 0):
            return True
        if protocol == UDP:
            return self._is_ike_port(head)
        return protocol in _SPI_OFFSETS or protocol in EXTENSION_HEADERS

    def _is_ike_port(self, head: bytes) -> bool:
        """Whether a UDP header names a port of ours."""
        if len(head) < 4:
            return False
        return head[0] << 8 | head[1] in self._ports or head[2] << 8 | head[3] in self._ports

    def _fragment_problems(self) -> None:
        reassembler = self._reassembler
        for lost in reassembler.take_lost():
            self._lost(lost)
        if reassembler.overlaps:
            reassembler.overlaps = 0
            self._problem(ProblemKind.BAD_LENGTH, "IP fragments overlap; the first is kept")
        if reassembler.bad_lengths:
            reassembler.bad_lengths = 0
            self._problem(ProblemKind.BAD_LENGTH, "an IP fragment has an impossible length")

    def _lost(self, lost: LostDatagram) -> None:
        """Report an incomplete datagram; an ESP header seen still is a packet that was sent."""
        kind, why = ProblemKind.FRAGMENT_LOST, "fragments are missing"
        if lost.cause is LossCause.LIMIT:
            kind, why = ProblemKind.FRAGMENT_LIMIT, "too many fragments at a time"
        what = "a datagram"
        place = (lost.first_ns, self._record)
        ports = (0, 0)
        head, length = lost.head, lost.length
        in_udp = lost.protocol == UDP and self._is_ike_port(head)
        if in_udp and len(head) >= _UDP_HEADER_BYTES + MARKER_BYTES:
            ports = (head[0] << 8 | head[1], head[2] << 8 | head[3])
            length = max((head[4] << 8 | head[5]) - _UDP_HEADER_BYTES, 0)
            head = head[_UDP_HEADER_BYTES:]
            carried = classify(head, length, *ports)
            what = "an ESP packet in UDP" if carried is Carried.ESP else "an IKE message"
            is_esp = carried is Carried.ESP
        else:
            at, needed = _SPI_OFFSETS.get(lost.protocol, (0, len(head) + 1))
            is_esp = len(head) >= needed
            head = head[at:]
            if is_esp:
                what = "an ESP or AH packet"
        ends = (lost.src, lost.dst, *ports)
        if is_esp:
            self._found.append(_esp_packet(place, ends, head, length))
        route = (lost.src, lost.dst)
        if route not in self._named_routes:
            if len(self._named_routes) >= MAX_NAMED_ROUTES:
                self._problem(kind, f"{what}: {why}")
                return
            self._named_routes.add(route)
        named = f"{address_text(lost.src)} to {address_text(lost.dst)}"
        self._problem(kind, f"{what} from {named}: {why}")


def _esp_packet(
    place: tuple[int, int], ends: tuple[bytes, bytes, int, int], header: bytes, length: int
) -> EspPacket:
    """`place` is time and frame; `header` starts with SPI and sequence number."""
    return EspPacket(
        place[0],
        place[1],
        address_text(ends[0]),
        address_text(ends[1]),
        ends[2],
        ends[3],
        int.from_bytes(header[:4], "big"),
        int.from_bytes(header[4:8], "big"),
        max(length, 0),
    )
