"""Puts together what `debug crypto isakmp` says in several lines, or not at all.

On 12.x a sent R-U-THERE is only a packet between a new node and a timer's input; the last of the
PEERS_ALIVE inputs closes the Delete of a peer that was given up; `deleting SA` is printed two or
three times for one SA (log grammar sections 2.2, 2.3 and 8).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Final

from analyzers.decode.assembly.lines import LogLine, event, message_id
from analyzers.model.exchange import DeleteProtocol
from analyzers.model.log_events import LogEvent, LogEventKind
from analyzers.model.observations import MessageKind

_R_U_THERE: Final = "R_U_THERE"
_KINDS: Final = {
    "R_U_THERE": MessageKind.R_U_THERE,
    "R_U_THERE_ACK": MessageKind.R_U_THERE_ACK,
}
_MAX_CONNECTIONS: Final = 4096
# Conn ids of the hardware and software engines carry flags above these bits.
_CONN_MASK: Final = 0x0FFFFFFF


@dataclass(slots=True)
class _Connection:
    """What is known of one conn id."""

    peer: str | None = None
    local: str | None = None
    sent: LogLine | None = None
    """A packet that was sent and is not told yet."""
    node: int | None = None
    """Its message ID."""
    arrived: LogLine | None = None
    notify: MessageKind | None = None
    """A DPD notify that is being built, with its message ID and number."""
    notify_id: int | None = None
    sequence: int | None = None
    heard: LogEvent | None = None
    """A received DPD message or Delete of which more may be said."""
    retry: bool = False
    down: bool = False
    deleting: bool = False
    up: bool = False
    children: list[str] = field(default_factory=list)


class CiscoIsakmpAssembly:
    """The state of one router's debug."""

    def __init__(self) -> None:
        self._connections: dict[str, _Connection] = {}
        self._conn: str | None = None
        self._new_node: int | None = None
        self._by_peer: dict[str, str] = {}
        self._dead_peers: set[str] = set()

    def take(self, line: LogLine) -> Iterable[LogEvent]:
        """One line of the debug."""
        conn = self._conn_of(line)
        here = self._connections.get(conn) if conn is not None else None
        if here is None:
            here = _Connection()
            if conn is not None:
                if len(self._connections) >= _MAX_CONNECTIONS:
                    del self._connections[next(iter(self._connections))]
                self._connections[conn] = here
        events = list(self._take(line, here))
        for made in events:
            self._complete(made, conn, here)
        return events

    def finish(self) -> Iterable[LogEvent]:
        """The log is over."""
        for conn, here in self._connections.items():
            for made in self._heard(here):
                self._complete(made, conn, here)
                yield made

    def _conn_of(self, line: LogLine) -> str | None:
        written = line.fields.get("conn")
        if written is None:
            return self._conn
        conn = str(int(written) & _CONN_MASK)
        self._conn = conn
        return conn

    def _complete(self, made: LogEvent, conn: str | None, here: _Connection) -> None:
        made.handle = None if conn in (None, "0") else conn
        made.remote = made.remote or here.peer
        made.local = made.local or here.local

    def _take(self, line: LogLine, here: _Connection) -> Iterator[LogEvent]:
        fields = line.fields
        self._learn(fields, here)
        match line.id:
            case "new-node":
                self._new_node = message_id(fields["mid"])
            case "packet-sent":
                yield from self._packet_sent(line, here)
            case "packet-received":
                yield from self._heard(here)
                here.arrived = line
                here.sent = None
            case "purge-node":
                if here.sent is not None and here.node is None:
                    here.node = message_id(fields["mid"])
            case "notify-sending":
                here.notify = _KINDS.get(_spelled(fields["notify"]))
                here.notify_id = message_id(fields.get("mid", "")) or self._new_node
                here.sequence = None
                if here.notify is MessageKind.R_U_THERE_ACK or here.notify is None:
                    yield from self._heard(here)
            case "sequence":
                here.sequence = event(line, LogEventKind.HINT).sequence
            case "notify-processing":
                yield from self._notify_received(line, here)
            case "dpd-received":
                yield from self._dpd_received(line, here)
            case "dpd-error-counter":
                here.retry = True
            case "delete-received":
                yield from self._heard(here)
                here.heard = self._received(line, here, MessageKind.DELETE)
            case "child-delete-queued":
                yield from self._child_deleted(line, here)
            case "not-responding":
                self._dead_peers.add(fields["peer"])
                yield event(line, LogEventKind.PEER_DEAD)
            case "sa-deleted":
                yield from self._sa_deleted(line, here)
            case "delete-ignored":
                # The request fails because the IKE SA is gone: its Child SA went with it, if
                # this log shows how.
                if fields["peer"] in self._by_peer or fields["peer"] in self._dead_peers:
                    yield event(line, LogEventKind.CHILD_SA_DOWN, protocol=DeleteProtocol.ESP)
            case "input":
                yield from self._input(line, here)
            case "node-input" | "delete-node":
                yield from self._heard(here)
                here.sent = None if line.id == "node-input" else here.sent
            case "state":
                yield from self._state(line, here)
            case "dpd-enabled":
                yield event(line, LogEventKind.DPD_AGREED)
            case "dpd-vendor-id":
                yield event(line, LogEventKind.DPD_VENDOR_ID, sent=False)
            case "child-installed":
                yield event(line, LogEventKind.CHILD_SA_UP, protocol=DeleteProtocol.ESP)
            case "child-spi":
                yield from self._child_spi(line, here)
            case "initial-contact":
                yield event(line, LogEventKind.HINT, reason="the peer said INITIAL_CONTACT")
            case _:
                pass

    def _learn(self, fields: dict[str, str], here: _Connection) -> None:
        peer = fields.get("peer")
        if peer is not None:
            here.peer = peer
        if fields.get("local") is not None:
            here.local = fields["local"]

    # --- sent ------------------------------------------------------------------------------

    def _packet_sent(self, line: LogLine, here: _Connection) -> Iterator[LogEvent]:
        yield from self._heard(here)
        node, self._new_node = self._new_node, None
        if here.notify is not None:
            yield self._sent(line, here, here.notify, here.notify_id or node)
            here.notify = here.notify_id = here.sequence = None
            return
        here.sent, here.node = line, node

    def _input(self, line: LogLine, here: _Connection) -> Iterator[LogEvent]:
        yield from self._heard(here)
        sent, node = here.sent, here.node
        here.sent = here.node = None
        cause = _spelled(line.fields["input"])
        if sent is None:
            return
        if cause.startswith(("IKE_TIMER_IM_ALIVE", "IKE_TIMER_PEERS_ALIVE")):
            if here.deleting:
                yield self._delete_sent(sent, here, node)
            else:
                yield self._sent(sent, here, MessageKind.R_U_THERE, node)
        elif cause.startswith("IKE_PHASE1_DEL"):
            yield self._delete_sent(sent, here, node)

    def _sent(
        self, line: LogLine, here: _Connection, kind: MessageKind, node: int | None
    ) -> LogEvent:
        asked = kind is MessageKind.R_U_THERE
        made = event(
            line,
            LogEventKind.MESSAGE,
            message=kind,
            sent=True,
            message_id=node,
            sequence=here.sequence,
            retransmission=asked and here.retry,
        )
        if asked:
            here.retry = False
        return made

    def _delete_sent(self, line: LogLine, here: _Connection, node: int | None) -> LogEvent:
        here.deleting = False
        return event(
            line,
            LogEventKind.MESSAGE,
            message=MessageKind.DELETE,
            sent=True,
            message_id=node,
            protocol=DeleteProtocol.IKE,
        )

    # --- received --------------------------------------------------------------------------

    def _received(self, line: LogLine, here: _Connection, kind: MessageKind) -> LogEvent:
        """A message that the router is processing; it arrived when its packet did."""
        made = event(line, LogEventKind.MESSAGE, message=kind, sent=False)
        arrived = here.arrived
        if arrived is not None:
            made.at_ns, made.ref = arrived.at_ns, arrived.ref
        return made

    def _heard(self, here: _Connection) -> Iterator[LogEvent]:
        if here.heard is not None:
            heard, here.heard = here.heard, None
            yield heard

    def _notify_received(self, line: LogLine, here: _Connection) -> Iterator[LogEvent]:
        yield from self._heard(here)
        kind = _KINDS.get(_spelled(line.fields["notify"]))
        if kind is not None:
            here.heard = self._received(line, here, kind)

    def _dpd_received(self, line: LogLine, here: _Connection) -> Iterator[LogEvent]:
        kind = _KINDS[_spelled(line.fields["notify"])]
        said = event(line, LogEventKind.MESSAGE)
        if here.heard is not None and here.heard.message is kind:
            here.heard.sequence = said.sequence
        else:
            yield from self._heard(here)
            here.heard = self._received(line, here, kind)
            here.heard.sequence = said.sequence
        here.retry = here.retry and kind is not MessageKind.R_U_THERE_ACK
        yield from self._heard(here)

    # --- SAs -------------------------------------------------------------------------------

    def _sa_deleted(self, line: LogLine, here: _Connection) -> Iterator[LogEvent]:
        if here.heard is not None and here.heard.message is MessageKind.DELETE:
            here.heard.protocol = DeleteProtocol.IKE
        if here.down:
            return  # marked, then destroyed: it is printed two or three times
        here.down = here.deleting = True
        here.up = here.retry = False
        if here.peer is not None:
            self._by_peer[here.peer] = self._conn or ""
        yield event(line, LogEventKind.IKE_SA_DOWN, protocol=DeleteProtocol.IKE)

    def _child_deleted(self, line: LogLine, here: _Connection) -> Iterator[LogEvent]:
        heard = here.heard
        said = event(line, LogEventKind.CHILD_SA_DOWN, protocol=DeleteProtocol.ESP)
        if heard is not None and heard.message is MessageKind.DELETE:
            heard.protocol = DeleteProtocol.ESP
            heard.spis = (*heard.spis, *said.spis)
        yield said

    def _child_spi(self, line: LogLine, here: _Connection) -> Iterator[LogEvent]:
        """Inbound and outbound SPI of one Child SA come in two lines."""
        decimal = line.fields.get("spi_decimal")
        made = event(line, LogEventKind.CHILD_SA_UP, protocol=DeleteProtocol.ESP)
        if decimal is not None:
            number = int(decimal)
            made.spis = (f"{number & 0xFFFFFFFF:08x}",) if number <= 0xFFFFFFFF else ()
        here.children += made.spis
        if len(here.children) >= 2:
            made.spis, here.children = tuple(here.children[:2]), []
            yield made

    def _state(self, line: LogLine, here: _Connection) -> Iterator[LogEvent]:
        old, new = _spelled(line.fields["old"]), _spelled(line.fields["new"])
        if new.startswith("IKE_P1_COMPLETE") and not old.startswith("IKE_P1_COMPLETE"):
            here.down = here.deleting = False
            here.up = True
            yield event(line, LogEventKind.IKE_SA_UP)


def _spelled(word: str) -> str:
    """A keyword with the underscores that pasting lost."""
    return "_".join(word.split()).replace("\\", "")
