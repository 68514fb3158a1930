"""Rules about questions and what answered them: where each fires, where its traps are silent."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from analyzers.model.finding import Severity
from analyzers.model.records import Confidence
from analyzers.model.sa import SaEnd
from analyzers.rules.answers import dpd_no_ack
from analyzers.rules.case import Case
from tests.rules.conftest import Keys, Tell
from tests.rules.coverage import fires, silent
from tests.scenarios.logs import Clock, Lost, charon, iso_zoned, no_stamp, syslog

A, B = "192.0.2.1", "192.0.2.2"

# --- dpd-no-ack ----------------------------------------------------------------------------

DEAD = """
0 a>b v2 handshake
0.2..10/0.2 a>b esp out
0.3..10/0.2 b>a esp in
10..40/0.5 a>b esp out
20 a>b liveness 2
22 a>b liveness 2
26 a>b liveness 2
34 a>b liveness 2
60 a>b sa-init 0 v2 sa=2
"""


@fires("dpd-no-ack")
def test_dpd_no_ack(tell: Tell):
    (finding,) = tell(DEAD).of("dpd-no-ack")
    assert finding.severity is Severity.ERROR
    assert finding.confidence is Confidence.CERTAIN
    assert "4 times to 192.0.2.2 within 14 s" in finding.detail
    assert "10.1 s after the last proof of life" in finding.detail
    assert "given up after" in finding.detail
    assert len(finding.refs) == 4


def test_dpd_no_ack_is_a_warning_where_the_sa_goes_on(tell: Tell):
    text = """
    0 a>b v2 handshake
    0.3..45/0.5 b>a esp in
    0.2..300/5 a>b esp out
    10 a>b liveness 2
    10.02 b>a liveness 2 resp
    50 a>b liveness 3
    """
    (finding,) = tell(text).of("dpd-no-ack")
    assert finding.severity is Severity.WARNING
    assert "once" in finding.detail
    assert "given up" not in finding.detail


def test_dpd_no_ack_folds_what_happens_again_and_again(tell: Tell):
    told = tell(DEAD)
    (lost,) = told.peer.exchanges
    again = replace(lost, id="x9", verdict_ns=None)
    sas = tuple(replace(sa, end=SaEnd.DELETE) for sa in told.peer.ike_sas)
    view = replace(told.peer, exchanges=(lost, again, again), ike_sas=sas)
    (found,) = dpd_no_ack.RULE.check(Case(view, told.sources))
    assert found.severity is Severity.WARNING
    assert "3 questions" in found.detail


@pytest.mark.parametrize(
    ("more", "lost", "words", "remedy"),
    [
        ("", [Lost("a", 11, 50)], "no question arrived", "from where the capture was made"),
        ("", [], "arrived, and was not answered", "stuck or overloaded"),
        ("20.01 b>a liveness 2 resp\n", [], "the answer was lost", "Follow the way back"),
    ],
    ids=["question", "not answered", "answer"],
)
def test_dpd_no_ack_says_where_it_was_lost(
    tell: Tell, more: str, lost: list[Lost], words: str, remedy: str
):
    log = charon(DEAD + more, "b", Clock(iso_zoned), lost=lost)
    (finding,) = tell(DEAD + more + "unseen b>a 15..", ("b.log", log)).of("dpd-no-ack")
    assert words in finding.detail
    assert remedy in finding.remedy


@silent("dpd-no-ack", "the SA had been replaced before it was asked: worth a note only")
def test_dpd_no_ack_on_an_sa_that_was_replaced_is_a_note(tell: Tell):
    told = tell(DEAD)
    (lost,) = told.peer.exchanges
    old, *others = told.peer.ike_sas
    replaced = replace(old, end=SaEnd.REPLACED, ended_ns=lost.first_ns)
    view = replace(told.peer, ike_sas=(replaced, *others))
    (found,) = dpd_no_ack.RULE.check(Case(view, told.sources))
    assert found.severity is Severity.INFO
    assert "had been replaced" in found.detail


def test_dpd_no_ack_of_a_device_that_asks_in_silence(tell: Tell):
    log = (
        '"west-east" #1: ISAKMP SA established {auth=PRESHARED_KEY}\n'
        '"west-east" #1: DPD action - clearing connection kind CK_PERMANENT\n'
    )
    (finding,) = tell(("pluto.log", log)).of("dpd-no-ack")
    assert (finding.severity, finding.confidence) == (Severity.ERROR, Confidence.CERTAIN)
    assert "DPD action - clearing connection" in finding.detail
    assert finding.refs == (finding.refs[0],)
    assert finding.refs[0].record == 2


@silent("dpd-no-ack", "the input ends before the retry horizon: the question is open")
def test_dpd_no_ack_is_silent_where_the_input_ends_too_early(tell: Tell):
    assert tell(DEAD + "capture 0..27").of("dpd-no-ack") == []


@silent(
    "dpd-no-ack", "nothing of the other end was captured: the answer may have taken another path"
)
def test_dpd_no_ack_is_silent_where_one_direction_is_missing(tell: Tell):
    assert tell(DEAD + "unseen b>a ..").of("dpd-no-ack") == []


@silent("dpd-no-ack", "a later question proves the answer that was not captured")
def test_dpd_no_ack_is_silent_where_a_later_question_proves_the_answer(tell: Tell):
    text = """
    0 a>b v2 handshake
    10 a>b liveness 2
    20 a>b liveness 3
    20.02 b>a liveness 3 resp
    """
    assert tell(text).of("dpd-no-ack") == []


@silent(
    "dpd-no-ack",
    "a retry that comes when the peer has forgotten its answer: the question was answered",
)
def test_dpd_no_ack_is_silent_where_a_late_retry_is_no_longer_answered(tell: Tell):
    """RFC 7296 section 2.1: a responder forgets its answers after several minutes."""
    text = """
    0 a>b v2 handshake
    10 a>b liveness 2
    10.02 b>a liveness 2 resp
    400 a>b liveness 2
    500 b>a liveness 0
    """
    assert tell(text).of("dpd-no-ack") == []


@silent("dpd-no-ack", "without keys: a Delete as long as an R-U-THERE is no question")
def test_dpd_no_ack_does_not_take_a_delete_for_a_question(tell: Tell):
    """Cisco's Delete has the length and the rhythm of the retries (dpd-semantics, fact 12)."""
    text = """
    0 a>b v1 main-mode
    0.1 a>b v1 quick
    0.2..45/0.5 a>b esp out
    0.3..30/0.5 b>a esp in
    10 a>b v1 info 108
    10.02 b>a v1 info 108
    35..43.5/2 a>b v1 info 108
    45 a>b v1 info 108
    45.5 a>b v1 main-mode sa=2
    """
    (finding,) = tell(text).of("dpd-no-ack")
    assert finding.confidence is Confidence.INFERRED
    assert "5 times" in finding.detail
    assert len(finding.refs) == 5


