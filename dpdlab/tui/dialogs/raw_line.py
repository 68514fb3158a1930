"""One line of a log as the file has it, whole, with its neighbours."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import ClassVar

from rich.text import Text

from analyzers.export.untrusted import safe
from dpdlab.tui.dialogs.page import Page
from dpdlab.tui.palette import Palette


class RawLine(Page):
    """Gone with the key that brought it, too."""

    BINDINGS: ClassVar = [("r,f6,enter", "dismiss", "close")]

    def __init__(
        self,
        title: str,
        lines: Sequence[tuple[int, str]],
        number: int,
        palette: Palette,
        *,
        ascii_only: bool,
    ) -> None:
        """`lines` with their numbers; `number` is that of the line that is meant."""
        super().__init__(title, palette, ascii_only=ascii_only)
        self._lines = lines
        self._number = number

    @property
    def _wide(self) -> int:
        return max((len(str(number)) for number, _ in self._lines), default=1)

    def lines(self) -> Iterator[Text]:
        """The lines behind their numbers."""
        for number, said in self._lines:
            here = number == self._number
            text = Text().append(f"{number:>{self._wide}}  ", self._palette.faint)
            yield text.append(safe(said), self._palette.strong if here else self._palette.faint)

    def indent(self, line: Text) -> int:
        """Behind the numbers."""
        return self._wide + 2
