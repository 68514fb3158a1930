"""What is said of IKE SAs: who offered DPD, and what stays unread without keys."""

from __future__ import annotations

from analyzers.export.formatting import Glyphs, short_spi
from analyzers.model.observations import EXCHANGE_NAMES, IkeMessage
from analyzers.model.peer import PeerView
from analyzers.model.sa import IkeSa
from analyzers.rules.case import PHASE1_KINDS


def begun(peer: PeerView, signs: Glyphs) -> dict[str, str]:
    """What is known instead of the time at which an IKE SA came up, by id of those without one."""
    last: dict[str, IkeMessage] = {}
    for message in peer.messages:
        last[message.ike_sa] = message
    old = {sa.rekeyed_into: sa for sa in peer.ike_sas}
    return {
        sa.id: _begun(sa, old.get(sa.id), last.get(sa.id), signs)
        for sa in peer.ike_sas
        if sa.established_ns is None
    }


def _begun(sa: IkeSa, old: IkeSa | None, last: IkeMessage | None, signs: Glyphs) -> str:
    if old is not None:
        spi = short_spi(old.initiator_spi, signs)
        return f"rekeyed from {spi or 'the one before'}"
    asks = last is not None and last.src == sa.initiator and not last.is_response
    if last is not None and asks and last.kind in PHASE1_KINDS:
        return f"no answer to {EXCHANGE_NAMES[last.kind]} seen"
    return "establishment not seen"


def version(sa: IkeSa) -> str:
    """The version of an SA, where it is told."""
    return f"IKEv{sa.ike_version}" if sa.version_told else "IKE"


def dpd_vendor_id(sa: IkeSa) -> str:
    """Who offered DPD in phase 1."""
    said = {True: "yes", False: "no", None: "not seen"}
    initiator, responder = sa.dpd_vendor_id
    if initiator is responder:
        return {
            True: "both sent the DPD vendor ID",
            False: "neither sent the DPD vendor ID",
            None: "DPD vendor ID not seen",
        }[initiator]
    if not sa.initiator_told:
        return f"DPD vendor ID: one end {said[initiator]}, the other {said[responder]}"
    return f"DPD vendor ID: initiator {said[initiator]}, responder {said[responder]}"


def unknown_informationals(number: int) -> str:
    """Why some encrypted Informationals were not judged, and what would help."""
    if number == 1:
        return (
            "1 encrypted IKEv1 Informational could not be told apart without keys: "
            "give them with --keys."
        )
    return (
        f"{number:,} encrypted IKEv1 Informationals could not be told apart without keys: "
        "give them with --keys."
    )
