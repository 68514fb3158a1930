"""A clock that the user has set against the messages makes no questions, and no certain verdict."""

from __future__ import annotations

from pathlib import Path

import pytest

from analyzers.export.words import peer_phrase, verdict_phrase
from analyzers.model.records import Confidence, ProblemKind
from analyzers.session import Session, SessionOptions
from analyzers.session.options import ClockOptions
from tests.scenarios.inputs import together
from tests.scenarios.logs import Clock, ios_zoned, isakmp
from tests.scenarios.timeline import capture

DEAD = Path(__file__).parents[4] / "sample_pcaps" / "ikev2-dead-peer"


def analysed(offset_s: float | None, *, align: bool = True) -> Session:
    offsets = {} if offset_s is None else {"charon-a.log": round(offset_s * 1e9)}
    session = Session(SessionOptions(clocks=ClockOptions(offsets_ns=offsets, align=align)))
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


TEXT = """
0 a>b v1 main-mode
10..100/20 a>b v1 info 108 says=ruthere number=7
10.02..70/20 b>a v1 info 108 says=ack number=7
"""


@pytest.mark.parametrize("log_first", [False, True])
def test_a_clock_that_is_left_as_it_is_by_order_is_one_by_hand(
    tmp_path: Path, *, log_first: bool
) -> None:
    log, ios = capture(TEXT), isakmp(TEXT, "a", Clock(ios_zoned, 3607))
    parts = (ios, log) if log_first else (log, ios)
    right = together(tmp_path, *parts)
    wrong = together(tmp_path, *parts, clocks=ClockOptions(align=False))
    assert ProblemKind.CLOCK_CONTRADICTED not in right.kinds(0) | right.kinds(1)
    said = wrong.problem(ProblemKind.CLOCK_CONTRADICTED).detail
    assert said.endswith("by 1 h 00 min 07 s")
    assert [len(x.transmissions) for x in wrong.peer.exchanges] == [
        len(x.transmissions) for x in right.peer.exchanges
    ]
    assert [x.outcome for x in wrong.peer.exchanges] == [x.outcome for x in right.peer.exchanges]
    assert not wrong.peer.black_holes


def test_a_clock_that_is_right_may_be_left_as_it_is() -> None:
    session = analysed(None, align=False)
    (peer,) = session.peers()
    assert peer.confidence is Confidence.CERTAIN
    assert not [p for s in session.sources for p in s.problems]
