"""Timelines: lines of text that become a capture, byte for byte.

A line is `TIME SENDER>RECEIVER WHAT`, times in seconds since the capture began:

    0.0 a>b v2 handshake                four messages, 10 ms apart: IKE_SA_INIT and IKE_AUTH
    5.0 a>b liveness 3                  an empty INFORMATIONAL request with message ID 3
    5.01 b>a liveness 3 resp            its answer
    30..300/30 a>b liveness 4+          one every 30 s while time < 300, IDs 4, 5, 6 …
    6.0..20.0/0.2 a>b esp out1          ESP every 200 ms; the SPI has a name, sequences count up
    30..40/0.2 a>b esp out1 seq=1+      from 1 on again
    0.0 a>b v1 main-mode                six messages of phase 1; `v1 quick` three of phase 2
    10 a>b v1 info 108                  an opaque Informational of 108 bytes, new message ID
    10 a>b v1 info says=ruthere seq=5   a sealed one: really encrypted, `key_table` opens it
    10 n:61000>b:4500 liveness 3        ports make it UDP 4500, ESP too; `keepalive` is one 0xFF

IKEv2 verbs: sa-init, auth (each with `v2`), liveness, notify, delete, config, create-child, each
with an ID and perhaps `resp`; `piece=1/2` makes one a fragment. `unprotected 11` is a clear notify
of that type, about `esp=NAME`; `spis=zero` leaves its SPIs out.
`sa-init resp notify=14` has nothing else.
The same line twice is the same bytes twice: a retransmission.
Options: `sa=NAME` another IKE SA, `len=N`, `id=0x…`, `late=S` later in the file than its time,
`kept=N` only the first N bytes of its frame are captured,
`says=ruthere` what is in an opaque IKEv1 message, for the logs of `tests.scenarios.logs`.

An IKEv1 SA with a sealed Informational is sealed from its Main Mode on. AES-CBC-128 and SHA2-256;
what such a message says, and how it may be wrong, is told in `tests.scenarios.ikev1_messages`.

Directives: `host c 192.0.2.9`, `sa 2 by b` (who initiated it; default a), `unseen b>a 20..40`
(these frames are sent, but do not reach the capture), `capture 12..50` (all else is not captured),
`twice 0.0005` (every frame again so much later), `clock -3600 from 50` (the recorder's clock
steps), `nat a n 40000` (on a box that translates a to n, and its ports to higher ones: every frame
on both sides, 0.1 ms apart).
"""

from __future__ import annotations

import re
import struct
from collections import Counter
from collections.abc import Iterator
from decimal import Decimal
from typing import Final, NamedTuple

from msgspec import Struct, field
from msgspec.structs import replace

from tests.builders import IPV6, NON_ESP_MARKER, eth, ipv4, ipv6, pcap_bytes, udp
from tests.scenarios import ikev1_messages
from tests.scenarios.ikev1_messages import (
    esp_spi,
    ike_spi,
    ikev1_message,
    is_sealed,
    random_bytes,
)
from tests.scenarios.ikev2_messages import ikev2_message

BASE_NS: Final = 1_700_000_000_000_000_000
_MACRO_STEP_NS: Final = 10_000_000
_NAT_NS: Final = 100_000
_ESP: Final = 50

_HOSTS: Final = {
    "a": "192.0.2.1",
    "b": "192.0.2.2",
    "c": "192.0.2.3",
    "n": "198.51.100.1",
    "m": "198.51.100.2",
}
_NUMBER: Final = r"\d+(?:\.\d+)?"
_LINE: Final = re.compile(
    rf"(?P<at>{_NUMBER})(?:\.\.(?P<end>{_NUMBER})/(?P<step>{_NUMBER}))?\s+"
    r"(?P<src>\w+)(?::(?P<sport>\d+))?>(?P<dst>\w+)(?::(?P<dport>\d+))?\s+(?P<what>.+)"
)
_SPAN: Final = re.compile(rf"(?P<from>{_NUMBER})?\.\.(?P<to>{_NUMBER})?")

_RESPONSE: Final = 0x20


class _Event(Struct, frozen=True, dict=True):
    """One line, one moment of it."""

    at_ns: int
    src: str
    dst: str
    sport: int | None
    dport: int | None
    what: tuple[str, ...]
    options: dict[str, str]
    number: int
    """Which of a stream it is."""
    line: int


class _Frame(Struct, dict=True):
    file_ns: int
    """Where it stands in the file."""
    at_ns: int
    bytes: bytes
    wire_bytes: int


class _Directives(Struct, dict=True):
    hosts: dict[str, str] = field(default_factory=lambda: dict(_HOSTS))
    initiators: dict[str, frozenset[str]] = field(default_factory=dict)
    sealed: set[str] = field(default_factory=set)
    """Names of the IKEv1 SAs that keys open."""
    unseen: list[tuple[str, str, int, int]] = field(default_factory=list)
    captured: tuple[int, int] = (0, 1 << 62)
    twice_ns: int | None = None
    nat: tuple[str, str, int] | None = None
    clock: list[tuple[int, int]] = field(default_factory=list)


