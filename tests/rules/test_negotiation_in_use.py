"""Rules about DPD as it is in use: where each fires, where its traps are silent."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from analyzers.model.exchange import Outcome
from analyzers.model.finding import Severity
from analyzers.model.records import Basis, Confidence
from analyzers.rules.case import Case
from analyzers.rules.configuration.examples import swanctl
from analyzers.rules.negotiation import (
    dpd_keepalive_fallback,
    dpd_one_sided_initiator,
    dpd_payload_order_mismatch,
)
from tests.rules.conftest import Keys, Tell
from tests.rules.coverage import fires, silent
from tests.rules.test_negotiation import AGREED
from tests.scenarios.logs import isakmp

A, B = "192.0.2.1", "192.0.2.2"

# --- dpd-keepalive-fallback ----------------------------------------------------------------


MONITOR = (
    "Sep 15 2025 03:14:00 fw1 : %ASA-7-715035: IP = 192.0.2.2 Starting IOS keepalive monitor:"
    " 80 sec.\n"
)


@fires("dpd-keepalive-fallback")
def test_dpd_keepalive_fallback(tell: Tell):
    (finding,) = tell(("fw1.log", MONITOR)).of("dpd-keepalive-fallback")
    assert finding.severity is Severity.INFO
    assert "80 s" in finding.detail
    assert [r.record for r in finding.refs] == [1]


@fires("dpd-keepalive-fallback")
def test_dpd_keepalive_fallback_in_messages_that_keys_open(tell: Tell, keys: Keys):
    text = (
        AGREED + "10..40/10 a>b v1 info says=ios-keepalive\n10.01..40/10 b>a v1 info says=ios-ack"
    )
    (finding,) = tell(text, options=keys(text)).of("dpd-keepalive-fallback")
    assert f"{A} and {B} exchange Cisco IOS keepalives: 6 messages" in finding.detail
    assert (finding.severity, len(finding.refs)) == (Severity.INFO, 6)


@silent(
    "dpd-keepalive-fallback",
    '"peer does not do paranoid keepalives" is printed for every SA that is deleted',
)
def test_dpd_keepalive_fallback_is_silent_about_paranoid_keepalives(tell: Tell):
    words = "peer does not do paranoid keepalives."
    text = AGREED + "10 a>b v1 info 108 says=ruthere\n10.01 b>a v1 info 108 says=ack"
    told = tell(("a.log", isakmp(text, said=[(20, f"ISAKMP:(1001):{words}")])))
    assert told.of("dpd-keepalive-fallback") == []
    view = tell(("fw1.log", MONITOR)).peer
    assert len(list(dpd_keepalive_fallback.RULE.check(Case(view)))) == 1
    view = replace(view, hints=tuple(replace(h, text=words) for h in view.hints))
    assert list(dpd_keepalive_fallback.RULE.check(Case(view))) == []


@silent("dpd-keepalive-fallback", "NAT keepalives of one byte 0xFF are none of these")
def test_dpd_keepalive_fallback_is_silent_about_nat_keepalives(tell: Tell, keys: Keys):
    text = "0 n>b v1 main-mode\n5 n:4500>b:4500 v1 info says=ruthere\n"
    theirs = text + "15..75/20 n:4500>b:4500 v1 info says=ios-keepalive"
    nat = text + "15..75/20 n:4500>b:4500 keepalive"
    assert len(tell(theirs, options=keys(theirs)).of("dpd-keepalive-fallback")) == 1
    assert tell(nat, options=keys(nat)).of("dpd-keepalive-fallback") == []


# --- dpd-payload-order-mismatch ------------------------------------------------------------

ORDERS = """
0 a>b v1 main-mode
10..31/5 a>b v1 info says=ruthere seq=5
12..33/5 b>a v1 info says=ruthere seq=9 order=notify-first
100 a>b v1 main-mode sa=2
"""


@fires("dpd-payload-order-mismatch")
def test_dpd_payload_order_mismatch(tell: Tell, keys: Keys):
    (finding,) = tell(ORDERS, options=keys(ORDERS)).of("dpd-payload-order-mismatch")
    assert (finding.severity, finding.confidence) == (Severity.WARNING, Confidence.CERTAIN)
    assert f"{A} sends HASH before NOTIFY, {B} NOTIFY before HASH" in finding.detail
    assert len(finding.refs) == 10


def test_dpd_payload_order_mismatch_is_silent_of_one_order(tell: Tell, keys: Keys):
    text = ORDERS.replace("order=notify-first", "")
    assert tell(text, options=keys(text)).of("dpd-payload-order-mismatch") == []


@silent(
    "dpd-payload-order-mismatch",
    "most products accept both orders: where anything was answered, the order is no matter",
)
def test_dpd_payload_order_mismatch_is_silent_where_one_was_answered(tell: Tell, keys: Keys):
    text = ORDERS + "5 a>b v1 info says=ruthere seq=4\n5.01 b>a v1 info says=ack seq=4"
    assert tell(text, options=keys(text)).of("dpd-payload-order-mismatch") == []


@silent(
    "dpd-payload-order-mismatch",
    "an end that never asks, or whose Deletes alone were seen, shows no order",
)
@pytest.mark.parametrize("theirs", ["", "esp-delete"], ids=["never asks", "Deletes"])
def test_dpd_payload_order_mismatch_is_silent_of_an_end_that_never_asks(
    tell: Tell, keys: Keys, theirs: str
):
    asked = "12..33/5 b>a v1 info says=ruthere seq=9 order=notify-first\n"
    text = ORDERS.replace("seq=5", "seq=5 order=notify-first")
    without = text.replace(asked, "")
    text = without + asked.replace(" order=notify-first", "")
    if theirs:
        without += f"5..9/2 b>a v1 info says={theirs}\n"
    assert len(tell(text, options=keys(text)).of("dpd-payload-order-mismatch")) == 1
    told = tell(without, options=keys(without))
    assert told.of("dpd-payload-order-mismatch") == []
    assert len(told.of("dpd-no-ack")) == 1


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


@fires("dpd-one-sided-initiator")
def test_dpd_one_sided_initiator(tell: Tell):
    (finding,) = tell(MISSED).of("dpd-one-sided-initiator")
    assert finding.severity is Severity.INFO
    assert finding.confidence is not Confidence.CERTAIN
    assert f"{B} sent 5 liveness requests, {A} none" in finding.detail


@fires("dpd-one-sided-initiator")
def test_dpd_one_sided_initiator_by_its_configuration(tell: Tell):
    device = swanctl(A, B, "dpd_delay = 0s")
    (finding,) = tell(ASKED, ("swanctl.conf", device)).of("dpd-one-sided-initiator")
    assert "none, as configured" in finding.detail
    assert (finding.severity, finding.confidence) == (Severity.INFO, Confidence.CERTAIN)
    assert "dpd_delay = 10s" in finding.remedy


@silent(
    "dpd-one-sided-initiator",
    "a question of the other end proves that it lives: the quiet end need not ask",
)
def test_dpd_one_sided_initiator_is_silent_where_the_questions_of_one_end_suffice(tell: Tell):
    goes_on = MISSED.replace("..60/10", "..130/5")
    assert tell(goes_on).of("dpd-one-sided-initiator") == []


def test_dpd_one_sided_initiator_is_silent_where_both_ask(tell: Tell):
    text = MISSED + "5 a>b liveness 2\n5.02 b>a liveness 2 resp"
    assert tell(text).of("dpd-one-sided-initiator") == []


@silent(
    "dpd-one-sided-initiator",
    "on-demand: an end that sends nothing, or hears enough, has no cause to ask",
)
@pytest.mark.parametrize(
    "text",
    [ASKED + "capture 0..300", MISSED.replace("0.3..50", "0.3..130")],
    ids=["sends nothing", "hears enough"],
)
def test_dpd_one_sided_initiator_is_silent_where_nobody_had_cause_to_ask(tell: Tell, text: str):
    """Cisco's and FortiGate's on-demand."""
    assert tell(text).of("dpd-one-sided-initiator") == []


@silent(
    "dpd-one-sided-initiator",
    "with both configurations at hand, the rule over configurations tells it",
)
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
