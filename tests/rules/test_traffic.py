"""Rules about liveness beside traffic: where each fires, where its traps are silent."""

from __future__ import annotations

from pathlib import Path

import dpkt
import pytest

from analyzers.model.black_hole import BlackHoleClass
from analyzers.model.finding import Severity
from analyzers.model.observations import MessageKind
from analyzers.model.records import Basis, Confidence
from analyzers.rules.case import Case
from analyzers.rules.traffic import dpd_while_traffic_flows
from analyzers.session import SessionOptions
from tests.model_builders import A, B, answered, at, ike_sa, peer, ref, sent, source
from tests.rules.conftest import Tell
from tests.rules.coverage import fires, silent
from tests.rules.messages import message
from tests.rules.test_timers_intervals import SWANCTL, UP, asks, given

BOTH_WAYS = """
0.2..20/0.2 a>b esp out
0.3..20/0.2 b>a esp in
"""
SWITCHED_OFF = SWANCTL.replace("10s", "0s")


# --- liveness-not-probed-one-way-out ---------------------------------------------------------


def silence(until: float) -> str:
    """The peer is silent from 20 s until a time, and nobody asks."""
    return (
        UP
        + BOTH_WAYS
        + f"20..{until + 5}/0.2 a>b esp out\n"
        + f"{until}.05..{until + 5}/0.2 b>a esp in\n"
    )


@fires("liveness-not-probed-one-way-out")
def test_nobody_asks(tell: Tell):
    told = tell(silence(120))
    (hole,) = told.peer.black_holes
    assert hole.black_hole_class is BlackHoleClass.MISSING_DPD
    (finding,) = told.of("liveness-not-probed-one-way-out")
    assert finding.severity is Severity.ERROR
    assert finding.confidence is Confidence.INFERRED
    assert "501 ESP packets to 192.0.2.2 within 100 s" in finding.detail
    assert "until the peer was heard again" in finding.detail
    assert "60 s are held against it" in finding.detail
    assert "= 30 s" in finding.remedy
    assert finding.refs


@pytest.mark.parametrize("batch_rows", [3, 100_000])
def test_the_first_packet_without_an_answer_is_named(tell: Tell, tmp_path: Path, batch_rows: int):
    """Not the first one of its SPI, wherever the batches are cut."""
    told = tell(silence(120), options=SessionOptions(batch_rows=batch_rows))
    (finding,) = told.of("liveness-not-probed-one-way-out")
    (hole,) = told.peer.black_holes
    assert finding.at_ns == hole.first_exposed_ns
    with (tmp_path / "0.pcap").open("rb") as file:
        times = [at_s for at_s, _ in dpkt.pcap.Reader(file)]
    (place,) = finding.refs
    assert abs(times[place.record - 1] * 1e9 - (hole.first_exposed_ns or 0)) < 10_000


def test_nobody_asks_for_a_while(tell: Tell):
    (finding,) = tell(silence(50)).of("liveness-not-probed-one-way-out")
    assert finding.severity is Severity.WARNING
    assert "up to 60 s may be meant" in finding.detail


def test_nobody_asks_because_it_is_switched_off(tell: Tell):
    found = tell(silence(50), ("swanctl.conf", SWITCHED_OFF))
    (finding,) = found.of("liveness-not-probed-one-way-out")
    assert finding.severity is Severity.ERROR
    assert "DPD is off (configured)" in finding.detail
    assert "dpd_delay = " in finding.remedy
    assert finding.refs[-1] == ("s2", 7)


def test_nobody_asks_against_its_policy(tell: Tell):
    (finding,) = tell(silence(50), options=given("strongswan interval=10 retry=1")).of(
        "liveness-not-probed-one-way-out"
    )
    assert finding.severity is Severity.ERROR
    assert "should have asked after 10 s (given)" in finding.detail
    assert "Find out why it does not ask" in finding.remedy


@silent(
    "liveness-not-probed-one-way-out", "the silence was shorter than the interval of the policy"
)
def test_nobody_asks_within_the_interval(tell: Tell):
    (finding,) = tell(silence(50), options=given("strongswan interval=60")).of(
        "liveness-not-probed-one-way-out"
    )
    assert finding.severity is Severity.INFO
    assert "would have asked after 60 s (given)" in finding.detail


def test_nobody_asks_is_not_certain_where_the_input_ends(tell: Tell):
    text = UP + BOTH_WAYS + "20..120/0.2 a>b esp out\n"
    (finding,) = tell(text).of("liveness-not-probed-one-way-out")
    assert finding.confidence is Confidence.SUSPECT
    assert finding.severity is Severity.WARNING
    assert "was going on when the input ends" in finding.detail


