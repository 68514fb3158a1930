"""A message ID that another exchange type had before is no retransmission of anything."""

from __future__ import annotations

from pathlib import Path

from analyzers.model.records import Problem, ProblemKind
from analyzers.session import Session
from tests.scenarios.timeline import capture


def problems(tmp_path: Path, text: str) -> list[Problem]:
    path = tmp_path / "0.pcap"
    path.write_bytes(capture(text))
    session = Session()
    session.run([str(path)])
    return [p for peer in session.peers() for p in peer.problems]


def test_ike_auth_with_the_id_of_ike_sa_init(tmp_path: Path) -> None:
    (found,) = problems(
        tmp_path,
        "0 a>b v2 sa-init\n0.03 b>a v2 sa-init resp\n1 a>b v2 auth 0\n1.1 b>a v2 auth 0 resp",
    )
    assert found.kind is ProblemKind.MESSAGE_ID_REUSED
    assert found.detail.startswith(
        "a request of IKE_AUTH has message ID 0, which a request of IKE_SA_INIT of the same end"
    )


def test_other_bytes_in_the_same_exchange_type_are_a_retransmission(tmp_path: Path) -> None:
    text = (
        "0 a>b v2 handshake\n5 a>b liveness 2\n7 a>b liveness 2 len=96\n7.1 b>a liveness 2 resp\n"
    )
    (found,) = problems(tmp_path, text)
    assert found.kind is ProblemKind.RETRANSMISSION_DIFFERS


def test_a_cluster_that_synchronises_its_ids_uses_0(tmp_path: Path) -> None:
    text = "0 a>b v2 handshake\n5 a>b notify 0\n5.1 b>a notify 0 resp\n"
    assert problems(tmp_path, text) == []
