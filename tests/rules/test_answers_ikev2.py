"""Rules about answers in IKEv2 alone: where each fires, where its traps are silent."""

from __future__ import annotations

import pytest

from analyzers.model.finding import Severity
from analyzers.model.records import Confidence
from tests.rules.conftest import Tell
from tests.rules.coverage import fires, silent
from tests.rules.test_answers import DEAD, PROMPT
from tests.scenarios.logs import charon

# --- liveness-response-not-empty -----------------------------------------------------------


@fires("liveness-response-not-empty")
def test_liveness_response_not_empty(tell: Tell):
    text = PROMPT.replace("10.02..60/10 b>a liveness 2+ resp", "") + (
        "10.02..30/10 b>a liveness 2+ resp next=41\n30.02..60/10 b>a liveness 4+ resp\n"
    )
    (finding,) = tell(text).of("liveness-response-not-empty")
    assert (finding.severity, finding.confidence) == (Severity.INFO, Confidence.CERTAIN)
    assert "2 empty requests" in finding.detail
    assert "a Notify" in finding.detail
    assert len(finding.refs) == 4


@silent(
    "liveness-response-not-empty",
    "a MOBIKE question carries NAT detection, and so does its answer",
)
def test_liveness_response_not_empty_is_silent_of_mobike(tell: Tell):
    text = (
        "0 a>b v2 handshake\n10..60/10 a>b notify 2+ len=144\n"
        "10.02..60/10 b>a notify 2+ resp len=144"
    )
    told = tell(text)
    assert len(told.peer.exchanges) == 5
    assert told.of("liveness-response-not-empty") == []


@silent(
    "liveness-response-not-empty",
    "the answer to a Delete, a Notify or a Configuration request is not one to an empty one",
)
@pytest.mark.parametrize("verb", ["delete", "notify", "config"])
def test_liveness_response_not_empty_is_silent_of_other_requests(tell: Tell, verb: str):
    other = f"70 a>b {verb} 7\n70.02 b>a {verb} 7 resp"
    assert tell(PROMPT + other).of("liveness-response-not-empty") == []
    empty = other.replace(f"a>b {verb}", "a>b liveness")
    assert len(tell(PROMPT + empty).of("liveness-response-not-empty")) == 1


@silent("liveness-response-not-empty", "the first payload stands in the first fragment only")
@pytest.mark.parametrize("cut", ["", "unseen a>b 70..70.005"], ids=["whole", "the second alone"])
def test_liveness_response_not_empty_is_silent_of_fragments(tell: Tell, cut: str):
    """The second fragment of a request has no next payload, as an empty request has none."""
    text = (
        "70 a>b notify 7 piece=1/2\n70.01 a>b notify 7 piece=2/2\n70.02 b>a notify 7 resp\n"
        "80 a>b liveness 8\n80.02 b>a liveness 8 resp\n"
    )
    assert tell(PROMPT + text + cut).of("liveness-response-not-empty") == []


def test_liveness_response_not_empty_is_silent_of_empty_answers(tell: Tell):
    assert tell(PROMPT).of("liveness-response-not-empty") == []


# --- ikev2-unanswered-request-other --------------------------------------------------------

REKEY = PROMPT + "".join(f"{at} a>b create-child 7\n" for at in (70, 72, 76, 84))


@fires("ikev2-unanswered-request-other")
def test_ikev2_unanswered_request_other(tell: Tell):
    (finding,) = tell(REKEY + "120 b>a liveness 0").of("ikev2-unanswered-request-other")
    assert (finding.severity, finding.confidence) == (Severity.WARNING, Confidence.CERTAIN)
    assert "CREATE_CHILD_SA request 7 to 192.0.2.2 4 times within 14 s" in finding.detail
    assert [r.record for r in finding.refs] == [15, 16, 17, 18]


def test_ikev2_unanswered_request_other_is_known_from_the_log_of_who_asks(tell: Tell):
    log = charon(REKEY + "120 b>a liveness 0")
    (finding,) = tell(("a.log", log)).of("ikev2-unanswered-request-other")
    assert "4 times" in finding.detail


def test_ikev2_unanswered_request_other_is_told_where_the_log_ends_with_the_verdict(tell: Tell):
    """strongSwan gives up 1.8 times the last gap after the last retry."""
    at, sent = "2026-01-10 10:", "from 192.0.2.1[4500] to 192.0.2.2[4500] (208 bytes)"
    log = (
        f"{at}00:00.201 05[IKE] <gw|1> IKE_SA gw[1] established between"
        " 192.0.2.1[a]...192.0.2.2[b]\n"
        f"{at}50:00.101 05[ENC] <gw|1> generating CREATE_CHILD_SA request 2 [ SA No TSi TSr ]\n"
        f"{at}50:00.101 05[NET] <gw|1> sending packet: {sent}\n"
        f"{at}50:04.101 06[IKE] <gw|1> retransmit 1 of request with message ID 2\n"
        f"{at}50:04.101 06[NET] <gw|1> sending packet: {sent}\n"
        f"{at}50:11.301 07[IKE] <gw|1> giving up after 1 retransmits\n"
    )
    (finding,) = tell(("a.log", log)).of("ikev2-unanswered-request-other")
    assert finding.detail.endswith("no answer came. The peer was given up.")
    assert finding.severity is Severity.ERROR


