"""The events of a peer as rungs between its two ends; runs of healthy exchanges fold to one row."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from msgspec import Struct
from rich.text import Text

from analyzers.export.exchanges import DID_NOT_ARRIVE
from analyzers.export.formatting import Severity, counted, duration
from analyzers.export.untrusted import safe
from analyzers.model.black_hole import BlackHole
from analyzers.model.exchange import Outcome
from analyzers.model.peer import PeerView
from dpdlab.present.events import Event, EventKind
from dpdlab.tui.model import Model
from dpdlab.tui.palette import Palette
from dpdlab.tui.rows import cut
from dpdlab.tui.views.event_rows import LONG_DELTA, SHORT_ANSWER, EventRows, bare_numbers

_LEAST_DELTA: Final = 10
_LEAST_RUNG: Final = 24
_MOST_RUNG: Final = 58
_FOLD_FROM: Final = 6
"""Events of healthy exchanges in a row that fold to one."""
_SHORT: Final = 6
"""Cells that are missing from the arrow of a message that did not arrive."""
_LOST: Final = "lost"
_UNKNOWN: Final = " ? "
"""In their place where nobody saw it arrive."""
_ORDINARY: Final = (EventKind.QUESTION, EventKind.ANSWER)


class Fold(Struct, frozen=True):
    """Healthy exchanges that take one row: their first and last place in the events."""

    first: int
    last: int


Item = int | Fold


def folded(events: Sequence[Event], keep: frozenset[int] = frozenset()) -> list[Item]:
    """The rows of a ladder; the events of a run fold, but the first and the last exchange."""
    items: list[Item] = []
    place = 0
    while place < len(events):
        end = place
        while end < len(events) and _is_ordinary(events[end]) and end not in keep:
            end += 1
        if end - place >= _FOLD_FROM + 4:
            items += [place, place + 1, Fold(place + 2, end - 3), end - 2, end - 1]
        else:
            items += range(place, end)
        place = end
        if place < len(events):
            items.append(place)
            place += 1
    return items


def _is_ordinary(event: Event) -> bool:
    return (
        event.kind in _ORDINARY
        and event.exchange is not None
        and event.exchange.outcome is Outcome.ANSWERED
        and not event.exchange.retries
    )


class LadderRows(EventRows):
    """Rungs, and what stands beside them."""

    def __init__(
        self,
        model: Model,
        peer: PeerView,
        events: Sequence[Event],
        items: Sequence[Item],
        selected: frozenset[int] = frozenset(),
    ) -> None:
        super().__init__(model, peer, events)
        self.items = items
        # Distances of days need all of it.
        self._delta = self._delta if self._delta in (0, LONG_DELTA) else _LEAST_DELTA
        self.selected = selected

    def __len__(self) -> int:
        return len(self.items)

    def _rung(self, width: int) -> int:
        """Cells between the two ends, their lines included."""
        room = width - self._time - self._delta - 6 - 11
        return max(_LEAST_RUNG, min(room, _MOST_RUNG))

    def header(self, width: int, palette: Palette) -> Text | None:
        """The two ends over their lines."""
        rung = self._rung(width)
        left, right = safe(self.peer.local), safe(self.peer.remote)
        ends = cut(Text(left), rung // 2).plain
        gap = max(rung - len(ends) - len(right), 1)
        head = f"{'time':<{self._time}}  {self._after:>{self._delta}}   "
        return Text((head + ends + " " * gap + right).ljust(width))

    def row(self, index: int, width: int, palette: Palette) -> Text:
        """One rung, one conclusion, or one fold."""
        item = self.items[index]
        if isinstance(item, Fold):
            return self._fold(item, width, palette)
        event = self.events[item]
        at, delta = self.when(item)
        mark = "*" if item in self.selected else " "
        line = Text(f"{at + self.doubt(item):<{self._time + 1}}")
        line.append(mark, palette.warn)
        line.append(f"{delta:>{self._delta}}   ", palette.faint)
        rung = self._rung(width)
        if event.sender is None or event.kind is EventKind.HINT:
            return self._remark(line, event, palette, width)
        line.append_text(self._arrow_of(event, rung, palette))
        line.append(f" {self._sign(event):<2}", palette.severity(event.severity))
        return line.append(self.place(event), palette.faint)

    def _arrow_of(self, event: Event, rung: int, palette: Palette) -> Text:
        signs = self.model.signs
        again = event.kind is EventKind.RETRY or event.number > 0
        ascii_only = self.model.ascii_only
        dash = ("=" if again else "-") if ascii_only else ("═" if again else "─")
        if event.is_lost:
            dash = signs.broken
        side = signs.tick
        # What does not arrive ends before the other side, and what may not have.
        short = " " * _SHORT if event.is_lost else _UNKNOWN if event.is_arrival_unknown else ""
        body = rung - 2 - len(short)
        label = cut(Text(f" {safe(_brief(event, body - 8))} "), body - 6).plain
        lead = dash * 3
        rest = dash * max(body - 4 - len(label), 0)
        if self._is_local(event.sender or ""):
            head = signs.unanswered if event.is_lost else ">" if ascii_only else "►"
            arrow = f"{lead}{label}{rest}{head}{short}"
        else:
            head = signs.unanswered if event.is_lost else "<" if ascii_only else "◄"
            arrow = f"{short[::-1]}{head}{lead}{label}{rest}"
        text = Text().append(side, palette.faint)
        text.append(arrow, self.style(event, palette))
        return text.append(side, palette.faint)

    def _sign(self, event: Event) -> str:
        signs = self.model.signs
        if event.kind in (EventKind.QUESTION, EventKind.RETRY) and event.exchange is not None:
            if event.exchange.outcome is Outcome.UNANSWERED:
                return signs.unanswered
            if event.exchange.outcome is Outcome.OPEN:
                return signs.open
        if event.in_vain:
            return signs.unanswered
        return signs.delete if event.kind is EventKind.DELETE else ""

    def _remark(self, line: Text, event: Event, palette: Palette, width: int) -> Text:
        bar = "#" if self.model.ascii_only else "▌"
        style = palette.severity(event.severity)
        # Whose log says it.
        arrow = f"{self._arrow(event)} " if event.kind is EventKind.HINT and event.sender else ""
        place = self.place(event)
        room = width - line.cell_len - (len(place) + 2 if place else 0)
        label = safe(event.label)
        if event.hole is not None and len(label) + 2 > room:
            label = self._with_arrow(event.hole, label)
        line.append(cut(Text(f"{bar} {arrow}{label}"), room).plain, style)
        return line.append(f"  {place}", palette.faint) if place else line

    def _with_arrow(self, hole: BlackHole, label: str) -> str:
        """A label without the two ends: they stand above."""
        for one, other in ((hole.sender, hole.receiver), (hole.receiver, hole.sender)):
            way = self.model.signs.to if self._is_local(one) else self.model.signs.back
            label = label.replace(f"{safe(one)} to {safe(other)}", way)
        return label

    def _fold(self, fold: Fold, width: int, palette: Palette) -> Text:
        first, last = self.events[fold.first], self.events[fold.last]
        asked = sum(
            self.events[n].kind is EventKind.QUESTION for n in range(fold.first, fold.last + 1)
        )
        took = duration(last.at_ns - first.at_ns)
        more = self.model.signs.more
        told = f"{more} {counted(asked, 'answered question')} in {took} {more}"
        lead = " " * (self._time + 2 + self._delta + 3)
        return Text(lead + told.center(self._rung(width)), palette.severity(Severity.MUTE))


def _brief(event: Event, room: int) -> str:
    """A label without what the sign beside the rung says; of a long one what is new in it."""
    parts = event.label.split(" [")[0].split(", ")
    whole = ", ".join(parts)
    if event.is_lost and event.kind is not EventKind.LOST:
        new = parts[1] if event.number and len(parts) > 1 else parts[0]
        bare = new.partition(" ID ")[0]
        # The broken arrow shows it, too.
        forms = [f"{new}, {DID_NOT_ARRIVE}", f"{new}, {_LOST}", f"{bare}, {_LOST}", bare, _LOST]
    elif event.in_vain:
        # The cross says that no answer came.
        forms = [", ".join(parts[:-1]), parts[-2] if event.number else parts[0]]
    elif event.kind is EventKind.RETRY:
        forms = [", ".join(parts[:2]), parts[1] if len(parts) > 1 else parts[0]]
    elif event.kind is EventKind.ANSWER:
        # How long it took stands in the column of differences too.
        forms = [whole, parts[0], parts[0].replace(*SHORT_ANSWER)]
        if len(parts) > 2:
            # But not how late it came after the first of several questions.
            late = [f"{each}, {parts[1]}" for each in (parts[0], forms[-1])]
            forms = [whole, *late, f"answer {parts[1]}", parts[1]]
    elif event.kind is EventKind.LOST:
        # The arrow itself shows that it did not arrive.
        bare = parts[0].partition(" seq ")[0].partition(" ID ")[0]
        forms = [whole, ", ".join(parts[:-1]), parts[0].replace(*SHORT_ANSWER), bare]
    elif event.kind is EventKind.QUESTION:
        forms = [parts[0], bare_numbers(parts[0])]
    else:
        forms = [whole]
    return next((form for form in forms if len(form) <= room), forms[-1])
