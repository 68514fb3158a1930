"""Whatever ends a live session, or a part of it: nothing is left, and the rest goes on."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from analyzers.session.live import LiveSession
from analyzers.session.live_log_store import LogStore
from analyzers.session.live_store import CaptureStore
from analyzers.sources.capture_filter import capture_filter
from analyzers.sources.dumpcap import CaptureSource
from analyzers.sources.feed import LiveSource
from analyzers.sources.follow import FollowedFile
from analyzers.sources.pipe import PipeSource
from analyzers.sources.ring_files import RingFiles
from analyzers.sources.syslog import SyslogListener
from tests.integration.test_terminal import Terminal
from tests.live_capture import (
    DPDLAB,
    PATIENCE_S,
    ROOT,
    Link,
    captures_on,
    children,
    children_of,
    eventually,
    frames,
    needs_capture,
    now_ns,
    open_descriptors,
    send,
)

pytestmark = needs_capture
TIMES = 100


def sockets() -> int:
    """Those of this process, as the kernel shows them."""
    found = 0
    for handle in Path("/proc/self/fd").iterdir():
        try:
            found += handle.readlink().name.startswith("socket:")
        except OSError:
            continue
    return found


def test_a_hundred_sessions_with_every_kind_of_source(wire: Link, tmp_path: Path) -> None:
    log, fifo = tmp_path / "r1.log", tmp_path / "lines"
    log.touch()
    os.mkfifo(fifo)

    def once(number: int) -> None:
        sources: list[LiveSource] = [
            CaptureSource(wire.receiver, capture_filter()),
            FollowedFile(str(log)),
            PipeSource(str(fifo), "log"),
            SyslogListener("127.0.0.1", 0),
        ]
        files = RingFiles(tmp_path / f"{number}.pcapng")
        store, log_store = CaptureStore(files, "test"), LogStore(tmp_path, f"{number}")
        session = LiveSession(sources, store=store, log_store=log_store)
        session.start()
        session.pump(now_ns())
        began_s = time.monotonic()
        session.end(now_ns())
        assert time.monotonic() - began_s < PATIENCE_S

    once(-1)
    before = open_descriptors(), sockets(), threading.active_count()
    for number in range(TIMES):
        once(number)
    assert (open_descriptors(), sockets(), threading.active_count()) == before
    assert not children()


def test_a_capture_that_dies_disturbs_no_log(wire: Link, tmp_path: Path) -> None:
    log = tmp_path / "charon.log"
    log.touch()
    process = subprocess.Popen(
        [*DPDLAB, "live", "-i", wire.receiver, "--log", str(log), "--format", "jsonl"],
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        env={**os.environ, "XDG_CACHE_HOME": str(tmp_path)},
    )  # fmt: skip
    try:
        eventually(lambda: bool(children_of(process.pid)), "the capture")
        (first,) = children_of(process.pid)
        time.sleep(1.5)
        os.kill(first, signal.SIGKILL)
        stamp = time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime())
        with log.open("a") as file:
            file.write(f"{stamp} 05[ENC] generating INFORMATIONAL request 7 [ ]\n")
            file.write(f"{stamp} 05[NET] sending packet: from 192.0.2.1[4500] to")
            file.write(" 192.0.2.2[4500] (76 bytes)\n")
        eventually(lambda: bool(children_of(process.pid) - {first}), "another capture")
        eventually(lambda: captures_on(wire.receiver) > 0, "its socket")
        time.sleep(1.0)
        send(wire.sender, frames("ikev2-healthy")[:10], 1000)
        time.sleep(1.5)
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=PATIENCE_S)
    finally:
        process.kill()
        process.communicate()
    assert process.returncode == 0, err
    assert b"again in" in err
    assert b"it goes on" in err
    assert b'"packets":10,' in out
    assert b'"lines":2,' in out


@pytest.mark.parametrize("engine", ["dumpcap", "tcpdump"])
@pytest.mark.parametrize("how", ["the terminal is closed", "SIGTERM", "SIGKILL"])
def test_nothing_is_left_of_a_console_that_is_taken_away(
    wire: Link, tmp_path: Path, how: str, engine: str
) -> None:
    if shutil.which("tmux") is None:
        pytest.skip("tmux is not installed")
    pid = tmp_path / "pid"
    terminal = Terminal(80, 24, tmp_path)
    try:
        command = f"{sys.executable} -m dpdlab live -i {wire.receiver} --no-save"
        command += f" --engine {engine}"
        terminal.type(f"cd {ROOT}; sh -c 'echo $$ > {pid}; exec {command}'")
        terminal.until("watching: no IKE")
        process = int(pid.read_text())
        eventually(lambda: bool(children_of(process)), "the capture")
        (child,) = children_of(process)
        time.sleep(1.0)  # by then it has given up the rights that it can do without
        if how == "the terminal is closed":
            terminal.close()
        else:
            os.kill(process, getattr(signal, how))
        eventually(lambda: not Path(f"/proc/{process}").exists(), "the end of the console")
        eventually(lambda: not Path(f"/proc/{child}").exists(), "the end of the capture")
    finally:
        terminal.close()


@pytest.mark.parametrize(("signalled", "code"), [(False, 0), (True, 143)])
def test_what_was_seen_stays_on_the_terminal_when_the_console_is_left(
    wire: Link, tmp_path: Path, signalled: bool, code: int
) -> None:
    if shutil.which("tmux") is None:
        pytest.skip("tmux is not installed")
    terminal = Terminal(100, 40, tmp_path)
    try:
        pid = tmp_path / "pid"
        command = f"{sys.executable} -m dpdlab live -i {wire.receiver}"
        command = f"sh -c 'echo $$ > {pid}; XDG_CACHE_HOME={tmp_path} exec {command}'"
        terminal.type(f"cd {ROOT}; {command}; echo code $?")
        terminal.until("watching: no IKE")
        time.sleep(1.0)
        send(wire.sender, frames("ikev2-healthy"), 1000)
        terminal.until("1 peer alive")
        if signalled:
            os.kill(int(pid.read_text()), signal.SIGTERM)
        else:
            terminal.press("C-q")
        screen = terminal.until(f"code {code}")
        assert "1 peer alive" in screen
        assert "192.0.2.2" in screen
        assert f"packets are in {tmp_path}/dpdlab/live/" in screen.replace("\n", "")
    finally:
        terminal.close()
