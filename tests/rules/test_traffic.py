"""Rules about liveness beside traffic: where each fires, where its traps are silent."""

from __future__ import annotations

import pytest

from analyzers.model.black_hole import BlackHoleClass
from analyzers.model.finding import Severity
from analyzers.model.records import Confidence
from analyzers.rules.configuration.examples import tunnel
from tests.rules.conftest import Tell
from tests.rules.test_timers_intervals import SWANCTL, UP, asks, given
from tests.scenarios.logs import charon

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


@pytest.mark.parametrize(
    "text",
    [
        UP + "0.2..120/0.2 a>b esp out\n" + asks(10, 40, 70, 100),
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


@pytest.mark.parametrize(
    "text",
    [
        UP + "0.2..120/0.2 a>b esp out\n" + asks(10, 40, 70, 100),
        UP + "".join(f"{t} a>b esp out\n{t}.1 b>a esp in\n" for t in range(5, 120, 20)),
        dead_plane(70) + "unseen b>a ..\n",
    ],
    ids=["one-way by design", "its own pace", "one direction captured"],
)
def test_data_plane_is_silent(tell: Tell, text: str):
    assert tell(text).of("dpd-alive-dataplane-dead") == []


# --- dpd-while-traffic-flows -----------------------------------------------------------------

BUSY_V1 = "0 a>b v1 main-mode\n0.2..60/0.2 a>b esp out\n0.3..60/0.2 b>a esp in\n" + "".join(
    f"{at} a>b v1 info 108\n{at}.02 b>a v1 info 108\n" for at in range(10, 60, 10)
)


def test_asked_beside_traffic(tell: Tell):
    (finding,) = tell(BUSY_V1).of("dpd-while-traffic-flows")
    assert finding.severity is Severity.WARNING
    assert finding.confidence is Confidence.INFERRED
    assert "5 of 5 questions (R-U-THERE)" in finding.detail
    assert "interval is 10 s (its own rhythm)" in finding.detail
    assert len(finding.refs) == 5


def test_asked_beside_traffic_in_ikev2(tell: Tell):
    text = UP + "0.2..60/0.2 a>b esp out\n0.3..60/0.2 b>a esp in\n" + asks(10, 20, 30, 40, 50)
    (finding,) = tell(text).of("dpd-while-traffic-flows")
    assert finding.severity is Severity.INFO


def test_asked_beside_traffic_is_meant_where_it_is_periodic(tell: Tell):
    options = given("cisco-ios interval=10 retry=2 mode=periodic")
    assert tell(BUSY_V1, options=options).of("dpd-while-traffic-flows") == []
    options = given("cisco-ios interval=10 retry=2 mode=on-demand")
    (finding,) = tell(BUSY_V1, options=options).of("dpd-while-traffic-flows")
    assert finding.severity is Severity.WARNING


def test_asked_beside_traffic_is_no_warning_for_products_that_do(tell: Tell):
    config = (
        "router.cfg",
        "hostname R1\ninterface Gi0\n ip address 192.0.2.1 255.255.255.0\n"
        "crypto isakmp policy 10\n encryption aes\n",
    )
    (finding,) = tell(BUSY_V1, config).of("dpd-while-traffic-flows")
    assert finding.severity is Severity.INFO


def test_asked_beside_traffic_is_silent_where_ike_came_last(tell: Tell):
    text = UP + asks(10, 20, 30, 40, 50)
    for number, at in enumerate(range(9, 50, 10)):
        text += f"{at} b>a liveness {number}\n{at}.02 a>b liveness {number} resp\n"
    assert tell(text).of("dpd-while-traffic-flows") == []


# --- liveness-inbound-only -------------------------------------------------------------------


def heard(until: float) -> str:
    """Traffic both ways for long, after two questions."""
    return (
        UP
        + asks(5, 10)
        + f"11..{until}/0.2 a>b esp out\n11.1..{until}/0.2 b>a esp in\n"
        + f"{until + 1} a>b create-child 9\n"
    )


def test_inbound_only(tell: Tell):
    options = given("strongswan interval=5")
    (finding,) = tell(heard(90), options=options).of("liveness-inbound-only")
    assert finding.severity is Severity.INFO
    assert "heard ESP of 192.0.2.2 for 81" in finding.detail
    assert "interval is 5 s (given)" in finding.detail
    assert len(finding.refs) == 2


@pytest.mark.parametrize(
    "text",
    [
        heard(50),
        heard(90) + "40 b>a liveness 0\n40.02 a>b liveness 0 resp\n",
        UP + asks(5, 10) + "11.1..90/0.2 b>a esp in\n91 a>b create-child 9\n",
    ],
    ids=["short", "a question of the peer", "nothing sent"],
)
def test_inbound_only_is_silent(tell: Tell, text: str):
    assert tell(text, options=given("strongswan interval=5")).of("liveness-inbound-only") == []


def test_inbound_only_is_silent_without_an_interval(tell: Tell):
    text = UP + "11..90/0.2 a>b esp out\n11.1..90/0.2 b>a esp in\n91 a>b create-child 9\n"
    assert tell(text).of("liveness-inbound-only") == []


# --- no-liveness-mechanism -------------------------------------------------------------------

IDLE = (
    UP + "10..20/0.2 a>b esp out\n10.1..20/0.2 b>a esp in\n" + "300 b>a esp in\n300.1 a>b esp out\n"
)


def captured_only(told, rule: str):
    """Findings about what happened, not about the configuration alone."""
    return [f for f in told.of(rule) if f.peer is not None]


def test_no_mechanism(tell: Tell):
    told = tell(IDLE, ("swanctl.conf", SWITCHED_OFF))
    (finding,) = captured_only(told, "no-liveness-mechanism")
    assert finding.severity is Severity.WARNING
    assert "up for 300.1 s" in finding.detail
    assert "neither end asked once" in finding.detail
    assert "dpd_delay = " in finding.remedy


@pytest.mark.parametrize(
    "text",
    [
        UP + "10..400/0.5 a>b esp out\n10.1..400/0.5 b>a esp in\n",
        IDLE + asks(100),
        IDLE.replace("300", "100"),
    ],
    ids=["traffic both ways", "somebody asks", "too short"],
)
def test_no_mechanism_is_silent(tell: Tell, text: str):
    told = tell(text, ("swanctl.conf", SWITCHED_OFF))
    assert captured_only(told, "no-liveness-mechanism") == []


def test_no_mechanism_is_silent_where_routing_notices(tell: Tell):
    routed = (
        "router.cfg",
        tunnel("192.0.2.1", "192.0.2.2", "ip ospf 1 area 0", dpd="crypto ikev2 dpd 0 0 periodic"),
    )
    told = tell(IDLE, routed)
    assert captured_only(told, "no-liveness-mechanism") == []


def test_no_mechanism_is_silent_without_a_configuration_that_says_so(tell: Tell):
    assert captured_only(tell(IDLE), "no-liveness-mechanism") == []
    told = tell(IDLE, ("swanctl.conf", SWANCTL))
    assert captured_only(told, "no-liveness-mechanism") == []


# --- NAT keepalives --------------------------------------------------------------------------

NAT_UP = "0 n:61000>b:4500 v2 handshake\nsa 1 by n\n"
KEPT = NAT_UP + "20..200/20 n:61000>b:4500 keepalive\n200 n:61000>b:4500 esp out\n"


def test_keepalives_are_no_liveness(tell: Tell):
    (finding,) = tell(KEPT).of("keepalive-misread")
    assert finding.severity is Severity.INFO
    assert "9 NAT keepalives went between 198.51.100.1 and 192.0.2.2" in finding.detail
    assert "within 200 s no liveness question" in finding.detail


@pytest.mark.parametrize(
    "text",
    [
        KEPT + "50 n:61000>b:4500 liveness 2\n50.02 b:4500>n:61000 liveness 2 resp\n",
        NAT_UP + "20 n:61000>b:4500 keepalive\n30 n:61000>b:4500 esp out\n",
    ],
    ids=["asked as well", "short"],
)
def test_keepalives_are_silent(tell: Tell, text: str):
    assert tell(text).of("keepalive-misread") == []


LATE = NAT_UP + "5 n:61000>b:4500 liveness 2\n5.02 b:4500>n:61000 liveness 2 resp\n"
LATE += "200 n:61000>b:4500 liveness 3\n200.02 b:4500>n:61000 liveness 3 resp\n"


def test_mapping_may_be_forgotten(tell: Tell):
    (finding,) = tell(LATE).of("nat-keepalive-too-slow")
    assert finding.severity is Severity.WARNING
    assert finding.confidence is Confidence.CERTAIN
    assert "198.51.100.1 is behind a NAT (its port is 61000)" in finding.detail
    assert "sent nothing for 195 s" in finding.detail
    assert len(finding.refs) == 1


@pytest.mark.parametrize(
    "text",
    [
        LATE + "100 n:61000>b:4500 esp out\n",
        LATE + "20..200/20 n:61000>b:4500 keepalive\n",
        LATE.replace("200", "100"),
        LATE.replace("61000", "4500"),
        NAT_UP + "5 n:61000>b:4500 delete 2\n200 n:61000>b:4500 v2 handshake sa=2\nsa 2 by n\n",
    ],
    ids=["any packet", "keepalives", "shorter", "no NAT", "the tunnel was down"],
)
def test_mapping_is_silent(tell: Tell, text: str):
    assert tell(text).of("nat-keepalive-too-slow") == []


def test_logs_alone_say_nothing_of_traffic(tell: Tell):
    text = heard(90)
    told = tell(("charon.log", charon(text)), options=given("strongswan interval=5"))
    assert told.of("liveness-inbound-only") == told.of("dpd-while-traffic-flows") == []
