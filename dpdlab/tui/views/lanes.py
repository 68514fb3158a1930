"""The drawing of the timeline as a widget: what the mouse does there."""

from __future__ import annotations

from typing import ClassVar, Final

from textual import events
from textual.message import Message

from dpdlab.tui.painted import Painted

LABEL: Final = 14
"""Cells before the time begins."""


class Lanes(Painted):
    """The drawing; a click is a moment, the wheel zooms."""

    DEFAULT_CSS: ClassVar[str] = "Lanes { height: auto; width: 1fr; }"

    class Pointed(Message):
        """A moment was clicked."""

        def __init__(self, cell: int) -> None:
            super().__init__()
            self.cell = cell

    class Zoomed(Message):
        """The wheel was turned over a cell."""

        def __init__(self, cell: int, by: int) -> None:
            super().__init__()
            self.cell = cell
            self.by = by

    def __init__(self) -> None:
        super().__init__(id="lanes")

    def get_content_height(self, container: object, viewport: object, width: int) -> int:
        """As many rows as there are lines."""
        return len(self.texts)

    def on_click(self, event: events.Click) -> None:
        """A moment."""
        self.post_message(self.Pointed(event.x - LABEL))

    def on_mouse_scroll_up(self, event: events.MouseScrollUp) -> None:
        """Closer."""
        event.stop()
        self.post_message(self.Zoomed(event.x - LABEL, 1))

    def on_mouse_scroll_down(self, event: events.MouseScrollDown) -> None:
        """Farther."""
        event.stop()
        self.post_message(self.Zoomed(event.x - LABEL, -1))
