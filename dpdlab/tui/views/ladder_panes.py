"""What stands beside the ladder besides the detail: two messages compared, a line of a log."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from rich.text import Text

from analyzers.export.untrusted import safe
from analyzers.model.peer import PeerView
from dpdlab.present.compare import compared
from dpdlab.present.detail import details
from dpdlab.present.events import Event, EventKind
from dpdlab.tui.model import Model
from dpdlab.tui.palette import Palette

LABEL: Final = 14
_NEIGHBOURS: Final = (2, 6)
"""Lines of a log before and after the one that is meant."""
_NO_MESSAGE: Final = {
    EventKind.HOLE: "the beginning of a black hole",
    EventKind.HOLE_END: "the end of a black hole",
    EventKind.VERDICT: "a verdict",
    EventKind.HINT: "a remark",
}


def why_not_compared(both: Sequence[Event]) -> str:
    """Why two rows have no fields to compare; empty where they have."""
    for event in both:
        if event.kind in _NO_MESSAGE:
            return f"{_NO_MESSAGE[event.kind]} is no message: space selects two, d compares them"
    return ""


def comparison(model: Model, palette: Palette, peer: PeerView, both: Sequence[Event]) -> list[Text]:
    """Two messages field by field."""
    paths = {s.id: s.path for s in model.whole.sources}
    first, second = (details(peer, event, [], paths, model.times) for event in both)
    lines = [Text("compared  (d goes back)", palette.faint)]
    for field in compared(first, second):
        if field.same:
            line = Text().append(f"= {field.label:<{LABEL}}", palette.faint)
            lines.append(line.append(safe(field.first or ""), palette.faint))
            continue
        for sign, text in (("1", field.first), ("2", field.second)):
            line = Text().append(f"{sign} {field.label:<{LABEL}}", palette.warn)
            lines.append(line.append(model.signs.none if text is None else safe(text)))
    return lines


def line_of_log(model: Model, palette: Palette, event: Event, none: str = "") -> list[Text]:
    """What only a log knows: its line among its neighbours; `none` tells what there is not."""
    faint, log = palette.faint, model.log
    refs = [event.ref] if event.ref is not None else []
    refs += () if event.hole is None else event.hole.refs
    ref = next((r for r in refs if log is not None and log.row_of(r) is not None), None)
    if log is None or ref is None:
        return [Text("there is no packet of a capture and no line of a log behind this", faint)]
    around = log.lines_around(ref, *_NEIGHBOURS)
    path = safe(model.path_of(ref.source).rpartition("/")[2])
    lines = [Text(f"{none}line {ref.record} of {path}  (the same key goes back)", faint)]
    return lines + [
        Text(f"{number} {safe(text)}", palette.strong if number == ref.record else faint)
        for number, text in around
    ]
