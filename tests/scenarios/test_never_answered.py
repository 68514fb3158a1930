"""An end that began to negotiate and got nothing back: nothing was deleted, and nobody is dead."""

from __future__ import annotations

from pathlib import Path

import pytest

from analyzers.export import words
from analyzers.export.formatting import Severity, peer_severity
from analyzers.export.verdict import verdict_of
from analyzers.model.peer import PeerState, PeerView
from analyzers.model.sa import SaEnd
from analyzers.session import Session
from tests.scenarios.timeline import capture

SPIS = "InitSPI=0x0c6ef96ec28eea32 RespSPI=0x0000000000000000 MID=00000000"
ENDS = "[192.0.2.1]:500->[198.51.100.7]:500"
SENT = f"IKEv2-PLAT-3: (8): SENT PKT [IKE_SA_INIT] {ENDS} {SPIS}\n"
ANSWER = (
    "IKEv2-PLAT-3: RECV PKT [IKE_SA_INIT] [198.51.100.7]:500->[192.0.2.1]:500"
    " InitSPI=0x0c6ef96ec28eea32 RespSPI=0x1111111111111111 MID=00000000\n"
)
GIVEN_UP = (
    "IKEv2-PROTO-1: (8): Maximum number of retransmissions reached\nIKEv2-PROTO-2: (8): Deleting"
    " SA\n"
)
V2 = "0 a>b v2 sa-init\n2 a>b v2 sa-init\n6 a>b v2 sa-init"


def of_log(folder: Path, text: str) -> PeerView:
    path = folder / "asa.log"
    path.write_text(text)
    session = Session()
    session.run([str(path)])
    (peer,) = session.peers()
    return peer


@pytest.mark.parametrize("times", [2, 7])
def test_a_log_of_an_attempt_in_vain(tmp_path: Path, times: int):
    peer = of_log(tmp_path, SENT * times + GIVEN_UP)
    assert peer.state is PeerState.UNKNOWN
    assert [sa.end for sa in peer.ike_sas] == [SaEnd.FAILED]
    assert words.peer_phrase(peer) == "never answered"
    assert "nothing came back" in words.state_means(peer)
    assert peer_severity(peer) is Severity.WARN
    said = " ".join(part.text for part in verdict_of([peer]).parts)
    assert said.startswith("1 peer never answered")
    assert "deleted" not in said


def test_an_sa_of_which_the_other_end_knew_was_deleted(tmp_path: Path):
    peer = of_log(tmp_path, SENT + ANSWER + GIVEN_UP)
    assert words.peer_word(peer) == "deleted"


def test_an_sa_that_was_up_before_the_log_began_is_no_attempt(tmp_path: Path):
    """Any request tests liveness, and INFORMATIONAL needs an SA."""
    sent = SENT.replace("IKE_SA_INIT", "INFORMATIONAL").replace("MID=00000000", "MID=00000004")
    peer = of_log(tmp_path, sent.replace("0x0000000000000000", "0x1111111111111111") * 3 + GIVEN_UP)
    assert (peer.state, [sa.end for sa in peer.ike_sas]) == (PeerState.DEAD, [SaEnd.DEAD_PEER])


def test_an_attempt_that_was_not_repeated_is_none_in_vain(tmp_path: Path):
    assert words.peer_word(of_log(tmp_path, SENT)) == "unknown"


def test_of_an_end_that_was_not_captured_nobody_can_say_it(tmp_path: Path):
    """The answers may have taken another path."""
    path = tmp_path / "one-way.pcap"
    path.write_bytes(capture(V2))
    session = Session()
    session.run([str(path)])
    (peer,) = session.peers()
    assert peer.unheard
    assert words.peer_phrase(peer) == "unknown (suspect)"
