"""Child SAs of one IKE SA that begin together: which flows belong together, nothing tells.

That one of them is dead can be told all the same: a flow ends, and all that may belong to it go on.
"""

from __future__ import annotations

import pytest

from analyzers.model.black_hole import BlackHole, BlackHoleClass, StopBasis
from analyzers.model.peer import PeerState, PeerView
from analyzers.model.records import Confidence
from tests.scenarios.conftest import Tell
from tests.scenarios.timeline import at, spi_of

SETUP = "0 a>b v2 handshake\n5..400/10 a>b liveness 2+\n5.02..400/10 b>a liveness 2+ resp\n"
OUT = "0.5..400/0.5 a>b esp out1\n0.6..400/0.5 a>b esp out2\n"
IN_2 = "0.8..400/0.5 b>a esp in2\n"


def only(peer: PeerView) -> BlackHole:
    (hole,) = peer.black_holes
    return hole


def test_one_of_two_is_dead(tell: Tell) -> None:
    told = tell(SETUP + OUT + "0.7..60/0.5 b>a esp in1\n" + IN_2)
    peer, hole = told.peer, only(told.peer)
    (finding,) = told.of("dpd-alive-dataplane-dead")
    which = f"on the Child SA whose SPI back is {spi_of('in1')} within"
    assert f"192.0.2.1 sent up to 680 ESP packets to 192.0.2.2 {which}" in finding.detail
    assert (hole.sender, hole.black_hole_class) == ("192.0.2.1", BlackHoleClass.DATA_PLANE)
    assert hole.spis == (spi_of("in1"),)
    assert (hole.last_proof_ns, hole.stop_basis) == (at(59.7), StopBasis.CAPTURE_END)
    assert hole.max_packets == 680  # 60.1 … 399.6, or 60 … 399.5: as many
    assert (hole.min_packets, hole.confidence) == (0, Confidence.INFERRED)
    assert peer.state is PeerState.ALIVE


def test_it_comes_back(tell: Tell) -> None:
    text = SETUP + OUT + "0.7..60/0.5 b>a esp in1\n100.2..400/0.5 b>a esp in1\n" + IN_2
    hole = only(tell(text).peer)
    assert (hole.stop_basis, hole.recovered_ns) == (StopBasis.PROOF, at(100.2))
    assert hole.max_packets == 81  # 60 … 100, or 60.1 … 99.6


def test_what_begins_afterwards_has_no_part_in_it(tell: Tell) -> None:
    text = SETUP + OUT + "0.7..60/0.5 b>a esp in1\n100.2..400/0.5 b>a esp in1\n" + IN_2
    peer = tell(text + "100.3..400/0.5 a>b esp out3\n").peer
    assert only(peer).recovered_ns == at(100.2)


def test_a_capture_that_begins_amid_three(tell: Tell) -> None:
    peer = tell(
        """
        0.5..400/0.5 a>b esp out1 seq=1000+
        0.52..400/0.2 a>b esp out2 seq=2000+
        0.56..400/0.4 a>b esp out3 seq=3000+
        0.62..400/0.4 b>a esp in3 seq=3000+
        0.65..60/0.5 b>a esp in1 seq=1000+
        0.75..400/0.2 b>a esp in2 seq=2000+
        """
    ).peer
    assert only(peer).spis == (spi_of("in1"),)


SILENT = {
    "both of one end": OUT.replace("400/0.5 a>b esp out1", "60.2/0.5 a>b esp out1")
    + "0.7..60/0.5 b>a esp in1\n"
    + IN_2,
    "one of the others is one-way by design": OUT.replace(
        "400/0.5 a>b esp out1", "60/0.5 a>b esp out1"
    )
    + "0.7..60/0.5 b>a esp in1\n20..400/0.5 a>b esp out3\n20.1..400/0.5 b>a esp in3\n",
    "it comes seldom": OUT + "0.7..200/30 b>a esp in1\n" + IN_2,
    "both come": OUT + "0.7..400/0.5 b>a esp in1\n" + IN_2,
    "one more that begins when what came before may be its own": """
        0.5..60/0.5 a>b esp out1
        0.6..400/0.5 a>b esp out2
        0.7..60/0.5 b>a esp in1
        0.8..400/0.5 a>b esp out3
        0.9..400/0.5 b>a esp in2
        1.0..400/0.5 b>a esp in3
        """,
    "what it belongs to began long before": """
        0.5..60/0.5 a>b esp out1
        10..400/0.5 a>b esp out2
        10.1..400/0.5 a>b esp out3
        10.2..60/0.5 b>a esp in1
        10.3..400/0.5 b>a esp in2
        """,
    "rekeyed": OUT.replace("400/0.5 a>b esp out1", "60.2/0.5 a>b esp out1")
    + "0.7..60/0.5 b>a esp in1\n60.3..400/0.5 a>b esp out4\n60.4..400/0.5 b>a esp in4\n"
    + IN_2,
}


@pytest.mark.parametrize("why", SILENT)
def test_nothing_is_said(tell: Tell, why: str) -> None:
    assert tell(SETUP + SILENT[why]).peer.black_holes == ()
