"""What every full-screen program owes its terminal, whatever happens in it."""

from __future__ import annotations

import gc
import sys
from collections.abc import Callable
from typing import IO, Any, Final

from textual.app import App, ReturnType
from textual.driver import Driver

from analyzers.errors import AnalyzerError

# A key waits for the thread that reads at most this long, not the interpreter's 5 ms, every time
# it has to wait.
_SWITCH_S: Final = 0.001
# Objects before a look for cycles, and looks at the young before one at their elders: the
# interpreter's own numbers stop the keys again and again while a big capture is read.
_COLLECTION: Final = (50_000, 20, 100)


class TerminalLost(AnalyzerError):
    """Keys cannot be read any more."""


class _Screen:
    """What the driver writes to; a terminal that is gone takes everything without a word.

    The thread that writes would end with an error otherwise, and whoever writes wait for it:
    `failed` is told of every other one, and what is written next is tried again.
    """

    def __init__(self, file: IO[str], failed: Callable[[Exception], object]) -> None:
        self._file = file
        self._failed = failed
        self._gone = False

    def write(self, text: str) -> None:
        """Write, as long as there is something to write to; "?" for what its encoding lacks."""
        self._do(lambda: self._written(text))

    def flush(self) -> None:
        """Pass on what was written."""
        self._do(self._file.flush)

    def fileno(self) -> int:
        """That of the terminal."""
        return self._file.fileno()

    def isatty(self) -> bool:
        """Whether it is one."""
        return self._file.isatty()

    def _written(self, text: str) -> None:
        try:
            self._file.write(text)
        except UnicodeEncodeError as error:
            self._file.write(text.encode(error.encoding, "replace").decode(error.encoding))

    def _do(self, action: Callable[[], object]) -> None:
        if self._gone:
            return
        try:
            action()
        except OSError:
            self._gone = True
        except Exception as error:  # noqa: BLE001 - the terminal is to be given back yet
            self._failed(error)


class TerminalApp(App[ReturnType]):
    """An application that always gives the terminal back, and tells what went wrong afterwards.

    An error inside it is raised by `run`, where there is a terminal again to tell it on.
    """

    crash: BaseException | None = None
    """What ended it, if that was an error."""

    def run(self, *args: Any, **options: Any) -> ReturnType | None:
        """Run until the user leaves.

        Raises:
            Exception: whatever went wrong inside.
        """
        switch_s, collection = sys.getswitchinterval(), gc.get_threshold()
        sys.setswitchinterval(_SWITCH_S)
        # Nothing of what was loaded is garbage: looking through it would only stop keys.
        gc.freeze()
        gc.set_threshold(*_COLLECTION)
        try:
            returned = super().run(*args, **options)
        finally:
            sys.setswitchinterval(switch_s)
            gc.set_threshold(*collection)
        if self.crash is not None:
            raise self.crash
        return returned

    def _build_driver(self, *args: Any, **options: Any) -> Driver:
        driver = super()._build_driver(*args, **options)
        file = getattr(driver, "_file", None)
        if file is not None:
            driver._file = _Screen(file, self._lost)  # type: ignore[attr-defined]
        return driver

    def _lost(self, error: Exception) -> None:
        """In the thread that writes."""
        if self.crash is None:
            self.crash = error
            self.call_later(self._fatal_error)

    def on_mount(self) -> None:
        """After a suspension the screen is empty."""
        self.app_resume_signal.subscribe(self, lambda _: self._paint_all())

    def _paint_all(self) -> None:
        self.screen.refresh(repaint=True, layout=True)
        for widget in self.screen.walk_children():
            widget.refresh()

    def _handle_exception(self, error: Exception) -> None:
        self.crash = self.crash or error
        super()._handle_exception(error)

    def _fatal_error(self) -> None:
        """Nothing is printed into the screen of the application: `run` raises what it was."""
        self._close_messages_no_wait()

    def panic(self, *renderables: object) -> None:
        """The same for the thread that reads keys."""
        failure = sys.exc_info()[1]
        self.crash = self.crash or failure or TerminalLost("the terminal cannot be read any more")
        self._close_messages_no_wait()
