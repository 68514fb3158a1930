"""Rules about hubs, NAT, routing and several peers: where each fires, where it is silent."""

from __future__ import annotations

import pytest

from analyzers.model.finding import Severity
from analyzers.model.records import Confidence
from analyzers.rules.options import RuleOptions, Thresholds
from analyzers.rules.topology.dpd_burst_synchronised import _by_chance
from analyzers.session import SessionOptions
from tests.rules.conftest import Tell
from tests.rules.coverage import fires, silent
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


@fires("hub-dpd-load")
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


@silent("hub-dpd-load", "retries during an outage are no steady load")
def test_hub_dpd_load_is_silent_of_retries(tell: Tell):
    outage = "".join(f"{110 + n / 10}..130/2 hub>s{n} liveness 6 sa={n}\n" for n in range(10))
    told = tell(hub(SPREAD, every=30, more=outage), options=limited(hub_messages_per_s=1.2))
    assert told.of("hub-dpd-load") == []
    assert {len(peer.exchanges[-1].transmissions) for peer in told.peers} == {10}
    told = tell(hub(SPREAD, every=15), options=limited(hub_messages_per_s=1.2))
    assert len(told.of("hub-dpd-load")) == 1


@silent("hub-dpd-load", "an input of less than half a minute may show a burst only")
def test_hub_dpd_load_is_silent_of_a_short_input(tell: Tell):
    told = tell(hub(SPREAD, until=20), options=limited(hub_messages_per_s=0.5))
    assert told.of("hub-dpd-load") == []


@fires("dpd-burst-synchronised")
def test_dpd_burst_synchronised(tell: Tell):
    together = [0.1, 0.2, 0.25, 0.3, 0.4, 0.45, 0.5, 4.7, 0.6, 0.7]
    (finding,) = tell(hub(together)).of("dpd-burst-synchronised")
    assert finding.severity is Severity.INFO
    assert finding.confidence is Confidence.CERTAIN
    assert "asked 9 of its 10 peers within 0.6 s, 10 times" in finding.detail
    assert "every 10 s" in finding.detail


@silent("dpd-burst-synchronised", "a few peers fall together by chance")
@pytest.mark.parametrize(
    "offsets",
    [[0, 0.1, 0.2, 0.3, 3, 4, 5, 6, 7, 8], [0, 0.1, 0.2, 0.3]],
    ids=["a few of many", "a few in all"],
)
def test_dpd_burst_synchronised_is_silent_of_chance(tell: Tell, offsets: list[float]):
    assert tell(hub(offsets)).of("dpd-burst-synchronised") == []


def test_dpd_burst_synchronised_is_silent_where_questions_are_spread(tell: Tell):
    assert tell(hub(SPREAD)).of("dpd-burst-synchronised") == []


@silent("dpd-burst-synchronised", "a single burst is no habit")
@pytest.mark.parametrize(("until", "told"), [(20, 0), (40, 1)])
def test_dpd_burst_synchronised_is_silent_of_a_single_burst(tell: Tell, until: float, told: int):
    assert len(tell(hub([0.1] * 10, until=until)).of("dpd-burst-synchronised")) == told


@silent("dpd-burst-synchronised", "stamps of whole seconds make bursts of what was spread")
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


LOST = (
    NAT
    + """
200 b:4500>n:61000 liveness 0
204 b:4500>n:61000 liveness 0
212 b:4500>n:61000 liveness 0
230 n:62000>b:4500 liveness 7
230.02 b:4500>n:62000 liveness 7 resp
"""
)


@fires("nat-mapping-loss")
def test_nat_mapping_loss_where_questions_go_to_the_old_mapping(tell: Tell):
    (finding,) = tell(LOST).of("nat-mapping-loss")
    assert finding.severity is Severity.ERROR
    assert finding.confidence is Confidence.CERTAIN
    assert "198.51.100.1:61000 became 198.51.100.1:62000" in finding.detail
    assert "3 min 00 s after" in finding.detail
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


