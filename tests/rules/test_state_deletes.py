"""Rules about Deletes: where each fires, and where its traps are silent."""

from __future__ import annotations

import pytest

from analyzers.model.exchange import DeleteProtocol
from analyzers.model.finding import Severity
from analyzers.model.records import Confidence
from analyzers.model.sa import SaEnd
from analyzers.rules.case import Case
from analyzers.rules.state import half_open_sa
from tests.model_builders import A, B, at, delete, esp_flow, ike_sa, peer
from tests.rules.conftest import Tell
from tests.rules.coverage import fires, silent
from tests.scenarios.logs import Lost, charon
from tests.scenarios.timeline import spi_of

TRAFFIC = """
0 a>b v2 handshake
0.2..10/0.2 a>b esp out
0.3..10/0.2 b>a esp in
"""
HALF_OPEN = (
    TRAFFIC
    + """
10 a>b delete 2
10.02 b>a delete 2 resp next=0
10..40/0.2 b>a esp in
"""
)
# The Delete of a is not answered, and b goes on asking.
LOST = (
    TRAFFIC
    + """
5 b>a liveness 0
5.02 a>b liveness 0 resp
10 a>b delete 2
12 a>b delete 2
16 a>b delete 2
30 b>a liveness 1
32 b>a liveness 1
36 b>a liveness 1
60 c>b v2 sa-init sa=9
"""
)


@fires("half-open-sa")
def test_half_open_sa(tell: Tell):
    (finding,) = tell(HALF_OPEN).of("half-open-sa")
    assert finding.severity is Severity.ERROR
    # Without keys the answer tells what was deleted.
    assert finding.confidence is Confidence.INFERRED
    assert f"192.0.2.2 sent ESP on SPI {spi_of('in')} for 29.8 s more" in finding.detail
    assert finding.refs


OF_CHILD = HALF_OPEN.replace("delete 2 resp next=0", "delete 2 resp")


def test_half_open_sa_where_the_only_child_sa_falls_silent_with_its_delete(tell: Tell):
    """Without keys the Delete does not name it."""
    (finding,) = tell(OF_CHILD).of("half-open-sa")
    assert (finding.severity, finding.confidence) == (Severity.ERROR, Confidence.INFERRED)
    assert f"deleted a Child SA with 192.0.2.2; 192.0.2.2 sent ESP on SPI {spi_of('in')}" in (
        finding.detail
    )
    assert "has acknowledged the Delete" in finding.remedy


@silent(
    "half-open-sa",
    "packets that were on their way; a log that has one line of them only",
    "the old SA of a rekey: its Child SAs go on with the new IKE SA",
    "a second IKE SA between the same ends, to which the traffic may belong",
    "without keys a Delete may be none, or does not say which SPI it is about",
)
@pytest.mark.parametrize(
    "text",
    [
        HALF_OPEN.replace("10..40/0.2", "10..11.5/0.2"),
        OF_CHILD + "5..40/0.2 b>a esp in2",
        OF_CHILD + "10..40/0.2 a>b esp out",
        OF_CHILD.replace("10 a>b delete", "15 a>b delete").replace("10.02", "15.02"),
        HALF_OPEN.replace("10..40/0.2 b>a esp in", "10..40/0.2 b>a esp in2"),
        HALF_OPEN
        + "4 a>b v2 handshake sa=2\n20 a>b liveness 2 sa=2\n20.1 b>a liveness 2 resp sa=2",
        TRAFFIC
        + """
        9 a>b create-child 2
        9.02 b>a create-child 2 resp
        9.5 a>b delete 3
        9.52 b>a delete 3 resp next=0
        9.6 a>b liveness 0 sa=2
        9.62 b>a liveness 0 resp sa=2
        10..40/0.2 b>a esp in
        """,
    ],
    ids=[
        "on their way",
        "a Child SA, nobody knows which",
        "a Child SA that is not this one",
        "a Child SA that had been silent before",
        "on another SPI",
        "a second IKE SA",
        "a rekeyed IKE SA",
    ],
)
def test_no_half_open_sa(tell: Tell, text: str):
    assert tell(text).of("half-open-sa") == []


