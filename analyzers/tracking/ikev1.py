"""IKEv1: phases, R-U-THERE exchanges and Deletes, with content where it could be read.

Where it could not, `ikev1_inference` tells questions, answers and Deletes apart by rhythm.
"""

from __future__ import annotations

from typing import Final

from analyzers.model.exchange import AnswerEvidence, DeleteProtocol, ExchangeKind
from analyzers.model.observations import IkeMessage, MessageKind
from analyzers.model.records import Basis
from analyzers.model.sa import SaEnd
from analyzers.tracking import ikev1_inference
from analyzers.tracking.marks import Marks
from analyzers.tracking.peers import PeerTable
from analyzers.tracking.tracks import (
    DeleteTrack,
    ExchangeTrack,
    MarkKind,
    SaTrack,
    transmission,
)

_ZERO_SPI: Final = "0" * 16
_PROTOCOLS: Final = {1: DeleteProtocol.IKE, 2: DeleteProtocol.AH, 3: DeleteProtocol.ESP}
# Message IDs remembered per SA to tell a fresh message from a repeated one.
_MAX_SEEN_IDS: Final = 256
# A new phase 1 takes over from the last few SAs of its peer; older ones ended long ago.
_RECENT: Final = 16
# What nobody begins, or goes on with, on an SA whose peer was given up.
_USES: Final = (MessageKind.QUICK_MODE, MessageKind.TRANSACTION, MessageKind.NEW_GROUP)


# Python 3.11 is slow to find a member by its name, and these are asked for of every message.
_FRAGMENT, _R_U_THERE = MessageKind.FRAGMENT, MessageKind.R_U_THERE
_PHASE1: Final = (MessageKind.MAIN_MODE, MessageKind.AGGRESSIVE)
_PROOF, _PROBE, _ANSWERED = MarkKind.PROOF, MarkKind.PROBE, MarkKind.ANSWERED


