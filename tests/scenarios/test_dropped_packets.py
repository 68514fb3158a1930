"""Captures that drop packets of both ends here and there, as the sequence numbers of ESP tell."""

from __future__ import annotations

import pytest

from analyzers.model.finding import Severity
from analyzers.model.records import Confidence
from tests.scenarios.conftest import Tell
from tests.scenarios.timeline import at

# The peer dies at 20: what it sends ends, and nothing is answered any more.
DIES = """
0 a>b v1 main-mode
0.1 a>b v1 quick
0.5..32/0.1 a>b esp out
0.52..20/0.1 b>a esp in
5..16/5 a>b v1 info 108
5.02..16/5 b>a v1 info 108
20..30/3 a>b v1 info 108
60 c:4500>a:4500 keepalive
"""
MISSED = "".join(
    f"unseen {way} {second + since:.2f}..{second + since + 0.15:.2f}\n"
    for second in range(1, 19)
    for way, since in (("a>b", 0.31), ("b>a", 0.61))
)


@pytest.mark.parametrize(
    ("missed", "confidence", "severity"),
    [
        ("", Confidence.INFERRED, Severity.ERROR),
        (MISSED, Confidence.SUSPECT, Severity.WARNING),
        # What is missing of one side alone was lost before it came by.
        (MISSED.replace("a>b", "c>b"), Confidence.INFERRED, Severity.ERROR),
    ],
    ids=["whole", "both ways", "one way"],
)
def test_a_verdict_that_rhythm_alone_tells(
    tell: Tell, missed: str, confidence: Confidence, severity: Severity
) -> None:
    told = tell(DIES + missed)
    asked = told.peer.exchanges[-1]
    assert (asked.verdict_ns, asked.confidence) == (at(32), confidence)
    (finding,) = told.of("dpd-no-ack")
    assert (finding.severity, finding.confidence) == (severity, confidence)
    assert {hole.confidence for hole in told.peer.black_holes} == {confidence}
