"""Puts together what an ASA says of one IKEv1 message in several lines.

A received notify is a packet line, then what the notify is; a sent one the other way round. The
end of one session is told by up to four lines, and a Child SA by two SAs of one direction each
(log grammar section 4.1).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import ClassVar, Final

from msgspec import Struct, field

from analyzers.decode.assembly.child_pairs import ChildPairs
from analyzers.decode.assembly.lines import LogLine, address, event
from analyzers.decode.assembly.refusals import cisco_refusal, refusal
from analyzers.model.exchange import DeleteProtocol
from analyzers.model.log_events import LogEvent, LogEventKind
from analyzers.model.observations import MessageKind
from analyzers.model.time import NS_PER_SECOND

_NOTIFIES: Final = {
    "R-U-THERE": MessageKind.R_U_THERE,
    "R-U-THERE-ACK": MessageKind.R_U_THERE_ACK,
}
_MAX_REMEMBERED: Final = 4096
# The lines about one message follow each other within this.
_TOGETHER_NS: Final = NS_PER_SECOND


class _Peer(Struct):
    """What is known of one remote address."""

    local: str | None = None
    last: LogEvent | None = None
    """What was told of it last."""
    received: LogEvent | None = None
    """A notify or Delete that arrived and of which more may be said."""
    sending: LogEvent | None = None
    """A notify or Delete that is being built: its packet comes later, or is not logged."""
    asks: bool = False
    """It began the IKEv2 SA that is being negotiated."""
    ended: set[str] = field(default_factory=set)
    """The lines that have told of the end of the present session."""


class CiscoAsaAssembly:
    """The state of one ASA's log."""

    useless: ClassVar[frozenset[str]] = frozenset({""})
    """Ids of patterns whose lines it has no use for; "" is that of lines that nothing knows."""

    def __init__(self) -> None:
        self._peers: dict[str, _Peer] = {}
        self._waiting: dict[str, _Peer] = {}
        self._children = ChildPairs()

    def take(self, line: LogLine) -> Iterable[LogEvent]:
        """One line."""
        return [self._complete(made) for made in self._take(line)]

    def finish(self) -> Iterable[LogEvent]:
        """The log is over."""
        return [self._complete(made) for peer in self._waiting.values() for made in _told(peer)]

    def _complete(self, made: LogEvent) -> LogEvent:
        peer = self._peers.get(made.remote or "")
        if peer is not None:
            peer.local = made.local = made.local or peer.local
            peer.last = made
        return made

    def _name(self, remote: str, local: str) -> None:
        """A line says which address of the device a peer is connected to."""
        peer = self._peers.get(remote)
        if peer is None or peer.local is not None:
            return
        peer.local = local
        if peer.last is not None and peer.last.local is None:
            peer.last.local = local

    def _take(self, line: LogLine) -> Iterator[LogEvent]:
        if self._waiting:
            yield from self._late(line)
        fields = line.fields
        if line.id == "child":
            yield from self._child(line)
            return
        name = address(fields.get("peer", ""))
        peer = self._peers.get(name)
        if peer is None:
            peer = _Peer()
            if name:
                if len(self._peers) >= _MAX_REMEMBERED:
                    del self._peers[next(iter(self._peers))]
                self._peers[name] = peer
        match line.id:
            case "child-up":
                yield from _told(peer)
                yield from self._child(line)
            case "packet":
                yield from self._packet(line, peer)
            case "dpd-received":
                yield from self._dpd_received(line, peer)
            case "dpd-sending":
                yield from _told(peer)
                kind = _NOTIFIES[fields["notify"]]
                peer.sending = event(line, LogEventKind.MESSAGE, version=1, sent=True, message=kind)
            case "delete-building":
                yield from _told(peer)
                peer.sending = event(
                    line,
                    LogEventKind.MESSAGE,
                    version=1,
                    sent=True,
                    message=MessageKind.DELETE,
                    protocol=DeleteProtocol.IKE if fields["what"] == "IKE" else DeleteProtocol.ESP,
                )
            case _:
                yield from _told(peer)
                yield from self._about_session(line, peer)
        if name and (peer.sending is not None or peer.received is not None):
            self._waiting[name] = peer

    # --- messages --------------------------------------------------------------------------

    def _packet(self, line: LogLine, peer: _Peer) -> Iterator[LogEvent]:
        fields = line.fields
        made = event(line, LogEventKind.MESSAGE, version=1)
        made.sent = fields["way"] != "RECEIVED"
        made.retransmission = fields["way"] == "RESENDING"
        made.message = _kind(made.message_id, fields["payloads"])
        held = made.message in (MessageKind.NOTIFY, MessageKind.DELETE)
        sending = peer.sending
        if made.sent and held and sending is not None and _fits(sending, made):
            peer.sending = None
            made.message, made.sequence = sending.message, sending.sequence
            made.protocol = sending.protocol
        yield from _told(peer)
        if held and not made.sent:
            peer.received = made
        else:
            yield made

    def _dpd_received(self, line: LogLine, peer: _Peer) -> Iterator[LogEvent]:
        said = event(line, LogEventKind.MESSAGE, version=1, sent=False)
        said.message = _NOTIFIES[line.fields["notify"]]
        received = peer.received
        if received is not None and received.message is MessageKind.NOTIFY:
            received.message, received.sequence = said.message, said.sequence
            said = received
            peer.received = None
        yield from _told(peer)
        yield said

    def _late(self, line: LogLine) -> Iterator[LogEvent]:
        """Messages whose other lines have not come in time."""
        for name, peer in list(self._waiting.items()):
            waits = peer.received or peer.sending
            if waits is None:
                del self._waiting[name]
            elif line.at_ns is not None and line.at_ns - (waits.at_ns or 0) > _TOGETHER_NS:
                yield from _told(peer)
                del self._waiting[name]

    # --- SAs -------------------------------------------------------------------------------

    def _about_session(self, line: LogLine, peer: _Peer) -> Iterator[LogEvent]:
        fields = line.fields
        match line.id:
            case "dead":
                yield event(line, LogEventKind.PEER_DEAD, version=1)
                yield from self._down(line, peer, 1)
            case "torn-down" | "terminating":
                yield from self._down(line, peer, 1)
            case "disconnected":
                # Sessions of TLS clients end with the same words.
                if any(word in fields["type"] for word in ("LAN", "IPsec", "IPSec", "IKE")):
                    yield from self._down(line, peer, None)
            case "phase1-up":
                peer.ended.clear()
                yield event(line, LogEventKind.IKE_SA_UP, version=1)
            case "ikev2-sa":
                if fields["what"] == "UP":
                    peer.ended.clear()
                    began = False if peer.asks else None
                    peer.asks = False
                    yield event(line, LogEventKind.IKE_SA_UP, version=2, reason="", began=began)
                else:
                    yield from self._down(line, peer, 2)
            case "ikev2-asked":
                peer.asks = True
            case "ikev2-failed":
                peer.asks = False
                refused = cisco_refusal(fields["reason"])
                if refused is not None:
                    sent, name = refused
                    yield event(line, LogEventKind.REFUSED, version=2, sent=sent, refusal=name)
                elif "retransmission" in fields["reason"]:
                    yield event(line, LogEventKind.GAVE_UP, version=2)
            case "refusal-received":
                name = refusal(fields["notify"], 1)
                if name:
                    yield event(line, LogEventKind.REFUSED, version=1, sent=False, refusal=name)
            case "refused":
                made = event(line, LogEventKind.REFUSED, version=1, sent=True)
                made.refusal = refusal("NO_PROPOSAL_CHOSEN", 1)
                child = "child" in fields
                made.message = MessageKind.QUICK_MODE if child else MessageKind.MAIN_MODE
                yield made
            case "gave-up":
                if "EV_TIMEOUT" in fields["history"]:
                    reason = "retransmissions exhausted"
                    yield event(line, LogEventKind.GAVE_UP, version=1, reason=reason)
            case "dpd-agreed":
                if fields["keepalive"] == "DPD":
                    yield event(line, LogEventKind.DPD_AGREED, version=1)
            case "dpd-vendor-id-received" | "dpd-vendor-id-sent":
                sent = line.id.endswith("sent")
                yield event(line, LogEventKind.DPD_VENDOR_ID, version=1, sent=sent)
            case "started":
                yield event(line, LogEventKind.STARTED)
            case "invalid-spi" | "invalid-spi-old":
                yield event(line, LogEventKind.INVALID_SPI, protocol=DeleteProtocol.ESP)
            case _:
                yield event(line, LogEventKind.HINT)

    def _down(self, line: LogLine, peer: _Peer, version: int | None) -> Iterator[LogEvent]:
        """One end of a session is told by several lines, each of them once."""
        if peer.ended and line.id not in peer.ended:
            peer.ended.add(line.id)
            return
        peer.ended = {line.id}
        made = event(line, LogEventKind.IKE_SA_DOWN, version=version, protocol=DeleteProtocol.IKE)
        yield made

    def _child(self, line: LogLine) -> Iterator[LogEvent]:
        fields = line.fields
        made = event(line, LogEventKind.CHILD_SA_UP, protocol=DeleteProtocol.ESP)
        if line.id == "child":
            # A connection of two gateways is named by its remote one.
            local, remote = address(fields["one"]), address(fields["other"])
            if address(fields["owner"]) == local:
                local, remote = remote, local
            made.local, made.remote = local, remote
            self._name(remote, local)
        if fields.get("what") == "deleted":
            gone = self._children.down(made.spis)
            if gone is not None:
                made.kind, made.spis = LogEventKind.CHILD_SA_DOWN, gone
                yield made
        elif self._children.up(made.spis):
            yield made


def _told(peer: _Peer) -> Iterator[LogEvent]:
    """Messages of which no more will be said."""
    for made in (peer.received, peer.sending):
        if made is not None:
            yield made
    peer.received = peer.sending = None


def _fits(sending: LogEvent, packet: LogEvent) -> bool:
    return (sending.message is MessageKind.DELETE) == (packet.message is MessageKind.DELETE)


def _kind(message_id: int | None, payloads: str) -> MessageKind:
    """What a packet is by its list of payloads, "HDR + HASH (8) + NOTIFY (11) + NONE (0)"."""
    names = [part.split("(")[0].strip() for part in payloads.split("+")]
    if not message_id:
        if "SA" in names and ("KE" in names or "ID" in names):
            return MessageKind.AGGRESSIVE
        if "NOTIFY" in names and not {"KE", "ID", "SA"} & set(names):
            return MessageKind.NOTIFY
        return MessageKind.MAIN_MODE
    if "SA" in names:
        return MessageKind.QUICK_MODE
    if "DELETE" in names:
        return MessageKind.DELETE
    if "NOTIFY" in names:
        return MessageKind.NOTIFY
    return MessageKind.TRANSACTION if "ATTR" in names else MessageKind.QUICK_MODE
