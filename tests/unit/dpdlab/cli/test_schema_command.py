from __future__ import annotations

import json
from pathlib import Path

from dpdlab.cli.diagnostics import ExitCode
from tests.unit.dpdlab.cli.conftest import Cli

COMMITTED = Path(__file__).parents[3] / "golden" / "report.schema.json"


def test_schema_prints_the_committed_schema(cli: Cli):
    result = cli("schema")
    assert result.code == ExitCode.OK
    assert json.loads(result.out) == json.loads(COMMITTED.read_text(encoding="utf-8"))


def test_schema_to_a_file(cli: Cli, tmp_path: Path):
    assert cli("schema", "-o", str(tmp_path / "s.json")).out == ""
    assert json.loads((tmp_path / "s.json").read_text(encoding="utf-8"))["title"] == "Report"


def test_schema_takes_no_input(cli: Cli):
    result = cli("schema", "hub.pcap")
    assert result.code == ExitCode.USAGE
    assert "takes no input" in result.error
