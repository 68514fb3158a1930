"""Tunnels that stand idle: a time in which nobody sends anything is no black hole."""

from __future__ import annotations

import pytest

from analyzers.model.black_hole import BlackHoleClass, StopBasis
from analyzers.model.finding import Severity
from tests.scenarios.conftest import Tell, Told
from tests.scenarios.questions import asked
from tests.scenarios.timeline import at

BUSY = """
0 a>b v2 handshake
2..30/0.4 a>b esp out
2.03..30/0.4 b>a esp in
"""
# Four packets to a host that is off, then nothing for ten minutes, then traffic as before.
PINGS = "40..55/4.6 a>b esp out\n"
MORNING = "640..650/0.4 a>b esp out\n640.03..650/0.4 b>a esp in\n"
ASKED = asked(*range(60, 640, 20))


def errors(told: Told) -> list[str]:
    return [f.rule for f in told.findings if f.severity is Severity.ERROR]


@pytest.mark.parametrize("questions", [ASKED, ""], ids=["asked", "never asked"])
def test_packets_without_an_answer_before_an_idle_time(tell: Tell, questions: str) -> None:
    told = tell(BUSY + PINGS + questions + MORNING)
    (hole,) = told.peer.black_holes
    assert hole.black_hole_class is (
        BlackHoleClass.TRANSIENT if questions else BlackHoleClass.MISSING_DPD
    )
    assert (hole.first_exposed_ns, hole.stop_ns) == (at(40), at(53.8))
    assert (hole.stop_basis, hole.max_packets) == (StopBasis.LAST_OUTBOUND, 4)
    assert hole.recovered_ns == at(640.03)
    assert not errors(told)


def test_of_esp_alone_nobody_knows_who_asked(tell: Tell) -> None:
    (hole,) = tell("capture 1..1000\n" + BUSY + PINGS + MORNING).peer.black_holes
    assert hole.black_hole_class is BlackHoleClass.TRANSIENT
    assert hole.stop_ns == at(53.8)


@pytest.mark.parametrize("tail", [3, 6])
def test_the_last_packets_of_the_day(tell: Tell, tail: int) -> None:
    day = f"30.2..{30.1 + tail * 0.4}/0.4 a>b esp out\n"
    assert not tell(BUSY + day + ASKED + MORNING).peer.black_holes


@pytest.mark.parametrize("questions", [ASKED, ""], ids=["asked", "never asked"])
def test_what_is_pushed_to_a_phone_that_sleeps(tell: Tell, questions: str) -> None:
    """One packet of before it fell asleep, and four in vain."""
    asleep = "30.1 a>b esp out\n230..233/0.8 a>b esp out\n"
    assert not tell(BUSY + asleep + questions + MORNING).peer.black_holes
    awake = "635 b>a esp in\n"
    assert not tell(BUSY + asleep + questions + awake + MORNING).peer.black_holes


@pytest.mark.parametrize("sent", ["41..42/0.3 a>b esp out2\n", "41..56/1 a>b esp out2\n"])
def test_one_child_sa_stands_idle(tell: Tell, sent: str) -> None:
    """The other one is in use: a silence of one is told from 10 s on."""
    beside = "10..40/0.4 a>b esp out2\n10.03..40/0.4 b>a esp in2\n"
    busy = "2..300/2 a>b esp out\n2.03..300/2 b>a esp in\n"
    later = "290..299/0.4 a>b esp out2\n290.03..299/0.4 b>a esp in2\n"
    told = tell("0 a>b v2 handshake\n" + busy + beside + sent + later)
    holes = [(hole.stop_ns, hole.recovered_ns) for hole in told.peer.black_holes]
    assert holes == ([] if sent.startswith("41..42") else [(at(55), at(290.03))])
    assert not errors(told)


def test_an_input_that_ends_when_somebody_sends_again(tell: Tell) -> None:
    told = tell(BUSY + PINGS + ASKED + "640 a>b esp out\n")
    assert all(hole.stop_ns <= at(60.02) for hole in told.peer.black_holes)
    assert not errors(told)


