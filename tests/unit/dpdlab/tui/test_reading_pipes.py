"""A capture from a pipe that pauses, beside other inputs: the console shows what came of it."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from analyzers.model.records import ProblemKind
from analyzers.session import SessionOptions, looking
from dpdlab.tui.reading import Outcome, Reader

SAMPLE = Path(__file__).parents[4] / "sample_pcaps" / "ikev1-one-way-loss"
LOG = SAMPLE / "charon-b.log"
# In the middle of a packet.
SOME_BYTES = 9_000


@pytest.fixture
def pipe() -> Iterator[int]:
    """The write end of standard input."""
    reader, writer = os.pipe()
    saved = sys.stdin
    with os.fdopen(reader) as sys.stdin:
        try:
            yield writer
        finally:
            sys.stdin = saved


@contextmanager
def reading(other: Path = LOG) -> Iterator[tuple[Reader, list[Outcome]]]:
    told: list[Outcome] = []
    reader = Reader(["-", str(other)], SessionOptions(), told.append)
    reader.start()
    try:
        yield reader, told
    finally:
        until(reader, told, lambda o: o.done)
        reader.stop(10)
        for outcome in told:
            if outcome.log is not None:
                outcome.log.close()


def until(reader: Reader, told: list[Outcome], wanted: Callable[[Outcome], object]) -> Outcome:
    for _ in range(1_000):
        found = next((outcome for outcome in told if wanted(outcome)), None)
        if found is not None:
            return found
        time.sleep(0.01)
    reader.stop()
    raise AssertionError(f"not told: {told[-1:]}")


def test_what_came_is_there_while_the_pipe_pauses_and_all_of_it_at_the_end(pipe: int):
    whole = (SAMPLE / "capture.pcap").read_bytes()
    with reading() as (reader, told):
        watched(reader, told, pipe, whole)


def watched(reader: Reader, told: list[Outcome], pipe: int, whole: bytes) -> None:
    os.write(pipe, whole[:SOME_BYTES])
    look = until(reader, told, lambda o: o.content is not None and o.content.peers)
    assert not look.done
    assert look.content is not None
    capture, log = look.content.sources
    assert (capture.path, log.path) == ("stdin", str(LOG))
    assert 0 < capture.packets < 100
    assert ProblemKind.TRUNCATED_TAIL not in [problem.kind for problem in capture.problems]
    assert len(look.content.peers[0].esp_flows) == 2
    assert log.lines > 0
    lines = until(reader, told, lambda o: o.log is not None).log
    assert lines is not None
    assert len(lines) == log.lines
    waiting = until(reader, told, lambda o: o.progress is not None and o.progress.packets)
    assert waiting.progress is not None
    assert (waiting.progress.waits, waiting.progress.packets) == (True, capture.packets)
    os.write(pipe, whole[SOME_BYTES:])
    os.close(pipe)
    end = until(reader, told, lambda o: o.done)
    assert end.content is not None
    assert end.content.sources[0].packets == 220
    assert [hole.max_packets for p in end.content.peers for hole in p.black_holes] == [98]


def test_of_very_much_no_look_is_taken(pipe: int, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(looking, "MOST_BYTES", SOME_BYTES)
    with reading() as (reader, told):
        os.write(pipe, (SAMPLE / "capture.pcap").read_bytes()[:SOME_BYTES])
        until(reader, told, lambda o: o.content is not None)
        assert not any(o.content.peers for o in told if o.content is not None)
        os.close(pipe)


@pytest.mark.parametrize("cut", [4, 24, 30])
def test_less_than_a_packet_is_no_error(pipe: int, cut: int):
    whole = (SAMPLE / "capture.pcap").read_bytes()
    with reading() as (reader, told):
        os.write(pipe, whole[:cut])
        until(reader, told, lambda o: o.progress is not None and o.progress.read_bytes == cut)
        os.write(pipe, whole[cut:])
        os.close(pipe)
        assert not until(reader, told, lambda o: o.done).error


def test_a_log_that_comes_beside_a_capture_is_looked_at_too(pipe: int):
    whole = LOG.read_bytes()
    with reading(SAMPLE / "capture.pcap") as (reader, told):
        os.write(pipe, whole[:SOME_BYTES])
        look = until(reader, told, lambda o: o.content is not None and o.content.peers)
        assert not look.done
        assert look.content is not None
        log, capture = look.content.sources
        assert (log.path, log.kind, capture.packets) == ("stdin", "log", 220)
        assert 0 < log.lines < whole.count(b"\n")
        assert look.content.peers[0].black_holes
        os.write(pipe, whole[SOME_BYTES:])
        os.close(pipe)
        end = until(reader, told, lambda o: o.done)
        assert end.content is not None
        assert end.content.sources[0].lines == whole.count(b"\n")
        lines = until(reader, told, lambda o: o.log is not None and len(o.log) == 180).log
        assert lines is not None
        assert not lines.problems
        assert "Starting IKE charon daemon" in lines.text(0)
