"""Windows of time closer to a moment, and farther from it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from analyzers.export.spans import Window
from dpdlab.present.scale import Scale

_ZOOM: Final = 2


def closer_to(at_ns: int, scale: Scale) -> Window:
    """Half of what is drawn, with a moment where it is now."""
    if scale.folds:
        # Half of the columns: half of the time would be as good as all of it for long.
        cell = scale.nearest(at_ns)
        after = max((scale.width - cell) // _ZOOM, 1)
        return Window(scale.time_at(cell - cell // _ZOOM), scale.time_at(cell + after))
    before_ns, after_ns = at_ns - scale.start_ns, scale.end_ns - at_ns
    return Window(at_ns - before_ns // _ZOOM, at_ns + max(after_ns // _ZOOM, 1))


def inside(window: Window, span: Window) -> Window:
    """A window of the same length that reaches over neither end of the whole time."""
    length_ns = min(window.end_ns - window.start_ns, span.end_ns - span.start_ns)
    start_ns = min(max(window.start_ns, span.start_ns), span.end_ns - length_ns)
    return Window(start_ns, start_ns + length_ns)


def farther_from(at_ns: int, scale: Scale, span: Window, unseen: Sequence[Window]) -> Window:
    """Twice the time that is drawn, with a moment where it is now, but nothing beyond the inputs.

    `span`: the whole time; `unseen`: what of it is in no input. Where the window ends in a stretch
    of that which is longer, it reaches over to the next input.
    """
    length_ns = _ZOOM * (scale.end_ns - scale.start_ns)
    start_ns = at_ns - _ZOOM * (at_ns - scale.start_ns)
    end_ns = at_ns + _ZOOM * (scale.end_ns - at_ns)
    for gap in unseen:
        if gap.end_ns - gap.start_ns <= length_ns:
            continue
        if gap.start_ns < end_ns < gap.end_ns:
            end_ns = min(gap.end_ns + (end_ns - gap.start_ns), span.end_ns)
        if gap.start_ns < start_ns < gap.end_ns:
            start_ns = max(gap.start_ns - (gap.end_ns - start_ns), span.start_ns)
    over = bool(scale.folds) or end_ns - start_ns > length_ns
    if over and end_ns - start_ns >= span.end_ns - span.start_ns:
        return span
    return Window(max(start_ns, span.start_ns), min(end_ns, span.end_ns))
