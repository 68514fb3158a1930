"""What other timers would have left: a policy to edit, black holes under it, what it costs."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import ClassVar, Final

from analyzers.export.unlisted import why_no_hole
from analyzers.whatif.results import Simulated
from dpdlab import __version__
from dpdlab.present.draft import Draft, draft_of, how_near, wrong_with
from dpdlab.tui.dialogs.choose import Choose
from dpdlab.tui.dialogs.prompt import Prompt
from dpdlab.tui.rows import RowList
from dpdlab.tui.views.list_view import next_place
from dpdlab.tui.views.what_if_detail import lines_of
from dpdlab.tui.views.what_if_fields import Field, FieldRows
from dpdlab.tui.views.what_if_page import WhatIfPage
from dpdlab.tui.views.what_if_plan import PlanRows
from dpdlab.tui.views.what_if_rows import HoleRows, Role, Tried

_MOST_PINNED: Final = 8
_ALL_OF_IT: Final = 200
"""Cells in which a row is searched."""


class WhatIfView(WhatIfPage):
    """View 6: what its keys do."""

    title = "what-if"
    hints: ClassVar[tuple[str, ...]] = (
        "left", "right", "into", "select", "next-hole", "columns", "copy", "view-timeline", "help",
    )  # fmt: skip

    words: ClassVar[Mapping[str, str]] = {
        "left": "lower", "right": "higher", "into": "type", "select": "pin",
    }  # fmt: skip

    # --- moving ----------------------------------------------------------------------------

    def moved_in_fields(self, index: int) -> None:
        """The mouse, or a key, has moved the cursor of the fields."""
        self.in_table = False
        self._moved()

    def moved_in_table(self, index: int) -> None:
        """The mouse, or a key, has moved the cursor of the table."""
        self.in_table = True
        self._moved()

    def on_row_list_chosen(self, message: RowList.Chosen) -> None:
        """A double click."""
        self.in_table = message.rows is self.table
        self.do_into()

    def _moved(self) -> None:
        if self.in_table and isinstance(self.rows, HoleRows):
            self._hole = self.rows.hole_at(self.table.cursor)
        self._tell()

    def _next_policy(self, begin: int, by: int) -> int | None:
        if self.rows is None:
            return None
        place = begin
        while 0 <= place < len(self.rows):
            if self.rows.tried_at(place) is not None:
                return place
            place += by
        return None

    def _go_down(self, by: int) -> None:
        """Fields first, then policies."""
        if not self.in_table:
            place = self.fields.cursor + by
            if place < len(self.fields.source):
                self.fields.go_to(max(place, 0), quiet=True)
                self._tell()
                return
            found = self._next_policy(self._edited_row(), 1)
        else:
            found = self._next_policy(self.table.cursor + by, by)
            if found is None and by < 0:
                self.in_table = False
                self.fields.go_to(len(self.fields.source) - 1, quiet=True)
                self._tell()
                return
        if found is not None:
            self.in_table = True
            self.table.go_to(found, quiet=True)
            self._moved()

    def do_up(self) -> None:
        """The field or policy above."""
        self._go_down(-1)

    def do_down(self) -> None:
        """The field or policy below."""
        self._go_down(1)

    def do_page_up(self) -> None:
        """The policies a page up."""
        self._page_by(-1)

    def do_page_down(self) -> None:
        """The policies a page down."""
        self._page_by(1)

    def _page_by(self, by: int) -> None:
        self.in_table = True
        self.table.page(by)
        found = self._next_policy(self.table.cursor, by) or self._next_policy(
            self.table.cursor, -by
        )
        if found is not None:
            self.table.go_to(found, quiet=True)
        self._moved()

    def do_first(self) -> None:
        """The first field."""
        self.in_table = False
        self.fields.go_to(0, quiet=True)
        self._tell()

    def do_last(self) -> None:
        """The last policy."""
        found = None if self.rows is None else self._next_policy(len(self.rows) - 1, -1)
        if found is not None:
            self.in_table = True
            self.table.go_to(found, quiet=True)
            self._moved()

    def do_next_hole(self) -> None:
        """The next black hole of the peer."""
        self._to_hole(1)

    def do_previous_hole(self) -> None:
        """The black hole before."""
        self._to_hole(-1)

    def _to_hole(self, by: int) -> None:
        rows = self.rows
        peer, in_range = self.model.peer, ""
        if self.model.range_ns is not None and peer is not None and peer.black_holes:
            in_range = f" in the stretch of time: {self.model.range_left}"
        if not isinstance(rows, HoleRows) or not rows.holes:
            none = f"no black hole{in_range}" if in_range else why_no_hole(peer)
            self.console_app.say(none)
            return
        wanted = self._hole + by
        if not 0 <= wanted < len(rows.holes):
            self.console_app.say(f"no {'further' if by > 0 else 'earlier'} black hole{in_range}")
            return
        self._hole = wanted
        hole = rows.holes[wanted]
        self.console_app.go_to_moment(hole.begin_ns)
        self.table.go_to(self._edited_row(), quiet=True)
        self._scroll_to_hole()
        self._tell()

    # --- changing --------------------------------------------------------------------------

    @property
    def _field(self) -> Field | None:
        source = self.fields.source
        if self.in_table or not isinstance(source, FieldRows):
            return None
        return source.fields[self.fields.cursor]

    def _step(self, by: int) -> None:
        entry = self._field
        if entry is None:
            self.do_columns()
            return
        self._change(lambda: self.sheet.step(entry.id, by), entry.id)

    def _change(self, edit: Callable[[], None], name: str) -> None:
        """Change a field; what cannot be is said. The cursor stays on the field."""
        wrong = wrong_with(edit)
        if wrong:
            self.console_app.say(wrong)
            return
        names = [entry.id for entry in self.sheet.fields()]
        if name in names:
            self.fields.cursor = names.index(name)
        self._rebuild()

    def do_left(self) -> None:
        """A lower value; on a policy: the other columns."""
        self._step(-1)

    def do_right(self) -> None:
        """A higher value; on a policy: the other columns."""
        self._step(1)

    def do_zoom_in(self) -> None:
        """A higher value."""
        self._step(1)

    def do_zoom_out(self) -> None:
        """A lower value."""
        self._step(-1)

    def do_columns(self) -> None:
        """Where not all columns have room: what is left, or what it costs."""
        if self.rows is not None and self.rows.shows_all:
            self.console_app.say("all columns are shown")
            return
        self.page = 1 - self.page
        self._rebuild()

    def do_into(self) -> None:
        """Type or choose a value; on a policy: edit that one."""
        entry = self._field
        if entry is None:
            self._edit_policy()
        elif entry.choices:
            self.app.push_screen(Choose(entry.label, entry.choices), self._chosen(entry))
        else:
            self.app.push_screen(self._prompt(entry), self._typed(entry))

    def _prompt(self, entry: Field) -> Prompt:
        sheet = self.sheet
        known = entry.id in sheet.draft.keys
        value = sheet.draft.value(entry.id) if known else entry.value
        return Prompt(
            entry.label,
            value,
            hint=entry.hint,
            check=lambda text: wrong_with(lambda: sheet.check(entry.id, text)),
        )

    def _typed(self, entry: Field) -> Callable[[str | None], None]:
        def typed(text: str | None) -> None:
            if text is not None:
                self._change(lambda: self.sheet.type(entry.id, text), entry.id)

        return typed

    def _chosen(self, entry: Field) -> Callable[[int | None], None]:
        def chosen(place: int | None) -> None:
            if place is not None:
                name = entry.choices[place][0]
                self._change(lambda: self.sheet.type(entry.id, name), entry.id)

        return chosen

    def _edit_policy(self) -> None:
        """Take the policy of the row into the fields."""
        tried = self._tried()
        found = None if tried is None else draft_of(tried.candidate.policy)
        if found is None:
            self.console_app.say("its timers are not known: nothing to edit")
            return
        draft, exact = found
        self.sheet.take(draft)
        self._rebuild()
        self.console_app.say(f"edited now: {draft.text}{how_near(exact)}")

    def do_select(self) -> None:
        """Pin the edited policy as one more row; on a pinned one: let it go."""
        tried = self._tried() if self.in_table else None
        if tried is not None and tried.role is Role.PINNED:
            self.pinned.remove(tried.candidate)
            self._rebuild()
            return
        edited = self._pin()
        if edited is None:
            return
        if any(pinned.policy == edited.policy for pinned in self.pinned):
            self.console_app.say("it is pinned already: change a field, then pin it")
        elif len(self.pinned) >= _MOST_PINNED:
            self.console_app.say(f"{_MOST_PINNED} are pinned: space on one of them lets it go")
        else:
            self.pinned.append(edited)
            self._rebuild()

    # --- taking it elsewhere ---------------------------------------------------------------

    def do_copy(self) -> None:
        """Copy as configuration, options of dpdlab simulate, text or JSON."""
        self.console_app.do_copy()

    def copy_text(self) -> dict[str, str]:
        """The configuration of the policy at the cursor, the policy, and the numbers."""
        tried = self._tried()
        texts: dict[str, str] = {}
        if tried is not None:
            lines = lines_of(tried.candidate, self._sender_profile())
            if lines:
                texts["configuration"] = "\n".join(lines)
            draft = self._draft_of(tried)
            if draft is not None:
                texts["options of dpdlab simulate"] = draft.arguments
        if isinstance(self.rows, HoleRows) and self.rows.holes:
            texts["text"] = self.rows.as_text(self._hole, self.palette)
            texts["JSON"] = self._json(self.rows)
        elif isinstance(self.rows, PlanRows):
            texts["text"] = self.rows.as_text(self.palette)
        return texts

    def _draft_of(self, tried: Tried) -> Draft | None:
        if tried.role is Role.EDITED:
            return self.sheet.draft
        found = draft_of(tried.candidate.policy)
        return None if found is None else found[0]

    def _json(self, rows: HoleRows) -> str:
        """The black hole at hand, as `dpdlab simulate --format json` writes it."""
        # It is seldom wanted, and would cost every start of the console.
        from analyzers.export.simulation_json import simulated_chunks

        study, demand = rows.study(self._hole), self.sheet.demand
        found = Simulated(__version__, (study,), demand.target_s, demand.hold_s)
        return "".join(simulated_chunks(found))

    def search(self, text: str, by: int) -> bool:
        """The next policy whose row has the text."""
        rows = self.rows
        if rows is None:
            return False
        wanted = text.casefold()

        def fits(place: int) -> bool:
            if rows.tried_at(place) is None:
                return False
            return wanted in rows.row(place, _ALL_OF_IT, self.palette).plain.casefold()

        place = next_place(len(rows), self.table.cursor, by, fits)
        if place is not None:
            self.in_table = True
            self.table.go_to(place, quiet=True)
            self._moved()
        return place is not None
