"""Puts together what charon says of one message in two lines, and of retries in three."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import ClassVar, Final

from analyzers.decode.assembly.lines import LogLine, address, event, number
from analyzers.model.exchange import DeleteProtocol
from analyzers.model.log_events import LogEvent, LogEventKind
from analyzers.model.observations import MessageKind
from analyzers.model.time import NS_PER_SECOND

_KINDS: Final = {
    "ID_PROT": (1, MessageKind.MAIN_MODE),
    "AGGRESSIVE": (1, MessageKind.AGGRESSIVE),
    "QUICK_MODE": (1, MessageKind.QUICK_MODE),
    "TRANSACTION": (1, MessageKind.TRANSACTION),
    "INFORMATIONAL_V1": (1, MessageKind.INFORMATIONAL),
    "IKE_SA_INIT": (2, MessageKind.SA_INIT),
    "IKE_AUTH": (2, MessageKind.AUTH),
    "CREATE_CHILD_SA": (2, MessageKind.CREATE_CHILD),
    "INFORMATIONAL": (2, MessageKind.INFORMATIONAL),
}
# NAT detection notifies alone make a MOBIKE liveness question (dpd-semantics 2.4).
_NAT_DETECTION: Final = {"N(NATD_S_IP)", "N(NATD_D_IP)", "N(NO_NATS)"}
# A packet and its content are logged within this by one thread.
_TOGETHER_NS: Final = NS_PER_SECOND
_MAX_REMEMBERED: Final = 4096


@dataclass(slots=True)
class _Thread:
    """What a worker thread has said of the message it is at."""

    packet: LogLine | None = None
    message: LogEvent | None = None
    retransmit: LogEvent | None = None
    deletes: tuple[str, ...] = ()
    delete_ike: bool = False
    sa: str | None = None


class StrongswanAssembly:
    """The state of one charon."""

    useless: ClassVar[frozenset[str]] = frozenset({"", "dpd-sending", "action", "deleting"})

    def __init__(self) -> None:
        self._threads: dict[str, _Thread] = {}
        self._ends: OrderedDict[str, tuple[str | None, str | None]] = OrderedDict()
        self._names: OrderedDict[tuple[str, str], str] = OrderedDict()
        self._requests: OrderedDict[tuple[str | None, int], LogEvent] = OrderedDict()
        self._given_up: LogEvent | None = None

    def take(self, line: LogLine) -> Iterable[LogEvent]:
        """One line."""
        name = line.reading.fields.get("thread", "")
        thread = self._threads.get(name)
        if thread is None:
            if len(self._threads) > _MAX_REMEMBERED:
                self._threads.clear()
            thread = self._threads[name] = _Thread()
        return list(self._take(line, thread))

    def finish(self) -> Iterable[LogEvent]:
        """The log is over."""
        found = []
        for thread in self._threads.values():
            found += list(self._flush(thread))
        return found

    def _take(self, line: LogLine, thread: _Thread) -> Iterator[LogEvent]:
        fields = line.fields
        match line.id:
            case "message":
                yield from self._message(line, thread)
            case "packet":
                yield from self._packet(line, thread)
            case "retransmit":
                yield from self._retransmit(line, thread)
            case "delete-ike":
                if fields["way"] == "sending":
                    thread.delete_ike = True
                elif thread.message is not None:
                    thread.message.protocol = DeleteProtocol.IKE
            case "delete-child":
                if fields["way"] == "sending":
                    thread.deletes = (*thread.deletes, fields["spi"])
                elif thread.message is not None:
                    thread.message.protocol = DeleteProtocol.ESP
                    thread.message.spis = (*thread.message.spis, fields["spi"])
            case "established":
                self._ends[fields["sa"]] = (address(fields["local"]), address(fields["peer"]))
                self._trim()
                yield self._about_sa(line, LogEventKind.IKE_SA_UP)
            case "initiating":
                self._ends[fields["sa"]] = (None, address(fields["peer"]))
                self._trim()
            case "state":
                yield from self._state(line)
            case "given-up":
                yield from self._dead(line, "retransmissions exhausted")
            case "dpd-timed-out":
                yield from self._dead(line, "DPD check timed out")
            case "child-up":
                yield self._about_sa(line, LogEventKind.CHILD_SA_UP, thread)
            case "child-closing":
                yield self._about_sa(line, LogEventKind.CHILD_SA_DOWN, thread)
            case "dpd-vendor-id":
                sent = fields["way"] == "sending"
                yield self._about_sa(line, LogEventKind.DPD_VENDOR_ID, thread, sent=sent)
            case "wrong-sequence":
                yield self._about_sa(line, LogEventKind.HINT, thread, reason=line.text[:120])
            case _:
                pass

    # --- messages --------------------------------------------------------------------------

    def _message(self, line: LogLine, thread: _Thread) -> Iterator[LogEvent]:
        fields = line.fields
        known = _KINDS.get(fields["exchange"])
        if known is None:
            return
        version, kind = known
        sent = fields["way"] == "generating"
        made = event(line, LogEventKind.MESSAGE, version=version, sent=sent)
        made.response = fields["kind"] == "response" if version == 2 else None
        made.handle = self._handle(line)
        made.message, made.protocol = _content(version, kind, fields["payloads"])
        if made.message is MessageKind.DELETE and sent:
            # Several Deletes are announced before any of them is built.
            if thread.deletes and not (thread.delete_ike and len(thread.deletes) == 0):
                made.protocol, made.spis = DeleteProtocol.ESP, thread.deletes[:1]
                thread.deletes = thread.deletes[1:]
            elif thread.delete_ike:
                made.protocol, thread.delete_ike = DeleteProtocol.IKE, False
        if sent:
            yield from self._flush(thread)
            thread.message = made
            return
        # Received: the packet line came first.
        if thread.message is not None:
            yield from self._flush(thread)
        packet, thread.packet = thread.packet, None
        if packet is not None and _near(packet, line):
            _carry(made, packet)
            made.at_ns, made.ref = packet.at_ns, packet.ref
        self._know(made)
        thread.message = made
        if made.message is not MessageKind.DELETE:
            yield from self._flush(thread)

    def _packet(self, line: LogLine, thread: _Thread) -> Iterator[LogEvent]:
        if line.fields["way"] == "received":
            yield from self._flush(thread)
            thread.packet = line
            return
        made = thread.message if thread.message is not None and thread.message.sent else None
        again = thread.retransmit
        if made is None and again is not None:
            made, thread.retransmit = again, None
            made.at_ns, made.ref = line.at_ns, line.ref
        elif made is not None:
            thread.message = None
        if made is None:
            return  # a large message that was logged before, in pieces
        _carry(made, line)
        self._know(made)
        if made.message_id is not None and not made.response:
            self._requests[made.remote, made.message_id] = made
            if len(self._requests) > _MAX_REMEMBERED:
                self._requests.popitem(last=False)
        yield made

    def _retransmit(self, line: LogLine, thread: _Thread) -> Iterator[LogEvent]:
        yield from self._flush(thread)
        wanted = number(line.fields["mid"], 0xFFFFFFFF)
        if line.fields["kind"] == "response":
            return
        for (_, message_id), request in reversed(self._requests.items()):
            if message_id == wanted:
                again = event(line, LogEventKind.MESSAGE, retransmission=True, sent=True)
                again.version, again.message = request.version, request.message
                again.protocol, again.spis = request.protocol, request.spis
                again.handle, again.response = request.handle, request.response
                again.local, again.remote = request.local, request.remote
                thread.retransmit = again
                return

    def _flush(self, thread: _Thread) -> Iterator[LogEvent]:
        """A message of which no more will be said."""
        made, thread.message = thread.message, None
        if made is not None and not made.sent:
            yield made
        elif made is not None:
            # Built, but not seen to leave: the line of the packet is missing.
            self._complete(made)
            yield made

    def _know(self, made: LogEvent) -> None:
        handle = made.handle
        if handle is not None and made.remote is not None:
            self._ends[handle] = (made.local, made.remote)
            self._trim()

    # --- SAs -------------------------------------------------------------------------------

    def _state(self, line: LogLine) -> Iterator[LogEvent]:
        if line.fields["new"] != "DESTROYING" or line.fields["old"] == "CONNECTING":
            return
        yield self._about_sa(line, LogEventKind.IKE_SA_DOWN, reason=line.fields["old"])

    def _dead(self, line: LogLine, reason: str) -> Iterator[LogEvent]:
        kind = LogEventKind.PEER_DEAD
        last = next(reversed(self._requests.values()), None)
        made = self._about_sa(line, kind, reason=reason)
        if line.id == "given-up":
            asked = last is not None and last.message in _QUESTIONS
            made.kind = kind if asked else LogEventKind.GAVE_UP
        if last is not None and made.remote is None:
            made.local, made.remote, made.version = last.local, last.remote, last.version
        if line.id == "dpd-timed-out":
            made.version = 1
        yield made

    def _about_sa(
        self, line: LogLine, kind: LogEventKind, thread: _Thread | None = None, **parts: object
    ) -> LogEvent:
        made = event(line, kind, **parts)
        made.handle = line.fields.get("sa") or self._handle(line)
        self._complete(made)
        if made.remote is None and len(set(self._ends.values())) == 1:
            made.local, made.remote = next(iter(self._ends.values()))
        return made

    def _handle(self, line: LogLine) -> str | None:
        name, unique = line.fields.get("name"), line.fields.get("unique")
        return None if name is None or unique is None else f"{name}[{unique}]"

    def _complete(self, made: LogEvent) -> None:
        if made.handle is None:
            return
        local, remote = self._ends.get(made.handle, (None, None))
        made.local, made.remote = made.local or local, made.remote or remote

    def _trim(self) -> None:
        while len(self._ends) > _MAX_REMEMBERED:
            self._ends.popitem(last=False)


_QUESTIONS: Final = (MessageKind.LIVENESS, MessageKind.LIVENESS_MOBIKE, MessageKind.R_U_THERE)


def _content(version: int, kind: MessageKind, payloads: str) -> tuple[MessageKind, DeleteProtocol]:
    """What an Informational is by its list of payloads."""
    unknown = DeleteProtocol.UNKNOWN
    if kind is not MessageKind.INFORMATIONAL:
        return kind, unknown
    listed = payloads.split()
    if version == 1:
        if "N(DPD)" in listed:
            return MessageKind.R_U_THERE, unknown
        if "N(DPD_ACK)" in listed:
            return MessageKind.R_U_THERE_ACK, unknown
        if "D" in listed:
            return MessageKind.DELETE, unknown
        return (MessageKind.NOTIFY if "N" in payloads else kind), unknown
    if not listed:
        return MessageKind.LIVENESS, unknown
    if "D" in listed:
        return MessageKind.DELETE, unknown
    if set(listed) <= _NAT_DETECTION:
        return MessageKind.LIVENESS_MOBIKE, unknown
    return MessageKind.NOTIFY, unknown


def _carry(made: LogEvent, packet: LogLine) -> None:
    """Take addresses and ports from the NET line of a message."""
    fields = packet.fields
    own, other = ("src", "dst") if made.sent else ("dst", "src")
    made.local, made.remote = address(fields[own]), address(fields[other])
    made.local_port = number(fields[own + "_port"], 65535)
    made.remote_port = number(fields[other + "_port"], 65535)
    made.length = number(fields["length"], 1 << 20)


def _near(packet: LogLine, line: LogLine) -> bool:
    if packet.at_ns is None or line.at_ns is None:
        return True
    return 0 <= line.at_ns - packet.at_ns <= _TOGETHER_NS
