"""Black holes on the page: bounds, the story with its moments, phases."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import htpy
from htpy import Element, Node

from analyzers.export import words
from analyzers.export.formatting import (
    byte_count,
    class_severity,
    count_range,
    counted,
    duration,
    lasted,
)
from analyzers.export.hole_reasons import class_why
from analyzers.export.html.parts import SHADE, badge, more
from analyzers.export.html.scene import Scene, filters
from analyzers.export.html.tables import columns, stacked
from analyzers.export.naming import Naming, address
from analyzers.export.story import (
    SENT_FOR_NOTHING,
    arriving,
    bounds_of,
    broken_way,
    class_named,
    moments,
    remarks,
)
from analyzers.model.black_hole import BlackHole, BlackHoleClass, PhaseName
from analyzers.model.peer import PeerView

HOLES_SHOWN: Final = 12
"""Stories of one peer, the longest ones; the rest is one line each."""
LINES_SHOWN: Final = 100


def black_holes(peer: PeerView, scene: Scene) -> Node:
    """The black holes of a peer, the longest told in full."""
    holes = peer.black_holes
    if not holes:
        return None
    in_full = {h.id for h in sorted(holes, key=lambda h: -h.max_seconds)[:HOLES_SHOWN]}
    brief = [hole for hole in holes if hole.id not in in_full]
    return [
        htpy.h3["Black holes" if len(holes) > 1 else "Black hole"],
        [_story(peer, hole, scene) for hole in holes if hole.id in in_full],
        _brief(peer, brief[:LINES_SHOWN], scene.naming),
        more(f"{counted(len(brief) - LINES_SHOWN, 'more black hole')}: see the JSON report")
        if len(brief) > LINES_SHOWN
        else None,
    ]


def _story(peer: PeerView, hole: BlackHole, scene: Scene) -> Element:
    naming = scene.naming
    shade = SHADE[class_severity(hole.black_hole_class)]
    why = class_why(hole)
    return htpy.article(class_=f"card {shade}")[
        htpy.div(".head")[
            badge(class_named(hole), shade, "▒"),
            htpy.h4[_ends(peer, hole)],
            htpy.span(".soft")[hole.id],
        ],
        _figures(peer, hole),
        htpy.p[f"{why[:1].upper()}{why[1:]}."],
        _moments(peer, hole, naming),
        _phases(hole, naming),
        filters(scene.selector.of_black_hole(peer, hole)),
    ]


def _ends(peer: PeerView, hole: BlackHole) -> str:
    """The way that is broken."""
    sender, receiver = broken_way(hole, arriving(peer))
    return f"{address(sender)} → {address(receiver)}"


def _figures(peer: PeerView, hole: BlackHole) -> Element:
    if hole.max_seconds <= 0 or not hole.traffic_known:
        return htpy.p[", ".join(bounds_of(hole))]
    sent = SENT_FOR_NOTHING if hole.id in arriving(peer) else "sent into it"
    facts = [
        (lasted([hole]), "without proof of life"),
        (count_range(hole.min_packets, hole.max_packets, "packet"), sent),
    ]
    if hole.bytes_known:
        facts.append((f"up to {byte_count(hole.max_bytes)}", "of ESP"))
    if hole.black_hole_class is BlackHoleClass.DATA_PLANE:
        facts[0] = (facts[0][0], "without ESP")
    if words.is_censored(hole):
        facts.append(("going on", "when the input ends"))
    return htpy.div(".figures")[
        [
            htpy.div[htpy.span(".how-much")[how_much], htpy.span(".what")[what]]
            for how_much, what in facts
        ]
    ]


def _moments(peer: PeerView, hole: BlackHole, naming: Naming) -> Element:
    told = moments(peer, hole, address)
    zero_ns = told[0].at_ns if told else hole.stop_ns
    entries = [
        htpy.li[
            htpy.span[naming.at(moment.at_ns)],
            htpy.span(".plus")[
                f"+{duration(moment.at_ns - zero_ns)}" if moment.at_ns != zero_ns else ""
            ],
            htpy.span(".told")[moment.text],
        ]
        for moment in told
    ]
    entries += [
        htpy.li[htpy.span, htpy.span, htpy.span(".told.soft")[text]]
        for text in remarks(peer, hole, naming.at, address)
    ]
    return htpy.ol(".moments")[entries]


def _phases(hole: BlackHole, naming: Naming) -> Node:
    rows = [
        (
            words.phase(hole, phase.name),
            naming.at(phase.start_ns),
            naming.at(phase.end_ns),
            duration(phase.end_ns - phase.start_ns),
            words.phase_means(hole, phase.name)
            + (" (no part of the loss)" if phase.name is PhaseName.RECOVERY else ""),
        )
        for phase in hole.phases
        if phase.end_ns > phase.start_ns
    ]
    if not rows:
        return None
    head = columns("Phase", "From (UTC)", "To", "Lasted", "What it is", numeric=("Lasted",))
    return stacked(f"Phases of {hole.id}", head, rows)


def _brief(peer: PeerView, holes: Sequence[BlackHole], naming: Naming) -> Node:
    if not holes:
        return None
    there = arriving(peer)
    rows = [
        (
            hole.id,
            class_named(hole),
            _ends(peer, hole),
            naming.at(hole.stop_ns),
            " · ".join(bounds_of(hole, there)),
        )
        for hole in holes
    ]
    return stacked(
        "More black holes", columns("Id", "Class", "From → to", "Until (UTC)", "Bounds"), rows
    )
