"""negotiation-unanswered: what sets an SA up is sent again and again, and what only seems so."""

from __future__ import annotations

import pytest

from analyzers.model.finding import Severity
from analyzers.model.peer import PeerState
from analyzers.model.records import Confidence
from analyzers.model.sa import SaEnd
from tests.rules.conftest import Tell
from tests.rules.coverage import fires, silent
from tests.scenarios.logs import charon, isakmp

RULE = "negotiation-unanswered"
INIT = "0 a>b v2 sa-init\n0.03 b>a v2 sa-init resp\n"
AUTH = "".join(f"{at} a:4500>b:4500 v2 auth 1\n" for at in (1, 2, 4, 8))
LATER = "200 c:4500>a:4500 keepalive\n"
MAIN = "".join(f"0.0{n} {'ab'[n % 2]}>{'ba'[n % 2]} v1 mm{n + 1}\n" for n in range(4))
QUICK = "".join(f"{at} a>b v1 qm1 id=0x1234\n" for at in (1, 3, 7))


@fires(RULE)
def test_ike_auth(tell: Tell):
    (finding,) = tell(INIT + AUTH + LATER).of(RULE)
    assert (finding.severity, finding.confidence) == (Severity.WARNING, Confidence.CERTAIN)
    assert finding.title == "IKE_AUTH is not answered"
    assert finding.detail == (
        "192.0.2.1 sent its IKE_AUTH message to 192.0.2.2 4 times within 7 s; no answer is in the"
        " input. 192.0.2.2 had answered what came before: it is there, and reached."
    )
    assert finding.remedy.startswith("Suspect a filter of UDP 4500")
    assert len(finding.refs) == 4


def test_an_ike_sa_that_nobody_renews(tell: Tell):
    """What was answered before shows that keys and identities fit; the peer is asked for first."""
    renewal = "".join(f"{at} a>b v1 mm1 sa=2\n" for at in (40, 44, 51, 64))
    told = tell("0 a>b v1 main-mode\n0.1 a>b v1 quick\n" + renewal + LATER)
    (finding,) = told.of(RULE)
    assert "It was to renew an IKE SA, which ends without it" in finding.detail
    assert finding.remedy.startswith("See whether the peer runs and is reached")
    assert told.peer.state is PeerState.UNKNOWN


def test_a_log_alone_tells_of_a_renewal_in_vain(tell: Tell):
    """As charon logs it: retransmissions of IKEv1 have words of their own."""
    lines = [(40.0, "12[IKE] initiating Main Mode IKE_SA gw[2] to 192.0.2.2")]
    lines += [(40.0, "12[ENC] generating ID_PROT request 0 [ SA V V V V V ]")]
    packet = "sending packet: from 192.0.2.1[500] to 192.0.2.2[500] (180 bytes)"
    lines += [(40.0, f"12[NET] {packet}")]
    for number in (1, 2, 3):
        again = f"sending retransmit {number} of request message ID 0, seq 1"
        lines += [(40.0 + number, f"10[IKE] {again}"), (40.0 + number, f"10[NET] {packet}")]
    lines += [(44.0, "09[IKE] giving up after 3 retransmits")]
    up = "0 a>b v1 main-mode\n10 a>b v1 info 108 says=ruthere\n10.02 b>a v1 info 108 says=ack\n"
    established = "IKE_SA gw[1] established between 192.0.2.1[192.0.2.1]...192.0.2.2[192.0.2.2]"
    said = [(0.06, f"10[IKE] {established}"), *lines]
    told = tell(("a.log", charon(up, "a", said=said)))
    (finding,) = told.of(RULE)
    assert "4 times within 3 s" in finding.detail
    assert told.peer.state is PeerState.UNKNOWN
    assert told.peer.ike_sas[-1].end is SaEnd.FAILED


def test_what_takes_fragments_is_said(tell: Tell):
    large = AUTH.replace("auth 1", "auth 1 len=3000")
    (finding,) = tell(INIT + large + LATER).of(RULE)
    assert "3,000 bytes each, which take IP fragments" in finding.detail
    assert "drop IP fragments" in finding.remedy
    assert "RFC 7383" in finding.remedy


def test_an_input_that_ends_meanwhile(tell: Tell):
    (finding,) = tell(INIT + AUTH).of(RULE)
    assert finding.confidence is Confidence.INFERRED
    assert "The input ends before the next repetition was due." in finding.detail


@pytest.mark.parametrize(
    ("text", "name", "remedy"),
    [
        (MAIN + "".join(f"{at} a>b v1 mm5\n" for at in (1, 3, 7)), "Main Mode", "pre-shared"),
        (MAIN[:0] + "0 a>b v1 main-mode\n" + QUICK, "Quick Mode", "transform sets"),
    ],
)
def test_ikev1(tell: Tell, text: str, name: str, remedy: str):
    (finding,) = tell(text + LATER).of(RULE)
    assert finding.title == f"{name} is not answered"
    assert "3 times within 6 s" in finding.detail
    assert remedy in finding.remedy


