"""Times of a capture whose clock was set back: told as if it had run on, however it is cut."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analyzers.decode.captures import CaptureReader
from analyzers.decode.set_clock import SetClock
from analyzers.model.records import Problem, ProblemKind, SourceInfo
from analyzers.sources.inputs import InputSpec, open_input
from analyzers.wire.block_cutter import BlockCutter, block
from analyzers.wire.frames import FrameBlock
from analyzers.wire.framing import ProblemFold
from analyzers.wire.pcapng import STATISTICS
from tests.scenarios.timeline import at, capture

NS = 1_000_000_000
HOUR = 3_600.0


def told(
    stamps: Sequence[float], interfaces: Sequence[int] | None = None, cut: int = 1 << 30
) -> tuple[list[float], list[Problem]]:
    """Seconds of each frame, and what is said of the clock; `cut` frames a block."""
    problems = ProblemFold("s1")
    clock = SetClock(problems)
    times: list[float] = []
    for start in range(0, len(stamps), cut):
        part = stamps[start : start + cut]
        own = None if interfaces is None else np.array(interfaces[start : start + cut])
        empty = np.zeros(len(part), dtype=np.int64)
        at_ns = np.array([round(s * NS) for s in part], dtype=np.int64)
        frames = FrameBlock(bytearray(), start + 1, empty, empty, empty, at_ns, 1, own)
        clock.put_right(frames)
        times += [ns / NS for ns in frames.at_ns.tolist()]
    return times, problems.take()


def test_a_clock_that_runs_on() -> None:
    stamps = [10, 10.5, 10.45, 20, 19.9, HOUR]
    assert told(stamps) == (stamps, [])


def test_times_go_on_from_before_the_step() -> None:
    times, (problem,) = told([HOUR, HOUR + 1, 2, 3, 3.5])
    assert times == [HOUR, HOUR + 1, HOUR + 2, HOUR + 3, HOUR + 3.5]
    assert (problem.kind, problem.ref and problem.ref.record) == (ProblemKind.TIME_BACKWARDS, 3)
    assert "set back by about 3,600.0 s" in problem.detail


def test_two_steps_add_up() -> None:
    times, problems = told([HOUR, HOUR + 1, 2000, 2001, 1000, 1001])
    assert times == [HOUR, HOUR + 1, HOUR + 2, HOUR + 3, HOUR + 4, HOUR + 5]
    assert len(problems) == 2


@pytest.mark.parametrize(
    "stamps",
    [
        [10, 11, 9.5, 10.5],
        # One damaged stamp.
        [10, 11, 1e6, 12, 13, 14],
        # It was set ahead, and back.
        [10, 11, HOUR + 12, HOUR + 13, 14, 15],
    ],
    ids=["small", "one frame", "there and back"],
)
def test_no_step(stamps: list[float]) -> None:
    assert told(stamps) == (stamps, [])


def test_back_to_the_clock_from_before() -> None:
    times, problems = told([HOUR, HOUR + 1, 2, 3, HOUR + 3.5, HOUR + 4, 6, HOUR + 7])
    assert times == [HOUR, HOUR + 1, HOUR + 2, HOUR + 3, HOUR + 3.5, HOUR + 4, 6, HOUR + 7]
    assert [p.kind for p in problems] == [ProblemKind.TIME_BACKWARDS, ProblemKind.CLOCK_SET]


def test_interfaces_with_clocks_of_their_own() -> None:
    stamps = [HOUR, 2, HOUR + 1, 3, 4]
    assert told(stamps, [0, 1, 0, 1, 1]) == (stamps, [])


def test_an_interface_alone() -> None:
    stamps = [HOUR, HOUR + 1, 2, 3, 9, 4]
    times, _ = told(stamps, [0, 0, 0, 0, 1, 1])
    assert times == [HOUR, HOUR + 1, HOUR + 2, HOUR + 3, HOUR + 9, HOUR + 4]


def test_a_clock_that_is_set_all_the_time() -> None:
    """Its frames are read in no more time than others."""
    stamps = [float(100_000 - 5 * n) for n in range(20_000)]
    times, _ = told(stamps)
    assert times[:17] == [100_000.0] * 17
    assert times[17:] == [s + 80 for s in stamps[17:]]


@given(
    moves=st.lists(
        st.sampled_from([0.05, 1.0, 3.0, 100.0, -0.05, -1.0, -3.0, -100.0, -97.0]), max_size=60
    ),
    second=st.integers(0, 60),
    cut=st.integers(1, 7),
)
def test_any_cutting_gives_the_same_times(moves: list[float], second: int, cut: int) -> None:
    stamps = np.cumsum([10_000.0, *moves]).tolist()
    interfaces = [int(n >= second) for n in range(len(stamps))]
    assert told(stamps, interfaces, cut) == told(stamps, interfaces)


STEPS = "0 a>b v2 handshake\n1..40/1 a>b esp out\nclock -3600 from 20"


def read(path: Path, *, local_clock: bool = False) -> SourceInfo:
    source = open_input(InputSpec(str(path), required=True))
    info = SourceInfo("s1", str(path), "capture", "")
    reader = CaptureReader(source.stream, source.head, info, local_clock=local_clock)
    while reader.read() is not None:
        pass
    source.close()
    return info


def watched(start_s: int, end_s: int) -> bytes:
    """What an interface says of when it was captured."""
    fields = struct.pack("<I", 0) + bytes(8)
    for code, second in ((2, start_s), (3, end_s)):
        ticks = at(second) // 1000
        fields += struct.pack("<HHII", code, 8, ticks >> 32, ticks & 0xFFFFFFFF)
    return block(STATISTICS, fields + bytes(4))


def test_a_clock_that_the_caller_has_is_told_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "a.pcap"
    path.write_bytes(capture(STEPS))
    told_on, as_it_is = read(path), read(path, local_clock=True)
    assert told_on.first_ns == at(0)
    assert abs((told_on.last_ns or 0) - at(39)) < NS
    assert (as_it_is.first_ns, as_it_is.last_ns) == (at(20 - 3600), at(19))


def test_when_it_was_captured_is_on_the_same_clock(tmp_path: Path) -> None:
    path = tmp_path / "a.pcapng"
    data = BlockCutter().feed(capture(STEPS))
    path.write_bytes(data + watched(-3600, 25 - 3600) + watched(30 - 3600, 60 - 3600))
    info = read(path)
    assert abs((info.until_ns or 0) - at(60)) < NS
    assert [round((start - at(0)) / NS) for start, _ in info.gaps] == [25 - 3600, 25]
