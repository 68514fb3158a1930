"""The text of logs that grow, as it is kept."""

from __future__ import annotations

from pathlib import Path

import pytest

from analyzers.session import live_log_store
from analyzers.session.live_log_store import LogStore
from analyzers.sources.feed import Line, Restart


def texts(store: LogStore) -> list[bytes]:
    return [b"".join(path.read_bytes() for path in log.paths) for log in store.logs]


def test_a_file_for_each_source_with_whole_lines_only(tmp_path: Path) -> None:
    store = LogStore(tmp_path, "live")
    store.write(1, "/var/log/charon.log", [b"one\ntw", Restart()])
    store.write(2, "syslog 192.0.2.1", [Line("192.0.2.1", "sent")])
    assert texts(store) == [b"one\n", b"sent\n"]
    store.write(1, "/var/log/charon.log", [b"o\nthree"])
    assert texts(store)[0] == b"one\ntwo\n"
    store.close()
    assert texts(store)[0] == b"one\ntwo\nthree\n"
    assert [log.name for log in store.logs] == ["/var/log/charon.log", "syslog 192.0.2.1"]
    assert store.whole


def test_a_name_from_outside_is_no_path(tmp_path: Path) -> None:
    store = LogStore(tmp_path, "live")
    store.write(0, "syslog ../../etc/\x1b[31m", [b"x\n"])
    store.write(1, "..", [b"y\n"])
    assert {path.parent for log in store.logs for path in log.paths} == {tmp_path}
    for path in tmp_path.iterdir():
        assert path.name.isascii()
        assert path.name.isprintable()


def test_what_is_too_much_goes_and_is_counted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(live_log_store, "_FILE_BYTES", 100)
    store = LogStore(tmp_path, "live")
    for number in range(100):
        store.write(0, "log", [f"line {number}\n".encode()])
    (log,) = store.logs
    assert len(log.paths) == 2
    assert log.files.removed
    assert not store.whole
    assert texts(store)[0].endswith(b"line 98\nline 99\n")
    assert all(path.stat().st_size <= 100 for path in log.paths)


def test_a_line_without_an_end_is_kept_in_pieces(tmp_path: Path) -> None:
    store = LogStore(tmp_path, "live")
    store.write(0, "log", [b"x" * 200_000])
    assert texts(store)[0].count(b"x") == 200_000


def test_so_many_senders_are_kept_and_no_more(tmp_path: Path) -> None:
    store = LogStore(tmp_path, "live")
    for number in range(live_log_store.MOST_LOGS + 3):
        store.write(number, f"syslog 192.0.2.{number}", [b"x\n"])
    assert len(store.logs) == len(list(tmp_path.iterdir())) == live_log_store.MOST_LOGS
    assert not store.whole


def test_a_folder_that_cannot_be_written_disturbs_nothing(tmp_path: Path) -> None:
    store = LogStore(tmp_path / "none", "live")
    store.write(0, "log", [b"x\n"])
    assert store.logs == ()
    assert not store.whole