def test_an_idle_time_is_no_pace(tell: Tell) -> None:
    """A data plane that dies after it is told as if there had been none."""
    told = tell(
        BUSY
        + "30.2..31.5/0.4 a>b esp out\n"
        + ASKED
        + MORNING
        + "650.2..700/0.4 a>b esp out\n"
        + "".join(
            f"{t} a>b liveness {n}\n{t}.02 b>a liveness {n} resp\n"
            for n, t in enumerate((660, 680), 31)
        )
        + "700..710/0.4 a>b esp out\n700.03..710/0.4 b>a esp in\n"
    )
    (hole,) = told.peer.black_holes
    assert hole.black_hole_class is BlackHoleClass.DATA_PLANE
    assert hole.first_exposed_ns == at(650.2)


# --- what goes on in vain is a black hole ---------------------------------------------------


@pytest.mark.parametrize(
    "sent",
    [
        "40..640/60 a>b esp out\n",
        "".join(f"{40 + 2**n} a>b esp out\n" for n in range(10)),
        "".join(f"{40 + 60 * n}..{44 + 60 * n}/1.5 a>b esp out\n" for n in range(10)),
        "40..80/1 a>b esp out\n560..630/1 a>b esp out\n",
    ],
    ids=["a monitor", "retries that grow", "a try a minute", "two long times"],
)
def test_sparse_traffic_in_vain(tell: Tell, sent: str) -> None:
    told = tell(BUSY + sent + ASKED + MORNING)
    (hole,) = told.peer.black_holes
    assert hole.black_hole_class is BlackHoleClass.DATA_PLANE
    assert hole.stop_ns >= at(580)
    assert errors(told) == ["dpd-alive-dataplane-dead"]


def test_a_dead_data_plane_after_an_idle_time(tell: Tell) -> None:
    told = tell(BUSY + "30.2 a>b esp out\n560..639/1 a>b esp out\n" + ASKED + MORNING)
    (hole,) = told.peer.black_holes
    assert hole.black_hole_class is BlackHoleClass.DATA_PLANE
    assert (hole.first_exposed_ns, hole.last_proof_ns) == (at(560), at(29.63))
    assert errors(told) == ["dpd-alive-dataplane-dead"]


# --- a peer that dies after an idle time ----------------------------------------------------

ANSWERED = asked(*range(40, 240, 10))
DIES = """
240..352/0.4 a>b esp out
260 a>b liveness 22
263 a>b liveness 22
269 a>b liveness 22
281 a>b liveness 22
305 a>b liveness 22
"""
ANEW = """
443 a>b v2 handshake sa=2
445..500/0.4 a>b esp out2
445.03..500/0.4 b>a esp in2
"""


@pytest.mark.parametrize("tail", ["", "30.2 a>b esp out\n", PINGS])
def test_a_death_after_an_idle_time_is_told_once(tell: Tell, tail: str) -> None:
    """The questions of the idle time were answered: what was lost was lost after them."""
    told = tell(BUSY + tail + ANSWERED + DIES + ANEW)
    hole = told.peer.black_holes[-1]
    assert hole.black_hole_class is BlackHoleClass.SLOW_DPD
    assert (hole.last_proof_ns, hole.first_probe_ns) == (at(230.02), at(260))
    assert (hole.first_exposed_ns, hole.stop_ns) == (at(240), at(351.6))
    assert hole.recovered_ns == at(445.03)
    assert all(earlier.stop_ns <= at(60.02) for earlier in told.peer.black_holes[:-1])


def test_a_data_plane_dies_before_its_peer(tell: Tell) -> None:
    """Its loss is told although the peer died in the same silence, and was given up for that."""
    told = tell(BUSY + ANSWERED + "30.2..240/0.4 a>b esp out\n" + DIES + ANEW)
    first, second = told.peer.black_holes
    assert first.black_hole_class is BlackHoleClass.DATA_PLANE
    assert (first.last_proof_ns, first.stop_ns) == (at(29.63), at(230.02))
    assert second.last_proof_ns == at(230.02)
