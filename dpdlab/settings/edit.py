"""Changes single values of a settings file; everything else in it stays, comments too."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import tomlkit
from pydantic import ValidationError
from tomlkit.exceptions import TOMLKitError

from analyzers.errors import OptionError
from dpdlab.settings.model import Settings, read

Key = tuple[str, str]
"""A section and a key in it."""
Changes = Mapping[Key, object]
"""New values."""


def edited(text: str, changes: Changes, path: str) -> str:
    """The text of a settings file with other values.

    Raises:
        OptionError: the text or a value cannot be, or the file is written in a way that only
            people can change; it names `path`.
    """
    before = read(text, path)
    wanted = changed(before, changes)
    try:
        made = _with_values(text, before, changes)
        same = read(made, path) == wanted
    except (TOMLKitError, OptionError, TypeError, ValueError):
        same, made = False, ""
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


def value_of(settings: Settings, key: Key) -> object:
    """The value of one of them."""
    section, name = key
    return getattr(getattr(settings, section), name)


def _with_values(text: str, before: Settings, changes: Changes) -> str:
    document = tomlkit.parse(text)
    for (section, key), value in changes.items():
        if value_of(before, (section, key)) == value:
            continue
        if section not in document:
            document[section] = tomlkit.table()
        table: Any = document[section]
        table[key] = list(value) if isinstance(value, tuple) else value
    return tomlkit.dumps(document)
