"""What all screens have in common that stand over the views: they are drawn quickly."""

from __future__ import annotations

from typing import Any

from rich.segment import Segment
from textual.geometry import Region, Size
from textual.renderables.background_screen import BackgroundScreen
from textual.screen import ModalScreen, ScreenResultType
from textual.strip import Strip


class Dialog(ModalScreen[ScreenResultType]):
    """A screen over what there was, which still shines through.

    Textual draws all of that anew with every frame, and lays out twice what comes into sight; here
    it is drawn when it changes.
    """

    def __init__(self) -> None:
        super().__init__()
        self._shining: list[Strip] = []
        """What is below, line by line; empty until it is drawn."""
        self._laid_out_for = Size(0, 0)

    def refresh(self, *regions: Region, **ways: Any) -> Dialog[ScreenResultType]:
        """Draw again; regions are those that have changed below."""
        if regions:
            self._shining = []
        super().refresh(*regions, **ways)
        return self

    def render_line(self, y: int) -> Strip:
        """A line of what is below."""
        if len(self._shining) != self.size.height:
            self._shining = self._draw_below()
        # On the way to another size it may have other lines.
        return self._shining[y] if y < len(self._shining) else Strip.blank(self.size.width)

    def _draw_below(self) -> list[Strip]:
        stack = self.app.screen_stack
        below, tint = stack[stack.index(self) - 1], self.styles.background
        lines = below._compositor.render_strips(self.size)
        styles = {segment.style for line in lines for segment in line}
        plain = [Segment("", style) for style in styles]
        tinted = {
            before.style: after.style
            for before, after in zip(
                plain, BackgroundScreen.process_segments(plain, tint), strict=True
            )
        }
        return [
            Strip([Segment(s.text, tinted[s.style]) for s in line], line.cell_length)
            for line in lines
        ]

    def _refresh_layout(self, size: Size | None = None, scroll: bool = False) -> None:
        self._laid_out_for = self.outer_size if size is None else size
        super()._refresh_layout(size, scroll)

    def _screen_resized(self, size: Size) -> None:
        if size != self._laid_out_for:
            self._shining = []
            super()._screen_resized(size)
