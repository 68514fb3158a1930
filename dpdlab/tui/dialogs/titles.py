"""How wide dialogs are, and their titles: what is too long, Textual cuts as it likes."""

from __future__ import annotations

from typing import Final

# As the style has it: nine tenths of the screen, and not wider than this.
_WIDEST: Final = 110
_FRAME: Final = 8


def room_of_title(width: int) -> int:
    """Cells of a title in a dialog on a screen of so many columns."""
    return width_of_dialog(width) - _FRAME


def width_of_dialog(width: int) -> int:
    """Cells of a dialog, frame included, on a screen of so many columns."""
    return min(width * 9 // 10, _WIDEST)
