"""What is imported before it is needed: asked of fresh interpreters, so deferrals are real."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
HEAVY = {"numpy", "pydantic", "rich", "dpkt", "cryptography", "zstandard"}


def modules_after(code: str) -> set[str]:
    """Top-level names in sys.modules after `code`, whatever it raised to leave."""
    program = (
        "import sys\n"
        "try:\n"
        f"    {code}\n"
        "except SystemExit:\n"
        "    pass\n"
        "sys.stderr.write(' '.join({name.partition('.')[0] for name in sys.modules}))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True, cwd=ROOT
    )
    return set(done.stderr.split())


@pytest.mark.parametrize(
    "argv", [["--help"], ["--version"], ["report", "--help"], [], ["--nonsense"], ["check"]]
)
def test_what_needs_no_engine_loads_none(argv):
    loaded = modules_after(f"from dpdlab.cli import main; main({argv!r})")
    assert "argparse" in loaded
    assert not loaded & HEAVY


def test_the_engine_loads_no_front_end_and_no_cryptography():
    loaded = modules_after("import analyzers.session")
    assert "numpy" in loaded
    assert not loaded & {"rich", "pydantic", "dpkt", "cryptography", "dpdlab", "textual"}


def test_a_text_report_needs_no_schema():
    capture = ROOT / "sample_pcaps" / "ikev2-dead-peer" / "capture.pcap"
    if not capture.exists():
        pytest.skip("the sample captures are not here")
    loaded = modules_after(f"from dpdlab.cli import main; main(['report', {str(capture)!r}])")
    assert "rich" in loaded
    assert not loaded & {"pydantic", "cryptography"}


@pytest.mark.parametrize("report_format", ["json", "jsonl", "csv", "markdown"])
def test_data_formats_need_no_rich(report_format):
    capture = ROOT / "sample_pcaps" / "ikev2-dead-peer" / "capture.pcap"
    if not capture.exists():
        pytest.skip("the sample captures are not here")
    argv = ["report", str(capture), "--format", report_format, "-o", "/dev/null"]
    loaded = modules_after(f"from dpdlab.cli import main; main({argv!r})")
    assert not loaded & {"rich", "pydantic"}
