"""Rules about the numbers of acknowledgements: where each fires, where its traps are silent."""

from __future__ import annotations

import pytest

from analyzers.model.finding import Severity
from analyzers.model.records import Confidence
from tests.rules.conftest import Keys, Tell
from tests.rules.coverage import fires, silent
from tests.scenarios.logs import charon, isakmp

A, B = "192.0.2.1", "192.0.2.2"

# --- dpd-wrong-ack -------------------------------------------------------------------------

NUMBERED = """
0 a>b v1 main-mode
10 a>b v1 info says=ruthere seq=5
10.02 b>a v1 info says=ack seq=5
20 a>b v1 info says=ruthere seq=6
20.02 b>a v1 info says=ack seq=6
"""
LATER = "40 a>b v1 info says=ruthere seq=8\n40.02 b>a v1 info says=ack seq=8\n"


@fires("dpd-wrong-ack")
def test_dpd_wrong_ack(tell: Tell, keys: Keys):
    text = NUMBERED + (
        "30 a>b v1 info says=ruthere seq=7\n30.02 b>a v1 info says=ack seq=1007\n"
        "35 a>b v1 info says=ruthere seq=7\n35.02 b>a v1 info says=ack seq=1007\n"
        "36 a>b v1 info says=ruthere seq=7\n36.02 b>a v1 info says=ack seq=7\n"
    )
    told = tell(text, options=keys(text))
    (finding,) = told.of("dpd-wrong-ack")
    assert (finding.severity, finding.confidence) == (Severity.WARNING, Confidence.CERTAIN)
    assert f"{B} acknowledged 1007" in finding.detail
    assert f"{A} had asked 7" in finding.detail
    assert "2 times" in finding.detail
    assert [r.record for r in finding.refs] == [11, 12, 13, 14]
    assert told.of("dpd-unsolicited-ack") == []


CHARON = "09[IKE] <gw|1> received invalid DPD sequence number 1500 (expected 1501), ignored"
RACOON = "racoon: ERROR: Wrong DPD sequence number (17, 18 expected).\n"


def test_dpd_wrong_ack_in_the_words_of_charon(tell: Tell):
    text = "0 a>b v1 main-mode\n10 a>b v1 info 108 says=ruthere\n10.02 b>a v1 info 108 says=ack"
    (finding,) = tell(("a.log", charon(text, said=[(10.03, CHARON)]))).of("dpd-wrong-ack")
    assert "1500, where 1501 was expected" in finding.detail
    assert finding.confidence is Confidence.CERTAIN
    assert len(finding.refs) == 1


@silent("dpd-wrong-ack", "strongSwan's log has the same words for questions with an odd number")
def test_dpd_wrong_ack_is_silent_where_charon_says_it_of_a_question(tell: Tell):
    text = "0 a>b v1 main-mode\n10 b>a v1 info 108 says=ruthere\n10.02 a>b v1 info 108 says=ack"
    assert tell(("a.log", charon(text, said=[(10.01, CHARON)]))).of("dpd-wrong-ack") == []


@pytest.mark.parametrize(
    "line",
    [
        "%ASA-6-713124: Group = 192.0.2.2, IP = 192.0.2.2, Received DPD sequence number 7 in DPD"
        " R-U-THERE-ACK, expected seq # 8",
        '"gw" #8: DPD: R_U_THERE_ACK has unexpected sequence number 7 (expected was 8)',
        "Nov 14 22:13:20 gw racoon: INFO: ISAKMP-SA established 192.0.2.1[500]-192.0.2.2[500]"
        " spi:a41ac1a6925beba8:0b6a2d51c2f8e713\n"
        "Nov 14 22:13:30 gw racoon: ERROR: Wrong DPD sequence number (7, 8 expected).",
    ],
    ids=["ASA", "Libreswan", "racoon"],
)
def test_dpd_wrong_ack_in_the_words_of_others(tell: Tell, line: str):
    (finding,) = tell(("device.log", line + "\n")).of("dpd-wrong-ack")
    assert "7, where 8 was expected" in finding.detail


@silent(
    "dpd-wrong-ack",
    "an earlier retry, where every retry has a number of its own (Libreswan, racoon)",
)
def test_dpd_wrong_ack_is_silent_of_an_earlier_retry(tell: Tell, keys: Keys):
    text = NUMBERED + (
        "30 a>b v1 info says=ruthere seq=7\n35 a>b v1 info says=ruthere seq=8\n"
        "35.02 b>a v1 info says=ack seq=7\n"
    )
    assert tell(text, options=keys(text)).of("dpd-wrong-ack") == []
    text = text.replace("35.02 b>a v1 info says=ack seq=7", "35.02 b>a v1 info says=ack seq=4")
    assert len(tell(text, options=keys(text)).of("dpd-wrong-ack")) == 1


