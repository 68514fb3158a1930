"""Rules about what phase 1 agreed: where each fires, where its traps are silent."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from analyzers.model.finding import Severity
from analyzers.model.records import Confidence
from analyzers.rules.case import Case
from analyzers.rules.configuration.examples import site
from analyzers.rules.negotiation import dpd_one_sided_vid
from tests.rules.conftest import Keys, Tell
from tests.rules.coverage import fires, silent
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


@fires("dpd-not-negotiated")
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


CUTS = {
    "late capture": "capture 0.005..10",
    "messages missing": "unseen a>b 0.015..0.025\nunseen b>a 0.025..0.035",
}
"""What the capture lacks of phase 1."""


@silent("dpd-not-negotiated", "the vendor ID may come in messages 3 and 4 of Main Mode")
def test_dpd_not_negotiated_is_silent_where_it_comes_in_messages_3_and_4(tell: Tell):
    assert tell(WITHOUT.replace("no-dpd=1", "no-dpd=1 dpd=1")).of("dpd-not-negotiated") == []


@silent(
    "dpd-not-negotiated",
    "a message of phase 1 was not captured, or not whole: nobody knows what it offered",
)
@pytest.mark.parametrize("cut", CUTS.values(), ids=CUTS)
def test_dpd_not_negotiated_is_silent_where_messages_were_not_captured(tell: Tell, cut: str):
    assert tell(WITHOUT + cut).of("dpd-not-negotiated") == []


@silent(
    "dpd-not-negotiated",
    "a message of phase 1 was not captured, or not whole: nobody knows what it offered",
)
def test_dpd_not_negotiated_is_silent_where_a_message_was_not_captured_whole(tell: Tell):
    steps = "".join(
        f"0.0{n} {'b>a' if n % 2 else 'a>b'} v1 mm{n + 1} no-dpd=1{{{n}}}\n" for n in range(6)
    )
    cut = [" kept=120" * (n in (0, 1)) for n in range(6)]
    assert len(tell(steps.format(*[""] * 6)).of("dpd-not-negotiated")) == 1
    assert tell(steps.format(*cut)).of("dpd-not-negotiated") == []


@silent("dpd-not-negotiated", "IKEv2 has no DPD vendor ID")
def test_dpd_not_negotiated_is_silent_about_ikev2(tell: Tell):
    assert tell("0 a>b v2 handshake\n0.3..20/0.5 a>b esp out").of("dpd-not-negotiated") == []


@pytest.mark.parametrize(
    "text",
    [
        AGREED,
        "0 a>b v1 mm1 no-dpd=1\n1 b>a v1 mm2 no-dpd=1\n2 a>b v1 mm3\n3 b>a v1 mm4",
    ],
    ids=["agreed", "not up"],
)
def test_dpd_not_negotiated_is_silent(tell: Tell, text: str):
    told = tell(text)
    assert told.of("dpd-not-negotiated") == []
    assert told.of("dpd-one-sided-vid") == []


@silent("dpd-not-negotiated", "a log that shows phase 1 without vendor IDs need not print them")
@pytest.mark.parametrize("holder", ["a", "b"])
def test_what_a_log_does_not_print_may_have_been_offered(tell: Tell, holder: str):
    told = tell(("charon.log", charon(AGREED + "9 a>b v1 info 108 says=ruthere", holder)))
    assert told.peer.ike_sas[0].dpd_vendor_id == (None, None)
    assert told.of("dpd-not-negotiated") == []


@fires("dpd-configured-not-in-force")
@silent(
    "dpd-not-negotiated",
    "with the configuration at hand, dpd-configured-not-in-force tells it",
)
def test_dpd_not_negotiated_is_silent_where_the_configuration_tells_more(tell: Tell):
    device = site(A, B, dpd="crypto isakmp keepalive 10 3 periodic")
    told = tell(WITHOUT, ("r1.cfg", device))
    assert told.of("dpd-not-negotiated") == []
    assert len(told.of("dpd-configured-not-in-force")) == 1


# --- dpd-one-sided-vid ---------------------------------------------------------------------


@fires("dpd-one-sided-vid")
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


@silent("dpd-one-sided-vid", "the vendor ID may come in messages 3 and 4 of Main Mode")
def test_dpd_one_sided_vid_is_silent_where_it_comes_in_message_4(tell: Tell):
    assert tell(ONE_SIDED.replace("v1 mm4", "v1 mm4 dpd=1")).of("dpd-one-sided-vid") == []


@silent("dpd-one-sided-vid", "a message of phase 1 was not captured, or not whole")
@pytest.mark.parametrize(
    "text",
    [
        ONE_SIDED + "unseen b>a 0.025..0.035",
        ONE_SIDED + "unseen b>a 0.005..0.015",
        ONE_SIDED.replace("mm2 no-dpd=1", "mm2 no-dpd=1 kept=120"),
        AGGRESSIVE.replace("ag2 no-dpd=1", "ag2 no-dpd=1 kept=120"),
    ],
    ids=["message 4 is missing", "message 2 is missing", "not whole", "aggressive mode, not whole"],
)
def test_dpd_one_sided_vid_is_silent_where_a_message_was_not_captured(tell: Tell, text: str):
    assert tell(text).of("dpd-one-sided-vid") == []


@silent(
    "dpd-one-sided-vid",
    "Check Point in responder mode offers DPD only once the other end did",
)
def test_dpd_one_sided_vid_is_silent_where_check_point_waits_for_an_offer(tell: Tell):
    told = tell(ONE_SIDED.replace("v1 mm1", "v1 mm1 no-dpd=1").replace("mm2 no-dpd=1", "mm2"))
    (sa,) = told.peer.ike_sas
    view = replace(told.peer, ike_sas=(replace(sa, vendor_ids=((A, "Check Point R80"),)),))
    assert list(dpd_one_sided_vid.RULE.check(Case(view, told.sources))) == []


# --- dpd-before-vid ------------------------------------------------------------------------

BEFORE = ONE_SIDED + "10 a>b v1 info says=ruthere seq=5\n20 a>b v1 info says=ruthere seq=6\n"


@fires("dpd-before-vid")
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


def test_dpd_before_vid_is_silent_where_both_offered(tell: Tell, keys: Keys):
    text = BEFORE.replace("no-dpd=1", "")
    assert tell(text, options=keys(text)).of("dpd-before-vid") == []


@silent(
    "dpd-before-vid",
    "phase 1 was not seen whole, as on an SA that a cluster member took over",
)
@pytest.mark.parametrize("cut", ["capture 5..30", "unseen b>a 0.025..0.035"])
def test_dpd_before_vid_is_silent_where_phase1_was_not_seen_whole(tell: Tell, cut: str):
    text = BEFORE.replace("info says", "info 108 says")
    log = ("a.log", isakmp(text))
    assert len(tell(text, log).of("dpd-before-vid")) == 1
    assert tell(text + cut, log).of("dpd-before-vid") == []


@silent(
    "dpd-before-vid",
    "without keys: an encrypted Informational as long as an R-U-THERE need not be one",
)
def test_dpd_before_vid_is_silent_without_keys(tell: Tell, keys: Keys):
    text = ONE_SIDED + "10..40/10 a>b v1 info says=ruthere seq=5+\n"
    assert len(tell(text, options=keys(text)).of("dpd-before-vid")) == 1
    assert tell(text).of("dpd-before-vid") == []


# --- dpd-unencrypted -----------------------------------------------------------------------


@fires("dpd-unencrypted")
@silent(
    "dpd-unencrypted",
    "the sender may be forged: it is the message that is wrong, not the peer",
)
def test_dpd_unencrypted(tell: Tell):
    text = AGREED + "10 b>a v1 clear says=ruthere seq=5\n20 b>a v1 clear says=ruthere seq=6"
    (finding,) = tell(text).of("dpd-unencrypted")
    assert f"with the source {B}, which whoever wrote it could choose" in finding.detail
    assert f"{B} sent" not in finding.detail
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
