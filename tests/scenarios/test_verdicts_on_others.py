"""Verdicts in the log of a device whose other lines name one peer: they may be on somebody else."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import pytest

from analyzers.model.peer import PeerState, PeerView
from analyzers.session.live import LiveSession
from tests.scenarios.inputs import together
from tests.unit.analyzers.session.test_live import SECOND, START_NS, Fifo, until

PEER: Final = "198.51.100.9"

IOS: Final = """\
*Nov 30 12:00:00.000: ISAKMP:(1001):Sending NOTIFY DPD/R_U_THERE protocol 1
\tspi 1701636992, message ID = 1234567
*Nov 30 12:00:00.001: ISAKMP:(1001): seq. no 0x10
*Nov 30 12:00:00.001: ISAKMP:(1001): sending packet to 198.51.100.9 my_port 500 peer_port 500 (I) QM_IDLE
*Nov 30 12:00:00.020: ISAKMP (1001): received packet from 198.51.100.9 dport 500 sport 500 Global (I) QM_IDLE
*Nov 30 12:00:00.021: ISAKMP:(1001): processing NOTIFY DPD/R_U_THERE_ACK protocol 1
\tspi 0, message ID = 7654321, sa = 0x67F5A6E8
*Nov 30 12:00:00.021: ISAKMP:(1001): DPD/R_U_THERE_ACK received from peer 198.51.100.9, sequence 0x10
*Nov 30 12:00:30.000: ISAKMP:({}):deleting SA reason "peers alive" state (I) QM_IDLE
"""  # noqa: E501
CHARON: Final = """\
2025-11-30 12:00:00.000 05[ENC] <east|1> generating INFORMATIONAL request 2 [ ]
2025-11-30 12:00:00.000 05[NET] <east|1> sending packet: from 192.0.2.1[4500] to 198.51.100.9[4500] (80 bytes)
2025-11-30 12:00:00.020 06[NET] <east|1> received packet: from 198.51.100.9[4500] to 192.0.2.1[4500] (80 bytes)
2025-11-30 12:00:00.020 06[ENC] <east|1> parsed INFORMATIONAL response 2 [ ]
2025-11-30 12:00:30.000 07[IKE] <{}> giving up after 5 retransmits
"""  # noqa: E501
IKEV2: Final = """\
*Nov 30 12:00:00.000: IKEv2:(SESSION ID = 31,SA ID = 1):Sending Packet [To 198.51.100.9:500/From 192.0.2.1:500/VRF i0:f0]
Initiator SPI : 1D418169B24BF95A - Responder SPI : A645046F734260C6 Message id: 3
IKEv2 INFORMATIONAL Exchange REQUEST
*Nov 30 12:00:00.020: IKEv2:(SESSION ID = 31,SA ID = 1):Received Packet [From 198.51.100.9:500/To 192.0.2.1:500/VRF i0:f0]
Initiator SPI : 1D418169B24BF95A - Responder SPI : A645046F734260C6 Message id: 3
IKEv2 INFORMATIONAL Exchange RESPONSE
*Nov 30 12:00:30.000: IKEv2-ERROR:(SESSION ID = {}):: Maximum number of retransmissions reached
"""  # noqa: E501
LOGS: Final = {"ios": IOS, "charon": CHARON, "ikev2": IKEV2}
OTHERS: Final = {
    "ios": ("1002", "SA 1002"),
    "charon": ("west|2", "SA west[2]"),
    "ikev2": ("7,SA ID = 2", "SA 7/2"),
}


def _named(peers: tuple[PeerView, ...]) -> dict[str, PeerView]:
    return {peer.remote: peer for peer in peers}


@pytest.mark.parametrize("kind", LOGS)
def test_an_sa_that_no_line_names_the_peer_of_is_nobody_elses(tmp_path: Path, kind: str) -> None:
    written, name = OTHERS[kind]
    peers = _named(together(tmp_path, LOGS[kind].format(written)).peers)
    assert set(peers) == {PEER, name}
    assert {span.state for span in peers[PEER].states} <= {PeerState.UNKNOWN, PeerState.ALIVE}
    assert all(sa.end is None for sa in peers[PEER].ike_sas)


@pytest.mark.parametrize(
    ("kind", "written"), [("ios", "1001"), ("charon", "east|2"), ("ikev2", "31,SA ID = 2")]
)
def test_another_sa_of_the_same_connection_is_the_peers(
    tmp_path: Path, kind: str, written: str
) -> None:
    assert set(_named(together(tmp_path, LOGS[kind].format(written)).peers)) == {PEER}


def test_a_line_further_down_may_name_it(tmp_path: Path) -> None:
    later = IOS.replace("1001", "1002").replace("12:00", "12:01")
    text = IOS.format("1002") + later.format("1002")
    assert set(_named(together(tmp_path, text).peers)) == {PEER}


@pytest.mark.parametrize("kind", LOGS)
def test_a_log_that_grows_says_the_same(tmp_path: Path, kind: str) -> None:
    fifo = Fifo(tmp_path / "debug", kind="log")
    session = LiveSession([fifo.source])
    session.start()
    written, name = OTHERS[kind]
    lines = LOGS[kind].format(written).splitlines(keepends=True)
    for number, text in enumerate(("".join(lines[:-1]), lines[-1])):
        fifo.write(text.encode())
        until(lambda: not fifo.source.feed.empty)
        now_ns = START_NS + number * 30 * SECOND
        session.pump(now_ns)
        session.pump(now_ns + SECOND)
    fifo.close()
    session.end(START_NS + 40 * SECOND)
    peers = _named(session.peers_so_far(START_NS + 40 * SECOND))
    assert set(peers) == {PEER, name}
    assert PeerState.DEAD not in {span.state for span in peers[PEER].states}
