"""Views whose rows the keys move through, alone or with the detail of one row."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable
from typing import ClassVar, Final, Protocol

from textual.app import ComposeResult
from textual.containers import Container

from dpdlab.tui.fixed import Fixed
from dpdlab.tui.rows import RowList
from dpdlab.tui.text_pane import TextPane
from dpdlab.tui.views.view import View

BESIDE_FROM: Final = 112
"""Columns from which a detail stands beside its list, not under it."""

_DETAIL_AT_END: Final = {-1: "the detail begins here", 1: "the detail ends here"}
"""What the keys that scroll it up (-1) and down (1) say where they cannot."""


def next_place(size: int, start: int, by: int, fits: Callable[[int], bool]) -> int | None:
    """The next (by 1) or previous (by -1) place of so many that fits, also beyond the end."""
    places = ((start + by * step) % size for step in range(1, size + 1))
    return next(filter(fits, places), None)


class ListView(View):
    """A view with a list; the keys that move go to it."""

    list: RowList

    @property
    def nothing_here(self) -> str:
        """There is no row."""
        return "" if len(self.list.source) else "there is no row"

    def moved(self, index: int) -> None:
        """The cursor has come to another row."""

    def do_up(self) -> None:
        """One row up."""
        self.list.move(-1)

    def do_down(self) -> None:
        """One row down."""
        self.list.move(1)

    def do_page_up(self) -> None:
        """One page up."""
        self.list.page(-1)

    def do_page_down(self) -> None:
        """One page down."""
        self.list.page(1)

    def do_first(self) -> None:
        """The first row."""
        self.list.go_to(0)

    def do_last(self) -> None:
        """The last row."""
        self.list.go_to(len(self.list.source) - 1)


class _Detail(Protocol):
    """What tells more of a row."""

    @property
    def display(self) -> bool:
        """Whether it has room."""

    def scroll_by(self, by: int) -> bool:
        """Up or down by so many lines; False where it is at its end."""


class DetailedListView(ListView):
    """A list and the detail of its row, which other keys scroll where it has room."""

    detail: _Detail

    def do_left(self) -> None:
        """The detail upwards."""
        self._scroll(-1)

    def do_right(self) -> None:
        """The detail downwards."""
        self._scroll(1)

    def _scroll(self, by: int) -> None:
        if not self.detail.display:
            self.console_app.say("the detail has no room here")
        elif not self.detail.scroll_by(by):
            self.console_app.say(_DETAIL_AT_END[by])


class Panes(Container, Fixed):
    """The list and its detail."""


class DetailView(DetailedListView):
    """A list, and beside or under it what there is to say of the row under the cursor."""

    DEFAULT_CSS: ClassVar[str] = """
    DetailView > Panes { layout: vertical; }
    DetailView .detail { max-height: 50%; border-top: solid $panel; }
    DetailView.beside > Panes { layout: horizontal; }
    DetailView.beside .detail { max-height: 100%; border-top: none;
        border-left: solid $panel; padding: 0 1; }
    """

    detail: TextPane

    def compose(self) -> ComposeResult:
        """The list and the detail."""
        self.detail.add_class("detail")
        with Panes():
            yield self.list
            yield self.detail

    def place_detail(self) -> None:
        """The detail beside the list where the screen is wide, else under it."""
        self.set_class(self.room.width >= BESIDE_FROM, "beside")

    @abstractmethod
    def show_detail(self) -> None:
        """Say what there is to say of the row under the cursor."""
