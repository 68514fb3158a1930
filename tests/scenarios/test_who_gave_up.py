"""Who gave whom up, and when: what new IKE SAs, Deletes and the traffic around them tell of it."""

from __future__ import annotations

from pathlib import Path

import pytest

from analyzers.export.story import remarks
from analyzers.model.black_hole import BlackHoleClass, StopBasis
from analyzers.model.exchange import Lost, Outcome
from analyzers.model.peer import PeerState
from analyzers.model.records import Confidence
from analyzers.model.sa import SaEnd
from analyzers.session import ClockOptions, SessionOptions
from tests.scenarios.conftest import Tell
from tests.scenarios.inputs import together
from tests.scenarios.logs import charon
from tests.scenarios.timeline import at, capture, key_table, ns

A, B = "192.0.2.1", "192.0.2.2"
LATER = "90 c:4500>a:4500 keepalive\n"


def test_a_peer_that_comes_back_anew_was_not_given_up_by_who_asked(tell: Tell) -> None:
    """It restarts while it is asked: INITIAL_CONTACT ends the old SA before the retries run out."""
    peer = tell(
        """
        0 a>b v2 handshake
        1..22/3 a>b esp out
        1.001..22/3 b>a esp in
        10 b>a liveness 0
        10.01 a>b liveness 0 resp
        24 b>a liveness 1
        26 b>a liveness 1
        28 b>a liveness 1
        29 a>b v2 handshake sa=2
        31..60/3 a>b esp out2
        31.001..60/3 b>a esp in2
        """
    ).peer
    asked = peer.exchanges[-1]
    assert (asked.prober, asked.outcome, asked.verdict_ns) == (B, Outcome.UNANSWERED, None)
    assert PeerState.DEAD not in {s.state for s in peer.states}
    assert peer.state is PeerState.ALIVE
    assert SaEnd.DEAD_PEER not in {sa.end for sa in peer.ike_sas}


def test_who_negotiates_anew_when_the_last_wait_is_over_has_given_up(tell: Tell) -> None:
    """Retransmissions of IKEv2 go on whatever ESP comes meanwhile (RFC 7296 section 2.4)."""
    peer = tell(
        """
        0 a>b v2 handshake
        1..25/3 a>b esp out
        1.001..25/3 b>a esp in
        10 a>b liveness 2
        10.01 b>a liveness 2 resp
        21 a>b liveness 3
        22 a>b liveness 3
        23 a>b liveness 3
        24 a>b liveness 3
        24.5 a>b esp out
        24.51 b>a esp in
        25 a>b v2 sa-init 0 sa=2
        26 a>b v2 sa-init 0 sa=2
        27 a>b v2 sa-init 0 sa=2
        40 a>b v2 handshake sa=3
        41..60/3 a>b esp out3
        41.001..60/3 b>a esp in3
        """
    ).peer
    asked = peer.exchanges[-1]
    assert asked.outcome is Outcome.UNANSWERED
    assert asked.verdict_ns == at(25)
    assert [s.state for s in peer.states if s.start_ns >= at(20)] == [
        PeerState.PROBING,
        PeerState.DEAD,
        PeerState.ALIVE,
    ]
    assert peer.ike_sas[0].end is SaEnd.DEAD_PEER


def test_the_first_attempt_after_the_questions_is_the_verdict(tell: Tell) -> None:
    """IKEv1: the timeout comes before the next question is due, and attempts that fail follow."""
    peer = tell(
        """
        0 a>b v1 main-mode
        0.1 a>b v1 quick
        0.5..39.9/0.2 a>b esp out
        0.6..20/0.2 b>a esp in
        5 a>b v1 info 108
        5.01 b>a v1 info 108
        23 a>b v1 info 108
        26 a>b v1 info 108
        29 a>b v1 info 108
        32 a>b v1 info 108
        35 a>b v1 info 108
        38 a>b v1 info 108
        40 a>b v1 mm1 sa=2
        44 a>b v1 mm1 sa=2
        60 a>b v1 main-mode sa=3
        60.1 a>b v1 quick sa=3
        61..70/0.2 a>b esp out3
        61.1..70/0.2 b>a esp in3
        """
    ).peer
    asked = peer.exchanges[-1]
    assert asked.retries == 5
    assert asked.verdict_ns == at(40)


