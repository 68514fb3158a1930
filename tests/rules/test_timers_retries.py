"""Rules about retries and retransmissions: where each fires, where its traps are silent."""

from __future__ import annotations

import pytest

from analyzers.model.finding import Severity
from analyzers.model.peer import PeerState
from analyzers.model.records import Confidence
from tests.rules.conftest import Tell
from tests.rules.coverage import fires, silent
from tests.rules.test_timers_intervals import SWANCTL, UP, asks, given
from tests.scenarios.logs import Clock, charon, isakmp, syslog
from tests.scenarios.timeline import BASE_NS

REPLACED = "120 a>b sa-init 0 v2 sa=2\n"
CONSTANT = given("strongswan interval=10 retry=2 backoff=1 retries=3")
IOS = given("cisco-ios interval=10 retry=2 mode=periodic")


def retried(*times: float, message_id: int = 2) -> str:
    """One liveness request, sent at these times."""
    return "".join(f"{at} a>b liveness {message_id}\n" for at in times)


def there(*times: float) -> str:
    """R-U-THERE after some that were answered."""
    text = "0 a>b v1 main-mode\n0.2 a>b v1 quick\n"
    for at in (10, 20, 30):
        text += f"{at} a>b v1 info 108\n{at}.02 b>a v1 info 108\n"
    return text + "".join(f"{at} a>b v1 info 108\n" for at in times)


# --- dpd-retry-spacing-wrong ---------------------------------------------------------------


@fires("dpd-retry-spacing-wrong")
def test_spacing(tell: Tell):
    text = UP + asks(10) + retried(20, 25, 30, 35, message_id=3) + REPLACED
    (finding,) = tell(text, options=CONSTANT).of("dpd-retry-spacing-wrong")
    assert finding.severity is Severity.WARNING
    assert finding.confidence is Confidence.CERTAIN
    assert "after 5, 5 and 5 s; every 2 s is expected (given)" in finding.detail
    assert len(finding.refs) == 4


def test_spacing_of_growing_retries(tell: Tell):
    text = UP + asks(10) + retried(20, 24, 28, 32, 36, message_id=3) + REPLACED
    (finding,) = tell(text, options=given("strongswan interval=10")).of("dpd-retry-spacing-wrong")
    assert "4, 4, 4 and 4 s" in finding.detail
    assert "4, 7.2, 13, 23.3 and 42 s are expected (given)" in finding.detail


def test_spacing_against_what_a_product_has_no_option_for(tell: Tell):
    text = """
    0 a>b v1 main-mode
    10 a>b v1 info 108 says=ruthere
    10.02 b>a v1 info 108 says=ack
    20 a>b v1 info 108 says=ruthere
    22 a>b v1 info 108 says=ruthere
    26 a>b v1 info 108 says=ruthere
    34 a>b v1 info 108 says=ruthere
    """
    log = ("debug.txt", isakmp(text, said=[(50, "ISAKMP:(1001):peer 192.0.2.2 not responding!")]))
    (finding,) = tell(log).of("dpd-retry-spacing-wrong")
    assert finding.confidence is Confidence.INFERRED
    assert "equal distances are expected (the default of Cisco IOS" in finding.detail


@silent(
    "dpd-retry-spacing-wrong",
    "a distance that is the sum of several waits: a retry is missing from the capture",
    "jitter shortens the distances of strongSwan by up to 20 %",
)
@pytest.mark.parametrize(
    "times",
    [
        (20, 24, 31.2, 44.16, 67.49, 109.48),  # as charon.opt has it
        (20, 23.4, 29.4, 40.2, 60.0, 95.0),  # retransmit_jitter shortens
        (20, 31.2, 44.16),  # a retry was not captured
    ],
)
def test_spacing_is_silent_for_its_schedule(tell: Tell, times: tuple[float, ...]):
    text = UP + asks(10) + retried(*times, message_id=3) + "200 a>b sa-init 0 v2 sa=2\n"
    assert tell(text, options=given("strongswan interval=10")).of("dpd-retry-spacing-wrong") == []


