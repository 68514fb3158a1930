"""What the what-if view shows: fields of a policy, its words, black holes under it or a plan."""

from __future__ import annotations

from contextlib import suppress
from typing import ClassVar, Final

from msgspec.structs import replace
from rich.text import Text
from textual import work
from textual.app import ComposeResult
from textual.containers import Horizontal
from textual.worker import get_current_worker

from analyzers.configs.config_lines import profile_for
from analyzers.errors import OptionError
from analyzers.export.content import Content
from analyzers.export.untrusted import safe
from analyzers.model.black_hole import BlackHole
from analyzers.model.peer import PeerView
from analyzers.model.policy import DpdPolicy
from analyzers.whatif import candidates
from analyzers.whatif.study import Candidate, window_of
from dpdlab.present.draft import NO_PRODUCT
from dpdlab.present.policies import worst_case
from dpdlab.present.replays import (
    Replays,
    SentPackets,
    Stopped,
    sent_packets,
)
from dpdlab.present.starting import own_policies, starting_policy
from dpdlab.present.tallies import holes_within
from dpdlab.tui.fixed import Fixed
from dpdlab.tui.model import Model
from dpdlab.tui.palette import Palette
from dpdlab.tui.reading import Afterwards
from dpdlab.tui.rows import RowList
from dpdlab.tui.text_pane import TextPane, TextRows
from dpdlab.tui.views.policy_cells import brief
from dpdlab.tui.views.view import View
from dpdlab.tui.views.what_if_detail import INDENT, detail, fitted
from dpdlab.tui.views.what_if_fields import FieldRows, Sheet
from dpdlab.tui.views.what_if_plan import PlanRows, words_of_no_peer
from dpdlab.tui.views.what_if_rows import HoleRows, Role, Tried

_FIELDS_WIDE: Final = 36
_MARGIN: Final = 2
_LEAST_TABLE: Final = 9
_ROOMY_TOP: Final = 14


class Top(Horizontal, Fixed):
    """Fields and words side by side."""


