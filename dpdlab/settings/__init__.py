"""Where settings are looked for; what is in them is in `dpdlab.settings.model`."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final, TypeGuard

FILE_NAME: Final = "dpdlab.toml"


def found(given: str | None = None) -> Path | None:
    """The settings file that counts: the given one, that of this directory, that of the user.

    The user's is `dpdlab/dpdlab.toml` under `$XDG_CONFIG_HOME`, by default `~/.config`. A given
    file need not exist here: whoever opens it says so.
    """
    if given is not None:
        return Path(given)
    for path in (Path(FILE_NAME), users_file()):
        if is_there(path):
            return path
    return None


def is_there(path: Path | None) -> TypeGuard[Path]:
    """Whether it is a file: in a folder that may not be looked into, as after `su`, none is."""
    try:
        return path is not None and path.is_file()
    except OSError:
        return False


def users_file() -> Path | None:
    """Where the user's own settings are, or would be; None for a user without a home."""
    base = os.environ.get("XDG_CONFIG_HOME", "")
    if base and Path(base).is_absolute():
        return Path(base) / "dpdlab" / FILE_NAME
    try:
        return Path.home() / ".config" / "dpdlab" / FILE_NAME
    except RuntimeError:
        return None