def test_who_was_heard_long_before_need_not_be_there(tell: Tell):
    """A renewal of the Child SA, when the peer has gone: what it answered then says nothing now."""
    up = "0 a>b v1 main-mode\n0.1 a>b v1 quick\n"
    vain = "".join(f"{at} a>b v1 qm1 id=0x1234\n" for at in (3000, 3004, 3011))
    (finding,) = tell(up + vain + "3200 c:4500>a:4500 keepalive\n").of(RULE)
    assert "is there" not in finding.detail
    assert "The last that came from 192.0.2.2 was 50 min 00 s before that." in finding.detail
    assert finding.remedy.startswith("See whether the peer runs and is reached")


def test_who_is_heard_meanwhile_is_there(tell: Tell):
    up = "0 a>b v1 main-mode\n0.1 a>b v1 quick\n"
    vain = "".join(f"{at} a>b v1 qm1 id=0x1234\n" for at in (3000, 3004, 3011))
    esp = "1..3020/10 a>b esp out\n1..3020/10 b>a esp in\n"
    (finding,) = tell(up + vain + esp).of(RULE)
    assert "it is there, and reached" in finding.detail
    assert "transform sets" in finding.remedy


def test_a_tunnel_that_comes_up_is_none_of_it(tell: Tell):
    up = "0 a>b v1 main-mode\n1 a>b v1 quick\n2..30/1 a>b esp out\n2..30/1 b>a esp in\n"
    assert tell(up + LATER).of(RULE) == []
    late = INIT + "".join(f"{at} a>b v2 auth 1\n" for at in (1, 3, 7)) + "7.1 b>a v2 auth 1 resp\n"
    assert tell(late + LATER).of(RULE) == []


@silent(RULE, "nothing of the other end was captured: its answers may have taken another path")
def test_one_direction(tell: Tell):
    assert tell(INIT + AUTH + LATER + "unseen b>a ..").of(RULE) == []


@silent(RULE, "the input ends after one repetition")
def test_one_repetition(tell: Tell):
    assert tell(INIT + "1 a>b v2 auth 1\n2 a>b v2 auth 1\n").of(RULE) == []


@silent(RULE, "a refusal is an answer, also one in an exchange of its own")
def test_a_refusal(tell: Tell):
    refused = "0 a>b v1 main-mode\n" + QUICK + "7.1 b>a v1 info 76\n"
    assert tell(refused + LATER).of(RULE) == []


@silent(RULE, "where not a single message was answered, peer-never-answered tells it")
def test_nothing_at_all(tell: Tell):
    vain = "".join(f"{at} a>b v2 sa-init\n" for at in (0, 2, 6, 14))
    assert tell(vain + "200 c:4500>a:4500 keepalive\n").of(RULE) == []


def test_nobody_is_dead(tell: Tell):
    assert tell(INIT + AUTH + LATER).of("dpd-no-ack") == []
    (finding,) = tell(INIT + AUTH + LATER).of(RULE)
    assert "dead" not in finding.detail


AGAIN = "".join(f"{at + n} a>b v2 sa-init sa={at}\n" for at in (20, 24, 28) for n in range(4))


def test_attempts_that_follow_each_other_are_one_finding(tell: Tell):
    before, after = "0 a>b v2 handshake\n", "40 a>b v2 handshake sa=4\n"
    (finding,) = tell(before + AGAIN + after + LATER).of(RULE)
    assert "4 times within 3 s" in finding.detail
    assert finding.detail.endswith("So it went 2 times more, for 11 s in all.")
    assert len(finding.refs) == 12
    later = "".join(f"{at + n} a>b v2 sa-init sa={at}\n" for at in (60, 64) for n in range(4))
    assert len(tell(before + AGAIN + after + later + LATER).of(RULE)) == 2


@silent(
    RULE, "what the sender's own system refused to send, as its log says: sending-refused tells it"
)
def test_what_never_left(tell: Tell):
    text = "10 a>b liveness 2\n10.01 b>a liveness 2 resp\n"
    said = [(20 + n, "04[NET] error writing to socket: Operation not permitted") for n in range(12)]
    log = charon(text + AGAIN, "a", said=said)
    assert tell(("a.log", log)).of(RULE) == []
    assert len(tell(("a.log", log)).of("sending-refused")) == 1
    assert len(tell(("a.log", charon(text + AGAIN, "a"))).of(RULE)) == 1


def test_a_log_that_ends_with_its_giving_up(tell: Tell):
    """No repetition is due any more."""
    packet = "sending packet to 192.0.2.2 my_port 500 peer_port 500 (I) QM_IDLE"
    again = "retransmitting phase 2 QM_IDLE       -889000300 ..."
    said = [
        (at, f"ISAKMP:(1001): {text}") for at in (5, 15, 25, 35, 45) for text in (again, packet)
    ]
    reason = "Death by retransmission P2"
    over = f'ISAKMP:(1001):deleting SA reason "{reason}" state (I) QM_IDLE (peer 192.0.2.2)'
    answered = "0 a>b v1 info 108 says=ruthere\n0.02 b>a v1 info 108 says=ack\n"
    (cut,) = tell(("cut.log", isakmp(answered, said=said))).of(RULE)
    assert "The input ends before the next repetition was due." in cut.detail
    (whole,) = tell(("whole.log", isakmp(answered, said=[*said, (55, over)]))).of(RULE)
    assert whole.confidence is Confidence.CERTAIN
    assert "The input ends" not in whole.detail
