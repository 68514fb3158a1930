"""Puts together what `debug crypto isakmp` says in several lines, or not at all.

On 12.x a sent R-U-THERE is only a packet between a new node and a timer's input; the last of the
PEERS_ALIVE inputs closes the Delete of a peer that was given up; `deleting SA` is printed two or
three times for one SA (log grammar sections 2.2, 2.3 and 8).
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterable
from functools import lru_cache
from typing import Final

from analyzers.decode.assembly.cisco_isakmp_state import Connection, Connections, Phase1
from analyzers.decode.assembly.lines import (
    LogLine,
    event,
    hexadecimal,
    message_id,
    number,
    port,
)
from analyzers.decode.assembly.outbox import Outbox
from analyzers.decode.assembly.refusals import refusal
from analyzers.model.exchange import DeleteProtocol
from analyzers.model.log_events import LogEvent, LogEventKind
from analyzers.model.observations import MessageKind
from analyzers.model.time import NS_PER_SECOND

# Of every message these are asked for, and Python 3.11 is slow to find a member by its name.
_MESSAGE: Final = LogEventKind.MESSAGE
_QUICK_MODE: Final = MessageKind.QUICK_MODE
_R_U_THERE: Final = MessageKind.R_U_THERE
_R_U_THERE_ACK: Final = MessageKind.R_U_THERE_ACK
# Keywords without their underscores, which pasting loses.
_DPD: Final = {
    "RUTHERE": _R_U_THERE,
    "RUTHEREACK": _R_U_THERE_ACK,
}
_STATES: Final = {
    "MM": MessageKind.MAIN_MODE,
    "AG": MessageKind.AGGRESSIVE,
    "QM": _QUICK_MODE,
    "CO": MessageKind.TRANSACTION,
}
_PHASE1: Final = (MessageKind.MAIN_MODE, MessageKind.AGGRESSIVE)
_INPUTS: Final = {
    "IKEMMEXCH": MessageKind.MAIN_MODE,
    "IKEAMEXCH": MessageKind.AGGRESSIVE,
}
# Why the router removed an SA, where its words are a verdict.
_PEERS_ALIVE: Final = "peersalive"
_RETRANSMISSION: Final = "death by retransmission"
_OF_PHASE_2: Final = "p2"
# The shortest keepalive of IOS, without and with its retries; one verdict is told within a second.
_LEAST_INTERVAL_NS: Final = 10 * NS_PER_SECOND
_LEAST_LIFE_NS: Final = 20 * NS_PER_SECOND
_MAX_GONE: Final = 4096
_MOST_TRIES: Final = 100
# With these, what was said of the message before has been said.
_NEXT_MESSAGE: Final = frozenset(
    {"packet-sent", "packet-received", "notify-sending", "notify-processing", "delete-received",
     "input", "node-input"}
)  # fmt: skip
# What is said of one message without stamps stands within so many lines.
_NEAR_LINES: Final = 12


class CiscoIsakmpAssembly:
    """The state of one router's debug."""

    def __init__(self) -> None:
        self._connections = Connections()
        self._new_node: LogLine | None = None
        """The line that begins a node; its number is read when a packet needs it."""
        self._gone: dict[str, None] = {}
        """Peers whose IKE SA this log shows going."""
        self._phase1: OrderedDict[str, Phase1] = OrderedDict()
        """What peers have said of themselves since their phase 1 began, as long as it goes on."""
        self._out = Outbox()
        self._takes: dict[str, Callable[[LogLine, Connection], object]] = {
            "new-node": self._node_begins,
            "packet-sent": self._packet_sent,
            "packet-received": self._packet_received,
            "purge-node": self._node_purged,
            "retransmitting": self._retransmitting,
            "notify-sending": self._notify_sending,
            "sequence": self._numbered,
            "notify-processing": self._notify_received,
            "dpd-received": self._dpd_received,
            "dpd-error-counter": self._retried,
            "delete-received": self._delete_received,
            "child-delete-queued": self._child_deleted,
            "not-responding": self._dead,
            "sa-deleted": self._sa_deleted,
            "delete-ignored": self._delete_ignored,
            "input": self._input,
            "node-input": self._node_input,
            "established": self._established,
            "dpd-enabled": self._agreed,
            "dpd-vendor-id": self._vendor_id,
            "other-vendor-id": self._other_vendor_id,
            "child-installed": self._child_installed,
            "child-spi": self._child_spi,
            "initial-contact": self._initial_contact,
        }

    def take(self, line: LogLine) -> Iterable[LogEvent]:
        """One line of the debug."""
        out, name = self._out, line.form.id
        here = self._connections.of(line)
        if out.waiting:
            out.at(line)
            if name in _NEXT_MESSAGE:
                out.release(here.key)
        take = self._takes.get(name)
        if take is not None:
            take(line, here)
        return out.take() if out.events else ()

    def finish(self) -> Iterable[LogEvent]:
        """The log is over."""
        return self._out.finish()

    def _say(
        self, line: LogLine, here: Connection, kind: LogEventKind, **parts: object
    ) -> LogEvent:
        """An event about a connection."""
        made = event(line, kind, **parts)
        made.handle, made.began = here.handle, here.began
        made.remote = made.remote or here.peer
        made.local = made.local or self._connections.local_of(made.remote)
        self._out.put(made)
        return made

    # --- sent ------------------------------------------------------------------------------

    def _node_begins(self, line: LogLine, _: Connection) -> None:
        self._new_node = line

    @staticmethod
    def _node_purged(line: LogLine, here: Connection) -> None:
        if here.sent is not None and here.node is None:
            here.node = message_id(line.field("mid"))

    @staticmethod
    def _numbered(line: LogLine, here: Connection) -> None:
        if here.building is not None:
            here.building.sequence = hexadecimal(line.field("seq_hex"), 8)

    @staticmethod
    def _retransmitting(line: LogLine, here: Connection) -> None:
        node = line.get("mid") or line.get("node") or ""
        here.again, here.again_id = True, message_id(node)

    @staticmethod
    def _retried(line: LogLine, here: Connection) -> None:
        here.retry = True
        here.retries = number(line.get("retry") or line.get("of_retry") or "", _MOST_TRIES)
        here.tries = number(line.get("tries") or line.get("of_tries") or "", _MOST_TRIES)

    def _packet_sent(self, line: LogLine, here: Connection) -> None:
        kind = self._kind(line, here)
        begun, self._new_node = self._new_node, None
        again, here.again = here.again, False
        built, here.building = here.building, None
        if built is not None and self._out.held(_built(here)) is built:
            self._leaves(built, line, here, _node_of(begun))
        elif again or kind in _PHASE1:
            mid = 0 if kind in _PHASE1 else here.again_id
            made = self._sent(line, here, kind or _QUICK_MODE, mid)
            made.retransmission = again
        else:
            here.sent, here.node = line, _node_of(begun)

    def _notify_sending(self, line: LogLine, here: Connection) -> None:
        kind = _DPD.get(_bare(line.field("notify")), MessageKind.NOTIFY)
        made = here.building = self._sent(line, here, kind)
        made.refusal = refusal(line.field("notify"), 1)
        if made.message_id is None:
            made.message_id = _node_of(self._new_node)
        # A log that was searched for words has no line of the packet.
        self._out.hold(_built(here), made)

    def _leaves(self, built: LogEvent, line: LogLine, here: Connection, node: int | None) -> None:
        """A notify leaves with this packet."""
        built.at_ns, built.ref, built.resolution_ns = line.at_ns, line.ref, line.resolution_ns
        built.began = here.began
        built.remote, built.local = here.peer, self._connections.local_of(here.peer)
        built.remote_port = port(line.get("peer_port") or "")
        built.local_port = port(line.get("local_port") or "")
        if built.message_id is None:
            built.message_id = node
        self._out.release(_built(here))

    def _input(self, line: LogLine, here: Connection) -> None:
        """What the state machine was fed tells what the packet before was."""
        sent, node = here.sent, here.node
        here.sent = here.node = None
        cause = _bare(line.field("input"))
        arrived = _INPUTS.get(cause)
        first = here.arrived is not None and here.arrived.field("state").startswith("NEW")
        if arrived is not None and first:
            self._received(line, here, arrived).message_id = 0
            here.arrived = None
        if sent is None:
            return
        if cause.startswith(("IKETIMERIMALIVE", "IKETIMERPEERSALIVE")):
            if here.deleting:
                self._delete_sent(sent, here, node, DeleteProtocol.IKE)
            else:
                self._sent(sent, here, _R_U_THERE, node)
        elif cause.startswith("IKEPHASE1DEL"):
            self._delete_sent(sent, here, node, DeleteProtocol.IKE)
        elif cause.startswith("IKEPHASE2DEL"):
            self._delete_sent(sent, here, node, DeleteProtocol.ESP)
        elif cause.startswith("IKEINFONOTIFY") and here.question is not None:
            self._sent(sent, here, _R_U_THERE_ACK, node, here.question.sequence)

    def _node_input(self, line: LogLine, here: Connection) -> None:
        """A node other than that of an Informational: a message of Quick Mode, or two."""
        mid = message_id(line.field("mid"))
        arrived, sent = here.arrived, here.sent
        here.arrived = here.sent = None
        for packet in (arrived, sent):
            kind = None if packet is None else _kind_in(packet)
            if packet is not None and kind is not None:
                made = self._say(packet, here, _MESSAGE)
                made.sent, made.message, made.message_id = packet is sent, kind, mid

    def _sent(
        self,
        line: LogLine,
        here: Connection,
        kind: MessageKind,
        node: int | None = None,
        sequence: int | None = None,
    ) -> LogEvent:
        made = self._say(line, here, _MESSAGE)
        made.sent, made.message, made.sequence = True, kind, sequence
        if node is not None:
            made.message_id = node
        if kind is _R_U_THERE:
            self._in_use(line, here)
            made.retransmission, made.retry, made.tries = here.retry, here.retries, here.tries
            _asks_anew(here)
        elif kind is _R_U_THERE_ACK:
            here.question = None
        return made

    @staticmethod
    def _in_use(line: LogLine, here: Connection) -> None:
        """Who asks has an SA: the conn id is in use again, though its phase 1 is not shown."""
        if here.down is not None and _is_past(here.down, line, untimed=True):
            here.down, here.deleting = None, False
        if here.dead is not None and _is_past(here.dead, line, untimed=True):
            here.dead = None

    def _delete_sent(
        self, line: LogLine, here: Connection, node: int | None, protocol: DeleteProtocol
    ) -> None:
        if protocol is DeleteProtocol.IKE:
            here.deleting = False
        self._sent(line, here, MessageKind.DELETE, node).protocol = protocol

    # --- received --------------------------------------------------------------------------

    def _packet_received(self, line: LogLine, here: Connection) -> None:
        kind = self._kind(line, here)
        here.sent, here.arrived = None, line
        if kind in _PHASE1:
            self._received(line, here, kind).message_id = 0
            here.arrived = None

    def _received(self, line: LogLine, here: Connection, kind: MessageKind) -> LogEvent:
        """A message that the router is processing; it arrived when its packet did."""
        made = self._say(line, here, _MESSAGE)
        made.message, made.sent = kind, False
        arrived = here.arrived
        if arrived is not None:
            made.at_ns, made.ref = arrived.at_ns, arrived.ref
            made.resolution_ns = arrived.resolution_ns
        return made

    def _delete_received(self, line: LogLine, here: Connection) -> None:
        self._out.hold(here.key, self._received(line, here, MessageKind.DELETE))
        here.arrived = None

    def _notify_received(self, line: LogLine, here: Connection) -> None:
        kind = _DPD.get(_bare(line.field("notify")))
        if kind is not None:
            self._dpd(self._received(line, here, kind), here)
        elif message_id(line.get("mid") or "") and here.arrived is not None:
            made = self._received(line, here, MessageKind.NOTIFY)
            made.refusal = refusal(line.field("notify"), 1)
            here.arrived = None

    def _dpd_received(self, line: LogLine, here: Connection) -> None:
        kind = _DPD[_bare(line.field("notify"))]
        held = self._out.held(here.key)
        sequence = hexadecimal(line.field("seq_hex"), 8)
        if held is None or held.message is not kind:
            told = here.told
            if told is not None and told.message is kind and _is_soon(told, line):
                # The lines that close its node came in between.
                told.sequence, here.told = sequence, None
                return
            held = self._received(line, here, kind)
            self._dpd(held, here)
        held.sequence = sequence
        here.told = None
        self._out.release(here.key)

    def _dpd(self, made: LogEvent, here: Connection) -> None:
        """An R-U-THERE or its ACK has come; the next line has its number."""
        here.arrived = None
        here.told = made
        self._out.hold(here.key, made)
        if made.message is _R_U_THERE:
            here.question = made
        else:
            _asks_anew(here)

    # --- SAs -------------------------------------------------------------------------------

    def _established(self, line: LogLine, here: Connection) -> None:
        here.down = here.dead = None
        here.deleting = False
        self._say(line, here, LogEventKind.IKE_SA_UP)
        phase1 = self._phase1.pop(here.peer or "", None)
        if phase1 is not None and phase1.named and not phase1.offers_dpd:
            self._say(line, here, LogEventKind.NO_DPD_VENDOR_ID, sent=False)

    def _agreed(self, line: LogLine, here: Connection) -> None:
        self._say(line, here, LogEventKind.DPD_AGREED)

    def _vendor_id(self, line: LogLine, here: Connection) -> None:
        self._say(line, here, LogEventKind.DPD_VENDOR_ID, sent=False)
        phase1 = self._phase1.get(here.peer or "")
        if phase1 is not None:
            phase1.offers_dpd = True

    def _other_vendor_id(self, _: LogLine, here: Connection) -> None:
        phase1 = self._phase1.get(here.peer or "")
        if phase1 is not None:
            phase1.named = True

    def _kind(self, packet: LogLine, here: Connection) -> MessageKind | None:
        """What a packet is; a phase 1 that begins with it is seen whole, where no other one is
        under way."""
        kind = _kind_in(packet)
        role = packet.get("role")
        if role is not None:
            here.began = role == "I"
        if kind is not _QUICK_MODE and here.peer is not None and _begins_phase1(packet):
            self._phase1.setdefault(here.peer, Phase1())
            while len(self._phase1) > _MAX_GONE:
                self._phase1.popitem(last=False)
        return kind

    def _initial_contact(self, line: LogLine, here: Connection) -> None:
        self._say(line, here, LogEventKind.HINT, reason="the peer said INITIAL_CONTACT")

    def _dead(self, line: LogLine, here: Connection) -> None:
        if here.dead is not None and not _is_past(here.dead, line):
            return
        here.dead = self._say(line, here, LogEventKind.PEER_DEAD)
        _asks_anew(here)
        self._forget(here.dead.remote)

    def _sa_deleted(self, line: LogLine, here: Connection) -> None:
        held = self._out.held(here.key)
        if held is not None and held.message is MessageKind.DELETE:
            held.protocol = DeleteProtocol.IKE
        reason = " ".join(line.field("reason").lower().split())
        if _PEERS_ALIVE in _bare(reason):
            self._dead(line, here)
        if here.down is not None:
            return  # marked, then destroyed: it is printed two or three times
        attempted = None if here.handle is not None else _kind_in(line)
        if reason.startswith(_RETRANSMISSION):
            asked = _QUICK_MODE if reason.endswith(_OF_PHASE_2) else attempted
            gave_up = self._say(line, here, LogEventKind.GAVE_UP, message=asked)
            gave_up.message_id = here.again_id if asked is _QUICK_MODE else None
        here.deleting, here.began = True, None
        _asks_anew(here)
        here.down = self._say(line, here, LogEventKind.IKE_SA_DOWN, protocol=DeleteProtocol.IKE)
        if attempted in _PHASE1:
            here.down.message, here.down.sent = attempted, line.get("role") == "I"
        self._forget(here.down.remote)

    def _forget(self, peer: str | None) -> None:
        if peer is None:
            return
        self._gone[peer] = None
        if len(self._gone) > _MAX_GONE:
            del self._gone[next(iter(self._gone))]

    def _delete_ignored(self, line: LogLine, here: Connection) -> None:
        """The request fails because the IKE SA is gone: its Child SA went with it, if this log
        shows how."""
        if line.field("peer") in self._gone:
            self._say(line, here, LogEventKind.CHILD_SA_DOWN, protocol=DeleteProtocol.ESP)

    def _child_installed(self, line: LogLine, here: Connection) -> None:
        self._say(line, here, LogEventKind.CHILD_SA_UP, protocol=DeleteProtocol.ESP)

    def _child_deleted(self, line: LogLine, here: Connection) -> None:
        held = self._out.held(here.key)
        said = self._say(line, here, LogEventKind.CHILD_SA_DOWN, protocol=DeleteProtocol.ESP)
        if held is not None and held.message is MessageKind.DELETE:
            held.protocol = DeleteProtocol.ESP
            held.spis = (*held.spis, *said.spis)

    def _child_spi(self, line: LogLine, here: Connection) -> None:
        """Inbound and outbound SPI of one Child SA come in two lines."""
        spis = event(line, LogEventKind.CHILD_SA_UP).spis
        decimal = line.get("spi_decimal")
        if decimal is not None and int(decimal) <= 0xFFFFFFFF:
            spis = (f"{int(decimal):08x}",)
        here.children += spis
        if len(here.children) >= 2:
            found, here.children = tuple(here.children[:2]), []
            protocol = DeleteProtocol.ESP
            self._say(line, here, LogEventKind.CHILD_SA_UP, protocol=protocol, spis=found)


