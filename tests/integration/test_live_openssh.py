"""`live --device` against a real sshd and pseudo-terminal: the debug is off, however it ends."""

from __future__ import annotations

import os
import shutil
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from analyzers.errors import SourceError
from analyzers.sources.device import DeviceSource
from analyzers.sources.feed import SourceState
from analyzers.sources.ssh_login import Device
from tests.integration.test_terminal import Terminal
from tests.live_capture import ROOT, eventually
from tests.openssh import ENABLE, Router, needs_sshd

pytestmark = needs_sshd
BOTH = {"crypto isakmp", "crypto ikev2"}


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("SSH_AUTH_SOCK", raising=False)
    return tmp_path


@contextmanager
def _opened(*secrets: str) -> Iterator[DeviceSource]:
    answers = list(secrets)
    source = DeviceSource(Device("hub"))
    source.open(lambda question: answers.pop(0) if question.startswith("Enable") else None)
    try:
        source.start()
        yield source
    finally:
        source.close(1)


def _is_open(source: DeviceSource) -> bool:
    return source.feed.status.state is SourceState.OPEN


def test_the_debug_is_off_afterwards_however_much_there_is_of_it(home: Path) -> None:
    with Router(home) as router:
        with _opened(ENABLE) as source:
            eventually(lambda: _is_open(source), source.feed.status)
            assert router.debugs == BOTH
            eventually(lambda: not source.feed.empty, "debug")
        assert router.debugs == set()
        assert source.feed.status.state is not SourceState.FAILED
        assert ENABLE not in " ".join(router.typed)


def test_a_wrong_secret_is_asked_for_again_and_no_command_is_taken_for_one(home: Path) -> None:
    with Router(home) as router:
        with _opened("wrong", ENABLE) as source:
            eventually(lambda: _is_open(source), source.feed.status)
        assert router.typed.count("a wrong secret") == 1


def test_a_link_that_is_lost_is_taken_up_again_and_undone(home: Path) -> None:
    with Router(home) as router:
        with _opened(ENABLE) as source:
            eventually(lambda: _is_open(source), source.feed.status)
            router.lose_links()
            eventually(lambda: source.feed.status.state is SourceState.WAITING, source.feed.status)
            assert router.debugs == BOTH
            eventually(lambda: _is_open(source), source.feed.status)
        assert router.debugs == set()


def test_a_device_that_is_gone_at_the_end_is_told(home: Path) -> None:
    with Router(home) as router:
        with _opened(ENABLE) as source:
            eventually(lambda: _is_open(source), source.feed.status)
            router.lose_links(for_good=True)
            eventually(lambda: source.feed.status.state is SourceState.WAITING, source.feed.status)
        assert source.feed.status.state is SourceState.FAILED
        assert "no debug crypto isakmp" in source.feed.status.detail
        router.start()


def test_a_device_that_shows_no_debug_to_whoever_logs_in_says_so(home: Path) -> None:
    with Router(home, "terminal monitor") as router:
        with _opened(ENABLE) as source:
            eventually(lambda: source.feed.status.state is SourceState.FAILED, source.feed.status)
            assert "terminal monitor" in source.feed.status.detail
        assert router.debugs == set()


def test_another_host_key_is_refused(home: Path) -> None:
    with Router(home) as router:
        known = home / ".ssh" / "known_hosts"
        own = (home / ".ssh" / "id_ed25519.pub").read_text()
        known.write_text(f"[127.0.0.1]:{router.port} {own}")
        with pytest.raises(SourceError, match="host key"):
            DeviceSource(Device("hub")).open(lambda _: None)
        assert router.typed == []


@pytest.mark.skipif(shutil.which("tmux") is None, reason="tmux is not installed")
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGINT])
@pytest.mark.parametrize("words", ["", "--format jsonl"], ids=["console", "lines"])
def test_a_signal_leaves_no_debug_on(home: Path, number: signal.Signals, words: str) -> None:
    terminal, mark = Terminal(80, 24, home), home / "pid"
    command = f"{sys.executable} -m dpdlab live --device hub {words}"
    try:
        with Router(home) as router:
            terminal.type(f"cd {ROOT}; export HOME={home}; unset SSH_AUTH_SOCK")
            terminal.type(f"sh -c 'echo $$ > {mark}; exec env --default-signal=HUP {command}'")
            terminal.until("Enable password for hub:")
            terminal.type(ENABLE)
            eventually(lambda: router.debugs == BOTH, "the debug")
            os.kill(int(mark.read_text()), number)
            eventually(lambda: router.debugs == set(), "the end of the debug")
    finally:
        terminal.close()
