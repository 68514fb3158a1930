"""Run a command once; tell its wall time and its peak memory."""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from msgspec import Struct

MIB = 1 << 20
# getrusage counts in kibibytes, on macOS in bytes.
_RSS_UNIT_BYTES = 1 if sys.platform == "darwin" else 1024

SAMPLE_S = 0.005
"""Between two looks at the memory of a family of processes."""


class Run(Struct, frozen=True):
    """One run of a command."""

    seconds: float
    peak_bytes: int
    exit_code: int
    message: str
    """The last line of standard error."""


def measure(command: Sequence[str], cwd: Path, *, watch: bool = False) -> Run:
    """Run to the end with closed input and discarded output.

    The kernel's peak is that of the largest process, not of all of them. `watch` samples what the
    whole family holds together and tells the larger number; that costs time, so it is for runs
    whose time does not count. A child starts with the parent's pages before it executes its own
    program, so the caller must stay small: no numpy in this process.
    """
    begin = time.perf_counter()
    with subprocess.Popen(
        command,
        cwd=cwd,
        env=_environment(),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
    ) as process:
        assert process.stderr is not None
        sampled = _sample_family(process.pid) if watch else 0
        said = process.stderr.read()
        _, status, usage = os.wait4(process.pid, 0)
        seconds = time.perf_counter() - begin
        process.returncode = os.waitstatus_to_exitcode(status)
    lines = said.decode(errors="replace").strip().splitlines()
    return Run(
        seconds=seconds,
        peak_bytes=max(usage.ru_maxrss * _RSS_UNIT_BYTES, sampled),
        exit_code=process.returncode,
        message=lines[-1] if lines else "",
    )


def _environment() -> dict[str, str]:
    """That of this process, but compiled modules are kept, as an installation keeps them."""
    return {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}


def _sample_family(pid: int) -> int:
    """Largest sum of what a process and its descendants hold, bytes, until it ends; Linux only.

    Pages that several processes share count once (proportional set size).
    """
    peak = 0
    while Path(f"/proc/{pid}/smaps_rollup").exists():
        held = sum(_held_bytes(member) for member in _family(pid))
        if held == 0:
            # Nothing is mapped any more: it has ended and waits for its parent.
            break
        peak = max(peak, held)
        time.sleep(SAMPLE_S)
    return peak


def _family(pid: int) -> list[int]:
    """A process and its descendants."""
    members = [pid]
    for member in members:
        try:
            for thread in Path(f"/proc/{member}/task").iterdir():
                members += [int(child) for child in (thread / "children").read_text().split()]
        except OSError:
            # It ended between two looks.
            continue
    return members


def _held_bytes(pid: int) -> int:
    """Proportional set size of one process; 0 when it has ended."""
    try:
        for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
            if line.startswith("Pss:"):
                return int(line.split()[1]) * 1024
    except OSError:
        pass
    return 0


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


def peak_mib(command: Sequence[str], cwd: Path) -> float:
    """Peak memory of a command with all its child processes, MiB; runs it once more."""
    run = measure(command, cwd, watch=True)
    if run.exit_code:
        raise CommandFailed(f"exit code {run.exit_code}: {run.message}")
    return run.peak_bytes / MIB