def _built(here: Connection) -> str:
    """Under which name a notify of a connection waits for its packet."""
    return f"{here.key} built"


def _asks_anew(here: Connection) -> None:
    """The next R-U-THERE is another question."""
    here.retry, here.retries, here.tries = False, None, None


def _node_of(line: LogLine | None) -> int | None:
    """The message ID that a new node has."""
    return None if line is None else message_id(line.field("mid"))


def _is_soon(told: LogEvent, line: LogLine) -> bool:
    """Whether a line can be about a message that was told just before, without its number."""
    if told.sequence is not None:
        return False
    if told.at_ns is None or line.at_ns is None:
        return line.record - told.ref.record <= _NEAR_LINES
    return 0 <= line.at_ns - told.at_ns <= NS_PER_SECOND


def _is_past(end: LogEvent, line: LogLine, *, untimed: bool = False) -> bool:
    """Whether a line can be about a later SA than the one that ended; `untimed` without a clock."""
    if end.at_ns is None or line.at_ns is None:
        return untimed
    return not -_LEAST_INTERVAL_NS <= line.at_ns - end.at_ns < _LEAST_LIFE_NS


def _kind_in(packet: LogLine) -> MessageKind | None:
    """What a packet is by the state that its line names."""
    state = packet.get("state")
    return None if state is None else _STATES.get(state[:2].upper())


def _begins_phase1(packet: LogLine) -> bool:
    """Whether a packet is the first message of a negotiation, of either end."""
    state = packet.get("state") or ""
    own = state.endswith("_NO_STATE") and packet.get("role") == "I"
    return own or state.startswith("NEW")


@lru_cache(maxsize=256)
def _bare(word: str) -> str:
    """A keyword without its underscores, or what pasting left in their places."""
    return "".join(word.split()).replace("\\", "").replace("_", "")
