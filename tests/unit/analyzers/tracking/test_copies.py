"""Copies of packets among others: told row by row, however the rows are cut into batches."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analyzers.decode.flows import EspRows, FlowIdentity
from analyzers.tracking.flows import FlowTable

NS = 1_000_000_000


def told(rows: Sequence[tuple[int, int]], cut: int = 1 << 30) -> list[bool]:
    """Which packets, each a flow and a number, a second apart, are told as recorded twice."""
    table = FlowTable()
    table.know(1, [FlowIdentity("192.0.2.1", "192.0.2.2", spi, 0, 0) for spi in (1, 2, 3)])
    twice: list[bool] = []
    for start in range(0, len(rows), cut):
        part = rows[start : start + cut]
        place = np.arange(start, start + len(part))
        esp = EspRows(
            place * NS,
            place,
            np.array([flow for flow, _ in part], np.int32),
            np.array([number for _, number in part], np.uint32),
            np.full(len(part), 100, np.int32),
        )
        flow = esp.flow.astype(np.int64)
        table.begin(esp, flow)
        twice += table.fold(esp, flow).duplicate.tolist()
    return twice


def numbers(*parts: Sequence[int]) -> list[tuple[int, int]]:
    return [(0, number) for part in parts for number in part]


@pytest.mark.parametrize(
    ("sent", "copies"),
    [
        # The first one may as well be of a sender that counts anew.
        ([1, 2, 3, 1, 4, 2, 5, 3, 6, 4, 5, 6], [2, 3, 4, 5, 6]),
        ([1, 2, 4, 3, 5, 7, 6, 8, 10, 9], []),
        ([5, 6, 4, 7, 3, 8, 4, 9, 4], []),
        ([1, 3, 2, 4, 1, 5, 2, 6, 3, 7, 4, 8], [2, 3, 4]),
        ([*range(1, 21), *range(1, 25), 25], []),
        ([*range(1, 21), *range(1, 25), *range(10, 30)], []),
        ([*range(1, 21), *range(5, 12), *range(5, 12)], []),
        ([0xFFFFFFFE, 0xFFFFFFFF, 0xFFFFFFFE, 0, 0xFFFFFFFF, 1, 0], [0xFFFFFFFF, 0]),
    ],
    ids=[
        "later by two",
        "changed places",
        "before the first one",
        "a gap is filled",
        "counted anew",
        "counted from before",
        "again and again",
        "from the last number to the first",
    ],
)
def test_copies_are_what_comes_again_beside_new_ones(sent: list[int], copies: list[int]) -> None:
    rows = numbers(sent)
    found = [number for (_, number), twice in zip(rows, told(rows), strict=True) if twice]
    assert found == copies


def test_what_is_older_than_any_window() -> None:
    """Of a sampled capture of which everything comes again much later."""
    ahead = [n * 40_000 for n in range(1, 40)]
    rows = numbers(*([new, old] for new, old in zip(ahead[3:], ahead, strict=False)))
    assert sum(told(rows)) == len(rows) // 2 - 1


@given(
    st.lists(st.tuples(st.integers(0, 2), st.integers(0, 12)), max_size=60),
    st.integers(1, 9),
)
def test_any_cutting_gives_the_same_copies(rows: list[tuple[int, int]], cut: int) -> None:
    assert told(rows, cut) == told(rows)


@given(st.lists(st.tuples(st.integers(0, 2), st.integers(0, 12)), max_size=60))
def test_no_number_is_a_copy_that_was_not_shown(rows: list[tuple[int, int]]) -> None:
    shown = set()
    for row, twice in zip(rows, told(rows), strict=True):
        assert not twice or row in shown
        shown.add(row)
