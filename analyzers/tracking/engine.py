"""The tracker: ordered batches in, everything known about every peer out.

Event time only: a deadline passes because a later observation says so. Any cutting of the input
into batches gives the same result.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter, OrderedDict
from collections.abc import Mapping, Sequence
from itertools import product
from sys import intern
from typing import Final

import numpy as np
from numpy.typing import NDArray

from analyzers.decode.flows import EspRows, FlowIdentity, Moved
from analyzers.decode.ike import IkeDecoder
from analyzers.model.log_events import LogEvent
from analyzers.model.observations import Datagram, IcmpHint, IkeMessage, MessageKind
from analyzers.model.peer import Hint, HintKind
from analyzers.model.records import Interfaces, Problem, Ref, SourceInfo, source_id
from analyzers.model.time import ORDER_LIMIT_NS, nanoseconds, seconds
from analyzers.tracking.activity import ActivityGrid
from analyzers.tracking.children import Children
from analyzers.tracking.configured import Configured
from analyzers.tracking.crossed import Crossed
from analyzers.tracking.echoes import Echoes
from analyzers.tracking.exposure import Exposures
from analyzers.tracking.flows import DUPLICATE_NS, FlowTable, sort_by_number
from analyzers.tracking.ikev1 import Ikev1Tracker
from analyzers.tracking.ikev2 import Ikev2Tracker
from analyzers.tracking.log_hints import add_hint
from analyzers.tracking.logs import LogTracker
from analyzers.tracking.marks import Marks
from analyzers.tracking.moves import Moves
from analyzers.tracking.ordering import OrderedBatch
from analyzers.tracking.peers import PeerTable
from analyzers.tracking.silence import SilenceClock
from analyzers.tracking.silence_rows import (
    SilenceRows,
    esp_place,
    event_place,
    no_rows,
    packed_ref,
)
from analyzers.tracking.tracks import Mark, MarkKind, PeerTrack, SaTrack, UnitTrack
from analyzers.tracking.translations import Translations
from analyzers.tracking.witnesses import Watched, Witnesses
from analyzers.wire.frames import Int64Array
from analyzers.wire.ikev1 import chosen_suite, describe_proposal, lifetime_s

_DPD_VENDOR_ID: Final = "afcad71368a1f1c96b8696fc7757"
_MAX_VENDOR_IDS: Final = 64
# A flow that shows itself with a higher sequence number has begun before.
_FIRST_PACKETS: Final = 3
# Messages whose bytes are remembered to recognise what the capture recorded twice.
_MAX_RECENT: Final = 4096
# Python 3.11 is slow to find a member by its name, and these are asked for of every message.
_FRAGMENT, _NOTIFY = MessageKind.FRAGMENT, MessageKind.NOTIFY


class Tracker:
    """Holds all peers; fed by the session, read by `views`."""

    def __init__(
        self,
        decoder: IkeDecoder,
        *,
        budget_ns: int,
        report_ns: int,
        witnesses: Witnesses | None = None,
        configured: Configured | None = None,
        captures: bool = True,
    ) -> None:
        """`witnesses`: what other inputs say of messages that were captured; `configured`: what
        configurations say of the peers; `captures` False: only logs come, which show no traffic."""
        self._decoder = decoder
        self.budget_ns = budget_ns
        self._budgets: dict[tuple[int, int], int] = {}
        self.configured = configured or Configured(())
        self.report_s = seconds(report_ns)
        self._witnesses = witnesses or Witnesses()
        self._captures = captures
        self.marks = Marks(wanted=captures)
        self.table = PeerTable()
        self.flows = FlowTable()
        self.any_clock = SilenceClock(report_ns, count_esp_only=False)
        self.esp_clock = SilenceClock(report_ns, count_esp_only=True)
        self.activity = ActivityGrid()
        self.exposures = Exposures(
            self.table.units,
            self.any_clock,
            self.esp_clock,
            budget_ns=self.budget_of,
            report_ns=report_ns,
        )
        self.now_ns = 0
        self.gaps: Mapping[str, Sequence[tuple[int, int]]] = {}
        self.interfaces: Mapping[str, Interfaces] = {}
        """When each source that is a capture was interrupted, as far as that is known."""
        self.crossed = Crossed()
        self.watched: Sequence[Watched] = ()
        """When captures near the receivers show what comes."""
        self.captured_at: Sequence[frozenset[str]] = ()
        """The addresses of the device that took each capture, as far as captures name them."""
        self.ike_messages = 0
        self.messages_by_source: Counter[str] = Counter()
        """Frames that hold IKE, also what the capture recorded twice."""
        self.duplicate_messages: Counter[str] = Counter()
        self.translations = Translations()
        self._ikev1 = Ikev1Tracker(self.marks, self.table)
        self._ikev2 = Ikev2Tracker(self.marks)
        self.logs = LogTracker(self.marks, self.table, self._ikev1, self._message, self._witnesses)
        self.children = Children()
        self._moves = Moves()
        self._unit_of_flow = np.empty(0, np.int64)
        self._side_of_flow = np.empty(0, np.int64)
        self._recent: OrderedDict[tuple[bytes, str, str, int, int], int] = OrderedDict()
        self._echoes = Echoes()
        self._problems: list[Problem] = []
        self._heard_outside: set[tuple[str, str]] = set()
        """Who sent to whom outside the time window."""

    def budget_of(self, unit: UnitTrack, side: int) -> int:
        """Within which a side should notice that its peer is gone, ns (contract, section 2)."""
        peer = unit.peer
        key = (peer.index, side)
        known = self._budgets.get(key)
        if known is None:
            version = peer.sas[-1].version if peer.sas else None
            policy = self.configured.expected(peer.address(side), peer.address(1 - side), version)
            worst_s = None if policy is None else policy.worst_case_s
            known = self.budget_ns if worst_s is None else nanoseconds(worst_s)
            self._budgets[key] = known
        return known

    def take_problems(self) -> list[Problem]:
        """Problems of decoding since the last call."""
        problems, self._problems = self._problems, []
        return problems

    def know_sources(self, sources: Sequence[SourceInfo]) -> None:
        """What captures say of themselves by now: when they were interrupted, and by whom taken."""
        self.gaps = {info.id: tuple(info.gaps) for info in sources if info.gaps}
        self.interfaces = {s.id: s.interfaces for s in sources if s.interfaces is not None}
        self.captured_at = [info.addresses for info in sources if info.addresses]

    def learn(self, datagram: Datagram) -> None:
        """Decode a message from outside the time window, for what later decryption needs."""
        message, _ = self._decoder.decode(datagram)
        if message is not None:
            self.messages_by_source[message.ref.source] += 1
            self._heard_outside.add((message.src, message.dst))

    def learn_flows(self, esp: EspRows, source: NDArray[np.int16]) -> None:
        """Note who sent ESP outside the time window: both directions are in the capture."""
        for flow in np.unique(self.flows.numbers(esp, source)).tolist():
            identity = self.flows.identities[flow]
            self._heard_outside.add((identity.src, identity.dst))

    def finish(self) -> list[Problem]:
        """The input is over: problems of what never became whole."""
        for peer in self.table.peers if self._heard_outside else ():
            for side in (0, 1):
                ends = product(peer.addresses[side], peer.addresses[1 - side])
                peer.heard[side] |= any(pair in self._heard_outside for pair in ends)
        merged = self._echoes.problem(int(self.flows.packets.sum()), self.flows.copies.packets)
        self.flows.merged = merged is not None
        return [*self._decoder.finish(), *([merged] if merged is not None else [])]

    def feed(self, batch: OrderedBatch) -> None:
        """Take a batch of ordered observations."""
        flow = np.empty(0, np.int64)
        new: list[tuple[int, int]] = []
        if len(batch.esp):
            flow = self.flows.numbers(batch.esp, batch.esp_source)
            new = self.flows.begin(batch.esp, flow)
        self._walk(batch, flow, new)
        if not self._captures:
            keys = len(self.table.units)
            self.any_clock.grow(keys)
            self.esp_clock.grow(keys)
            self.now_ns = max(self.now_ns, batch.now_ns)
            return
        rows = self._rows(batch, flow)
        marks = self.marks.take()
        rows = _with_proofs(rows, marks)
        keys = len(self.table.units)
        self.any_clock.grow(keys)
        self.esp_clock.grow(keys)
        asked = {m.unit for m in marks if m.kind is MarkKind.PROBE}
        for clock in (self.any_clock, self.esp_clock):
            clock.expect_questions(asked)
        any_closings = self.any_clock.run(rows)
        esp_closings = self.esp_clock.run(rows)
        self.exposures.run(rows, any_closings, esp_closings, marks)
        self.now_ns = max(self.now_ns, batch.now_ns)

    # --- events ----------------------------------------------------------------------------

    def know_flows(self, source: int, new: list[FlowIdentity], moves: list[Moved]) -> None:
        """Flows that a source has numbered, and those that moved; their rows follow."""
        self.flows.know(source, new)
        self.flows.move(source, moves)

    def owner_of_flow(self, flow: int) -> tuple[PeerTrack, int]:
        """The peer of a flow, and the side that sends it."""
        return self.unit_of_flow(flow).peer, int(self._side_of_flow[flow])

    def unit_of_flow(self, flow: int) -> UnitTrack:
        """The unit of a flow: an IKE SA with its Child SAs."""
        return self.table.units[int(self._unit_of_flow[flow])]

    def _walk(
        self, batch: OrderedBatch, flows: Int64Array, new_flows: list[tuple[int, int]]
    ) -> None:
        """Handle IKE messages and first packets of flows in the order of arrival."""
        pending = iter(new_flows)
        flow = next(pending, None)
        for ordinal, event in enumerate(batch.events):
            while flow is not None and flow[1] < event.esp_before:
                self._new_flow(flow, flows, batch)
                flow = next(pending, None)
            self.marks.place = event_place(event.esp_before, ordinal)
            observation = event.observation
            if isinstance(observation, Datagram):
                self._datagram(observation)
            elif isinstance(observation, LogEvent):
                self.marks.muted = observation.ref.source in self.logs.unaligned
                self.logs.feed(observation)
                self.marks.muted = False
            else:
                self._hint(observation)
        while flow is not None:
            self._new_flow(flow, flows, batch)
            flow = next(pending, None)

    def _new_flow(
        self, flow_and_row: tuple[int, int], flows: Int64Array, batch: OrderedBatch
    ) -> None:
        flow, row = flow_and_row
        known = self.translations.same_flow(self.flows, batch.esp, flows, row)
        if known is not None:
            other, renamed = known
            self.owner_of_flow(other)[0].know_as(renamed)
            return
        at_ns = int(batch.esp.at_ns[row])
        ref = Ref(source_id(int(batch.esp_source[row])), int(batch.esp.record[row]))
        self.flows.first_refs[flow] = ref
        midway = int(batch.esp.sequence[row]) > _FIRST_PACKETS
        if midway:
            self.flows.begun_before.add(ref)
        identity = self.flows.identities[flow]
        former = self._moves.former(self.flows, batch.esp, flows, row)
        moved = former is not None
        unit, side = self.table.unit_of_flow(identity, at_ns, ref, midway=midway, moved=moved)
        if flow >= len(self._unit_of_flow):
            room = len(self._unit_of_flow)
            extra = np.zeros(max(256, room, flow + 1 - room), np.int64)
            self._unit_of_flow = np.concatenate([self._unit_of_flow, extra])
            self._side_of_flow = np.concatenate([self._side_of_flow, extra])
        self._unit_of_flow[flow] = unit.index
        self._side_of_flow[flow] = side
        peer = unit.peer
        peer.flows.append(flow)
        peer.captured = True
        peer.heard[side] = True
        place = esp_place(row)
        if former is not None and self.unit_of_flow(former) is unit:
            self.children.move(flow, former)
        else:
            self.children.add(flow, unit, side, at_ns, place)
        mark = Mark(MarkKind.FLOW, unit.index, side, at_ns, place, ref, midway=midway)
        self.marks.append(mark)

    def _datagram(self, datagram: Datagram) -> None:
        message, problems = self._decoder.decode(datagram)
        self._problems += problems
        if message is None:
            return
        self.messages_by_source[message.ref.source] += 1
        if self._is_twin(message) or self._is_duplicate(message):
            return
        self._witnesses.testify(message)
        _share_texts(message)
        # An unprotected notify may come with any SPIs (RFC 7296 section 1.5): it begins no SA.
        is_hint = message.kind is _NOTIFY and not message.encrypted
        found = self.table.known_sa_of(message) if is_hint else self.table.sa_of(message)
        peer, side = self.table.peer_of(message) if found is None else (found[0].peer, found[1])
        peer.captured = True
        if found is None:
            self._of_peer(peer, message, side)
        else:
            self._message(found[0], message, side)

    def _of_peer(self, peer: PeerTrack, message: IkeMessage, side: int) -> None:
        """What a message means for its peer, whatever its IKE SA."""
        peer.messages.append(message)
        if message.kind is not _FRAGMENT:
            self.ike_messages += 1
            peer.ike_messages += 1
        at_ns = message.at_ns
        peer.last_ns = max(peer.last_ns, at_ns)
        peer.first_ns = min(peer.first_ns, at_ns)
        peer.heard[side] = True
        if message.notifies:
            _note_unprotected(peer, message)

    def _message(self, sa: SaTrack, message: IkeMessage, side: int) -> None:
        """One message of an IKE SA, from the wire or from a log."""
        peer = sa.peer
        message.ike_sa = sa.id
        self._of_peer(peer, message, side)
        sa.messages += message.kind is not _FRAGMENT
        at_ns = message.at_ns
        if message.astray:
            self.marks.proving = False
        if self.marks.proving:
            peer.last_heard_ns[side] = at_ns
        sa.last_ns = max(sa.last_ns, at_ns)
        if message.encrypted:
            sa.sent_ns[side] = at_ns
        if message.vendor_ids or message.proposals:
            _note_phase1(sa, message, side)
        if message.version == 2:
            self._feed_ikev2(sa, message, side)
        else:
            self._ikev1.feed(sa, message, side)
        if message.astray:
            self.marks.proving = True

    def _feed_ikev2(self, sa: SaTrack, message: IkeMessage, side: int) -> None:
        peer = sa.peer
        renews = sa.from_start and sa.unit is peer.unit and sa is not peer.sas[0]
        if renews and message.encrypted and sa.established_ns is None:
            # A new IKE SA beside or after another one has Child SAs of its own.
            self.table.separate(sa, message.at_ns)
        self._ikev2.feed(sa, message, side)
        if sa.established_ns is not None:
            self.table.adopt(sa)

    def _is_twin(self, message: IkeMessage) -> bool:
        """Whether this message was just seen on the other side of a NAT."""
        if message.at_ns < ORDER_LIMIT_NS:
            return False
        renamed = self.translations.twin(message)
        if renamed is None:
            return False
        found = self.table.known_sa_of(message)
        if found is not None:
            found[0].peer.know_as(renamed)
        self.duplicate_messages[message.ref.source] += 1
        return True

    def _is_duplicate(self, message: IkeMessage) -> bool:
        """Whether the capture recorded this message twice, at two points or of two directions.

        Without times nobody can tell that from a retransmission.
        """
        key = (message.fingerprint, message.src, message.dst, message.sport, message.dport)
        seen_ns = self._recent.get(key)
        self._recent[key] = message.at_ns
        self._recent.move_to_end(key)
        if len(self._recent) > _MAX_RECENT:
            self._recent.popitem(last=False)
        apart = seen_ns is None or abs(message.at_ns - seen_ns) > DUPLICATE_NS
        if apart or self._answers_again(message):
            self._echoes.note(message, seen_ns)
            return False
        if message.at_ns < ORDER_LIMIT_NS:
            return False
        self.duplicate_messages[message.ref.source] += 1
        return True

    def _answers_again(self, message: IkeMessage) -> bool:
        """Whether a response is one more to a request that was sent as often (RFC 7296 2.1)."""
        found = self.table.known_sa_of(message) if message.is_response else None
        if found is None:
            return False
        sa, side = found
        request = sa.requests.get((1 - side, message.message_id))
        if request is None or request.sent <= request.responses:
            return False
        request.responses += 1
        return True

    def _hint(self, hint: IcmpHint) -> None:
        peer = self.table.peer_of_pair(hint.src, hint.dst)
        if peer is not None:
            text, kind = f"ICMP: {hint.detail}", HintKind.ICMP
            said = Hint(hint.at_ns, hint.reporter, text, hint.ref, unprotected=True, kind=kind)
            add_hint(peer, said)

    # --- rows ------------------------------------------------------------------------------

    def _rows(self, batch: OrderedBatch, flow: Int64Array) -> SilenceRows:
        esp = batch.esp
        if not len(esp):
            return no_rows()
        folded = self.flows.fold(esp, flow)
        if len(folded.late):
            self.flows.note_late(esp, batch.esp_source, folded)
        keep = np.flatnonzero(~folded.duplicate)
        if not len(keep):
            return no_rows()
        proof = folded.fresh[keep]
        if self.crossed:
            proof &= self.crossed.came(self.flows, esp.take(keep), flow[keep])
        unit = self._unit_of_flow[flow[keep]]
        direction = self._side_of_flow[flow[keep]]
        self.activity.add(unit, direction, esp.at_ns[keep])
        order = sort_by_number(unit, len(self.table.units))
        chosen = keep[order]
        rows = SilenceRows(
            key=unit[order],
            place=esp_place(chosen),
            at_ns=esp.at_ns[chosen],
            bytes=esp.length[chosen].astype(np.int64),
            esp=np.ones(len(chosen), np.bool_),
            direction=direction[order],
            proof=proof[order],
            ref=packed_ref(batch.esp_source[chosen], esp.record[chosen]),
        )
        self.children.run(rows, flow[chosen])
        return rows


def _with_proofs(rows: SilenceRows, marks: list[Mark]) -> SilenceRows:
    """The rows with the IKE messages that are proof put in their places."""
    proofs = [m for m in marks if m.kind in (MarkKind.PROOF, MarkKind.IMPLIED)]
    if not proofs:
        return rows
    proofs.sort(key=lambda m: (m.unit, m.place))
    key = np.array([m.unit for m in proofs], np.int64)
    starts = rows.key.searchsorted(key, side="left").tolist()
    ends = rows.key.searchsorted(key, side="right").tolist()
    before = [
        bisect_left(rows.places, mark.place, start, end)
        for mark, start, end in zip(proofs, starts, ends, strict=True)
    ]
    return SilenceRows(
        key=np.insert(rows.key, before, key),
        place=np.insert(rows.place, before, [m.place for m in proofs]),
        at_ns=np.insert(rows.at_ns, before, [m.at_ns for m in proofs]),
        bytes=np.insert(rows.bytes, before, 0),
        esp=np.insert(rows.esp, before, False),
        direction=np.insert(rows.direction, before, [m.role for m in proofs]),
        proof=np.insert(rows.proof, before, True),
        ref=np.insert(rows.ref, before, 0),
    )


def _share_texts(message: IkeMessage) -> None:
    """Keep texts that all messages of an SA have only once."""
    message.src, message.dst = intern(message.src), intern(message.dst)
    message.initiator_spi = intern(message.initiator_spi)
    message.responder_spi = intern(message.responder_spi)


def _note_phase1(sa: SaTrack, message: IkeMessage, side: int) -> None:
    """Vendor IDs, the chosen proposal and lifetime, from the clear messages."""
    for vendor in message.vendor_ids:
        if len(sa.vendor_ids) < _MAX_VENDOR_IDS:
            is_dpd = vendor.value.startswith(_DPD_VENDOR_ID)
            sa.vendor_ids.append((side, vendor.name or vendor.value, is_dpd))
    if not message.proposals or message.kind not in _PHASE1_KINDS:
        return
    if sa.initiator == side:
        return
    sa.proposal = describe_proposal(message.version, message.proposals)
    if message.version == 1:
        sa.suite = chosen_suite(message.proposals)
        sa.lifetime_s = lifetime_s(message.proposals)


_PHASE1_KINDS: Final = (MessageKind.MAIN_MODE, MessageKind.AGGRESSIVE, MessageKind.SA_INIT)

_UNPROTECTED_NOTIFIES: Final = {
    (2, 4): "INVALID_IKE_SPI",
    (2, 11): "INVALID_SPI",
    (1, 4): "INVALID-COOKIE",
    (1, 11): "INVALID-SPI",
    (1, 36136): "R-U-THERE in clear (RFC 3706 section 5.2: must be rejected)",
    (1, 36137): "R-U-THERE-ACK in clear (RFC 3706 section 5.2: must be rejected)",
}


def _note_unprotected(peer: PeerTrack, message: IkeMessage) -> None:
    """Clear notifies are hints only (RFC 7296 sections 2.4, 2.21.4)."""
    if message.encrypted:
        return
    for notify in message.notifies:
        text = _UNPROTECTED_NOTIFIES.get((message.version, notify.type))
        if text is not None:
            said = f"unprotected {text}"
            add_hint(peer, Hint(message.at_ns, message.src, said, message.ref, unprotected=True))
