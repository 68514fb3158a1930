"""A device that starts anew, by its own log, has lost its SAs: of its peers it knows nothing."""

from __future__ import annotations

from pathlib import Path

import pytest

from analyzers.model.peer import PeerState, PeerView
from analyzers.model.sa import SaEnd
from tests.scenarios.inputs import together
from tests.scenarios.logs import Clock, Said, charon, ios_zoned, isakmp
from tests.scenarios.timeline import at, capture

ANSWERED = """
0..20/10 a>b v1 info 108 says=ruthere number=7
0.02..20.02/10 b>a v1 info 108 says=ack number=7
"""
UTC = Clock(ios_zoned)
RELOAD = "%SYS-5-RELOAD: Reload requested by console. Reload Reason: Reload Command."
UP = "ISAKMP:(1002):Old State = IKE_I_MM6  New State = IKE_P1_COMPLETE"


def _states(peer: PeerView) -> list[tuple[PeerState, int]]:
    return [(span.state, span.start_ns) for span in peer.states]


def test_nothing_is_known_of_a_peer_after_a_reload(tmp_path: Path) -> None:
    peer = together(tmp_path, isakmp(ANSWERED, clock=UTC, said=[(30, RELOAD)])).peer
    assert _states(peer)[-1] == (PeerState.UNKNOWN, at(30))
    (sa,) = peer.ike_sas
    assert (sa.end, sa.ended_ns) == (SaEnd.LOST, at(30))


def test_a_peer_lives_again_when_it_is_heard(tmp_path: Path) -> None:
    packet = "ISAKMP:(0): sending packet to 192.0.2.2 my_port 500 peer_port 500 (I) MM_NO_STATE"
    later: Said = [(30, RELOAD), (89, packet), (90, UP)]
    peer = together(tmp_path, isakmp(ANSWERED, clock=UTC, said=later)).peer
    assert _states(peer)[-2:] == [(PeerState.UNKNOWN, at(30)), (PeerState.ALIVE, at(90))]
    assert [sa.end for sa in peer.ike_sas] == [SaEnd.LOST, None]


def test_an_sa_that_is_used_after_all_was_not_lost(tmp_path: Path) -> None:
    """A reload may be called off."""
    peer = together(tmp_path, isakmp(ANSWERED, clock=UTC, said=[(5, RELOAD)])).peer
    assert _states(peer)[-1][0] is PeerState.ALIVE
    assert peer.ike_sas[0].end is None


def test_who_was_dead_before_stays_dead(tmp_path: Path) -> None:
    vain = "".join(f"{s} a>b v1 info 108 says=ruthere number=8\n" for s in (30, 32, 34, 36, 38))
    said: Said = [(40, "ISAKMP:(1001):peer 192.0.2.2 not responding!"), (50, RELOAD)]
    peer = together(tmp_path, isakmp(ANSWERED + vain, clock=UTC, said=said)).peer
    assert (peer.state, peer.ike_sas[0].end) == (PeerState.DEAD, SaEnd.DEAD_PEER)


def test_a_capture_shows_who_lives(tmp_path: Path) -> None:
    text = "0 a>b v2 handshake\n1..60/1 a>b esp out\n1.1..60/1 b>a esp in\n"
    log = charon(text, said=[(30, "00[DMN] Starting IKE charon daemon (strongSwan 5.9.8)")])
    assert together(tmp_path, capture(text), log).peer.state is PeerState.ALIVE


SPAWNED = "00[JOB] spawning 16 worker threads"
STARTING = "00[DMN] Starting IKE charon daemon (strongSwan 5.9.8, Linux 6.1.0, x86_64)"


@pytest.mark.parametrize("lines", [[SPAWNED], [STARTING, SPAWNED]])
def test_a_charon_that_was_killed(tmp_path: Path, lines: list[str]) -> None:
    """The first line of the new process need not be in the log."""
    said = [(30 + number / 10, line) for number, line in enumerate(lines)]
    said.insert(0, (0.1, "05[IKE] IKE_SA gw[1] established between 192.0.2.1[a]...192.0.2.2[b]"))
    peer = together(tmp_path, charon("0 a>b v2 handshake\n", said=said)).peer
    assert peer.state is PeerState.UNKNOWN
    assert [hint.at_ns for hint in peer.hints] == [at(30)]
