"""What devices say in their logs, told to the same trackers that follow captured messages.

A logged message becomes a message of its IKE SA; a verdict closes the questions that led to it; an
SA that the device removed has ended for that device. Where a log covers the responder's end, it
tells where an unanswered question was lost.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from typing import Final

from analyzers.model.exchange import NO_MESSAGE_ID, DeleteProtocol, Transmission
from analyzers.model.log_events import LogEvent, LogEventKind
from analyzers.model.observations import (
    DeletePayload,
    Encapsulation,
    IkeMessage,
    MessageKind,
)
from analyzers.model.peer import LoggedEnd
from analyzers.model.records import Basis, Confidence, Ref
from analyzers.model.sa import SaEnd
from analyzers.model.time import NS_PER_SECOND
from analyzers.tracking import late
from analyzers.tracking.ikev1 import Ikev1Tracker
from analyzers.tracking.log_hints import note_hint
from analyzers.tracking.log_sas import (
    ESTABLISHED,
    EXCHANGE_TYPES,
    STARTS,
    LoggedSas,
    is_renewal,
    is_vain,
    sender_of,
    was_up,
)
from analyzers.tracking.logged_questions import (
    MAY_ASK,
    RECENT,
    comes_too_late,
    first_beside,
    is_in_vain,
    is_known,
    note_question,
    open_question,
    question_of,
    verdict_ns,
)
from analyzers.tracking.marks import Marks
from analyzers.tracking.peers import PeerTable
from analyzers.tracking.tracks import (
    DeleteTrack,
    ExchangeTrack,
    Mark,
    MarkKind,
    PeerTrack,
    SaTrack,
)
from analyzers.tracking.witnesses import EDGE_NS, PROTOCOL_NUMBERS, QUESTIONS, Witnesses

UNKNOWN_LOCAL: Final = "local"
_RESPONSE, _INITIATOR = 0x20, 0x08
# Python 3.11 is slow to find a member by its name, and these are asked for of every message.
_MESSAGE, _STARTED = LogEventKind.MESSAGE, LogEventKind.STARTED
_INFORMATIONAL, _DELETE = MessageKind.INFORMATIONAL, MessageKind.DELETE
_UDP, _LOG, _CERTAIN = Encapsulation.UDP, Basis.LOG, Confidence.CERTAIN
_MAX_LOST: Final = 200
_ABOUT_IKE_SA: Final = frozenset(
    {
        LogEventKind.MESSAGE,
        LogEventKind.PEER_DEAD,
        LogEventKind.IKE_SA_UP,
        LogEventKind.IKE_SA_DOWN,
        LogEventKind.DPD_VENDOR_ID,
        LogEventKind.NO_DPD_VENDOR_ID,
    }
)
# A device logs the end of an SA within this of giving its peer up.
_AFTER_VERDICT_NS: Final = 30 * NS_PER_SECOND
_AT_ONCE_NS: Final = NS_PER_SECOND  # an SA that was given up is removed in the next line
_MOST_GIVEN_UP: Final = 1000


class LogTracker:
    """Takes log events in the order of time."""

    def __init__(
        self,
        marks: Marks,
        table: PeerTable,
        ikev1: Ikev1Tracker,
        message: Callable[[SaTrack, IkeMessage, int], None],
        witnesses: Witnesses,
    ) -> None:
        self._marks = marks
        self._table = table
        self._ikev1 = ikev1
        self._message = message
        self._witnesses = witnesses
        self._sas = LoggedSas(table)
        self.evidence: set[int] = set()
        """Ids (`id()`) of events that only tell where something was lost."""
        self.astray: set[int] = set()
        """Ids (`id()`) of events about messages that were sent, and did not come by elsewhere."""
        self.packets: dict[int, late.NamedPacket] = {}
        """Packets that events are about, by `id()` of these."""
        self.reaches: list[LoggedEnd] = []
        self.spans: list[tuple[int, int]] = []
        """First and last time of each capture."""
        self.unaligned: frozenset[str] = frozenset()
        """Logs of which nothing tells when they are of, beside captures."""
        self.devices: list[str] = []
        """Addresses of the devices that wrote the logs, in the order of the inputs."""
        self.agreed: dict[tuple[int, int], tuple[float, Ref]] = {}
        """DPD interval that a side's log names, by peer and side, with its line."""
        self._counted: dict[tuple[int, int], int] = {}
        self._child_deletes: dict[tuple[int, int], int] = {}
        """The number of the last Delete of a Child SA that was not answered, by SA and asker."""
        self.gave_up_ns: dict[tuple[int, int], deque[int]] = {}
        """When a side's log said that it gave something up, by peer and side."""
        self.lost_events = 0
        """Events that name no peer."""

    def is_captured(self, at_ns: int) -> bool:
        """Whether a capture shows that time."""
        return any(first - EDGE_NS <= at_ns <= last + EDGE_NS for first, last in self.spans)

    def captured_until_ns(self, at_ns: int) -> int:
        """The last time until `at_ns` that a capture shows: behind it nobody sees what is sent."""
        ends = [min(last_ns, at_ns) for first_ns, last_ns in self.spans if first_ns <= at_ns]
        return max(ends, default=at_ns)

    def covers(self, address: str, first_ns: int, last_ns: int) -> bool:
        """Whether the log of the device with this address shows what came in all of a time."""
        return any(r.reads for r in self._over(address, first_ns, last_ns))

    def spans_over(self, address: str, first_ns: int, last_ns: int) -> bool:
        """Whether the log of the device with this address goes on for all of a time."""
        return any(True for _ in self._over(address, first_ns, last_ns))

    def _over(self, address: str, first_ns: int, last_ns: int) -> Iterator[LoggedEnd]:
        return (
            r
            for r in self.reaches
            if r.address == address and r.first_ns <= first_ns and last_ns <= r.last_ns
        )

    def feed(self, event: LogEvent) -> None:
        """One event, on the common clock."""
        if event.at_ns is None:
            return
        packet = self.packets.get(id(event))
        if packet is not None:
            known = self._table.peer_of_pair(packet.src, packet.dst)
            if known is not None:
                late.testify(known, packet.ref, event, self._ikev1)
            return
        remote = event.remote
        if remote is None:
            self.lost_events += 1
            return
        local = event.local or UNKNOWN_LOCAL
        if event.kind is _STARTED:
            self._started(event, local, remote)
            return
        peer, side = self._table.peer_between(local, remote, event.at_ns, event.device_port)
        in_vain = (peer.index, 1 - side) in self.gave_up_ns and comes_too_late(peer, side, event)
        if in_vain or id(event) in self.evidence:
            self._evidence(peer, event, side)
            return
        peer.heard[side] = peer.heard[1 - side] = True
        peer.last_ns = max(peer.last_ns, event.at_ns)
        if event.kind not in _ABOUT_IKE_SA:
            self._note(peer, event, side)
            return
        if peer.captured and is_renewal(event):
            return  # packets show by themselves which SAs there are
        sa = self._sas.of(peer, event, side)
        if event.kind is _MESSAGE:
            self._logged(sa, event, side)
            return
        sa.last_ns = max(sa.last_ns, event.at_ns)
        match event.kind:
            case LogEventKind.PEER_DEAD:
                self._verdict(sa, event, side)
            case LogEventKind.IKE_SA_UP:
                self._up(sa, event)
            case LogEventKind.IKE_SA_DOWN:
                self._down(sa, event, side)
            case LogEventKind.DPD_VENDOR_ID:
                sender = side if event.sent else 1 - side
                sa.vendor_ids.append((sender, "Dead Peer Detection", True))
            case LogEventKind.NO_DPD_VENDOR_ID:
                sa.withheld[side if event.sent else 1 - side] = True
            case _:
                pass

    def _started(self, event: LogEvent, local: str, remote: str) -> None:
        """The device of a log started: that matters to the peers that it had SAs with."""
        peer = self._table.peer_of_pair(local, remote)
        if peer is None or not peer.sas:
            return
        note_hint(peer, event, local)
        self._sas.started(peer, event.at_ns or 0)

    # --- messages --------------------------------------------------------------------------

    def _logged(self, sa: SaTrack, event: LogEvent, side: int) -> None:
        """A message that its sender or its receiver logged."""
        peer = sa.peer
        message = self._as_message(sa, event, side)
        self._witnesses.testify(message)
        sender = sender_of(event, side)
        heard_ns = peer.last_heard_ns[1 - sender]
        self._marks.proving = id(event) not in self.astray
        self._message(sa, message, sender)
        self._marks.proving = True
        if event.refusal:
            note_hint(peer, event, message.src)
        if event.message in MAY_ASK and not event.response:
            # Where a capture shows the traffic, that tells how long nothing came.
            shown = peer.captured and self.is_captured(event.at_ns or 0)
            note_question(peer, sender, event, 0 if shown else heard_ns)

    def _message_id(self, sa: SaTrack, event: LogEvent, sender: int) -> int:
        """The message ID; for IKEv2 without one a number that pairs an answer with its question.

        Such numbers are beyond 32 bits: they are never taken for what was on the wire.
        """
        if event.message_id is not None:
            return event.message_id
        if sa.version == 1:
            return NO_MESSAGE_ID
        asker = 1 - sender if event.response else sender
        last = self._counted.get((sa.index, asker), 0)
        if not event.response and not event.retransmission:
            last += 1
            self._counted[sa.index, asker] = last
            if event.message is _DELETE and event.protocol is DeleteProtocol.ESP:
                self._child_deletes[sa.index, asker] = last
        elif event.response and event.message is _DELETE:
            # Only Deletes of Child SAs are answered by Deletes (RFC 7296 section 1.4.1), whatever
            # was asked since.
            last = self._child_deletes.pop((sa.index, asker), last)
        return NO_MESSAGE_ID + last

    def _as_message(self, sa: SaTrack, event: LogEvent, side: int) -> IkeMessage:
        """The message a log line stands for."""
        sender, ref = sender_of(event, side), event.ref
        kind = event.message or _INFORMATIONAL
        message_id = self._message_id(sa, event, sender)
        src, dst = sa.peer.address(sender), sa.peer.address(1 - sender)
        repeated = event.retransmission and event.message_id is not None and sa.version == 1
        told = f"{ref.source} {ref.record}"
        if repeated:
            told = f"{sa.index} {sender} {kind} {message_id}"
        flags = _RESPONSE if event.response else 0
        flags |= _INITIATOR if sender == sa.initiator else 0
        deletes: tuple[DeletePayload, ...] = ()
        if kind is _DELETE:
            protocol = PROTOCOL_NUMBERS.get(event.protocol)
            if protocol is not None:
                deletes = (DeletePayload(protocol, event.spis),)
            elif sa.version == 1:
                deletes = (DeletePayload(0, event.spis),)
        return IkeMessage(
            at_ns=event.at_ns or 0,
            ref=ref,
            src=src,
            dst=dst,
            sport=event.local_port or 0,
            dport=event.remote_port or 0,
            encapsulation=_UDP,
            version=sa.version,
            initiator_spi=sa.initiator_spi,
            responder_spi=sa.responder_spi,
            exchange_type=EXCHANGE_TYPES.get(kind, 5 if sa.version == 1 else 37),
            flags=flags,
            message_id=message_id,
            length=event.length or 0,
            first_payload=0,
            fingerprint=told.encode(),
            kind=kind,
            encrypted=kind not in STARTS,
            notifies=(),
            deletes=deletes,
            dpd_sequence=event.sequence,
            basis=_LOG,
            confidence=_CERTAIN,
            arrived=event.sent is False,
            again=event.retransmission,
        )

    # --- verdicts and SAs ------------------------------------------------------------------

    def _verdict(self, sa: SaTrack, event: LogEvent, side: int) -> None:
        at_ns = event.at_ns or 0
        self._note_given_up(sa.peer, side, at_ns)
        exchange = self._open_question(sa, event, side)
        named = (event.handle, event.message_id) != (None, None)
        if exchange is not None and not (named or event.ref.source in self.unaligned):
            beside = first_beside(exchange)
            exchange, sa = beside, sa if beside is exchange else beside.sa
        if sa.ended_ns is None:
            sa.ended_ns, sa.end, sa.end_ref = at_ns, SaEnd.DEAD_PEER, event.ref
        if exchange is None:
            # Some daemons ask in silence, and say only what came of it.
            note_hint(sa.peer, event, sa.peer.address(side))
            return
        exchange.unhear()
        exchange.dead_ns = exchange.closed_ns = at_ns
        exchange.dead_ref = event.ref
        if sa.version == 1 and sa.open_dpd[side] is exchange:
            sa.open_dpd[side] = None
        place, unit = self._marks.place, sa.unit.index
        self._marks.append(Mark(MarkKind.VERDICT, unit, side, at_ns, place, event.ref, exchange))

    def _note_given_up(self, peer: PeerTrack, side: int, at_ns: int) -> None:
        """Its log says that a side gave something up."""
        times = self.gave_up_ns.setdefault((peer.index, side), deque(maxlen=_MOST_GIVEN_UP))
        times.append(at_ns)

    def _open_question(self, sa: SaTrack, event: LogEvent, side: int) -> ExchangeTrack | None:
        return open_question(sa, side, event, logged=event.ref.source in self.unaligned)

    def _up(self, sa: SaTrack, event: LogEvent) -> None:
        at_ns = event.at_ns or 0
        if sa.established_ns is not None:
            return
        if sa.version == 1:
            self._ikev1.established(sa, at_ns)
        else:
            sa.established_ns = at_ns
            if is_renewal(event):
                self._table.renew(sa)
            self._table.adopt(sa)

    def _down(self, sa: SaTrack, event: LogEvent, side: int) -> None:
        """The device removed the SA: from here on it loses nothing on it any more."""
        at_ns = event.at_ns or 0
        if event.reason:
            note_hint(sa.peer, event, sa.peer.address(side))
        dead = self._is_given_up(sa, event, side)
        if not dead and event.message is MessageKind.QUICK_MODE:
            return  # nobody is given up for that, and its own words may follow
        if sa.ended_ns is None:
            sa.ended_ns, sa.end_ref = at_ns, event.ref
            sa.end = SaEnd.DEAD_PEER if dead else (SaEnd.REKEYED if sa.rekeyed_into else None)
            if sa.end is None:
                sa.end = SaEnd.FAILED if is_vain(sa, side, event) else SaEnd.DELETE
        place, unit = self._marks.place, sa.unit.index
        self._marks.append(Mark(MarkKind.DELETE, unit, side, at_ns, place, event.ref))
        if dead:
            # Who gives a peer up removes its Child SAs as well.
            self._marks.append(Mark(MarkKind.REMOVED, unit, 1 - side, at_ns, place, event.ref))

    def _is_given_up(self, sa: SaTrack, event: LogEvent, side: int) -> bool:
        """Whether a device removes an SA because it has given the peer up."""
        at_ns = event.at_ns or 0
        last = verdict_ns(sa, side)
        began_ns = sa.first_ns if sa.established_ns is None else sa.established_ns
        if last is not None and began_ns <= last and at_ns - last <= _AFTER_VERDICT_NS:
            return True
        gave_up_ns = self.gave_up_ns.get((sa.peer.index, side))
        if gave_up_ns is None or not (was_up(sa, side) or event.reason == ESTABLISHED):
            return False
        return at_ns - gave_up_ns[-1] <= _AT_ONCE_NS

    # --- evidence --------------------------------------------------------------------------

    def _evidence(self, peer: PeerTrack, event: LogEvent, side: int) -> None:
        """What the other end logged of a question that was not answered."""
        if self._answers_delete(peer, event, side):
            return
        if event.sent is False and event.message in QUESTIONS and not event.response:
            exchange = question_of(peer, 1 - side, event)
            if exchange is not None:
                exchange.arrived = exchange.unpaired = True
        elif event.sent and (event.message is MessageKind.R_U_THERE_ACK or event.response):
            exchange = question_of(peer, 1 - side, event)
            if exchange is not None and not exchange.answered:
                exchange.arrived = True
                message_id = NO_MESSAGE_ID if event.message_id is None else event.message_id
                answer = Transmission(event.at_ns or 0, message_id, event.ref)
                exchange.note_lost_answer(answer)
        elif event.sent and event.message is MessageKind.DELETE:
            self._lost_delete(peer, event, side)

    def _answers_delete(self, peer: PeerTrack, event: LogEvent, side: int) -> bool:
        """Whether it is the answer to a Delete, at the edge of a capture that may have lost it.

        The word of who sent it counts where the log of who asked tells no more.
        """
        at_ns, sender = event.at_ns or 0, sender_of(event, side)
        sa = self._sas.newest(peer, event, side) if event.response else None
        request = None if sa is None else sa.requests.get((1 - sender, event.message_id or 0))
        if request is None or request.delete is None or request.answered:
            return False
        captured = any(first <= at_ns <= last for first, last in self.spans)
        if captured or (event.sent and self.covers(peer.address(1 - sender), at_ns, at_ns)):
            return False
        request.answered = request.delete.answered = True
        request.delete.answer = Transmission(at_ns, request.message_id, event.ref)
        return True

    def _lost_delete(self, peer: PeerTrack, event: LogEvent, side: int) -> None:
        """A Delete that was sent, and that no capture shows: it tells nothing to the other end."""
        sa = self._sas.newest(peer, event, side)
        if sa is None or len(peer.lost_deletes) >= _MAX_LOST:
            return
        delete = DeleteTrack(
            sa=sa,
            side=side,
            at_ns=event.at_ns or 0,
            protocol=event.protocol,
            spis=event.spis,
            reason="by its sender's log",
            basis=_LOG,
            confidence=_CERTAIN,
            ref=event.ref,
        )
        peer.lost_deletes.append(delete)

    def _note(self, peer: PeerTrack, event: LogEvent, side: int) -> None:
        """What is about no IKE SA in particular."""
        if event.kind is LogEventKind.CHILD_SA_UP:
            self._revive(peer, event, side)
        if event.kind is LogEventKind.DPD_AGREED:
            if event.interval_s is not None:
                self.agreed[peer.index, side] = (event.interval_s, event.ref)
            return
        if event.kind is LogEventKind.GAVE_UP and event.protocol is DeleteProtocol.IKE:
            # Who deletes an IKE SA has another one, or wants none: nobody is dead for that.
            self._deleted_in_vain(peer, event, side)
        elif event.kind is LogEventKind.GAVE_UP and self._given_up(peer, event, side):
            return
        refused = event.kind is LogEventKind.REFUSED
        note_hint(peer, event, peer.address(sender_of(event, side) if refused else side))

    def _deleted_in_vain(self, peer: PeerTrack, event: LogEvent, side: int) -> None:
        """What was sent to delete an IKE SA, be it the Delete of its Child SAs, met no answer."""
        sa = self._sas.given_up(peer, event, side)
        for delete in reversed(peer.deletes[-RECENT:]):
            if delete.sa is sa and delete.side == side and not delete.answered:
                if sa.ended_ns is None:
                    sa.ended_ns, sa.end, sa.end_ref = delete.at_ns, SaEnd.DELETE, delete.ref
                return

    def _given_up(self, peer: PeerTrack, event: LogEvent, side: int) -> bool:
        """Any IKEv2 request tests liveness: without an answer the SA is over (RFC 7296 2.4).

        Whether it is a verdict on a question that the log does not show, and a capture does.
        """
        sa = self._sas.given_up(peer, event, side)
        if event.version != 1 or is_in_vain(peer, side, event.message_id):
            self._note_given_up(peer, side, event.at_ns or 0)
        if sa is None or sa.ended_ns is not None:
            return False
        if not peer.captured and is_vain(sa, side, event):
            sa.ended_ns, sa.end, sa.end_ref = event.at_ns, SaEnd.FAILED, event.ref
            return False
        if sa.version != 2:
            return False
        question = self._open_question(sa, event, side)
        if question is not None and question.sa is sa and is_known(question):
            self._verdict(sa, event, side)
            return True
        if was_up(sa, side):
            sa.ended_ns, sa.end, sa.end_ref = event.at_ns, SaEnd.DEAD_PEER, event.ref
        return False

    def _revive(self, peer: PeerTrack, event: LogEvent, side: int) -> None:
        """A Child SA needs a living peer: there is an IKE SA that the log does not show."""
        newest = peer.sas[-1] if peer.sas else None
        at_ns = event.at_ns or 0
        if newest is None or newest.ended_ns is None or newest.ended_ns >= at_ns:
            return
        if any(
            sa.ended_ns is None and (sa.established_ns or 0) >= newest.ended_ns
            for sa in peer.sas[-RECENT:]
        ):
            return  # the log shows it
        sa = self._table.new_logged_sa(
            peer,
            version=event.version or newest.version,
            version_told=event.version is not None or newest.version_told,
            initiator=side,
            at_ns=at_ns,
            ref=event.ref,
            from_start=False,
        )
        self._up(sa, event)
