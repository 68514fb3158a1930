"""The options of `dpdlab simulate`."""

from __future__ import annotations

from typing import Final

from dpdlab.cli import values
from dpdlab.cli.diagnostics import PROGRAM
from dpdlab.cli.option_groups import (
    LOOKS,
    OUTPUT,
    REDACT,
    add_common,
    add_judging,
    add_reading,
    format_option,
)
from dpdlab.cli.parser import Parser

SIMULATE_FORMATS: Final = ("text", "json", "markdown")
MODES: Final = ("periodic", "on-demand", "on-idle")

_EXAMPLES: Final = f"""\
A POLICY is a product and what is set on it: 'cisco-ios interval=10 retry=2 mode=periodic',
'strongswan interval=30', 'fortios' for its defaults. Retries are those after the first question,
whatever the product counts.

examples:
  {PROGRAM} simulate hub.pcapng
  {PROGRAM} simulate hub.pcapng --policy 'cisco-ios interval=20 retry=3' --policy fortios
  {PROGRAM} simulate --interval 20 --retry 5 --retries 4 --mode periodic --peers 10000
  {PROGRAM} simulate --target 60 --every 300 --hold 40

exit codes:
  0 fine   2 usage   3 an input cannot be read, or nothing in it is recognised
  4 damage under --strict   5 something needed is missing   70 internal error   130 interrupted
"""


def simulate_parser() -> Parser:
    """Options of `simulate`."""
    parser = Parser(
        "simulate",
        f"{PROGRAM} simulate [INPUT...] [--policy POLICY]... [options]",
        "What another DPD policy would have left of the black holes of captures and logs.\n"
        "Without INPUT: what to expect of policies, and the cheapest that notices in time.",
        _EXAMPLES,
    )
    seconds = {"metavar": "SECONDS", "type": values.positive_duration_s}
    parser.group(
        "policies",
        (
            ("--policy",),
            {
                "metavar": "POLICY",
                "action": "append",
                "default": [],
                "help": "a policy to try; repeatable (default: those of common products)",
            },
        ),
        (("--interval",), {**seconds, "help": "a policy of your own: the first question"}),
        (("--retry",), {**seconds, "help": "with --interval: between questions (default: 2)"}),
        (
            ("--retries",),
            {
                "metavar": "N",
                "type": values.count,
                "help": "with --interval: after the first question (default: 4)",
            },
        ),
        (
            ("--mode",),
            {"choices": MODES, "help": "with --interval, and of what is recommended"},
        ),
    )
    parser.group(
        "what is demanded",
        (
            ("--target",),
            {
                **seconds,
                "help": "a peer that is gone is given up within this (default: --budget, and with"
                " --hold at least 1.5 times that)",
            },
        ),
        (
            ("--hold",),
            {**seconds, "help": "hold time of the routing protocol over the tunnel"},
        ),
        (
            ("--ride-out",),
            {**seconds, "help": "an outage that must not cost a live peer (default: 10)"},
        ),
    )
    parser.group(
        "planning, without INPUT",
        (("--every",), {**seconds, "help": "one packet to send every so often (default: always)"}),
        (
            ("--peers",),
            {"metavar": "N", "type": values.count, "help": "peers of a hub (default: 1)"},
        ),
        (("--both-ends",), {"action": "store_true", "help": "the peers ask too"}),
    )
    add_reading(parser)
    add_judging(parser)
    parser.group("output", format_option(SIMULATE_FORMATS), OUTPUT, REDACT, *LOOKS)
    add_common(parser)
    return parser
