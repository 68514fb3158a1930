"""What the user is asked: filter and search, and where things come from or go to."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Final

from msgspec.structs import replace
from rich.text import Text
from textual import work

from analyzers.export.inputs import is_by_hand
from analyzers.export.untrusted import safe
from analyzers.model.time import NS_PER_SECOND, nanoseconds
from analyzers.session.keys import KEY_TABLES
from dpdlab.present.filter import Filter, FilterError, narrowed
from dpdlab.tui.bars import health_of, progress_text
from dpdlab.tui.dialogs.choose import Choose
from dpdlab.tui.dialogs.inputs import InputsScreen
from dpdlab.tui.dialogs.paths import completed
from dpdlab.tui.dialogs.prompt import Prompt
from dpdlab.tui.exporting import (
    EXPORTERS,
    Exporter,
    Matter,
    default_path,
    into,
    replaces,
    write,
    wrong_with,
)
from dpdlab.tui.palette import Palette
from dpdlab.tui.reading_app import PATIENCE_S, ReadingApp, names_of
from dpdlab.tui.rows import cut, end_of

_MARGIN: Final = 4
_MOST_SECONDS: Final = 1e10
_BEGIN: Final = 60
"""Cells of what is copied that are shown."""


class AskingApp(ReadingApp):
    """Does what keys ask for that need an answer first."""

    colours: Palette
    searched = ""
    """The text that was looked for last."""

    # --- finding ---------------------------------------------------------------------------

    def do_filter(self) -> None:
        """Ask for a filter."""
        now = "" if self.model.filter is None else self.model.filter.text
        hint = "(empty shows all)" if now else "such as peer:198.51.100.* state:dead"
        self.push_screen(
            Prompt("filter", now, hint=hint, check=_filter_error, early=True), self._filtered
        )

    def _filtered(self, text: str | None) -> None:
        if text is None:
            return
        self._narrow(Filter.of(text) if text.strip() else None)

    def do_search(self) -> None:
        """Ask for a text."""
        self.push_screen(Prompt("search", self.searched), self._search)

    def _search(self, text: str | None) -> None:
        if text:
            self.searched = text
            self.do_search_next()

    def do_search_next(self) -> None:
        """To the next hit."""
        self._hit(1)

    def do_search_previous(self) -> None:
        """To the hit before."""
        self._hit(-1)

    def _hit(self, by: int) -> None:
        if not self.searched:
            self.do_search()
        elif not self.view.search(self.searched, by):
            self.say(f"no match for {self.searched!r}")

    # --- taking it elsewhere ---------------------------------------------------------------

    def do_copy(self) -> None:
        """To the clipboard of the terminal (OSC 52)."""
        texts = self.view.copy_text()
        names = list(texts)
        if not names:
            self.say("there is nothing to copy here")
            return

        def chosen(place: int | None) -> None:
            if place is not None:
                self.copy_to_clipboard(texts[names[place]])
                self.say(f"{names[place]} is copied: {_begin(texts[names[place]])}")

        choices = [(name, _begin(texts[name])) for name in names]
        self.push_screen(Choose("copy as", choices), chosen)

    def do_export(self) -> None:
        """Choose a format, then a file."""
        choices = [(exporter.name, exporter.told) for exporter in EXPORTERS]
        self.push_screen(Choose(self._what_is_exported(), choices), self._export_as)

    def _what_is_exported(self) -> str:
        """A filter counts in files, too; a stretch of time does not."""
        lasts = self.model.range_lasts
        return f"export all of the time, not only {lasts}" if lasts else "export what is shown"

    def _export_as(self, place: int | None) -> None:
        if place is None:
            return
        exporter = EXPORTERS[place]
        whole, wanted, peer = self.model.whole, self.model.filter, self.model.peer_id

        def made() -> Matter:
            # What views add to what a filter leaves is theirs: a file has what `-Y` would give.
            content = whole if wanted is None else narrowed(whole, wanted)
            again = None if self.afterwards is None else self.afterwards.packets_within
            inputs = tuple(self.inputs)
            return Matter(content, whole, inputs, self.options, peer, self.captures, again)

        def named(path: str | None) -> None:
            if path is not None:
                self._export(exporter, path, made)

        path = default_path(exporter, self.inputs)
        prompt = Prompt(
            f"write {exporter.name}",
            path,
            hint=f"into {safe(into(path))}, or a path of your own; enter writes",
            check=lambda path: wrong_with(path, self.inputs),
            question=replaces,
            complete=completed,
        )
        self.push_screen(prompt, named)
        # Keys go to the path meanwhile.
        self.beside(made, lambda matter: prompt.tell(exporter.what(matter)), "", PATIENCE_S)

    @work(thread=True, group="export")
    def _export(self, exporter: Exporter, path: str, made: Callable[[], Matter]) -> None:
        self.call_from_thread(self.say, f"writing {path}", keep=True)
        said = write(exporter, path, made())
        self.call_from_thread(self.say, said)

    # --- inputs ----------------------------------------------------------------------------

    def do_open(self) -> None:
        """A further input."""
        if self.read_once:
            self.say(f"{self.read_once}: start with all inputs")
            return
        prompt = Prompt(
            "read also",
            hint="a capture, a log or a configuration; tab completes",
            check=_no_file,
            complete=completed,
        )
        self.push_screen(prompt, self._opened)

    def _opened(self, path: str | None) -> None:
        if path is not None:
            self.read_also(str(Path(path).expanduser()))

    def do_inputs(self) -> None:
        """Inputs, their problems and their clocks."""
        self.push_screen(InputsScreen(self.model, self.colours, self.how_it_is_read), self._shift)

    def how_it_is_read(self) -> str:
        """How the reading is going; empty when everything is read."""
        if self.model.done:
            return ""
        if self.paused:
            key = self.model.key("pause")
            return f"painting is paused: this is as it was then; reading goes on ({key} shows it)"
        if self.model.live is not None:
            return health_of(self.model.live.sources, self.colours).plain
        return "" if self.progress is None else progress_text(self.progress)

    def _shift(self, source: str | None) -> None:
        """Move the clock of an input by hand."""
        if source is None:
            return
        if self.read_once:
            self.say(f"{self.read_once}: --offset sets a clock")
            return
        path = self.model.path_of(source)

        def given(text: str | None) -> None:
            if text is None:
                return
            clocks = self.options.clocks
            names = names_of(path)
            offsets = {one: ns for one, ns in clocks.offsets_ns.items() if one not in names}
            self.clocks_by_hand.pop(path, None)
            if text.strip():
                offsets[path] = self.clocks_by_hand[path] = nanoseconds(float(text))
            self.read_with(replace(self.options, clocks=replace(clocks, offsets_ns=offsets)))

        sources = [one for one in self.model.whole.sources if one.id == source]
        now_ns = sum(-(one.clock_offset_ns or 0) for one in sources if is_by_hand(one))
        hint = "seconds, 7.25 or -3600; empty: automatic"
        room = self.size.width - len(f"add to the times of   {hint}") - _MARGIN
        prompt = Prompt(
            f"add to the times of {end_of(safe(path), room)}",
            f"{now_ns / NS_PER_SECOND:.12g}",
            hint=hint,
            check=_no_seconds,
        )
        self.push_screen(prompt, given)


def _no_file(text: str) -> str:
    """What is wrong with the name of an input."""
    try:
        path = Path(text).expanduser()
        if path.name in KEY_TABLES:
            return f"{path.name} holds keys: start with --keys {text}"
        return "" if path.exists() else f"there is no {text}"
    except (OSError, ValueError, RuntimeError) as error:
        return str(error)


def _no_seconds(text: str) -> str:
    """What is wrong with a number of seconds; an empty one is none."""
    if not text.strip():
        return ""
    try:
        return "" if abs(float(text)) < _MOST_SECONDS else "that is too far"
    except ValueError:
        return "a number of seconds is wanted"


def _filter_error(text: str) -> str:
    """What is wrong with a filter; empty if nothing is."""
    if not text.strip():
        return ""
    try:
        Filter.of(text)
    except FilterError as error:
        hint = f" ({error.hint})" if error.hint else ""
        return "\n".join((*error.caret(), f"{error.message}{hint}"))
    return ""


def _begin(text: str) -> str:
    """What a text begins with, on one line; a cut is marked."""
    return cut(Text(text[: 4 * _BEGIN].replace("\n", " ")), _BEGIN).plain