def test_half_open_sa_by_what_is_still_asked_on_it(tell: Tell):
    # Nothing says that the Delete was one of the IKE SA, but nothing is answered on it since.
    (finding,) = tell(LOST).of("half-open-sa")
    assert finding.severity is Severity.WARNING
    assert finding.confidence is Confidence.INFERRED
    assert "(no answer came); 192.0.2.2 asked on it 3 times, first 20 s later" in finding.detail
    assert len(finding.refs) == 1 + 3
    assert tell(LOST + "30.5 a>b liveness 1 resp").of("half-open-sa") == []


def outlived(ike_version: int):
    """ESP of the peer goes on for 20 s after a Delete of the IKE SA that keys have opened."""
    view = peer(
        ike_sas=(ike_sa(ike_version=ike_version, ended_ns=at(20), end=SaEnd.DELETE),),
        esp_flows=(esp_flow(sender=B, receiver=A, last_ns=at(40)),),
        deletes=(delete(at_ns=at(20), protocol=DeleteProtocol.IKE, spis=()),),
        exchanges=(),
        hints=(),
    )
    return [half_open_sa.RULE.finding(f) for f in half_open_sa.RULE.check(Case(view))]


@silent("half-open-sa", "an IKEv1 IKE SA: its Child SAs outlive it")
def test_the_child_sas_of_ikev1_outlive_their_ike_sa():
    assert len(outlived(ike_version=2)) == 1
    assert outlived(ike_version=1) == []


INVALID_SPI = (
    "*Jun  3 2026 08:10:{second:02}.000: %CRYPTO-4-RECVD_PKT_INV_SPI: decaps: rec'd IPSEC packet"
    " has invalid spi for destaddr=192.0.2.1, prot=50, spi=0xA1B2C3D4(2712847316),"
    " srcaddr=198.51.100.9, input interface=GigabitEthernet1\n"
)


@silent("half-open-sa", "packets that were on their way; a log that has one line of them only")
def test_half_open_sa_by_the_log_of_the_end_that_has_no_sa(tell: Tell):
    lines = "".join(INVALID_SPI.format(second=s) for s in (4, 34))
    (finding,) = tell(("console.txt", lines)).of("half-open-sa")
    assert finding.confidence is Confidence.INFERRED
    assert "2 times in 30 s" in finding.detail
    assert "(SPI a1b2c3d4)" in finding.detail
    assert len(finding.refs) == 2
    assert tell(("console.txt", INVALID_SPI.format(second=4))).of("half-open-sa") == []


# iked has done with an IKE SA that its peer has renewed, and does not answer its Delete.
RENEWED = (
    TRAFFIC
    + """
10 a>b create-child 2
10.01 b>a create-child 2 resp
10.02 a>b delete 3
12 a>b delete 3
15 a>b delete 3
20 b>a liveness 0 sa=2
20.02 a>b liveness 0 sa=2 resp
60 c>b v2 sa-init sa=9
"""
)


@fires("delete-lost")
def test_delete_lost(tell: Tell):
    (finding,) = tell(LOST).of("delete-lost")
    assert finding.severity is Severity.WARNING
    assert finding.confidence is Confidence.CERTAIN
    assert "192.0.2.1 sent a Delete to 192.0.2.2 3 times; no answer came" in finding.detail


@silent(
    "delete-lost",
    "a Delete to a peer that was given up for dead is not expected to arrive",
    "the input ends before the answer is due",
    "nothing of the receiver was captured",
    "Deletes of both ends that cross",
    "an IKE SA that was renewed: who has it no more does not answer",
)
@pytest.mark.parametrize(
    "text",
    [
        LOST + "17 b>a delete 2 resp",
        LOST + "capture 0..17",
        LOST + "unseen b>a ..",
        LOST + "10.5 b>a delete 1",
        TRAFFIC + "6 a>b liveness 2\n8 a>b liveness 2\n12 a>b liveness 2\n20 a>b delete 3\n"
        "22 a>b delete 3\n60 c>b v2 sa-init sa=9",
        RENEWED,
    ],
    ids=[
        "answered",
        "the input ends",
        "one direction",
        "Deletes that cross",
        "dead before",
        "renewed",
    ],
)
def test_no_delete_lost(tell: Tell, text: str):
    assert tell(text).of("delete-lost") == []


