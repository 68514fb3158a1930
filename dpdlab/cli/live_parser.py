"""Options of `live` and `interfaces`."""

from __future__ import annotations

import argparse
from typing import Final, NamedTuple

from dpdlab.cli import values
from dpdlab.cli.diagnostics import PROGRAM
from dpdlab.cli.option_groups import (
    FILTER,
    LOOKS,
    POLICY,
    add_common,
    add_judging,
    fail_on_option,
    format_option,
)
from dpdlab.cli.parser import Option, Parser

LIVE_FORMATS: Final = ("text", "jsonl")
ENGINES: Final = ("auto", "dumpcap", "tcpdump", "pyshark")
INTERFACES_FORMATS: Final = ("text", "json")
DEFAULT_SYSLOG_HOST: Final = "127.0.0.1"
_BYTES: Final = {"": 1000, "k": 1000, "m": 1_000_000, "g": 1_000_000_000}
_MOST_FILES: Final = 100_000

_EXAMPLES: Final = f"""\
An IFACE is an interface ({PROGRAM} interfaces lists them), a FIFO, or - for a capture on standard
input. Logs are followed by name from their end on, through rotation and truncation. INPUTs are
configurations of the devices. What is captured is kept, and can be analysed again:
{PROGRAM} report FILE tells the same.

examples:
  {PROGRAM} live -i eth0
  {PROGRAM} live -i eth0 --log /var/log/charon.log --syslog 127.0.0.1:5514
  {PROGRAM} live -i eth0 -w gw.pcapng -b filesize:100000 -b files:10 --format jsonl
  {PROGRAM} live -i eth0 --until 'peer:198.51.100.7 state:dead' --duration 10m
  ssh gw tcpdump -U -w - 'udp port 500 or udp port 4500 or esp' | {PROGRAM} live -i -
  ssh router 'terminal monitor' | {PROGRAM} live --log -
  {PROGRAM} live --device admin@hub

exit codes:
  0 fine   1 findings at or above --fail-on; without that option: what --until waits for has not
  come when --duration or Ctrl+C ends it   2 usage   3 a source cannot be read
  4 damage under --strict   5 nothing here may capture   70 internal error   130 interrupted twice
  143 SIGTERM, 129 the terminal is closed: the console only; lines end with their report
"""


class Ring(NamedTuple):
    """One part of `-b`, as dumpcap has it."""

    what: str
    """ "filesize" in bytes, or "files"."""
    value: int


class Login(NamedTuple):
    """A device to log in to; what is None is for the user's ssh_config to say."""

    host: str
    user: str | None
    port: int | None


class Address(NamedTuple):
    """Where to listen."""

    host: str
    port: int


def ring(text: str) -> Ring:
    """`filesize:KB` (also with K, M, G) or `files:N`."""
    what, _, value = text.partition(":")
    unit = value[-1:].lower() if value[-1:].isalpha() else ""
    digits = value[: len(value) - len(unit)]
    number = int(digits) if digits.isascii() and digits.isdigit() and len(digits) <= 12 else 0
    if what == "filesize" and unit in _BYTES and number:
        return Ring(what, number * _BYTES[unit])
    if what == "files" and not unit and 1 <= number <= _MOST_FILES:
        return Ring(what, number)
    raise argparse.ArgumentTypeError(
        f"{text!r} is none (write filesize:100000, in kB, or files:10)"
    )


def listener(text: str) -> Address:
    """`HOST:PORT`, `[IPV6]:PORT`, or a port on loopback."""
    host, _, port = text.rpartition(":")
    return Address(host.strip("[]") or DEFAULT_SYSLOG_HOST, values.port(port))


def device(text: str) -> Login:
    """`[USER@]NAME[:PORT]`; an IPv6 address with a port is in brackets."""
    user, at, where = text.rpartition("@")
    host, colon, port = where, "", ""
    if where.startswith("["):
        host, _, rest = where[1:].partition("]")
        colon, port = rest[:1], rest[1:]
    elif where.count(":") == 1:
        host, colon, port = where.partition(":")
    plain = host.isascii() and host.isprintable() and not host.startswith("-") and " " not in host
    if ":" in user:
        # What is written there is a password, and is said nowhere.
        raise argparse.ArgumentTypeError(
            "no password belongs on a command line: it is asked for (write NAME or USER@NAME:PORT)"
        )
    if not host or not plain or (at and not user):
        raise argparse.ArgumentTypeError(f"{text!r} is no device (write NAME or USER@NAME:PORT)")
    return Login(host, user or None, values.port(port) if colon else None)


_FORMAT: Final[Option] = (
    ("--format",),
    {"choices": LIVE_FORMATS, "help": "lines instead of the console; the default off a terminal"},
)