def test_who_goes_on_sending_on_the_sa_has_not_deleted_it(tell: Tell) -> None:
    """A third question a second before the timeout is no Delete."""
    peer = tell(
        """
        0 a>b v1 main-mode
        0.1 a>b v1 quick
        0.5..29.95/0.2 a>b esp out
        0.6..20/0.2 b>a esp in
        5 a>b v1 info 108
        5.01 b>a v1 info 108
        23 a>b v1 info 108
        26 a>b v1 info 108
        29 a>b v1 info 108
        30 a>b v1 mm1 sa=2
        32 a>b v1 mm1 sa=2
        """
        + LATER
    ).peer
    asked = peer.exchanges[-1]
    assert asked.retries == 2
    assert asked.verdict_ns == at(30)
    assert not peer.deletes


def test_a_data_plane_is_dead_that_only_the_other_end_asks_over(tell: Tell) -> None:
    """Its questions are answered while none of its ESP comes back any more."""
    told = tell(
        """
        0 a>b v2 handshake
        0.5..70/0.2 a>b esp out
        0.501..20/0.2 b>a esp in
        23.2..50/3 b>a liveness 0+
        23.201..50/3 a>b liveness 0+ resp
        52.501..70/0.2 b>a esp in
        """
    )
    peer = told.peer
    (hole,) = peer.black_holes
    assert hole.black_hole_class is BlackHoleClass.DATA_PLANE
    assert (hole.sender, hole.receiver) == (A, B)
    assert not told.of("dpd-while-traffic-flows")
    assert hole.max_seconds > 30
    assert peer.state is PeerState.ALIVE


def test_who_asks_anyway_may_have_nothing_to_send(tell: Tell) -> None:
    """Periodic questions of an end that only listens now are no sign of a dead data plane."""
    peer = tell(
        """
        0 a>b v2 handshake
        0.5..70/0.2 a>b esp out
        0.501..20/0.2 b>a esp in
        3.2..68/5 b>a liveness 0+
        3.201..68/5 a>b liveness 0+ resp
        """
    ).peer
    assert BlackHoleClass.DATA_PLANE not in {h.black_hole_class for h in peer.black_holes}


def test_a_delete_after_the_capture_is_no_verdict(tmp_path: Path) -> None:
    """It is said by the log of its sender, long after another SA was given up."""
    text = """
        0 a>b v2 handshake
        1..20/0.5 a>b esp out
        1.01..20/0.5 b>a esp in
        22 a>b liveness 2
        24 a>b liveness 2
        26 a>b liveness 2
        28 a>b liveness 2
        38 a>b v2 handshake sa=2
        39..45/0.5 a>b esp out2
        39.01..45/0.5 b>a esp in2
        """
    log = [
        (30.0, "09[IKE] giving up after 3 retransmits"),
        (30.001, "09[IKE] IKE_SA gw[1] state change: ESTABLISHED => DESTROYING"),
        (47.0, "11[NET] received packet: from 192.0.2.2[500] to 192.0.2.1[500] (80 bytes)"),
        (47.0, "11[ENC] parsed INFORMATIONAL request 0 [ D ]"),
        (47.0, "11[IKE] received DELETE for IKE_SA gw[2]"),
        (47.0, "11[IKE] deleting IKE_SA gw[2] between 192.0.2.1[A]...192.0.2.2[B]"),
        (47.0, "11[IKE] IKE_SA gw[2] state change: ESTABLISHED => DELETING"),
        (47.0, "11[IKE] IKE_SA deleted"),
        (47.001, "11[ENC] generating INFORMATIONAL response 0 [ ]"),
        (47.001, "11[NET] sending packet: from 192.0.2.1[500] to 192.0.2.2[500] (80 bytes)"),
        (47.001, "11[IKE] IKE_SA gw[2] state change: DELETING => DESTROYING"),
    ]
    peer = together(tmp_path, capture(text), charon(text, said=log)).peer
    assert peer.state is PeerState.DELETED
    assert [sa.end for sa in peer.ike_sas] == [SaEnd.DEAD_PEER, SaEnd.DELETE]
    assert [(d.sender, d.at_ns) for d in peer.deletes] == [(B, at(47))]
    assert not peer.lost_deletes


