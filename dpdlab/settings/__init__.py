"""Where settings are looked for; what is in them is in `dpdlab.settings.model`."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path
from typing import Final

FILE_NAME: Final = "dpdlab.toml"


def found(given: str | None = None) -> Path | None:
    """The settings file that counts: the given one, that of this directory, that of the user.

    The user's is `dpdlab/dpdlab.toml` under `$XDG_CONFIG_HOME`, by default `~/.config`. A given
    file need not exist here: whoever opens it says so.
    """
    if given is not None:
        return Path(given)
    for path in (Path(FILE_NAME), users_file()):
        # A folder that may not be looked into, as after `su`, has no settings for us.
        with suppress(OSError):
            if path is not None and path.is_file():
                return path
    return None


def users_file() -> Path | None:
    """Where the user's own settings are, or would be; None for a user without a home."""
    base = os.environ.get("XDG_CONFIG_HOME", "")
    if base and Path(base).is_absolute():
        return Path(base) / "dpdlab" / FILE_NAME
    try:
        return Path.home() / ".config" / "dpdlab" / FILE_NAME
    except RuntimeError:
        return None
