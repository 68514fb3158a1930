"""How long the next retry is waited for: by how exactly the ones before kept their rhythm."""

from __future__ import annotations

from itertools import accumulate

import pytest

from analyzers.model.exchange import ExchangeKind, Transmission
from analyzers.model.records import Ref
from analyzers.tracking.schedule import longest_wait_ns

SECOND = 1_000_000_000


def sent(*gaps_s: float) -> list[Transmission]:
    times = accumulate((0.0, *gaps_s))
    return [Transmission(round(at * SECOND), 1, Ref("s1", n)) for n, at in enumerate(times, 1)]


def waits_s(*gaps_s: float) -> float:
    wait = longest_wait_ns(sent(*gaps_s), ExchangeKind.LIVENESS)
    assert wait is not None
    return wait / SECOND


def test_retries_that_are_exact_are_waited_for_no_longer_than_half_a_second_more() -> None:
    assert waits_s(4, 7.2, 12.96) == pytest.approx(23.328 + 0.5, abs=0.01)
    assert waits_s(8, 8, 8, 8) == pytest.approx(8.5)
    assert waits_s(8.004, 8.001, 7.998, 8.003) == pytest.approx(8.5, abs=0.02)


def test_long_waits_have_more() -> None:
    assert waits_s(40, 40, 40, 40) == pytest.approx(40.8)


def test_jitter_that_was_seen_is_expected_again() -> None:
    assert waits_s(8, 8.4, 7.9, 8.2) == pytest.approx(8.2 * 1.2, abs=0.05)


def test_two_distances_show_no_exactness() -> None:
    assert waits_s(8, 8) == pytest.approx(16 * 1.2)


def test_a_wait_that_is_known_needs_no_rhythm() -> None:
    wait = longest_wait_ns(sent(4.0), ExchangeKind.DPD, 3 * SECOND)
    assert wait == 3 * SECOND + SECOND // 2


def test_a_clock_that_went_back_amid_the_retries_tells_no_rhythm() -> None:
    assert waits_s(4, -30, 8, -2, 8) == pytest.approx(8 + 8 * 0.2)
