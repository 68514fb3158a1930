"""Rules about what phase 1 agreed: where each fires, where its traps are silent."""

from __future__ import annotations

from dataclasses import replace

import pytest

from analyzers.model.exchange import Outcome
from analyzers.model.finding import Severity
from analyzers.model.records import Basis, Confidence
from analyzers.rules.case import Case
from analyzers.rules.configuration.examples import site, swanctl
from analyzers.rules.negotiation import (
    dpd_one_sided_initiator,
    dpd_one_sided_vid,
    dpd_payload_order_mismatch,
)
from tests.rules.conftest import Keys, Tell
from tests.scenarios.logs import charon, isakmp

A, B = "192.0.2.1", "192.0.2.2"

AGREED = "0 a>b v1 main-mode\n0.1 a>b v1 quick\n"
WITHOUT = "0 a>b v1 main-mode no-dpd=1\n0.1 a>b v1 quick\n"
ONE_SIDED = """
0 a>b v1 mm1
0.01 b>a v1 mm2 no-dpd=1
0.02 a>b v1 mm3
0.03 b>a v1 mm4
0.04 a>b v1 mm5
0.05 b>a v1 mm6
"""
AGGRESSIVE = """
0 a>b v1 ag1
0.01 b>a v1 ag2 no-dpd=1
0.02 a>b v1 ag3
"""


# --- dpd-not-negotiated --------------------------------------------------------------------


def test_dpd_not_negotiated(tell: Tell):
    (finding,) = tell(WITHOUT).of("dpd-not-negotiated")
    assert (finding.severity, finding.confidence) == (Severity.WARNING, Confidence.CERTAIN)
    assert f"Neither {A} nor {B}" in finding.detail
    assert "86,400 s" in finding.detail
    assert [r.record for r in finding.refs] == [1, 2, 3, 4]


def test_dpd_not_negotiated_is_told_once_for_all_sas_of_a_peer(tell: Tell):
    again = "".join(f"{n}00 a>b v1 main-mode no-dpd=1 sa={n}\n" for n in (2, 3))
    (finding,) = tell(WITHOUT + again).of("dpd-not-negotiated")
    assert "2 later ones" in finding.detail
    assert len(finding.refs) == 12


def test_dpd_not_negotiated_says_what_to_configure(tell: Tell):
    log = (
        "Sep 15 2025 03:14:00 fw1 : %ASA-3-713122: IP = 192.0.2.2 Keep-alives configured on but"
        " peer 192.0.2.2 does not support keep-alives (type = None)\n"
    )
    (finding,) = tell(("fw1.log", log)).of("dpd-not-negotiated")
    assert "does not support them" in finding.detail
    assert "Switch DPD on at 192.0.2.2" in finding.remedy
    assert [r.record for r in finding.refs] == [1]


@pytest.mark.parametrize(
    "text",
    [
        AGREED,
        WITHOUT.replace("no-dpd=1", "no-dpd=1 dpd=1"),
        WITHOUT + "capture 0.02..10",
        WITHOUT + "unseen a>b 0.02..0.03\nunseen b>a 0.03..0.04",
        "0 a>b v2 handshake",
        "0 a>b v1 mm1 no-dpd=1\n1 b>a v1 mm2 no-dpd=1\n2 a>b v1 mm3\n3 b>a v1 mm4",
    ],
    ids=["agreed", "in messages 3 and 4", "late capture", "messages missing", "IKEv2", "not up"],
)
def test_dpd_not_negotiated_is_silent(tell: Tell, text: str):
    told = tell(text)
    assert told.of("dpd-not-negotiated") == []
    assert told.of("dpd-one-sided-vid") == []


@pytest.mark.parametrize("holder", ["a", "b"])
def test_what_a_log_does_not_print_may_have_been_offered(tell: Tell, holder: str):
    told = tell(("charon.log", charon(AGREED + "9 a>b v1 info 108 says=ruthere", holder)))
    assert told.peer.ike_sas[0].dpd_vendor_id == (None, None)
    assert told.of("dpd-not-negotiated") == []


def test_dpd_not_negotiated_is_silent_where_the_configuration_tells_more(tell: Tell):
    device = site(A, B, dpd="crypto isakmp keepalive 10 3 periodic")
    told = tell(WITHOUT, ("r1.cfg", device))
    assert told.of("dpd-not-negotiated") == []
    assert len(told.of("dpd-configured-not-in-force")) == 1


# --- dpd-one-sided-vid ---------------------------------------------------------------------


@pytest.mark.parametrize("text", [ONE_SIDED, AGGRESSIVE], ids=["main mode", "aggressive mode"])
def test_dpd_one_sided_vid(tell: Tell, text: str):
    told = tell(text)
    (finding,) = told.of("dpd-one-sided-vid")
    assert (finding.severity, finding.confidence) == (Severity.WARNING, Confidence.CERTAIN)
    assert f"{A} offered DPD, {B} did not" in finding.detail
    assert finding.refs[1].record == 2
    assert told.of("dpd-not-negotiated") == []