@silent(
    "dpd-retry-spacing-wrong",
    "swanctl.conf does not say how charon retransmits: strongswan.conf does",
)
def test_spacing_is_silent_where_swanctl_conf_is_all_there_is(tell: Tell):
    text = UP + asks(10) + retried(20, 22, 24, 26, message_id=3) + REPLACED
    assert tell(text, ("swanctl.conf", SWANCTL)).of("dpd-retry-spacing-wrong") == []
    assert len(tell(text, options=given("strongswan interval=10")).of("dpd-retry-spacing-wrong"))


@silent(
    "dpd-retry-spacing-wrong", "a clock that was set, or stamps whole seconds, tells no distances"
)
def test_spacing_is_silent_by_whole_seconds_and_set_clocks(tell: Tell):
    text = UP + asks(10) + retried(20.9, 23.2, 25.5, 27.8, message_id=3)
    said = [(40.0, "05[IKE] giving up after 3 retransmits")]
    log = ("charon.log", charon(text, clock=Clock(syslog), said=said))
    assert tell(log, options=CONSTANT).of("dpd-retry-spacing-wrong") == []
    text = UP + asks(10) + retried(20, 22, 24, 26, message_id=3) + REPLACED
    stepped = text + "0.2..40/0.5 a>b esp out\nclock -1.5 from 23\n"
    assert tell(stepped, options=CONSTANT).of("dpd-retry-spacing-wrong") == []


# --- dpd-too-few-retries, dpd-too-many-retries ----------------------------------------------


def dead(text: str, at: float) -> tuple[str, str]:
    """The log of an end that gives its peer up."""
    return "charon.log", charon(text, said=[(at, "05[IKE] giving up after 1 retransmits")])


@fires("dpd-too-few-retries")
def test_too_few(tell: Tell):
    text = UP + asks(10) + retried(20, 22, message_id=3)
    (finding,) = tell(text, dead(text, 24), options=CONSTANT).of("dpd-too-few-retries")
    assert finding.severity is Severity.WARNING
    assert finding.confidence is Confidence.CERTAIN
    assert "gave 192.0.2.2 up 4 s after" in finding.detail
    assert "2 times (its log says so); 4 transmissions are expected (given)" in finding.detail
    assert len(finding.refs) == 3


def test_too_few_where_the_sender_acts(tell: Tell):
    text = UP + asks(10) + retried(20, 22, message_id=3) + "24 a>b v2 handshake sa=2\n"
    (finding,) = tell(text, options=CONSTANT).of("dpd-too-few-retries")
    assert finding.confidence is Confidence.INFERRED
    assert "it set up a new IKE SA" in finding.detail


def test_too_few_for_anybody(tell: Tell):
    text = UP + asks(10) + retried(20, message_id=3)
    (finding,) = tell(text, dead(text, 24)).of("dpd-too-few-retries")
    assert "sent once" in finding.detail
    assert "36%" in finding.detail


def test_too_few_against_another_time(tell: Tell):
    text = UP + asks(10) + retried(20, 22, 24, 26, message_id=3) + "28 a>b v2 handshake sa=2\n"
    text += "40 a>b liveness 2 sa=2\n42 a>b liveness 2 sa=2\n44 a>b v2 handshake sa=3\n"
    (finding,) = tell(text).of("dpd-too-few-retries")
    assert "2 times (it set up a new IKE SA); 4 transmissions are expected (as it" in finding.detail


@silent(
    "dpd-too-few-retries",
    "retries that were lost before the capture: where the verdict came late enough "
    "for them to have been sent, nothing is said",
)
def test_too_few_is_silent_where_retries_may_be_missing(tell: Tell):
    text = UP + asks(10) + retried(20, 22, message_id=3)
    for at, count in ((24, 1), (28, 0)):
        told = tell(text + f"{at} a>b v2 handshake sa=2\n", options=CONSTANT)
        assert len(told.of("dpd-too-few-retries")) == count


