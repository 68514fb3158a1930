"""Puts together what charon says of one message in two lines, and of retries in three."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator, Set
from typing import Any, ClassVar, Final, Generic, NamedTuple, TypeVar

from msgspec import Struct

from analyzers.decode.assembly.lines import LogLine, address, event, message_id, number, port
from analyzers.model.exchange import DeleteProtocol
from analyzers.model.log_events import LogEvent, LogEventKind
from analyzers.model.observations import MessageKind
from analyzers.model.records import Ref
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
# Of every message these are asked for, and Python 3.11 is slow to find a member by its name.
_MESSAGE: Final = LogEventKind.MESSAGE
_DELETE: Final = MessageKind.DELETE
_new: Final = tuple.__new__

Read = TypeVar("Read")


class _Thread(Struct):
    """What a worker thread has said of the message it is at."""

    packet: LogLine | None = None
    message: LogEvent | None = None
    retransmit: LogEvent | None = None
    deletes: tuple[str, ...] = ()
    delete_ike: str | None = None
    """The IKE SA whose Delete is announced."""


class StrongswanAssembly:
    """The state of one charon."""

    useless: ClassVar[frozenset[str]] = frozenset({"", "dpd-sending", "action", "deleting"})

    def __init__(self) -> None:
        self._threads: dict[str, _Thread] = {}
        self._said, self._carried = _Words(_said), _Words(_carried)
        self._ends: OrderedDict[str, tuple[str | None, str | None]] = OrderedDict()
        self._pairs: set[tuple[str | None, str | None]] = set()
        """Local and remote address of every peer that it talked with."""
        self._requests: OrderedDict[tuple[str | None, int], LogEvent] = OrderedDict()
        """Requests that were sent and not answered, the last one at the end."""
        self._retried: OrderedDict[tuple[str | None, int], tuple[str, LogEvent]] = OrderedDict()
        """Those of them that were retransmitted, with how often; the last one at the end."""

    def take(self, line: LogLine) -> Iterable[LogEvent]:
        """One line."""
        form = line.form
        name = form.id
        thread = self._threads.get(line.text[form.spans["thread"]]) or self._thread(line)
        if name == "message":
            return self._message(line, thread)
        if name == "packet":
            return self._packet(line, thread)
        return list(self._take(line, thread))

    def _thread(self, line: LogLine) -> _Thread:
        if len(self._threads) > _MAX_REMEMBERED:
            self._threads.clear()
        thread = self._threads[line.field("thread")] = _Thread()
        return thread

    def finish(self) -> Iterable[LogEvent]:
        """The log is over."""
        return [made for thread in self._threads.values() for made in self._flush(thread)]

    def _take(self, line: LogLine, thread: _Thread) -> Iterator[LogEvent]:
        fields = line.fields
        match line.id:
            case "retransmit":
                yield from self._retransmit(line, thread)
            case "delete-ike":
                if fields["way"] == "sending":
                    thread.delete_ike = fields["sa"]
                elif thread.message is not None:
                    thread.message.protocol = DeleteProtocol.IKE
                    thread.message.handle = fields["sa"]
            case "delete-child":
                if fields["way"] == "sending":
                    thread.deletes = (*thread.deletes, fields["spi"])
                elif thread.message is not None:
                    thread.message.protocol = DeleteProtocol.ESP
                    thread.message.spis = (*thread.message.spis, fields["spi"])
            case "established":
                self._ends[fields["sa"]] = (address(fields["local"]), address(fields["peer"]))
                _trim(self._ends)
                yield self._established(line)
            case "initiating":
                self._ends[fields["sa"]] = (None, address(fields["peer"]))
                _trim(self._ends)
            case "state":
                yield from self._state(line)
            case "given-up":
                yield self._given_up(line)
            case "dpd-timed-out":
                yield self._timed_out(line)
            case "child-up":
                yield self._about_sa(line, LogEventKind.CHILD_SA_UP)
            case "child-closing":
                yield self._about_sa(line, LogEventKind.CHILD_SA_DOWN)
            case "dpd-vendor-id":
                sent = fields["way"] == "sending"
                yield self._about_sa(line, LogEventKind.DPD_VENDOR_ID, sent=sent)
            case "started":
                yield from self.finish()
                self._forget()
                yield event(line, LogEventKind.STARTED)
            case "not-sent":
                yield from self._not_sent(line)
            case "terminate":
                yield from self._terminate(line)
            case "moved":
                reason = f"{fields['old']} became {fields['new']}"
                made = self._about_sa(line, LogEventKind.MOVED, reason=reason)
                made.remote = address(fields["peer"])
                yield made
            case "wrong-sequence":
                yield self._about_sa(line, LogEventKind.HINT, reason=line.text[:120])
            case _:
                pass

    def _forget(self) -> None:
        """A new process gives the names of the old one's SAs to others."""
        self._threads.clear()
        self._ends.clear()
        self._requests.clear()
        self._retried.clear()

    # --- messages --------------------------------------------------------------------------

    def _message(self, line: LogLine, thread: _Thread) -> list[LogEvent]:
        said = self._said.of(line)
        if said is None:
            return []
        at_ns, resolution_ns, source, record, form, _ = line
        sent, message = said.sent, said.message
        made = LogEvent(
            _MESSAGE,
            at_ns,
            _new(Ref, (source, record)),
            form.dialect.name,
            sent=sent,
            handle=_handle(line),
            version=said.version,
            message=message,
            message_id=said.message_id,
            response=said.response,
            resolution_ns=resolution_ns,
        )
        deletes = message is _DELETE
        if deletes and sent:
            # Several Deletes are announced before any of them is built.
            if thread.deletes:
                made.protocol, made.spis = DeleteProtocol.ESP, thread.deletes[:1]
                thread.deletes = thread.deletes[1:]
            elif thread.delete_ike is not None:
                made.protocol, made.handle = DeleteProtocol.IKE, thread.delete_ike
                thread.delete_ike = None
        found = self._flush(thread)
        if sent:
            thread.message = made
            return found
        # Received: the packet line came first.
        packet, thread.packet = thread.packet, None
        if packet is not None and _near(packet, line):
            self._carry(made, packet)
            made.at_ns, made.ref = packet.at_ns, packet.ref
        self._know(made)
        if made.response and made.message_id is not None:
            place = (made.remote, made.message_id)
            self._requests.pop(place, None)
            if self._retried:
                self._retried.pop(place, None)
        if deletes:
            # What it deletes stands in the next lines.
            thread.message = made
        else:
            found.append(made)
        return found

    def _packet(self, line: LogLine, thread: _Thread) -> list[LogEvent]:
        if line.text[line.form.spans["way"]] == "received":
            thread.packet = line
            return [] if thread.message is None else self._flush(thread)
        made, again = thread.message, thread.retransmit
        if made is not None and made.sent:
            thread.message = None
        elif again is not None:
            made, thread.retransmit = again, None
            made.at_ns, made.ref = line.at_ns, line.ref
        else:
            return []  # a large message that was logged before, in pieces
        self._carry(made, line)
        self._know(made)
        if made.message_id is not None and not made.response:
            place = (made.remote, made.message_id)
            self._requests[place] = made
            self._requests.move_to_end(place)
            if len(self._requests) > _MAX_REMEMBERED:
                _trim(self._requests)
        return [made]

    def _carry(self, made: LogEvent, packet: LogLine) -> None:
        """Take addresses and ports from the NET line of a message."""
        made.local, made.local_port, made.remote, made.remote_port, made.length = self._carried.of(
            packet
        )

    def _retransmit(self, line: LogLine, thread: _Thread) -> Iterator[LogEvent]:
        yield from self._flush(thread)
        request = self._request(line)
        if line.fields["kind"] == "response" or request is None:
            return
        again = event(line, LogEventKind.MESSAGE, retransmission=True, sent=True)
        again.version, again.message = request.version, request.message
        again.protocol, again.spis = request.protocol, request.spis
        again.handle, again.response = request.handle, request.response
        again.local, again.remote = request.local, request.remote
        thread.retransmit = again
        if request.message_id is not None:
            place = (request.remote, request.message_id)
            self._retried[place] = (line.fields["retry"], request)
            self._retried.move_to_end(place)
            _trim(self._retried)

    def _request(self, line: LogLine) -> LogEvent | None:
        """The request that a line says is sent again."""
        wanted, handle = number(line.fields["mid"], 0xFFFFFFFF), _handle(line)
        for (_, number_sent), request in reversed(self._requests.items()):
            if number_sent == wanted and (handle is None or request.handle in (None, handle)):
                return request
        return None

    def _flush(self, thread: _Thread) -> list[LogEvent]:
        """A message of which no more will be said."""
        made, thread.message = thread.message, None
        if made is None:
            return []
        if made.sent:
            # Built, but not seen to leave: the line of the packet is missing.
            self._complete(made)
        return [made]

    def _know(self, made: LogEvent) -> None:
        handle, ends = made.handle, (made.local, made.remote)
        if made.remote is None:
            return
        if ends not in self._pairs and len(self._pairs) < _MAX_REMEMBERED:
            self._pairs.add(ends)
        if handle is not None and self._ends.get(handle) != ends:
            self._ends[handle] = ends
            _trim(self._ends)

    # --- SAs -------------------------------------------------------------------------------

    def _state(self, line: LogLine) -> Iterator[LogEvent]:
        if line.fields["new"] != "DESTROYING" or line.fields["old"] == "CONNECTING":
            return
        reason = f"it was {line.fields['old']}"
        yield self._about_sa(line, LogEventKind.IKE_SA_DOWN, reason=reason)

    def _established(self, line: LogLine) -> LogEvent:
        made = self._about_sa(line, LogEventKind.IKE_SA_UP)
        if line.fields["how"] == "rekeyed":
            made.version, made.message = 2, MessageKind.CREATE_CHILD
        return made

    def _given_up(self, line: LogLine) -> LogEvent:
        """The request that was sent again in vain is the first one sent as often as that."""
        handle = _handle(line)
        request = None
        for place, (retry, sent) in self._retried.items():
            if retry == line.fields["retry"] and (handle is None or sent.handle in (None, handle)):
                request = sent
                del self._retried[place]
                break
        dead = request is not None and request.message in _QUESTIONS
        kind = LogEventKind.PEER_DEAD if dead else LogEventKind.GAVE_UP
        made = self._about_sa(line, kind, reason="retransmissions exhausted")
        if request is not None:
            made.handle = made.handle or request.handle
            made.local, made.remote = request.local, request.remote
            made.version, made.message = request.version, None if dead else request.message
        return made

    def _not_sent(self, line: LogLine) -> Iterator[LogEvent]:
        """The line names nobody."""
        return self._of_one_peer(line, LogEventKind.NOT_SENT, line.fields["reason"].strip())

    def _terminate(self, line: LogLine) -> Iterator[LogEvent]:
        """Somebody had an SA closed; the line has the name of a connection at most."""
        conn = line.fields["conn"]
        named = {ends for sa, ends in self._ends.items() if sa.partition("[")[0] == conn}
        reason = f"it was told to close: {line.fields['order'].strip()}"
        return self._of_one_peer(line, LogEventKind.HINT, reason, named)

    def _of_one_peer(
        self,
        line: LogLine,
        kind: LogEventKind,
        reason: str,
        named: Set[tuple[str | None, str | None]] = frozenset(),
    ) -> Iterator[LogEvent]:
        """What can only be told where there is one peer: of those that are named, else of all."""
        known = named or {*self._pairs, *self._ends.values()}
        pairs = {pair for pair in known if None not in pair}
        if len(pairs) == 1:
            ((local, remote),) = pairs
            yield event(line, kind, local=local, remote=remote, reason=reason)

    def _timed_out(self, line: LogLine) -> LogEvent:
        """IKEv1: the question is the last one to that peer."""
        made = self._about_sa(line, LogEventKind.PEER_DEAD, reason="DPD check timed out")
        made.version = 1
        if made.remote is None:
            asked = [r for r in self._requests.values() if r.message is MessageKind.R_U_THERE]
            ends = {(request.local, request.remote) for request in asked}
            if len(ends) == 1:
                made.local, made.remote = asked[-1].local, asked[-1].remote
        return made

    def _about_sa(self, line: LogLine, kind: LogEventKind, **parts: object) -> LogEvent:
        made = event(line, kind, **parts)
        made.handle = line.fields.get("sa") or _handle(line)
        self._complete(made)
        if made.remote is None and len(set(self._ends.values())) == 1:
            made.local, made.remote = next(iter(self._ends.values()))
        return made

    def _complete(self, made: LogEvent) -> None:
        if made.handle is None:
            return
        local, remote = self._ends.get(made.handle, (None, None))
        made.local, made.remote = made.local or local, made.remote or remote


