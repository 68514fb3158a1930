"""Ghost marks: when the policy would have asked, and not a moment more."""

from __future__ import annotations

from pathlib import Path

from analyzers.model.time import NS_PER_SECOND
from analyzers.session import Session
from dpdlab.present.expected import expected_ns

CONSOLE = Path(__file__).parents[4] / "sample_pcaps" / "ios-dead-peer-terminal" / "console.txt"


def test_a_question_and_its_repetitions_and_none_with_the_verdict() -> None:
    session = Session()
    session.run([str(CONSOLE)])
    (peer,) = session.peers()
    lost = peer.exchanges[-1]
    ghosts = [at_ns for at_ns in expected_ns(peer, lost.prober) if at_ns >= lost.first_ns]
    gaps_s = [(at_ns - lost.first_ns) / NS_PER_SECOND for at_ns in ghosts]
    assert gaps_s == [0, 2, 4, 6, 8]
    assert len(lost.transmissions) == len(ghosts)
