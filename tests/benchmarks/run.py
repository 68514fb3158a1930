"""Measure the report beside tcpdump and tshark, in the same run, and print the ratios.

    python -m tests.benchmarks.run [--quick] [--check]

Captures are generated into a cache folder and kept there, but for the biggest one. Times are
medians of interleaved runs with the file in the page cache, start-up included.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from msgspec import Struct

from tests.benchmarks.measure import (
    CommandFailed,
    Run,
    measure,
    measure_each,
    median_seconds,
    peak_mib,
)
from tests.benchmarks.results import Results, print_machine

ROOT = Path(__file__).resolve().parents[2]

IPSEC_FILTER = "udp port 500 or udp port 4500 or esp"

PACKETS, PEERS = 1_000_000, 50
QUICK_PACKETS = 200_000
WARM_UP_PACKETS = 10_000
MANY_PEERS = 10_000
TIMES = 10

MAX_TIMES_TCPDUMP, AIM_TIMES_TCPDUMP = 5.0, 3.0
MIN_TIMES_TSHARK = 40.0
MAX_PEAK_MIB = 150.0
MAX_HELP_S = 0.2
# What "the same memory" and "linear" mean in the presence of noise.
MAX_PEAK_GROWTH = 1.15
MAX_TIME_GROWTH = TIMES * 1.15
LEAST_S = 0.05
"""A difference of times below this is noise."""

BYTES_PER_PACKET = 600
"""A little more than a record takes: for judging free space."""


def capture(packets: int, peers: int, folder: Path | None = None) -> Path:
    """A generated capture; made in a child process, so that this one stays small."""
    command = [sys.executable, "-m", "tests.benchmarks.generate"]
    command += ["--packets", str(packets), "--peers", str(peers)]
    if folder is not None:
        command += ["--out", str(folder / f"hub-{packets}.pcap")]
    done = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, text=True, check=True)
    return Path(done.stdout.strip())


def tcpdump_command(path: Path) -> list[str]:
    return ["tcpdump", "-r", str(path), "-w", os.devnull, IPSEC_FILTER]


def report_command(path: Path) -> list[str]:
    options = ["--format", "json", "-o", os.devnull]
    return [sys.executable, "-m", "dpdlab", "report", str(path), *options]


def tshark_command(path: Path) -> list[str]:
    return ["tshark", "-r", str(path), "-Y", "isakmp||esp", "-T", "fields", "-e", "frame.number"]


def help_command() -> list[str]:
    """The installed console script where there is one."""
    script = Path(sys.executable).with_name("dpdlab")
    head = [str(script)] if script.is_file() else [sys.executable, "-m", "dpdlab"]
    return [*head, "--help"]


def spread(runs: Sequence[Run]) -> str:
    """Median, for the table."""
    return f"{median_seconds(runs):.3f} s"


def start_up(results: Results) -> None:
    """Cold start of the command line."""
    runs = measure_each({"dpdlab --help": help_command()}, 7, ROOT)["dpdlab --help"]
    seconds = median_seconds(runs)
    target = f"< {MAX_HELP_S} s"
    results.line("dpdlab --help", f"{seconds:.3f} s", target, reached=seconds < MAX_HELP_S)


class Baseline(Struct, frozen=True):
    """What the report took for the capture that others are compared with."""

    seconds: float
    peak_mib: float


def main_capture(results: Results, path: Path, rounds: int) -> Baseline:
    """The report beside tcpdump."""
    commands: dict[str, Sequence[str]] = {}
    if shutil.which("tcpdump"):
        commands["tcpdump"] = tcpdump_command(path)
    commands["dpdlab report"] = report_command(path)
    runs = measure_each(commands, rounds, ROOT)
    for name, measured in runs.items():
        results.line(f"{name}, time", spread(measured))
    report = runs["dpdlab report"]
    if "tcpdump" in runs:
        ratio = median_seconds(report) / median_seconds(runs["tcpdump"])
        target = f"<= {MAX_TIMES_TCPDUMP:.0f} x (aim {AIM_TIMES_TCPDUMP:.0f} x)"
        reached = ratio <= MAX_TIMES_TCPDUMP
        results.line("dpdlab report / tcpdump", f"{ratio:.2f} x", target, reached=reached)
    else:
        results.skipped("dpdlab report / tcpdump", "tcpdump is not installed", counts=True)
    peak = peak_mib(report_command(path), ROOT)
    target = f"<= {MAX_PEAK_MIB:.0f} MiB"
    reached = peak <= MAX_PEAK_MIB
    results.line("dpdlab report, peak memory", f"{peak:.1f} MiB", target, reached=reached)
    return Baseline(median_seconds(report), peak)


def beside_tshark(results: Results, path: Path, base: Baseline) -> None:
    """The report beside tshark, which reads the same capture, once after a smaller warm-up."""
    name = "tshark / dpdlab report"
    if not shutil.which("tshark"):
        results.skipped(name, "tshark is not installed", counts=True)
        return
    measure(tshark_command(capture(WARM_UP_PACKETS, PEERS)), ROOT)
    run = measure(tshark_command(path), ROOT)
    if run.exit_code:
        raise CommandFailed(f"tshark: exit code {run.exit_code}: {run.message}")
    results.line("tshark, time (one run)", f"{run.seconds:.1f} s")
    ratio = run.seconds / base.seconds
    target = f">= {MIN_TIMES_TSHARK:.0f} x"
    results.line(name, f"{ratio:.1f} x", target, reached=ratio >= MIN_TIMES_TSHARK)


def many_peers(results: Results, packets: int, base: Baseline, rounds: int) -> None:
    """As many packets, but of many more peers: no cost that is peers x packets.

    A peer costs what the report says of it, so the time beyond that of few peers is held against
    the number of peers.
    """
    beyond: list[float] = []
    for peers in (MANY_PEERS // TIMES, MANY_PEERS):
        path = capture(packets, peers)
        runs = measure_each({"report": report_command(path)}, rounds, ROOT)["report"]
        results.line(f"{peers:,} peers, time", spread(runs))
        beyond.append(median_seconds(runs) - base.seconds)
    ratio = beyond[1] / max(beyond[0], LEAST_S)
    target = f"<= {MAX_TIME_GROWTH:.1f} x"
    name = f"time beyond {PEERS} peers, {TIMES} times the peers"
    results.line(name, f"{ratio:.2f} x", target, reached=ratio <= MAX_TIME_GROWTH)
    each_ms = beyond[1] / MANY_PEERS * 1000
    results.line("a peer more, time", f"{each_ms:.2f} ms")
    peak = peak_mib(report_command(capture(packets, MANY_PEERS)), ROOT)
    results.line(f"{MANY_PEERS:,} peers, peak memory", f"{peak:.1f} MiB", "linear in peers")


def many_packets(results: Results, packets: int, base: Baseline) -> None:
    """Ten times the packets of the same peers: the same memory, ten times the time."""
    name = f"{TIMES} times the packets"
    cached = capture(packets, PEERS)
    needed = packets * TIMES * BYTES_PER_PACKET
    if shutil.disk_usage(cached.parent).free < 2 * needed:
        results.skipped(name, f"less than {2 * needed / 1e9:.0f} GB free for it", counts=True)
        return
    with tempfile.TemporaryDirectory(dir=cached.parent) as folder:
        path = capture(packets * TIMES, PEERS, Path(folder))
        run = measure(report_command(path), ROOT)
        if run.exit_code:
            raise CommandFailed(f"report: exit code {run.exit_code}: {run.message}")
        peak = peak_mib(report_command(path), ROOT)
    results.line(f"{name}, time", f"{run.seconds:.3f} s")
    ratio = run.seconds / base.seconds
    target = f"<= {MAX_TIME_GROWTH:.1f} x"
    results.line(f"{name}, time", f"{ratio:.2f} x", target, reached=ratio <= MAX_TIME_GROWTH)
    growth = peak / base.peak_mib
    target = f"<= {MAX_PEAK_MIB:.0f} MiB"
    reached = peak <= MAX_PEAK_MIB
    results.line(f"{name}, peak memory", f"{peak:.1f} MiB", target, reached=reached)
    target = f"<= {MAX_PEAK_GROWTH} x"
    reached = growth <= MAX_PEAK_GROWTH
    results.line(f"{name}, peak memory", f"{growth:.2f} x", target, reached=reached)


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--quick", action="store_true", help="a fifth of the packets, no extremes")
    parser.add_argument("--check", action="store_true", help="exit code 1 when a target is missed")
    parser.add_argument("--rounds", type=int, default=5, help="runs of each command (default 5)")
    options = parser.parse_args()
    packets = QUICK_PACKETS if options.quick else PACKETS
    results = Results()
    print_machine()
    with results.told(check=options.check):
        path = capture(packets, PEERS)
        size = path.stat().st_size / 1e6
        print(f"{packets:,} packets of {PEERS} peers, {size:.0f} MB\n", flush=True)
        start_up(results)
        base = main_capture(results, path, options.rounds)
        beside_tshark(results, path, base)
        if options.quick:
            print("\nquick: start-up weighs more in a small capture; targets are for the whole one")
        else:
            many_peers(results, packets, base, min(options.rounds, 3))
            many_packets(results, packets, base)


if __name__ == "__main__":
    main()
