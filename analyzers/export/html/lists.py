"""Lists of a peer: exchanges, Deletes, policies, SAs, flows, outputs, hints; folded where long."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import htpy
from htpy import Node

from analyzers.export import policy_words, sa_words, words
from analyzers.export.causes import hint_words, where_lost
from analyzers.export.exchanges import answers_sent, became, delete_outcome, identity, round_trip
from analyzers.export.formatting import (
    UNICODE,
    byte_count,
    count,
    counted,
    outcome_glyph,
)
from analyzers.export.html.parts import badge, data, dotted, folded, more
from analyzers.export.html.tables import columns, scrolled, stacked
from analyzers.export.naming import Naming, address
from analyzers.model.exchange import Delete, Exchange, Outcome
from analyzers.model.peer import PeerView
from analyzers.model.sa import EspFlow, IkeSa
from analyzers.model.time import ORDER_LIMIT_NS

ROWS_SHOWN: Final = 1000
"""Rows of one table; the rest is in the JSON report."""
SPIS_SHOWN: Final = 8

_OUTCOME_SHADE: Final = {
    Outcome.ANSWERED: "good",
    Outcome.UNANSWERED: "bad",
    Outcome.OPEN: "warn",
}


def exchanges(peer: PeerView, naming: Naming) -> Node:
    """Every liveness exchange, folded."""
    found = peer.exchanges
    if not found:
        why = words.why_no_question(peer)
        told = why if peer.whole.exchanges else f"No liveness exchange: {why}"
        return htpy.p(".soft")[f"{told}."]
    outcomes = [
        f"{count(number)} {words.OUTCOME[outcome]}"
        for outcome in Outcome
        if (number := sum(1 for x in found if x.outcome is outcome))
    ]
    named = words.KIND if len(found) == 1 else words.KINDS
    kinds = ", ".join(dict.fromkeys(named[x.kind] for x in found))
    head = columns(
        "Sent (UTC)", "Prober", "Outcome", "Identifier", "RTT", "Sent ×", "Known by", "Place",
        numeric=("RTT", "Sent ×"),
    )  # fmt: skip
    table = scrolled(
        "Liveness exchanges", head, [_exchange(peer, x, naming) for x in found[:ROWS_SHOWN]]
    )
    title = [f"{count(len(found))} {kinds} ", htpy.span(".soft")[f"({', '.join(outcomes)})"]]
    return folded(title, [table, _rest(len(found))])


def _exchange(peer: PeerView, exchange: Exchange, naming: Naming) -> tuple[Node, ...]:
    word = words.OUTCOME[exchange.outcome]
    refs = [seen.ref for seen in (*exchange.transmissions, *exchange.answers)]
    outcome: list[Node] = [
        badge(word, _OUTCOME_SHADE[exchange.outcome], outcome_glyph(exchange.outcome, UNICODE)),
        became(exchange, UNICODE),
    ]
    lost = where_lost(peer, exchange, address)
    if lost:
        where = naming.places([lost.ref for lost in exchange.lost_answers])
        sent = f" ({answers_sent(exchange)}: {where})" if where else ""
        outcome += [htpy.br, htpy.span(".soft")[lost, sent]]
    return (
        naming.at(exchange.first_ns),
        address(exchange.prober),
        outcome,
        data(identity(exchange)),
        UNICODE.none if exchange.rtt_ns is None else round_trip(exchange),
        count(len(exchange.transmissions)),
        words.known_by(exchange.basis, exchange.confidence),
        naming.places(refs),
    )


def deletes(peer: PeerView, naming: Naming) -> Node:
    """Who deleted what."""
    if not peer.deletes:
        return None
    head = columns("At (UTC)", "Sender", "Removes", "SPIs", "Reason", "Known by", "Place")
    rows = [_delete(delete, naming) for delete in peer.deletes[:ROWS_SHOWN]]
    table = stacked("Deletes", head, rows)
    return folded(counted(len(peer.deletes), "Delete"), [table, _rest(len(peer.deletes))],
                  is_open=len(peer.deletes) <= 3)  # fmt: skip


def _delete(delete: Delete, naming: Naming) -> tuple[Node, ...]:
    spis = list(delete.spis[:SPIS_SHOWN])
    if len(delete.spis) > len(spis):
        spis.append(f"and {len(delete.spis) - len(spis)} more")
    reason = [delete.reason] if delete.reason else []
    if delete.transmissions > 1:
        reason.append(f"sent {delete.transmissions} ×")
    if delete.answered is not None:
        reason.append(delete_outcome(delete))
    return (
        naming.at(delete.at_ns),
        address(delete.sender),
        words.DELETE_OF[delete.protocol],
        data(", ".join(spis)) if spis else UNICODE.none,
        ", ".join(reason) or UNICODE.none,
        words.known_by(delete.basis, delete.confidence),
        naming.places(delete.refs),
    )


def policies(peer: PeerView, naming: Naming) -> Node:
    """The policy of each holder, and the evidence for it."""
    if not peer.policies:
        return None
    head = columns("Holder", "DPD", "Basis", "Evidence", "Place")
    rows = [
        (
            address(policy.holder),
            f"{policy_words.asks(policy.mode)}{policy_words.policy_summary(policy, UNICODE)}",
            policy_words.policy_basis(policy),
            policy.evidence or UNICODE.none,
            UNICODE.none if policy.ref is None else naming.place(policy.ref),
        )
        for policy in peer.policies[:ROWS_SHOWN]
    ]
    return [htpy.h3["DPD policies"], stacked("DPD policies", head, rows)]


def ike_sas(peer: PeerView, naming: Naming) -> Node:
    """The IKE SAs, folded."""
    if not peer.ike_sas:
        return None
    begun = sa_words.begun(peer, UNICODE)
    rows = [_ike_sa(sa, naming, begun.get(sa.id, "")) for sa in peer.ike_sas[:ROWS_SHOWN]]
    head = columns("IKE SA", "Initiator", "Established", "End", "Details")
    title = counted(len(peer.ike_sas), "IKE SA")
    return folded(title, [stacked("IKE SAs", head, rows), _rest(len(peer.ike_sas))])


def _ike_sa(sa: IkeSa, naming: Naming, begun: str) -> tuple[Node, ...]:
    spis = f"{sa.initiator_spi or 'not told'} / {sa.responder_spi or 'not told'}"
    established = begun
    if sa.established_ns is not None:
        established = naming.at(sa.established_ns)
    end = "no end seen"
    if sa.end is not None:
        end = words.SA_END[sa.end]
        if sa.ended_ns is not None and sa.ended_ns >= ORDER_LIMIT_NS:
            end += f" {naming.at(sa.ended_ns)}"
    details: list[Node] = []
    if sa.proposal:
        details.append(sa.proposal)
    if sa.lifetime_s is not None:
        details.append(f"lifetime {sa.lifetime_s:,} s")
    if sa.ike_version == 1 and sa.version_told:
        details.append(sa_words.dpd_vendor_id(sa))
    details.append(counted(sa.messages, "message"))
    if sa.retransmissions:
        details.append(counted(sa.retransmissions, "retransmission"))
    details += [f"{name} ({address(sender)})" for sender, name in sa.vendor_ids[:SPIS_SHOWN]]
    return (
        [f"{sa_words.version(sa)} ", data(spis)],
        address(sa.initiator) if sa.initiator_told else "not told",
        established,
        end,
        dotted(details),
    )


def esp_flows(peer: PeerView, naming: Naming) -> Node:
    """The ESP flows, folded."""
    if not peer.esp_flows:
        return None
    head = columns("SPI", "From → to", "Packets", "Bytes", "Missing", "First (UTC)", "Last",
                   numeric=("Packets", "Bytes", "Missing"))  # fmt: skip
    rows = [
        (
            data(flow.spi),
            f"{address(flow.sender)} → {address(flow.receiver)}",
            count(flow.packets),
            byte_count(flow.bytes),
            _missing(flow),
            naming.at(flow.first_ns),
            naming.at(flow.last_ns),
        )
        for flow in peer.esp_flows[:ROWS_SHOWN]
    ]
    title = counted(len(peer.esp_flows), "ESP flow")
    return folded(title, [stacked("ESP flows", head, rows), _rest(len(peer.esp_flows))])


def _missing(flow: EspFlow) -> str:
    missing = count(flow.missing_sequences) if flow.missing_sequences else "none"
    return f"{missing}, {count(flow.lost)} lost on the way" if flow.lost else missing


def shown(peer: PeerView, naming: Naming) -> Node:
    """What devices showed of the peer, folded."""
    if not peer.shown:
        return None
    head = columns("Command", "At (UTC)", "State", "Sent", "Received", "DPD", "Place",
                   numeric=("Sent", "Received"))  # fmt: skip
    rows = [
        (
            data(sa.command),
            UNICODE.none if sa.at_ns is None else naming.at(sa.at_ns),
            sa.state or UNICODE.none,
            UNICODE.none if sa.encaps_packets is None else count(sa.encaps_packets),
            UNICODE.none if sa.decaps_packets is None else count(sa.decaps_packets),
            sa.dpd or ("no DPD in force" if sa.dpd_active is False else UNICODE.none),
            naming.place(sa.ref),
        )
        for sa in peer.shown[:ROWS_SHOWN]
    ]
    title = f"{counted(len(peer.shown), 'output')} of devices"
    return folded(title, [stacked("Outputs of devices", head, rows), _rest(len(peer.shown))])


def hints(peer: PeerView, naming: Naming) -> Node:
    """Hints, folded."""
    if not peer.hints:
        return None
    entries = []
    for hint in peer.hints[:ROWS_SHOWN]:
        place = naming.place(hint.ref)
        if place.startswith("frame"):
            place += "; unprotected: a hint, no proof"
        at = f" at {naming.at(hint.at_ns)}" if hint.at_ns >= ORDER_LIMIT_NS else ""
        entries.append(
            htpy.li[
                f"{hint_words(hint)}, said by {address(hint.sender)}{at} ",
                htpy.span(".soft")[f"({place})"],
            ]
        )
    title = counted(len(peer.hints), "hint")
    return folded(title, [htpy.ul(".plain")[entries], _rest(len(peer.hints))])


def _rest(total: int) -> Node:
    hidden = total - ROWS_SHOWN
    return more(f"{count(hidden)} more: see the JSON report") if hidden > 0 else None


def addresses(found: Sequence[str]) -> str:
    """Addresses of one side, cut at a bound."""
    named = [address(text) for text in found[:SPIS_SHOWN]]
    rest = f" and {len(found) - len(named)} more" if len(found) > len(named) else ""
    return ", ".join(named) + rest
