"""A peer whose IKE does not answer while its traffic comes: vpnc asks at its interval, and again
every five seconds (six times in all), whatever ESP comes meanwhile, and then gives up."""

from __future__ import annotations

from pathlib import Path

import pytest

from analyzers.model.black_hole import BlackHoleClass
from analyzers.model.exchange import DeleteProtocol, Outcome
from analyzers.model.finding import Severity
from analyzers.model.peer import PeerState
from analyzers.model.records import Basis, Confidence
from tests.scenarios.conftest import Tell
from tests.scenarios.inputs import together
from tests.scenarios.logs import Lost, charon
from tests.scenarios.timeline import at, capture

SETUP = """
0 a>b v1 main-mode
0.1 a>b v1 quick
0.5..70/0.5 a>b esp out
0.6..70/0.5 b>a esp in
"""
ANSWERED = "10..40/10 a>b v1 info 108\n10.02..40/10 b>a v1 info 108\n"
VAIN = "40..70/5 a>b v1 info 108\n"
TEARDOWN = "70 a>b v1 info 92\n70.001 a>b v1 info 108\n"
QUESTIONS = [at(t) for t in range(40, 70, 5)]


def test_retries_are_told_by_their_distance(tell: Tell) -> None:
    told = tell(SETUP + ANSWERED + VAIN + TEARDOWN)
    peer = told.peer
    *answered, vain = peer.exchanges
    assert {x.outcome for x in answered} == {Outcome.ANSWERED}
    assert [t.at_ns for t in vain.transmissions] == QUESTIONS
    assert (vain.outcome, vain.verdict_ns) == (Outcome.UNANSWERED, at(70))
    assert (vain.basis, vain.confidence) == (Basis.RHYTHM, Confidence.INFERRED)
    assert peer.unknown_informationals == 0
    assert (peer.state, peer.black_holes) == (PeerState.DELETED, ())
    (unanswered,) = told.of("dpd-no-ack")
    assert unanswered.severity is Severity.ERROR
    assert "given up after 30 s, though 192.0.2.2 was heard" in unanswered.detail
    (living,) = told.of("declared-dead-but-alive")
    assert "it deleted the SA" in living.detail
    assert "was still heard" in living.detail
    assert living.confidence is Confidence.INFERRED


def test_who_is_silent_and_given_up_is_no_living_peer(tell: Tell) -> None:
    told = tell(SETUP.replace("0.6..70", "0.6..38") + ANSWERED + VAIN + TEARDOWN)
    assert not told.of("declared-dead-but-alive")
    (unanswered,) = told.of("dpd-no-ack")
    assert unanswered.severity is Severity.ERROR
    assert unanswered.detail.endswith("and the peer was given up after 30 s.")


def test_one_that_is_answered_in_the_end(tell: Tell) -> None:
    told = tell(SETUP + ANSWERED + VAIN.replace("70/5", "51/5") + "50.02 b>a v1 info 108\n")
    repeated = told.peer.exchanges[-1]
    assert (repeated.outcome, repeated.retries) == (Outcome.ANSWERED, 2)
    assert told.of("dpd-late-ack")
    assert PeerState.DEAD not in {span.state for span in told.peer.states}


@pytest.mark.parametrize(
    "vain",
    ["40..70/10 a>b v1 info 108\n", "".join(f"{t} a>b v1 info 108\n" for t in (40, 43, 51, 59))],
    ids=["at its interval", "in no rhythm"],
)
def test_what_comes_otherwise_may_have_been_answered(tell: Tell, vain: str) -> None:
    """The capture may have lost the answers: the peer is heard."""
    peer = tell(SETUP + ANSWERED + vain).peer
    assert Outcome.UNANSWERED not in {x.outcome for x in peer.exchanges}


def test_outages_that_the_retries_get_over_leave_the_interval_known(tell: Tell) -> None:
    """It asks again ten seconds after the last answer, not after the first try."""
    over = "".join(
        f"{t}..{t + 11}/5 a>b v1 info 108\n{t + 10.02} b>a v1 info 108\n" for t in (30, 50)
    )
    text = SETUP + ANSWERED.replace("40/10", "30/10") + over + "70..81/5 a>b v1 info 108\n"
    peer = tell(text.replace("..70/0.5", "..100/0.5") + "80.02 b>a v1 info 108\n").peer
    assert [x.retries for x in peer.exchanges] == [0, 0, 2, 2, 2]


def test_a_log_names_the_try_that_arrives(tmp_path: Path) -> None:
    text = """
    0 a>b v1 main-mode
    0.1 a>b v1 quick
    10..40/10 a>b v1 info 108 says=ruthere
    10.02..40/10 b>a v1 info 108 says=ack
    40..51/5 a>b v1 info 108 says=ruthere
    50.02 b>a v1 info 108 says=ack
    """
    peer = together(tmp_path, capture(text), charon(text, "b", lost=[Lost("a", 39, 49)])).peer
    repeated = peer.exchanges[-1]
    assert [t.lost for t in repeated.transmissions] == [True, True, False]
    assert (repeated.basis, repeated.confidence) == (Basis.CORRELATED, Confidence.CERTAIN)


