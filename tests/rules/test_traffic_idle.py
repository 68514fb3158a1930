"""Rules about tunnels in which little happens: where each fires, where its traps are silent."""

from __future__ import annotations

import pytest

from analyzers.model.finding import Severity
from analyzers.model.records import Confidence
from analyzers.rules.configuration.examples import tunnel
from tests.rules.conftest import Tell
from tests.rules.coverage import fires, silent
from tests.rules.test_timers_intervals import SWANCTL, UP, asks, given
from tests.rules.test_traffic import SWITCHED_OFF
from tests.scenarios.logs import charon
from tests.scenarios.timeline import at

# --- liveness-inbound-only -------------------------------------------------------------------


def heard(until: float) -> str:
    """Traffic both ways for long, after two questions."""
    return (
        UP
        + asks(5, 10)
        + f"11..{until}/0.2 a>b esp out\n11.1..{until}/0.2 b>a esp in\n"
        + f"{until + 1} a>b create-child 9\n"
    )


# Growing waits, the last of them still going on at the end.
IN_VAIN = "12 a>b liveness 4\n14 a>b liveness 4\n18 a>b liveness 4\n26 a>b liveness 4\n"


@fires("liveness-inbound-only")
def test_inbound_only(tell: Tell):
    options = given("strongswan interval=5")
    (finding,) = tell(heard(90), options=options).of("liveness-inbound-only")
    assert finding.severity is Severity.INFO
    assert "heard ESP of 192.0.2.2 for 81" in finding.detail
    assert "interval is 5 s (given)" in finding.detail
    assert len(finding.refs) == 2


@silent(
    "liveness-inbound-only",
    "a question of either end is a round trip, or shows that the peer got the last answer",
    "without traffic of its own this end loses nothing",
    "a question that waits for its answer, or for one that arrives",
)
@pytest.mark.parametrize(
    "text",
    [
        heard(50),
        heard(90) + "40 b>a liveness 0\n40.02 a>b liveness 0 resp\n",
        heard(90) + asks(40, first_id=4),
        UP + asks(5, 10) + "11.1..90/0.2 b>a esp in\n91 a>b create-child 9\n",
        heard(90) + IN_VAIN,
        heard(90) + IN_VAIN + "14.02 b>a liveness 4 resp\n26.02 b>a liveness 4 resp\n",
    ],
    ids=[
        "short",
        "a question of the peer",
        "a question of its own",
        "nothing sent",
        "a last wait",
        "a last wait in vain",
    ],
)
def test_inbound_only_is_silent(tell: Tell, text: str):
    assert tell(text, options=given("strongswan interval=5")).of("liveness-inbound-only") == []


@pytest.mark.parametrize("began", [100, 86])
def test_before_the_first_esp_nothing_was_heard(tell: Tell, began: int):
    used = f"{began}..150/0.2 a>b esp out\n{began}.1..150/0.2 b>a esp in\n"
    told = tell(
        UP + asks(5, 10) + "95 a>b create-child 9\n" + used, options=given("strongswan interval=5")
    )
    assert all(f.at_ns == at(95) for f in told.of("liveness-inbound-only"))


@silent("liveness-inbound-only", "an interval that is not known")
def test_inbound_only_is_silent_without_an_interval(tell: Tell):
    text = UP + "11..90/0.2 a>b esp out\n11.1..90/0.2 b>a esp in\n91 a>b create-child 9\n"
    assert tell(text).of("liveness-inbound-only") == []
    assert len(tell(text, options=given("strongswan interval=5")).of("liveness-inbound-only")) == 1


# --- no-liveness-mechanism -------------------------------------------------------------------

IDLE = (
    UP + "10..20/0.2 a>b esp out\n10.1..20/0.2 b>a esp in\n" + "300 b>a esp in\n300.1 a>b esp out\n"
)


def captured_only(told, rule: str):
    """Findings about what happened, not about the configuration alone."""
    return [f for f in told.of(rule) if f.peer is not None]


@fires("no-liveness-mechanism")
def test_no_mechanism(tell: Tell):
    told = tell(IDLE, ("swanctl.conf", SWITCHED_OFF))
    (finding,) = captured_only(told, "no-liveness-mechanism")
    assert finding.severity is Severity.WARNING
    assert "up for 5 min 00 s" in finding.detail
    assert "neither end asked once" in finding.detail
    assert "dpd_delay = " in finding.remedy


