"""What a run comes to, on stderr."""

from __future__ import annotations

import pytest

from analyzers.export.content import Content
from analyzers.model.records import Problem, ProblemKind, SourceInfo
from dpdlab.cli.diagnostics import Diagnostics
from dpdlab.cli.judging import exit_code


def test_what_was_lost_is_told_for_each_sender_and_reason(
    capsys: pytest.CaptureFixture[str],
) -> None:
    sources = []
    for number, losses in enumerate(([("cut", 6)], [("cut", 1), ("dropped", 15_506)]), 1):
        info = SourceInfo(f"s{number}", f"syslog 192.0.2.{number}", "log", "charon")
        for why, times in losses:
            info.note(Problem(ProblemKind.LINES_LOST, why, None, times))
        sources.append(info)
    content = Content(version="0", sources=tuple(sources), peers=())
    exit_code(content, Diagnostics(), strict=False)
    said = capsys.readouterr().err.splitlines()
    assert said[:3] == [
        "dpdlab: warning: syslog 192.0.2.1: lines-lost, first of 6: cut",
        "dpdlab: warning: syslog 192.0.2.2: lines-lost: cut",
        "dpdlab: warning: syslog 192.0.2.2: lines-lost, first of 15,506: dropped",
    ]