def test_questions_on_a_renewed_sa_give_nobody_up(tell: Tell) -> None:
    """Both SAs are asked on until the old one is deleted; the new one goes on."""
    peer = tell(
        """
        0 a>b v1 main-mode
        0.1 a>b v1 quick
        2..13/2 a>b v1 info 108
        2.01..13/2 b>a v1 info 108
        10.5 a>b v1 main-mode sa=2
        13..16/2 a>b v1 info 108 sa=2
        13.01..16/2 b>a v1 info 108 sa=2
        14 a>b v1 info 108
        16 a>b v1 info 108
        18 a>b v1 info 108
        20.5 a>b v1 info 92
        17..34/2 a>b v1 info 108 sa=2
        36 a>b v1 mm1 sa=3
        40 a>b v1 mm1 sa=3
        """
    ).peer
    verdicts = {x.ike_sa: x.verdict_ns for x in peer.exchanges if x.outcome is Outcome.UNANSWERED}
    assert verdicts == {"i1": None, "i2": at(35)}
    assert [s.start_ns for s in peer.states if s.state is PeerState.DEAD] == [at(35)]


def test_who_goes_on_with_quick_mode_has_not_given_up(tell: Tell) -> None:
    """No question is due while a phase 2 is under way: what ends it ends the SA."""
    story = """
        0 a>b v1 main-mode
        0.1 a>b v1 quick
        1..60/0.5 a>b esp out
        1.01..30/0.5 b>a esp in
        4..30/4 a>b v1 info 108
        4.01..30/4 b>a v1 info 108
        32 a>b v1 info 108
        34 a>b v1 info 108
        36 a>b v1 info 108
        36.5 a>b v1 qm1 id=0x77
        37.5 a>b v1 qm1 id=0x77
        39.5 a>b v1 qm1 id=0x77
        """
    anew = "41.5 a>b v1 mm1 sa=2\n42.5 a>b v1 mm1 sa=2\n"
    verdicts = [
        [x.verdict_ns for x in tell(text).peer.exchanges if x.verdict_ns is not None]
        for text in (story, story + anew)
    ]
    assert verdicts == [[], [at(41.5)]]


def test_who_asks_on_another_sa_of_the_same_time_has_not_given_up(tell: Tell) -> None:
    """Both ends have renewed at once: one of the two SAs goes, the other one is asked on."""
    peer = tell(
        """
        0 a>b v1 main-mode
        0.1 a>b v1 quick
        3..20/3 a>b v1 info 108
        3.01..20/3 b>a v1 info 108
        20 a>b v1 main-mode sa=2
        20.05 b>a v1 main-mode sa=3
        23..30/3 a>b v1 info 108 sa=2
        23.01..36/3 a>b v1 info 108 sa=3
        30.5 a>b v1 info 92 sa=2
        37.5 a>b v1 mm1 sa=4
        39.5 a>b v1 mm1 sa=4
        """
    ).peer
    verdicts = [x.verdict_ns for x in peer.exchanges if x.verdict_ns is not None]
    assert verdicts == [at(37.5)]
    assert [s.start_ns for s in peer.states if s.state is PeerState.DEAD] == [at(37.5)]


TWO_AT_ONCE = """
0 a>b v1 main-mode
0.1 a>b v1 quick
3..20/3 a>b v1 info 108 says=ruthere
3.01..20/3 b>a v1 info 108 says=ack
20 a>b v1 main-mode sa=2
20.05 b>a v1 main-mode sa=3
23..30/3 a>b v1 info 108 sa=3 says=ruthere
24..34/3 a>b v1 info 108 sa=2 says=ruthere
"""


def test_each_of_two_sas_of_the_same_time_has_the_verdict_that_its_log_tells(
    tmp_path: Path,
) -> None:
    """The log names neither: the first verdict is on the one, the second on the other."""
    said = tuple((s, "14[JOB] DPD check timed out, enforcing DPD action") for s in (33.5, 36.0))
    log = charon(TWO_AT_ONCE, "a", said=said)
    peer = together(tmp_path, capture(TWO_AT_ONCE + "60 c>a keepalive\n"), log).peer
    verdicts = [x.verdict_ns for x in peer.exchanges if x.outcome is Outcome.UNANSWERED]
    assert sorted(filter(None, verdicts)) == [at(33.5), at(36)]


