"""Lines for somebody who reads, reads slowly, stops reading, or goes away."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from dpdlab.cli import line_queue
from dpdlab.cli.line_queue import LineQueue
from tests.live_capture import eventually


@pytest.fixture
def pipe() -> Iterator[tuple[int, int]]:
    read, write = os.pipe()
    yield read, write
    for handle in (read, write):
        try:
            os.close(handle)
        except OSError:
            continue


def queue(handle: int) -> LineQueue:
    return LineQueue(handle, lambda count: f"{count} missing\n")


def numbered(since: int, until: int) -> list[str]:
    return [f"line {number} {'x' * 80}\n" for number in range(since, until)]


class Reader(threading.Thread):
    """Reads so much every so many seconds, until the end."""

    def __init__(self, handle: int, size: int, every_s: float) -> None:
        super().__init__(daemon=True)
        self.handle, self.size, self.every_s = handle, size, every_s
        self.got = b""
        self.start()

    def run(self) -> None:
        while data := os.read(self.handle, self.size):
            self.got += data
            time.sleep(self.every_s)


def rest(handle: int) -> str:
    """What is in a pipe, to its end."""
    got = b""
    while data := os.read(handle, 65536):
        got += data
    return got.decode()


def test_a_line_is_out_before_put_returns(pipe: tuple[int, int]) -> None:
    read, write = pipe
    lines = queue(write)
    for number in range(100):
        assert lines.put([f"{number}\n"])
        os.set_blocking(read, False)
        assert os.read(read, 100) == f"{number}\n".encode()
    assert lines.close() == 0


def test_a_slow_reader_loses_nothing_and_nobody_waits_for_it(pipe: tuple[int, int]) -> None:
    read, write = pipe
    reader, lines, wanted = Reader(read, 8192, 0.005), queue(write), numbered(0, 20_000)
    began_s = time.monotonic()
    for place in range(0, 20_000, 1000):
        assert lines.put(wanted[place : place + 1000])
    assert time.monotonic() - began_s < 0.5
    assert lines.close() == 0
    os.close(write)
    reader.join(10)
    assert reader.got.decode() == "".join(wanted)
    assert (lines.dropped, lines.is_cut) == (0, False)


def test_what_finds_no_room_is_counted_and_told_in_its_place(
    pipe: tuple[int, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    read, write = pipe
    monkeypatch.setattr(line_queue, "_MOST_BYTES", 100_000)
    monkeypatch.setattr(line_queue, "_ROOMY_BYTES", 50_000)
    lines = queue(write)
    began_s = time.monotonic()
    for place in range(0, 5000, 100):
        assert lines.put(numbered(place, place + 100))
    assert time.monotonic() - began_s < 1
    assert lines.dropped > 1000
    reader = Reader(read, 65536, 0)
    eventually(lambda: lines.put() and f"{lines.dropped} missing".encode() in reader.got)
    assert lines.put(numbered(6000, 6001))
    assert lines.close() == lines.dropped
    os.close(write)
    reader.join(10)
    told = reader.got.decode().splitlines()
    kept = 5000 - lines.dropped
    assert [line.split()[1] for line in told[:kept]] == [str(number) for number in range(kept)]
    assert told[kept] == f"{lines.dropped} missing"
    assert told[kept + 1].startswith("line 6000")


def test_at_the_end_who_reads_slowly_has_all(
    pipe: tuple[int, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    read, write = pipe
    monkeypatch.setattr(line_queue, "_MOST_BYTES", 10_000)
    reader, lines, wanted = Reader(read, 65536, 0.05), queue(write), numbered(0, 10_000)
    lines.finish()
    assert lines.put(wanted)
    assert lines.close() == 0
    os.close(write)
    reader.join(10)
    assert reader.got.decode() == "".join(wanted)


def test_at_the_end_nobody_who_does_not_read_is_waited_for(pipe: tuple[int, int]) -> None:
    read, write = pipe
    lines = queue(write)
    assert lines.put(numbered(0, 2000))
    began_s = time.monotonic()
    lines.finish()
    assert lines.put(numbered(2000, 3000))
    assert lines.put(numbered(3000, 4000))
    left = lines.close()
    assert time.monotonic() - began_s < 0.8
    os.close(write)
    got = rest(read)
    assert got.endswith("\n"), "a pipe takes lines of this length whole"
    assert not lines.is_cut
    assert got == "".join(numbered(0, 4000 - left))
    assert not [t for t in threading.enumerate() if t.name == "dpdlab-lines"]


def test_a_long_line_that_is_cut_is_told(pipe: tuple[int, int]) -> None:
    _, write = pipe
    lines = queue(write)
    lines.put(["x" * 1_000_000 + "\n"])
    assert lines.close() == 1
    assert lines.is_cut


def test_a_reader_that_is_gone(pipe: tuple[int, int]) -> None:
    read, write = pipe
    lines = queue(write)
    assert lines.put(["1\n"])
    os.close(read)
    assert not lines.put(["2\n"])
    assert isinstance(lines.failure, BrokenPipeError)
    assert not lines.put(["3\n"])
    assert lines.close() == 0


def test_a_stream_that_is_set_not_to_block(pipe: tuple[int, int]) -> None:
    read, write = pipe
    os.set_blocking(write, False)
    reader, lines, wanted = Reader(read, 1000, 0), queue(write), numbered(0, 5000)
    assert lines.put(wanted)
    assert lines.close() == 0
    os.close(write)
    reader.join(10)
    assert reader.got.decode() == "".join(wanted)


def test_a_file_and_a_full_disk(tmp_path: Path) -> None:
    with (tmp_path / "lines").open("wb") as file:
        lines = queue(file.fileno())
        assert lines.put(numbered(0, 5000))
        assert lines.close() == 0
    assert (tmp_path / "lines").read_text() == "".join(numbered(0, 5000))
    with Path("/dev/full").open("wb", buffering=0) as full:
        lines = queue(full.fileno())
        assert not lines.put(["x\n"])
        assert lines.failure is not None
        lines.close()
