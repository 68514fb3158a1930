"""The words in which an item is told: what text and regular expressions are looked for in."""

from __future__ import annotations

from collections.abc import Iterable

from analyzers.model.black_hole import BlackHole
from analyzers.model.exchange import NO_MESSAGE_ID, Delete, Exchange
from analyzers.model.finding import Finding
from analyzers.model.observations import IkeMessage
from analyzers.model.peer import PeerView
from analyzers.model.records import Problem

Item = PeerView | Exchange | Delete | BlackHole | Finding | IkeMessage | Problem


def texts_of(item: Item) -> tuple[str, ...]:
    """What is said of an item, each thing for itself."""
    match item:
        case PeerView():
            return tuple(_peer(item))
        case Exchange():
            ids = (one for x in item.messages for one in _written(x.message_id))
            ends = (item.prober, item.responder)
            lost = () if item.lost is None else (item.lost,)
            known = (item.basis, item.confidence)
            return (item.id, item.kind, *ends, item.outcome, *lost, *known, *ids)
        case Delete():
            what = (item.sender, item.protocol, item.reason)
            return ("delete", *what, item.basis, item.confidence, *item.spis)
        case BlackHole():
            ends = (item.sender, item.receiver)
            kind = (item.black_hole_class, item.stop_basis, item.confidence)
            return (item.id, "black hole", *ends, *kind, *item.spis)
        case Finding():
            words = (item.title, item.detail, item.remedy, item.reference)
            return (item.rule, item.severity, item.confidence, *words)
        case IkeMessage():
            spis = (item.initiator_spi, item.responder_spi)
            names = (vendor.name or vendor.value for vendor in item.vendor_ids)
            number = _written(item.message_id)
            return (item.kind, item.src, item.dst, *spis, *number, *names, *item.problems)
        case Problem():
            return (item.kind, item.detail)


def _peer(peer: PeerView) -> Iterable[str]:
    yield from (peer.id, peer.local, peer.remote, *peer.addresses)
    yield from (peer.state, peer.confidence)
    for sa in peer.ike_sas:
        yield from (sa.initiator_spi, sa.responder_spi, sa.proposal or "")
        yield from (name for _, name in sa.vendor_ids)
    yield from (flow.spi for flow in peer.esp_flows)
    for policy in peer.policies:
        yield from (policy.profile or "", policy.evidence)
    yield from (hint.text for hint in peer.hints)
    for shown in peer.shown:
        yield from (shown.command, shown.state, shown.dpd or "")


def _written(message_id: int) -> tuple[str, ...]:
    return () if message_id >= NO_MESSAGE_ID else (f"0x{message_id:08x}",)
