"""What the console shows, and where the user is in it. Nothing here paints."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

from analyzers.export.content import Content
from analyzers.export.formatting import Glyphs, glyphs, worst_first
from analyzers.model.finding import Finding, Severity
from analyzers.model.observations import IkeMessage
from analyzers.model.peer import PeerView
from analyzers.model.time import ORDER_LIMIT_NS
from analyzers.session.log_lines import LogLines
from dpdlab.present.events import Event, events_of
from dpdlab.present.filter import Filter, narrowed
from dpdlab.present.times import TimeFormat

_EVENT_LISTS_KEPT = 64


class ColourBy(StrEnum):
    """What colour tells in lists of messages."""

    STATE = "state"
    PEER = "peer"
    DIRECTION = "direction"

    def next(self) -> ColourBy:
        """The one after this."""
        ways = list(ColourBy)
        return ways[(ways.index(self) + 1) % len(ways)]


@dataclass
class Model:
    """One writer: the application. Views read it, and ask the application for changes."""

    whole: Content
    """Everything that is known by now."""
    signs: Glyphs = field(default_factory=lambda: glyphs(False))
    ascii_only: bool = False
    filter: Filter | None = None
    peer_id: str | None = None
    """The peer that timeline and ladder show."""
    at_ns: int | None = None
    """The moment that all views share."""
    range_ns: tuple[int, int] | None = None
    """The stretch of time that was chosen in the overview."""
    times: TimeFormat = field(default_factory=TimeFormat)
    colour_by: ColourBy = ColourBy.STATE
    selected_peers: frozenset[str] = frozenset()
    """Peers that stand one above the other in the timeline."""
    done: bool = False
    """The inputs are read to their end."""
    failure: str = ""
    """Why the inputs cannot be read; empty if they can."""
    revision: int = 0
    log: LogLines | None = None
    """The lines of the logs; None until they are looked up."""

    def __post_init__(self) -> None:
        self.content = self.whole
        self._events: dict[str, list[Event]] = {}

    # --- what there is ---------------------------------------------------------------------

    def take(self, whole: Content, *, done: bool) -> None:
        """Newer results of the engine."""
        self.whole, self.done = whole, done
        self._narrow()

    def set_filter(self, wanted: Filter | None) -> None:
        """Show only what a filter matches; None shows all."""
        self.filter = wanted
        self._narrow()

    def _narrow(self) -> None:
        self.content = self.whole if self.filter is None else narrowed(self.whole, self.filter)
        self._events.clear()
        self.revision += 1
        known = {peer.id for peer in self.content.peers}
        if self.peer_id not in known:
            worst = min(self.content.peers, key=worst_first, default=None)
            self.peer_id = None if worst is None else worst.id
        self.times = TimeFormat(
            self.times.mode, self.start_ns, self.times.mark_ns, self.times.digits
        )

    @property
    def peers(self) -> tuple[PeerView, ...]:
        """The peers that the filter leaves."""
        return self.content.peers

    @property
    def peer(self) -> PeerView | None:
        """The peer that timeline and ladder show."""
        return next((peer for peer in self.peers if peer.id == self.peer_id), None)

    def peer_of(self, finding: Finding) -> PeerView | None:
        """Whose finding it is."""
        return next((peer for peer in self.peers if peer.id == finding.peer), None)

    @property
    def start_ns(self) -> int:
        """When the inputs begin."""
        starts = [s.first_ns for s in self.whole.sources if s.first_ns is not None]
        starts += [peer.first_ns for peer in self.whole.peers]
        return min((at for at in starts if at >= ORDER_LIMIT_NS), default=0)

    @property
    def end_ns(self) -> int:
        """When the inputs end."""
        ends = [s.last_ns for s in self.whole.sources if s.last_ns is not None]
        ends += [peer.last_ns for peer in self.whole.peers]
        return max(ends, default=0)

    def events(self, peer: PeerView) -> list[Event]:
        """The events of a peer, in the order of time."""
        known = self._events.get(peer.id)
        if known is None:
            if len(self._events) >= _EVENT_LISTS_KEPT:
                self._events.pop(next(iter(self._events)))
            known = self._events[peer.id] = events_of(peer)
        return known

    def events_messages(self, message: IkeMessage) -> list[IkeMessage]:
        """The messages of the same IKE SA up to this one."""
        peer = self.peer
        if peer is None:
            return []
        return [m for m in peer.messages if m.ike_sa == message.ike_sa and m.at_ns <= message.at_ns]

    def findings_of(self, peer: PeerView, severity: Severity | None = None) -> list[Finding]:
        """Findings of a peer, of one severity or all, in the order of time."""
        found = [
            f for f in self.content.findings if f.peer == peer.id and severity in (None, f.severity)
        ]
        return sorted(found, key=lambda f: f.at_ns or 0)

    def path_of(self, source: str) -> str:
        """The file of a source."""
        return next((s.path for s in self.whole.sources if s.id == source), source)
