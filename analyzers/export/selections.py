"""Filters that select the packets of a statement: for Wireshark and, as BPF, for tcpdump.

Three of them. Frame numbers are exact, for the one capture they belong to. The display filter and
the BPF name the packets by what they carry (addresses, SPIs, message IDs), so they work on any
capture of the same traffic, from the other end too. Where packets cannot be named that closely,
they select more and never less.

Offsets: UDP header 8 octets (RFC 768), non-ESP marker 4 (RFC 3948 section 2.2), then the IKE
header (RFC 7296 section 3.1; RFC 2408 section 3.1 has the same places). BPF knows `udp[]` for
IPv4 only; for IPv6 the offsets count from its header of 40 octets, without extension headers. It
sees no later fragment, nothing inside a tunnel, and tagged frames only as `vlan and (...)`.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence, Set
from ipaddress import IPv6Address, ip_address
from itertools import pairwise
from typing import Final, NamedTuple

from msgspec import Struct, field

from analyzers.model.black_hole import BlackHole
from analyzers.model.exchange import NO_MESSAGE_ID, Delete, Exchange
from analyzers.model.finding import Finding
from analyzers.model.observations import Encapsulation, IkeMessage, MessageKind
from analyzers.model.peer import PeerView
from analyzers.model.records import Ref, SourceInfo
from analyzers.model.sa import EspFlow
from analyzers.model.time import NS_PER_SECOND, ORDER_LIMIT_NS

MAX_FRAMES: Final = 200
"""Frame numbers in one filter; with more, there is none by number."""
MAX_MESSAGES: Final = 40
"""Messages named one by one; with more, those of the same SA and direction are taken together."""

_UDP_BYTES: Final = 8
_MARKER_BYTES: Final = 4
_IPV6_BYTES: Final = 40
_RESPONDER_SPI: Final = 8
_FLAGS: Final = 19
_MESSAGE_ID: Final = 20
_LENGTH: Final = 24
_RESPONSE: Final = 0x20
_SPI_DIGITS: Final = 16


_ABOUT_TRAFFIC: Final = frozenset({"liveness-not-probed-one-way-out", "dpd-alive-dataplane-dead"})


class Selection(Struct, frozen=True):
    """What selects the packets of one statement; None and empty where nothing can."""

    frames: Mapping[str, str] = field(default_factory=dict)
    """Display filters by frame number, by the id of the capture they are for."""
    display_filter: str | None = None
    bpf: str | None = None


class Selector:
    """The filters of one run."""

    def __init__(
        self,
        sources: Sequence[SourceInfo],
        peers: Sequence[PeerView],
        asked: Set[Ref] | None = None,
    ) -> None:
        """`asked`: the only places that will be asked for, where that is known before."""
        self._asked = asked
        self._captures = {source.id for source in sources if source.kind == "capture"}
        self._peers = {peer.id: peer for peer in peers}
        self._messages: dict[Ref, IkeMessage] | None = None

    def of_finding(self, finding: Finding) -> Selection:
        """The packets a finding rests on; of one without any, all of its peer.

        One about the traffic of a black hole rests on all of that.
        """
        selection = self._of_refs(finding.refs)
        peer = self._peers.get(finding.peer or "")
        hole = None if peer is None else _hole_of(peer, finding)
        if peer is not None and hole is not None:
            return self._into(peer, hole, finding.refs)
        if selection.display_filter is not None or peer is None:
            return selection
        return Selection(selection.frames, *_traffic(peer))

    def of_exchange(self, exchange: Exchange) -> Selection:
        """The question with its retransmissions, and the answer."""
        seen = (*exchange.transmissions, *exchange.answers)
        return self._of_refs(ref for s in seen for ref in (s.ref, *s.seen))

    def of_delete(self, delete: Delete) -> Selection:
        """The Delete, and its answer."""
        return self._of_refs(delete.refs)

    def of_message(self, message: IkeMessage) -> Selection:
        """One message, with its retransmissions where they are identical."""
        return self._of_refs(_places(message))

    def of_black_hole(self, peer: PeerView, hole: BlackHole) -> Selection:
        """What was sent into it, what ended it, and the messages it is known by.

        The display filter takes the ESP of its time only, by the clock of the report; BPF knows
        no time and takes all of it.
        """
        return self._into(peer, hole, hole.refs)

    def _into(self, peer: PeerView, hole: BlackHole, refs: Iterable[Ref]) -> Selection:
        """What was sent into a black hole, and some messages."""
        around = self._of_refs(refs)
        flows = _flows_into(peer, hole)
        display, bpf = _esp(flows)
        if display is None or bpf is None:
            return around
        if hole.stop_ns >= ORDER_LIMIT_NS and hole.last_proof_ns is not None:
            window = f"frame.time_epoch > {_epoch(hole.last_proof_ns)}"
            window += f" && frame.time_epoch <= {_epoch(hole.stop_ns)}"
            display = f"{window} && ({display})"
        return Selection(
            around.frames,
            _either(" || ", [display, around.display_filter]),
            _either(" or ", [bpf, around.bpf]),
        )

    def _of_refs(self, refs: Iterable[Ref]) -> Selection:
        places = tuple(dict.fromkeys(refs))
        known = self._known_messages()
        found = {id(m): m for ref in places if (m := known.get(ref)) is not None}
        packets = [p for m in found.values() if (p := self._packet(m)) is not None]
        groups = _grouped(packets)
        return Selection(
            self._frames(places),
            _either(" || ", [_display(*group) for group in groups], no=" && !icmp && !icmpv6"),
            _either(" or ", [_bpf(*group) for group in groups]),
        )

    def _known_messages(self) -> dict[Ref, IkeMessage]:
        if self._messages is None:
            self._messages = {}
            for peer in self._peers.values():
                for message in peer.messages:
                    if message.refs or message.seen:
                        self._messages.update(dict.fromkeys(_places(message), message))
                    elif self._asked is None or message.ref in self._asked:
                        self._messages[message.ref] = message
        return self._messages

    def _frames(self, refs: Iterable[Ref]) -> dict[str, str]:
        numbers: defaultdict[str, set[int]] = defaultdict(set)
        for ref in refs:
            if ref.source in self._captures:
                numbers[ref.source].add(ref.record)
        return {
            source: f"frame.number in {{{_ranges(sorted(of_source))}}}"
            for source, of_source in numbers.items()
            if len(of_source) <= MAX_FRAMES
        }

    def _packet(self, message: IkeMessage) -> _Packet | None:
        """What a message is recognised by on the wire; None where addresses are not known."""
        if not (_is_address(message.src) and _is_address(message.dst)):
            return None
        logged = message.ref.source not in self._captures
        shared = message.version == 1 or message.message_id == 0
        # Phase 1 and Quick Mode are several messages of one ID; fragments have lengths of theirs.
        sized = shared and not logged and not message.refs
        starts = message.kind in (MessageKind.SA_INIT, MessageKind.MAIN_MODE)
        return _Packet(
            message.src,
            message.dst,
            _spi(message.initiator_spi),
            # A log names the SPI that the first message did not have yet.
            None if logged and starts else _spi(message.responder_spi),
            message.is_response if message.version == 2 else None,
            message.length if sized and message.length else None,
            None if logged else message.encapsulation,
            message.message_id if message.message_id < NO_MESSAGE_ID else None,
        )


class _Packet(NamedTuple):
    """What an IKE message is recognised by; None is anything."""

    src: str
    dst: str
    initiator_spi: str | None
    responder_spi: str | None
    response: bool | None
    length: int | None
    encapsulation: Encapsulation | None
    message_id: int | None


_Group = tuple[_Packet, tuple[int, ...]]
"""Packets that differ in nothing but their message IDs; none: any."""


def _grouped(packets: Sequence[_Packet]) -> list[_Group]:
    if len(packets) > MAX_MESSAGES:
        packets = [p._replace(message_id=None, length=None, response=None) for p in packets]
    ids: dict[_Packet, dict[int | None, None]] = {}
    for packet in packets:
        ids.setdefault(packet._replace(message_id=None), {})[packet.message_id] = None
    return [
        (packet, () if None in known else tuple(i for i in known if i is not None))
        for packet, known in ids.items()
    ]


# --- display filters --------------------------------------------------------------------------


def _display(packet: _Packet, message_ids: Sequence[int]) -> str:
    parts = [*_display_ends(packet.src, packet.dst)]
    if packet.initiator_spi is not None:
        parts.append(f"isakmp.ispi == {_colons(packet.initiator_spi)}")
    if packet.responder_spi is not None:
        parts.append(f"isakmp.rspi == {_colons(packet.responder_spi)}")
    if packet.response is not None:
        parts.append(f"isakmp.flag_r == {int(packet.response)}")
    if packet.length is not None:
        parts.append(f"isakmp.length == {packet.length}")
    if message_ids:
        parts.append(_among("isakmp.messageid", [f"0x{m:08x}" for m in message_ids]))
    if packet.initiator_spi is None and not message_ids:
        parts.append("isakmp")
    return " && ".join(parts)


def _display_ends(src: str, dst: str) -> tuple[str, str]:
    name = "ipv6" if _is_ipv6(src) else "ip"
    return f"{name}.src == {src}", f"{name}.dst == {dst}"


def _among(name: str, values: Sequence[str]) -> str:
    return f"{name} == {values[0]}" if len(values) == 1 else f"{name} in {{{', '.join(values)}}}"


def _colons(spi: str) -> str:
    return ":".join(spi[i : i + 2] for i in range(0, len(spi), 2))


def _epoch(at_ns: int) -> str:
    second, rest = divmod(at_ns, NS_PER_SECOND)
    return f"{second}.{rest:09d}"


def _ranges(numbers: Sequence[int]) -> str:
    """`1, 4..7`: runs of three or more as ranges."""
    runs: list[list[int]] = [[numbers[0]]]
    for number, following in pairwise(numbers):
        if following == number + 1:
            runs[-1].append(following)
        else:
            runs.append([following])
    return ", ".join(
        f"{run[0]}..{run[-1]}" if len(run) > 2 else ", ".join(map(str, run)) for run in runs
    )


# --- BPF --------------------------------------------------------------------------------------


def _bpf(packet: _Packet, message_ids: Sequence[int]) -> str:
    ends = f"src host {packet.src} and dst host {packet.dst}"
    if packet.encapsulation is Encapsulation.TCP:
        # Messages stand anywhere in a stream.
        return f"{ends} and tcp"
    places = {
        None: (0, _MARKER_BYTES),
        Encapsulation.UDP: (0,),
        Encapsulation.NON_ESP_MARKER: (_MARKER_BYTES,),
    }[packet.encapsulation]
    contents = [_bpf_content(packet, message_ids, marker) for marker in places]
    content = contents[0] if len(contents) == 1 else f"(({') or ('.join(contents)}))"
    return f"{ends} and {content}"


def _bpf_content(packet: _Packet, message_ids: Sequence[int], marker: int) -> str:
    """The IKE message in a datagram, `marker` octets behind the UDP header."""
    udp = _Octets.of_udp(packet.src)
    header = _UDP_BYTES + marker
    parts = [udp.condition]
    if marker:
        parts.append(f"{udp.word(_UDP_BYTES)} = 0")
    for spi, place in ((packet.initiator_spi, 0), (packet.responder_spi, _RESPONDER_SPI)):
        if spi is not None:
            parts.append(f"{udp.word(header + place)} = 0x{spi[:8]}")
            parts.append(f"{udp.word(header + place + 4)} = 0x{spi[8:]}")
    if packet.response is not None:
        sign = "!=" if packet.response else "="
        parts.append(f"{udp.octet(header + _FLAGS)} & 0x{_RESPONSE:02x} {sign} 0")
    if packet.length is not None:
        parts.append(f"{udp.word(header + _LENGTH)} = {packet.length}")
    if message_ids:
        word = udp.word(header + _MESSAGE_ID)
        ids = " or ".join(f"{word} = 0x{m:08x}" for m in message_ids)
        parts.append(ids if len(message_ids) == 1 else f"({ids})")
    return " and ".join(parts)


class _Octets(NamedTuple):
    """How BPF reaches the octets of a datagram, counted from its UDP header."""

    protocol: str
    offset: int
    condition: str

    @classmethod
    def of_udp(cls, address: str) -> _Octets:
        if _is_ipv6(address):
            return cls("ip6", _IPV6_BYTES, "ip6[6] = 17")
        return cls("udp", 0, "udp")

    def word(self, place: int) -> str:
        return f"{self.protocol}[{self.offset + place}:4]"

    def octet(self, place: int) -> str:
        return f"{self.protocol}[{self.offset + place}]"


# --- ESP, and all of a peer -------------------------------------------------------------------


def _hole_of(peer: PeerView, finding: Finding) -> BlackHole | None:
    """The black hole that a finding is about, where it is about what was sent into one."""
    if finding.rule not in _ABOUT_TRAFFIC:
        return None
    begins = ((h, (h.questionable_ns, h.first_exposed_ns)) for h in peer.black_holes)
    return next((hole for hole, times in begins if finding.at_ns in times), None)


def _flows_into(peer: PeerView, hole: BlackHole) -> list[EspFlow]:
    flows = [flow for flow in peer.esp_flows if flow.sender == hole.sender]
    return [flow for flow in flows if not hole.spis or flow.spi in hole.spis]


def _esp(flows: Iterable[EspFlow]) -> tuple[str | None, str | None]:
    """The display filter and the BPF of ESP flows."""
    by_ends: defaultdict[tuple[str, str, bool], dict[str, None]] = defaultdict(dict)
    for flow in flows:
        if _is_address(flow.sender) and _is_address(flow.receiver):
            by_ends[flow.sender, flow.receiver, flow.encapsulated][flow.spi] = None
    display = [
        " && ".join((*_display_ends(src, dst), _among("esp.spi", [f"0x{s}" for s in spis])))
        for (src, dst, _), spis in by_ends.items()
    ]
    bpf = [
        f"src host {src} and dst host {dst} and {_bpf_esp(src, encapsulated, list(spis))}"
        for (src, dst, encapsulated), spis in by_ends.items()
    ]
    return _either(" || ", display), _either(" or ", bpf)


def _bpf_esp(address: str, encapsulated: bool, spis: Sequence[str]) -> str:
    if encapsulated:
        udp = _Octets.of_udp(address)
        condition, place = udp.condition, udp.word(_UDP_BYTES)
    elif _is_ipv6(address):
        condition, place = "ip6[6] = 50", f"ip6[{_IPV6_BYTES}:4]"
    else:
        # Behind options, if there are any; a later fragment has no ESP header.
        condition = "ip proto 50 and ip[6:2] & 0x1fff = 0"
        place = "ip[(ip[0] & 0x0f) * 4:4]"
    alternatives = " or ".join(f"{place} = 0x{spi}" for spi in spis)
    return f"{condition} and {alternatives if len(spis) == 1 else f'({alternatives})'}"


def _traffic(peer: PeerView) -> tuple[str | None, str | None]:
    """All IKE and ESP of a peer."""
    ends = [(peer.local, remote) for remote in dict.fromkeys((peer.remote, *peer.addresses))]
    ends = [pair for pair in ends if all(map(_is_address, pair))]
    display = [
        f"{name}.addr == {local} && {name}.addr == {remote} && (isakmp || esp || udpencap)"
        for local, remote in ends
        for name in ("ipv6" if _is_ipv6(local) else "ip",)
    ]
    ports = "(udp port 500 or port 4500 or esp)"
    bpf = [f"host {local} and host {remote} and {ports}" for local, remote in ends]
    return _either(" || ", display, no=" && !icmp && !icmpv6"), _either(" or ", bpf)


# --- small ------------------------------------------------------------------------------------


def _either(word: str, parts: Iterable[str | None], *, no: str = "") -> str | None:
    known = list(dict.fromkeys(part for part in parts if part is not None))
    if not known:
        return None
    joined = known[0] if len(known) == 1 else word.join(f"({part})" for part in known)
    return f"({joined}){no}" if no and len(known) > 1 else f"{joined}{no}"


def _places(message: IkeMessage) -> tuple[Ref, ...]:
    return (message.ref, *message.refs, *message.seen)


def _spi(spi: str) -> str | None:
    digits = set("0123456789abcdef")
    return spi if len(spi) == _SPI_DIGITS and digits.issuperset(spi) else None


def _is_address(text: str) -> bool:
    try:
        ip_address(text)
    except ValueError:
        return False
    return "%" not in text


def _is_ipv6(text: str) -> bool:
    return isinstance(ip_address(text), IPv6Address)
