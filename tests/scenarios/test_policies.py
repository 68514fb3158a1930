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
    assert policy.mode is PolicyMode.UNKNOWN
    assert "5 s after the last proof of life" in policy.evidence


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


def test_retries_are_those_before_a_verdict(tell: Tell) -> None:
    """The peer comes anew before the prober has given it up: it was not to ask any longer."""
    lost = "40 a>b liveness 6\n42 a>b liveness 6\n"
    anew = "43 b>a v2 handshake sa=2\n"
    peer = tell(SETUP + asked(10, 20, 30) + lost + anew + "90 b>a liveness sa=2 0\n").peer
    (policy,) = (p for p in peer.policies if p.holder == "192.0.2.1")
    assert policy.retry_s == pytest.approx(2)
    assert policy.retries is None
