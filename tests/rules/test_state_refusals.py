"""sending-refused: the log of a device says that its own system did not take its packets."""

from __future__ import annotations

import pytest

from analyzers.export.causes import where_lost
from analyzers.model.exchange import Lost as LostPart
from analyzers.model.finding import Severity
from analyzers.model.peer import HintKind
from analyzers.model.records import Confidence
from analyzers.session import SessionOptions
from analyzers.session.options import ClockOptions
from tests.rules.conftest import Tell
from tests.rules.coverage import fires, silent
from tests.rules.outages import ESP, V1
from tests.scenarios.logs import Lost, charon
from tests.scenarios.timeline import at

SILENT = V1 + ESP
REFUSED = "16[NET] error writing to socket: Operation not permitted"
ANSWERS = """
30.001 b>a v1 info 108 says=ack number=8
35.001 b>a v1 info 108 says=ack number=8
40.001 b>a v1 info 108 says=ack number=8
"""


def log_of_b(*times_s: float, answers: bool = True) -> tuple[str, str]:
    """b got everything; what it sent at some times was refused."""
    text = SILENT + ANSWERS if answers else SILENT
    return "b.log", charon(text, "b", said=[(at_s, REFUSED) for at_s in times_s])


@fires("sending-refused")
def test_the_answers_of_a_peer_were_refused_by_its_own_system(tell: Tell):
    told = tell(SILENT, log_of_b(20.3, 30.002, 35.002, 40.002))
    (finding,) = told.of("sending-refused")
    assert told.findings[0] == finding
    assert (finding.severity, finding.confidence) == (Severity.ERROR, Confidence.CERTAIN)
    assert abs((finding.at_ns or 0) - at(20.3)) <= 10_000_000
    assert finding.detail.startswith("192.0.2.2 could not send, 4 times in 19.7 s")
    assert "(Operation not permitted)" in finding.detail
    assert "What 192.0.2.1 asked meanwhile was not answered." in finding.detail
    assert "192.0.2.2 itself" in finding.remedy
    assert "nft list ruleset" in finding.remedy
    line = log_of_b(20.3, 30.002, 35.002, 40.002)[1].splitlines()[finding.refs[0].record - 1]
    assert "error writing" in line


@pytest.mark.parametrize(
    ("answers", "confidence"), [(True, Confidence.CERTAIN), (False, Confidence.INFERRED)]
)
def test_a_clock_that_is_not_known_matters_only_to_what_another_input_tells(
    tell: Tell, answers: bool, confidence: Confidence
):
    """The log of b has its answers among the refusals: both by the same clock."""
    unaligned = SessionOptions(clocks=ClockOptions(align=False))
    log = log_of_b(20.3, 30.002, 35.002, 40.002, answers=answers)
    (finding,) = tell(SILENT, log, options=unaligned).of("sending-refused")
    assert "What 192.0.2.1 asked meanwhile was not answered." in finding.detail
    assert finding.confidence is confidence


def test_the_unanswered_question_names_the_same_cause(tell: Tell):
    (peer,) = tell(SILENT, log_of_b(20.3, 30.002)).peers
    assert [x.lost for x in peer.exchanges if x.lost] == [LostPart.ANSWER]
    (finding,) = tell(SILENT, log_of_b(20.3, 30.002)).of("dpd-no-ack")
    assert "By its log 192.0.2.2 answered, but its own system refused to send" in finding.detail
    assert "Follow the way back" not in finding.remedy
    assert "192.0.2.2 itself" in finding.remedy


@pytest.mark.parametrize("times_s", [(30.001, 35.001, 40.001), (30.001, 35.001)])
def test_the_questions_themselves_were_refused(tell: Tell, times_s: tuple[float, ...]):
    wire = "".join(line for line in SILENT.splitlines(True) if "number=8" not in line)
    gave_up = (45, "02[JOB] DPD check timed out, enforcing DPD action")
    log = charon(SILENT, "a", said=[*((at_s, REFUSED) for at_s in times_s), gave_up])
    told = tell(wire, ("a.log", log))
    (finding,) = told.of("sending-refused")
    assert finding.severity is Severity.ERROR
    assert finding.detail.startswith(f"192.0.2.1 could not send, {len(times_s)} times")
    assert "What it asked meanwhile was not answered." in finding.detail
    (lost,) = told.of("dpd-no-ack")
    assert "By the log of 192.0.2.1 its own system refused to send" in lost.detail
    left = "did not leave it" if len(times_s) == 3 else "need not have left it"
    assert f"the question {left}." in lost.detail


