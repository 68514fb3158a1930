"""`dpdlab INPUT…` on a terminal: the console."""

from __future__ import annotations

import sys

from dpdlab.cli.arguments import Invocation
from dpdlab.cli.diagnostics import CommandError, Diagnostics, ExitCode


def is_wanted(invocation: Invocation) -> bool:
    """Whether this command line opens the console: inputs without a command, on a terminal."""
    options = invocation.options
    if invocation.command is not None or not invocation.words:
        return False
    if getattr(options, "unparsed", False):
        return False
    return all(stream is not None and stream.isatty() for stream in (sys.stdin, sys.stdout))


def run(invocation: Invocation, diagnostics: Diagnostics) -> ExitCode:
    """Open the console and stay in it.

    Raises:
        CommandError: an option cannot be used.
    """
    from analyzers.errors import AnalyzerError
    from dpdlab.cli.analysis import check_inputs, session_options

    options = invocation.options
    check_inputs(invocation)
    try:
        chosen = session_options(options)
    except AnalyzerError as error:
        raise CommandError(ExitCode.USAGE, error.message, error.hint) from error
    from dpdlab.tui.app import ConsoleApp

    app = ConsoleApp(invocation.words, chosen, ascii_only=options.ascii)
    app.run()
    return ExitCode.OK if not app.return_code else ExitCode.INTERNAL
