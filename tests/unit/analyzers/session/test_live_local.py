"""Which end is ours, where no handshake was captured: it is told once, and stays so."""

from __future__ import annotations

from pathlib import Path

import pytest

from analyzers.model.peer import LocalBasis, PeerView
from analyzers.sources.feed import CapturedOn, Restart, SourceState
from tests.scenarios.timeline import at, capture
from tests.unit.analyzers.session.test_live_gaps import HEAD, Watch, pieces

A, B = "192.0.2.1", "192.0.2.2"
# The other end is seen first.
ESP = "0..20/0.5 b>a esp in\n0.1..20/0.5 a>b esp out\n"


def local(peer: PeerView) -> tuple[str, LocalBasis]:
    return peer.local, peer.local_basis


@pytest.mark.parametrize("addresses", [(A,), ("198.51.100.7", A, "2001:db8::1")])
def test_the_interface_tells(tmp_path: Path, addresses: tuple[str, ...]) -> None:
    """Live, and in what was kept."""
    watch = Watch(tmp_path)
    watch.source.feed.put(CapturedOn(addresses))
    watch.take(capture(ESP), 10)
    assert local(watch.now(10.1)) == (A, LocalBasis.INTERFACE)
    assert local(watch.end(11)) == (A, LocalBasis.INTERFACE)


def test_an_interface_with_both_ends_tells_nothing(tmp_path: Path) -> None:
    watch = Watch(tmp_path)
    watch.source.feed.put(CapturedOn((A, B)))
    watch.take(capture(ESP), 10)
    assert local(watch.now(10.1)) == (B, LocalBasis.INITIATOR)
    watch.end(11)


def test_an_interface_that_comes_back_may_have_another_address(tmp_path: Path) -> None:
    watch = Watch(tmp_path)
    watch.source.feed.put(CapturedOn(("198.51.100.7",)))
    first, second = pieces(ESP, 8)
    watch.take(first, 8)
    assert local(watch.now(8.1)) == (B, LocalBasis.INITIATOR)
    watch.source.feed.tell(SourceState.WAITING, "gone")
    watch.session.pump(at(8.2))
    watch.source.feed.put(Restart())
    watch.source.feed.put(CapturedOn((A,)))
    watch.source.feed.tell(SourceState.OPEN)
    watch.take(second, 19)
    assert local(watch.now(19.1)) == (A, LocalBasis.INTERFACE)
    watch.end(20.5)


def test_a_guess_that_was_told_stays(tmp_path: Path) -> None:
    """The end of it is the report, which knows all peers."""
    watch = Watch(tmp_path)
    before, after = pieces(ESP + "10..20/0.5 c>a esp other\n", 9)
    watch.take(before, 9)
    assert local(watch.now(9.1)) == (B, LocalBasis.INITIATOR)
    watch.take(after[HEAD:], 20)
    watch.session.pump(at(20.2))
    one, other = watch.session.peers_so_far(at(20.2))
    assert local(one) == (B, LocalBasis.INITIATOR)
    assert local(other) == (A, LocalBasis.MOST_COMMON)
    watch.session.end(at(21))
    assert {local(peer) for peer in watch.session.peers()} == {(A, LocalBasis.MOST_COMMON)}