FORTIOS = "".join(
    f"ike 0:gw:9: sent IKE msg ({what}): 192.0.2.1:500->192.0.2.2:500, len=80, vrf=0,"
    f" id=a4c2f0e8af2e34e5/b6c5a2d9b4c7d3a1:00000004\n"
    for what in ("INFORMATIONAL", "RETRANSMIT_INFORMATIONAL", "RETRANSMIT_INFORMATIONAL")
)


def test_ikev2_unanswered_request_other_needs_no_times_where_the_log_has_the_verdict(tell: Tell):
    told = tell(("gw.log", f"{FORTIOS}ike 0:gw:9: negotiation timeout, deleting\n"))
    (finding,) = told.findings
    assert (finding.rule, finding.severity) == ("ikev2-unanswered-request-other", Severity.ERROR)
    assert "request 4 to 192.0.2.2 3 times on IKE SA a4c2f0e8…; no answer" in finding.detail
    assert finding.at_ns is None
    assert tell(("gw.log", FORTIOS)).of("ikev2-unanswered-request-other") == []


def test_a_verdict_on_a_request_that_the_log_does_not_show_is_told(tell: Tell):
    at = "2026-01-10 10:"
    up = "IKE_SA gw[1] established between 192.0.2.1[a]...192.0.2.2[b]"
    log = (
        f"{at}00:00.201 05[IKE] <gw|1> {up}\n"
        f"{at}50:00.101 05[IKE] <gw|1> establishing CHILD_SA net{{2}} reqid 1\n"
        f"{at}50:04.101 06[IKE] <gw|1> retransmit 1 of request with message ID 2\n"
        f"{at}50:11.301 07[IKE] <gw|1> giving up after 1 retransmits\n"
    )
    (finding,) = tell(("a.log", log)).of("dpd-no-ack")
    assert (finding.severity, [r.record for r in finding.refs]) == (Severity.ERROR, [4])
    assert finding.detail.endswith("It does not show what was asked.")


@silent(
    "ikev2-unanswered-request-other",
    "the input ends before the first retry had its time",
)
def test_ikev2_unanswered_request_other_is_silent_where_the_input_ends(tell: Tell):
    once = PROMPT + "".join(f"{at} a>b create-child 7\n" for at in (70, 72))
    assert tell(once + "75 b>a liveness 0").of("ikev2-unanswered-request-other") == []


def test_ikev2_unanswered_request_other_where_the_input_ends_after_many(tell: Tell):
    (finding,) = tell(REKEY + "95 b>a liveness 0").of("ikev2-unanswered-request-other")
    assert finding.confidence is Confidence.INFERRED
    assert "The input ends before the next retry was due." in finding.detail


@silent("ikev2-unanswered-request-other", "nothing of the other end was captured")
def test_ikev2_unanswered_request_other_is_silent_of_one_direction(tell: Tell):
    text = REKEY + "120 b>a liveness 0\n60..200/5 a>b esp out\n"
    assert len(tell(text).of("ikev2-unanswered-request-other")) == 1
    assert tell(text + "unseen b>a ..").of("ikev2-unanswered-request-other") == []


@silent(
    "ikev2-unanswered-request-other",
    "the next request of a window of 1 proves that it was answered",
)
def test_ikev2_unanswered_request_other_is_silent_where_the_next_one_proves_it(tell: Tell):
    more = "119 a>b liveness 8\n119.02 b>a liveness 8 resp\n120 b>a liveness 0"
    assert tell(REKEY + more).of("ikev2-unanswered-request-other") == []


@silent("ikev2-unanswered-request-other", "the other end deleted the SA in the meantime")
def test_ikev2_unanswered_request_other_is_silent_where_the_sa_was_deleted(tell: Tell):
    more = "85 b>a delete 0\n85.02 a>b liveness 0 resp\n120 a>b sa-init 0 v2 sa=2"
    assert tell(REKEY + more).of("ikev2-unanswered-request-other") == []


def test_ikev2_unanswered_request_other_is_silent_where_it_was_answered(tell: Tell):
    more = "120 b>a liveness 0\n84.02 b>a create-child 7 resp"
    assert tell(REKEY + more).of("ikev2-unanswered-request-other") == []


@silent(
    "ikev2-unanswered-request-other",
    "IKE_SA_INIT and IKE_AUTH: negotiation-unanswered tells it; a Delete: delete-lost does",
)
@pytest.mark.parametrize(
    "text",
    [
        "0..9/2 a>b v2 sa-init\n60 b>a liveness 0",
        "0 a>b v2 sa-init\n0.01 b>a v2 sa-init resp\n1..9/2 a>b v2 auth 1\n60 b>a liveness 0",
        PROMPT + "70..79/2 a>b delete 7\n120 b>a liveness 0",
    ],
    ids=["IKE_SA_INIT", "IKE_AUTH", "Delete"],
)
def test_ikev2_unanswered_request_other_is_silent_before_and_after_the_sa(tell: Tell, text: str):
    assert tell(text).of("ikev2-unanswered-request-other") == []


@silent(
    "ikev2-unanswered-request-other",
    "a request that was not sent again: its answer may not have been captured",
)
def test_ikev2_unanswered_request_other_is_silent_where_it_was_sent_once(tell: Tell):
    assert (
        tell(PROMPT + "70 a>b create-child 7\n120 b>a liveness 0").of(
            "ikev2-unanswered-request-other"
        )
        == []
    )


def test_ikev2_unanswered_request_other_leaves_questions_to_another_rule(tell: Tell):
    assert tell(DEAD).of("ikev2-unanswered-request-other") == []
