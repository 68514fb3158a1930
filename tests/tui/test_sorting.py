"""What peers are sorted by: numbers as numbers, what is unknown last, and which way is shown."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from msgspec.structs import replace

from dpdlab.tui.views.peer_rows import COLUMNS, PeerColumn, PeerRows
from tests.tui.conftest import SAMPLES, Console, Opened

Open = Callable[..., Opened]
DEAD = SAMPLES / "ikev1-dead-peer" / "capture.pcap"


def take_others(c: Console) -> None:
    """The peer under other addresses, with fewer questions, and with nothing known of it."""
    model = c.app.model
    (peer,) = model.peers
    peers = (
        replace(peer, id="p2", remote="192.0.2.10", rtt_ns=12_000_000),
        replace(peer, id="p3", remote="192.0.2.9", exchanges=(), black_holes=(), rtt_ns=9_000),
        replace(
            peer, id="p4", remote="hub.example", rtt_ns=None, last_proof_ns=None, policies=(),
            ike_sas=(), exchanges=(), black_holes=(), first_ns=1, last_ns=2,
        ),
    )  # fmt: skip
    model.take(replace(model.whole, peers=(peer, *peers)), done=True)
    c.app.changed()


@pytest.mark.parametrize("column", COLUMNS, ids=lambda column: column.id)
async def test_what_is_unknown_stays_last_whichever_way(console: Open, column: PeerColumn):
    async with console(DEAD) as c:
        take_others(c)
        model = c.app.model
        orders = [PeerRows(model, column.id, frozenset(), back=way).peers for way in (False, True)]
        assert {peer.id for peer in orders[1]} == {"p1", "p2", "p3", "p4"}
        keys = [[column.key(peer, model.tally(peer)) for peer in order] for order in orders]
        told = [[key for key in each if key is not None] for each in keys]
        assert told[0] == sorted(told[0])
        assert told[1] == sorted(told[1], reverse=True)
        for each, known in zip(keys, told, strict=True):
            assert each[len(known) :] == [None] * (len(each) - len(known))
        blank = column.cell(model.digest.peers["p4"], model, c.app.colours).plain
        assert (blank in ("", "-", "–", "none seen")) is (None in keys[0])


async def test_addresses_and_counters_are_numbers(console: Open):
    async with console(DEAD) as c:
        take_others(c)

        def remotes(column: str, *, back: bool = False) -> list[str]:
            rows = PeerRows(c.app.model, column, frozenset(), back=back)
            return [peer.remote for peer in rows.peers]

        assert remotes("remote") == ["192.0.2.2", "192.0.2.9", "192.0.2.10", "hub.example"]
        assert remotes("remote", back=True)[0] == "hub.example"
        assert remotes("probes")[-2:] == ["192.0.2.9", "hub.example"]
        assert remotes("probes", back=True)[:2] == ["192.0.2.9", "hub.example"]
        untold = ["192.0.2.2", "hub.example"]
        assert remotes("rtt") == ["192.0.2.10", "192.0.2.9", *untold]
        assert remotes("rtt", back=True) == ["192.0.2.9", "192.0.2.10", *untold]


async def test_the_column_that_sorts_shows_which_way(console: Open):
    async with console(DEAD) as c:
        assert "state ▾" in c.lines[4]
        await c.press("I")
        assert "state ▴" in c.lines[4]
        assert "sorted by state, best first" in c.lines[-1]
        await c.press("S")
        assert re.search("local ▴", c.lines[4])
        assert "sorted by local, ascending" in c.lines[-1]
        await c.press("I")
        assert re.search("local ▾", c.lines[4])
        assert "sorted by local, descending" in c.lines[-1]
        await c.pilot.click("#peer-rows", offset=(1, 0))
        await c.settle()
        assert "state ▾" in c.lines[4]
        await c.pilot.click("#peer-rows", offset=(1, 0))
        await c.settle()
        assert "state ▴" in c.lines[4]
