"""Settings: where they are found, what they do, and what is refused."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from analyzers.model.finding import Severity
from analyzers.rules.options import Thresholds
from dpdlab import settings
from dpdlab.cli.diagnostics import ExitCode
from dpdlab.settings.model import as_toml, load
from tests.unit.dpdlab.cli.conftest import Cli

SAMPLE = str(Path(__file__).parents[4] / "sample_pcaps" / "ikev2-dead-peer" / "capture.pcap")


@pytest.fixture
def here(tmp_path: Path, monkeypatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    return tmp_path


def findings(cli: Cli, *argv: str) -> dict[str, Any]:
    result = cli("report", SAMPLE, "--format", "json", *argv)
    assert result.code == ExitCode.OK, result.err
    document: dict[str, Any] = json.loads(result.out)
    return document


def test_the_printed_settings_are_read_again(cli: Cli, here: Path):
    printed = cli("settings").out
    (here / "dpdlab.toml").write_text(printed)
    assert cli("settings").out == printed
    assert load(here / "dpdlab.toml").rule_options().thresholds == Thresholds()


def test_a_suppressed_finding_keeps_its_reason(cli: Cli, here: Path):
    before = findings(cli)["findings"]
    assert "dpd-no-ack" in [f["rule"] for f in before]
    (here / "dpdlab.toml").write_text(
        '[[rules.suppress]]\nrule = "dpd-no-*"\npeer = "192.0.2.*"\nreason = "a lab"\n'
    )
    after = findings(cli)
    assert "dpd-no-ack" not in [f["rule"] for f in after["findings"]]
    (held_back,) = after["suppressed"]
    assert (held_back["rule"], held_back["reason"]) == ("dpd-no-ack", "a lab")
    assert "a lab" in cli("report", SAMPLE).out


def test_another_peer_is_not_suppressed(cli: Cli, here: Path):
    (here / "dpdlab.toml").write_text(
        '[[rules.suppress]]\nrule = "dpd-no-ack"\npeer = "198.51.100.*"\nreason = "a lab"\n'
    )
    assert findings(cli)["suppressed"] == []


@pytest.mark.parametrize(("word", "code"), [("info", 0), ("off", 0), ("error", 1)])
def test_severities_decide_the_exit_code(cli: Cli, here: Path, word: str, code: int):
    explained = json.loads(cli("explain", "--format", "json").out)
    others = {rule["id"]: "off" for rule in explained} | {"dpd-no-ack": word}
    lines = [f'{rule} = "{severity}"' for rule, severity in others.items()]
    (here / "own.toml").write_text("[rules.severity]\n" + "\n".join(lines))
    result = cli("check", SAMPLE, "--settings", "own.toml")
    assert result.code == code
    assert ("[dpd-no-ack]" in result.out) is (word != "off")


def test_a_threshold_and_a_severity_reach_the_rules(here: Path):
    (here / "dpdlab.toml").write_text(
        "[rules.thresholds]\nlate_answer_s = 2\nflapping_cycles = 5\n"
        '[rules.severity]\ndpd-no-ack = "warning"\nhub-dpd-load = "off"\n'
    )
    options = load(here / "dpdlab.toml").rule_options()
    assert options.thresholds == Thresholds(late_answer_s=2.0, flapping_cycles=5)
    assert options.severities == {"dpd-no-ack": Severity.WARNING, "hub-dpd-load": None}


def test_options_come_before_settings(cli: Cli, here: Path):
    (here / "dpdlab.toml").write_text("[report]\nblack_hole_min_s = 10000\n")
    peers = findings(cli)["peers"]
    assert peers[0]["black_holes"] == []
    peers = findings(cli, "--black-hole-min", "3")["peers"]
    assert peers[0]["black_holes"]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[report\n", "line 1"),
        ("[reprot]\n", "reprot"),
        ("[report]\nbudget_s = 0\n", "report.budget_s"),
        ('[report]\nlocal = ["x"]\n', "report.local"),
        ('[rules.severity]\ndpd-no-akc = "off"\n', "did you mean dpd-no-ack?"),
        ('[rules.severity]\ndpd-no-ack = "fatal"\n', "rules.severity.dpd-no-ack"),
        ("[rules.thresholds]\nlate_answers_s = 1\n", "did you mean late_answer_s?"),
        ("[rules.thresholds]\nflapping_cycles = 1.5\n", "whole number"),
        ('[[rules.suppress]]\nrule = "dpd-*"\n', "rules.suppress.0.reason"),
        ('[[rules.suppress]]\nrule = "dpd-no-akc"\nreason = "x"\n', "did you mean dpd-no-ack?"),
        ('[[rules.suppress]]\npeer = "192.0.2.0/99"\nreason = "x"\n', "rules.suppress.0.peer"),
        ("[rules.thresholds]\nbudget_s = 5\n", "there is no threshold 'budget_s'"),
        ('as_toml = "\x00"', "Illegal character"),
    ],
)
def test_what_is_wrong_is_said_with_its_place(cli: Cli, here: Path, text: str, said: str):
    (here / "dpdlab.toml").write_text(text)
    for command in (["settings"], ["report", SAMPLE], ["check", SAMPLE]):
        result = cli(*command)
        assert result.code == ExitCode.USAGE
        assert "dpdlab.toml" in result.error
        assert said in result.error


@pytest.mark.parametrize(
    ("peer", "held"), [("192.0.2.0/24", True), ("192.0.3.0/24", False), ("2001:db8::/32", False)]
)
def test_a_suppression_may_be_for_a_network(cli: Cli, here: Path, peer: str, held: bool):
    text = f'[[rules.suppress]]\nrule = "dpd-no-ack"\npeer = "{peer}"\nreason = "lab"\n'
    (here / "dpdlab.toml").write_text(text)
    checked = cli("check", SAMPLE, "--fail-on", "warning")
    assert checked.code == (ExitCode.OK if held else ExitCode.FINDINGS)


def test_a_missing_file_is_one_line(cli: Cli, here: Path):
    result = cli("report", SAMPLE, "--settings", "none.toml")
    assert result.code == ExitCode.USAGE
    assert "none.toml: No such file" in result.error


def test_hostile_reasons_survive_the_round_trip(here: Path):
    reason = 'a "quote" \\ and a\ttab'
    (here / "a.toml").write_text('[[rules.suppress]]\nreason = "a \\"quote\\" \\\\ and a\\ttab"\n')
    settings = load(here / "a.toml")
    assert settings.rules.suppress[0].reason == reason
    (here / "b.toml").write_text("".join(as_toml(settings)))
    assert load(here / "b.toml").rule_options() == settings.rule_options()


def test_a_home_that_may_not_be_looked_into_has_no_settings(monkeypatch: pytest.MonkeyPatch):
    def refuse(self: Path) -> bool:
        raise PermissionError(13, "Permission denied", str(self))

    monkeypatch.setattr(Path, "is_file", refuse)
    assert settings.found() is None
