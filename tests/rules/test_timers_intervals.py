"""Rules about intervals: where each fires, where its traps are silent."""

from __future__ import annotations

from analyzers.configs.vendors import parse_policy
from analyzers.model.finding import Severity
from analyzers.model.policy import GivenPolicy
from analyzers.model.records import Confidence
from analyzers.session import SessionOptions
from tests.rules.conftest import Tell
from tests.rules.coverage import fires, silent
from tests.scenarios.logs import Clock, charon, syslog

A = "192.0.2.1"


def given(policy: str, holder: str | None = A) -> SessionOptions:
    """A session in which the user says what is in force."""
    return SessionOptions(policies=(GivenPolicy(parse_policy(policy), holder),))


def asks(*times: float, rtt: float = 0.02, first_id: int = 2, sa: str = "1") -> str:
    """Liveness requests at these times, each answered."""
    lines = []
    for number, at in enumerate(times, start=first_id):
        lines.append(f"{at} a>b liveness {number} sa={sa}")
        lines.append(f"{at + rtt:.3f} b>a liveness {number} resp sa={sa}")
    return "\n".join(lines) + "\n"


UP = "0 a>b v2 handshake\n"
TEN_SECONDS = given("strongswan interval=10")
SWANCTL = """
connections {
  gw {
    version = 2
    local_addrs = 192.0.2.1
    remote_addrs = 192.0.2.2
    dpd_delay = 10s
  }
}
"""


# --- dpd-interval-too-short ----------------------------------------------------------------


@fires("dpd-interval-too-short")
def test_too_short(tell: Tell):
    text = UP + asks(4, 8, 12, 16, 20)
    (finding,) = tell(text, options=TEN_SECONDS).of("dpd-interval-too-short")
    assert finding.severity is Severity.WARNING
    assert finding.confidence is Confidence.CERTAIN
    assert "every 4 s; 10 s are given" in finding.detail
    assert "4 of 4" in finding.detail
    assert len(finding.refs) == 4


def test_too_short_against_a_configuration(tell: Tell):
    found = tell(UP + asks(4, 8, 12, 16, 20), ("swanctl.conf", SWANCTL))
    (finding,) = found.of("dpd-interval-too-short")
    assert "10 s are configured" in finding.detail
    assert finding.refs[0].source == "s2"


def test_too_short_is_silent_within_tolerance(tell: Tell):
    text = UP + asks(9, 17.7, 26.4, 35.1, 43.8)
    assert tell(text, options=TEN_SECONDS).of("dpd-interval-too-short") == []


def test_too_short_is_silent_without_a_setting(tell: Tell):
    assert tell(UP + asks(4, 8, 12, 16, 20)).of("dpd-interval-too-short") == []


@silent(
    "dpd-interval-too-short",
    "a check for another reason (a route that changed, a rekey, a path test) is not the timer",
)
def test_too_short_is_silent_where_an_event_asks_now_and_then(tell: Tell):
    text = UP + asks(10, 20, 23, 33, 36, 46, 49, 59, 69, 79)
    assert tell(text, options=TEN_SECONDS).of("dpd-interval-too-short") == []


@silent(
    "dpd-interval-too-short",
    "several Child SAs may have timers of their own, and each IKE SA has one",
)
def test_too_short_is_silent_where_two_ike_sas_have_timers(tell: Tell):
    text = (
        UP
        + "0.5 a>b v2 handshake sa=2\n"
        + asks(10, 20, 30, 40, 50)
        + asks(14, 24, 34, 44, 54, sa="2")
    )
    assert tell(text, options=TEN_SECONDS).of("dpd-interval-too-short") == []


@silent(
    "dpd-interval-too-short",
    "several Child SAs may have timers of their own, and each IKE SA has one",
)
def test_too_short_is_silent_where_each_child_sa_has_a_timer(tell: Tell):
    text = "0 a>b v1 main-mode\n0.1..60/5 a>b esp one\n0.2..60/5 a>b esp two\n"
    for at in (10, 15, 20, 25, 30, 35, 40, 45, 50):
        text += f"{at} a>b v1 info 108\n{at}.02 b>a v1 info 108\n"
    options = given("libreswan-ikev1 interval=10 timeout=30")
    assert tell(text, options=options).of("dpd-interval-too-short") == []
    options = given("racoon interval=10")
    assert len(tell(text, options=options).of("dpd-interval-too-short")) == 1


