"""The packets of every black hole of the samples, read once more, are those of the report."""

from __future__ import annotations

from pathlib import Path

import pytest

from analyzers.session import Session
from analyzers.whatif.study import window_of

SAMPLES = sorted((Path(__file__).parents[2] / "sample_pcaps").glob("*/capture.pcap"))


@pytest.mark.parametrize("path", SAMPLES, ids=lambda path: path.parent.name)
def test_packets_and_bytes_of_the_second_pass(path: Path) -> None:
    session = Session()
    session.run([str(path)])
    holes = [
        (window, hole)
        for peer in session.peers()
        for hole in peer.black_holes
        if (window := window_of(peer, hole)) is not None
    ]
    found = [[0, 0] for _ in holes]
    for packets in session.packets_within([window for window, _ in holes]):
        found[packets.window][0] += len(packets.at_ns)
        found[packets.window][1] += int(packets.sizes.sum())
    assert found == [[hole.max_packets, hole.max_bytes] for _, hole in holes]
