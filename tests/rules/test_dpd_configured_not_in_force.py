"""Rules that hold what happened against configurations."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec.structs import replace

from analyzers.configs.catalogue import read_configuration
from analyzers.model.peer import ShownSa
from analyzers.model.records import Confidence
from analyzers.rules.case import Case
from analyzers.rules.configuration.dpd_configured_not_in_force import negotiate_anew
from analyzers.rules.configuration.examples import site, tunnel
from analyzers.rules.negotiation.dpd_configured_not_in_force import RULE
from analyzers.rules.rule import Found
from tests.model_builders import A, B, ike_sa, peer, ref
from tests.rules.conftest import Tell
from tests.rules.coverage import fires, silent

DPD = "crypto isakmp keepalive 10 3 periodic"


def findings(
    vendor_ids: tuple[bool | None, bool | None],
    dpd: str = DPD,
    configuration: str = "",
    **changes,
):
    view = replace(peer(), ike_sas=(ike_sa(dpd_vendor_id=vendor_ids, **changes),))
    read = read_configuration(configuration or site(A, B, dpd=dpd), "s2")
    case = Case(view, configurations=(read,))
    return tuple(RULE.finding(found) for found in RULE.check(case))


def asa(setting: str) -> str:
    """An ASA with one tunnel, `setting` standing in its tunnel group."""
    return (
        "ASA Version 9.8(4)\nhostname fw1\n"
        f"interface GigabitEthernet0/0\n nameif outside\n ip address {A} 255.255.255.0\n"
        f"crypto map M 10 match address VPN\ncrypto map M 10 set peer {B}\n"
        "crypto map M interface outside\ncrypto ikev1 enable outside\n"
        f"tunnel-group {B} type ipsec-l2l\ntunnel-group {B} ipsec-attributes\n"
        f" ikev1 pre-shared-key *****\n {setting}\n"
    )


@fires("dpd-configured-not-in-force")
def test_an_sa_older_than_its_configuration():
    (finding,) = findings((False, True))
    assert finding.rule == "dpd-configured-not-in-force"
    assert f"{A} did not send the DPD vendor ID" in finding.detail
    assert "clear crypto session" in finding.remedy
    assert finding.refs[0] == ("s2", 2)


def test_a_peer_that_does_not_offer_dpd():
    (finding,) = findings((True, False))
    assert f"{B} did not send the DPD vendor ID" in finding.detail
    assert "at the peer" in finding.remedy


def test_the_configured_device_may_be_the_responder():
    (finding,) = findings((True, False), initiator=B, responder=A)
    assert f"{A} did not send the DPD vendor ID" in finding.detail


@silent("dpd-configured-not-in-force", "phase 1 was not seen whole: nobody knows what was agreed")
@pytest.mark.parametrize("vendor_ids", [(None, None), (None, True), (True, None)])
def test_silence_where_phase1_was_not_seen_whole(vendor_ids):
    assert findings(vendor_ids) == ()


@silent("dpd-configured-not-in-force", "IKEv2 has no DPD vendor ID")
def test_silence_about_ikev2():
    assert findings((False, False), ike_version=2) == ()


@silent("dpd-configured-not-in-force", "the setting is DPD's default, or switches it off")
@pytest.mark.parametrize(
    "setting", ["", "isakmp keepalive disable"], ids=["default", "switched off"]
)
def test_silence_where_nobody_set_it(setting):
    assert findings((False, False), configuration=asa(setting)) == ()
    assert len(findings((False, False), configuration=asa("isakmp keepalive threshold 10"))) == 1


@pytest.mark.parametrize(
    ("vendor_ids", "dpd", "changes"),
    [
        ((True, True), DPD, {}),
        ((False, False), "", {}),
        ((False, False), DPD, {"initiator": "203.0.113.1", "responder": "203.0.113.2"}),
    ],
    ids=["agreed", "not configured", "another device"],
)
def test_silence(vendor_ids, dpd, changes):
    assert findings(vendor_ids, dpd, **changes) == ()


def shown_sa(**changes: Any) -> ShownSa:
    known: dict[str, Any] = {
        "at_ns": None,
        "ref": ref(11),
        "command": "show crypto isakmp sa detail",
        "ike_version": 1,
        "state": "ACTIVE",
        "uptime_s": None,
        "remaining_s": 86_366,
        "dpd_active": False,
        "dpd": "Cap. (none)",
        "interval_s": None,
        "retry_s": None,
        "spis": (),
        "encaps_packets": None,
        "decaps_packets": None,
    }
    return ShownSa(**(known | changes))


def of_shown(*outputs: ShownSa, dpd: str = DPD, local: str = A) -> list[Found]:
    view = replace(peer(), local=local, ike_sas=(), shown=outputs)
    case = Case(view, configurations=(read_configuration(site(A, B, dpd=dpd), "s2"),))
    return list(RULE.check(case))


@fires("dpd-configured-not-in-force")
def test_the_device_shows_its_sa_without_dpd():
    (found,) = of_shown(shown_sa())
    assert "show crypto isakmp sa detail shows its IKE SA without DPD in force" in found.detail
    assert found.remedy.startswith("clear crypto session")
    assert found.confidence is Confidence.INFERRED
    assert found.refs == (("s2", 2), ref(11))


@pytest.mark.parametrize(
    ("outputs", "parts"),
    [
        ([shown_sa(dpd_active=True, dpd="Cap. D")], {}),
        ([shown_sa(), shown_sa(dpd_active=True, dpd="Cap. D")], {}),
        ([shown_sa(dpd_active=None, dpd=None)], {}),
        ([shown_sa(ike_version=2)], {}),
        ([shown_sa()], {"dpd": ""}),
        ([shown_sa()], {"local": "203.0.113.1"}),
    ],
    ids=["in force", "cleared since", "not told", "IKEv2", "not configured", "another device"],
)
def test_silence_about_what_is_shown(outputs: list[ShownSa], parts: dict[str, str]):
    assert of_shown(*outputs, **parts) == []


PHASE1 = f"""
*Mar  1 00:01:00.000: ISAKMP:(0): sending packet to {B} my_port 500 peer_port 500 (I) MM_NO_STATE
*Mar  1 00:01:00.050: ISAKMP:(0): vendor ID seems Unity/DPD but major 69 mismatch
*Mar  1 00:01:00.060: ISAKMP:(0): sending packet to {B} my_port 500 peer_port 500 (I) MM_SA_SETUP
*Mar  1 00:01:00.090: ISAKMP:(1001): vendor ID is Unity
*Mar  1 00:01:00.140: ISAKMP:(1001):Old State = IKE_I_MM6  New State = IKE_P1_COMPLETE
"""
OFFER = "*Mar  1 00:01:00.091: ISAKMP:(1001): vendor ID is DPD\n"
ASKED = """*Mar  1 00:02:00.000: ISAKMP:(1001):Sending NOTIFY DPD/R_U_THERE protocol 1
*Mar  1 00:02:00.000: ISAKMP:(1001): sending packet to 192.0.2.2 my_port 500 peer_port 500 (I) QM_IDLE
"""  # noqa: E501


@fires("dpd-configured-not-in-force", "dpd-not-negotiated")
def test_a_debug_in_which_the_peer_does_not_offer_dpd(tell: Tell):
    """The log does not tell the address of its own router."""
    config = ("hub.cfg", site(A, B, dpd=DPD))
    (finding,) = tell(("hub.log", PHASE1), config).of("dpd-configured-not-in-force")
    assert finding.confidence is Confidence.INFERRED
    assert f"{B} did not send the DPD vendor ID" in finding.detail
    assert finding.remedy.startswith("clear crypto session")
    (finding,) = tell(("hub.log", PHASE1)).of("dpd-not-negotiated")
    assert finding.confidence is Confidence.INFERRED


@pytest.mark.parametrize(
    "text",
    [PHASE1.replace("*Mar  1 00:01:00.140", OFFER + "*Mar  1 00:01:00.140"), PHASE1 + ASKED],
    ids=["offered", "a line is lost"],
)
def test_silence_about_a_debug(tell: Tell, text: str):
    told = tell(("hub.log", text), ("hub.cfg", site(A, B, dpd=DPD)))
    assert told.of("dpd-configured-not-in-force") == []
    assert told.of("dpd-not-negotiated") == []


@fires("dpd-configured-not-in-force")
@pytest.mark.parametrize("active", [True, False])
def test_ikev2_asks_as_it_was_set_when_the_sa_came_up(*, active: bool):
    shown = shown_sa(
        ike_version=2, command="show crypto ikev2 sa detail", dpd_active=active,
        dpd="DPD configured for 0 seconds, retry 0",
    )  # fmt: skip
    text = tunnel(A, B, dpd="crypto ikev2 dpd 10 2 periodic")
    text = text.replace("set transform-set T", "set ikev2-profile F")
    view = replace(peer(), local=A, ike_sas=(), shown=(shown,))
    found = list(RULE.check(Case(view, configurations=(read_configuration(text, "s2"),))))
    assert len(found) == (not active)
    for one in found:
        assert "does not offer" not in one.detail
        assert one.remedy == negotiate_anew(read_configuration(text, "s2"))