def _handle(line: LogLine) -> str | None:
    spans, text = line.form.spans, line.text
    if "name" not in spans or "unique" not in spans:
        return None
    return f"{text[spans['name']]}[{text[spans['unique']]}]"


def _trim(known: OrderedDict[Any, Any]) -> None:
    while len(known) > _MAX_REMEMBERED:
        known.popitem(last=False)


_QUESTIONS: Final = (MessageKind.LIVENESS, MessageKind.LIVENESS_MOBIKE, MessageKind.R_U_THERE)


class _Words(Generic[Read]):
    """What lines say but for who says it: there are few such words, and they come all the time."""

    def __init__(self, read: Callable[[LogLine], Read]) -> None:
        """`read` takes what it needs from the group `way` on."""
        self._read = read
        self._known: dict[str, Read] = {}

    def of(self, line: LogLine) -> Read:
        """What a line says."""
        words = line.text[line.form.spans["way"].start :]
        try:
            return self._known[words]
        except KeyError:
            if len(self._known) >= _MAX_REMEMBERED:
                self._known.clear()
            found = self._known[words] = self._read(line)
            return found


class _Said(NamedTuple):
    """What a message is."""

    sent: bool
    version: int
    response: bool | None
    message: MessageKind
    message_id: int | None


def _said(line: LogLine) -> _Said | None:
    """None for kinds of exchanges that nobody knows."""
    fields = line.fields
    if fields["exchange"] not in _KINDS:
        return None
    version, kind = _KINDS[fields["exchange"]]
    return _Said(
        fields["way"] == "generating",
        version,
        fields["kind"] == "response" if version == 2 else None,
        _content(version, kind, fields["payloads"]),
        message_id(fields["mid"]),
    )


