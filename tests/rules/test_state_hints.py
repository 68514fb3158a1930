"""Rules about unprotected hints and peers that lost their SAs."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from analyzers.model.exchange import DeleteProtocol
from analyzers.model.finding import Severity
from analyzers.model.observations import MessageKind, Notify
from analyzers.model.peer import HintKind
from analyzers.model.records import Confidence
from analyzers.model.sa import SaEnd
from analyzers.rules.case import Case
from analyzers.rules.state import hint_obeyed, peer_rebooted
from tests.model_builders import A, B, at, delete, hint, ike_sa, peer, ref, sent, unanswered
from tests.rules.conftest import Tell
from tests.rules.coverage import fires, silent
from tests.rules.messages import message

TRAFFIC = """
0 a>b v2 handshake
5 a>b liveness 2
5.02 b>a liveness 2 resp
0.2..40/0.2 a>b esp out
0.3..10/0.2 b>a esp in
"""
REBOOTED = (
    TRAFFIC
    + """
20 b>a unprotected 11 esp=out
21 a>b liveness 3
23 a>b liveness 3
27 a>b liveness 3
60 a>b v2 handshake sa=2
"""
)


@fires("peer-rebooted")
def test_peer_rebooted(tell: Tell):
    (finding,) = tell(REBOOTED).of("peer-rebooted")
    assert finding.severity is Severity.WARNING
    assert finding.confidence is Confidence.INFERRED
    assert "192.0.2.2 answered 192.0.2.1 with an unprotected INVALID_SPI" in finding.detail
    assert len(finding.refs) == 1 + 3


def test_peer_rebooted_by_the_new_sa_that_follows(tell: Tell):
    text = TRAFFIC + "20 b>a unprotected 4 id=3\n26 a>b v2 handshake sa=2"
    (finding,) = tell(text).of("peer-rebooted")
    assert "INVALID_IKE_SPI; a new IKE SA was negotiated 6 s later" in finding.detail


@silent(
    "peer-rebooted",
    "an unprotected notify alone proves nothing: a failed question or a new SA must follow",
    "its sender goes on using the SA: the notify is forged",
    "packets that were on their way when the SA was deleted",
)
@pytest.mark.parametrize(
    "text",
    [
        TRAFFIC + "20 b>a unprotected 11 esp=out",
        REBOOTED + "28 b>a liveness 3 resp",
        REBOOTED.replace("esp=out", "esp=other"),
        REBOOTED + "19.5 b>a delete 0\n19.6 a>b delete 0 resp",
    ],
    ids=["nothing follows", "it still knows the SA", "about another SPI", "late packets"],
)
def test_not_rebooted(tell: Tell, text: str):
    assert tell(text).of("peer-rebooted") == []


def forgetful(src: str = B, exchanges=(), **old_sa):
    """A new IKE SA of `src` with an INITIAL_CONTACT, beside an old one."""
    kept = {"established_ns": at(0.1), "ended_ns": None, "end": None}
    old = ike_sa(ike_version=2, **(kept | old_sa))
    new = ike_sa(id="i2", ike_version=2, first_ns=at(59), established_ns=at(60), end=None)
    dst = A if src == B else B
    begin = message(59, src, dst, MessageKind.SA_INIT, sa="i2", clear=True)
    contact = (Notify(16384, 0, "", b""),)
    auth = message(60, src, dst, MessageKind.AUTH, sa="i2", notifies=contact)
    view = peer(
        ike_sas=(old, new),
        exchanges=exchanges,
        deletes=(),
        hints=(),
        messages=(begin, auth),
    )
    return [peer_rebooted.RULE.finding(f) for f in peer_rebooted.RULE.check(Case(view))]


def test_an_initial_contact_that_forgets_a_living_sa():
    (finding,) = forgetful()
    assert f"{B} came back with INITIAL_CONTACT on a new IKE SA " in finding.detail


@silent("peer-rebooted", "INITIAL_CONTACT of an end that gave the peer up itself")
def test_an_initial_contact_after_an_end_that_is_known():
    # What b asked was not answered: it gave the peer up, and says so.
    asked = unanswered(prober=B, responder=A)
    assert forgetful(exchanges=(asked,)) == []
    assert forgetful(ended_ns=at(40), end=SaEnd.DELETE) == []
    assert len(forgetful(exchanges=(unanswered(),), ended_ns=at(26), end=SaEnd.DEAD_PEER)) == 1


UNASKED = TRAFFIC + "20 b>a unprotected 11 esp=out\n60 c>b liveness 1 sa=9"


@fires("hint-without-liveness-check")
def test_hint_without_liveness_check(tell: Tell):
    (finding,) = tell(UNASKED).of("hint-without-liveness-check")
    assert finding.severity is Severity.WARNING
    assert "asked nothing within 5 s" in finding.detail
    assert len(finding.refs) == 1


@silent(
    "hint-without-liveness-check",
    "a question that was already open",
    "a check for the first of several hints: they are rate limited",
    "packets that were on their way when the SA was deleted",
    "the input ends before the check is due, or does not show the end that has to ask",
)
@pytest.mark.parametrize(
    "text",
    [
        REBOOTED,
        UNASKED + "\n18 a>b liveness 3\n19 a>b liveness 3",
        UNASKED + "\n21 a>b liveness 3\n21.1 b>a liveness 3 resp\n30 b>a unprotected 11 esp=out",
        UNASKED + "\n19.5 a>b delete 3\n19.6 b>a delete 3 resp",
        UNASKED + "\ncapture 0..23",
        UNASKED + "\nunseen a>b ..",
    ],
    ids=[
        "asked at once",
        "asked already",
        "only the first of several",
        "late packets",
        "the input ends",
        "not heard",
    ],
)
def test_no_hint_without_liveness_check(tell: Tell, text: str):
    assert tell(text).of("hint-without-liveness-check") == []


OBEYED = TRAFFIC.replace("..40/", "..20/") + (
    "20 b>a unprotected 4 id=3\n21 a>b delete 3\n21.02 b>a delete 3 resp next=0\n"
    "60 c>b liveness 1 sa=9\n"
)


@fires("hint-obeyed")
def test_hint_obeyed(tell: Tell):
    (finding,) = tell(OBEYED).of("hint-obeyed")
    assert finding.severity is Severity.ERROR
    assert finding.confidence is Confidence.INFERRED
    assert "192.0.2.1 deleted IKE SA " in finding.detail
    assert "1 s after an unprotected INVALID_IKE_SPI" in finding.detail
    assert len(finding.refs) == 2


@silent(
    "hint-obeyed",
    "a question in between, or one that was open before",
    "the hint is about an SA that was deleted before",
)
@pytest.mark.parametrize(
    "text",
    [
        OBEYED.replace("delete 3", "delete 4") + "20.1 a>b liveness 3\n20.5 a>b liveness 3",
        OBEYED.replace("delete 3", "delete 4") + "18 a>b liveness 3\n19 a>b liveness 3",
        OBEYED.replace("21 a>b", "40 a>b").replace("21.02 b>a", "40.02 b>a"),
        OBEYED + "19 b>a delete 0\n19.1 a>b delete 0 resp",
    ],
    ids=["a question in between", "one that was open", "much later", "a Delete before"],
)
def test_hint_not_obeyed(tell: Tell, text: str):
    assert tell(text).of("hint-obeyed") == []


ICMP = hint(at_ns=at(11), sender=B, text="ICMP: port unreachable", kind=HintKind.ICMP)
TOKEN = (Notify(4, 0, "", b""), Notify(16419, 0, "", bytes(16)))


def obeyed(hints=(ICMP,), notifies=(), exchanges=()):
    gone = delete(at_ns=at(12), protocol=DeleteProtocol.IKE, ref=ref(90))
    about = message(11, B, A, MessageKind.NOTIFY, clear=True, notifies=notifies)
    view = peer(
        ike_sas=(ike_sa(ike_version=2, ended_ns=at(12), end=SaEnd.DELETE),),
        exchanges=exchanges,
        deletes=(gone,),
        messages=(message(1, A, B, MessageKind.LIVENESS), about),
        hints=hints,
    )
    return [hint_obeyed.RULE.finding(f) for f in hint_obeyed.RULE.check(Case(view))]


def test_an_icmp_error_that_was_obeyed():
    (finding,) = obeyed()
    assert "1 s after an unprotected ICMP port unreachable" in finding.detail


@silent("hint-obeyed", "a question in between, or one that was open before")
def test_a_delete_after_questions_that_nobody_answered_obeys_no_icmp_error():
    lost = unanswered(transmissions=(sent(6, 1, 60), sent(8, 2, 80), sent(10, 3, 100)))
    assert obeyed(exchanges=(lost,)) == []


@silent("hint-obeyed", "hints of the kind had been coming for long, and were not obeyed")
def test_what_was_not_heeded_before_is_not_obeyed_now():
    """A NAT that has lost a mapping refuses each packet, and somebody clears the SA by hand."""
    early = replace(ICMP, at_ns=at(2))
    assert obeyed((early, ICMP)) == []
    assert len(obeyed((replace(early, at_ns=at(10)), ICMP))) == 1


@silent("hint-obeyed", "a token of quick crash detection is proof (RFC 6290)")
def test_a_token_of_quick_crash_detection_is_proof():
    assert len(obeyed((), TOKEN[:1])) == 1
    assert obeyed((), TOKEN) == []
