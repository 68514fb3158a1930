"""Black holes as stories: the moments in their order, each with how it is known."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Final, NamedTuple

from rich.text import Text

from analyzers.model.black_hole import BlackHole, BlackHoleClass, PhaseName
from analyzers.model.exchange import Exchange, Outcome
from analyzers.model.peer import PeerView
from analyzers.model.time import NS_PER_MS, NS_PER_SECOND, seconds
from dpdlab.cli.text.page import FAINT, LABEL, SEVERITY_STYLE, Page, Part, assemble, padded
from dpdlab.present import words
from dpdlab.present.formatting import (
    byte_count,
    class_severity,
    count_range,
    counted,
    duration,
    seconds_range,
)

HOLES_SHOWN: Final = 3
"""Stories of one peer without -v; the rest is one line each."""
LINES_SHOWN: Final = 8
"""Lines for the rest."""
GROWING: Final = 1.1
"""Retries that differ by more are told by their bounds, not by their mean."""


class _Moment(NamedTuple):
    at_ns: int
    text: str


def stories(page: Page, peer: PeerView) -> None:
    """The black holes of a peer, the longest told in full."""
    holes = peer.black_holes
    told = sorted(holes, key=lambda h: -h.max_seconds)
    in_full = {h.id for h in (told if page.verbose else told[:HOLES_SHOWN])}
    brief = 0
    for hole in holes:
        if hole.id in in_full:
            _story(page, peer, hole)
            continue
        brief += 1
        if brief <= LINES_SHOWN:
            _brief(page, peer, hole)
    if brief > LINES_SHOWN:
        rest = counted(brief - LINES_SHOWN, "more black hole")
        page.entry("", (f"{page.signs.more} {rest} not shown (-v shows all)", FAINT))


def _brief(page: Page, peer: PeerView, hole: BlackHole) -> None:
    style = SEVERITY_STYLE[class_severity(hole.black_hole_class)]
    named: Part = (words.CLASS[hole.black_hole_class], style)
    label = assemble((f"black hole {page.arrow(hole.sender, peer.local)}", style))
    page.gap()
    page.listing(label, [named, f"until {page.at(hole.stop_ns)}", *_bounds(hole)])


def _story(page: Page, peer: PeerView, hole: BlackHole) -> None:
    style = SEVERITY_STYLE[class_severity(hole.black_hole_class)]
    page.gap()
    arrow = page.arrow(hole.sender, peer.local)
    page.listing((f"black hole {arrow}", style), _bounds(hole))
    why = words.CLASS_WHY[hole.black_hole_class] if not hole.spis else words.one_child(hole)
    mark = words.confidence_mark(hole.confidence)
    page.entry("", assemble((words.CLASS[hole.black_hole_class], style), f"{mark}: {why}"))
    moments = _moments(page, peer, hole)
    zero = moments[0].at_ns if moments else hole.stop_ns
    for moment in moments:
        page.wrapped(
            moment.text,
            first=_stamp(page, moment.at_ns, zero),
            indent=page.margin + 12,
        )
    if hole.recovered_ns is None and hole.traffic_known:
        data_plane = hole.black_hole_class is BlackHoleClass.DATA_PLANE
        what = f"ESP from {page.address(hole.receiver)}" if data_plane else "proof of life"
        text = f"no {what} after it in this input"
        page.wrapped((text, FAINT), first="", indent=page.margin + 12)
    _phases(page, hole)


def _bounds(hole: BlackHole) -> list[Part]:
    if hole.max_seconds <= 0:
        return ["nothing was sent into it"]
    lasted = seconds_range(hole.min_seconds, hole.max_seconds)
    if not hole.traffic_known:
        return [(lasted, LABEL), "a log does not show what was sent into it"]
    packets = count_range(hole.min_packets, hole.max_packets, "packet")
    size = byte_count(hole.max_bytes)
    sized = size if hole.min_packets == hole.max_packets else f"up to {size}"
    parts: list[Part] = [(lasted, LABEL), f"{packets} ({sized})"]
    if words.is_censored(hole):
        parts.append("going on when the input ends")
    return parts


def _stamp(page: Page, at_ns: int, zero_ns: int) -> Text:
    ago = at_ns - zero_ns
    offset = "" if ago == 0 else _offset(ago)
    # A column of its own: times below one another, distances right-aligned beside them.
    return assemble(
        padded(Text(page.at(at_ns)), page.margin),
        padded(Text(f" {offset}", FAINT), 10, "right"),
        "  ",
    )


def _offset(ago_ns: int) -> str:
    # Tenths of a second below one another, so that the eye can compare them.
    near = 50 * NS_PER_MS <= abs(ago_ns) < 120 * NS_PER_SECOND
    text = f"{seconds(ago_ns):.1f} s" if near else duration(ago_ns)
    return text if ago_ns < 0 else f"+{text}"


def _moments(page: Page, peer: PeerView, hole: BlackHole) -> Sequence[_Moment]:
    """The story in time order; the order of telling breaks ties."""
    sender, receiver = page.address(hole.sender), page.address(hole.receiver)
    found: list[_Moment] = []

    def tell(at_ns: int | None, text: str) -> None:
        if at_ns is not None:
            found.append(_Moment(at_ns, text))

    proof = "ESP packet" if hole.black_hole_class is BlackHoleClass.DATA_PLANE else "proof"
    tell(hole.last_proof_ns, f"last {proof} from {receiver}")
    if hole.max_seconds > 0:
        tell(hole.first_exposed_ns, f"{sender} keeps sending; from here on it may be lost")
    if hole.black_hole_class is BlackHoleClass.DATA_PLANE:
        meanwhile = _answered_meanwhile(peer, hole)
        if meanwhile:
            kind = words.KIND[meanwhile[0].kind]
            back = hole.recovered_ns is not None
            until = "before ESP came back" if back else "while ESP stayed silent"
            more = f", and {len(meanwhile) - 1} more {until}"
            tell(meanwhile[0].first_ns, f"{kind} answered{more if len(meanwhile) > 1 else ''}")
    tell(hole.questionable_ns, "questionable: silent for longer than usual")
    run = _exchange_of(peer, hole)
    tell(hole.first_probe_ns, _probe_text(hole, run))
    tell(hole.dead_ns, words.verdict_phrase(hole, run))
    stopped = words.stop(hole)
    if stopped:
        tell(hole.stop_ns, stopped)
    if hole.recovered_ns != hole.stop_ns:
        tell(hole.recovered_ns, f"{receiver} reached again")
    return sorted(found, key=lambda moment: moment.at_ns)


def _answered_meanwhile(peer: PeerView, hole: BlackHole) -> list[Exchange]:
    start_ns = hole.stop_ns - round(hole.max_seconds * NS_PER_SECOND)
    return [
        x
        for x in peer.exchanges
        if x.outcome is Outcome.ANSWERED and start_ns <= x.first_ns <= hole.stop_ns
    ]


def _exchange_of(peer: PeerView, hole: BlackHole) -> Exchange | None:
    """The exchange that ran out inside a black hole: the unanswered one nearest its verdict."""
    mine = [
        x
        for x in peer.exchanges
        if x.prober == hole.sender
        and x.outcome is not Outcome.ANSWERED
        and hole.first_probe_ns is not None
        and x.last_ns >= hole.first_probe_ns
        and x.first_ns <= (hole.dead_ns if hole.dead_ns is not None else hole.stop_ns)
    ]
    return mine[-1] if mine else None


def _probe_text(hole: BlackHole, run: Exchange | None) -> str:
    if run is None or run.outcome is Outcome.ANSWERED:
        return "first probe"
    text = f"first {words.KIND[run.kind]}, no answer"
    if run.retries:
        times = [sent.at_ns for sent in run.transmissions]
        gaps = [seconds(later - sooner) for sooner, later in pairwise(times)]
        text += f"; {counted(run.retries, 'retry', 'retries')}"
        if len(gaps) == 1:
            text += f" after {duration(times[-1] - times[0])}"
        elif gaps and max(gaps) > GROWING * min(gaps):
            text += f", {seconds_range(min(gaps), max(gaps))} apart"
        elif gaps:
            text += f" every {duration((times[-1] - times[0]) // len(gaps))}"
    return text


def _phases(page: Page, hole: BlackHole) -> None:
    parts: list[Part] = []
    for name in PhaseName:
        lasted = hole.phase_s(name)
        if lasted > 0:
            length = duration(round(lasted * 1e9))
            parts.append(assemble(words.phase(hole, name), " ", (length, LABEL)))
    if parts:
        page.listing("spent on", parts, label_style=FAINT)
        if page.verbose:
            for name in PhaseName:
                if hole.phase_s(name) > 0:
                    means = f"{words.phase(hole, name)}: {words.phase_means(hole, name)}"
                    page.entry("", (means, FAINT))
