"""Sequence numbers as ranges: the same as a set of them, whatever batches they come in."""

from __future__ import annotations

import random

import numpy as np
import pytest

from analyzers.decode.flows import EspRows
from analyzers.tracking import passed
from analyzers.tracking.passed import FlowKey, PassedFold

FLOWS: list[FlowKey] = [("a", "b", 1), ("b", "a", 2), ("a", "c", 3)]
TOP = (1 << 32) - 1


def rows(packets: list[tuple[int, int]]) -> EspRows:
    """Rows of (flow, sequence number)."""
    count = len(packets)
    return EspRows(
        np.zeros(count, np.int64),
        np.arange(count, dtype=np.int64),
        np.array([flow for flow, _ in packets], np.int32),
        np.array([sequence for _, sequence in packets], np.uint32),
        np.zeros(count, np.int32),
    )


@pytest.mark.parametrize("seed", range(20))
@pytest.mark.parametrize("waiting", [1, 1 << 16])
def test_they_hold_what_was_added(seed: int, waiting: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(passed, "_WAITING", waiting)
    chance = random.Random(seed)
    numbers = [0, 1, 2, TOP - 1, TOP, *(chance.randrange(60) for _ in range(40))]
    packets = [(chance.randrange(3), chance.choice(numbers)) for _ in range(80)]
    fold = PassedFold()
    for start in range(0, len(packets), 7):
        fold.add(rows(packets[start : start + 7]))
    found = fold.by_flow(FLOWS)
    asked = np.array(sorted({*numbers, *range(70)}), np.uint32)
    sets = [{s for f, s in packets if f == flow} for flow in range(3)]
    for key, known in zip(FLOWS, sets, strict=True):
        assert found[key].have(asked).tolist() == [s in known for s in asked.tolist()]
    for key, known in zip(FLOWS, sets, strict=True):
        for other_key, other in zip(FLOWS, sets, strict=True):
            between = {s for s in other if min(known) <= s <= max(known)}
            assert found[key].lack(found[other_key]) == bool(between - known)


def test_too_many_gaps_tell_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(passed, "MOST_RANGES", 4)
    fold = PassedFold()
    fold.add(rows([(0, sequence) for sequence in range(0, 20, 2)]))
    assert fold.by_flow(FLOWS) == {}
