"""What screens look up of a report again and again, worked out once when the report is made.

Everything here costs as much as there are peers and exchanges; what stands in it costs nothing to
ask. So it is made where the report is made, and never while a key waits for its answer.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Final, NamedTuple

import numpy as np
from msgspec import Struct, field

from analyzers.export.content import Content
from analyzers.export.spans import Window, last_known_ns
from analyzers.export.story import arriving, certainly_in_vain_s
from analyzers.export.verdict import Verdict, verdict_of
from analyzers.model.finding import Finding
from analyzers.model.peer import PeerView
from analyzers.model.records import Ref, SourceInfo
from analyzers.model.time import ORDER_LIMIT_NS
from dpdlab.present.esp import packets_until
from dpdlab.present.folding import to_scale
from dpdlab.present.in_vain import repeated_in_vain_ns
from dpdlab.present.scale import Scale
from dpdlab.present.tallies import Tally, tally_of

_GRID: Final = 1024
"""Pieces of the whole time in which traffic is counted: more than any terminal has columns."""


class Silence(NamedTuple):
    """A black hole on the bar of the whole time; times in ns."""

    begin_ns: int
    stop_ns: int
    asked_ns: int | None
    """From here on it was certain: a question went unanswered."""


class Digest(Struct, frozen=True):
    """Of one report."""

    start_ns: int = 0
    """The first time in it; 0 without any."""
    end_ns: int = 0
    verdict: Verdict | None = None
    """None without peers."""
    peers: Mapping[str, PeerView] = field(default_factory=dict)
    tallies: Mapping[str, Tally] = field(default_factory=dict)
    worst: Sequence[PeerView] = ()
    """The peers, the worst first."""
    findings: Mapping[str, Sequence[Finding]] = field(default_factory=dict)
    """By the id of their peer, in the order of the report."""
    resting: Mapping[Ref, Sequence[Finding]] = field(default_factory=dict)
    """By the places they rest on."""
    silences: Sequence[Silence] = ()
    given_up_ns: Sequence[int] = ()
    """When somebody was given up, in the order of the peers."""
    unseen: Sequence[Window] = ()
    """Stretches of the time that no input is of."""
    repeats_ns: Sequence[int] = ()
    """The beginnings of those pieces of the time in which questions were repeated; no more than
    there are columns anywhere."""
    edges_ns: Sequence[int] = (0, 1)
    packets_out: Sequence[float] = (0.0, 0.0)
    packets_back: Sequence[float] = (0.0, 0.0)
    """ESP packets of all peers up to each of `edges_ns`."""

    def packets_per_cell(self, scale: Scale) -> tuple[list[float], list[float]]:
        """ESP out and back in each cell of a scale."""
        zero_ns = self.edges_ns[0]
        # Differences: the times themselves have more digits than a float.
        edges = np.asarray(scale.edges()) - zero_ns
        known = np.asarray(self.edges_ns) - zero_ns

        def rates(so_far: Sequence[float]) -> list[float]:
            packets = np.diff(np.interp(edges, known, np.asarray(so_far)))
            return [float(rate) for rate in np.round(packets, 6)]

        return rates(self.packets_out), rates(self.packets_back)


def digest_of(content: Content, *, partial: bool = False, ongoing: bool = False) -> Digest:
    """The digest of a report; `partial`: of one that a filter has narrowed.

    `ongoing`: things happen still, and what is open now is told from what is past.
    """
    findings: defaultdict[str, list[Finding]] = defaultdict(list)
    resting: defaultdict[Ref, list[Finding]] = defaultdict(list)
    for finding in content.findings:
        if finding.peer is not None:
            findings[finding.peer].append(finding)
        for ref in dict.fromkeys(finding.refs):
            resting[ref].append(finding)
    tallies = {peer.id: tally_of(peer, findings.get(peer.id, ())) for peer in content.peers}
    start_ns, end_ns = _span(content)
    given_up_ns = [
        exchange.verdict_ns
        for peer in content.peers
        for exchange in peer.exchanges
        if exchange.verdict_ns is not None
    ]
    unseen = _unseen(content.sources, given_up_ns)
    grid: list[int] = []
    if start_ns >= ORDER_LIMIT_NS and end_ns > start_ns:
        grid = to_scale(Window(start_ns, end_ns), _GRID, unseen).edges()
    packets_out, packets_back = _packets(content.peers, grid)
    return Digest(
        start_ns=start_ns,
        end_ns=end_ns,
        verdict=verdict_of(content.peers, partial=partial, ongoing=ongoing)
        if content.peers
        else None,
        peers={peer.id: peer for peer in content.peers},
        tallies=tallies,
        worst=sorted(content.peers, key=lambda p: tallies[p.id].worst_first),
        findings=findings,
        resting=resting,
        silences=[
            Silence(
                hole.begin_ns,
                hole.stop_ns,
                hole.first_probe_ns if certainly_in_vain_s(hole, there) > 0 else None,
            )
            for peer, there in ((peer, arriving(peer)) for peer in content.peers)
            for hole in peer.black_holes
            if hole.max_seconds > 0
        ],
        given_up_ns=given_up_ns,
        unseen=unseen,
        repeats_ns=_repeats(content.peers, grid),
        edges_ns=grid or (0, 1),
        packets_out=packets_out,
        packets_back=packets_back,
    )


def _span(content: Content) -> tuple[int, int]:
    starts = [s.first_ns for s in content.sources if s.first_ns is not None]
    starts += [peer.first_ns for peer in content.peers]
    ends = [s.last_ns for s in content.sources if s.last_ns is not None]
    # An inferred verdict can lie after the last packet.
    ends += [last_known_ns(peer) for peer in content.peers]
    return min((at for at in starts if at >= ORDER_LIMIT_NS), default=0), max(ends, default=0)


def _unseen(sources: Iterable[SourceInfo], known_ns: Iterable[int]) -> list[Window]:
    """The stretches between the inputs; what is concluded, at `known_ns`, may be after them."""
    seen = [(at_ns, at_ns) for at_ns in known_ns]
    seen += [
        (source.first_ns, source.last_ns)
        for source in sources
        if source.first_ns is not None and source.last_ns is not None
    ]
    found: list[Window] = []
    until_ns: int | None = None
    for first_ns, last_ns in sorted(seen):
        if until_ns is not None and first_ns > until_ns >= ORDER_LIMIT_NS:
            found.append(Window(until_ns, first_ns))
        until_ns = max(until_ns or 0, last_ns)
    return found


def _repeats(peers: Sequence[PeerView], grid: Sequence[int]) -> list[int]:
    """Where questions were repeated, and other requests in vain, on a grid."""
    if not grid:
        return []
    repeated = [
        sent.at_ns
        for peer in peers
        for exchange in peer.exchanges
        if len(exchange.transmissions) > 1
        for sent in exchange.transmissions[1:]
    ]
    repeated += [at_ns for peer in peers for at_ns in repeated_in_vain_ns(peer)]
    places = np.unique(np.searchsorted(grid, repeated, side="right") - 1)
    return [grid[place] for place in places if 0 <= place < len(grid)]


def _packets(
    peers: Iterable[PeerView], grid: Sequence[int]
) -> tuple[Sequence[float], Sequence[float]]:
    if not grid:
        return (0.0, 0.0), (0.0, 0.0)
    sums = np.zeros((2, len(grid)))
    edges = np.asarray(grid)
    for peer in peers:
        activity = peer.activity
        if activity is None:
            continue
        since = (edges - activity.start_ns).astype(np.float64)
        for total, counts in zip(sums, (activity.outbound, activity.inbound), strict=True):
            total += packets_until(activity, counts, since)
    return sums[0].tolist(), sums[1].tolist()