# --- dpd-late-ack --------------------------------------------------------------------------

PROMPT = """
0 a>b v2 handshake
10..60/10 a>b liveness 2+
10.02..60/10 b>a liveness 2+ resp
"""


@fires("dpd-late-ack")
def test_dpd_late_ack(tell: Tell):
    text = PROMPT + "70 a>b liveness 7\n73.2 b>a liveness 7 resp"
    (finding,) = tell(text).of("dpd-late-ack")
    assert (finding.severity, finding.confidence) == (Severity.WARNING, Confidence.CERTAIN)
    assert "1 of 6 answers" in finding.detail
    assert "3.2 s after its question; up to 1 s" in finding.detail
    assert [r.record for r in finding.refs] == [15, 16]


def test_the_only_answer_is_told_as_that(tell: Tell):
    only = "0 a>b v2 handshake\n20 a>b liveness 2\n24 a>b liveness 2\n24.02 b>a liveness 2 resp"
    (finding,) = tell(only).of("dpd-late-ack")
    assert finding.detail.startswith("The only answer of 192.0.2.2 to the liveness requests of ")


def test_dpd_late_ack_after_retries(tell: Tell):
    text = PROMPT + "".join(f"{at} a>b liveness 7\n" for at in (70, 72, 76))
    (finding,) = tell(text + "76.02 b>a liveness 7 resp").of("dpd-late-ack")
    assert "only after 3 transmissions, 6.02 s after the first" in finding.detail
    assert "after its question" not in finding.detail


