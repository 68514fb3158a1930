"""Time in which nothing happens, folded to a few cells so that what happens gets the room.

Nothing happens where no message, verdict or change of state is, no black hole begins or ends, and
ESP neither starts nor stops: traffic that goes on as it did is no event.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

import numpy as np
import numpy.typing as npt
from msgspec import Struct

from analyzers.export.formatting import Glyphs, duration
from analyzers.export.spans import Window
from analyzers.model.peer import Activity
from dpdlab.present.scale import Scale, Stretch, in_order, linear

Moments = npt.NDArray[np.int64]

_SHORT_LABEL: Final = 8
_LONG_LABEL: Final = 10
"""Cells of a fold, its length included: "⋯14.1 s⋯", with room around it "⋯ 14.1 s ⋯"."""
_ROOMY: Final = 100
"""Cells from which a drawing has room around the names of its folds."""
_WORTH: Final = 1.25
"""A silence is folded where it takes this many times what its fold does."""
_UNSEEN: Final = 4
"""What no input shows is folded where it takes so many times what the inputs do."""
_MUCH: Final = 2
"""A silence stands out where it is so many times the median of the distances that are seen."""
_MOST: Final = 0.8
"""Share of the cells that folds take at most."""
_CLOSEST: Final = 50
"""How many times larger than without folds the rest is drawn at most."""
_PAUSE: Final = 4
"""So many times the usual distance of packets a flow pauses."""


class Folding(Struct, frozen=True):
    """A scale with its folds, and what there is to say where there are none."""

    scale: Scale
    longest_ns: int
    """The longest time without an event in the window."""
    even: bool = False
    """Folds would bring no two events farther apart."""


def moments_of(times: set[int]) -> Moments:
    """Moments in order, each once."""
    return np.array(sorted(times), np.int64)


def starts_and_stops(activity: Activity) -> set[int]:
    """When ESP of either direction begins, pauses for much longer than usual, and ends."""
    found: set[int] = set()
    for counts in (activity.outbound, activity.inbound):
        busy = np.flatnonzero(np.asarray(counts))
        if not len(busy):
            continue
        distances = np.diff(busy)
        usual = float(np.median(distances)) if len(distances) else 1.0
        pauses = np.flatnonzero(distances > _PAUSE * usual)
        begins = [busy[0], *busy[pauses + 1]]
        ends = [*busy[pauses], busy[-1]]
        found |= {activity.start_ns + int(place) * activity.slice_ns for place in begins}
        found |= {activity.start_ns + (int(place) + 1) * activity.slice_ns - 1 for place in ends}
    return found


def to_scale(window: Window, width: int, unseen: Sequence[Window] = ()) -> Scale:
    """All of a window to scale on `width` cells.

    Only what no input shows is folded, where next to it the inputs would have no room.
    """
    plain = linear(window, width)
    gaps = [
        (max(gap.start_ns, plain.start_ns), min(gap.end_ns, plain.end_ns))
        for gap in unseen
        if gap.start_ns < plain.end_ns and gap.end_ns > plain.start_ns
    ]
    unseen_ns = sum(end - begin for begin, end in gaps)
    seen_ns = plain.end_ns - plain.start_ns - unseen_ns
    if not seen_ns or unseen_ns < _UNSEEN * seen_ns:
        return plain
    size = _cells_of_a_fold(width)
    long = [(begin, end) for begin, end in gaps if end - begin > _WORTH * size * seen_ns / width]
    # Inputs that are spread evenly over the time are seen as they are.
    stretches = _stretches(plain, long, size, 1.0) if len(long) * size <= width // 2 else ()
    return Scale(stretches) if stretches else plain


def fold(
    several: Sequence[Moments], window: Window, width: int, unseen: Sequence[Window] = ()
) -> Folding:
    """A scale on `width` cells with what is silent in all of `several` folded.

    Silences that stand out are folded, and where all are alike those that take room. The scale has
    no folds where none of them is worth it, but those of `to_scale`.
    """
    plain = to_scale(window, width, unseen)
    inside = [_within(moments, window) for moments in several]
    merged = inside[0] if len(inside) == 1 else np.unique(np.concatenate(inside))
    edges = np.concatenate(([plain.start_ns], merged, [plain.end_ns])).astype(np.int64)
    gaps = np.diff(edges)
    of_no_input = np.zeros(len(gaps), bool)
    of_no_input[[np.searchsorted(edges, part.end_ns) - 1 for part in plain.folds]] = True
    longest_ns = int(gaps[~of_no_input].max(initial=0))
    size = _cells_of_a_fold(width)
    seen = gaps[~of_no_input & (gaps >= plain.cell_ns)]
    long = ~of_no_input & (gaps > _WORTH * size * plain.cell_ns)
    outstanding = long & (gaps > _MUCH * float(np.median(seen)) if len(seen) else False)
    places = np.flatnonzero(outstanding if outstanding.any() else long)
    most = int(_MOST * width / size)
    chosen = np.sort(places[np.argsort(-gaps[places], kind="stable")][:most])
    # Before the first event and after the last one there is nothing to bring apart.
    apart = np.delete(gaps, chosen)
    between = len(apart) - sum(int(end) not in chosen for end in (0, len(gaps) - 1))
    if not len(chosen) or len(merged) < 2 or between < 1:
        return Folding(plain, longest_ns, even=len(chosen) > 0)
    away = np.union1d(chosen, np.flatnonzero(of_no_input))
    silences = [(int(edges[place]), int(edges[place + 1])) for place in away]
    stretches = _stretches(plain, silences, size, plain.cell_ns / _CLOSEST)
    return Folding(Scale(stretches) if stretches else plain, longest_ns)


def _cells_of_a_fold(width: int) -> int:
    return _LONG_LABEL if width >= _ROOMY else _SHORT_LABEL


def _within(moments: Moments, window: Window) -> Moments:
    first, last = np.searchsorted(moments, [window.start_ns, window.end_ns + 1])
    return moments[first:last]


def _stretches(
    plain: Scale, silences: Sequence[tuple[int, int]], size: int, least_ns: float
) -> tuple[Stretch, ...]:
    """Folds of `size` cells each; the rest shares the other cells by its time.

    `least_ns`: of other cells at least so long.
    """
    width, start_ns, end_ns = plain.width, plain.start_ns, plain.end_ns
    room = width - size * len(silences)
    silent_ns = sum(end - begin for begin, end in silences)
    # What stands beside a fold keeps a cell of distance from it, on the scale that comes of that.
    free = max(room - 2 * len(silences), 1)
    cell_ns = max((end_ns - start_ns - silent_ns) / free, least_ns, 1.0)
    margin_ns = round(cell_ns)
    pieces: list[tuple[int, int, bool]] = []
    at_ns = start_ns
    for begin, end in silences:
        begins = begin if begin == start_ns else begin + margin_ns
        ends = end if end == end_ns else end - margin_ns
        if begins >= ends:
            continue
        if begins > at_ns:
            pieces.append((at_ns, begins, False))
        pieces.append((begins, ends, True))
        at_ns = ends
    if at_ns < end_ns:
        pieces.append((at_ns, end_ns, False))
    loud = sum(1 for piece in pieces if not piece[2])
    left = width - size * (len(pieces) - loud)
    left_ns = sum(end - begin for begin, end, folded in pieces if not folded)
    if left < loud:
        return ()
    found: list[Stretch] = []
    place = 0
    for begin, end, folded in pieces:
        cells = size
        if not folded:
            loud -= 1
            cells = max(1, min(left - loud, round(left * (end - begin) / left_ns)))
            left, left_ns = left - cells, left_ns - (end - begin)
        found.append(Stretch(begin, end, place, cells, folded))
        place += cells
    stretches = tuple(found)
    return stretches if place == width and in_order(stretches) else ()


def fold_label(stretch: Stretch, signs: Glyphs) -> str:
    """How long a fold is, on exactly its cells."""
    told = duration(stretch.end_ns - stretch.start_ns)
    if len(told) > _SHORT_LABEL:
        # Of many days nobody wants the hours.
        told = re.sub(r" d .*", " d", told)
    close = told.replace(" ", "")
    forms = (
        f"{signs.fold} {told} {signs.fold}",
        f"{signs.fold}{told}{signs.fold}",
        f"{signs.fold}{close}{signs.fold}",
        close,
    )
    fitting = next((form for form in forms if len(form) <= stretch.width), close[: stretch.width])
    return fitting.center(stretch.width)


def steady_label(stretch: Stretch, signs: Glyphs) -> str:
    """That traffic went on in a fold as before and after it, on its cells at most."""
    forms = (f"{signs.fold} steady {signs.fold}", f"{signs.fold}steady{signs.fold}", signs.fold)
    return next(form for form in forms if len(form) <= stretch.width)


__all__ = [
    "Folding",
    "Moments",
    "fold",
    "fold_label",
    "moments_of",
    "starts_and_stops",
    "steady_label",
    "to_scale",
]