def test_dpd_one_sided_vid_of_the_initiator(tell: Tell):
    text = ONE_SIDED.replace("v1 mm1", "v1 mm1 no-dpd=1").replace("mm2 no-dpd=1", "mm2")
    (finding,) = tell(text).of("dpd-one-sided-vid")
    assert f"{B} offered DPD, {A} did not" in finding.detail


def test_dpd_one_sided_vid_is_silent_where_check_point_waits_for_an_offer(tell: Tell):
    told = tell(ONE_SIDED.replace("v1 mm1", "v1 mm1 no-dpd=1").replace("mm2 no-dpd=1", "mm2"))
    (sa,) = told.peer.ike_sas
    view = replace(told.peer, ike_sas=(replace(sa, vendor_ids=((A, "Check Point R80"),)),))
    assert list(dpd_one_sided_vid.RULE.check(Case(view, told.sources))) == []


# --- dpd-before-vid ------------------------------------------------------------------------

BEFORE = ONE_SIDED + "10 a>b v1 info says=ruthere seq=5\n20 a>b v1 info says=ruthere seq=6\n"


def test_dpd_before_vid(tell: Tell, keys: Keys):
    (finding,) = tell(BEFORE, options=keys(BEFORE)).of("dpd-before-vid")
    assert (finding.severity, finding.confidence) == (Severity.ERROR, Confidence.CERTAIN)
    assert f"{A} sent R-U-THERE 2 times to {B}" in finding.detail
    assert f"{B} had not sent" in finding.detail
    assert [r.record for r in finding.refs] == [7, 8, 1, 2, 3, 4]


def test_dpd_before_vid_is_known_from_the_log_of_one_end(tell: Tell):
    text = BEFORE.replace("info says", "info 108 says")
    (finding,) = tell(text, ("a.log", isakmp(text))).of("dpd-before-vid")
    assert finding.severity is Severity.ERROR


def test_dpd_before_vid_is_not_what_is_wrong_with_a_question_in_clear(tell: Tell):
    told = tell(ONE_SIDED + "10 a>b v1 clear says=ruthere seq=5")
    assert told.of("dpd-before-vid") == []
    assert len(told.of("dpd-unencrypted")) == 1


@pytest.mark.parametrize("cut", ["", "capture 5..30", "unseen b>a 0..1"])
def test_dpd_before_vid_is_silent(tell: Tell, keys: Keys, cut: str):
    text = BEFORE.replace("no-dpd=1", "") if not cut else BEFORE
    assert tell(text + cut, options=keys(text)).of("dpd-before-vid") == []


def test_dpd_before_vid_is_silent_without_keys(tell: Tell):
    assert tell(BEFORE.replace("info says", "info 108 says")).of("dpd-before-vid") == []


# --- dpd-unencrypted -----------------------------------------------------------------------


def test_dpd_unencrypted(tell: Tell):
    text = AGREED + "10 b>a v1 clear says=ruthere seq=5\n20 b>a v1 clear says=ruthere seq=6"
    (finding,) = tell(text).of("dpd-unencrypted")
    assert (finding.severity, finding.confidence) == (Severity.ERROR, Confidence.CERTAIN)
    assert "R-U-THERE came in clear 2 times" in finding.detail
    assert "accepted" not in finding.detail
    assert [r.record for r in finding.refs] == [10, 11]


def test_dpd_unencrypted_and_accepted(tell: Tell, keys: Keys):
    text = AGREED + (
        "5 a>b v1 info says=ruthere seq=1\n5.01 b>a v1 info says=ack seq=1\n"
        "10 b>a v1 clear says=ruthere seq=5\n10.01 a>b v1 info says=ack seq=5"
    )
    (finding,) = tell(text, options=keys(text)).of("dpd-unencrypted")
    assert f"{A} accepted it" in finding.detail
    assert [r.record for r in finding.refs] == [12, 13]


def test_dpd_unencrypted_is_silent_where_all_is_encrypted(tell: Tell, keys: Keys):
    text = AGREED + "10 a>b v1 info says=ruthere seq=5\n10.01 b>a v1 info says=ack seq=5"
    assert tell(text, options=keys(text)).of("dpd-unencrypted") == []


# --- dpd-keepalive-fallback ----------------------------------------------------------------


def test_dpd_keepalive_fallback(tell: Tell):
    log = (
        "Sep 15 2025 03:14:00 fw1 : %ASA-7-715035: IP = 192.0.2.2 Starting IOS keepalive monitor:"
        " 80 sec.\n"
    )
    (finding,) = tell(("fw1.log", log)).of("dpd-keepalive-fallback")
    assert finding.severity is Severity.INFO
    assert "80 s" in finding.detail
    assert [r.record for r in finding.refs] == [1]