def test_a_last_question_right_before_the_deletes(tell: Tell) -> None:
    """vpnc asks once more, and gives up in the same millisecond."""
    last = "70 a>b v1 info 108\n70.001 a>b v1 info 92\n70.002 a>b v1 info 108\n"
    peer = tell(SETUP.replace("0.6..70", "0.6..38") + ANSWERED + VAIN + last).peer
    assert [t.at_ns for t in peer.exchanges[-1].transmissions] == [*QUESTIONS, at(70)]
    assert [(d.at_ns, d.protocol) for d in peer.deletes] == [
        (at(70.001), DeleteProtocol.ESP),
        (at(70.002), DeleteProtocol.IKE),
    ]
    assert peer.unknown_informationals == 0


EVERY_10_S = """
0 a>b v1 main-mode
0.1 a>b v1 quick
0.5..200/0.4 a>b esp out
10..60/10 a>b v1 info 108
10.03..60/10 b>a v1 info 108
"""


def test_a_peer_that_comes_back_on_its_sa_did_not_answer_all_the_same(tell: Tell) -> None:
    """Retries come faster than questions: without keys, too, those five are one in vain."""
    told = tell(
        EVERY_10_S
        + """
        0.6..58/0.4 b>a esp in
        90..200/0.4 b>a esp in
        60..70/2 a>b v1 info 108
        100..200/10 a>b v1 info 108
        100.03..200/10 b>a v1 info 108
        """
    )
    (lost,) = (x for x in told.peer.exchanges if x.outcome is not Outcome.ANSWERED)
    assert (lost.outcome, lost.verdict_ns) == (Outcome.UNANSWERED, None)
    assert [t.at_ns for t in lost.transmissions] == [at(t) for t in (60, 62, 64, 66, 68)]
    assert told.peer.state is PeerState.ALIVE
    assert PeerState.DEAD not in {span.state for span in told.peer.states}
    (hole,) = told.peer.black_holes
    assert (hole.black_hole_class, hole.recovered_ns) == (BlackHoleClass.TRANSIENT, at(90))
    (policy,) = told.peer.policies
    assert (policy.retry_s, policy.retries) == (2, None)
    (finding,) = told.of("dpd-no-ack")
    assert finding.severity is Severity.WARNING
    assert finding.detail.endswith("was heard after it, and answered later questions.")


AMID_TRAFFIC = EVERY_10_S + "0.6..200/0.4 b>a esp in\n"
GOES_ON = "80..200/10 a>b v1 info 108\n80.03..200/10 b>a v1 info 108\n"


def test_a_retry_that_is_answered_amid_traffic_is_of_one_question(tell: Tell) -> None:
    """The question was due, and the next one came sooner than any that follows an answer."""
    retried = "60 a>b v1 info 108\n62 a>b v1 info 108\n62.03 b>a v1 info 108\n"
    told = tell(AMID_TRAFFIC + retried + "72 a>b v1 info 108\n72.03 b>a v1 info 108\n" + GOES_ON)
    assert {x.outcome for x in told.peer.exchanges} == {Outcome.ANSWERED}
    (again,) = (x for x in told.peer.exchanges if x.retries)
    assert [t.at_ns for t in again.transmissions] == [at(60), at(62)]
    assert len(told.of("dpd-late-ack")) == 1


@pytest.mark.parametrize(
    "odd", ["55 a>b v1 info 108\n", "60 a>b v1 info 108\n"], ids=["not due", "in the interval"]
)
def test_what_may_be_something_else_is_no_first_try(tell: Tell, odd: str) -> None:
    answered = "60 a>b v1 info 108\n60.03 b>a v1 info 108\n"
    later = "70 a>b v1 info 108\n70.03 b>a v1 info 108\n" + GOES_ON
    told = tell(AMID_TRAFFIC + odd + (answered if odd.startswith("55") else "") + later)
    assert not [x for x in told.peer.exchanges if x.retries]
    assert Outcome.UNANSWERED not in {x.outcome for x in told.peer.exchanges}
    assert not told.of("dpd-late-ack")


AWAY = """
0 a>b v1 main-mode
0.1 a>b v1 quick
0.5..300/0.4 a>b esp out
10..300/10 a>b v1 info 108
"""
AWAY_ANSWERS = "10.03..60/10 b>a v1 info 108\n160.03..300/10 b>a v1 info 108\n"


def test_who_asks_at_its_interval_in_vain_while_the_peer_sends_nothing(tell: Tell) -> None:
    """ESP stops and goes on with the next number: no capture lost what was never sent."""
    silence = "0.6..58/0.4 b>a esp in\n155..300/0.4 b>a esp in\n"
    told = tell(AWAY + AWAY_ANSWERS + silence)
    (lost,) = (x for x in told.peer.exchanges if x.outcome is not Outcome.ANSWERED)
    assert (lost.outcome, lost.verdict_ns) == (Outcome.UNANSWERED, None)
    assert [t.at_ns for t in lost.transmissions] == [at(t) for t in range(60, 160, 10)]
    assert told.peer.state is PeerState.ALIVE
    (finding,) = told.of("dpd-no-ack")
    assert (finding.severity, finding.confidence) == (Severity.WARNING, Confidence.INFERRED)


def test_who_asks_at_its_interval_while_the_capture_loses_the_peer(tell: Tell) -> None:
    """The same, but the numbers of what was not captured are missing."""
    told = tell(
        AWAY + "10.03..300/10 b>a v1 info 108\n0.6..300/0.4 b>a esp in\nunseen b>a 58..155\n"
    )
    assert Outcome.UNANSWERED not in {x.outcome for x in told.peer.exchanges}
    assert not told.of("dpd-no-ack")
