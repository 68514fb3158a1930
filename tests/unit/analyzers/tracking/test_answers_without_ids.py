"""Traces without message IDs: which of two Deletes that are under way an answer is for."""

from __future__ import annotations

from pathlib import Path

from analyzers.model.exchange import DeleteProtocol
from analyzers.session import Session

FROM = "*Apr  4 00:16:59.484: SA ID:2 SESSION ID:1 Remote: 192.0.2.2/500 Local: 192.0.2.1/500  "
TRACE = "".join(
    f"{FROM}{said}\n"
    for said in (
        "Sending DELETE INFO message for IPsec SA [SPI: 0x28DC063C]",
        "(I) Sending IKEv2 INFORMATIONAL Exchange REQUEST",
        "(I) IKEv2 INFORMATIONAL Exchange Contains: DELETE",
        "Sending DELETE INFO message for IKEv2 SA [ISPI: 0x52C79670608A3068 RSPI:"
        " 0x0063AAED5563FDAE]",
        "(I) Sending IKEv2 INFORMATIONAL Exchange REQUEST",
        "(I) IKEv2 INFORMATIONAL Exchange Contains: DELETE",
        "(I) Received IKEv2 INFORMATIONAL Exchange RESPONSE",
        "(I) IKEv2 INFORMATIONAL Exchange Contains: DELETE",
    )
)


def test_an_answer_with_a_delete_is_that_of_the_child_sa(tmp_path: Path) -> None:
    path = tmp_path / "trace.log"
    path.write_text(TRACE, encoding="utf-8")
    session = Session()
    session.run([str(path)])
    (peer,) = session.peers()
    assert {d.protocol: d.answered for d in peer.deletes} == {
        DeleteProtocol.ESP: True,
        DeleteProtocol.IKE: False,
    }
