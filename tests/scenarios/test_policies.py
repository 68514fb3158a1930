"""The policy that a side's questions show: its interval and mode, or that nothing can be told."""

from __future__ import annotations

from pathlib import Path

import pytest

from analyzers.model.policy import DpdPolicy, PolicyMode
from analyzers.session import SessionOptions
from tests.scenarios.conftest import Tell
from tests.scenarios.questions import SETUP, asked
from tests.scenarios.timeline import key_log

TRAFFIC = """
0.1..120/0.2 a>b esp out
0.15..120/0.2 b>a esp in
"""


def only(policies: tuple[DpdPolicy, ...]) -> DpdPolicy:
    (policy,) = policies
    return policy


def test_every_10_s_whatever_the_traffic(tell: Tell) -> None:
    """What came 50 ms before each question triggered none of them."""
    policy = only(tell(SETUP + TRAFFIC + asked(*range(10, 120, 10))).peer.policies)
    assert policy.mode is PolicyMode.PERIODIC
    assert policy.interval_s == pytest.approx(10)


def test_one_distance_that_is_none_amid_many(tell: Tell) -> None:
    """A failover held one question up; the evidence says what does not fit."""
    times = (*range(10, 60, 5), *range(63, 110, 5))
    policy = only(tell(SETUP + TRAFFIC + asked(*times)).peer.policies)
    assert policy.mode is PolicyMode.PERIODIC
    assert policy.interval_s == pytest.approx(5)
    assert "18 of 19 intervals of 5 s, the longest 8 s" in policy.evidence


def test_a_question_that_came_at_once_amid_many(tell: Tell) -> None:
    """A lost answer brought it about: the distances before and after are no others."""
    times = (*range(10, 60, 5), 56.1, *range(60, 110, 5))
    policy = only(tell(SETUP + TRAFFIC + asked(*times)).peer.policies)
    assert policy.interval_s == pytest.approx(5)
    assert "the shortest 1.1 s" in policy.evidence


def test_many_questions_without_an_interval_are_not_too_few(tell: Tell) -> None:
    """Nor does the least silence among them tell after what they are asked: ESP comes anyway."""
    times = (10, 13, 21, 23, 30, 41, 44, 52, 63, 66, 78, 90, 95)
    quiet = TRAFFIC.replace("120/0.2", "62/0.2") + "65..120/0.2 b>a esp in\n"
    policy = only(tell(SETUP + quiet + asked(*times)).peer.policies)
    assert (policy.mode, policy.interval_s, policy.about_s) == (PolicyMode.UNKNOWN, None, None)
    assert policy.evidence == "12 intervals of 2 to 12 s, irregular"


def test_another_exchange_took_the_place_of_a_question(tell: Tell) -> None:
    peer = tell(
        SETUP
        + TRAFFIC
        + asked(20, 30)
        + """
        40 a>b create-child 4
        40.02 b>a create-child 4 resp
        50 a>b liveness 5
        50.02 b>a liveness 5 resp
        60 a>b liveness 6
        60.02 b>a liveness 6 resp
        """
    ).peer
    assert only(peer.policies).interval_s == pytest.approx(10)


def test_a_single_question_amid_traffic_tells_nothing(tell: Tell) -> None:
    policy = only(tell(SETUP + TRAFFIC + asked(30)).peer.policies)
    assert (policy.mode, policy.interval_s) == (PolicyMode.UNKNOWN, None)


def test_irregular_questions_amid_traffic_tell_nothing(tell: Tell) -> None:
    policy = only(tell(SETUP + TRAFFIC + asked(13, 30, 61, 68)).peer.policies)
    assert (policy.mode, policy.interval_s) == (PolicyMode.UNKNOWN, None)


def test_on_idle(tell: Tell) -> None:
    """Each question 5 s after the last packet of the peer, whenever that came."""
    peer = tell(
        SETUP
        + "".join(f"{t} a>b esp out\n{t + 0.05:.2f} b>a esp in\n" for t in (7, 19, 22, 40, 58, 61))
        + asked(12.05, 27.05, 32.07, 45.05, 66.05)
    ).peer
    policy = only(peer.policies)
    assert policy.mode is PolicyMode.ON_IDLE
    assert policy.interval_s == pytest.approx(5, abs=0.05)


