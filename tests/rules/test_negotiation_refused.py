"""negotiation-refused: the other end answers with a notify, and what only seems so."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from analyzers.model.finding import Severity
from analyzers.model.observations import IkeMessage, MessageKind, Notify
from analyzers.model.records import Basis, Confidence
from analyzers.rules.case import Case
from analyzers.rules.state import negotiation_refused
from tests.rules.conftest import Tell
from tests.rules.coverage import fires, silent

RULE = "negotiation-refused"
INIT = "0 a>b v2 sa-init\n0.01 b>a v2 sa-init resp\n"
REFUSED = INIT + "0.02 a>b v2 auth 1\n0.03 b>a v2 auth 1 resp next=41\n"
AGAIN = """
10 a>b v2 sa-init sa=2
10.01 b>a v2 sa-init resp sa=2
10.02 a>b v2 auth 1 sa=2
10.03 b>a v2 auth 1 resp next=41 sa=2
"""
STEPS = """
0 a>b v2 sa-init
0.01 b>a v2 sa-init resp notify=16390
0.02 a>b v2 sa-init bytes=cookie
0.03 b>a v2 sa-init resp notify=17
0.04 a>b v2 sa-init bytes=group
0.05 b>a v2 sa-init resp
0.06 a>b v2 auth 1
"""


@fires(RULE)
def test_an_authentication_that_nobody_can_read(tell: Tell):
    (finding,) = tell(REFUSED + AGAIN).of(RULE)
    assert (finding.severity, finding.confidence) == (Severity.WARNING, Confidence.INFERRED)
    assert finding.title == "IKE_AUTH is refused"
    assert finding.detail == (
        "192.0.2.2 answered IKE_AUTH of 192.0.2.1 with a notify where its identity belongs, which"
        " nobody can read without keys: a refusal, 2 times within 10 s. It is there, and reached."
    )
    assert finding.remedy.startswith("Look for the name of the notify")
    assert len(finding.refs) == 2


@pytest.mark.parametrize(
    ("notify", "confidence", "told"),
    [(24, Confidence.CERTAIN, "with AUTHENTICATION_FAILED"), (16404, None, "")],
)
def test_an_authentication_that_keys_have_opened(
    tell: Tell, notify: int, confidence: Confidence | None, told: str
):
    peer = tell(REFUSED).peer
    opened = tuple(decrypted(m, notify) for m in peer.messages)
    found = list(negotiation_refused.RULE.check(Case(replace(peer, messages=opened))))
    assert [f.confidence for f in found] == [confidence] * bool(told)
    assert all(told in f.detail for f in found)


def decrypted(message: IkeMessage, notify: int) -> IkeMessage:
    """A message whose only payload inside is a notify, where it is an answer."""
    if message.kind is not MessageKind.AUTH or not message.is_response:
        return message
    return replace(message, basis=Basis.DECRYPTED, notifies=(Notify(notify, 0, "", b""),))


@silent(RULE, "a cookie or another group is asked for: IKE_SA_INIT is sent anew, and goes on")
def test_what_was_asked_for_before_stands_beside_it(tell: Tell):
    assert tell(STEPS).of(RULE) == []
    (finding,) = tell(STEPS + "0.07 b>a v2 auth 1 resp next=41").of(RULE)
    assert "Before, it had asked for a cookie" in finding.detail
    assert "and another Diffie-Hellman group." in finding.detail


@silent(RULE, "an unprotected notify may be of anybody")
def test_proposals_that_do_not_fit(tell: Tell):
    (finding,) = tell("0 a>b v2 sa-init\n0.01 b>a v2 sa-init resp notify=14").of(RULE)
    assert finding.confidence is Confidence.INFERRED
    assert "refused IKE_SA_INIT of 192.0.2.1 with NO_PROPOSAL_CHOSEN" in finding.detail
    assert "The notify is unprotected" in finding.detail


@silent(RULE, "INVALID-SPI and INVALID-COOKIE are about packets of SAs that were up")
@pytest.mark.parametrize(("says", "count"), [("no-proposal", 1), ("invalid-cookie", 0)])
def test_ikev1(tell: Tell, says: str, count: int):
    found = tell(f"0 a>b v1 mm1\n0.01 b>a v1 clear says={says}").of(RULE)
    assert [f.title for f in found] == ["Phase 1 is refused"] * count
    assert all("with NO-PROPOSAL-CHOSEN" in f.detail for f in found)


@silent(
    RULE,
    "the SA comes up all the same",
    "without keys an IKE_AUTH with a notify first is not certain to refuse",
)
def test_an_sa_that_comes_up(tell: Tell):
    text = REFUSED + "0.04 a>b v2 auth 2\n0.05 b>a v2 auth 2 resp\n"
    assert tell(text).of(RULE) == []
