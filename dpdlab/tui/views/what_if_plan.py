"""Policies without a black hole: what to expect of them under a demand."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import Final

from msgspec.structs import replace
from rich.text import Text

from analyzers.configs.config_lines import profile_for
from analyzers.configs.vendors import PROFILES
from analyzers.export.formatting import counted
from analyzers.export.unlisted import HOLES_NOT_KNOWN, are_holes_known, hidden_holes, not_shown
from analyzers.export.untrusted import safe
from analyzers.model.policy import DpdPolicy
from analyzers.whatif import candidates
from analyzers.whatif.formula import number
from analyzers.whatif.plan import Demand, Plan, plan
from analyzers.whatif.recommend import Recommendation, recommend, recommendable
from analyzers.whatif.study import Candidate
from analyzers.whatif.timing import Timing
from dpdlab.present.policies import Scale, bare_rate, longest_of, tenths
from dpdlab.tui.model import Model
from dpdlab.tui.palette import Palette
from dpdlab.tui.views.what_if_rows import Role, Tried
from dpdlab.tui.views.what_if_table import (
    COST_COLUMNS,
    COST_LEGEND,
    Column,
    LaidOut,
    Layout,
    as_line,
    cost_cells,
    row_line,
)

_COLUMNS: Final = (
    Column("worst", 9, (0, 1)),
    Column("mean", 8),
    Column("most/s", 7),
    Column("amid/s", 7),
    Column("target", 8),
    Column("routing", 10, ()),
    *COST_COLUMNS,
)
_DEFAULT_PRODUCT: Final = "cisco-ios"


@lru_cache(maxsize=512)
def planned(timing: Timing, demand: Demand) -> Plan:
    """The plan of a policy, with the mean over a fleet and the load of all its peers."""
    # Clocks are spread evenly: a thousand of them stand for any number of peers.
    made = plan(timing, replace(demand, peers=1))
    return replace(made, hub=plan(timing, demand, with_fleet=False).hub)


@lru_cache(maxsize=64)
def _cheapest(vendor: str, demand: Demand) -> Recommendation:
    return recommend(vendor, demand)


def words_of_no_peer(model: Model) -> str:
    """Why the view is about no peer."""
    filtered = model.filter is not None and model.whole.peers
    return "no peer matches the filter" if filtered else "there is no peer"


def _with_version(candidate: Candidate) -> Candidate:
    """A product whose two IKE versions differ says of which one it is."""
    profile = candidate.policy.profile or ""
    if not profile.endswith(("-ikev1", "-ikev2")) or profile.startswith("cisco"):
        return candidate
    product, _, values = candidate.label.partition(" ")
    return replace(candidate, label=f"{product} v{profile[-1]} {values}")


def _advised_label(vendor: str, policy: DpdPolicy) -> str:
    """Product, mode and timers in few words, as those of the other policies."""
    title = PROFILES[vendor].title
    product = title.removeprefix("Cisco ").split(",")[0].split(" and ")[0]
    return f"{product} {policy.mode} {policy.interval_s or 0:g} {policy.retry_s or 0:g}"


_LEAST_LABEL: Final = 28
"""A product with its IKE version and its mode."""


class PlanRows(LaidOut):
    """The policies as rows, each with its plan."""

    def __init__(
        self,
        model: Model,
        edited: Candidate | None,
        pinned: Sequence[Candidate],
        own: Sequence[Candidate],
        demand: Demand,
        page: int,
    ) -> None:
        """`own`: what the ends of the peer do; `demand` has a target."""
        super().__init__(page)
        self.model = model
        self.demand = demand
        self._tried = list(self._policies(edited, pinned, own))
        self._texts: list[str] = []

    def _policies(
        self,
        edited: Candidate | None,
        pinned: Sequence[Candidate],
        own: Sequence[Candidate],
    ) -> Iterator[Tried]:
        if edited is not None:
            yield Tried(edited, Role.EDITED)
        yield from (Tried(candidate, Role.PINNED) for candidate in pinned)
        yield from (Tried(candidate, Role.OWN) for candidate in own)
        profile = None if edited is None else edited.policy.profile
        vendor = profile if profile in recommendable() else profile_for(_DEFAULT_PRODUCT, None)
        if vendor is not None:
            # Neither the choice nor its mean depends on how many peers there are.
            found = _cheapest(vendor, replace(self.demand, peers=1))
            advised = Candidate(
                _advised_label(vendor, found.policy),
                found.policy,
                why=found.why,
                lines=found.lines,
                met=found.met,
            )
            yield Tried(advised, Role.RECOMMENDED)
        for candidate in (*candidates.common(1), *candidates.common(2)[3:]):
            yield Tried(_with_version(candidate), Role.USUAL)

    def _routing_legend(self) -> list[str]:
        if self.demand.hold_s is None:
            return []
        return [
            f"routing: first, it gives its neighbour up after {tenths(self.demand.hold_s)}, before"
            " the soonest verdict; backstop, before the latest; DPD first, after it"
        ]

    def __len__(self) -> int:
        return 1 + len(self._tried) + len(self._texts)

    def tried_at(self, index: int) -> Tried | None:
        """The policy of a row, if it is one."""
        return self._tried[index - 1] if 1 <= index <= len(self._tried) else None

    def set_width(self, width: int) -> None:
        """Lay out the rows."""
        self._lay_out(width, Layout.of(_COLUMNS, width, self._page, _LEAST_LABEL))
        signs = self.model.signs
        told = [
            f"{signs.certain} at least   {signs.possible} at most, from the last proof of life to"
            " the verdict",
            "most/s, amid/s: messages at a hub with all peers, where nothing comes from them, and"
            " while it does",
            "> to edit above   + pinned (space)   = what an end does   * recommended; enter edits"
            " the policy of a row",
            COST_LEGEND,
            *self._routing_legend(),
        ]
        self._texts = ["", *(x for t in told for x in textwrap.wrap(t, max(width - 4, 20)))]

    def row(self, index: int, width: int, palette: Palette) -> Text:
        """One row."""
        layout = self._laid_out(width)
        if index == 0:
            line = self._why_planned(palette)
            return line.append(": what to expect of policies", palette.faint)
        tried = self.tried_at(index)
        if tried is None:
            return Text("  " + self._texts[index - 1 - len(self._tried)], palette.faint)
        return self._policy(tried, layout, palette)

    def _why_planned(self, palette: Palette) -> Text:
        """Why there is no black hole to replay."""
        signs, peer = self.model.signs, self.model.peer
        if peer is None:
            return Text(f"{signs.none} {words_of_no_peer(self.model)}", palette.faint)
        hidden = not_shown(hidden_holes(peer), "black hole")
        if hidden:
            return Text(hidden, palette.warn)
        if not are_holes_known(peer):
            return Text(f"{signs.none} {HOLES_NOT_KNOWN}", palette.faint)
        if peer.black_holes:
            number = counted(len(peer.black_holes), "black hole")
            said = f"{number} of other times not shown, {self.model.range_left}"
            return Text(said, palette.warn)
        return Text(f"{signs.alive} no black hole", palette.good)

    def _policy(self, tried: Tried, layout: Layout, palette: Palette) -> Text:
        candidate = tried.candidate
        label = Text(f"{tried.role.value} {safe(candidate.label)}")
        if tried.role is Role.EDITED:
            label.stylize(palette.strong)
        cells = self.cells(candidate, palette)
        cells |= cost_cells(candidate, self.model.signs.none, palette)
        timing = candidate.timing
        verdict = None if timing is None else timing.verdict(self.demand.every_s)
        bar = None
        if verdict is not None:
            met = self.demand.target_s is None or verdict.last_s <= self.demand.target_s + 1e-9
            shape = Scale(self._longest(), layout.bar - 1).bar(verdict.first_s, verdict.last_s)
            bar = (shape, palette.good if met else palette.warn)
        signs = self.model.signs
        return row_line(layout, label, bar, cells, (signs.certain, signs.possible, signs.to[-1]))

    def _longest(self) -> float:
        timings = (tried.candidate.timing for tried in self._tried)
        verdicts = (t.verdict(self.demand.every_s) for t in timings if t is not None)
        return longest_of([v.last_s for v in verdicts if v is not None])

    def cells(self, candidate: Candidate, palette: Palette) -> dict[str, Text]:
        """What to expect of a policy."""
        none = Text(self.model.signs.none, palette.faint)
        names = ("mean", "most/s", "amid/s", "target", "routing")
        timing = candidate.timing
        made = None if timing is None else planned(timing, self.demand)
        if made is None or made.verdict is None or made.fleet is None:
            said = "unknown" if made is None else "never"
            return {"worst": Text(said), **dict.fromkeys(names, none)}
        met = Text("met", palette.good) if made.meets_target else Text("missed", palette.bad)
        return {
            "worst": Text(f"{number(round(made.verdict.last_s, 1))} s"),
            "mean": Text(tenths(made.fleet.mean_s)),
            "most/s": Text(bare_rate(made.hub.at_most)),
            "amid/s": Text(bare_rate(made.hub.amid_traffic)),
            "target": none if made.meets_target is None else met,
            "routing": self._routing(made, palette),
        }

    def _routing(self, made: Plan, palette: Palette) -> Text:
        if made.routing is None:
            return Text(self.model.signs.none, palette.faint)
        if made.routing.routing_first:
            return Text("first", palette.good)
        if made.routing.backstop:
            return Text("backstop", palette.good)
        return Text("DPD first", palette.warn)

    def as_text(self, palette: Palette) -> str:
        """All policies as lines for the clipboard, without bars."""
        lines = []
        for tried in self._tried:
            cells = self.cells(tried.candidate, palette)
            lines.append(as_line(tried.candidate, cells, self.model.signs.none, palette))
        return "\n".join(lines)
