"""Black holes of a timeline: a lane each way, their phases, and a veil over all lanes."""

from __future__ import annotations

from typing import Final

import htpy
from htpy import Element, Node

from analyzers.export import words
from analyzers.export.formatting import duration
from analyzers.export.spans import exposed_ns, is_side
from analyzers.export.story import (
    IN_VAIN,
    POSSIBLY,
    arriving,
    broken_way,
    certainly_in_vain_s,
    class_named,
)
from analyzers.export.svg.canvas import group, line, number, path, rect, text, text_width
from analyzers.export.svg.sheet import Sheet, spoken
from analyzers.model.black_hole import BlackHole, PhaseName
from analyzers.model.time import nanoseconds

BOUNDS_FROM: Final = 16
"""Width of a black hole from which on its bounds are drawn as lines."""


def black_holes(sheet: Sheet) -> None:
    """A lane each way, for that from which nothing comes."""
    peer = sheet.peer
    there = arriving(peer)
    for arrow, side in (("→", peer.local), ("←", peer.remote)):
        holes = [
            hole
            for hole in peer.black_holes
            if is_side(broken_way(hole, there)[0], side, peer)
            and hole.max_seconds > 0
            and sheet.stretch(exposed_ns(hole), hole.stop_ns)
        ]
        if not holes:
            continue
        middle = sheet.lane(f"black hole {arrow}", 28)
        named = [_black_hole(sheet, hole, middle) for hole in holes]
        if any(named):
            sheet.y += 22


def _black_hole(sheet: Sheet, hole: BlackHole, middle: float) -> bool:
    most = "at least" if hole.begun_before else "at most"
    said = f"{hole.id}: {class_named(hole)}, {most} {hole.max_seconds:.1f} s"
    ends = sheet.stretch(exposed_ns(hole), hole.stop_ns)
    assert ends is not None
    width = max(ends[1] - ends[0], 2)
    box = {"x": number(ends[0]), "y": number(middle - 8), "width": number(width), "height": "16"}
    parts: list[Node] = [htpy.rect(box, fill=f"url(#{sheet.name}-hatch)")]
    sheet.legend[POSSIBLY] = htpy.rect(
        x="-7", y="-5", width="14", height="10", fill=f"url(#{sheet.name}-hatch)"
    )
    certain_s = certainly_in_vain_s(hole, arriving(sheet.peer))
    if certain_s > 0:
        certain = sheet.stretch(hole.stop_ns - nanoseconds(certain_s), hole.stop_ns)
        if certain is not None:
            left, right = certain
            parts.append(rect(left, middle - 8, max(right - left, 2), 16, "certain"))
            sheet.legend[IN_VAIN] = rect(-7, -5, 14, 10, "certain")
    sheet.nodes.append(spoken(group("hole"), said, parts))
    return _phases(sheet, hole, middle + 11)


def _phases(sheet: Sheet, hole: BlackHole, y: float) -> bool:
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
        sheet.nodes.append(spoken(group(), said, parts))
        told = True
    return told


def veils(sheet: Sheet, top: float, bottom: float) -> Node:
    """Black holes behind all lanes, with both bounds of their beginning."""
    nodes: list[Node] = []
    for hole in sheet.peer.black_holes:
        start_ns = exposed_ns(hole)
        ends = sheet.stretch(start_ns, hole.stop_ns)
        if ends is None or hole.max_seconds <= 0:
            continue
        nodes.append(rect(ends[0], top, ends[1] - ends[0], bottom - top, "veil"))
        bounds = [start_ns, hole.stop_ns]
        certain_s = certainly_in_vain_s(hole, arriving(sheet.peer))
        if certain_s > 0:
            certain_ns = hole.stop_ns - nanoseconds(certain_s)
            bounds.append(certain_ns)
            inside = sheet.stretch(certain_ns, hole.stop_ns)
            if inside is not None:
                width = inside[1] - inside[0]
                nodes.append(rect(inside[0], top, width, bottom - top, "veil certain"))
        if ends[1] - ends[0] < BOUNDS_FROM:
            continue
        nodes += [
            line(sheet.x(at_ns), top, sheet.x(at_ns), bottom, "bound")
            for at_ns in bounds
            if sheet.window.start_ns <= at_ns <= sheet.window.end_ns
        ]
    return nodes


def hatch(name: str) -> Element:
    """The pattern of what may be in vain."""
    size = {"width": "6", "height": "6", "patternUnits": "userSpaceOnUse"}
    return htpy.defs[
        htpy.pattern(id=f"{name}-hatch", patternTransform="rotate(45)", **size)[
            htpy.rect(class_="possible", width="2.4", height="6")
        ]
    ]
