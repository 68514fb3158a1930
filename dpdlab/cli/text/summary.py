"""The top of the report: the verdict, the inputs, and the explanation of an empty result."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Final

from rich.text import Text

from analyzers.model.alignment import Alignment
from analyzers.model.black_hole import BlackHole, BlackHoleClass
from analyzers.model.exchange import Lost, Outcome
from analyzers.model.peer import PeerView
from analyzers.model.records import BENIGN_PROBLEMS, Problem, SourceInfo
from analyzers.model.time import ORDER_LIMIT_NS, ClockQuality, seconds
from dpdlab.cli.text.page import FAINT, LABEL, SEVERITY_STYLE, Page, Part, assemble, padded
from dpdlab.present import words
from dpdlab.present.formatting import (
    Severity,
    byte_count,
    count,
    counted,
    duration,
    peer_severity,
    seconds_range,
    state_glyph,
    state_severity,
    utc_date,
    utc_time,
    worst_first,
)

INPUTS_SHOWN: Final = 6
PROBLEMS_SHOWN: Final = 3
PROTOCOLS_SHOWN: Final = 6

_CLOCK: Final = {
    ClockQuality.NO_ZONE: "times without a zone, taken as UTC",
    ClockQuality.NO_YEAR: "times without a year",
    ClockQuality.UNSYNCHRONISED: "clock not synchronised",
    ClockQuality.RELATIVE: "times relative to an unknown start",
}


def verdict(page: Page, peers: Sequence[PeerView]) -> None:
    """The one line that answers the question: who is gone, what was lost, when it was noticed."""
    worst = max((peer_severity(peer) for peer in peers), default=Severity.MUTE)
    first = min(peers, key=worst_first)
    sign = state_glyph(first.state, page.signs)
    if worst > state_severity(first.state):
        sign = page.signs.questionable
    style = SEVERITY_STYLE[worst]
    parts: list[Part] = [(_states(peers), style)]
    everything = [h for p in peers for h in p.black_holes]
    holes = [h for h in everything if h.max_seconds > 0]
    lost = _holes(holes)
    if everything and not holes:
        lost = "no black hole with traffic in it"
    parts.append((lost, style if holes else "") if peers else "")
    noticed = _noticed(holes)
    if noticed:
        parts.append(noticed)
        if any(x.lost is Lost.ANSWER for peer in peers for x in peer.exchanges):
            parts.append("the other end answered: the way back is broken")
    elif not holes:
        parts.append(_questions(peers))
    page.listing(Text(sign, style), parts, indent=2)


def _states(peers: Sequence[PeerView]) -> str:
    tally = Counter((words.peer_phrase(peer), -state_severity(peer.state)) for peer in peers)
    named = [
        f"{counted(number, 'peer')} {phrase}" if index == 0 else f"{number:,} {phrase}"
        for index, ((phrase, _), number) in enumerate(
            sorted(tally.items(), key=lambda item: (item[0][1], item[0][0]))
        )
    ]
    return ", ".join(named)


def _holes(holes: Sequence[BlackHole]) -> str:
    if not holes:
        return "no black hole"
    low_s = sum(hole.min_seconds for hole in holes)
    high_s = sum(hole.max_seconds for hole in holes)
    number = counted(len(holes), "black hole")
    together = " together" if len(holes) > 1 else ""
    packets = words.packets_lost(holes)
    so_far = " so far" if any(words.is_censored(hole) for hole in holes) else ""
    lost = f"{packets} lost{so_far}" if packets else "what was lost is not in a log"
    return f"{number},{together} {seconds_range(low_s, high_s)} ({lost})"


def _noticed(holes: Sequence[BlackHole]) -> str:
    delays = [
        h.dead_ns - h.questionable_ns
        for h in holes
        if h.dead_ns is not None and h.questionable_ns is not None
    ]
    if delays:
        if len(holes) == 1:
            return f"noticed {duration(delays[0])} after the first doubt"
        bounds = seconds_range(seconds(min(delays)), seconds(max(delays)))
        return f"{len(delays)} of {len(holes)} noticed, {bounds} after the first doubt"
    asked = [
        h.dead_ns - h.first_probe_ns
        for h in holes
        if h.dead_ns is not None and h.first_probe_ns is not None
    ]
    if asked:
        bounds = seconds_range(seconds(min(asked)), seconds(max(asked)))
        return f"given up {bounds} after the first unanswered question"
    classes = {hole.black_hole_class for hole in holes}
    if classes == {BlackHoleClass.MISSING_DPD}:
        return "never noticed: nobody asked"
    if classes == {BlackHoleClass.DATA_PLANE}:
        return "never noticed: IKE kept answering"
    if classes == {BlackHoleClass.TRANSIENT}:
        return "passed before a verdict"
    return "no verdict" if holes else ""


def _questions(peers: Sequence[PeerView]) -> str:
    asked = [x for peer in peers for x in peer.exchanges]
    if not asked:
        return "no liveness exchange seen"
    answered = sum(1 for x in asked if x.outcome is Outcome.ANSWERED)
    if answered == len(asked):
        return (
            f"{counted(answered, 'exchange')}, all answered"
            if answered > 1
            else ("1 exchange, answered")
        )
    return f"{count(answered)} of {counted(len(asked), 'exchange')} answered"


# --- inputs ---------------------------------------------------------------------------------


def inputs(page: Page, sources: Sequence[SourceInfo], alignments: Sequence[Alignment] = ()) -> None:
    """What was read, what was wrong with it, and how its clock was put right."""
    shown = list(sources)
    if not page.verbose and len(shown) > INPUTS_SHOWN:
        # Damaged inputs are the ones to see.
        shown = sorted(shown, key=lambda s: not s.problems)[:INPUTS_SHOWN]
    for source in shown:
        _input(page, source, [a for a in alignments if a.source == source.id])
    hidden = len(sources) - len(shown)
    if hidden:
        rest = f"{page.signs.more} {counted(hidden, 'more input')} not shown (-v shows all)"
        page.entry("", (rest, FAINT))


def _input(page: Page, source: SourceInfo, alignments: Sequence[Alignment]) -> None:
    name = page.data(source.path)
    label = page.data(source.id) if page.several_sources else "input"
    page.at_margin((label, LABEL), Text(page.clip_middle(name, page.beside)))
    span: list[Part] = [page.data(source.format), *_span(source)]
    if source.kind == "config":
        span = [page.data(source.format), "configuration"]
    counts = _counts(source)
    if page.verbose and source.size_bytes is not None:
        counts.append(byte_count(source.size_bytes))
    if page.several_sources:
        page.listing("", span + counts)
    else:
        page.listing("", span)
        page.listing("", counts)
    for alignment in alignments:
        page.listing("", [_clock(page, alignment)])
    problems(page, source.problems)


def _counts(source: SourceInfo) -> list[Part]:
    if source.kind == "config":
        return [counted(source.lines, "line")]
    if source.kind == "log":
        messages = source.log_events.get("message", 0)
        counts: list[Part] = [counted(source.lines, "line"), counted(messages, "IKE message")]
        others = sum(source.log_events.values()) - messages
        if others:
            counts.append(counted(others, "other event"))
        if source.unparsed_lines:
            counts.append(f"{source.unparsed_lines:,} not understood (--unparsed)")
        return counts
    counts = [counted(source.packets, "packet"), f"{source.ike_messages:,} IKE"]
    counts.append(f"{source.esp_packets:,} ESP")
    if source.nat_keepalives:
        counts.append(counted(source.nat_keepalives, "NAT keepalive"))
    return counts


def _clock(page: Page, alignment: Alignment) -> str:
    """How an input's clock stands to another, and how that is known."""
    offset = alignment.offset_ns
    way = "ahead of" if offset > 0 else "behind"
    text = f"clock {duration(abs(offset))} {way} {page.data(alignment.against)}"
    if alignment.drift_ppm:
        text += f", drifting {alignment.drift_ppm:+.3g} ppm"
    spread = duration(alignment.spread_ns)
    return f"{text}, put right (by {alignment.matched:,} {alignment.evidence}, to {spread})"


