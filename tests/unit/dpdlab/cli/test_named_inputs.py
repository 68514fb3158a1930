"""Options for one of several inputs: how they name it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from dpdlab.cli.diagnostics import ExitCode
from tests.unit.dpdlab.cli.conftest import Cli

FOLDER = Path(__file__).parents[4] / "sample_pcaps" / "ikev1-one-way-loss"
INPUTS = [str(FOLDER / name) for name in ("capture.pcap", "charon-a.log", "charon-b.log")]


@pytest.mark.parametrize("named", [INPUTS[2], "charon-b.log", "s3"])
def test_an_input_is_named_by_its_path_its_last_part_or_its_id(cli: Cli, named: str):
    result = cli("report", *INPUTS, "--offset", f"{named}=5", "--format", "json", "-q")
    assert result.code == ExitCode.OK
    bases = [source["clock"]["basis"] for source in json.loads(result.out)["sources"]]
    assert bases == ["reference", "matched", "manual"]


@pytest.mark.parametrize("of", ["its last part", "its id"])
def test_an_input_in_a_directory_is_named_as_well(cli: Cli, of: str):
    told = json.loads(cli("report", str(FOLDER), "--format", "json", "-q").out)["sources"]
    wanted = next(s for s in told if s["path"].endswith("charon-b.log"))
    named = wanted["id"] if of == "its id" else "charon-b.log"
    result = cli("report", str(FOLDER), "--offset", f"{named}=5", "--format", "json", "-q")
    by_hand = [
        s["id"] for s in json.loads(result.out)["sources"] if s["clock"]["basis"] == "manual"
    ]
    assert by_hand == [wanted["id"]]


@pytest.mark.parametrize("named", ["s4", "s0", "charon-c.log"])
def test_a_name_of_no_input_is_refused(cli: Cli, named: str):
    result = cli("report", *INPUTS, "--offset", f"{named}=5")
    assert result.code == ExitCode.USAGE
    assert f"no input is called '{named}'" in result.error
