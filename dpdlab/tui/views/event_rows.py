"""The events of a peer as rows: time, distance, direction, what it is."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from rich.style import Style
from rich.text import Text

from analyzers.export.untrusted import safe
from analyzers.model.peer import PeerView
from analyzers.model.time import NS_PER_SECOND, ORDER_LIMIT_NS
from dpdlab.present.events import Event, EventKind
from dpdlab.present.order import contradiction, is_measure, unsure_ns
from dpdlab.present.times import TimeMode, precision_ns, signed
from dpdlab.tui.model import ColourBy, Model
from dpdlab.tui.palette import Palette
from dpdlab.tui.rows import cut

_DELTA: Final = 11
LONG_DELTA: Final = 14
"""Cells of the time after the event before: "+14.072 s", over minutes "+59 min 59 s"."""
SHORT_ANSWER: Final = ("answer to liveness check", "answer to")
"""What an answer is called, and what it is called where there is little room."""
UNSURE: Final = "~"
"""Behind a time: the order is not certain."""
_LONG_NS: Final = 100 * NS_PER_SECOND


class EventRows:
    """Rows of one list."""

    def __init__(self, model: Model, peer: PeerView, events: Sequence[Event]) -> None:
        self.model = model
        self.peer = peer
        self.events = events
        self._sources = {source.id: source for source in model.whole.sources}
        ends = (*events[:1], *events[-1:])
        long = bool(events) and events[-1].at_ns - events[0].at_ns >= _LONG_NS
        # Where times count from the event before, they say it already.
        told = model.times.mode is TimeMode.DELTA
        self._after = "" if told else "after"
        self._delta = 0 if told else LONG_DELTA if long else _DELTA
        self._time = max([12, *(len(model.times.at(e.at_ns)) for e in ends)])

    def __len__(self) -> int:
        return len(self.events)

    def header(self, width: int, palette: Palette) -> Text | None:
        """Column titles."""
        title = f"{'time':<{self._time}}  {self._after:>{self._delta}}      what"
        return Text(title.ljust(width))

    def row(self, index: int, width: int, palette: Palette) -> Text:
        """One event."""
        event = self.events[index]
        at, delta = self.when(index)
        line = Text(f"{at + self.doubt(index):<{self._time + 2}}")
        line.append(f"{delta:>{self._delta}}  ", palette.faint)
        line.append(f"{self._arrow(event):<3} ", self.style(event, palette))
        place = self.place(event)
        # Of a long label the end goes, not where it stands.
        room = width - line.cell_len - (len(place) + 2 if place else 0)
        label = safe(event.label)
        if len(label) > room:
            label = _shorter(event, label)
        line.append(cut(Text(label), room).plain, self.style(event, palette))
        return line.append(f"  {place}", palette.faint) if place else line

    def when(self, index: int) -> tuple[str, str]:
        """The time of an event, and how long after the one before it is."""
        event = self.events[index]
        if not index:
            return self.model.times.at(event.at_ns), ""
        last = self.events[index - 1]
        precision = precision_ns(self._sources, last.ref, event.ref)
        at = self.model.times.at(event.at_ns, last.at_ns, precision)
        timed = event.at_ns >= ORDER_LIMIT_NS and bool(self._after)
        return at, signed(event.at_ns - last.at_ns, precision) if timed else ""

    def doubt(self, index: int) -> str:
        """What stands behind the time of an event whose place among its neighbours is not sure."""
        return UNSURE if self.contradiction(index) or self.unsure_ns(index) else ""

    def contradiction(self, index: int) -> str:
        """What the clock by hand of an event contradicts; empty where it does not."""
        return contradiction(self._sources, self.events[index])

    def unsure_ns(self, index: int) -> int:
        """How well the clocks agree that leave open what came first, this one or one beside it.

        0 where the order is certain.
        """
        event = self.events[index]
        if len(self._sources) < 2 or is_measure(self._sources, event):
            return 0
        beside = (*self.events[max(index - 1, 0) : index], *self.events[index + 1 : index + 2])
        return max((unsure_ns(self._sources, event, other) for other in beside), default=0)

    def _arrow(self, event: Event) -> str:
        signs = self.model.signs
        if event.kind is EventKind.HOLE:
            return signs.possible * 2
        if event.kind is EventKind.HOLE_END:
            surely = event.hole is not None and event.hole.min_seconds > 0 and not event.way_back
            return (signs.certain if surely else signs.possible) * 2
        if event.sender is None:
            return signs.dead
        if event.is_lost:
            return signs.lost_to if self._is_local(event.sender) else signs.lost_back
        return signs.to if self._is_local(event.sender) else signs.back

    def _is_local(self, sender: str) -> bool:
        return sender == self.peer.local or (
            sender != self.peer.remote and sender not in self.peer.addresses
        )

    def style(self, event: Event, palette: Palette) -> Style:
        """Colour by state, or by direction."""
        if self.model.colour_by is ColourBy.DIRECTION and event.sender is not None:
            return palette.series[0 if self._is_local(event.sender) else 2]
        return palette.severity(event.severity)

    def place(self, event: Event) -> str:
        """Frame or line, with its input where there are several."""
        if event.ref is None:
            return ""
        sources = self.model.whole.sources
        if len(sources) > 1:
            return f"{safe(event.ref.source)}#{event.ref.record}"
        what = "line" if sources and sources[0].kind != "capture" else "frame"
        return f"{what} {event.ref.record}"


def _shorter(event: Event, label: str) -> str:
    """A label without what says least in it."""
    match event.kind:
        case EventKind.ANSWER:
            # When it came says more than what it answers.
            return label.replace(*SHORT_ANSWER)
        case EventKind.RETRY:
            return label.partition(", ")[2] or label
        case _:
            return bare_numbers(label)


def bare_numbers(label: str) -> str:
    """Numbers without what they are called: message IDs are hex, sequence numbers are not."""
    return label.replace(" ID 0x", " 0x").replace(" seq ", " ")