@silent("nat-mapping-loss", "messages that were on their way while the mapping changed")
def test_nat_mapping_loss_of_a_moment_is_no_error(tell: Tell):
    # b's Delete leaves just before the new mapping shows.
    text = NAT + "70 n:62000>b:4500 liveness 7\n70.01 b:4500>n:61000 delete 0\n"
    text += "70.02 b:4500>n:62000 liveness 7 resp\n"
    (finding,) = tell(text).of("nat-mapping-loss")
    assert finding.severity is Severity.WARNING


@silent("nat-mapping-loss", "the float from port 500 to 4500 at the start")
def test_nat_mapping_loss_is_silent_of_the_float(tell: Tell):
    text = "0 n>b v2 sa-init\n0.01 b>n v2 sa-init resp\n0.02 n:500>b:500 v2 auth 1\n"
    text += "1.02 n:61000>b:4500 v2 auth 1\n1.04 b:4500>n:61000 v2 auth 1 resp\n"
    assert tell(text + NAT.partition("handshake")[2]).of("nat-mapping-loss") == []


@silent("nat-mapping-loss", "a NAT that keeps port 4500")
def test_nat_mapping_loss_is_silent_of_a_nat_that_keeps_the_port(tell: Tell):
    text = LOST.replace("n:61000", "n:4500").replace("n:62000", "n:4500")
    assert tell(text).of("nat-mapping-loss") == []


@silent("nat-mapping-loss", "an end that moves and says so (MOBIKE)")
@pytest.mark.parametrize(("verb", "told"), [("notify", 0), ("create-child", 1)])
def test_nat_mapping_loss_is_silent_of_an_end_that_moves(tell: Tell, verb: str, told: int):
    text = NAT + f"70 m:4500>b:4500 {verb} 7\n70.02 b:4500>m:4500 {verb} 7 resp\n"
    assert len(tell(text).of("nat-mapping-loss")) == told


@silent("nat-mapping-loss", "the other end goes over to another address of its peer (MOBIKE)")
@pytest.mark.parametrize(("esp_at", "told"), [(None, 0), (65, 1), (70, 0)])
def test_nat_mapping_loss_is_silent_of_an_end_whose_peer_asks_it_elsewhere(
    tell: Tell, esp_at: int | None, told: int
):
    """RFC 4555 section 3.5: the initiator chooses; a NAT's choice ESP shows first."""
    text = "0 a>b v2 handshake\n10..60/10 a:4500>b:4500 liveness 2+\n"
    text += "10.02..60/10 b:4500>a:4500 liveness 2+ resp\n"
    text += "70 a:4500>m:4500 notify 7\n70.02 m:4500>a:4500 notify 7 resp\n"
    if esp_at is not None:
        text += f"1..60/1 b:4500>a:4500 esp in\n{esp_at}.01..90/1 m:4500>a:4500 esp in\n"
    assert len(tell(text).of("nat-mapping-loss")) == told
    # The packet that showed another port was dropped by the capture.
    assert len(tell(text.replace("m:4500", "m:62000")).of("nat-mapping-loss")) == 1


@silent(
    "nat-mapping-loss",
    "a capture of both sides of the NAT shows each message under two mappings",
)
def test_nat_mapping_loss_is_silent_of_a_capture_of_both_sides_of_the_nat(tell: Tell):
    """A router that does NAT, captured on all its interfaces."""
    text = "0 n>b v2 handshake\n" + "".join(
        f"{at} a:4500>b:4500 liveness {at} sa=1\n{at}.001 n:61000>b:4500 liveness {at} sa=1\n"
        f"{at}.02 b:4500>n:61000 liveness {at} resp\n"
        f"{at}.021 b:4500>a:4500 liveness {at} resp\n"
        for at in range(2, 6)
    )
    text += "2.1..100/1 a:4500>b:4500 esp in\n2.101..100/1 n:61000>b:4500 esp in\n"
    text += "2.2..100/1 b:4500>n:61000 esp out\n2.201..100/1 b:4500>a:4500 esp out\n"
    assert tell(text).of("nat-mapping-loss") == []


