"""A simulation as Markdown, fit for a ticket: the same numbers as the text, without the bars."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from analyzers.export import words
from analyzers.export.formatting import black_hole_bounds, byte_count, holes_seconds
from analyzers.export.story import arriving, broken_way, fate_of
from analyzers.export.untrusted import markdown_text
from analyzers.export.words import CLASS
from analyzers.model.black_hole import BlackHole
from analyzers.whatif.formula import asks, chance, number, rate, worst_case_formula
from analyzers.whatif.plan import Plan
from analyzers.whatif.results import VALIDITY, Planned, Simulated
from analyzers.whatif.study import Candidate, Result, Study
from analyzers.whatif.timing import LOSS_RATES, false_death

MAX_HOLES: Final = 20
_UNKNOWN: Final = "–"
_UNENDING: Final = "no end"


def simulated_markdown(simulated: Simulated, *, ascii_only: bool = False) -> Iterator[str]:
    """The document, line by line; with `ascii_only` its own signs are ASCII too."""
    for line in _simulated(simulated):
        yield (_ascii(line) if ascii_only else line) + "\n"


def planned_markdown(planned: Planned, *, ascii_only: bool = False) -> Iterator[str]:
    """The document, line by line; with `ascii_only` its own signs are ASCII too."""
    for line in _planned(planned):
        yield (_ascii(line) if ascii_only else line) + "\n"


def _ascii(line: str) -> str:
    plain = line.replace("→", "->").replace("–", "-").replace("×", "x").replace("²", "^2")
    plain = plain.replace("…", "...")
    return plain.encode("ascii", "xmlcharrefreplace").decode("ascii")


def _simulated(simulated: Simulated) -> Iterator[str]:
    yield "# Black holes under other DPD policies"
    studies = sorted(simulated.studies, key=lambda s: -s.hole.max_seconds)
    if not studies:
        yield ""
        yield "No black hole: nothing to replay."
    for study in studies[:MAX_HOLES]:
        yield ""
        yield from _study(study)
    if len(studies) > MAX_HOLES:
        yield ""
        yield f"{len(studies) - MAX_HOLES} shorter black holes: see the JSON."
    if simulated.candidates:
        yield ""
        yield "## Policies"
        yield ""
        yield from _table(
            ("policy", "worst case", "asks per hour", *(f"false at {x:.1%}" for x in LOSS_RATES)),
            [_cost(candidate) for candidate in simulated.candidates],
        )
        for candidate in simulated.candidates:
            if candidate.why:
                yield from _advice(candidate)
        yield ""
        yield VALIDITY
    yield ""
    yield f"Written by dpdlab {markdown_text(simulated.version)}."


def _study(study: Study) -> Iterator[str]:
    hole, there = study.hole, arriving(study.peer)
    sender, receiver = broken_way(hole, there)
    yield (
        f"## {hole.id}: {CLASS[hole.black_hole_class]},"
        f" {markdown_text(sender)} → {markdown_text(receiver)}"
    )
    yield ""
    if hole.traffic_known:
        size = f" ({byte_count(hole.max_bytes)})" if hole.bytes_known else ""
        yield f"Observed: {black_hole_bounds(hole, fate_of(hole, there))}{size}."
    else:
        bounds = holes_seconds([hole])
        yield f"Observed: {bounds}; {words.untold(hole)}."
    yield ""
    if study.note:
        yield study.note[0].upper() + study.note[1:] + "."
        yield ""
    if not study.results:
        return
    yield from _table(
        ("policy", "window", "mean", "packets", "bytes", "saved", "packets saved"),
        [_result(hole, result) for result in study.results],
    )


def _result(hole: BlackHole, result: Result) -> tuple[str, ...]:
    left = result.left
    if left is None:
        return (result.candidate.label, "unknown", *[_UNKNOWN] * 5)
    worst, saved = left.worst, result.saved(hole)
    more = " or more" if left.at_least else ""
    varies = left.soonest_seconds != worst.seconds and left.mean_seconds is not None
    return (
        result.candidate.label,
        _UNENDING if worst.seconds is None else f"{worst.seconds:,.1f} s",
        f"{left.mean_seconds:,.1f} s" if varies else _UNKNOWN,
        _UNKNOWN if worst.packets is None else f"{worst.packets:,}{more}",
        _UNKNOWN if worst.bytes is None else f"{byte_count(worst.bytes)}{more}",
        _UNKNOWN if saved.seconds is None else f"{saved.seconds:,.1f} s",
        _UNKNOWN if saved.packets is None else f"{saved.packets:,}",
    )


def _cost(candidate: Candidate) -> tuple[str, ...]:
    timing = candidate.told
    if timing is None:
        return (candidate.label, "unknown", *[_UNKNOWN] * (1 + len(LOSS_RATES)))
    chances = (false_death(len(timing.waits_s), loss) for loss in LOSS_RATES)
    return (
        candidate.label,
        worst_case_formula(timing),
        f"at most {asks(timing)}",
        *(chance(value) for value in chances),
    )


def _advice(candidate: Candidate) -> Iterator[str]:
    yield ""
    met = "" if candidate.met else " (the nearest it comes)"
    yield f"### {markdown_text(candidate.label)}{met}"
    yield ""
    for reason in candidate.why:
        yield f"- {markdown_text(reason)}"
    if candidate.lines:
        yield ""
        yield "```"
        yield from candidate.lines
        yield "```"


def _planned(planned: Planned) -> Iterator[str]:
    demand = planned.demand
    yield "# DPD policies"
    yield ""
    traffic = "traffic without a pause"
    if demand.every_s is not None:
        traffic = f"one packet every {number(demand.every_s)} s"
    yield f"- {traffic}"
    yield f"- peers: {demand.peers:,}" + (", both ends ask" if demand.both_ends_ask else "")
    if demand.target_s is not None:
        yield f"- given up within {number(demand.target_s)} s"
    if demand.hold_s is not None:
        yield f"- routing holds its neighbour for {number(demand.hold_s)} s"
    yield ""
    yield from _table(
        ("policy", "verdict", "mean", "load at most", "amid traffic", "false at 5 %", "target",
         "backstop", "routing first"),
        [_plan_row(candidate, plan) for candidate, plan in planned.rows],
    )  # fmt: skip
    for vendor, found in planned.recommended:
        label = f"cheapest for {vendor}"
        yield from _advice(
            Candidate(label, found.policy, why=found.why, lines=found.lines, met=found.met)
        )
    yield ""
    yield f"Written by dpdlab {markdown_text(planned.version)}."


def _plan_row(candidate: Candidate, plan: Plan | None) -> tuple[str, ...]:
    if plan is None or plan.verdict is None or plan.fleet is None:
        said = "unknown" if plan is None else "never"
        return (candidate.label, said, *[_UNKNOWN] * 7)
    first, last = (number(round(s, 1)) for s in (plan.verdict.first_s, plan.verdict.last_s))
    routing = plan.routing
    return (
        candidate.label,
        f"{last} s" if first == last else f"{first} to {last} s",
        f"{plan.fleet.mean_s:,.1f} s",
        rate(plan.hub.at_most),
        rate(plan.hub.amid_traffic),
        f"{plan.false_deaths[-1][1]:.2g}",
        _UNKNOWN if plan.meets_target is None else "met" if plan.meets_target else "missed",
        _UNKNOWN if routing is None else _yes(routing.backstop),
        _UNKNOWN if routing is None else _yes(routing.routing_first),
    )


def _yes(kept: bool) -> str:
    return "yes" if kept else "no"


def _table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> Iterator[str]:
    yield f"| {' | '.join(header)} |"
    yield f"|{'---|' * len(header)}"
    for row in rows:
        yield f"| {' | '.join(markdown_text(cell) for cell in row)} |"