def _span(source: SourceInfo) -> list[Part]:
    if source.first_ns is None or source.last_ns is None or source.last_ns < ORDER_LIMIT_NS:
        return ["no time stamps"]
    start = f"{utc_date(source.first_ns)} {utc_time(source.first_ns, 0)}"
    end = utc_time(source.last_ns, 0)
    if utc_date(source.last_ns) != utc_date(source.first_ns):
        end = f"{utc_date(source.last_ns)} {end}"
    parts: list[Part] = [f"{start} to {end} UTC", duration(source.last_ns - source.first_ns)]
    if source.clock in _CLOCK:
        parts.append(_CLOCK[source.clock])
    return parts


def problems(page: Page, found: Sequence[Problem]) -> None:
    """Problems, one line a kind: how often, what, where first."""
    folded: dict[str, tuple[Problem, int]] = {}
    for problem in found:
        first, number = folded.get(problem.kind, (problem, 0))
        folded[problem.kind] = (first, number + problem.count)
    entries = sorted(folded.values(), key=lambda item: item[0].kind in BENIGN_PROBLEMS)
    limit = len(entries) if page.verbose else PROBLEMS_SHOWN
    for problem, number in entries[:limit]:
        style = SEVERITY_STYLE[Severity.MUTE if problem.kind in BENIGN_PROBLEMS else Severity.WARN]
        text = words.problem_word(problem.kind)
        if number > 1:
            text += f", {count(number)} {page.signs.times}"
        if problem.ref is not None:
            text += f", {'first ' if number > 1 else ''}{page.place(problem.ref)}"
        detail = f": {page.data(problem.detail)}" if problem.detail else ""
        page.entry(("problem", style), assemble((text, style), detail))
    if len(entries) > limit:
        rest = counted(len(entries) - limit, "more kind of problem", "more kinds of problems")
        page.entry("", (f"{page.signs.more} {rest} (-v shows all)", FAINT))


