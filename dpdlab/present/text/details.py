"""The rest of a peer: its policies, SAs, flows, hints, and what could not be told."""

from __future__ import annotations

from typing import Final

from analyzers.export import sa_words
from analyzers.export.causes import hint_words
from analyzers.model.peer import PeerView
from analyzers.model.sa import EspFlow, IkeSa
from analyzers.model.time import NS_PER_MS, ORDER_LIMIT_NS
from dpdlab.present import words
from dpdlab.present.formatting import (
    Severity,
    byte_count,
    count,
    counted,
    duration,
    duration_s,
    short_spi,
)
from dpdlab.present.text.page import FAINT, SEVERITY_STYLE, Page, Part, assemble
from dpdlab.present.text.summary import problems

SAS_SHOWN: Final = 3
FLOWS_SHOWN: Final = 4
HINTS_SHOWN: Final = 3
SHOWN_SHOWN: Final = 4
ADDRESSES_SHOWN: Final = 4


def policies(page: Page, peer: PeerView) -> None:
    """The policy of each holder, and the evidence for it."""
    for policy in peer.policies:
        basis = words.POLICY_BASIS[policy.basis]
        parts: list[Part] = [
            f"{page.address(policy.holder)} {words.asks(policy.mode)}"
            f"{words.policy_summary(policy, page.signs)}",
        ]
        evidence = page.data(policy.evidence)
        parts.append((f"{basis}: {evidence}" if evidence else basis, FAINT))
        page.listing("policy", parts)


def ike_sas(page: Page, peer: PeerView) -> None:
    """IKE SAs; without -v the last ones."""
    shown = peer.ike_sas if page.verbose else peer.ike_sas[-SAS_SHOWN:]
    hidden = len(peer.ike_sas) - len(shown)
    if hidden:
        rest = f"{page.signs.more} {counted(hidden, 'earlier IKE SA')} not shown (-v shows all)"
        page.entry("IKE SA", (rest, FAINT))
    begun = sa_words.begun(peer, page.signs)
    for sa in shown:
        _ike_sa(page, sa, begun.get(sa.id, ""))


def _ike_sa(page: Page, sa: IkeSa, begun: str) -> None:
    """`begun`: what is known of an SA that was not seen to come up."""
    spis = f"{_spi(page, sa.initiator_spi)} / {_spi(page, sa.responder_spi)}"
    parts: list[Part] = [
        f"{sa_words.version(sa)} {spis if sa.initiator_spi else 'SPIs not told'}",
        f"initiator {page.address(sa.initiator) if sa.initiator_told else 'not told'}",
    ]
    if sa.established_ns is not None:
        took_ns = sa.established_ns - sa.first_ns
        took = f" in {duration(took_ns)}" if took_ns >= NS_PER_MS else ""
        parts.append(f"established {_at(page, sa.established_ns)}{took}".rstrip())
    else:
        parts.append(page.data(begun))
    if sa.end is not None and sa.ended_ns is not None:
        parts.append(f"{words.SA_END[sa.end]} {_at(page, sa.ended_ns)}".rstrip())
    elif sa.end is not None:
        parts.append(words.SA_END[sa.end])
    else:
        parts.append("no end seen")
    if sa.proposal:
        parts.append(page.data(sa.proposal))
    if sa.lifetime_s is not None:
        parts.append(f"lifetime {sa.lifetime_s:,} s")
    if sa.ike_version == 1 and sa.version_told:
        parts.append(sa_words.dpd_vendor_id(sa))
    if page.verbose:
        parts.append(counted(sa.messages, "message"))
        if sa.retransmissions:
            parts.append(counted(sa.retransmissions, "retransmission"))
        if sa.refs:
            parts.append(page.frames(sa.refs))
    page.listing("IKE SA", parts)
    if page.verbose:
        for sender, name in sa.vendor_ids:
            page.entry("", (f"vendor ID of {page.address(sender)}: {page.data(name)}", FAINT))


def _at(page: Page, at_ns: int) -> str:
    """A time; nothing for the place of a line without a stamp."""
    return page.clock.at(at_ns) if at_ns >= ORDER_LIMIT_NS else ""


def _spi(page: Page, spi: str) -> str:
    if not spi.strip("0"):
        return "none yet" if spi else "not told"
    clean = page.data(spi)
    return clean if page.verbose else short_spi(clean, page.signs)


