"""ESP packets both ways as curves on one scale."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Final

import numpy as np

from analyzers.export.esp_times import EspTimes
from analyzers.export.naming import address
from analyzers.export.no_esp import without_esp
from analyzers.export.spans import ONE_PACKET, Window
from analyzers.export.svg.canvas import line, number, path, titled
from analyzers.export.svg.sheet import PLOT_LEFT, PLOT_RIGHT, Sheet
from analyzers.model.peer import PeerView
from analyzers.model.time import NS_PER_SECOND, seconds

NARROWEST: Final = 4
"""Width of a slice."""


def esp(sheet: Sheet) -> None:
    """A lane each way, where any ESP is known."""
    activity = sheet.peer.activity
    if activity is None or not (any(activity.outbound) or any(activity.inbound)):
        return
    if sheet.esp is not None:
        start_ns, slice_ns, counted = _exact(sheet.esp, sheet.window)
    else:
        width = sheet.x(activity.start_ns + activity.slice_ns) - sheet.x(activity.start_ns)
        # Slices finer than the eye would be hairs.
        together = max(math.ceil(NARROWEST / max(width, 0.01)), 1)
        start_ns, slice_ns = activity.start_ns, activity.slice_ns * together
        counted = [_sums(counts, together) for counts in (activity.outbound, activity.inbound)]
    curves = [levelled(counts) for counts in counted]
    top = max(1.0, *(max(curve, default=0) for curve in curves))
    rate = f"up to {top / seconds(slice_ns):.3g} packets per second"
    for arrow, curve, side in zip("→←", curves, (sheet.peer.local, sheet.peer.remote), strict=True):
        floor = sheet.lane(f"ESP {arrow}", 32) + 13
        silent = without_esp(sheet.peer, side)
        area = _area(sheet, curve, start_ns, slice_ns, top, floor, silent)
        sheet.nodes.append(line(PLOT_LEFT, floor, PLOT_RIGHT, floor, "baseline"))
        if area:
            said = f"ESP sent by {address(side)}, {rate}"
            sheet.nodes.append(titled(path(area, "esp"), said))


def _exact(times: EspTimes, window: Window) -> tuple[int, int, list[list[int]]]:
    """Start and length of the slices of a window that are as fine as the eye, and their packets."""
    slices = (PLOT_RIGHT - PLOT_LEFT) // NARROWEST
    slice_ns = max(-(-(window.end_ns - window.start_ns + 1) // slices), 1)
    counted = []
    for at_ns in (times.out_ns, times.back_ns):
        inside = at_ns[(at_ns >= window.start_ns) & (at_ns <= window.end_ns)]
        places = (inside - window.start_ns) // slice_ns
        counted.append([int(n) for n in np.bincount(places, minlength=slices)])
    return window.start_ns, slice_ns, counted


def _sums(packets: Sequence[int], together: int) -> list[int]:
    return [sum(packets[i : i + together]) for i in range(0, len(packets), together)]


def levelled(packets: Sequence[int]) -> list[float]:
    """Packets per slice without the one that falls into this slice or the next by chance.

    Neighbouring slices that differ by no more than that get their mean; a lone empty slice
    between slices of a packet each is their pace, and no silence.
    """
    level: list[float] = []
    run: list[int] = []
    for index, amount in enumerate(packets):
        after = packets[index + 1] if index + 1 < len(packets) else 0
        if run:
            mean = sum(run) / len(run)
            pace = 0 < mean <= ONE_PACKET and 0 < after <= ONE_PACKET
            if (amount or pace) and mean and abs(amount - mean) <= ONE_PACKET:
                run.append(amount)
                continue
            level += [mean] * len(run)
        run = [amount]
    return level + [sum(run) / len(run)] * len(run) if run else level


def loud(start_ns: int, end_ns: int, silent: Sequence[Window]) -> list[tuple[int, int]]:
    """What of a slice is not `silent`, in order; all of it where that is nothing.

    Packets that are none of what is known to be silent (late ones, replayed ones) are somewhere.
    """
    parts: list[tuple[int, int]] = []
    at_ns = start_ns
    for window in silent:
        if window.end_ns < start_ns or window.start_ns >= end_ns:
            continue
        if window.start_ns > at_ns:
            parts.append((at_ns, window.start_ns))
        at_ns = window.end_ns + 1
    if at_ns < end_ns:
        parts.append((at_ns, end_ns))
    return parts or [(start_ns, end_ns)]


def _area(
    sheet: Sheet,
    packets: Sequence[float],
    first_ns: int,
    slice_ns: int,
    top: float,
    floor: float,
    silent: Sequence[Window],
) -> str:
    """The path of a step curve; slices without a packet, and silent times, leave the floor free."""
    parts: list[str] = []
    run_end = -1.0
    for index, amount in enumerate(packets):
        start_ns = first_ns + index * slice_ns
        if amount <= 0:
            continue
        height = 3 + 22 * amount / top
        for part in loud(start_ns, start_ns + slice_ns, silent):
            ends = sheet.stretch(*part)
            if ends is None or ends[1] <= ends[0]:
                continue
            if abs(ends[0] - run_end) > 0.05:
                before = "" if run_end < 0 else f"V{number(floor)}Z"
                parts.append(f"{before}M{number(ends[0])} {floor}")
            parts.append(f"V{number(floor - height)}H{number(ends[1])}")
            run_end = ends[1]
    return "".join(parts) + f"V{number(floor)}Z" if parts else ""


def is_coarse(peer: PeerView, window: Window) -> bool:
    """Whether ESP is counted in slices too long for a window: its edges are not exact there."""
    activity = peer.activity
    if activity is None:
        return False
    return activity.slice_ns * 60 > window.end_ns - window.start_ns > NS_PER_SECOND