class Ikev1Tracker:
    """Takes the IKEv1 messages of all SAs in the order of time."""

    def __init__(self, marks: Marks, table: PeerTable) -> None:
        self._marks = marks
        self._table = table

    def feed(self, sa: SaTrack, message: IkeMessage, side: int) -> None:
        """One message, sent by `side`."""
        if message.kind is _FRAGMENT:
            return
        if message.kind in _USES:
            sa.used_ns[side] = message.at_ns
        if not self._fresh(sa, message, side):
            sa.retransmissions += 1
            sa.peer.retransmissions += 1
            return
        if message.kind in _PHASE1:
            self._phase1(sa, message, side)
        if message.encrypted:
            sa.protected = True
            _revive(sa)
            self._marks.add(_PROOF, sa, 1 - side, message)
        if not message.encrypted:
            return  # unprotected content proves nothing, whatever it claims
        match message.kind:
            case MessageKind.R_U_THERE:
                self._r_u_there(sa, message, side)
            case MessageKind.R_U_THERE_ACK:
                self._ack(sa, message, side)
            case MessageKind.DELETE:
                self.delete(sa, message, side)
            case MessageKind.INFORMATIONAL:
                ikev1_inference.feed(self._marks, sa, message, side)
            case _:
                pass

    @staticmethod
    def _fresh(sa: SaTrack, message: IkeMessage, side: int) -> bool:
        key = (side, message.exchange_type, message.message_id)
        fingerprints = sa.seen_ids.get(key)
        if fingerprints is not None and message.fingerprint in fingerprints:
            return False
        sa.seen_ids[key] = (*(fingerprints or ()), message.fingerprint)[-8:]
        if len(sa.seen_ids) > _MAX_SEEN_IDS:
            del sa.seen_ids[next(iter(sa.seen_ids))]
        return True

    def _phase1(self, sa: SaTrack, message: IkeMessage, side: int) -> None:
        if message.responder_spi != _ZERO_SPI and not any(sa.encrypted_main_mode):
            sa.responder_spi = message.responder_spi
        if not message.encrypted:
            sa.clear_messages[side] += 1
            if message.basis is not Basis.LOG and not message.problems:
                sa.offers[side] += 2 if message.kind is MessageKind.AGGRESSIVE else 1
            # A log that does not name its SAs shows several attempts as one.
            met = message.basis is not Basis.LOG or sa.clear_messages[1 - sa.initiator]
            third = sa.clear_messages[sa.initiator] > 1 and met
            if message.kind is MessageKind.AGGRESSIVE and third:
                self.established(sa, message.at_ns)
            return
        if not any(sa.encrypted_main_mode):
            self._choose_unit(sa, message)
        sa.encrypted_main_mode[side] = True
        done = message.kind is MessageKind.AGGRESSIVE or all(sa.encrypted_main_mode)
        if done and sa.established_ns is None:
            self.established(sa, message.at_ns)

    def _choose_unit(self, sa: SaTrack, message: IkeMessage) -> None:
        """Whether phase 1 renews a living SA, or sets up a peer that was given up.

        IKEv1 Child SAs outlive their IKE SA: a renewed one takes them over.
        """
        older = [o for o in sa.peer.sas[-_RECENT:] if o.index < sa.index and not o.is_attempt]
        living = [o for o in older if o.ended_ns is None and not any(o.open_dpd)]
        if older and not living and sa.unit is sa.peer.unit:
            self._table.separate(sa, message.at_ns)

    def established(self, sa: SaTrack, at_ns: int) -> None:
        """Phase 1 is complete: older SAs end here at the latest."""
        sa.established_ns = at_ns
        _revive(sa)
        self._table.adopt(sa)
        for old in sa.peer.sas[-_RECENT:]:
            if old.index >= sa.index or old.version != 1 or old.ended_ns is not None:
                continue
            if old.is_attempt:
                # It renews nothing and was renewed by nothing.
                old.ended_ns, old.end = old.last_ns, SaEnd.FAILED
                continue
            dead = old.lost or any(old.open_dpd)
            old.ended_ns = max(sa.first_ns, old.established_ns or old.first_ns)
            old.end = SaEnd.REPLACED if dead else SaEnd.REKEYED
            old.end_ref = sa.first_ref
            old.rekeyed_into = None if dead else sa
            for exchange in old.open_dpd:
                if exchange is not None and exchange.side == sa.initiator:
                    exchange.closed_ns = sa.first_ns

    def _r_u_there(self, sa: SaTrack, message: IkeMessage, side: int) -> None:
        exchange = sa.open_dpd[side]
        sent = transmission(message)
        if exchange is None or sent.at_ns - exchange.last_ns > ikev1_inference.MAX_RETRY_NS:
            # After so long it asks anew: who was asked had been heard meanwhile.
            exchange = ExchangeTrack(
                sa=sa,
                kind=ExchangeKind.DPD,
                side=side,
                sequence=message.dpd_sequence,
                transmissions=[sent],
                basis=message.basis,
                confidence=message.confidence,
                length=message.length,
            )
            sa.open_dpd[side] = exchange
            sa.peer.exchanges.append(exchange)
        else:
            is_run = exchange.basis is Basis.RHYTHM and len(exchange.transmissions) > 1
            if is_run and ikev1_inference.continues(exchange, message):
                # One of a run is known: in the same rhythm the others are the same.
                exchange.basis, exchange.confidence = message.basis, message.confidence
            exchange.transmissions.append(sent)
        exchange.arrived = exchange.arrived or message.arrived
        exchange.astray = not self._marks.proving
        if message.dpd_sequence is not None:
            exchange.note_sequence(message.dpd_sequence)
        self._marks.add(_PROBE, sa, side, message, exchange=exchange)

    def _ack(self, sa: SaTrack, message: IkeMessage, side: int) -> None:
        prober = 1 - side
        exchange = sa.open_dpd[prober]
        if exchange is None or not _may_answer(exchange, message.dpd_sequence):
            return
        if message.astray:
            exchange.note_astray(message)
            return
        if message.dpd_sequence is not None:
            exchange.sequence = message.dpd_sequence
        exchange.answer = transmission(message)
        exchange.evidence = AnswerEvidence.MESSAGE
        sa.open_dpd[prober] = None
        sa.unit.answered[prober] += 1
        self._marks.add(_ANSWERED, sa, prober, message, exchange=exchange)

    def take_back_answer(self, exchange: ExchangeTrack, message: IkeMessage) -> None:
        """What was taken for the answer of a question is something else."""
        ikev1_inference.take_back_answer(self._marks, exchange, message)

    def delete(self, sa: SaTrack, message: IkeMessage, side: int) -> None:
        """A message that is known to be a Delete."""
        for payload in message.deletes:
            delete = DeleteTrack(
                sa=sa,
                side=side,
                at_ns=message.at_ns,
                protocol=_PROTOCOLS.get(payload.protocol, DeleteProtocol.UNKNOWN),
                spis=payload.spis,
                reason="",
                basis=message.basis,
                confidence=message.confidence,
                ref=message.ref,
            )
            note_delete(self._marks, delete, message)


def _revive(sa: SaTrack) -> None:
    """An attempt got somewhere after all: another one was only faster."""
    if sa.end is SaEnd.FAILED:
        sa.ended_ns = sa.end = None


def _may_answer(exchange: ExchangeTrack, sequence: int | None) -> bool:
    """Whether an ACK fits the open question; many logs print no number for what was sent."""
    return sequence is None or not exchange.sequences or sequence in exchange.sequences


def note_delete(marks: Marks, delete: DeleteTrack, message: IkeMessage) -> None:
    """Keep a Delete, and end the SA if it is the IKE SA's."""
    sa = delete.sa
    sa.peer.deletes.append(delete)
    marks.add(MarkKind.DELETE, sa, delete.side, message, delete=delete)
    if delete.protocol is DeleteProtocol.IKE and sa.ended_ns is None:
        sa.ended_ns = delete.at_ns
        sa.end_ref = delete.ref
        sa.end = SaEnd.DELETE if sa.rekeyed_into is None else SaEnd.REKEYED
        exchange = sa.open_dpd[delete.side]
        if exchange is not None:
            exchange.closed_ns = delete.at_ns
