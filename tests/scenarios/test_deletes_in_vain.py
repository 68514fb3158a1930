"""An IKEv2 SA that its device deletes, and whose Delete nobody answers until it gives up."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from analyzers.model.peer import PeerState
from analyzers.model.sa import SaEnd
from analyzers.model.time import NS_PER_SECOND
from analyzers.session import Session
from tests.scenarios.inputs import together
from tests.scenarios.test_unnamed_questions import GIVEN_UP, REQUEST, TAG, answered

QUEUED: Final = TAG.format(25) + "Queuing IKE SA delete request reason: unknown\n"
DELETES: Final = (
    TAG.format(25) + "Sending DELETE INFO message for IPsec SA [SPI: 0x28DC063C]\n"
    + TAG.format(25) + "Building packet for encryption.\nPayload contents: \n DELETE\n\n"
    + REQUEST.format(25, 5)
    + "".join(
        TAG.format(at_s) + "Retransmitting packet\n" + REQUEST.format(at_s, 5)
        for at_s in (27, 29, 31, 33, 35)
    )
    + GIVEN_UP.format(37, 37)
)  # fmt: skip


def test_who_deletes_an_sa_in_vain_has_given_nobody_up(tmp_path: Path) -> None:
    peer = together(tmp_path, answered(0, 10, 20) + QUEUED + DELETES).peer
    (sa,) = peer.ike_sas
    assert (sa.end, (sa.ended_ns or 0) // NS_PER_SECOND % 60) == (SaEnd.DELETE, 25)
    assert peer.state is PeerState.DELETED
    assert [(d.answered, d.transmissions) for d in peer.deletes] == [(False, 6)]
    session = Session()
    session.run([str(path) for path in tmp_path.iterdir()])
    (finding,) = session.judgement().findings
    assert (finding.rule, finding.title) == ("delete-lost", "A Delete was not answered")
    assert "whether the peer lived then, is not known" in finding.detail


def test_who_deletes_a_child_sa_in_vain_has(tmp_path: Path) -> None:
    """Any request that is never answered ends the IKE SA (RFC 7296 section 2.4)."""
    peer = together(tmp_path, answered(0, 10, 20) + DELETES).peer
    assert [sa.end for sa in peer.ike_sas] == [SaEnd.DEAD_PEER]
