"""Measure `dpdlab live`: packets of a wire, probes to the screen, lines of a log, a long day.

    python -m tests.benchmarks.run_live [--only PART] [--engine E] [--seconds N] [--hours N]

As root, on a link of its own. CPU is that of dpdlab alone, in cores; the capturing child stands
beside it. A day is fed in event time, as fast as it is taken.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any, Final, Protocol

from msgspec import Struct

from analyzers.model.peer import PeerView
from analyzers.session.live import LiveSession
from analyzers.sources.capture_filter import capture_filter
from analyzers.sources.dumpcap import CaptureSource, find_tool
from analyzers.sources.feed import SourceState
from dpdlab.tui.live_reading import LiveReader
from dpdlab.tui.reading import Outcome
from tests.benchmarks.live_traffic import liveness, numbered
from tests.benchmarks.measure import MIB, CommandFailed
from tests.benchmarks.results import Results, print_machine
from tests.benchmarks.run import ROOT
from tests.live_capture import Link, children_of, link, now_ns, send

LIVE: Final = (sys.executable, "-m", "dpdlab", "live")
PPS, SECONDS = 20_000, 60
FILL_PPS, FILL_SECONDS, FILL_SHARE = 2_000, 26, 2
"""What fills the rings of recent events of all peers."""
LATER_SECOND: Final = 1_000
"""Sequence numbers and message IDs of the measured minute are those that follow."""
LINES_PER_SECOND, LOG_SECONDS = 5_000, 20
DIALOGUE_LINES: Final = 20
"""Of a question and its answer in a debug log, with what charon says of itself meanwhile."""
PEERS, HOURS = 1_000, 24.0
PROBES: Final = 100

MAX_CORES: Final = 1.0
MAX_GROWTH: Final = 1.15
MAX_LATENCY_MS: Final = 300.0
MAX_LAG_S: Final = 2.0
_TICKS: Final = os.sysconf("SC_CLK_TCK")
_SETTLE_S: Final = 3.0
_REST_CORES: Final = 0.2
_TERMINAL: Final = (132, 43)
_SCREEN: Final = ("capture-pane", "-p")
_ASKED: Final = "probing 1"


class Running(Struct, dict=True):
    """A live session that is measured from outside."""

    process: subprocess.Popen[bytes]

    @property
    def rss_mib(self) -> float:
        """What it holds."""
        return self._status_mib("VmRSS")

    @property
    def peak_mib(self) -> float:
        """The most that it has held."""
        return self._status_mib("VmHWM")

    def _status_mib(self, name: str) -> float:
        text = Path(f"/proc/{self.process.pid}/status").read_text()
        found = re.search(rf"{name}:\s+(\d+) kB", text)
        return int(found[1]) * 1024 / MIB if found else 0.0

    @property
    def cpu_s(self) -> float:
        """What it has worked so far; its children are not in it."""
        return cpu_s(self.process.pid)

    def ended(self) -> tuple[list[dict[str, Any]], str]:
        """End it: its last lines, and what it told."""
        self.process.send_signal(signal.SIGINT)
        out, err = self.process.communicate(timeout=120)
        return [json.loads(line) for line in out.decode().splitlines()], err.decode()


def cpu_s(process: int) -> float:
    fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICKS


@contextmanager
def running(
    *words: str,
    folder: str,
    out: int = subprocess.PIPE,
    stdin: int = subprocess.DEVNULL,
) -> Iterator[Running]:
    process = subprocess.Popen(
        [*LIVE, *words], cwd=ROOT, stdin=stdin, stdout=out, stderr=subprocess.PIPE,
        env={**os.environ, "XDG_CACHE_HOME": folder},
    )  # fmt: skip
    try:
        yield Running(process)
    finally:
        if process.poll() is None:
            process.kill()
        if process.stdin is not None and process.stdin.closed:
            process.stdin = None  # nothing to flush
        process.communicate()


def until(check: Callable[[], bool], what: str, patience_s: float = 60.0) -> None:
    end_s = time.monotonic() + patience_s
    while not check():
        if time.monotonic() > end_s:
            raise CommandFailed(f"{what} never came")
        time.sleep(0.005)


def percentiles(values: list[float]) -> tuple[float, float, float]:
    """Median, 99th percentile, maximum."""
    ordered = sorted(values)
    return statistics.median(ordered), ordered[int(0.99 * (len(ordered) - 1))], ordered[-1]


def busy_wire(results: Results, seconds: int, engine: str) -> None:
    """20,000 packets a second for a minute."""
    with tempfile.TemporaryDirectory() as folder, link() as wire:
        words = ("-i", wire.receiver, "--engine", engine, "--format", "jsonl")
        with running(*words, folder=folder) as live:
            lines: list[tuple[float, bytes]] = []
            stream = live.process.stdout
            assert stream is not None
            handle = stream.fileno()

            def read() -> None:
                while data := os.read(handle, 1 << 20):
                    lines.append((time.time(), data))  # noqa: TID251 - as packets are stamped

            until(lambda: bool(children_of(live.process.pid)), "the capture")
            time.sleep(_SETTLE_S)
            reader = threading.Thread(target=read)
            reader.start()
            (child,) = children_of(live.process.pid)
            tool = Path(f"/proc/{child}/comm").read_text().strip()
            empty_mib = live.rss_mib
            fill = [*_sending(wire, FILL_PPS, FILL_SECONDS), "--ike-share", str(FILL_SHARE)]
            filled = int(subprocess.run(fill, cwd=ROOT, capture_output=True).stdout.split()[0])
            until(partial(_is_at_rest, live), "the end of what fills the rings")
            lines.clear()
            command = [*_sending(wire, PPS, seconds), "--from-second", str(LATER_SECOND)]
            sender = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE)
            began_s, worked_s, captured_s = time.monotonic(), live.cpu_s, cpu_s(child)
            early_mib = live.rss_mib
            said = sender.communicate()[0].split()
            took_s = time.monotonic() - began_s
            cores, capturing = (
                (live.cpu_s - worked_s) / took_s,
                (cpu_s(child) - captured_s) / took_s,
            )
            late_mib = live.rss_mib
            time.sleep(1.0)
            live.process.send_signal(signal.SIGINT)
            reader.join()
            live.process.wait(60)
            assert live.process.stderr is not None
            told = live.process.stderr.read().decode()
    sent, sending_s = int(said[0]), float(said[1])

    records = [json.loads(line) for line in b"".join(data for _, data in lines).splitlines()]
    (source,) = [record for record in records if record["type"] == "source"]
    found = re.search(r"([\d,]+) dropped", told)
    dropped = int(found[1].replace(",", "")) if found else 0
    lost = filled + sent - source["packets"] - dropped
    results.line("packets sent", f"{sent:,}", f"{sent / sending_s:,.0f} a second")
    results.line("dropped by the kernel", f"{dropped:,}")
    results.line("lost in the tool", f"{lost:,}", "0", reached=lost == 0)
    results.line("CPU of dpdlab", f"{cores:.2f} cores", f"< {MAX_CORES:.0f}", reached=cores < 1)
    results.line(f"CPU of {tool}", f"{capturing:.2f} cores")
    results.line("memory, before anything came", f"{empty_mib:.1f} MiB")
    results.line("memory, rings of recent events full", f"{early_mib:.1f} MiB")
    growth = late_mib / early_mib
    results.line(f"memory, {seconds} s later", f"{late_mib:.1f} MiB", f"<= {MAX_GROWTH} x",
                 reached=growth <= MAX_GROWTH)  # fmt: skip
    _latency(results, "message to its line", _arrivals(lines))


def _sending(wire: Link, pps: int, seconds: int) -> list[str]:
    """The command that puts so much on the wire."""
    command = [sys.executable, "-m", "tests.benchmarks.live_traffic", "wire", wire.sender]
    return [*command, "--pps", str(pps), "--seconds", str(seconds)]


def _is_at_rest(live: Running) -> bool:
    worked_s = live.cpu_s
    time.sleep(1.0)
    return live.cpu_s - worked_s < _REST_CORES


def _arrivals(lines: list[tuple[float, bytes]]) -> list[float]:
    """How long after each message its line came, ms."""
    waits: list[float] = []
    rest = b""
    for came_s, data in lines:
        *whole, rest = (rest + data).split(b"\n")
        told = [line for line in whole if line.startswith(b'{"type":"message"')]
        waits += [1000 * (came_s - json.loads(line)["at_ns"] / 1e9) for line in told]
    return waits


def _latency(results: Results, name: str, waits_ms: list[float]) -> None:
    if not waits_ms:
        raise CommandFailed(f"{name}: nothing came")
    median, high, most = percentiles(waits_ms)
    results.line(f"{name}, median ({len(waits_ms):,})", f"{median:.0f} ms")
    target = f"< {MAX_LATENCY_MS:.0f} ms"
    results.line(f"{name}, 99th", f"{high:.0f} ms", target, reached=high < MAX_LATENCY_MS)
    results.line(f"{name}, longest", f"{most:.0f} ms")


def to_screen(results: Results, engine: str) -> None:
    """Questions to a peer and its answers: how long until each stage has the question."""
    with link() as wire:
        _latency(results, "probe read from the pipe", _questions(wire, _Queue(wire, engine)))
    with link() as wire:
        _latency(results, "probe in the views", _questions(wire, _Views(wire, engine)))
    if shutil.which("tmux") is None:
        results.skipped("probe to screen", "tmux is not installed", counts=True)
        return
    with (
        tempfile.TemporaryDirectory() as folder,
        link() as wire,
        _terminal(folder, wire, engine) as tmux,
    ):
        _latency(results, "probe to screen", _questions(wire, _Screen(tmux)))


class _Stage(Protocol):
    """What a question goes through until it is seen."""

    def question(self, number: int) -> bool:
        """Whether that one is there, and unanswered."""

    def answer(self, number: int) -> bool:
        """Whether its answer is there."""

    def close(self) -> None:
        """It is not needed any more."""


def _questions(wire: Link, stage: _Stage) -> list[float]:
    """How long each question took, ms."""
    waits: list[float] = []
    try:
        for number in range(PROBES + 1):
            sent_s = time.monotonic()
            send(wire.sender, [(0.0, numbered(liveness(0, answer=False), number))], 1)
            until(partial(stage.question, number), "a question", 10)
            waits.append(1000 * (time.monotonic() - sent_s))
            send(wire.sender, [(0.0, numbered(liveness(0, answer=True), number))], 1)
            until(partial(stage.answer, number), "the answer", 10)
            time.sleep(0.1 + 0.07 * (number % 7))
    finally:
        stage.close()
    # The first one is about a peer that nobody knew.
    return waits[1:]


def _source(wire: Link, engine: str) -> CaptureSource:
    tool = find_tool(["dumpcap" if engine == "dumpcap" else "tcpdump"])
    return CaptureSource(wire.receiver, capture_filter(vlan=True), tool)


class _Queue:
    """What was read from the capturing child."""

    def __init__(self, wire: Link, engine: str) -> None:
        self._source = _source(wire, engine)
        self._source.start()
        until(lambda: self._source.feed.status.state is SourceState.OPEN, "the capture")
        time.sleep(_SETTLE_S)
        self._source.feed.take()

    def question(self, _number: int) -> bool:
        return bool(self._source.feed.take())

    answer = question

    def close(self) -> None:
        self._source.close(_SETTLE_S)


class _Views:
    """What the thread that drives the session tells the console."""

    def __init__(self, wire: Link, engine: str) -> None:
        self._peers: tuple[PeerView, ...] = ()
        session = LiveSession([_source(wire, engine)])
        self._reader = LiveReader(session, now_ns, self._take)
        self._reader.start()
        time.sleep(_SETTLE_S)

    def _take(self, outcome: Outcome) -> None:
        if outcome.content is not None:
            self._peers = outcome.content.peers

    def question(self, number: int) -> bool:
        return sum(len(peer.exchanges) for peer in self._peers) > number

    def answer(self, number: int) -> bool:
        exchanges = [each for peer in self._peers for each in peer.exchanges]
        return len(exchanges) > number and exchanges[-1].answer is not None

    def close(self) -> None:
        self._reader.stop(_SETTLE_S)


class _Screen:
    """What the terminal shows."""

    def __init__(self, tmux: Callable[..., str]) -> None:
        self._tmux = tmux

    def question(self, number: int) -> bool:
        return (_ASKED if number else "unknown") in self._tmux(*_SCREEN)

    def answer(self, _number: int) -> bool:
        return "alive  10." in self._tmux(*_SCREEN)

    def close(self) -> None:
        pass


@contextmanager
def _terminal(folder: str, wire: Link, engine: str) -> Iterator[Callable[..., str]]:
    """The console on a terminal of its own; what it is told to do by tmux."""
    socket = f"dpdlab-bench-{os.getpid()}"

    def tmux(*words: str) -> str:
        command = ["tmux", "-L", socket, "-f", os.devnull, *words]
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout

    width, height = _TERMINAL
    shell = f"cd {ROOT} && XDG_CACHE_HOME={folder} XDG_STATE_HOME={folder} "
    shell += " ".join([*LIVE, "-i", wire.receiver, "--engine", engine])
    tmux("new-session", "-d", "-x", str(width), "-y", str(height), "sh", "-c", shell)
    try:
        until(lambda: "dpdlab" in tmux(*_SCREEN), "the console")
        time.sleep(_SETTLE_S)
        yield tmux
    finally:
        tmux("kill-server")


def busy_log(results: Results, seconds: int) -> None:
    """5,000 lines of charon a second: questions and answers of 200 peers, among other lines."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "charon.log")
        path.touch()
        with running("--log", str(path), "--format", "jsonl", folder=folder) as live:
            came: list[float] = []
            last = b""
            stream = live.process.stdout
            assert stream is not None
            exchanges = LINES_PER_SECOND * seconds // DIALOGUE_LINES

            def read() -> None:
                told = (line for line in stream if line.startswith(b'{"type":"exchange"'))
                came.extend(time.monotonic() for _ in told)

            reader = threading.Thread(target=read, daemon=True)
            reader.start()
            time.sleep(_SETTLE_S)
            began_s, worked_s, written = time.monotonic(), live.cpu_s, 0
            with path.open("ab", buffering=0) as file:
                while written < exchanges:
                    due = min(
                        exchanges,
                        int((time.monotonic() - began_s) * LINES_PER_SECOND / DIALOGUE_LINES),
                    )
                    last = b"".join(_dialogue(number) for number in range(written, due))
                    file.write(last)
                    written = due
                    time.sleep(0.01)
            written_s = time.monotonic()
            cores = (live.cpu_s - worked_s) / (written_s - began_s)
            until(lambda: len(came) >= exchanges, f"{exchanges} exchanges ({len(came)})", 120)
            lag_s = came[exchanges - 1] - written_s
            memory_mib = live.rss_mib
    results.line(
        "log lines written", f"{exchanges * DIALOGUE_LINES:,}", f"{LINES_PER_SECOND:,} a second"
    )
    results.line("log, behind at the end", f"{lag_s:.2f} s", f"< {MAX_LAG_S:.0f} s",
                 reached=lag_s < MAX_LAG_S)  # fmt: skip
    results.line("log, CPU of dpdlab", f"{cores:.2f} cores", f"< {MAX_CORES:.0f}",
                 reached=cores < MAX_CORES)  # fmt: skip
    results.line("log, memory", f"{memory_mib:.1f} MiB")


