"""A question that is answered, and asked again all the same: its answers do not arrive."""

from __future__ import annotations

from pathlib import Path

import pytest

from analyzers.model.black_hole import BlackHoleClass
from analyzers.model.exchange import AnswerEvidence, Exchange, Outcome
from analyzers.model.finding import Severity
from analyzers.model.peer import PeerState, PeerView
from analyzers.model.records import Confidence
from analyzers.session.live import LiveSession
from tests.given_source import GivenSource
from tests.rules.conftest import Tell
from tests.rules.coverage import fires, silent
from tests.scenarios.conftest import Told
from tests.scenarios.logs import Clock, Lost, charon, iso_zoned
from tests.scenarios.timeline import at, capture
from tests.unit.analyzers.session.test_live_gaps import Watch

PROMPT = "0 a>b v2 handshake\n5..16/5 b>a liveness 0+\n5.01..16/5 a>b liveness 0+ resp\n"
ASKED = "".join(f"{s} b>a liveness 3\n{s}.01 a>b liveness 3 resp\n" for s in (20, 22, 24))
GOES_ON = "29..40/5 b>a liveness 4+\n29.01..40/5 a>b liveness 4+ resp\n"


def last(told: Told) -> Exchange:
    return told.peer.exchanges[-1]


def test_the_repetitions_are_counted(tell: Tell):
    told = tell(PROMPT + ASKED)
    exchange = last(told)
    assert (exchange.retries, exchange.outcome) == (2, Outcome.ANSWERED)
    assert exchange.answer is not None
    assert exchange.answer.at_ns == at(24.01)
    assert [m.at_ns for m in exchange.unheard_answers] == [at(20.01), at(22.01)]
    assert exchange.rtt_ns == 10_000_000
    assert told.of("dpd-late-ack") == []


def test_they_are_no_interval_and_nothing_is_late(tell: Tell):
    told = tell(PROMPT + ASKED + GOES_ON)
    (policy,) = told.peer.policies
    assert (policy.interval_s, policy.retry_s) == (5.0, 2.0)
    assert told.of("dpd-slower-than-budget") == []
    assert told.peer.state is PeerState.ALIVE


def test_the_next_question_proves_the_last_answer(tell: Tell):
    """The capture lost it."""
    lost = ASKED.replace("24.01 a>b liveness 3 resp\n", "")
    exchange = tell(PROMPT + lost + GOES_ON).peer.exchanges[3]
    assert exchange.answer_evidence is AnswerEvidence.NEXT_REQUEST
    assert len(exchange.unheard_answers) == 2


def test_who_answered_at_first_may_be_given_up_all_the_same(tell: Tell):
    text = PROMPT + "20 b>a liveness 3\n20.01 a>b liveness 3 resp\n22..29/2 b>a liveness 3\n"
    exchange = last(tell(text + "60 b>a keepalive\n"))
    assert exchange.outcome is Outcome.UNANSWERED
    assert exchange.verdict_ns == at(30)


GAVE_UP = charon(
    PROMPT + ASKED, "b", Clock(iso_zoned), lost=[Lost("a", 19)],
    said=[(26.0, "05[IKE] giving up after 2 retransmits")],
)  # fmt: skip


def test_what_the_log_of_the_prober_says_of_it_stands(tell: Tell):
    """It gave up a peer whose answers were captured where they left."""
    told = tell(PROMPT + ASKED + "60 b>a keepalive\n", ("b.log", GAVE_UP))
    assert last(told).outcome is Outcome.UNANSWERED
    assert last(told).verdict_ns == at(26)
    assert len(last(told).lost_answers) == 3
    assert told.peer.state is PeerState.DEAD
    assert told.peer.confidence is Confidence.CERTAIN
    assert told.of("dpd-answer-unheard") == []


def live_with_log(text: str, log_text: str) -> PeerView:
    """As it is when the log has come after the packets: nothing is known with hindsight there."""
    wire, log = GivenSource(), GivenSource()
    log.kind, log.name = "log", "b.log"
    session = LiveSession([wire, log])
    session.start()
    wire.feed.put(capture(text))
    for tenth in range(280, 350):
        if tenth == 300:
            log.feed.put(log_text.encode())
        session.pump(at(tenth / 10))
    (peer,) = session.peers_so_far(at(35))
    session.end(at(35))
    return peer


def test_it_stands_live_too():
    peer = live_with_log(PROMPT + ASKED, GAVE_UP)
    assert (peer.state, peer.confidence) == (PeerState.DEAD, Confidence.CERTAIN)
    assert peer.exchanges[-1].verdict_ns == at(26)
    assert len(peer.exchanges[-1].unheard_answers) == 3


