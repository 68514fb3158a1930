"""Puts together what `debug crypto ikev2` says of a message in several records.

The content of an encrypted request stands in the records before its packet, and waits there while
the window of the IKE SA is full; what is in a received one is told after it (log grammar
section 3). Without packet debugging the words for it are all there is.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

from msgspec.structs import replace

from analyzers.decode.assembly.cisco_ikev2_sas import Content, Request, Sa, Sas
from analyzers.decode.assembly.cisco_payloads import (
    LIVENESS_KINDS,
    answer_kind,
    content_of,
    is_encrypted,
    payload_names,
)
from analyzers.decode.assembly.lines import LogLine, address, event
from analyzers.decode.assembly.outbox import Outbox
from analyzers.decode.assembly.refusals import cisco_refusal, refusal_among
from analyzers.model.exchange import DeleteProtocol
from analyzers.model.log_events import LogEvent, LogEventKind
from analyzers.model.observations import MessageKind

_EXCHANGES: Final = {
    "IKE_SA_INIT": MessageKind.SA_INIT,
    "IKE_AUTH": MessageKind.AUTH,
    "CREATE_CHILD_SA": MessageKind.CREATE_CHILD,
    "INFORMATIONAL": MessageKind.INFORMATIONAL,
}
_UNSAID: Final = (MessageKind.DELETE, MessageKind.INFORMATIONAL)
_ADDRESS: Final = re.compile(r"\d{1,3}(?:\.\d{1,3}){3}|(?=[^:]{0,4}:)[0-9A-Fa-f:.]{3,45}")


class CiscoIkev2Assembly:
    """The state of one router's debug."""

    def __init__(self) -> None:
        self._sas = Sas()
        self._packets = False
        self._out = Outbox()

    def take(self, line: LogLine) -> Iterable[LogEvent]:
        """One record of the debug."""
        self._out.at(line)
        if line.id:
            self._take(line, self._sas.of(line))
        return self._out.take()

    def finish(self) -> Iterable[LogEvent]:
        """The log is over."""
        for sa in self._sas.all():
            self._tell(sa)
        return self._out.finish()

    def _take(self, line: LogLine, sa: Sa) -> None:
        match line.id:
            case "packet":
                self._packet(line, sa)
            case "build":
                self._build(line, sa)
            case "delete-info":
                self._delete_info(line, sa)
            case "liveness-sending":
                self._tell(sa)
                sa.push(Content(line, MessageKind.LIVENESS))
            case "liveness-received":
                self._liveness_received(line, sa)
            case "answer-sending":
                self._answer_sending(line, sa)
            case "answer-received":
                self._answer_received(line, sa)
            case "retransmitting":
                self._retransmitting(line, sa)
            case "given-up":
                self._give_up(line, sa)
            case "state-machine":
                if line.fields["input"].startswith("RE_XMT_EXCEED"):
                    self._give_up(line, sa)
            case "created" | "session-up":
                self._up(line, sa)
            case "delete-queued":
                sa.reason, sa.closing = line.fields["reason"].strip(), True
            case "deleting-sa":
                self._down(line, sa)
            case "refused":
                self._refused(line, sa)
            case "exchange-failed":
                self._say(line, sa, LogEventKind.HINT)
            case "dpd-configured":
                if line.fields["interval"].strip("0"):
                    self._say(line, sa, LogEventKind.DPD_AGREED)
            case _:
                pass

    def _say(self, line: LogLine, sa: Sa, kind: LogEventKind, **parts: object) -> LogEvent:
        """An event about an SA as it is known by now."""
        made = event(line, kind, **parts)
        self._about(made, sa)
        self._out.put(made)
        return made

    def _about(self, made: LogEvent, sa: Sa) -> None:
        made.handle = sa.handle
        made.initiator_spi, made.responder_spi = sa.initiator_spi, sa.responder_spi
        if sa.ends is not None and made.remote is None:
            made.local, made.remote = sa.ends.local, sa.ends.remote
            made.local_port, made.remote_port = sa.ends.local_port, sa.ends.remote_port

    # --- packets ---------------------------------------------------------------------------

    def _packet(self, line: LogLine, sa: Sa) -> None:
        fields = line.fields
        self._packets = True
        if "kind" not in fields:
            sa.doubt()  # the rest of the record is lost: nobody can say what it was
            return
        made = event(line, LogEventKind.MESSAGE, sent=fields["way"] == "Sending")
        self._about(made, sa)
        sa.ends = made
        made.message = _EXCHANGES.get("_".join(fields["exchange"].split()), MessageKind.OTHER)
        made.response = fields["kind"] == "RESPONSE"
        names = payload_names(fields.get("payloads"))
        if names is not None and is_encrypted(names):
            names = None
        held = self._out.held(sa.name)
        if held is not None and (held.message_id, held.sent) != (made.message_id, not made.sent):
            self._out.release(sa.name)
        if made.response:
            self._response(made, sa, names)
        else:
            self._request(made, sa, names)

    def _request(self, made: LogEvent, sa: Sa, names: tuple[str, ...] | None) -> None:
        again, sa.again = sa.again and bool(made.sent), False
        request = sa.requests.get((made.sent, made.message_id))
        if request is None or (request.answered and made.message is MessageKind.SA_INIT):
            request = Request(made)
            sa.remember(request)
            made.retransmission = again
            if made.sent:
                self._sent_content(made, sa, request, names)
                self._out.put(made)
            else:
                self._received_content(made, sa, names)
        else:
            # The same message ID on the same SA is the same message (RFC 7296 section 2.1).
            first = request.event
            made.message, made.protocol, made.spis = first.message, first.protocol, first.spis
            made.retransmission = request.retransmitted = True
            self._out.put(made)
        if made.sent:
            sa.last, sa.given_up = request, False
        else:
            sa.asked, sa.answer = request, None

    def _sent_content(
        self, made: LogEvent, sa: Sa, request: Request, names: tuple[str, ...] | None
    ) -> None:
        informational = made.message is MessageKind.INFORMATIONAL
        if names or made.message is MessageKind.SA_INIT or made.retransmission:
            if informational and names:
                made.message = content_of(names)
            return
        while sa.queue and (sa.queue[0].kind is MessageKind.OTHER) is informational:
            sa.queue.pop(0)  # its own packet is missing in the log
        if not sa.queue:
            return
        request.sure = len(sa.queue) == 1 and sa.queue[0].announced
        content = sa.queue.pop(0)
        if informational:
            made.message, made.protocol, made.spis = content.kind, content.protocol, content.spis

    def _received_content(self, made: LogEvent, sa: Sa, names: tuple[str, ...] | None) -> None:
        if made.message is not MessageKind.INFORMATIONAL:
            self._out.put(made)
            return
        if names is not None:
            made.message = content_of(names)
        self._out.put(made)
        if made.message in _UNSAID:
            # The records that follow say which SAs a Delete is about, and what else was inside.
            self._out.hold(sa.name, made)

    def _response(self, made: LogEvent, sa: Sa, names: tuple[str, ...] | None) -> None:
        request = sa.requests.get((not made.sent, made.message_id))
        content = None if names is None else content_of(names)
        if made.sent:
            content, sa.answer = sa.answer, None
            made.retransmission = sa.again
        else:
            made.refusal = refusal_among(names or (), 2)
        sa.again = False
        if made.message is MessageKind.INFORMATIONAL:
            asked = None if request is None else request.event.message
            made.message = answer_kind(asked, content)
        if request is not None:
            request.answered = True
        elif not made.sent:
            sa.doubt()
        self._out.put(made)

    # --- words -----------------------------------------------------------------------------

    def _build(self, line: LogLine, sa: Sa) -> None:
        names = payload_names(line.fields.get("payloads"))
        kind = MessageKind.INFORMATIONAL if names is None else content_of(names)
        waiting = next((c for c in sa.queue if not c.built), None)
        if waiting is not None:
            waiting.built = True
            if names and kind is not waiting.kind:
                waiting.kind, waiting.announced = kind, False
        elif sa.asked is not None and not sa.asked.answered:
            sa.answer = kind
        elif self._packets:
            sa.push(Content(line, kind, announced=False, built=True))
        else:
            self._tell(sa)
            if sa.last is not None:
                sa.last.sure = False  # a newer request is on its way

    def _delete_info(self, line: LogLine, sa: Sa) -> None:
        about_ike = "ispi" in line.fields
        protocol = DeleteProtocol.IKE if about_ike else DeleteProtocol.ESP
        child = () if about_ike else event(line, LogEventKind.HINT).spis
        if line.fields["way"] == "Sending":
            last = sa.queue[-1] if sa.queue else None
            if last is None or last.built or last.protocol is not protocol:
                self._tell(sa)
                last = Content(line, MessageKind.DELETE, protocol)
                sa.push(last)
            last.spis = (*last.spis, *child)
            sa.closing = sa.closing or about_ike
        else:
            self._delete_received(line, sa, protocol, child)
        if not about_ike:
            self._say(line, sa, LogEventKind.CHILD_SA_DOWN, protocol=protocol)
        elif line.fields["way"] != "Sending":
            sa.reason = sa.reason or "deleted by the peer"
            self._down(line, sa)

    def _delete_received(
        self, line: LogLine, sa: Sa, protocol: DeleteProtocol, child: tuple[str, ...]
    ) -> None:
        held = self._out.held(sa.name)
        if held is not None:
            held.message, held.protocol = MessageKind.DELETE, protocol
            held.spis = (*held.spis, *child)
        elif sa.asked is None or sa.asked.event.message is not MessageKind.DELETE:
            parts = {"sent": False, "response": False, "message": MessageKind.DELETE}
            made = event(line, LogEventKind.MESSAGE, protocol=protocol, spis=child, **parts)
            self._about(made, sa)
            self._out.put(made)
            sa.asked = Request(made)

    def _liveness_received(self, line: LogLine, sa: Sa) -> None:
        held = self._out.held(sa.name)
        if held is not None and held.message is MessageKind.INFORMATIONAL:
            held.message = MessageKind.LIVENESS
            self._out.release(sa.name)
        elif not self._packets:
            parts = {"sent": False, "response": False, "message": MessageKind.LIVENESS}
            sa.asked = Request(self._say(line, sa, LogEventKind.MESSAGE, **parts))

    def _answer_sending(self, line: LogLine, sa: Sa) -> None:
        asked = sa.asked
        if self._packets or asked is None or asked.answered:
            return
        asked.answered = True
        kind = answer_kind(asked.event.message, sa.answer)
        self._say(line, sa, LogEventKind.MESSAGE, sent=True, response=True, message=kind)

    def _answer_received(self, line: LogLine, sa: Sa) -> None:
        self._tell(sa)
        last = sa.last
        if last is None:
            sa.doubt()
        if last is None or last.answered:
            return
        last.answered = True
        if not self._packets:
            kind = answer_kind(last.event.message, None)
            self._say(line, sa, LogEventKind.MESSAGE, sent=False, response=True, message=kind)

    def _retransmitting(self, line: LogLine, sa: Sa) -> None:
        self._tell(sa)
        sa.again = True
        last = sa.last
        if not self._packets and last is not None and not last.answered:
            last.retransmitted = True
            again = replace(last.event, at_ns=line.at_ns, ref=line.ref, retransmission=True)
            again.resolution_ns = line.resolution_ns
            self._out.put(again)

    def _tell(self, sa: Sa) -> None:
        """Without packet debugging, what is announced is sent."""
        if self._packets:
            return
        for content in sa.queue:
            parts = {"sent": True, "response": False, "message": content.kind}
            made = event(content.line, LogEventKind.MESSAGE, protocol=content.protocol, **parts)
            made.spis = content.spis
            self._about(made, sa)
            self._out.put(made)
            sa.last, sa.given_up = Request(made, sure=content.announced), False
        sa.queue.clear()

    # --- SAs -------------------------------------------------------------------------------

    def _refused(self, line: LogLine, sa: Sa) -> None:
        """The device, or its peer, refuses an SA; the list of a packet may have told that."""
        sent, name = cisco_refusal(line.fields["refusal"]) or (True, "")
        if not sent and sa.ends is not None and sa.ends.refusal:
            return
        request = sa.asked if sent else sa.last
        made = self._say(line, sa, LogEventKind.REFUSED, sent=sent, refusal=name)
        made.message = None if request is None else request.event.message

    def _give_up(self, line: LogLine, sa: Sa) -> None:
        self._tell(sa)
        if sa.given_up:
            return
        sa.given_up = True
        last = sa.last
        asked = last is not None and last.event.message in LIVENESS_KINDS
        dead = asked and last is not None and last.sure and last.retransmitted
        dead = dead and last is not None and not last.answered and not sa.down
        kind = LogEventKind.PEER_DEAD if dead else LogEventKind.GAVE_UP
        made = self._say(line, sa, kind, reason="maximum number of retransmissions reached")
        if sa.closing and last is not None and last.event.message is MessageKind.DELETE:
            made.message, made.protocol = MessageKind.DELETE, DeleteProtocol.IKE

    def _up(self, line: LogLine, sa: Sa) -> None:
        if line.id == "created" and (sa.down or sa.up):
            sa = self._sas.succeed(line, sa)
        if sa.up:
            return
        sa.up = True
        made = self._say(line, sa, LogEventKind.IKE_SA_UP)
        named = [part.strip() for part in line.fields.get("ids", "").split(",")]
        if made.remote is None and len(named) == 2 and all(_ADDRESS.fullmatch(n) for n in named):
            made.remote, made.local = address(named[0]), address(named[1])
            sa.ends = made

    def _down(self, line: LogLine, sa: Sa) -> None:
        self._tell(sa)
        self._out.release(sa.name)
        sa.queue.clear()
        if sa.down:
            return
        sa.down = True
        self._say(line, sa, LogEventKind.IKE_SA_DOWN, reason=sa.reason, protocol=DeleteProtocol.IKE)
