"""Options that several commands share, in the groups that help shows."""

from __future__ import annotations

from typing import Final

from dpdlab import __version__
from dpdlab.cli import values
from dpdlab.cli.diagnostics import PROGRAM
from dpdlab.cli.parser import Option, Parser, TextAction

FORMATS: Final = ("text", "json", "jsonl", "csv", "markdown", "html", "svg")
DRAWINGS: Final = ("timeline", "ladder")
CHECK_FORMATS: Final = ("text", "json")
EXPLAIN_FORMATS: Final = ("text", "json", "markdown")
DOCTOR_FORMATS: Final = ("text", "json")
LINT_FORMATS: Final = ("text", "json")
SEVERITIES: Final = ("info", "warning", "error")
COLORS: Final = ("auto", "always", "never")

DEFAULT_BUDGET_S: Final = 30.0
DEFAULT_BLACK_HOLE_MIN_S: Final = 3.0

OUTPUT: Final[Option] = (
    ("-o", "--output"),
    {"metavar": "FILE", "help": "write there, whole or not at all; never over an input"},
)
REDACT: Final[Option] = (
    ("--redact",),
    {
        "action": "store_true",
        "help": "stable pseudonyms for addresses, SPIs and file names",
    },
)
SVG: Final[tuple[Option, ...]] = (
    (
        ("--svg",),
        {
            "choices": DRAWINGS,
            "default": DRAWINGS[0],
            "help": "with --format svg: what is drawn of each peer (default: %(default)s)",
        },
    ),
    (
        ("--peer",),
        {
            "metavar": "ID",
            "action": "append",
            "default": [],
            "help": "with --format svg: only this peer, as the report numbers it (p1); repeatable",
        },
    ),
)
FILTER: Final[Option] = (
    ("-Y", "--filter"),
    {
        "metavar": "FILTER",
        "help": "only what matches: state:dead, 'kind:dpd rtt>200ms', 'sev>=warning -rule:dpd-*';"
        f" {PROGRAM} explain filter says all of it",
    },
)
STRICT: Final[Option] = (
    ("--strict",),
    {"action": "store_true", "help": "damage in the input is exit code 4"},
)
BUDGET: Final[Option] = (
    ("--budget",),
    {
        "metavar": "SECONDS",
        "type": values.positive_duration_s,
        "help": f"a later verdict is a slow one (default: {DEFAULT_BUDGET_S:g})",
    },
)
POLICY: Final[Option] = (
    ("--policy",),
    {
        "metavar": "POLICY",
        "dest": "expected",
        "action": "append",
        "default": [],
        "help": "expected timers by hand: '[ADDRESS] cisco-ios interval=10 retry=2 mode=periodic',"
        " of one end or of both; repeatable",
    },
)
SETTINGS: Final[Option] = (
    ("--settings",),
    {
        "metavar": "FILE",
        "help": "settings, instead of dpdlab.toml here or in the user's configuration",
    },
)
LOOKS: Final[tuple[Option, ...]] = (
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


def fail_on_option(default: str | None = None) -> Option:
    """From which severity on findings are exit code 1; None: never."""
    told = f" (default: {default})" if default else ""
    return (
        ("--fail-on",),
        {
            "choices": SEVERITIES,
            "default": default,
            "help": f"exit code 1 for findings as bad as this, or worse{told}",
        },
    )


def format_option(formats: tuple[str, ...]) -> Option:
    """The formats of a command, the first by default."""
    return (
        ("--format",),
        {"choices": formats, "default": formats[0], "help": "default: %(default)s"},
    )


def add_reading(parser: Parser) -> None:
    """Options of commands that read captures and logs."""
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
        STRICT,
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


def add_judging(parser: Parser, *more: Option) -> None:
    """Options of commands that judge what they read."""
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
        BUDGET,
        (
            ("--black-hole-min",),
            {
                "metavar": "SECONDS",
                "type": values.duration_s,
                "help": f"shorter silence is no black hole (default: {DEFAULT_BLACK_HOLE_MIN_S:g})",
            },
        ),
        *more,
        SETTINGS,
    )


def add_common(parser: Parser) -> None:
    """Options of every command."""
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
