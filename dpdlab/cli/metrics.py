"""What a live session knows, for Prometheus: `live --metrics`.

The names are a public promise, as those of the JSON report are. Nothing of a session is touched
when somebody asks: the answer is made of what the session handed over last.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final, NamedTuple

from msgspec import Struct, field
from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    InfoMetricFamily,
    Metric,
)

from analyzers.model.exchange import Exchange, Outcome
from analyzers.model.peer import PeerState, PeerView
from analyzers.model.time import seconds
from analyzers.session.live_health import SourceHealth
from analyzers.sources.feed import SourceState
from dpdlab import __version__
from dpdlab.present.safe import safe

MOST_PEERS: Final = 1000
"""With series of their own, the first ones that were seen; the others are counted by state."""
_MOST_LABEL: Final = 200
# So many exchanges back, what became of them changes no more.
_RECENT: Final = 32
_PEER: Final = ("local", "remote")
_SIDES: Final = ("local", "remote")


class _Counts(NamedTuple):
    """Liveness questions of one side."""

    probes: int = 0
    retries: int = 0
    unanswered: int = 0

    def plus(self, exchange: Exchange) -> _Counts:
        unanswered = exchange.outcome is Outcome.UNANSWERED
        return _Counts(
            self.probes + 1, self.retries + exchange.retries, self.unanswered + unanswered
        )


_NONE: Final = (_Counts(), _Counts())


class _Tally(Struct):
    """Counts of one peer that only grow, also when old exchanges are kept no more."""

    local: str
    exchanges: tuple[Exchange, ...] = ()
    before: tuple[_Counts, _Counts] = _NONE
    """Of exchanges that began before `done_ns`; of the local and of the remote side."""
    done_ns: int = 0
    now: tuple[_Counts, _Counts] = _NONE

    def take(self, exchanges: tuple[Exchange, ...]) -> None:
        """The exchanges as they are now, in the order of time."""
        if exchanges is self.exchanges:
            return
        self.exchanges = exchanges
        recent: list[Exchange] = []
        for exchange in reversed(exchanges):
            if exchange.first_ns < self.done_ns:
                break
            recent.append(exchange)
        counts = self._added(self.before, recent)
        # What was counted as unanswered may prove to be answered; counters do not go back.
        local, remote = (
            _Counts(*map(max, old, new)) for old, new in zip(self.now, counts, strict=True)
        )
        self.now = (local, remote)
        if len(recent) > 2 * _RECENT:
            self.done_ns = recent[_RECENT - 1].first_ns
            settled = [x for x in recent if x.first_ns < self.done_ns]
            self.before = self._added(self.before, settled)

    def _added(
        self, counts: tuple[_Counts, _Counts], exchanges: Sequence[Exchange]
    ) -> tuple[_Counts, _Counts]:
        local, remote = counts
        for exchange in exchanges:
            if exchange.prober == self.local:
                local = local.plus(exchange)
            else:
                remote = remote.plus(exchange)
        return local, remote


class _Known(NamedTuple):
    """What a session handed over."""

    peers: tuple[PeerView, ...] = ()
    sources: tuple[SourceHealth, ...] = ()
    event_ns: int = 0
    forgotten: int = 0


class Meter(Struct):
    """What is known now, and the counts that go on."""

    _known: _Known = field(default_factory=_Known)
    _tallies: dict[str, _Tally] = field(default_factory=dict)

    def update(
        self,
        peers: Sequence[PeerView],
        sources: Sequence[SourceHealth],
        event_ns: int,
        forgotten: int = 0,
    ) -> None:
        """Take what a session knows. `event_ns`: up to when, on the clock of its packets.

        To be called by the thread of the session; scrapes come from others.
        """
        for peer in peers[:MOST_PEERS]:
            tally = self._tallies.get(peer.id)
            if tally is None or tally.local != peer.local:
                tally = self._tallies[peer.id] = _Tally(peer.local)
            tally.take(peer.exchanges)
        self._known = _Known(tuple(peers), tuple(sources), event_ns, forgotten)

    def metrics(self) -> Iterator[Metric]:
        """Everything, as families of Prometheus."""
        known = self._known
        yield InfoMetricFamily("dpdlab", "The tool.", {"version": __version__})
        yield from _totals(known)
        yield from self._of_peers(known)
        yield from _of_sources(known.sources)

    def _of_peers(self, known: _Known) -> Iterator[Metric]:
        state = _gauge("peer_state", "1 for the state the peer is in.", *_PEER, "state")
        age = _gauge(
            "peer_last_proof_age_seconds", "Since the remote side was last proved alive.", *_PEER
        )
        rtt = _gauge("peer_rtt_seconds", "Median round trip of answered questions.", *_PEER)
        probes = _counter("peer_probes", "Liveness questions, by who asked.", *_PEER, "prober")
        retries = _counter(
            "peer_retries", "Transmissions of questions after the first one.", *_PEER, "prober"
        )
        unanswered = _counter(
            "peer_unanswered", "Questions that were given up on.", *_PEER, "prober"
        )
        holes = _gauge("peer_black_holes", "Black holes, by who sent into them.", *_PEER, "sender")
        lost = _gauge(
            "peer_black_hole_seconds",
            "Seconds of all black holes together: the lower and the upper bound.",
            *_PEER,
            "sender",
            "bound",
        )
        told: set[tuple[str, str]] = set()
        for peer in known.peers[:MOST_PEERS]:
            pair = (_label(peer.local), _label(peer.remote))
            if pair in told:
                continue
            told.add(pair)
            for each in PeerState:
                state.add_metric([*pair, each.value], float(peer.state is each))
            if peer.last_proof_ns is not None:
                # While nobody captures, the clock of the packets stands still, and time does not.
                now_ns = max(known.event_ns, peer.until_ns or 0)
                age.add_metric(pair, max(0.0, seconds(now_ns - peer.last_proof_ns)))
            if peer.rtt_ns is not None:
                rtt.add_metric(pair, seconds(peer.rtt_ns))
            tally = self._tallies.get(peer.id)
            for side, counts in zip(_SIDES, _NONE if tally is None else tally.now, strict=True):
                probes.add_metric([*pair, side], counts.probes)
                retries.add_metric([*pair, side], counts.retries)
                unanswered.add_metric([*pair, side], counts.unanswered)
                own = [h for h in peer.black_holes if (h.sender == peer.local) == (side == "local")]
                holes.add_metric([*pair, side], len(own))
                for bound, value in (
                    ("min", sum(hole.min_seconds for hole in own)),
                    ("max", sum(hole.max_seconds for hole in own)),
                ):
                    lost.add_metric([*pair, side, bound], value)
        yield from (state, age, rtt, probes, retries, unanswered, holes, lost)


def _totals(known: _Known) -> Iterator[Metric]:
    by_state = _gauge("peers", "Peers in each state.", "state")
    for each in PeerState:
        by_state.add_metric([each.value], sum(peer.state is each for peer in known.peers))
    yield by_state
    left_out = _gauge("peers_without_series", "Peers beyond the limit of those with series.")
    left_out.add_metric([], max(0, len(known.peers) - MOST_PEERS))
    yield left_out
    forgotten = _counter("events_forgotten", "Old events that are kept in memory no more.")
    forgotten.add_metric([], known.forgotten)
    yield forgotten


def _of_sources(sources: Sequence[SourceHealth]) -> Iterator[Metric]:
    labels = ("source", "kind")
    up = _gauge("source_up", "1 while the source is being read.", *labels)
    records = _counter("source_records", "Packets, or lines.", *labels)
    rate = _gauge("source_records_per_second", "Of the last two seconds.", *labels)
    dropped = _counter("source_dropped", "Records lost before they could be read.", *labels)
    restarts = _counter("source_restarts", "How often it broke off and went on.", *labels)
    silent = _gauge("source_silent_seconds", "Since its last record.", *labels)
    for source in {(source.name, source.kind): source for source in sources}.values():
        names = (_label(source.name), _label(source.kind))
        up.add_metric(names, float(source.state is SourceState.OPEN))
        records.add_metric(names, source.records)
        rate.add_metric(names, source.per_second)
        dropped.add_metric(names, source.dropped)
        restarts.add_metric(names, source.restarts)
        if source.silent_ns is not None:
            silent.add_metric(names, seconds(source.silent_ns))
    yield from (up, records, rate, dropped, restarts, silent)


def _gauge(name: str, text: str, *labels: str) -> GaugeMetricFamily:
    return GaugeMetricFamily(f"dpdlab_{name}", text, labels=labels)


def _counter(name: str, text: str, *labels: str) -> CounterMetricFamily:
    return CounterMetricFamily(f"dpdlab_{name}", text, labels=labels)


def _label(text: str) -> str:
    """A value from outside; quotes and backslashes are the library's to escape."""
    return safe(text)[:_MOST_LABEL]
