"""The lanes of a timeline that show what was said: states, questions and Deletes, logs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import htpy
from htpy import Node

from analyzers.export import words
from analyzers.export.spans import ToldState, is_side, told_states
from analyzers.export.svg.canvas import fitted, group, line, number, rect, text, text_width, titled
from analyzers.export.svg.marks import Mark, log_marks, lost_marks, probe_marks
from analyzers.export.svg.shapes import cross, sign
from analyzers.export.svg.sheet import PLOT_LEFT, PLOT_RIGHT, WIDTH, Sheet, spoken, thinned
from analyzers.model.peer import PeerState

_SIGN_GAP: Final = 9
"""Signs nearer than this would cover each other: the weightiest is drawn."""
_TICK_GAP: Final = 3


def states(sheet: Sheet) -> None:
    """What the peer was known to be."""
    peer = sheet.peer
    middle = sheet.lane("state", 30)
    for span in told_states(peer):
        end_ns = sheet.window.end_ns if span.end_ns is None else span.end_ns
        ends = sheet.stretch(span.start_ns, end_ns)
        if ends is None or span.start_ns > end_ns:
            continue
        word = words.told_word(peer, span)
        said = f"{word} from {sheet.naming.at(span.start_ns)} UTC"
        # A life of IKE alone is as doubtful as one that is questioned.
        shade = PeerState.QUESTIONABLE if span.ike_only else span.state
        box = group(f"state {shade.value}")
        if span.state in (PeerState.DEAD, PeerState.DELETED):
            sheet.nodes.append(spoken(box, said, _end(sheet, ends, middle, span, word)))
        elif ends[1] - ends[0] >= 0.5:
            sheet.nodes.append(spoken(box, said, _stretch(sheet, ends, middle, shade, word)))


def _stretch(
    sheet: Sheet, ends: tuple[float, float], middle: float, state: PeerState, word: str
) -> Node:
    left, right = ends
    parts: list[Node] = [
        rect(left, middle - 10, right - left, 20, "full"),
        line(left, middle + 9, right, middle + 9, "edge"),
    ]
    if text_width(word) + 10 <= right - left:
        parts.append(text((left + right) / 2, middle + 3, word, "mid"))
    elif word != words.IKE_ONLY:
        sheet.unnamed[state] = word
    return parts


def _end(
    sheet: Sheet, ends: tuple[float, float], middle: float, span: ToldState, word: str
) -> Node:
    """An end, not a stretch: a sign at its instant and the word after it."""
    left, right = ends
    parts: list[Node] = []
    state = span.state
    if sheet.x(span.start_ns) < PLOT_LEFT:
        # It ended before this window.
        return text(left + 4, middle + 4, word)
    if state is PeerState.DEAD:
        parts.append(cross(left, middle, ""))
    else:
        parts.append(htpy.rect({"class": "stroke", "x": number(left - 4), "y": number(middle - 4),
                                "width": "8", "height": "8"}))  # fmt: skip
    room = (WIDTH if right >= PLOT_RIGHT else right) - left - 10
    shown = fitted(word, room)
    if shown == word or right >= PLOT_RIGHT:
        parts.append(text(left + 10, middle + 4, shown))
    else:
        sheet.unnamed[state] = word
    return parts


def probes(sheet: Sheet) -> None:
    """Questions of each side and what became of them, its Deletes, and what did not arrive."""
    peer = sheet.peer
    for arrow, side in (("→", peer.local), ("←", peer.remote)):
        found = probe_marks(peer, side)
        if not found:
            continue
        asked = any(is_side(x.prober, side, peer) for x in peer.exchanges)
        _signs(sheet, f"{'probes' if asked else 'Delete'} {arrow}", found)
    for arrow, side in (("→", peer.local), ("←", peer.remote)):
        lost = lost_marks(peer, side)
        if lost:
            _signs(sheet, f"lost {arrow}", lost)


def _signs(sheet: Sheet, label: str, found: Sequence[Mark]) -> None:
    middle = sheet.lane(label, 26)
    sheet.nodes.append(line(PLOT_LEFT, middle, PLOT_RIGHT, middle, "lane"))
    for x, mark, others in thinned(sheet, found, _SIGN_GAP):
        assert mark.sign is not None
        more = f" (and {others} more here)" if others else ""
        sheet.signs.add(mark.sign)
        sheet.nodes.append(sign(mark.sign, x, middle, mark.said(sheet.naming) + more))


def logs(sheet: Sheet) -> None:
    """When logs say something."""
    found = log_marks(sheet.peer, sheet.naming)
    if not found:
        return
    middle = sheet.lane("logs", 22)
    for x, mark, others in thinned(sheet, found, _TICK_GAP):
        more = f" (and {others} more here)" if others else ""
        tick = line(x, middle - 6, x, middle + 6, "log")
        sheet.nodes.append(titled(tick, mark.said(sheet.naming) + more))
    sheet.legend["said by a log"] = line(0, -5, 0, 5, "log")
