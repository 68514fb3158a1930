"""The text of `dpdlab simulate`: policies beside one another, as tables and as bars."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from rich.console import Console
from rich.text import Text

from analyzers.export.content import Content
from analyzers.model.black_hole import BlackHole
from analyzers.whatif.formula import number, rate, worst_case_formula
from analyzers.whatif.plan import Plan
from analyzers.whatif.results import VALIDITY, Planned, Simulated
from analyzers.whatif.study import Candidate, Result, Study
from analyzers.whatif.timing import LOSS_RATES, Timing, false_death
from dpdlab.cli.text.page import (
    FAINT,
    LABEL,
    SEVERITY_STYLE,
    Column,
    Page,
    Part,
    assemble,
    fitted,
    padded,
    row_line,
    widths,
)
from dpdlab.present import words
from dpdlab.present.formatting import (
    Clock,
    Severity,
    black_hole_bounds,
    byte_count,
    class_severity,
    count,
    counted,
    seconds_range,
    timer,
)

HOLES_SHOWN: Final = 4
"""Black holes told in full without -v, the longest first."""
_LABEL_WIDTH: Final = 26
_BAR_LEAST: Final = 16
_UNENDING: Final = "no end"

_RESULT_COLUMNS: Final = (
    Column("policy", elastic=True),
    Column("window", "right"),
    Column("mean", "right"),
    Column("packets", "right"),
    Column("bytes", "right"),
    Column("saved", "right"),
    Column("fewer", "right"),
)
_COST_COLUMNS: Final = (
    Column("policy", elastic=True),
    Column("worst case"),
    Column("asks/h", "right"),
    *(Column(f"{loss:.1%}".replace(".0%", "%"), "right") for loss in LOSS_RATES),
)
_PLAN_COLUMNS: Final = (
    Column("policy", elastic=True),
    Column("verdict", "right"),
    Column("mean", "right"),
    Column("messages/s", "right"),
    Column("amid", "right"),
    Column("5% loss", "right"),
    Column("target", "right"),
)


def render_simulated(
    simulated: Simulated, content: Content, *, console: Console, ascii_only: bool, verbose: int
) -> None:
    """Every black hole under every policy, then what the policies cost, then the recommended."""
    page = _page(console, ascii_only, verbose, content)
    studies = sorted(simulated.studies, key=lambda s: -s.hole.max_seconds)
    if not studies:
        good = SEVERITY_STYLE[Severity.GOOD]
        page.line(assemble((f"{page.signs.alive} no black hole", good), ": nothing to replay"))
        page.wrapped(
            ("dpdlab simulate without an input plans; --black-hole-min changes what counts", FAINT)
        )
        return
    shown = studies if verbose else studies[:HOLES_SHOWN]
    for study in shown:
        _study(page, study)
        page.gap()
    if len(studies) > len(shown):
        more = f"{counted(len(studies) - len(shown), 'shorter black hole')} (-v tells all)"
        page.line((f"{page.signs.more} {more}", FAINT))
        page.gap()
    tried = _told_apart(replace(simulated, studies=tuple(shown)))
    if not tried:
        return
    _costs(page, tried)
    page.gap()
    for candidate in tried:
        if candidate.why:
            _advice(page, candidate.label, candidate.why, candidate.lines, met=candidate.met)
    if simulated.hold_s is not None:
        held = f"routing over the tunnel ends every window after {timer(simulated.hold_s)}"
        page.wrapped((held, FAINT))
    page.wrapped((VALIDITY, FAINT))


def _told_apart(simulated: Simulated) -> list[Candidate]:
    """The policies; of several with one name each has the black holes that it is about."""
    tried = simulated.candidates
    labels = Counter(candidate.label for candidate in tried)
    found = []
    for candidate in tried:
        label = candidate.label
        if labels[label] > 1:
            about = [
                study.hole.id
                for study in simulated.studies
                if any(result.candidate == candidate for result in study.results)
            ]
            label = f"{', '.join(about[:3])}: {label}"
        found.append(replace(candidate, label=label))
    return found


def _page(console: Console, ascii_only: bool, verbose: int, content: Content | None) -> Page:
    starts = [p.first_ns for p in content.peers] if content is not None else []
    return Page(
        console,
        ascii_only=ascii_only,
        verbose=verbose,
        clock=Clock.starting(min(starts, default=0)),
    )


# --- one black hole ---


def _study(page: Page, study: Study) -> None:
    hole = study.hole
    style = SEVERITY_STYLE[class_severity(hole.black_hole_class)]
    named = (f"{hole.id} {words.CLASS[hole.black_hole_class]}", style)
    page.line(page.dots([named, page.pair(hole.sender, hole.receiver)]))
    if hole.traffic_known:
        observed = f"{black_hole_bounds(hole)} ({byte_count(hole.max_bytes)})"
    else:
        bounds = seconds_range(hole.min_seconds, hole.max_seconds)
        observed = f"{bounds}; a log does not show what was sent into it"
    page.wrapped(assemble(("observed  ", FAINT), (observed, LABEL)), "  ", indent=2)
    if study.note:
        page.wrapped(study.note, "  ", indent=2)
    if not study.results:
        return
    page.gap()
    cells = [_cells(page, hole, result) for result in study.results]
    _table(page, _RESULT_COLUMNS, cells)
    if any(r.left is not None and r.left.at_least and r.left.worst.packets for r in study.results):
        text = "+ at least: the window is longer than what was observed"
        page.line((f"  {text}", FAINT))
    page.gap()
    _bars(page, study)


def _cells(page: Page, hole: BlackHole, result: Result) -> list[Text]:
    none = Text(page.signs.none, FAINT)
    label = Text(_signs(page, result.candidate.label), LABEL if result.candidate.why else "")
    left = result.left
    if left is None:
        return [label, Text("unknown"), *[none] * 5]
    worst, saved = left.worst, result.saved(hole)
    more = "+" if left.at_least else ""
    varies = left.soonest_seconds != worst.seconds and left.mean_seconds is not None
    return [
        label,
        Text(_UNENDING if worst.seconds is None else _tenths(worst.seconds)),
        Text(_tenths(left.mean_seconds or 0.0)) if varies else none,
        none if worst.packets is None else Text(count(worst.packets) + more),
        none if worst.bytes is None else Text(byte_count(worst.bytes) + more),
        none if saved.seconds is None else _signed(_tenths(saved.seconds), saved.seconds),
        none if saved.packets is None else _signed(count(saved.packets), saved.packets),
    ]


def _signed(text: str, value: float) -> Text:
    if text.strip("-0. s") == "":
        return Text(text.removeprefix("-"), FAINT)
    return Text(text, SEVERITY_STYLE[Severity.GOOD if value > 0 else Severity.BAD])


def _tenths(seconds: float) -> str:
    """Seconds below one another; long ones as the report writes them."""
    if abs(seconds) < 1000:
        return f"{seconds:.1f} s"
    return timer(round(seconds)) if seconds > 0 else f"-{timer(round(-seconds))}"


def _bars(page: Page, study: Study) -> None:
    hole = study.hole
    lengths = [r.left.worst.seconds for r in study.results if r.left is not None]
    comparable = all(result.comparable for result in study.results)
    known = [hole.max_seconds] if comparable else []
    longest = max([*known, *(s for s in lengths if s is not None)], default=0.0)
    if longest <= 0:
        return
    indent = min(_LABEL_WIDTH, page.width // 3)
    width = max(page.width - indent - 12, _BAR_LEAST)

    def cells(seconds: float) -> int:
        return max(round(seconds / longest * width), 1 if seconds > 0 else 0)

    def bar(label: str, least: float, most: float | None, style: str, said: str) -> None:
        name = padded(page.clip(Text(_signs(page, label), FAINT), indent - 2), indent)
        if most is None:
            drawn: Part = (page.signs.certain * (width - 1) + page.signs.to, style)
        else:
            sure = cells(least)
            maybe = max(cells(most) - sure, 0)
            drawn = (page.signs.certain * sure + page.signs.possible * maybe, style)
        page.line(assemble("  ", name, drawn, f" {said}"))

    warn = SEVERITY_STYLE[Severity.WARN]
    if comparable:
        bar("observed", hole.min_seconds, hole.max_seconds, warn, _tenths(hole.max_seconds))
    for result in study.results:
        left = result.left
        if left is None:
            continue
        lasted = left.worst.seconds
        better = lasted is not None and lasted < hole.max_seconds - 0.05
        worse = lasted is None or lasted > hole.max_seconds + 0.05
        severity = Severity.GOOD if better else Severity.BAD if worse else Severity.WARN
        severity = severity if comparable else Severity.NOTE
        said = _UNENDING if lasted is None else _tenths(lasted)
        soonest = left.soonest_seconds or 0.0
        bar(result.candidate.label, soonest, lasted, SEVERITY_STYLE[severity], said)
    sign = f"{page.signs.certain} at least   {page.signs.possible} at most"
    page.line((f"  {sign}; a clock of its own asks somewhere in between", FAINT))


# --- what policies cost ---


def _costs(page: Page, tried: Sequence[Candidate]) -> None:
    page.line(("what they cost, and how easily a live peer is given up at a packet loss of", FAINT))
    _table(page, _COST_COLUMNS, [_cost(page, candidate) for candidate in tried])


def _cost(page: Page, candidate: Candidate) -> list[Text]:
    label = Text(_signs(page, candidate.label), LABEL if candidate.why else "")
    timing = candidate.timing
    none = Text(page.signs.none, FAINT)
    if timing is None:
        return [label, Text("unknown"), none, *[none for _ in LOSS_RATES]]
    questions = len(timing.waits_s)
    return [
        label,
        Text(_signs(page, _short(timing))),
        Text(_rate(timing.questions_per_hour)),
        *(_chance(false_death(questions, loss)) for loss in LOSS_RATES),
    ]


def _short(timing: Timing) -> str:
    """The worst case with traffic to send, as numbers."""
    verdict = timing.verdict()
    if verdict is None:
        return "never asks"
    waits = timing.waits_s
    lead = verdict.last_s - timing.probing_s
    if max(waits) - min(waits) < 0.05:
        return f"{number(lead)} + {len(waits)} × {number(waits[0])} = {number(verdict.last_s)} s"
    return f"{number(lead)} + {number(timing.probing_s)} = {number(verdict.last_s)} s"


def _chance(value: float) -> Text:
    style = SEVERITY_STYLE[Severity.WARN] if value > 1e-4 else ""
    return Text("0" if value == 0 else f"{value:.0e}".replace("e-0", "e-"), style)


def _advice(page: Page, title: str, why: Sequence[str], lines: Sequence[str], *, met: bool) -> None:
    """A recommendation: the formulas that speak for it, and what to type."""
    short: Part = "" if met else (" (the nearest it comes)", SEVERITY_STYLE[Severity.WARN])
    page.line(assemble((_signs(page, title), LABEL), short))
    for reason in why:
        page.wrapped(_signs(page, reason), "  ", indent=4)
    for line in lines:
        page.line((f"    {line}", SEVERITY_STYLE[Severity.NOTE]))
    page.gap()


# --- planning ---


def render_planned(planned: Planned, *, console: Console, ascii_only: bool, verbose: int) -> None:
    """Policies under a demand, then the cheapest one of each product."""
    page = _page(console, ascii_only, verbose, None)
    page.wrapped(assemble(("demand  ", FAINT), (_demand(planned), LABEL)))
    page.gap()
    _table(page, _PLAN_COLUMNS, [_plan_row(page, *row) for row in planned.rows])
    explained = "verdict: from the soonest to the latest, after the last proof of life"
    if planned.demand.every_s is not None:
        explained += "; amid: messages/s with this traffic both ways"
    else:
        explained += "; amid: messages/s while traffic comes from the peer"
    page.wrapped((explained, FAINT), "  ", indent=2)
    page.gap()
    for candidate, plan in planned.rows:
        if plan is not None and (verbose or len(planned.rows) <= 2):
            _plan_detail(page, candidate, plan, planned)
    if planned.demand.hold_s is not None:
        _routing(page, planned)
    for vendor, found in planned.recommended:
        _advice(page, f"cheapest for {vendor}", found.why, found.lines, met=found.met)


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
    label = Text(_signs(page, candidate.label))
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
        Text(_tenths(plan.fleet.mean_s)),
        Text(_rate(plan.hub.at_most)),
        Text(_rate(plan.hub.amid_traffic)),
        _chance(plan.false_deaths[-1][1]),
        met,
    ]


def _rate(per_second: float) -> str:
    return rate(per_second).removesuffix(" messages/s")


def _plan_detail(page: Page, candidate: Candidate, plan: Plan, planned: Planned) -> None:
    page.line((_signs(page, candidate.label), LABEL))
    formula = worst_case_formula(plan.timing, planned.demand.every_s)
    page.wrapped(_signs(page, f"worst case {formula}"), "  ", indent=4)
    fleet = plan.fleet
    if fleet is not None:
        page.wrapped(
            f"of many peers with clocks of their own half notice within {_tenths(fleet.median_s)},"
            f" 95 of 100 within {_tenths(fleet.late_s)}, the last after {_tenths(fleet.last_s)}",
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
        Column(_signs(page, f"backstop: latest > {number(hold_s)} s")),
        Column(f"routing first: soonest >= {number(hold_s)} s"),
    )
    cells = []
    for candidate, plan in planned.rows:
        if plan is None or plan.routing is None or plan.verdict is None:
            continue
        verdict = plan.verdict
        cells.append(
            [
                Text(_signs(page, candidate.label)),
                _kept(plan.routing.backstop, verdict.last_s),
                _kept(plan.routing.routing_first, verdict.first_s),
            ]
        )
    _table(page, columns, cells)
    page.gap()


def _kept(kept: bool, seconds: float) -> Text:
    style = SEVERITY_STYLE[Severity.GOOD if kept else Severity.WARN]
    return assemble(("yes" if kept else "no", style), f", {number(round(seconds, 1))} s")


# --- common ---


def _table(page: Page, columns: Sequence[Column], cells: Sequence[Sequence[Text]]) -> None:
    sizes = fitted(page, columns, widths(columns, cells), page.width - 2)
    titles = [Text(column.title, FAINT) for column in columns]
    for line in (titles, *cells):
        page.line(assemble("  ", row_line(page, columns, sizes, line)))


def _signs(page: Page, text: str) -> str:
    """Formulas in the alphabet of the page."""
    if page.ascii_only:
        text = text.replace("×", "x").replace("²", "^2").replace("…", "...")
    return page.data(text)
