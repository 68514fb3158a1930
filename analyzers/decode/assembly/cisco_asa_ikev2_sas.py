"""The IKE SAs of an ASA's IKEv2 debug: numbers are given again, initiator SPIs are not."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator
from typing import Final

from msgspec import Struct, field

from analyzers.decode.assembly.lines import LogLine, spi
from analyzers.model.log_events import LogEvent

_MAX_SAS: Final = 4096
_MAX_REQUESTS: Final = 64


class Request(Struct):
    """A request; `event` is its first transmission."""

    event: LogEvent
    answered: bool = False


class Sa(Struct):
    """What is known of one IKE SA."""

    handle: str | None = None
    initiator_spi: str | None = None
    ends: LogEvent | None = None
    """Any message of it, for the addresses and SPIs."""
    requests: OrderedDict[tuple[bool | None, int | None], Request] = field(
        default_factory=OrderedDict
    )
    """By who sent it and its message ID."""
    last: Request | None = None
    """The request that was sent last."""
    announced: LogEvent | None = None
    """What the next sent INFORMATIONAL carries, told before its packet."""
    again: bool = False
    """The next packet is a retransmission."""
    up: bool = False
    down: bool = False
    given_up: bool = False
    child: LogEvent | None = None
    """A Child SA that is coming up; its SPIs come later, or never."""

    def remember(self, made: LogEvent) -> Request:
        """Keep a request for its retransmissions and its answer."""
        request = self.requests[made.sent, made.message_id] = Request(made)
        while len(self.requests) > _MAX_REQUESTS:
            self.requests.popitem(last=False)
        return request


class Sas:
    """All IKE SAs of a log; the oldest are forgotten when there are too many."""

    def __init__(self) -> None:
        self._by_handle: OrderedDict[str, Sa] = OrderedDict()
        self._by_spi: OrderedDict[str, Sa] = OrderedDict()
        self.here = Sa()
        """The SA of the last record."""

    def of(self, line: LogLine) -> Sa:
        """The SA of a record; without any name it is that of the record before."""
        handle = line.fields.get("conn")
        initiator = spi(line.fields.get("ispi", ""), 16)
        known = None if initiator is None else self._by_spi.get(initiator)
        if known is None and handle is not None:
            known = self._by_handle.get(handle)
            if known is not None and initiator is not None and known.initiator_spi is not None:
                known = None  # the number is given to another SA
        if known is None:
            known = self.here if handle is None and initiator is None else Sa()
        if handle is not None:
            known.handle = known.handle or handle
            self._by_handle[handle] = known
        if initiator is not None:
            known.initiator_spi = initiator
            self._by_spi[initiator] = known
        for names in (self._by_handle, self._by_spi):
            while len(names) > _MAX_SAS:
                names.popitem(last=False)
        self.here = known
        return known

    def of_spi(self, initiator: str | None) -> Sa:
        """The SA with this initiator SPI."""
        return self._by_spi.get(initiator or "") or self.here

    def of_peer(self, remote: str) -> Sa:
        """The newest SA with this peer."""
        same = [sa for sa in self._by_handle.values() if sa.ends and sa.ends.remote == remote]
        return same[-1] if same else self.here

    def all(self) -> Iterator[Sa]:
        """Every SA that is remembered, once."""
        known = (*self._by_handle.values(), *self._by_spi.values(), self.here)
        yield from {id(sa): sa for sa in known}.values()
