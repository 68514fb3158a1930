"""Puts together what crypto event traces say of a message or a Child SA in several lines.

The payloads of a message follow it, a line each; an INFORMATIONAL request without any is a
liveness question (log grammar section 2.4). A request stands there each time that it is sent, and
no message IDs tell whether it is another one. Which SAs a Delete removes is told before it is sent,
and after it was received.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable
from typing import Final

from msgspec import Struct, field

from analyzers.decode.assembly.cisco_payloads import answer_kind, content_of, payload_names
from analyzers.decode.assembly.lines import LogLine, address, event
from analyzers.decode.assembly.outbox import Outbox
from analyzers.decode.assembly.repeats import Repeats
from analyzers.model.exchange import DeleteProtocol
from analyzers.model.log_events import LogEvent, LogEventKind
from analyzers.model.observations import MessageKind
from analyzers.model.time import NS_PER_MS

_EXCHANGES: Final = {
    "IKE_SA_INIT": MessageKind.SA_INIT,
    "IKE_AUTH": MessageKind.AUTH,
    "CREATE_CHILD_SA": MessageKind.CREATE_CHILD,
    "INFORMATIONAL": MessageKind.INFORMATIONAL,
}
_PROTOCOLS: Final = {"50": DeleteProtocol.ESP, "51": DeleteProtocol.AH}
_CHILD: Final = "child"
_MAX_SAS: Final = 4096
_MAX_WAITING: Final = 8
# Nobody sends a request again so soon: two Child SAs may be renewed at once.
_SOONEST_RETRY_NS: Final = 500 * NS_PER_MS


class _Sa(Struct):
    """What is known of one SESSION ID/SA ID."""

    handle: str
    message: LogEvent | None = None
    """An INFORMATIONAL whose payloads may follow."""
    names: list[str] = field(default_factory=list)
    removals: list[LogEvent] = field(default_factory=list)
    """What the next Deletes will remove."""
    asked: dict[bool, MessageKind] = field(default_factory=dict)
    """Kind of the last request: sent (True), received (False)."""
    unanswered: dict[bool, LogEvent] = field(default_factory=dict)
    """The last request that no answer stands after, as it was sent or received last."""
    again: bool = False
    """The next request that is sent is the last one."""
    down: bool = False


class CiscoTraceAssembly:
    """The traces of one router."""

    def __init__(self) -> None:
        self._sas: OrderedDict[str, _Sa] = OrderedDict()
        self._open: list[_Sa] = []
        self._repeats = {True: Repeats(), False: Repeats()}
        self._out = Outbox()

    def take(self, line: LogLine) -> Iterable[LogEvent]:
        """One line of a trace."""
        about_child = line.id.startswith("child")
        if line.id and self._repeats[about_child].take(line):
            return ()
        self._settle(line)
        self._out.at(line)
        if about_child:
            self._child(line)
        elif line.id:
            self._take(line, self._sa(line))
        return self._out.take()

    def finish(self) -> Iterable[LogEvent]:
        """The log is over; that the last message contained nothing is not certain."""
        for sa in self._open:
            made = sa.message
            last = None if made is None or made.response else sa.unanswered.get(bool(made.sent))
            if sa.names or (last is not None and last.message is MessageKind.LIVENESS):
                self._close(sa)
        return self._out.finish()

    def _sa(self, line: LogLine) -> _Sa:
        handle = f"{line.fields['session']}/{line.fields['conn']}"
        sa = self._sas.get(handle)
        if sa is None:
            sa = self._sas[handle] = _Sa(handle)
            if len(self._sas) > _MAX_SAS:
                self._sas.popitem(last=False)
        return sa

    def _take(self, line: LogLine, sa: _Sa) -> None:
        match line.id:
            case "message":
                self._message(line, sa)
            case "contains":
                sa.names += payload_names(line.fields["payloads"]) or (line.fields["payloads"],)
            case "delete-info":
                self._delete_info(line, sa)
            case "session-up":
                sa.down = False
                self._say(line, sa, LogEventKind.IKE_SA_UP)
            case "retransmitting":
                sa.again = True
            case "given-up":
                reason = "maximum number of retransmissions reached"
                self._say(line, sa, LogEventKind.GAVE_UP, reason=reason)
            case _:
                pass

    def _say(self, line: LogLine, sa: _Sa, kind: LogEventKind, **parts: object) -> LogEvent:
        made = event(line, kind, **parts)
        made.handle = sa.handle
        self._out.put(made)
        return made

    # --- messages --------------------------------------------------------------------------

    def _message(self, line: LogLine, sa: _Sa) -> None:
        fields = line.fields
        made = self._say(line, sa, LogEventKind.MESSAGE, sent=fields["way"] == "Sending")
        made.response = fields["kind"] == "RESPONSE"
        made.message = _EXCHANGES.get("_".join(fields["exchange"].split()), MessageKind.OTHER)
        if made.message is MessageKind.SA_INIT and not made.response:
            sa.down = False
        if made.message is MessageKind.INFORMATIONAL:
            sa.message, sa.names = made, []
            self._open.append(sa)
            self._out.hold(f"{sa.handle} content", made)
        elif made.response:
            sa.unanswered.pop(not made.sent, None)
        else:
            self._ask(made, sa)

    def _settle(self, line: LogLine) -> None:
        """Messages of which no more payloads will be listed."""
        if not self._open:
            return
        handle = f"{line.fields.get('session')}/{line.fields.get('conn')}"
        still = []
        for sa in self._open:
            goes_on = sa.handle != handle or line.id == "contains"
            if goes_on and sa.message is not None and sa.message.at_ns == line.at_ns:
                still.append(sa)
            else:
                self._close(sa)
        self._open = still

    def _close(self, sa: _Sa) -> None:
        made, sa.message = sa.message, None
        if made is None:
            return
        content, sent = content_of(sa.names), bool(made.sent)
        if made.response:
            made.message = answer_kind(sa.asked.get(not sent), content)
            sa.unanswered.pop(not sent, None)
        else:
            made.message = content
            self._ask(made, sa)
            if content is MessageKind.DELETE and sent and sa.removals:
                self._delete_sent(made, sa, sa.removals.pop(0))
            elif content is MessageKind.DELETE and not sent:
                self._out.hold(f"{sa.handle} delete", made)
        self._out.release(f"{sa.handle} content")

    @staticmethod
    def _ask(made: LogEvent, sa: _Sa) -> None:
        """A request, or the last one of its direction again."""
        sent = bool(made.sent)
        last, told = sa.unanswered.get(sent), sa.again and sent
        made.retransmission = told or (last is not None and _is_again(made, last, sa))
        sa.again = False if sent else sa.again
        sa.asked[sent] = made.message or MessageKind.INFORMATIONAL
        sa.unanswered[sent] = made

    def _delete_info(self, line: LogLine, sa: _Sa) -> None:
        said = event(line, LogEventKind.IKE_SA_DOWN, handle=sa.handle)
        sending = line.fields["way"] == "Sending"
        if said.initiator_spi is None:
            said.kind, said.protocol = LogEventKind.CHILD_SA_DOWN, DeleteProtocol.ESP
            self._out.put(said)
        else:
            said.protocol = DeleteProtocol.IKE
            said.reason = "" if sending else "deleted by the peer"
        if sending:
            sa.removals.append(said)
            del sa.removals[:-_MAX_WAITING]
            return
        held = self._out.held(f"{sa.handle} delete")
        if held is not None:
            _apply(held, said)
        self._down(said, sa)

    def _delete_sent(self, made: LogEvent, sa: _Sa, removal: LogEvent) -> None:
        _apply(made, removal)
        self._down(removal, sa)

    def _down(self, said: LogEvent, sa: _Sa) -> None:
        if said.kind is LogEventKind.IKE_SA_DOWN and not sa.down:
            sa.down = True
            self._out.put(said)

    # --- Child SAs -------------------------------------------------------------------------

    def _child(self, line: LogLine) -> None:
        fields = line.fields
        held = self._out.held(_CHILD)
        self._out.release(_CHILD)
        if line.id == "child-ends":
            if held is not None:
                held.local, held.remote = address(fields["loc"]), address(fields["rem"])
            return
        created = fields["what"] == "create"
        kind = LogEventKind.CHILD_SA_UP if created else LogEventKind.CHILD_SA_DOWN
        protocol = _PROTOCOLS.get(fields["proto"], DeleteProtocol.UNKNOWN)
        made = event(line, kind, protocol=protocol, version=None)
        self._out.put(made)
        self._out.hold(_CHILD, made)


def _is_again(made: LogEvent, last: LogEvent, sa: _Sa) -> bool:
    """Whether a request is the last one, which was not answered (RFC 7296 section 2.3).

    Another Delete is announced.
    """
    if made.message is not last.message or (made.message is MessageKind.DELETE and sa.removals):
        return False
    if made.at_ns is None or last.at_ns is None:
        return True
    return made.at_ns - last.at_ns >= _SOONEST_RETRY_NS


def _apply(made: LogEvent, removal: LogEvent) -> None:
    made.message, made.protocol = MessageKind.DELETE, removal.protocol
    made.spis = (*made.spis, *removal.spis)
    made.initiator_spi = removal.initiator_spi or made.initiator_spi
    made.responder_spi = removal.responder_spi or made.responder_spi
