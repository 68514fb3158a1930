"""A verdict that only silence shows is inferred, whatever the finding that rests on it."""

from __future__ import annotations

import pytest

from analyzers.model.records import Confidence
from tests.rules.conftest import Tell

GIVEN_UP = """
0 a>b v2 handshake
0.2..10/0.2 a>b esp out
0.3..10/0.2 b>a esp in
10..90/0.5 a>b esp out
20..28/2 a>b liveness 2
100 b>a sa-init 0 v2 sa=2
"""


@pytest.mark.parametrize("rule", ["dpd-no-ack", "sa-not-deleted-after-dead"])
def test_a_verdict_that_nothing_shows_is_inferred(tell: Tell, rule: str):
    (finding,) = tell(GIVEN_UP).of(rule)
    assert finding.confidence is Confidence.INFERRED


def test_a_verdict_is_certain_where_the_one_that_asked_acts_on_it(tell: Tell):
    (finding,) = tell(GIVEN_UP.replace("100 b>a", "92 a>b")).of("dpd-no-ack")
    assert finding.confidence is Confidence.CERTAIN


def test_a_late_verdict_that_nothing_shows_is_inferred(tell: Tell):
    text = GIVEN_UP.replace("20..28/2", "70..78/2").replace("10..90", "10..79")
    (finding,) = tell(text).of("dpd-slower-than-budget")
    assert finding.confidence is Confidence.INFERRED


def test_a_peer_that_comes_back_while_it_is_asked_was_not_given_up(tell: Tell):
    text = GIVEN_UP.replace("20..28/2", "90..98/2").replace("10..90", "10..99")
    (finding,) = tell(text.replace("100 b>a", "97 b>a")).of("dpd-no-ack")
    assert "given up" not in finding.detail
    assert "set up a new IKE SA" in finding.detail
