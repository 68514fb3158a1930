"""Where the user was in a set of inputs, kept from one session to the next.

A small file for each set under `$XDG_STATE_HOME/dpdlab/console` (by default `~/.local/state`).
Nothing depends on it: what cannot be read or written is as if it had never been.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from msgspec import Struct, field

from analyzers.sources.names import any_is_standard_input

_VERSION: Final = 1
_MOST_BYTES: Final = 64 << 10
_MOST_TEXT: Final = 4_000
_MOST_FILES: Final = 200
_MOST_CLOCKS: Final = 200
_LONGEST_SHIFT_NS: Final = 10**19


class State(Struct, frozen=True):
    """What is kept; times in ns since the epoch."""

    view: str = ""
    filter: str = ""
    times: str = ""
    """The time format, by its name."""
    mark_ns: int | None = None
    at_ns: int | None = None
    range_ns: tuple[int, int] | None = None
    peer: tuple[str, str] | None = None
    """Local and remote address: ids are those of one reading."""
    views: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    """What each view keeps of its own, by its title."""
    clocks: Mapping[str, int] = field(default_factory=dict)
    """What is added to the times of inputs by hand, in ns, by their absolute paths."""


def file_for(inputs: Sequence[str]) -> Path | None:
    """The file of a set of inputs; None where nothing is kept: a pipe, a user without a home."""
    if any_is_standard_input(inputs):
        return None
    base = os.environ.get("XDG_STATE_HOME", "")
    try:
        folder = Path(base) if Path(base).is_absolute() else Path.home() / ".local" / "state"
        names = sorted(str(Path(name).resolve()) for name in inputs)
    except (RuntimeError, OSError, ValueError):
        return None
    text = "\0".join(names).encode("utf-8", "surrogateescape")
    return folder / "dpdlab" / "console" / f"{hashlib.sha256(text).hexdigest()[:32]}.json"


def load(path: Path) -> State:
    """What a file keeps; what in it is no such thing is left out."""
    with contextlib.suppress(OSError, ValueError, RecursionError):
        with path.open("rb") as file:
            data = file.read(_MOST_BYTES + 1)
        kept = json.loads(data) if len(data) <= _MOST_BYTES else None
        if isinstance(kept, dict) and kept.get("version") == _VERSION:
            return State(
                view=_text(kept.get("view")),
                filter=_text(kept.get("filter")),
                times=_text(kept.get("times")),
                mark_ns=_moment(kept.get("mark_ns")),
                at_ns=_moment(kept.get("at_ns")),
                range_ns=_range(kept.get("range_ns")),
                peer=_pair(kept.get("peer")),
                views=_views(kept.get("views")),
                clocks=_clocks(kept.get("clocks")),
            )
    return State()


def save(path: Path, state: State) -> None:
    """Keep it, for this user's eyes only; the oldest files go when there are many."""
    kept = {
        "version": _VERSION,
        "view": state.view,
        "filter": state.filter,
        "times": state.times,
        "mark_ns": state.mark_ns,
        "at_ns": state.at_ns,
        "range_ns": state.range_ns,
        "peer": state.peer,
        "views": {name: dict(of_view) for name, of_view in state.views.items()},
        "clocks": dict(state.clocks),
    }
    with contextlib.suppress(OSError, ValueError):
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        # Only its owner may read what mkstemp makes.
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=".", suffix=".part")
        try:
            with os.fdopen(handle, "w", encoding="utf-8") as file:
                json.dump(kept, file)
            Path(name).replace(path)
        except OSError:
            Path(name).unlink(missing_ok=True)
            return
        _forget_oldest(path.parent)


def resolved(name: str) -> str:
    """An input as it is called wherever one stands; as it is where it cannot be told."""
    kind, colon, rest = name.partition(":")
    try:
        path = Path(rest) if colon and kind.isalnum() and not Path(name).exists() else Path(name)
        return str(path.resolve())
    except (OSError, RuntimeError, ValueError):
        return name


def clocks_here(kept: Mapping[str, int], inputs: Sequence[str]) -> dict[str, int]:
    """Clocks that were kept, by inputs as they are named here, and files in them if folders."""
    found: dict[str, int] = {}
    for path, offset_ns in kept.items():
        named = path
        for name in inputs:
            whole = resolved(name)
            if whole == path:
                named = name
            elif path.startswith(f"{whole}{os.sep}"):
                named = str(Path(name) / path[len(whole) + 1 :])
        found[named] = offset_ns
    return found


def _forget_oldest(folder: Path) -> None:
    files = sorted(folder.glob("*.json"), key=lambda p: p.stat().st_mtime_ns)
    for old in files[:-_MOST_FILES]:
        old.unlink(missing_ok=True)


def _text(value: object) -> str:
    return value if isinstance(value, str) and len(value) <= _MOST_TEXT else ""


def _moment(value: object) -> int | None:
    return value if type(value) is int and 0 <= value < 1 << 63 else None


def _range(value: object) -> tuple[int, int] | None:
    if not isinstance(value, list) or len(value) != 2:
        return None
    first, last = _moment(value[0]), _moment(value[1])
    return (first, last) if first is not None and last is not None and first < last else None


def _pair(value: object) -> tuple[str, str] | None:
    if not isinstance(value, list) or len(value) != 2:
        return None
    first, second = _text(value[0]), _text(value[1])
    return (first, second) if first and second else None


def _views(value: object) -> dict[str, dict[str, Any]]:
    if not isinstance(value, dict):
        return {}
    return {str(name): of_view for name, of_view in value.items() if isinstance(of_view, dict)}


def _clocks(value: object) -> dict[str, int]:
    if not isinstance(value, dict) or len(value) > _MOST_CLOCKS:
        return {}
    return {
        path: shift_ns
        for path, shift_ns in value.items()
        if _text(path) and type(shift_ns) is int and abs(shift_ns) < _LONGEST_SHIFT_NS
    }