def test_dpd_keepalive_fallback_is_silent_about_paranoid_keepalives(tell: Tell):
    text = AGREED + "10 a>b v1 info 108 says=ruthere\n10.01 b>a v1 info 108 says=ack"
    said = [(20, "ISAKMP:(1001):peer does not do paranoid keepalives.")]
    told = tell(("a.log", isakmp(text, said=said)))
    assert told.of("dpd-keepalive-fallback") == []


def test_dpd_keepalive_fallback_is_silent_about_nat_keepalives(tell: Tell):
    text = "0 n:4500>b:4500 v1 main-mode\n5..65/20 n:4500>b:4500 keepalive"
    assert tell(text).of("dpd-keepalive-fallback") == []


# --- dpd-payload-order-mismatch ------------------------------------------------------------

ORDERS = """
0 a>b v1 main-mode
10..31/5 a>b v1 info says=ruthere seq=5
12..33/5 b>a v1 info says=ruthere seq=9 order=notify-first
100 a>b v1 main-mode sa=2
"""


def test_dpd_payload_order_mismatch(tell: Tell, keys: Keys):
    (finding,) = tell(ORDERS, options=keys(ORDERS)).of("dpd-payload-order-mismatch")
    assert (finding.severity, finding.confidence) == (Severity.WARNING, Confidence.CERTAIN)
    assert f"{A} sends HASH before NOTIFY, {B} NOTIFY before HASH" in finding.detail
    assert len(finding.refs) == 10


@pytest.mark.parametrize(
    "text",
    [
        ORDERS.replace("order=notify-first", ""),
        ORDERS + "30.1 b>a v1 info says=ack seq=5 order=notify-first",
        ORDERS.replace("12..33/5", "12..13/5").replace("ruthere seq=9", "delete"),
    ],
    ids=["same order", "answered all the same", "only a Delete"],
)
def test_dpd_payload_order_mismatch_is_silent(tell: Tell, keys: Keys, text: str):
    assert tell(text, options=keys(text)).of("dpd-payload-order-mismatch") == []


def test_dpd_payload_order_mismatch_needs_packets(tell: Tell, keys: Keys):
    told = tell(ORDERS, options=keys(ORDERS))
    logged = tuple(
        replace(m, basis=Basis.LOG, first_payload=0) if m.ref.record > 6 else m
        for m in told.peer.messages
    )
    case = Case(replace(told.peer, messages=logged), told.sources)
    assert list(dpd_payload_order_mismatch.RULE.check(case)) == []


# --- dpd-one-sided-initiator ---------------------------------------------------------------

ASKED = """
0 a>b v2 handshake
10..60/10 b>a liveness 0+
10.02..60/10 a>b liveness 0+ resp
0.3..50/0.5 b>a esp in
"""
MISSED = ASKED + "0.2..130/0.5 a>b esp out\n"


def test_dpd_one_sided_initiator(tell: Tell):
    (finding,) = tell(MISSED).of("dpd-one-sided-initiator")
    assert finding.severity is Severity.INFO
    assert finding.confidence is not Confidence.CERTAIN
    assert f"{B} sent 5 liveness requests, {A} none" in finding.detail


def test_dpd_one_sided_initiator_by_its_configuration(tell: Tell):
    device = swanctl(A, B, "dpd_delay = 0s")
    (finding,) = tell(ASKED, ("swanctl.conf", device)).of("dpd-one-sided-initiator")
    assert "none, as configured" in finding.detail
    assert (finding.severity, finding.confidence) == (Severity.INFO, Confidence.CERTAIN)
    assert "dpd_delay = 10s" in finding.remedy


def test_dpd_one_sided_initiator_is_silent_where_the_questions_of_one_end_suffice(tell: Tell):
    assert tell(ASKED).of("dpd-one-sided-initiator") == []


def test_dpd_one_sided_initiator_is_silent_where_both_ask(tell: Tell):
    text = MISSED + "5 a>b liveness 2\n5.02 b>a liveness 2 resp"
    assert tell(text).of("dpd-one-sided-initiator") == []


def test_dpd_one_sided_initiator_is_silent_where_nothing_is_sent(tell: Tell):
    """On-demand, and FortiGate's default: who sends nothing has no cause to ask."""
    assert tell(ASKED + "capture 0..300").of("dpd-one-sided-initiator") == []


def test_dpd_one_sided_initiator_is_told_by_the_configurations_where_both_are_given(tell: Tell):
    left, right = swanctl(A, B, "dpd_delay = 0s"), swanctl(B, A, "dpd_delay = 10s")
    told = tell(ASKED, ("left.conf", left), ("right.conf", right))
    (finding,) = told.of("dpd-one-sided-initiator")
    assert finding.peer is None


def test_exchanges_that_are_open_are_no_questions_of_one_end(tell: Tell):
    told = tell(MISSED)
    view = replace(
        told.peer,
        exchanges=tuple(replace(x, outcome=Outcome.OPEN) for x in told.peer.exchanges),
    )
    assert list(dpd_one_sided_initiator.RULE.check(Case(view, told.sources))) == []
