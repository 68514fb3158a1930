"""Several devices in one log, as a syslog server writes it: each has SAs and a clock of its own."""

from __future__ import annotations

from pathlib import Path

import pytest

from analyzers.model.exchange import Lost, Outcome
from analyzers.model.peer import PeerState
from analyzers.model.records import ProblemKind
from analyzers.session import ClockOptions
from tests.scenarios.inputs import Together, together
from tests.scenarios.logs import Clock, isakmp, star, syslog
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


def charons(lost_from_s: float) -> list[tuple[float, str]]:
    """gwa asks gwb every 10 s; answers that gwb sends from then on do not arrive."""
    lines: list[tuple[float, str]] = []

    def say(second: float, host: str, said: str) -> None:
        lines.append((second, f"{syslog(at(second))[:15]} {host} charon: {said}"))

    to_b, to_a = (
        f"packet: from {one}[4500] to {two}[4500] (80 bytes)"
        for one, two in (("192.0.2.1", "192.0.2.2"), ("192.0.2.2", "192.0.2.1"))
    )

    def arrives(second: float, number: int) -> None:
        say(second, "gwb", f"07[NET] <tun|1> received {to_b}")
        say(second, "gwb", f"07[ENC] <tun|1> parsed INFORMATIONAL request {number} [ ]")
        say(second, "gwb", f"07[ENC] <tun|1> generating INFORMATIONAL response {number} [ ]")
        say(second, "gwb", f"07[NET] <tun|1> sending {to_a}")

    for number, second in enumerate((10, 20, 30, 40)):
        say(second, "gwa", f"05[ENC] <tun|1> generating INFORMATIONAL request {number} [ ]")
        say(second, "gwa", f"05[NET] <tun|1> sending {to_b}")
        arrives(second, number)
        if second < lost_from_s:
            say(second, "gwa", f"08[NET] <tun|1> received {to_a}")
            say(second, "gwa", f"08[ENC] <tun|1> parsed INFORMATIONAL response {number} [ ]")
    for retry, second in ((1, 44), (2, 52)) if lost_from_s <= 40 else ():
        say(second, "gwa", f"06[IKE] <tun|1> retransmit {retry} of request with message ID 3")
        say(second, "gwa", f"06[NET] <tun|1> sending {to_b}")
        arrives(second, 3)
    if lost_from_s <= 40:
        say(65, "gwa", "06[IKE] <tun|1> giving up after 2 retransmits")
    return lines


def text(lines: list[tuple[float, str]]) -> str:
    return "".join(f"{line}\n" for _, line in lines)


def test_both_ends_in_one_file_are_two_witnesses(tmp_path: Path) -> None:
    """What both tell of one message is one transmission; the other end answered every time."""
    told = together(tmp_path, text(charons(40)), clocks=IN_2023)
    peer = told.peer
    assert (peer.local, peer.remote, peer.state) == ("192.0.2.1", "192.0.2.2", PeerState.DEAD)
    *answered, dead = peer.exchanges
    assert [len(x.transmissions) for x in answered] == [1, 1, 1]
    assert (len(dead.transmissions), dead.verdict_ns, dead.lost) == (3, at(65), Lost.ANSWER)
    (hole,) = peer.black_holes
    assert (hole.dead_ns, hole.probes) == (at(65), 3)


def test_what_two_files_tell_one_file_of_both_does(tmp_path: Path) -> None:
    lines = charons(100)
    parts = [text([x for x in lines if f" {host} " in x[1]]) for host in ("gwa", "gwb")]
    (one_file, two_files) = (tmp_path / name for name in ("one", "two"))
    for folder in (one_file, two_files):
        folder.mkdir()
    one = together(one_file, text(lines), clocks=IN_2023).peer
    two = together(two_files, *parts, clocks=IN_2023).peer
    assert len(one.exchanges) == len(two.exchanges) == 4
    assert [(x.outcome, x.first_ns, x.retries) for x in one.exchanges] == [
        (x.outcome, x.first_ns, x.retries) for x in two.exchanges
    ]


@pytest.mark.parametrize("ahead_s", [0.0, 90.0])
def test_ends_of_ios_are_put_on_one_clock(tmp_path: Path, ahead_s: float) -> None:
    one = isakmp(HEALTHY, "a", of_host("hub"))
    two = isakmp(HEALTHY, "b", Clock(of_host("spoke").stamp, ahead_s))
    lines = [log.replace("\n        spi", " spi") for log in (one, two)]
    told = together(tmp_path, "".join(lines), clocks=IN_2023)
    clocks = [p.detail for s in told.sources for p in s.problems if p.kind is ProblemKind.CLOCK_SET]
    assert ["spoke is 90.0 s ahead" in said for said in clocks] == [True] * bool(ahead_s)
    peer = told.peer
    assert {peer.local, peer.remote} == {"192.0.2.1", "192.0.2.2"}
    assert [len(x.transmissions) for x in peer.exchanges] == [1] * 5
