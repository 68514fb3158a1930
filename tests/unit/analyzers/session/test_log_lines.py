"""The lines of logs: their numbers, their times, their order, what was made of them."""

from __future__ import annotations

import gzip
import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from itertools import pairwise
from pathlib import Path
from threading import Thread

import pytest

from analyzers.model.log_events import LogEventKind
from analyzers.model.records import Ref
from analyzers.model.time import NS_PER_MS, NS_PER_SECOND
from analyzers.session import Session, SessionOptions, log_lines
from analyzers.session.causes import told_twice
from analyzers.session.log_lines import LogLines, Sense
from tests.unit.analyzers.session.test_opening import stdin

SAMPLES = Path(__file__).parents[4] / "sample_pcaps"
STAMP = "2026-11-20 10:00:{:06.3f} "
IDLE = "12[IKE] nothing to initiate"
DEAD = "02[JOB] DPD check timed out, enforcing DPD action"
ASKED = [
    "10[IKE] sending DPD request",
    "10[ENC] generating INFORMATIONAL_V1 request 1234567 [ HASH N(DPD) ]",
    "10[NET] sending packet: from 192.0.2.1[500] to 192.0.2.2[500] (92 bytes)",
]
START = [
    "01[IKE] initiating Main Mode IKE_SA gw[1] to 192.0.2.2",
    "02[IKE] IKE_SA gw[1] established between 192.0.2.1[a]...192.0.2.2[b]",
]


def charon(at_s: float = 0.0) -> str:
    said = [*START, IDLE, *ASKED, IDLE, "12[XYZ] words that nobody knows", DEAD]
    return "".join(f"{STAMP.format(at_s + n)}{text}\n" for n, text in enumerate(said))


@contextmanager
def opened(*inputs: Path | str) -> Iterator[LogLines]:
    session = Session(SessionOptions(keep_lines=True))
    session.run([str(path) for path in inputs])
    lines = LogLines(session.log_texts())
    try:
        assert lines.index()
        yield lines
    finally:
        lines.close()


def second(lines: LogLines, row: int) -> float:
    at_ns, first = lines.at_ns(row), lines.at_ns(0)
    assert at_ns is not None
    assert first is not None
    return (at_ns - first) / NS_PER_SECOND


def test_every_line_has_the_time_of_its_stamp(tmp_path: Path):
    path = tmp_path / "a.log"
    path.write_text(charon())
    with opened(path) as lines:
        assert len(lines) == 9
        assert [second(lines, row) for row in range(9)] == list(range(9))
        assert [lines.ref(row) for row in range(9)] == [Ref("s1", n) for n in range(1, 10)]
        assert lines.text(2).endswith(IDLE)
        at_ns = lines.at_ns(4)
        assert at_ns is not None
        assert lines.row_at(at_ns) == 4
        assert lines.row_at(at_ns + 1) == 4
        assert lines.row_at(0) == 0


def test_lines_are_told_apart(tmp_path: Path):
    path = tmp_path / "a.log"
    path.write_text(charon() + "spoke# \n")
    with opened(path) as lines:
        senses = [lines.reading(row).sense for row in range(len(lines))]
        assert senses[2] is Sense.KNOWN
        assert senses[4] is Sense.EVENT
        assert senses[7] is Sense.UNKNOWN
        assert senses[8] is Sense.EVENT
        assert senses[9] is Sense.OTHER
        assert lines.kind(8) is LogEventKind.PEER_DEAD
        assert lines.kind(2) is None
        assert list(lines.telling([LogEventKind.PEER_DEAD])) == [8]
        assert {4, 8} <= set(lines.telling().tolist())
        fields = {lines.reading(5).text[a:b] for _, a, b in lines.reading(5).fields}
        assert {"192.0.2.1", "192.0.2.2"} <= fields


