"""What the other end asks meanwhile proves that it lives, also where only a log tells of it."""

from __future__ import annotations

from pathlib import Path

import pytest

from analyzers.export.verdict import verdict_of
from analyzers.model.exchange import Outcome
from analyzers.model.peer import PeerState
from tests.scenarios.conftest import Tell
from tests.scenarios.inputs import together
from tests.scenarios.logs import Clock, Lost, charon, iso_zoned
from tests.scenarios.timeline import at, capture

QUESTIONS = """
0 a>b v1 main-mode
0.1 a>b v1 quick
10 a>b v1 info 108 says=ruthere
10.02 b>a v1 info 108 says=ack
20 a>b v1 info 108 says=ruthere
{theirs}
24 a>b v1 info 108 says=ruthere
28 a>b v1 info 108 says=ruthere
32 a>b v1 info 108 says=ruthere
"""
THEIRS = """
21 b>a v1 info 108 says=ruthere
21.02 a>b v1 info 108 says=ack
25 b>a v1 info 108 says=ruthere
25.02 a>b v1 info 108 says=ack
"""
GAVE_UP = [(36.0, "15[JOB] DPD check timed out, enforcing DPD action")]


ASKED_TWICE = """
0 a>b v1 main-mode
0.1 a>b v1 quick
0.2..33.9/0.2 a>b esp out
0.3..6/0.2 b>a esp in
14.1..22/0.2 b>a esp in
10 a>b v1 info 108 says=ruthere
25 a>b v1 info 108 says=ruthere
28 a>b v1 info 108 says=ruthere
31 a>b v1 info 108 says=ruthere
"""
TWICE = [(at(10), 1), (at(25), 3)]


def log_of_twice() -> str:
    """The log of who asks: it gives up in the end."""
    said = [(34.0, "15[JOB] DPD check timed out, enforcing DPD action")]
    return charon(ASKED_TWICE, "a", Clock(iso_zoned), said=said)


def log_of(end: str, theirs: str, *, lost: list[Lost] | None = None) -> str:
    said = GAVE_UP if end == "a" else []
    return charon(QUESTIONS.format(theirs=theirs), end, said=said, lost=lost or [])


@pytest.mark.parametrize("theirs", ["", THEIRS], ids=["silent", "asking"])
def test_a_question_of_the_other_end_is_a_proof_of_life(tmp_path: Path, theirs: str) -> None:
    peer = together(tmp_path, log_of("a", theirs)).peer
    asked = next(x for x in peer.exchanges if x.outcome is Outcome.UNANSWERED)
    assert (len(asked.transmissions), asked.verdict_ref is not None) == (4, True)
    (hole,) = peer.black_holes
    # A log has what comes a millisecond after the wire, and what leaves one before.
    came_s, asked_s = (25.001, 27.999) if theirs else (10.021, 19.999)
    assert (hole.last_proof_ns, hole.first_probe_ns) == (at(came_s), at(asked_s))
    assert hole.probes == (2 if theirs else 4)
    assert hole.begin_known == bool(theirs)
    said = [part.text for part in verdict_of([peer]).parts]
    assert "given up 16.0 s after the first unanswered question" in said
    assert hole.max_seconds == pytest.approx(36 - came_s, abs=0.01) if theirs else True


def test_a_question_in_vain_before_the_peer_was_back_is_not_the_last_one(tmp_path: Path) -> None:
    """charon repeats its number until it is acknowledged, and asks no more while ESP comes."""
    peer = together(tmp_path, capture(ASKED_TWICE), log_of_twice()).peer
    assert [(x.first_ns, len(x.transmissions)) for x in peer.exchanges] == TWICE
    assert peer.exchanges[-1].verdict_ref is not None
    asked = [span.start_ns for span in peer.states if span.state is PeerState.PROBING]
    assert at(25) in asked
    hole = peer.black_holes[-1]
    assert hole.first_probe_ns == at(25)


def test_one_that_did_not_arrive_is_none(tmp_path: Path) -> None:
    lost = [Lost("b", 20)]
    logs = [log_of(end, THEIRS, lost=lost) for end in "ab"]
    peer = together(tmp_path, *logs).peer
    hole = next(h for h in peer.black_holes if h.sender == "192.0.2.1")
    assert hole.first_probe_ns == at(19.999)


def test_who_is_heard_after_the_last_question_was_not_silent(tmp_path: Path) -> None:
    heard = "33 b>a v1 info 108 says=ruthere\n33.02 a>b v1 info 108 says=ack"
    assert not together(tmp_path, log_of("a", heard)).peer.black_holes


@pytest.mark.parametrize("theirs_s", [9.05, 9.15], ids=["after one try", "after two"])
def test_what_the_other_end_asks_in_vain_ends_no_outage(tell: Tell, theirs_s: float) -> None:
    """It lives, and hears nothing: its question comes again and again, and ESP only in the end."""
    peer = tell(
        f"""
        0 a>b v2 handshake
        0.2..30/0.2 a>b esp out
        0.3..4.4/0.2 b>a esp in
        11.51..30/0.2 b>a esp in
        8.1..12.2/1 a>b liveness 2
        12.11 b>a liveness 2 resp
        {theirs_s}..12.2/1 b>a liveness 0
        {theirs_s + 0.001:.3f}..12.2/1 a>b liveness 0 resp
        """
    ).peer
    (hole,) = peer.black_holes
    assert (hole.sender, hole.stop_ns) == ("192.0.2.1", at(11.51))
    assert hole.max_packets == 36


def test_a_question_that_goes_on_in_vain_is_of_one_outage(tell: Tell) -> None:
    """What the other end asks meanwhile is not what is asked here: nothing of this gets through."""
    peer = tell(
        """
        0 a>b v2 handshake
        0.2..16.3/0.2 a>b esp out
        0.3..4.4/0.2 b>a esp in
        7 a>b create-child 2
        8 a>b create-child 2
        8.001 b>a create-child 0
        8.002 a>b create-child 0 resp
        9.8 a>b create-child 2
        13.04 a>b create-child 2
        18 b>a create-child 0
        18.01 a>b create-child 0 resp
        """
    ).peer
    (hole,) = peer.black_holes
    assert (hole.last_proof_ns, hole.first_probe_ns) == (at(4.3), at(7))
    assert hole.max_packets == 60
