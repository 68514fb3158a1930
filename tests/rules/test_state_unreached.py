"""peer-never-answered: who begins to negotiate and hears nothing, and who only seems to."""

from __future__ import annotations

from analyzers.model.finding import Severity
from analyzers.model.records import Confidence
from tests.rules.conftest import Tell
from tests.rules.coverage import fires, silent

VAIN = "".join(f"{at} a>b v2 sa-init\n" for at in (0, 2, 6, 14))
LATER = "200 c:4500>a:4500 keepalive\n"
SPIS = "InitSPI=0x0c6ef96ec28eea32 RespSPI=0x0000000000000000 MID=00000000"
SENT = f"IKEv2-PLAT-3: (8): SENT PKT [IKE_SA_INIT] [192.0.2.1]:500->[198.51.100.7]:500 {SPIS}\n"
GIVEN_UP = (
    "IKEv2-PROTO-1: (8): Maximum number of retransmissions reached\nIKEv2-PROTO-2: (8): Deleting"
    " SA\n"
)


@fires("peer-never-answered")
def test_an_attempt_in_vain(tell: Tell):
    (finding,) = tell(("asa.log", SENT * 7 + GIVEN_UP)).of("peer-never-answered")
    assert (finding.severity, finding.confidence) == (Severity.WARNING, Confidence.CERTAIN)
    assert finding.detail == (
        "192.0.2.1 sent its first message to 198.51.100.7 7 times; nothing came back, and no IKE"
        " SA came up."
    )
    assert [ref.record for ref in finding.refs] == [1, 2, 3, 4, 5, 6, 7]
    assert finding.at_ns is None


@silent(
    "peer-never-answered",
    "nothing of the other end was captured: its answers may have taken another path",
)
def test_a_capture_of_one_direction(tell: Tell):
    assert tell(VAIN + LATER).of("peer-never-answered") == []


@silent("peer-never-answered", "the input ends before the attempt was given up")
def test_an_attempt_that_may_go_on(tell: Tell):
    assert tell(("asa.log", SENT * 7)).of("peer-never-answered") == []


@silent("peer-never-answered", "the peer answered at any other time: it is there")
def test_an_attempt_in_vain_of_a_peer_that_had_answered(tell: Tell):
    before = "0 a>b v2 handshake\n10 a>b liveness 2\n10.02 b>a liveness 2 resp\n20 b>a delete 0\n"
    again = "".join(f"{at} a>b v2 sa-init sa=9\n" for at in (30, 32, 36, 44))
    assert tell(before + again + LATER).of("peer-never-answered") == []
