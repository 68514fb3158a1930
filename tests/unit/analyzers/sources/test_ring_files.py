"""Files that grow while a session runs."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from analyzers.errors import SourceError
from analyzers.sources.ring_files import RingFiles


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    folder = tmp_path / "small"
    folder.mkdir()
    if shutil.which("mount") is None or os.geteuid() != 0:
        pytest.skip("only root can mount a small file system")
    command = ["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", str(folder)]
    if subprocess.run(command, capture_output=True, check=False).returncode:
        pytest.skip("no file system can be mounted here")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


def test_one_file_grows(tmp_path: Path) -> None:
    files = RingFiles(tmp_path / "one.pcapng")
    assert files.write(b"abc")
    assert files.write(b"def")
    files.close()
    assert files.files == (tmp_path / "one.pcapng",)
    assert (tmp_path / "one.pcapng").read_bytes() == b"abcdef"
    assert (tmp_path / "one.pcapng").stat().st_mode & 0o077 == 0


def test_a_ring_keeps_the_last_ones(tmp_path: Path) -> None:
    files = RingFiles(tmp_path / "ring.pcapng", most_bytes=4, most_files=2)
    for data in (b"aaaa", b"bbbb", b"cccc"):
        if files.is_full(len(data)):
            files.turn()
        files.write(data)
    files.close()
    assert [path.name for path in files.files] == ["ring_00002.pcapng", "ring_00003.pcapng"]
    assert [path.read_bytes() for path in files.files] == [b"bbbb", b"cccc"]
    assert sorted(path.name for path in tmp_path.iterdir()) == [p.name for p in files.files]
    assert files.removed == 1


def test_a_ring_goes_on_behind_an_earlier_one_of_its_name(tmp_path: Path) -> None:
    first, later = (RingFiles(tmp_path / "ring.pcapng", most_bytes=100) for _ in range(2))
    assert first.write(b"first")
    assert later.write(b"later")
    assert [path.name for path in later.files] == ["ring_00002.pcapng"]
    assert (tmp_path / "ring_00001.pcapng").read_bytes() == b"first"


def test_of_data_without_room_stays_what_is_whole(small_disk: Path) -> None:
    files = RingFiles(small_disk / "full.pcapng")
    assert not files.write(b"r" * 200_000, lambda written: written - written % 1000)
    size = (small_disk / "full.pcapng").stat().st_size
    assert size == files.size > 30_000
    assert size % 1000 == 0


def test_a_full_disk_stops_the_writing_and_leaves_whole_records(small_disk: Path) -> None:
    files = RingFiles(small_disk / "full.pcapng")
    record = b"r" * 5000
    written = 0
    while files.write(record):
        written += 1
        assert written < 100
    assert "full.pcapng" in files.stopped
    assert (small_disk / "full.pcapng").stat().st_size == written * len(record)
    assert not files.write(record)
    files.close()


def test_what_cannot_be_written_is_said(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="cannot write"):
        RingFiles(tmp_path / "nowhere" / "a.pcapng")