def test_dpd_late_ack_blames_no_load_where_the_question_did_not_arrive(tell: Tell):
    text = PROMPT + "".join(f"{at} a>b liveness 7\n" for at in (70, 72, 76))
    text += "76.02 b>a liveness 7 resp\n90 a>b liveness 8\n90.02 b>a liveness 8 resp"
    log = charon(text, "b", lost=[Lost("a", 69, 73)])
    (finding,) = tell(text, ("b.log", log)).of("dpd-late-ack")
    assert "those before the answered one did not arrive" in finding.detail
    assert "load" not in finding.remedy
    assert "Follow the way to the peer" in finding.remedy
    (other,) = tell(text, ("b.log", charon(text, "b"))).of("dpd-late-ack")
    assert "load" in other.remedy


@silent("dpd-late-ack", "an answer belongs to the retry whose number it has")
@pytest.mark.parametrize(("number", "is_slow"), [(6, True), (7, False)])
def test_dpd_late_ack_belongs_to_its_own_transmission(
    tell: Tell, keys: Keys, number: int, is_slow: bool
):
    """Retries with numbers of their own: what answers the first of them is slow."""
    text = f"""
    0 a>b v1 main-mode
    10 a>b v1 info says=ruthere seq=5
    10.02 b>a v1 info says=ack seq=5
    20 a>b v1 info says=ruthere seq=6
    25 a>b v1 info says=ruthere seq=7
    25.02 b>a v1 info says=ack seq={number}
    """
    (finding,) = tell(text, options=keys(text)).of("dpd-late-ack")
    assert ("5.02 s after its question" in finding.detail) is is_slow
    assert "only after 2 transmissions" in finding.detail


@silent("dpd-late-ack", "clients sleep: behind a NAT it is worth a note only")
def test_dpd_late_ack_of_a_client_is_a_note(tell: Tell):
    text = PROMPT.replace("a>b", "b:4500>n:61000").replace("b>a", "n:61000>b:4500")
    text = "sa 1 by b\n" + text.replace("0 b:4500>n:61000 v2", "0 b>n v2")
    text += "70 b:4500>n:61000 liveness 7\n73.2 n:61000>b:4500 liveness 7 resp"
    (finding,) = tell(text).of("dpd-late-ack")
    assert finding.severity is Severity.INFO


@pytest.mark.parametrize(
    "text",
    [
        PROMPT,
        PROMPT + "70 a>b liveness 7",
        PROMPT + "70 a>b liveness 7\n70.9 b>a liveness 7 resp",
    ],
    ids=["prompt", "open", "within a second"],
)
def test_dpd_late_ack_is_silent(tell: Tell, text: str):
    assert tell(text).of("dpd-late-ack") == []


@silent("dpd-late-ack", "a far peer is slow every time: its own round trip counts")
def test_dpd_late_ack_knows_a_far_peer(tell: Tell):
    text = "0 a>b v2 handshake\n" + "".join(
        f"{at} a>b liveness {number}\n{at + 0.8} b>a liveness {number} resp\n"
        for number, at in enumerate((10, 20, 30), start=2)
    )
    assert tell(text + "40 a>b liveness 5\n43.9 b>a liveness 5 resp").of("dpd-late-ack") == []
    assert tell(text + "40 a>b liveness 5\n44.1 b>a liveness 5 resp").of("dpd-late-ack")


COARSE = "a log that stamps whole seconds is off by a second; one without stamps has no times"


@silent("dpd-late-ack", COARSE)
def test_dpd_late_ack_is_silent_where_the_log_is_coarse(tell: Tell):
    text = PROMPT.replace("10..", "10.5..").replace("10.02", "10.52")
    text += "70.9 a>b liveness 7\n72.1 b>a liveness 7 resp"
    assert len(tell(("a.log", charon(text))).of("dpd-late-ack")) == 1
    assert tell(("a.log", charon(text, clock=Clock(syslog)))).of("dpd-late-ack") == []


