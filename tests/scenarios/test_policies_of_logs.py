"""What a log alone tells of the policy, and of the time before a question: it shows no traffic."""

from __future__ import annotations

from pathlib import Path

import pytest
from msgspec.structs import replace

from analyzers.export.formatting import black_hole_bounds
from analyzers.export.verdict import verdict_of
from analyzers.model.black_hole import PhaseName
from analyzers.model.peer import PeerState, PeerView
from analyzers.model.policy import DpdPolicy, PolicyMode
from analyzers.rules.configuration.examples import swanctl
from analyzers.tracking.policy import observe
from analyzers.whatif.candidates import given
from analyzers.whatif.study import Simulation
from tests.model_builders import answered, sent
from tests.scenarios.inputs import alone, together
from tests.scenarios.logs import charon
from tests.scenarios.questions import SETUP, asked
from tests.scenarios.timeline import at, capture

TRAFFIC = """
0.1..300/0.2 a>b esp out
0.15..300/0.2 b>a esp in
"""


def given_up(first_s: float) -> str:
    """Three transmissions; then the log says that the peer was given up."""
    return "".join(f"{first_s + late} a>b liveness 9\n" for late in (0, 2, 4))


def verdict_at(at_s: float) -> list[tuple[float, str]]:
    return [
        (at_s, "09[IKE] giving up after 2 retransmits"),
        (at_s + 0.001, "09[IKE] IKE_SA gw[1] state change: ESTABLISHED => DESTROYING"),
    ]


def only(peer: PeerView) -> DpdPolicy:
    (policy,) = peer.policies
    return policy


@pytest.mark.parametrize("holder", ["a", "b"])
def test_uneven_questions_need_not_be_on_demand(tmp_path: Path, holder: str) -> None:
    """Who asks on idle in traffic that the log does not show asks as unevenly."""
    policy = only(together(tmp_path, charon(SETUP + asked(7, 20, 51, 58, 90), holder)).peer)
    assert (policy.mode, policy.interval_s, policy.about_s) == (PolicyMode.UNKNOWN, None, None)


def test_without_captured_esp_nor_does_a_capture(tmp_path: Path) -> None:
    policy = only(alone(tmp_path, SETUP + asked(7, 20, 51, 58, 90)))
    assert (policy.mode, policy.interval_s) == (PolicyMode.UNKNOWN, None)


def test_a_longer_pause_is_no_other_interval(tmp_path: Path) -> None:
    """To the device that is asked, questions that were lost on the way are a pause."""
    policy = only(together(tmp_path, charon(SETUP + asked(10, 13, 24, 27, 30), "b")).peer)
    assert policy.mode is PolicyMode.UNKNOWN
    assert policy.interval_s == pytest.approx(3)
    assert policy.evidence.startswith("3 of 4 intervals of 3 s, the longest 11 s")


def test_a_pause_amid_captured_traffic_still_counts(tmp_path: Path) -> None:
    policy = only(alone(tmp_path, SETUP + TRAFFIC + asked(10, 13, 24, 27, 30)))
    assert policy.interval_s is None


def test_one_question_after_a_silent_log_tells_no_interval(tmp_path: Path) -> None:
    log = charon(SETUP + asked(10) + given_up(210), said=verdict_at(216))
    policy = only(together(tmp_path, log).peer)
    assert (policy.interval_s, policy.about_s) == (None, None)
    assert policy.retry_s == pytest.approx(2)


def test_nobody_knows_of_a_silent_log_whether_the_peer_lived(tmp_path: Path) -> None:
    log = charon(SETUP + asked(10) + given_up(210), said=verdict_at(216))
    peer = together(tmp_path, log).peer
    states = [(s.state, round((s.start_ns - at(0)) / 1e9)) for s in peer.states]
    assert states[-3:] == [
        (PeerState.UNKNOWN, 70),
        (PeerState.PROBING, 210),
        (PeerState.DEAD, 216),
    ]
    (hole,) = peer.black_holes
    assert hole.max_seconds == pytest.approx(206, abs=0.1)
    assert [phase.name for phase in hole.phases] == [PhaseName.PROBING]


