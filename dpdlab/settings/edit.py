"""Changes single values of a settings file; everything else in it stays, comments too."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from typing import Any, Final

from pydantic import ValidationError

from analyzers.errors import OptionError
from dpdlab.settings.model import Settings, literal, read

# A value on one line: a number or word, a text, a list.
_VALUE: Final = r"""(?:[^#"\[]+|"[^"]*"|\[[^\]]*\])"""

Changes = Mapping[tuple[str, str], object]
"""New values by section and key."""


def edited(text: str, changes: Changes, path: str) -> str:
    """The text of a settings file with other values.

    Raises:
        OptionError: the text or a value cannot be, or the file is written in a way that only
            people can change; it names `path`.
    """
    before = read(text, path)
    wanted = changed(before, changes)
    lines = text.splitlines()
    for (section, key), value in changes.items():
        if getattr(getattr(before, section), key) != value:
            _set(lines, section, key, literal(value))
    made = "\n".join(lines) + "\n" if lines else ""
    try:
        same = Settings.model_validate(tomllib.loads(made)) == wanted
    except ValueError:
        same = False
    if not same:
        raise OptionError(f"{path}: written in a way that only an editor can change")
    return made


def changed(settings: Settings, changes: Changes) -> Settings:
    """Settings with other values. Raises OptionError for a value that cannot be."""
    document: dict[str, Any] = settings.model_dump()
    for (section, key), value in changes.items():
        document[section][key] = value
    try:
        return Settings.model_validate(document)
    except ValidationError as error:
        message = str(error.errors()[0]["msg"])
        raise OptionError(message.removeprefix("Value error, ")) from error


def _set(lines: list[str], section: str, key: str, value: str) -> None:
    """Replace the value of a key, or add it to its section, or that to the end."""
    heads = [n for n, line in enumerate(lines) if re.match(rf"\s*\[\s*{section}\s*\]", line)]
    if not heads:
        gap = [""] if lines and lines[-1].strip() else []
        lines += [*gap, f"[{section}]", f"{key} = {value}"]
        return
    last = heads[0] + 1
    while last < len(lines) and not re.match(r"\s*\[", lines[last]):
        found = re.match(rf"(\s*{key}\s*=\s*){_VALUE}(\s*#.*)?$", lines[last])
        if found is not None:
            comment = f"  {found[2].strip()}" if found[2] else ""
            lines[last] = f"{found[1]}{value}{comment}"
            return
        last += 1
    while last > heads[0] + 1 and not lines[last - 1].strip():
        last -= 1
    lines.insert(last, f"{key} = {value}")
