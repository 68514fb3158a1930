"""Answers that the system of the asked device refused: its own log shows that none left it."""

from __future__ import annotations

from pathlib import Path

from analyzers.model.exchange import Lost, Outcome
from analyzers.model.peer import PeerState
from analyzers.model.records import Confidence
from tests.scenarios.inputs import together
from tests.scenarios.logs import Clock, charon, syslog
from tests.scenarios.timeline import at, capture

REFUSED = "16[NET] error writing to socket: Operation not permitted"
V1 = """
0 a>b v1 main-mode
0.1 a>b v1 quick
"""
ASKED_V1 = """
20..31/5 a>b v1 info 108 says=ruthere number=8
20.01..31/5 b>a v1 info 108 says=ack number=8
"""
ASKED_V2 = """
0 a>b v2 handshake
10 a>b liveness 2
10.01 b>a liveness 2 resp
20 a>b liveness 3
20.01 b>a liveness 3 resp
30 a>b liveness 4
30.01 b>a liveness 4 resp
"""


def test_answers_that_were_refused_answer_nothing(tmp_path: Path) -> None:
    said = [(at_s, REFUSED) for at_s in (12.0, 20.011, 22.0, 25.011, 30.011)]
    peer = together(tmp_path, charon(V1 + ASKED_V1, "b", said=said)).peer
    (asked,) = peer.exchanges
    assert asked.outcome is Outcome.OPEN
    assert asked.lost is Lost.ANSWER
    assert len(asked.transmissions) == len(asked.lost_answers) == 3
    assert asked.retries == 2
    assert peer.state is PeerState.PROBING
    assert all(policy.interval_s is None for policy in peer.policies)


def test_a_later_answer_leaves(tmp_path: Path) -> None:
    said = [(at_s, REFUSED) for at_s in (20.011, 25.011)]
    peer = together(tmp_path, charon(V1 + ASKED_V1, "b", said=said)).peer
    (asked,) = peer.exchanges
    assert asked.outcome is Outcome.ANSWERED
    assert len(asked.transmissions) == 3
    assert peer.state is PeerState.ALIVE


def test_what_was_refused_a_while_after_an_answer_was_something_else(tmp_path: Path) -> None:
    said = [(at_s, REFUSED) for at_s in (19.9, 20.2, 25.5)]
    peer = together(tmp_path, charon(V1 + ASKED_V1, "b", said=said)).peer
    assert [x.outcome for x in peer.exchanges] == [Outcome.ANSWERED] * 3


def test_the_next_message_id_proves_that_an_answer_came(tmp_path: Path) -> None:
    """With a window of 1 who asks with a new ID has the answer to the one before."""
    peer = together(tmp_path, charon(ASKED_V2, "b", said=[(20.011, REFUSED)])).peer
    assert [x.outcome for x in peer.exchanges] == [Outcome.ANSWERED] * 3


def test_a_capture_that_has_the_answer_goes_before_the_log(tmp_path: Path) -> None:
    log = charon(V1 + ASKED_V1, "b", said=[(20.011, REFUSED)])
    peer = together(tmp_path, capture(V1 + ASKED_V1), log).peer
    assert [x.outcome for x in peer.exchanges] == [Outcome.ANSWERED] * 3


def test_whole_seconds_tell_by_the_order_of_the_lines(tmp_path: Path) -> None:
    said = [(at_s, REFUSED) for at_s in (20.011, 25.011, 30.011)]
    log = charon(V1 + ASKED_V1, "b", Clock(syslog), said=said)
    (asked,) = together(tmp_path, log).peer.exchanges
    assert asked.lost is Lost.ANSWER


COMMON_V1 = """
10..20/5 a>b v1 info 108 says=ruthere number=8
10.01..20.01/5 b>a v1 info 108 says=ack number=8
"""


def test_a_question_that_never_left_is_answered_by_nothing(tmp_path: Path) -> None:
    """b asks, too, right after each of them: what it sends are questions of its own."""
    wire = capture(V1 + COMMON_V1 + "30.1..38.1/4 b>a v1 info 108\n")
    refused = [(at_s, REFUSED) for at_s in (29.9, 30.001, 32.0, 34.001, 36.0, 38.001)]
    log = charon(V1 + COMMON_V1 + "30..38/4 a>b v1 info 108 says=ruthere number=12\n", said=refused)
    peer = together(tmp_path, wire, log).peer
    answered = [x for x in peer.exchanges if x.outcome is Outcome.ANSWERED]
    assert {x.prober for x in answered} == {"192.0.2.1"}
    assert all(x.first_ns < at(25) for x in answered)


def test_traffic_that_was_captured_is_the_last_proof_before_a_question_of_a_log(
    tmp_path: Path,
) -> None:
    """The question never left, so that only the log has it; the log does not show the traffic."""
    traffic = "11..50/0.5 a>b esp out1\n11.1..50/0.5 b>a esp in1\n"
    up = V1 + "10 a>b v1 info 108 says=ruthere number=8\n10.01 b>a v1 info 108 says=ack number=8\n"
    wire = capture(up + traffic + "70..80/0.5 a>b esp out1\n70.1..80/0.5 b>a esp in1\n")
    log = charon(up + "54..62/4 a>b v1 info 108 says=ruthere number=12\n", said=[(54.001, REFUSED)])
    peer = together(tmp_path, wire, log).peer
    asked = next(x for x in peer.exchanges if x.first_ns > at(50))
    assert asked.since_proof_ns is not None
    assert round(asked.since_proof_ns / 1e9) == 4


VERDICT = "03[JOB] DPD check timed out, enforcing DPD action"


def test_a_log_of_which_nothing_left_is_no_stranger(tmp_path: Path) -> None:
    """No packet ties its clock to that of the capture, and none could: its verdict counts.

    b asks, too, is not answered, and gives up at the same time, as far as anybody can infer.
    """
    traffic = "10..24/0.2 a>b esp out\n10.1..24/0.2 b>a esp in\n"
    wire = capture(V1 + traffic + "27.99..36/4 b>a v1 info 108\n")
    refused = [(at_s / 10 + 0.001, REFUSED) for at_s in range(240, 380, 2)]
    log = charon(
        "28..36.1/4 a>b v1 info 108 says=ruthere number=12\n", said=[*refused, (38, VERDICT)]
    )
    seen = together(tmp_path, wire, log)
    asked = [x for x in seen.peer.exchanges if x.prober == "192.0.2.1"]
    assert [(x.outcome, len(x.transmissions)) for x in asked] == [(Outcome.UNANSWERED, 3)]
    assert (seen.peer.state, seen.peer.confidence) == (PeerState.DEAD, Confidence.CERTAIN)
    assert seen.peer.states[-1].start_ns == at(38)


def test_a_log_whose_messages_should_have_been_seen_is_a_stranger(tmp_path: Path) -> None:
    traffic = "10..60/0.2 a>b esp out\n10.1..60/0.2 b>a esp in\n"
    wire = capture(V1 + traffic + "27.99..36/4 b>a v1 info 108\n")
    log = charon("28..36.1/4 a>b v1 info 108 says=ruthere number=12\n", said=[(38, VERDICT)])
    seen = together(tmp_path, wire, log)
    assert not [x for x in seen.peer.exchanges if x.prober == "192.0.2.1"]
