"""Puts together what pluto says of its states, and of messages with and without debugging.

A debugged R-U-THERE is the line that sends it, the dump of its header and the packet; a received
one the other way round, and answering is not mentioned at all (log grammar section 6). A liveness
probe is silent without debugging: an established IKE SA that times out while nothing else waits
for an answer has missed the answer to one.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import ClassVar, Final

from analyzers.decode.assembly.lines import LogLine, address, event, spi
from analyzers.decode.assembly.pluto_names import asked_in, is_established_name, is_ike_name
from analyzers.decode.assembly.pluto_packets import PlutoPackets
from analyzers.decode.assembly.pluto_states import State, States
from analyzers.decode.assembly.refusals import refusal
from analyzers.model.exchange import DeleteProtocol
from analyzers.model.log_events import LogEvent, LogEventKind
from analyzers.model.observations import MessageKind

_KINDS: Final = {
    "R_U_THERE": MessageKind.R_U_THERE,
    "R_U_THERE_ACK": MessageKind.R_U_THERE_ACK,
    "Main Mode": MessageKind.MAIN_MODE,
    "Aggressive Mode": MessageKind.AGGRESSIVE,
    "Quick Mode": MessageKind.QUICK_MODE,
    "IKE_SA_INIT": MessageKind.SA_INIT,
    "IKE_AUTH": MessageKind.AUTH,
    "CREATE_CHILD_SA": MessageKind.CREATE_CHILD,
}

_OF_IKEV1: Final = ("ISAKMP SA established", "IKE SA established")


class PlutoAssembly:
    """The state of one pluto."""

    useless: ClassVar[frozenset[str]] = frozenset({""})
    """Ids of patterns whose lines it has no use for; "" is that of lines that nothing knows."""

    def __init__(self) -> None:
        self._states = States()
        self._packets = PlutoPackets()
        self._last_serial = ""
        self._asked_for = ""
        """The Child SA whose idleness is the reason for the next question."""

    def take(self, line: LogLine) -> Iterable[LogEvent]:
        """One line."""
        return list(self._take(line))

    def finish(self) -> Iterable[LogEvent]:
        """The log is over."""
        return list(self._packets.told())

    def _take(self, line: LogLine) -> Iterator[LogEvent]:
        if not self._packets.goes_on(line):
            yield from self._packets.told()
        match line.id:
            case "header" | "message-id" | "packet-received":
                self._packets.note(line)
            case "packet-sent":
                yield from self._packet_sent(line)
            case "started":
                yield event(line, LogEventKind.STARTED)
            case _:
                yield from self._about_state(line, self._state(line))

    def _state(self, line: LogLine) -> State:
        """The state whose line it is; debug lines that name none go with the line before."""
        fields = line.fields
        serial = fields.get("serial")
        if serial is not None:
            instance = fields.get("instance")
            peer = None if instance is None else address(instance)
            state = self._states.of(serial, fields["name"], peer)
        elif line.id == "dpd-vendor-id":
            return State("")
        else:
            serial = fields.get("state") or fields.get("child") or self._last_serial
            if not serial:
                return State("")
            state = self._states.of(serial)
        self._last_serial = state.serial
        return state

    def _about_state(self, line: LogLine, state: State) -> Iterator[LogEvent]:
        if "peer" in line.fields:
            self._states.learn_peer(state, address(line.fields["peer"]))
        if "replaced" in line.fields:
            self._states.replaces(state, line.fields["replaced"])
        if line.id.startswith(("dpd", "liveness")):
            yield from self._liveness(line, state)
        elif line.id.startswith("delet"):
            yield from self._delete(line, state)
        else:
            yield from self._other(line, state)

    def _event(self, line: LogLine, kind: LogEventKind, state: State, **parts: object) -> LogEvent:
        """An event about a state; without any address the connection's name is the peer."""
        made = event(line, kind, **parts)
        ike = self._states.ike_of(state)
        made.handle = f"#{ike.serial}" if ike.serial and not ike.is_child else None
        made.version = made.version or ike.version or state.version
        peer = state.peer or ike.peer
        made.remote = peer or made.remote or state.name or None
        if peer is None and state.name and made.remote == state.name:
            self._states.told_by_name(state, made)
        made.local = made.local or state.local or ike.local
        return made

    def _packet_sent(self, line: LogLine) -> Iterator[LogEvent]:
        state = self._states.of(line.fields["state"])
        self._states.learn_peer(state, address(line.fields["peer"]))
        state.local = address(line.fields["local"])
        made = self._packets.sent(line)
        if made is not None:
            made.handle = f"#{self._states.ike_of(state).serial}"
            yield made

    def _received(self, line: LogLine, state: State, kind: MessageKind) -> LogEvent:
        """A message that is being processed."""
        made = self._event(line, LogEventKind.MESSAGE, state, sent=False, message=kind)
        remote = made.remote
        self._packets.place(made, line)
        if "state" not in line.fields and made.remote != remote:
            made.handle = None
        return made

    # --- liveness --------------------------------------------------------------------------

    def _liveness(self, line: LogLine, state: State) -> Iterator[LogEvent]:
        fields = line.fields
        match line.id:
            case "dpd-for":
                self._states.of(fields["child"], fields["connection"])
                self._asked_for = fields["child"]
            case "dpd-sending":
                state.version = 1
                self._states.belongs(self._asked_for, state)
                self._asked_for = ""
                self._packets.held = self._event(
                    line, LogEventKind.MESSAGE, state, sent=True, message=MessageKind.R_U_THERE
                )
            case "dpd-arrived":
                kind = _KINDS[fields["notify"]]
                self._packets.held = held = self._received(line, state, kind)
                held.version = 1
            case "dpd-received" | "dpd-ack-received":
                yield from self._dpd_received(line, state)
            case "dpd-not-sent":
                yield self._event(line, LogEventKind.NOT_SENT, state)
            case "dpd-ack-unexpected":
                yield self._event(line, LogEventKind.HINT, state, reason=line.text[:120])
            case "dpd-duplicate":
                yield self._event(line, LogEventKind.HINT, state)
            case "dpd-agreed":
                state.version = 1
                yield from self._agreed(line, state)
            case "dpd-vendor-id":
                made = self._event(line, LogEventKind.DPD_VENDOR_ID, state, version=1, sent=False)
                yield made
            case "liveness-queued":
                self._child_seen(line, state)
                state.version = 2
                self._packets.held = held = self._event(
                    line, LogEventKind.MESSAGE, state, sent=True, message=MessageKind.LIVENESS
                )
                held.response = False
            case "liveness-scheduled":
                self._child_seen(line, state)
            case "liveness-received":
                answer = fields["kind"] == "response"
                made = self._received(line, state, MessageKind.LIVENESS)
                made.version, made.response = 2, answer
                yield made
                if not answer:
                    self._answered(line, state, MessageKind.LIVENESS)
            case _:
                pass

    def _dpd_received(self, line: LogLine, state: State) -> Iterator[LogEvent]:
        """Both kinds of notify are processed first, and their numbers told next."""
        ack = line.id == "dpd-ack-received"
        kind = MessageKind.R_U_THERE_ACK if ack else MessageKind.R_U_THERE
        said = self._received(line, state, kind)
        made, self._packets.held = self._packets.held or said, None
        made.version, made.sequence = 1, said.sequence
        if "state" in line.fields:
            made.handle = said.handle
        yield made
        if not ack:
            self._answered(line, state, MessageKind.R_U_THERE_ACK)

    def _answered(self, line: LogLine, state: State, kind: MessageKind) -> None:
        """pluto answers at once, and says so only if it fails."""
        made = self._event(line, LogEventKind.MESSAGE, state, sent=True, message=kind)
        made.response = True if kind is MessageKind.LIVENESS else None
        made.version = 2 if kind is MessageKind.LIVENESS else 1
        self._packets.held = made

    def _child_seen(self, line: LogLine, ike: State) -> None:
        child = self._states.of(line.fields["child"])
        if not child.is_child:
            child.up, child.peer = True, child.peer or ike.peer
            self._states.is_child(child, line.fields.get("state"))

    # --- Deletes ---------------------------------------------------------------------------

    def _delete(self, line: LogLine, state: State) -> Iterator[LogEvent]:
        fields = line.fields
        match line.id:
            case "delete-received":
                target = self._states.of(fields["state"])
                is_ike = fields["what"] == "ISAKMP"
                if not is_ike:
                    self._states.is_child(target, None)
                made = self._deletion(line, state, is_ike, sent=False, version=1)
                self._packets.place(made, line)
                yield made
                if "later" not in fields:
                    yield from self._down(line, target, is_ike=is_ike)
            case "delete-received-via":
                self._states.is_child(state, fields["state"])
                made = self._deletion(line, state, is_ike=False, sent=False, version=1)
                made.spis = state.spis[1:]
                yield made
            case "delete-sent":
                is_ike = fields["what"] == "IKE SA"
                if not is_ike:
                    self._states.is_child(state, fields.get("state"))
                self._states.ike_of(state).busy = True
                made = self._deletion(line, state, is_ike, sent=True, version=2)
                made.spis = () if is_ike else state.spis[:1]
                yield made
            case _:
                yield from self._deleting(line, state)

    def _deleting(self, line: LogLine, state: State) -> Iterator[LogEvent]:
        fields = line.fields
        target = self._states.of(fields["state"]) if "state" in fields else state
        is_ike = fields["what"] in ("IKE SA", "ISAKMP SA") or is_ike_name(fields["state_name"])
        if not is_established_name(fields["state_name"]):
            return
        if not is_ike:
            self._states.is_child(target, None)
        if "sending" in fields and "silent" not in fields:
            made = self._deletion(line, target, is_ike, sent=True, version=None)
            made.spis = () if is_ike else target.spis[:1]
            yield made
        yield from self._down(line, target, is_ike=is_ike)

    def _deletion(
        self, line: LogLine, state: State, is_ike: bool, sent: bool, version: int | None
    ) -> LogEvent:
        made = self._event(line, LogEventKind.MESSAGE, state, sent=sent, version=version)
        made.message = MessageKind.DELETE
        made.protocol = DeleteProtocol.IKE if is_ike else DeleteProtocol.ESP
        made.version = version or self._states.ike_of(state).version
        made.response = False if made.version == 2 else None
        return made

    def _down(
        self, line: LogLine, state: State, *, is_ike: bool, reason: str = ""
    ) -> Iterator[LogEvent]:
        if state.down:
            return
        state.down = True
        if is_ike:
            kind, protocol = LogEventKind.IKE_SA_DOWN, DeleteProtocol.IKE
        else:
            kind, protocol = LogEventKind.CHILD_SA_DOWN, DeleteProtocol.ESP
        made = self._event(line, kind, state, protocol=protocol, reason=reason)
        made.spis = () if is_ike else state.spis or made.spis
        yield made

    # --- SAs and the rest ------------------------------------------------------------------

    def _other(self, line: LogLine, state: State) -> Iterator[LogEvent]:
        match line.id:
            case "sent" | "received":
                yield from self._exchange(line, state)
            case "retransmitting":
                yield from self._retransmitting(line, state)
            case "timed-out" | "timed-out-old":
                yield from self._timed_out(line, state)
            case "dead":
                yield from self._dead(line, state)
            case "ike-up":
                yield from self._ike_up(line, state)
            case "child-up":
                yield from self._child_up(line, state)
            case "not-sent":
                yield self._event(line, LogEventKind.NOT_SENT, state)
            case "refused":
                yield from self._refused(line, state)
            case _:
                pass

    def _refused(self, line: LogLine, state: State) -> Iterator[LogEvent]:
        fields, text = line.fields, line.text
        version = 1 if "sent_v1" in fields or "informational payload" in text else 2
        name = refusal(fields["notify"], version)
        if not name:
            return
        made = self._event(line, LogEventKind.REFUSED, state, version=version, refusal=name)
        made.sent = "sent" in fields or "sent_v1" in fields
        if fields.get("msgid", "").strip("0"):
            made.message = MessageKind.QUICK_MODE
        elif "msgid" in fields:
            made.message = MessageKind.MAIN_MODE
        elif "unauthenticated" in text or "IKE_SA_INIT" in text:
            made.message = MessageKind.SA_INIT
        elif version == 2:
            made.message = MessageKind.CREATE_CHILD if "CREATE" in text else MessageKind.AUTH
        yield made

    def _exchange(self, line: LogLine, state: State) -> Iterator[LogEvent]:
        fields = line.fields
        kind = _KINDS.get(fields["exchange"])
        if kind is None:
            return
        version = 1 if "Mode" in fields["exchange"] else 2
        state.version = state.version or version
        if kind is MessageKind.QUICK_MODE:
            self._states.is_child(state, None)
        sent = line.id == "sent"
        made = self._event(line, LogEventKind.MESSAGE, state, sent=sent, message=kind)
        made.version = version
        if version == 2:
            made.response = fields["kind"] in ("response", "reply")
        if kind is MessageKind.CREATE_CHILD and sent and not made.response:
            parent = fields.get("state")
            ike = self._states.newest_ike(state) if parent is None else self._states.of(parent)
            ike.busy = True
        yield made

    def _retransmitting(self, line: LogLine, state: State) -> Iterator[LogEvent]:
        version, kind = asked_in(line.fields["state_name"], state.busy)
        if kind is None:
            return
        made = self._event(line, LogEventKind.MESSAGE, state, sent=True, message=kind)
        made.retransmission, made.version = True, version
        made.response = False if version == 2 else None
        yield made

    def _timed_out(self, line: LogLine, state: State) -> Iterator[LogEvent]:
        _, kind = asked_in(line.fields["state_name"], state.busy)
        if kind is MessageKind.LIVENESS:
            state.version = 2
            yield from self._dead(line, state)
        else:
            yield self._event(line, LogEventKind.GAVE_UP, state)

    def _dead(self, line: LogLine, state: State) -> Iterator[LogEvent]:
        """The peer is dead, and all SAs with it are removed: two lines may say so."""
        ike = self._states.ike_of(state)
        if ike.dead:
            return
        ike.dead = True
        ike.version = ike.version or (1 if "DPD" in line.text else 2)
        yield self._event(line, LogEventKind.PEER_DEAD, ike)
        reason = line.fields["reason"]
        for child in self._states.children_of(ike):
            child.parent = ike.serial
            yield from self._down(line, child, is_ike=False, reason=reason)
        yield from self._down(line, ike, is_ike=True, reason=reason)

    def _ike_up(self, line: LogLine, state: State) -> Iterator[LogEvent]:
        fields = line.fields
        ike = self._states.renewed(state) if state.down else state
        version = 1 if fields["what"] in _OF_IKEV1 else 2
        self._states.newest_ike(state).busy = False
        if "PARENT" in fields["what"] and "out" in fields:
            # Both SAs are told in one line, by the number of the Child SA.
            ike.is_child, ike.version = True, version
            if not ike.up:
                yield self._event(line, LogEventKind.IKE_SA_UP, ike)
            yield from self._child_up(line, ike)
            return
        ike.version = version
        if not ike.up:
            ike.up = True
            self._states.is_ike(ike)
            yield self._event(line, LogEventKind.IKE_SA_UP, ike)

    def _child_up(self, line: LogLine, state: State) -> Iterator[LogEvent]:
        fields = line.fields
        if state.down:
            state = self._states.renewed(state)
        self._states.is_child(state, fields.get("state"))
        ike = self._states.ike_of(state)
        ike.busy = False
        if not state.up:
            state.up = True
            found = (spi(fields.get("in", ""), 8), spi(fields.get("out", ""), 8))
            state.spis = tuple(value for value in found if value is not None)
            made = self._event(line, LogEventKind.CHILD_SA_UP, state)
            made.protocol, made.spis = DeleteProtocol.ESP, state.spis
            yield made
        if fields.get("dpd") in ("active", "enabled"):
            yield from self._agreed(line, state)

    def _agreed(self, line: LogLine, state: State) -> Iterator[LogEvent]:
        ike = self._states.ike_of(state)
        if not ike.agreed:
            ike.agreed = True
            yield self._event(line, LogEventKind.DPD_AGREED, state)
