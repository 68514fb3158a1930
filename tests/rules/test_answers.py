"""Rules about questions and what answered them: where each fires, where its traps are silent."""

from __future__ import annotations

from analyzers.model.finding import Severity
from analyzers.model.records import Confidence
from tests.rules.conftest import Tell

DEAD = """
0 a>b v2 handshake
0.2..10/0.2 a>b esp out
0.3..10/0.2 b>a esp in
10..40/0.5 a>b esp out
20 a>b liveness 2
22 a>b liveness 2
26 a>b liveness 2
34 a>b liveness 2
60 a>b sa-init 0 v2 sa=2
"""


def test_dpd_no_ack(tell: Tell):
    (finding,) = tell(DEAD).of("dpd-no-ack")
    assert finding.severity is Severity.ERROR
    assert finding.confidence is Confidence.CERTAIN
    assert "4 times" in finding.detail
    assert len(finding.refs) == 4


def test_dpd_no_ack_is_silent_where_the_input_ends_too_early(tell: Tell):
    assert tell(DEAD + "capture 0..27").of("dpd-no-ack") == []


def test_dpd_no_ack_is_silent_where_one_direction_is_missing(tell: Tell):
    assert tell(DEAD + "unseen b>a ..").of("dpd-no-ack") == []


def test_dpd_no_ack_is_silent_where_a_later_question_proves_the_answer(tell: Tell):
    text = """
    0 a>b v2 handshake
    10 a>b liveness 2
    20 a>b liveness 3
    20.02 b>a liveness 3 resp
    """
    assert tell(text).of("dpd-no-ack") == []