def esp_flows(page: Page, peer: PeerView) -> None:
    """ESP flows; without -v those with most packets, in time order."""
    flows = peer.esp_flows
    order = sorted(range(len(flows)), key=lambda index: -flows[index].packets)
    kept = set(order if page.verbose else order[:FLOWS_SHOWN])
    for flow in (flow for index, flow in enumerate(flows) if index in kept):
        # The local side may have moved since: what the remote one sent comes in.
        inbound = flow.sender in peer.addresses
        arrow = page.signs.back if inbound else page.signs.to
        page.listing(f"ESP {arrow}", _flow(page, flow))
    hidden = [flow for index, flow in enumerate(flows) if index not in kept]
    if hidden:
        packets = counted(sum(f.packets for f in hidden), "packet")
        rest = f"{counted(len(hidden), 'smaller flow')} with {packets}"
        page.entry("ESP", (f"{page.signs.more} {rest} not shown (-v shows all)", FAINT))


def _flow(page: Page, flow: EspFlow) -> list[Part]:
    missing: Part = "none missing"
    if flow.missing_sequences:
        missing = (f"{count(flow.missing_sequences)} missing", SEVERITY_STYLE[Severity.WARN])
    parts: list[Part] = [
        f"SPI {page.data(flow.spi)}",
        f"{counted(flow.packets, 'packet')}, {byte_count(flow.bytes)}",
        missing,
    ]
    if flow.lost:
        parts.append((f"{count(flow.lost)} lost on the way", SEVERITY_STYLE[Severity.WARN]))
    if flow.first_ns >= ORDER_LIMIT_NS:
        parts.append(f"{page.clock.at(flow.first_ns)} to {page.clock.at(flow.last_ns)}")
    if page.verbose and flow.encapsulated:
        parts.append("in UDP or TCP")
    return parts


def shown(page: Page, peer: PeerView) -> None:
    """What devices showed of the SAs; without -v the last ones."""
    entries = peer.shown if page.verbose else peer.shown[-SHOWN_SHOWN:]
    hidden = len(peer.shown) - len(entries)
    if hidden:
        rest = f"{page.signs.more} {counted(hidden, 'earlier output')} not shown (-v shows all)"
        page.entry("shown", (rest, FAINT))
    for sa in entries:
        parts: list[Part] = [page.data(sa.command)]
        if sa.at_ns is not None:
            parts.append(f"at {page.at(sa.at_ns)}")
        if sa.state:
            parts.append(page.data(sa.state))
        if sa.uptime_s is not None:
            parts.append(f"up {duration_s(sa.uptime_s)}")
        if sa.encaps_packets is not None and sa.decaps_packets is not None:
            parts.append(
                f"{counted(sa.encaps_packets, 'packet')} sent, {count(sa.decaps_packets)} received"
            )
        if sa.dpd:
            parts.append(page.data(sa.dpd))
        elif sa.dpd_active is False:
            parts.append("no DPD in force")
        parts.append((page.place(sa.ref), FAINT))
        page.listing("shown", parts)


def remarks(page: Page, peer: PeerView) -> None:
    """Hints, problems, addresses, and what could not be told."""
    limit = len(peer.hints) if page.verbose else HINTS_SHOWN
    for hint in peer.hints[:limit]:
        told = page.place(hint.ref)
        if hint.unprotected:
            told += "; unprotected: a hint, no proof"
        text = assemble(
            f"{page.data(hint_words(hint))}, said by {page.address(hint.sender)}",
            f" at {page.at(hint.at_ns)}" if hint.at_ns >= ORDER_LIMIT_NS else "",
            (f" ({told})", FAINT),
        )
        page.entry("hint", text)
    if len(peer.hints) > limit:
        rest = counted(len(peer.hints) - limit, "more hint")
        page.entry("", (f"{page.signs.more} {rest} not shown (-v shows all)", FAINT))
    if len(peer.addresses) > 1:
        shown = [page.address(address) for address in peer.addresses[:ADDRESSES_SHOWN]]
        if len(peer.addresses) > len(shown):
            shown.append(f"{page.signs.more} {len(peer.addresses) - len(shown)} more")
        page.entry("addresses", f"the remote side was seen at {', '.join(shown)}")
    if peer.unknown_informationals:
        page.entry("unknown", sa_words.unknown_informationals(peer.unknown_informationals))
    problems(page, peer.problems)
    if page.verbose:
        basis = words.LOCAL_BASIS[peer.local_basis]
        page.entry("local", (f"{page.address(peer.local)} is taken as ours: {basis}", FAINT))


__all__ = ["esp_flows", "ike_sas", "policies", "remarks", "shown"]
