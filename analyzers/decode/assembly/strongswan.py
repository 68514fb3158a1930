"""Puts together what charon says of one message in two lines, and of retries in three."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable, Iterator, Set
from functools import partial
from typing import ClassVar, Final

from analyzers.decode.assembly.lines import LogLine, address, event, number
from analyzers.decode.assembly.strongswan_answers import Answers
from analyzers.decode.assembly.strongswan_requests import BEGIN, Place, Requests, handle_of, trim
from analyzers.decode.assembly.strongswan_threads import Thread, near
from analyzers.decode.assembly.strongswan_words import Words, carried_by, said_of
from analyzers.model.exchange import DeleteProtocol
from analyzers.model.log_events import LogEvent, LogEventKind
from analyzers.model.observations import MessageKind

_MAX_REMEMBERED: Final = 4096
# What follows that somebody is given up, and tells who.
_SETTLES: Final = frozenset({"state", "delete-failed"})
_MAX_DELETED: Final = 64
_MAX_THREADS: Final = 256
# Where IKE begins; it goes on from port 4500 where there is a NAT (RFC 7296 section 2.23).
_BEFORE_THE_FLOAT: Final = "[500]"
# Of every message these are asked for, and Python 3.11 is slow to find a member by its name.
_MESSAGE: Final = LogEventKind.MESSAGE
_DELETE: Final = MessageKind.DELETE
_R_U_THERE: Final = MessageKind.R_U_THERE
_R_U_THERE_ACK: Final = MessageKind.R_U_THERE_ACK


class StrongswanAssembly:
    """The state of one charon."""

    useless: ClassVar[frozenset[str]] = frozenset({"", "action", "deleting"})

    def __init__(self) -> None:
        self._threads: dict[str, Thread] = {}
        self._said, self._carried = Words(said_of), Words(carried_by)
        self._ends: OrderedDict[str, tuple[str | None, str | None]] = OrderedDict()
        self._pairs: set[tuple[str | None, str | None]] = set()
        """Local and remote address of every peer that it talked with."""
        self._requests = Requests()
        self._answers = Answers()
        self._asked: OrderedDict[str | None, LogEvent] = OrderedDict()
        """IKEv1: the last R-U-THERE to each peer that has not acknowledged it."""
        self._unsettled: dict[str, LogLine] = {}
        """By thread: that somebody is given up. Who of several may stand in its next line."""
        self._deleted: dict[str, Thread] = {}
        """Threads that may say more of a Delete that came."""

    def take(self, line: LogLine) -> Iterable[LogEvent]:
        """One line."""
        form = line.form
        name = form.id
        thread = self._threads.get(line.text[form.spans["thread"]]) or self._thread(line)
        settled = self._settle(line) if self._unsettled else []
        if self._deleted:
            settled += self._release(line)
        if name == "message":
            return settled + self._message(line, thread)
        if name == "packet":
            return settled + self._packet(line, thread)
        return [*settled, *self._take(line, thread)]

    def _thread(self, line: LogLine) -> Thread:
        if len(self._threads) > _MAX_THREADS:
            self._threads.clear()
        name = line.field("thread")
        thread = self._threads[name] = Thread(is_one=name.isdigit())
        return thread

    def pause(self) -> list[LogEvent]:
        """Nothing has come for a while: what is known already of Deletes, retries and verdicts."""
        known = [
            made
            for thread in self._threads.values()
            if thread.message is not None
            and (thread.message.retransmission or not thread.message.sent)
            for made in self._flush(thread)
        ]
        return known + self._verdicts()

    def _verdicts(self) -> list[LogEvent]:
        """Those of which nothing more is said."""
        found = [e for line in self._unsettled.values() for e in self._verdict(line, None)]
        self._unsettled.clear()
        return found

    def _release(self, line: LogLine) -> list[LogEvent]:
        """The Deletes of which the threads say no more, by the time of a line of another one."""
        found = []
        for name, thread in list(self._deleted.items()):
            made = thread.message
            more = made is not None and near(made.at_ns, line.at_ns)
            if more or (made is not None and name == line.field("thread")):
                continue
            del self._deleted[name]
            if made is not None and not made.sent:
                found += self._flush(thread)
        return found

    def _overdue(self, line: LogLine) -> list[LogEvent]:
        """What was sent before, and has no line of its packet."""
        return [
            made
            for thread in self._threads.values()
            if thread.message is not None
            and thread.message.sent
            and not near(thread.message.at_ns, line.at_ns)
            for made in self._flush(thread)
        ]

    def finish(self) -> Iterable[LogEvent]:
        """The log is over."""
        rest = [made for thread in self._threads.values() for made in self._flush(thread)]
        return rest + self._requests.in_vain(None) + self._verdicts()

    def _take(self, line: LogLine, thread: Thread) -> Iterator[LogEvent]:
        fields = line.fields
        self._requests.note(line)
        match line.id:
            case "retransmit":
                yield from self._retransmit(line, thread)
            case "request-again":
                yield from self._asked_again(line, thread)
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
                trim(self._ends)
                yield self._established(line)
            case "initiating":
                self._ends[fields["sa"]] = (None, address(fields["peer"]))
                trim(self._ends)
                thread.begins = fields["sa"]
            case "state":
                yield from self._state(line)
            case "given-up" | "dpd-timed-out":
                yield from self._overdue(line)
                yield from self._requests.in_vain(line)
                if self._is_settled(line):
                    yield from self._verdict(line, None)
                else:
                    self._unsettled[fields["thread"]] = line
            case "child-up":
                yield self._about_sa(line, LogEventKind.CHILD_SA_UP)
            case "child-closing":
                yield self._about_sa(line, LogEventKind.CHILD_SA_DOWN)
            case "dpd-vendor-id":
                sent = fields["way"] == "sending"
                yield self._about_sa(line, LogEventKind.DPD_VENDOR_ID, sent=sent)
            case "started" | "spawned" if line.id == "started" or self._ends:
                yield from self.finish()
                self._forget()
                yield event(line, LogEventKind.STARTED)
            case "not-sent":
                yield from self._not_sent(line)
            case "terminate":
                yield from self._terminate(line)
            case "moved" if not fields["old"].endswith(_BEFORE_THE_FLOAT):
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
        self._deleted.clear()
        self._ends.clear()
        self._answers = Answers()
        self._requests.forget()
        self._asked.clear()

    # --- messages --------------------------------------------------------------------------

    def _message(self, line: LogLine, thread: Thread) -> list[LogEvent]:
        said = self._said.of(line)
        if said is None:
            return []
        sent, message = said.sent, said.message
        packet = None
        if not sent and (thread.is_one or not said.response):
            packet = thread.packet_of(line)
        elif not sent:
            packet = thread.packet_of(line, partial(self._requests.is_open, said.message_id))
        first = line if packet is None else packet
        made = LogEvent(
            _MESSAGE,
            first.at_ns,
            first.ref,
            line.form.dialect.name,
            sent=sent,
            handle=handle_of(line),
            version=said.version,
            message=message,
            message_id=said.message_id,
            response=said.response,
            refusal=said.refusal,
            resolution_ns=line.resolution_ns,
        )
        if thread.begins is not None and sent:
            if message in BEGIN:
                # Who goes on after a verdict does so under the name of the SA that it gave up.
                made.handle = thread.begins
            thread.begins = None
        deletes = message is _DELETE
        if deletes and sent:
            # Several Deletes are announced before any of them is built.
            if thread.deletes:
                made.protocol, made.spis = DeleteProtocol.ESP, thread.deletes[:1]
                thread.deletes = thread.deletes[1:]
            elif thread.delete_ike is not None:
                made.protocol, made.handle = DeleteProtocol.IKE, thread.delete_ike
                thread.delete_ike = None
        if not thread.is_one and "EF(" not in line.text:
            thread.makes_room(line)
        found = self._flush(thread)
        if sent:
            thread.message = made
            return found
        if packet is not None:
            self._carry(made, packet)
        else:
            self._complete(made)
        self._know(made)
        if message is _R_U_THERE_ACK:
            self._asked.pop(made.remote, None)
        if made.response and made.message_id is not None:
            self._requests.answered(made)
        elif made.response is False:
            self._answers.asked(made)
        if deletes:
            # What it deletes stands in the next lines.
            thread.message = made
            if len(self._deleted) < _MAX_DELETED:
                self._deleted[line.field("thread")] = thread
        else:
            found.append(made)
        return found

    def _packet(self, line: LogLine, thread: Thread) -> list[LogEvent]:
        if line.text[line.form.spans["way"]] == "received":
            thread.arrive(line)
            waits = thread.message is None or not (thread.is_one or not thread.message.sent)
            return [] if waits else self._flush(thread)
        made = thread.message
        if thread.is_mixed(line):
            return [] if made is None or not made.sent else self._flush(thread)
        if made is None or not made.sent:
            return []  # a large message that was logged before, in pieces
        thread.message = None
        if made.retransmission:
            made.at_ns, made.ref = line.at_ns, line.ref
        self._carry(made, line)
        self._know(made)
        self._note_sent(made, thread)
        return [made]

    def _note_sent(self, made: LogEvent, thread: Thread) -> None:
        """A message left; thread: that which sent it."""
        if thread.retried is not None:
            self._note_retry(thread, made.remote)
        if made.message_id is not None and not made.response:
            self._requests.sent(made)
            if made.message is _R_U_THERE:
                self._asked[made.remote] = made
                trim(self._asked)
        elif made.response:
            self._answers.answered(made)

    def _carry(self, made: LogEvent, packet: LogLine) -> None:
        """Take addresses and ports from the NET line of a message."""
        carried = self._carried.of(packet)
        made.local, made.local_port, made.remote, made.remote_port, made.length = carried

    def _retransmit(self, line: LogLine, thread: Thread) -> Iterator[LogEvent]:
        yield from self._overdue(line)
        yield from self._flush(thread)
        if line.fields["kind"] == "response":
            return
        new = self._announced(line)
        request = new or self._requests.sent_again(line)
        if request is None or (new is not None and new.message not in _QUESTIONS):
            unknown = request or self._requests.unknown(line)
            if unknown is not None:
                self._requests.note_retry(line.fields["retry"], unknown, unknown.remote)
            return
        if new is not None:
            self._requests.hold(new)
        again = event(line, LogEventKind.MESSAGE, retransmission=True, sent=True)
        again.version, again.message = request.version, request.message
        again.retry = number(line.fields["retry"], 9999)
        again.protocol, again.spis = request.protocol, request.spis
        again.handle, again.response = request.handle, request.response
        again.local, again.remote = request.local, request.remote
        if not self._requests.hold_again(request, again):
            thread.message = again
        if request.message_id is not None:
            thread.retried = line.fields["retry"], request
            if len(self._pairs) < 2:
                self._note_retry(thread, request.remote)

    def _asked_again(self, line: LogLine, thread: Thread) -> Iterator[LogEvent]:
        yield from self._flush(thread)
        packet = thread.packet_of(line)
        remote = None if packet is None else self._carried.of(packet).remote
        request, thread.message = self._answers.again(line, packet, remote)
        yield from () if request is None else (request,)

    def _announced(self, line: LogLine) -> LogEvent | None:
        """The request of a retransmission that only a line before tells of, if it tells whose."""
        peers = {remote for _, remote in self._ends.values()}
        if handle_of(line) is None and len(peers) > 1:
            return None
        made = self._requests.announced(line)
        if made is not None:
            self._complete(made)
        return made

    def _note_retry(self, thread: Thread, remote: str | None) -> None:
        """Remember a request that was sent again; requests to several peers may have its ID."""
        if thread.retried is not None:
            self._requests.note_retry(*thread.retried, remote)
            thread.retried = None

    def _flush(self, thread: Thread) -> list[LogEvent]:
        """A message of which no more will be said."""
        made, thread.message = thread.message, None
        if made is None:
            return []
        if made.sent:
            # The line of the packet is missing.
            self._complete(made)
            if made.retransmission and not self._requests.is_only(made):
                return []
            self._note_sent(made, thread)
        return [made]

    def _know(self, made: LogEvent) -> None:
        handle, ends = made.handle, (made.local, made.remote)
        if made.remote is None:
            return
        if ends not in self._pairs and len(self._pairs) < _MAX_REMEMBERED:
            self._pairs.add(ends)
        if handle is not None and self._ends.get(handle) != ends:
            self._ends[handle] = ends
            trim(self._ends)

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

    # --- verdicts --------------------------------------------------------------------------

    def _is_settled(self, line: LogLine) -> bool:
        """Whether who is given up, and on which IKE SA, is known without what follows."""
        if handle_of(line) is not None or len(self._ends) < 2:
            return True
        if line.id == "dpd-timed-out":
            return len(self._pairs) < 2
        return len(self._pairs) > 1 and len(self._sent_so_often(line, None)) < 2

    def _settle(self, line: LogLine) -> list[LogEvent]:
        """The verdicts that a line settles: its thread goes on, or they have waited for long."""
        found = []
        for thread, gave_up in list(self._unsettled.items()):
            follows = thread == line.fields["thread"]
            if not self._threads[thread].is_one:
                # Of somebody else's thread unless it settles it.
                follows = follows and line.id in _SETTLES
            if follows or not near(gave_up.at_ns, line.at_ns):
                del self._unsettled[thread]
                named = follows and line.id == "state"
                deleted = follows and line.id == "delete-failed"
                deleted |= named and line.fields["old"] == "DELETING"
                sa = line.fields["sa"] if named else None
                found += self._verdict(gave_up, sa, deleted=deleted)
        return found

    def _verdict(self, line: LogLine, sa: str | None, *, deleted: bool = False) -> list[LogEvent]:
        """Somebody is given up; `sa` is the IKE SA that is removed for it, if known.

        `deleted`: it was being deleted; who is given up then need not be dead.
        """
        if line.id == "given-up" and deleted:
            made = self._about_sa(
                line, LogEventKind.GAVE_UP, message=_DELETE, protocol=DeleteProtocol.IKE
            )
        elif line.id == "given-up":
            made = self._given_up(line, sa)
        else:
            made = self._timed_out(line)
        if sa is not None and sa in self._ends:
            made.handle, (made.local, made.remote) = sa, self._ends[sa]
        return [made, *self._requests.removal(made)]

    def _sent_so_often(self, line: LogLine, sa: str | None) -> list[Place]:
        """The requests that were sent again as often as a line says, the first one first."""
        peer = self._ends.get(sa or "", (None, None))[1]
        return self._requests.sent_so_often(line.fields["retry"], sa or handle_of(line), peer)

    def _given_up(self, line: LogLine, sa: str | None) -> LogEvent:
        """The request that was sent again in vain is the first one sent as often as that."""
        places = self._sent_so_often(line, sa)
        request = self._requests.give_up(places[0]) if places else None
        dead = request is not None and request.message in _QUESTIONS
        kind = LogEventKind.PEER_DEAD if dead else LogEventKind.GAVE_UP
        made = self._about_sa(line, kind, reason="retransmissions exhausted")
        if request is not None:
            made.handle = made.handle or request.handle
            made.local, made.remote = request.local, request.remote
            made.version, made.message = request.version, None if dead else request.message
            made.message_id = request.message_id
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
        """IKEv1: the question is that to the only peer that has not acknowledged one."""
        made = self._about_sa(line, LogEventKind.PEER_DEAD, reason="DPD check timed out")
        made.version = 1
        if made.remote is None and self._may_be_any(made):
            ends = {(request.local, request.remote) for request in self._asked.values()}
            ends = ends or self._pairs
            if len(ends) == 1:
                ((made.local, made.remote),) = ends
        return made

    def _about_sa(self, line: LogLine, kind: LogEventKind, **parts: object) -> LogEvent:
        made = event(line, kind, **parts)
        made.handle = line.fields.get("sa") or handle_of(line)
        self._complete(made)
        if made.remote is None and len(set(self._ends.values())) == 1 and self._may_be_any(made):
            made.local, made.remote = next(iter(self._ends.values()))
        return made

    def _may_be_any(self, made: LogEvent) -> bool:
        """Whether an SA without an address is none of a connection of which nothing is known."""
        connection = None if made.handle is None else made.handle.partition("[")[0]
        known = (sa.partition("[")[0] for sa in self._ends)
        return connection is None or not self._ends or connection in known

    def _complete(self, made: LogEvent) -> None:
        if made.handle is None:
            return
        local, remote = self._ends.get(made.handle, (None, None))
        made.local, made.remote = made.local or local, made.remote or remote


_QUESTIONS: Final = (MessageKind.LIVENESS, MessageKind.LIVENESS_MOBIKE, MessageKind.R_U_THERE)
