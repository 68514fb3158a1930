"""A tunnel between two real strongSwan gateways dies while dpdlab watches, and comes back."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import time
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from threading import Thread
from typing import IO, Any

import pytest

from tests.gateways import Pair, Timers, gateways, needs_gateways
from tests.integration.test_live_saved import report, saved, told
from tests.live_capture import DPDLAB, PATIENCE_S, eventually

pytestmark = needs_gateways

NS = 1_000_000_000
GAVE_UP = {1: "DPD check timed out", 2: "giving up after"}
TIMERS = {1: Timers(delay_s=2, timeout_s=8), 2: Timers(delay_s=2, wait_s=1, tries=3)}


class Watched:
    """`dpdlab live` at the left gateway, and what it has said so far."""

    def __init__(self, pair: Pair, folder: Path) -> None:
        self.saved = folder / "kept.pcapng"
        self.lines: list[dict[str, Any]] = []
        self.err = b""
        left = pair.left
        self.process = subprocess.Popen(
            [*left.inside, *DPDLAB, "live", str(left.settings), str(left.connections),
             "-i", left.interface, "--log", str(left.log), "--format", "jsonl",
             "-w", str(self.saved)],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            env={**os.environ, "XDG_CACHE_HOME": str(folder)},
        )  # fmt: skip
        assert self.process.stdout is not None
        self._reader = Thread(target=self._read, args=(self.process.stdout,), daemon=True)
        self._reader.start()

    def _read(self, stream: IO[bytes]) -> None:
        for line in stream:
            self.lines.append(json.loads(line))

    def of(self, kind: str) -> list[dict[str, Any]]:
        """The lines of a type."""
        return [line for line in list(self.lines) if line["type"] == kind]

    @property
    def states(self) -> list[str]:
        """The states of the peer as they were told, each once.

        Its first packet may be told before the one that answers it: that it is unknown until then
        says nothing.
        """
        told = [line["state"] for line in self.of("peer")]
        if told[:1] == ["unknown"]:
            del told[0]
        return [state for n, state in enumerate(told) if not n or state != told[n - 1]]

    def until(self, wanted: Callable[[], object], what: str) -> None:
        """Wait for something to be told."""
        try:
            eventually(lambda: bool(wanted()), what)
        except AssertionError as error:
            error.add_note(f"{self.states} {self.of('question')}")
            raise

    def end(self) -> None:
        """As Ctrl+C."""
        self.process.send_signal(signal.SIGINT)
        assert self.process.stderr is not None
        self.err = self.process.stderr.read()
        assert self.process.wait(PATIENCE_S) == 0, self.err
        self._reader.join(PATIENCE_S)


def _time_ns(log: Path, said: str) -> int:
    """When a daemon wrote a line, which it does in UTC."""
    (line,) = [line for line in log.read_text().splitlines() if said in line][:1]
    stamp = re.match(r"(\S+ \S+?)\.(\d{3}) ", line)
    assert stamp is not None
    whole = datetime.strptime(f"{stamp[1]} +0000", "%Y-%m-%d %H:%M:%S %z")
    return int(whole.timestamp()) * NS + int(stamp[2]) * NS // 1000


@pytest.mark.parametrize("version", [1, 2])
def test_a_gateway_dies_and_comes_back(version: int, tmp_path: Path) -> None:
    with gateways(version, TIMERS[version], Timers(3, 12)) as pair:
        watched = Watched(pair, tmp_path)
        try:
            _dies_and_comes_back(watched, pair, version)
        finally:
            watched.process.kill()
            watched.process.communicate()


def _dies_and_comes_back(watched: Watched, pair: Pair, version: int) -> None:
    watched.until(lambda: watched.states == ["alive"], "life")
    time.sleep(2.5)
    assert watched.states == ["alive"], "a quiet tunnel with traffic is no suspect"
    assert not watched.of("black_hole")

    cut_ns = time.time_ns()  # noqa: TID251 - of the gateways
    pair.cut()
    watched.until(lambda: "probing" in watched.states, "a question")
    watched.until(lambda: watched.of("question"), "the countdown")
    watched.until(lambda: "dead" in watched.states, "the verdict")
    watched.until(lambda: pair.left.log.read_text().count(GAVE_UP[version]), "the daemon's verdict")
    gave_up_ns = _time_ns(pair.left.log, GAVE_UP[version])
    watched.until(lambda: watched.of("black_hole")[-1]["dead_basis"] == "log", "what the log says")

    assert set(watched.states) == {"alive", "questionable", "probing", "dead"} & set(watched.states)
    for question in watched.of("question"):
        assert 1 <= question["sent"] <= question["of"]
        assert question["questionable_ns"] <= question["verdict_ns"]
        assert question["basis"] == "config"
        assert question["verdict_ns"] == pytest.approx(gave_up_ns, abs=NS // 2)
    holes = watched.of("black_hole")
    assert len(holes) >= 3
    lengths = [hole["max_seconds"] for hole in holes if hole["dead_ns"] is None]
    assert lengths == sorted(lengths)
    assert lengths[0] < lengths[-1]
    hole = holes[-1]
    assert hole["dead_ns"] == pytest.approx(gave_up_ns, abs=NS // 100)
    assert hole["last_proof_ns"] == pytest.approx(cut_ns, abs=NS // 2)
    assert hole["recovered_ns"] is None
    assert hole["class"] == "detected"

    time.sleep(1.5)  # who is back at once ends the loss
    back_ns = time.time_ns()  # noqa: TID251 - of the gateways
    pair.repair()
    watched.until(lambda: watched.states[-1] == "alive", "life again")
    watched.until(lambda: watched.of("black_hole")[-1]["recovered_ns"], "the end of the black hole")
    hole = watched.of("black_hole")[-1]
    assert back_ns < hole["recovered_ns"] < back_ns + 6 * NS
    assert hole["dead_ns"] == pytest.approx(gave_up_ns, abs=NS // 100)
    assert hole["stop_ns"] <= gave_up_ns + NS // 10
    time.sleep(1.0)
    watched.end()
    assert watched.states[-1] == "alive"
    assert watched.states.count("dead") == 1
    assert "dpd-no-ack" in {finding["rule"] for finding in watched.of("finding")}
    assert not [line for line in watched.of("delete") if not line.get("retracted")]
    paths = saved(watched.err)
    assert paths[0] == str(watched.saved)
    given = (str(pair.left.settings), str(pair.left.connections))
    assert told(watched.lines) == told(report(*paths, *given))


def test_each_end_knows_itself_from_the_middle_on(tmp_path: Path) -> None:
    """No handshake is captured, and no log tells: the interface has an address."""
    with gateways(2, Timers(delay_s=2), Timers(delay_s=2)) as pair:
        ends = (pair.left, pair.right)
        watching = [
            subprocess.Popen(
                [*end.inside, *DPDLAB, "live", "-i", end.interface, "--format", "jsonl",
                 "--duration", "4", "-w", str(tmp_path / end.interface)],
                stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
            )
            for end in ends
        ]  # fmt: skip
        for end, process in zip(ends, watching, strict=True):
            out, _ = process.communicate(timeout=PATIENCE_S)
            lines = [json.loads(line) for line in out.splitlines()]
            told_once = {(p["local"], p["local_basis"]) for p in lines if p["type"] == "peer"}
            assert told_once == {(end.address, "interface")}
            assert told(lines) == told(report(str(tmp_path / end.interface)))
