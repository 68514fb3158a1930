"""The section of one peer: its facts, timeline, black holes, ladder and lists."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import htpy
from htpy import Element, Node

from analyzers.export import sa_words, words
from analyzers.export.esp_times import EspTimes, covering
from analyzers.export.exchanges import median_round_trip
from analyzers.export.formatting import duration
from analyzers.export.html import lists
from analyzers.export.html.holes import black_holes
from analyzers.export.html.overview import finding_card, problems
from analyzers.export.html.parts import more, state_badge
from analyzers.export.html.scene import Scene
from analyzers.export.html.tables import scroll_box
from analyzers.export.naming import Naming, address, day
from analyzers.export.spans import Window, zooms
from analyzers.export.svg.esp_lanes import is_coarse
from analyzers.export.svg.ladder import ladder
from analyzers.export.svg.sheet import WIDTH
from analyzers.export.svg.timeline import AXIS_CELL, timeline
from analyzers.model.peer import PeerView
from analyzers.model.time import ORDER_LIMIT_NS

ZOOMS: Final = 4
"""Black holes drawn closer."""
FINDINGS_SHOWN: Final = 20


def section(peer: PeerView, scene: Scene) -> Element:
    """All that is told of one peer."""
    naming, anchor = scene.naming, scene.anchors[peer.id]
    versions = "+".join(map(str, peer.ike_versions))
    return htpy.section(".peer", id=anchor, aria_labelledby=f"{anchor}-name")[
        htpy.h2(id=f"{anchor}-name")[
            htpy.span[f"{peer.id}: {address(peer.local)} → {address(peer.remote)}"],
            state_badge(peer),
            htpy.span(".soft")[f"IKEv{versions}"] if versions else None,
        ],
        _facts(peer, naming),
        _timelines(peer, naming, anchor, scene.content.esp.get(peer.id, ())),
        _findings(peer, scene),
        black_holes(peer, scene),
        _ladder(peer, naming, anchor),
        lists.policies(peer, naming),
        htpy.h3["Evidence"],
        lists.exchanges(peer, naming),
        lists.deletes(peer, naming),
        lists.ike_sas(peer, naming),
        lists.esp_flows(peer, naming),
        lists.shown(peer, naming),
        lists.hints(peer, naming),
        problems(peer.problems, naming),
    ]


def _facts(peer: PeerView, naming: Naming) -> Element:
    pairs: list[tuple[str, str]] = [("State", words.state_means(peer))]
    if peer.last_proof_ns is not None and peer.last_proof_ns >= ORDER_LIMIT_NS:
        ago = duration(max((peer.until_ns or peer.last_ns) - peer.last_proof_ns, 0))
        pairs.append(
            ("Last proof of life", f"{naming.at(peer.last_proof_ns)} UTC, {ago} before the end")
        )
    if peer.rtt_ns is not None:
        pairs.append(("Round trip", f"{median_round_trip(peer)} (median)"))
    pairs.append(("Local side", f"{address(peer.local)}: {words.LOCAL_BASIS[peer.local_basis]}"))
    if len(peer.addresses) > 1:
        pairs.append(("Remote side", f"seen at {lists.addresses(peer.addresses)}"))
    if peer.unknown_informationals:
        pairs.append(
            ("Not told apart", sa_words.unknown_informationals(peer.unknown_informationals))
        )
    return htpy.dl(".pairs")[[[htpy.dt[name], htpy.dd[value]] for name, value in pairs]]


def closer(peer: PeerView) -> tuple[Window, ...]:
    """The stretches of a peer's time that are drawn apart."""
    return zooms(peer, WIDTH // AXIS_CELL, ZOOMS)


def _timelines(peer: PeerView, naming: Naming, anchor: str, exact: Sequence[EspTimes]) -> Node:
    if peer.last_ns < ORDER_LIMIT_NS:
        return htpy.p(".soft")["No timeline: the lines of this log have no times."]
    windows: list[Window | None] = [None, *closer(peer)]
    figures: list[Node] = []
    for index, window in enumerate(windows):
        name = f"{anchor}-timeline-{index}"
        drawn = timeline(peer, naming, name=name, window=window, exact=exact)
        figures.append(
            htpy.figure[
                htpy.figcaption[_caption(peer, window, exact)],
                scroll_box(drawn.element, f"Timeline {index + 1}"),
            ]
        )
    return [htpy.h3["Timeline"], figures]


def _caption(peer: PeerView, window: Window | None, exact: Sequence[EspTimes]) -> str:
    if window is None:
        return f"All that is known of this peer; {day([peer])}, times are UTC."
    text = f"Closer: {duration(window.end_ns - window.start_ns)} around a black hole"
    coarse = is_coarse(peer, window) and covering(exact, window) is None
    if coarse and peer.activity is not None:
        text += f"; ESP is known per {duration(peer.activity.slice_ns)} only"
    return text + "."


def _findings(peer: PeerView, scene: Scene) -> Node:
    mine = [finding for finding in scene.content.findings if finding.peer == peer.id]
    if not mine or len(scene.content.peers) == 1:
        # With one peer they stand at the top of the page.
        return None
    hidden = len(mine) - FINDINGS_SHOWN
    return [
        htpy.h3["Findings"],
        [finding_card(finding, scene) for finding in mine[:FINDINGS_SHOWN]],
        more(f"{hidden} more at the top of the page") if hidden > 0 else None,
    ]


def _ladder(peer: PeerView, naming: Naming, anchor: str) -> Node:
    drawn = ladder(peer, naming, name=f"{anchor}-ladder")
    if drawn is None:
        return None
    return [
        htpy.h3["Ladder"],
        htpy.figure(".long")[
            htpy.figcaption[
                "The messages worth seeing; rows of healthy exchanges are folded."
                " A thick arrow is a retransmission, a cross an arrow that met no answer, or"
                " did not arrive."
            ],
            scroll_box(drawn.element, "Ladder"),
        ],
    ]
