"""Any cutting of the input gives the same result: bytes into chunks, rows into batches."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analyzers.model.peer import PeerView
from analyzers.session import Session, SessionOptions

SAMPLES = Path(__file__).parents[2] / "sample_pcaps"
CASES = sorted(path.parent.name for path in SAMPLES.glob("*/capture.pcap"))


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
