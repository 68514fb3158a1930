"""When a side certainly sent no ESP: what is known more exactly than the slices of its activity."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from analyzers.export.spans import Window, is_side
from analyzers.model.peer import PeerView
from analyzers.model.sa import EspFlow


def without_esp(peer: PeerView, side: str) -> list[Window]:
    """Stretches of the peer's time in which `side` sent no ESP; both ends inclusive, in ns.

    In order and apart from each other. Known from the first and last packet of each flow, and from
    the black holes of all SAs: nothing fresh came back between the last proof of life and what
    ended the silence, and nothing was sent before the first packet into it.
    """
    flows = [flow for flow in peer.whole.esp_flows if is_side(flow.sender, side, peer)]
    if not flows:
        return []
    # Before the first packet of all, and after the last one.
    first_ns = min(flow.first_ns for flow in flows)
    last_ns = max(flow.last_ns for flow in flows)
    before = Window(min(peer.first_ns, first_ns) - 1, first_ns - 1)
    after = Window(last_ns + 1, max(peer.last_ns, last_ns) + 1)
    found = [before, *_between(flows), *_in_holes(peer, side), after]
    return _merged(sorted(window for window in found if window.start_ns <= window.end_ns))


def _between(flows: Sequence[EspFlow]) -> Iterator[Window]:
    used = sorted((flow.first_ns, flow.last_ns) for flow in flows)
    reached_ns = used[0][1]
    for first_ns, last_ns in used[1:]:
        yield Window(reached_ns + 1, first_ns - 1)
        reached_ns = max(reached_ns, last_ns)


def _in_holes(peer: PeerView, side: str) -> Iterator[Window]:
    for hole in peer.whole.black_holes:
        # Of one SA among others nothing is known of these.
        if hole.spis or not hole.traffic_known or hole.last_proof_ns is None:
            continue
        if not is_side(hole.sender, side, peer):
            until_ns = hole.stop_ns if hole.recovered_ns is None else hole.recovered_ns
            yield Window(hole.last_proof_ns + 1, until_ns - 1)
        elif hole.first_exposed_ns is not None:
            yield Window(hole.last_proof_ns + 1, hole.first_exposed_ns - 1)


def _merged(windows: list[Window]) -> list[Window]:
    merged: list[Window] = []
    for window in windows:
        if merged and window.start_ns <= merged[-1].end_ns + 1:
            merged[-1] = Window(merged[-1].start_ns, max(merged[-1].end_ns, window.end_ns))
        else:
            merged.append(window)
    return merged
