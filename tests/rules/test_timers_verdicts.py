"""Rules about verdicts: where each fires, where its traps are silent."""

from __future__ import annotations

import pytest

from analyzers.model.black_hole import BlackHoleClass
from analyzers.model.finding import Severity
from analyzers.model.records import Confidence
from analyzers.rules.remedies import advice
from analyzers.session import SessionOptions
from tests.rules.conftest import Tell
from tests.rules.coverage import fires, silent
from tests.rules.test_timers_intervals import SWANCTL, UP, asks, given
from tests.rules.test_timers_retries import CONSTANT, dead, retried
from tests.scenarios.logs import Lost as LostOnTheWay
from tests.scenarios.logs import charon

TRAFFIC = """
0.2..10/0.2 a>b esp out
0.3..10/0.2 b>a esp in
"""
GROWING = retried(20, 22, 26, 34)

# --- sa-not-deleted-after-dead --------------------------------------------------------------


def stays(until: float) -> str:
    """A peer that dies at 10 s, is asked from 20 s on, and is sent to until a time."""
    return UP + TRAFFIC + f"10..{until}/0.5 a>b esp out\n" + GROWING


@fires("sa-not-deleted-after-dead")
def test_not_deleted(tell: Tell):
    text = stays(100) + "100 a>b v2 handshake sa=2\n130 a>b liveness 2 sa=2\n"
    told = tell(text, dead(text, 50), ("swanctl.conf", SWANCTL))
    (hole,) = told.peer.black_holes
    assert hole.black_hole_class is BlackHoleClass.SLOW_TEARDOWN
    (finding,) = told.of("sa-not-deleted-after-dead")
    assert finding.severity is Severity.ERROR
    assert finding.confidence is Confidence.CERTAIN
    assert "up by its log, and went on sending on the same SPIs for 49.5 s" in finding.detail
    assert "(its last retry wait is 8 s)" in finding.detail
    assert "dpd_action = clear" in finding.remedy
    assert len(finding.refs) >= 4


def test_not_deleted_for_less_than_two_retries_is_a_warning(tell: Tell):
    text = stays(60) + "60 a>b v2 handshake sa=2\n"
    (finding,) = tell(text, dead(text, 50)).of("sa-not-deleted-after-dead")
    assert finding.severity is Severity.WARNING
    assert "for 9.5 s" in finding.detail


@silent("sa-not-deleted-after-dead", "the last packets that leave within 2 s of the verdict")
def test_not_deleted_is_silent_for_the_last_packets(tell: Tell):
    text = stays(51) + "51 a>b v2 handshake sa=2\n"
    assert tell(text, dead(text, 50)).of("sa-not-deleted-after-dead") == []


@silent("sa-not-deleted-after-dead", "an answer that took a path which was not captured")
def test_not_deleted_is_silent_where_one_direction_is_missing(tell: Tell):
    text = stays(100) + "100 a>b v2 handshake sa=2\n130 a>b liveness 2 sa=2\n"
    assert len(tell(text).of("sa-not-deleted-after-dead")) == 1
    assert tell(text + "unseen b>a ..\n").of("sa-not-deleted-after-dead") == []


# --- sa-deleted-prematurely -----------------------------------------------------------------


@fires("sa-deleted-prematurely")
def test_deleted_before_the_last_wait(tell: Tell):
    options = given("strongswan interval=10 retry=5 backoff=1 retries=3")
    text = UP + asks(10) + retried(20, 25, 30, 35, message_id=3)
    (finding,) = tell(text, dead(text, 36), options=options).of("sa-deleted-prematurely")
    assert finding.severity is Severity.WARNING
    assert finding.confidence is Confidence.CERTAIN
    assert "16 s after the first liveness request, sent 4 times" in finding.detail
    assert "4 s before the 20 s of its schedule (given)" in finding.detail


