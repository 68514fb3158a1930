"""The messages between two ends as a ladder: time, distance, arrow, place."""

from __future__ import annotations

from typing import Final

import htpy
from htpy import Node
from msgspec import Struct, field

from analyzers.export.formatting import duration
from analyzers.export.lost import Reach
from analyzers.export.naming import Naming, address
from analyzers.export.spans import exposed_ns
from analyzers.export.svg.canvas import (
    Drawn,
    drawn,
    fitted,
    group,
    line,
    number,
    path,
    rect,
    text,
    text_width,
)
from analyzers.export.svg.shapes import cross, sign
from analyzers.export.svg.steps import Arrow, Fold, Manner, Note, Step, steps
from analyzers.model.black_hole import BlackHole
from analyzers.model.peer import PeerView
from analyzers.model.time import NS_PER_MS, NS_PER_SECOND, ORDER_LIMIT_NS

WIDTH: Final = 840
TIME_RIGHT: Final = 104
DELTA_RIGHT: Final = 176
LEFT: Final = 244
RIGHT: Final = 664
PLACE_LEFT: Final = 690

ROW: Final = 30
NOTE_ROW: Final = 28
FOLD_ROW: Final = 34
GAP_ROW: Final = 22
TOP: Final = 52
LONG_GAP_NS: Final = 10 * NS_PER_SECOND
"""From here on the time between two steps is shown as a gap of its own."""

_COLOR: Final = {
    Manner.PLAIN: "plain",
    Manner.GOOD: "good",
    Manner.LOST: "bad",
    Manner.OPEN: "warn",
    Manner.DELETE: "delete",
}


class _Sheet(Struct):
    """The ladder as it grows downwards."""

    naming: Naming
    y: float = TOP
    nodes: list[Node] = field(default_factory=list)
    places: list[tuple[int, float]] = field(default_factory=list)
    """Where each moment stands, from the top."""
    before_ns: int | None = None


def ladder(peer: PeerView, naming: Naming, *, name: str) -> Drawn | None:
    """The ladder of a peer; None where there is no message to draw.

    `name` makes the ids of the drawing unique in its document.
    """
    rungs = steps(peer, naming)
    if not any(isinstance(step, Arrow) for step in rungs):
        return None
    sheet = _Sheet(naming)
    for step in rungs:
        _step(sheet, step)
    bottom = sheet.y + 8
    local, remote = address(peer.local), address(peer.remote)
    title = f"Ladder of {local} → {remote}"
    arrows = sum(1 for step in rungs if isinstance(step, Arrow))
    description = f"{arrows} messages between {local} on the left and {remote} on the right."
    nodes = [
        _heads(local, remote),
        [_veil(sheet, hole) for hole in peer.black_holes],
        line(LEFT, TOP - 14, LEFT, bottom, "life"),
        line(RIGHT, TOP - 14, RIGHT, bottom, "life"),
        sheet.nodes,
    ]
    # Times of other days have their date before them.
    longest = max(text_width(naming.at(step.at_ns)) for step in rungs)
    shift = max(longest - TIME_RIGHT + 4, 0)
    if shift:
        nodes = [group(move=(shift, 0))[nodes]]
    return drawn(
        WIDTH + shift,
        bottom + 8,
        nodes,
        css="ladder",
        title=title,
        description=description,
        name=name,
    )


def _heads(local: str, remote: str) -> Node:
    room = RIGHT - LEFT - 40
    return [
        text(TIME_RIGHT, 22, "UTC", "end soft"),
        text(DELTA_RIGHT, 22, "Δ", "end soft"),
        text(LEFT, 22, fitted(local, room / 2 + 60), "mid heavy"),
        text(RIGHT, 22, fitted(remote, room / 2 + 60), "mid heavy"),
    ]


def _step(sheet: _Sheet, step: Step) -> None:
    _gap(sheet, step)
    sheet.places.append((step.at_ns, sheet.y))
    match step:
        case Arrow():
            _arrow(sheet, step)
        case Note():
            _note(sheet, step)
        case Fold():
            _fold(sheet, step)
    sheet.before_ns = step.end_ns if isinstance(step, Fold) else step.at_ns


def _gap(sheet: _Sheet, step: Step) -> None:
    before_ns = sheet.before_ns
    if before_ns is None or before_ns < ORDER_LIMIT_NS or isinstance(step, Fold):
        return
    if step.at_ns - before_ns < LONG_GAP_NS or _is_again(step):
        return
    # Said here, it need not be said beside the time.
    sheet.before_ns = None
    middle = (LEFT + RIGHT) / 2
    lasted = duration(step.at_ns - before_ns)
    sheet.nodes.append(text(middle, sheet.y + GAP_ROW / 2 + 4, f"⋯ {lasted} ⋯", "mid soft small"))
    sheet.y += GAP_ROW


