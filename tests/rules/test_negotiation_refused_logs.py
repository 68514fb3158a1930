"""negotiation-refused by what logs say: who refused, what, and the line that tells it."""

from __future__ import annotations

import pytest

from analyzers.model.finding import Severity
from analyzers.model.records import Confidence
from tests.rules.conftest import Tell
from tests.rules.coverage import fires, silent

RULE = "negotiation-refused"
CERTAIN, INFERRED = Confidence.CERTAIN, Confidence.INFERRED
A, B = "192.0.2.1", "192.0.2.2"


def charon(way: str, said: str, second: int = 0, *, local: str = A) -> str:
    """A message of the log of an end."""
    ends = (A, B) if (way == "sending") is (local == A) else (B, A)
    stamp = f"2026-01-31 13:56:{second:02}.100 05"
    net = f"{stamp}[NET] {way} packet: from {ends[0]}[500] to {ends[1]}[500] (80 bytes)\n"
    return f"{stamp}[ENC] {said}\n{net}" if way == "sending" else f"{net}{stamp}[ENC] {said}\n"


ASKED = charon("sending", "generating IKE_SA_INIT request 0 [ SA KE No ]")
BEGUN = ASKED + charon("received", "parsed IKE_SA_INIT response 0 [ SA KE No ]")
IOS = "*Mar  1 00:06:08.000: "
SYSLOG = "Jun  3 08:00:01: %CRYPTO-6-IKMP_MODE_FAILURE: Processing of {} mode failed with peer at "
IKEV2 = "Jun  3 2026 08:00:01.120 UTC: IKEv2-ERROR:(SESSION ID = 5,SA ID = 1):"
PACKET = (
    "Jun  3 2026 08:00:01.100 UTC: IKEv2:(SESSION ID = 5,SA ID = 1):Received Packet [From {b}:500"
    "/To {a}:500/VRF i0:f0]\nInitiator SPI : 0A1B2C3D4E5F6071 - Responder SPI : 8192A3B4C5D6E7F8"
    " Message id: 1\nIKEv2 IKE_AUTH Exchange RESPONSE\nPayload contents:\n VID IDr AUTH"
    " NOTIFY({n})\n"
)
ASA = "May 23 2026 13:15:25: %ASA-5-{}: Group = {b}, IP = {b}, "
PLUTO = "Jun  3 08:00:01 gw pluto[812]: "


@fires(RULE)
@pytest.mark.parametrize(
    ("log", "who", "what", "name", "confidence"),
    [
        pytest.param(
            ASKED + charon("received", "parsed IKE_SA_INIT response 0 [ N(NO_PROP) ]"),
            *(B, "IKE_SA_INIT", "NO_PROPOSAL_CHOSEN", INFERRED),
            id="charon: unprotected",
        ),
        pytest.param(
            BEGUN + charon("received", "parsed IKE_AUTH response 1 [ N(AUTH_FAILED) ]"),
            *(B, "IKE_AUTH", "AUTHENTICATION_FAILED", CERTAIN),
            id="charon: the peer",
        ),
        pytest.param(
            charon("received", "parsed IKE_AUTH request 1 [ IDi AUTH SA TSi TSr ]")
            + charon("sending", "generating IKE_AUTH response 1 [ IDr AUTH N(TS_UNACCEPT) ]"),
            *(A, "a Child SA", "TS_UNACCEPTABLE", CERTAIN),
            id="charon: the IKE SA comes up, its Child SA does not",
        ),
        pytest.param(
            charon("sending", "generating QUICK_MODE request 77 [ HASH SA No ID ID ]")
            + charon("received", "parsed INFORMATIONAL_V1 request 78 [ HASH N(INVAL_ID) ]"),
            *(B, "Quick Mode", "INVALID-ID-INFORMATION", CERTAIN),
            id="charon: IKEv1",
        ),
        pytest.param(
            SYSLOG.format("Quick") + B + "\n",
            *("local", "Quick Mode", "", INFERRED),
            id="IOS syslog",
        ),
        pytest.param(
            SYSLOG.format("Informational") + B + "\n",
            *(B, "an SA", "", INFERRED),
            id="IOS syslog: a notify came",
        ),
        pytest.param(
            f"{IOS}ISAKMP:(1001): received packet from {B} dport 500 sport 500 Global (I) QM_IDLE\n"
            f"{IOS}ISAKMP:(1001): processing NOTIFY PROPOSAL_NOT_CHOSEN protocol 3\n"
            "        spi 0, message ID = 1256387423, sa = 0x67F5A6E8\n",
            *(B, "an SA", "NO-PROPOSAL-CHOSEN", CERTAIN),
            id="IOS debug",
        ),
        pytest.param(
            PACKET.format(a=A, b=B, n="NO_PROPOSAL_CHOSEN"),
            *(B, "a Child SA", "NO_PROPOSAL_CHOSEN", CERTAIN),
            id="IOS IKEv2: packets",
        ),
        pytest.param(
            PACKET.format(a=A, b=B, n="SET_WINDOW_SIZE")
            + f"{IKEV2}: There was no IPSEC policy found for received TS\n",
            *(A, "a Child SA", "TS_UNACCEPTABLE", CERTAIN),
            id="IOS IKEv2: words",
        ),
        pytest.param(
            ASA.format(713068, b=B)
            + "Received non-routine Notify message: No proposal chosen (14)\n",
            *(B, "an SA", "NO-PROPOSAL-CHOSEN", CERTAIN),
            id="ASA: a notify",
        ),
        pytest.param(
            ASA.format(713904, b=B) + "All IPSec SA proposals found unacceptable!\n",
            *("local", "Quick Mode", "NO-PROPOSAL-CHOSEN", CERTAIN),
            id="ASA: itself",
        ),
        pytest.param(
            f"Jun  3 2026 08:00:01: %ASA-4-750003: Local:{A}:500 Remote:{B}:500 Username:{B}"
            " IKEv2 Negotiation aborted due to ERROR: Failed to find a matching policy\n",
            *(A, "an SA", "NO_PROPOSAL_CHOSEN", CERTAIN),
            id="ASA: IKEv2 syslog",
        ),
        pytest.param(
            f'{PLUTO}"gw" #1: initiating IKEv2 connection to {B} using UDP\n'
            f'{PLUTO}"gw" #1: IKE SA authentication request rejected by peer:'
            " AUTHENTICATION_FAILED\n",
            *(B, "IKE_AUTH", "AUTHENTICATION_FAILED", CERTAIN),
            id="pluto: the peer",
        ),
        pytest.param(
            f'{PLUTO}"gw" #1: responding to IKE_AUTH message (ID 1) from {B}:500 with encrypted'
            " notification AUTHENTICATION_FAILED\n",
            *("local", "IKE_AUTH", "AUTHENTICATION_FAILED", CERTAIN),
            id="pluto: itself",
        ),
        pytest.param(
            f'{PLUTO}"gw" #1: sending notification NO_PROPOSAL_CHOSEN to {B}:500\n',
            *("local", "an SA", "NO-PROPOSAL-CHOSEN", CERTAIN),
            id="pluto: IKEv1",
        ),
        pytest.param(
            f"ike 0:hub:4: sent IKE msg (AUTH): {A}:500->{B}:500, len=240,"
            " id=0a1b2c3d4e5f6071/8192a3b4c5d6e7f8:00000001\n"
            "ike 0:hub:4: received notify type AUTHENTICATION_FAILED\n",
            *(B, "IKE_AUTH", "AUTHENTICATION_FAILED", CERTAIN),
            id="FortiGate",
        ),
    ],
)
def test_a_log_tells_who_refused_what(
    tell: Tell, log: str, who: str, what: str, name: str, confidence: Confidence
):
    (finding,) = tell(("gw.log", log)).of(RULE)
    assert (finding.severity, finding.confidence) == (Severity.WARNING, confidence)
    assert finding.title == f"{what[0].upper()}{what[1:]} is refused"
    assert finding.detail.startswith(f"{who} refused {what} of ")
    assert f"with {name}" in finding.detail if name else "as the log says" in finding.detail
    assert "It is there, and reached." in finding.detail
    line = log.splitlines()[finding.refs[0].record - 1]
    assert finding.refs[0].source == "s1"
    assert line