@silent(
    "dpd-wrong-ack",
    "two IKE SAs of one peer during a rekey: the number was asked on the other",
)
def test_dpd_wrong_ack_is_silent_of_the_number_of_another_sa(tell: Tell, keys: Keys):
    text = NUMBERED + (
        "29 a>b v1 main-mode sa=2\n30 a>b v1 info says=ruthere seq=700 sa=2\n"
        "30.01 a>b v1 info says=ruthere seq=7\n30.02 b>a v1 info says=ack seq={number}\n"
    )
    other, none = text.format(number=700), text.format(number=701)
    assert tell(other, options=keys(other)).of("dpd-wrong-ack") == []
    assert len(tell(none, options=keys(none)).of("dpd-wrong-ack")) == 1


@silent(
    "dpd-wrong-ack",
    "the question was not captured: numbers before and after leave room for it",
)
def test_dpd_wrong_ack_is_silent_where_the_question_was_not_captured(tell: Tell, keys: Keys):
    text = NUMBERED + (
        "30 a>b v1 info says=ruthere seq=7\n32 a>b v1 info says=ruthere seq={number}\n"
        "32.02 b>a v1 info says=ack seq={number}\n34 a>b v1 info says=ruthere seq=9\n"
        "34.02 b>a v1 info says=ack seq=9\nunseen a>b 31..33\n"
    )
    fits, does_not = text.format(number=8), text.format(number=800)
    told = tell(fits, options=keys(fits))
    assert told.of("dpd-wrong-ack") == []
    assert told.of("dpd-unsolicited-ack") == []
    assert len(tell(does_not, options=keys(does_not)).of("dpd-wrong-ack")) == 1


# --- dpd-unsolicited-ack -------------------------------------------------------------------


@fires("dpd-unsolicited-ack")
def test_dpd_unsolicited_ack(tell: Tell, keys: Keys):
    text = NUMBERED + "25..28/1 b>a v1 info says=ack seq=49217+\n" + LATER
    told = tell(text, options=keys(text))
    (finding,) = told.of("dpd-unsolicited-ack")
    assert (finding.severity, finding.confidence) == (Severity.WARNING, Confidence.INFERRED)
    assert "3 times" in finding.detail
    assert "49217, 49218, 49219" in finding.detail
    assert [r.record for r in finding.refs] == [11, 12, 13]
    assert told.of("dpd-wrong-ack") == []


def test_dpd_unsolicited_ack_in_the_words_of_pluto(tell: Tell):
    words = "DPD: unexpected R_U_THERE_ACK packet with sequence number"
    log = "".join(f'"gw" #8: {words} {number}\n' for number in (49217, 49218, 49219))
    (finding,) = tell(("pluto.log", log)).of("dpd-unsolicited-ack")
    assert finding.confidence is Confidence.CERTAIN
    assert "3 times" in finding.detail
    assert [r.record for r in finding.refs] == [1, 2, 3]


@silent("dpd-unsolicited-ack", "an answer that is carried or sent twice, or comes late")
def test_dpd_unsolicited_ack_is_silent_about_late_answers_in_the_words_of_pluto(tell: Tell):
    log = (
        "| DPD: sending R_U_THERE 49217 to 192.0.2.2:500 (state #8)\n"
        '"gw" #8: DPD: unexpected R_U_THERE_ACK packet with sequence number 49217\n'
    )
    told = tell(("pluto.log", log))
    assert [m.dpd_sequence for m in told.peer.messages] == [49217]
    assert told.of("dpd-unsolicited-ack") == []


@silent(
    "dpd-unsolicited-ack",
    "the question was not captured: one direction is missing, or numbers leave room for it",
)
@pytest.mark.parametrize(
    ("number", "cut"), [(7, ""), (49217, "unseen a>b ..")], ids=["room", "one direction"]
)
def test_dpd_unsolicited_ack_is_silent_where_the_question_was_not_captured(
    tell: Tell, keys: Keys, number: int, cut: str
):
    text = NUMBERED + f"30.02 b>a v1 info says=ack seq={number}\n" + LATER
    assert tell(text + cut, options=keys(text)).of("dpd-unsolicited-ack") == []
    text = NUMBERED + "30.02 b>a v1 info says=ack seq=49217\n" + LATER
    assert len(tell(text, options=keys(text)).of("dpd-unsolicited-ack")) == 1


