"""Puts together what FortiOS says of one IKE message, and reads the bytes it prints.

A received message is "comes", its exchange, the packet (`in`) and its decrypted form (`dec`), then
what it is; a sent one is announced, printed in clear (`enc`) and encrypted (`out`), then "sent"
(log grammar section 7).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import ClassVar, Final

from analyzers.decode.assembly.child_pairs import ChildPairs
from analyzers.decode.assembly.fortigate_connections import (
    NOTIFIES,
    Connection,
    Connections,
    kind_of_exchange,
    kind_of_label,
)
from analyzers.decode.assembly.lines import LogLine, event
from analyzers.decode.assembly.printed import Printed, from_hex, read, read_payloads
from analyzers.decode.assembly.refusals import refusal
from analyzers.model.exchange import DeleteProtocol
from analyzers.model.log_events import LogEvent, LogEventKind
from analyzers.model.observations import MessageKind
from analyzers.model.time import NS_PER_SECOND

_WAY: Final = re.compile(r"\b(?:in|out|enc|dec)[ \t]{1,4}(?=[0-9A-Fa-f]{8})")
# The lines about one message follow each other within this.
_TOGETHER_NS: Final = NS_PER_SECOND


class FortigateAssembly:
    """The state of one FortiGate's debug."""

    useless: ClassVar[frozenset[str]] = frozenset({""})
    """Ids of patterns whose lines it has no use for; "" is that of lines that nothing knows."""

    def __init__(self) -> None:
        self._connections = Connections()
        self._received: LogEvent | None = None
        self._receiver: Connection | None = None
        """Whose message it is, once a line says so."""
        self._sending: LogEvent | None = None
        """A message that is announced, until its packet."""
        self._clear: Printed | None = None
        self._clear_bytes: bytes | None = None
        """The message that is about to be sent, in clear."""
        self._wire: Printed | None = None
        self._ends: LogEvent | None = None
        self._children = ChildPairs()

    def take(self, line: LogLine) -> Iterable[LogEvent]:
        """One line."""
        return list(self._take(line))

    def finish(self) -> Iterable[LogEvent]:
        """The log is over."""
        return list(self._told())

    def _take(self, line: LogLine) -> Iterator[LogEvent]:
        waiting = self._sending or self._received
        if waiting is not None and not _near(waiting, line):
            yield from self._told()
        here = self._connections.of(line.fields.get("name", ""))
        match line.id:
            case "bytes":
                self._bytes(line, here)
            case "comes":
                yield from self._told()
                self._ends = event(line, LogEventKind.MESSAGE)
            case "exchange":
                yield from self._told()
                self._exchange(line)
            case "notify":
                yield from self._notify(line, here)
            case "dpd":
                yield from self._dpd(line, here)
            case "delete-received":
                yield from self._delete_received(line, here)
            case "sent":
                yield from self._sent(line, here)
            case _:
                yield from self._told()
                yield from self._said(line, here)

    def _about(
        self, line: LogLine, here: Connection, kind: LogEventKind, **parts: object
    ) -> LogEvent:
        made = event(line, kind, **parts)
        self._connections.complete(made, here)
        return made

    # --- received --------------------------------------------------------------------------

    def _exchange(self, line: LogLine) -> None:
        fields = line.fields
        made = event(line, LogEventKind.MESSAGE, sent=False, version=int(fields["version"]))
        made.message = kind_of_exchange(fields["exchange"])
        made.response = fields["exchange"].endswith("_RESPONSE") if made.version == 2 else None
        self._arrive(made)

    def _arrive(self, made: LogEvent) -> None:
        ends, self._ends = self._ends, None
        if ends is not None:
            made.at_ns, made.ref = ends.at_ns, ends.ref
            made.local, made.remote = ends.local, ends.remote
            made.local_port, made.remote_port = ends.local_port, ends.remote_port
        self._received, self._receiver = made, None

    def _bytes(self, line: LogLine, here: Connection) -> None:
        way = line.fields["way"]
        start = _WAY.search(line.text)
        data = from_hex(line.text[start.end() :]) if start is not None else b""
        if way in ("in", "dec"):
            self._arrived_bytes(line, data)
            if here.name:
                self._receiver = here
        elif way == "enc":
            self._clear, self._clear_bytes = read(data) or read_payloads(data), data
        else:
            self._wire = read(data)

    def _arrived_bytes(self, line: LogLine, data: bytes) -> None:
        told = read(data)
        made = self._received
        if made is None:
            if told is None:
                return
            made = event(line, LogEventKind.MESSAGE, sent=False)
            self._arrive(made)
        if line.fields["way"] == "dec":
            made.payload = data
        if told is not None:
            told.tell(made)

    def _notify(self, line: LogLine, here: Connection) -> Iterator[LogEvent]:
        made = self._received
        if made is None:
            yield from self._told()
            made = event(line, LogEventKind.MESSAGE, sent=False, version=1)
            self._received = made
        made.message = NOTIFIES[line.fields["notify"]]
        yield from self._told(here)

    def _delete_received(self, line: LogLine, here: Connection) -> Iterator[LogEvent]:
        made = self._received
        if made is None:
            yield from self._told()
            made = self._received = event(line, LogEventKind.MESSAGE, sent=False)
        made.message = MessageKind.DELETE
        if made.protocol is DeleteProtocol.UNKNOWN:
            about_child = line.fields["what"] == "IPsec SA"
            made.protocol = DeleteProtocol.ESP if about_child else DeleteProtocol.IKE
        yield from self._told(here)

    def _told(self, here: Connection | None = None) -> Iterator[LogEvent]:
        """The messages of which no more will be said."""
        received, self._received = self._received, None
        if received is not None:
            here = here or self._receiver
            if here is None:
                here = self._connections.of_spi(received.initiator_spi)
            self._connections.complete(received, here)
            here.pair(received)
            yield received
        sending, self._sending = self._sending, None
        if sending is not None:
            self._connections.of(sending.handle or "").pair(sending)
            yield sending

    # --- sent ------------------------------------------------------------------------------

    def _dpd(self, line: LogLine, here: Connection) -> Iterator[LogEvent]:
        fields = line.fields
        version = int(fields["version"])
        kind = NOTIFIES[fields["notify"]] if version == 1 else MessageKind.LIVENESS
        answer = version == 2 and fields["notify"] == "ack"
        if fields["way"] in ("recv", "received"):
            made = self._received
            if made is None:
                yield from self._told()
                made = self._received = event(line, LogEventKind.MESSAGE, sent=False)
            said = event(line, LogEventKind.MESSAGE)
            made.message, made.version = kind, version
            made.sequence = said.sequence if made.sequence is None else made.sequence
        else:
            yield from self._told()
            made = self._about(line, here, LogEventKind.MESSAGE, sent=True, version=version)
            made.message = kind
            self._sending = made
        made.response = answer if version == 2 else None
        if not made.sent:
            yield from self._told(here)

    def _sent(self, line: LogLine, here: Connection) -> Iterator[LogEvent]:
        label = line.fields["what"]
        sending, self._sending = self._sending, None
        clear, self._clear = self._clear, None
        payload, self._clear_bytes = self._clear_bytes, None
        wire, self._wire = self._wire, None
        yield from self._told()
        mid = event(line, LogEventKind.MESSAGE).message_id
        if clear is not None and mid is not None and clear.message_id not in (None, mid):
            clear = payload = None  # of another message
        version, kind = kind_of_label(label)
        told = clear or wire
        if kind is None and told is not None:
            version, kind = told.version, told.kind
        if kind is None:
            return  # a NAT keepalive, or something that nobody asks about
        made = self._about(line, here, LogEventKind.MESSAGE, sent=True, version=version)
        made.message = kind
        made.payload = payload
        made.retransmission = "RETRANSMIT" in label
        if version == 2:
            made.response = label.endswith("_RESPONSE")
        if kind is MessageKind.DELETE:
            ike = label.startswith("ISAKMP")
            made.protocol = DeleteProtocol.IKE if ike else DeleteProtocol.ESP
        for printed in (clear, wire):
            if printed is not None and printed.version == version:
                printed.tell(made)
        self._announced(made, sending, here)
        here.pair(made)
        yield made

    @staticmethod
    def _announced(made: LogEvent, sending: LogEvent | None, here: Connection) -> None:
        """What was said of a message before its packet."""
        idle, here.idle = here.idle, False
        if sending is not None:
            if made.message in (sending.message, MessageKind.INFORMATIONAL):
                made.message = sending.message
                made.sequence = sending.sequence if made.sequence is None else made.sequence
                if made.protocol is DeleteProtocol.UNKNOWN or not made.spis:
                    made.protocol, made.spis = sending.protocol, sending.spis
        elif idle and made.message is MessageKind.INFORMATIONAL and not made.response:
            made.message = MessageKind.LIVENESS

    # --- SAs -------------------------------------------------------------------------------

    def _said(self, line: LogLine, here: Connection) -> Iterator[LogEvent]:
        match line.id:
            case "idle":
                self._about(line, here, LogEventKind.HINT)
                here.idle = line.fields["dpd"].strip("0") != ""
            case "dead" if not (here.waiting or here.idle):
                # Nothing that the log has was asked in vain: the link may have failed otherwise.
                yield self._about(line, here, LogEventKind.HINT)
            case "dead" | "dpd-failed":
                if not here.dead:
                    here.dead, here.up = True, here.up or None
                    yield self._about(line, here, LogEventKind.PEER_DEAD)
            case "delete-sending":
                made = self._about(line, here, LogEventKind.MESSAGE, sent=True)
                made.message = MessageKind.DELETE
                child = line.fields["what"] == "IPsec SA"
                made.protocol = DeleteProtocol.ESP if child else DeleteProtocol.IKE
                made.response = False if made.version == 2 else None
                self._sending = made
            case "ike-up":
                here.up, here.dead, here.asked, here.waiting = True, False, None, False
                yield self._about(line, here, LogEventKind.IKE_SA_UP)
            case "ike-down" | "connection-down":
                yield from self._down(line, here)
            case "child-up" | "child-down":
                yield from self._child(line, here)
            case "gave-up":
                here.up = False
                yield self._about(line, here, LogEventKind.GAVE_UP)
            case "dpd-agreed":
                yield self._about(line, here, LogEventKind.DPD_AGREED, version=1)
            case "dpd-vendor-id":
                yield self._about(line, here, LogEventKind.DPD_VENDOR_ID, version=1, sent=False)
            case "not-sent":
                yield self._about(line, here, LogEventKind.NOT_SENT)
            case "refused":
                made = self._about(
                    line, here, LogEventKind.REFUSED, sent="notify" not in line.fields
                )
                word = line.fields.get("notify", "NO_PROPOSAL_CHOSEN")
                made.refusal = refusal(word, made.version or 2)
                yield made
            case "unknown-spi":
                yield self._about(line, here, LogEventKind.INVALID_SPI, protocol=DeleteProtocol.ESP)
            case _:
                yield self._about(line, here, LogEventKind.HINT)

    def _down(self, line: LogLine, here: Connection) -> Iterator[LogEvent]:
        """The end of an IKE SA by its SPIs, or of all there is of a connection."""
        made = event(line, LogEventKind.IKE_SA_DOWN, protocol=DeleteProtocol.IKE)
        spis = here.spis
        named = made.initiator_spi
        self._connections.complete(made, here)
        if named is not None and spis[0] not in (None, named):
            here.spis = spis  # an SA that was replaced already
        elif here.up is False:
            return
        else:
            here.up = False
        if made.initiator_spi is None or made.initiator_spi != here.gone:
            here.gone = made.initiator_spi
            yield made

    def _child(self, line: LogLine, here: Connection) -> Iterator[LogEvent]:
        made = self._about(line, here, LogEventKind.CHILD_SA_UP, protocol=DeleteProtocol.ESP)
        if line.id == "child-up":
            if self._children.up(made.spis):
                yield made
            return
        gone = self._children.down(made.spis)
        if gone is not None:
            made.kind, made.spis = LogEventKind.CHILD_SA_DOWN, gone
            yield made


def _near(before: LogEvent, line: LogLine) -> bool:
    if before.at_ns is None or line.at_ns is None:
        return True
    return 0 <= line.at_ns - before.at_ns <= _TOGETHER_NS
