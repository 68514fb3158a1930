"""What has the room that it gets, and never scrolls."""

from __future__ import annotations

from textual.geometry import Size
from textual.reactive import Reactive
from textual.widget import Widget


class Fixed(Widget):
    """A widget without scroll bars of its own; of several bases the last one, for the style sheet.

    Where the size of others changes, Textual lays the whole screen out a second time, since that
    might bring scroll bars, and paints it a second time.
    """

    virtual_size: Reactive[Size] = Reactive(Size(0, 0), repaint=False)
