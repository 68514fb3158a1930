"""Keys of the user's own: what the settings say of them, checked against the registry."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from typing import Final

from analyzers.errors import OptionError
from dpdlab.tui.actions import ACTIONS, BY_ID

Keymap = Mapping[str, tuple[str, ...]]

DEFAULT: Final[Keymap] = {action.id: action.keys for action in ACTIONS}
"""The keys of every action, by its id."""

_MOST_KEYS: Final = 8
_MODIFIED: Final = re.compile(
    r"(?:(?:ctrl|shift|alt)\+){0,3}([a-z_]+|[A-Za-z0-9]|f[1-9]|f1\d|f2[0-4])"
)
_NAMED: Final = frozenset(
    {"up", "down", "left", "right", "home", "end", "pageup", "pagedown", "enter", "escape", "space",
     "tab", "backspace", "delete", "insert"}
)  # fmt: skip
# Names of characters that are longer in Unicode than for people.
_SHORT: Final = {
    "solidus": "slash",
    "reverse_solidus": "backslash",
    "commercial_at": "at",
    "hyphen_minus": "minus",
    "plus_sign": "plus",
    "low_line": "underscore",
}
_PUNCTUATION: Final = "!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~"


def keymap_of(given: Mapping[str, Sequence[str]], whence: str) -> Keymap:
    """The keys of all actions where some are the user's.

    Raises:
        OptionError: there is no such action or key, or a key would mean two things; it names
            `whence` and the entry.
    """
    changed: dict[str, tuple[str, ...]] = {}
    for name, keys in given.items():
        if name not in BY_ID:
            near = get_close_matches(name, BY_ID, n=1, cutoff=0.5)
            hint = f"did you mean {near[0]}?" if near else "dpdlab settings lists them"
            raise OptionError(f"{whence}: keys.{name}: there is no action {name!r}", hint)
        if not 0 < len(keys) <= _MOST_KEYS:
            raise OptionError(f"{whence}: keys.{name}: one to {_MOST_KEYS} keys are wanted")
        changed[name] = tuple(_key(key, f"{whence}: keys.{name}") for key in keys)
    keymap = {**DEFAULT, **changed}
    _check_clashes(keymap, changed, whence)
    return keymap


def _check_clashes(keymap: Keymap, changed: Keymap, whence: str) -> None:
    owners: dict[str, str] = {}
    # What the user has changed comes last, so that the message names it.
    for name in sorted(keymap, key=lambda name: name in changed):
        for key in keymap[name]:
            owner = owners.setdefault(key, name)
            if owner != name:
                raise OptionError(
                    f"{whence}: keys.{name}: {key} is the key of {owner}",
                    f"give {owner} another key, too",
                )


def _key(text: str, place: str) -> str:
    """A key by Textual's name: `?` is `question_mark`."""
    if len(text) == 1 and text in _PUNCTUATION:
        return _name_of(text)
    found = _MODIFIED.fullmatch(text)
    if found is None or not _is_key(found[1]):
        raise OptionError(
            f"{place}: there is no key {text!r}", "such as x, X, ?, ctrl+x, f5, pageup or space"
        )
    return text


def _is_key(name: str) -> bool:
    known = len(name) == 1 or name in _NAMED or re.fullmatch(r"f\d+", name) is not None
    return known or name in {_name_of(character) for character in _PUNCTUATION}


def _name_of(character: str) -> str:
    name = unicodedata.name(character).lower().replace(" ", "_").replace("-", "_")
    return _SHORT.get(name, name)


_KEY_NAMES: Final = {
    "question_mark": "?", "slash": "/", "colon": ":", "comma": ",", "full_stop": ".",
    "left_square_bracket": "[", "right_square_bracket": "]", "plus": "+", "minus": "-",
    "equals_sign": "=", "apostrophe": "'", "escape": "esc", "space": "space", "enter": "enter",
    "greater_than_sign": ">", "less_than_sign": "<",
}  # fmt: skip
_ARROWS: Final = {"up": "↑", "down": "↓", "left": "←", "right": "→"}


def key_name(key: str, *, ascii_only: bool = False) -> str:
    """A key as people call it; without arrows those have their names: `v` is another key."""
    if key in _ARROWS and not ascii_only:
        return _ARROWS[key]
    if key in _KEY_NAMES:
        return _KEY_NAMES[key]
    return key.upper() if key[0] == "f" and key[1:].isdigit() else key


def shown_key(keys: Sequence[str], *, ascii_only: bool = False) -> str:
    """The key of an action in a hint: the first one, without arrows rather a letter."""
    first = keys[0]
    if ascii_only:
        first = next((key for key in keys if key not in _ARROWS), first)
    return key_name(first, ascii_only=ascii_only)