ESP = NAT + "1..60/1 n:61000>b:4500 esp in\n"
ESP_MOVES = "61..100/1 n:62000>b:4500 esp in\n"


@pytest.mark.parametrize("asks", [True, False])
def test_nat_mapping_loss_where_esp_goes_on_to_the_old_mapping(tell: Tell, asks: bool):
    """IKE is told of the new one when the end behind the NAT asks; ESP does not follow."""
    text = ESP + "1.1..100/1 b:4500>n:61000 esp out\n" + ESP_MOVES
    if asks:
        text += "80 n:62000>b:4500 liveness 8\n80.02 b:4500>n:62000 liveness 8 resp\n"
    (finding,) = tell(text).of("nat-mapping-loss")
    assert (finding.severity, finding.confidence) == (Severity.ERROR, Confidence.INFERRED)
    assert "198.51.100.1:61000 became 198.51.100.1:62000" in finding.detail
    assert "192.0.2.2 went on sending ESP to the old one for 38.1 s" in finding.detail


def test_nat_mapping_loss_where_the_nat_has_another_address(tell: Tell):
    text = ESP + "1.1..100/1 b:4500>n:61000 esp out\n61..100/1 m:4500>b:4500 esp in\n"
    (finding,) = tell(text).of("nat-mapping-loss")
    assert "198.51.100.1:61000 became" in finding.detail
    assert "went on sending ESP to the old one for 38.1 s" in finding.detail


@silent("nat-mapping-loss", "ESP follows to the new mapping within a second")
def test_nat_mapping_loss_is_no_error_where_esp_follows(tell: Tell):
    text = ESP + "1.1..61.5/1 b:4500>n:61000 esp out\n" + ESP_MOVES
    text += "61.9..100/1 b:4500>n:62000 esp out\n"
    assert tell(text).of("nat-mapping-loss") == []
    text += "80 n:62000>b:4500 liveness 8\n80.02 b:4500>n:62000 liveness 8 resp\n"
    (finding,) = tell(text).of("nat-mapping-loss")
    assert finding.severity is Severity.WARNING
    assert "Nothing is seen to have gone to the old one" in finding.detail


@silent("nat-mapping-loss", "a mapping that comes back is used again")
@pytest.mark.parametrize("away", ["n:62000", "m:61000"])
@pytest.mark.parametrize("asks", [True, False])
def test_nat_mapping_loss_is_no_error_where_the_mapping_comes_back(
    tell: Tell, away: str, asks: bool
):
    text = "0 n>b v2 handshake\n"
    for number, end in enumerate(("n:61000", away, "n:61000")):
        begin = 80 * number
        text += f"{begin + 1}..{begin + 80}/1 {end}>b:4500 esp in\n"
        text += f"{begin + 1.1}..{begin + 80}/1 b:4500>{end} esp out\n"
        if asks:
            text += f"{begin + 5} {end}>b:4500 liveness {number + 2}\n"
            text += f"{begin + 5.02} b:4500>{end} liveness {number + 2} resp\n"
    assert {f.severity for f in tell(text).of("nat-mapping-loss")} <= {Severity.WARNING}


def test_nat_mapping_loss_until_the_mapping_comes_back(tell: Tell):
    text = ESP + ESP_MOVES + "101..160/1 n:61000>b:4500 esp in\n"
    (finding,) = tell(text + "1.1..160/1 b:4500>n:61000 esp out\n").of("nat-mapping-loss")
    assert "192.0.2.2 went on sending ESP to the old one for 40 s" in finding.detail


def test_nat_mapping_loss_is_silent_of_a_steady_mapping(tell: Tell):
    assert tell(NAT).of("nat-mapping-loss") == []


# --- asymmetric-routing --------------------------------------------------------------------

BOTH = """
0 a>b v1 main-mode sa=1
0 a>c v1 main-mode sa=2
"""
HALVES = BOTH + "5..65/0.5 a>b esp out\n5.1..65/0.5 c>a esp in\n"