def test_who_renews_an_sa_and_deletes_it_then_has_given_nobody_up(tell: Tell) -> None:
    """The renewal is due while the peer starts anew."""
    peer = tell(
        """
        0 a>b v1 main-mode
        0.1 a>b v1 quick
        3..20/3 a>b v1 info 108
        3.01..20/3 b>a v1 info 108
        21 a>b v1 info 108
        24 a>b v1 info 108
        27 a>b v1 info 108
        28.6 a>b v1 mm1 sa=2
        30 a>b v1 mm1 sa=2
        32 a>b v1 info 92
        33 a>b v1 main-mode sa=3
        36..60/3 a>b v1 info 108 sa=3
        36.01..60/3 b>a v1 info 108 sa=3
        """
    ).peer
    assert {x.verdict_ns for x in peer.exchanges} == {None}
    assert PeerState.DEAD not in {s.state for s in peer.states}


def test_a_logged_delete_is_no_repetition_of_the_question_with_its_number(tmp_path: Path) -> None:
    """It is that of another SA: the log does not tell of which."""
    text = "0 a>b v2 handshake\n5 b>a liveness 0\n5.01 a>b liveness 0 resp\n9 c>a keepalive\n"
    bye = (
        (10.0, "00[IKE] sending DELETE for IKE_SA gw[2]"),
        (10.0, "00[ENC] generating INFORMATIONAL request 0 [ D ]"),
        (10.0, "00[NET] sending packet: from 192.0.2.2[4500] to 192.0.2.1[4500] (80 bytes)"),
    )
    peer = together(tmp_path, capture(text), charon(text, "b", said=bye)).peer
    assert [(x.outcome, x.retries) for x in peer.exchanges] == [(Outcome.ANSWERED, 0)]
    assert [d.at_ns for d in peer.deletes] == [at(10)]


@pytest.mark.parametrize(("deleter", "verdict_ns"), [("a>b", at(14)), ("b>a", None)])
def test_the_delete_of_who_was_asked_is_no_verdict(
    tell: Tell, tmp_path: Path, deleter: str, verdict_ns: int | None
) -> None:
    text = f"""
        0 a>b v1 main-mode
        0.1 a>b v1 quick
        4 a>b v1 info says=ruthere seq=1
        4.01 b>a v1 info says=ack seq=1
        8 a>b v1 info says=ruthere seq=2
        10 a>b v1 info says=ruthere seq=2
        12 a>b v1 info says=ruthere seq=2
        14 {deleter} v1 info says=delete
        60 c:4500>a:4500 keepalive
        """
    table = tmp_path / "ikev1_decryption_table"
    table.write_text(key_table(text))
    peer = tell(text, options=SessionOptions(keys=(str(table),))).peer
    assert [x.verdict_ns for x in peer.exchanges] == [None, verdict_ns]


def given_up(traffic: str) -> tuple[str, str]:
    """A peer that is given up, and then sends: the timeline, and the log of who asked it."""
    text = f"""
        0 a>b v2 handshake
        1..20/0.5 a>b esp out
        1.01..20/0.5 b>a esp in
        22 b>a liveness 0
        24 b>a liveness 0
        26 b>a liveness 0
        28 b>a liveness 0
        {traffic}
        """
    said = [
        (30.0, "09[IKE] giving up after 3 retransmits"),
        (30.001, "09[IKE] IKE_SA gw[1] state change: ESTABLISHED => DESTROYING"),
    ]
    return text, charon(text, "b", said=said)


def test_a_delete_that_nobody_heard_proves_no_life(tmp_path: Path) -> None:
    """Its sender was given up long before; only its own log, after the capture, tells of it."""
    text, log = given_up("40..45/0.5 a>b esp out")
    left = [
        (47.0, "00[IKE] deleting IKE_SA gw[1] between 192.0.2.1[A]...192.0.2.2[B]"),
        (47.0, "00[IKE] sending DELETE for IKE_SA gw[1]"),
        (47.0, "00[ENC] generating INFORMATIONAL request 4 [ D ]"),
        (47.0, "00[NET] sending packet: from 192.0.2.1[500] to 192.0.2.2[500] (80 bytes)"),
        (47.0, "00[IKE] IKE_SA gw[1] state change: ESTABLISHED => DELETING"),
    ]
    logs = charon(text, said=left), log
    peer = together(tmp_path, capture(text), *logs).peer
    assert peer.state is PeerState.DEAD
    assert all(hole.recovered_ns is None for hole in peer.black_holes)


