"""Ends that move and come back: one SA, whatever addresses it is seen under."""

from __future__ import annotations

from pathlib import Path

import pytest

from analyzers.model.peer import PeerState, PeerView
from analyzers.model.records import ProblemKind
from analyzers.session import Session, SessionOptions
from tests.scenarios.conftest import Tell
from tests.scenarios.timeline import at, capture

# Each stay lasts 50 s; the handover takes 3 s, in which b goes on to the old address.
STAY = """
    {from}..{to}/0.3 {end}>b:4500 esp out
    {from}..{late}/0.3 b:4500>{end} esp in
    """
HANDOVER = """
    {at}.0 {end}>b:4500 notify {id}
    {at}.02 b:4500>{end} notify {id} resp
    """


def roams(*ends: str, last: float = 50) -> str:
    """An end that is seen under each of `ends` in turn, `last` seconds under the last."""
    text = f"0 {ends[0]}>b:4500 v2 handshake\n"
    for number, end in enumerate(ends):
        begin = number * 50
        if number:
            text += HANDOVER.format(at=begin, end=end, id=number + 1)
        is_last = number == len(ends) - 1
        to, late = (begin + last, begin + last) if is_last else (begin + 47, begin + 49.8)
        text += STAY.format(**{"from": begin + 0.1, "to": to, "late": late, "end": end})
    return text


def expect_no_loss(peer: PeerView) -> None:
    assert [hole.max_seconds for hole in peer.black_holes if hole.max_seconds > 4] == []
    assert {flow.missing_sequences for flow in peer.esp_flows} == {0}
    assert not any(p.kind is ProblemKind.CAPTURE_INSUFFICIENT for p in peer.problems)
    assert PeerState.UNKNOWN not in {s.state for s in peer.states if s.start_ns > at(1)}


@pytest.mark.parametrize(
    "ends",
    [
        ("n:61000", "m:62000", "n:61000"),
        ("n:61000", "m:62000", "n:63000", "m:64000"),
        ("n:61000", "m:62000", "c:4500"),
    ],
)
def test_a_client_roams(tell: Tell, ends: tuple[str, ...]) -> None:
    """MOBIKE: what is not under one address is under another; nothing is missing."""
    (peer,) = tell(roams(*ends)).peers
    expect_no_loss(peer)


def test_it_dies_where_it_was_before(tell: Tell) -> None:
    """The way back is no excuse for a hole that begins there."""
    text = roams("n:61000", "m:62000", "n:61000") + "150..250/0.3 b:4500>n:61000 esp in\n"
    (peer,) = tell(text).peers
    hole = max(peer.black_holes, key=lambda h: h.max_seconds)
    assert (hole.receiver, hole.recovered_ns) == ("198.51.100.1", None)
    assert 148 < (hole.stop_ns - at(0)) / 1e9 - hole.max_seconds < 151
    assert hole.max_seconds > 98


def test_what_is_lost_meanwhile_is_missing(tell: Tell) -> None:
    """Its numbers were never seen, under no address: the capture was cut, or the path."""
    text = roams("n:61000", "m:62000", "n:61000") + "unseen n>b 110..130\nunseen b>n 110..130\n"
    (peer,) = tell(text).peers
    assert sum(flow.missing_sequences for flow in peer.esp_flows) > 120


V6 = """
    host x 2001:db8::7
    host y 2001:db8::10
    0 n:61000>b:4500 v2 handshake
    0.1..50/0.3 n:61000>b:4500 esp out
    0.1..50/0.3 b:4500>n:61000 esp in
    50.2 x:4500>y:4500 notify 2
    50.22 y:4500>x:4500 notify 2 resp
    50.4..100/0.3 x:4500>y:4500 esp out
    50.4..100/0.3 y:4500>x:4500 esp in
    70 x:4500>y:4500 liveness 3
    70.02 y:4500>x:4500 liveness 3 resp
    """


def test_from_ipv4_to_ipv6(tell: Tell) -> None:
    """Both ends have another address at once; the SPIs of IKE stay (RFC 4555 section 3.5)."""
    (peer,) = tell(V6).peers
    expect_no_loss(peer)
    assert (len(peer.ike_sas), len(peer.esp_flows), len(peer.exchanges)) == (1, 4, 1)
    assert {peer.local, peer.remote} == {"2001:db8::7", "2001:db8::10"}


def test_who_asks_after_both_ends_moved(tell: Tell) -> None:
    """The first message from there may be the responder's; its side is told by its flag."""
    text = V6.replace("50.2 x:4500>y:4500 notify 2", "50.2 y:4500>x:4500 notify 0")
    text = text.replace("50.22 y:4500>x:4500 notify 2 resp", "50.22 x:4500>y:4500 notify 0 resp")
    (peer,) = tell(text).peers
    (asked,) = peer.exchanges
    assert (asked.prober, peer.ike_sas[0].initiator) == ("2001:db8::7", "198.51.100.1")


def group(*, first: int = 1) -> str:
    """Three members that have one SPI, and a group address; each counts what it sends to all."""
    text = "host g 239.1.1.1\n"
    for member, sender in enumerate("abc"):
        sequence = first + 5000 * member * (first > 1)
        others = [*"abc".replace(sender, ""), "g"]
        for turn in range(12):
            begin = turn * 5 + 0.1 * (member + 1)
            end = others[turn % 3]
            text += f"{begin}..{turn * 5 + 5}/0.5 {sender}>{end} esp all seq={sequence}+\n"
            sequence += 10
    return text


@pytest.mark.parametrize("first", [1, 70_000])
def test_the_members_of_a_group_are_no_peer_that_moves(tell: Tell, first: int) -> None:
    """RFC 6407: their SPI is the same, whoever sends to whom."""
    told = tell(group(first=first))
    pairs = {frozenset((peer.local, peer.remote)) for peer in told.peers}
    assert len(pairs) == len(told.peers) == 6
    assert ProblemKind.ADDRESS_CHANGED not in told.problems
    assert {flow.missing_sequences for peer in told.peers for flow in peer.esp_flows} == {0}


def test_who_loses_a_packet_of_a_group_is_told(tell: Tell) -> None:
    told = tell(group() + "unseen a>b 31..32.5\n")
    lost = [f for p in told.peers for f in p.esp_flows if f.missing_sequences]
    assert [(flow.sender, flow.missing_sequences) for flow in lost] == [("192.0.2.1", 3)]


def test_a_sender_with_a_number_of_its_own_has_not_moved(tell: Tell) -> None:
    """Two have an SPI of one receiver: it has chosen it for one, and by chance for the other."""
    text = """
        0.1..30/0.2 a>b esp in seq=9000+
        0.15..30/0.2 b>a esp out1
        10.1..40/0.2 c>b esp in seq=20+
        10.15..40/0.2 b>c esp out2
        """
    assert len(tell(text).peers) == 2


@pytest.mark.parametrize(
    "story", [roams("n:61000", "m:62000", "n:63000"), group(), group(first=70_000), V6]
)
def test_any_cutting_gives_the_same(tmp_path: Path, story: str) -> None:
    path = tmp_path / "capture.pcap"
    path.write_bytes(capture(story))
    found = []
    for chunk_bytes, batch_rows in ((1 << 22, 1 << 15), (997, 0), (5000, 7)):
        session = Session(SessionOptions(chunk_bytes=chunk_bytes, batch_rows=batch_rows))
        session.run([str(path)])
        found.append(session.peers())
    assert found[0] == found[1] == found[2]
