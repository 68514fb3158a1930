"""dpd-no-ack: what the log of the end that was asked says, or that it says nothing."""

from __future__ import annotations

from pathlib import Path

import pytest
from msgspec.structs import replace

from analyzers.export.instants import utc
from analyzers.export.story import remarks
from analyzers.export.verdict import verdict_of
from analyzers.model.peer import PeerView
from analyzers.session import Session
from tests.rules.conftest import Tell
from tests.rules.outages import V2
from tests.scenarios.logs import Lost, charon

SAMPLES = Path(__file__).parents[2] / "sample_pcaps"
IDLE = "02[KNL] flags changed for fe80::1 on eth1"


def log_of_b(idle_s: float) -> tuple[str, str]:
    """b was gone from 20 s on; the last line is none that anything understands."""
    before = V2.rpartition("\n60 ")[0]
    return "b.log", charon(before, "b", lost=[Lost("a", 20)], said=[(idle_s, IDLE)])


def told_of(name: str) -> tuple[Session, PeerView]:
    session = Session()
    folder = SAMPLES / name
    session.run([str(folder / n) for n in ("capture.pcap", "charon-a.log", "charon-b.log")])
    (peer,) = session.peers()
    return session, peer


def test_a_log_that_ends_before_the_question_is_told_and_proves_no_death(tell: Tell):
    told = tell(V2, log_of_b(10.0))
    (finding,) = told.of("dpd-no-ack")
    assert "The log of 192.0.2.2 is there, and its last line is 20 s before" in finding.detail
    assert "is not proven by it" in finding.detail
    assert "Capture at both ends" not in finding.remedy
    assert finding.remedy.startswith("See whether 192.0.2.2 ran then")


def test_lines_that_nothing_understands_make_a_log_longer(tell: Tell):
    """It says something after the question, and nothing of it."""
    (finding,) = tell(V2, log_of_b(50.0)).of("dpd-no-ack")
    assert "The log of 192.0.2.2 goes on and shows no question" in finding.detail
    assert "Capture at both ends" not in finding.remedy
    (source,) = [s for s in tell(V2, log_of_b(50.0)).sources if s.kind == "log"]
    assert source.last_ns is not None
    assert source.last_line_ns is not None
    assert round((source.last_line_ns - source.last_ns) / 1e9) == 45


def test_a_log_that_shows_other_questions_tells_that_this_one_was_lost(tell: Tell):
    (finding,) = tell(V2, log_of_b(50.0)).of("dpd-no-ack")
    assert finding.detail.endswith("as it did others: it was lost on the way.")


def test_a_log_that_begins_after_the_question_tells_nothing_of_it(tell: Tell):
    after = charon(V2, "b", lost=[Lost("a", 0, 50), Lost("b", 0, 50)])
    lines = [line for line in after.splitlines(True) if "22:14:2" in line]
    (finding,) = tell(V2, ("b.log", "".join(lines))).of("dpd-no-ack")
    assert "The log of 192.0.2.2 begins 24 s after the last question" in finding.detail
    assert "goes on" not in finding.detail


def test_without_the_log_of_the_other_end_a_capture_there_is_advised(tell: Tell):
    (finding,) = tell(V2).of("dpd-no-ack")
    assert finding.remedy.startswith("Capture at both ends")


def test_the_story_says_when_the_log_of_the_other_end_stops():
    _, peer = told_of("ikev1-dead-peer")
    said = remarks(peer, peer.black_holes[0], lambda at_ns: utc(at_ns, digits=3))
    assert said == [
        "no proof of life after it in this input",
        "the log of 192.0.2.2 shows nothing after 2026-11-20T19:54:48.303Z: no question reached it,"
        " or the log was cut (inferred)",
    ]


FILTERED = """
0 a>b v1 main-mode
0.1 a>b v1 quick
10..60/10 a>b v1 info 108 says=ruthere
10.01..60.01/10 b>a v1 info 108 says=ack
70 a>b v1 main-mode sa=2
70.1 a>b v1 quick sa=2
80 a>b v1 info 108 says=ruthere sa=2
80.01 b>a v1 info 108 says=ack sa=2
"""
TIMED_OUT = [
    (0.1, "05[IKE] IKE_SA gw[1] established between 192.0.2.1[a]...192.0.2.2[b]"),
    (69.9, "02[JOB] DPD check timed out, enforcing DPD action"),
    (69.95, "02[IKE] IKE_SA gw[1] state change: ESTABLISHED => DESTROYING"),
    (70.1, "05[IKE] IKE_SA gw[2] established between 192.0.2.1[a]...192.0.2.2[b]"),
]


@pytest.mark.parametrize("logs", ["a", "ab"])
def test_answers_that_a_capture_shows_and_the_log_of_who_asked_does_not(tell: Tell, logs: str):
    """A filter of the host lets a capture have them, and not the daemon."""
    lost = [Lost("b", 35, 65)]
    log = {"a": charon(FILTERED, "a", lost=lost, said=TIMED_OUT), "b": charon(FILTERED, "b")}
    (finding,) = tell(FILTERED, *((f"{end}.log", log[end]) for end in logs)).of("dpd-no-ack")
    assert "does not show" not in finding.detail
    assert finding.detail.endswith("they were dropped behind the capture.")
    assert finding.remedy.startswith("Look between the capture and the IKE process")


@pytest.mark.parametrize(
    ("name", "clause"),
    [
        ("ikev1-one-way-loss", "the other end could not send"),
        ("ikev2-peer-restart", "the other end started anew"),
    ],
)
def test_the_verdict_has_the_cause(name: str, clause: str):
    _, peer = told_of(name)
    assert verdict_of([peer]).parts[-1].text == clause
    # Of several black holes it says how many have it.
    hole = replace(peer.black_holes[0], last_proof_ns=0, first_exposed_ns=0, stop_ns=1)
    both = replace(peer, black_holes=(*peer.black_holes, replace(hole, recovered_ns=None)))
    assert verdict_of([both]).parts[-1].text == f"{clause} in 1 of 2"
