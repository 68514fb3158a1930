"""Rules about windows and message IDs of IKEv2: where each fires, and where it is silent."""

from __future__ import annotations

import pytest

from analyzers.model.finding import Severity
from analyzers.model.observations import MessageKind, Notify
from analyzers.model.records import Confidence
from analyzers.rules.case import Case
from analyzers.rules.state import ikev2_msgid_jump, ikev2_window_stall
from tests.model_builders import A, B, at, ike_sa, peer
from tests.rules.conftest import Tell
from tests.rules.coverage import fires, silent
from tests.rules.messages import message

# b asks every 3 s and is answered, while a's own question 2 is not.
STALL = """
0 a>b v2 handshake
4 a>b liveness 2
8 a>b liveness 2
15.2 a>b liveness 2
2..30/3 b>a liveness 0+
2.01..30/3 a>b liveness 0+ resp
"""

RHYTHM = """
0 a>b v2 handshake
10..50/10 a>b liveness 2+
10.01..50/10 b>a liveness 2+ resp
"""
JUMP = (
    RHYTHM
    + """
50..80/10 a>b liveness 9+
50.01..80/10 b>a liveness 9+ resp
"""
)


@fires("ikev2-window-stall")
def test_ikev2_window_stall(tell: Tell):
    (finding,) = tell(STALL).of("ikev2-window-stall")
    assert finding.severity is Severity.ERROR
    # Without keys nobody can see that the window is not larger.
    assert finding.confidence is Confidence.INFERRED
    assert "request 2 (liveness) 3 times" in finding.detail
    assert "at least 25 s" in finding.detail
    assert "6 requests of 192.0.2.2" in finding.detail
    assert len(finding.refs) == 3 + 6


@silent("ikev2-window-stall", "an answer within the limit")
@pytest.mark.parametrize(
    "change",
    ["12 b>a liveness 2 resp", "capture 0..13", "unseen b>a .."],
    ids=["answered in time", "not for long enough", "one direction"],
)
def test_no_window_stall(tell: Tell, change: str):
    assert tell(STALL + change).of("ikev2-window-stall") == []


@silent(
    "ikev2-window-stall",
    "a side that gives up and answers nothing more has no SA any more, and no stall",
)
def test_a_side_that_has_given_up_does_not_stall(tell: Tell):
    text = """
    0 a>b v2 handshake
    4..12/2 a>b liveness 2
    14..30/3 b>a liveness 0+
    """
    assert tell(text).of("ikev2-window-stall") == []


@silent(
    "ikev2-window-stall",
    "a request that is not sent again may have an answer that the capture lost",
)
def test_what_is_sent_once_may_have_been_answered_unseen(tell: Tell):
    text = """
    0 a>b v2 handshake
    4 a>b liveness 2
    2..30/3 b>a liveness 0+
    2.01..30/3 a>b liveness 0+ resp
    """
    assert tell(text).of("ikev2-window-stall") == []


def with_window(size_told: bool):
    """The initiator's request 2 is not answered, the responder's questions are."""
    size = (Notify(16385, 0, "", b"\0\0\0\4"),) if size_told else ()
    told = [message(0.5, A, B, MessageKind.AUTH, flags=0x08, message_id=1, notifies=size)]
    told += [
        message(s, A, B, MessageKind.LIVENESS, flags=0x08, message_id=2, fingerprint=bytes(16))
        for s in (4, 8, 15)
    ]
    for number, s in enumerate((10, 20, 30)):
        told.append(message(s, B, A, MessageKind.LIVENESS, flags=0, message_id=number))
        told.append(message(s + 0.1, A, B, MessageKind.LIVENESS, flags=0x28, message_id=number))
    told.sort(key=lambda m: m.at_ns)
    case = Case(peer(ike_sas=(ike_sa(ike_version=2),), messages=tuple(told)))
    rule = ikev2_window_stall.RULE
    return [rule.finding(found) for found in rule.check(case)]


@silent("ikev2-window-stall", "a window larger than 1 (SET_WINDOW_SIZE)")
def test_keys_tell_how_large_the_window_is():
    (finding,) = with_window(size_told=False)
    assert finding.confidence is Confidence.CERTAIN
    assert with_window(size_told=True) == []


@fires("ikev2-msgid-jump")
def test_ikev2_msgid_jump(tell: Tell):
    (finding,) = tell(JUMP).of("ikev2-msgid-jump")
    assert finding.severity is Severity.WARNING
    assert finding.confidence is Confidence.INFERRED
    assert "from request 5 to 9" in finding.detail
    assert len(finding.refs) == 2


