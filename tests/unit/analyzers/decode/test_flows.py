"""Flows get dense numbers, and an address pair with ever new SPIs gets one for them all."""

from __future__ import annotations

import numpy as np
import pytest

from analyzers.decode import flows
from analyzers.decode.flows import EspRows, FlowIdentity, FlowIndex
from analyzers.wire.columns import EspColumns, take

A, B, C = (10, 0, 0, 1), (10, 0, 0, 2), (10, 0, 0, 3)


def packets(*content: tuple[tuple[int, ...], tuple[int, ...], int], first: int = 1) -> EspColumns:
    """ESP packets from, to and with an SPI; the sequence number is the SPI's."""
    count = len(content)
    address = np.zeros((count, 32), np.uint8)
    for row, (src, dst, _) in enumerate(content):
        address[row, :4], address[row, 16:20] = src, dst
    spi = np.array([spi for _, _, spi in content], np.uint32)
    return EspColumns(
        at_ns=np.arange(first, first + count, dtype=np.int64),
        record=np.arange(first, first + count, dtype=np.int64),
        address=address,
        ipv6=np.zeros(count, np.bool_),
        source_port=np.zeros(count, np.uint16),
        destination_port=np.zeros(count, np.uint16),
        spi=spi,
        sequence=spi.copy(),
        length=np.full(count, 80, np.int64),
    )


def names(new: list[FlowIdentity]) -> list[tuple[str, str, int]]:
    return [(flow.src, flow.dst, flow.spi) for flow in new]


def told(rows: EspRows) -> list[tuple[int, int]]:
    return list(zip(rows.flow.tolist(), rows.sequence.tolist(), strict=True))


def test_numbers_go_by_the_order_of_appearance_and_stay():
    index = FlowIndex()
    rows, new, _ = index.rows(packets((A, B, 9), (B, A, 7), (A, B, 9)))
    assert rows.flow.tolist() == [0, 1, 0]
    assert names(new) == [("10.0.0.1", "10.0.0.2", 9), ("10.0.0.2", "10.0.0.1", 7)]
    rows, new, _ = index.rows(packets((B, A, 7), (A, C, 9)))
    assert rows.flow.tolist() == [1, 2]
    assert names(new) == [("10.0.0.1", "10.0.0.3", 9)]


def test_what_has_too_many_spis_is_one_flow_with_its_own_sequence(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(flows, "MAX_SPIS", 2)
    index = FlowIndex()
    rows, new, _ = index.rows(packets((A, B, 1), (A, B, 2), (A, B, 3), (B, A, 4), (A, B, 5)))
    assert names(new)[-1] == ("10.0.0.1", "10.0.0.2", 0)
    assert told(rows) == [(0, 1), (1, 2), (3, 1), (2, 4), (3, 2)]
    assert index.crowded == [(("10.0.0.1", "10.0.0.2"), 3), (("10.0.0.1", "10.0.0.2"), 5)]
    index.crowded.clear()
    # What is known stays a flow of its own, what is not stays in the crowd, and others have room.
    rows, new, _ = index.rows(packets((A, B, 2), (A, B, 3), (A, B, 6), (B, A, 8), first=6))
    assert told(rows) == [(1, 2), (3, 3), (3, 4), (4, 8)]
    assert names(new) == [("10.0.0.2", "10.0.0.1", 8)]


def test_a_flow_that_goes_on_between_other_ports_has_moved():
    index = FlowIndex()
    esp = packets((A, B, 9), (A, B, 9), (B, A, 7), (A, B, 9), (A, B, 9))
    esp.source_port[:] = (4500, 4500, 4500, 61000, 61000)
    esp.destination_port[:] = 4500
    rows, _, moves = index.rows(esp)
    assert rows.flow.tolist() == [0, 0, 1, 0, 0]
    assert moves == [(0, 4, 61000, 4500)]
    esp = packets((A, B, 9), (B, A, 7), first=6)
    esp.source_port[:], esp.destination_port[:] = (61000, 4500), 4500
    assert index.rows(esp)[2] == []


@pytest.mark.parametrize("cut", [1, 2, 3, 4, 6])
def test_a_flow_that_comes_back_between_its_first_ports_has_moved_twice(cut: int):
    index, moves = FlowIndex(), []
    for part in (slice(0, cut), slice(cut, 6)):
        esp = packets(*[(A, B, 9), (B, A, 7)] * 3)
        esp.source_port[:] = 4500
        esp.destination_port[:] = (61000, 4500, 62000, 4500, 61000, 4500)
        moves += index.rows(take(esp, part))[2]
    assert [move.dport for move in moves] == [62000, 61000]


def test_what_is_spread_over_many_ports_does_not_move_for_ever():
    index = FlowIndex()
    esp = packets(*[(A, B, 9)] * 200)
    esp.source_port[:] = range(200)
    assert len(index.rows(esp)[2]) == flows._MAX_MOVES
