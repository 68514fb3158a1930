"""Exact times of ESP packets, read once more for the stretch of time that is looked at.

The engine counts ESP in slices and keeps no packet. Drawings that are finer than the slices want
the packets of a short time, which the engine reads from the captures again.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import closing
from pathlib import Path
from typing import Final, cast

import numpy as np
from msgspec import Struct

from analyzers.errors import AnalyzerError
from analyzers.export import spans
from analyzers.export.spans import is_side
from analyzers.model.peer import Activity, PeerView
from analyzers.session.second_pass import CaptureAgain
from analyzers.sources.names import is_standard_input
from analyzers.whatif.windows import Packets, Window
from dpdlab.present.esp import EspTimes, Int64s, packets_until
from dpdlab.present.scale import Scale
from dpdlab.present.timeline import PeerTimes

MOST_PACKETS: Final = 200_000
"""Packets of all peers in sight that are read for one stretch of time."""
_BESIDE: Final = 4
"""So many times its length is read before and after a stretch, so that moving on finds it there."""

_PIPED: Final = "a pipe cannot be read again for when it was"

PacketsWithin = Callable[[Sequence[Window], Callable[[object], None]], Iterator[Packets]]


class TooMany(Exception):
    """More packets than are kept."""


class EspRead(Struct, frozen=True):
    """What was read for some peers, by their ids."""

    times: dict[str, EspTimes]
    why_not: str = ""
    """Why there is none; empty where there is."""


def why_not_again(captures: Sequence[CaptureAgain]) -> str:
    """Why captures cannot be read a second time; empty where they can.

    To open a pipe again would wait for somebody who writes into it.
    """
    for path in (Path(path) for c in captures for path in c.spec.parts or (c.spec.path,)):
        if not path.is_file():
            piped = is_standard_input(str(path)) or path.exists()
            return _PIPED if piped else f"{path.name} is not there any more"
    return "" if captures else "no capture was read"


def stretch_to_read(peers: Sequence[PeerTimes], scale: Scale) -> spans.Window | None:
    """What to read for a drawing; None where slices tell as much, or nothing is to be seen.

    Raises TooMany.
    """
    finer = [times for times in peers if _is_coarse(times.peer.activity, scale)]
    drawn = spans.Window(scale.start_ns, scale.end_ns)
    if not finer or not _expected(finer, drawn):
        return None
    if _expected(finer, drawn) > MOST_PACKETS:
        raise TooMany
    beside_ns = _BESIDE * (drawn.end_ns - drawn.start_ns)
    wide = spans.Window(drawn.start_ns - beside_ns, drawn.end_ns + beside_ns)
    return wide if _expected(finer, wide) <= MOST_PACKETS else drawn


def _is_coarse(activity: Activity | None, scale: Scale) -> bool:
    """Whether cells are shorter than the slices of activity."""
    return activity is not None and scale.cell_ns < activity.slice_ns


def _expected(peers: Sequence[PeerTimes], window: spans.Window) -> float:
    """About how many packets the peers sent in a stretch of time."""
    total = 0.0
    for times in peers:
        peer, activity = times.peer, times.peer.activity
        if activity is None:
            continue
        ends = np.array(window, np.int64) - activity.start_ns
        for counts, side in ((activity.outbound, peer.local), (activity.inbound, peer.remote)):
            found = packets_until(activity, counts, ends.astype(float), times.without[side])
            total += float(found[1] - found[0])
    return total


def read_times(
    peers: Sequence[PeerView],
    stretch: spans.Window,
    packets_within: PacketsWithin,
    check: Callable[[], None],
) -> EspRead:
    """The ESP of the peers in a stretch of time. `check` raises to end the reading.

    Raises nothing else: what cannot be read is told.
    """
    try:
        found = read_stretches([(peer, stretch) for peer in peers], packets_within, check)
    except TooMany:
        return EspRead({}, too_many())
    except AnalyzerError as error:
        return EspRead({}, f"the capture cannot be read again: {error.message}")
    return EspRead({peer.id: times for peer, times in zip(peers, found, strict=True)})


def read_stretches(
    wanted: Sequence[tuple[PeerView, spans.Window]],
    packets_within: PacketsWithin,
    check: Callable[[], None],
) -> list[EspTimes]:
    """The ESP of peers, each in a stretch of its time, read at one go.

    Raises TooMany, and SourceError where a capture cannot be read again.
    """
    ways = [(peer, side, s) for peer, s in wanted for side in (peer.local, peer.remote)]
    windows = [_window(*way) for way in ways]
    parts: list[list[Int64s]] = [[] for _ in windows]
    kept = 0
    reading = cast("Generator[Packets]", packets_within(windows, lambda _: check()))
    with closing(reading) as found:
        for packets in found:
            kept += len(packets.at_ns)
            if kept > 2 * MOST_PACKETS:
                raise TooMany
            parts[packets.window].append(packets.at_ns)
    sorted_ns = [np.sort(np.concatenate([np.empty(0, np.int64), *part])) for part in parts]
    both = zip(sorted_ns[::2], sorted_ns[1::2], strict=True)
    return [EspTimes(s, *each) for (_, s), each in zip(wanted, both, strict=True)]


def too_many() -> str:
    """Why packets are not read."""
    return f"more than {MOST_PACKETS:,} packets here: closer they are read"


def _window(peer: PeerView, side: str, stretch: spans.Window) -> Window:
    """What one side sent, and of that what the engine has counted."""
    sent = [flow for flow in peer.whole.esp_flows if is_side(flow.sender, side, peer)]
    flows = frozenset((flow.sender, flow.receiver, int(flow.spi, 16)) for flow in sent)
    first_ns = min((flow.first_ns for flow in sent), default=stretch.start_ns)
    last_ns = max((flow.last_ns for flow in sent), default=stretch.end_ns)
    return Window(flows, max(stretch.start_ns, first_ns), min(stretch.end_ns, last_ns))


__all__ = [
    "MOST_PACKETS",
    "EspRead",
    "PacketsWithin",
    "TooMany",
    "read_stretches",
    "read_times",
    "stretch_to_read",
    "too_many",
    "why_not_again",
]