def test_a_silence_before_a_new_sa_is_no_life(tell: Tell) -> None:
    """Nobody asked, and nobody deleted the old SA: an end lost it, or gave it up unseen."""
    peer = tell(
        """
        0 a>b v2 handshake
        0.5..20/0.2 a>b esp out
        0.501..20/0.2 b>a esp in
        60 a>b v2 handshake sa=2
        60.5..80/0.2 a>b esp out2
        60.501..80/0.2 b>a esp in2
        """
    ).peer
    assert [(s.state, s.start_ns) for s in peer.states][-2:] == [
        (PeerState.UNKNOWN, at(19.901)),
        (PeerState.ALIVE, at(60.03)),
    ]


def test_two_sas_side_by_side_are_alive(tell: Tell) -> None:
    """The older one goes on when the other one begins."""
    peer = tell(
        """
        0 a>b v2 handshake
        0.5..80/0.2 a>b esp out
        0.501..80/0.2 b>a esp in
        60 a>b v2 handshake sa=2
        """
    ).peer
    assert PeerState.UNKNOWN not in {s.state for s in peer.states[1:]}


def test_who_does_not_answer_a_negotiation_is_not_known_to_live(tell: Tell) -> None:
    peer = tell(
        """
        0 a>b v1 main-mode
        0.1 a>b v1 quick
        0.5..30/0.5 a>b esp out
        0.6..20/0.5 b>a esp in
        40 a>b v1 mm1 sa=2
        44 a>b v1 mm1 sa=2
        52 a>b v1 mm1 sa=2
        """
        + LATER
    ).peer
    assert peer.state is not PeerState.ALIVE


def test_a_negotiation_beside_a_living_sa_says_nothing(tell: Tell) -> None:
    peer = tell(
        """
        0 a>b v2 handshake
        0.5..80/0.5 a>b esp out
        0.6..80/0.5 b>a esp in
        40 a>b v2 sa-init 0 sa=2
        44 a>b v2 sa-init 0 sa=2
        52 a>b v2 sa-init 0 sa=2
        """
    ).peer
    assert peer.state is PeerState.ALIVE
    assert PeerState.UNKNOWN not in {s.state for s in peer.states[1:]}


def test_what_is_asked_after_life_was_proven_is_no_retry(tell: Tell) -> None:
    """Between bursts of traffic: one question of a pair is lost, and so is that after it."""
    peer = tell(
        """
        0 a>b v1 main-mode
        0.1 a>b v1 quick
        1..4/0.2 a>b esp out
        1.01..4/0.2 b>a esp in
        7 b>a v1 info 108
        7.01 a>b v1 info 108
        12..16/0.2 a>b esp out
        12.01..16/0.2 b>a esp in
        19 b>a v1 info 108
        24..28/0.2 a>b esp out
        24.01..28/0.2 b>a esp in
        31 b>a v1 info 108
        34 b>a v1 info 108
        36..40/0.2 a>b esp out
        36.01..40/0.2 b>a esp in
        43 b>a v1 info 108
        43.01 a>b v1 info 108
        """
        + LATER
    ).peer
    assert [x.first_ns for x in peer.exchanges if x.outcome is Outcome.ANSWERED] == [at(7), at(43)]
    assert not [x for x in peer.exchanges if x.retries and x.first_ns < at(31)]


def test_a_verdict_stands_though_the_peer_is_heard_long_after(tell: Tell) -> None:
    """Retries ran out, and who asked never used the SA again; the other end did not notice."""
    peer = tell(
        """
        0 a>b v2 handshake
        0.5..20/0.2 a>b esp out
        0.501..20/0.2 b>a esp in
        23 b>a liveness 0
        25 b>a liveness 0
        27 b>a liveness 0
        29 b>a liveness 0
        50..60/0.2 a>b esp out
        """
    ).peer
    (asked,) = peer.exchanges
    assert (asked.outcome, asked.verdict_ns) == (Outcome.UNANSWERED, at(31))
    assert (PeerState.DEAD, at(31)) in [(s.state, s.start_ns) for s in peer.states]
    assert BlackHoleClass.TRANSIENT not in {h.black_hole_class for h in peer.black_holes}


def test_a_black_hole_ends_before_the_verdict_that_came_before_life(tell: Tell) -> None:
    """And the peer is back when both talk: what it sends on an SA that is gone is for nobody."""
    text = """
        0 a>b v2 handshake
        0.5..20/0.2 a>b esp out
        0.501..24/0.2 b>a esp in
        23 b>a liveness 0
        25 b>a liveness 0
        27 b>a liveness 0
        29 b>a liveness 0
        50..60/0.2 a>b esp out
        """
    anew = """
        61 a>b v2 handshake sa=2
        62..70/0.2 a>b esp out2
        62.001..70/0.2 b>a esp in2
        """
    for rest, state, back in (("", PeerState.DEAD, None), (anew, PeerState.ALIVE, at(61.03))):
        peer = tell(text + rest).peer
        hole = next(h for h in peer.black_holes if h.sender == B)
        assert hole.black_hole_class is BlackHoleClass.DETECTED
        assert (hole.dead_ns, hole.stop_ns) == (at(31), at(23.901))
        assert (peer.state, hole.recovered_ns) == (state, back)


