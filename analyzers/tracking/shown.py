"""What devices showed of their SAs, brought to the peers it is about (dpd-semantics section 5.4).

Two outputs in which the packets sent into a Child SA grow and those out of it do not are evidence
of a black hole, and bound it, also where nothing was captured.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Final

from msgspec import Struct
from msgspec.structs import replace

from analyzers.model.black_hole import BlackHole
from analyzers.model.peer import LocalBasis, PeerState, PeerView, ShownSa, StateSpan
from analyzers.model.records import Confidence, Ref
from analyzers.model.snapshot import (
    CounterChange,
    SaSnapshot,
    Snapshot,
    SnapshotFormat,
)
from analyzers.model.time import NS_PER_SECOND, nanoseconds
from analyzers.tracking.configured import Configured
from analyzers.tracking.one_way import came_in, sender_of, with_silences
from analyzers.tracking.shown_sas import Told, with_shown_sas

_MISSING_DPD_NS: Final = 10 * NS_PER_SECOND
_MAX_SHOWN: Final = 200
# Packets that came since an output longer ago do not tell that the peer lives at the next one.
_RECENT_S: Final = 120
_UNKNOWN_LOCAL: Final = "local"


class Shown(Struct, frozen=True):
    """All outputs of one input, on the common clock."""

    source: str
    snapshots: tuple[Snapshot, ...]
    changes: tuple[CounterChange, ...]


def with_shown(
    peers: Sequence[PeerView],
    shown: Iterable[Shown],
    least_s: float,
    configured: Configured | None = None,
) -> tuple[PeerView, ...]:
    """The peers with what was shown of them; peers that only were shown come last.

    `least_s`: shorter black holes are not reported; `configured`: what is known of these peers by
    configurations and the user.
    """
    known = _Known(peers)
    gathered = known.peers
    alone: dict[int, list[Told]] = defaultdict(list)
    changed: dict[int, list[tuple[str, CounterChange]]] = defaultdict(list)
    for item in shown:
        for snapshot in item.snapshots:
            for entry in snapshot.entries:
                remote = entry.remote or entry.name
                place = known.place_of(entry.local, remote, _spis(entry), snapshot.at_ns)
                if place is None:
                    continue
                peer = gathered[place]
                if len(peer.shown) < _MAX_SHOWN:
                    shown_sa = _shown_sa(item.source, snapshot, entry)
                    peer = replace(peer, shown=(*peer.shown, shown_sa))
                if place >= len(peers):
                    alone[place].append(Told(item.source, snapshot, entry))
                    peer = replace(peer, last_ns=max(peer.last_ns, snapshot.at_ns or 0))
                gathered[place] = peer
        for change in item.changes:
            spis = {change.inbound_spi, change.outbound_spi}
            remote = change.remote or change.name
            place = known.place_of(change.local, remote, spis, change.from_ns)
            if place is not None:
                changed[place].append((item.source, change))
    for place, told in alone.items():
        peer = with_shown_sas(gathered[place], told)
        gathered[place] = peer if configured is None else _with_configured(peer, configured)
    for place, changes in changed.items():
        gathered[place] = _with_changes(gathered[place], changes, least_s)
    return tuple(gathered)


class _Known:
    """The peers, found by what an output says of them."""

    def __init__(self, peers: Iterable[PeerView]) -> None:
        self.peers: list[PeerView] = []
        self._by_spi: dict[str, int] = {}
        # In order, and quickly asked for: dicts without values.
        self._by_end: dict[str, dict[int, None]] = defaultdict(dict)
        self._by_remote: dict[str, list[int]] = defaultdict(list)
        for peer in peers:
            self._add(peer)

    def _add(self, peer: PeerView) -> int:
        place = len(self.peers)
        self.peers.append(peer)
        for flow in peer.esp_flows:
            self._by_spi.setdefault(flow.spi, place)
        remotes = {peer.remote, *peer.addresses}
        for end in remotes:
            self._by_remote[end].append(place)
        for end in {peer.local, *remotes}:
            self._by_end[end][place] = None
        return place

    def place_of(
        self, local: str, remote: str, spis: Iterable[str | None], at_ns: int | None
    ) -> int | None:
        """The index of the peer an output is about; a new one where none is known.

        None: the output names nobody.
        """
        by_spi = [self._by_spi[spi] for spi in spis if spi in self._by_spi]
        if by_spi:
            return min(by_spi)
        there = self._by_end.get(remote, {})
        if local:
            here = self._by_end.get(local, {})
            # One of the two is every peer of a hub.
            few, many = sorted((here, there), key=len)
            both = next((place for place in few if place in many), None)
            if both is not None:
                return both
        elif there:
            return next(iter(there))
        same = self._by_remote.get(remote, ())
        if len(same) == 1:
            return same[0]
        if not remote:
            return None
        new = _new_peer(len(self.peers), local or _UNKNOWN_LOCAL, remote, at_ns or 0)
        return self._add(new)


def _counted(
    peer: PeerView, hole: BlackHole, changes: Sequence[tuple[str, CounterChange]]
) -> BlackHole:
    """A black hole that no capture shows, with what counters say of the packets sent into it."""
    if hole.traffic_known or hole.is_counted or hole.max_seconds <= 0:
        return hole
    begin_ns = hole.stop_ns - nanoseconds(hole.max_seconds)
    # Several commands show the same counters: what each of them says is counted by itself.
    within: dict[tuple[str, SnapshotFormat], int] = defaultdict(int)
    around: dict[tuple[str, SnapshotFormat], int] = defaultdict(int)
    for source, change in changes:
        first, last, sent = change.from_ns, change.to_ns, change.encaps_packets
        if first is None or last is None or sent is None or sender_of(peer, change) != hole.sender:
            continue
        if begin_ns <= first and last <= hole.stop_ns:
            within[source, change.format] += sent
        if first <= begin_ns and hole.stop_ns <= last:
            around[source, change.format] += sent
    return replace(
        hole,
        counted_least=max(within.values(), default=None),
        counted_most=max(around.values(), default=None),
    )


def _spis(entry: SaSnapshot) -> set[str]:
    return {s for c in entry.children for s in (c.inbound_spi, c.outbound_spi) if s}


def _new_peer(number: int, local: str, remote: str, at_ns: int) -> PeerView:
    return PeerView(
        id=f"p{number + 1}",
        local=local,
        remote=remote,
        local_basis=LocalBasis.LOG,
        state=PeerState.UNKNOWN,
        first_ns=at_ns,
        last_ns=at_ns,
        ike_sas=(),
        esp_flows=(),
        exchanges=(),
        deletes=(),
        black_holes=(),
        policies=(),
        states=(StateSpan(PeerState.UNKNOWN, at_ns),),
        activity=None,
        hints=(),
        problems=(),
        last_proof_ns=None,
        rtt_ns=None,
        ike_messages=0,
        retransmissions=0,
        unknown_informationals=0,
        addresses=(remote,),
        confidence=Confidence.SUSPECT,
    )


def _shown_sa(source: str, snapshot: Snapshot, entry: SaSnapshot) -> ShownSa:
    dpd = entry.dpd
    return ShownSa(
        at_ns=snapshot.at_ns,
        ref=Ref(source, entry.line),
        command=snapshot.command or snapshot.format.value,
        ike_version=entry.ike_version,
        state=entry.state,
        uptime_s=entry.age_s,
        remaining_s=entry.remaining_s,
        dpd_active=None if dpd is None else dpd.active,
        dpd=None if dpd is None else dpd.evidence,
        interval_s=None if dpd is None else dpd.interval_s,
        retry_s=None if dpd is None else dpd.retry_s,
        spis=tuple(sorted(_spis(entry))),
        encaps_packets=_sum(c.encaps_packets for c in entry.children),
        decaps_packets=_sum(c.decaps_packets for c in entry.children),
    )


def _with_configured(peer: PeerView, configured: Configured) -> PeerView:
    """A peer that only was shown, with the policies that both its ends are held to."""
    version = next((sa.ike_version for sa in reversed(peer.shown) if sa.ike_version), None)
    ends = peer.local, peer.remote
    policies = configured.of_ends(ends, version)
    basis = LocalBasis.CONFIG if configured.local(ends) == 0 else peer.local_basis
    return replace(peer, local_basis=basis, policies=(*peer.policies, *policies))


def _sum(counts: Iterable[int | None]) -> int | None:
    known = [count for count in counts if count is not None]
    return sum(known) if known else None


def _with_changes(
    peer: PeerView, changes: Sequence[tuple[str, CounterChange]], least_s: float
) -> PeerView:
    """What counters say of a peer; what else is known of it goes before its state by them."""
    unknown = peer.state is PeerState.UNKNOWN
    peer = with_silences(peer, [change for _, change in changes], least_s)
    if unknown:
        peer = _with_state(peer, [change for _, change in changes])
    counted = [(source, change) for source, change in changes if change.silent]
    holes = tuple(_counted(peer, hole, counted) for hole in peer.black_holes)
    return replace(peer, black_holes=holes)


def _with_state(peer: PeerView, changes: Sequence[CounterChange]) -> PeerView:
    """A peer of which nothing else is known, as counters last show it."""
    silent = [change for change in changes if change.silent]
    came = [change for change in changes if came_in(change)]
    last = max(came, key=lambda change: change.newer_line, default=None)
    doubted = max((change.older_line for change in silent), default=0)
    if last is not None and last.newer_line > doubted:
        if last.elapsed_s is None or last.elapsed_s > _RECENT_S:
            return peer
        span = StateSpan(PeerState.ALIVE, last.to_ns or peer.first_ns)
        confidence = Confidence.INFERRED
    elif silent:
        # Packets go out and nothing comes back.
        span = StateSpan(PeerState.QUESTIONABLE, silent[-1].to_ns or peer.first_ns)
        confidence = Confidence.SUSPECT
    else:
        return peer
    return replace(peer, state=span.state, confidence=confidence, states=(*peer.states, span))
