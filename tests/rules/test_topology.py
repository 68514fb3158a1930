"""Rules about hubs, NAT, routing and several peers: where each fires, where it is silent."""

from __future__ import annotations

from dataclasses import replace

import pytest

from analyzers.configs.catalogue import read_configuration
from analyzers.model.finding import Severity
from analyzers.model.policy import PolicyBasis
from analyzers.model.records import Confidence
from analyzers.rules.case import Case
from analyzers.rules.configuration.examples import site, tunnel
from analyzers.rules.options import RuleOptions, Thresholds
from analyzers.rules.topology.dpd_vs_routing_hold_mismatch import RULE as ROUTING
from analyzers.session import SessionOptions
from tests.model_builders import A, B, ike_sa, peer, policy
from tests.rules.conftest import Tell
from tests.scenarios.logs import Clock, charon, syslog

# --- hub-dpd-load, dpd-burst-synchronised --------------------------------------------------


def hub(offsets: list[float], every: float = 10, until: float = 100, more: str = "") -> str:
    """A hub that asks each spoke at its own offset, and gets all answers."""
    text = "host hub 192.0.2.1\n"
    for n, offset in enumerate(offsets):
        text += f"host s{n} 198.51.100.{n + 10}\nsa {n} by hub\n"
        text += f"{n / 100} hub>s{n} v2 handshake sa={n}\n"
        start = 5 + offset
        text += f"{start}..{until}/{every} hub>s{n} liveness 2+ sa={n}\n"
        text += f"{start + 0.02:.3f}..{until}/{every} s{n}>hub liveness 2+ resp sa={n}\n"
    return text + more


def limited(hub_messages_per_s: float) -> SessionOptions:
    thresholds = Thresholds(hub_messages_per_s=hub_messages_per_s)
    return SessionOptions(rules=RuleOptions(thresholds=thresholds))


SPREAD = [0, 3.1, 6.3, 1.2, 8.9, 4.7, 7.5, 2.2, 5.6, 9.8]


def test_hub_dpd_load(tell: Tell):
    told = tell(hub(SPREAD), options=limited(hub_messages_per_s=1.5))
    (finding,) = told.of("hub-dpd-load")
    assert finding.severity is Severity.WARNING
    assert finding.confidence is Confidence.CERTAIN
    assert "2.0 DPD messages a second with 10 peers" in finding.detail
    assert "100% of the questions" in finding.detail
    assert len(finding.refs) == 20


def test_hub_dpd_load_is_silent_below_its_budget(tell: Tell):
    assert tell(hub(SPREAD)).of("hub-dpd-load") == []


def test_hub_dpd_load_is_silent_of_retries(tell: Tell):
    text = hub(SPREAD[:2], every=30)
    text += "".join(f"{90 + n / 10} hub>s0 liveness 5 sa=0\n" for n in range(60))
    assert tell(text, options=limited(hub_messages_per_s=0.5)).of("hub-dpd-load") == []


def test_hub_dpd_load_is_silent_of_a_short_input(tell: Tell):
    told = tell(hub(SPREAD, until=20), options=limited(hub_messages_per_s=0.5))
    assert told.of("hub-dpd-load") == []


def test_dpd_burst_synchronised(tell: Tell):
    together = [0.1, 0.2, 0.25, 0.3, 0.4, 0.45, 0.5, 4.7, 0.6, 0.7]
    (finding,) = tell(hub(together)).of("dpd-burst-synchronised")
    assert finding.severity is Severity.INFO
    assert finding.confidence is Confidence.CERTAIN
    assert "asked 9 of its 10 peers within 0.6 s, 10 times" in finding.detail
    assert "every 10 s" in finding.detail


@pytest.mark.parametrize(
    ("offsets", "until"),
    [
        (SPREAD, 100),
        ([0, 0.1, 0.2, 0.3, 3, 4, 5, 6, 7, 8], 100),
        ([0, 0.1, 0.2, 0.3], 100),
        ([0.1] * 10, 20),
    ],
    ids=["spread", "by chance", "few peers", "a single burst"],
)
def test_dpd_burst_synchronised_is_silent(tell: Tell, offsets: list[float], until: float):
    assert tell(hub(offsets, until=until)).of("dpd-burst-synchronised") == []


