"""Public logs of devices against what a person counted in them; differences are in logs/README.md.

The logs and their index are other people's and no part of the project: where they are not at
hand, nothing is tested. `DPDLAB_PUBLIC_LOGS` names their folder.
"""

from __future__ import annotations

import csv
import io
import os
import re
from collections import Counter
from collections.abc import Iterable
from functools import cache
from pathlib import Path

import pytest

from analyzers.model.log_events import LogEvent, LogEventKind
from analyzers.model.observations import MessageKind
from tests.log_text import decoder

PUBLIC = Path(os.environ.get("DPDLAB_PUBLIC_LOGS", Path(__file__).parents[3] / "shared" / "logs"))
INDEX = PUBLIC / "index.tsv"
ROWS = (
    list(csv.DictReader(io.StringIO(INDEX.read_text(encoding="utf-8")), delimiter="\t"))
    if INDEX.is_file()
    else []
)
COLUMNS = (
    "ruthere_or_liveness_sent",
    "ruthere_or_liveness_recv",
    "ack_sent",
    "ack_recv",
    "retries",
    "ike_sa_deleted",
    "ipsec_sa_deleted",
    "ipsec_sa_created",
    "delete_sent",
    "delete_recv",
)
OURS = {("11", "ipsec_sa_created"): 1, ("25", "ipsec_sa_created"): 0}
"""Counts that differ from the index, by file and column; argued in logs/README.md."""
PEERS = {"22": "west-east", "23": "west-east"}
"""Files whose lines name no address of the peer."""
DEAD = {"01": 1, "02": 1, "22": 1, "24": 1, "25": 1}
"""Verdicts of the device for want of answers to liveness questions; no other file has one."""

QUESTIONS = (MessageKind.R_U_THERE, MessageKind.LIVENESS)
_FIRST_ADDRESS = re.compile(r"[0-9A-Fa-f.:]*[.:][0-9A-Fa-f.:]+")
pytestmark = pytest.mark.skipif(not ROWS, reason=f"no public logs in {PUBLIC}")


@cache
def events(name: str) -> tuple[LogEvent, ...]:
    text = (PUBLIC / name).read_text(encoding="utf-8", errors="replace")
    return tuple(decoder(text)[1])


def column(event: LogEvent) -> str | None:
    """The column of the index that counts this event."""
    way = "sent" if event.sent else "recv"
    match event.kind:
        case LogEventKind.IKE_SA_DOWN:
            return "ike_sa_deleted"
        case LogEventKind.CHILD_SA_DOWN:
            return "ipsec_sa_deleted"
        case LogEventKind.CHILD_SA_UP:
            return "ipsec_sa_created"
        case LogEventKind.MESSAGE if event.retransmission:
            return "retries"
    if event.message is MessageKind.R_U_THERE_ACK:
        return f"ack_{way}"
    if event.message in QUESTIONS:
        return f"ack_{way}" if event.response else f"ruthere_or_liveness_{way}"
    if event.message is MessageKind.DELETE and not event.response:
        return f"delete_{way}"
    return None


def counts(found: Iterable[LogEvent]) -> Counter[str]:
    return Counter(name for name in map(column, found) if name is not None)


@pytest.mark.parametrize("row", ROWS, ids=[row["file"][:30] for row in ROWS])
def test_events_are_as_many_as_a_person_counted(row: dict[str, str]) -> None:
    number = row["file"][:2]
    got = counts(events(row["file"]))
    expected = {name: OURS.get((number, name), int(row[name])) for name in COLUMNS}
    assert {name: got[name] for name in COLUMNS} == expected


@pytest.mark.parametrize("row", ROWS, ids=[row["file"][:30] for row in ROWS])
def test_the_peer_is_known(row: dict[str, str]) -> None:
    number = row["file"][:2]
    address = _FIRST_ADDRESS.search(row["peers"])
    assert address is not None
    expected = PEERS.get(number, address[0].lower())
    assert {e.remote for e in events(row["file"]) if e.remote is not None} == {expected}


@pytest.mark.parametrize("row", ROWS, ids=[row["file"][:30] for row in ROWS])
def test_only_dead_peers_are_declared_dead(row: dict[str, str]) -> None:
    got = [e.kind for e in events(row["file"])].count(LogEventKind.PEER_DEAD)
    assert got == DEAD.get(row["file"][:2], 0)


def test_every_argued_difference_is_one() -> None:
    files = {row["file"][:2]: row for row in ROWS}
    for (number, name), ours in OURS.items():
        assert int(files[number][name]) != ours
    argued = (Path(__file__).parent / "logs" / "README.md").read_text(encoding="utf-8")
    headings = re.findall(r"^## (\d\d)(?: and (\d\d))?:", argued, re.MULTILINE)
    assert {n for pair in headings for n in pair if n} == {n for n, _ in OURS} | set(PEERS)
