"""Measure reading of a million lines of log: the decoder alone, and the whole report.

    python -m tests.benchmarks.run_logs [--lines N] [--rounds N] [--check]

Times are CPU seconds of the process, start-up included, the least of several runs: what else the
machine does only adds to them. Memory is the decoder's peak beside that of a fifth of the lines,
and the report's, which keeps every message.
"""

from __future__ import annotations

import argparse
import resource
import sys
from collections.abc import Sequence
from pathlib import Path

from tests.benchmarks.generate import cache_folder
from tests.benchmarks.generate_log import KINDS, LogPlan, make_log
from tests.benchmarks.measure import MIB, CommandFailed, measure
from tests.benchmarks.results import Results, print_machine
from tests.benchmarks.run import ROOT, report_command

LINES = 1_000_000
FEWER = 5
PIECE_CHARS = 1 << 20

MAX_DECODE_S = 2.5
MAX_REPORT_S = 4.0
MAX_GROWTH_MIB = 16.0


def decode(path: Path) -> int:
    """Read a log to its end and keep nothing; returns how many events there were."""
    from analyzers.decode.logs import LogDecoder
    from analyzers.dialects.catalogue import DIALECTS
    from analyzers.model.records import SourceInfo

    decoder = LogDecoder(SourceInfo("s1", str(path), "log", ""), DIALECTS)
    events = 0
    with path.open(encoding="utf-8", newline="") as file:
        while piece := file.read(PIECE_CHARS):
            events += len(decoder.feed(piece))
    return events + len(decoder.finish())


def cpu_seconds(command: Sequence[str], rounds: int) -> tuple[float, float]:
    """Least CPU time of some runs, s, and their peak memory, MiB."""
    times, peak = [], 0
    for _ in range(rounds):
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        run = measure(command, ROOT)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        if run.exit_code:
            raise CommandFailed(f"exit code {run.exit_code}: {run.message}")
        times.append(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)
        peak = max(peak, run.peak_bytes)
    return min(times), peak / MIB


def decode_command(path: Path) -> list[str]:
    return [sys.executable, "-m", "tests.benchmarks.run_logs", "--decode", str(path)]


def log(plan: LogPlan) -> Path:
    path = cache_folder() / plan.name
    make_log(plan, path)
    return path


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--lines", type=int, default=LINES)
    parser.add_argument("--rounds", type=int, default=3, help="runs of each command (default 3)")
    parser.add_argument("--check", action="store_true", help="exit code 1 when a target is missed")
    parser.add_argument("--decode", type=Path, help="decode this file, and nothing else")
    options = parser.parse_args()
    if options.decode:
        print(decode(options.decode))
        return
    results = Results()
    print_machine()
    scale = options.lines / LINES
    with results.told(check=options.check):
        for kind in KINDS:
            path = log(LogPlan(kind, options.lines))
            fewer = log(LogPlan(kind, options.lines // FEWER))
            size = path.stat().st_size / 1e6
            print(f"\n{kind}: {options.lines:,} lines, {size:.0f} MB", flush=True)
            peak = 0.0
            for name, command, limit in (
                ("decoder", decode_command(path), MAX_DECODE_S * scale),
                ("report", report_command(path), MAX_REPORT_S * scale),
            ):
                seconds, peak = cpu_seconds(command, options.rounds)
                target = f"<= {limit:.1f} s"
                text = f"{seconds:.2f} s"
                results.line(f"{kind}, {name}, CPU", text, target, reached=seconds <= limit)
            results.line(f"{kind}, report, peak memory", f"{peak:.0f} MiB", "linear in messages")
            _, less = cpu_seconds(decode_command(fewer), 1)
            _, more = cpu_seconds(decode_command(path), 1)
            text, target = f"{more:.0f} MiB", f"<= {less + MAX_GROWTH_MIB:.0f} MiB"
            reached = more <= less + MAX_GROWTH_MIB
            results.line(f"{kind}, decoder, peak memory", text, target, reached=reached)


if __name__ == "__main__":
    main()
