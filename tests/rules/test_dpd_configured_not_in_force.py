"""Rules that hold what happened against configurations."""

from __future__ import annotations

from dataclasses import replace

import pytest

from analyzers.configs.catalogue import read_configuration
from analyzers.rules.case import Case
from analyzers.rules.configuration.examples import site
from analyzers.rules.negotiation.dpd_configured_not_in_force import RULE
from tests.model_builders import A, B, ike_sa, peer

DPD = "crypto isakmp keepalive 10 3 periodic"


def findings(vendor_ids: tuple[bool | None, bool | None], dpd: str = DPD, **changes):
    view = replace(peer(), ike_sas=(ike_sa(dpd_vendor_id=vendor_ids, **changes),))
    configuration = read_configuration(site(A, B, dpd=dpd), "s2")
    case = Case(view, configurations=(configuration,))
    return tuple(RULE.finding(found) for found in RULE.check(case))


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


@pytest.mark.parametrize(
    ("vendor_ids", "dpd", "changes"),
    [
        ((True, True), DPD, {}),
        ((None, None), DPD, {}),
        ((False, False), "", {}),
        ((False, False), DPD, {"ike_version": 2}),
        ((False, False), DPD, {"initiator": "203.0.113.1", "responder": "203.0.113.2"}),
    ],
    ids=["agreed", "phase 1 not seen", "not configured", "IKEv2", "another device"],
)
def test_silence(vendor_ids, dpd, changes):
    assert findings(vendor_ids, dpd, **changes) == ()