@silent("dpd-unsolicited-ack", "the capture begins between question and answer")
def test_dpd_unsolicited_ack_is_silent_where_the_input_begins_between(tell: Tell):
    text = "".join(
        f"{at} a>b v1 info 108 says=ruthere number={n}\n"
        f"{at}.02 b>a v1 info 108 says=ack number={n}\n"
        for n, at in ((49217, 10), (7, 20), (8, 30))
    )
    whole = isakmp(text)
    log = whole[whole.rindex("\n", 0, whole.index("received packet")) + 1 :]
    told = tell(("a.log", log))
    assert [m.dpd_sequence for m in told.peer.messages] == [49217, 7, 7, 8, 8]
    assert told.of("dpd-unsolicited-ack") == []


@silent("dpd-unsolicited-ack", "an answer that is carried or sent twice, or comes late")
@pytest.mark.parametrize(
    "more",
    [
        "21 b>a v1 info says=ack seq=6 id=0x77\n21.5 b>a v1 info says=ack seq=6 id=0x77\n",
        "22 b>a v1 info says=ack seq=6\n",
        LATER + "twice 0.0005",
        "30 a>b v1 info says=ruthere seq=7\n32 a>b v1 info says=ruthere seq=8\n"
        "32.02 b>a v1 info says=ack seq=8\n33 b>a v1 info says=ack seq=7\n",
    ],
    ids=["carried twice", "sent twice", "captured twice", "late"],
)
def test_dpd_unsolicited_ack_is_silent_of_answers_twice(tell: Tell, keys: Keys, more: str):
    text = NUMBERED + more
    assert tell(text, options=keys(text)).of("dpd-unsolicited-ack") == []


@silent("dpd-unsolicited-ack", "without keys: nobody knows that it is an acknowledgement")
def test_dpd_unsolicited_ack_is_silent_without_keys(tell: Tell, keys: Keys):
    text = NUMBERED + "25..28/1 b>a v1 info says=ack seq=49217+\n" + LATER
    assert len(tell(text, options=keys(text)).of("dpd-unsolicited-ack")) == 1
    assert tell(text).of("dpd-unsolicited-ack") == []


# --- dpd-duplicate-ack ---------------------------------------------------------------------


@fires("dpd-duplicate-ack")
def test_dpd_duplicate_ack(tell: Tell, keys: Keys):
    text = NUMBERED + (
        "30 a>b v1 info says=ruthere seq=7\n31 a>b v1 info says=ruthere seq=7\n"
        "31.01 b>a v1 info says=ack seq=7\n31.02 b>a v1 info says=ack seq=7\n"
    )
    told = tell(text, options=keys(text))
    (finding,) = told.of("dpd-duplicate-ack")
    assert (finding.severity, finding.confidence) == (Severity.INFO, Confidence.CERTAIN)
    assert "acknowledged 7 again" in finding.detail
    assert "sent that question 2 times" in finding.detail
    assert [r.record for r in finding.refs] == [14]


@silent("dpd-duplicate-ack", "the same packet carried, or captured, twice")
def test_dpd_duplicate_ack_is_silent_where_a_packet_is_there_twice(tell: Tell, keys: Keys):
    same = "20.02 b>a v1 info says=ack seq=6 id=0x77\n"
    text = NUMBERED.replace("20.02 b>a v1 info says=ack seq=6\n", same)
    text += same.replace("20.02", "20.9")
    assert tell(text, options=keys(text)).of("dpd-duplicate-ack") == []
    assert tell(text + "twice 0.0005", options=keys(text)).of("dpd-duplicate-ack") == []


@silent("dpd-duplicate-ack", "the same acknowledgement in two logs, or in a log and a capture")
@pytest.mark.parametrize("holders", ["a", "ab"], ids=["log and capture", "two logs"])
def test_dpd_duplicate_ack_is_silent_about_an_ack_in_two_inputs(
    tell: Tell, keys: Keys, holders: str
):
    text = "0 a>b v1 main-mode\n0.1 a>b v1 quick\n" + "".join(
        f"{at} a>b v1 info says=ruthere seq={n} number={n}\n"
        f"{at}.02 b>a v1 info says=ack seq={n} number={n}\n"
        for n, at in enumerate((10, 20, 30), start=5)
    )
    logs = [(f"{holder}.log", isakmp(text, holder)) for holder in holders]
    for inputs in ([text, *logs], logs):
        told = tell(*inputs, options=keys(text))
        assert told.of("dpd-duplicate-ack") == []
        assert told.of("dpd-unsolicited-ack") == []