IKEV1 = """
0 a>b v1 main-mode
0.1 a>b v1 quick
5 a>b v1 info 108 says=ruthere
5.02 b>a v1 info 108 says=ack
10 b>a v1 info 108 says=delete
20 a>b v1 info 108 says=ruthere
22 a>b v1 info 108 says=ruthere
24 a>b v1 info 108 says=ruthere
60 c>b v1 main-mode sa=9
60 c>a v1 main-mode sa=8
"""


GIVEN_UP = [(26, "01[JOB] <gw|1> DPD check timed out, enforcing DPD action")]


def test_delete_lost_by_the_logs_of_both_ends(tell: Tell):
    logs = (
        ("charon-a.log", charon(IKEV1, "a", lost=[Lost("b", 9)], said=GIVEN_UP)),
        ("charon-b.log", charon(IKEV1, "b")),
    )
    told = tell(*logs)
    (finding,) = told.of("delete-lost")
    assert finding.confidence is Confidence.INFERRED
    assert "192.0.2.2 sent a Delete to 192.0.2.1 once; 192.0.2.1's own log" in finding.detail
    (half_open,) = told.of("half-open-sa")
    assert half_open.severity is Severity.WARNING
    assert "192.0.2.1 asked on it 3 times, first 10 s later" in half_open.detail
    whole = (("charon-a.log", charon(IKEV1, "a")), ("charon-b.log", charon(IKEV1, "b")))
    assert tell(*whole).of("delete-lost") == []


@silent("delete-lost", "an IKEv1 Delete has no answer: only the other end tells")
def test_nobody_answers_a_delete_of_ikev1(tell: Tell):
    assert tell(("charon-b.log", charon(IKEV1, "b"))).of("delete-lost") == []
    assert tell(IKEV1).of("delete-lost") == []


def test_delete_lost_between_a_capture_and_the_log_of_the_other_end(tell: Tell):
    near_a = IKEV1 + "unseen b>a 9.. "
    (finding,) = tell(near_a, ("charon-b.log", charon(IKEV1, "b"))).of("delete-lost")
    assert "it is not in the capture" in finding.detail
    assert tell(IKEV1, ("charon-b.log", charon(IKEV1, "b"))).of("delete-lost") == []


STORY = """
0 a>b v1 main-mode
0.1 a>b v1 quick
30.003 a>b v1 info 92 says=delete
{b_at} b>a v1 info 92 says=delete
90 c>a v1 main-mode sa=8
"""
PLUTO = """\
2023-11-14 22:13:{up}: "gw"[1] {peer} #1: IKE SA established {{auth=PRESHARED_KEY}}
2023-11-14 22:13:{esp}: "gw"[1] {peer} #1: received Delete SA(0x0a0b0c11) payload: deleting IPsec\
 State #2
2023-11-14 22:13:{gone}: "gw"[1] {peer} #1: deleting state (STATE_MAIN_I4) aged 9s and sending\
 notification
2023-11-14 22:15:00.000: "gw"[1] {peer} #3: IKE SA established {{auth=PRESHARED_KEY}}
"""


@silent("delete-lost", "both ends delete the IKE SA at once: a log need not tell of both Deletes")
@pytest.mark.parametrize(("b_at", "lost"), [("30.001", 0), ("30.005", 0), ("35.000", 1)])
def test_delete_lost_is_silent_where_both_delete_the_ike_sa(tell: Tell, b_at: str, lost: int):
    story = STORY.format(b_at=b_at) + "30 a>b v1 info 92 says=esp-delete\n"
    b_gone = f"{20 + float(b_at):06.3f}"
    log_a = PLUTO.format(up="20.100", esp="20.200", gone="50.003", peer="192.0.2.2")
    log_b = PLUTO.format(up="20.100", esp="50.000", gone=b_gone, peer="192.0.2.1")
    told = tell(story, ("a.log", log_a), ("b.log", log_b))
    assert [f.end for f in told.of("delete-lost")] == ["192.0.2.1"] * lost