def test_a_question_heard_of_in_time_gives_nobody_up(tell: Tell) -> None:
    """ESP came before the last wait was over, or who asked uses the SA afterwards."""
    peer = tell(
        """
        0 a>b v2 handshake
        0.5..20/0.2 a>b esp out
        0.501..20/0.2 b>a esp in
        23 b>a liveness 0
        25 b>a liveness 0
        27 b>a liveness 0
        29 b>a liveness 0
        50..60/0.2 a>b esp out
        50.001..60/0.2 b>a esp in
        """
    ).peer
    assert peer.exchanges[0].verdict_ns is None
    assert PeerState.DEAD not in {s.state for s in peer.states}


def test_an_attempt_that_comes_through_late_replaces_the_sa_all_the_same(tell: Tell) -> None:
    """It began before the last question, and was repeated until the link was back."""
    peer = tell(
        """
        0 a>b v1 main-mode
        0.1 a>b v1 quick
        0.5..14.9/0.2 a>b esp out
        0.501..14.9/0.2 b>a esp in
        5 b>a v1 info 108
        5.01 a>b v1 info 108
        17 b>a v1 info 108
        19 b>a v1 info 108
        21 b>a v1 info 108
        22 a>b v1 mm1 sa=2
        23 b>a v1 info 108
        25 b>a v1 info 108
        26 a>b v1 main-mode sa=2
        26.1 a>b v1 quick sa=2
        27..40/0.2 a>b esp out2
        27.001..40/0.2 b>a esp in2
        """
    ).peer
    asked = peer.exchanges[-1]
    assert (asked.prober, asked.verdict_ns) == (B, None)
    assert PeerState.DEAD not in {s.state for s in peer.states}


def test_both_ends_give_up_by_their_logs(tmp_path: Path) -> None:
    """The answers do not reach one end, the questions of the other neither: each says so."""
    text = """
        0 a>b v2 handshake
        1..20/0.5 a>b esp out
        1.01..20/0.5 b>a esp in
        21 b>a liveness 0
        21.01 a>b liveness 0 resp
        22 a>b liveness 2
        24 a>b liveness 2
        26 a>b liveness 2
        28 a>b liveness 2
        """
    left = [
        (30.0, "09[IKE] giving up after 3 retransmits"),
        (30.001, "09[IKE] IKE_SA gw[1] state change: ESTABLISHED => DESTROYING"),
    ]
    right = [
        (25.0, "09[IKE] giving up after 2 retransmits"),
        (25.001, "09[IKE] IKE_SA gw[1] state change: ESTABLISHED => DESTROYING"),
    ]
    logs = charon(text, said=left), charon(text, "b", said=right)
    peer = together(tmp_path, capture(text), *logs).peer
    deaths = [s.start_ns for s in peer.states if s.state is PeerState.DEAD]
    assert deaths
    assert abs(deaths[0] - at(25)) < 20_000_000


@pytest.mark.parametrize("with_capture", [True, False], ids=["captured", "logs alone"])
def test_who_answers_after_the_verdict_has_not_answered(tmp_path: Path, with_capture: bool) -> None:
    """The other end stood still, and reads at last what had come: by then it was given up."""
    before = """
        0 a>b v2 handshake
        7 a>b liveness 2
        7.01 b>a liveness 2 resp
        """
    asked = before + "".join(f"{n} b>a liveness 0\n" for n in (19, 20, 22, 25))
    late = before + "32 b>a liveness 0\n32.001 a>b liveness 0 resp\n"
    said = [
        (31.0, "12[IKE] giving up after 3 retransmits"),
        (31.001, "12[IKE] IKE_SA gw[1] state change: ESTABLISHED => DESTROYING"),
        (45.0, "00[DMN] SIGTERM received, shutting down"),
    ]
    logs = charon(late), charon(asked, "b", said=said)
    wire = [capture(asked + "32.001 a>b liveness 0 resp\n")] * with_capture
    peer = together(tmp_path, *wire, *logs).peer
    question = peer.exchanges[-1]
    assert (question.prober, question.outcome) == (B, Outcome.UNANSWERED)
    assert len(question.transmissions) == 4
    assert question.verdict_ns == pytest.approx(at(31), abs=ns(0.01))
    assert not any(sent.lost for sent in question.transmissions)
    assert question.lost is not Lost.REQUEST
    (ike_sa,) = peer.ike_sas
    assert ike_sa.end is SaEnd.DEAD_PEER


