"""Time from the start of a process to the first frame on its terminal, in a terminal of our own."""

from __future__ import annotations

import fcntl
import os
import pty
import select
import signal
import struct
import sys
import termios
import time
from collections.abc import Sequence
from pathlib import Path

from msgspec import Struct

MARK = b"dpdlab"
LIMIT_S = 20.0
NOWHERE = "/dev/null/state"
"""Nothing can be kept there: every session begins anew."""
QUIT = b"\x11"
LISTENS = b"\x1b[?1004h"
"""The application asks for focus events as soon as it reads keys."""
HINT = b"filter"
"""In the footer of the first view."""
_ROWS, _COLUMNS = 36, 120


class Paint(Struct, frozen=True):
    """Seconds from exec; `exit_s` counts from the key that leaves."""

    first_s: float
    """The name of the program is on the screen, with what it reads."""
    keys_s: float
    """Keys are listened to."""
    exit_s: float
    exit_code: int


class Terminal:
    """A process on a pseudo-terminal."""

    def __init__(self, command: Sequence[str], cwd: Path) -> None:
        self.output = bytearray()
        self.begin_s = time.perf_counter()
        self.pid, self._master = pty.fork()
        if self.pid == 0:
            os.chdir(cwd)
            size = struct.pack("HHHH", _ROWS, _COLUMNS, 0, 0)
            fcntl.ioctl(0, termios.TIOCSWINSZ, size)
            os.environ["TERM"] = "xterm-256color"
            os.environ["XDG_STATE_HOME"] = NOWHERE
            os.execv(command[0], list(command))

    def read_until(self, mark: bytes, limit_s: float = LIMIT_S) -> float:
        """Seconds from the start until `mark` was printed; raises TimeoutError."""
        while mark not in self.output:
            if time.perf_counter() - self.begin_s > limit_s:
                raise TimeoutError(f"{mark!r} is not on the screen after {limit_s:.0f} s")
            self._read(0.5)
        return time.perf_counter() - self.begin_s

    def type(self, keys: bytes) -> None:
        """Press keys."""
        os.write(self._master, keys)

    def read_for(self, seconds: float) -> None:
        """Let it paint for a while."""
        until_s = time.perf_counter() + seconds
        while time.perf_counter() < until_s and self._read(0.05):
            pass

    def wait(self, limit_s: float = LIMIT_S) -> tuple[float, int]:
        """Seconds until it ends, and its exit code; it is killed after the limit."""
        begin_s = time.perf_counter()
        while True:
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            if pid:
                os.close(self._master)
                return time.perf_counter() - begin_s, os.waitstatus_to_exitcode(status)
            if time.perf_counter() - begin_s > limit_s:
                os.kill(self.pid, signal.SIGKILL)
            self._read(0.01)

    def _read(self, wait_s: float) -> bool:
        """Take what is printed; False once nobody prints any more."""
        ready, _, _ = select.select([self._master], [], [], wait_s)
        if not ready:
            return True
        try:
            data = os.read(self._master, 1 << 16)
        except OSError:
            return False
        self.output += data
        return bool(data)


def first_paint(command: Sequence[str], cwd: Path, after_s: float = 0.5) -> Paint:
    """Start a console, wait for its first frame, leave."""
    terminal = Terminal(command, cwd)
    first_s = terminal.read_until(MARK)
    keys_s = terminal.read_until(LISTENS)
    terminal.read_until(HINT)
    terminal.read_for(after_s)
    terminal.type(QUIT)
    exit_s, code = terminal.wait()
    return Paint(first_s, keys_s, exit_s, code)


if __name__ == "__main__":
    print(first_paint(sys.argv[2:], Path.cwd(), float(sys.argv[1])))