def _dialogue(number: int) -> bytes:
    """A question of the log's device and its answer, now."""
    now = datetime.now(UTC)  # noqa: TID251 - as a daemon writes it
    stamp = f"{now:%Y-%m-%d %H:%M:%S}.{now.microsecond // 1000:03}"
    peer, message = number % 200, number // 200
    ends = f"10.0.0.1[4500] to 10.2.0.{peer + 1}[4500]"
    back = f"10.2.0.{peer + 1}[4500] to 10.0.0.1[4500]"
    head = f"{stamp} {1 + number % 16:02}"
    return (
        f"{head}[IKE] <gw{peer}|{peer}> sending DPD request\n"
        f"{head}[ENC] <gw{peer}|{peer}> generating INFORMATIONAL request {message} [ ]\n"
        f"{head}[NET] <gw{peer}|{peer}> sending packet: from {ends} (80 bytes)\n"
        f"{head}[NET] <gw{peer}|{peer}> received packet: from {back} (80 bytes)\n"
        f"{head}[ENC] <gw{peer}|{peer}> parsed INFORMATIONAL response {message} [ ]\n"
        + f"{head}[JOB] watched FD 20 ready to read\n" * 5
        + f"{head}[MGR] checkout IKEv2 SA by message with SPIs 5f254b9a4aaa8666_i\n" * 5
        + f"{head}[KNL] querying SAD entry with SPI c6447552\n" * 5
    ).encode()


