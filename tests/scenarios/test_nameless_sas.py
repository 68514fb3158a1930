"""charon in the journal: neither threads nor names of SAs, of which two have the same address."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from analyzers.model.exchange import Outcome
from analyzers.model.finding import Severity
from analyzers.model.peer import PeerState
from analyzers.model.time import NS_PER_SECOND
from analyzers.session import Session
from tests.scenarios.inputs import together

# The ports of the other ends.
OPEN: Final = 61002
SILENT: Final = 4500


def _line(at_s: int, text: str) -> str:
    return f"Nov 20 10:{at_s // 60:02}:{at_s % 60:02} gw charon-systemd[1234]: {text}\n"


def _sent(at_s: int, port: int) -> str:
    return _line(at_s, f"sending packet: from 192.0.2.1[4500] to 203.0.113.50[{port}] (80 bytes)")


def _asked(at_s: int, number: int, port: int) -> str:
    return _line(at_s, f"generating INFORMATIONAL request {number} [ ]") + _sent(at_s, port)


def _answered(at_s: int, number: int, port: int) -> str:
    came = f"received packet: from 203.0.113.50[{port}] to 192.0.2.1[4500] (80 bytes)"
    return (
        _asked(at_s, number, port)
        + _line(at_s, came)
        + _line(at_s, f"parsed INFORMATIONAL response {number} [ ]")
    )


def _again(at_s: int, time: int, number: int) -> str:
    said = _line(at_s, f"retransmit {time} of request with message ID {number}")
    return said + _sent(at_s, SILENT)


LOG: Final = (
    _answered(0, 10, OPEN) + _answered(0, 3, SILENT)
    + _answered(30, 11, OPEN) + _asked(30, 4, SILENT) + _again(34, 1, 4) + _again(41, 2, 4)
    + _answered(60, 12, OPEN)
    + _line(74, "giving up after 2 retransmits")
)  # fmt: skip


def test_the_number_tells_which_question_was_given_up(tmp_path: Path) -> None:
    peer = together(tmp_path, LOG).peer
    (lost,) = [x for x in peer.exchanges if x.outcome is not Outcome.ANSWERED]
    assert lost.outcome is Outcome.UNANSWERED
    assert [t.message_id for t in lost.transmissions] == [4] * 3
    assert (lost.verdict_ns or 0) // NS_PER_SECOND % 3600 == 74
    assert peer.state is PeerState.DEAD
    session = Session()
    session.run([str(path) for path in tmp_path.iterdir()])
    (finding,) = [f for f in session.judgement().findings if f.rule == "dpd-no-ack"]
    assert finding.severity is Severity.ERROR
    assert "the peer was given up after 44 s, as its log says" in finding.detail
