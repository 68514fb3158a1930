"""A capture on a box that translates addresses: every packet on both sides of it."""

from __future__ import annotations

import pytest

from analyzers.model.exchange import Outcome
from analyzers.model.peer import PeerState, PeerView
from analyzers.model.records import ProblemKind
from tests.scenarios.conftest import Tell, Told

NATS = ("nat a n 40000", "nat a i 0", "nat a n 40000\ntwice 0.0005")
"""Other ports; only another address, and a private one; a mirror that shows both directions."""
HOSTS = "host i 10.9.0.1\n"
IKEV2 = """
0 a>b v2 handshake
0.1..30/0.2 a:4500>b:4500 esp out
0.11..14/0.2 b:4500>a:4500 esp in
6 b:4500>a:4500 liveness 0
6.01 a:4500>b:4500 liveness 0 resp
20 a:4500>b:4500 liveness 3
22 a:4500>b:4500 liveness 3
26 a:4500>b:4500 liveness 3
"""
IKEV1 = """
0 a>b v1 main-mode
0.1 a:4500>b:4500 v1 quick
1..40/1 a:4500>b:4500 esp out
1.1..40/1 b:4500>a:4500 esp in
10 a:4500>b:4500 v1 info 108
10.02 b:4500>a:4500 v1 info 108
20 b:4500>a:4500 v1 info 108
20.02 a:4500>b:4500 v1 info 108
30 a:4500>b:4500 v1 info 108
30.02 b:4500>a:4500 v1 info 108
"""


def shape(peer: PeerView) -> list[tuple[object, ...]]:
    """The questions and answers of a peer."""
    return [
        (x.outcome, [round(t.at_ns / 1e6) for t in x.transmissions], x.answer is not None)
        for x in peer.exchanges
    ]


def check_one_story(told: Told, plain: Told) -> None:
    peer, known = told.peer, plain.peer
    assert shape(peer) == shape(known)
    assert peer.state is known.state
    assert [f.rule for f in told.findings] == [f.rule for f in plain.findings]
    assert ProblemKind.ADDRESS_CHANGED not in told.problems
    assert ProblemKind.CAPTURE_DUPLICATE in told.problems
    holes = [
        [(b.black_hole_class, b.min_packets, b.max_packets) for b in p.black_holes]
        for p in (peer, known)
    ]
    assert holes[0] == holes[1]
    flows = [sorted((f.spi, f.packets, f.bytes) for f in p.esp_flows) for p in (peer, known)]
    assert flows[0] == flows[1]


@pytest.mark.parametrize("nat", NATS)
@pytest.mark.parametrize("story", [IKEV1, IKEV2])
def test_both_sides_are_one(tell: Tell, nat: str, story: str) -> None:
    check_one_story(tell(f"{HOSTS}{nat}\n{story}"), tell(story))


@pytest.mark.parametrize("begin", [5, 15])
@pytest.mark.parametrize("nat", NATS)
@pytest.mark.parametrize("story", [IKEV1, IKEV2])
def test_begun_midway(tell: Tell, nat: str, story: str, begin: int) -> None:
    """What comes in is seen outside first."""
    cut = f"capture {begin}..50\n{story}"
    check_one_story(tell(f"{HOSTS}{nat}\n{cut}"), tell(cut))


def test_what_was_seen_is_told_once(tell: Tell) -> None:
    told = tell(f"nat a n 40000\n{IKEV2}")
    said = [p for s in told.sources for p in s.problems if p.kind is ProblemKind.CAPTURE_DUPLICATE]
    assert [(p.detail, p.count) for p in said] == [
        (
            "IKE messages were recorded on both sides of a NAT, which knows 192.0.2.1 as"
            " 198.51.100.1; they are no retransmissions",
            9,
        ),
        (
            "ESP packets were recorded on both sides of a NAT, which knows 192.0.2.1 as"
            " 198.51.100.1; they are counted once",
            220,
        ),
    ]
    assert set(told.peer.addresses) | {told.peer.local} >= {"192.0.2.1"}


def test_one_that_moves_is_not_two(tell: Tell) -> None:
    """What a NAT with a new mapping lets through is no copy, however soon it comes."""
    told = tell("""
        0 n:61000>b:4500 liveness 3
        0.01 b:4500>n:61000 liveness 3 resp
        10 n:61000>b:4500 liveness 4
        12 n:62000>b:4500 liveness 4
        12.01 b:4500>n:62000 liveness 4 resp
    """)
    assert shape(told.peer)[1][:2] == (Outcome.ANSWERED, [1_700_000_010_000, 1_700_000_012_000])
    assert ProblemKind.CAPTURE_DUPLICATE not in told.problems
    assert told.peer.state is PeerState.ALIVE


def test_a_question_on_every_path_is_no_nat(tell: Tell) -> None:
    """RFC 4555: an end with two addresses asks from both at once, and may go on from the other."""
    told = tell("""
        0 a:4500>b:4500 liveness 3
        0.01 b:4500>a:4500 liveness 3 resp
        10 a:4500>b:4500 liveness 4
        10.001 c:4500>b:4500 liveness 4
        10.02 b:4500>c:4500 liveness 4 resp
        20 c:4500>b:4500 liveness 5
        20.01 b:4500>c:4500 liveness 5 resp
    """)
    assert ProblemKind.ADDRESS_CHANGED in told.problems
    assert [x.outcome for x in told.peer.exchanges] == [Outcome.ANSWERED] * 3
