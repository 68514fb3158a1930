"""The text of `dpdlab simulate` without inputs: policies under a demand, and the cheapest ones."""

from __future__ import annotations

from typing import Final

from rich.console import Console
from rich.text import Text

from analyzers.whatif.formula import number, rate, worst_case_formula
from analyzers.whatif.plan import Plan
from analyzers.whatif.results import Planned
from analyzers.whatif.study import Candidate
from dpdlab.present.formatting import Severity, counted, timer
from dpdlab.present.policies import bare_rate, tenths
from dpdlab.present.text.page import FAINT, LABEL, SEVERITY_STYLE, Column, Page, assemble
from dpdlab.present.text.policies import advice, chance_cell, page_on, table

_PLAN_COLUMNS: Final = (
    Column("policy", elastic=True),
    Column("verdict", "right"),
    Column("mean", "right"),
    Column("messages/s", "right"),
    Column("amid", "right"),
    Column("5% loss", "right"),
    Column("target", "right"),
)


def render_planned(planned: Planned, *, console: Console, ascii_only: bool, verbose: int) -> None:
    """Policies under a demand, then the cheapest one of each product."""
    page = page_on(console, ascii_only, verbose, None)
    page.wrapped(assemble(("demand  ", FAINT), (_demand(planned), LABEL)))
    page.gap()
    table(page, _PLAN_COLUMNS, [_plan_row(page, *row) for row in planned.rows])
    explained = "verdict: from the soonest to the latest, after the last proof of life"
    if planned.demand.every_s is not None:
        explained += "; amid: messages/s with this traffic both ways"
    else:
        explained += "; amid: messages/s while traffic comes from the peer"
    page.wrapped((explained, FAINT), "  ", indent=2)
    for candidate, plan in planned.rows:
        if plan is None or plan.verdict is None:
            page.wrapped((page.data(candidate.policy.evidence), FAINT), "  ", indent=2)
    page.gap()
    for candidate, plan in planned.rows:
        if plan is not None and (verbose or len(planned.rows) <= 2):
            _plan_detail(page, candidate, plan, planned)
    if planned.demand.hold_s is not None:
        _routing(page, planned)
    for vendor, found in planned.recommended:
        advice(page, f"cheapest for {vendor}", found.why, found.lines, met=found.met)


def _demand(planned: Planned) -> str:
    demand = planned.demand
    traffic = "traffic without a pause"
    if demand.every_s is not None:
        traffic = f"one packet every {timer(demand.every_s)}"
    parts = [traffic, counted(demand.peers, "peer")]
    if demand.both_ends_ask:
        parts.append("both ends ask")
    if demand.target_s is not None:
        parts.append(f"given up within {timer(demand.target_s)}")
    if demand.hold_s is not None:
        parts.append(f"routing holds {timer(demand.hold_s)}")
    return ", ".join(parts)


def _plan_row(page: Page, candidate: Candidate, plan: Plan | None) -> list[Text]:
    label = Text(page.data(candidate.label))
    none = Text(page.signs.none, FAINT)
    if plan is None:
        return [label, Text("unknown"), *[none] * 5]
    if plan.verdict is None or plan.fleet is None:
        return [label, Text("never"), *[none] * 5]
    first, last = number(round(plan.verdict.first_s, 1)), number(round(plan.verdict.last_s, 1))
    span = last if first == last else f"{first}{page.signs.dash}{last}"
    met = Text(page.signs.none, FAINT)
    if plan.meets_target is not None:
        severity = Severity.GOOD if plan.meets_target else Severity.BAD
        met = Text("met" if plan.meets_target else "missed", SEVERITY_STYLE[severity])
    return [
        label,
        Text(f"{span} s"),
        Text(tenths(plan.fleet.mean_s)),
        Text(bare_rate(plan.hub.at_most)),
        Text(bare_rate(plan.hub.amid_traffic)),
        chance_cell(plan.false_deaths[-1][1]),
        met,
    ]


def _plan_detail(page: Page, candidate: Candidate, plan: Plan, planned: Planned) -> None:
    page.line((page.data(candidate.label), LABEL))
    formula = worst_case_formula(plan.timing, planned.demand.every_s)
    page.wrapped(page.data(f"worst case {formula}"), "  ", indent=4)
    fleet = plan.fleet
    if fleet is not None and fleet.last_s - fleet.first_s >= 0.05:
        page.wrapped(
            f"of many peers with clocks of their own half notice within {tenths(fleet.median_s)},"
            f" 95 of 100 within {tenths(fleet.late_s)}, the last after {tenths(fleet.last_s)}",
            "  ",
            indent=4,
        )
    if planned.demand.peers > 1:
        page.wrapped(
            f"hub: at most {rate(plan.hub.at_most)}; {plan.hub.together:,} within one second"
            " where all clocks were started together",
            "  ",
            indent=4,
        )
    page.gap()


def _routing(page: Page, planned: Planned) -> None:
    """The two published rules, for every policy."""
    hold_s = planned.demand.hold_s or 0.0
    page.line((f"beside routing that holds its neighbour for {timer(hold_s)}", FAINT))
    columns = (
        Column("policy", elastic=True),
        Column(page.data(f"backstop: latest > {number(hold_s)} s")),
        Column(f"routing first: soonest >= {number(hold_s)} s"),
    )
    cells = []
    for candidate, plan in planned.rows:
        if plan is None or plan.routing is None or plan.verdict is None:
            continue
        verdict = plan.verdict
        cells.append(
            [
                Text(page.data(candidate.label)),
                _kept(plan.routing.backstop, verdict.last_s),
                _kept(plan.routing.routing_first, verdict.first_s),
            ]
        )
    table(page, columns, cells)
    page.gap()


def _kept(kept: bool, seconds: float) -> Text:
    style = SEVERITY_STYLE[Severity.GOOD if kept else Severity.WARN]
    return assemble(("yes" if kept else "no", style), f", {number(round(seconds, 1))} s")
