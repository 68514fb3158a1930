"""The command line: which command, which inputs, which options.

Options may stand anywhere, before the command too, so the words are told from the options first
and argparse sees options only. Nothing heavy is imported here: `--help` has to be instant.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from typing import Final, NamedTuple

from dpdlab import __version__
from dpdlab.cli import values
from dpdlab.cli.diagnostics import PROGRAM, UsageError
from dpdlab.cli.parser import Option, Parser, TextAction, split

# Every command of this version, with what help says of it.
COMMANDS: Final = {
    "report": "peers, liveness exchanges, Deletes and black holes of captures and logs",
    "lint": "DPD settings of device configurations, both ends compared",
    "schema": "the JSON Schema of the report",
    "doctor": "versions, tools and privileges that dpdlab finds here",
}

# Promised for later versions: named here so that nobody's typing is taken for a file name.
_LATER_COMMANDS: Final = frozenset(
    {"check", "live", "export", "simulate", "explain", "lab", "interfaces", "settings"}
)

FORMATS: Final = ("text", "json", "jsonl", "csv", "markdown")
DOCTOR_FORMATS: Final = ("text", "json")
LINT_FORMATS: Final = ("text", "json")
SEVERITIES: Final = ("info", "warning", "error")
COLORS: Final = ("auto", "always", "never")

DEFAULT_BUDGET_S: Final = 30.0
DEFAULT_BLACK_HOLE_MIN_S: Final = 3.0

_DESCRIPTION: Final = """\
When did the IPsec peer really go, when was it noticed, and what was lost in between:
DPD timelines and black holes from captures, with and without keys, and from debug logs.
"""

_EXAMPLES: Final = f"""\
An INPUT is a capture (pcap or pcapng, plain, .gz or .zst), the debug log of a router or daemon,
a directory of them, or - for standard input; what it is shows in its content. KIND:PATH says it
instead, as in pcap:- or ios:console.txt. Several inputs are put on one clock.

examples:
  {PROGRAM} report hub.pcapng
  {PROGRAM} report hub.pcapng --keys ikev1_decryption_table --local 192.0.2.1
  {PROGRAM} report hub.pcapng --since +10m --format json -o hub.json
  {PROGRAM} report hub.pcapng spoke-console.txt
  tcpdump -i eth0 -U -w - 'udp port 500 or udp port 4500 or esp' | {PROGRAM} report -

exit codes:
  0 fine   2 usage   3 an input cannot be read, or nothing in it is recognised
  4 damage under --strict   5 something needed is missing   70 internal error   130 interrupted
"""

_LINT_EXAMPLES: Final = f"""\
A CONFIG is a configuration (Cisco IOS and ASA, swanctl.conf, ipsec.conf, strongswan.conf,
FortiOS), a terminal log with one in it, a directory of them, or - for standard input; what it is
shows in its content. KIND:PATH says it instead, as in ios:part.txt. Configurations that name each
other's addresses are compared.

examples:
  {PROGRAM} lint hub.cfg
  {PROGRAM} lint hub.cfg spoke.cfg --fail-on warning
  ssh hub show running-config | {PROGRAM} lint -

exit codes:
  0 fine   1 findings at or above --fail-on   2 usage   3 a CONFIG cannot be read, or is none
  4 lines that cannot be used under --strict   70 internal error   130 interrupted
