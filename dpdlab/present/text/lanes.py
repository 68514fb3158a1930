"""Lanes of time on the page: the whole span, the black holes closer, and one legend."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from rich.text import Text

from analyzers.export.exchanges import DID_NOT_ARRIVE
from analyzers.export.given_up import gave_us_up
from analyzers.export.spans import Window, death_confidence, whole, zooms
from analyzers.export.story import IN_VAIN, POSSIBLY
from analyzers.model.peer import Activity, PeerState, PeerView
from dpdlab.present import lane, words
from dpdlab.present.cells import Role, Row, RowKind
from dpdlab.present.formatting import Glyphs, duration
from dpdlab.present.lane import Lane
from dpdlab.present.scale import linear
from dpdlab.present.text.page import FAINT, GAP, Page, Part, padded

WIDEST_LANE: Final = 140
ZOOMS: Final = 1
"""Black holes drawn closer without -v."""
ZOOMS_VERBOSE: Final = 8

ROLE_STYLE: Final = {
    Role.BLANK: "",
    Role.ALIVE: "green",
    Role.QUESTIONABLE: "yellow",
    Role.IKE_ONLY: "yellow",
    Role.PROBING: "yellow",
    Role.DEAD: "bold red",
    Role.DELETED: "cyan",
    Role.UNKNOWN: "dim",
    Role.ANSWERED: "green",
    Role.UNANSWERED: "bold red",
    Role.ASKED: "yellow",
    Role.RETRY: "yellow",
    Role.OPEN: "yellow",
    Role.DELETE: "bold magenta",
    Role.MORE: "dim",
    Role.ANSWER: "green",
    Role.LOST: "bold red",
    Role.ESP: "cyan",
    Role.UNPLACED: "dim",
    Role.POSSIBLE: "red",
    Role.CERTAIN: "bold red",
    Role.PHASE: "",
    Role.AXIS: "dim",
    Role.GHOST: "dim",
    Role.FOLD: "dim",
}
_OVERVIEW_LEAVES_OUT: Final = frozenset({RowKind.PHASES_IN, RowKind.PHASES_OUT})


class LanePainter:
    """Draws lanes and remembers what the legend has explained."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.explained: set[Role] = set()

    def paint(self, peer: PeerView) -> None:
        """The lanes of one peer."""
        page = self.page
        width = max(min(page.beside, WIDEST_LANE), 1)
        span = whole(peer)
        parts = zooms(peer, width, ZOOMS_VERBOSE if page.verbose else ZOOMS)
        overview = lane.build(peer, linear(span, width), page.signs)
        if not page.verbose and not _tells_something(overview):
            return
        leave_out = _OVERVIEW_LEAVES_OUT if parts else frozenset()
        self._rows(overview, leave_out)
        drawn = [overview]
        for window in parts:
            closer = lane.build(peer, linear(window, width), page.signs)
            page.gap()
            page.entry("closer", self._zoom_title(peer, window, width))
            self._rows(closer, frozenset())
            drawn.append(closer)
        self._legend(drawn, peer)

    def _rows(self, drawn: Lane, leave_out: frozenset[RowKind]) -> None:
        for row in drawn.rows:
            if row.kind not in leave_out:
                self.page.line(self._row(row))

    def _row(self, row: Row) -> Text:
        label = padded(Text(row.label, FAINT), self.page.margin + GAP)
        for cell in row.cells:
            label.append(cell.glyph, ROLE_STYLE[cell.role])
        return label

    def _zoom_title(self, peer: PeerView, window: Window, width: int) -> Part:
        text = f"{duration(window.end_ns - window.start_ns)} around the black hole"
        activity = peer.activity
        if activity is not None and _coarse(activity, window, width):
            text += f"; ESP is known per {duration(activity.slice_ns)} only"
        return (text, FAINT)

    def _legend(self, drawn: Sequence[Lane], peer: PeerView) -> None:
        signs = self.page.signs
        roles = frozenset().union(*(each.roles for each in drawn)) - self.explained
        self.explained |= roles
        entries = [e for e in _legend_entries(signs) if e[0] in roles]
        entries += _states_without_words(drawn, roles, peer, signs)
        if not entries:
            return
        # One sign can mean several things in different rows: it is listed once.
        meanings: dict[str, tuple[str, list[str]]] = {}
        for role, sign, meaning in entries:
            meanings.setdefault(sign, (ROLE_STYLE[role], []))[1].append(meaning)
        parts: list[Part] = [
            Text.assemble((sign, style), (f" {' or '.join(said)}", FAINT))
            for sign, (style, said) in meanings.items()
        ]
        self.page.listing("legend", parts, label_style=FAINT, separator="   ")


def _tells_something(drawn: Lane) -> bool:
    """Whether anything happens in a lane besides the passing of time."""
    return any(row.kind not in (RowKind.STATE, RowKind.AXIS) for row in drawn.rows)


def _coarse(activity: Activity, window: Window, width: int) -> bool:
    """Whether a slice of ESP counts covers several cells of the window."""
    return activity.slice_ns * width > 2 * (window.end_ns - window.start_ns)


def _legend_entries(signs: Glyphs) -> tuple[tuple[Role, str, str], ...]:
    return (
        (Role.ANSWERED, signs.answered, "answered"),
        (Role.ANSWER, signs.answer, "its answer apart"),
        (Role.LOST, f"{signs.lost_to}{signs.lost_back}", f"sent, {DID_NOT_ARRIVE}"),
        (Role.UNANSWERED, signs.unanswered, "unanswered"),
        (Role.ASKED, signs.asked, "answered to a retry"),
        (Role.RETRY, signs.retry, "retry"),
        (Role.OPEN, signs.open, "open"),
        (Role.DELETE, signs.delete, "Delete"),
        (Role.MORE, signs.covered, "more signs under the one beside it"),
        (Role.ESP, signs.density[0] + signs.density[-1], "few, many packets"),
        (Role.UNPLACED, signs.unplaced, "packets somewhere near"),
        (Role.POSSIBLE, signs.possible, POSSIBLY),
        (Role.CERTAIN, signs.certain, IN_VAIN),
    )


def _states_without_words(
    drawn: Sequence[Lane], roles: frozenset[Role], peer: PeerView, signs: Glyphs
) -> list[tuple[Role, str, str]]:
    """States whose stretches were too short to be named in the lane itself."""
    rows = ["".join(cell.glyph for cell in each.rows[0].cells) for each in drawn]
    lines = {
        PeerState.QUESTIONABLE: (Role.QUESTIONABLE, signs.line_questionable),
        PeerState.PROBING: (Role.PROBING, signs.line_probing),
        PeerState.DEAD: (Role.DEAD, signs.dead),
        PeerState.DELETED: (Role.DELETED, signs.deleted),
    }
    found = []
    if Role.IKE_ONLY in roles and not any(words.IKE_ONLY in row for row in rows):
        found.append((Role.IKE_ONLY, signs.line_ike_only, words.IKE_ONLY))
    for state, (role, sign) in lines.items():
        word = words.state_word(state, death_confidence(peer), by_remote=gave_us_up(peer))
        if role in roles and not any(word in row for row in rows):
            found.append((role, sign, word))
    return found