def test_what_a_capture_shows_did_leave(tell: Tell):
    """Refusals beside a question are no cause of its silence, whoever was refused."""
    refused = [(30.001, REFUSED), (35.001, REFUSED), (40.001, REFUSED)]
    asked = charon(SILENT, "a", said=refused)
    (finding,) = tell(SILENT, ("a.log", asked)).of("dpd-no-ack")
    assert "refused" not in finding.detail
    nothing = charon(SILENT, "b", lost=[Lost("a", 25)], said=refused)
    (finding,) = tell(SILENT, ("b.log", nothing)).of("dpd-no-ack")
    assert "refused" not in finding.detail
    assert finding.detail.endswith("no question arrived: it was lost between the two.")
    assert "from where the capture was made" in finding.remedy


@silent("sending-refused", "nothing ran out meanwhile, and nothing was lost: a warning")
def test_refusals_that_cost_nothing(tell: Tell):
    (finding,) = tell(SILENT, log_of_b(12.0, 12.5, answers=False)).of("sending-refused")
    assert finding.severity is Severity.WARNING
    assert "was not answered" not in finding.detail


def test_spells_that_cost_nothing_are_one_finding(tell: Tell):
    calm = SILENT.partition("30 a>b")[0] + "300 a>b v1 info 108 says=ruthere number=8\n"
    calm += "300.02 b>a v1 info 108 says=ack number=8"
    said = [(at_s, REFUSED) for at_s in (1.0, 1.5, 100.0, 200.0)]
    (finding,) = tell(("b.log", charon(calm, "b", said=said))).of("sending-refused")
    assert "4 times, in 3 spells" in finding.detail
    assert len(finding.refs) == 3


@silent("sending-refused", "a line that names nobody, of a device with several peers")
def test_of_several_peers_nobody_knows_whom_it_concerns(tell: Tell):
    both = charon(SILENT + "0 c>b v1 main-mode sa=5", "b", said=[(30.5, REFUSED)])
    assert tell(SILENT, ("b.log", both)).of("sending-refused") == []


@pytest.mark.parametrize(
    ("times_s", "spells"),
    [
        ((21.0, 30.0, 40.0), [(21.0, 40.0, 3)]),
        ((21.0, 80.9, 141.0), [(21.0, 80.9, 2), (141.0, 141.0, 1)]),
    ],
    ids=["in a row", "a pause of more than a minute"],
)
def test_refusals_in_a_row_are_one_hint(
    tell: Tell, times_s: tuple[float, ...], spells: list[tuple[float, float, int]]
):
    (peer,) = tell(log_of_b(*times_s)).peers
    found = [hint for hint in peer.hints if hint.kind is HintKind.NOT_SENT]
    assert [
        (round((h.at_ns - at(0)) / 1e9, 1), round((h.last_ns - at(0)) / 1e9, 1), h.times)
        for h in found
    ] == spells
    assert {hint.reason for hint in found} == {"Operation not permitted"}


def test_by_the_log_of_the_asked_end_alone_its_answers_were_refused(tell: Tell):
    """Nothing tells whether the other end gave up; that it got no answer is certain."""
    told = tell(log_of_b(20.3, 30.002, 35.002, 40.002))
    (finding,) = told.of("sending-refused")
    assert (finding.severity, finding.confidence) == (Severity.ERROR, Confidence.CERTAIN)
    assert "What 192.0.2.1 asked meanwhile was not answered." in finding.detail
    assert told.of("dpd-no-ack") == []


LATE = """
0 a>b v2 handshake
10 a>b liveness 2
10.02 b>a liveness 2 resp
20 a>b liveness 3
22 a>b liveness 3
24 a>b liveness 3
24.02 b>a liveness 3 resp
"""


@pytest.mark.parametrize("ends", ["a", "ab"])
def test_answers_to_what_left_after_refusals_are_not_late(tell: Tell, ends: str):
    said = [(20.001, REFUSED), (22.001, REFUSED)]
    log = {"a": charon(LATE, "a", said=said), "b": charon(LATE, "b", lost=[Lost("a", 19, 23)])}
    told = tell(*((f"{end}.log", log[end]) for end in ends))
    (finding,) = told.of("dpd-late-ack")
    assert "its own system refused to send those before the answered one" in finding.detail
    assert "lost on the way" not in finding.detail
    assert finding.remedy.startswith("Look at 192.0.2.1 itself")
    (peer,) = told.peers
    where = "2 of 3 did not leave their end: its own system refused to send"
    assert where_lost(peer, peer.exchanges[-1]) == (where if ends == "ab" else "")


def test_refusals_are_told_of_those_that_have_them(tell: Tell):
    text = LATE + "40 a>b liveness 4\n42 a>b liveness 4\n42.02 b>a liveness 4 resp\n"
    log = charon(text, "a", said=[(20.001, REFUSED), (22.001, REFUSED)])
    (finding,) = tell(("a.log", log)).of("dpd-late-ack")
    assert "2 of 3 answers" in finding.detail
    assert "refused to send those before the answered one, once (Operation" in finding.detail