@silent(
    "dpd-too-few-retries",
    "the other end, or a hint on its behalf, said that the SA is gone: no more is to be asked",
)
@pytest.mark.parametrize(
    "said",
    [
        "23 b>a sa-init 0 v2 sa=2\n23.01 a>b sa-init 0 resp v2 sa=2\nsa 2 by b\n",
        "23 b>a delete 0\n",
        "23 b>a unprotected 4\n",
    ],
    ids=["the other end starts anew", "it deleted the SA", "a hint"],
)
def test_too_few_is_silent_where_the_other_end_says_so(tell: Tell, said: str):
    text = UP + asks(10) + retried(20, 22, message_id=3) + "24 a>b v2 handshake sa=3\n"
    assert len(tell(text, options=CONSTANT).of("dpd-too-few-retries")) == 1
    assert tell(text + said, options=CONSTANT).of("dpd-too-few-retries") == []


@silent("dpd-too-few-retries", "a capture that begins with a question: earlier ones are not in it")
def test_too_few_is_silent_where_the_capture_begins_in_the_outage(tell: Tell):
    last = retried(20, message_id=3)
    text = UP + asks(10) + last + "19.5..21/0.1 a>b esp out\n"
    for begin, count in ((12, 0), (9, 1)):
        told = tell(text + f"capture {begin}..50", dead(last, 24))
        assert len(told.of("dpd-too-few-retries")) == count


@silent(
    "dpd-too-few-retries",
    "a log that begins with a retry: what the device counts tells which one it is, or nothing",
)
@pytest.mark.parametrize(("counted", "count"), [("(4/5)", 0), ("(1/5)", 1), ("", 0)])
def test_too_few_is_silent_where_the_log_begins_amid_the_retries(
    tell: Tell, counted: str, count: int
):
    counter = f"DPD incrementing error counter {counted or 'on sa: PEERS_ALIVE_TIMER'}"
    sending = "sending packet to 192.0.2.2 my_port 500 peer_port 500 (I) QM_IDLE"
    lines = (counter, "Sending NOTIFY DPD/R_U_THERE protocol 1", sending)
    said = [(36, f"ISAKMP:(1001):{line}") for line in lines]
    said += [(38, "ISAKMP:(1001):peer 192.0.2.2 not responding!")]
    told = tell(("ios.log", isakmp("0 c>a:4500 keepalive\n", said=said)))
    assert told.peer.state is PeerState.DEAD
    assert len(told.of("dpd-too-few-retries")) == count


@silent("dpd-too-few-retries", "a tunnel that somebody closes while a question is open")
def test_too_few_is_silent_where_a_tunnel_is_closed(tell: Tell):
    for times, count in (((20, 22), 1), ((22,), 0)):
        text = UP + asks(10) + retried(*times, message_id=3) + "24 a>b v2 handshake sa=2\n"
        assert len(tell(text, options=CONSTANT).of("dpd-too-few-retries")) == count
    text = UP + asks(10) + "20 a>b liveness 3\n20.5 a>b delete 4\n60 b>a liveness 0 sa=9\n"
    assert tell(text, options=CONSTANT).of("dpd-too-few-retries") == []


@silent(
    "dpd-too-few-retries",
    "the dozen tries over several minutes that RFC 7296 suggests are more than any "
    "product makes: fewer alone are no finding",
)
def test_too_few_is_silent_for_less_than_a_dozen(tell: Tell):
    text = UP + asks(10) + retried(20, 22, 24, 26, message_id=3)
    assert tell(text, dead(text, 28), options=CONSTANT).of("dpd-too-few-retries") == []
    assert tell(text, dead(text, 28)).of("dpd-too-few-retries") == []


@fires("dpd-too-many-retries")
def test_too_many(tell: Tell):
    text = UP + asks(10) + retried(20, 22, 24, 26, 28, 30, message_id=3) + REPLACED
    (finding,) = tell(text, options=CONSTANT).of("dpd-too-many-retries")
    assert finding.severity is Severity.WARNING
    assert "6 times within 10 s; 4 transmissions are expected (given)" in finding.detail
    assert len(finding.refs) == 6