def test_a_verdict_long_after_its_answer_is_none_on_it():
    """The next request proved the last answer; what was given up, the log does not show."""
    text = PROMPT + ASKED + "25 b>a create-child 4\n25.01 a>b create-child 4 resp\n"
    said = [(27.0, "05[IKE] giving up after 2 retransmits")]
    peer = live_with_log(text, charon(PROMPT, "b", Clock(iso_zoned), said=said))
    assert peer.exchanges[-1].outcome is Outcome.ANSWERED
    assert len(peer.exchanges[-1].unheard_answers) == 2


def test_one_that_its_log_has_not_read_counts_too(tell: Tell):
    """The capture and the log of the prober tell of one each."""
    log = charon(PROMPT + ASKED, "b", Clock(iso_zoned), lost=[Lost("a", 19, 21)])
    told = tell(PROMPT + ASKED, ("charon-b.log", log))
    exchange = last(told)
    assert [m.at_ns for m in exchange.lost_answers] == [at(20.01)]
    assert [m.at_ns for m in exchange.unheard_answers] == [at(22.01)]
    (found,) = told.of("dpd-answer-unheard")
    assert "2 times" in found.detail
    assert found.at_ns == at(20.01)


def test_who_asks_lives(tell: Tell):
    """The capture begins with it."""
    told = tell(PROMPT + ASKED + "capture 19..60\n")
    assert [span.state for span in told.peer.states] == [PeerState.ALIVE]


@fires("dpd-answer-unheard")
def test_dpd_answer_unheard(tell: Tell):
    (finding,) = tell(PROMPT + ASKED).of("dpd-answer-unheard")
    assert (finding.severity, finding.confidence) == (Severity.WARNING, Confidence.INFERRED)
    assert "192.0.2.2 repeated a liveness request" in finding.detail
    assert "from 192.0.2.1 to 192.0.2.2" in finding.remedy
    assert finding.at_ns == at(20.01)


def test_dpd_answer_unheard_by_the_log_of_who_answers(tell: Tell):
    log = charon(PROMPT + ASKED, "a", Clock(iso_zoned))
    (finding,) = tell(("a.log", log)).of("dpd-answer-unheard")
    assert "2 times" in finding.detail


@silent("dpd-answer-unheard", "an answer that was lost once, or that a retry crossed on its way")
@pytest.mark.parametrize("more", ["", GOES_ON])
def test_dpd_answer_unheard_is_silent_of_one(tell: Tell, more: str):
    told = tell(PROMPT + ASKED.partition("24 b>a")[0] + more)
    assert told.peer.exchanges[3].retries == 1
    assert told.of("dpd-answer-unheard") == []


ONE_WAY = "0 a>b v2 handshake\n0.1..60/0.2 a>b esp out\n0.15..18/0.2 b>a esp in\n" + ASKED


def test_what_is_answered_unheard_shows_no_life_of_ike(tell: Tell):
    """Who asks again hears nothing: that is no dead data plane beside a living IKE."""
    told = tell(ONE_WAY)
    (hole,) = told.peer.black_holes
    assert hole.black_hole_class is not BlackHoleClass.DATA_PLANE
    assert told.peer.state is PeerState.QUESTIONABLE
    assert told.of("dpd-alive-dataplane-dead") == []


def test_a_later_answer_that_arrives_does(tell: Tell):
    told = tell(ONE_WAY + GOES_ON)
    (hole,) = told.peer.black_holes
    assert hole.black_hole_class is BlackHoleClass.DATA_PLANE
    assert len(told.of("dpd-alive-dataplane-dead")) == 1


@pytest.mark.parametrize("size", [90, 1000, 100_000])
def test_it_does_not_matter_how_it_is_cut(tmp_path: Path, size: int):
    watch, data = Watch(tmp_path), capture(ONE_WAY + GOES_ON)
    for place in range(0, len(data), size):
        watch.take(data[place : place + size], 60)
    watch.end(61)


def test_late_only_because_the_answers_before_were_dropped_behind_the_capture(tell: Tell):
    """The capture has each answer at once, and the log of who asked has the last one alone."""
    text = "0 a>b v2 handshake\n10 a>b liveness 2\n10.02 b>a liveness 2 resp\n"
    again = "".join(
        f"{at_s} a>b liveness 3\n{at_s}.02 b>a liveness 3 resp\n" for at_s in (20, 21, 22)
    )
    log = charon(text + again, "a", Clock(iso_zoned), lost=[Lost("b", 19, 21.5)])
    (finding,) = tell(text + again, ("a.log", log)).of("dpd-late-ack")
    assert "Each was answered at once (the capture has the answers" in finding.detail
    assert (
        "behind the capture" in finding.remedy or "the IKE process of who asked" in finding.remedy
    )
    assert tell(text + again).of("dpd-late-ack") == []
