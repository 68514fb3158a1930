"""Logs that are followed by name."""

import os
import shutil
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from analyzers.sources.feed import SourceState
from analyzers.sources.follow import FollowedFile

Reader = Callable[[bytes], bytes]
PATIENCE_S = 10.0


def _until(source: FollowedFile, wanted: bytes) -> bytes:
    """What is read until `wanted` is in it."""
    got = b""
    end = time.monotonic() + PATIENCE_S
    while wanted not in got:
        got += b"".join(p for p in source.feed.take() if isinstance(p, bytes))
        assert time.monotonic() < end, f"{wanted!r} never came, only {got!r}"
        time.sleep(0.01)
    return got


def _state(source: FollowedFile, wanted: SourceState) -> None:
    end = time.monotonic() + PATIENCE_S
    while source.feed.status.state is not wanted:
        assert time.monotonic() < end, source.feed.status
        time.sleep(0.01)


@pytest.fixture
def log(tmp_path: Path) -> Path:
    path = tmp_path / "r1.log"
    path.write_bytes(b"old line\n")
    return path


@pytest.fixture
def source(log: Path) -> Iterator[FollowedFile]:
    followed = FollowedFile(str(log))
    followed.start()
    yield followed
    followed.stop()
    followed.close(5)


def _append(path: Path, text: bytes) -> None:
    with path.open("ab", buffering=0) as file:
        file.write(text)


def test_it_begins_at_the_end(source: FollowedFile, log: Path) -> None:
    _append(log, b"new line\n")
    assert _until(source, b"new line\n") == b"new line\n"


def test_from_start_when_asked(log: Path) -> None:
    source = FollowedFile(str(log), from_start=True)
    source.start()
    assert _until(source, b"old line\n") == b"old line\n"
    source.close(5)


def test_half_lines_come_as_they_are_written(source: FollowedFile, log: Path) -> None:
    _append(log, b"half ")
    assert _until(source, b"half ") == b"half "
    _append(log, b"line\n")
    assert _until(source, b"line\n") == b"line\n"


def test_renamed_and_made_again(source: FollowedFile, log: Path) -> None:
    _append(log, b"one\n")
    log.rename(log.with_suffix(".1"))
    _append(log.with_suffix(".1"), b"late in the old one\n")
    log.write_bytes(b"first of the new one\n")
    got = _until(source, b"first of the new one\n")
    assert got == b"one\nlate in the old one\nfirst of the new one\n"
    assert source.feed.status.restarts == 1


def test_a_half_line_before_rotation_is_no_part_of_the_next(
    source: FollowedFile, log: Path
) -> None:
    _append(log, b"torn")
    _until(source, b"torn")
    log.rename(log.with_suffix(".1"))
    log.write_bytes(b"next\n")
    assert _until(source, b"next\n") == b"\nnext\n"


def test_truncated_in_place(source: FollowedFile, log: Path) -> None:
    _append(log, b"a long line before it is copied and truncated\n")
    _until(source, b"truncated\n")
    os.truncate(log, 0)
    time.sleep(0.3)
    _append(log, b"after\n")
    assert _until(source, b"after\n") == b"after\n"


@pytest.mark.parametrize("more", [b"", b"and one more, which makes it longer than ever\n"])
def test_truncated_and_as_long_again_before_anybody_looks(
    source: FollowedFile, log: Path, more: bytes
) -> None:
    _append(log, b"12:00:01 a line before it is copied and truncated\n")
    _until(source, b"truncated\n")
    size = log.stat().st_size
    after = b"12:00:02 the first line in the file that was emptied\n"
    text = after + b"x" * (size - len(after) - 1) + b"\n" + more
    with log.open("r+b", buffering=0) as file:
        file.truncate(0)
        file.write(text)
    assert log.stat().st_size == size + len(more)
    assert _until(source, text) == text
    assert source.feed.status.restarts == 1
    (loss,) = source.feed.status.losses
    assert "may be missing" in loss.why


def test_what_is_marked_may_be_shorter_than_a_mark(tmp_path: Path) -> None:
    log = tmp_path / "short.log"
    log.touch()
    source = FollowedFile(str(log))
    source.start()
    for text in (b"a\n", b"b\n", b"c\n"):
        with log.open("r+b", buffering=0) as file:
            file.truncate(0)
            file.write(text)
        assert _until(source, text) == text
    source.close(5)


def test_who_writes_on_where_it_was_leaves_a_hole(source: FollowedFile, log: Path) -> None:
    """`daemon > r1.log`, emptied by somebody else."""
    with log.open("r+b", buffering=0) as file:
        file.seek(200_000)
        file.write(b"before\n")
        _until(source, b"before\n")
        os.truncate(log, 0)
        file.write(b"after\n")
        got = _until(source, b"after\n")
    assert got.strip(b"\0") == b"after\n"
    assert len(got) < 10_000


