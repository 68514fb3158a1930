"""What was read: inputs with their times, counts, problems and clocks."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import ClassVar, Final

from msgspec.structs import replace
from rich.console import Group
from rich.padding import Padding
from rich.text import Text
from textual.app import ComposeResult
from textual.containers import VerticalScroll
from textual.widgets import OptionList, Static
from textual.widgets.option_list import Option

from analyzers.export.inputs import clock_phrases, counts_of, folded, is_by_hand, span_of
from analyzers.export.problem_words import problem_said
from analyzers.export.untrusted import safe
from analyzers.model.records import BENIGN_PROBLEMS, SourceInfo
from dpdlab.tui.dialogs.dialog import Dialog
from dpdlab.tui.dialogs.options import Options
from dpdlab.tui.dialogs.titles import room_of_title
from dpdlab.tui.model import Model
from dpdlab.tui.palette import Palette
from dpdlab.tui.rows import end_of, plain

_INDENT: Final = 4
_LOOK_S: Final = 0.5
"""Between two looks at what has come."""


class InputsScreen(Dialog[str | None]):
    """Gives the id of the input whose clock is to be moved, or None."""

    BINDINGS: ClassVar = [("escape,q,i", "leave", "close")]

    def __init__(self, model: Model, palette: Palette, how: Callable[[], str]) -> None:
        """`how` tells how the reading is going; empty when everything is read."""
        super().__init__()
        self._model = model
        self._palette = palette
        self._how = how
        self._shown: object = None

    def compose(self) -> ComposeResult:
        """One entry an input."""
        with VerticalScroll(classes="dialog") as box:
            box.border_title = "inputs"
            box.border_subtitle = "enter moves the clock of an input, o in the views opens another"
            yield Static(id="reading", markup=False)
            yield Options(markup=False)

    def on_mount(self) -> None:
        """Keys go to the list, and what comes meanwhile is told."""
        self._renew()
        self.query_one(OptionList).focus()
        self.set_interval(_LOOK_S, self._renew)

    def _renew(self) -> None:
        """How the reading is going, and the inputs as they are by now."""
        reading = self.query_one("#reading", Static)
        told = Text("\n").join(self._above())
        reading.display = bool(told)
        reading.update(plain(told, self._model.ascii_only))
        options = self.query_one(OptionList)
        sources = self._model.whole.sources
        now = (self._model.revision, self._model.log, self.size)
        if now != self._shown:
            self._shown = now
            place = options.highlighted
            options.clear_options()
            options.add_options(Option(self._told(source), id=source.id) for source in sources)
            if sources:
                options.highlighted = min(place or 0, len(sources) - 1)

    def _above(self) -> Iterator[Text]:
        """How the reading is going, and what fits none of what was read."""
        if how := self._how():
            yield Text(how, self._palette.note)
        for sentence in self._model.whole.diagnosis:
            yield Text(f"! {safe(sentence)}", self._palette.warn)

    def _told(self, source: SourceInfo) -> Group:
        faint = self._palette.faint
        name = safe(source.id)
        path = end_of(safe(source.path), room_of_title(self.app.size.width) - len(name))
        head = Text(f"{name}  {path}", self._palette.strong)
        log = self._model.log
        until_ns = None if log is None else log.until_ns(source.id)
        if until_ns is not None and source.last_ns is not None and until_ns > source.last_ns:
            # What nothing understands was written, too.
            source = replace(source, last_ns=until_ns)
        parts = [safe(source.format), *(str(p) for p in span_of(source))]
        lines = [Text(" · ".join(parts), faint)]
        counts = [str(part) for part in counts_of(source)]
        if counts:
            lines.append(Text(" · ".join(counts), faint))
        # What the user has set is no fact of the inputs.
        shade = self._palette.warn if is_by_hand(source) else self._palette.note
        lines += [
            Text(safe(phrase), shade)
            for phrase in clock_phrases(source, self._model.whole.alignments)
        ]
        for first, number in folded(source.problems):
            times = f" ({number:,} times)" if number > 1 else ""
            style = faint if first.kind in BENIGN_PROBLEMS else self._palette.warn
            said = problem_said(first.kind, safe(first.detail), times)
            lines.append(Text(f"! {said}", style))
        head, *lines = (plain(line, self._model.ascii_only) for line in (head, *lines))
        return Group(head, *(Padding(line, (0, 0, 0, _INDENT)) for line in lines))

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        """The clock of this one."""
        self.dismiss(event.option.id)

    def action_leave(self) -> None:
        """Nothing to move."""
        self.dismiss(None)