def test_several_logs_are_one_in_the_order_of_time(tmp_path: Path):
    for name, at_s in (("a.log", 0.0), ("b.log", 0.5)):
        text = charon(at_s)
        if name == "b.log":
            text = text.replace("192.0.2.1", "192.0.2.9")
        (tmp_path / name).write_text(text)
    with opened(tmp_path / "a.log", tmp_path / "b.log") as lines:
        assert len(lines) == 18
        times = [second(lines, row) for row in range(18)]
        assert times == sorted(times)
        assert {lines.ref(row).source for row in range(2)} == {"s1", "s2"}
        for row in range(18):
            assert lines.row_of(lines.ref(row)) == row


def test_a_newest_first_log_is_turned_round(tmp_path: Path):
    path = tmp_path / "a.log"
    path.write_text("".join(reversed(charon().splitlines(keepends=True))))
    with opened(path) as lines:
        assert lines.ref(0) == Ref("s1", 9)
        assert [second(lines, row) for row in range(9)] == list(range(9))


@pytest.mark.parametrize("shape", ["plain", "crlf", "cr", "utf-16", "bom", "gz", "blank lines"])
def test_refs_of_events_lead_to_their_lines(tmp_path: Path, shape: str):
    text = charon()
    path = tmp_path / "a.log"
    data = {
        "plain": text.encode(),
        "crlf": text.replace("\n", "\r\n").encode(),
        "cr": text.replace("\n", "\r").encode(),
        "utf-16": text.encode("utf-16"),
        "bom": text.encode("utf-8-sig"),
        "gz": gzip.compress(text.encode()),
        "blank lines": text.replace("\n", "\n\n").encode(),
    }[shape]
    path.write_bytes(data)
    with opened(path) as lines:
        (row,) = lines.telling([LogEventKind.PEER_DEAD])
        assert lines.text(int(row)).endswith(DEAD)
        around = lines.lines_around(lines.ref(int(row)))
        assert [said.endswith(DEAD) for _, said in around] == [True]


def test_lines_that_a_terminal_wrapped(tmp_path: Path):
    whole = "".join(charon(n * 10) for n in range(5))
    wrapped = [line[i : i + 60] for line in whole.splitlines() for i in range(0, len(line), 60)]
    path = tmp_path / "a.log"
    path.write_text("\n".join(wrapped) + "\n")
    with opened(path) as lines:
        assert len(lines) == len(wrapped)
        dead = lines.telling([LogEventKind.PEER_DEAD])
        assert len(dead) == 5
        for row in dead.tolist():
            assert "DPD check timed out" in lines.text(row)
            assert second(lines, row + 1) == second(lines, row)


def test_a_piped_log_is_kept():
    with stdin(charon().encode()), opened("-") as lines:
        assert lines.text(8).endswith(DEAD)


def test_a_log_from_a_fifo_is_kept(tmp_path: Path):
    pipe = tmp_path / "fifo"
    os.mkfifo(pipe)
    Thread(target=lambda: pipe.write_text(charon()), daemon=True).start()
    with opened(pipe) as lines:
        assert lines.text(8).endswith(DEAD)


def test_neighbours_of_a_line(tmp_path: Path):
    path = tmp_path / "a.log"
    path.write_text(charon())
    with opened(path) as lines:
        around = lines.lines_around(Ref("s1", 9), before=2, after=2)
        assert [number for number, _ in around] == [7, 8, 9]
        assert lines.lines_around(Ref("s7", 1)) == []
        assert lines.lines_around(Ref("s1", 99)) == []
        assert lines.row_of(Ref("s1", 99)) is None


def test_finding_a_text_in_both_directions(tmp_path: Path):
    path = tmp_path / "a.log"
    path.write_text(charon())
    with opened(path) as lines:
        assert lines.find(None, 0, 1, lambda text: "DPD" in text, 99) == 3
        assert lines.find(None, 8, -1, lambda text: IDLE in text, 99) == 6
        assert lines.find(None, 0, 1, lambda text: "DPD" in text, 2) is None
        assert lines.find(lines.telling(), 0, 1, lambda text: DEAD in text, 99) is not None
        assert lines.find(None, 8, 1, lambda text: "nowhere" in text, 99) is None


