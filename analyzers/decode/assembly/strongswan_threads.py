"""What a worker thread of charon has said of the message it is at.

A journal need not name the threads: the lines of all of a process are then taken for those of one,
and those of several messages may stand between each other. What cannot be told apart is of nobody.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from msgspec import Struct, field

from analyzers.decode.assembly.lines import LogLine, address
from analyzers.model.log_events import LogEvent
from analyzers.model.time import NS_PER_SECOND

# A packet and its content are logged within this by one thread.
_TOGETHER_NS: Final = NS_PER_SECOND
_MAX_WAITING: Final = 64


class Thread(Struct):
    """A thread, or a process whose threads nothing tells apart."""

    is_one: bool = True
    packet: LogLine | None = None
    """Of a thread: the packet that came, and was not read yet."""
    message: LogEvent | None = None
    deletes: tuple[str, ...] = ()
    delete_ike: str | None = None
    """The IKE SA whose Delete is announced."""
    begins: str | None = None
    """The IKE SA that it is about to begin."""
    retried: tuple[str, LogEvent] | None = None
    """How often a request was sent again, and which it is as far as its message ID tells."""
    waiting: list[LogLine] = field(default_factory=list)
    """Of a process: the packets that came, and may not have been read yet."""
    unread: int = 0
    """How many messages of them were read that may be in any of them."""
    astray: list[int | None] = field(default_factory=list)
    """Of a process: when messages were built whose packets may be any of those that leave next."""

    def arrive(self, line: LogLine) -> None:
        """A packet came."""
        if self.is_one:
            self.packet = line
        elif len(self.waiting) < _MAX_WAITING:
            self.waiting.append(line)

    def packet_of(
        self, line: LogLine, is_asked: Callable[[str], bool] | None = None
    ) -> LogLine | None:
        """The line of the packet that a message came in: that is logged first.

        `is_asked`, of an answer: whether an end is asked for it. Several that are answer alike.
        """
        if self.is_one:
            packet, self.packet = self.packet, None
            return packet if packet is not None and near(packet.at_ns, line.at_ns) else None
        waiting = self.waiting = [p for p in self.waiting if near(p.at_ns, line.at_ns)]
        if len({packet.field("src") for packet in waiting}) == 1:
            return waiting.pop(0)
        if is_asked is not None:
            for place, packet in enumerate(waiting):
                if is_asked(address(packet.field("src"))):
                    return waiting.pop(place)
        self.unread += 1
        if self.unread >= len(waiting):
            waiting.clear()
            self.unread = 0
        return None

    def makes_room(self, line: LogLine) -> None:
        """Another message is told before the packet of the one that was built."""
        made = self.message
        if not self.is_one and made is not None and made.sent and near(made.at_ns, line.at_ns):
            self.astray.append(made.at_ns)

    def is_mixed(self, line: LogLine) -> bool:
        """Whether a packet that leaves may be that of another message than the last one built."""
        if not self.astray:
            return False
        self.astray = [at_ns for at_ns in self.astray if near(at_ns, line.at_ns)]
        if not self.astray:
            return False
        if self.message is None or not self.message.sent:
            self.astray.pop()
        return True


def near(at_ns: int | None, later_ns: int | None) -> bool:
    """Whether two lines are about one thing, as far as their times tell."""
    if at_ns is None or later_ns is None:
        return True
    return 0 <= later_ns - at_ns <= _TOGETHER_NS