def test_questions_after_equal_silences_whose_ends_are_as_regular(tell: Tell) -> None:
    """5 s after what the peer deletes every 9 s: that is every 9 s, too."""
    deletes = "".join(
        f"{at - 5:.2f} b>a delete {n} esp=x\n{at - 4.99:.2f} a>b delete {n} resp\n"
        for n, at in enumerate((18, 27, 36, 45))
    )
    policy = only(tell(SETUP + deletes + asked(18, 27, 36, 45)).peer.policies)
    assert (policy.mode, policy.interval_s) == (PolicyMode.UNKNOWN, None)
    assert "5 s after the last proof of life" in policy.evidence


def test_silences_in_whole_seconds_may_be_what_is_set_as_well(tell: Tell) -> None:
    ends = ((12.1, 18), (21.2, 27), (30.9, 36))
    deletes = "".join(
        f"{t:.2f} b>a delete {n} esp=x\n{t + 0.01:.2f} a>b delete {n} resp\n"
        for n, (t, _) in enumerate(ends)
    )
    policy = only(tell(SETUP + deletes + asked(*(t for _, t in ends))).peer.policies)
    assert (policy.mode, policy.interval_s) == (PolicyMode.UNKNOWN, None)


def test_without_traffic_the_interval_is_known_and_the_mode_is_not(tell: Tell) -> None:
    policy = only(tell(SETUP + asked(10, 20, 30, 40)).peer.policies)
    assert policy.mode is PolicyMode.UNKNOWN
    assert policy.interval_s == pytest.approx(10, abs=0.05)


def test_questions_that_were_perhaps_answered_unseen_are_no_retries(tell: Tell) -> None:
    peer = tell(
        """
        0 a>b v1 main-mode
        0.1 a>b v1 quick
        10..120/10 a>b v1 info 108
        10.02..120/10 b>a v1 info 108
        unseen b>a 40..
        """
    ).peer
    policy = only(peer.policies)
    assert policy.interval_s == pytest.approx(10, abs=0.05)
    assert (policy.retry_s, policy.retries, policy.worst_case_s) == (None, None, None)


def test_ike_sas_with_intervals_of_their_own_are_no_policy_on_demand(
    tell: Tell,
) -> None:
    asked = "".join(f"{at} a>b liveness {n}\n{at + 0.01} b>a liveness {n} resp\n"
                    for n, at in enumerate(range(5, 30, 5), start=2))  # fmt: skip
    later = "".join(f"{at} a>b liveness {n} sa=2\n{at + 0.01} b>a liveness {n} sa=2 resp\n"
                    for n, at in enumerate(range(63, 80, 3), start=2))  # fmt: skip
    text = f"0 a>b v2 handshake\n{asked}60 a>b v2 handshake sa=2\n{later}"
    esp = "0.5..1.5/0.5 a>b esp out\n0.6..1.6/0.5 b>a esp in\n"
    policy = only(tell(text + esp).peer.policies)
    assert policy.mode is not PolicyMode.ON_DEMAND
    assert policy.interval_s == pytest.approx(3)
    assert "at other intervals" in policy.evidence


def test_each_of_two_ike_sas_is_asked_by_itself(tell: Tell) -> None:
    """What answers on one of them is no sign of life on the other, for who asks."""
    peer = tell(
        SETUP
        + "1 b>a v2 handshake sa=2\n"
        + asked(10, 20, 30, 40)
        + "13..45/10 a>b liveness sa=2 2+\n13.02..45/10 b>a liveness sa=2 2+ resp\n"
    ).peer
    policy = only(peer.policies)
    assert policy.mode is PolicyMode.UNKNOWN
    assert policy.interval_s == pytest.approx(10, abs=0.05)


def test_a_new_ike_sa_begins_to_count_anew(tell: Tell) -> None:
    """iked asks ten seconds after the last IKE message; between two SAs of it lies anything."""
    peer = tell(
        SETUP
        + TRAFFIC
        + asked(10, 20, 30)
        + "36 a>b v2 handshake sa=2\n"
        + "46..90/10 a>b liveness sa=2 2+\n46.02..90/10 b>a liveness sa=2 2+ resp\n"
    ).peer
    policy = only(peer.policies)
    assert policy.interval_s == pytest.approx(10, abs=0.05)
    assert "6 intervals" in policy.evidence


