"""`dpdlab live` whose lines nobody reads: the session goes on, and ends as it should."""

from __future__ import annotations

import fcntl
import json
import os
import signal
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.integration.test_live_command import SAMPLE, _lines, environment
from tests.live_capture import DPDLAB, PATIENCE_S, eventually
from tests.scenarios.timeline import capture

__all__ = ["environment"]

# A pipe of the least size is full after a few lines.
_SMALL = 4096
_ANSWERED = "0 a>b v2 handshake\n1..190/1 a>b liveness 2+\n1.01..190/1 b>a liveness 2+ resp\n"


@contextmanager
def unread(
    environment: dict[str, str], *words: str, both: bool = False
) -> Iterator[tuple[subprocess.Popen[bytes], int]]:
    """A session whose output (`both`: stderr, too) is a small pipe, with its other end."""
    read, write = os.pipe()
    fcntl.fcntl(write, fcntl.F_SETPIPE_SZ, _SMALL)
    process = subprocess.Popen(
        [*DPDLAB, "live", *words],
        stdin=subprocess.PIPE,
        stdout=write,
        stderr=write if both else subprocess.PIPE,
        env=environment,
    )
    os.close(write)
    try:
        yield process, read
    finally:
        process.kill()
        process.wait()
        os.close(read)
        for stream in filter(None, (process.stdin, process.stderr)):
            stream.close()


def rest(handle: int) -> bytes:
    got = b""
    while data := os.read(handle, 65536):
        got += data
    return got


def packets_in(path: Path) -> int:
    made = subprocess.run(
        [*DPDLAB, "report", str(path), "--format", "json"], capture_output=True, check=False
    )
    return int(json.loads(made.stdout)["sources"][0]["packets"]) if made.stdout else 0


@pytest.mark.parametrize("both", [False, True])
@pytest.mark.parametrize("form", ["jsonl", "text"])
def test_a_signal_ends_it_and_all_packets_are_kept(
    environment: dict[str, str], tmp_path: Path, form: str, both: bool
) -> None:
    kept = tmp_path / "kept.pcapng"
    words = ("-i", "-", "--format", form, "-w", str(kept))
    data = capture(_ANSWERED)
    with unread(environment, *words, both=both) as (process, read):
        assert process.stdin is not None
        process.stdin.write(data)
        process.stdin.flush()
        eventually(lambda: kept.exists() and kept.stat().st_size > len(data))
        time.sleep(0.5)
        began_s = time.monotonic()
        process.send_signal(signal.SIGINT)
        assert process.wait(PATIENCE_S) == 0
        took_s = time.monotonic() - began_s
        process.stdin.close()
        got = rest(read)
        err = got if both else process.stderr.read()  # type: ignore[union-attr]
    assert packets_in(kept) == 4 + 2 * 189
    assert got
    if form == "jsonl" and not both:
        assert b"not written: nobody read them" in err
        assert _lines(got), "no line is cut"
    assert took_s < 2.0, "a second, and as much again for a busy machine"


def test_a_duration_ends_it(environment: dict[str, str]) -> None:
    words = ("-i", "-", "--format", "jsonl", "--no-save", "--duration", "1")
    with unread(environment, *words) as (process, _):
        assert process.stdin is not None
        process.stdin.write(capture(_ANSWERED))
        process.stdin.flush()
        assert process.wait(PATIENCE_S) == 0
        assert process.stderr is not None
        assert b"nobody read them" in process.stderr.read()


def test_until_ends_it(environment: dict[str, str]) -> None:
    words = ("-i", "-", "--format", "jsonl", "--no-save", "--until", "state:dead")
    with unread(environment, *words) as (process, _):
        assert process.stdin is not None
        process.stdin.write(SAMPLE.read_bytes())
        process.stdin.flush()
        assert process.wait(PATIENCE_S) == 0


def test_who_reads_on_after_a_while_has_every_line(environment: dict[str, str]) -> None:
    """And in the order, and with the same facts, as who reads at once."""
    words = ("-i", "-", "--format", "jsonl", "--no-save")
    data, told = capture(_ANSWERED), []
    for pause_s in (0.0, 2.0):
        with unread(environment, *words) as (process, read):
            assert process.stdin is not None
            process.stdin.write(data)
            process.stdin.flush()
            time.sleep(pause_s)
            got: list[bytes] = []
            reader = threading.Thread(target=lambda read=read, got=got: got.append(rest(read)))
            reader.start()
            time.sleep(0.5)
            process.stdin.close()
            assert process.wait(PATIENCE_S) == 0
            reader.join(PATIENCE_S)
            assert process.stderr is not None
            assert b"not written" not in process.stderr.read()
        told.append({line["id"] for line in _lines(got[0]) if line["type"] == "exchange"})
    assert told[0] == told[1]
    assert len(told[0]) == 189
