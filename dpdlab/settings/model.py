"""The settings file: TOML, unknown keys refused, every mistake with its place.

What stands in it is a default: an option of the command line comes first.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from difflib import get_close_matches
from fnmatch import fnmatchcase
from ipaddress import ip_address, ip_network
from pathlib import Path
from typing import Annotated, Any, Final, Literal

from msgspec.structs import fields
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from analyzers.errors import OptionError
from analyzers.model.finding import Severity
from analyzers.rules.catalogue import rules_by_id
from analyzers.rules.options import RuleOptions, Suppression, Thresholds

_MAX_BYTES: Final = 1 << 20
# The budget is that of the report.
_THRESHOLDS: Final[dict[str, float]] = {
    field.name: getattr(Thresholds(), field.name)
    for field in fields(Thresholds)
    if field.name != "budget_s"
}


Port = Annotated[int, Field(ge=1, le=65_535, strict=True)]


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class ReportSettings(_Section):
    """How inputs are judged where no option says it."""

    budget_s: float = Field(default=30.0, gt=0, description="a later verdict is slow, seconds")
    black_hole_min_s: float = Field(default=3.0, ge=0, description="less silence is none, seconds")
    local: tuple[str, ...] = Field(default=(), description="addresses of our side")
    ports: tuple[Port, ...] = Field(default=(), description="further UDP ports that carry IKE")

    @field_validator("local")
    @classmethod
    def _addresses(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for text in value:
            ip_address(text)
        return value


class SuppressSettings(_Section):
    """Findings that are known and accepted."""

    rule: str = Field(default="*", description="glob over rule ids")
    peer: str = Field(default="*", description="glob over the addresses of a peer, or a network")
    reason: str = Field(min_length=1, description="why; the report shows it")

    @field_validator("rule")
    @classmethod
    def _known(cls, value: str) -> str:
        if not any(fnmatchcase(rule, value) for rule in rules_by_id()):
            _check_names([value], rules_by_id(), "rule")
        return value

    @field_validator("peer")
    @classmethod
    def _network(cls, value: str) -> str:
        if "/" in value:
            ip_network(value, strict=False)
        return value


class RuleSettings(_Section):
    """Severities, thresholds and suppressions of the rules."""

    severity: dict[str, Literal["error", "warning", "info", "off"]] = Field(default_factory=dict)
    thresholds: dict[str, float] = Field(default_factory=dict)
    suppress: tuple[SuppressSettings, ...] = ()

    @field_validator("severity")
    @classmethod
    def _rules(cls, value: dict[str, str]) -> dict[str, str]:
        _check_names(value, rules_by_id(), "rule")
        return value

    @field_validator("thresholds")
    @classmethod
    def _limits(cls, value: dict[str, float]) -> dict[str, float]:
        _check_names(value, _THRESHOLDS, "threshold")
        for name, number in value.items():
            if not 0 <= number < 1e9:
                raise ValueError(f"{name} is not between 0 and a billion")
            if isinstance(_THRESHOLDS[name], int) and number != int(number):
                raise ValueError(f"{name} is a whole number")
        return {name: type(_THRESHOLDS[name])(number) for name, number in value.items()}


class ConsoleSettings(_Section):
    """How the console looks."""

    theme: Literal["", "dpdlab-dark", "dpdlab-light", "dpdlab-contrast"] = Field(
        default="", description="dpdlab-dark, dpdlab-light or dpdlab-contrast; empty: dark"
    )
    ascii: bool = Field(default=False, description="no sign beyond ASCII, as --ascii")
    times: Literal["utc", "local", "relative", "delta", "mark"] = Field(
        default="utc",
        description="utc, local, relative (to the start), delta (to the event before) or mark",
    )
    bell: bool = Field(default=False, description="a bell when a peer is given up, dpdlab live")


class Settings(_Section):
    """All of a settings file."""

    console: ConsoleSettings = ConsoleSettings()
    keys: dict[str, tuple[str, ...]] = Field(default_factory=dict)
    """Keys of actions of the console, by their ids; who knows the actions checks them."""
    report: ReportSettings = ReportSettings()
    rules: RuleSettings = RuleSettings()

    def rule_options(self) -> RuleOptions:
        """What concerns the rules, as the engine takes it."""
        given: dict[str, Any] = self.rules.thresholds
        return RuleOptions(
            thresholds=Thresholds(**given),
            severities={
                rule: None if word == "off" else Severity(word)
                for rule, word in self.rules.severity.items()
            },
            suppressions=tuple(
                Suppression(reason=one.reason, rule=one.rule, peer=one.peer)
                for one in self.rules.suppress
            ),
        )


def load(path: Path) -> Settings:
    """The settings in a file. Raises `OptionError`, which names the file and the key or line."""
    return read(text_of(path), str(path))


def text_of(path: Path) -> str:
    """What a settings file says. Raises `OptionError`, which names it."""
    try:
        with path.open("rb") as file:
            data = file.read(_MAX_BYTES + 1)
    except OSError as error:
        raise OptionError(f"{path}: {error.strerror or error}") from error
    if len(data) > _MAX_BYTES:
        raise OptionError(f"{path}: more than a megabyte is no settings file")
    try:
        return data.decode()
    except UnicodeDecodeError as error:
        raise OptionError(f"{path}: no UTF-8 at byte {error.start}") from error


_WORDS: Final = {"tuple_type": 'a list is meant: ["…"]'}
"""What is wrong with a value, where pydantic says it in words of Python."""


def read(text: str, path: str) -> Settings:
    """The settings in a text. Raises `OptionError`, which names `path` and the key or line."""
    try:
        return Settings.model_validate(tomllib.loads(text))
    except tomllib.TOMLDecodeError as error:
        raise OptionError(f"{path}: {error}") from error
    except ValidationError as error:
        first = error.errors()[0]
        key = ".".join(str(part) for part in first["loc"])
        message = _WORDS.get(first["type"], str(first["msg"])).removeprefix("Value error, ")
        raise OptionError(f"{path}: {key}: {message}", "dpdlab settings shows every key") from error


def as_toml(
    settings: Settings, actions: Mapping[str, tuple[Sequence[str], str]] | None = None
) -> Iterator[str]:
    """The settings with every key they can have, as a file that `load` reads again.

    `actions` are those of the console by id, with their own keys and what they do.
    """
    yield "[report]\n"
    report = settings.report
    for name, field in ReportSettings.model_fields.items():
        yield f"{name} = {_literal(getattr(report, name))}  # {field.description}\n"
    yield "\n# error, warning, info or off, by rule; dpdlab explain lists the rules\n"
    yield "[rules.severity]\n"
    for rule, word in sorted(settings.rules.severity.items()):
        yield f'{rule} = "{word}"\n'
    yield "\n# tolerances and limits; what ends in _s is seconds\n[rules.thresholds]\n"
    for name, default in _THRESHOLDS.items():
        yield f"{name} = {_literal(settings.rules.thresholds.get(name, default))}\n"
    yield "\n# known and accepted: [[rules.suppress]] with\n"
    for name, field in SuppressSettings.model_fields.items():
        yield f"#   {name}: {field.description}\n"
    for one in settings.rules.suppress:
        yield "\n[[rules.suppress]]\n"
        for name in SuppressSettings.model_fields:
            yield f"{name} = {_literal(getattr(one, name))}\n"
    yield "\n# the console\n[console]\n"
    for name, field in ConsoleSettings.model_fields.items():
        yield f"{name} = {_literal(getattr(settings.console, name))}  # {field.description}\n"
    yield "\n# keys of its actions; what is not given keeps its own\n[keys]\n"
    for name, (keys, does) in (actions or {}).items():
        if name not in settings.keys:
            yield f"# {name} = {_literal(tuple(keys))}  # {does}\n"
    for name, keys in settings.keys.items():
        yield f"{name} = {_literal(keys)}\n"


def _literal(value: object) -> str:
    """A value as TOML has it."""
    if isinstance(value, tuple):
        return f"[{', '.join(map(_literal, value))}]"
    if isinstance(value, str):
        escaped = "".join(
            f"\\u{ord(c):04x}" if ord(c) < 0x20 or ord(c) == 0x7F else c
            for c in value.replace("\\", "\\\\").replace('"', '\\"')
        )
        return f'"{escaped}"'
    if isinstance(value, float):
        return f"{value:g}" if "." in f"{value:g}" else f"{value:.1f}"
    if isinstance(value, bool):
        return str(value).lower()
    return str(value)


def _check_names(given: Iterable[str], known: Iterable[str], what: str) -> None:
    names = list(known)
    for name in given:
        if name not in names:
            near = get_close_matches(name, names, n=1, cutoff=0.5)
            raise ValueError(
                f"there is no {what} {name!r}" + (f"; did you mean {near[0]}?" if near else "")
            )
