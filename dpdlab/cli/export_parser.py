"""Options of `export`."""

from __future__ import annotations

from typing import Final

from dpdlab.cli.diagnostics import PROGRAM
from dpdlab.cli.option_groups import FILTER, LOOKS, add_common, add_judging, add_reading
from dpdlab.cli.parser import Option, Parser

ESP_CHOICES: Final = ("edges", "all", "none")

_WRITE: Final[Option] = (
    ("-w", "--write"),
    {
        "metavar": "FILE",
        "dest": "output",
        "help": "the pcapng file; whole or not at all, never over an input; - is standard output",
    },
)
_ESP: Final[Option] = (
    ("--esp",),
    {
        "choices": ESP_CHOICES,
        "default": ESP_CHOICES[0],
        "help": "ESP of black holes: the packets around each bound, all of it, or none"
        " (default: %(default)s)",
    },
)

_EXAMPLES: Final = f"""\
All IKE messages are copied byte for byte, with their times, and so is the ESP around black holes.
Each packet says in a comment what it is, and which findings rest on it: Wireshark shows comments
with the packets, and in a column of their own (pkt_comment, frame.comment).

examples:
  {PROGRAM} export hub.pcapng -w dpd.pcapng
  {PROGRAM} export hub.pcapng.gz r1.log --esp all -w dpd.pcapng
  {PROGRAM} export hub.pcapng -Y 'peer:198.51.100.7 kind:dpd' -w dpd.pcapng
  {PROGRAM} export hub.pcapng -w - | tshark -r - -T fields -e frame.number -e frame.comment

exit codes:
  0 fine   2 usage   3 an input cannot be read, nothing in it is recognised, or there is no capture
  4 damage under --strict   70 internal error   130 interrupted
"""


def export_parser() -> Parser:
    """Options of `export`."""
    parser = Parser(
        "export",
        f"{PROGRAM} export INPUT... -w FILE [-Y FILTER] [--esp {'|'.join(ESP_CHOICES)}] [options]",
        "The packets behind the report, each with a comment that Wireshark shows.",
        _EXAMPLES,
    )
    add_reading(parser)
    add_judging(parser)
    parser.group("output", _WRITE, FILTER, _ESP, *LOOKS)
    add_common(parser)
    # Packets have no pseudonyms. They are read twice, those of a pipe from where they are kept.
    parser.set_defaults(redact=False, read_again=True)
    return parser
