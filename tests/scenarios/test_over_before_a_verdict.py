"""Outages that end before anybody gives a verdict, by an answer or by another SA."""

from __future__ import annotations

import pytest

from analyzers.export.hole_reasons import class_why
from analyzers.export.story import moments
from analyzers.model.black_hole import BlackHoleClass, StopBasis
from tests.scenarios.conftest import Tell
from tests.scenarios.timeline import at

SETUP = "0 a>b v2 handshake\n5 a>b liveness 2\n5.01 b>a liveness 2 resp\n"
OUTAGE = """
0.1..80/0.2 a>b esp out
0.15..20/0.2 b>a esp in
23 a>b liveness 3
27 a>b liveness 3
34.2 a>b liveness 3
47.16 a>b liveness 3
47.17 b>a liveness 3 resp
60 a>b liveness 4
60.01 b>a liveness 4 resp
"""


@pytest.mark.parametrize("back", [48, 49.5, 51, 53, 56])
def test_esp_comes_back_a_while_after_ike(tell: Tell, back: float) -> None:
    """IKE did not answer while it lasted: no plane of its own was dead."""
    told = tell(SETUP + OUTAGE + f"{back}..80/0.2 b>a esp in\n")
    outage, *rest = told.peer.black_holes
    assert outage.black_hole_class is BlackHoleClass.TRANSIENT
    assert (outage.first_probe_ns, outage.stop_ns) == (at(23), at(47.17))
    assert outage.min_seconds == pytest.approx(24.2, abs=0.2)
    assert all(hole.last_proof_ns == at(47.17) for hole in rest)
    assert not told.of("dpd-alive-dataplane-dead")


def test_a_retry_hides_no_dead_data_plane(tell: Tell) -> None:
    """IKE was back after seconds, and ESP stays away for half a minute more."""
    told = tell(
        SETUP
        + """
        0.1..80/0.2 a>b esp out
        0.15..20/0.2 b>a esp in
        25 a>b liveness 3
        27 a>b liveness 3
        27.01 b>a liveness 3 resp
        60..80/0.2 b>a esp in
        """
    )
    (hole,) = told.peer.black_holes
    assert hole.black_hole_class is BlackHoleClass.DATA_PLANE
    assert told.of("dpd-alive-dataplane-dead")
    (answered,) = [m for m in moments(told.peer, hole) if "answered" in m.text]
    assert answered.at_ns == at(27.01)


def test_a_restarted_peer_is_back_before_it_is_missed(tell: Tell) -> None:
    """The input goes on long after that: it does not end before the silence can be judged."""
    peer = tell(
        SETUP
        + """
        0.1..26/0.2 a>b esp out
        0.15..20/0.2 b>a esp in
        25 b>a v2 handshake sa=2
        26.1..60/0.2 a>b esp out2
        26.15..60/0.2 b>a esp in2
        sa 2 by b
        """
    ).peer
    (hole,) = peer.black_holes
    assert (hole.black_hole_class, hole.stop_basis) == (
        BlackHoleClass.OPEN,
        StopBasis.REPLACEMENT,
    )
    assert class_why(hole) == "it was over before any verdict"


def test_what_may_have_been_questions_hides_no_recovery(tell: Tell) -> None:
    """IKEv1 without keys: two messages of unknown content, then the peer sets up a new SA."""
    told = tell(
        """
        0 a>b v1 main-mode
        0.1 a>b v1 quick
        0.2..53/0.2 a>b esp out
        0.25..20/0.2 b>a esp in
        50 a>b v1 info 108
        52 a>b v1 info 108
        53 b>a v1 main-mode sa=2
        53.1 b>a v1 quick sa=2
        53.5..120/0.2 a>b esp out2
        53.55..120/0.2 b>a esp in2
        """
    )
    (hole,) = told.peer.black_holes
    assert hole.black_hole_class is BlackHoleClass.OPEN
    assert (hole.stop_ns, hole.recovered_ns) == (at(53.5), at(53.55))
    assert not told.of("capture-insufficient")


def test_what_is_over_with_the_last_packet_is_no_end_of_the_input(tell: Tell) -> None:
    """A sleeping phone comes back on an SA that is gone, and sets up another one."""
    told = tell(
        SETUP
        + """
        0.1..20/0.2 a>b esp out
        0.15..20/0.2 b>a esp in
        60 b>a liveness 0
        62 b>a liveness 0
        64 b>a liveness 0
        80..87/0.4 a>b esp out
        90 a>b v2 handshake sa=2
        91..160/0.2 a>b esp out2
        91.05..160/0.2 b>a esp in2
        """
    )
    (hole,) = (h for h in told.peer.black_holes if h.black_hole_class is BlackHoleClass.OPEN)
    assert (hole.stop_basis, hole.recovered_ns) == (StopBasis.LAST_OUTBOUND, at(91.05))
    assert class_why(hole) == "it was over before any verdict"
    assert not told.of("capture-insufficient")


@pytest.mark.parametrize(
    "asked", ["", "23 a>b liveness 3\n", "".join(f"{t} a>b liveness 3\n" for t in range(20, 46, 4))]
)
def test_who_is_back_on_another_sa_did_not_come_back_on_the_same(tell: Tell, asked: str) -> None:
    """However often it was asked on the old one meanwhile: nothing came there."""
    peer = tell(
        SETUP
        + asked
        + """
        0.1..47/0.2 a>b esp out
        0.15..15/0.2 b>a esp in
        46 b>a v2 handshake sa=2
        47.1..90/0.2 a>b esp out2
        47.15..90/0.2 b>a esp in2
        sa 2 by b
        """
    ).peer
    (hole,) = peer.black_holes
    known = BlackHoleClass.OPEN if asked else BlackHoleClass.MISSING_DPD
    assert (hole.black_hole_class, hole.dead_ns) == (known, None)
    assert hole.stop_basis is StopBasis.REPLACEMENT
    assert hole.recovered_ns == at(47.15)
