"""Logs that lost lines (a bounded rate, a cut): the verdict that is left stands."""

from __future__ import annotations

from pathlib import Path

import pytest

from analyzers.model.peer import PeerState, PeerView
from analyzers.model.records import Confidence
from analyzers.session import Session

PACKET = "[NET] {} packet: from 192.0.2.{}[4500] to 192.0.2.{}[4500] (76 bytes)"
SENT, RECEIVED = PACKET.format("sending", 1, 2), PACKET.format("received", 2, 1)
ANSWERED = [
    (5, "generating INFORMATIONAL request 7 [ ]"), (5, SENT),
    (5, RECEIVED), (5, "parsed INFORMATIONAL response 7 [ ]"),
]  # fmt: skip
UP = [(0, "IKE_SA gw[1] established between 192.0.2.1[192.0.2.1]...192.0.2.2[192.0.2.2]")]
RAN_OUT = [(19, "giving up after 3 retransmits")]
REMOVED = [(19, "IKE_SA gw[1] state change: ESTABLISHED => DESTROYING")]
TIMED_OUT = [(19, "DPD check timed out, enforcing DPD action")]
MAIN_MODE = [
    (19, "initiating Main Mode IKE_SA gw[2] to 192.0.2.2"),
    (19, "generating ID_PROT request 0 [ SA V ]"),
    (19, "[NET] sending packet: from 192.0.2.1[500] to 192.0.2.2[500] (180 bytes)"),
]
AUTH = [(0, "generating IKE_AUTH request 1 [ IDi ]"), (0, SENT)]
AGAIN = [(4, "retransmit 1 of request with message ID 1"), (4, SENT)]


def peer_of(folder: Path, *said: list[tuple[int, str]]) -> PeerView:
    lines = [
        f"2026-11-22 10:00:{at:02}.000 05{'' if text.startswith('[') else '[IKE] <gw|1> '}{text}\n"
        for part in said
        for at, text in part
    ]
    path = folder / "charon.log"
    path.write_text("".join(lines))
    session = Session()
    session.run([str(path)])
    (peer,) = session.peers()
    return peer


@pytest.mark.parametrize(
    "said",
    [
        pytest.param((ANSWERED, RAN_OUT), id="no question, no beginning"),
        pytest.param((ANSWERED, RAN_OUT, REMOVED), id="and what came of it"),
        pytest.param((UP, RAN_OUT, REMOVED), id="no question"),
        pytest.param((UP, TIMED_OUT, MAIN_MODE), id="negotiated anew at once"),
    ],
)
def test_a_verdict_stands_without_its_question(
    tmp_path: Path, said: tuple[list[tuple[int, str]], ...]
) -> None:
    peer = peer_of(tmp_path, *said)
    assert (peer.state, peer.confidence) == (PeerState.DEAD, Confidence.CERTAIN)
    assert peer.states[-1].start_ns % 60_000_000_000 == 19_000_000_000


def test_an_attempt_that_is_given_up_is_no_dead_peer(tmp_path: Path) -> None:
    peer = peer_of(tmp_path, AUTH, AGAIN, RAN_OUT)
    assert PeerState.DEAD not in {span.state for span in peer.states}