"""


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
    value_flags = _report_parser().value_flags | _lint_parser().value_flags
    option_words, words, quoted = split(arguments, value_flags)
    command = None
    if words and words[0] in COMMANDS:
        command = words.pop(0)
    elif words and words[0] in _LATER_COMMANDS:
        raise UsageError(
            f"this version has no command {words[0]!r}",
            f"it has {', '.join(COMMANDS)}; a file of that name is ./{words[0]}",
        )
    parser = _PARSERS[command]()
    options, unknown = parser.parse_known_args(option_words)
    if unknown:
        raise _unknown_option(parser, unknown[0].partition("=")[0])
    return Invocation(command, (*words, *quoted), options)


def _unknown_option(parser: Parser, flag: str) -> UsageError:
    if parser.command != "report" and flag in _report_parser().known_flags:
        return UsageError(
            f"{flag} is an option of the report command",
            f"write {PROGRAM} report INPUT... {flag} ...",
        )
    return parser.unknown_option(flag)


def _general_parser() -> Parser:
    commands = "\n".join(f"  {name:<9} {text}" for name, text in COMMANDS.items())
    parser = Parser(
        None,
        f"{PROGRAM} [INPUT...]\n"
        f"       {PROGRAM} report INPUT... [--format {'|'.join(FORMATS)}] [-o FILE]\n"
        f"       {PROGRAM} lint CONFIG... [--format {'|'.join(LINT_FORMATS)}] [-o FILE]\n"
        f"       {PROGRAM} schema\n"
        f"       {PROGRAM} doctor",
        f"{_DESCRIPTION}\ncommands:\n{commands}\n\n"
        f"Inputs without a command get the text report. {PROGRAM} COMMAND --help says more.",
        _EXAMPLES,
    )
    _add_reading(parser)
    _add_judging(parser)
    parser.group("output", _REDACT, *_LOOKS)
    _add_common(parser)
    return parser


def _report_parser() -> Parser:
    parser = Parser(
        "report",
        f"{PROGRAM} report INPUT... [--format {'|'.join(FORMATS)}] [-o FILE] [options]",
        "Peers, liveness exchanges, Deletes and black holes of captures and logs.",
        _EXAMPLES,
    )
    _add_reading(parser)
    _add_judging(parser)
    parser.group("output", _format(FORMATS), _OUTPUT, _REDACT, *_LOOKS)
    _add_common(parser)
    return parser


def _lint_parser() -> Parser:
    parser = Parser(
        "lint",
        f"{PROGRAM} lint CONFIG... [--format {'|'.join(LINT_FORMATS)}] [-o FILE] [options]",
        "What is wrong with the DPD settings of device configurations, without any traffic.",
        _LINT_EXAMPLES,
    )
    parser.group("what is read", _STRICT)
    parser.group("how it is judged", _BUDGET, _FAIL_ON)
    parser.group("output", _format(LINT_FORMATS), _OUTPUT, _REDACT, *_LOOKS)
    _add_common(parser)
    return parser


def _schema_parser() -> Parser:
    parser = Parser(
        "schema",
        f"{PROGRAM} schema [-o FILE]",
        f"Print the JSON Schema of what {PROGRAM} report --format json writes.",
        "",
    )
    parser.group("output", _OUTPUT, *_LOOKS)
    _add_common(parser)
    return parser


def _doctor_parser() -> Parser:
    parser = Parser(
        "doctor",
        f"{PROGRAM} doctor [--format {'|'.join(DOCTOR_FORMATS)}] [-o FILE]",
        f"Print what {PROGRAM} finds here: versions, libraries, capture tools and privileges.",
        "",
    )
    parser.group("output", _format(DOCTOR_FORMATS), _OUTPUT, *_LOOKS)
    _add_common(parser)
    return parser


_OUTPUT: Final[Option] = (
    ("-o", "--output"),
    {"metavar": "FILE", "help": "write there, whole or not at all; never over an input"},
)
_REDACT: Final[Option] = (
    ("--redact",),
    {
        "action": "store_true",
        "help": "stable pseudonyms for addresses, SPIs and file names",
    },
)
_STRICT: Final[Option] = (
    ("--strict",),
    {"action": "store_true", "help": "damage in the input is exit code 4"},
)
_BUDGET: Final[Option] = (
    ("--budget",),
    {
        "metavar": "SECONDS",
        "type": values.positive_duration_s,
        "default": DEFAULT_BUDGET_S,
        "help": "a later verdict is a slow one (default: %(default)g)",
    },
)
_FAIL_ON: Final[Option] = (
    ("--fail-on",),
    {"choices": SEVERITIES, "help": "exit code 1 for findings as bad as this, or worse"},
)
_LOOKS: Final[tuple[Option, ...]] = (
    (
        ("--color",),
        {
            "choices": COLORS,
            "default": "auto",
            "help": "auto: on a terminal, unless NO_COLOR is set",
        },
    ),
    (("--ascii",), {"action": "store_true", "help": "nothing beyond ASCII"}),
)


def _format(formats: tuple[str, ...]) -> Option:
    return (
        ("--format",),
        {"choices": formats, "default": formats[0], "help": "default: %(default)s"},
    )


def _add_reading(parser: Parser) -> None:
    parser.group(
        "what is read",
        (
            ("--keys",),
            {
                "metavar": "PATH",
                "action": "append",
                "default": [],
                "help": "Wireshark's ikev1_decryption_table or ikev2_decryption_table, a directory"
                " with them, or a charon log with key dumps; repeatable",
            },
        ),
        (
            ("--port",),
            {
                "metavar": "N",
                "type": values.port,
                "action": "append",
                "default": [],
                "help": "a further UDP port that carries IKE; repeatable",
            },
        ),
        (
            ("--since",),
            {
                "metavar": "TIME",
                "type": values.moment,
                "help": "from then on: 2024-11-20T21:31:50Z (UTC without a zone), epoch seconds,"
                " or +1m30s after the first packet",
            },
        ),
        (
            ("--until",),
            {"metavar": "TIME", "type": values.moment, "help": "up to then, written likewise"},
        ),
        _STRICT,
    )
    parser.group(
        "logs and clocks",
        (
            ("--year",),
            {
                "metavar": "[INPUT=]YEAR",
                "type": values.year,
                "action": "append",
                "default": [],
                "help": "year of the first line of a log whose stamps have none",
            },
        ),
        (
            ("--tz",),
            {
                "metavar": "[INPUT=]ZONE",
                "type": values.zone,
                "action": "append",
                "default": [],
                "help": "zone of stamps that name none: Europe/Berlin, +02:00 (default: UTC)",
            },
        ),
        (
            ("--offset",),
            {
                "metavar": "INPUT=SECONDS",
                "type": values.offset,
                "action": "append",
                "default": [],
                "help": "add this to the times of an input, instead of aligning it",
            },
        ),
        (
            ("--align",),
            {
                "choices": ("auto", "none"),
                "default": "auto",
                "help": "auto: put inputs on one clock by the messages that several of them show",
            },
        ),
        (
            ("--dialect",),
            {
                "metavar": "FILE",
                "action": "append",
                "default": [],
                "help": "a log dialect of your own, in TOML; repeatable",
            },
        ),
        (
            ("--unparsed",),
            {
                "action": "store_true",
                "help": "instead of the report, list the crypto lines that nothing understands",
            },
        ),
    )


def _add_judging(parser: Parser) -> None:
    parser.group(
        "how it is judged",
        (
            ("--local",),
            {
                "metavar": "ADDR",
                "type": values.address,
                "action": "append",
                "default": [],
                "help": "an address of our side; repeatable",
            },
        ),
        _BUDGET,
        (
            ("--black-hole-min",),
            {
                "metavar": "SECONDS",
                "type": values.duration_s,
                "default": DEFAULT_BLACK_HOLE_MIN_S,
                "help": "shorter silence is no black hole (default: %(default)g)",
            },
        ),
    )


def _add_common(parser: Parser) -> None:
    parser.group(
        "general",
        (("-q", "--quiet"), {"action": "store_true", "help": "only errors on stderr"}),
        (
            ("-v", "--verbose"),
            {"action": "count", "default": 0, "help": "more detail; twice for all of it"},
        ),
        (("--debug",), {"action": "store_true", "help": "show tracebacks"}),
        (
            ("--version",),
            {
                "action": TextAction,
                "nargs": 0,
                "const": f"{PROGRAM} {__version__}\n",
                "help": "print the version",
            },
        ),
        (("-h", "--help"), {"action": TextAction, "nargs": 0, "help": "print this text"}),
    )


_PARSERS: Final = {
    None: _general_parser,
    "report": _report_parser,
    "lint": _lint_parser,
    "schema": _schema_parser,
    "doctor": _doctor_parser,
}