def ns(text: str | float) -> int:
    """Seconds as exact nanoseconds."""
    return int(Decimal(str(text)) * 1_000_000_000)


def at(seconds: float) -> int:
    """The time of the capture's clock at so many seconds of a timeline."""
    return BASE_NS + ns(seconds)


def spi_of(name: str) -> str:
    """The SPI of an ESP flow by its name, as the report prints it."""
    return f"{esp_spi(name):08x}"


def ike_spi_of(name: str, role: str = "i") -> str:
    """The SPI (cookie) of an IKE SA by its name, as the report prints it."""
    return ike_spi(name, role).hex()


def capture(text: str) -> bytes:
    """The pcap file a timeline describes. Raises ValueError for lines nobody understands."""
    events, directives = _parse(text)
    frames = list(_frames(events, directives))
    frames.sort(key=lambda f: f.file_ns)
    return pcap_bytes([(f.at_ns, f.bytes, f.wire_bytes) for f in frames])


def key_table(text: str) -> str:
    """Wireshark's ikev1_decryption_table for the sealed SAs of a timeline."""
    return ikev1_messages.key_table(sorted(_parse(text)[1].sealed))


def key_log(text: str) -> str:
    """The same keys as charon dumps them, and what HASH(1) is checked with."""
    return ikev1_messages.key_log(sorted(_parse(text)[1].sealed))


class Message(NamedTuple):
    """One IKE message of a timeline, whether a capture saw it or not."""

    at_ns: int
    src: str
    """Name of a host."""
    dst: str
    ends: tuple[str, str]
    """Their addresses."""
    ports: tuple[int, int]
    version: int
    what: tuple[str, ...]
    """The words of its line."""
    options: dict[str, str]
    message_id: int
    response: bool
    length: int


def messages(text: str) -> list[Message]:
    """The IKE messages of a timeline in the order of time. Raises as `capture` does."""
    events, directives = _parse(text)
    found = []
    for event in events:
        if event.what[0] in ("esp", "keepalive"):
            continue
        payload = _ike(event, directives)
        version, _, flags, message_id = struct.unpack_from(">BBBI", payload, 17)
        found.append(
            Message(
                BASE_NS + event.at_ns,
                event.src,
                event.dst,
                (directives.hosts[event.src], directives.hosts[event.dst]),
                (event.sport or 500, event.dport or 500),
                version >> 4,
                event.what,
                event.options,
                message_id,
                version >> 4 == 2 and bool(flags & _RESPONSE),
                len(payload),
            )
        )
    return found


# --- reading the lines ---------------------------------------------------------------------


def _parse(text: str) -> tuple[list[_Event], _Directives]:
    events: list[_Event] = []
    directives = _Directives()
    for number, raw in enumerate(text.splitlines()):
        line = raw.partition("#")[0].strip()
        if not line:
            continue
        found = _LINE.fullmatch(line)
        if found is None:
            _direct(line.split(), directives)
            continue
        events += _events(found, number)
    directives.sealed = {e.options.get("sa", "1") for e in events if is_sealed(e.what, e.options)}
    events.sort(key=lambda e: (e.at_ns, e.line))
    return events, directives


def _direct(words: list[str], into: _Directives) -> None:
    match words:
        case ["host", name, address]:
            into.hosts[name] = address
        case ["sa", name, "by", hosts]:
            into.initiators[name] = frozenset(hosts.split(","))
        case ["unseen", pair]:
            into.unseen.append((*_pair(pair), 0, 1 << 62))
        case ["unseen", pair, span]:
            into.unseen.append((*_pair(pair), *_span(span)))
        case ["capture", span]:
            into.captured = _span(span)
        case ["twice", delay]:
            into.twice_ns = ns(delay)
        case ["nat", inside, outside, ports]:
            into.nat = (inside, outside, int(ports))
        case ["clock", step, "from", start]:
            into.clock.append((ns(start), ns(step)))
        case _:
            raise ValueError(f"not a line of a timeline: {' '.join(words)}")


def _pair(text: str) -> tuple[str, str]:
    src, _, dst = text.partition(">")
    return src, dst


def _span(text: str) -> tuple[int, int]:
    found = _SPAN.fullmatch(text)
    if found is None:
        raise ValueError(f"not a span of time: {text}")
    return ns(found["from"] or 0), ns(found["to"]) if found["to"] else 1 << 62


def _events(found: re.Match[str], line: int) -> Iterator[_Event]:
    words = tuple(w for w in found["what"].split() if "=" not in w)
    options = dict(w.split("=", 1) for w in found["what"].split() if "=" in w)
    start = ns(found["at"])
    times = range(start, ns(found["end"]), ns(found["step"])) if found["end"] else [start]
    for number, at_ns in enumerate(times):
        event = _Event(
            at_ns=at_ns,
            src=found["src"],
            dst=found["dst"],
            sport=int(found["sport"]) if found["sport"] else None,
            dport=int(found["dport"]) if found["dport"] else None,
            what=words,
            options=options,
            number=number,
            line=line,
        )
        yield from _expanded(event)


