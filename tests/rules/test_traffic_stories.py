"""Stories nobody thought of: every black hole that somebody must know of is told, and no more."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from analyzers.model.black_hole import BlackHoleClass
from analyzers.model.finding import Severity
from analyzers.model.records import Confidence
from analyzers.rules import timers, traffic
from analyzers.session import Session, SessionOptions
from tests.scenarios.test_any_story import SLOTS, SPANS, story
from tests.scenarios.timeline import capture

TOLD_BY: Final = {
    BlackHoleClass.MISSING_DPD: "liveness-not-probed-one-way-out",
    BlackHoleClass.DATA_PLANE: "dpd-alive-dataplane-dead",
    BlackHoleClass.SLOW_TEARDOWN: "sa-not-deleted-after-dead",
    BlackHoleClass.SLOW_DPD: "dpd-slower-than-budget",
}
OWN: Final = {rule.id for rule in (*timers.RULES, *traffic.RULES, *traffic.RUN_RULES)}


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    version=st.sampled_from([1, 2]),
    slots=st.lists(SLOTS, max_size=9),
    gaps=SPANS,
    budget_s=st.sampled_from([5.0, 30.0]),
)
def test_every_black_hole_is_told(
    tmp_path: Path,
    version: int,
    slots: list[str],
    gaps: list[tuple[str, int, int]],
    budget_s: float,
) -> None:
    path = tmp_path / "story.pcap"
    path.write_bytes(capture(story(version, slots, gaps, False)))
    session = Session(SessionOptions(budget_s=budget_s))
    session.run([str(path)])
    findings = session.judgement().findings
    for peer in session.peers():
        for hole_class, rule in TOLD_BY.items():
            holes = [h for h in peer.black_holes if h.black_hole_class is hole_class]
            assert len([f for f in findings if f.rule == rule]) == len(holes)
    for finding in findings:
        if finding.rule in OWN:
            assert finding.refs
            assert finding.at_ns is not None
            assert finding.severity is not Severity.ERROR or (
                finding.confidence is not Confidence.SUSPECT
            )


@settings(max_examples=20, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    version=st.sampled_from([1, 2]),
    slots=st.lists(st.sampled_from(["quiet", "answered", "asked back"]), max_size=9),
)
def test_living_peers_give_no_error(tmp_path: Path, version: int, slots: list[str]) -> None:
    path = tmp_path / "story.pcap"
    path.write_bytes(capture(story(version, slots, [], False)))
    session = Session(SessionOptions())
    session.run([str(path)])
    found = [f for f in session.judgement().findings if f.rule in OWN]
    # Who asks in IKEv1 beside traffic that flows is told so, at most as a warning.
    assert {f.rule for f in found if f.severity is not Severity.INFO} <= {"dpd-while-traffic-flows"}
    assert Severity.ERROR not in {f.severity for f in found}
