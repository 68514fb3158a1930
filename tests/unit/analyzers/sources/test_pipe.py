"""FIFOs: whoever writes into one may end, and another may come."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from analyzers.sources.feed import Piece, SourceState
from analyzers.sources.pipe import PipeSource, is_named

PATIENCE_S = 10.0


class Pipe:
    """A FIFO with its source, and what that has read."""

    def __init__(self, path: Path, kind: str = "capture", *, again: bool = True) -> None:
        os.mkfifo(path)
        self.path = path
        self.source = PipeSource(str(path), kind, again=again)
        self.taken: list[Piece] = []
        self.source.start()

    def writes(self, data: bytes) -> None:
        """Somebody opens it, writes, and ends."""
        with self.path.open("wb") as stream:
            stream.write(data)

    def until(self, check: Callable[[], bool]) -> None:
        end = time.monotonic() + PATIENCE_S
        while not check():
            assert time.monotonic() < end, (self.source.feed.status, self.taken)
            self.taken += self.source.feed.take()
            time.sleep(0.005)
        self.taken += self.source.feed.take()

    def is_in(self, state: SourceState) -> bool:
        return self.source.feed.status.state is state

    @property
    def text(self) -> str:
        names = (each.decode() if isinstance(each, bytes) else "|" for each in self.taken)
        return "".join(names)


@pytest.fixture
def pipe(tmp_path: Path) -> Iterator[Pipe]:
    made = Pipe(tmp_path / "fifo")
    yield made
    made.source.close(1.0)


def test_the_end_of_the_writer_is_told_and_the_next_one_is_read(pipe: Pipe):
    pipe.writes(b"one")
    pipe.until(lambda: pipe.is_in(SourceState.WAITING))
    assert "ended" in pipe.source.feed.status.detail
    pipe.writes(b"two")
    pipe.until(lambda: "two" in pipe.text)
    assert pipe.text == "one|two"
    assert pipe.source.feed.status.restarts == 1


def test_while_another_writes_it_is_open(pipe: Pipe):
    pipe.writes(b"one")
    pipe.until(lambda: pipe.is_in(SourceState.WAITING))
    with pipe.path.open("wb", buffering=0) as stream:
        stream.write(b"two")
        pipe.until(lambda: pipe.is_in(SourceState.OPEN))
    pipe.until(lambda: pipe.is_in(SourceState.WAITING))


def test_who_opens_it_and_writes_nothing_begins_nothing(pipe: Pipe):
    pipe.writes(b"one")
    pipe.until(lambda: pipe.is_in(SourceState.WAITING))
    pipe.writes(b"")
    pipe.writes(b"two")
    pipe.until(lambda: "two" in pipe.text)
    assert pipe.text == "one|two"


def test_one_that_is_made_anew_is_opened(pipe: Pipe):
    pipe.writes(b"one")
    pipe.until(lambda: pipe.is_in(SourceState.WAITING))
    pipe.path.unlink()
    pipe.until(lambda: pipe.is_in(SourceState.MISSING))
    os.mkfifo(pipe.path)
    pipe.writes(b"two")
    pipe.until(lambda: "two" in pipe.text)
    assert pipe.text == "one|two"


def test_a_file_in_its_place_is_not_read(pipe: Pipe):
    pipe.writes(b"one")
    pipe.until(lambda: pipe.is_in(SourceState.WAITING))
    pipe.path.unlink()
    pipe.path.write_bytes(b"a file")
    pipe.until(lambda: pipe.is_in(SourceState.MISSING))
    pipe.path.unlink()
    os.mkfifo(pipe.path)
    pipe.writes(b"two")
    pipe.until(lambda: "two" in pipe.text)
    assert pipe.text == "one|two"


def test_waiting_for_the_next_writer_does_not_keep_anybody_from_ending(pipe: Pipe):
    pipe.writes(b"one")
    pipe.until(lambda: pipe.is_in(SourceState.WAITING))
    began_s = time.monotonic()
    pipe.source.stop()
    pipe.source.close(5.0)
    assert time.monotonic() - began_s < 1.0


def test_lines_of_the_next_writer_begin_lines(tmp_path: Path):
    pipe = Pipe(tmp_path / "lines", "log")
    pipe.writes(b"half a li")
    pipe.until(lambda: pipe.is_in(SourceState.WAITING))
    pipe.writes(b"another line\n")
    pipe.until(lambda: "another" in pipe.text)
    assert pipe.text == "half a li\nanother line\n"
    pipe.source.close(1.0)


def test_one_that_is_read_once_ends_with_its_writer(tmp_path: Path):
    pipe = Pipe(tmp_path / "once", again=False)
    pipe.writes(b"one")
    pipe.until(lambda: pipe.is_in(SourceState.ENDED))
    assert pipe.text == "one"
    pipe.source.close(1.0)


def test_what_has_no_name_cannot_be_opened_again(tmp_path: Path):
    """`-i <(ssh gw tcpdump …)`."""
    reading, writing = os.pipe()
    os.mkfifo(tmp_path / "fifo")
    assert not is_named(f"/dev/fd/{reading}")
    assert is_named(str(tmp_path / "fifo"))
    assert not is_named("-")
    os.close(reading)
    os.close(writing)
