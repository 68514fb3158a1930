"""Every key of the filter language, with its help: the parser and all help texts read this table.

What a key means for each kind of item is in `facts`; an item that has no such thing is not matched
by any comparison of it, so `-key:value` takes it and `key!=value` does not.
"""

from __future__ import annotations

from textwrap import wrap
from typing import Final

from msgspec import Struct

from analyzers.model.black_hole import BlackHoleClass
from analyzers.model.exchange import ExchangeKind, Outcome
from analyzers.model.finding import Severity
from analyzers.model.observations import MessageKind
from analyzers.model.peer import PeerState
from analyzers.model.policy import PolicyMode
from analyzers.model.records import Basis, Confidence
from dpdlab.present.filter.values import (
    Address,
    Choice,
    Duration,
    Hex,
    MessageId,
    Name,
    Number,
    Phrase,
    ValueType,
)

ITEM_KINDS: Final = ("peer", "exchange", "delete", "black-hole", "finding", "message", "problem")
"""What items are, apart from the kinds of exchanges and messages."""

_KINDS: Final = tuple(dict.fromkeys((*ITEM_KINDS, *ExchangeKind, *MessageKind)))


class Key(Struct, frozen=True):
    """One key: what it compares, and what people are told of it."""

    name: str
    help: str
    type: ValueType
    aliases: tuple[str, ...] = ()

    def document(self) -> dict[str, object]:
        """The key as plain data."""
        names = {"key": self.name, "also": list(self.aliases)}
        return {**names, "compares": self.help, "values": self.type.described}


_TABLE: Final = (
    Key("peer", "an address of either side of the peer, or its id in the report", Address("p1")),
    Key("local", "the address of our side of the peer", Address()),
    Key("remote", "an address of the other side of the peer", Address()),
    Key("state", "state of the peer; one that never answered is unknown", Choice(tuple(PeerState))),
    Key("mode", "mode of a DPD policy of the peer", Choice(tuple(PolicyMode))),
    Key(
        "ike",
        "IKE version of the SA; of all SAs of the peer where an item names none",
        Number("1"),
    ),
    Key(
        "kind",
        "what it is: an item, a kind of exchange (dpd also takes R-U-THERE messages), or"
        " a kind of message",
        Choice(_KINDS),
        ("type",),
    ),
    Key("from", "who asked, deleted, sent, or sent into the black hole", Address(), ("src",)),
    Key("to", "the other end of that", Address(), ("dst",)),
    Key("dir", "out: from our side; in: to it", Choice(("in", "out"))),
    Key("outcome", "of an exchange, or of an IKEv2 Delete", Choice(tuple(Outcome))),
    Key("rtt", "round trip of an exchange; of a peer the median", Duration()),
    Key("retries", "transmissions after the first", Number(), ("retry",)),
    Key(
        "gap",
        "silence before it: since the prober last heard the peer, since the message before,"
        " or the length of the black hole",
        Duration(),
    ),
    Key("seconds", "how long it lasted; of a black hole the upper bound", Duration()),
    Key("packets", "ESP packets of the peer, or the most a black hole may have lost", Number()),
    Key("class", "class of a black hole", Choice(tuple(BlackHoleClass))),
    Key(
        "sev",
        "severity of a finding",
        Choice((Severity.INFO, Severity.WARNING, Severity.ERROR), ordered=True),
        ("severity",),
    ),
    Key("rule", "rule of a finding", Name("dpd-no-ack dpd-*")),
    Key("basis", "how it is known", Choice(tuple(Basis))),
    Key(
        "confidence",
        "how far it can be relied on",
        Choice((Confidence.SUSPECT, Confidence.INFERRED, Confidence.CERTAIN), ordered=True),
    ),
    Key(
        "spi",
        "SPI of an IKE SA or of ESP that it is about; of a finding those of the exchanges,"
        " Deletes, black holes and messages it refers to",
        Hex(),
    ),
    Key("id", "IKE message ID; of a finding as with spi", MessageId()),
    Key("seq", "DPD sequence number; of a finding as with spi", Number()),
    Key(
        "source", "an input that shows it: its id, path or file name", Name("hub.pcapng"), ("file",)
    ),
    Key("frame", "frame or line number of a place that shows it", Number(), ("line",)),
    Key("text", 'in what is said of it; the same as "text" alone', Phrase()),
)

KEYS: Final = {key.name: key for key in _TABLE}
NAMES: Final = {name: key.name for key in _TABLE for name in (key.name, *key.aliases)}
"""Every spelling of a key, and the key it is."""

SYNTAX: Final = """\
A filter keeps what matches. A blank is `and`; `or`, `not` or a leading `-`, and
parentheses are as everywhere: `not` binds closest and `or` least.
  key:value  key:a,b  key:a*       any of the values, `*` for anything; also =
  key!=value                       has the key, and none of the values
  key>value  key>=value  <  <=     where there is an order
  "text"  word  /regex/  /regex/i  somewhere in what is said of it
Text, addresses and names know no large and small letters; regular expressions
do, without the `i`. What an item does not have does not match: `-rtt>1s` takes
Deletes, too, and `rtt<=1s` does not.
"""

EXAMPLE: Final = "state:dead -basis:rhythm (retries>=2 or gap>30s)"


def help_text(width: int = 80) -> str:
    """The language and every key in plain text, no line wider than `width`."""
    margin = max(map(len, KEYS)) + 4
    lines = [*SYNTAX.splitlines(), f"Example: {EXAMPLE}", "", "keys:"]
    for key in KEYS.values():
        also = f" (also {', '.join(key.aliases)})" if key.aliases else ""
        first, *rest = wrap(f"{key.help}{also}", width - margin)
        lines.append(f"  {key.name:<{margin - 2}}{first}")
        lines += [" " * margin + line for line in rest]
        values = wrap(key.type.described, width - margin - 2, break_on_hyphens=False)
        lines += [" " * (margin + 2) + line for line in values]
    return "\n".join(lines) + "\n"


def markdown_table() -> str:
    """The keys as a Markdown table."""
    rows = ["| key | what it compares | values |", "|---|---|---|"]
    for key in KEYS.values():
        names = ", ".join(f"`{name}`" for name in (key.name, *key.aliases))
        values = key.type.described.replace("|", "\\|")
        rows.append(f"| {names} | {key.help} | `{values}` |")
    return "\n".join(rows) + "\n"
