"""Black holes as stories: the moments in their order, each with how it is known."""

from __future__ import annotations

from collections.abc import Container
from typing import Final

from rich.text import Text

from analyzers.export.hole_reasons import class_why
from analyzers.export.story import arriving, bounds_of, broken_way, class_named, moments, remarks
from analyzers.model.black_hole import BlackHole, PhaseName
from analyzers.model.peer import PeerView
from analyzers.model.time import NS_PER_MS, NS_PER_SECOND, seconds
from dpdlab.present import words
from dpdlab.present.formatting import (
    class_severity,
    counted,
    duration,
)
from dpdlab.present.text.page import FAINT, LABEL, SEVERITY_STYLE, Page, Part, assemble, padded

HOLES_SHOWN: Final = 3
"""Stories of one peer without -v; the rest is one line each."""
LINES_SHOWN: Final = 8
"""Lines for the rest."""

_OFFSET_COLUMN: Final = 10


def stories(page: Page, peer: PeerView) -> None:
    """The black holes of a peer, the longest told in full."""
    holes = peer.black_holes
    told = sorted(holes, key=lambda h: -h.max_seconds)
    in_full = {h.id for h in (told if page.verbose else told[:HOLES_SHOWN])}
    brief = 0
    for hole in holes:
        if hole.id in in_full:
            _story(page, peer, hole)
            continue
        brief += 1
        if brief <= LINES_SHOWN:
            _brief(page, peer, hole)
    if brief > LINES_SHOWN:
        rest = counted(brief - LINES_SHOWN, "more black hole")
        page.entry("", (f"{page.signs.more} {rest} not shown (-v shows all)", FAINT))


def _brief(page: Page, peer: PeerView, hole: BlackHole) -> None:
    style = SEVERITY_STYLE[class_severity(hole.black_hole_class)]
    named: Part = (class_named(hole), style)
    there = arriving(peer)
    arrow = page.arrow(broken_way(hole, there)[0], peer.local)
    label = assemble((f"black hole {arrow}", style))
    page.gap()
    page.listing(label, [named, f"until {page.at(hole.stop_ns)}", *_bounds(hole, there)])


def _story(page: Page, peer: PeerView, hole: BlackHole) -> None:
    style = SEVERITY_STYLE[class_severity(hole.black_hole_class)]
    page.gap()
    there = arriving(peer)
    arrow = page.arrow(broken_way(hole, there)[0], peer.local)
    page.listing((f"black hole {arrow}", style), _bounds(hole, there))
    page.entry("", assemble((class_named(hole), style), f": {class_why(hole)}"))
    told = moments(peer, hole, page.address)
    zero = told[0].at_ns if told else hole.stop_ns
    offsets = [_offset(moment.at_ns - zero) for moment in told]
    column = max([_OFFSET_COLUMN, *(1 + len(offset) for offset in offsets)])
    indent = page.margin + column + 2
    for moment, offset in zip(told, offsets, strict=True):
        page.wrapped(moment.text, first=_stamp(page, moment.at_ns, offset, column), indent=indent)
    for text in remarks(peer, hole, page.at, page.address):
        page.wrapped((text, FAINT), first="", indent=indent)
    _phases(page, hole)


def _bounds(hole: BlackHole, there: Container[str]) -> list[Part]:
    lasted, *rest = bounds_of(hole, there)
    return [(lasted, LABEL) if hole.max_seconds > 0 else lasted, *rest]


def _stamp(page: Page, at_ns: int, offset: str, column: int) -> Text:
    # A column of its own: times below one another, distances right-aligned beside them.
    return assemble(
        padded(Text(page.at(at_ns)), page.margin),
        padded(Text(f" {offset}", FAINT), column, "right"),
        "  ",
    )


def _offset(ago_ns: int) -> str:
    if ago_ns == 0:
        return ""
    # Tenths of a second below one another, so that the eye can compare them.
    near = 50 * NS_PER_MS <= abs(ago_ns) < 120 * NS_PER_SECOND
    text = f"{seconds(ago_ns):.1f} s" if near else duration(ago_ns)
    return text if ago_ns < 0 else f"+{text}"


def _phases(page: Page, hole: BlackHole) -> None:
    parts: list[Part] = []
    for name in PhaseName:
        lasted = hole.phase_s(name)
        if lasted > 0:
            length = duration(round(lasted * 1e9))
            parts.append(assemble(words.phase(hole, name), " ", (length, LABEL)))
    if parts:
        page.listing("spent on", parts, label_style=FAINT)
        if page.verbose:
            for name in PhaseName:
                if hole.phase_s(name) > 0:
                    means = f"{words.phase(hole, name)}: {words.phase_means(hole, name)}"
                    page.entry("", (means, FAINT))