def test_dpd_burst_synchronised_is_silent_of_whole_seconds(tell: Tell):
    text = hub([0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.85, 0.9])
    assert len(tell(("hub.log", charon(text, "hub"))).of("dpd-burst-synchronised")) == 1
    coarse = ("hub.log", charon(text, "hub", Clock(syslog)))
    assert tell(coarse).of("dpd-burst-synchronised") == []


# --- nat-mapping-loss ----------------------------------------------------------------------

NAT = """
0 n>b v2 handshake
10..60/10 n:61000>b:4500 liveness 2+
10.02..60/10 b:4500>n:61000 liveness 2+ resp
"""


def test_nat_mapping_loss_where_questions_go_to_the_old_mapping(tell: Tell):
    text = (
        NAT
        + """
    200 b:4500>n:61000 liveness 0
    204 b:4500>n:61000 liveness 0
    212 b:4500>n:61000 liveness 0
    230 n:62000>b:4500 liveness 7
    230.02 b:4500>n:62000 liveness 7 resp
    """
    )
    (finding,) = tell(text).of("nat-mapping-loss")
    assert finding.severity is Severity.ERROR
    assert finding.confidence is Confidence.CERTAIN
    assert "198.51.100.1:61000 became 198.51.100.1:62000" in finding.detail
    assert "180 s after" in finding.detail
    assert "192.0.2.2 sent 3 messages to the old mapping" in finding.detail
    assert len(finding.refs) == 5


def test_nat_mapping_loss_where_the_answer_goes_to_the_old_mapping(tell: Tell):
    text = NAT + "70 n:62000>b:4500 liveness 8\n70.02 b:4500>n:61000 liveness 8 resp\n"
    (finding,) = tell(text).of("nat-mapping-loss")
    assert finding.severity is Severity.ERROR
    assert "sent 1 message to the old mapping" in finding.detail


def test_nat_mapping_loss_is_a_warning_where_nothing_is_lost(tell: Tell):
    text = (
        NAT + "70..90/10 n:62000>b:4500 liveness 7+\n70.02..90/10 b:4500>n:62000 liveness 7+ resp"
    )
    (finding,) = tell(text).of("nat-mapping-loss")
    assert finding.severity is Severity.WARNING
    assert "20 s after" in finding.detail


def test_nat_mapping_loss_of_a_moment_is_no_error(tell: Tell):
    # b's Delete leaves just before the new mapping shows.
    text = NAT + "70 n:62000>b:4500 liveness 7\n70.01 b:4500>n:61000 delete 0\n"
    text += "70.02 b:4500>n:62000 liveness 7 resp\n"
    (finding,) = tell(text).of("nat-mapping-loss")
    assert finding.severity is Severity.WARNING


@pytest.mark.parametrize(
    "text",
    [
        "0 n>b v2 handshake\n5 n:4500>b:4500 liveness 2\n5.02 b:4500>n:4500 liveness 2 resp",
        NAT,
        NAT + "70 m:4500>b:4500 notify 8\n70.02 b:4500>m:4500 notify 8 resp\n",
        # A router that does NAT, captured on all its interfaces.
        "0 n>b v2 handshake\n"
        + "".join(
            f"{at} a:4500>b:4500 liveness {at} sa=1\n{at}.001 n:61000>b:4500 liveness {at} sa=1\n"
            f"{at}.02 b:4500>n:61000 liveness {at} resp\n"
            f"{at}.021 b:4500>a:4500 liveness {at} resp\n"
            for at in range(2, 6)
        ),
    ],
    ids=["500 to 4500", "steady", "MOBIKE", "both sides of the NAT"],
)
def test_nat_mapping_loss_is_silent(tell: Tell, text: str):
    assert tell(text).of("nat-mapping-loss") == []


# --- asymmetric-routing --------------------------------------------------------------------

