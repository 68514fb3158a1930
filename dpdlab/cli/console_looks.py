"""How a console looks and sounds, by the command line and the settings."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING, TypedDict

from dpdlab import settings
from dpdlab.cli.terminals import has_unicode, wants_colour
from dpdlab.tui.keymap import Keymap, keymap_of

if TYPE_CHECKING:
    from dpdlab.settings.model import Settings


class Looks(TypedDict):
    """Arguments of `ConsoleApp`."""

    ascii_only: bool
    theme: str
    keymap: Keymap | None
    colour: bool
    times: str
    bell: bool
    settings_file: Path | None


def looks_of(options: argparse.Namespace, own: Settings | None) -> Looks:
    """Those that are wanted, with the user's settings."""
    path = settings.found(options.settings)
    console = None if own is None else own.console
    return Looks(
        ascii_only=options.ascii
        or not has_unicode(sys.stdout.encoding)
        or (console is not None and console.ascii),
        theme="" if console is None else console.theme,
        keymap=None if own is None else keymap_of(own.keys, str(path)),
        colour=wants_colour(options.color),
        times="" if console is None else console.times,
        bell=console is not None and console.bell,
        settings_file=path,
    )
