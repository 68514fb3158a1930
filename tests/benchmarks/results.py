"""The table that every benchmark prints, and what its exit code says."""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from msgspec import Struct, field

from tests.benchmarks.measure import CommandFailed


class Results(Struct):
    """Lines of the table, and whether each target was reached."""

    missed: list[str] = field(default_factory=list)

    def line(self, name: str, value: str, target: str = "", *, reached: bool = True) -> None:
        """Print one measurement beside its target."""
        verdict = "" if not target else "ok" if reached else "MISSED"
        print(f"{name:<46} {value:>16}   {target:<26} {verdict}".rstrip(), flush=True)
        if not reached:
            self.missed.append(name)

    def skipped(self, name: str, reason: str, *, counts: bool) -> None:
        """Print why something was not measured; `counts`: a target stays unproven."""
        print(f"{name:<46} not measured: {reason}", flush=True)
        if counts:
            self.missed.append(name)

    @contextmanager
    def told(self, *, check: bool) -> Iterator[None]:
        """Measure inside: ends the process with 2 where that stops, 1 for a miss under `check`."""
        try:
            yield
        except (CommandFailed, OSError, subprocess.SubprocessError) as error:
            print(f"benchmark stopped: {error}", file=sys.stderr)
            raise SystemExit(2) from error
        if self.missed:
            print(f"\n{len(self.missed)} missed: {', '.join(self.missed)}")
        if check and self.missed:
            raise SystemExit(1)


def cpu_name() -> str:
    """What the processor calls itself."""
    try:
        for line in (
            Path("/proc/cpuinfo").read_text(encoding="ascii", errors="replace").splitlines()
        ):
            if line.startswith("model name"):
                return line.split(":", 1)[1].strip()
    except OSError:
        pass
    return platform.processor() or platform.machine()


def print_machine() -> None:
    """What the numbers were measured on."""
    print(f"{cpu_name()}, {os.cpu_count()} cores, {platform.system()} {platform.release()}")
    versions = [f"Python {platform.python_version()}"]
    for tool in ("tcpdump", "tshark"):
        if shutil.which(tool):
            done = subprocess.run([tool, "--version"], capture_output=True, text=True, check=False)
            # As root tshark warns before it says its name.
            lines = (done.stdout + done.stderr).splitlines()
            versions.append(next((line for line in lines if line.lower().startswith(tool)), tool))
    print(", ".join(versions), flush=True)
