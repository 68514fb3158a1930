"""Several devices in one log, as a syslog server writes it: each has SAs and a clock of its own."""

from __future__ import annotations

from pathlib import Path

import pytest

from analyzers.model.exchange import Outcome
from analyzers.model.peer import PeerState
from analyzers.session import ClockOptions
from tests.scenarios.inputs import Together, together
from tests.scenarios.logs import Clock, isakmp, star
from tests.scenarios.timeline import at, capture, ns

DEAD = """
10 a>b v1 info 108 says=ruthere number=7
10.02 b>a v1 info 108 says=ack number=7
40 a>b v1 info 108 says=ruthere number=8
42 a>b v1 info 108 says=ruthere number=8
44 a>b v1 info 108 says=ruthere number=8
46 a>b v1 info 108 says=ruthere number=8
48 a>b v1 info 108 says=ruthere number=8
"""
GIVES_UP = [(50.0, "ISAKMP:(1001):peer 192.0.2.2 not responding!")]
IN_2023 = ClockOptions(year=2023)
HEALTHY = """
5..100/20 a>b v1 info 108 sa=2 says=ruthere number=300
5.02..100/20 b>a v1 info 108 sa=2 says=ack number=300
"""


def of_host(name: str) -> Clock:
    """The clock of an IOS device that a relay names."""
    return Clock(lambda at_ns: f"{star(at_ns)[1:16]} {name} 91: {star(at_ns)}")


def logs_of_two() -> tuple[list[str], list[str]]:
    """Both have conn id 1001, to the same peer."""
    one = isakmp(DEAD, "a", of_host("hub1"), said=GIVES_UP)
    two = isakmp(HEALTHY, "a", of_host("hub2")).replace("(1002)", "(1001)")
    lines = [log.replace("\n        spi", " spi").splitlines() for log in (one, two)]
    return lines[0], lines[1]


def check(told: Together) -> None:
    first, second = sorted(told.peers, key=lambda peer: peer.local)
    assert (first.local, second.local) == ("hub1", "hub2")
    assert (first.state, second.state) == (PeerState.DEAD, PeerState.ALIVE)
    answered, dead = first.exchanges
    assert (answered.outcome, dead.outcome) == (Outcome.ANSWERED, Outcome.UNANSWERED)
    assert dead.verdict_ns == at(50)
    (hole,) = first.black_holes
    assert hole.last_proof_ns == pytest.approx(at(10.02), abs=ns(0.01))
    assert [x.outcome for x in second.exchanges] == [Outcome.ANSWERED] * 5
    assert not second.black_holes


def test_one_after_the_other(tmp_path: Path) -> None:
    one, two = logs_of_two()
    check(together(tmp_path, "\n".join([*one, *two]) + "\n", clocks=IN_2023))


def test_line_by_line(tmp_path: Path) -> None:
    one, two = logs_of_two()
    lines = sorted([*one, *two], key=lambda line: line.split(": ", 1)[1][:20])
    check(together(tmp_path, "\n".join(lines) + "\n", clocks=IN_2023))


def test_a_capture_of_one_is_none_of_the_other(tmp_path: Path) -> None:
    one, two = logs_of_two()
    text = "0 a>b v1 main-mode\n" + DEAD + "capture 0..60\n"
    told = together(tmp_path, capture(text), "\n".join([*one, *two]) + "\n")
    by_local = {peer.local: peer for peer in told.peers}
    assert by_local["192.0.2.1"].state is PeerState.DEAD
    assert [x.outcome for x in by_local["hub2"].exchanges] == [Outcome.ANSWERED] * 5