@pytest.fixture
def unwatched(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody looks for a while: what comes meanwhile comes at once."""
    monkeypatch.setattr("analyzers.sources.follow._LOOK_S", 0.5)


@pytest.mark.usefixtures("unwatched")
def test_emptied_before_anything_was_read_is_told(source: FollowedFile, log: Path) -> None:
    _append(log, b"begun\n")
    _until(source, b"begun\n")
    log.rename(log.with_suffix(".old"))
    log.touch()
    time.sleep(0.7)
    _append(log, b"never seen\n")
    os.truncate(log, 0)
    time.sleep(0.7)
    _append(log, b"after\n")
    assert _until(source, b"after\n") == b"after\n"
    (loss,) = source.feed.status.losses
    assert "may be missing" in loss.why


@pytest.mark.usefixtures("unwatched")
@pytest.mark.parametrize("name", ["r1.log.1", "r1.log-20261123", "r1-20261123.log"])
@pytest.mark.parametrize("read", [b"", b"a line that was read\n"])
def test_copied_and_emptied_loses_nothing(
    source: FollowedFile, log: Path, name: str, read: bytes
) -> None:
    log.write_bytes(read)
    time.sleep(0.7)
    _append(log, b"one\ntwo\n")
    shutil.copy(log, log.with_name(name))
    os.truncate(log, 0)
    _append(log, b"three\n")
    assert _until(source, b"three\n") == read + b"one\ntwo\nthree\n"


@pytest.mark.usefixtures("unwatched")
def test_made_and_renamed_between_two_looks(source: FollowedFile, log: Path) -> None:
    _append(log, b"one\n")
    _until(source, b"one\n")
    for number in (2, 1):
        log.rename(log.with_name(f"{log.name}.{number}"))
        log.write_bytes(b"file %d\n" % number)
    assert _until(source, b"file 1\n") == b"file 2\nfile 1\n"


@pytest.mark.usefixtures("unwatched")
def test_a_copy_of_what_is_read_is_read_once(source: FollowedFile, log: Path) -> None:
    _append(log, b"one\n")
    shutil.copy(log, log.with_name("r1.log.1"))
    _until(source, b"one\n")
    _append(log, b"two\n")
    _until(source, b"two\n")
    log.rename(log.with_name("r1.log.2"))
    log.write_bytes(b"three\n")
    assert _until(source, b"three\n") == b"three\n"


@pytest.mark.usefixtures("unwatched")
def test_other_files_beside_it_are_none_of_its(source: FollowedFile, log: Path) -> None:
    _append(log, b"one\n")
    for name in ("r1.log.gz", "r1.log.1.gz", "r1.logs", "r10.log", "other.log.1", "r1.cfg"):
        log.with_name(name).write_bytes(b"no line\n")
    os.mkfifo(log.with_name("r1.log.2"))
    os.truncate(log, 0)
    _append(log, b"after this\n")
    assert _until(source, b"after this\n").endswith(b"after this\n")
    assert not any(b"no line" in piece for piece in source.feed.take() if isinstance(piece, bytes))


def test_a_file_that_only_grows_lost_nothing(source: FollowedFile, log: Path) -> None:
    for number in range(50):
        _append(log, b"line %d\n" % number)
        time.sleep(0.005)
    _until(source, b"line 49\n")
    assert not source.feed.status.losses
    assert source.feed.status.restarts == 0


def test_deleted_and_created_later(source: FollowedFile, log: Path) -> None:
    log.unlink()
    _state(source, SourceState.WAITING)
    log.write_bytes(b"back\n")
    assert _until(source, b"back\n") == b"back\n"
    assert source.feed.status.state is SourceState.OPEN


def test_a_file_that_is_not_there_yet_is_read_from_its_start(tmp_path: Path) -> None:
    source = FollowedFile(str(tmp_path / "later.log"))
    source.start()
    assert source.feed.status.state is SourceState.WAITING
    (tmp_path / "later.log").write_bytes(b"hello\n")
    assert _until(source, b"hello\n") == b"hello\n"
    source.close(5)


def test_a_file_that_is_not_there_is_told_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = FollowedFile(str(tmp_path / "later.log"))
    told: list[str] = []

    def tell(_state: SourceState, detail: str = "") -> None:
        told.append(detail)

    monkeypatch.setattr(source.feed, "tell", tell)
    source.start()
    time.sleep(0.9)
    source.stop()
    source.close(5)
    assert set(told) == {"there is no such file; waiting for it"}


def test_what_was_written_before_the_end_is_read(source: FollowedFile, log: Path) -> None:
    _append(log, b"last words\n")
    source.stop()
    source.close(5)
    assert b"".join(p for p in source.feed.take() if isinstance(p, bytes)) == b"last words\n"


def test_a_hundred_times_leaves_no_descriptor(log: Path) -> None:
    before = len(os.listdir("/proc/self/fd"))  # noqa: PTH208 - as the kernel counts them
    for _ in range(100):
        source = FollowedFile(str(log))
        source.start()
        source.stop()
        source.close(5)
    assert len(os.listdir("/proc/self/fd")) == before  # noqa: PTH208
