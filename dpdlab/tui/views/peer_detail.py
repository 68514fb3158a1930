"""The peer under the cursor in as much detail as there is room for.

Low and narrow: its story, and what is known of it below. Wide: both beside each other. High: its
time above them, drawn as in the timeline.
"""

from __future__ import annotations

import re
from typing import ClassVar, Final

from rich.text import Text
from textual import events
from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical

from analyzers.export.spans import Window
from analyzers.model.peer import PeerView
from analyzers.model.time import ORDER_LIMIT_NS
from dpdlab.present.lane import rows_of
from dpdlab.present.live_lines import age
from dpdlab.tui.live_reading import happened
from dpdlab.tui.model import Model
from dpdlab.tui.painted import Painted
from dpdlab.tui.palette import Palette
from dpdlab.tui.rows import plain
from dpdlab.tui.text_pane import TextPane, TextRows
from dpdlab.tui.views import peer_facts, peer_story
from dpdlab.tui.views.lanes import LABEL
from dpdlab.tui.views.list_view import BESIDE_FROM
from dpdlab.tui.views.peer_spark import thinned
from dpdlab.tui.views.timeline_lines import TimelineLines

_FEW_LANES: Final = 7
_MOST_LANES: Final = 10
"""Lines of the drawing: a peer with trouble one way, and both ways."""
_LANES_FROM: Final = 30
"""Rows from which there is room for the drawing."""
_INDENT: Final = 2
_COLUMN: Final = re.compile(" {2,}")
_TIMES: Final = 48
"""Cells that the times of a moment take at most."""


def _hang(line: Text) -> int:
    """Where a long line goes on: below the text of a moment, which follows its times."""
    if not line.plain.startswith("  "):
        return _INDENT
    column = max(found.end() for found in _COLUMN.finditer(line.plain[:_TIMES]))
    return column if column > _INDENT else 2 * _INDENT


def _hang_fact(line: Text) -> int:
    """The same below the label of a fact."""
    return peer_facts.LABEL if line.plain.startswith("  ") else _INDENT


def _told_of(peer: PeerView, now_ns: int) -> object:
    """What the story has that stands in the list, too: the age of the last proof."""
    return happened(peer), age(peer.last_proof_ns or 0, now_ns)


class PeerDetail(Vertical):
    """The drawing, the story, and the facts."""

    DEFAULT_CSS: ClassVar[str] = """
    PeerDetail { height: 1fr; border-top: solid $panel; }
    PeerDetail > Painted { height: 7; margin-bottom: 1; }
    PeerDetail.both-ways > Painted { height: 10; }
    PeerDetail #peer-facts { display: none; }
    PeerDetail.wide #peer-facts { display: block; width: 45%; border-left: solid $panel;
        padding: 0 1; }
    """

    def __init__(self, model: Model, palette: Palette) -> None:
        super().__init__(id="peer-detail")
        self.model = model
        self.lanes = Painted(id="peer-lanes")
        self.story = TextPane(palette, id="peer-story")
        self.facts = TextPane(palette, id="peer-facts")
        self._told: object = None

    def compose(self) -> ComposeResult:
        """The drawing above both texts."""
        yield self.lanes
        with Horizontal():
            yield self.story
            yield self.facts

    def on_resize(self, event: events.Resize) -> None:
        """What there is room for."""
        self.refresh_texts()

    def refresh_texts(self) -> None:
        """Wrap and draw for another width."""
        peer, palette = self.model.peer, self.story.palette
        if peer is not None:
            self.tell(peer, palette)

    def tell(self, peer: PeerView, palette: Palette, *, afresh: bool = False) -> None:
        """All of a peer; what is told already stays.

        While things happen, what grows with every packet is told only `afresh`.
        """
        model = self.model
        found = tuple(model.digest.findings.get(peer.id, ()))
        happened = model.revision if model.now_ns is None else _told_of(peer, model.now_ns)
        told = (peer.id, happened, found, model.times, model.range_ns, palette, self.size)
        if told == self._told and not afresh:
            return
        self._told = told
        # By the size itself: the message that tells of a new one may still be on its way.
        wide = self.size.width >= BESIDE_FROM
        self.set_class(wide, "wide")
        story = peer_story.lines(model, peer, palette, in_full=wide)
        facts = peer_facts.lines(model, peer, palette)
        if wide:
            self.facts.tell(TextRows(facts, indent=_hang_fact), palette, peer.id)
            self.story.tell(TextRows(story, indent=_hang), palette, peer.id)
        else:
            held = {id(line) for line in facts}
            both = TextRows(
                [*story, *facts],
                indent=lambda line: _hang_fact(line) if id(line) in held else _hang(line),
            )
            self.story.tell(both, palette, peer.id)
        timed = peer.first_ns >= ORDER_LIMIT_NS
        self.lanes.display = timed and self.size.height >= _LANES_FROM
        if self.lanes.display:
            drawing = self._drawing(peer, palette)
            self.set_class(len(drawing) > _FEW_LANES, "both-ways")
            self.lanes.paint(drawing)

    def scroll_by(self, by: int) -> bool:
        """Both texts by so many lines; False where both are at their ends."""
        moved = [pane.scroll_by(by) for pane in (self.story, self.facts)]
        return any(moved)

    # --- the drawing -----------------------------------------------------------------------

    def _drawing(self, peer: PeerView, palette: Palette) -> list[Text]:
        """The time of the peer, or the range that is chosen, on all of the width."""
        model = self.model
        window = Window(*model.range_ns) if model.range_ns is not None else model.fit([peer])
        if window.end_ns <= window.start_ns:
            return []
        scale = model.scale(window, self.size.width - LABEL)
        painted = TimelineLines(model, palette, scale)
        rows = rows_of(thinned(peer), scale, model.signs)
        lines = [painted.axis(None), *(painted.line(row.label, row.cells, None) for row in rows)]
        # Of two heights, so that what is below seldom moves with the cursor.
        most = _FEW_LANES if len(lines) <= _FEW_LANES else _MOST_LANES
        shown = [plain(line, model.ascii_only) for line in lines[:most]]
        return [*shown, *(Text() for _ in range(most - len(shown)))]