@silent("dpd-interval-too-short", "questions of the other end are held against its own interval")
def test_too_short_is_silent_for_questions_of_the_other_end(tell: Tell):
    options = given("strongswan interval=10", "192.0.2.2")
    assert tell(UP + asks(4, 8, 12, 16, 20), options=options).of("dpd-interval-too-short") == []


@silent("dpd-interval-too-short", "a log that stamps whole seconds is off by one")
def test_too_short_allows_for_whole_seconds(tell: Tell):
    text = UP + asks(7.9, 15.5, 23.1, 30.7, 38.3)
    log = ("charon.log", charon(text, clock=Clock(syslog)))
    assert tell(log, options=TEN_SECONDS).of("dpd-interval-too-short") == []
    assert len(tell(text, options=TEN_SECONDS).of("dpd-interval-too-short")) == 1


# --- dpd-interval-too-long -----------------------------------------------------------------


@fires("dpd-interval-too-long")
def test_too_long(tell: Tell):
    text = UP + asks(30, 60, 90)
    (finding,) = tell(text, options=given("cisco-ios-ikev2 interval=10 retry=2 mode=periodic")).of(
        "dpd-interval-too-long"
    )
    assert finding.severity is Severity.WARNING
    assert "after 30 s of silence" in finding.detail
    assert "every 10 s (given)" in finding.detail
    assert "3 such silences" in finding.detail
    assert len(finding.refs) == 3


def test_too_long_when_idle(tell: Tell):
    # NAT-T: the capture would show ESP on the same port.
    text = UP.replace("a>b", "n:61000>b:4500")
    for number, at in enumerate((30, 60, 90), start=2):
        text += f"{at} n:61000>b:4500 liveness {number}\n"
        text += f"{at}.02 b:4500>n:61000 liveness {number} resp\n"
    options = given("strongswan interval=10", "198.51.100.1")
    (finding,) = tell(text, options=options).of("dpd-interval-too-long")
    assert "after 30 s of silence" in finding.detail


def test_too_long_once_where_traffic_shows_the_host_awake(tell: Tell):
    text = """
    0 a>b v2 handshake
    0.2..10/0.2 a>b esp out
    0.3..10/0.2 b>a esp in
    10..60/0.5 a>b esp out
    40 a>b liveness 2
    42 a>b liveness 2
    46 a>b liveness 2
    54 a>b liveness 2
    80 a>b sa-init 0 v2 sa=2
    """
    (finding,) = tell(text, options=TEN_SECONDS).of("dpd-interval-too-long")
    assert "after 30.1 s of silence" in finding.detail


@silent(
    "dpd-interval-too-long", "on demand a question waits for traffic to send: nothing is late there"
)
def test_too_long_is_silent_on_demand(tell: Tell):
    options = given("cisco-ios-ikev2 interval=10 retry=2 mode=on-demand")
    assert tell(UP + asks(30, 60, 90), options=options).of("dpd-interval-too-long") == []


@silent(
    "dpd-interval-too-long",
    "ESP, a question of the peer, or any exchange takes the place of a question",
)
def test_too_long_is_silent_where_esp_took_its_place(tell: Tell):
    text = UP + asks(30, 60, 90) + "0.2..90/2 b>a esp in\n"
    assert tell(text, options=TEN_SECONDS).of("dpd-interval-too-long") == []


@silent(
    "dpd-interval-too-long",
    "ESP, a question of the peer, or any exchange takes the place of a question",
)
def test_too_long_is_silent_where_the_peer_asks(tell: Tell):
    text = UP + asks(30, 60, 90)
    for number, at in enumerate(range(5, 90, 8)):
        text += f"{at} b>a liveness {number}\n{at}.02 a>b liveness {number} resp\n"
    options = given("cisco-ios-ikev2 interval=10 retry=2 mode=periodic")
    assert tell(text, options=options).of("dpd-interval-too-long") == []


@silent(
    "dpd-interval-too-long",
    "ESP, a question of the peer, or any exchange takes the place of a question",
)
def test_too_long_is_silent_where_another_exchange_took_its_place(tell: Tell):
    questions, others = UP, ""
    for message_id, at in enumerate(range(8, 90, 8), start=2):
        if message_id % 3:
            others += f"{at} a>b create-child {message_id}\n"
            others += f"{at}.02 b>a create-child {message_id} resp\n"
        else:
            questions += asks(at, first_id=message_id)
    options = given("cisco-ios-ikev2 interval=10 retry=2 mode=periodic")
    assert len(tell(questions, options=options).of("dpd-interval-too-long")) == 1
    assert tell(questions + others, options=options).of("dpd-interval-too-long") == []