@silent("dpd-late-ack", COARSE)
def test_dpd_late_ack_is_silent_where_the_log_has_no_times(tell: Tell):
    text = PROMPT + "70 a>b liveness 7\n72 a>b liveness 7\n74 b>a liveness 7 resp"
    assert len(tell(("a.log", charon(text))).of("dpd-late-ack")) == 1
    assert tell(("a.log", charon(text, clock=Clock(no_stamp)))).of("dpd-late-ack") == []


# --- dpd-ack-from-other-address ------------------------------------------------------------

STRAY = """
0 a>b v2 handshake
10..40/10 a>b liveness 2+
10.02 b>a liveness 2 resp
20.02 c>a liveness 3 resp
30.02 b>a liveness 4 resp
"""


@fires("dpd-ack-from-other-address")
def test_dpd_ack_from_other_address(tell: Tell):
    (finding,) = tell(STRAY).of("dpd-ack-from-other-address")
    assert (finding.severity, finding.confidence) == (Severity.WARNING, Confidence.CERTAIN)
    assert f"to {B}, the answer came from 192.0.2.3" in finding.detail
    assert [r.record for r in finding.refs] == [7, 8]


def test_dpd_ack_from_another_port(tell: Tell):
    text = """
    0 n>b v2 handshake
    10..40/10 b:4500>n:61000 liveness 0+
    10.02 n:61000>b:4500 liveness 0 resp
    20.02 n:61001>b:4500 liveness 1 resp
    30.02 n:61000>b:4500 liveness 2 resp
    """
    (finding,) = tell(text).of("dpd-ack-from-other-address")
    assert "port 61000" in finding.detail
    assert "port 61001" in finding.detail


@silent(
    "dpd-ack-from-other-address",
    "a cluster that always answers from one other address is worth a note only",
)
def test_dpd_ack_from_the_member_of_a_cluster_is_a_note(tell: Tell):
    text = "0 a>b v2 handshake\n10..50/10 a>b liveness 2+\n10.02..50/10 c>a liveness 2+ resp\n"
    (finding,) = tell(text + "60 a>b liveness 6").of("dpd-ack-from-other-address")
    assert finding.severity is Severity.INFO
    assert "4 times" in finding.detail
    assert "cluster" in finding.detail


@silent(
    "dpd-ack-from-other-address",
    "the peer has moved (NAT rebinding, MOBIKE): what is sent next goes to its new address",
)
def test_dpd_ack_from_other_address_is_silent_where_the_peer_moved(tell: Tell):
    text = STRAY.replace("10..40/10 a>b", "10..25/10 a>b") + "30 a>c liveness 4\n"
    assert tell(text).of("dpd-ack-from-other-address") == []
    text = STRAY.replace("10..40/10 a>b", "10..25/10 a>b") + "30 a>b liveness 4\n"
    assert len(tell(text).of("dpd-ack-from-other-address")) == 1


@silent(
    "dpd-ack-from-other-address",
    "a path test that was sent to several addresses (RFC 4555 section 3.10)",
)
def test_dpd_ack_from_other_address_is_silent_of_a_path_test(tell: Tell):
    tested = STRAY + "19.999 a>c liveness 3\n"
    assert tell(tested).of("dpd-ack-from-other-address") == []


@pytest.mark.parametrize(
    "text",
    ["0 a>b v2 handshake\n10 a>b liveness 2\n10.02 c>a liveness 2 resp", PROMPT],
    ids=["nothing later", "from where it was asked"],
)
def test_dpd_ack_from_other_address_is_silent(tell: Tell, text: str):
    assert tell(text).of("dpd-ack-from-other-address") == []


@silent("dpd-ack-from-other-address", "two captures, one on either side of a NAT")
def test_dpd_ack_from_other_address_is_silent_where_two_captures_flank_a_nat(tell: Tell):
    inside = PROMPT + "unseen b>a .."
    outside = PROMPT + "host b 198.51.100.2\nunseen a>b 1.."
    for told in (tell(inside, outside), tell(outside, inside)):
        assert told.of("dpd-ack-from-other-address") == []