def test_the_logs_of_both_ends_and_a_capture_tell_of_one_refusal(tell: Tell):
    """Nobody can read the packet; the logs have the name."""
    capture = """
    0 a>b v2 sa-init
    0.1 b>a v2 sa-init resp
    0.2 a>b v2 auth 1
    0.3 b>a v2 auth 1 resp next=41
    """
    said = "IKE_AUTH response 1 [ N(AUTH_FAILED) ]"
    one = BEGUN + charon("received", f"parsed {said}")
    asked = charon("received", "parsed IKE_AUTH request 1 [ IDi AUTH ]", local=B)
    other = asked + charon("sending", f"generating {said}", local=B)
    (finding,) = tell(("a.log", one), ("b.log", other)).of(RULE)
    assert " times" not in finding.detail
    (finding,) = tell(capture, ("a.log", one)).of(RULE)
    assert "with AUTHENTICATION_FAILED" in finding.detail


def test_refusals_again_and_again_are_one_finding(tell: Tell):
    refused = charon("received", "parsed IKE_AUTH response 1 [ N(AUTH_FAILED) ]", 4)
    again = charon("received", "parsed IKE_AUTH response 1 [ N(AUTH_FAILED) ]", 34)
    (finding,) = tell(("a.log", BEGUN + refused + again)).of(RULE)
    assert "with AUTHENTICATION_FAILED, 2 times within 30 s." in finding.detail
    assert finding.remedy.startswith("Compare the identities")


@silent(RULE, "a log that asks for another group, or tells of a notify that refuses nothing")
@pytest.mark.parametrize(
    "log",
    [
        ASKED + charon("received", "parsed IKE_SA_INIT response 0 [ N(INVAL_KE) ]"),
        ASKED + charon("received", "parsed IKE_SA_INIT response 0 [ N(COOKIE) ]"),
        BEGUN + charon("sending", "generating IKE_AUTH request 1 [ IDi N(INIT_CONTACT) AUTH ]"),
        BEGUN + charon("received", "parsed CREATE_CHILD_SA response 3 [ N(TEMP_FAIL) ]"),
        "ike 0:hub:4: received notify type INITIAL_CONTACT\n",
        f'{PLUTO}"gw" #1: responding to Main Mode from unknown peer {B}:500\n',
        ASA.format(713068, b=B) + "Received non-routine Notify message: Connected (16384)\n",
    ],
)
def test_what_refuses_nothing(tell: Tell, log: str):
    assert tell(("gw.log", log)).of(RULE) == []