def test_what_leaves_long_before_a_new_phase_1_is_no_delete(tell: Tell) -> None:
    """Who deletes the SA of a dead peer begins anew with the next packet it has to send."""
    peer = tell(
        """
        0 a>b v1 main-mode
        0.1 a>b v1 quick
        0.5..29/3 a>b esp out
        0.501..13/3 b>a esp in
        18 a>b v1 info 108
        22 a>b v1 info 108
        26 a>b v1 info 108
        28 a>b v1 mm1 sa=2
        30 a>b v1 mm1 sa=2
        """
        + LATER
    ).peer
    asked = peer.exchanges[-1]
    assert (asked.retries, asked.verdict_ns) == (2, at(28))
    assert not peer.deletes


def test_a_peer_that_is_heard_on_a_new_sa_is_heard_again(tell: Tell) -> None:
    """No traffic shows when: what was negotiated after the verdict does."""
    peer = tell(
        """
        0 a>b v2 handshake
        5 a>b liveness 2
        5.01 b>a liveness 2 resp
        10 a>b liveness 3
        12 a>b liveness 3
        14 a>b liveness 3
        16 a>b v2 sa-init 0 sa=2
        18 a>b v2 sa-init 0 sa=2
        30 a>b v2 handshake sa=3
        35 a>b liveness 2 sa=3
        35.01 b>a liveness 2 resp sa=3
        """
    ).peer
    (hole,) = peer.black_holes
    (said, *_) = remarks(peer, hole, lambda at_ns: f"{(at_ns - at(0)) / 1e9:.2f} s")
    assert said == f"{B} is heard again at 30.03 s"


@pytest.mark.parametrize("until", [9.99, 13.99])
def test_a_peer_whose_traffic_comes_after_the_verdict_is_heard_again(
    tell: Tell, until: float
) -> None:
    """Nobody answers it: it is not reached again. The last packet into the silence ends that."""
    peer = tell(
        f"""
        0 a>b v2 handshake
        0.5..8/0.5 a>b esp out
        0.501..8/0.5 b>a esp in
        8..{until}/0.5 a>b esp out
        10 a>b liveness 2
        12 a>b liveness 2
        14 a>b liveness 2
        16 a>b liveness 2
        25..40/0.5 b>a esp in
        """
    ).peer
    assert peer.exchanges[-1].verdict_ns == at(18)
    holes = [hole for hole in peer.black_holes if hole.sender == A]
    assert [(h.stop_ns, h.stop_basis) for h in holes] == (
        [] if until < 11 else [(at(13.5), StopBasis.LAST_OUTBOUND)]
    )
    for hole in holes:
        said = remarks(peer, hole, lambda at_ns: f"{(at_ns - at(0)) / 1e9:.2f} s")
        assert (hole.recovered_ns, said[0]) == (None, f"{B} is heard again at 25.00 s")


def test_a_verdict_is_of_the_silence_before_it(tmp_path: Path) -> None:
    """Traffic of the other end meanwhile ends a first one."""
    text = """
        0 a>b v2 handshake
        0.5..34/0.2 a>b esp out
        0.501..20/0.2 b>a esp in
        23 a>b liveness 2
        25 a>b liveness 2
        26 b>a esp in
        27 a>b liveness 2
        29 a>b liveness 2
        31 a>b liveness 2
        """
    gave_up = [
        (33.0, "09[IKE] giving up after 4 retransmits"),
        (33.001, "09[IKE] IKE_SA gw[1] state change: ESTABLISHED => DESTROYING"),
    ]
    peer = together(tmp_path, capture(text), charon(text, said=gave_up)).peer
    first, last = [hole for hole in peer.black_holes if hole.sender == A]
    assert (first.black_hole_class, first.dead_ns) == (BlackHoleClass.TRANSIENT, None)
    assert last.dead_ns is not None
    assert abs(last.dead_ns - at(33)) < 20_000_000


