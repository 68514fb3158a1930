"""Rules about the numbers of acknowledgements: where each fires, where its traps are silent."""

from __future__ import annotations

import pytest

from analyzers.model.finding import Severity
from analyzers.model.records import Confidence
from tests.rules.conftest import Keys, Tell
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


@pytest.mark.parametrize(
    "more",
    [
        "30 a>b v1 info says=ruthere seq=7\n35 a>b v1 info says=ruthere seq=8\n"
        "35.02 b>a v1 info says=ack seq=7\n",
        "29 a>b v1 main-mode sa=2\n30 a>b v1 info says=ruthere seq=7 sa=2\n"
        "30.01 a>b v1 info says=ruthere seq=107\n30.02 b>a v1 info says=ack seq=7\n",
        "30 a>b v1 info says=ruthere seq=7\n32 a>b v1 info says=ruthere seq=8\n"
        "32.02 b>a v1 info says=ack seq=8\n34 a>b v1 info says=ruthere seq=9\n"
        "34.02 b>a v1 info says=ack seq=9\nunseen a>b 31..33\n",
    ],
    ids=["an earlier retry", "another IKE SA", "the question was not captured"],
)
def test_dpd_wrong_ack_is_silent(tell: Tell, keys: Keys, more: str):
    text = NUMBERED + more
    told = tell(text, options=keys(text))
    assert told.of("dpd-wrong-ack") == []
    assert told.of("dpd-unsolicited-ack") == []


# --- dpd-unsolicited-ack -------------------------------------------------------------------


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


def test_dpd_unsolicited_ack_is_silent_about_late_answers_in_the_words_of_pluto(tell: Tell):
    log = (
        "| DPD: sending R_U_THERE 49217 to 192.0.2.2:500 (state #8)\n"
        '"gw" #8: DPD: unexpected R_U_THERE_ACK packet with sequence number 49217\n'
    )
    told = tell(("pluto.log", log))
    assert [m.dpd_sequence for m in told.peer.messages] == [49217]
    assert told.of("dpd-unsolicited-ack") == []


@pytest.mark.parametrize(
    "more",
    [
        "30.02 b>a v1 info says=ack seq=7\n" + LATER,
        LATER + "capture 10.01..100",
        LATER + "unseen a>b ..",
        "21 b>a v1 info says=ack seq=6 id=0x77\n21.5 b>a v1 info says=ack seq=6 id=0x77\n",
        LATER + "twice 0.0005",
    ],
    ids=["missed", "begins between", "one direction", "sent twice", "captured twice"],
)
def test_dpd_unsolicited_ack_is_silent(tell: Tell, keys: Keys, more: str):
    text = NUMBERED + more
    assert tell(text, options=keys(text)).of("dpd-unsolicited-ack") == []


def test_dpd_unsolicited_ack_is_silent_without_keys(tell: Tell):
    text = "0 a>b v1 main-mode\n10..14/1 b>a v1 info 108\n20 b>a v1 main-mode sa=2"
    assert tell(text).of("dpd-unsolicited-ack") == []


# --- dpd-duplicate-ack ---------------------------------------------------------------------


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


def test_dpd_duplicate_ack_is_silent_where_a_packet_is_there_twice(tell: Tell, keys: Keys):
    same = "20.02 b>a v1 info says=ack seq=6 id=0x77\n"
    text = NUMBERED.replace("20.02 b>a v1 info says=ack seq=6\n", same)
    text += same.replace("20.02", "20.9")
    assert tell(text, options=keys(text)).of("dpd-duplicate-ack") == []
    assert tell(text + "twice 0.0005", options=keys(text)).of("dpd-duplicate-ack") == []


def test_dpd_duplicate_ack_is_silent_about_an_ack_in_two_inputs(tell: Tell):
    text = "\n".join(
        f"{at} a>b v1 info 108 says=ruthere number={n}\n{at}.02 b>a v1 info 108 says=ack number={n}"
        for n, at in enumerate((10, 20, 30), start=5)
    )
    text = "0 a>b v1 main-mode\n0.1 a>b v1 quick\n" + text
    for logs in ([("a.log", isakmp(text))], [("a.log", isakmp(text)), ("c.log", isakmp(text))]):
        told = tell(text, *logs)
        assert told.of("dpd-duplicate-ack") == []
        assert told.of("dpd-unsolicited-ack") == []
