"""Timelines as the debug log of one end: charon's for both IKE versions, an IOS router's for IKEv1.

The same text (see `timeline`) gives the capture and the logs of its ends, each on a clock of its
own. What is in an encrypted IKEv1 message stands in its option `says`: `ruthere`, `ack`, `delete`
or `esp-delete`; with `seq7=…` the number of an R-U-THERE.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime
from typing import Final

from msgspec import Struct

from analyzers.model.time import NS_PER_MS, NS_PER_SECOND
from tests.scenarios.timeline import BASE_NS, Message, messages, ns

Stamp = Callable[[int], str]
# A capture sits this far from the device whose log it is held against.
_WIRE_NS: Final = NS_PER_MS


def iso(at_ns: int) -> str:
    """`2023-11-14 22:13:20.000 `: a date and no zone, as charon writes them."""
    return f"{_moment(at_ns):%Y-%m-%d %H:%M:%S}.{_millis(at_ns)} "


def iso_zoned(at_ns: int) -> str:
    """`2023-11-14T22:13:20.000+00:00 gw charon: `, from a relay."""
    return f"{_moment(at_ns):%Y-%m-%dT%H:%M:%S}.{_millis(at_ns)}+00:00 gw charon: "


def syslog(at_ns: int) -> str:
    """`Nov 14 22:13:20 gw charon[812]: `: no year, whole seconds."""
    return f"{_moment(at_ns):%b %e %H:%M:%S} gw charon[812]: "


def star(at_ns: int) -> str:
    """`*Nov 14 22:13:20.000: `: an IOS clock that was never set."""
    return f"*{_moment(at_ns):%b %e %H:%M:%S}.{_millis(at_ns)}: "


def ios_zoned(at_ns: int) -> str:
    """`Nov 14 2023 22:13:20.000 UTC: `, with everything an IOS stamp can have."""
    return f"{_moment(at_ns):%b %e %Y %H:%M:%S}.{_millis(at_ns)} UTC: "


def uptime(at_ns: int) -> str:
    """`01:02:03: ` since the capture began."""
    seconds = (at_ns - BASE_NS) // NS_PER_SECOND
    return f"{seconds // 3600:02}:{seconds // 60 % 60:02}:{seconds % 60:02}: "


def no_stamp(_: int) -> str:
    """Nothing."""
    return ""


def _moment(at_ns: int) -> datetime:
    return datetime.fromtimestamp(at_ns // NS_PER_SECOND, UTC)


def _millis(at_ns: int) -> str:
    return f"{at_ns % NS_PER_SECOND // NS_PER_MS:03}"


class Clock(Struct, frozen=True, dict=True):
    """The clock of a device: ahead by `shift_s`, gaining `drift` seconds a second."""

    stamp: Stamp = iso
    shift_s: float = 0.0
    drift: float = 0.0

    def write(self, at_ns: int) -> str:
        """The stamp the device writes at a time of the capture's clock."""
        return self.stamp(at_ns + ns(self.shift_s) + round(self.drift * (at_ns - BASE_NS)))


class Lost(Struct, frozen=True, dict=True):
    """Messages of one host that never reached the other, between two moments of a timeline."""

    src: str
    from_s: float = 0.0
    to_s: float = 1e9

    def takes(self, message: Message) -> bool:
        """Whether the message was lost."""
        at_s = (message.at_ns - BASE_NS) / NS_PER_SECOND
        return message.src == self.src and self.from_s <= at_s < self.to_s


Said = Sequence[tuple[float, str]]


def charon(
    text: str,
    holder: str = "a",
    clock: Clock | None = None,
    *,
    lost: Iterable[Lost] = (),
    said: Said = (),
    names: dict[str, str] | None = None,
) -> str:
    """The log of strongSwan at `holder`; `said` is more of it, with times of the timeline.

    `names`: addresses as the log has them, where they differ from those on the wire.
    """
    sent_before: Counter[tuple[object, ...]] = Counter()

    def blocks(message: Message, *, sent: bool) -> list[str]:
        exchange, payloads = _charon_words(message)
        kind = "response" if message.response else "request"
        src, dst = ((names or {}).get(end, end) for end in message.ends)
        sport, dport = message.ports
        way = f"from {src}[{sport}] to {dst}[{dport}] ({message.length} bytes)"
        if not sent:
            return [
                f"07[NET] received packet: {way}",
                f"07[ENC] parsed {exchange} {kind} {message.message_id} [ {payloads}]",
            ]
        told = message.message_id, message.response, message.options.get("sa")
        same = (message.ends, message.what, told)
        again = sent_before[same]
        sent_before[same] += 1
        if message.version == 2 and again and not message.response:
            which = f"09[IKE] retransmit {again} of request with message ID {message.message_id}"
            return [which, f"09[NET] sending packet: {way}"]
        return [
            f"05[ENC] generating {exchange} {kind} {message.message_id} [ {payloads}]",
            f"05[NET] sending packet: {way}",
        ]

    return _written(text, holder, clock or Clock(), lost, said, blocks)


