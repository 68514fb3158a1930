"""One parser a command: its usage, its options, its examples."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from dpdlab.cli.diagnostics import PROGRAM
from dpdlab.cli.option_groups import (
    BUDGET,
    CHECK_FORMATS,
    DOCTOR_FORMATS,
    EXPLAIN_FORMATS,
    FILTER,
    FORMATS,
    LINT_FORMATS,
    LOOKS,
    OUTPUT,
    POLICY,
    REDACT,
    SETTINGS,
    SEVERITIES,
    STRICT,
    SVG,
    add_common,
    add_judging,
    add_reading,
    fail_on_option,
    format_option,
)
from dpdlab.cli.parser import Parser

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
  {PROGRAM} report hub.pcapng -Y 'peer:198.51.100.0/24 (rtt>200ms or retries>=2)'
  tcpdump -i eth0 -U -w - 'udp port 500 or udp port 4500 or esp' | {PROGRAM} report -

exit codes:
  0 fine   2 usage   3 an input cannot be read, or nothing in it is recognised
  4 damage under --strict   5 something needed is missing   70 internal error   130 interrupted
"""

_CHECK_EXAMPLES: Final = f"""\
Each line begins with file:frame or file:line. {PROGRAM} explain RULE says more of a rule; -v
adds remedy and source.

examples:
  {PROGRAM} check hub.pcapng
  {PROGRAM} check hub.pcapng r1.log r1.cfg --fail-on warning

exit codes:
  0 fine   1 findings at or above --fail-on   2 usage   3 an input cannot be read, or nothing in
  it is recognised   4 damage under --strict   70 internal error   130 interrupted
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


def general_parser(commands: Mapping[str, str]) -> Parser:
    """Options without a command; `commands` are all of them with what help says."""
    listed = "\n".join(f"  {name:<10} {text}" for name, text in commands.items())
    parser = Parser(
        None,
        f"{PROGRAM} [INPUT...]\n"
        f"       {PROGRAM} report INPUT... [--format {'|'.join(FORMATS)}] [-o FILE]\n"
        f"       {PROGRAM} check INPUT... [--fail-on {'|'.join(SEVERITIES)}]\n"
        f"       {PROGRAM} export INPUT... -w FILE\n"
        f"       {PROGRAM} live [-i IFACE]... [--log PATH]... [--syslog HOST:PORT]\n"
        f"       {PROGRAM} explain [RULE...]\n"
        f"       {PROGRAM} lint CONFIG... [--format {'|'.join(LINT_FORMATS)}] [-o FILE]\n"
        f"       {PROGRAM} simulate [INPUT...] [--policy POLICY]...\n"
        f"       {PROGRAM} settings\n"
        f"       {PROGRAM} interfaces\n"
        f"       {PROGRAM} schema\n"
        f"       {PROGRAM} doctor",
        f"{_DESCRIPTION}\ncommands:\n{listed}\n\n"
        f"Inputs without a command get the text report. {PROGRAM} COMMAND --help says more.",
        _EXAMPLES,
    )
    add_reading(parser)
    add_judging(parser, POLICY)
    parser.group("exit code", fail_on_option())
    parser.group("output", FILTER, REDACT, *LOOKS)
    add_common(parser)
    return parser


def report_parser() -> Parser:
    """Options of `report`."""
    parser = Parser(
        "report",
        f"{PROGRAM} report INPUT... [--format {'|'.join(FORMATS)}] [-o FILE] [options]",
        "Peers, liveness exchanges, Deletes and black holes of captures and logs.",
        _EXAMPLES,
    )
    add_reading(parser)
    add_judging(parser, POLICY)
    parser.group("exit code", fail_on_option())
    parser.group("output", format_option(FORMATS), OUTPUT, FILTER, *SVG, REDACT, *LOOKS)
    add_common(parser)
    return parser


def check_parser() -> Parser:
    """Options of `check`."""
    parser = Parser(
        "check",
        f"{PROGRAM} check INPUT... [--fail-on {'|'.join(SEVERITIES)}] [options]",
        "Findings only, one a line, and an exit code for scripts.",
        _CHECK_EXAMPLES,
    )
    add_reading(parser)
    add_judging(parser, POLICY)
    parser.group("exit code", fail_on_option(default="error"))
    parser.group("output", format_option(CHECK_FORMATS), OUTPUT, FILTER, REDACT, *LOOKS)
    add_common(parser)
    return parser


def explain_parser() -> Parser:
    """Options of `explain`."""
    parser = Parser(
        "explain",
        f"{PROGRAM} explain [RULE...|filter] [--format {'|'.join(EXPLAIN_FORMATS)}] [-o FILE]",
        "A rule: what it finds, why that matters, its source, its remedy. Without RULE: all.\n"
        "filter: the language of -Y, with all its keys.",
        "",
    )
    parser.group("output", format_option(EXPLAIN_FORMATS), OUTPUT, *LOOKS)
    add_common(parser)
    return parser


def lint_parser() -> Parser:
    """Options of `lint`."""
    parser = Parser(
        "lint",
        f"{PROGRAM} lint CONFIG... [--format {'|'.join(LINT_FORMATS)}] [-o FILE] [options]",
        "What is wrong with the DPD settings of device configurations, without any traffic.",
        _LINT_EXAMPLES,
    )
    parser.group("what is read", STRICT)
    parser.group("how it is judged", BUDGET, fail_on_option(), SETTINGS)
    parser.group("output", format_option(LINT_FORMATS), OUTPUT, REDACT, *LOOKS)
    add_common(parser)
    return parser


def settings_parser() -> Parser:
    """Options of `settings`."""
    parser = Parser(
        "settings",
        f"{PROGRAM} settings [--settings FILE] [-o FILE]",
        f"Print all settings as they are in force: {PROGRAM} settings > dpdlab.toml to begin.",
        "",
    )
    parser.group("what is read", SETTINGS)
    parser.group("output", OUTPUT, *LOOKS)
    add_common(parser)
    return parser


def schema_parser() -> Parser:
    """Options of `schema`."""
    parser = Parser(
        "schema",
        f"{PROGRAM} schema [-o FILE]",
        f"Print the JSON Schema of what {PROGRAM} report --format json writes.",
        "",
    )
    parser.group("output", OUTPUT, *LOOKS)
    add_common(parser)
    return parser


def doctor_parser() -> Parser:
    """Options of `doctor`."""
    parser = Parser(
        "doctor",
        f"{PROGRAM} doctor [--format {'|'.join(DOCTOR_FORMATS)}] [-o FILE]",
        f"Print what {PROGRAM} finds here: versions, libraries, capture tools and privileges.",
        "",
    )
    parser.group("output", format_option(DOCTOR_FORMATS), OUTPUT, *LOOKS)
    add_common(parser)
    return parser
