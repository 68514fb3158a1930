"""A clock that the user has set against the messages makes no questions, and no certain verdict."""

from __future__ import annotations

from pathlib import Path

import pytest

from analyzers.export.words import peer_phrase, verdict_phrase
from analyzers.model.records import Confidence
from analyzers.session import Session, SessionOptions
from analyzers.session.options import ClockOptions

DEAD = Path(__file__).parents[4] / "sample_pcaps" / "ikev2-dead-peer"


def analysed(offset_s: float | None) -> Session:
    offsets = {} if offset_s is None else {"charon-a.log": round(offset_s * 1e9)}
    session = Session(SessionOptions(clocks=ClockOptions(offsets_ns=offsets)))
    session.run([str(DEAD / "capture.pcap"), str(DEAD / "charon-a.log")])
    return session


@pytest.mark.parametrize("offset_s", [5.0, -3.0, 60.0, -7200.0])
def test_questions_are_told_once(offset_s: float) -> None:
    (right,), (wrong,) = analysed(None).peers(), analysed(offset_s).peers()
    assert [len(x.transmissions) for x in wrong.exchanges] == [6]
    assert [(x.first_ns, x.outcome) for x in wrong.exchanges] == [
        (x.first_ns, x.outcome) for x in right.exchanges
    ]
    assert len(wrong.ike_sas) == len(right.ike_sas) == 1


def test_a_verdict_by_it_is_inferred_and_says_why() -> None:
    session = analysed(5.0)
    (peer,) = session.peers()
    assert peer.confidence is Confidence.INFERRED
    assert peer_phrase(peer) == "given up (inferred)"
    (hole,) = peer.black_holes
    assert hole.confidence is Confidence.INFERRED
    assert "its clock was set by hand, and by messages it is 5.0 s off" in verdict_phrase(
        hole, None
    )
    (found,) = [f for f in session.judgement().findings if f.rule == "dpd-no-ack"]
    assert found.confidence is Confidence.INFERRED
    assert "by a clock that was set by hand and is 5.0 s off by messages" in found.detail


def test_a_clock_that_is_right_changes_nothing() -> None:
    (peer,) = analysed(0.0).peers()
    assert peer.confidence is Confidence.CERTAIN
    assert all(hole.verdict_clock_off_ns is None for hole in peer.black_holes)