@silent(
    "dpd-too-many-retries",
    "the ISAKMP Delete that Cisco sends one retry interval after the last question "
    "is as long as a question",
)
def test_too_many_is_silent_for_the_delete_of_a_dead_peer(tell: Tell):
    text = there(40, 42, 44, 46, 48, 50, 52) + "55 a>b v1 mm1 sa=2\n"
    assert tell(text, options=IOS).of("dpd-too-many-retries") == []
    text = there(40, 42, 44, 46, 48, 50, 52, 54) + "57 a>b v1 mm1 sa=2\n"
    assert len(tell(text, options=IOS).of("dpd-too-many-retries")) == 1


@silent("dpd-too-many-retries", "a pause longer than any retry: a second question began")
def test_too_many_is_silent_where_a_second_question_began(tell: Tell):
    text = UP + asks(10) + retried(20, 22, 24, 40, 42, 44, message_id=3) + REPLACED
    assert tell(text, options=CONSTANT).of("dpd-too-many-retries") == []


def test_cisco_may_count_five_or_six(tell: Tell):
    for times in ((40, 42, 44, 46, 48), (40, 42, 44, 46, 48, 50)):
        text = there(*times) + f"{times[-1] + 5} a>b v1 mm1 sa=2\n"
        told = tell(text, options=IOS)
        assert told.of("dpd-too-many-retries") == told.of("dpd-too-few-retries") == []
        assert told.of("sa-deleted-prematurely") == told.of("dpd-retry-spacing-wrong") == []


# --- ikev2-retransmit-not-exponential, -identical, -new-id ----------------------------------


@silent("dpd-too-many-retries", "documents that count in two ways: the larger count is held")
def test_by_a_log_cisco_may_count_five_or_six(tell: Tell):
    options = given("cisco-ios interval=10 retry=2 mode=periodic", None)  # its log has no address
    counted = {}
    for last in (48, 50, 52):
        text = there(40).replace("info 108", "info 108 says=ruthere")
        text = text.replace("b>a v1 info 108 says=ruthere", "b>a v1 info 108 says=ack")
        text += f"42..{last + 1}/2 a>b v1 info 108 says=ruthere\n"
        dead = (last + 2, "ISAKMP:(1001):peer 192.0.2.2 not responding!")
        log = ("debug.txt", isakmp(text, said=[dead]))
        counted[last] = len(tell(log, options=options).of("dpd-too-many-retries"))
    assert counted == {48: 0, 50: 0, 52: 1}


@fires("ikev2-retransmit-not-exponential")
def test_not_exponential(tell: Tell):
    text = UP + retried(20, 22, 24, 26, message_id=2)
    (finding,) = tell(text).of("ikev2-retransmit-not-exponential")
    assert finding.severity is Severity.INFO
    assert "request 2 to 192.0.2.2 4 times, each time 2 s after the last" in finding.detail
    assert len(finding.refs) == 4


@silent(
    "ikev2-retransmit-not-exponential",
    "a tail that has reached its cap (PAN-OS: 60 s) grows no more",
    "path tests of MOBIKE go out every 2.5 s, or to several addresses",
    "fewer than three distances show no growth",
)
@pytest.mark.parametrize(
    "times",
    [
        (20, 24, 31.2, 44.2),  # grows
        (20, 80, 140, 200),  # a tail that reached its cap
        (20, 22.5, 25, 27.5),  # a path test of MOBIKE
        (20, 22, 24),  # too few
    ],
)
def test_not_exponential_is_silent(tell: Tell, times: tuple[float, ...]):
    assert tell(UP + retried(*times)).of("ikev2-retransmit-not-exponential") == []


@silent(
    "ikev2-retransmit-not-exponential",
    "path tests of MOBIKE go out every 2.5 s, or to several addresses",
)
def test_not_exponential_is_silent_for_tests_of_several_paths(tell: Tell):
    text = UP + "20 a>b liveness 2\n22 c>b liveness 2\n24 a>b liveness 2\n26 c>b liveness 2\n"
    assert tell(text).of("ikev2-retransmit-not-exponential") == []


