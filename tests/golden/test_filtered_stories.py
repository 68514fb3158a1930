"""A filter hides: of what it leaves the reports say nothing else than without it."""

from __future__ import annotations

import pytest

from dpdlab.cli import main
from tests.golden.test_stories import SAMPLES

FORMATS = ["text", "markdown", "html"]


def told(capsys: pytest.CaptureFixture[str], case: str, report_format: str, *more: str) -> str:
    """A report of all inputs of a case, its lines joined."""
    folder = SAMPLES / case
    inputs = [
        folder / "capture.pcap",
        *sorted(folder.glob("*.log")),
        *sorted(folder.glob("*.conf")),
    ]
    argv = ["report", *map(str, inputs), "--keys", str(folder), "--format", report_format, *more]
    assert main(argv) == 0
    return " ".join(capsys.readouterr().out.split())


@pytest.mark.parametrize("report_format", FORMATS)
@pytest.mark.parametrize("wanted", ["class:detected", "kind:black-hole", "sev:error"])
def test_what_arrived_is_not_lost_because_the_questions_are_hidden(
    capsys: pytest.CaptureFixture[str], report_format: str, wanted: str
):
    """The log of the other end has the questions, and that it could not answer."""
    whole = told(capsys, "ikev1-one-way-loss", report_format)
    part = told(capsys, "ikev1-one-way-loss", report_format, "-Y", wanted)
    for report in (whole, part):
        assert "packets in vain" not in report
        assert "it may be in vain" not in report
    if "0 of 1 black hole" not in part:
        assert "nothing came back" in part
    if report_format == "text":
        assert ("black hole ←" in part) == ("0 of 1 black hole" not in part)
        assert "▓" not in part


@pytest.mark.parametrize("report_format", FORMATS)
@pytest.mark.parametrize(
    ("case", "wanted", "number"),
    [("ikev2-brief-outage", "kind:finding", 5), ("ikev2-dead-peer", "kind:black-hole", 1)],
)
def test_that_questions_are_hidden_is_not_that_nobody_asked(
    capsys: pytest.CaptureFixture[str], report_format: str, case: str, wanted: str, number: int
):
    part = told(capsys, case, report_format, "-Y", wanted)
    for invented in ("none asked", "nobody asked", "none seen", "not the questions"):
        assert invented not in part
    assert "No liveness exchange" not in part
    exchanges = "1 exchange" if number == 1 else f"{number} exchanges"
    if report_format == "html":
        assert "not shown" in part
    else:
        assert "not shown by the filter" in part
    assert f"0 of {exchanges}" in part


@pytest.mark.parametrize("report_format", FORMATS)
def test_a_hidden_black_hole_is_not_none(capsys: pytest.CaptureFixture[str], report_format: str):
    part = told(capsys, "ikev2-dead-peer", report_format, "-Y", "outcome:unanswered")
    assert "0 of 1 black hole" in part
    assert "1 black hole not shown" in part or "1 not shown" in part
    assert "No black hole" not in part


def test_the_story_of_a_black_hole_keeps_how_often_it_was_asked(
    capsys: pytest.CaptureFixture[str],
):
    part = told(capsys, "ikev2-dead-peer", "text", "-Y", "kind:black-hole")
    assert "first liveness check, no answer; 5 retries every 2.0 s" in part


def test_what_is_judged_in_a_filtered_report_is_redacted(capsys: pytest.CaptureFixture[str]):
    for report_format in FORMATS:
        more = ("-Y", "class:detected", "--redact")
        part = told(capsys, "ikev1-one-way-loss", report_format, *more)
        assert "nothing came back" in part
        assert "192.0.2.1" not in part