def long_day(results: Results, hours: float) -> None:
    """1,000 peers, asked every 10 s, for a day."""
    with tempfile.TemporaryDirectory() as folder:
        words = ("-i", "-", "--no-save", "--format", "text")
        with running(*words, folder=folder, out=subprocess.DEVNULL, stdin=subprocess.PIPE) as live:
            command = [sys.executable, "-m", "tests.benchmarks.live_traffic", "day"]
            command += ["--peers", str(PEERS), "--hours", f"{hours}"]
            assert live.process.stdin is not None
            with live.process.stdin as write:
                feeder = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE)
                assert feeder.stdout is not None
                total = hours * 360 * PEERS * 2 * 138
                fed, held_mib, began_s = 0, [0.0] * 11, time.monotonic()
                while data := feeder.stdout.read(1 << 18):
                    write.write(data)
                    fed += len(data)
                    tenth = min(int(10 * fed / total), 10)
                    held_mib[tenth] = held_mib[tenth] or live.rss_mib
                feeder.wait()
            held_mib[10] = live.rss_mib
            peak_mib = live.peak_mib
            live.process.wait(3600)
            took_s = time.monotonic() - began_s
    results.line(f"{hours:g} h of {PEERS:,} peers", f"{took_s:.0f} s",
                 f"{hours * 3600 / took_s:.0f} x real time")  # fmt: skip
    results.line("day, memory at 10 %", f"{held_mib[1]:.1f} MiB")
    results.line("day, memory at 50 %", f"{held_mib[5]:.1f} MiB")
    growth = held_mib[10] / held_mib[1]
    results.line("day, memory at 100 %", f"{held_mib[10]:.1f} MiB", f"<= {MAX_GROWTH} x",
                 reached=growth <= MAX_GROWTH)  # fmt: skip
    results.line("day, most memory", f"{peak_mib:.1f} MiB")


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--seconds", type=int, default=SECONDS, help="on the wire (default 60)")
    parser.add_argument("--hours", type=float, default=HOURS, help="of the day (default 24)")
    parser.add_argument("--only", choices=("wire", "screen", "log", "day"), help="one part")
    parser.add_argument("--engine", choices=("auto", "dumpcap", "tcpdump"), default="auto")
    parser.add_argument("--check", action="store_true", help="exit code 1 when a target is missed")
    options = parser.parse_args()
    results = Results()
    print_machine()
    print(f"load {os.getloadavg()[0]:.2f}\n", flush=True)
    parts: dict[str, Callable[[], None]] = {
        "wire": lambda: busy_wire(results, options.seconds, options.engine),
        "screen": lambda: to_screen(results, options.engine),
        "log": lambda: busy_log(results, LOG_SECONDS),
        "day": lambda: long_day(results, options.hours),
    }
    with results.told(check=options.check):
        for name, part in parts.items():
            if options.only in (None, name):
                part()


if __name__ == "__main__":
    main()