def test_a_log_that_was_silent_for_some_seconds_is_as_it_should_be(tmp_path: Path) -> None:
    log = charon(SETUP + asked(10) + given_up(30), said=verdict_at(36))
    states = {s.state for s in together(tmp_path, log).peer.states[1:]}
    assert PeerState.UNKNOWN not in states


def test_a_question_that_the_log_does_not_show_came_after_nobody_knows_what(
    tmp_path: Path,
) -> None:
    """The log begins with what IOS says of a retry."""
    lines = [
        "*Mar 25 15:18:52.123: ISAKMP (0:1): received packet from 10.2.80.209 dport 500 sport 500"
        " Global (I) QM_IDLE",
        "*Mar 25 15:18:52.131: ISAKMP:(0:1): processing NOTIFY R_U_THERE_ACK protocol 1 spi 0,"
        " message ID = -443923643, sa = 81BA4DD4",
        "*Mar 25 15:18:52.135: ISAKMP:(0:1): DPD/R_U_THERE_ACK received from peer 10.2.80.209,"
        " sequence 0x9",
    ]
    for second in (37, 39, 41, 43):
        lines += [
            f"*Mar 25 15:47:{second}.343: ISAKMP:(0:1):incrementing error counter on sa:"
            " PEERS_ALIVE_TIMER",
            f"*Mar 25 15:47:{second}.351: ISAKMP:(0:1): sending packet to 10.2.80.209 my_port 500"
            " peer_port 500 (I) QM_IDLE",
            f"*Mar 25 15:47:{second}.355: ISAKMP:(0:1):Input = IKE_MESG_FROM_TIMER,"
            " IKE_TIMER_PEERS_ALIVE",
        ]
    lines.append("*Mar 25 15:47:45.391: ISAKMP:(0:1):peer 10.2.80.209 not responding!")
    peer = together(tmp_path, "\n".join(lines) + "\n").peer
    (question,) = peer.exchanges
    assert question.first_missing
    assert (question.idle_ns, len(question.transmissions), question.retries) == (None, 4, 4)
    assert (only(peer).about_s, only(peer).retries) == (None, 4)
    said = " ".join(part.text for part in verdict_of([peer]).parts)
    assert "given up 8.0 s or more after the first unanswered question" in said


def test_what_a_silent_log_bounds_can_be_saved_by_no_policy(tmp_path: Path) -> None:
    """Neither where the own policy of the device is among those that are tried, nor without."""
    log = charon(SETUP + asked(10) + given_up(210), said=verdict_at(216))
    peer = together(tmp_path, log).peer
    (hole,) = peer.black_holes
    assert not hole.begin_known
    other = given("cisco-ios-ikev2 interval=10 retry=2")
    (study,) = Simulation([(peer, hole, [other])]).studies()
    assert [result.saved(hole).seconds for result in study.results] == [None]


def test_with_the_interval_it_can(tmp_path: Path) -> None:
    config = swanctl("192.0.2.1", "192.0.2.2", "dpd_delay = 30s")
    log = charon(SETUP + asked(10) + given_up(210), said=verdict_at(216))
    peer = together(tmp_path, log, config).peer
    (hole,) = peer.black_holes
    assert hole.begin_known
    assert hole.max_seconds == pytest.approx(36, abs=0.1)
    (study,) = Simulation([(peer, hole, [given("cisco-ios-ikev2 interval=10 retry=2")])]).studies()
    assert study.results[0].saved(hole).seconds == pytest.approx(16, abs=0.1)


def test_no_interval_is_counted_to_a_retry() -> None:
    """A question that a log does not show, and whose retry was answered."""
    questions = [
        answered(id=f"x{number}", transmissions=(sent(at_s, number, number),), since_proof_ns=None)
        for number, at_s in enumerate((10, 20, 30, 45, 50))
    ]
    questions[3] = replace(questions[3], first_missing=True)
    policy = observe(questions[0].prober, questions)
    assert policy is not None
    assert policy.interval_s == 10
    assert policy.evidence.startswith("2 intervals of 10 s")


