"""Rules about replays, cookies, hashes and message IDs: where each fires, where it is silent."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from analyzers.model.finding import Severity
from analyzers.model.records import Confidence
from analyzers.rules.case import Case
from analyzers.rules.sequence.dpd_hash_invalid import RULE as HASH
from tests.rules.conftest import Tell
from tests.rules.coverage import fires, silent
from tests.rules.test_sequence import START, Open, asks, numbers, opened
from tests.scenarios.logs import isakmp
from tests.scenarios.timeline import ike_spi_of, spi_of

__all__ = ["opened"]

# --- dpd-replay ----------------------------------------------------------------------------


@fires("dpd-replay")
def test_dpd_replay(opened: Open):
    text = START + asks(10, 41, more="id=0x51") + asks(20, 42) + asks(30, 43)
    text += "36 a>b v1 info says=ruthere seq=41 id=0x51\n"
    told = opened(text)
    (finding,) = told.of("dpd-replay")
    assert finding.severity is Severity.ERROR
    assert finding.confidence is Confidence.CERTAIN
    assert "0x00000051" in finding.detail
    assert "26 s later" in finding.detail
    assert len(finding.refs) == 2
    assert numbers(told) == ["dpd-replay"]


def test_dpd_replay_of_what_nobody_can_read(tell: Tell):
    text = START + "10..40/10 a>b v1 info 108\n10.02..40/10 b>a v1 info 108\n"
    text += "12 a>b v1 info 108 id=0x91\n36 a>b v1 info 108 id=0x91\n"
    (finding,) = tell(text).of("dpd-replay")
    assert finding.severity is Severity.WARNING
    assert finding.confidence is Confidence.INFERRED


ESP = START + "1..20/0.1 a>b esp out\n1.05..20/0.1 b>a esp in\n"


@fires("dpd-replay")
def test_dpd_replay_of_esp(tell: Tell):
    (finding,) = tell(ESP + "24 a>b esp out seq=57\n").of("dpd-replay")
    assert finding.severity is Severity.ERROR
    assert finding.confidence is Confidence.CERTAIN
    assert f"1 packet of the ESP flow {spi_of('out')} of 192.0.2.1 came again" in finding.detail
    (finding,) = tell(ESP + "24..27/0.5 a>b esp out seq=57\n").of("dpd-replay")
    assert "6 packets" in finding.detail
    assert len(finding.refs) == 1


NETWORK = "a duplicate of the network comes within a second"
TWICE = "a capture of two points, or merged from two clocks, shows most messages twice"


@silent("dpd-replay", NETWORK)
@pytest.mark.parametrize(("at", "told"), [(20.8, 0), (22.1, 1)])
def test_dpd_replay_is_silent_of_esp_that_the_network_doubled(tell: Tell, at: float, told: int):
    again = f"{at} a>b esp out seq=190\n"  # sent at 19.9 s
    assert len(tell(ESP + again).of("dpd-replay")) == told


@silent("dpd-replay", "an SA that is given the SPI of an older one counts from 1 again")
@pytest.mark.parametrize(("first", "told"), [(1, 0), (57, 1)])
def test_dpd_replay_is_silent_of_an_sa_anew(tell: Tell, first: int, told: int):
    again = "".join(f"{30 + n / 10:.1f} a>b esp out seq={first + n}\n" for n in range(30))
    assert len(tell(ESP + again).of("dpd-replay")) == told


@silent("dpd-replay", "ESP packets that overtake each other on the way")
@pytest.mark.parametrize("late_s", [0.4, 16])
def test_dpd_replay_is_silent_of_esp_that_was_overtaken(tell: Tell, late_s: float):
    overtaken = "unseen a>b 7.95..8.05\n" + f"{8 + late_s} a>b esp out seq=71\n"
    assert tell(ESP + overtaken).of("dpd-replay") == []


@silent("dpd-replay", TWICE)
def test_dpd_replay_is_silent_where_the_recording_has_all_esp_twice(tell: Tell):
    assert tell(ESP + "twice 7\ncapture 3..20\n").of("dpd-replay") == []


@silent("dpd-replay", NETWORK)
def test_dpd_replay_is_silent_of_duplicates_of_the_network(opened: Open):
    text = START + asks(10, 41, more="id=0x51") + asks(20, 42)
    assert opened(text + "10.9 a>b v1 info says=ruthere seq=41 id=0x51\n").of("dpd-replay") == []


@silent("dpd-replay", TWICE)
def test_dpd_replay_is_silent_where_the_recording_has_everything_twice(opened: Open):
    text = START + "".join(asks(10 * n, 40 + n) for n in range(1, 5)) + "twice 3600\n"
    assert opened(text).of("dpd-replay") == []


@silent("dpd-replay", "an Informational that is answered under its message ID may be retransmitted")
def test_dpd_replay_is_silent_of_informationals_that_are_answered(tell: Tell):
    text = START + "10..40/10 a>b v1 info 108\n10.02..40/10 b>a v1 info 108\n"
    text += "50..60/2 a>b v1 info 108 id=0x91\n59 b>a v1 info 108 id=0x91\n"
    assert tell(text).of("dpd-replay") == []


# --- dpd-cookie-mismatch -------------------------------------------------------------------


@fires("dpd-cookie-mismatch")
@pytest.mark.parametrize(
    ("cookies", "said"),
    [
        ("swapped", "the responder's cookie first"),
        ("zero", "zeros"),
        ("other", "of no SA it belongs to"),
    ],
)
def test_dpd_cookie_mismatch(opened: Open, cookies: str, said: str):
    text = START + f"10..40/10 a>b v1 info says=ruthere seq=7 cookies={cookies}\n"
    text += "10..40/1 b>a esp in\n"
    (finding,) = opened(text).of("dpd-cookie-mismatch")
    assert finding.severity is Severity.WARNING
    assert finding.confidence is Confidence.CERTAIN
    assert said in finding.detail
    assert "3 times" in finding.detail
    assert len(finding.refs) == 3


@silent("dpd-cookie-mismatch", "answered all the same: Libreswan and racoon tolerate it by design")
def test_dpd_cookie_mismatch_that_is_tolerated(opened: Open):
    (finding,) = opened(START + asks(10, 7, more="cookies=swapped")).of("dpd-cookie-mismatch")
    assert finding.severity is Severity.INFO
    assert "does not mind" in finding.detail


def test_dpd_cookie_mismatch_of_an_answer_that_is_not_accepted(opened: Open):
    text = START
    for at in (10, 12, 14):
        text += f"{at} a>b v1 info says=ruthere seq=7\n"
        text += f"{at}.02 b>a v1 info says=ack seq=7 cookies=zero\n"
    (finding,) = opened(text).of("dpd-cookie-mismatch")
    assert finding.severity is Severity.WARNING
    assert "R-U-THERE-ACK" in finding.detail


@silent("dpd-cookie-mismatch", "no SPI at all, or one of another size, is unusual and no more")
def test_dpd_cookie_mismatch_without_an_spi(opened: Open):
    text = START + "10 a>b v1 info says=ruthere seq=7 cookies=none\n"
    (finding,) = opened(text).of("dpd-cookie-mismatch")
    assert finding.severity is Severity.INFO
    assert "an SPI of 0 bytes" in finding.detail


@silent(
    "dpd-cookie-mismatch", "nothing of the other end was captured: nobody knows whether it answered"
)
def test_dpd_cookie_mismatch_is_no_warning_where_no_answer_could_be_seen(opened: Open):
    text = START + "10..40/10 a>b v1 info says=ruthere seq=7 cookies=zero\nunseen b>a\n"
    assert all(f.severity is Severity.INFO for f in opened(text).of("dpd-cookie-mismatch"))


@silent(
    "dpd-cookie-mismatch", "the `spi 0` that Cisco prints in its debug is no field of the message"
)
def test_dpd_cookie_mismatch_is_silent_of_what_a_router_prints(tell: Tell):
    text = "10 a>b v1 info 108 says=ruthere number=7\n10.02 b>a v1 info 108 says=ack number=7\n"
    log = isakmp(text)
    assert "spi 0" in log
    assert tell(("r.log", log)).of("dpd-cookie-mismatch") == []


# --- dpd-bad-doi-or-protocol ---------------------------------------------------------------


@fires("dpd-bad-doi-or-protocol")
def test_dpd_bad_doi_or_protocol(opened: Open):
    text = START + asks(10, 7, more="protocol=3") + asks(20, 8, more="protocol=3")
    (finding,) = opened(text).of("dpd-bad-doi-or-protocol")
    assert finding.severity is Severity.WARNING
    assert finding.confidence is Confidence.CERTAIN
    assert "protocol 3 (it must be 1) 2 times" in finding.detail


@silent("dpd-bad-doi-or-protocol", "another DOI alone breaks a SHOULD only")
def test_dpd_bad_doi_or_protocol_is_no_warning_of_another_doi(opened: Open):
    (finding,) = opened(START + asks(10, 7, more="doi=0")).of("dpd-bad-doi-or-protocol")
    assert finding.severity is Severity.INFO
    assert "DOI 0" in finding.detail


# --- dpd-hash-invalid ----------------------------------------------------------------------


@fires("dpd-hash-invalid")
def test_dpd_hash_invalid(opened: Open):
    text = START + asks(10, 7) + "20..30/2 a>b v1 info says=ruthere seq=8 hash=bad\n"
    (finding,) = opened(text).of("dpd-hash-invalid")
    assert finding.severity is Severity.ERROR
    assert "5 times" in finding.detail
    assert ike_spi_of("1")[:8] in finding.detail
    assert len(finding.refs) == 5


@silent("dpd-hash-invalid", "no hash of the SA is right: then the key is wrong")
def test_dpd_hash_invalid_is_silent_where_no_hash_is_right(opened: Open):
    text = START + "20..30/2 a>b v1 info says=ruthere seq=8 hash=bad\n"
    assert opened(text).of("dpd-hash-invalid") == []


@silent(
    "dpd-hash-invalid", "the order of the payloads does not matter: it covers the Notification only"
)
def test_dpd_hash_invalid_is_silent_of_payloads_the_other_way_round(opened: Open):
    text = START + asks(10, 7) + asks(20, 8, more="order=notify-first")
    assert opened(text).of("dpd-hash-invalid") == []


@silent("dpd-hash-invalid", "an acknowledged Informational with a Nonce hashes that too")
def test_dpd_hash_invalid_is_silent_of_acknowledged_informationals(opened: Open):
    told = opened(START + asks(10, 7) + "20 a>b v1 info says=ruthere seq=8 hash=bad\n")
    wrong = told.peer.messages[-1]
    assert wrong.integrity_ok is False
    acknowledged = replace(wrong, payload_types=(8, 10, 12))
    view = replace(told.peer, messages=(*told.peer.messages[:-1], acknowledged))
    assert list(HASH.check(Case(view))) == []
    assert len(list(HASH.check(Case(told.peer)))) == 1


# --- ikev1-msgid-reuse ---------------------------------------------------------------------


@fires("ikev1-msgid-reuse")
def test_ikev1_msgid_reuse(opened: Open):
    text = START + asks(10, 7, more="id=0x51") + asks(20, 8, more="id=0x51")
    (finding,) = opened(text).of("ikev1-msgid-reuse")
    assert finding.severity is Severity.WARNING
    assert finding.confidence is Confidence.CERTAIN
    assert "0x00000051" in finding.detail
    assert "its own" in finding.detail


def test_ikev1_msgid_reuse_of_an_answer_with_the_id_of_its_question(opened: Open):
    text = START + "10 a>b v1 info says=ruthere seq=7 id=0x51\n"
    text += "10.02 b>a v1 info says=ack seq=7 id=0x51\n"
    (finding,) = opened(text).of("ikev1-msgid-reuse")
    assert "one of 192.0.2.1" in finding.detail


def test_ikev1_msgid_reuse_without_keys(tell: Tell):
    text = START + "10 a>b v1 info 108 id=0x51\n40 a>b v1 info 124 id=0x51\n"
    assert len(tell(text).of("ikev1-msgid-reuse")) == 1


@silent("ikev1-msgid-reuse", "the same bytes twice are a duplicate")
def test_ikev1_msgid_reuse_is_silent_of_duplicates(tell: Tell):
    text = START + "10 a>b v1 info 108 id=0x51\n10.4 a>b v1 info 108 id=0x51\n"
    assert tell(text).of("ikev1-msgid-reuse") == []


@silent("ikev1-msgid-reuse", "CONNECTED after a Quick Mode with the commit bit has its message ID")
@pytest.mark.parametrize("line", ["v1 info says=connected id=0x51", "v1 info 108 id=0x51 commit=1"])
def test_ikev1_msgid_reuse_is_silent_of_the_end_of_a_quick_mode(opened: Open, line: str):
    commit = "" if "says" in line else " commit=1"
    text = f"0 a>b v1 main-mode\n0.1 a>b v1 quick id=0x51{commit}\n0.5 b>a {line}\n"
    text += asks(10, 7)
    assert opened(text).of("ikev1-msgid-reuse") == []


@silent(
    "ikev1-msgid-reuse",
    "without keys, two messages in opposite directions may be an acknowledged Informational",
)
def test_ikev1_msgid_reuse_is_silent_of_acknowledged_informationals(tell: Tell):
    text = START + "10 a>b v1 info 108 id=0x51\n10.02 b>a v1 info 92 id=0x51\n"
    assert tell(text).of("ikev1-msgid-reuse") == []
