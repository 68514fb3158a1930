"""What capture-insufficient says of questions without an answer, and of ESP without IKE."""

from __future__ import annotations

from tests.rules.conftest import Tell

ASKED = """
0 a>b v2 handshake
0.2..60/0.5 a>b esp out
0.3..60/0.5 b>a esp in
20 a>b liveness 2
20.02 b>a liveness 2 resp
50 a>b liveness 3
52 a>b liveness 3
56 a>b liveness 3
"""


def test_a_question_that_the_peer_outlives_is_unanswered_and_not_cut_off_by_the_end(tell: Tell):
    told = tell(ASKED.replace("..60/", "..400/"))
    assert told.of("capture-insufficient") == []
    (finding,) = told.of("dpd-no-ack")
    assert "192.0.2.2 was heard after it" in finding.detail


def test_a_question_just_before_the_end_is(tell: Tell):
    text = ASKED.replace("..60/", "..49/")
    (finding,) = tell(text + "57 a>b esp out").of("capture-insufficient")
    assert "it ends before a question of 192.0.2.1 could be answered" in finding.detail


def test_esp_without_ike_says_of_whom(tell: Tell):
    (finding,) = tell("0..30/0.5 a>b esp out\n0.1..30/0.5 b>a esp in").of("capture-insufficient")
    assert "no IKE between 192.0.2.1 and 192.0.2.2" in finding.detail
