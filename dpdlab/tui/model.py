"""What the console shows, and where the user is in it. Nothing here paints."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from enum import StrEnum
from time import monotonic
from typing import TYPE_CHECKING, Final

from msgspec import Struct, field

from analyzers.export.content import Content
from analyzers.export.formatting import (
    TIME_DIGITS,
    Glyphs,
    duration,
    glyphs,
    not_before,
    stamp_digits,
)
from analyzers.export.spans import SHORTEST_WINDOW_NS, Window, whole
from analyzers.export.unlisted import why_no_hole
from analyzers.model.alignment import ClockBasis
from analyzers.model.finding import Finding, Severity
from analyzers.model.observations import IkeMessage
from analyzers.model.peer import PeerView
from analyzers.model.records import NO_DAMAGE, UNREADABLE, ProblemKind, Ref
from analyzers.model.time import NS_PER_SECOND
from analyzers.session.log_lines import LogLines
from analyzers.session.unfit import UNFIT
from dpdlab.present.asked import with_questions
from dpdlab.present.digest import Digest, digest_of
from dpdlab.present.events import Event, EventKind, events_of
from dpdlab.present.filter import Filter, narrowed
from dpdlab.present.folding import to_scale
from dpdlab.present.ranges import events_within, findings_within, is_silent
from dpdlab.present.readout import within
from dpdlab.present.scale import Scale
from dpdlab.present.tallies import Tally, holes_within, tally_of, tally_within
from dpdlab.present.timeline import PeerTimes
from dpdlab.present.times import TimeFormat
from dpdlab.tui.keymap import DEFAULT, Keymap, shown_key

if TYPE_CHECKING:
    from dpdlab.tui.live_reading import LiveNow

_SHORT_LIVED: Final = 2
"""Peers whose time is so many times shorter than all of the time are drawn on their own."""
_MARGIN_SHARE: Final = 20
"""They have a twentieth of their time on both sides."""
_LISTS_KEPT: Final = 64
_AT_ONCE: Final = 4_000
"""Exchanges and messages of a peer that are listed while a key waits; more take a thread."""

Later = Callable[[Callable[[], object], Callable[[object], None]], None]
"""Does the first in a thread of its own, then the second with its result where keys are read."""


class ColourBy(StrEnum):
    """What colour tells in lists of messages."""

    STATE = "state"
    PEER = "peer"
    DIRECTION = "direction"

    def next(self) -> ColourBy:
        """The one after this."""
        ways = list(ColourBy)
        return ways[(ways.index(self) + 1) % len(ways)]


class Listed(Struct, frozen=True):
    """One peer moment by moment."""

    events: list[Event]
    """In the order of time."""
    holes: list[int]
    """The places of those with which a black hole begins."""
    times: PeerTimes


def hole_places(events: Sequence[Event]) -> list[int]:
    """The places of events with which a black hole begins."""
    return [place for place, event in enumerate(events) if event.kind is EventKind.HOLE]


def listed_of(peer: PeerView, unseen: Sequence[Window] = (), *, ongoing: bool = False) -> Listed:
    """The events of a peer, and what drawings of it look up."""
    events = events_of(peer, ongoing=ongoing)
    return Listed(events, hole_places(events), PeerTimes(peer, unseen))


class Shown(Struct, frozen=True):
    """A report as a filter leaves it, with its digest."""

    content: Content
    digest: Digest


def shown_of(
    whole: Content, wanted: Filter | None, digest: Digest, *, ongoing: bool = False
) -> Shown:
    """What a filter leaves of a report; `digest` is that of the whole. For any thread."""
    if wanted is None:
        return Shown(whole, digest)
    content = with_questions(narrowed(whole, wanted))
    return Shown(content, digest_of(content, partial=True, ongoing=ongoing))


class Model(Struct, dict=True):
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
    range_goes_on: bool = False
    """It has no end while things happen: it reaches to this moment."""
    silent_range: bool = False
    """Nothing happened in that stretch."""
    window: Window | None = None
    """The stretch of time that the view in sight is about; None is all of it."""
    times: TimeFormat = field(default_factory=TimeFormat)
    colour_by: ColourBy = ColourBy.STATE
    selected_peers: frozenset[str] = frozenset()
    """Peers that stand one above the other in the timeline."""
    done: bool = False
    """The inputs are read to their end."""
    failure: str = ""
    crash: Exception | None = None
    """What the failure is, if it is one of the tool itself."""
    """Why the inputs cannot be read; empty if they can."""
    opening: tuple[str, ...] = ()
    """What is opened, until its sources are known."""
    revision: int = 0
    log: LogLines | None = None
    """The lines of the logs; None until they are looked up."""

    unread: int = 0
    """How many inputs could not be read at all."""
    damaged: bool = False
    """A part of an input could not be read."""
    unused: int = 0
    """How many policies and configurations that were given fit no peer."""
    clock_by_hand: bool = False
    """The user has set a clock."""
    clock_doubts: tuple[str, ...] = ()
    """Why such a clock cannot be right, in sentences."""

    paused: bool = False
    """What comes is not painted: all is as it was when that began."""
    live: LiveNow | None = None
    """How the sources are, in a session that goes on."""
    live_since_s: float = 0.0
    """When that came, on the clock of `monotonic`."""
    _now_ns: int | None = None
    keymap: Keymap = field(default_factory=lambda: DEFAULT)
    """The keys of all actions."""
    later: Later | None = None
    """How to do what takes long; None does it at once."""

    def __post_init__(self) -> None:
        self.content = self.whole
        self._note_sources()
        self.whole_digest = self.digest = digest_of(self.whole)
        self._tallies: dict[str, Tally] = {}
        self._listed: dict[str, Listed] = {}
        self._listing: set[str] = set()

    # --- now -------------------------------------------------------------------------------

    @property
    def ongoing(self) -> bool:
        """Whether more may come: things happen still, or are still read."""
        return self.now_ns is not None or not self.done

    @property
    def now_ns(self) -> int | None:
        """The time in a session that goes on; None where everything has happened already.

        It stays until `go_on`: all that is painted meanwhile tells of one moment.
        """
        if self.live is None or self.done:
            return None
        if self._now_ns is None:
            self.go_on()
        return self._now_ns

    def go_on(self) -> None:
        """It is now, for everything that is painted from here on."""
        if self.live is not None:
            passed_s = monotonic() - self.live_since_s
            self._now_ns = self.live.event_ns + round(passed_s * NS_PER_SECOND)

    # --- what there is ---------------------------------------------------------------------

    def take(
        self,
        whole: Content,
        *,
        done: bool,
        digest: Digest | None = None,
        shown: Shown | None = None,
    ) -> None:
        """Newer results of the engine; what is not given with them is worked out here."""
        self.whole, self.done = whole, done
        self._note_sources()
        ongoing = self.live is not None and not done
        self.whole_digest = digest or digest_of(whole, ongoing=ongoing)
        self._show(shown or shown_of(whole, self.filter, self.whole_digest, ongoing=ongoing))

    def _note_sources(self) -> None:
        sources = self.whole.sources
        self.unread = sum(source.kind == UNREADABLE for source in sources)
        unfit = [said for said in self.whole.diagnosis if said.startswith(UNFIT)]
        self.unused = len(unfit) if self.whole.peers else 0
        self.clock_by_hand = any(s.clock_basis is ClockBasis.MANUAL for s in sources)
        self.clock_doubts = tuple(
            f"{s.id}: {problem.detail}"
            for s in sources
            for problem in s.problems
            if problem.kind is ProblemKind.CLOCK_CONTRADICTED
        )
        self.damaged = any(
            problem.kind not in NO_DAMAGE
            for source in sources
            if source.kind != UNREADABLE
            for problem in source.problems
        )

    def set_filter(self, wanted: Filter | None, shown: Shown | None = None) -> None:
        """Show only what a filter matches; None shows all."""
        self.filter = wanted
        ongoing = self.now_ns is not None
        self._show(shown or shown_of(self.whole, wanted, self.whole_digest, ongoing=ongoing))

    def _show(self, shown: Shown) -> None:
        self.content, self.digest = shown.content, shown.digest
        self._listed.clear()
        self._listing.clear()
        self.revision += 1
        self.renew_range()
        if self.peer_id not in self.digest.peers:
            self.peer_id = self.digest.worst[0].id if self.digest.worst else None
        self.times = TimeFormat(
            self.times.mode,
            self.start_ns,
            self.times.mark_ns,
            min(stamp_digits(self.whole.sources), TIME_DIGITS),
            not_before(self.whole.sources),
        )

    @property
    def peers(self) -> tuple[PeerView, ...]:
        """The peers that the filter leaves."""
        return self.content.peers

    @property
    def peer(self) -> PeerView | None:
        """The peer that timeline and ladder show."""
        return self.digest.peers.get(self.peer_id or "")

    @property
    def marked_peers(self) -> list[PeerView]:
        """The peers that are selected and not hidden, the worst first."""
        known = self.digest.peers
        marked = [known[name] for name in self.selected_peers if name in known]
        return sorted(marked, key=lambda peer: self.tally(peer).worst_first)

    def peer_of(self, finding: Finding) -> PeerView | None:
        """Whose finding it is."""
        return self.digest.peers.get(finding.peer or "")

    def tally(self, peer: PeerView) -> Tally:
        """What is counted over the exchanges of a peer, in the stretch of time that was chosen."""
        whole = self.digest.tallies.get(peer.id) or tally_of(peer)
        if self.range_ns is None:
            return whole
        known = self._tallies.get(peer.id)
        if known is None:
            findings = self.of_range_findings(self.digest.findings.get(peer.id, ()))
            known = self._tallies[peer.id] = tally_within(whole, peer, findings, self.range_ns)
        return known

    @property
    def is_partial(self) -> bool:
        """Whether numbers are those of a part: of a stretch of time, or of what a filter leaves."""
        return self.range_ns is not None or self.filter is not None

    @property
    def start_ns(self) -> int:
        """When the inputs begin."""
        return self.whole_digest.start_ns

    @property
    def end_ns(self) -> int:
        """When the inputs end."""
        return self.whole_digest.end_ns

    @property
    def span(self) -> Window:
        """The whole time, as the overview and the timeline show it."""
        start_ns = self.start_ns
        return Window(start_ns, max(self.end_ns, start_ns + SHORTEST_WINDOW_NS))

    def scale(self, window: Window, width: int) -> Scale:
        """A stretch of time on so many cells; what no input shows takes few of them."""
        return to_scale(window, width, self.whole_digest.unseen)

    def fit(self, peers: Sequence[PeerView]) -> Window:
        """All of the time, as in the overview; of peers that were there shortly only theirs."""
        span, spans = self.span, [whole(peer) for peer in peers]
        start_ns, end_ns = min(w.start_ns for w in spans), max(w.end_ns for w in spans)
        if (end_ns - start_ns) * _SHORT_LIVED > span.end_ns - span.start_ns:
            return span
        return self.around(start_ns, end_ns, (end_ns - start_ns) // _MARGIN_SHARE)

    def around(self, start_ns: int, end_ns: int, margin_ns: int) -> Window:
        """A stretch of time with a margin, but nothing before or after the inputs."""
        span = self.span
        first_ns = max(start_ns - margin_ns, min(span.start_ns, start_ns))
        return Window(first_ns, min(end_ns + margin_ns, max(span.end_ns, end_ns)))

    def choose_range(self, range_ns: tuple[int, int] | None, *, goes_on: bool = False) -> None:
        """Another stretch of time, or all of it."""
        self.range_ns, self.range_goes_on = range_ns, goes_on
        self.renew_range()

    def renew_range(self) -> None:
        """What is known of the stretch, after newer facts."""
        range_ns = self.range_ns
        if range_ns is not None and self.range_goes_on:
            until_ns = max(self.end_ns, self.now_ns or 0, range_ns[0] + SHORTEST_WINDOW_NS)
            range_ns = self.range_ns = (range_ns[0], until_ns)
        self._tallies.clear()
        self.silent_range = range_ns is not None and is_silent(
            self.content, self.digest, self.log, *range_ns
        )

    def moment_in_range(self) -> int | None:
        """The moment of all views, or what matters most in a stretch that it is not in."""
        chosen, at_ns = self.range_ns, self.at_ns
        if chosen is None or (at_ns is not None and self.in_range(at_ns)):
            return at_ns
        events = [] if self.peer is None else within(self.events(self.peer), Window(*chosen))
        first = max(events, key=lambda e: e.severity, default=None)
        return chosen[0] if first is None else first.at_ns

    def of_range(self, peer: PeerView, events: list[Event]) -> list[Event]:
        """The events of the stretch of time that was chosen, and where what goes on in it began."""
        chosen = self.range_ns
        return events if chosen is None else events_within(events, peer, chosen)

    def of_range_findings(self, findings: Sequence[Finding]) -> Sequence[Finding]:
        """The findings that have anything to do with the stretch of time that was chosen."""
        if self.range_ns is None:
            return findings
        return findings_within(findings, self.digest.peers, self.log, self.range_ns)

    def in_range(self, at_ns: int | None) -> bool:
        """Whether a moment is of the stretch that was chosen; what has no time always is."""
        if at_ns is None or self.range_ns is None:
            return True
        return self.range_ns[0] <= at_ns <= self.range_ns[1]

    def key(self, action: str) -> str:
        """The key of an action, as hints have it."""
        return shown_key(self.keymap[action], ascii_only=self.ascii_only)

    @property
    def range_left(self) -> str:
        """How the stretch that was chosen is left."""
        return f"{self.key('fit')} shows all"

    @property
    def holes_begin_ns(self) -> list[int]:
        """When the black holes of the peer begin of which the chosen stretch of time has any."""
        if self.peer is None:
            return []
        chosen = self.range_ns
        holes = self.peer.black_holes if chosen is None else holes_within(self.peer, chosen)
        return [hole.begin_ns for hole in holes]

    @property
    def why_no_hole(self) -> str:
        """Why there is none."""
        if self.range_ns is None or self.peer is None or not self.peer.black_holes:
            return why_no_hole(self.peer)
        return f"no black hole in the stretch of time: {self.range_left}"

    @property
    def range_lasts(self) -> str:
        """How long the stretch is that was chosen; empty for all of the time."""
        chosen = self.range_ns
        return "" if chosen is None else duration(chosen[1] - chosen[0])

    @property
    def of_all(self) -> str:
        """What is told before that which is of all of the time, where a stretch is chosen, or of
        all that was read, where that is not the end."""
        so_far = "" if self.done or self.now_ns is not None else "so far"
        if self.range_ns is not None:
            lasts = duration(self.span.end_ns - self.span.start_ns)
            return f"all {lasts} so far: " if so_far else f"all {lasts}: "
        return f"{so_far}: " if so_far else ""

    # --- moment by moment ------------------------------------------------------------------

    def listed(self, peer: PeerView) -> Listed | None:
        """A peer moment by moment; None while that is being worked out."""
        known = self._listed.get(peer.id)
        if known is not None or peer.id in self._listing:
            return known
        ongoing, unseen = self.ongoing, self.whole_digest.unseen
        if self.later is None or len(peer.exchanges) + len(peer.messages) <= _AT_ONCE:
            return self._keep(peer.id, listed_of(peer, unseen, ongoing=ongoing))
        revision = self.revision
        self._listing.add(peer.id)

        def came(found: object) -> None:
            if self.revision == revision and isinstance(found, Listed):
                self._listing.discard(peer.id)
                self._keep(peer.id, found)

        self.later(lambda: listed_of(peer, unseen, ongoing=ongoing), came)
        return None

    def _keep(self, peer_id: str, found: Listed) -> Listed:
        if len(self._listed) >= _LISTS_KEPT:
            self._listed.pop(next(iter(self._listed)))
        self._listed[peer_id] = found
        return found

    def events(self, peer: PeerView) -> list[Event]:
        """The events of a peer, in the order of time; none while they are being listed."""
        found = self.listed(peer)
        return [] if found is None else found.events

    def events_messages(self, message: IkeMessage) -> list[IkeMessage]:
        """The messages of the same IKE SA up to this one."""
        peer = self.peer
        if peer is None:
            return []
        return [m for m in peer.messages if m.ike_sa == message.ike_sa and m.at_ns <= message.at_ns]

    def findings_of(self, peer: PeerView, severity: Severity | None = None) -> list[Finding]:
        """Findings of a peer, of one severity or all, in the order of time."""
        found = self.digest.findings.get(peer.id, ())
        return sorted(
            (f for f in found if severity in (None, f.severity)), key=lambda f: f.at_ns or 0
        )

    def findings_on(self, ref: Ref | None) -> Sequence[Finding]:
        """Findings that rest on a place."""
        return () if ref is None else self.digest.resting.get(ref, ())

    def path_of(self, source: str) -> str:
        """The file of a source."""
        return next((s.path for s in self.whole.sources if s.id == source), source)
