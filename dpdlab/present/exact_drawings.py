"""Exact times of ESP for the drawings of SVG and HTML that are finer than what was counted."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence

from msgspec.structs import replace

from analyzers.errors import AnalyzerError
from analyzers.export.content import Content
from analyzers.export.esp_times import EspTimes
from analyzers.export.html.peer import closer
from analyzers.export.spans import Window, whole
from analyzers.export.svg.esp_lanes import is_coarse
from analyzers.model.peer import PeerView
from analyzers.session.second_pass import CaptureAgain
from dpdlab.present.esp_again import (
    MOST_PACKETS,
    PacketsWithin,
    TooMany,
    read_stretches,
    why_not_again,
)


def with_exact_esp(
    content: Content,
    peers: Sequence[PeerView],
    drawn: Callable[[PeerView], Iterable[Window]],
    captures: Sequence[CaptureAgain],
    packets_within: PacketsWithin,
) -> Content:
    """The content with the ESP of what is `drawn` of its peers, where that is short.

    `peers`: those of the content as they are in the captures, before anything was redacted. What
    cannot be read again, or is too much, is drawn as it was counted.
    """
    told = {peer.id for peer in content.peers}
    wanted = [(p, w) for p in peers if p.id in told for w in drawn(p) if is_coarse(p, w)]
    if not wanted or why_not_again(captures):
        return content
    if sum(_at_most(peer, window) for peer, window in wanted) > MOST_PACKETS:
        return content
    try:
        found = read_stretches(wanted, packets_within, lambda: None)
    except (TooMany, AnalyzerError):
        return content
    known: defaultdict[str, list[EspTimes]] = defaultdict(list)
    for (peer, _), times in zip(wanted, found, strict=True):
        known[peer.id].append(times)
    return replace(content, esp=dict(known))


def on_page(peer: PeerView) -> tuple[Window, ...]:
    """What an HTML page draws of a peer."""
    return (whole(peer), *closer(peer))


def in_drawing(peer: PeerView) -> tuple[Window, ...]:
    """What an SVG draws of a peer."""
    return (whole(peer),)


def _at_most(peer: PeerView, window: Window) -> int:
    """How many packets of a peer there can be in a stretch of time, both ways."""
    activity = peer.activity
    if activity is None:
        return 0
    first = max((window.start_ns - activity.start_ns) // activity.slice_ns, 0)
    last = max((window.end_ns - activity.start_ns) // activity.slice_ns + 1, 0)
    return sum(activity.outbound[first:last]) + sum(activity.inbound[first:last])
