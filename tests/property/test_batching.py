"""Any cutting of the input gives the same result: bytes into chunks, rows into batches."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from unittest.mock import patch

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analyzers.model.peer import PeerView
from analyzers.session import Session, SessionOptions, opening

SAMPLES = Path(__file__).parents[2] / "sample_pcaps"
CASES = sorted(path.parent.name for path in SAMPLES.glob("*/capture.pcap"))
LOGS = sorted(str(path) for path in SAMPLES.glob("*/*.log"))


def _analyse(case: str, chunk_bytes: int, batch_rows: int, *, keys: bool) -> tuple[PeerView, ...]:
    folder = SAMPLES / case
    options = SessionOptions(
        keys=(str(folder),) if keys else (), chunk_bytes=chunk_bytes, batch_rows=batch_rows
    )
    session = Session(options)
    session.run([str(folder / "capture.pcap")])
    return session.peers()


@cache
def _whole(case: str, keys: bool) -> tuple[PeerView, ...]:
    return _analyse(case, 1 << 22, 1 << 15, keys=keys)


@pytest.mark.parametrize("case", CASES)
@settings(max_examples=12)
@given(chunk_bytes=st.integers(64, 60_000), batch_rows=st.integers(0, 300), keys=st.booleans())
def test_any_cutting_gives_the_same_peers(
    case: str, chunk_bytes: int, batch_rows: int, keys: bool
) -> None:
    assert _analyse(case, chunk_bytes, batch_rows, keys=keys) == _whole(case, keys)


@pytest.mark.parametrize("case", CASES)
def test_the_cases_are_worth_cutting(case: str) -> None:
    assert _whole(case, False)[0].ike_messages > 0


def _with_log(log: str, captures: list[str], replayed: int) -> tuple[PeerView, ...]:
    session = Session(SessionOptions(batch_rows=0))
    with patch.object(opening, "REPLAYED", replayed):
        session.run([log, *captures])
    return session.peers()


@pytest.mark.parametrize("log", LOGS)
@settings(max_examples=6)
@given(replayed=st.integers(1, 30), beside=st.booleans())
def test_a_log_is_tracked_in_parts_of_any_size(log: str, replayed: int, beside: bool) -> None:
    captures = [str(path) for path in Path(log).parent.glob("capture.pcap") if beside]
    assert _with_log(log, captures, replayed) == _with_log(log, captures, 1 << 30)


def test_a_log_is_tracked_up_to_the_end_of_the_window_whatever_follows(tmp_path: Path) -> None:
    lines = [
        f"2024-03-01 10:{minute:02}:00.000 01[ENC] <a|1> generating INFORMATIONAL request"
        f" {minute} [ ]\n2024-03-01 10:{minute:02}:00.000 01[NET] <a|1> sending packet: from"
        " 192.0.2.1[500] to 192.0.2.2[500] (80 bytes)\n"
        for minute in range(30)
    ]
    (tmp_path / "a.log").write_text("".join(lines), encoding="utf-8")
    until_ns = 1_709_287_500_000_000_000  # 10:05:00
    session = Session(SessionOptions(until_ns=until_ns))
    with patch.object(opening, "REPLAYED", 2):
        session.run([str(tmp_path / "a.log")])
    assert [m.at_ns for p in session.peers() for m in p.messages][-1] == until_ns
