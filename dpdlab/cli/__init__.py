"""The command line: `main`, and nothing heavy before a command needs it."""

from __future__ import annotations

import atexit
import gc
import os
import sys
from collections.abc import Callable, Sequence
from importlib import import_module
from typing import Final

from dpdlab.cli import arguments, console_command, interrupts
from dpdlab.cli.diagnostics import CommandError, Diagnostics, ExitCode
from dpdlab.cli.output import Output
from dpdlab.cli.parser import TextRequested

# Objects before a look for cycles, and looks at the young before one at their elders, for what goes
# on and on.
_COLLECTION: Final = (100_000, 50, 100)
# A report makes no cycles and keeps nearly all that it makes: with the interpreter's own numbers a
# quarter of its time is spent on looking through it, and with the ones above a tenth.
_NO_COLLECTION: Final = (0, 0, 0)


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command line (default: that of the process); returns the exit code."""
    given = sys.argv[1:] if argv is None else argv
    diagnostics = Diagnostics(debug="--debug" in given)
    try:
        with interrupts.kept():
            return _run(given, diagnostics)
    except CommandError as error:
        diagnostics.error(error.message, error.hint, error.excerpt)
        return error.code
    except KeyboardInterrupt:
        diagnostics.note("interrupted")
        return ExitCode.INTERRUPTED
    except Exception as error:  # noqa: BLE001 - the last resort: a bug is one line, not a page
        diagnostics.internal_error(error)
        return ExitCode.INTERNAL


def _run(given: Sequence[str], diagnostics: Diagnostics) -> ExitCode:
    try:
        invocation = arguments.parse(given)
    except TextRequested as request:
        Output().write_text(request.text)
        return ExitCode.OK
    diagnostics.quiet = invocation.options.quiet
    command = arguments.COMMANDS[invocation.command or "report"]
    if command.engine:
        _refuse_foreign_engine()
    # numpy starts a thread a core for matrices, and there are none here: half the CPU of a start.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    opens_console = console_command.is_wanted(invocation)
    # Before anything big is loaded: what modules make stays, too.
    gc.set_threshold(*(_COLLECTION if command.goes_on or opens_console else _NO_COLLECTION))
    # At exit the interpreter looks through all that is left, to free what the system frees anyway.
    atexit.register(gc.freeze)
    if opens_console:
        return console_command.run(invocation, diagnostics)
    run: Callable[[arguments.Invocation, Diagnostics], ExitCode]
    run = import_module(command.module).run
    return run(invocation, diagnostics)


def _refuse_foreign_engine() -> None:
    from dpdlab.cli.installation import foreign_analyzers

    in_the_way = foreign_analyzers()
    if in_the_way is not None:
        raise CommandError(
            ExitCode.MISSING,
            f"{in_the_way} is not dpdlab's engine, but has its name and comes first",
            "start the dpdlab command instead of python -m, or change the directory",
        )