BOTH = """
0 a>b v1 main-mode sa=1
0 a>c v1 main-mode sa=2
"""
HALVES = BOTH + "5..65/0.5 a>b esp out\n5.1..65/0.5 c>a esp in\n"


def test_asymmetric_routing_of_esp_between_two_hubs(tell: Tell):
    (finding,) = tell(HALVES).of("asymmetric-routing")
    assert finding.severity is Severity.WARNING
    assert finding.confidence is Confidence.INFERRED
    assert "192.0.2.1 sends ESP to 192.0.2.2 only (120 packets)" in finding.detail
    assert "from 192.0.2.3 only (120 packets)" in finding.detail


@pytest.mark.parametrize(
    "text",
    [
        HALVES + "30 b>a esp back\n",
        BOTH + "5..65/0.5 a>b esp out\n5..65/5 c>a esp in\n",
        BOTH + "5..45/0.5 a>b esp out\n50..90/0.5 c>a esp in\n",
        HALVES + "unseen b>a\n",
    ],
    ids=["both ways", "other numbers", "other times", "one direction is missing"],
)
def test_asymmetric_routing_is_silent_of_esp(tell: Tell, text: str):
    assert tell(text).of("asymmetric-routing") == []


SPLIT = "0 a>b v2 handshake\n10..100/10 a>b liveness 2+\n10.02..100/10 b>a liveness 2+ resp\n"


def link(out: str, back: str, third: str = "") -> str:
    """What passes one of two links: some of a tunnel, and all of another one, if any."""
    text = SPLIT + f"unseen a>b {out}\nunseen b>a {back}\n"
    if third:
        text += f"host d 192.0.2.4\n1 a>{third} v2 handshake sa={third}\n"
    return text


def test_asymmetric_routing_over_two_links(tell: Tell):
    told = tell(link("300..", "..", third="c"), link("..", "300..", third="d"))
    (finding,) = told.of("asymmetric-routing")
    assert finding.severity is Severity.WARNING
    assert "9 questions of 192.0.2.1 to 192.0.2.2" in finding.detail
    assert "0.pcap only" in finding.detail
    assert "1.pcap only" in finding.detail


def test_asymmetric_routing_is_silent_of_two_taps(tell: Tell):
    assert tell(link("300..", ".."), link("..", "300..")).of("asymmetric-routing") == []


def test_asymmetric_routing_is_silent_where_ways_change(tell: Tell):
    first = link("45..300", "..45", third="c")
    second = link("..45", "45..300", third="d")
    assert tell(first, second).of("asymmetric-routing") == []


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


def test_peer_dead_switch_failed(tell: Tell):
    (finding,) = tell(DIES, LIST).of("peer-dead-switch-failed")
    assert finding.severity is Severity.WARNING
    assert finding.confidence is Confidence.INFERRED
    assert "gave 192.0.2.2 up, and did not begin with 192.0.2.3 within 10 s" in finding.detail
    assert any(ref.source == "s2" for ref in finding.refs)


def test_peer_dead_switch_failed_where_the_dead_one_is_tried_again(tell: Tell):
    (finding,) = tell(DIES + "45 a>b v1 main-mode sa=2", LIST).of("peer-dead-switch-failed")
    assert "tried 192.0.2.2 again instead" in finding.detail


@pytest.mark.parametrize(
    "text",
    [
        DIES + "43 a>c v1 main-mode sa=2\n",
        DIES.replace("1..40/0.2 a>b esp out", "1..20/0.2 a>b esp out"),
        DIES + "3 a>c v1 main-mode sa=2\n4 a>c esp other\n",
        DIES + "capture 0..46\n",
    ],
    ids=["it switches", "no traffic", "the next one has an SA", "the input ends"],
)
def test_peer_dead_switch_failed_is_silent(tell: Tell, text: str):
    assert tell(text, LIST).of("peer-dead-switch-failed") == []


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


def test_dpd_vs_routing_hold_mismatch_is_silent():
    assert mismatches(65, *EIGRP) == []
    assert mismatches(20) == []
    assert mismatches(20, *EIGRP, holder=B) == []
    assert mismatches(20, *EIGRP, dpd="crypto isakmp keepalive 40 5") == []
