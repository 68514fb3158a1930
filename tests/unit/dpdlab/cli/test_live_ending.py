"""The last words on a live session: where what it read is kept, and what of it is not."""

from __future__ import annotations

from pathlib import Path

import pytest

from analyzers.session.live import LiveSession
from analyzers.session.live_log_store import MOST_LOGS, LogStore
from analyzers.session.live_store import CaptureStore
from analyzers.sources.ring_files import RingFiles
from dpdlab.cli.diagnostics import Diagnostics
from dpdlab.cli.live_ending import tell_saved
from tests.given_source import GivenSource
from tests.scenarios.timeline import at, capture
from tests.unit.analyzers.session.test_live_gaps import UP

FULL = "kept: the disk is full; nothing more is written"


def _told(session: LiveSession, capsys: pytest.CaptureFixture[str]) -> list[str]:
    session.end(at(2))
    tell_saved(session, Diagnostics(), now_ns=at(2), keep_empty=False)
    return capsys.readouterr().err.splitlines()


def _session(tmp_path: Path, *, log: bytes = b"a line\n", store: LogStore | None = None):
    wire, lines = GivenSource(), GivenSource("log", "charon.log")
    files = RingFiles(tmp_path / "kept.pcapng")
    session = LiveSession(
        [wire, lines], store=CaptureStore(files, "test"), log_store=store or LogStore(tmp_path, "k")
    )
    session.start()
    wire.feed.put(capture(UP))
    lines.feed.put(log)
    session.pump(at(1))
    return session, files


def test_where_everything_is_kept(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    session, _ = _session(tmp_path)
    assert _told(session, capsys)[-2:] == [
        f"dpdlab: packets are in {tmp_path}/kept.pcapng",
        f"dpdlab: the lines of charon.log are in {tmp_path}/k-s2-charon_00001.log",
    ]


def test_that_writing_stopped_is_among_the_last_words(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    session, files = _session(tmp_path)
    (log,) = session.log_store.logs
    files.stopped = log.files.stopped = FULL
    assert _told(session, capsys)[-2:] == [
        f"dpdlab: warning: {FULL}; the packets until then are in {tmp_path}/kept.pcapng",
        f"dpdlab: warning: {FULL}; the lines of charon.log until then are in"
        f" {tmp_path}/k-s2-charon_00001.log",
    ]


def test_nothing_of_a_log_could_be_kept(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    session, _ = _session(tmp_path, log=b"half a line")
    (log,) = session.log_store.logs
    log.files.stopped = FULL
    assert _told(session, capsys)[-1] == (
        f"dpdlab: warning: no line of charon.log could be kept: {FULL}"
    )


def test_a_folder_that_cannot_be_written(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    session, _ = _session(tmp_path, store=LogStore(tmp_path / "none", "k"))
    assert _told(session, capsys)[-1].startswith(
        "dpdlab: warning: no line of charon.log could be kept: cannot write"
    )


def test_who_was_one_too_many(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    store = LogStore(tmp_path, "k")
    for number in range(2, MOST_LOGS + 2):
        store.write(number, f"syslog 192.0.2.{number}", [b"x\n"])
    session, _ = _session(tmp_path, store=store)
    told = _told(session, capsys)
    assert f"no line of charon.log could be kept: {MOST_LOGS} other sources are" in told[-1]
