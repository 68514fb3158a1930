"""Reads RouterOS: racoon's words for IKEv1, what `ike2` says of IKEv2, and the bytes both dump.

The payloads of an IKEv1 message are dumped for its hash, behind the message ID, before the line
that says what it is: that is where its number comes from.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator
from typing import Final

from analyzers.decode.assembly.lines import LogLine, event
from analyzers.decode.assembly.printed import MAX_BYTES, Printed, from_hex, read_payloads
from analyzers.decode.assembly.racoon import RacoonAssembly
from analyzers.model.exchange import DeleteProtocol
from analyzers.model.log_events import LogEvent, LogEventKind
from analyzers.model.observations import MessageKind
from analyzers.model.time import NS_PER_SECOND

_EXCHANGES: Final = {
    "SA_INIT": MessageKind.SA_INIT,
    "IKE_SA_INIT": MessageKind.SA_INIT,
    "AUTH": MessageKind.AUTH,
    "IKE_AUTH": MessageKind.AUTH,
    "CREATE_CHILD": MessageKind.CREATE_CHILD,
    "CREATE_CHILD_SA": MessageKind.CREATE_CHILD,
    "INFORMATIONAL": MessageKind.INFORMATIONAL,
}
_CONTENTS: Final = {
    "DELETE": MessageKind.DELETE,
    "D": MessageKind.DELETE,
    "NOTIFY": MessageKind.NOTIFY,
    "N": MessageKind.NOTIFY,
    "CONFIG": MessageKind.CONFIG,
    "CP": MessageKind.CONFIG,
}
_DPD: Final = (MessageKind.R_U_THERE, MessageKind.R_U_THERE_ACK)
# A dump and the line about its message follow each other within this.
_TOGETHER_NS: Final = 2 * NS_PER_SECOND
_LINE_BYTES: Final = 32
"""Of a full line of a dump."""
_MAX_LINES: Final = 3
"""What is read in a dump has no more of them."""
_MAX_REQUESTS: Final = 1024


class RouterosAssembly(RacoonAssembly):
    """The state of one RouterOS device."""

    def __init__(self) -> None:
        super().__init__()
        self._dumped = b""
        self._dump_at_ns: int | None = None
        self._printed: tuple[Printed, bytes] | None = None
        self._packet: LogEvent | None = None
        """A received IKEv2 message of which the content is told next."""
        self._probing = False
        self._asked: OrderedDict[tuple[str | None, bool | None, int | None], LogEvent]
        self._asked = OrderedDict()

    def _rest(self) -> Iterator[LogEvent]:
        yield from self._packet_told()
        yield from super()._rest()

    def _take(self, line: LogLine) -> Iterator[LogEvent]:
        if line.id == "dump":
            self._dump(line)
            return
        if line.id == "ike2-plain" and not line.fields["size"].strip("0"):
            self._content(MessageKind.LIVENESS)
        elif line.id == "ike2-payload":
            kind = _CONTENTS.get(line.fields["payload"].upper())
            if kind is not None:
                self._content(kind)
        elif line.id != "ike2-plain":
            yield from self._packet_told()
            if line.id.startswith("ike2"):
                yield from self._ike2(line)
            else:
                yield from self._in_words(line)

    # --- IKEv1 -----------------------------------------------------------------------------

    def _in_words(self, line: LogLine) -> Iterator[LogEvent]:
        for made in super()._take(line):
            self._tell_dump(made, line)
            yield made

    def _dump(self, line: LogLine) -> None:
        """Collect a dump, line by line; keep what its payloads say."""
        data = from_hex(line.fields["hex"])
        if not self._is_recent(line) or len(self._dumped) > MAX_BYTES:
            self._dumped = b""
        whole = self._dumped + data
        self._dump_at_ns = line.at_ns
        # Another dump may end right before: lines of words in between are not seen here.
        starts = range(
            max(len(whole) - len(data) - _MAX_LINES * _LINE_BYTES, 0), len(whole), _LINE_BYTES
        )
        for candidate in (whole, *(whole[start:] for start in starts if start)):
            printed = read_payloads(candidate)
            if printed is not None:
                self._printed, self._dumped = (printed, candidate), b""
                return
        # A shorter one ends a dump.
        self._dumped = whole if len(data) == _LINE_BYTES else b""

    def _is_recent(self, line: LogLine) -> bool:
        before = self._dump_at_ns
        if before is None or line.at_ns is None:
            return True
        return 0 <= line.at_ns - before <= _TOGETHER_NS

    def _tell_dump(self, made: LogEvent, line: LogLine) -> None:
        if self._printed is None or made.kind is not LogEventKind.MESSAGE:
            return
        printed, data = self._printed
        if not self._is_recent(line):
            self._printed = None
        elif made.message is printed.kind and (made.message in _DPD or not made.sent):
            printed.tell(made)
            made.payload, self._printed = data, None

    # --- IKEv2 -----------------------------------------------------------------------------

    def _ike2(self, line: LogLine) -> Iterator[LogEvent]:
        match line.id:
            case "ike2-dpd":
                self._probing = True
            case "ike2-packet":
                yield from self._ike2_packet(line)
            case "ike2-up":
                yield self._about(line, LogEventKind.IKE_SA_UP, version=2)
            case "ike2-down":
                made = self._about(line, LogEventKind.IKE_SA_DOWN, version=2)
                made.protocol = DeleteProtocol.IKE
                yield made
            case "ike2-child-up":
                yield from self._child_up(line)
            case _:
                gone = self._children.down(event(line, LogEventKind.CHILD_SA_DOWN).spis)
                if gone is not None:
                    made = self._about(line, LogEventKind.CHILD_SA_DOWN, version=2)
                    made.protocol, made.spis = DeleteProtocol.ESP, gone
                    yield made

    def _ike2_packet(self, line: LogLine) -> Iterator[LogEvent]:
        fields = line.fields
        sent = fields["way"] == "<-"
        made = self._about(line, LogEventKind.MESSAGE, version=2, sent=sent)
        made.message = _EXCHANGES.get(fields["exchange"], MessageKind.OTHER)
        made.response = fields["kind"] == "reply"
        made.retransmission = "again" in fields
        if sent:
            if self._probing and made.message is MessageKind.INFORMATIONAL and not made.response:
                made.message = MessageKind.LIVENESS
                self._probing = False
            self._paired(made)
            yield made
        else:
            self._packet = made

    def _content(self, kind: MessageKind) -> None:
        packet = self._packet
        if packet is not None and packet.message is MessageKind.INFORMATIONAL:
            packet.message = kind

    def _packet_told(self) -> Iterator[LogEvent]:
        packet, self._packet = self._packet, None
        if packet is not None:
            self._paired(packet)
            yield packet

    def _paired(self, made: LogEvent) -> None:
        """An answer is about liveness if its question was."""
        if not made.response:
            key = (made.remote, made.sent, made.message_id)
            first = self._asked.get(key)
            if first is not None and made.retransmission:
                made.message = first.message
            self._asked[key] = made
            while len(self._asked) > _MAX_REQUESTS:
                self._asked.popitem(last=False)
            return
        question = self._asked.pop((made.remote, not made.sent, made.message_id), None)
        asked = question is not None and question.message is MessageKind.LIVENESS
        if made.message is MessageKind.INFORMATIONAL and asked:
            made.message = MessageKind.LIVENESS
        elif made.message is MessageKind.LIVENESS and question is not None and not asked:
            made.message = MessageKind.INFORMATIONAL
