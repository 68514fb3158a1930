"""An IOS router's command line as the program that a real sshd runs: `ios_shell.py STATE`.

STATE is a JSON file with what is set at the device (`Router`), and what was typed is kept beside
it. The debug comes amid everything, as on a router that is busy: also within the echo of what is
typed.
"""

from __future__ import annotations

import json
import os
import select
import sys
import termios
import time
import tty
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

_VERSION: Final = "Cisco IOS Software, C2900 Software (C2900-UNIVERSALK9-M), Version 15.7(3)M8"
_DEBUG: Final = (
    "*Nov 20 19:54:47.878: ISAKMP:(1001):DPD/R_U_THERE received from peer 192.0.2.2,"
    " sequence 0x6B8C2E01"
)
_NAMES: Final = {"crypto isakmp": "Crypto ISAKMP", "crypto ikev2": "IKEv2 default"}
_EVERY_S: Final = 0.02
_PAGE: Final = 3


class _Line:
    """One login."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._state = json.loads(path.read_text())
        self._debug_due_s = 0.0
        self._privileged = False
        self._monitor = False
        self._paged = True

    # --- what is kept at the device -----------------------------------------------------------

    @property
    def _debugs(self) -> list[str]:
        return list(self._state["debugs"])

    def _keep(self, **changed: Any) -> None:
        self._state = json.loads(self._path.read_text()) | changed
        whole = self._path.with_suffix(".new")
        whole.write_text(json.dumps(self._state))
        whole.replace(self._path)

    def _note(self, typed: str) -> None:
        with self._path.with_suffix(".typed").open("a") as file:
            file.write(f"{typed}\n")

    # --- the terminal -------------------------------------------------------------------------

    def run(self) -> None:
        tty.setraw(0, termios.TCSANOW)
        self._write("\r\nAuthorised use only\r\n")
        while True:
            self._write(f"\r\nR1{'#' if self._privileged else '>'}")
            command = self._typed(echo=True)
            self._note(command)
            if command == "exit":
                return
            self._page(self._answer(command))

    def _write(self, text: str) -> None:
        os.write(1, text.encode())

    def _key(self) -> str:
        while True:
            due_s = max(0.0, self._debug_due_s - time.monotonic())
            shows = self._monitor and self._debugs
            if select.select([0], [], [], due_s if shows else None)[0]:
                data = os.read(0, 1)
                if not data:
                    sys.exit(0)
                return data.decode()
            self._show_debug()

    def _show_debug(self) -> None:
        if self._monitor and self._debugs and time.monotonic() >= self._debug_due_s:
            self._debug_due_s = time.monotonic() + _EVERY_S
            self._write(f"\r\n{_DEBUG}\r\n")

    def _typed(self, *, echo: bool) -> str:
        text = ""
        while (key := self._key()) not in "\r\n":
            text += key
            if echo:
                self._write(key)
            if len(text) == _PAGE:
                self._show_debug()
        self._write("\r\n")
        return text

    def _page(self, lines: list[str]) -> None:
        for number, line in enumerate(lines):
            if self._paged and number and number % _PAGE == 0:
                self._write(" --More-- ")
                self._key()
                self._write("\b" * 10 + " " * 10 + "\b" * 10)
            self._write(f"{line}\r\n")

    # --- commands -----------------------------------------------------------------------------

    def _answer(self, command: str) -> list[str]:
        known: dict[str, Callable[[], list[str]]] = {
            "enable": self._enable,
            "show version | include Software": lambda: [_VERSION],
            "show debugging": self._shown,
            "terminal monitor": lambda: self._set(monitor=True),
            "terminal no monitor": lambda: self._set(monitor=False),
            "terminal length 0": lambda: self._set(paged=False),
            "terminal width 0": list,
            "": list,
        }
        if command in self._state["refuses"]:
            return ["Command authorization failed.", ""]
        if command in known:
            return known[command]()
        undo, _, name = command.rpartition("debug ")
        if name in _NAMES and undo in ("", "no "):
            rest = [each for each in self._debugs if each != name]
            self._keep(debugs=rest if undo else [*rest, name])
            return [f"{_NAMES[name]} debugging is {'off' if undo else 'on'}"]
        return ["              ^", "% Invalid input detected at '^' marker.", ""]

    def _set(self, *, monitor: bool | None = None, paged: bool | None = None) -> list[str]:
        self._monitor = self._monitor if monitor is None else monitor
        self._paged = self._paged if paged is None else paged
        return []

    def _shown(self) -> list[str]:
        if not self._debugs:
            return []
        said = [f"  {_NAMES[each]} debugging is on" for each in self._debugs]
        return ["", "", "Cryptographic Subsystem:", *said]

    def _enable(self) -> list[str]:
        for _ in range(3):
            self._write("Password: ")
            secret = self._typed(echo=False)
            if secret == self._state["enable"]:
                self._privileged = True
                return []
            self._note("a wrong secret")
        return ["% Bad secrets", ""]


if __name__ == "__main__":
    _Line(Path(sys.argv[1])).run()