def test_deleted_without_a_question(tell: Tell):
    text = UP + asks(10, 20, 30, 40)
    log = ("charon.log", charon(text, said=[(45, "05[IKE] giving up after 5 retransmits")]))
    (finding,) = tell(text, log).of("sa-deleted-prematurely")
    assert finding.confidence is Confidence.INFERRED
    assert "no question that stayed unanswered" in finding.detail


def test_deleted_in_time_is_silent(tell: Tell):
    text = UP + asks(10) + retried(20, 22, 24, 26, message_id=3)
    assert tell(text, dead(text, 28), options=CONSTANT).of("sa-deleted-prematurely") == []


@silent(
    "sa-deleted-prematurely",
    "lifetime, rekey, and an operator who clears the SA: a Delete alone is no verdict",
)
def test_deleted_is_silent_for_operators_and_rekeys(tell: Tell):
    text = UP + asks(10, 20, 30, 40) + "45 a>b delete 6\n45.02 b>a delete 6 resp next=0\n"
    assert tell(text, ("charon.log", charon(text))).of("sa-deleted-prematurely") == []


@silent(
    "sa-deleted-prematurely",
    "the peer deleted it, or set up a new SA (INITIAL_CONTACT)",
    "hints may shorten the retries: INVALID_IKE_SPI, a QCD token (RFC 6290 section 2)",
)
@pytest.mark.parametrize(
    "explained",
    [
        "35.5 b>a sa-init 0 v2 sa=2\n35.51 a>b sa-init 0 resp v2 sa=2\nsa 2 by b\n",
        "35.5 b>a delete 0\n",
        "35.5 b>a unprotected 4\n",
    ],
    ids=["the peer starts anew", "the peer deleted it", "a hint"],
)
def test_deleted_is_silent_where_the_other_end_said_so(tell: Tell, explained: str):
    options = given("strongswan interval=10 retry=5 backoff=1 retries=3")
    text = UP + asks(10) + retried(20, 25, 30, 35, message_id=3) + "36 a>b v2 handshake sa=3\n"
    assert len(tell(text, options=options).of("sa-deleted-prematurely")) == 1
    assert tell(text + explained, options=options).of("sa-deleted-prematurely") == []


@silent("sa-deleted-prematurely", "another request was repeated in vain: that tests liveness too")
def test_deleted_is_silent_where_another_request_was_repeated(tell: Tell):
    text = UP + asks(10, 20) + "".join(f"{at} a>b create-child 4\n" for at in (30, 34, 41))
    log = ("charon.log", charon(text, said=[(50, "05[IKE] giving up after 2 retransmits")]))
    assert tell(text, log).of("sa-deleted-prematurely") == []


@silent("sa-deleted-prematurely", "a log that does not show its questions")
def test_deleted_is_silent_where_only_a_log_tells(tell: Tell):
    text = UP + asks(10, 20, 30, 40)
    ends = "192.0.2.1[192.0.2.1]...192.0.2.2[192.0.2.2]"
    said = [
        (0.1, f"05[IKE] IKE_SA gw[1] established between {ends}"),
        (45, "05[IKE] giving up after 5 retransmits"),
    ]
    log = ("charon.log", charon(text, said=said))
    assert len(tell(text, log).of("sa-deleted-prematurely")) == 1
    assert tell(log).of("sa-deleted-prematurely") == []


# --- declared-dead-but-alive ----------------------------------------------------------------


@fires("declared-dead-but-alive")
def test_alive_by_esp(tell: Tell):
    text = UP + TRAFFIC + "10..34/0.5 a>b esp out\n" + retried(20, 22, 26)
    text += "34 a>b v2 handshake sa=2\n35..45/1 b>a esp in\n"
    (finding,) = tell(text).of("declared-dead-but-alive")
    assert finding.severity is Severity.ERROR
    assert finding.confidence is Confidence.INFERRED
    assert "3 times (it set up a new IKE SA)" in finding.detail
    assert "once in 1,079 checks" in finding.detail


