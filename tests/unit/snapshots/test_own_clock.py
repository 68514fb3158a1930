"""Outputs without any clock: what their SAs count bounds what lies between."""

from __future__ import annotations

from pathlib import Path

import pytest

from analyzers.model.time import ORDER_LIMIT_NS, ClockQuality, seconds
from analyzers.session import Session
from analyzers.snapshots.find import find_snapshots
from analyzers.snapshots.own_clock import on_own_clock
from tests.unit.snapshots import samples
from tests.unit.snapshots.samples import numbered


def after_s(text: str) -> list[float | None]:
    placed = on_own_clock(find_snapshots(numbered(text)))
    return [None if s.at_ns is None else seconds(s.at_ns - ORDER_LIMIT_NS) for s in placed]


def test_each_is_as_long_after_the_one_before_as_the_sas_say():
    text = "".join(samples.ios_ipsec_sa(100, 50, life_s=left_s) for left_s in (3033, 3003, 2943))
    assert after_s(text) == [0.0, 30.0, 90.0]


@pytest.mark.parametrize(
    "text",
    [
        samples.ios_ipsec_sa(),
        samples.IOS_IKEV2_SA_DETAIL * 2,
        samples.ios_ipsec_sa(100, 50, life_s=3033) + samples.crypto_session(),
        samples.STATUSALL * 2,
    ],
    ids=["one", "no counters", "of other commands", "coarse"],
)
def test_what_tells_no_time_stays_without_one(text: str):
    assert set(after_s(text)) == {None}


def test_outputs_of_another_command_in_between_have_no_time():
    text = (
        samples.ios_ipsec_sa(100, 50, life_s=3033)
        + samples.crypto_session(50, 100, 1437)
        + samples.ios_ipsec_sa(160, 50, life_s=3003)
    )
    assert after_s(text) == [0.0, None, 30.0]


def test_two_of_them_bound_a_black_hole(tmp_path: Path):
    path = tmp_path / "console.txt"
    first = samples.ios_ipsec_sa(100, 50, life_s=3033)
    path.write_text(first + samples.ios_ipsec_sa(400, 50, life_s=2973))
    session = Session()
    session.run([str(path)])
    (source,) = session.sources
    assert source.clock is ClockQuality.RELATIVE
    (hole,) = session.peers()[0].black_holes
    assert (hole.min_seconds, hole.max_seconds) == (0.0, 60.0)


def test_a_clock_that_was_shown_is_that_of_the_input(tmp_path: Path):
    path = tmp_path / "console.txt"
    clock = "hub#show clock\n*{}.000 UTC Tue Mar 4 2025\nhub#show crypto ipsec sa\n"
    path.write_text(
        clock.format("12:00:00")
        + samples.ios_ipsec_sa(100, 50)
        + clock.format("12:01:00")
        + samples.ios_ipsec_sa(400, 50)
    )
    session = Session()
    session.run([str(path)])
    (source,) = session.sources
    assert source.clock is ClockQuality.UNSYNCHRONISED
    assert source.first_ns is not None
    assert source.last_ns is not None
    assert seconds(source.last_ns - source.first_ns) == 60.0
