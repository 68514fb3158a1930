"""Inputs in words: what was read, from when to when, and what was wrong with it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from analyzers.export.formatting import below, clock_distance, counted, duration, utc_date, utc_time
from analyzers.model.alignment import Alignment, ClockBasis
from analyzers.model.records import BENIGN_PROBLEMS, UNREADABLE, Problem, SourceInfo
from analyzers.model.time import NS_PER_SECOND, ORDER_LIMIT_NS, ClockQuality

_CLOCK: Final = {
    ClockQuality.NO_ZONE: "times without a zone, taken as UTC",
    ClockQuality.NO_YEAR: "times without a year",
    ClockQuality.UNSYNCHRONISED: "clock not synchronised",
}

_DAY_NS: Final = 86_400 * NS_PER_SECOND
# No device counts its uptime, and no log its days, up to where dates begin.
_DATES_FROM_NS: Final = 3_650 * _DAY_NS


def counts_of(source: SourceInfo) -> list[str]:
    """What was in an input: "250 packets", "12 IKE", "238 ESP"."""
    if source.kind == UNREADABLE:
        return []
    if source.kind == "config":
        return [counted(source.lines, "line")]
    if source.kind == "log":
        messages = source.log_events.get("message", 0)
        counts = [counted(source.lines, "line"), counted(messages, "IKE message")]
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


def is_by_hand(source: SourceInfo) -> bool:
    """Whether the user has set its clock."""
    return source.clock_basis is ClockBasis.MANUAL


def clock_phrases(source: SourceInfo, alignments: Sequence[Alignment]) -> list[str]:
    """How the clock of an input was put right: by the user, or by what another input shows."""
    resolution_ns = source.resolution_ns
    found = [_clock_phrase(one, resolution_ns) for one in alignments if one.source == source.id]
    if not is_by_hand(source) or source.clock_offset_ns is None:
        return found
    added_ns = -source.clock_offset_ns
    way = "added to" if added_ns >= 0 else "taken from"
    return [f"clock set by hand: {clock_distance(abs(added_ns))} {way} its times", *found]


def _clock_phrase(alignment: Alignment, resolution_ns: int) -> str:
    """How an input's clock stands to another, and how that is known."""
    offset = alignment.offset_ns
    way = "ahead of" if offset > 0 else "behind"
    text = f"clock {clock_distance(abs(offset))} {way} {alignment.against}"
    if not offset:
        text = f"clock {below(resolution_ns)} from that of {alignment.against}"
    if alignment.drift_ppm:
        text += f", drifting {alignment.drift_ppm:+.3g} ppm"
    spread = duration(alignment.spread_ns) if alignment.spread_ns else below(resolution_ns)
    return f"{text}, put right (by {alignment.matched:,} {alignment.evidence}, to {spread})"


def span_of(source: SourceInfo) -> list[str]:
    """From when to when an input reaches, and how far its clock can be trusted."""
    if source.kind == UNREADABLE:
        return ["not read"]
    if source.first_ns is None or source.last_ns is None or source.last_ns < ORDER_LIMIT_NS:
        return ["hardly any time stamps" if source.not_before_ns else "no time stamps"]
    # What nothing understands was written, too.
    last_ns = max(source.last_ns, source.last_line_ns or source.last_ns)
    lasted = duration(last_ns - source.first_ns)
    if source.clock is ClockQuality.RELATIVE and last_ns < _DATES_FROM_NS:
        what = "uptime" if source.uptime else "time of an unknown day"
        return [f"{what} {_since_start(source.first_ns)} to {_since_start(last_ns)}", lasted]
    start = f"{utc_date(source.first_ns)} {utc_time(source.first_ns, 0)}"
    end = utc_time(last_ns, 0)
    if utc_date(last_ns) != utc_date(source.first_ns):
        end = f"{utc_date(last_ns)} {end}"
    parts = [f"{start} to {end} UTC", lasted]
    if source.clock in _CLOCK:
        parts.append(_CLOCK[source.clock])
    return parts


def _since_start(ns: int) -> str:
    """A time that is on no calendar: "00:12:33", "2 d 00:12:33"."""
    days = ns // _DAY_NS
    return f"{days} d {utc_time(ns, 0)}" if days else utc_time(ns, 0)


def folded(found: Sequence[Problem]) -> list[tuple[Problem, int]]:
    """The first problem of each kind and how often the kind occurred; damage comes first."""
    by_kind: dict[str, tuple[Problem, int]] = {}
    for problem in found:
        first, number = by_kind.get(problem.kind, (problem, 0))
        by_kind[problem.kind] = (first, number + problem.count)
    return sorted(by_kind.values(), key=lambda item: item[0].kind in BENIGN_PROBLEMS)
