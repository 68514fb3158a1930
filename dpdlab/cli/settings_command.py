"""`dpdlab settings`: every setting with its value, as a file to start from."""

from __future__ import annotations

from pathlib import Path

from analyzers.errors import OptionError
from dpdlab import settings
from dpdlab.cli.arguments import Invocation
from dpdlab.cli.diagnostics import CommandError, Diagnostics, ExitCode, UsageError
from dpdlab.cli.output import Output


def run(invocation: Invocation, diagnostics: Diagnostics) -> ExitCode:
    """Print the settings in force; where they come from goes to stderr.

    Raises:
        CommandError: the settings file cannot be used.
    """
    if invocation.words:
        raise UsageError("settings takes no input", "--settings FILE chooses the file")
    options = invocation.options
    output = Output(options.output, color=options.color, ascii_only=options.ascii)
    from dpdlab.settings.model import Settings, as_toml, load
    from dpdlab.tui.actions import ACTIONS
    from dpdlab.tui.keymap import keymap_of

    path = settings.found(options.settings)
    try:
        told = Settings() if path is None else load(path)
        keymap_of(told.keys, str(path))
    except OptionError as error:
        raise CommandError(ExitCode.USAGE, error.message, error.hint) from error
    diagnostics.note(_whence(path))
    output.write(as_toml(told, {action.id: (action.keys, action.help) for action in ACTIONS}))
    return ExitCode.OK


def _whence(path: Path | None) -> str:
    if path is not None:
        return f"from {path}"
    users = settings.users_file()
    places = [settings.FILE_NAME, *([str(users)] if users else [])]
    return f"the defaults; there is neither {' nor '.join(places)}"