# --- nothing --------------------------------------------------------------------------------


def nothing_found(page: Page, sources: Sequence[SourceInfo], diagnosis: Sequence[str]) -> None:
    """Instead of empty tables: that nothing was found, why, and what was seen instead."""
    style = SEVERITY_STYLE[Severity.WARN]
    what = "No peer found" if sources else "No input"
    page.wrapped(
        (f"{what}: there is nothing to report on.", style),
        first=Text(page.signs.questionable, style),
        indent=2,
    )
    page.gap()
    for sentence in diagnosis:
        page.wrapped(page.data(sentence), first=Text(page.signs.to, LABEL), indent=4)
    if diagnosis:
        page.gap()
    inputs(page, sources)
    _seen_instead(page, sources)


def _seen_instead(page: Page, sources: Sequence[SourceInfo]) -> None:
    seen: Counter[str] = Counter()
    for source in sources:
        seen.update(source.protocols)
    if not seen:
        return
    page.gap()
    page.line(("Seen instead", LABEL))
    total = sum(seen.values())
    limit = len(seen) if page.verbose else PROTOCOLS_SHOWN
    for name, number in seen.most_common(limit):
        share = f"{100 * number / total:.0f} %" if number * 200 >= total else "< 1 %"
        figures = padded(Text(f"{number:,}"), 11, "right")
        page.at_margin(
            page.clip(Text(page.data(name)), page.margin),
            assemble(figures, padded(Text(share, FAINT), 7, "right")),
        )
    if len(seen) > limit:
        rest = counted(len(seen) - limit, "more protocol")
        page.entry("", (f"{page.signs.more} {rest} (-v shows all)", FAINT))


def notes(page: Page, diagnosis: Sequence[str]) -> None:
    """What limits the result although there is one."""
    for sentence in diagnosis:
        page.entry("note", page.data(sentence))


__all__ = ["inputs", "notes", "nothing_found", "problems", "verdict"]
