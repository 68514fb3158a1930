"""Takes the run-together records of an ASA's `debug crypto ikev2` apart, and joins what belongs.

One sent message is "Sending Packet", its header, and "SENT PKT" of the platform; a received one
comes the other way round, with its decrypted content at the end (log grammar section 4.2). Which
of these are there depends on what is debugged. There are no stamps: order is all there is.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Final

from msgspec.structs import replace

from analyzers.decode.assembly.child_pairs import ChildPairs
from analyzers.decode.assembly.cisco_asa_ikev2_sas import Request, Sa, Sas
from analyzers.decode.assembly.lines import Form, LogLine, address, event, number
from analyzers.decode.assembly.refusals import cisco_refusal, refusal_among
from analyzers.dialects.cisco_asa_ikev2 import DIALECT
from analyzers.dialects.dialect import Reader
from analyzers.model.exchange import DeleteProtocol
from analyzers.model.log_events import LogEvent, LogEventKind
from analyzers.model.observations import MessageKind

_EXCHANGES: Final = {
    "IKE_SA_INIT": MessageKind.SA_INIT,
    "IKE_AUTH": MessageKind.AUTH,
    "CREATE_CHILD_SA": MessageKind.CREATE_CHILD,
    "INFORMATIONAL": MessageKind.INFORMATIONAL,
}
_CONTENTS: Final = {
    "NONE": MessageKind.LIVENESS,
    "DELETE": MessageKind.DELETE,
    "D": MessageKind.DELETE,
    "NOTIFY": MessageKind.NOTIFY,
    "N": MessageKind.NOTIFY,
    "CFG": MessageKind.CONFIG,
}
_RECORD: Final = re.compile(r"IKEv2-(?:PROTO|PLAT)-\d{1,2}:")
# "ENCR(11):   Next payload: DELETE": what the envelope holds stands in its own header.
_ENVELOPE: Final = re.compile(r"ENCR(?:\(\d{1,10}\):)?\s{1,8}Next payload: (\w{1,20})")
_FIRST: Final = re.compile(
    r"\s{1,20}(?:\(\d{1,10}\):\s{0,8})?(DELETE|NOTIFY|CFG)(?:\([^)\n]{0,80}\))?"
    r"(?:\(\d{1,10}\):)?\s{1,8}Next payload:"
)
_NOTIFY: Final = re.compile(r"NOTIFY\([A-Z_ ]{1,60}\)")
_PROTOCOL: Final = re.compile(r"DELETE[\s\S]{0,120}?Security protocol id: (IKE|ESP|AH)")
_PROTOCOLS: Final = {
    "IKE": DeleteProtocol.IKE,
    "ESP": DeleteProtocol.ESP,
    "AH": DeleteProtocol.AH,
}
_QUESTIONS: Final = (MessageKind.LIVENESS, MessageKind.LIVENESS_MOBIKE)
_INFORMATIONALS: Final = (*_CONTENTS.values(), MessageKind.INFORMATIONAL)
_NO_SPI: Final = "0" * 16


class CiscoAsaIkev2Assembly:
    """The state of one ASA's debug."""

    def __init__(self) -> None:
        self._reader = Reader((DIALECT,))
        self._sas = Sas()
        self._packets = False
        self._message: LogEvent | None = None
        """The message of which records are coming."""
        self._told: set[str] = set()
        """Which records of it have come."""
        self._children = ChildPairs()

    def take(self, line: LogLine) -> Iterable[LogEvent]:
        """One record, or several that ran together."""
        starts = [m.start() for m in _RECORD.finditer(line.text)]
        if len(starts) < 2:
            return list(self._take(line))
        found: list[LogEvent] = []
        pieces = zip([0, *starts[1:]], [*starts[1:], len(line.text)], strict=True)
        for start, end in pieces:
            text = line.text[start:end]
            match = self._reader.tag.match(text)
            if match is not None:
                form = Form(self._reader.outline(text, match))
                found += self._take(replace(line, form=form, text=text))
        return found

    def finish(self) -> Iterable[LogEvent]:
        """The log is over."""
        found = list(self._tell())
        for sa in self._sas.all():
            found += [*self._announced_told(sa), *self._child_told(sa)]
        return found

    def _take(self, line: LogLine) -> Iterator[LogEvent]:
        if not line.id:
            return
        sa = self._sas.of(line)
        match line.id:
            case "wire" | "packet":
                yield from self._packet(line, sa)
            case "header":
                self._header(line)
            case "decrypted":
                self._decrypted(line)
            case "liveness-received" | "liveness-answered":
                yield from self._liveness_received(line, sa)
            case "delete-info" if line.fields["way"] == "Processing":
                yield from self._delete_received(line, sa)
            case _:
                yield from self._tell()
                yield from self._said(line, sa)

    # --- messages --------------------------------------------------------------------------

    def _packet(self, line: LogLine, sa: Sa) -> Iterator[LogEvent]:
        fields = line.fields
        made = event(line, LogEventKind.MESSAGE, sent=fields["way"] in ("SENT", "Sending"))
        if line.id == "wire":
            _ends_of_wire(made, fields)
        message = self._message
        if message is not None and line.id not in self._told and _is_same(message, made):
            self._told.add(line.id)
            if line.id == "packet":
                message.response = fields["kind"] == "RESPONSE"
            message.handle = message.handle or sa.handle
            return
        yield from self._tell()
        yield from self._child_told(sa)
        self._packets = True
        made.message = _EXCHANGES.get(fields["exchange"], MessageKind.OTHER)
        made.handle = sa.handle
        if made.responder_spi == _NO_SPI:
            made.responder_spi = None
        if line.id == "packet":
            made.response = fields["kind"] == "RESPONSE"
        self._message, self._told = made, {line.id}
        self._content(made, fields.get("rest", ""))

    def _header(self, line: LogLine) -> None:
        message, fields = self._message, line.fields
        if message is None or message.message_id != number(fields["mid"], 0xFFFFFFFF):
            return
        message.length = number(fields["length"], 1 << 20)
        message.response = "RESPONSE" in fields["flags"]
        self._content(message, fields["rest"])

    def _decrypted(self, line: LogLine) -> None:
        message = self._message
        if message is None or message.sent:
            return
        if "REAL" in line.text and not line.fields["octets"].strip("0"):
            _set_content(message, MessageKind.LIVENESS)
        self._content(message, line.fields["rest"])

    def _content(self, message: LogEvent, rest: str) -> None:
        """What an INFORMATIONAL carries, from the dump of its payloads."""
        envelope = _ENVELOPE.search(rest)
        first = _FIRST.search(rest)
        found = envelope or first
        if found is not None and found[1] in _CONTENTS:
            _set_content(message, _CONTENTS[found[1]])
        if not message.sent:
            message.refusal = message.refusal or refusal_among(_NOTIFY.findall(rest), 2)
        protocol = _PROTOCOL.search(rest)
        if protocol is not None and message.message is MessageKind.DELETE:
            message.protocol = _PROTOCOLS[protocol[1]]

    def _tell(self) -> Iterator[LogEvent]:
        """The message of which records were coming is complete."""
        made, self._message = self._message, None
        if made is None:
            return
        sa = self._sas.of_spi(made.initiator_spi)
        made.handle = sa.handle
        asked = sa.requests.get((not made.sent, made.message_id))
        if made.response is None:
            made.response = asked is not None and not asked.answered
        if made.response:
            self._response(made, asked)
        else:
            self._request(made, sa)
        made.retransmission = made.retransmission or (sa.again and made.sent is True)
        sa.again, sa.ends = False, made
        yield made

    @staticmethod
    def _response(made: LogEvent, asked: Request | None) -> None:
        if asked is None:
            return
        asked.answered = True
        question = asked.event.message
        if made.message is MessageKind.INFORMATIONAL and question in _QUESTIONS:
            made.message = question
        elif made.message is MessageKind.LIVENESS and question not in _QUESTIONS:
            # Deletes and notifies have empty answers, too.
            made.message = MessageKind.INFORMATIONAL

    def _request(self, made: LogEvent, sa: Sa) -> None:
        request = sa.requests.get((made.sent, made.message_id))
        if request is not None and not request.answered:
            first = request.event
            made.message, made.protocol, made.spis = first.message, first.protocol, first.spis
            made.retransmission = True
        else:
            self._announced(made, sa)
            request = sa.remember(made)
        if made.sent:
            sa.last, sa.given_up = request, False

    def _announced(self, made: LogEvent, sa: Sa) -> None:
        """What was said of a message before its packet."""
        if not made.sent or made.message not in _INFORMATIONALS:
            return
        said, sa.announced = sa.announced, None
        if said is None:
            return
        if made.message is MessageKind.INFORMATIONAL:
            made.message = said.message
        elif made.message is MessageKind.NOTIFY and said.message is MessageKind.LIVENESS:
            made.message = MessageKind.LIVENESS_MOBIKE
        if made.message is said.message:
            made.protocol, made.spis, made.reason = said.protocol, said.spis, said.reason

    def _liveness_received(self, line: LogLine, sa: Sa) -> Iterator[LogEvent]:
        message = self._message
        if message is not None and not message.sent:
            _set_content(message, MessageKind.LIVENESS)
            return
        yield from self._tell()
        if self._packets:
            return
        # Without its packet, the words for it are all there is.
        yield from self._announced_told(sa)
        answer = line.id == "liveness-answered"
        if answer and sa.last is not None:
            sa.last.answered = True
        made = self._about(line, sa, LogEventKind.MESSAGE, message=MessageKind.LIVENESS)
        made.sent, made.response = False, answer
        yield made

    def _delete_received(self, line: LogLine, sa: Sa) -> Iterator[LogEvent]:
        message = self._message
        said = event(line, LogEventKind.HINT)
        if message is not None and not message.sent:
            _set_content(message, MessageKind.DELETE)
            message.spis = (*message.spis, *said.spis)
            message.protocol = DeleteProtocol.ESP if said.spis else DeleteProtocol.IKE
        else:
            yield from self._tell()

    # --- SAs -------------------------------------------------------------------------------

    def _said(self, line: LogLine, sa: Sa) -> Iterator[LogEvent]:
        match line.id:
            case "build":
                self._built(line, sa)
            case "delete-info" | "liveness-sending":
                yield from self._announce(line, sa)
            case "delete-reason":
                if sa.announced is not None:
                    sa.announced.reason = line.fields["reason"]
            case "retransmitting":
                yield from self._again(line, sa)
            case "given-up":
                yield from self._give_up(line, sa)
            case "refused":
                yield from self._refused(line, sa)
            case "created":
                yield from self._up(line, sa)
            case "status":
                yield from self._status(line)
            case "dpd-configured":
                yield self._about(line, sa, LogEventKind.DPD_AGREED)
            case "keys-loading":
                sa.child = self._about(line, sa, LogEventKind.CHILD_SA_UP)
                sa.child.protocol = DeleteProtocol.ESP
            case "key-engine":
                yield from self._key_engine(line, sa)
            case "deleting-sa":
                yield from self._down(line, sa)
            case _:
                yield self._about(line, sa, LogEventKind.HINT)

    def _about(self, line: LogLine, sa: Sa, kind: LogEventKind, **parts: object) -> LogEvent:
        made = event(line, kind, **parts)
        made.handle, made.initiator_spi = sa.handle, sa.initiator_spi
        if sa.ends is not None:
            made.local, made.remote = made.local or sa.ends.local, made.remote or sa.ends.remote
            made.responder_spi = sa.ends.responder_spi
        return made

    def _announce(self, line: LogLine, sa: Sa) -> Iterator[LogEvent]:
        said = self._about(line, sa, LogEventKind.MESSAGE, sent=True, response=False)
        if line.id == "liveness-sending":
            said.message = MessageKind.LIVENESS
        else:
            said.message = MessageKind.DELETE
            about_ike = "ispi" in line.fields
            said.protocol = DeleteProtocol.IKE if about_ike else DeleteProtocol.ESP
        before = sa.announced
        if before is not None and before.message is said.message is MessageKind.DELETE:
            before.spis = (*before.spis, *said.spis)
            return
        yield from self._announced_told(sa)
        sa.announced = said

    def _announced_told(self, sa: Sa) -> Iterator[LogEvent]:
        """Where packets are not debugged, what was announced was sent."""
        said, sa.announced = sa.announced, None
        if said is not None and not self._packets:
            sa.last, sa.given_up = Request(said), False
            yield said

    def _again(self, line: LogLine, sa: Sa) -> Iterator[LogEvent]:
        yield from self._announced_told(sa)
        sa.again = True
        last = sa.last
        if not self._packets and last is not None:
            yield replace(last.event, ref=line.ref, at_ns=line.at_ns, retransmission=True)

    def _built(self, line: LogLine, sa: Sa) -> None:
        rest = line.fields["rest"]
        protocol = _PROTOCOL.search(rest)
        if sa.announced is not None and protocol is not None:
            sa.announced.protocol = _PROTOCOLS[protocol[1]]

    def _give_up(self, line: LogLine, sa: Sa) -> Iterator[LogEvent]:
        yield from self._announced_told(sa)
        if sa.given_up:
            return
        sa.given_up = True
        last = sa.last
        asked = last is not None and not last.answered and last.event.message in _QUESTIONS
        kind = LogEventKind.PEER_DEAD if asked else LogEventKind.GAVE_UP
        yield self._about(line, sa, kind, reason="maximum number of retransmissions reached")

    def _refused(self, line: LogLine, sa: Sa) -> Iterator[LogEvent]:
        """The device, or its peer, refuses an SA; the dump of a packet may have told that."""
        sent, name = cisco_refusal(line.fields["refusal"]) or (True, "")
        if sent or sa.ends is None or not sa.ends.refusal:
            yield self._about(line, sa, LogEventKind.REFUSED, sent=sent, refusal=name)

    def _up(self, line: LogLine, sa: Sa) -> Iterator[LogEvent]:
        if not sa.up:
            sa.up, sa.down = True, False
            yield self._about(line, sa, LogEventKind.IKE_SA_UP)

    def _status(self, line: LogLine) -> Iterator[LogEvent]:
        """The platform's word for what the protocol tells, too: it names the peer only."""
        sa = self._sas.of_peer(address(line.fields["peer"]))
        if line.fields["status"] == "UP":
            yield from self._up(line, sa)
        elif line.fields["status"] == "DOWN":
            yield from self._down(line, sa)

    def _down(self, line: LogLine, sa: Sa) -> Iterator[LogEvent]:
        yield from self._announced_told(sa)
        yield from self._child_told(sa)
        if not sa.down:
            sa.down, sa.up = True, False
            made = self._about(line, sa, LogEventKind.IKE_SA_DOWN, protocol=DeleteProtocol.IKE)
            yield made

    def _key_engine(self, line: LogLine, sa: Sa) -> Iterator[LogEvent]:
        said = self._about(line, sa, LogEventKind.CHILD_SA_UP, protocol=DeleteProtocol.ESP)
        match line.fields["what"]:
            case "SPI callback":
                self._children.reserve(said.spis)
            case "delete SA":
                gone = self._children.down(said.spis)
                if gone is not None:
                    said.kind, said.spis = LogEventKind.CHILD_SA_DOWN, gone
                    yield said
            case _:
                child = sa.child = sa.child or said
                known = tuple(spi for spi in child.spis if spi not in said.spis)
                # The inbound SA is the one whose SPI was reserved before.
                inbound = line.fields["what"] == "update SA"
                child.spis = (*said.spis, *known) if inbound else (*known, *said.spis)
                if len(child.spis) == 2:
                    yield from self._child_told(sa)

    def _child_told(self, sa: Sa) -> Iterator[LogEvent]:
        child, sa.child = sa.child, None
        if child is not None and self._children.up(child.spis):
            yield child


def _set_content(message: LogEvent, kind: MessageKind) -> None:
    if message.message is MessageKind.INFORMATIONAL:
        message.message = kind


def _is_same(message: LogEvent, made: LogEvent) -> bool:
    return (message.sent, message.message_id, message.initiator_spi) == (
        *(made.sent, made.message_id, made.initiator_spi),
    )


def _ends_of_wire(made: LogEvent, fields: dict[str, str]) -> None:
    """Addresses and ports of "[192.0.2.1]:500->[192.0.2.9]:500"."""
    own, other = ("src", "dst") if made.sent else ("dst", "src")
    made.local, made.remote = address(fields[own]), address(fields[other])
    made.local_port = number(fields[own + "_port"], 65535)
    made.remote_port = number(fields[other + "_port"], 65535)