class _Carried(NamedTuple):
    """How a message travelled."""

    local: str
    local_port: int | None
    remote: str
    remote_port: int | None
    length: int | None


def _carried(line: LogLine) -> _Carried:
    fields = line.fields
    ends = [
        (address(fields["src"]), port(fields["src_port"])),
        (address(fields["dst"]), port(fields["dst_port"])),
    ]
    local, remote = ends if fields["way"] == "sending" else ends[::-1]
    return _Carried(*local, *remote, number(fields["length"], 1 << 20))


def _content(version: int, kind: MessageKind, payloads: str) -> MessageKind:
    """What an Informational is by its list of payloads."""
    if kind is not MessageKind.INFORMATIONAL:
        return kind
    listed = payloads.split()
    if version == 1:
        if "N(DPD)" in listed:
            return MessageKind.R_U_THERE
        if "N(DPD_ACK)" in listed:
            return MessageKind.R_U_THERE_ACK
        if "D" in listed:
            return MessageKind.DELETE
        return MessageKind.NOTIFY if "N" in payloads else kind
    if not listed:
        return MessageKind.LIVENESS
    if "D" in listed:
        return MessageKind.DELETE
    if set(listed) <= _NAT_DETECTION:
        return MessageKind.LIVENESS_MOBIKE
    return MessageKind.NOTIFY


def _near(packet: LogLine, line: LogLine) -> bool:
    if packet.at_ns is None or line.at_ns is None:
        return True
    return 0 <= line.at_ns - packet.at_ns <= _TOGETHER_NS