@silent(
    "liveness-not-probed-one-way-out",
    "a flow that is one-way by design, while questions about liveness are answered",
    "only one direction was captured",
    "another Child SA of the same IKE SA was heard: that is proof for all",
)
@pytest.mark.parametrize(
    "text",
    [
        UP + "0.2..160/0.2 a>b esp out\n" + asks(10, 40, 70, 100),
        silence(120) + "unseen b>a ..\n",
        UP + BOTH_WAYS + "20..120/0.2 a>b esp out\n0.4..120/0.3 b>a esp other\n",
    ],
    ids=["one-way by design", "one direction captured", "another Child SA is heard"],
)
def test_nobody_asks_is_silent(tell: Tell, text: str):
    assert tell(text).of("liveness-not-probed-one-way-out") == []


# --- dpd-alive-dataplane-dead ----------------------------------------------------------------


def dead_plane(until: int) -> str:
    """ESP of the peer stops at 20 s, and its answers go on."""
    return (
        UP
        + BOTH_WAYS
        + f"20..{until + 5}/0.2 a>b esp out\n"
        + asks(*range(25, until, 10))
        + f"{until}..{until + 5}/0.2 b>a esp in\n"
    )


@fires("dpd-alive-dataplane-dead")
def test_data_plane_dead(tell: Tell):
    told = tell(dead_plane(70))
    (hole,) = told.peer.black_holes
    assert hole.black_hole_class is BlackHoleClass.DATA_PLANE
    (finding,) = told.of("dpd-alive-dataplane-dead")
    assert finding.severity is Severity.ERROR
    assert finding.confidence is Confidence.INFERRED
    assert "251 ESP packets" in finding.detail
    assert "question of 192.0.2.1 was answered 5 times meanwhile" in finding.detail
    assert "protocol 50" in finding.remedy
    assert len(finding.refs) == 5


def test_data_plane_dead_since_the_peer_deleted_the_child_sa(tell: Tell):
    text = dead_plane(70) + "20 b>a delete 0\n20.02 a>b delete 0 resp\n"
    (lives,) = tell(text).of("dpd-alive-dataplane-dead")
    assert "deleted" not in lives.detail
    text = text.replace("70..75/0.2 b>a esp in", "70..75/0.2 b>a esp renewed")
    (finding,) = tell(text).of("dpd-alive-dataplane-dead")
    assert "192.0.2.2 had deleted a Child SA just before" in finding.detail
    assert finding.remedy.startswith("192.0.2.2 deleted the Child SA")


def test_data_plane_dead_for_a_while(tell: Tell):
    (finding,) = tell(dead_plane(45)).of("dpd-alive-dataplane-dead")
    assert finding.severity is Severity.WARNING
    assert "More than 30 s" in finding.detail


def test_data_plane_of_one_child_sa(tell: Tell):
    text = (
        UP
        + "0.2..60/0.2 a>b esp out1\n0.3..60/0.2 b>a esp in1\n"
        + "10..90/0.2 a>b esp out2\n10.1..40/0.2 b>a esp in2\n60..90/0.2 a>b esp out1\n"
        + "60.1..90/0.2 b>a esp in1\n"
    )
    (finding,) = tell(text).of("dpd-alive-dataplane-dead")
    assert "on SPI" in finding.detail
    assert "other Child SAs of the peer went on" in finding.detail
    assert finding.refs


BURSTS = range(10, 180, 30)


@silent(
    "dpd-alive-dataplane-dead",
    "a flow that never had an answer is one-way by design",
    "pauses that the flow makes anyway",
    "only one direction was captured, or the capture lost the other for a while",
)
@pytest.mark.parametrize(
    "text",
    [
        UP + "0.2..120/0.2 a>b esp out\n" + asks(10, 40, 70, 100),
        # Bursts with pauses that are as long as the silence of a dead data plane.
        UP
        + "".join(f"{t}..{t + 5}/0.2 a>b esp out\n{t}.1..{t + 5}/0.2 b>a esp in\n" for t in BURSTS)
        + "".join(f"{t + 5}..{t + 30}/0.2 a>b esp out\n" for t in BURSTS)
        + asks(*range(15, 180, 10)),
        dead_plane(70) + "unseen b>a ..\n",
        dead_plane(70) + "unseen b>a 20..70\n",
    ],
    ids=["one-way by design", "its own pauses", "one direction captured", "lost for a while"],
)
def test_data_plane_is_silent(tell: Tell, text: str):
    assert tell(text).of("dpd-alive-dataplane-dead") == []


