from __future__ import annotations

import json
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from dpdlab import __version__
from dpdlab.cli import doctor, environment
from dpdlab.cli.diagnostics import ExitCode
from tests.unit.dpdlab.cli.conftest import Cli

ROOT = Path(__file__).parents[4]
ON_LINUX = pytest.mark.skipif(
    not sys.platform.startswith("linux"), reason="privileges are told on Linux"
)


def test_everything_is_here(cli: Cli):
    result = cli("doctor")
    assert result.code == ExitCode.OK
    assert result.err == ""
    for word in (__version__, "python", "numpy", "pydantic", "tshark", "dumpcap", "may capture"):
        assert word in result.out
    assert result.out.endswith("Fine.\n")


def test_json(cli: Cli):
    result = cli("doctor", "--format", "json")
    findings = json.loads(result.out)
    assert findings["ok"] is True
    assert findings["dpdlab"]["version"] == __version__
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    needed = {each.partition(">")[0] for each in project["dependencies"]}
    assert {library["name"] for library in findings["libraries"]} == needed
    assert set(findings["capture"]) == {"allowed", "reason", "remedy"}
    assert findings["terminal"]["is_terminal"] is False


def test_a_missing_library_is_a_problem(cli: Cli, monkeypatch):
    monkeypatch.setattr(environment, "LIBRARIES", (("no-such-library", "no_such_library"),))
    result = cli("doctor")
    assert result.code == ExitCode.MISSING
    assert "no-such-library" in result.out
    assert "PROBLEM: missing" in result.out


def test_missing_tools_are_no_problem(cli: Cli, monkeypatch):
    monkeypatch.setattr(environment, "TOOLS", (("no-such-tool", "nothing"),))
    result = cli("doctor")
    assert result.code == ExitCode.OK
    assert "not found (only for: nothing)" in result.out


@pytest.mark.skipif(shutil.which("setpriv") is None, reason="setpriv is not installed")
def test_who_may_not_capture_is_told_what_grants_dumpcap_the_right(tmp_path: Path):
    """As a user whose dumpcap was installed without its rights."""
    dumpcap = tmp_path / "dumpcap"
    dumpcap.write_text("#!/bin/sh\necho Dumpcap 4\n", encoding="utf-8")
    dumpcap.chmod(0o755)
    done = subprocess.run(
        ["setpriv", "--bounding-set", "-net_raw", "--inh-caps", "-net_raw",
         sys.executable, "-m", "dpdlab", "doctor"],
        capture_output=True, text=True, check=False, cwd=ROOT,
        env={"PATH": f"{tmp_path}:/usr/bin:/bin"},
    )  # fmt: skip
    if "setpriv" in done.stderr:
        pytest.skip("rights cannot be given up here")
    assert f"may capture        no: {dumpcap} has no right to capture" in done.stdout
    assert f"sudo setcap cap_net_raw,cap_net_admin+eip {dumpcap}" in done.stdout


def test_a_shadowed_engine_is_a_problem(cli: Cli, monkeypatch, tmp_path):
    monkeypatch.setattr(doctor, "foreign_analyzers", lambda: tmp_path)
    result = cli("doctor")
    assert result.code == ExitCode.MISSING
    assert str(tmp_path) in result.out


def test_doctor_takes_no_input(cli: Cli):
    assert cli("doctor", "hub.pcap").code == ExitCode.USAGE


def tool(tmp_path: Path, script: str) -> str:
    path = tmp_path / "tool"
    path.write_text(f"#!/bin/sh\n{script}\n", encoding="utf-8")
    path.chmod(0o755)
    return str(path)


@pytest.mark.parametrize(
    ("script", "version"),
    [
        ("echo; echo Tool 1.2; echo more", "Tool 1.2"),
        ("echo old 0.9 >&2; exit 1", "old 0.9"),
        ("exit 3", None),
        ("sleep 60", None),
    ],
)
def test_the_version_of_a_tool(tmp_path, monkeypatch, script, version):
    monkeypatch.setattr(environment, "_VERSION_TIMEOUT_S", 0.3)
    assert environment._tool_version(tool(tmp_path, script)) == version