@silent("no-liveness-mechanism", "a capture that is too short, or has no pause in it")
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


@silent("no-liveness-mechanism", "a routing protocol over the tunnel notices by itself")
def test_no_mechanism_is_silent_where_routing_notices(tell: Tell):
    routed = (
        "router.cfg",
        tunnel("192.0.2.1", "192.0.2.2", "ip ospf 1 area 0", dpd="crypto ikev2 dpd 0 0 periodic"),
    )
    told = tell(IDLE, routed)
    assert captured_only(told, "no-liveness-mechanism") == []


@silent(
    "no-liveness-mechanism",
    "on demand, and with FortiGate's rule, a tunnel with traffic both ways never asks",
)
def test_no_mechanism_is_silent_where_an_end_would_ask_on_demand(tell: Tell):
    for mode, count in (("0 0 periodic", 1), ("10 2 on-demand", 0)):
        routed = ("router.cfg", tunnel("192.0.2.1", "192.0.2.2", dpd=f"crypto ikev2 dpd {mode}"))
        assert len(captured_only(tell(IDLE, routed), "no-liveness-mechanism")) == count


@silent(
    "no-liveness-mechanism", "without a configuration nobody knows whether an end would have asked"
)
def test_no_mechanism_is_silent_without_a_configuration_that_says_so(tell: Tell):
    assert captured_only(tell(IDLE), "no-liveness-mechanism") == []
    told = tell(IDLE, ("swanctl.conf", SWANCTL))
    assert captured_only(told, "no-liveness-mechanism") == []


# --- NAT keepalives --------------------------------------------------------------------------

NAT_UP = "0 n:61000>b:4500 v2 handshake\nsa 1 by n\n"
KEPT = NAT_UP + "20..200/20 n:61000>b:4500 keepalive\n200 n:61000>b:4500 esp out\n"


@fires("keepalive-misread")
def test_keepalives_are_no_liveness(tell: Tell):
    (finding,) = tell(KEPT).of("keepalive-misread")
    assert finding.severity is Severity.INFO
    assert "9 NAT keepalives went between 198.51.100.1 and 192.0.2.2" in finding.detail
    assert "within 200 s no liveness question" in finding.detail


@silent(
    "keepalive-misread",
    "liveness questions are there as well, or Informationals that may be some",
    "a capture of a minute, in which no question was due",
)
@pytest.mark.parametrize(
    "text",
    [
        KEPT + "50 n:61000>b:4500 liveness 2\n50.02 b:4500>n:61000 liveness 2 resp\n",
        "0 n:61000>b:4500 v1 main-mode\n0.2 n:61000>b:4500 v1 quick\n"
        + KEPT.removeprefix(NAT_UP)
        + "50 n:61000>b:4500 v1 info 108\n",
        NAT_UP + "20 n:61000>b:4500 keepalive\n30 n:61000>b:4500 esp out\n",
    ],
    ids=["asked as well", "perhaps asked", "short"],
)
def test_keepalives_are_silent(tell: Tell, text: str):
    assert tell(text).of("keepalive-misread") == []


LATE = NAT_UP + "5 n:61000>b:4500 liveness 2\n5.02 b:4500>n:61000 liveness 2 resp\n"
LATE += "200 n:61000>b:4500 liveness 3\n200.02 b:4500>n:61000 liveness 3 resp\n"


@fires("nat-keepalive-too-slow")
def test_mapping_may_be_forgotten(tell: Tell):
    (finding,) = tell(LATE).of("nat-keepalive-too-slow")
    assert finding.severity is Severity.WARNING
    assert finding.confidence is Confidence.CERTAIN
    assert "198.51.100.1 is behind a NAT (its port is 61000)" in finding.detail
    assert "sent nothing for 195 s" in finding.detail
    assert len(finding.refs) == 1


@silent(
    "nat-keepalive-too-slow",
    "any packet keeps the mapping, not only a keepalive",
    "the capture has keepalives, and does not tell whose they are",
    "the tunnel was down meanwhile",
    "shorter pauses: real NATs differ, and 120 s are the least that is allowed",
)
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
