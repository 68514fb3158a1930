"""The text report of `dpdlab report`: what is wrong first, then the evidence, peer by peer."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Final

from rich.console import Console
from rich.text import Text

from analyzers.export.content import Content
from analyzers.model.finding import Finding
from analyzers.model.peer import PeerView
from analyzers.model.records import Ref, SourceInfo
from analyzers.model.time import ORDER_LIMIT_NS
from dpdlab.present import words
from dpdlab.present.formatting import (
    Clock,
    counted,
    state_severity,
    utc_date,
    worst_first,
)
from dpdlab.present.text import black_holes, details, exchanges, findings, summary
from dpdlab.present.text import peers as peer_table
from dpdlab.present.text.lanes import LanePainter
from dpdlab.present.text.page import FAINT, SEVERITY_STYLE, Page, Part, assemble

SICK_IN_DETAIL: Final = 8
"""Peers with trouble told in full without -v."""
FEW_PEERS: Final = 2
"""Up to so many peers, healthy ones are told in full too."""


def render(content: Content, *, console: Console, ascii_only: bool, verbose: int) -> None:
    """Write the report to `console`; `verbose` 1 and more unfolds every list.

    Nothing is written but lines that fit `console.width`, long addresses aside.
    """
    sources = content.sources
    ordered = sorted(content.peers, key=worst_first)
    page = _page(sources, ordered, console, ascii_only, verbose)
    if not ordered:
        summary.nothing_found(page, sources, content.diagnosis, filtered=bool(content.filter))
        return
    summary.verdict(page, ordered, partial=bool(content.filter))
    page.gap()
    summary.inputs(page, sources, content.alignments)
    summary.notes(page, content.diagnosis)
    page.gap()
    peer_table.table(page, ordered)
    _findings(page, content)
    painter = LanePainter(page)
    told = _in_detail(ordered, verbose)
    for peer in told:
        _peer(page, peer, painter)
    hidden = len(ordered) - len(told)
    if hidden:
        page.gap()
        rest = f"{counted(hidden, 'peer')} only in the table above (-v tells all)"
        page.line((f"{page.signs.more} {rest}", FAINT))


def render_summary(content: Content, *, console: Console, ascii_only: bool) -> None:
    """What it comes to, on a few lines: the verdict, what was read, and the peers in trouble."""
    ordered = sorted(content.peers, key=worst_first)
    page = _page(content.sources, ordered, console, ascii_only, 0)
    if not ordered:
        summary.nothing_found(page, content.sources, content.diagnosis)
        return
    summary.verdict(page, ordered)
    page.gap()
    summary.inputs(page, content.sources, content.alignments)
    page.gap()
    sick = [peer for peer in ordered if not peer_table.is_healthy(peer)]
    told = ordered if len(ordered) <= SICK_IN_DETAIL else sick[:SICK_IN_DETAIL]
    if told:
        peer_table.table(page, told)
    if len(told) < len(ordered):
        page.line((f"{page.signs.more} {counted(len(ordered) - len(told), 'more peer')}", FAINT))
    page.gap()
    findings.titles(page, content.findings)


def _findings(page: Page, content: Content) -> None:
    """What the rules say, after who is concerned."""
    peers = {peer.id: peer for peer in content.peers}

    def where(ref: Ref) -> str:
        return page.place(ref)

    def lead(finding: Finding) -> Text:
        peer = peers.get(finding.peer or "")
        parts = [] if finding.at_ns is None else [page.at(finding.at_ns)]
        if peer is not None and len(peers) > 1:
            parts.append(page.remote(peer))
        parts += [where(ref) for ref in finding.refs[:1]]
        return Text(f"{', '.join(parts)}: " if parts else "")

    if not content.findings and not content.suppressed:
        return
    page.gap()
    findings.brief(page, content.findings, lead, where)
    findings.suppressed(page, content.suppressed)


def _page(
    sources: Sequence[SourceInfo],
    ordered: Sequence[PeerView],
    console: Console,
    ascii_only: bool,
    verbose: int,
) -> Page:
    starts = [s.first_ns for s in sources if s.first_ns is not None]
    starts += [peer.first_ns for peer in ordered]
    ends = [s.last_ns for s in sources if s.last_ns is not None]
    ends += [peer.last_ns for peer in ordered]
    # Places in a log without times are none.
    starts = [at for at in starts if at >= ORDER_LIMIT_NS]
    start, end = min(starts, default=0), max(ends, default=0)
    return Page(
        console,
        ascii_only=ascii_only,
        verbose=verbose,
        clock=Clock.starting(start, sources),
        several_days=utc_date(start) != utc_date(end),
        several_sources=len(sources) > 1,
        texts=frozenset(s.id for s in sources if s.kind != "capture"),
        alike=_alike(ordered),
    )


def _alike(peers: Sequence[PeerView]) -> frozenset[str]:
    """Ids of peers that have both addresses of another, as clients behind one NAT do."""
    ends = Counter((peer.local, peer.remote) for peer in peers)
    return frozenset(peer.id for peer in peers if ends[peer.local, peer.remote] > 1)


def _in_detail(ordered: Sequence[PeerView], verbose: int) -> Sequence[PeerView]:
    if verbose or len(ordered) <= FEW_PEERS:
        return ordered
    return [peer for peer in ordered if not peer_table.is_healthy(peer)][:SICK_IN_DETAIL]


def _peer(page: Page, peer: PeerView, painter: LanePainter) -> None:
    page.gap()
    _heading(page, peer)
    page.gap()
    if peer.last_ns >= ORDER_LIMIT_NS:
        painter.paint(peer)
    black_holes.stories(page, peer)
    page.gap()
    exchanges.exchanges(page, peer)
    exchanges.deletes(page, peer)
    page.gap()
    details.policies(page, peer)
    details.ike_sas(page, peer)
    details.esp_flows(page, peer)
    details.shown(page, peer)
    details.remarks(page, peer)


def _heading(page: Page, peer: PeerView) -> None:
    style = SEVERITY_STYLE[state_severity(peer.state)]
    versions = "+".join(map(str, peer.ike_versions))
    ending: list[Part] = [f"IKEv{versions}"] if versions else []
    ending.append((words.peer_phrase(peer), style))
    rule = page.signs.rule
    lead = Text(rule * 2 + " ", FAINT)
    addresses = Text(page.ends(peer), "bold")
    end = assemble(" ", page.dots(ending), (f" {rule * 2}", FAINT))
    room = page.width - lead.cell_len - addresses.cell_len - end.cell_len - 1
    if room >= 1:
        page.line(assemble(lead, addresses, " ", (rule * room, FAINT), end))
        return
    # Two long addresses: one line each.
    page.line(assemble(lead, (page.address(peer.local), "bold")))
    second = assemble(
        f"{page.signs.to:>4} ",
        (page.remote(peer), "bold"),
    )
    if second.cell_len + end.cell_len <= page.width:
        page.line(assemble(second, end))
    else:
        page.line(second)
        page.line(assemble("  ", end))
