"""Which cell of a drawing stands for which time: to scale, or with silence folded."""

from __future__ import annotations

from bisect import bisect_right
from itertools import pairwise

from msgspec import Struct

from analyzers.export.spans import Window


class Stretch(Struct, frozen=True):
    """A piece of time on some cells, evenly spread over them; a fold has few for its length."""

    start_ns: int
    end_ns: int
    first: int
    """Its first cell."""
    width: int
    folded: bool = False

    def edge(self, cell: int) -> int:
        """The time at the left edge of a cell, which is counted from the first of the drawing."""
        return self.start_ns + (cell - self.first) * (self.end_ns - self.start_ns) // self.width


class Scale(Struct, frozen=True):
    """Stretches one after the other, without gaps in time or cells; times in ns."""

    stretches: tuple[Stretch, ...]

    @property
    def start_ns(self) -> int:
        """The first instant that is drawn."""
        return self.stretches[0].start_ns

    @property
    def end_ns(self) -> int:
        """The last instant that is drawn."""
        return self.stretches[-1].end_ns

    @property
    def width(self) -> int:
        """Cells of the drawing."""
        return self.stretches[-1].first + self.stretches[-1].width

    @property
    def folds(self) -> tuple[Stretch, ...]:
        """The stretches that are folded."""
        return tuple(stretch for stretch in self.stretches if stretch.folded)

    @property
    def cell_ns(self) -> float:
        """How long a cell is, but those of folds."""
        loud = [s for s in self.stretches if not s.folded] or self.stretches
        return sum(s.end_ns - s.start_ns for s in loud) / sum(s.width for s in loud)

    def holds(self, at_ns: int) -> bool:
        """Whether an instant is drawn at all."""
        return self.start_ns <= at_ns <= self.end_ns

    def at(self, at_ns: int) -> int:
        """The cell of an instant; -1 before the drawing, `width` after it."""
        if at_ns < self.start_ns:
            return -1
        if at_ns > self.end_ns:
            return self.width
        place = bisect_right(self.stretches, at_ns, key=_start_of) - 1
        stretch = self.stretches[place]
        cell = (at_ns - stretch.start_ns) * stretch.width // (stretch.end_ns - stretch.start_ns)
        return stretch.first + min(cell, stretch.width - 1)

    def nearest(self, at_ns: int) -> int:
        """The cell of an instant; the first or the last for one outside the drawing."""
        return min(max(self.at(at_ns), 0), self.width - 1)

    def cells(self, start_ns: int, end_ns: int) -> range:
        """The cells of a stretch of time, at least one when it touches the drawing."""
        if end_ns < self.start_ns or start_ns > self.end_ns:
            return range(0)
        return range(self.nearest(start_ns), self.nearest(end_ns) + 1)

    def stretch_of(self, cell: int) -> Stretch:
        """The stretch that a cell is in; that of the nearest cell for others."""
        place = bisect_right(self.stretches, cell, key=_first_of) - 1
        return self.stretches[max(place, 0)]

    def time_at(self, cell: int) -> int:
        """The instant that a cell begins with; the ends of the drawing for cells outside it."""
        if cell < 0:
            return self.start_ns
        return self.end_ns if cell >= self.width else self.span_of(cell).start_ns

    def span_of(self, cell: int) -> Window:
        """The instants that a cell stands for: exactly those that `at` puts into it."""
        stretch = self.stretch_of(cell)
        length = stretch.end_ns - stretch.start_ns
        # Division rounds down: the first instant of a cell is its edge, rounded up.
        first = stretch.start_ns - (-(cell - stretch.first) * length // stretch.width)
        after = stretch.start_ns - (-(cell + 1 - stretch.first) * length // stretch.width)
        last = after if cell == self.width - 1 else after - 1
        return Window(first, max(last, first))

    def step(self, cell: int, by: int) -> int:
        """The cell a step to the right (1) or left (-1); a fold is one step."""
        here, there = self.stretch_of(cell), self.stretch_of(cell + by)
        if here.folded:
            return here.first + here.width if by > 0 else here.first - 1
        if there.folded and there is not here:
            return there.first + there.width // 2
        return cell + by

    def edges(self) -> list[int]:
        """The times at the edges of all cells: one more than there are cells."""
        found = [s.edge(cell) for s in self.stretches for cell in range(s.first, s.first + s.width)]
        return [*found, self.end_ns]


def linear(window: Window, width: int) -> Scale:
    """All of a window to scale, on at least one cell."""
    end_ns = max(window.end_ns, window.start_ns + 1)
    return Scale((Stretch(window.start_ns, end_ns, 0, max(width, 1)),))


def in_order(stretches: tuple[Stretch, ...]) -> bool:
    """Whether stretches follow one another in time and cells, none of them empty."""
    follow = all(
        a.end_ns == b.start_ns and a.first + a.width == b.first for a, b in pairwise(stretches)
    )
    return follow and all(s.end_ns > s.start_ns and s.width > 0 for s in stretches)


def _start_of(stretch: Stretch) -> int:
    return stretch.start_ns


def _first_of(stretch: Stretch) -> int:
    return stretch.first