@ON_LINUX
def test_the_right_to_capture(monkeypatch, tmp_path):
    path = tool(tmp_path, "exit 0")
    monkeypatch.setattr("dpdlab.cli.environment.shutil.which", lambda *_a, **_k: path)
    monkeypatch.setattr(environment, "_process_may_capture", lambda: True)
    assert environment.capture_privilege().allowed is True
    monkeypatch.setattr(environment, "_process_may_capture", lambda: False)
    refused = environment.capture_privilege()
    assert refused.allowed is False
    assert refused.remedy.startswith(f"sudo setcap cap_net_raw,cap_net_admin+eip {path}; or for a")
    assert "sudo dpkg-reconfigure wireshark-common" in refused.remedy
    assert "sudo usermod -aG wireshark $USER" in refused.remedy
    Path(path).chmod(0o4755)
    assert environment.capture_privilege().allowed is True
    monkeypatch.setattr("dpdlab.cli.environment.os.access", lambda *_a: False)
    assert "usermod -aG" in environment.capture_privilege().remedy
    monkeypatch.setattr("dpdlab.cli.environment.shutil.which", lambda *_a, **_k: None)
    assert environment.capture_privilege().reason == "dumpcap is not installed"


@ON_LINUX
@pytest.mark.parametrize(("group", "said"), [("netadmins", "usermod -aG netadmins"), ("root", "")])
def test_the_group_that_may_run_it_is_named_where_there_is_one(monkeypatch, tmp_path, group, said):
    path = tool(tmp_path, "exit 0")
    monkeypatch.setattr(
        "dpdlab.cli.environment.shutil.which",
        lambda name, *_a, **_k: path if name == "dumpcap" else None,
    )
    monkeypatch.setattr(environment, "_process_may_capture", lambda: False)
    monkeypatch.setattr(environment, "_group_of", lambda _path: group)
    remedy = environment.capture_privilege().remedy
    assert remedy.startswith("sudo setcap ")
    assert ("usermod" in remedy) is bool(said)
    assert said in remedy


@ON_LINUX
def test_a_dumpcap_that_only_its_group_may_run_is_installed(monkeypatch, tmp_path):
    path = Path(tool(tmp_path, "exit 0")).rename(tmp_path / "dumpcap")
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(environment, "_beside_path", lambda *_a: None)
    monkeypatch.setattr(environment, "_process_may_capture", lambda: False)
    path.chmod(0o640)
    refused = environment.capture_privilege()
    assert refused.reason == f"this user may not run {path}"
    assert f"sudo usermod -aG {path.group()} $USER" in refused.remedy


@ON_LINUX
def test_tcpdump_captures_where_it_may(monkeypatch, tmp_path):
    folders = {name: tmp_path / name for name in ("dumpcap", "tcpdump")}
    for folder in folders.values():
        folder.mkdir()
    paths = {name: tool(folder, "exit 0") for name, folder in folders.items()}
    monkeypatch.setattr(
        "dpdlab.cli.environment.shutil.which", lambda name, *_a, **_k: paths.get(name)
    )
    monkeypatch.setattr(environment, "_process_may_capture", lambda: False)
    assert not environment.may_run_tcpdump()
    Path(paths["dumpcap"]).chmod(0o4755)
    assert not environment.may_run_tcpdump()
    Path(paths["tcpdump"]).chmod(0o4755)
    assert environment.may_run_tcpdump()
    del paths["dumpcap"]
    assert environment.capture_privilege().allowed is True
    Path(paths["tcpdump"]).chmod(0o0755)
    monkeypatch.setattr(environment, "_process_may_capture", lambda: True)
    monkeypatch.setattr("dpdlab.cli.environment.os.geteuid", lambda: 0)
    assert environment.may_run_tcpdump()
    monkeypatch.setattr("dpdlab.cli.environment.os.geteuid", lambda: 1000)
    assert not environment.may_run_tcpdump()


def test_doctor_works_without_the_libraries():
    """It is for when something is broken: it must not need what it looks for."""
    code = (
        "import sys, dpdlab.cli as cli; cli.main(['doctor']);"
        "heavy = {'numpy', 'pydantic', 'rich', 'dpkt', 'cryptography'} & set(sys.modules);"
        "sys.exit(str(heavy) if heavy else 0)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
