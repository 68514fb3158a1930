"""A stretch of a peer's time: states, questions and answers, ESP both ways, black holes, logs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final

import htpy
from htpy import Element, Node

from analyzers.export import words
from analyzers.export.axis import mark_name, step_ns
from analyzers.export.formatting import duration
from analyzers.export.naming import Naming, address
from analyzers.export.spans import Window, death_confidence, exposed_ns, is_side, steadied, whole
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
    titled,
)
from analyzers.export.svg.marks import Mark, log_marks, probe_marks
from analyzers.export.svg.shapes import MEANING, Sign, cross, sign
from analyzers.model.black_hole import BlackHole, PhaseName
from analyzers.model.peer import PeerState, PeerView
from analyzers.model.time import NS_PER_SECOND, nanoseconds, seconds

WIDTH: Final = 960
PLOT_LEFT: Final = 112
PLOT_RIGHT: Final = 880
"""Beyond it is room for the word of an end: "dead"."""
AXIS_CELL: Final = 7
"""Width that the axis counts as one cell of its labels."""

_SIGN_GAP: Final = 9
"""Signs nearer than this would cover each other: the weightiest is drawn."""
_TICK_GAP: Final = 3


@dataclass(slots=True)
class _Sheet:
    """The drawing as it grows downwards."""

    peer: PeerView
    naming: Naming
    window: Window
    name: str
    y: float = 0
    nodes: list[Node] = field(default_factory=list)
    signs: set[Sign] = field(default_factory=set)
    legend: dict[str, Node] = field(default_factory=dict)

    def x(self, at_ns: int) -> float:
        """Where an instant stands; outside the window it is outside the plot."""
        start_ns, end_ns = self.window
        share = (at_ns - start_ns) / max(end_ns - start_ns, 1)
        return PLOT_LEFT + share * (PLOT_RIGHT - PLOT_LEFT)

    def stretch(self, start_ns: int, end_ns: int) -> tuple[float, float] | None:
        """Both ends of a stretch as far as it is inside the window."""
        if end_ns < self.window.start_ns or start_ns > self.window.end_ns:
            return None
        return max(self.x(start_ns), PLOT_LEFT), min(self.x(end_ns), PLOT_RIGHT)

    def lane(self, label: str, height: float) -> float:
        """Begin a lane; returns the middle of it."""
        middle = self.y + height / 2
        self.nodes.append(text(PLOT_LEFT - 12, middle + 4, label, "end soft"))
        self.y += height
        return middle


def timeline(peer: PeerView, naming: Naming, *, name: str, window: Window | None = None) -> Drawn:
    """One stretch of a peer's time, the whole of it by default.

    `name` makes the ids of the drawing unique in its document.
    """
    window = window or whole(peer)
    sheet = _Sheet(peer, naming, window, name)
    _axis(sheet)
    top = sheet.y
    _states(sheet)
    _probes(sheet)
    _esp(sheet)
    _black_holes(sheet)
    _logs(sheet)
    bottom = sheet.y
    _legend(sheet)
    lasted = duration(window.end_ns - window.start_ns)
    pair = f"{address(peer.local)} → {address(peer.remote)}"
    title = f"Timeline of {pair}"
    description = (
        f"{lasted} from {naming.at(window.start_ns)} UTC: state of the peer, liveness questions"
        " of each side and what became of them, ESP packets both ways, black holes."
    )
    nodes = [
        _hatch(name),
        _grid(sheet, top, bottom),
        _veils(sheet, top, bottom),
        sheet.nodes,
    ]
    return drawn(
        WIDTH,
        sheet.y + 4,
        nodes,
        css="timeline",
        title=title,
        description=description,
        name=name,
    )


def _hatch(name: str) -> Element:
    size = {"width": "6", "height": "6", "patternUnits": "userSpaceOnUse"}
    return htpy.defs[
        htpy.pattern(id=f"{name}-hatch", patternTransform="rotate(45)", **size)[
            htpy.rect(class_="possible", width="2.4", height="6")
        ]
    ]


# --- axis -----------------------------------------------------------------------------------


def _ticks(window: Window) -> Iterator[tuple[int, str]]:
    cells = (PLOT_RIGHT - PLOT_LEFT) // AXIS_CELL
    step = step_ns(window.start_ns, window.end_ns, cells)
    at_ns = -(-window.start_ns // step) * step
    before: int | None = None
    while at_ns <= window.end_ns:
        yield at_ns, mark_name(at_ns, step, before, window.start_ns)
        before = at_ns
        at_ns += step


def _axis(sheet: _Sheet) -> None:
    free = 0.0
    sheet.nodes.append(text(PLOT_LEFT - 12, 16, "UTC", "end soft"))
    for at_ns, label in _ticks(sheet.window):
        x = sheet.x(at_ns)
        if x >= free:
            sheet.nodes.append(text(x + 4, 16, label, "soft"))
            free = x + text_width(label) + 10
    sheet.y = 26


def _grid(sheet: _Sheet, top: float, bottom: float) -> Node:
    return [
        line(x, top - 16, x, bottom, "grid")
        for x in (sheet.x(at_ns) for at_ns, _ in _ticks(sheet.window))
    ]


# --- states ---------------------------------------------------------------------------------


def _states(sheet: _Sheet) -> None:
    peer = sheet.peer
    middle = sheet.lane("state", 30)
    by_remote = words.gave_us_up(peer)
    for index, span in enumerate(peer.states):
        last = index + 1 == len(peer.states)
        end_ns = sheet.window.end_ns if last else peer.states[index + 1].start_ns
        ends = sheet.stretch(span.start_ns, end_ns)
        if ends is None or span.start_ns > end_ns:
            continue
        word = words.state_word(span.state, death_confidence(peer), by_remote=by_remote)
        said = f"{word} from {sheet.naming.at(span.start_ns)} UTC"
        box = group(f"state {span.state.value}")
        if span.state in (PeerState.DEAD, PeerState.DELETED):
            sheet.nodes.append(_titled(box, said, _end(ends, middle, span.state, word)))
        elif ends[1] - ends[0] >= 0.5:
            sheet.nodes.append(_titled(box, said, _stretch(ends, middle, word)))


def _titled(box: Element, said: str, parts: Node) -> Element:
    """A group that says what it is to those who point at it."""
    return box[htpy.title[said], parts]


def _stretch(ends: tuple[float, float], middle: float, word: str) -> Node:
    left, right = ends
    parts: list[Node] = [
        rect(left, middle - 10, right - left, 20, "full"),
        line(left, middle + 9, right, middle + 9, "edge"),
    ]
    if text_width(word) + 10 <= right - left:
        parts.append(text((left + right) / 2, middle + 3, word, "mid"))
    return parts


def _end(ends: tuple[float, float], middle: float, state: PeerState, word: str) -> Node:
    """An end, not a stretch: a sign at its instant and the word after it."""
    left, right = ends
    parts: list[Node] = []
    if state is PeerState.DEAD:
        parts.append(cross(left, middle, ""))
    else:
        parts.append(htpy.rect({"class": "stroke", "x": number(left - 4), "y": number(middle - 4),
                                "width": "8", "height": "8"}))  # fmt: skip
    room = (WIDTH if right >= PLOT_RIGHT else right) - left - 10
    shown = fitted(word, room)
    if shown == word or right >= PLOT_RIGHT:
        parts.append(text(left + 10, middle + 4, shown))
    return parts


# --- questions ------------------------------------------------------------------------------


def _probes(sheet: _Sheet) -> None:
    peer = sheet.peer
    for arrow, side in (("→", peer.local), ("←", peer.remote)):
        found = probe_marks(peer, side, sheet.naming)
        if not found:
            continue
        asked = any(is_side(x.prober, side, peer) for x in peer.exchanges)
        middle = sheet.lane(f"{'probes' if asked else 'Delete'} {arrow}", 26)
        sheet.nodes.append(line(PLOT_LEFT, middle, PLOT_RIGHT, middle, "lane"))
        for x, mark, others in _thinned(sheet, found, _SIGN_GAP):
            assert mark.sign is not None
            more = f" (and {others} more here)" if others else ""
            sheet.signs.add(mark.sign)
            sheet.nodes.append(sign(mark.sign, x, middle, mark.said + more))


def _thinned(sheet: _Sheet, found: Sequence[Mark], gap: float) -> Iterator[tuple[float, Mark, int]]:
    """Marks of the window, one of those that stand too near to each other, and how many went."""
    cells: dict[int, tuple[Mark, int]] = {}
    for mark in found:
        if not sheet.window.start_ns <= mark.at_ns <= sheet.window.end_ns:
            continue
        cell = int(sheet.x(mark.at_ns) / gap)
        held = cells.get(cell)
        if held is None:
            cells[cell] = (mark, 0)
        else:
            cells[cell] = (mark if mark.rank > held[0].rank else held[0], held[1] + 1)
    for mark, others in cells.values():
        yield sheet.x(mark.at_ns), mark, others


# --- ESP ------------------------------------------------------------------------------------


def _esp(sheet: _Sheet) -> None:
    activity = sheet.peer.activity
    if activity is None or not (any(activity.outbound) or any(activity.inbound)):
        return
    out, back = steadied(activity.outbound), steadied(activity.inbound)
    top = max(max(out, default=0), max(back, default=0), 1)
    for label, packets, said in (
        ("ESP →", out, f"ESP sent by {address(sheet.peer.local)}"),
        ("ESP ←", back, f"ESP sent by {address(sheet.peer.remote)}"),
    ):
        middle = sheet.lane(label, 32)
        floor = middle + 13
        area = _area(sheet, packets, top, floor)
        rate = f"up to {top / seconds(activity.slice_ns):.3g} packets per second"
        sheet.nodes.append(line(PLOT_LEFT, floor, PLOT_RIGHT, floor, "baseline"))
        if area:
            sheet.nodes.append(titled(path(area, "esp"), f"{said}, {rate}"))


def _area(sheet: _Sheet, packets: Sequence[float], top: float, floor: float) -> str:
    """The path of a step curve; slices without a packet leave the floor free."""
    activity = sheet.peer.activity
    assert activity is not None
    parts: list[str] = []
    run_end = -1.0
    for index, amount in enumerate(packets):
        start_ns = activity.start_ns + index * activity.slice_ns
        ends = sheet.stretch(start_ns, start_ns + activity.slice_ns)
        if amount <= 0 or ends is None or ends[1] <= ends[0]:
            continue
        height = 3 + 22 * amount / top
        if abs(ends[0] - run_end) > 0.05:
            parts.append(f"{'' if run_end < 0 else f'V{number(floor)}Z'}M{number(ends[0])} {floor}")
        parts.append(f"V{number(floor - height)}H{number(ends[1])}")
        run_end = ends[1]
    return "".join(parts) + f"V{number(floor)}Z" if parts else ""


# --- black holes ----------------------------------------------------------------------------


def _black_holes(sheet: _Sheet) -> None:
    peer = sheet.peer
    for arrow, side in (("→", peer.local), ("←", peer.remote)):
        holes = [
            hole
            for hole in peer.black_holes
            if is_side(hole.sender, side, peer)
            and hole.max_seconds > 0
            and sheet.stretch(exposed_ns(hole), hole.stop_ns)
        ]
        if not holes:
            continue
        middle = sheet.lane(f"black hole {arrow}", 28)
        named = [_black_hole(sheet, hole, middle) for hole in holes]
        if any(named):
            sheet.y += 22


def _black_hole(sheet: _Sheet, hole: BlackHole, middle: float) -> bool:
    said = f"{hole.id}: {words.CLASS[hole.black_hole_class]}, at most {hole.max_seconds:.1f} s"
    ends = sheet.stretch(exposed_ns(hole), hole.stop_ns)
    assert ends is not None
    width = max(ends[1] - ends[0], 2)
    box = {"x": number(ends[0]), "y": number(middle - 8), "width": number(width), "height": "16"}
    parts: list[Node] = [htpy.rect(box, fill=f"url(#{sheet.name}-hatch)")]
    sheet.legend["possible loss"] = htpy.rect(
        x="-7", y="-5", width="14", height="10", fill=f"url(#{sheet.name}-hatch)"
    )
    if hole.min_seconds > 0:
        certain = sheet.stretch(hole.stop_ns - nanoseconds(hole.min_seconds), hole.stop_ns)
        if certain is not None:
            left, right = certain
            parts.append(rect(left, middle - 8, max(right - left, 2), 16, "certain"))
            sheet.legend["certain loss"] = rect(-7, -5, 14, 10, "certain")
    sheet.nodes.append(_titled(group("hole"), said, parts))
    return _phases(sheet, hole, middle + 11)


def _phases(sheet: _Sheet, hole: BlackHole, y: float) -> bool:
    """A bracket under each phase that has room for its name."""
    told = False
    for phase in hole.phases:
        if phase.end_ns <= phase.start_ns or phase.name is PhaseName.RECOVERY:
            continue
        ends = sheet.stretch(phase.start_ns, phase.end_ns)
        if ends is None:
            continue
        left, right = ends
        name, lasted = words.phase(hole, phase.name), duration(phase.end_ns - phase.start_ns)
        choices = (f"{name} {lasted}", name, lasted)
        label = next((c for c in choices if text_width(c, 11) <= right - left - 4), None)
        if label is None:
            continue
        bracket = f"M{number(left + 1)} {number(y)}v4H{number(right - 1)}v-4"
        said = f"{name} {lasted}: {words.phase_means(hole, phase.name)}"
        parts = [
            path(bracket, "bracket"),
            text((left + right) / 2, y + 17, label, "mid soft small"),
        ]
        sheet.nodes.append(_titled(group(), said, parts))
        told = True
    return told


def _veils(sheet: _Sheet, top: float, bottom: float) -> Node:
    """Black holes behind all lanes, with both bounds of their beginning."""
    nodes: list[Node] = []
    for hole in sheet.peer.black_holes:
        start_ns = exposed_ns(hole)
        ends = sheet.stretch(start_ns, hole.stop_ns)
        if ends is None or hole.max_seconds <= 0:
            continue
        nodes.append(rect(ends[0], top, ends[1] - ends[0], bottom - top, "veil"))
        bounds = [start_ns, hole.stop_ns]
        if hole.min_seconds > 0:
            certain_ns = hole.stop_ns - nanoseconds(hole.min_seconds)
            bounds.append(certain_ns)
            inside = sheet.stretch(certain_ns, hole.stop_ns)
            if inside is not None:
                width = inside[1] - inside[0]
                nodes.append(rect(inside[0], top, width, bottom - top, "veil certain"))
        nodes += [
            line(sheet.x(at_ns), top, sheet.x(at_ns), bottom, "bound")
            for at_ns in bounds
            if sheet.window.start_ns <= at_ns <= sheet.window.end_ns
        ]
    return nodes


# --- logs, legend ---------------------------------------------------------------------------


def _logs(sheet: _Sheet) -> None:
    found = log_marks(sheet.peer, sheet.naming)
    if not found:
        return
    middle = sheet.lane("logs", 22)
    for x, mark, others in _thinned(sheet, found, _TICK_GAP):
        more = f" (and {others} more here)" if others else ""
        tick = line(x, middle - 6, x, middle + 6, "log")
        sheet.nodes.append(titled(tick, mark.said + more))
    sheet.legend["said by a log"] = line(0, -5, 0, 5, "log")


def _legend(sheet: _Sheet) -> None:
    entries: list[tuple[Node, str]] = [
        (sign(kind, 0, 0), meaning) for kind, meaning in MEANING.items() if kind in sheet.signs
    ]
    entries += [(figure, meaning) for meaning, figure in sheet.legend.items()]
    if not entries:
        return
    x, y = float(PLOT_LEFT), sheet.y + 20
    for figure, meaning in entries:
        width = 14 + text_width(meaning) + 20
        if x + width > WIDTH:
            x, y = float(PLOT_LEFT), y + 20
        sheet.nodes.append(group(move=(x + 7, y - 4))[figure])
        sheet.nodes.append(text(x + 18, y, meaning, "soft"))
        x += width
    sheet.y = y + 6


def is_coarse(peer: PeerView, window: Window) -> bool:
    """Whether ESP is counted in slices too long for a window: its edges are not exact there."""
    activity = peer.activity
    if activity is None:
        return False
    return activity.slice_ns * 60 > window.end_ns - window.start_ns > NS_PER_SECOND