_METRICS: Final[Option] = (
    ("--metrics",),
    {
        "metavar": "[HOST:]PORT",
        "type": listener,
        "help": "metrics of all peers and sources for Prometheus, over HTTP; without HOST on"
        " loopback only",
    },
)


def live_parser() -> Parser:
    """Options of `live`."""
    parser = Parser(
        "live",
        f"{PROGRAM} live [INPUT...] [-i IFACE]... [--log PATH]... [--syslog HOST:PORT] [options]",
        "Peers, liveness exchanges and black holes while they happen, and a report at the end.",
        _EXAMPLES,
    )
    parser.group(
        "what is read",
        (
            ("-i", "--interface"),
            {
                "metavar": "IFACE",
                "action": "append",
                "default": [],
                "help": "capture there; repeatable",
            },
        ),
        (
            ("-f", "--capture-filter"),
            {
                "metavar": "BPF",
                "help": "instead of the filter for IKE, ESP and AH that is made otherwise",
            },
        ),
        (
            ("--engine",),
            {
                "choices": ENGINES,
                "default": ENGINES[0],
                "help": "who captures for -i. auto (the default): tcpdump where it"
                " may capture, which holds no packet back; else dumpcap, which its group may run"
                " but which holds packets of a quiet wire for up to 0.25 s. pyshark has tshark"
                " dissect every packet first: 0.7 s late, some"
                " 2,000 packets a second at most, more memory the longer it runs, and nobody knows"
                " what the kernel dropped",
            },
        ),
        (
            ("--log",),
            {
                "metavar": "PATH",
                "action": "append",
                "default": [],
                "help": "follow a log; - is standard input; repeatable",
            },
        ),
        (
            ("--syslog",),
            {
                "metavar": "[HOST:]PORT",
                "type": listener,
                "action": "append",
                "default": [],
                "help": "listen there, UDP and TCP; without HOST on loopback only",
            },
        ),
        (
            ("--device",),
            {
                "metavar": "[USER@]NAME[:PORT]",
                "type": device,
                "action": "append",
                "default": [],
                "help": "log in to a Cisco IOS, IOS XE or ASA over SSH, switch the debug of IKE on"
                " for as long as this goes on, and read it; as ssh does it (ssh_config, agent,"
                " known hosts), passwords are asked for; repeatable",
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
            ("--keys",),
            {
                "metavar": "PATH",
                "action": "append",
                "default": [],
                "help": "decryption tables or a charon log with key dumps; repeatable",
            },
        ),
        (
            ("--tz",),
            {
                "metavar": "[LOG=]ZONE",
                "type": values.zone,
                "action": "append",
                "default": [],
                "help": "zone of stamps that name none: Europe/Berlin, +02:00",
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
            ("--strict",),
            {"action": "store_true", "help": "damage in what was read is exit code 4"},
        ),
    )
    parser.group(
        "what is kept",
        (
            ("-w", "--write"),
            {"metavar": "FILE", "help": "all packets, as pcapng, instead of the user's cache"},
        ),
        (
            ("-b", "--ring-buffer"),
            {
                "metavar": "LIMIT",
                "type": ring,
                "action": "append",
                "default": [],
                "help": "with -w: filesize:KB begins another file, files:N keeps the last N",
            },
        ),
        (("--no-save",), {"action": "store_true", "help": "keep nothing in the cache"}),
    )
    parser.group(
        "when it ends",
        (
            ("--until",),
            {
                "metavar": "FILTER",
                "help": "as soon as something matches, in the language of -Y; exit code 1 if "
                "nothing has (with --fail-on that tells of findings alone)",
            },
        ),
        (
            ("--duration",),
            {
                "metavar": "TIME",
                "type": values.positive_duration_s,
                "help": "after 30, 90s, 10m; else with Ctrl+C",
            },
        ),
        fail_on_option(),
    )
    add_judging(parser, POLICY)
    parser.group("output", _FORMAT, FILTER, _METRICS, *LOOKS)
    add_common(parser)
    parser.set_defaults(redact=False, since=None, year=[], offset=[], align="auto")
    return parser


def interfaces_parser() -> Parser:
    """Options of `interfaces`."""
    parser = Parser(
        "interfaces",
        f"{PROGRAM} interfaces [--format {'|'.join(INTERFACES_FORMATS)}]",
        "The interfaces of this machine, which of them can be captured on, and why not.",
        "exit codes:\n  0 fine   5 nothing can be captured here\n",
    )
    parser.group("output", format_option(INTERFACES_FORMATS), *LOOKS)
    add_common(parser)
    return parser