def test_the_same_log_twice_is_shown_once(tmp_path: Path):
    for name in ("a.log", "b.log"):
        (tmp_path / name).write_text(charon())
    with opened(tmp_path / "a.log", tmp_path / "b.log") as lines:
        assert len(lines) == 9


def test_a_very_long_log_says_what_is_not_shown(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(log_lines, "MAX_LINES", 4)
    path = tmp_path / "a.log"
    path.write_text(charon())
    with opened(path) as lines:
        assert len(lines) == 4
        assert "first 4 of 9 lines" in lines.problems[0]


def test_between_samples_lines_have_their_own_times(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("analyzers.session.line_times._SAMPLES", 2)
    path = tmp_path / "a.log"
    path.write_text(charon())
    with opened(path) as lines:
        assert [second(lines, row) for row in range(9)] == list(range(9))
        for row in range(9):
            at_ns = lines.at_ns(row)
            assert at_ns is not None
            assert lines.row_at(at_ns) == row


def test_a_file_that_is_gone_is_said(tmp_path: Path):
    path = tmp_path / "a.log"
    path.write_text(charon())
    session = Session(SessionOptions(keep_lines=True))
    session.run([str(path)])
    path.unlink()
    lines = LogLines(session.log_texts())
    assert lines.index()
    assert len(lines) == 0
    assert "cannot be shown" in lines.problems[0]


def test_without_being_asked_nothing_is_kept(tmp_path: Path):
    path = tmp_path / "a.log"
    path.write_text(charon())
    session = Session(SessionOptions())
    session.run([str(path)])
    assert session.log_texts() == ()


@pytest.mark.parametrize("sample", ["ikev1-one-way-loss", "ikev2-data-plane-dead"])
def test_lines_beside_a_capture_have_the_times_of_their_stamps(sample: str):
    """Events are put in order among packets by a nanosecond; lines and their distances stay."""
    folder = SAMPLES / sample
    with opened(folder / "capture.pcap", folder / "charon-a.log") as lines:
        stamps = [datetime.fromisoformat(lines.text(row)[:23]) for row in range(len(lines))]
        own_ns = [round((s - stamps[0]).total_seconds() * 1000) * NS_PER_MS for s in stamps]
        told_ns = [(lines.at_ns(row) or 0) - (lines.at_ns(0) or 0) for row in range(len(lines))]
    # A clock that drifts stretches them.
    assert max(abs(a - b) for a, b in zip(own_ns, told_ns, strict=True)) < NS_PER_MS
    assert told_ns == sorted(told_ns)


def test_who_receives_a_message_comes_behind_who_sends_it():
    folder = SAMPLES / "ikev1-both-sides"
    inputs = [str(folder / name) for name in ("capture.pcap", "charon-a.log", "charon-b.log")]
    session = Session(SessionOptions(keep_lines=True, keys=(str(folder),)))
    session.run(inputs)
    told = told_twice(session.peers(), session.sources)
    assert len(told) > 10
    by_time, by_cause = LogLines(session.log_texts()), LogLines(session.log_texts(), told)
    assert by_time.index()
    assert by_cause.index()

    def wrong(lines: LogLines) -> int:
        found = 0
        for one in told:
            rows = sorted(row for ref in one.refs if (row := lines.row_of(ref)) is not None)
            found += len(rows) > 1 and " received packet" in lines.text(rows[0])
        return found

    assert wrong(by_time)
    assert not wrong(by_cause)
    for lines in (by_time, by_cause):
        refs = [lines.ref(row) for row in range(len(lines))]
        for source in ("s2", "s3"):
            numbers = [ref.record for ref in refs if ref.source == source]
            assert numbers == sorted(numbers)
    most_ns = max(one.apart_ns for one in told)
    times = [by_cause.at_ns(row) or 0 for row in range(len(by_cause))]
    assert all(later >= sooner - most_ns for sooner, later in pairwise(times))
    for lines in (by_time, by_cause):
        lines.close()
