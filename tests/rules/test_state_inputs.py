"""Rules about what the inputs themselves show, and do not show."""

from __future__ import annotations

import pytest

from analyzers.model.finding import Severity
from analyzers.model.sa import SaEnd
from analyzers.rules.catalogue import CONFIGURATION_RULES, PEER_RULES, RUN_RULES
from analyzers.rules.state import capture_insufficient
from tests.rules.conftest import Tell
from tests.rules.coverage import fires, silent
from tests.scenarios.logs import charon

WHOLE = """
0 a>b v2 handshake
10..60/10 a>b liveness 2+
10.01..60/10 b>a liveness 2+ resp
"""
WHOLE_V1 = """
0 a>b v1 main-mode
0.1 a>b v1 quick
10..60/10 a>b v1 info 108
10.01..60/10 b>a v1 info 108
"""


def test_a_whole_capture_lacks_nothing(tell: Tell):
    told = tell(WHOLE)
    assert told.of("capture-insufficient") == []
    assert told.of("clock-anomaly") == []


@fires("capture-insufficient")
@pytest.mark.parametrize(
    ("text", "lack", "silent"),
    [
        (WHOLE + "unseen b>a ..", "nothing from 192.0.2.2 was captured", "dpd-no-ack"),
        (WHOLE_V1 + "capture 5..70", "the first exchange of IKE SA ", "dpd-not-negotiated"),
        (WHOLE + "60 a>b liveness 7", "a question of 192.0.2.1", "sa-not-deleted-after-dead"),
        ("0..9/1 a>b esp out\n0..9/1 b>a esp in", "ESP but no IKE", "dpd-interval-too-long"),
    ],
    ids=["one direction", "starts late", "ends early", "no IKE"],
)
def test_capture_insufficient(tell: Tell, text: str, lack: str, silent: str):
    (finding,) = tell(text).of("capture-insufficient")
    assert finding.severity is Severity.INFO
    assert lack in finding.detail
    assert silent in finding.detail
    assert finding.peer == "p1"


def test_what_is_insufficient_is_told_where_it_shows(tell: Tell):
    """The time and the frame are those of one message."""
    told = tell(WHOLE + "60 a>b liveness 7")
    (finding,) = told.of("capture-insufficient")
    (at_ns,) = [m.at_ns for m in told.peers[0].messages if m.ref == finding.refs[0]]
    assert finding.at_ns == at_ns == told.peers[0].last_ns


@silent("capture-insufficient", "a rekeyed IKE SA begins without IKE_SA_INIT")
def test_a_rekeyed_ike_sa_begins_as_it_should(tell: Tell):
    text = """
    0 a>b v2 handshake
    50 a>b create-child 2
    50.02 b>a create-child 2 resp
    51 a>b delete 3
    51.02 b>a delete 3 resp next=0
    60 a>b liveness 0 sa=2
    60.02 b>a liveness 0 resp sa=2
    """
    assert tell(text).of("capture-insufficient") == []
    (old, new) = tell(text.replace("\n    60", "\n    560")).peers[0].ike_sas
    assert (old.end, old.rekeyed_into) == (SaEnd.REKEYED, new.id)


def test_of_ikev2_no_rule_needs_the_first_exchange(tell: Tell):
    assert tell(WHOLE + "capture 5..70").of("capture-insufficient") == []


@silent("capture-insufficient", "a log shows what its device says; it is not measured by this")
def test_a_log_is_no_capture(tell: Tell):
    log = charon(WHOLE + "60 a>b liveness 7", "a")
    assert tell(("charon-a.log", log)).of("capture-insufficient") == []


@fires("clock-anomaly")
@silent("clock-anomaly", "packets that change places by up to 0.1 s are no step")
def test_a_clock_that_was_set_back(tell: Tell):
    (finding,) = tell(WHOLE + "clock -30 from 35").of("clock-anomaly")
    assert finding.severity is Severity.INFO
    assert finding.detail.startswith("0.pcap: the time runs backwards once")
    assert finding.refs
    busy = WHOLE + "34..36/0.02 a>b esp out\n"
    assert len(tell(busy + "clock -0.3 from 35").of("clock-anomaly")) == 1
    assert tell(busy + "clock -0.08 from 35").of("clock-anomaly") == []


def test_a_log_that_runs_backwards(tell: Tell):
    lines = charon(WHOLE, "a").splitlines(keepends=True)
    half = len(lines) // 2
    back = "".join(lines[:half] + lines[:4] + lines[half:])
    assert len(tell(("charon-a.log", back)).of("clock-anomaly")) == 1


@silent("clock-anomaly", "a log that lists the newest line first runs backwards by design")
def test_a_log_with_its_newest_line_first_runs_backwards_by_design(tell: Tell):
    lines = charon(WHOLE, "a").splitlines(keepends=True)
    assert tell(("charon-a.log", "".join(reversed(lines)))).of("clock-anomaly") == []


def test_what_is_silent_for_want_of_input_is_a_rule():
    known = {rule.id for rule in (*PEER_RULES, *RUN_RULES, *CONFIGURATION_RULES)}
    lists = ("ABSENCE", "BIRTH", "OPEN_END", "CONTENT")
    named = {rule for name in lists for rule in getattr(capture_insufficient, name)}
    assert named <= known


def test_esp_without_ike_has_the_place_of_its_first_packet(tell: Tell):
    told = tell("1..20/0.5 a>b esp out\n1.2..20/0.5 b>a esp in")
    (finding,) = told.of("capture-insufficient")
    assert finding.refs == (("s1", 1),)
