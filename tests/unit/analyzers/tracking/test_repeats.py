"""Late packets are told alike however a capture is cut, and as their definition has them."""

from __future__ import annotations

import random

import numpy as np
import pytest

from analyzers.decode.flows import EspRows, FlowIdentity
from analyzers.model.time import NS_PER_SECOND
from analyzers.tracking.flows import FlowTable

Row = tuple[int, int, int]
"""Flow, time in ns, sequence number."""


def rows(seed: int) -> list[Row]:
    """Three flows that count up, with packets that come again, or are overtaken; a clock steps."""
    chance = random.Random(seed)
    at_ns, counts = 50 * NS_PER_SECOND, [0, 0, 0]
    found: list[Row] = []
    for _ in range(400):
        at_ns += chance.choice([1, 10_000_000, 400_000_000, 1_500_000_000])
        if chance.random() < 0.01:
            at_ns -= 7 * NS_PER_SECOND
        flow = chance.randrange(3)
        counts[flow] += 1
        back = chance.randrange(1, 40) if chance.random() < 0.2 else 0
        found.append((flow, at_ns, max(1, counts[flow] - back)))
    return found


def late(all_rows: list[Row], cuts: list[int]) -> list[int]:
    """Numbers of the rows that are late."""
    table = FlowTable()
    table.know(0, [FlowIdentity("192.0.2.1", "192.0.2.2", 256 + n, 0, 0) for n in range(3)])
    found = []
    for start, end in zip([0, *cuts], [*cuts, len(all_rows)], strict=True):
        part = all_rows[start:end]
        if not part:
            continue
        flow = np.array([row[0] for row in part], np.int64)
        esp = EspRows(
            record=np.arange(start, end),
            at_ns=np.array([row[1] for row in part], np.int64),
            flow=flow.astype(np.int32),
            sequence=np.array([row[2] for row in part], np.uint32),
            length=np.full(len(part), 100, np.int32),
        )
        table.begin(esp, flow)
        found += [start + int(row) for row in table.fold(esp, flow).late]
    return found


def defined(all_rows: list[Row]) -> list[int]:
    """The same by the letter: passed before the second before its own, on a clock that stays."""
    now = 0
    seen: list[tuple[int, int, int, int]] = []
    found = []
    for number, (flow, at_ns, sequence) in enumerate(all_rows):
        now = max(now, at_ns)
        turn = now // NS_PER_SECOND - 1
        own = [row for row in seen if row[0] == flow]
        again = any(row[3] == sequence and abs(row[2] - at_ns) <= 100_000_000 for row in own)
        passed = max((row[3] for row in own if row[1] // NS_PER_SECOND < turn), default=-1)
        if sequence <= passed and not again:
            found.append(number)
        seen.append((flow, now, at_ns, sequence))
    return found


@pytest.mark.parametrize("seed", range(12))
def test_however_it_is_cut(seed: int) -> None:
    all_rows = rows(seed)
    whole = late(all_rows, [])
    assert whole
    chance = random.Random(seed)
    for parts in (1, 7, 60):
        assert late(all_rows, sorted(chance.sample(range(1, 400), parts))) == whole
    assert late(all_rows, list(range(1, 400))) == whole


@pytest.mark.parametrize("seed", range(12))
def test_as_defined(seed: int) -> None:
    assert late(rows(seed), []) == defined(rows(seed))