def _is_again(step: Step) -> bool:
    return isinstance(step, Arrow) and step.again


def _stamp(sheet: _Sheet, at_ns: int, y: float) -> None:
    sheet.nodes.append(text(TIME_RIGHT, y, sheet.naming.at(at_ns), "end"))
    before_ns = sheet.before_ns
    if before_ns is not None and before_ns >= ORDER_LIMIT_NS and at_ns - before_ns >= NS_PER_MS:
        sheet.nodes.append(text(DELTA_RIGHT, y, duration(at_ns - before_ns), "end soft"))


def _arrow(sheet: _Sheet, step: Arrow) -> None:
    y = sheet.y + 21
    start, end = (LEFT, RIGHT) if step.from_local else (RIGHT, LEFT)
    way = 1 if step.from_local else -1
    lost = step.reach is Reach.LOST
    reach = end - way * (2 if step.reach is Reach.THERE else 18)
    css = f"arrow {_COLOR[step.manner]}{' lost' if lost else ''}{' again' if step.again else ''}"
    head = f"M{number(reach)} {number(y)}l{-9 * way} -4.5v9z"
    shaft_end = reach - way * 7
    shaft = htpy.path({"class": "shaft", "d": f"M{start + way} {number(y)}H{number(shaft_end)}"})
    room = RIGHT - LEFT - 30
    sheet.nodes.append(
        group(css)[
            htpy.title[f"{sheet.naming.at(step.at_ns)} {step.said}, {step.place}"],
            shaft,
            path(head, "head"),
            cross(end - way * 10, y, "") if lost else None,
            text(end - way * 10, y + 4, "?", "mid") if step.reach is Reach.UNKNOWN else None,
            text((LEFT + RIGHT) / 2, y - 6, fitted(step.label, room), "mid"),
        ]
    )
    if step.sign is not None:
        sheet.nodes.append(sign(step.sign, (RIGHT + PLACE_LEFT) / 2, y))
    _stamp(sheet, step.at_ns, y + 4)
    sheet.nodes.append(text(PLACE_LEFT, y + 4, fitted(step.place, WIDTH - PLACE_LEFT), "soft"))
    sheet.y += ROW


def _note(sheet: _Sheet, step: Note) -> None:
    y = sheet.y + 4
    label = fitted(step.label, RIGHT - LEFT + 20)
    width = text_width(label) + 24
    middle = (LEFT + RIGHT) / 2
    sheet.nodes.append(
        group()[
            rect(middle - width / 2, y, width, 21, f"note {step.kind.value}", 10),
            text(middle, y + 15, label, "mid"),
        ]
    )
    _stamp(sheet, step.at_ns, y + 15)
    if step.place:
        place = fitted(step.place, WIDTH - PLACE_LEFT)
        sheet.nodes.append(text(PLACE_LEFT, y + 15, place, "soft"))
    sheet.y += NOTE_ROW


def _fold(sheet: _Sheet, step: Fold) -> None:
    y = sheet.y + FOLD_ROW / 2
    middle = (LEFT + RIGHT) / 2
    label = f"⋯ {fitted(step.label, RIGHT - LEFT - 60)} ⋯"
    half = text_width(label) / 2 + 8
    sheet.nodes += [
        line(LEFT, y, middle - half, y, "fold"),
        line(middle + half, y, RIGHT, y, "fold"),
        text(middle, y + 4, label, "mid soft"),
        text(TIME_RIGHT, y + 4, sheet.naming.at(step.at_ns), "end soft"),
    ]
    if step.end_ns - step.at_ns >= NS_PER_SECOND:
        until = f"until {sheet.naming.at(step.end_ns, 0)}"
        sheet.nodes.append(text(PLACE_LEFT, y + 4, until, "soft"))
    sheet.y += FOLD_ROW


def _veil(sheet: _Sheet, hole: BlackHole) -> Node:
    """A black hole behind the rungs that stand in it."""
    if hole.max_seconds <= 0:
        return None
    start_ns = exposed_ns(hole)
    inside = [y for at_ns, y in sheet.places if start_ns <= at_ns <= hole.stop_ns]
    if not inside:
        return None
    top = min(inside)
    below = [y for _, y in sheet.places if y > max(inside)]
    bottom = min(below) if below else sheet.y
    return rect(LEFT, top, RIGHT - LEFT, bottom - top, "veil certain")
