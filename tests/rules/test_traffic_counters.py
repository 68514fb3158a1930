"""What counters of devices show of traffic, where nobody captured it."""

from __future__ import annotations

import pytest

from analyzers.model.finding import Severity
from analyzers.model.peer import HintKind
from analyzers.model.records import Confidence
from analyzers.rules.case import Case
from analyzers.rules.traffic import counters_one_way
from tests.model_builders import at, black_hole, healthy_peer, hint
from tests.rules.conftest import Tell
from tests.rules.coverage import fires, silent
from tests.unit.snapshots import samples

RULE = "counters-one-way"
FIRST = samples.ios_ipsec_sa(100, 50, life_s=3033)
VAIN = samples.ios_ipsec_sa(400, 50, life_s=2973)


@fires(RULE)
def test_packets_out_and_none_in(tell: Tell):
    told = tell(("console.txt", FIRST + VAIN))
    (finding,) = told.of(RULE)
    assert (finding.severity, finding.confidence) == (Severity.WARNING, Confidence.SUSPECT)
    assert "300 packets sent, 0 packets received within 60 s" in finding.detail
    assert len(finding.refs) == 2
    assert finding.end == "192.0.2.1"


@fires(RULE)
def test_without_any_time(tell: Tell):
    first = samples.STATUSALL
    second = first.replace("840 bytes_o (10 pkts", "1680 bytes_o (20 pkts")
    (finding,) = tell(("console.txt", first + second)).of(RULE)
    assert "10 packets sent, 0 packets received, lines" in finding.detail
    assert finding.at_ns is None


@silent(
    RULE,
    "packets came out of the Child SA, too, or another one took its place",
    "less time than that of the shortest black hole lies between the outputs",
)
@pytest.mark.parametrize(
    "second",
    [
        samples.ios_ipsec_sa(400, 51, life_s=2973),
        samples.ios_ipsec_sa(400, 50, inbound="4A0C4499", outbound="41DD789", life_s=3599),
        samples.ios_ipsec_sa(400, 50, life_s=3031),
    ],
    ids=["both ways", "renewed", "at once"],
)
def test_what_is_no_silence(tell: Tell, second: str):
    assert tell(("console.txt", FIRST + second)).of(RULE) == []


@silent(RULE, "packets or questions show the same black hole")
@pytest.mark.parametrize(("at_s", "times"), [(20, 0), (300, 1)], ids=["the same", "another one"])
def test_the_packets_show_it(at_s: float, times: int):
    counted = hint(at_ns=at(at_s), kind=HintKind.COUNTERS)
    case = Case(healthy_peer(black_holes=(black_hole(),), hints=(counted,)))
    assert len(list(counters_one_way.RULE.check(case))) == times
