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

from analyzers.model.black_hole import BlackHole, BlackHoleClass, Phase, PhaseName, StopBasis
from analyzers.model.exchange import Outcome
from analyzers.model.peer import Hint, LocalBasis, PeerState, PeerView, ShownSa, StateSpan
from analyzers.model.records import Confidence, Ref
from analyzers.model.snapshot import CounterChange, SaSnapshot, Snapshot, SnapshotFormat
from analyzers.model.time import NS_PER_SECOND, nanoseconds

_MISSING_DPD_NS: Final = 10 * NS_PER_SECOND
_MAX_SHOWN: Final = 200
_UNKNOWN_LOCAL: Final = "local"


class Shown(Struct, frozen=True):
    """All outputs of one input, on the common clock."""

    source: str
    snapshots: tuple[Snapshot, ...]
    changes: tuple[CounterChange, ...]


def with_shown(
    peers: Sequence[PeerView], shown: Iterable[Shown], least_s: float
) -> tuple[PeerView, ...]:
    """The peers with what was shown of them; peers that only were shown come last.

    `least_s`: shorter black holes are not reported.
    """
    known = _Known(peers)
    gathered = known.peers
    silent: dict[int, list[tuple[str, CounterChange]]] = defaultdict(list)
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
                    gathered[place] = replace(peer, shown=(*peer.shown, shown_sa))
        for change in item.changes:
            if change.silent:
                spis = {change.inbound_spi, change.outbound_spi}
                remote = change.remote or change.name
                place = known.place_of(change.local, remote, spis, change.from_ns)
                if place is not None:
                    gathered[place] = _silent(gathered[place], item.source, change, least_s)
                    silent[place].append((item.source, change))
    for place, changes in silent.items():
        peer = gathered[place]
        holes = tuple(_counted(peer, hole, changes) for hole in peer.black_holes)
        gathered[place] = replace(peer, black_holes=holes)
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
    if hole.traffic_known or hole.max_seconds <= 0:
        return hole
    begin_ns = hole.stop_ns - nanoseconds(hole.max_seconds)
    # Several commands show the same counters: what each of them says is counted by itself.
    within: dict[tuple[str, SnapshotFormat], int] = defaultdict(int)
    around: dict[tuple[str, SnapshotFormat], int] = defaultdict(int)
    for source, change in changes:
        first, last, sent = change.from_ns, change.to_ns, change.encaps_packets
        if first is None or last is None or sent is None or _sender(peer, change) != hole.sender:
            continue
        if begin_ns <= first and last <= hole.stop_ns:
            within[source, change.format] += sent
        elif first <= begin_ns and hole.stop_ns <= last:
            around[source, change.format] += sent
    return replace(
        hole,
        counted_least=max(within.values(), default=None),
        counted_most=max(around.values(), default=None),
    )


def _sender(peer: PeerView, change: CounterChange) -> str:
    """The device that shows its counters is the one that sends."""
    return peer.remote if change.local in {peer.remote, *peer.addresses} else peer.local


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


def _sum(counts: Iterable[int | None]) -> int | None:
    known = [count for count in counts if count is not None]
    return sum(known) if known else None


def _silent(peer: PeerView, source: str, change: CounterChange, least_s: float) -> PeerView:
    refs = (Ref(source, change.older_line), Ref(source, change.newer_line))
    sender = _sender(peer, change)
    receiver = peer.remote if sender == peer.local else peer.local
    hint = Hint(change.to_ns or peer.first_ns, sender, change.evidence, refs[1])
    peer = replace(peer, hints=tuple(sorted((*peer.hints, hint), key=lambda h: h.at_ns)))
    if peer.state is PeerState.UNKNOWN:
        # Packets go out and nothing comes back, and nothing else is known of the peer.
        doubt = StateSpan(PeerState.QUESTIONABLE, hint.at_ns)
        peer = replace(peer, state=PeerState.QUESTIONABLE, states=(*peer.states, doubt))
    start, stop = change.from_ns, change.to_ns
    if start is None or stop is None or stop <= start:
        return peer
    if change.last_inbound_s is not None:
        # The device says itself since when nothing has come in.
        start = max(start, stop - nanoseconds(change.last_inbound_s))
    known = any(_overlap(h, start, stop) for h in peer.black_holes)
    if known or (stop - start) / NS_PER_SECOND < least_s:
        return peer
    hole = BlackHole(
        id=f"{peer.id}-shown{len(peer.black_holes) + 1}",
        sender=sender,
        receiver=receiver,
        black_hole_class=_class(peer, start, stop),
        last_proof_ns=None,
        first_exposed_ns=start,
        questionable_ns=None,
        first_probe_ns=None,
        dead_ns=None,
        dead_basis=None,
        stop_ns=stop,
        stop_basis=StopBasis.CAPTURE_END,
        recovered_ns=None,
        min_seconds=0.0,
        max_seconds=round((stop - start) / NS_PER_SECOND, 6),
        min_packets=0,
        max_packets=change.encaps_packets or 0,
        max_bytes=change.encaps_bytes or 0,
        phases=(Phase(PhaseName.UNQUESTIONED, start, stop),),
        confidence=Confidence.SUSPECT,
        refs=refs,
        spis=tuple(s for s in (change.inbound_spi, change.outbound_spi) if s),
    )
    holes = sorted((*peer.black_holes, hole), key=lambda h: h.stop_ns)
    return replace(peer, black_holes=tuple(holes))


def _overlap(hole: BlackHole, start: int, stop: int) -> bool:
    begins = [hole.first_exposed_ns, hole.last_proof_ns, hole.first_probe_ns, hole.stop_ns]
    first = next(at_ns for at_ns in begins if at_ns is not None)
    return first <= stop and hole.stop_ns >= start


def _class(peer: PeerView, start: int, stop: int) -> BlackHoleClass:
    """What the questions of that time say: answered ones leave the data plane."""
    asked = [x for x in peer.exchanges if start <= x.first_ns <= stop]
    if any(x.outcome is Outcome.ANSWERED for x in asked):
        return BlackHoleClass.DATA_PLANE
    if peer.exchanges and not asked and stop - start >= _MISSING_DPD_NS:
        return BlackHoleClass.MISSING_DPD
    return BlackHoleClass.OPEN