@silent("dpd-interval-too-long", "a host that slept asks late once")
def test_too_long_is_silent_for_a_host_that_slept(tell: Tell):
    text = UP + asks(10, 20, 30, 300, 310)
    options = given("cisco-ios-ikev2 interval=10 retry=2 mode=periodic")
    assert tell(text, options=options).of("dpd-interval-too-long") == []


@silent(
    "dpd-interval-too-long", "ESP that a capture or a log would not show may have taken its place"
)
def test_too_long_is_silent_where_esp_would_not_be_seen(tell: Tell):
    assert tell(UP + asks(30, 60, 90), options=TEN_SECONDS).of("dpd-interval-too-long") == []
    log = ("charon.log", charon(UP + asks(30, 60, 90)))
    assert tell(log, options=TEN_SECONDS).of("dpd-interval-too-long") == []


# --- dpd-interval-jitter -------------------------------------------------------------------


@fires("dpd-interval-jitter")
def test_jitter(tell: Tell):
    (finding,) = tell(UP + asks(5, 8, 20, 24, 41, 44, 60)).of("dpd-interval-jitter")
    assert finding.severity is Severity.INFO
    assert "every 3 s to 17 s" in finding.detail
    assert "6 intervals" in finding.detail
    assert len(finding.refs) == 7


@silent(
    "dpd-interval-jitter",
    "who asks when idle counts from the last packet of the peer, not from its last question",
)
def test_jitter_is_silent_where_the_rhythm_is_of_the_last_packet(tell: Tell):
    # Each question comes 5 s after the last packet of the peer, wherever that was.
    text = UP
    for number, at in enumerate((3, 11, 19, 31, 40, 60, 68), start=2):
        text += f"{at} b>a esp in\n{at + 5} a>b liveness {number}\n"
        text += f"{at + 5}.02 b>a liveness {number} resp\n"
    assert tell(text, options=given("strongswan interval=5")).of("dpd-interval-jitter") == []


@silent("dpd-interval-jitter", "on demand the traffic gives the rhythm")
def test_jitter_is_silent_on_demand(tell: Tell):
    text = UP + asks(5, 8, 20, 24, 41, 44, 60)
    options = given("cisco-ios-ikev2 interval=10 retry=2 mode=on-demand")
    assert tell(text, options=options).of("dpd-interval-jitter") == []
    assert tell(text + "1..60/7 a>b esp out\n").of("dpd-interval-jitter") == []


@silent(
    "dpd-interval-jitter",
    "a multiple of the interval is a question whose place another message took",
)
def test_jitter_is_silent_where_multiples_are_left_out(tell: Tell):
    text = UP + asks(5, 10, 20, 25, 40, 45, 50)
    assert tell(text).of("dpd-interval-jitter") == []


@silent("dpd-interval-jitter", "a clock that was set back tells no distances")
def test_jitter_is_silent_where_the_clock_was_set_back(tell: Tell):
    text = UP + asks(5, 25, 45, 65, 85, 105)
    assert tell(text + "clock -90 from 50").of("dpd-interval-jitter") == []


UNEVEN = UP + asks(5, 8, 20, 24, 41, 44, 60)


def test_jitter_is_silent_with_few_questions(tell: Tell):
    assert tell(UP + asks(5, 8, 20, 24)).of("dpd-interval-jitter") == []


@silent("dpd-interval-jitter", "traffic that a log does not show takes the place of questions")
def test_jitter_is_silent_for_a_log_alone(tell: Tell):
    log = ("charon.log", charon(UNEVEN))
    assert tell(log).of("dpd-interval-jitter") == []
    assert len(tell(UNEVEN, log).of("dpd-interval-jitter")) == 1


@silent("dpd-interval-jitter", "a log that stamps whole seconds shows no rhythm")
def test_jitter_is_silent_by_whole_seconds(tell: Tell):
    options = given("cisco-ios-ikev2 interval=10 retry=2 mode=periodic")
    log = ("charon.log", charon(UNEVEN, clock=Clock(syslog)))
    assert tell(log, options=options).of("dpd-interval-jitter") == []
    log = ("charon.log", charon(UNEVEN))
    assert len(tell(log, options=options).of("dpd-interval-jitter")) == 1
