"""The IKE SAs of an IKEv2 debug: SESSION ID and SA ID name one after another, SPIs only one."""

from __future__ import annotations

from collections import OrderedDict
from typing import Any, Final

from msgspec import Struct, field

from analyzers.decode.assembly.lines import LogLine, spi
from analyzers.model.exchange import DeleteProtocol
from analyzers.model.log_events import LogEvent
from analyzers.model.observations import MessageKind

_MAX_SAS: Final = 4096
_MAX_REQUESTS: Final = 64
_MAX_QUEUE: Final = 8

RequestKey = tuple[bool | None, int | None]


class Content(Struct):
    """What a message that is not sent yet will carry."""

    line: LogLine
    kind: MessageKind
    """OTHER: nothing that an INFORMATIONAL carries."""
    protocol: DeleteProtocol = DeleteProtocol.UNKNOWN
    spis: tuple[str, ...] = ()
    announced: bool = True
    """The device says in words what it is going to send."""
    built: bool = False


class Request(Struct):
    """A request; `event` is its first transmission."""

    event: LogEvent
    sure: bool = False
    """The log says in words what it is, and cannot mean another message."""
    retransmitted: bool = False
    answered: bool = False


class Sa(Struct):
    """What is known of one IKE SA."""

    handle: str | None
    """SESSION ID/SA ID, and #2 … for the later SAs that the device gave the same ones."""
    initiator_spi: str | None = None
    responder_spi: str | None = None
    ends: LogEvent | None = None
    """Any message of it, for the addresses."""
    queue: list[Content] = field(default_factory=list)
    """What waits to be sent, in order."""
    answer: MessageKind | None = None
    """Content of the answer that is being built."""
    requests: OrderedDict[RequestKey, Request] = field(default_factory=OrderedDict)
    last: Request | None = None
    """The request that was sent last, for the first time or again."""
    asked: Request | None = None
    """The request that was received last."""
    again: bool = False
    """The next packet is a retransmission."""
    given_up: bool = False
    up: bool = False
    closing: bool = False
    """It is being deleted, and nobody has been given up so far."""
    down: bool = False
    reason: str = ""

    @property
    def name(self) -> str:
        """Tells it from other SAs."""
        return self.initiator_spi or self.handle or ""

    def push(self, content: Content) -> None:
        """Something will be sent."""
        self.queue.append(content)
        del self.queue[:-_MAX_QUEUE]

    def doubt(self) -> None:
        """A request was answered that the log does not show: it may be one that waits here."""
        for content in self.queue:
            content.announced = False

    def remember(self, request: Request) -> None:
        """Keep a request for its retransmissions and its answer."""
        made = request.event
        self.requests[made.sent, made.message_id] = request
        while len(self.requests) > _MAX_REQUESTS:
            self.requests.popitem(last=False)


class Sas:
    """All IKE SAs of a log; the oldest are forgotten when there are too many."""

    def __init__(self) -> None:
        self._by_handle: OrderedDict[str, Sa] = OrderedDict()
        self._by_spi: OrderedDict[str, Sa] = OrderedDict()
        self._handles: OrderedDict[str, str] = OrderedDict()
        self._named: OrderedDict[str, int] = OrderedDict()
        self._here = Sa(None)

    def of(self, line: LogLine) -> Sa:
        """The SA that a line is about; without any name it is the one of the line before."""
        handle = self._handle(line.fields)
        sa = self._here if handle is None else self._by_handle.get(handle) or self._new(handle)
        initiator = spi(line.fields.get("ispi", ""), 16)
        if initiator is not None:
            sa = self._of_spi(line, sa, handle, initiator)
        if handle is not None:
            self._by_handle[handle] = sa
            _trim(self._by_handle)
        self._here = sa
        return sa

    def succeed(self, line: LogLine, sa: Sa) -> Sa:
        """A new SA under the name of another."""
        handle = self._handle(line.fields)
        self._here = new = self._new(handle)
        new.ends = sa.ends
        if handle is not None:
            self._by_handle[handle] = new
        return new

    def all(self) -> tuple[Sa, ...]:
        """Those that a handle names now."""
        return tuple(self._by_handle.values())

    def _new(self, handle: str | None) -> Sa:
        """A new SA; the second and later ones of a name are numbered."""
        if handle is None:
            return Sa(None)
        number = self._named[handle] = self._named.get(handle, 0) + 1
        _trim(self._named)
        return Sa(handle if number == 1 else f"{handle}#{number}")

    def _handle(self, fields: dict[str, str]) -> str | None:
        """SESSION ID and SA ID; lines of some subsystems have the SA ID alone."""
        number, session = fields.get("conn"), fields.get("session")
        if number is None:
            return None
        if session is None:
            return self._handles.get(number, number)
        self._handles[number] = handle = f"{session}/{number}"
        _trim(self._handles)
        return handle

    def _of_spi(self, line: LogLine, sa: Sa, handle: str | None, initiator: str) -> Sa:
        known = self._by_spi.get(initiator)
        if known is None:
            fresh = sa.initiator_spi is None and not sa.down
            known = sa if fresh else self._new(handle)
            known.initiator_spi = initiator
            self._by_spi[initiator] = known
            _trim(self._by_spi)
        responder = spi(line.fields.get("rspi", ""), 16)
        if responder is not None and responder.strip("0"):
            known.responder_spi = responder
        return known


def _trim(known: OrderedDict[str, Any]) -> None:
    while len(known) > _MAX_SAS:
        known.popitem(last=False)
