"""Policies beside one another as bars on one scale, with what they leave and what they cost."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Sequence
from enum import StrEnum
from typing import Final

from msgspec import Struct
from msgspec.structs import replace
from rich.style import StyleType
from rich.text import Text

from analyzers.export import words
from analyzers.export.formatting import byte_count, class_severity, count, counted
from analyzers.export.story import arriving, broken_way, fate_of
from analyzers.export.untrusted import safe
from analyzers.model.black_hole import BlackHole
from analyzers.model.time import ORDER_LIMIT_NS
from analyzers.whatif.candidates import SOONER
from analyzers.whatif.formula import asks
from analyzers.whatif.replay import Left
from analyzers.whatif.results import VALIDITY
from analyzers.whatif.study import Candidate, Study, why_no_policy_helps
from dpdlab.present.policies import (
    ARRIVES,
    AT_LEAST,
    BETTER,
    UNENDING,
    Scale,
    against_observed,
    against_own,
    comparable,
    in_minutes,
    is_nothing,
    lasting,
    longest_s,
    observed,
    tenths,
    window_severity,
)
from dpdlab.present.replays import Replays
from dpdlab.tui.model import Model
from dpdlab.tui.palette import Palette
from dpdlab.tui.rows import cut
from dpdlab.tui.text_pane import wrapped
from dpdlab.tui.views.what_if_table import (
    COST_COLUMNS,
    COST_LEGEND,
    MARK,
    Column,
    LaidOut,
    Layout,
    as_line,
    cost_cells,
    row_line,
)

_PENDING: Final = "…"
_REMARK_LINES: Final = ((1, 180), (2, 110), (3, 0))
"""How many lines a remark has among many black holes, and on so many columns at least."""
_WRITTEN_OUT: Final = 8
"""So many black holes have remarks of as many lines as they need: each asks for its results."""
_ALIKE_S: Final = 0.05


class Role(StrEnum):
    """Why a policy is among the rows."""

    EDITED = ">"
    PINNED = "+"
    OWN = "="
    USUAL = " "
    RECOMMENDED = "*"


class Tried(Struct, frozen=True):
    """A policy among the rows; the sign of its role stands before it."""

    candidate: Candidate
    role: Role


# --- black holes ----------------------------------------------------------------------------

_HOLE_COLUMNS: Final = (
    Column("window", 9, (0, 1)),
    Column("mean", 8, (), spare=True),
    Column("packets", 8),
    Column("bytes", 8),
    Column("saved", 9),
    Column("fewer", 7, (), spare=True),
    *COST_COLUMNS,
)
_LONG_CELLS: Final = 4
"""Those that "28 min 53 s" takes more than "19.8 s"."""
_LONG_HOLE_COLUMNS: Final = tuple(
    replace(column, width=column.width + _LONG_CELLS)
    if column.title in ("window", "mean", "saved")
    else column
    for column in _HOLE_COLUMNS
)


class _Kind(StrEnum):
    RANGE = "range"
    HEADING = "heading"
    OBSERVED = "observed"
    TITLED = "titled"
    POLICY = "policy"
    TEXT = "text"
    REMARK = "remark"
    GAP = "gap"


class _Row(Struct, frozen=True):
    kind: _Kind
    hole: int = 0
    slot: int = 0
    text: str = ""
    place: int = 0
    of: int = 1
    """Of a remark: which of so many lines."""


class HoleRows(LaidOut):
    """Every black hole of a peer under every policy; results are made for the rows in sight."""

    def __init__(
        self,
        model: Model,
        replays: Replays,
        holes: Sequence[BlackHole],
        edited: Candidate | None,
        pinned: Sequence[Candidate],
        target_s: float | None,
        hold_s: float | None,
        page: int,
    ) -> None:
        """`holes`: those of the peer that are replayed."""
        super().__init__(page)
        self.model = model
        self.replays = replays
        self.holes = holes
        self._arriving = arriving(replays.peer)
        self._edited = edited
        self._pinned = list(pinned)
        self._target_s, self._hold_s = target_s, hold_s
        self._rows: list[_Row] = []
        self._starts: list[int] = []
        self._scales: dict[int, tuple[float, bool]] = {}

    def set_width(self, width: int) -> None:
        """Lay out the rows; sentences are wrapped."""
        long = any(map(in_minutes, self.holes))
        columns = _LONG_HOLE_COLUMNS if long else _HOLE_COLUMNS
        self._lay_out(width, Layout.of(columns, width, self._page))
        self._rows = list(self._all(width))
        self._starts = [n for n, row in enumerate(self._rows) if row.kind is _Kind.HEADING]

    def _all(self, width: int) -> Iterator[_Row]:
        policies = 1 + len(self._pinned) + self._usual_count()
        if self.model.range_ns is not None:
            yield _Row(_Kind.RANGE)
        for number, hole in enumerate(self.holes):
            yield _Row(_Kind.HEADING, number)
            note = why_no_policy_helps(hole)
            if note:
                for line in textwrap.wrap(note, max(width - MARK - 2, 20)):
                    yield _Row(_Kind.TEXT, number, text=line)
            if not note or (self._hold_s is not None and hole.max_packets):
                yield _Row(_Kind.OBSERVED, number)
                for slot in range(policies):
                    yield _Row(_Kind.POLICY, number, slot)
                    if slot == self._recommended_slot:
                        lines = self._remark_lines(number, slot, width)
                        for place in range(lines):
                            yield _Row(_Kind.REMARK, number, slot, place=place, of=lines)
            yield _Row(_Kind.GAP, number)
        for text in self._legend():
            for line in textwrap.wrap(text, max(width - MARK - 2, 20)):
                yield _Row(_Kind.TEXT, max(len(self.holes) - 1, 0), text=line)

    def _remark_lines(self, number: int, slot: int, width: int) -> int:
        tried = self._tried(self.holes[number], slot)
        if len(self.holes) > _WRITTEN_OUT or tried is None:
            return next(n for n, least in _REMARK_LINES if width >= least)
        return len(wrapped(self._remark_of(number, tried), width - 2 * MARK, 0))

    @property
    def _recommended_slot(self) -> int:
        """Behind the edited policy, those that are pinned, and that of the sender."""
        return 2 + len(self._pinned)

    def _usual_count(self) -> int:
        if not self.holes:
            return 0
        return len(self.replays.usual(self.holes[0], self._target_s, self._hold_s))

    def _legend(self) -> list[str]:
        signs = self.model.signs
        told = [
            f"{signs.certain} at least   {signs.possible} at most; a clock of its own asks"
            " somewhere in between",
            *([f"{signs.possible} alone: {ARRIVES}"] if self._arriving else []),
            AT_LEAST,
            "> to edit above   + pinned (space)   = its own   * recommended; enter edits the"
            " policy of a row",
            "its own is computed from its timers, too: what was observed may differ by a packet",
            COST_LEGEND,
        ]
        if self._hold_s is not None:
            held = f"routing over the tunnel ends every window after {tenths(self._hold_s)}"
            told.append(held)
        return [*told, VALIDITY]

    # --- where things are ------------------------------------------------------------------

    def __len__(self) -> int:
        return len(self._rows)

    def start_of(self, hole: int) -> int:
        """The row of the heading of a black hole."""
        return self._starts[hole] if hole < len(self._starts) else 0

    def hole_at(self, index: int) -> int:
        """The black hole that a row is about."""
        return self._rows[index].hole if index < len(self._rows) else 0

    def tried_at(self, index: int) -> Tried | None:
        """The policy of a row, if it is one."""
        if not 0 <= index < len(self._rows) or self._rows[index].kind is not _Kind.POLICY:
            return None
        row = self._rows[index]
        return self._tried(self.holes[row.hole], row.slot)

    def _tried(self, hole: BlackHole, slot: int) -> Tried | None:
        if slot == 0:
            return None if self._edited is None else Tried(self._edited, Role.EDITED)
        slot -= 1
        if slot < len(self._pinned):
            return Tried(self._pinned[slot], Role.PINNED)
        usual = self.replays.usual(hole, self._target_s, self._hold_s)
        place = slot - len(self._pinned)
        if place >= len(usual):
            return None
        if place == 0:
            return Tried(usual[0], Role.OWN)
        # What is recommended stands beside what there is, before what is merely usual.
        return (
            Tried(usual[-1], Role.RECOMMENDED)
            if place == 1
            else Tried(usual[place - 1], Role.USUAL)
        )

    def tried(self, number: int) -> list[Tried]:
        """All policies of a black hole."""
        hole = self.holes[number]
        slots = 1 + len(self._pinned) + self._usual_count()
        found = (self._tried(hole, slot) for slot in range(slots))
        return [tried for tried in found if tried is not None]

    def remarks(self, number: int, tried: Tried) -> list[str]:
        """Whether a policy does worse than the sender's own one, and than what was observed."""
        hole = self.holes[number]
        result = self.replays.result(hole, tried.candidate, self._hold_s)
        if result is None or not self.replays.seconds_known(hole, tried.candidate):
            return []
        own = self.replays.result(hole, self.replays.own(hole), self._hold_s)
        said = (against_own(own, result), against_observed(hole, result))
        return [one for one in said if one]

    def _reason(self, number: int, tried: Tried) -> str:
        """Why a policy is recommended, and not one that would have been sooner; in numbers."""
        candidate = tried.candidate
        told = candidate.why[0] if candidate.why else ""
        if not candidate.met or candidate.policy == self.replays.own(self.holes[number]).policy:
            return told
        mine_s = self._window_s(number, tried)
        others = (
            (self._window_s(number, one), one)
            for one in self.tried(number)
            if one.role is not Role.RECOMMENDED
        )
        sooner = [(s, one) for s, one in others if s is not None and mine_s is not None
                  and s < mine_s - _ALIKE_S]  # fmt: skip
        if not sooner:
            return f"{told}; nothing else here is sooner"
        window_s, one = min(sooner, key=lambda found: found[0])
        timing = one.candidate.told
        costs = "" if timing is None else f", {asks(timing)} asks/h"
        return f"{told}; {one.candidate.label}: {lasting(self.holes[number], window_s)}{costs}"

    def _saves_nothing(self, number: int, tried: Tried) -> Iterator[str]:
        """That what is recommended would not have been quicker than what was observed."""
        if all(self._is_no_quicker(number, one) for one in self.tried(number)):
            yield "nothing of these would have been quicker"
        elif self._is_no_quicker(number, tried):
            yield "saves nothing here"

    def _is_no_quicker(self, number: int, tried: Tried) -> bool:
        """Whether a policy is known to leave as much as was observed, or more."""
        left, least_s = self._left(number, tried), self.holes[number].max_seconds - _ALIKE_S
        return left is not None and (left.worst.seconds is None or left.worst.seconds > least_s)

    def _left(self, number: int, tried: Tried) -> Left | None:
        """What a policy leaves of a black hole; None where that is not known."""
        hole = self.holes[number]
        result = self.replays.result(hole, tried.candidate, self._hold_s)
        known = result is not None and self.replays.seconds_known(hole, tried.candidate)
        return result.left if result is not None and known else None

    def _window_s(self, number: int, tried: Tried) -> float | None:
        left = self._left(number, tried)
        return None if left is None else left.worst.seconds

    def study(self, number: int) -> Study:
        """A black hole under all of its policies."""
        hole = self.holes[number]
        studies = [
            self.replays.study(hole, tried.candidate, self._hold_s)
            for tried in self.tried(number)
            if self.replays.seconds_known(hole, tried.candidate)
        ]
        results = tuple(result for study in studies for result in study.results)
        return Study(self.replays.peer, hole, results, why_no_policy_helps(hole))

    # --- painting --------------------------------------------------------------------------

    def row(self, index: int, width: int, palette: Palette) -> Text:
        """One row."""
        row = self._rows[index]
        layout = self._laid_out(width)
        hole = self.holes[row.hole] if self.holes else None
        if row.kind is _Kind.TEXT:
            return Text(" " * MARK + row.text, palette.faint)
        if hole is None or row.kind is _Kind.GAP:
            return Text()
        if row.kind is _Kind.RANGE:
            return Text(self._of_range(), palette.warn)
        if row.kind is _Kind.HEADING:
            return self._heading(row.hole, hole, palette)
        if row.kind is _Kind.OBSERVED:
            return self._observed(row.hole, hole, layout, palette)
        tried = self._tried(hole, row.slot)
        if tried is None:
            return Text()
        if row.kind is _Kind.REMARK:
            return self._remark(row, tried, width, palette)
        return self._policy(row.hole, hole, tried, layout, palette)

    def _remark(self, row: _Row, tried: Tried, width: int, palette: Palette) -> Text:
        """One line of what is recommended: where it does worse, and why it is."""
        told = self._remark_of(row.hole, tried, palette.warn, palette.faint)
        lines = wrapped(told, width - 2 * MARK, 0)
        if row.place >= len(lines):
            return Text()
        last = row.place == row.of - 1
        rest = Text(" ").join(lines[row.place :]) if last else lines[row.place]
        return cut(Text(" " * 2 * MARK).append_text(rest), width)

    def _remark_of(
        self, number: int, tried: Tried, warn: StyleType = "", faint: StyleType = ""
    ) -> Text:
        """All that is said of what is recommended, each thing once."""
        reason, remarks = self._reason(number, tried), self.remarks(number, tried)
        if reason.startswith(SOONER):
            remarks = [said for said in remarks if not said.startswith(BETTER)]
        saved = [] if remarks else list(self._saves_nothing(number, tried))
        said = [Text(one, warn) for one in (*saved, *remarks)]
        return Text("; ").join([*said, Text(reason, faint)])

    def _of_range(self) -> str:
        """Which black holes these are, where a stretch of time was chosen."""
        number, model = len(self.holes), self.model
        every = counted(len(self.replays.peer.black_holes), "black hole")
        those = "that" if number == 1 else "those"
        lasts, left = model.range_lasts, model.range_left
        return f"{number} of {every}, with all of it: {those} of these {lasts} ({left})"

    def _heading(self, number: int, hole: BlackHole, palette: Palette) -> Text:
        dot = f" {self.model.signs.dot} "
        line = Text(f"{safe(hole.id)} {words.CLASS[hole.black_hole_class]}")
        line.stylize(palette.severity(class_severity(hole.black_hole_class)))
        if len(self.holes) > 1:
            line.append(f" ({number + 1} of {len(self.holes)})", palette.faint)
        begin_ns = hole.begin_ns
        if begin_ns >= ORDER_LIMIT_NS:
            line.append(f"{dot}{self.model.times.at(begin_ns)}")
        line.append(f"{dot}{observed(hole, fate_of(hole, self._arriving))}", palette.strong)
        sender, receiver = broken_way(hole, self._arriving)
        ends = f"{safe(sender)} {self.model.signs.to} {safe(receiver)}"
        return line.append(f"{dot}{ends}", palette.faint)

    def _scale(self, number: int, layout: Layout) -> tuple[Scale, bool]:
        """One scale for all bars of a black hole."""
        known = self._scales.get(number)
        if known is None:
            study = self.study(number)
            known = self._scales[number] = (longest_s(study), comparable(study))
        return Scale(known[0], layout.bar - 1), known[1]

    def _signs(self, hole: BlackHole) -> tuple[str, str, str]:
        signs = self.model.signs
        certain = signs.possible if hole.id in self._arriving else signs.certain
        return certain, signs.possible, signs.to[-1]

    def _observed(self, number: int, hole: BlackHole, layout: Layout, palette: Palette) -> Text:
        scale, can_compare = self._scale(number, layout)
        shape = scale.bar(hole.min_seconds, hole.max_seconds)
        bar = (shape, palette.warn) if can_compare else None
        none = Text(self.model.signs.none, palette.faint)
        known = hole.traffic_known
        cells = {
            "window": Text(lasting(hole, hole.max_seconds), palette.strong),
            "packets": Text(count(hole.max_packets), palette.strong) if known else none,
            "bytes": Text(byte_count(hole.max_bytes), palette.strong) if hole.bytes_known else none,
        }
        label = Text(" " * MARK + "observed", palette.strong)
        return row_line(layout, label, bar, cells, self._signs(hole))

    def _policy(
        self, number: int, hole: BlackHole, tried: Tried, layout: Layout, palette: Palette
    ) -> Text:
        candidate, signs = tried.candidate, self.model.signs
        name = safe(candidate.label)
        if len(name) > layout.label:
            # Its sign says so, too; mode and timers must not be cut.
            name = name.removeprefix("recommended: ")
        label = Text(f"{tried.role.value} {name}")
        if tried.role is Role.EDITED:
            label.stylize(palette.strong)
        cells = self.cells(hole, candidate, palette)
        result = self.replays.result(hole, candidate, self._hold_s)
        bar = None
        left = None if result is None else result.left
        if result is not None and left is not None and self.replays.seconds_known(hole, candidate):
            scale, _ = self._scale(number, layout)
            shape = scale.bar(left.soonest_seconds or 0.0, left.worst.seconds)
            bar = (shape, palette.severity(window_severity(hole, result)))
        cells |= cost_cells(candidate, signs.none, palette)
        return row_line(layout, label, bar, cells, self._signs(hole))

    def cells(self, hole: BlackHole, candidate: Candidate, palette: Palette) -> dict[str, Text]:
        """What a policy leaves of a black hole."""
        none = Text(self.model.signs.none, palette.faint)
        names = ("mean", "packets", "bytes", "saved", "fewer")
        result = self.replays.result(hole, candidate, self._hold_s)
        left = None if result is None else result.left
        if result is None or left is None:
            return {"window": Text("unknown"), **dict.fromkeys(names, none)}
        pending = Text(_PENDING if not self.replays.sent.why_not else self.model.signs.none)
        if not self.replays.seconds_known(hole, candidate):
            return dict.fromkeys(("window", *names), pending)
        worst, saved = left.worst, result.saved(hole)
        varies = left.soonest_seconds != worst.seconds and left.mean_seconds is not None
        cells = {
            "window": Text(UNENDING if worst.seconds is None else lasting(hole, worst.seconds)),
            "mean": Text(lasting(hole, left.mean_seconds or 0.0)) if varies else none,
            "saved": none
            if saved.seconds is None
            else _signed(lasting(hole, saved.seconds), saved.seconds, palette),
        }
        if not self.replays.packets_known(hole):
            return cells | dict.fromkeys(("packets", "bytes", "fewer"), pending)
        more = "+" if left.at_least else ""
        return cells | {
            "packets": none if worst.packets is None else Text(count(worst.packets) + more),
            "bytes": none if worst.bytes is None else Text(byte_count(worst.bytes) + more),
            "fewer": none
            if saved.packets is None
            else _signed(count(saved.packets), saved.packets, palette),
        }

    def as_text(self, number: int, palette: Palette) -> str:
        """A black hole as lines for the clipboard, without bars."""
        hole = self.holes[number]
        lines = [self._heading(number, hole, palette).plain]
        for tried in self.tried(number):
            cells = self.cells(hole, tried.candidate, palette)
            lines.append(as_line(tried.candidate, cells, self.model.signs.none, palette))
            if tried.role is Role.RECOMMENDED:
                lines.append(" " * MARK + self._remark_of(number, tried).plain)
        return "\n".join(lines)


def _signed(text: str, value: float, palette: Palette) -> Text:
    if is_nothing(text):
        return Text(text.removeprefix("-"), palette.faint)
    return Text(text, palette.good if value > 0 else palette.bad)