# --- dpd-while-traffic-flows -----------------------------------------------------------------

BUSY_V1 = "0 a>b v1 main-mode\n0.2..60/0.2 a>b esp out\n0.3..60/0.2 b>a esp in\n" + "".join(
    f"{at} a>b v1 info 108\n{at}.02 b>a v1 info 108\n" for at in range(10, 60, 10)
)


@fires("dpd-while-traffic-flows")
def test_asked_beside_traffic(tell: Tell):
    (finding,) = tell(BUSY_V1).of("dpd-while-traffic-flows")
    assert finding.severity is Severity.WARNING
    assert finding.confidence is Confidence.INFERRED
    assert "5 of 5 questions (R-U-THERE)" in finding.detail
    assert "interval is 10 s (its own rhythm)" in finding.detail
    assert len(finding.refs) == 5


@silent("dpd-while-traffic-flows", "in IKEv2 nothing speaks against it")
def test_asked_beside_traffic_in_ikev2(tell: Tell):
    text = UP + "0.2..60/0.2 a>b esp out\n0.3..60/0.2 b>a esp in\n" + asks(10, 20, 30, 40, 50)
    (finding,) = tell(text).of("dpd-while-traffic-flows")
    assert finding.severity is Severity.INFO


@silent("dpd-while-traffic-flows", "periodic questions, where they are configured, are meant")
def test_asked_beside_traffic_is_meant_where_it_is_periodic(tell: Tell):
    options = given("cisco-ios interval=10 retry=2 mode=periodic")
    assert tell(BUSY_V1, options=options).of("dpd-while-traffic-flows") == []
    options = given("cisco-ios interval=10 retry=2 mode=on-demand")
    (finding,) = tell(BUSY_V1, options=options).of("dpd-while-traffic-flows")
    assert finding.severity is Severity.WARNING


def beside_traffic(vendor_id: str, dialect: str) -> Severity:
    """How bad the questions of a product are that its vendor ID, or its log, tells."""
    questions = tuple(
        answered(id=f"x{n}", transmissions=(sent(5 * n, n, n),), since_proof_ns=at(0.1) - at(0))
        for n in range(1, 5)
    )
    logged = message(1, A, B, MessageKind.QUICK_MODE, basis=Basis.LOG, ref=ref(1, "s2"))
    view = peer(
        exchanges=questions,
        messages=(message(0, A, B, MessageKind.MAIN_MODE), logged),
        ike_sas=(ike_sa(vendor_ids=((A, vendor_id),)),),
    )
    rule = dpd_while_traffic_flows.RULE
    case = Case(view, (source(), source(id="s2", kind="log", format=dialect)))
    (finding,) = (rule.finding(found) for found in rule.check(case))
    return finding.severity


@silent(
    "dpd-while-traffic-flows",
    "products that ask whatever the traffic: Cisco periodic, racoon, strongSwan from 6.0.1 on"
    " without UDP encapsulation, Libreswan IKEv1 behind NAT, Juniper always-send",
)
def test_asked_beside_traffic_is_no_warning_for_products_that_do():
    assert beside_traffic("DPD 1.0 (RFC 3706)", "syslog") is Severity.WARNING
    for vendor_id in ("Cisco GRE Mode", "racoon", "strongSwan 6.0.1", "Libreswan"):
        assert beside_traffic(vendor_id, "syslog") is Severity.INFO
    assert beside_traffic("DPD 1.0 (RFC 3706)", "juniper-kmd") is Severity.INFO


def test_asked_beside_traffic_is_no_warning_for_cisco(tell: Tell):
    config = (
        "router.cfg",
        "hostname R1\ninterface Gi0\n ip address 192.0.2.1 255.255.255.0\n"
        "crypto isakmp policy 10\n encryption aes\n",
    )
    (finding,) = tell(BUSY_V1, config).of("dpd-while-traffic-flows")
    assert finding.severity is Severity.INFO


@silent("dpd-while-traffic-flows", "an IKE message of the peer, not its traffic, came last")
def test_asked_beside_traffic_is_silent_where_ike_came_last(tell: Tell):
    text = UP + "0.2..60/0.2 a>b esp out\n0.3..58/7 b>a esp in\n"
    text += "".join(asks(s, first_id=n) for n, s in enumerate((12, 22, 32, 42, 52), start=2))
    assert len(tell(text).of("dpd-while-traffic-flows")) == 1
    for number, s in enumerate((11, 21, 31, 41, 51)):
        text += f"{s} b>a create-child {number}\n{s}.02 a>b create-child {number} resp\n"
    assert tell(text).of("dpd-while-traffic-flows") == []