def test_what_two_ike_sas_were_asked_at_once_is_no_retry() -> None:
    """Logs without SPIs give the questions on a renewed SA, and on the new one, as one."""
    asked = answered(transmissions=tuple(sent(at_s, 1, 1) for at_s in (10, 10.088, 13, 13.088)))
    policy = observe(asked.prober, [asked])
    assert policy is not None
    assert (policy.retry_s, "retries" in policy.evidence) == (None, False)


def test_of_two_ike_sas_whose_log_names_neither_no_distance_is_a_retry(tmp_path: Path) -> None:
    """Each is asked every 3 s, one second after the other."""
    text = """
    0 a>b v1 main-mode
    0.1 a>b v1 quick
    1 b>a v1 main-mode sa=2
    """
    vain = "".join(
        f"{at_s} a>b v1 info 108 says=ruthere number={n}{sa}\n"
        for n, (at_s, sa) in enumerate(
            (start + 3 * k, sa) for k in range(4) for start, sa in ((5, ""), (6, " sa=2"))
        )
    )
    seen = "15.5 b>a v1 info 108\n15.51 a>b v1 info 108\n"
    said = [(17.0, "10[JOB] DPD check timed out, enforcing DPD action")]
    peer = together(tmp_path, capture(text + seen), charon(text + vain, said=said)).peer
    (policy,) = (p for p in peer.policies if p.holder == "192.0.2.1")
    assert (policy.retry_s, policy.retries) == (None, None)


def test_what_is_asked_minutes_later_is_another_question(tmp_path: Path) -> None:
    """The peer was heard meanwhile, by traffic that a log does not show."""
    text = """
    0 a>b v1 main-mode
    0.1 a>b v1 quick
    10 a>b v1 info 108 says=ruthere number=2
    15 a>b v1 info 108 says=ruthere number=3
    120 a>b v1 info 108 says=ruthere number=4
    125 a>b v1 info 108 says=ruthere number=5
    130 a>b v1 info 108 says=ruthere number=6
    """
    said = [
        (145.0, "10[JOB] DPD check timed out, enforcing DPD action"),
        (145.001, "10[IKE] IKE_SA gw[1] state change: ESTABLISHED => DESTROYING"),
    ]
    peer = together(tmp_path, charon(text, "a", said=said)).peer
    assert [len(x.transmissions) for x in peer.exchanges] == [2, 3]
    assert [x.verdict_ns for x in peer.exchanges] == [None, at(145)]


def _amid_retries(counted: bool) -> str:
    """An IOS log that begins with the fourth of five R-U-THEREs."""
    lines = []
    for number, second in ((3, 36), (4, 38), (5, 40)):
        count = f"({number}/5)" if counted else "on sa: PEERS_ALIVE_TIMER"
        lines.append(f"{second}: ISAKMP:(1001):DPD incrementing error counter {count}")
        if number < 5:
            lines += [
                f"{second}: ISAKMP:(1001):Sending NOTIFY DPD/R_U_THERE protocol 1",
                f"{second}: ISAKMP:(1001): sending packet to 10.2.80.209 my_port 500 peer_port 500"
                " (I) QM_IDLE",
            ]
    lines.append("40: ISAKMP:(1001):peer 10.2.80.209 not responding!")
    return "".join(f"*Mar 25 15:47:{line.replace(':', '.000:', 1)}\n" for line in lines)


@pytest.mark.parametrize("counted", [True, False])
def test_a_log_that_begins_amid_the_retries(tmp_path: Path, *, counted: bool) -> None:
    """What the device counts tells how often it had asked; without that nobody knows."""
    peer = together(tmp_path, _amid_retries(counted)).peer
    (question,), (hole,) = peer.exchanges, peer.black_holes
    assert (len(question.transmissions), question.sent) == (2, 5 if counted else None)
    assert only(peer).retries == (4 if counted else None)
    assert (hole.begun_before, hole.begin_known) == (True, False)
    assert black_hole_bounds(hole) == "4.0 s or more"
    assert "1 black hole, 4.0 s or more" in " ".join(p.text for p in verdict_of([peer]).parts)
