"""The sample configurations have the findings that their README lists, and no others."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from dpdlab.cli import main

FOLDER = Path(__file__).parents[2] / "sample_pcaps" / "configs"
_ROW = re.compile(r"\| (error|warning|info) \| `([^`]+)` \| `([^`]+)` \|")


def expected(files: str) -> list[tuple[str, str, str]]:
    """Severity, place and rule of each row of the table under the command."""
    readme = (FOLDER / "README.md").read_text(encoding="utf-8")
    table = readme.partition(f"## `dpdlab lint {files}`")[2].partition("\n## ")[0]
    found: list[tuple[str, str, str]] = _ROW.findall(table)
    return found


PAIRS = ("hub.cfg spoke-console.txt", "swanctl-left.conf swanctl-right.conf")


@pytest.mark.parametrize("files", PAIRS)
def test_findings(files, capsys, monkeypatch):
    monkeypatch.chdir(FOLDER)
    assert main(["lint", *files.split(), "--format", "json"]) == 0
    report = json.loads(capsys.readouterr().out)
    paths = {source["id"]: source["path"] for source in report["sources"]}
    told = [
        (f["severity"], f"{paths[f['refs'][0]['source']]}:{f['refs'][0]['record']}", f["rule"])
        for f in report["findings"]
    ]
    assert told == expected(files)
    assert told


def test_the_hub_alone_has_the_same_warnings(capsys, monkeypatch):
    monkeypatch.chdir(FOLDER)
    main(["lint", "hub.cfg", "--format", "json"])
    report = json.loads(capsys.readouterr().out)
    warnings = [f["rule"] for f in report["findings"] if f["severity"] == "warning"]
    both = expected("hub.cfg spoke-console.txt")
    assert warnings == [rule for severity, _, rule in both if severity == "warning"]
