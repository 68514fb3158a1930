"""Rungs of a ladder: an arrow goes as far as its message is known to have come."""

from __future__ import annotations

import re

import pytest
from msgspec.structs import replace

from analyzers.export.content import Content
from analyzers.model.exchange import Lost
from dpdlab.present.events import EventKind, events_of
from dpdlab.tui.model import Model
from dpdlab.tui.palette import palette_of
from dpdlab.tui.views.ladder_rows import LadderRows
from tests.unit.dpdlab.present import stories as s


def rungs(lost: Lost | None, width: int) -> list[str]:
    """The questions of a peer that was asked in vain."""
    peer = s.dead_peer()
    (*others, last) = peer.exchanges
    peer = replace(peer, exchanges=(*others, replace(last, lost=lost)))
    events = events_of(peer)
    asked = [
        n for n, e in enumerate(events)
        if e.kind in (EventKind.QUESTION, EventKind.RETRY) and e.exchange is not None
        and e.exchange.id == last.id
    ]  # fmt: skip
    rows = LadderRows(Model(Content("x", peers=(peer,))), peer, events, range(len(events)))
    return [rows.row(n, width, palette_of({}, colour=False)).plain for n in asked]


@pytest.mark.parametrize("width", [100, 130])
def test_what_was_lost_is_called_so_on_its_broken_arrow(width: int):
    for line in rungs(Lost.REQUEST, width):
        assert re.search(r"(lost|did not arrive) ╌+✗ +│ ✗", line), line


def test_where_there_is_little_room_the_broken_arrow_says_it():
    for line in rungs(Lost.REQUEST, 78):
        assert re.search(r" (lost|retry \d of \d) ╌+✗ +│ ✗", line), line


@pytest.mark.parametrize("lost", [Lost.ANSWER, Lost.NEVER_ANSWERED, Lost.UNREAD])
def test_what_arrived_reaches_the_other_side(lost: Lost):
    for line in rungs(lost, 100):
        assert re.search(r"[─═]►│ ✗", line), line


def test_what_nobody_saw_arrive_ends_before_the_other_side():
    for line in rungs(None, 100):
        assert re.search(r"[─═]► \? │ ✗", line), line
