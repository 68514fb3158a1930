"""Run a command once; tell its wall time and its peak memory."""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

MIB = 1 << 20
# getrusage counts in kibibytes, on macOS in bytes.
_RSS_UNIT_BYTES = 1 if sys.platform == "darwin" else 1024


@dataclass(frozen=True, slots=True)
class Run:
    """One run of a command."""

    seconds: float
    peak_bytes: int
    exit_code: int
    message: str
    """The last line of standard error."""


def measure(command: Sequence[str], cwd: Path) -> Run:
    """Run to the end with closed input and discarded output.

    The peak is the kernel's for that child alone. A child starts with the parent's pages before
    it executes its own program, so the caller must stay small: no numpy in this process.
    """
    begin = time.perf_counter()
    with subprocess.Popen(
        command,
        cwd=cwd,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
    ) as process:
        assert process.stderr is not None
        said = process.stderr.read()
        _, status, usage = os.wait4(process.pid, 0)
        seconds = time.perf_counter() - begin
        process.returncode = os.waitstatus_to_exitcode(status)
    lines = said.decode(errors="replace").strip().splitlines()
    return Run(
        seconds=seconds,
        peak_bytes=usage.ru_maxrss * _RSS_UNIT_BYTES,
        exit_code=process.returncode,
        message=lines[-1] if lines else "",
    )


class CommandFailed(RuntimeError):
    """A measured command did not do its job."""


def measure_each(
    commands: dict[str, Sequence[str]], rounds: int, cwd: Path
) -> dict[str, list[Run]]:
    """Each command in turn, `rounds` times over, after one round that is not counted."""
    runs: dict[str, list[Run]] = {name: [] for name in commands}
    for number in range(rounds + 1):
        for name, command in commands.items():
            run = measure(command, cwd)
            if run.exit_code:
                raise CommandFailed(f"{name}: exit code {run.exit_code}: {run.message}")
            if number:
                runs[name].append(run)
    return runs


def median_seconds(runs: Sequence[Run]) -> float:
    """Median wall time."""
    return statistics.median(run.seconds for run in runs)


def peak_mib(runs: Sequence[Run]) -> float:
    """Largest peak, MiB."""
    return max(run.peak_bytes for run in runs) / MIB
