"""Rules that hold topology against configurations: where each fires, where it is silent."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from analyzers.configs.catalogue import read_configuration
from analyzers.model.finding import Severity
from analyzers.model.policy import PolicyBasis
from analyzers.model.records import Confidence
from analyzers.rules.case import Case
from analyzers.rules.configuration.examples import site, tunnel
from analyzers.rules.topology.dpd_vs_routing_hold_mismatch import RULE as ROUTING
from tests.model_builders import A, B, ike_sa, peer, policy
from tests.rules.conftest import Tell
from tests.rules.coverage import fires, silent

# --- peer-dead-switch-failed ---------------------------------------------------------------

LIST = ("r.cfg", site("192.0.2.1", "192.0.2.2", "192.0.2.3", dpd="crypto isakmp keepalive 10 2"))
DIES = """
0 a>b v1 main-mode
0.1 a>b v1 quick
1..40/0.2 a>b esp out
1.05..20/0.2 b>a esp in
5 a>b v1 info 108
5.02 b>a v1 info 108
30..40/2 a>b v1 info 108
100 a>m v1 main-mode sa=9
"""


@fires("peer-dead-switch-failed")
def test_peer_dead_switch_failed(tell: Tell):
    (finding,) = tell(DIES, LIST).of("peer-dead-switch-failed")
    assert finding.severity is Severity.WARNING
    assert finding.confidence is Confidence.INFERRED
    assert "gave 192.0.2.2 up, and did not begin with 192.0.2.3 within 10 s" in finding.detail
    assert any(ref.source == "s2" for ref in finding.refs)


def test_peer_dead_switch_failed_where_the_dead_one_is_tried_again(tell: Tell):
    (finding,) = tell(DIES + "45 a>b v1 main-mode sa=2", LIST).of("peer-dead-switch-failed")
    assert "tried 192.0.2.2 again instead" in finding.detail


@silent("peer-dead-switch-failed", "no traffic waits: nothing begins anew on demand")
def test_peer_dead_switch_failed_is_silent_where_no_traffic_waits(tell: Tell):
    text = DIES.replace("1..40/0.2 a>b esp out", "1..20/0.2 a>b esp out")
    told = tell(text, LIST)
    assert told.of("peer-dead-switch-failed") == []
    assert len(told.of("dpd-no-ack")) == 1


@silent("peer-dead-switch-failed", "the next peer had an SA already")
def test_peer_dead_switch_failed_is_silent_where_the_next_one_has_an_sa(tell: Tell):
    assert tell(DIES + "3 a>c v1 main-mode sa=2\n", LIST).of("peer-dead-switch-failed") == []


@silent("peer-dead-switch-failed", "the input ends too early to see it")
@pytest.mark.parametrize(("end", "told"), [(46, 0), (101, 1)])
def test_peer_dead_switch_failed_is_silent_where_the_input_ends(tell: Tell, end: int, told: int):
    found = tell(DIES + f"capture 0..{end}\n", LIST)
    assert len(found.of("peer-dead-switch-failed")) == told
    assert len(found.of("dpd-no-ack")) == 1


def test_peer_dead_switch_failed_is_silent_where_it_switches(tell: Tell):
    assert tell(DIES + "43 a>c v1 main-mode sa=2\n", LIST).of("peer-dead-switch-failed") == []


def test_peer_dead_switch_failed_is_silent_without_a_list(tell: Tell):
    alone = ("r.cfg", site("192.0.2.1", "192.0.2.2", dpd="crypto isakmp keepalive 10 2"))
    assert tell(DIES, alone).of("peer-dead-switch-failed") == []


# --- dpd-vs-routing-hold-mismatch ----------------------------------------------------------

EIGRP = ("ip hello-interval eigrp 1 20", "ip hold-time eigrp 1 60")


def mismatches(
    worst_s: float, *lines: str, basis=PolicyBasis.OBSERVED, dpd: str = "", holder: str = A
):
    view = replace(
        peer(),
        ike_sas=(ike_sa(),),
        policies=(policy(holder=holder, worst_case_s=worst_s, basis=basis),),
    )
    configuration = read_configuration(tunnel(A, B, *lines, dpd=dpd), "s2")
    case = Case(view, configurations=(configuration,))
    return [ROUTING.finding(found) for found in ROUTING.check(case)]


@fires("dpd-vs-routing-hold-mismatch")
def test_dpd_vs_routing_hold_mismatch_by_its_own_rhythm():
    (finding,) = mismatches(20, *EIGRP)
    assert finding.severity is Severity.WARNING
    assert finding.confidence is Confidence.INFERRED
    assert "gives up 20 s after" in finding.detail
    assert "EIGRP on Tunnel1 holds the neighbour for 60 s" in finding.detail
    assert "crypto isakmp keepalive" in finding.remedy
    assert finding.refs[0].source == "s2"


def test_dpd_vs_routing_hold_mismatch_as_given():
    (finding,) = mismatches(20, *EIGRP, basis=PolicyBasis.GIVEN)
    assert finding.confidence is Confidence.CERTAIN
    assert "as given" in finding.detail


@silent("dpd-vs-routing-hold-mismatch", "no routing over the tunnel: there is nothing to wait for")
def test_dpd_vs_routing_hold_mismatch_is_silent_without_routing():
    assert mismatches(20) == []


@silent("dpd-vs-routing-hold-mismatch", "the hold time of the other end may be another")
def test_dpd_vs_routing_hold_mismatch_is_silent_of_the_other_end():
    assert mismatches(20, *EIGRP, holder=B) == []


@silent(
    "dpd-vs-routing-hold-mismatch",
    "what a configuration says of both is judged without traffic",
)
def test_dpd_vs_routing_hold_mismatch_is_silent_of_what_the_configuration_says():
    assert mismatches(20, *EIGRP, dpd="crypto isakmp keepalive 40 5") == []


def test_dpd_vs_routing_hold_mismatch_is_silent_where_dpd_is_slower():
    assert mismatches(65, *EIGRP) == []