def test_ikev2_msgid_jump_beside_esp_without_a_gap(tell: Tell):
    text = """
    0 a>b v2 handshake
    0.5..100/1 a>b esp out
    10 a>b liveness 2
    10.01 b>a liveness 2 resp
    90 a>b liveness 5
    90.01 b>a liveness 5 resp
    """
    (finding,) = tell(text).of("ikev2-msgid-jump")
    assert "from request 2 to 5" in finding.detail
    assert tell(text + "unseen a>b 40..60").of("ikev2-msgid-jump") == []


def test_ikev2_msgid_jump_with_too_little_time_for_those_between(tell: Tell):
    text = """
    0 a>b v2 handshake
    10 a>b liveness 2
    10.5 b>a liveness 2 resp
    12 a>b liveness 40
    12.5 b>a liveness 40 resp
    """
    assert len(tell(text).of("ikev2-msgid-jump")) == 1


@silent(
    "ikev2-msgid-jump",
    "a capture that lost frames: it must be shown to be complete by ESP without a "
    "gap, by a rhythm that goes on, or by too little time",
    "the MESSAGE_ID_SYNC of a cluster (ID 0, RFC 6311)",
    "a window larger than 1, and requests that come out of order",
)
@pytest.mark.parametrize(
    "text",
    [
        RHYTHM + "90 a>b liveness 9\n90.01 b>a liveness 9 resp",
        JUMP + "45 a>b notify 0 len=96\n45.01 b>a notify 0 resp len=96",
        JUMP + "30 a>b notify 6\n31 a>b notify 7\n32 a>b notify 8",
    ],
    ids=["the capture may have lost frames", "RFC 6311", "they came out of order"],
)
def test_no_jump(tell: Tell, text: str):
    assert tell(text).of("ikev2-msgid-jump") == []


def skipped(*notifies: Notify):
    """The initiator asks every 10 s, and goes from request 5 to 9."""
    told = [message(0.5, A, B, MessageKind.AUTH, flags=0x08, message_id=1, notifies=notifies)]
    told += [
        message(10 * place, A, B, MessageKind.LIVENESS, flags=0x08, message_id=number)
        for place, number in enumerate((2, 3, 4, 5, 9, 10), start=1)
    ]
    case = Case(peer(ike_sas=(ike_sa(ike_version=2),), messages=tuple(told), last_ns=at(60)))
    return list(ikev2_msgid_jump.RULE.check(case))


@silent("ikev2-msgid-jump", "a window larger than 1, and requests that come out of order")
def test_no_jump_within_a_larger_window():
    assert len(skipped()) == 1
    assert skipped(Notify(16385, 0, "", b"\0\0\0\4")) == []


@silent("ikev2-msgid-jump", "two captures with a time between them")
def test_no_jump_between_two_captures(tell: Tell):
    assert tell(JUMP + "capture 0..45", JUMP + "capture 48..90").of("ikev2-msgid-jump") == []


RESET = """
0 a>b v2 handshake
10..60/10 a>b liveness 2+
10.01..60/10 b>a liveness 2+ resp
70..100/10 a>b liveness 0+ bytes=new
"""


@fires("ikev2-msgid-reset")
def test_ikev2_msgid_reset(tell: Tell):
    (finding,) = tell(RESET).of("ikev2-msgid-reset")
    assert finding.severity is Severity.ERROR
    assert finding.confidence is Confidence.CERTAIN
    assert "After its request 6" in finding.detail
    assert "3 requests from message ID 0" in finding.detail
    assert "was not answered" in finding.detail
    assert len(finding.refs) == 4


@silent(
    "ikev2-msgid-reset",
    "the MESSAGE_ID_SYNC of a cluster has ID 0 (RFC 6311)",
    "a retransmission has the same bytes",
    "neighbours that changed places on the way",
    "after a rekey the IDs of the new IKE SA begin at 0: its SPIs are others",
)
@pytest.mark.parametrize(
    "more",
    [
        "70 a>b notify 0 len=96",
        "65 a>b liveness 5",
        "65 a>b liveness 0 sa=2\n66 a>b liveness 1 sa=2",
        "64 a>b liveness 8\n65 a>b liveness 7",
    ],
    ids=["RFC 6311", "a retransmission", "a new IKE SA", "out of order"],
)
def test_no_reset(tell: Tell, more: str):
    text = "\n".join(RESET.splitlines()[:-1]) + "\n" + more
    assert tell(text).of("ikev2-msgid-reset") == []
