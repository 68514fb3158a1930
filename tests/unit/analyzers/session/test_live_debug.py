"""The debug of a router, as it is followed: nothing else tells of the peer."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from analyzers.model.exchange import Outcome
from analyzers.model.peer import PeerState, PeerView
from analyzers.session.expectations import expectations
from analyzers.session.live import LiveSession
from dpdlab.present.live_lines import expected
from tests.unit.analyzers.session.test_live import SECOND, START_NS, Fifo, until

IOS_PROBE = """\
ISAKMP: set new node {node} to QM_IDLE
ISAKMP:(1007):Sending NOTIFY DPD/R_U_THERE protocol 1
        spi 1701636992, message ID = {node}
ISAKMP:(1007): seq. no 0x5E0C4F45
ISAKMP:(1007): sending packet to 198.51.100.9 my_port 500 peer_port 500 (I) QM_IDLE
ISAKMP:(1007):Input = IKE_MESG_FROM_TIMER, IKE_TIMER_PEERS_ALIVE
"""
IOS_MISSED = (
    "ISAKMP:(1007):DPD incrementing error counter on sa, attempt {} of 5: PEERS_ALIVE_TIMER\n"
)
IOS_DEAD = """\
ISAKMP:(1007):peer 198.51.100.9 not responding!
ISAKMP:(1007):deleting SA reason "peers alive" state (I) QM_IDLE       (peer 198.51.100.9)
"""
IOS_UP_AGAIN = """\
ISAKMP: Trying to insert a peer 192.0.2.1/198.51.100.9/500/,  and inserted successfully 66440000.
ISAKMP:(1008): sending packet to 198.51.100.9 my_port 500 peer_port 500 (I) MM_KEY_EXCH
ISAKMP:(1008):Old State = IKE_I_MM6  New State = IKE_P1_COMPLETE
"""


def _stamped(text: str, at_ns: int) -> bytes:
    moment = datetime.fromtimestamp(at_ns // SECOND, UTC)
    stamp = f"*{moment:%b} {moment.day:2} {moment:%H:%M:%S}.000: "
    lines = [line if line.startswith(" ") else stamp + line for line in text.splitlines(True)]
    return "".join(lines).encode()


def test_the_debug_of_a_router_counts_down_to_its_verdict(tmp_path: Path) -> None:
    """Without any capture and any configuration; what it says later of itself makes no new peer."""
    fifo = Fifo(tmp_path / "debug", kind="log")
    session = LiveSession([fifo.source])
    session.start()
    now_ns = START_NS

    def say(text: str, seconds: float) -> PeerView:
        nonlocal now_ns
        now_ns = START_NS + round(seconds * SECOND)
        fifo.write(_stamped(text, now_ns))
        until(lambda: not fifo.source.feed.empty)
        session.pump(now_ns)
        now_ns += SECOND // 4
        session.pump(now_ns)
        (peer,) = session.peers_so_far(now_ns)
        return peer

    peer = say(IOS_PROBE.format(node=101), 0)
    assert peer.exchanges[0].outcome is Outcome.OPEN
    for number in range(1, 5):
        text = IOS_MISSED.format(number) + IOS_PROBE.format(node=101 + number)
        peer = say(text, 2 * number)
        (found,) = expectations(peer)
        left_s = 10 - 2 * number
        said = f"questionable, probing {number + 1} of 5, verdict expected in {left_s} s"
        assert said in expected(found, now_ns - SECOND // 4)
    assert say(IOS_MISSED.format(5) + IOS_DEAD, 10).state is PeerState.DEAD
    peer = say(IOS_UP_AGAIN, 30)
    fifo.close()
    session.end(now_ns)
    assert peer.state is not PeerState.DEAD


def test_of_two_routers_in_one_syslog_each_has_its_own_peer(tmp_path: Path) -> None:
    fifo = Fifo(tmp_path / "debug", kind="log")
    session = LiveSession([fifo.source])
    session.start()
    for host, text in (("hub1", IOS_PROBE.format(node=101)), ("hub2", IOS_PROBE.format(node=102))):
        lines = _stamped(text, START_NS).decode().replace("\n        ", " ").splitlines(True)
        fifo.write("".join(f"{line[1:16]} {host} 7: {line}" for line in lines).encode())
        until(lambda: not fifo.source.feed.empty)
        session.pump(START_NS)
        session.pump(START_NS + SECOND // 4)
    peers = session.peers_so_far(START_NS + SECOND)
    fifo.close()
    session.end(START_NS + SECOND)
    assert {peer.local for peer in peers} == {"local", "hub2"}
    assert [len(peer.exchanges) for peer in peers] == [1, 1]
