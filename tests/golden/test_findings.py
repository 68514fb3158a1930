"""What the rules say of every sample, public capture and public log, line by line.

Configurations alone have their table in sample_pcaps/configs (test_sample_configs). The golden
files hold what a reading by hand supports; findings/README.md argues it. To write them anew:
`DPDLAB_WRITE_GOLDEN=1 pytest tests/golden/test_findings.py`, then read every line that is new.
Public captures and logs are other people's and no part of the project: where they are not at hand,
nothing is tested.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path
from typing import Final

import pytest
from msgspec import Struct

from analyzers.model.finding import Severity
from analyzers.model.records import Confidence
from analyzers.session import Session, SessionOptions

ROOT: Final = Path(__file__).parents[2]
SAMPLES: Final = ROOT / "sample_pcaps"
GOLDEN: Final = Path(__file__).parent / "findings"
CAPTURES: Final = Path(
    os.environ.get("DPDLAB_PUBLIC_CAPTURES", ROOT.parent / "shared" / "captures" / "public")
)
LOGS: Final = Path(os.environ.get("DPDLAB_PUBLIC_LOGS", ROOT.parent / "shared" / "logs"))
WRITE: Final = bool(os.environ.get("DPDLAB_WRITE_GOLDEN"))
HEALTHY: Final = ("ikev1-both-sides", "ikev1-healthy", "ikev2-healthy", "ikev2-ipv6-healthy")


class Run(Struct, frozen=True, dict=True):
    """Inputs that are read together."""

    name: str
    inputs: tuple[Path, ...]
    keys: tuple[Path, ...] = ()

    def lines(self) -> list[str]:
        """`severity confidence rule peer place` of every finding, as reports have them.

        A place is a frame or line; where there are several inputs, of which one.
        """
        session = Session(SessionOptions(keys=tuple(map(str, self.keys))))
        session.run([str(path) for path in self.inputs])
        names = {info.id: f"{Path(info.path).name}:" for info in session.sources}
        if len(names) == 1:
            names = dict.fromkeys(names, "")
        lines = []
        for finding in session.judgement().findings:
            place = "-"
            if finding.refs:
                place = f"{names[finding.refs[0].source]}{finding.refs[0].record}"
            if finding.severity is Severity.ERROR:
                assert finding.confidence is not Confidence.SUSPECT, finding
            assert finding.detail
            said = (finding.severity, finding.confidence, finding.rule, finding.peer or "-", place)
            lines.append(" ".join(said))
        return lines


def runs_of(folder: Path) -> list[Run]:
    """The ways in which somebody would look at a sample."""
    capture = folder / "capture.pcap"
    if not capture.is_file():
        return RUNS_WITHOUT_CAPTURE[folder.name]
    logs = tuple(sorted(folder.glob("charon-*.log")))
    configurations = tuple(sorted(folder.glob("swanctl-*.conf")))
    return [
        Run("capture", (capture,)),
        Run("capture and keys", (capture,), (folder,)),
        Run("capture and logs", (capture, *logs)),
        Run("logs", logs),
        Run("capture and configurations", (capture, *configurations)),
        Run("everything", (capture, *logs, *configurations), (folder,)),
    ]


RUNS_WITHOUT_CAPTURE: Final = {
    "ios-dead-peer-terminal": [
        Run("terminal", (SAMPLES / "ios-dead-peer-terminal" / "console.txt",))
    ],
}
FOLDERS: Final = sorted(
    path.name
    for path in SAMPLES.iterdir()
    if (path / "capture.pcap").is_file() or path.name in RUNS_WITHOUT_CAPTURE
)


def compare(golden: Path, runs: Iterable[Run]) -> None:
    """Hold the findings of some runs against a golden file, or write it."""
    parts = []
    for run in runs:
        parts += [f"# {run.name}", *(run.lines() or ["nothing"]), ""]
    text = "\n".join(parts)
    if WRITE:
        golden.parent.mkdir(exist_ok=True)
        golden.write_text(text, encoding="utf-8")
    assert text == golden.read_text(encoding="utf-8")


@pytest.mark.parametrize("name", FOLDERS)
def test_samples(name: str) -> None:
    compare(GOLDEN / f"{name}.txt", runs_of(SAMPLES / name))


@pytest.mark.parametrize("name", HEALTHY)
def test_healthy_captures_give_no_warning_and_no_error(name: str) -> None:
    for run in runs_of(SAMPLES / name):
        # What configurations say of themselves is no matter of the capture's health.
        judged = [line for line in run.lines() if " - " not in line]
        assert not [line for line in judged if not line.startswith("info ")], run.name


@pytest.mark.skipif(not CAPTURES.is_dir(), reason=f"no public captures in {CAPTURES}")
def test_public_captures() -> None:
    captures = sorted(CAPTURES.glob("*.pcap*"))
    compare(GOLDEN / "public-captures.txt", [Run(path.name, (path,)) for path in captures])


@pytest.mark.skipif(not LOGS.is_dir(), reason=f"no public logs in {LOGS}")
def test_public_logs() -> None:
    logs = sorted(LOGS.glob("*.log"))
    compare(GOLDEN / "public-logs.txt", [Run(path.name[:2], (path,)) for path in logs])
