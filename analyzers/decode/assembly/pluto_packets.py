"""What pluto's debugging says of one message in several lines.

A message that is sent is announced, then its header is dumped and its packet told; a received one
is a packet and a dump, then what it is, then its number.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from analyzers.decode.assembly.lines import LogLine, event
from analyzers.model.log_events import LogEvent, LogEventKind
from analyzers.model.observations import MessageKind
from analyzers.model.time import NS_PER_SECOND

# The lines about one message follow each other within this.
_TOGETHER_NS: Final = NS_PER_SECOND
# Lines that add to a message: any other means that it is complete.
_DETAILS: Final = frozenset({"header", "message-id", "packet-sent"})
_NUMBERS: Final = {
    "dpd-received": MessageKind.R_U_THERE,
    "dpd-ack-received": MessageKind.R_U_THERE_ACK,
}


class PlutoPackets:
    """The message that is being told, and the packet that is being processed."""

    def __init__(self) -> None:
        self.held: LogEvent | None = None
        """A message of which more may be said."""
        self._arrived: LogEvent | None = None
        self._header = ""

    def goes_on(self, line: LogLine) -> bool:
        """Whether a line says more of the message that is held; True if none is."""
        held = self.held
        if held is None:
            return True
        if line.id == "dpd-not-sent":
            self.held = None
            return True
        if not _near(held, line):
            return False
        if line.id in _NUMBERS:
            return not held.sent and held.message is _NUMBERS[line.id]
        return line.id in _DETAILS

    def told(self) -> Iterator[LogEvent]:
        """The message of which no more will be said."""
        held, self.held = self.held, None
        if held is not None:
            yield held

    def note(self, line: LogLine) -> None:
        """A packet that arrived, or a part of the dump of a header."""
        fields = line.fields
        if line.id == "packet-received":
            self._arrived = event(line, LogEventKind.MESSAGE, sent=False)
        elif line.id == "header":
            self._header = fields["way"]
        else:
            value = fields.get("mid_bytes")
            said = event(line, LogEventKind.HINT).message_id
            found = said if value is None else int("".join(value.split()), 16)
            if self._header == "parse" and self._arrived is not None:
                self._arrived.message_id = found
            elif self._header == "emit" and self.held is not None and self.held.sent:
                self.held.message_id = found

    def sent(self, line: LogLine) -> LogEvent | None:
        """The message that was held, now with its packet."""
        made = self.held
        if made is None or not made.sent:
            return None
        self.held = None
        packet = event(line, LogEventKind.MESSAGE)
        made.local, made.remote, made.length = packet.local, packet.remote, packet.length
        made.local_port, made.remote_port = packet.local_port, packet.remote_port
        return made

    def place(self, made: LogEvent, line: LogLine) -> None:
        """A received message arrived when and where its packet did."""
        arrived, self._arrived = self._arrived, None
        if arrived is None or not _near(arrived, line):
            return
        made.at_ns, made.ref = arrived.at_ns, arrived.ref
        made.local, made.remote = arrived.local, arrived.remote
        made.local_port, made.remote_port = arrived.local_port, arrived.remote_port
        made.message_id, made.length = arrived.message_id, arrived.length


def _near(before: LogEvent, line: LogLine) -> bool:
    if before.at_ns is None or line.at_ns is None:
        return True
    return 0 <= line.at_ns - before.at_ns <= _TOGETHER_NS