def test_a_number_that_was_answered_and_is_asked_again_is_no_new_question(
    tell: Tell, tmp_path: Path
) -> None:
    """vpnc repeats it where its own firewall drops the answers."""
    text = "0 a>b v1 main-mode\n0.1 a>b v1 quick\n" + TRAFFIC
    for t, n in ((10, 1), (20, 2), (30, 3), (40, 4), (45, 4), (50, 4), (55, 4), (60, 4)):
        text += f"{t} a>b v1 info says=ruthere seq={n}\n{t}.02 b>a v1 info says=ack seq={n}\n"
    keys = tmp_path / "keys.log"
    keys.write_text(key_log(text))
    policy = only(tell(text, options=SessionOptions(keys=(str(keys),))).peer.policies)
    assert policy.interval_s == pytest.approx(10)


def test_most_questions_come_after_one_silence(tell: Tell) -> None:
    """One comes sooner: an answer on another way had settled what nobody captured."""
    peer = tell(
        SETUP
        + "".join(f"{t} a>b esp out\n{t + 0.05:.2f} b>a esp in\n" for t in (7, 22, 40, 58, 75))
        + asked(12.05, 27.05, 42.05, 63.05, 80.05)
    ).peer
    policy = only(peer.policies)
    assert policy.mode is PolicyMode.UNKNOWN
    assert policy.interval_s == pytest.approx(5, abs=0.05)


def test_a_question_that_came_later_is_no_other_silence(tell: Tell) -> None:
    """One came sooner and one later: as if on demand, but for all the others."""
    times = (
        (7, 12.05),
        (22, 27.05),
        (40, 45.05),
        (58, 61.05),
        (70, 75.05),
        (80, 87.05),
        (92, 97.05),
    )
    esp = "".join(f"{t} a>b esp out\n{t + 0.05:.2f} b>a esp in\n" for t, _ in times)
    policy = only(tell(SETUP + esp + asked(*(t for _, t in times))).peer.policies)
    assert policy.mode is PolicyMode.UNKNOWN
    assert policy.interval_s == pytest.approx(5, abs=0.05)


def test_one_question_that_came_sooner_makes_no_periodic_policy(tell: Tell) -> None:
    """Something else made one of many ask: the others all came after as much silence."""
    once = "31 a>b esp out\n31.05 b>a esp in\n"
    policy = only(tell(SETUP + once + asked(10, 16, 22, 28, 34, 40, 46)).peer.policies)
    assert policy.mode is PolicyMode.UNKNOWN
    assert policy.interval_s == pytest.approx(6)


def test_questions_that_cross_make_no_periodic_policy(tell: Tell) -> None:
    """Both ends ask after as much silence, at once: neither had heard the other one's."""
    text = SETUP + "".join(
        f"{t} b>a liveness {n}\n{t + 0.001:.3f} a>b liveness {n + 2}\n"
        f"{t + 0.02:.2f} a>b liveness {n} resp\n{t + 0.021:.3f} b>a liveness {n + 2} resp\n"
        for n, t in enumerate(range(6, 40, 6))
    )
    for policy in tell(text).peer.policies:
        assert policy.mode is PolicyMode.UNKNOWN
        assert policy.interval_s == pytest.approx(6)


@pytest.mark.parametrize("late", [0, 30])
def test_one_question_that_came_later_makes_no_policy_on_demand(tell: Tell, late: float) -> None:
    """The others tell the interval; whether something was to be sent each time nobody knows."""
    heard = (7, 22, 40, 58, 70 + late)
    esp = "".join(f"{t} a>b esp out\n{t + 0.05:.2f} b>a esp in\n" for t in heard)
    policy = only(tell(SETUP + esp + asked(12.05, 27.05, 45.05, 67.05, 75.05 + late)).peer.policies)
    assert policy.mode is PolicyMode.UNKNOWN
    assert policy.interval_s == pytest.approx(5, abs=0.05)


def test_on_demand(tell: Tell) -> None:
    """After at least 5 s of silence, when something is to be sent."""
    heard = (7, 22, 40, 58, 75)
    esp = "".join(f"{t} a>b esp out\n{t + 0.05:.2f} b>a esp in\n" for t in heard)
    policy = only(tell(SETUP + esp + asked(15.3, 27.05, 54.2, 64.1, 97.05)).peer.policies)
    assert policy.mode is PolicyMode.ON_DEMAND
    assert policy.interval_s == pytest.approx(5, abs=0.05)


def test_silences_with_a_longest_one_are_not_on_demand(tell: Tell) -> None:
    """What was captured before the others did not arrive: each end of the path tells another."""
    heard = (7, 22, 40, 58, 75, 92)
    esp = "".join(f"{t} a>b esp out\n{t + 0.05:.2f} b>a esp in\n" for t in heard)
    policy = only(tell(SETUP + esp + asked(12.05, 24.3, 45.05, 60.9, 80.05, 95.7)).peer.policies)
    assert (policy.mode, policy.interval_s) == (PolicyMode.UNKNOWN, None)


