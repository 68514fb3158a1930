"""Reads `profiles.toml`, the table of what each product does, and refuses what it cannot mean."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import Any, Final

from analyzers.configs.profiles import Knob, Looks, Timers, VendorProfile, Verdict
from analyzers.model.policy import PolicyMode

_FILE: Final = "profiles.toml"
_NUMBERS: Final = {
    "interval-s": "interval_s",
    "retry-s": "retry_s",
    "backoff": "backoff",
    "limit-s": "limit_s",
    "timeout-s": "timeout_s",
}
_WORDS: Final = {"verdict": Verdict, "looks": Looks}
_FLAGS: Final = {
    "retry-is-interval": "retry_is_interval",
    "schedule-fixed": "schedule_fixed",
    "interval-unknown": "interval_unknown",
}
_COUNTS: Final = {"uncounted": "uncounted", "otherwise-uncounted": "otherwise_uncounted"}
_SETS: Final = frozenset(
    {"interval", "retry", "retries", "backoff", "limit", "timeout", "mode", "action", ""}
)
_LONGEST_S: Final = 100 * 86_400


class ProfileTableError(ValueError):
    """The table cannot be used: the row, the key, and what would have been right."""


@cache
def rows() -> Mapping[str, VendorProfile]:
    """All profiles by name, in the order of the file. Raises ProfileTableError."""
    return read_rows((files("analyzers.configs") / _FILE).read_text(encoding="utf-8"))


def read_rows(text: str) -> dict[str, VendorProfile]:
    """The profiles of a table. Raises ProfileTableError."""
    try:
        table = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ProfileTableError(f"{_FILE}: {error}") from error
    return {name: _Row(name, row).profile() for name, row in table.items()}


class _Row:
    """One table of the file; every key is taken once, and none is left over."""

    def __init__(self, name: str, row: Any) -> None:
        self._name = name
        if not isinstance(row, dict):
            raise self._error("", "a table")
        self._left: dict[str, Any] = dict(row)

    def profile(self) -> VendorProfile:
        title = self._text("title")
        mode = self._word("mode", PolicyMode)
        retries = self._count("retries", least=0)
        numbers = {n: v for key, n in _NUMBERS.items() if (v := self._number(key)) is not None}
        version = self._count("ike-version", least=1)
        if version not in (None, 1, 2):
            raise self._error("ike-version", "1 or 2")
        others: dict[str, Any] = {
            name: value
            for key, name in _COUNTS.items()
            if (value := self._count(key, least=-1)) is not None
        }
        others |= {k: self._word(k, kind) for k, kind in _WORDS.items() if k in self._left}
        others |= {name: self._flag(key) for key, name in _FLAGS.items()}
        sources = self._texts("sources")
        if not sources:
            raise self._error("sources", "at least one text")
        made = VendorProfile(
            name=self._name,
            title=title,
            ike_version=version,
            mode=mode,
            defaults=Timers(retries=retries, **numbers),
            sources=sources,
            knobs=self._knobs(),
            after=self._text("after") if "after" in self._left else "",
            notes=self._texts("notes"),
            slack_s=self._number("slack-s") or 0.0,
            **others,
        )
        if self._left:
            raise self._error(next(iter(self._left)), "no such key")
        return made

    def _error(self, key: str, wanted: str) -> ProfileTableError:
        place = f"[{self._name}]" + (f" {key}" if key else "")
        return ProfileTableError(f"{_FILE}: {place}: {wanted}")

    def _text(self, key: str) -> str:
        value = self._left.pop(key, None)
        if not isinstance(value, str) or not value:
            raise self._error(key, "a text")
        return value

    def _texts(self, key: str) -> tuple[str, ...]:
        value = self._left.pop(key, [])
        if not isinstance(value, list) or not all(isinstance(v, str) and v for v in value):
            raise self._error(key, "a list of texts")
        return tuple(value)

    def _word(self, key: str, kind: Any) -> Any:
        value = self._left.pop(key, None)
        try:
            return kind(value)
        except ValueError:
            raise self._error(key, "one of " + ", ".join(kind)) from None

    def _flag(self, key: str) -> bool:
        value = self._left.pop(key, False)
        if not isinstance(value, bool):
            raise self._error(key, "true or false")
        return value

    def _number(self, key: str) -> float | None:
        value = self._left.pop(key, None)
        if value is None:
            return None
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise self._error(key, "a number")
        if not 0 < value <= _LONGEST_S:
            raise self._error(key, f"more than 0, at most {_LONGEST_S}")
        return float(value)

    def _count(self, key: str, *, least: int) -> int | None:
        value = self._left.pop(key, None)
        if value is None:
            return None
        if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= 1000:
            raise self._error(key, f"a whole number from {least} on")
        return value

    def _knobs(self) -> tuple[Knob, ...]:
        value = self._left.pop("knobs", [])
        if not isinstance(value, list):
            raise self._error("knobs", "a list of tables")
        return tuple(self._knob(knob) for knob in value)

    def _knob(self, value: Any) -> Knob:
        if not isinstance(value, dict) or not value.get("option") or value.get("sets") not in _SETS:
            raise self._error("knobs", "tables with an option and the key that it sets")
        bounds: dict[str, float] = {}
        for key in ("least", "most", "default"):
            number = value.get(key)
            if number is not None and (
                isinstance(number, bool) or not isinstance(number, int | float)
            ):
                raise self._error(f"knobs {key}", "a number")
            if number is not None:
                bounds[key] = float(number)
        unknown = value.keys() - {"option", "sets", "least", "most", "default"}
        if unknown:
            raise self._error(f"knobs {min(unknown)}", "no such key")
        return Knob(str(value["option"]), value["sets"], **bounds)