@silent("declared-dead-but-alive", "the verdict is the other end's, on the SA that both ask on")
def test_alive_is_silent_for_the_verdict_of_the_other_end(tell: Tell):
    text = UP + TRAFFIC + retried(20, 22, 26) + "27 b>a liveness 0\n29 b>a liveness 0\n"
    text += "34.01 a>b delete 4\n"
    said = [
        (34.0, "09[IKE] giving up after 2 retransmits"),
        (34.0, "09[IKE] IKE_SA gw[1] state change: ESTABLISHED => DESTROYING"),
    ]
    told = tell(text, ("a.log", charon(text, lost=[LostOnTheWay("b", 11)], said=said)))
    assert [f.end for f in told.of("declared-dead-but-alive")] in ([], ["192.0.2.1"])


def test_what_the_logs_tell_goes_before_chance(tell: Tell):
    text = UP + TRAFFIC + "10..34/0.5 a>b esp out\n" + retried(20, 22, 26)
    text += "34 a>b v2 handshake sa=2\n35..45/1 b>a esp in\n"
    log = ("b.log", charon(text, "b", lost=[LostOnTheWay("a", 19, 30)]))
    (finding,) = tell(text, log).of("declared-dead-but-alive")
    assert finding.detail.endswith("no question arrived: it was lost between the two.")
    assert "By chance" not in finding.detail
    assert finding.remedy.startswith("Follow the way to the peer")


def test_alive_by_a_late_answer(tell: Tell):
    text = UP + asks(10) + retried(20, 22, 26, message_id=3)
    late = text + "40 b>a liveness 3 resp\n"
    (finding,) = tell(late, dead(text, 34)).of("declared-dead-but-alive")
    assert finding.confidence is Confidence.CERTAIN
    assert "still sent on the old SA: an IKE message 6 s later. The other end answered only" in (
        finding.detail
    )
    assert len(finding.refs) == 5


@silent(
    "declared-dead-but-alive",
    "ESP that was under way when the verdict came",
    "retransmissions and replays are not fresh",
    "a peer that starts anew has new SPIs",
)
@pytest.mark.parametrize(
    "after",
    [
        "",
        "34.3 b>a esp in\n",  # was under way
        "40 b>a liveness 2 resp\n",  # sent before: a retransmission
        "40..50/1 b>a esp new\n",  # started anew
    ],
    ids=["gone", "under way", "not fresh", "started anew"],
)
def test_alive_is_silent(tell: Tell, after: str):
    text = UP + asks(5) + TRAFFIC + "10..34/0.5 a>b esp out\n" + retried(20, 22, 26, message_id=3)
    text += "34 a>b v2 handshake sa=2\n" + after
    assert tell(text).of("declared-dead-but-alive") == []


@silent("declared-dead-but-alive", "with two IKE SAs at once nobody can tell whose ESP it is")
def test_alive_is_silent_where_the_esp_may_be_of_another_sa(tell: Tell):
    text = UP + "0.5 a>b v2 handshake sa=9\n" + TRAFFIC + retried(20, 22, 26)
    text += "34 a>b v2 handshake sa=2\n35..45/1 b>a esp in\n"
    assert tell(text).of("declared-dead-but-alive") == []


@silent("declared-dead-but-alive", "an IKE message that comes as little as the answers before it")
def test_alive_is_silent_where_answers_do_not_come(tell: Tell):
    in_vain = "".join(f"{at}.01 b>a liveness 3 resp\n" for at in (20, 22, 26))
    text = UP + asks(10) + retried(20, 22, 26, message_id=3) + "60 a>b v2 handshake sa=2\n"
    later = "40 b>a liveness 0\n"
    said = [(34, "05[IKE] giving up after 2 retransmits")]
    for answers, found in (("", 1), (in_vain, 0)):
        log = charon(text + answers + later, said=said, lost=[LostOnTheWay("b", 20, 50)])
        told = tell(text + answers + later, ("charon.log", log))
        assert len(told.of("declared-dead-but-alive")) == found


# --- dpd-slower-than-budget ------------------------------------------------------------------


