"""What a capture at one end cannot tell is not told, and what it can tell is."""

from __future__ import annotations

from pathlib import Path

import pytest

from analyzers.export.formatting import duration
from analyzers.export.instants import utc
from analyzers.export.story import moments, remarks
from analyzers.export.verdict import verdict_of
from analyzers.model.peer import PeerView
from analyzers.session import Session
from analyzers.whatif.candidates import own
from tests.scenarios.inputs import alone

SAMPLES = Path(__file__).parents[2] / "sample_pcaps"


def peer_of(name: str, *inputs: str) -> PeerView:
    session = Session()
    session.run([str(SAMPLES / name / n) for n in ("capture.pcap", *inputs)])
    (peer,) = session.peers()
    return peer


@pytest.mark.parametrize("name", ["ikev1-dead-peer", "ikev1-one-way-loss", "ikev2-dead-peer"])
def test_which_way_failed_is_not_told(name: str):
    """One of them is a peer that hears everything, and whose answers get lost."""
    peer = peer_of(name)
    (hole,) = peer.black_holes
    assert "lost on the way there or back: one end alone cannot tell" in remarks(peer, hole, utc)
    told = " ".join(part.text for part in verdict_of([peer]).parts)
    assert "packets in vain" in told
    assert "lost" not in told


@pytest.mark.parametrize("name", ["ikev2-no-dpd-blackhole", "ikev2-data-plane-dead"])
def test_an_end_that_sent_nothing_meanwhile_is_known_by_its_numbers(name: str):
    peer = peer_of(name)
    (hole,) = peer.black_holes
    (said,) = [text for text in remarks(peer, hole, utc) if "ESP" in text]
    assert said.startswith("192.0.2.2 sent no ESP meanwhile, none of its numbers is missing")


def test_the_log_of_the_other_end_takes_the_place_of_the_doubt():
    peer = peer_of("ikev1-one-way-loss", "charon-a.log", "charon-b.log")
    (hole,) = peer.black_holes
    assert not any("one end alone" in text for text in remarks(peer, hole, utc))


@pytest.mark.parametrize(
    ("name", "every"), [("ikev1-dead-peer", "5.0"), ("ikev2-dead-peer", "2.0")]
)
def test_a_verdict_where_the_capture_ends_is_told_as_such(name: str, every: str):
    """The next retry was due behind the end: that it stayed out was not seen."""
    peer = peer_of(name)
    (hole,) = peer.black_holes
    (said,) = [m.text for m in moments(peer, hole) if "given up" in m.text]
    (asked,) = peer.exchanges
    ends = f"the capture ends {duration(hole.stop_ns - asked.last_ns)} after the last retry"
    assert said == f"perhaps given up (suspect: {ends}; retries came every {every} s)"


@pytest.mark.parametrize("name", ["ikev1-dead-peer", "ikev2-dead-peer"])
def test_what_the_end_of_the_capture_cut_short_is_no_timer(name: str):
    peer = peer_of(name)
    (hole,) = peer.black_holes
    waits_s = own(peer, hole).policy.waits_s
    assert waits_s[-1] == waits_s[-2]


def test_who_asks_in_a_silence_of_esp_is_not_called_silent(tmp_path: Path) -> None:
    text = """
        0 a>b v2 handshake
        0.5..40/0.2 a>b esp out1
        0.51..20/0.2 b>a esp in1
        26.01..40/0.2 b>a esp in1
        23.5 b>a liveness 0
        23.51 a>b liveness 0 resp
    """
    peer = alone(tmp_path, text)
    (hole,) = peer.black_holes
    told = [moment.text for moment in moments(peer, hole)]
    assert "last ESP packet from 192.0.2.2" in told
    assert "no ESP for longer than usual" in told
    assert not any("questionable" in each for each in told)
