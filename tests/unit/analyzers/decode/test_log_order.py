"""Which way a log goes, and how a newest-first one is turned round."""

from __future__ import annotations

import pytest

from analyzers.decode.log_order import Order, OrderProbe, Turned

OLDEST, NEWEST, UNKNOWN = Order.OLDEST_FIRST, Order.NEWEST_FIRST, Order.UNKNOWN


def probed(*lines: str, finish: bool = True) -> Order:
    probe = OrderProbe()
    for line in lines:
        if probe.order is UNKNOWN:
            probe.look(line)
    if finish:
        probe.finish()
    return probe.order


def at(second: int) -> str:
    return f"Mar  1 00:{second // 60:02}:{second % 60:02} gw charon: 05[IKE] x"


def test_time_that_goes_forward_once_tells() -> None:
    assert probed(at(1), at(2), finish=False) is OLDEST
    assert probed(at(3), at(2), at(2), at(4), finish=False) is OLDEST
    assert probed("text", at(1), "more text", at(1), at(2), finish=False) is OLDEST


def test_time_that_goes_back_only_tells_in_the_end() -> None:
    assert probed(at(3), at(2), finish=False) is UNKNOWN
    assert probed(at(3), at(2)) is NEWEST
    assert probed(at(3), at(3), at(2)) is NEWEST
    assert probed(*(at(60 - n) for n in range(17)), finish=False) is NEWEST
    assert probed(*(at(60 - n) for n in range(16)), finish=False) is UNKNOWN


@pytest.mark.parametrize("lines", [(), ("text",), (at(1),), (at(1), at(1)), ("ISAKMP: x",) * 9])
def test_what_tells_nothing_is_oldest_first(lines: tuple[str, ...]) -> None:
    assert probed(*lines, finish=False) is UNKNOWN
    assert probed(*lines) is OLDEST


def test_new_year_and_midnight_are_steps_forward() -> None:
    assert probed("Dec 31 23:59:59: x", "Jan 1 00:00:00: x", finish=False) is OLDEST
    assert probed("Jan 1 00:00:00: x", "Dec 31 23:59:59: x") is NEWEST
    assert probed("23:59:59 x", "00:00:00 x", finish=False) is OLDEST
    assert probed("00:00:00 x", "23:59:59 x") is NEWEST
    assert probed("Dec 31 2024 23:59:59: x", "Jan 1 2024 00:00:00: x") is NEWEST


def test_stamps_of_other_kinds_are_not_compared() -> None:
    assert probed("12:00:00 x", at(1), finish=False) is UNKNOWN


def test_it_does_not_wait_for_ever() -> None:
    assert probed(*(at(1) for _ in range(2_000)), finish=False) is OLDEST
    assert probed(at(2), *(at(1) for _ in range(2_000)), finish=False) is NEWEST
    assert probed("x" * (1 << 18), finish=False) is OLDEST


def turned(lines: list[str], limit: int = 1 << 20) -> list[tuple[int, str]]:
    keeper = Turned(limit)
    for line in lines:
        keeper.take(line)
    assert not keeper.full
    return [
        pair for found in keeper.backward() for pair in zip(found.records, found.lines, strict=True)
    ]


def test_lines_keep_their_numbers_and_what_follows_them() -> None:
    lines = [at(3), "  rest of 3", "", at(2), at(1), "  rest of 1"]
    assert turned(lines) == [
        (5, at(1)),
        (6, "  rest of 1"),
        (4, at(2)),
        (1, at(3)),
        (2, "  rest of 3"),
        (3, ""),
    ]


def test_what_stands_before_the_first_stamp_stays_together() -> None:
    assert turned(["title", "", at(2), at(1)]) == [(4, at(1)), (3, at(2)), (1, "title"), (2, "")]


def test_long_logs_are_kept_in_blocks() -> None:
    lines = [text for n in range(30_000, 0, -1) for text in (at(n % 3600) + f" {n}", f"\trest {n}")]
    found = turned(lines)
    assert len(found) == 60_000
    assert found[0] == (59_999, lines[-2])
    assert [record for record, _ in found[:4]] == [59_999, 60_000, 59_997, 59_998]
    assert sorted(record for record, _ in found) == list(range(1, 60_001))
    assert all(lines[record - 1] == line for record, line in found)


def test_lines_without_stamps_are_cut_somewhere() -> None:
    lines = [f"line {n} " + "x" * 500 for n in range(5_000)]
    assert {line for _, line in turned(lines)} == set(lines)


def test_too_much_is_given_back_as_it_came() -> None:
    keeper = Turned(1_000)
    count = 0
    while not keeper.full:
        count += 1
        keeper.take(f"{at(count)} ä\udc80 {count * 7919 % 10_007}")
    found = [pair for kept in keeper.forward() for pair in zip(*kept, strict=True)]
    assert [record for record, _ in found] == list(range(1, count + 1))
    assert found[-1][1].startswith(at(count) + " ä\udc80")
