"""The text of `dpdlab simulate`: policies beside one another, as tables and as bars."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Final

from msgspec.structs import replace
from rich.console import Console
from rich.text import Text

from analyzers.export.content import Content
from analyzers.export.story import arriving, broken_way, fate_of
from analyzers.model.black_hole import BlackHole
from analyzers.whatif.formula import asks
from analyzers.whatif.replay import Left
from analyzers.whatif.results import VALIDITY, Simulated
from analyzers.whatif.study import Candidate, Result, Study
from analyzers.whatif.timing import LOSS_RATES, false_death
from dpdlab.present import words
from dpdlab.present.formatting import (
    Severity,
    byte_count,
    class_severity,
    count,
    counted,
    timer,
)
from dpdlab.present.policies import (
    ARRIVES,
    AT_LEAST,
    UNENDING,
    Scale,
    comparable,
    is_nothing,
    lasting,
    longest_s,
    loss_title,
    mode_note,
    observed,
    window_severity,
    worst_case,
)
from dpdlab.present.text.page import (
    FAINT,
    LABEL,
    SEVERITY_STYLE,
    Column,
    Page,
    assemble,
    padded,
)
from dpdlab.present.text.policies import advice, chance_cell, page_on, table

HOLES_SHOWN: Final = 4
"""Black holes told in full without -v, the longest first."""
_LABEL_WIDTH: Final = 26
_BAR_LEAST: Final = 16
_BEHIND_BAR: Final = 12

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
    *(Column(loss_title(loss), "right") for loss in LOSS_RATES),
)


def render_simulated(
    simulated: Simulated, content: Content, *, console: Console, ascii_only: bool, verbose: int
) -> None:
    """Every black hole under every policy, then what the policies cost, then the recommended."""
    page = page_on(console, ascii_only, verbose, content)
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
    for candidate in tried:
        note = mode_note(candidate.policy)
        if note:
            warn = SEVERITY_STYLE[Severity.WARN]
            page.wrapped((f"{page.data(candidate.label)}: {note}", warn), "  ", indent=2)
    page.gap()
    for candidate in tried:
        if candidate.why:
            advice(page, candidate.label, candidate.why, candidate.lines, met=candidate.met)
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


# --- one black hole ---


def _study(page: Page, study: Study) -> None:
    hole = study.hole
    style = SEVERITY_STYLE[class_severity(hole.black_hole_class)]
    named = (f"{hole.id} {words.CLASS[hole.black_hole_class]}", style)
    there = arriving(study.peer)
    page.line(page.dots([named, page.pair(*broken_way(hole, there))]))
    told = observed(hole, fate_of(hole, there))
    page.wrapped(assemble(("observed  ", FAINT), (told, LABEL)), "  ", indent=2)
    if study.note:
        page.wrapped(study.note, "  ", indent=2)
    if not study.results:
        return
    page.gap()
    cells = [_cells(page, hole, result) for result in study.results]
    table(page, _RESULT_COLUMNS, cells)
    if any(r.left is not None and r.left.at_least and r.left.worst.packets for r in study.results):
        page.line((f"  {AT_LEAST}", FAINT))
    page.gap()
    _bars(page, study)


def _cells(page: Page, hole: BlackHole, result: Result) -> list[Text]:
    none = Text(page.signs.none, FAINT)
    label = Text(page.data(result.candidate.label), LABEL if result.candidate.why else "")
    left = result.left
    if left is None:
        return [label, Text("unknown"), *[none] * 5]
    worst, saved = left.worst, result.saved(hole)
    more = "+" if left.at_least else ""
    varies = left.soonest_seconds != worst.seconds and left.mean_seconds is not None
    return [
        label,
        Text(UNENDING if worst.seconds is None else lasting(hole, worst.seconds)),
        Text(lasting(hole, left.mean_seconds or 0.0)) if varies else none,
        none if worst.packets is None else Text(count(worst.packets) + more),
        none if worst.bytes is None else Text(byte_count(worst.bytes) + more),
        none if saved.seconds is None else _signed(lasting(hole, saved.seconds), saved.seconds),
        none if saved.packets is None else _signed(count(saved.packets), saved.packets),
    ]


def _signed(text: str, value: float) -> Text:
    if is_nothing(text):
        return Text(text.removeprefix("-"), FAINT)
    return Text(text, SEVERITY_STYLE[Severity.GOOD if value > 0 else Severity.BAD])


def _bars(page: Page, study: Study) -> None:
    hole = study.hole
    longest = longest_s(study)
    if longest <= 0:
        return
    indent = min(_LABEL_WIDTH, page.width // 3)
    told = [_lasted(hole, result.left) for result in study.results if result.left is not None]
    behind = max([_BEHIND_BAR, *(len("   ") + len(said) for said in told)])
    width = max(page.width - indent - behind, _BAR_LEAST)
    scale = Scale(longest, width)
    arrives = hole.id in arriving(study.peer)
    sure = page.signs.possible if arrives else page.signs.certain

    def bar(label: str, least: float, most: float | None, style: str, said: str) -> None:
        name = padded(page.clip(Text(page.data(label), FAINT), indent - 2), indent)
        found = scale.bar(least, most)
        drawn = sure * found.sure + page.signs.possible * found.maybe
        end = page.signs.to if found.unending else ""
        page.line(assemble("  ", name, (drawn + end, style), f" {said}"))

    warn = SEVERITY_STYLE[Severity.WARN]
    if comparable(study):
        bar("observed", hole.min_seconds, hole.max_seconds, warn, lasting(hole, hole.max_seconds))
    for result in study.results:
        left = result.left
        if left is None:
            continue
        style = SEVERITY_STYLE[window_severity(hole, result)]
        soonest = left.soonest_seconds or 0.0
        bar(result.candidate.label, soonest, left.worst.seconds, style, _lasted(hole, left))
    sign = f"{page.signs.certain} at least   {page.signs.possible} at most"
    said = f"{sign}; a clock of its own asks somewhere in between"
    page.line((f"  {ARRIVES if arrives else said}", FAINT))


def _lasted(hole: BlackHole, left: Left) -> str:
    """How long the loss would have lasted: "12.0 s", "4 h 23 min"."""
    return UNENDING if left.worst.seconds is None else lasting(hole, left.worst.seconds)


# --- what policies cost ---


def _costs(page: Page, tried: Sequence[Candidate]) -> None:
    page.line(("what they cost, and how easily a live peer is given up at a packet loss of", FAINT))
    table(page, _COST_COLUMNS, [_cost(page, candidate) for candidate in tried])


def _cost(page: Page, candidate: Candidate) -> list[Text]:
    label = Text(page.data(candidate.label), LABEL if candidate.why else "")
    timing = candidate.told
    none = Text(page.signs.none, FAINT)
    if timing is None:
        return [label, Text("unknown"), none, *[none for _ in LOSS_RATES]]
    questions = len(timing.waits_s)
    return [
        label,
        Text(page.data(worst_case(timing))),
        Text(asks(timing)),
        *(chance_cell(false_death(questions, loss)) for loss in LOSS_RATES),
    ]
