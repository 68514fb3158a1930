"""What is told of a black hole at first sight."""

from __future__ import annotations

from analyzers.export import sentences
from analyzers.export.report import build_black_hole
from analyzers.export.story import bounds_of
from tests.model_builders import black_hole


def test_packets_that_a_counter_tells_have_no_bytes() -> None:
    hole = black_hole(min_packets=0, max_packets=187, max_bytes=0)
    assert "up to 187 packets" in bounds_of(hole)
    assert " bytes" not in sentences.black_hole(hole)
    assert build_black_hole(hole).max_bytes is None


def test_no_packets_are_no_bytes() -> None:
    assert build_black_hole(black_hole(min_packets=0, max_packets=0, max_bytes=0)).max_bytes == 0
