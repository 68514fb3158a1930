"""The packets of black holes: read once, kept within a bound, given up when nobody waits."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from analyzers.errors import AnalyzerError
from analyzers.model.peer import PeerView
from analyzers.session import Session, SessionOptions
from analyzers.whatif.windows import Packets
from dpdlab.present import replays
from dpdlab.present.replays import Replays, Stopped, sent_packets

SAMPLES = Path(__file__).parents[4] / "sample_pcaps"


@pytest.fixture(scope="module")
def session() -> Session:
    session = Session(SessionOptions())
    session.run([str(SAMPLES / "ikev2-no-dpd-blackhole" / "capture.pcap")])
    return session


@pytest.fixture
def peer(session: Session) -> PeerView:
    return session.peers()[0]


def nothing() -> None:
    """Goes on."""


def test_all_packets_of_the_silence(session: Session, peer: PeerView):
    sent = sent_packets(peer, session.packets_within, nothing)
    (hole,) = peer.black_holes
    at_ns, sizes = sent.by_hole[hole.id]
    assert len(at_ns) == hole.max_packets
    assert sizes.sum() == hole.max_bytes
    assert (np.diff(at_ns) >= 0).all()
    assert sent.done
    assert sent.why_not == ""


def test_more_than_is_kept_is_said(session: Session, peer: PeerView, monkeypatch):
    monkeypatch.setattr(replays, "MOST_PACKETS", 100)
    sent = sent_packets(peer, session.packets_within, nothing)
    assert sent.by_hole == {}
    assert "more than 100 packets" in sent.why_not


def test_nobody_waits_any_more(session: Session, peer: PeerView):
    def stop() -> None:
        raise Stopped

    with pytest.raises(Stopped):
        sent_packets(peer, session.packets_within, stop)


def test_what_cannot_be_read_again_is_said(peer: PeerView):
    def gone(*_: object) -> Iterator[Packets]:
        yield from ()
        raise AnalyzerError("there is no hub.pcap")

    sent = sent_packets(peer, gone, nothing)
    assert sent.done
    assert "there is no hub.pcap" in sent.why_not


def test_seconds_do_not_need_packets_unless_it_asks_on_demand(session: Session, peer: PeerView):
    before = Replays(peer, budget_s=30.0, product_at=session.vendor_at)
    after = before.with_sent(sent_packets(peer, session.packets_within, nothing))
    (hole,) = peer.black_holes
    tried = before.usual(hole, None, None)
    assert tried == after.usual(hole, None, None)
    waiting = [c.label for c in tried if not before.seconds_known(hole, c)]
    assert waiting == ["IOS on-demand 10 2"]
    for candidate in tried:
        early, late = before.result(hole, candidate, None), after.result(hole, candidate, None)
        assert early is not None
        assert late is not None
        assert late.left is not None
        assert early.left is not None
        if before.seconds_known(hole, candidate):
            assert early.left.worst.seconds == late.left.worst.seconds
            assert early.left.mean_seconds == late.left.mean_seconds
