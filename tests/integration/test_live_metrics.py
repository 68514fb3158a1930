"""`dpdlab live --metrics` as a user runs it: without the console and with it."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import urllib.error
import urllib.request
from pathlib import Path

import pytest

from tests.integration.test_terminal import Terminal
from tests.live_capture import DPDLAB, ROOT, SAMPLES, eventually

DEAD = SAMPLES / "ikev2-dead-peer" / "capture.pcap"
QUESTIONS = 'dpdlab_peer_probes_total{local="192.0.2.1",prober="local",remote="192.0.2.2"} 1.0'


def _free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


def _scraped(port: int) -> str:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=5) as answer:
            return str(answer.read().decode())
    except urllib.error.URLError:
        return ""


def test_without_the_console(tmp_path: Path) -> None:
    port = _free_port()
    words = ["live", "-i", "-", "--no-save", "--metrics", str(port)]
    with subprocess.Popen(
        [*DPDLAB, *words], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        assert process.stdin is not None
        process.stdin.write(DEAD.read_bytes())
        process.stdin.flush()
        eventually(lambda: QUESTIONS in _scraped(port), "the question")
        assert 'dpdlab_source_up{kind="capture",source="stdin"} 1.0' in _scraped(port)
        _, err = process.communicate(timeout=15)
    assert process.returncode == 0
    assert f"metrics are at http://127.0.0.1:{port}/metrics" in err.decode()
    assert _scraped(port) == ""


def test_an_address_in_use_is_one_line(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        words = ["live", "--log", str(tmp_path / "log"), "--metrics", f"127.0.0.1:{port}"]
        done = subprocess.run([*DPDLAB, *words], capture_output=True, check=False, timeout=15)
    assert done.returncode == 2
    (line,) = done.stderr.decode().splitlines()
    assert f"--metrics cannot listen on 127.0.0.1:{port}: Address already in use" in line


@pytest.mark.skipif(shutil.which("tmux") is None, reason="tmux is not installed")
def test_with_the_console(tmp_path: Path) -> None:
    port = _free_port()
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    terminal = Terminal(80, 24, tmp_path)
    try:
        command = f"{sys.executable} -m dpdlab live -i {pipe} --no-save --metrics {port}"
        terminal.type(f"cd {ROOT}; {command}; echo code $?")
        with pipe.open("wb") as writer:
            writer.write(DEAD.read_bytes())
            writer.flush()
            terminal.until("192.0.2.2")
            eventually(lambda: QUESTIONS in _scraped(port), "the question")
            terminal.press("C-q")
            terminal.until("code 0")
    finally:
        terminal.close()
    assert _scraped(port) == ""
