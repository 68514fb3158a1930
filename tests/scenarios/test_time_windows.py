"""A part of the input: judged on its own, with what the rest of it proves about the capture."""

from __future__ import annotations

from analyzers.model.black_hole import BlackHoleClass
from analyzers.model.exchange import Outcome
from analyzers.model.peer import PeerState
from analyzers.model.records import Confidence
from analyzers.session import SessionOptions
from tests.scenarios.conftest import Tell
from tests.scenarios.timeline import at, ns

SETUP = "0 a>b v2 handshake\n"
TRAFFIC = "0.1..60/0.2 a>b esp out\n0.15..20/0.2 b>a esp in\n"
STEADY = "30..42/2 a>b liveness 2\n200 c:4500>a:4500 keepalive\n"


def since(seconds: float) -> SessionOptions:
    return SessionOptions(since_offset_ns=ns(seconds))


def test_a_window_inside_the_outage_has_both_directions(tell: Tell) -> None:
    """What came before the window proves that the capture sees the silent side."""
    told = tell(SETUP + TRAFFIC + STEADY, options=since(25))
    peer = told.peer
    assert not peer.unheard
    assert not peer.problems
    assert peer.state is PeerState.DEAD
    assert peer.exchanges[0].outcome is Outcome.UNANSWERED
    (hole,) = peer.black_holes
    assert hole.first_probe_ns == at(30)


def test_a_window_that_begins_in_a_dead_data_plane(tell: Tell) -> None:
    """The sequence numbers of what comes back tell that it had come before."""
    told = SETUP + TRAFFIC + "50.15..60/0.2 b>a esp in\n"
    told += "10..60/10 a>b liveness 2+\n10.02..60/10 b>a liveness 2+ resp\n"
    peer = tell(told, options=since(25)).peer
    (hole,) = peer.black_holes
    assert hole.black_hole_class is BlackHoleClass.DATA_PLANE
    assert (hole.last_proof_ns, hole.stop_ns) == (None, at(50.15))
    assert hole.confidence is Confidence.SUSPECT


def test_a_flow_that_begins_later_was_not_missed(tell: Tell) -> None:
    """An upload, and 40 s later the other side has something to send for the first time."""
    told = SETUP + "0.1..60/0.2 a>b esp out\n40.15..60/0.2 b>a esp in\n"
    told += "10..60/10 a>b liveness 2+\n10.02..60/10 b>a liveness 2+ resp\n"
    assert not tell(told).peer.black_holes