@fires("asymmetric-routing")
def test_asymmetric_routing_of_esp_between_two_hubs(tell: Tell):
    (finding,) = tell(HALVES).of("asymmetric-routing")
    assert finding.severity is Severity.WARNING
    assert finding.confidence is Confidence.INFERRED
    assert "192.0.2.1 sends ESP to 192.0.2.2 only (120 packets)" in finding.detail
    assert "from 192.0.2.3 only (120 packets)" in finding.detail


@silent(
    "asymmetric-routing",
    "flows that are one-way by design, in other numbers or at other times",
)
@pytest.mark.parametrize(
    "flows",
    [
        "5..65/0.5 a>b esp out\n5..65/1.5 c>a esp in\n",
        "5..45/0.5 a>b esp out\n50..90/0.5 c>a esp in\n",
    ],
    ids=["other numbers", "other times"],
)
def test_asymmetric_routing_is_silent_of_flows_that_do_not_belong_together(tell: Tell, flows: str):
    assert tell(BOTH + flows).of("asymmetric-routing") == []


@silent("asymmetric-routing", "an end that moved (MOBIKE)")
def test_asymmetric_routing_is_silent_of_esp_of_an_end_that_moved(tell: Tell):
    moved = "0 a>b v2 handshake\n3 c:4500>a:4500 notify 0\n3.02 a:4500>c:4500 notify 0 resp\n"
    told = tell(moved + HALVES.removeprefix(BOTH))
    assert len(told.peer.esp_flows) == 2
    assert told.of("asymmetric-routing") == []


@pytest.mark.parametrize(
    "more", ["30 b>a esp back\n", "unseen b>a\n"], ids=["both ways", "one direction is missing"]
)
def test_asymmetric_routing_is_silent_of_esp(tell: Tell, more: str):
    assert tell(HALVES + more).of("asymmetric-routing") == []


SPLIT = "0 a>b v2 handshake\n10..100/10 a>b liveness 2+\n10.02..100/10 b>a liveness 2+ resp\n"


def link(out: str, back: str, third: str = "") -> str:
    """What passes one of two links: some of a tunnel, and all of another one, if any."""
    text = SPLIT + f"unseen a>b {out}\nunseen b>a {back}\n"
    if third:
        text += f"host d 192.0.2.4\n1 a>{third} v2 handshake sa={third}\n"
    return text


@fires("asymmetric-routing")
def test_asymmetric_routing_over_two_links(tell: Tell):
    told = tell(link("300..", "..", third="c"), link("..", "300..", third="d"))
    (finding,) = told.of("asymmetric-routing")
    assert finding.severity is Severity.WARNING
    assert "9 questions of 192.0.2.1 to 192.0.2.2" in finding.detail
    assert "0.pcap only" in finding.detail
    assert "1.pcap only" in finding.detail


@silent("asymmetric-routing", "two taps, one for each direction of one link")
def test_asymmetric_routing_is_silent_of_two_taps(tell: Tell):
    assert tell(link("300..", ".."), link("..", "300..")).of("asymmetric-routing") == []


@silent("asymmetric-routing", "an end that moved (MOBIKE)")
def test_asymmetric_routing_is_silent_of_an_end_that_moved(tell: Tell):
    """It answers from its new address, over the other link, what still goes to its old one."""
    links = link("300..", "..", third="c"), link("..", "300..", third="d")
    moved = ["host e 192.0.2.9\n" + each.replace("b>a", "e>a") for each in links]
    assert len(tell(*links).of("asymmetric-routing")) == 1
    assert tell(*moved).of("asymmetric-routing") == []


@silent("asymmetric-routing", "questions and answers that change ways at random (ECMP)")
def test_asymmetric_routing_is_silent_where_ways_change(tell: Tell):
    first = link("45..300", "..45", third="c")
    second = link("..45", "45..300", third="d")
    assert tell(first, second).of("asymmetric-routing") == []


def test_how_likely_a_burst_of_thousands_of_peers_is_can_be_told():
    """The number of ways to choose them is beyond a float."""
    assert _by_chance(3000, 1500, 0.01) < 1e-300
    assert _by_chance(10, 5, 0.1) == pytest.approx(10 * 126 * 0.1**4)