_CHARON_V2: Final = {
    "sa-init": ("IKE_SA_INIT", "SA KE No "),
    "auth": ("IKE_AUTH", "IDi AUTH SA TSi TSr "),
    "create-child": ("CREATE_CHILD_SA", "SA No TSi TSr "),
    "rekey-child": ("CREATE_CHILD_SA", "N(REKEY_SA) SA No TSi TSr "),
    "liveness": ("INFORMATIONAL", ""),
    "notify": ("INFORMATIONAL", "N(AUTH_LFT) "),
    "delete": ("INFORMATIONAL", "D "),
}
_CHARON_V1: Final = {
    "ruthere": "HASH N(DPD) ",
    "ack": "HASH N(DPD_ACK) ",
    "delete": "HASH D ",
    "esp-delete": "HASH D ",
}


def _charon_words(message: Message) -> tuple[str, str]:
    if message.version == 2:
        verb = message.what[1] if message.what[0] == "v2" else message.what[0]
        return _CHARON_V2[verb]
    verb = message.what[1]
    if verb.startswith("mm"):
        return "ID_PROT", "SA V V "
    if verb.startswith("qm"):
        return "QUICK_MODE", "HASH SA No ID ID "
    return "INFORMATIONAL_V1", _CHARON_V1[message.options["says"]]


def isakmp(
    text: str,
    holder: str = "a",
    clock: Clock | None = None,
    *,
    lost: Iterable[Lost] = (),
    said: Said = (),
    peer: str | None = None,
) -> str:
    """The `debug crypto isakmp` of an IOS router at `holder`, R-U-THERE traffic only.

    `peer`: the peer's address as it stands there, if masked or translated. The conn id is 1001, or
    of `sa=N` 100N.
    """

    def blocks(message: Message, *, sent: bool) -> list[str]:
        says = message.options.get("says")
        if says is None:
            return []
        signed = message.message_id - (message.message_id >> 31 << 32)
        other = peer or message.ends[1 if sent else 0]
        conn = f"(100{message.options.get('sa', '1')})"
        write = _isakmp_sent if sent else _isakmp_received
        return [
            line.replace("(1001)", conn)
            for line in write(says, signed, other, message.options.get("number"))
        ]

    return _written(text, holder, clock or Clock(star), lost, said, blocks)


_NOTIFY: Final = {"ruthere": "R_U_THERE", "ack": "R_U_THERE_ACK"}


def _isakmp_sent(says: str, signed: int, peer: str, number: str | None) -> list[str]:
    lines = [f"ISAKMP: set new node {signed} to QM_IDLE"]
    if says in _NOTIFY:
        lines.append(
            f"ISAKMP:(1001):Sending NOTIFY DPD/{_NOTIFY[says]} protocol 1\n"
            f"        spi 1747218296, message ID = {signed}"
        )
    if number is not None:
        lines.append(f"ISAKMP:(1001): seq. no 0x{int(number):X}")
    lines.append(f"ISAKMP:(1001): sending packet to {peer} my_port 500 peer_port 500 (I) QM_IDLE")
    lines.append(f"ISAKMP:(1001):purging node {signed}")
    if says == "delete":
        lines.append("ISAKMP:(1001):Input = IKE_MESG_INTERNAL, IKE_PHASE1_DEL")
    return lines


def _isakmp_received(says: str, signed: int, peer: str, number: str | None) -> list[str]:
    lines = [
        f"ISAKMP (1001): received packet from {peer} dport 500 sport 500 Global (I) QM_IDLE",
        f"ISAKMP: set new node {signed} to QM_IDLE",
        f"ISAKMP:(1001): processing HASH payload. message ID = {signed}",
    ]
    if says in _NOTIFY:
        lines.append(
            f"ISAKMP:(1001): processing NOTIFY DPD/{_NOTIFY[says]} protocol 1\n"
            f"        spi 0, message ID = {signed}, sa = 0x66E2A7C8"
        )
        if number is not None:
            lines.append(
                f"ISAKMP:(1001): DPD/{_NOTIFY[says]} received from peer {peer},"
                f" sequence 0x{int(number):X}"
            )
    else:
        lines.append(f"ISAKMP:(1001): processing DELETE payload. message ID = {signed}")
    lines.append(
        f'ISAKMP:(1001):deleting node {signed} error FALSE reason "Informational (in) state 1"'
    )
    return lines


def _written(
    text: str,
    holder: str,
    clock: Clock,
    lost: Iterable[Lost],
    said: Said,
    blocks: Callable[..., list[str]],
) -> str:
    lost = tuple(lost)
    told: list[tuple[int, int, list[str]]] = []
    for number, message in enumerate(messages(text)):
        if message.src == holder:
            told.append((message.at_ns - _WIRE_NS, number, blocks(message, sent=True)))
        elif message.dst == holder and not any(x.takes(message) for x in lost):
            told.append((message.at_ns + _WIRE_NS, number, blocks(message, sent=False)))
    told += [(BASE_NS + ns(at_s), -1, [line]) for at_s, line in said]
    lines = []
    for at_ns, _, parts in sorted(told, key=lambda item: item[:2]):
        lines += [clock.write(at_ns) + part for part in parts]
    return "\n".join(lines) + "\n"