class WhatIfPage(View):
    """Fields, words and bars, as the model and the fields are."""

    DEFAULT_CSS: ClassVar[str] = """
    WhatIfPage #what-if-top { height: 9; }
    WhatIfPage #what-if-fields { width: 36; }
    WhatIfPage #what-if-detail { width: 1fr; padding-left: 1; }
    """

    def __init__(self, model: Model, palette: Palette) -> None:
        super().__init__(model, palette)
        self.sheet = Sheet()
        self.fields = RowList(palette, id="what-if-fields")
        self.detail = TextPane(palette, id="what-if-detail")
        self.table = RowList(palette, id="what-if-rows", empty="")
        self.fields.moved = self.moved_in_fields
        self.table.moved = self.moved_in_table
        self.top = Top(self.fields, self.detail, id="what-if-top")
        self.in_table = False
        """Whether the cursor is on a policy, not on a field."""
        self.page = 0
        self.pinned: list[Candidate] = []
        self.replays: Replays | None = None
        self.rows: HoleRows | PlanRows | None = None
        self._rows_of: tuple[int, str, object] | None = None
        self._peer_of: tuple[int, str, object] | None = None
        self._sent: tuple[Content, str, SentPackets] | None = None
        self._reading: tuple[Content, str] | None = None
        self._products: dict[tuple[int, str, str], str | None] = {}
        self._hole = 0
        self.holes: tuple[BlackHole, ...] = ()
        """The black holes of the peer, in the stretch of time that was chosen."""

    def compose(self) -> ComposeResult:
        """Fields and words side by side, the bars under them."""
        yield self.top
        yield self.table

    def moved_in_fields(self, index: int) -> None:
        """The cursor is on another field."""

    def moved_in_table(self, index: int) -> None:
        """The cursor is on another policy."""

    # --- painting --------------------------------------------------------------------------

    def show(self) -> None:
        """The policy, and what it would have done to the peer that is chosen."""
        self._follow_peer()
        self._read_if_needed()
        self._rebuild()

    def _follow_peer(self) -> None:
        """Another peer, or newer facts: other replays, and a policy to begin with."""
        peer, range_ns = self.model.peer, self.model.range_ns
        key = (self.model.revision, "" if peer is None else peer.id, range_ns)
        if key == self._peer_of:
            return
        another = self._peer_of is None or self._peer_of[1:] != key[1:]
        self._peer_of = key
        self.holes = () if peer is None else self._holes_of(peer)
        self.sheet.planning = not self.holes
        if peer is None:
            self.replays = None
        else:
            budget_s = self.console_app.options.budget_s
            sent = self._sent_of(peer)
            self.sheet.budget_s = budget_s
            self.replays = Replays(peer, budget_s=budget_s, product_at=self._product_at, sent=sent)
        if another:
            self._hole, self._rows_of = self._first_hole(), None
        else:
            self._hole = min(self._hole, max(len(self.holes) - 1, 0))
        if not self.sheet.touched:
            self._begin(peer)

    def _begin(self, peer: PeerView | None) -> None:
        start = starting_policy(peer, self._product_at, words_of_no_peer(self.model))
        self.sheet.draft, self.sheet.whence = start.draft, start.whence
        self.sheet.defaults = start.defaults

    def _holes_of(self, peer: PeerView) -> tuple[BlackHole, ...]:
        chosen = self.model.range_ns
        return peer.black_holes if chosen is None else tuple(holes_within(peer, chosen))

    def _first_hole(self) -> int:
        """The one at the moment of the other views, else the worst."""
        at_ns, holes = self.model.at_ns, self.holes
        for number, hole in enumerate(holes):
            if at_ns is not None and hole.sound_until_ns <= at_ns <= hole.stop_ns:
                return number
        numbers = range(len(holes))
        return max(numbers, key=lambda number: holes[number].max_seconds, default=0)

    def _product_at(self, peer: PeerView, address: str) -> str | None:
        """The family of the product at one end, as far as that is known by now."""
        afterwards = self.console_app.afterwards
        if afterwards is None:
            return None
        key = (id(self.model.whole), peer.id, address)
        if key not in self._products:
            if len(self._products) > 1000:
                self._products.clear()
            self._products[key] = afterwards.vendor_at(peer, address)
        return self._products[key]

    def _edited(self) -> Candidate | None:
        made = self._pin()
        if made is None:
            return None
        said = "edited" if self.sheet.touched else "to edit"
        return replace(made, label=f"{said}: {_short(made)}")

    def _rebuild(self) -> None:
        """The rows as they are now; the cursor stays."""
        if self.room.width < 2:
            return
        for rows in (self.fields, self.detail, self.table):
            rows.palette = self.palette
        sheet, model = self.sheet, self.model
        edited = self._edited()
        if sheet.planning or self.replays is None:
            demand = replace(sheet.demand, target_s=sheet.target_s)
            self.rows = PlanRows(model, edited, self.pinned, self._own(), demand, self.page)
        else:
            self.rows = self._hole_rows(edited)
        fields = FieldRows(sheet)
        self.rows.set_width(self._table_width)
        self._divide(len(fields), len(self.rows))
        self.fields.show(fields, min(self.fields.cursor, len(fields) - 1))
        first = self._rows_of is None
        self._rows_of = self._peer_of
        self.table.show(self.rows, self._table_cursor(first))
        if first:
            self.call_after_refresh(self._scroll_to_hole)
        self._tell()

    def _own(self) -> list[Candidate]:
        """What each end of the peer does, as far as that is known."""
        peer = self.model.peer
        if peer is None:
            return []
        found: list[Candidate] = []
        for end, own in own_policies(peer, self._product_at):
            if isinstance(own, DpdPolicy):
                told = Candidate(f"{end}: {brief(own, self.model)}", own, own=True)
                found.append(told)
                continue
            with suppress(OptionError):
                made = own.candidate()
                found.append(replace(made, label=f"{end}: {_short(made)}", own=True))
        return found

    def _hole_rows(self, edited: Candidate | None) -> HoleRows:
        assert self.replays is not None
        sheet = self.sheet
        return HoleRows(
            self.model,
            self.replays,
            self.holes,
            edited,
            self.pinned,
            sheet.demand.target_s,
            sheet.demand.hold_s,
            self.page,
        )

    @property
    def _table_width(self) -> int:
        return self.table.row_width or self.room.width

    def _divide(self, fields: int, policies: int) -> None:
        """The height: fields and words need theirs, the table has the rest, and enough.

        What no row of the table needs is for the words.
        """
        height = self.room.height
        words = TextRows(self._words(), indent=INDENT)
        words.set_width(self._words_width)
        spare = height - policies - 1
        wanted = max(fields, min(_ROOMY_TOP, height // 3), min(len(words), spare))
        self.top.styles.height = max(min(wanted, height - _LEAST_TABLE), 3)

    def _table_cursor(self, first: bool) -> int:
        """On a policy: where it was, else the edited one of the black hole at hand."""
        if self.in_table and not first and self._policy_at(self.table.cursor) is not None:
            return self.table.cursor
        return self._edited_row()

    def _edited_row(self) -> int:
        if isinstance(self.rows, HoleRows) and self.rows.holes:
            begin = self.rows.start_of(min(self._hole, len(self.rows.holes) - 1))
            end = len(self.rows)
            found = (n for n in range(begin, end) if self.rows.tried_at(n) is not None)
            return next(found, begin)
        return 1

    def _policy_at(self, index: int) -> Tried | None:
        return None if self.rows is None else self.rows.tried_at(index)

    def _tried(self) -> Tried | None:
        """The policy at the cursor: the edited one from the fields."""
        if self.in_table:
            return self._policy_at(self.table.cursor)
        edited = self._edited()
        return None if edited is None else Tried(edited, Role.EDITED)

    def _tell(self) -> None:
        """The words beside the fields, and which list has the cursor."""
        self.fields.set_active(not self.in_table)
        self.table.set_active(self.in_table)
        height = int(self.top.styles.height.value) if self.top.styles.height else 8
        self.detail.show(fitted(self._words(), self._words_width, height, self.palette), -1)
        self.detail.cursor = -1

    @property
    def _words_width(self) -> int:
        return max(self.room.width - _FIELDS_WIDE - _MARGIN, 20)

    def _words(self) -> list[Text]:
        """What to say of the policy at the cursor."""
        tried = self._tried()
        if tried is None:
            return []
        demand = replace(self.sheet.demand, target_s=self.sheet.target_s)
        if tried.role is Role.EDITED:
            named = replace(tried.candidate, label=self.sheet.draft.text)
            tried = replace(tried, candidate=named)
        return detail(
            tried, demand, self._sender_profile(), self.palette, remarks=self._remarks(tried),
            ascii_only=self.model.ascii_only,
        )  # fmt: skip

    def _remarks(self, tried: Tried) -> list[str]:
        """Where the policy in the fields is from, and whether the own one does better."""
        told = []
        if tried.role is Role.EDITED and not self.sheet.touched and self.sheet.whence:
            told.append(f"begins with {safe(self.sheet.whence)}")
        if isinstance(self.rows, HoleRows) and self.rows.holes:
            number = min(self._hole, len(self.rows.holes) - 1)
            told += self.rows.remarks(number, tried)
        return told

    def _sender_profile(self) -> str | None:
        """The product of who sent into the black hole, for policies of no product."""
        peer, rows = self.model.peer, self.rows
        if peer is None or not isinstance(rows, HoleRows) or not rows.holes:
            return None
        hole = rows.holes[min(self._hole, len(rows.holes) - 1)]
        version = candidates.version_at(peer, hole.stop_ns)
        return profile_for(self._product_at(peer, hole.sender) or "", version)

    def _scroll_to_hole(self) -> None:
        """The black hole at hand on top."""
        if isinstance(self.rows, HoleRows):
            start = self.rows.start_of(self._hole) if self._hole else 0
            self.table.show_from(start)

    # --- the packets -----------------------------------------------------------------------

    def _sent_of(self, peer: PeerView) -> SentPackets | None:
        known = self._sent
        if known is not None and known[0] is self.model.whole and known[1] == peer.id:
            return known[2]
        return None

    def _read_if_needed(self) -> None:
        """Read the packets of the silent windows, once for a peer and what is known of it."""
        afterwards, whole = self.console_app.afterwards, self.model.whole
        peer = next((p for p in whole.peers if p.id == self.model.peer_id), None)
        if peer is None or not self.model.done or afterwards is None:
            return
        key = (whole, peer.id)
        reading = self._reading
        same = reading is not None and reading[0] is whole and reading[1] == peer.id
        if same or self._sent_of(peer) is not None:
            return
        if all(window_of(peer, hole) is None for hole in peer.black_holes):
            return
        self._reading = key
        self._read(peer, whole, afterwards)

    @work(thread=True, exclusive=True, group="what-if")
    def _read(self, peer: PeerView, whole: Content, afterwards: Afterwards) -> None:
        worker = get_current_worker()

        def check() -> None:
            if worker.is_cancelled:
                raise Stopped

        try:
            sent = sent_packets(peer, afterwards.packets_within, check)
        except Stopped:
            return
        except Exception as error:  # noqa: BLE001 - the seconds are there, and are enough
            sent = SentPackets({}, f"the packets cannot be read again: {error}", done=True)
        if not worker.is_cancelled:
            self.app.call_from_thread(self._came, whole, peer.id, sent)

    def _came(self, whole: Content, peer_id: str, sent: SentPackets) -> None:
        if whole is not self.model.whole:
            return
        self._sent, self._reading = (whole, peer_id, sent), None
        if self.replays is None or self.replays.peer.id != peer_id:
            return
        self.replays = self.replays.with_sent(sent)
        if self.console_app.view is self:
            if sent.why_not:
                self.console_app.say(safe(sent.why_not))
            self._rebuild()

    def _pin(self) -> Candidate | None:
        try:
            made = self.sheet.draft.candidate()
        except OptionError:
            return None
        product = self.sheet.draft.profile or NO_PRODUCT
        return replace(made, label=f"{product} {_short(made)} {made.policy.mode}")


def _short(candidate: Candidate) -> str:
    """Its numbers: "10 + 5 × 2"."""
    timing = candidate.timing
    return "timers not told" if timing is None else worst_case(timing).partition(" = ")[0]