@fires("dpd-slower-than-budget")
def test_slower_than_the_budget(tell: Tell):
    text = stays(50) + "50 a>b v2 handshake sa=2\n"
    told = tell(text, options=SessionOptions(budget_s=20))
    (hole,) = told.peer.black_holes
    assert hole.black_hole_class is BlackHoleClass.SLOW_DPD
    (finding,) = told.of("dpd-slower-than-budget")
    assert finding.severity is Severity.WARNING
    assert "9 s until it asked, 30 s of asking (4 transmissions)" in finding.detail
    assert "more than the 20 s that a black hole may last (--budget)" in finding.detail
    assert "10 + 5 × 2 = 20 s" in finding.remedy


@pytest.mark.parametrize(("budget_s", "is_slow"), [(29, True), (31, False)])
def test_a_log_alone_tells_how_long_it_asked_at_least(tell: Tell, budget_s: int, is_slow: bool):
    log = charon(UP + GROWING, said=[(50, "05[IKE] giving up after 3 retransmits")])
    told = tell(("charon.log", log), options=SessionOptions(budget_s=budget_s))
    (hole,) = told.peer.black_holes
    found = [f.detail for f in told.of("dpd-slower-than-budget")]
    if is_slow:
        assert hole.black_hole_class is BlackHoleClass.SLOW_DPD
        (detail,) = found
        assert "up 30 s after the first try without an answer that its log shows" in detail
        assert "1 s more than the 29 s that a black hole may last (--budget)" in detail
    else:
        assert (hole.black_hole_class, found) == (BlackHoleClass.DETECTED, [])


def test_the_parts_of_a_late_verdict_add_up_though_nobody_sends_any_more(tell: Tell):
    text = """
    0 a>b v2 handshake
    0.1..20/0.2 a>b esp out
    0.15..20/0.2 b>a esp in
    20..25/1 a>b esp out
    50 a>b liveness 2
    60 a>b liveness 2
    70 a>b liveness 2
    80 a>b liveness 2
    90 a>b liveness 2
    130 a>b v2 handshake sa=2
    """
    (finding,) = tell(text).of("dpd-slower-than-budget")
    assert "questionable for 79 s: 29 s until it asked, 50 s of asking" in finding.detail


def test_slower_than_its_policy(tell: Tell):
    text = stays(50) + "50 a>b v2 handshake sa=2\n"
    (finding,) = tell(text, options=CONSTANT).of("dpd-slower-than-budget")
    assert "more than the 18 s that its policy takes at worst (given)" in finding.detail


@silent(
    "dpd-slower-than-budget",
    "a verdict within the worst case of the policy is as planned, however late",
)
def test_within_its_policy_is_silent(tell: Tell):
    text = stays(50) + "50 a>b v2 handshake sa=2\n"
    for parts in ((text,), (dead(text, 50),)):
        found = tell(*parts, options=given("strongswan interval=30"))
        assert found.of("dpd-slower-than-budget") == []


@silent("dpd-slower-than-budget", "a peer that came back before the verdict was not given up")
def test_a_peer_that_came_back_was_not_given_up(tell: Tell):
    text = stays(50) + "50 b>a esp in\n50..60/0.5 a>b esp out\n50.1..60/0.5 b>a esp in\n"
    assert tell(text, options=SessionOptions(budget_s=20)).of("dpd-slower-than-budget") == []


def test_advice_has_the_lines_and_the_formula():
    assert advice("cisco-ios", 1, 30) == (
        "Configure crypto isakmp keepalive 20 2 periodic. At worst:"
        " interval + 5 × wait = 20 + 5 × 2 = 30 s, within 30 s (--budget)."
    )
    assert "retransmit_timeout = " in advice("strongswan", 2, 30)
    assert "= 98 s" in advice("fortios", 2, 30)
    assert "Within 30 s only routing" in advice("fortios", 2, 30)
    assert "the equivalent of" in advice(None, 1, 30)
