"""A real OpenSSH server on loopback whose users come to `tests.ios_shell` instead of a shell."""

from __future__ import annotations

import contextlib
import getpass
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
from pathlib import Path
from types import TracebackType
from typing import Any, Final

import pytest

from tests.live_capture import ROOT, eventually

_SSHD: Final = shutil.which("sshd", path=f"{os.environ.get('PATH', '')}:/usr/sbin")
needs_sshd = pytest.mark.skipif(_SSHD is None, reason="openssh-server is not installed")
ENABLE: Final = "battery staple"


class Router:
    """What users log in to as `hub`; only with a key, as sshd asks the system for passwords."""

    def __init__(self, home: Path, *refuses: str) -> None:
        self._home = home
        self._folder = home / "router"
        self._refuses = refuses
        self._daemon: subprocess.Popen[bytes] | None = None
        self.port = 0

    def __enter__(self) -> Router:
        folder, ssh = self._folder, self._home / ".ssh"
        folder.mkdir()
        ssh.mkdir(mode=0o700)
        for path in (folder / "host", ssh / "id_ed25519"):
            words = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(path)]
            subprocess.run(words, check=True)
        shutil.copy(ssh / "id_ed25519.pub", folder / "authorized")
        self._state.write_text(
            json.dumps({"debugs": [], "enable": ENABLE, "refuses": self._refuses})
        )
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        (folder / "config").write_text(
            f"ListenAddress 127.0.0.1\nPort {self.port}\nHostKey {folder / 'host'}\n"
            f"PidFile none\nUsePAM no\nStrictModes no\nPermitRootLogin yes\n"
            f"PasswordAuthentication no\nKbdInteractiveAuthentication no\n"
            f"AuthorizedKeysFile {folder / 'authorized'}\n"
            f"ForceCommand {sys.executable} {ROOT / 'tests' / 'ios_shell.py'} {self._state}\n"
        )
        key = (folder / "host.pub").read_text()
        (ssh / "known_hosts").write_text(f"[127.0.0.1]:{self.port} {key}")
        (ssh / "config").write_text(
            f"Host hub\n  HostName 127.0.0.1\n  Port {self.port}\n  User {getpass.getuser()}\n"
            f"  IdentityFile {ssh / 'id_ed25519'}\n"
        )
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, _: TracebackType | None
    ) -> None:
        self.lose_links()
        self.stop()

    @property
    def _state(self) -> Path:
        return self._folder / "state.json"

    @property
    def debugs(self) -> set[str]:
        """What is on at the device."""
        return set(json.loads(self._state.read_text())["debugs"])

    @property
    def typed(self) -> list[str]:
        """All lines that were typed there."""
        path = self._folder / "state.typed"
        return path.read_text().splitlines() if path.exists() else []

    def start(self) -> None:
        """Take connections."""
        assert _SSHD is not None
        # Root's sshd wants this directory.
        if os.geteuid() == 0:
            Path("/run/sshd").mkdir(mode=0o755, exist_ok=True)
        words = [_SSHD, "-D", "-e", "-f", str(self._folder / "config")]
        with (self._folder / "said").open("ab") as said:
            self._daemon = subprocess.Popen(words, stdin=subprocess.DEVNULL, stderr=said)
        eventually(self._listens, "sshd")

    def _listens(self) -> bool:
        with socket.socket() as link:
            return link.connect_ex(("127.0.0.1", self.port)) == 0

    def stop(self) -> None:
        """Take none any more; those that are there go on."""
        assert self._daemon is not None
        self._daemon.terminate()
        self._daemon.wait()

    def lose_links(self, *, for_good: bool = False) -> None:
        """As if the connections broke off: who serves them is gone at once; `for_good`: nobody can
        connect again."""
        assert self._daemon is not None
        serving = _children(self._daemon.pid)
        if for_good:
            self.stop()
        for pid in serving:
            for each in (*_children(pid), pid):
                _kill(each)


def _children(pid: int) -> list[int]:
    try:
        told: Any = Path(f"/proc/{pid}/task/{pid}/children").read_text()
    except OSError:
        return []
    return [int(each) for each in told.split()]


def _kill(pid: int) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)