_MACROS: Final[dict[tuple[str, ...], list[str]]] = {
    ("v2", "handshake"): ["v2 sa-init", "v2 sa-init resp", "v2 auth 1", "v2 auth 1 resp"],
    ("v1", "main-mode"): [f"v1 mm{number}" for number in range(1, 7)],
    ("v1", "quick"): ["v1 qm1", "v1 qm2", "v1 qm3"],
}


def _expanded(event: _Event) -> Iterator[_Event]:
    steps = _MACROS.get(event.what[:2])
    if steps is None:
        yield event
        return
    there = event
    for index, step in enumerate(steps):
        words = tuple(step.split())
        answers = index % 2 == 1
        yield replace(
            there,
            at_ns=event.at_ns + index * _MACRO_STEP_NS,
            what=words,
            src=event.dst if answers else event.src,
            dst=event.src if answers else event.dst,
            sport=event.dport if answers else event.sport,
            dport=event.sport if answers else event.dport,
        )


# --- building the frames -------------------------------------------------------------------


def _frames(events: list[_Event], directives: _Directives) -> Iterator[_Frame]:
    sequences: Counter[str] = Counter()
    for event in events:
        if event.what[0] == "esp":
            sequences[event.what[1]] += 1
            payload = _esp(event, sequences[event.what[1]])
        elif event.what[0] == "keepalive":
            payload = b"\xff"
        else:
            payload = _ike(event, directives)
        if not _captured(event, directives):
            continue
        offset = sum(step for start, step in directives.clock if event.at_ns >= start)
        file_ns = event.at_ns + ns(event.options.get("late", "0"))
        times = [0] if directives.twice_ns is None else [0, directives.twice_ns]
        for shown in _sides(event, directives):
            frame = _packet(shown, payload, directives)
            for again in times:
                delay = again + shown.at_ns - event.at_ns
                at_ns = BASE_NS + event.at_ns + offset + delay
                kept = int(event.options.get("kept", len(frame)))
                yield _Frame(file_ns + delay, at_ns, frame[:kept], len(frame))


def _sides(event: _Event, directives: _Directives) -> Iterator[_Event]:
    """A moment as each side of the box shows it."""
    yield event
    if directives.nat is None:
        return
    inside, outside, ports = directives.nat
    plain = event.what[0] == "esp" and event.sport is None
    if event.src == inside:
        sport = None if plain else (event.sport or 500) + ports
        at_ns = event.at_ns + _NAT_NS
        yield replace(event, at_ns=at_ns, src=outside, sport=sport)
    elif event.dst == inside:
        dport = None if plain else (event.dport or 500) + ports
        yield replace(event, at_ns=event.at_ns - _NAT_NS, dst=outside, dport=dport)


def _captured(event: _Event, directives: _Directives) -> bool:
    low, high = directives.captured
    if not low <= event.at_ns < high:
        return False
    return not any(
        (event.src, event.dst) == (src, dst) and start <= event.at_ns < end
        for src, dst, start, end in directives.unseen
    )


def _packet(event: _Event, payload: bytes, directives: _Directives) -> bytes:
    src, dst = directives.hosts[event.src], directives.hosts[event.dst]
    is_esp = event.what[0] == "esp"
    if event.sport is None and event.dport is None and is_esp:
        return _ip(payload, _ESP, src, dst)
    sport, dport = event.sport or 500, event.dport or 500
    is_ike = not is_esp and event.what[0] != "keepalive"
    if is_ike and (sport, dport) != (500, 500) and 500 not in (sport, dport):
        payload = NON_ESP_MARKER + payload
    return _ip(udp(payload, sport, dport, between=(src, dst)), 17, src, dst)


def _ip(payload: bytes, proto: int, src: str, dst: str) -> bytes:
    if ":" in src:
        return eth(ipv6(payload, proto, src, dst), IPV6)
    return eth(ipv4(payload, proto, src, dst))


def _esp(event: _Event, sequence: int) -> bytes:
    name = event.what[1]
    size = int(event.options.get("size", "100"))
    given = event.options.get("seq", str(sequence))
    sequence = int(given.rstrip("+")) + (event.number if given.endswith("+") else 0)
    body = random_bytes(f"esp {name} {sequence}", size - 8)
    return struct.pack(">II", esp_spi(name), sequence) + body


def _ike(event: _Event, directives: _Directives) -> bytes:
    name = event.options.get("sa", "1")
    initiates = event.src in directives.initiators.get(name, frozenset({"a", "n", "m"}))
    if event.what[0] == "v1":
        return ikev1_message(
            event.what,
            event.options,
            name=name,
            place=f"{event.line} {event.number}",
            number=event.number,
            sealed=name in directives.sealed,
        )
    words = event.what[1:] if event.what[0] == "v2" else event.what
    return ikev2_message(words, event.options, name=name, number=event.number, initiates=initiates)


__all__ = [
    "BASE_NS",
    "Message",
    "at",
    "capture",
    "ike_spi_of",
    "key_log",
    "key_table",
    "messages",
    "ns",
    "spi_of",
]