def test_what_comes_long_after_changes_no_verdict(tell: Tell) -> None:
    """The peer came back anew by itself; many more SAs follow."""
    later = "\n".join(f"{40 + 3 * n} a>b v2 handshake sa=n{n}" for n in range(40))
    peer = tell(
        """
        0 a>b v2 handshake
        1..22/3 a>b esp out
        1.001..22/3 b>a esp in
        24 b>a liveness 0
        26 b>a liveness 0
        28 b>a liveness 0
        29 a>b v2 handshake sa=2
        """
        + later
    ).peer
    asked = peer.exchanges[-1]
    assert (asked.prober, asked.outcome, asked.verdict_ns) == (B, Outcome.UNANSWERED, None)


@pytest.mark.parametrize(
    ("traffic", "least"),
    [
        ("40..60/0.5 a>b esp out", 40),
        # It sends on while the other end asks: what went out before that verdict may have arrived.
        ("20..60/0.5 a>b esp out", 59),
    ],
    ids=["after", "through"],
)
def test_what_is_sent_to_who_removed_the_sa_is_lost_for_sure(
    tmp_path: Path, traffic: str, least: int
) -> None:
    """It gave us up, says its own log, and whoever sends on the old SA sends in vain."""
    text, log = given_up(traffic)
    packets = capture(text)
    peer = together(tmp_path, packets, log).peer
    (hole,) = [h for h in peer.black_holes if h.sender == A and h.max_seconds]
    assert hole.removed_ns == pytest.approx(at(30), abs=ns(0.01))
    assert (hole.min_packets, hole.confidence) == (least, Confidence.CERTAIN)
    assert hole.min_seconds == pytest.approx(least / 2 - 0.5, abs=0.02)
    assert hole.max_packets >= least
    alone = together(tmp_path, packets).peer
    assert all(h.removed_ns is None and not h.min_packets for h in alone.black_holes)


def test_an_older_sa_that_is_removed_later_takes_nothing_back(tmp_path: Path) -> None:
    """A daemon that ends removes what it had renewed: the SA in use had been gone long before."""
    text, log = given_up("20..55/0.5 a>b esp out")
    later = "2023-11-14 22:14:16.000 00[IKE] IKE_SA gw[0] state change: REKEYING => DESTROYING\n"
    assert log.splitlines()[-1] < later
    for told in (log, log + later):
        peer = together(tmp_path, capture(text), told).peer
        (hole,) = [h for h in peer.black_holes if h.sender == A and h.max_seconds]
        assert hole.removed_ns == pytest.approx(at(30), abs=ns(0.01))
        assert hole.min_packets == 49


def test_a_clock_set_against_the_messages_bounds_nothing(tmp_path: Path) -> None:
    text, log = given_up("40..60/0.5 a>b esp out")
    clocks = ClockOptions(offsets_ns={"1.txt": ns(5)})
    peer = together(tmp_path, capture(text), log, clocks=clocks).peer
    (hole,) = [h for h in peer.black_holes if h.sender == A and h.max_seconds]
    assert (hole.removed_ns, hole.min_packets) == (None, 0)
    assert hole.confidence is not Confidence.CERTAIN


def test_a_delete_of_another_sa_in_vain_gives_nobody_up(tmp_path: Path) -> None:
    """Both ends have renewed at once; the Delete of the superfluous SA is lost, and no more."""
    text = """
        0 a>b v2 handshake
        1..40/0.5 a>b esp out
        1.01..40/0.5 b>a esp in
        20 b>a liveness 0
        22 b>a liveness 0
        24.1 b>a liveness 0
        24.12 a>b liveness 0 resp
        """
    said = [
        (23.0, "10[IKE] giving up after 1 retransmits"),
        (23.0, "10[IKE] proper IKE_SA delete failed, peer not responding"),
        (23.0, "10[IKE] IKE_SA gw[2] state change: DELETING => DESTROYING"),
    ]
    ends = "192.0.2.2[192.0.2.2]...192.0.2.1[192.0.2.1]"
    said += [(15.0, f"10[IKE] IKE_SA gw[{n}] rekeyed between {ends}") for n in (2, 3)]
    peer = together(tmp_path, capture(text), charon(text, "b", said=sorted(said))).peer
    assert PeerState.DEAD not in {s.state for s in peer.states}
    assert {x.verdict_ns for x in peer.exchanges} == {None}
