"""The connections of `debug crypto isakmp`: conn ids, and the peers of those that have none yet."""

from __future__ import annotations

from collections import OrderedDict
from typing import Any, Final

from msgspec import Struct, field

from analyzers.decode.assembly.lines import LogLine, address
from analyzers.model.log_events import LogEvent

_MAX_CONNECTIONS: Final = 4096
# Conn ids of the hardware and software engines carry flags above these bits.
_CONN_MASK: Final = 0x0FFFFFFF
# With these a negotiation goes on under the conn id that it has got.
_GOES_ON: Final = (
    "dpd-vendor-id", "other-vendor-id", "input", "established", "notify-processing",
)  # fmt: skip
_AUTHORITY: Final = ("packet-sent", "packet-received")


class Phase1(Struct):
    """What a peer has said of itself in a phase 1 that was seen from its start."""

    named: bool = False
    """Vendor IDs of it are shown."""
    offers_dpd: bool = False


class Connection(Struct):
    """What is known of one conn id, or of one peer whose phase 1 has none yet."""

    key: str
    handle: str | None
    peer: str | None = None
    began: bool | None = None
    """Whether the router began it, and not the peer, by its last packet."""
    arrived: LogLine | None = None
    """The packet that is being processed."""
    sent: LogLine | None = None
    """A packet of which it is not known yet what it was."""
    node: int | None = None
    """Its message ID."""
    building: LogEvent | None = None
    """A notify that leaves with the next packet."""
    told: LogEvent | None = None
    """The last DPD message that was received, while its number may still come."""
    question: LogEvent | None = None
    """An R-U-THERE of the peer that was not answered yet."""
    again: bool = False
    """The next packet is sent again."""
    again_id: int | None = None
    retry: bool = False
    """The error counter of DPD went up: the next R-U-THERE is another try."""
    retries: int | None = None
    """It went up so often."""
    tries: int | None = None
    """Of so many."""
    dead: LogEvent | None = None
    """The last verdict on the peer."""
    down: LogEvent | None = None
    """The end of its SA."""
    deleting: bool = False
    children: list[str] = field(default_factory=list)


class Connections:
    """All of them, the oldest forgotten when there are too many."""

    def __init__(self) -> None:
        self._known: OrderedDict[str, Connection] = OrderedDict()
        self._as_written: OrderedDict[str, Connection] = OrderedDict()
        self._here = Connection("", None)
        self._negotiating: str | None = None
        self._locals: OrderedDict[str, str] = OrderedDict()

    def local_of(self, peer: str | None) -> str | None:
        """The router's own address towards a peer."""
        return None if peer is None else self._locals.get(peer)

    def of(self, line: LogLine) -> Connection:
        """The connection of a line; one without a conn id belongs to the one before it."""
        spans, text = line.form.spans, line.text
        if "local" in spans:
            self._locals[address(text[spans["peer"]])] = address(text[spans["local"]])
            _trim(self._locals)
        conn = spans.get("conn")
        if conn is None:
            return self._here
        written = text[conn]
        self._here = here = self._as_written.get(written) or self._named(line, written)
        if "peer" in spans and (here.peer is None or line.form.id in _AUTHORITY):
            here.peer = address(text[spans["peer"]])
        return here

    def _named(self, line: LogLine, written: str) -> Connection:
        """The connection of a conn id that is not 0, or of the peer that is negotiating."""
        number = str(int(written) & _CONN_MASK)
        if number == "0":
            # Phase 1 is not finished, and all that are negotiating share the number.
            peer = line.get("peer")
            self._negotiating = address(peer) if peer is not None else self._negotiating
            number = f"0 {self._negotiating or ''}"
        here = self._known.get(number)
        if here is None:
            here = Connection(number, None if number.startswith("0 ") else number)
            before = self._here
            if line.id in _GOES_ON and before.key.startswith("0 "):
                here.peer, here.began = before.peer, before.began
            self._known[number] = here
            _trim(self._known)
        if here.handle is not None:
            self._as_written[written] = here
            _trim(self._as_written)
        return here


def _trim(known: OrderedDict[str, Any]) -> None:
    while len(known) > _MAX_CONNECTIONS:
        known.popitem(last=False)
