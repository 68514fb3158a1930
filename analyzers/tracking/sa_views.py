"""IKE SAs and their Deletes as reports and screens read them."""

from __future__ import annotations

from typing import Final

from analyzers.model.exchange import Delete, DeleteProtocol, Exchange, Outcome, Transmission
from analyzers.model.records import Basis, Confidence
from analyzers.model.sa import IkeSa, SaEnd
from analyzers.tracking.hindsight import Hindsight
from analyzers.tracking.tracks import DeleteTrack, ExchangeTrack, PeerTrack, SaTrack

# Clear messages of Main Mode in which each side can send vendor IDs.
_OFFERS: Final = 2


def sa_view(
    sa: SaTrack,
    asked: Exchange | None,
    deleted: Delete | None,
    hindsight: Hindsight,
    moved_ns: int | None,
) -> IkeSa:
    """An IKE SA, with its last exchange and its first Delete.

    `moved_ns`: when the traffic of its initiator moved to another SA for good.
    """
    end, ended_ns, end_ref = sa.end, sa.ended_ns, sa.end_ref
    if asked is not None and asked.verdict_ns is not None and end in (None, SaEnd.REPLACED):
        end, ended_ns = SaEnd.DEAD_PEER, asked.verdict_ns
        end_ref = asked.verdict_ref or asked.transmissions[-1].ref
    given_up = hindsight.given_up(sa)
    if end is None and given_up is not None:
        end, (ended_ns, end_ref) = SaEnd.DEAD_PEER, given_up
    lost = asked is not None and asked.outcome is Outcome.UNANSWERED
    if end is None and lost and asked and moved_ns and moved_ns <= asked.first_ns:
        end, ended_ns = SaEnd.REPLACED, moved_ns
    if end is None and deleted is not None:
        end, ended_ns, end_ref = SaEnd.DELETE, deleted.at_ns, deleted.ref
    if end is SaEnd.DELETE and deleted is not None and hindsight.lives_on(sa, deleted):
        end = SaEnd.REKEYED
    if end is SaEnd.FAILED or (end is None and hindsight.failed(sa)):
        end, ended_ns = SaEnd.FAILED, sa.last_ns
    now = sa.peer.address(sa.initiator), sa.peer.address(1 - sa.initiator)
    initiator, responder = sa.ends or now
    return IkeSa(
        id=sa.id,
        ike_version=sa.version,
        initiator=initiator,
        responder=responder,
        initiator_spi=sa.initiator_spi,
        responder_spi=sa.responder_spi,
        first_ns=sa.first_ns,
        last_ns=sa.last_ns,
        established_ns=sa.established_ns,
        ended_ns=ended_ns,
        end=end,
        rekeyed_into=None if sa.rekeyed_into is None else sa.rekeyed_into.id,
        dpd_vendor_id=_dpd_vendor_id(sa, is_asked=asked is not None),
        vendor_ids=tuple((sa.peer.address(side), name) for side, name, _ in sa.vendor_ids),
        proposal=sa.proposal,
        lifetime_s=sa.lifetime_s,
        messages=sa.messages,
        retransmissions=sa.retransmissions,
        refs=(sa.first_ref,) if end_ref is None else (sa.first_ref, end_ref),
        initiator_told=sa.initiator_told,
        version_told=sa.version_told,
    )


def delete_view(peer: PeerTrack, track: DeleteTrack) -> Delete:
    """A Delete that was seen."""
    return Delete(
        at_ns=track.at_ns,
        sender=peer.address(track.side),
        ike_sa=track.sa.id,
        protocol=track.protocol,
        spis=track.spis,
        reason=track.reason,
        basis=track.basis,
        confidence=track.confidence,
        ref=track.ref,
        transmissions=track.transmissions,
        answered=track.answered,
        answer=track.answer,
    )


def inferred_delete(track: ExchangeTrack, sent: Transmission) -> Delete:
    """A Delete that was taken for a retry."""
    renewed = track.sa.end is SaEnd.REKEYED
    given_up = "in the rhythm of the retries, but the SA was given up with it"
    return Delete(
        at_ns=sent.at_ns,
        sender=track.sa.peer.address(track.side),
        ike_sa=track.sa.id,
        protocol=DeleteProtocol.IKE,
        spis=(),
        reason="out of the rhythm of retries, on an SA that was renewed" if renewed else given_up,
        basis=Basis.RHYTHM,
        confidence=Confidence.INFERRED,
        ref=sent.ref,
    )


def _dpd_vendor_id(sa: SaTrack, *, is_asked: bool) -> tuple[bool | None, bool | None]:
    if sa.version != 1:
        return None, None
    sent = {side for side, _, is_dpd in sa.vendor_ids if is_dpd}
    # The Vendor ID may come in message 3 or 4 of Main Mode, 1 or 2 of Aggressive Mode.
    found: list[bool | None] = []
    for side in (sa.initiator, 1 - sa.initiator):
        whole = sa.from_start and sa.offers[side] >= _OFFERS
        # A log that shows questions on it has lost the line with the offer.
        whole = whole or (sa.withheld[side] and not is_asked)
        found.append(True if side in sent else (False if whole else None))
    return found[0], found[1]
