"""The command line: which command, which inputs, which options.

Options may stand anywhere, before the command too, so the words are told from the options first
and argparse sees options only. Nothing heavy is imported here: `--help` has to be instant.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from typing import Final, NamedTuple

from dpdlab.cli import command_parsers, export_parser, live_parser, simulate_parser
from dpdlab.cli.diagnostics import PROGRAM, UsageError
from dpdlab.cli.parser import Parser, split


class Command(NamedTuple):
    """A command of this version."""

    help: str
    parser: Callable[[], Parser]
    module: str
    """Its `run(invocation, diagnostics)`; imported when it is called."""
    engine: bool = True
    """Whether it needs the engine."""
    goes_on: bool = False
    """Whether it goes on until somebody ends it, instead of reading to an end."""


COMMANDS: Final = {
    "report": Command(
        "peers, liveness exchanges, Deletes and black holes of captures and logs",
        command_parsers.report_parser,
        "dpdlab.cli.report_command",
    ),
    "check": Command(
        "findings only, one a line, with an exit code for scripts",
        command_parsers.check_parser,
        "dpdlab.cli.check_command",
    ),
    "explain": Command(
        "a rule: what it finds, why, its source and remedy; or the table of all rules",
        command_parsers.explain_parser,
        "dpdlab.cli.explain_command",
    ),
    "export": Command(
        "the packets behind the report, each with a comment for Wireshark",
        export_parser.export_parser,
        "dpdlab.cli.export_command",
    ),
    "live": Command(
        "the same while it happens: interfaces, pipes, logs that grow, syslog",
        live_parser.live_parser,
        "dpdlab.cli.live_command",
        goes_on=True,
    ),
    "interfaces": Command(
        "what can be captured on here, and why not",
        live_parser.interfaces_parser,
        "dpdlab.cli.interfaces_command",
    ),
    "lint": Command(
        "DPD settings of device configurations, both ends compared",
        command_parsers.lint_parser,
        "dpdlab.cli.lint_command",
    ),
    "simulate": Command(
        "what another DPD policy would have left; without INPUT: planning",
        simulate_parser.simulate_parser,
        "dpdlab.cli.simulate_command",
    ),
    "settings": Command(
        "every setting with its value, as a file to start from",
        command_parsers.settings_parser,
        "dpdlab.cli.settings_command",
    ),
    "schema": Command(
        "the JSON Schema of the report",
        command_parsers.schema_parser,
        "dpdlab.cli.schema_command",
    ),
    "doctor": Command(
        "versions, tools and privileges that dpdlab finds here",
        command_parsers.doctor_parser,
        "dpdlab.cli.doctor",
        engine=False,
    ),
}
HELP: Final = {name: command.help for name, command in COMMANDS.items()}

# Promised for later versions: named here so that nobody's typing is taken for a file name.
LATER_COMMANDS: Final = frozenset({"lab"})


class Invocation(NamedTuple):
    """A command line that was understood."""

    command: str | None
    """None: inputs without a command."""
    words: tuple[str, ...]
    options: argparse.Namespace


def parse(arguments: Sequence[str]) -> Invocation:
    """The command line as it was meant.

    Raises:
        UsageError: it cannot be understood.
        TextRequested: help or the version is all that was asked for.
    """
    value_flags = frozenset[str]().union(*(c.parser().value_flags for c in COMMANDS.values()))
    option_words, words, quoted = split(arguments, value_flags)
    command = None
    if words and words[0] in COMMANDS:
        command = words.pop(0)
    elif words and words[0] in LATER_COMMANDS:
        raise UsageError(
            f"this version has no command {words[0]!r}",
            f"it has {', '.join(COMMANDS)}; a file of that name is ./{words[0]}",
        )
    parser = COMMANDS[command].parser() if command else command_parsers.general_parser(HELP)
    options, unknown = parser.parse_known_args(option_words)
    if unknown:
        raise _unknown_option(parser, unknown[0].partition("=")[0])
    return Invocation(command, (*words, *quoted), options)


def _unknown_option(parser: Parser, flag: str) -> UsageError:
    if parser.command != "report" and flag in command_parsers.report_parser().known_flags:
        return UsageError(
            f"{flag} is an option of the report command",
            f"write {PROGRAM} report INPUT... {flag} ...",
        )
    return parser.unknown_option(flag)