@silent("ikev2-retransmit-not-exponential", "Cisco repeats at the configured retry interval")
def test_not_exponential_is_silent_for_cisco(tell: Tell):
    config = (
        "router.cfg",
        "hostname R1\ninterface Gi0\n ip address 192.0.2.1 255.255.255.0\n"
        "crypto ikev2 dpd 10 2 periodic\n",
    )
    text = UP + retried(20, 22, 24, 26)
    assert tell(text, config).of("ikev2-retransmit-not-exponential") == []


@fires("ikev2-retransmit-not-identical")
def test_not_identical(tell: Tell):
    text = UP + "20 a>b liveness 2\n22 a>b liveness 2 bytes=other\n26 a>b liveness 2\n"
    (finding,) = tell(text).of("ikev2-retransmit-not-identical")
    assert finding.severity is Severity.ERROR
    assert finding.confidence is Confidence.CERTAIN
    assert "3 times before an answer, with 2 different contents" in finding.detail
    assert [ref.record for ref in finding.refs] == [5, 6, 7]


@silent(
    "ikev2-retransmit-not-identical",
    "IP and UDP headers may differ: a NAT gave another port",
    "an ID that starts over after higher ones is no retransmission",
)
@pytest.mark.parametrize(
    "text",
    [
        # another port: a NAT
        UP + "20 a>b:4500 liveness 2\n22 a:61000>b:4500 liveness 2\n",
        # answered, and the ID starts over
        UP + "20 a>b liveness 2\n20.1 b>a liveness 2 resp\n40 a>b liveness 2 bytes=new\n",
        # it starts over after higher ones
        UP + "20 a>b liveness 2\n30 a>b liveness 3\n40 a>b liveness 2 bytes=new\n",
    ],
    ids=["NAT", "answered", "starts over"],
)
def test_not_identical_is_silent(tell: Tell, text: str):
    assert tell(text).of("ikev2-retransmit-not-identical") == []


@fires("ikev2-new-id-instead-of-retransmit")
def test_new_id(tell: Tell):
    text = UP + "20 a>b liveness 2\n24 a>b liveness 3\n26 a>b liveness 2\n30 a>b liveness 3\n"
    (finding,) = tell(text).of("ikev2-new-id-instead-of-retransmit")
    assert finding.severity is Severity.ERROR
    assert finding.confidence is Confidence.INFERRED
    assert "request 3 to 192.0.2.2 while request 2 was still outstanding" in finding.detail
    assert "open for 2 s more" in finding.detail
    assert len(finding.refs) == 4


@silent(
    "ikev2-new-id-instead-of-retransmit",
    "the other end may have offered a larger window, which only keys show: without "
    "them two questions about liveness at once are held against it, nothing else",
    "an answer that was not captured is proven by the next request",
    "an answer and the next request may cross",
)
@pytest.mark.parametrize(
    "text",
    [
        # without keys: the window may be larger
        "20 a>b liveness 2\n24 a>b create-child 3\n26 a>b liveness 2\n",
        # the answer was not captured
        "20 a>b liveness 2\n24 a>b liveness 3\n24.02 b>a liveness 3 resp\n",
        # crossing
        "20 a>b liveness 2\n20.5 a>b liveness 3\n20.6 b>a liveness 2 resp\n",
    ],
    ids=["window", "not captured", "crossing"],
)
def test_new_id_is_silent(tell: Tell, text: str):
    assert tell(UP + text).of("ikev2-new-id-instead-of-retransmit") == []


def test_times_of_the_findings(tell: Tell):
    text = UP + asks(10) + retried(20, 22, message_id=3)
    (finding,) = tell(text, dead(text, 24), options=CONSTANT).of("dpd-too-few-retries")
    assert finding.at_ns is not None
    assert abs(finding.at_ns - BASE_NS - 24_000_000_000) < 10_000_000
