"""`dpdlab INPUT…` on a terminal: the console."""

from __future__ import annotations

import contextlib
import os
import sys
import threading
from typing import TYPE_CHECKING

from dpdlab.cli.arguments import Invocation
from dpdlab.cli.diagnostics import CommandError, Diagnostics, ExitCode
from dpdlab.cli.terminals import has_keys, has_unicode, is_terminal, keys_from_terminal

if TYPE_CHECKING:
    from dpdlab.tui.app import ConsoleApp


def is_wanted(invocation: Invocation) -> bool:
    """Whether this command line opens the console: inputs without a command, on a terminal.

    With a capture on standard input the keys come from the terminal behind it.
    """
    if invocation.command is not None or not invocation.words:
        return False
    if getattr(invocation.options, "unparsed", False) or not is_terminal(sys.stdout):
        return False
    if is_terminal(sys.stdin):
        return True
    return _piped(invocation) and has_keys()


def run(invocation: Invocation, diagnostics: Diagnostics) -> ExitCode:
    """Open the console and stay in it.

    Raises:
        CommandError: an option cannot be used.
    """
    from dpdlab.cli.opening import Opening

    ascii_only = invocation.options.ascii or not has_unicode(sys.stdout.encoding)
    with Opening(invocation.words, ascii_only=ascii_only) as opening:
        app = _console(invocation)
        opening.hand_over()
    from dpdlab.tui import ending

    ending.follow(app.run())
    if app.model.crash is not None:
        raise app.model.crash
    code = ExitCode.INPUT if app.model.failure or app.model.unread else ExitCode.OK
    if app.reads_on and all(thread.daemon for thread in threading.enumerate()[1:]):
        # To tidy up behind a thread that is still reading can take seconds, and nobody sees it.
        with contextlib.suppress(OSError, ValueError):
            sys.stdout.flush()
        os._exit(code)
    return code


def _console(invocation: Invocation) -> ConsoleApp:
    from analyzers.errors import AnalyzerError
    from dpdlab.cli.analysis import check_inputs, session_options, settings_of
    from dpdlab.cli.console_looks import looks_of

    options = invocation.options
    check_inputs(invocation)
    try:
        own = settings_of(options)
        chosen, looks = session_options(options, own), looks_of(options, own)
    except AnalyzerError as error:
        raise CommandError(ExitCode.USAGE, error.message, error.hint) from error
    from dpdlab.cli import filtering
    from dpdlab.tui import state
    from dpdlab.tui.app import ConsoleApp

    wanted = filtering.wanted(options)
    if _piped(invocation):
        keys_from_terminal()
    return ConsoleApp(
        invocation.words,
        chosen,
        state=state.file_for(invocation.words),
        wanted=wanted,
        **looks,
    )


def _piped(invocation: Invocation) -> bool:
    # Imported here: this module is loaded before it is known that the engine is ours.
    from analyzers.sources.names import any_is_standard_input

    return any_is_standard_input(invocation.words)