def test_two_alike_of_three_are_not_on_demand(tell: Tell) -> None:
    esp = "".join(f"{t} a>b esp out\n{t + 0.05:.2f} b>a esp in\n" for t in (7, 22, 40))
    policy = only(tell(SETUP + esp + asked(12.05, 27.05, 60.05)).peer.policies)
    assert (policy.mode, policy.interval_s) == (PolicyMode.UNKNOWN, None)


def test_silences_counted_in_whole_seconds_are_not_on_demand(tell: Tell) -> None:
    esp = "".join(f"{t} a>b esp out\n{t + 0.05:.2f} b>a esp in\n" for t in (7, 22, 40, 58))
    policy = only(tell(SETUP + esp + asked(9.05, 24.6, 42.2, 61.1)).peer.policies)
    assert (policy.mode, policy.interval_s) == (PolicyMode.UNKNOWN, None)


def test_two_distances_that_differ_are_no_interval(tell: Tell) -> None:
    esp = "".join(f"{t} a>b esp out\n{t + 0.05:.2f} b>a esp in\n" for t in (7, 12, 18))
    policy = only(tell(SETUP + esp + asked(10.05, 15.05, 21.05)).peer.policies)
    assert policy.interval_s == pytest.approx(3, abs=0.05)


def test_one_distance_beside_an_answer_that_got_lost_is_no_spacing(tell: Tell) -> None:
    """What lost the answer behind the capture may have lost the retries before it."""
    lost = "39 a>b liveness 5\n39.02 b>a liveness 5 resp\n"
    again = "44.04 a>b liveness 5\n44.06 b>a liveness 5 resp\n"
    policy = only(tell(SETUP + asked(10, 20, 30) + lost + again).peer.policies)
    assert policy.retry_s is None
    assert policy.evidence.endswith("1 question may not be shown whole")


def test_a_retry_in_less_time_than_the_one_before_is_another_distance(tell: Tell) -> None:
    """One of those of the first question was held up; those of the second grow."""
    first = "".join(f"{t} a>b liveness 5\n" for t in (40, 41.5, 43.6, 44.6))
    second = "".join(f"{t} a>b liveness 6\n" for t in (55, 56.5, 58.6))
    back = "44.62 b>a liveness 5 resp\n"
    policy = only(tell(SETUP + asked(10, 20, 30) + first + back + second).peer.policies)
    assert policy.retry_s == pytest.approx(1.5)
    assert policy.backoff == pytest.approx(1.4)


def test_a_missing_retry_makes_twice_the_distance(tell: Tell) -> None:
    lost = "".join(f"{t} a>b liveness 5\n" for t in (40, 42, 46, 48, 50))
    policy = only(
        tell(SETUP + asked(10, 20, 30) + lost + "50.02 b>a liveness 5 resp\n").peer.policies
    )
    assert policy.retry_s == pytest.approx(2)
    assert policy.backoff == 1.0


def test_who_was_asked_in_vain_before_it_asks_may_have_asked_before(tell: Tell) -> None:
    """The capture is at the other end of what is cut: that this asked nothing is not seen."""
    cut = "".join(f"{t} a>b liveness 2\n" for t in (10, 11, 12, 13))
    seen = "".join(f"{t} b>a liveness 0\n" for t in (17, 19, 21)) + "23 b>a v2 handshake sa=2\n"
    peer = tell(
        SETUP + cut + seen + "30 b>a liveness 2 sa=2\n30.01 a>b liveness 2 sa=2 resp\n"
    ).peer
    (policy,) = (p for p in peer.policies if p.holder == "192.0.2.2")
    assert policy.retry_s == pytest.approx(2)
    assert policy.retries is None


def test_retries_are_those_before_a_verdict(tell: Tell) -> None:
    """The peer comes anew before the prober has given it up: it was not to ask any longer."""
    lost = "40 a>b liveness 6\n42 a>b liveness 6\n"
    anew = "43 b>a v2 handshake sa=2\n"
    peer = tell(SETUP + asked(10, 20, 30) + lost + anew + "90 b>a liveness sa=2 0\n").peer
    (policy,) = (p for p in peer.policies if p.holder == "192.0.2.1")
    assert policy.retry_s == pytest.approx(2)
    assert policy.retries is None
