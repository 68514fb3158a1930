"""Logs in to the devices of a live session while there is still a terminal to ask on."""

from __future__ import annotations

import getpass
import os
from collections.abc import Sequence

from analyzers.errors import SourceError
from analyzers.sources.device import DeviceSource
from analyzers.sources.feed import LiveSource
from dpdlab.cli.diagnostics import CommandError, Diagnostics, ExitCode
from dpdlab.present.safe import safe

_MOST_QUESTION = 200


def log_in(sources: Sequence[LiveSource], diagnostics: Diagnostics) -> None:
    """Log in to all devices, one after the other; none of them shows its debug yet.

    Raises CommandError where one cannot be logged in to; then none is.
    """
    devices = [source for source in sources if isinstance(source, DeviceSource)]
    try:
        for device in devices:
            device.open(_ask)
            found = "" if device.platform is None else f" ({device.platform.name})"
            diagnostics.note(f"logged in to {device.name}{found}")
    except BaseException as error:
        for device in devices:
            device.close(0)
        if isinstance(error, SourceError):
            raise CommandError(ExitCode.INPUT, error.message, error.hint) from error
        raise


def _ask(question: str) -> str | None:
    """A secret of the user; it is kept nowhere. None where there is no terminal."""
    try:
        os.close(os.open("/dev/tty", os.O_RDWR))
    except OSError:
        return None
    try:
        return getpass.getpass(safe(question)[:_MOST_QUESTION])
    except EOFError:
        return None
