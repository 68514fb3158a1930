"""The wheel: what is in it, what is not, and that it imports from a clean environment."""

from __future__ import annotations

import configparser
import importlib.util
import os
import subprocess
import sys
import venv
import zipfile
from collections.abc import Sequence
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]

# What pip says when the package index cannot be reached.
OFFLINE_SIGNS = (
    "No matching distribution found",
    "Failed to establish a new connection",
    "Temporary failure in name resolution",
    "Network is unreachable",
    "Read timed out",
)


def run(command: Sequence[str | Path], cwd: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [str(part) for part in command],
        cwd=cwd,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    command: list[str | Path] = [
        sys.executable,
        "-m",
        "pip",
        "wheel",
        "--quiet",
        "--no-deps",
        "-w",
        folder,
        ROOT,
    ]
    if importlib.util.find_spec("hatchling") is not None:
        command.append("--no-build-isolation")
    done = run(command, folder)
    if done.returncode and "CI" not in os.environ:
        for sign in OFFLINE_SIGNS:
            if sign in done.stderr:
                pytest.skip(f"the build backend cannot be fetched: {sign}")
        if "No module named pip" in done.stderr:
            pytest.skip("this environment has no pip")
    assert done.returncode == 0, done.stderr
    (built,) = folder.glob("dpdlab-*.whl")
    return built


def test_both_packages_and_nothing_else(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
    tops = {name.split("/", 1)[0] for name in names}
    assert {top for top in tops if not top.endswith(".dist-info")} == {"analyzers", "dpdlab"}
    assert {"analyzers/py.typed", "dpdlab/py.typed"} <= set(names)
    assert not [name for name in names if name.endswith((".pcap", ".pcapng", ".pyc"))]


def test_every_module_of_the_tree_is_in_it(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        inside = {name for name in archive.namelist() if name.endswith(".py")}
    tree = {
        path.relative_to(ROOT).as_posix()
        for package in ("analyzers", "dpdlab")
        for path in (ROOT / package).rglob("*.py")
    }
    assert inside == tree


def test_metadata_names_licence_and_command(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        (metadata,) = [n for n in archive.namelist() if n.endswith(".dist-info/METADATA")]
        folder = metadata.rsplit("/", 1)[0]
        text = archive.read(metadata).decode()
        scripts = configparser.ConfigParser()
        scripts.read_string(archive.read(f"{folder}/entry_points.txt").decode())
        assert f"{folder}/licenses/LICENSE" in archive.namelist()
    assert "License-Expression: Apache-2.0" in text
    assert scripts["console_scripts"]["dpdlab"] == "dpdlab.cli:main"


def test_imports_from_a_clean_environment(wheel: Path, tmp_path: Path) -> None:
    """Without any dependency: importing the packages themselves reaches for nothing heavy."""
    clean = tmp_path / "clean"
    venv.create(clean, with_pip=False)
    python = clean / "bin" / "python"
    pip: list[str | Path] = [sys.executable, "-m", "pip", "--python", python, "install", "--quiet"]
    installed = run([*pip, "--no-deps", "--no-index", wheel], tmp_path)
    assert installed.returncode == 0, installed.stderr
    script = "import analyzers, dpdlab; print(dpdlab.__version__, dpdlab.__file__)"
    done = run([python, "-I", "-c", script], tmp_path)
    assert done.returncode == 0, done.stderr
    version, location = done.stdout.split(maxsplit=1)
    assert wheel.name.startswith(f"dpdlab-{version}-")
    assert Path(location.strip()).is_relative_to(clean)
    assert (clean / "bin" / "dpdlab").is_file()