def test_delete_lost_between_two_captures(tell: Tell, tmp_path):
    near_b = IKEV1 + "unseen b>a 9..11"
    log = ("charon-b.log", charon(IKEV1, "b"))
    (finding,) = tell(IKEV1, near_b, log).of("delete-lost")
    assert "a second capture on the way does not have it" in finding.detail


DEAD = """
0 a>b v2 handshake
10 a>b liveness 2
10.02 b>a liveness 2 resp
20 a>b liveness 3
22 a>b liveness 3
26 a>b liveness 3
34 a>b delete 4
60 a>b v2 sa-init sa=2
"""


@fires("delete-after-dead")
def test_delete_after_dead(tell: Tell):
    (finding,) = tell(DEAD).of("delete-after-dead")
    assert finding.severity is Severity.INFO
    assert "192.0.2.1 sent a Delete to 192.0.2.2 8 s after its last question" in finding.detail
    assert len(finding.refs) == 2
    assert "retry" not in finding.detail
    assert tell(DEAD).of("delete-lost") == []


@pytest.mark.parametrize(("at_s", "alike"), [(36, True), (31.5, False)])
def test_a_delete_after_dead_may_look_like_a_retry(tell: Tell, at_s: float, alike: bool):
    text = """
    0 a>b v1 main-mode
    0.1 a>b v1 quick
    10 a>b v1 info 108
    10.02 b>a v1 info 108
    21..36/5 a>b v1 info 108
    """
    deleted = f"{at_s} a>b v1 info 92\n{at_s + 0.001} a>b v1 info 108\n60 a>b v1 main-mode sa=2"
    (finding,) = tell(text + deleted).of("delete-after-dead")
    assert ("looks like one more retry" in finding.detail) is alike


@silent("delete-after-dead", "a Delete after questions that were answered is an orderly end")
def test_an_orderly_end_is_no_delete_after_dead(tell: Tell):
    text = DEAD.replace("26 a>b liveness 3", "26 b>a liveness 3 resp")
    assert tell(text).of("delete-after-dead") == []


@silent(
    "delete-after-dead",
    "another SA had taken over: the old one is deleted because it is used no more",
)
def test_the_delete_of_an_sa_that_another_replaced_is_no_verdict(tell: Tell):
    """What was asked on it meanwhile met no answer: nobody is given up for that."""
    text = """
    0 a>b v1 main-mode
    0.1 a>b v1 quick
    10 a>b v1 info 108 says=ruthere
    10.02 b>a v1 info 108 says=ack
    20 a>b v1 main-mode sa=2
    20.1 a>b v1 quick sa=2
    22 a>b v1 info 108 says=ruthere
    24 a>b v1 info 108 says=ruthere
    30 a>b v1 info 92 says=delete
    32 a>b v1 info 108 says=ruthere sa=2
    32.02 b>a v1 info 108 says=ack sa=2
    """
    told = tell(text, ("charon-a.log", charon(text, "a")))
    assert told.peer.ike_sas[0].end in (SaEnd.REKEYED, SaEnd.REPLACED)
    assert {f.rule for f in told.findings} <= {"dpd-no-ack", "capture-insufficient"}
    assert [f.severity for f in told.of("dpd-no-ack")] in ([], [Severity.INFO])


def test_an_ios_router_deletes_after_its_retries(tell: Tell):
    text = """
    0 a>b v1 main-mode
    0.1 a>b v1 quick
    10 a>b v1 info 108 says=ruthere
    10.02 b>a v1 info 108 says=ack
    20..30/2 a>b v1 info 108 says=ruthere
    30 a>b v1 info 108 says=delete
    60 c>b v1 main-mode sa=9
    """
    (finding,) = tell(text, ("charon-a.log", charon(text, "a"))).of("delete-after-dead")
    assert finding.confidence is Confidence.CERTAIN
    assert "2 s after" in finding.detail
