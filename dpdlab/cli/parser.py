"""How a command line is taken apart: words from options, and argparse without its own exits."""

from __future__ import annotations

import argparse
import re
from collections.abc import Sequence
from typing import Any, Final, NoReturn

from dpdlab.cli.diagnostics import PROGRAM, UsageError

Option = tuple[tuple[str, ...], dict[str, Any]]
"""The flags of an option, and what argparse is told of it."""


class TextRequested(Exception):
    """`--help` or `--version`: there is a text to print, and nothing else to do."""

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self.text = text


_FILTER: Final = frozenset({"-Y", "--filter"})
# "-basis:rhythm", "-rtt>200ms", '-"text"', "-(a or b)": a filter that begins with a not.
_NEGATED: Final = re.compile(r"-(?:[a-z]+(?::|!?=|[<>])|[\"/(])", re.IGNORECASE)


def split(
    arguments: Sequence[str], value_flags: frozenset[str]
) -> tuple[list[str], list[str], list[str]]:
    """Options with their values, words, and the words behind `--`, which are never a command."""
    options: list[str] = []
    words: list[str] = []
    rest = iter(arguments)
    for argument in rest:
        if argument == "--":
            break
        if argument == "-" or not argument.startswith("-"):
            words.append(argument)
            continue
        value = next(rest, None) if _wants_value(argument, value_flags) else None
        if value is not None and argument in _FILTER and _NEGATED.match(value):
            # argparse would take it for options.
            options.append(f"{argument}={value}")
            continue
        options.append(argument)
        options.extend([] if value is None else [value])
    return options, words, list(rest)


def _wants_value(argument: str, value_flags: frozenset[str]) -> bool:
    """Whether the next argument is the value of this one, as in `-qo FILE`."""
    if argument.startswith("--"):
        return argument in value_flags
    for position, letter in enumerate(argument[1:], start=1):
        if f"-{letter}" in value_flags:
            return position == len(argument) - 1
    return False


class Parser(argparse.ArgumentParser):
    """argparse without its own exits: errors and help come as exceptions."""

    def __init__(self, command: str | None, usage: str, description: str, epilog: str) -> None:
        program = PROGRAM if command is None else f"{PROGRAM} {command}"
        super().__init__(
            prog=program,
            usage=usage,
            description=description,
            epilog=epilog,
            formatter_class=argparse.RawDescriptionHelpFormatter,
            add_help=False,
            allow_abbrev=False,
        )
        self.command = command
        self._flags: dict[str, bool] = {}

    def group(self, title: str, *options: tuple[tuple[str, ...], dict[str, Any]]) -> None:
        """A titled group of options in the help."""
        group = self.add_argument_group(title)
        for flags, settings in options:
            action = group.add_argument(*flags, **settings)
            self._flags.update(dict.fromkeys(flags, action.nargs != 0))

    @property
    def value_flags(self) -> frozenset[str]:
        """The flags that are followed by a value."""
        return frozenset(flag for flag, wants_value in self._flags.items() if wants_value)

    def error(self, message: str) -> NoReturn:
        """Instead of printing usage and leaving."""
        raise UsageError(message.removeprefix("argument "), f"see {self.prog} --help")

    def unknown_option(self, flag: str) -> UsageError:
        """What to say of an option nobody knows; the nearest one may be meant."""
        from difflib import get_close_matches

        near = get_close_matches(flag, self._flags, n=1)
        hint = f"did you mean {near[0]}?" if near else f"see {self.prog} --help"
        return UsageError(f"unknown option {flag}", hint)

    @property
    def known_flags(self) -> frozenset[str]:
        """All flags."""
        return frozenset(self._flags)


class TextAction(argparse.Action):
    """An option that asks for a text and for nothing else."""

    def __call__(
        self,
        parser: argparse.ArgumentParser,
        namespace: argparse.Namespace,
        values: object,
        option_string: str | None = None,
    ) -> NoReturn:
        raise TextRequested(self.const or parser.format_help())
