"""When a live session is pumped, and looked at."""

from __future__ import annotations

import pytest

from dpdlab.present.pace import WAIT_S, Pace


def test_the_first_thing_after_a_rest_waits_for_nothing():
    pace = Pace(quiet_s=1.0)
    pace.taken(10.0)
    pace.looked(10.0, 10.001)
    assert pace.gather_s(12.0) == 0.0
    assert pace.wait_s(12.0, news=True) == 0.0
    assert pace.is_due(12.0, news=True)


def test_what_follows_closely_is_taken_and_shown_together():
    pace = Pace(quiet_s=1.0)
    pace.taken(10.0)
    pace.looked(10.0, 10.001)
    assert pace.gather_s(10.004) == pytest.approx(0.006)
    assert not pace.is_due(10.03, news=True)
    assert pace.wait_s(10.045, news=True) == pytest.approx(0.005)
    assert pace.wait_s(10.045, news=False) == WAIT_S
    assert pace.is_due(10.05, news=True)


def test_looks_that_cost_much_are_rare():
    pace = Pace(quiet_s=1.0)
    pace.looked(10.0, 10.5)
    assert not pace.is_due(11.49, news=True)
    assert pace.is_due(11.5, news=True)


def test_silence_is_looked_at_too():
    pace = Pace(quiet_s=1.0)
    pace.looked(10.0, 10.001)
    assert not pace.is_due(10.9, news=False)
    assert pace.is_due(11.0, news=False)
