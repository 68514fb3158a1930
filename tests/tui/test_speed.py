"""Keys cost what is on the screen, not what was read: counted, never timed."""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator

import pytest
from msgspec.structs import replace
from rich.text import Text
from textual.pilot import Pilot

from analyzers.export.content import Content
from analyzers.export.formatting import glyphs, worst_first
from analyzers.export.spans import Window
from analyzers.export.verdict import verdict_of
from analyzers.session import SessionOptions
from dpdlab.present.digest import digest_of
from dpdlab.present.filter import Filter
from dpdlab.present.scale import linear
from dpdlab.present.tallies import tally_of
from dpdlab.present.timeline import PeerTimes, draw
from dpdlab.tui.app import ConsoleApp
from dpdlab.tui.model import Model, shown_of
from dpdlab.tui.palette import Palette
from dpdlab.tui.reading import Outcome
from dpdlab.tui.reading_app import Ready
from dpdlab.tui.rows import RowList
from dpdlab.tui.views.peers import PeersView
from dpdlab.tui.views.timeline import TimelineView
from tests.benchmarks.console_content import Size, content_of
from tests.tui.conftest import Console

WIDTH, HEIGHT = 120, 36


@pytest.fixture(scope="module")
def content() -> Content:
    """Some hundred peers; the first has more exchanges than are listed while a key waits."""
    return content_of(Size(events=40_000, peers=400))


class Given(ConsoleApp):
    """A console whose reader has everything at once."""

    CSS_PATH = "../../dpdlab/tui/styles.tcss"

    def __init__(self, content: Content) -> None:
        super().__init__(["hub.pcap"], SessionOptions())
        self._given = content

    def _read(self) -> None:
        self._told(Outcome(self._given, done=True))


@pytest.fixture
async def pilot(content: Content) -> AsyncIterator[Pilot[int]]:
    app = Given(content)
    async with app.run_test(size=(WIDTH, HEIGHT)) as pilot:
        await Console(app, pilot).until(lambda: app.model.done)
        yield pilot


class CountedRows:
    """Very many rows, and which of them were asked for."""

    def __init__(self, size: int) -> None:
        self.size = size
        self.asked: Counter[int] = Counter()

    def __len__(self) -> int:
        return self.size

    def header(self, width: int, palette: Palette) -> Text | None:
        return Text("rows")

    def row(self, index: int, width: int, palette: Palette) -> Text:
        self.asked[index] += 1
        return Text(f"row {index}")


@pytest.mark.parametrize("key", ["down", "up", "ctrl+d", "G", "g"])
async def test_a_key_draws_the_rows_in_sight_only(pilot: Pilot[int], key: str):
    rows = pilot.app.query_one("#peer-rows", RowList)
    source = CountedRows(1_000_000)
    rows.show(source, 500_000)
    await pilot.pause()
    source.asked.clear()
    await pilot.press(key)
    await pilot.pause()
    assert sum(source.asked.values()) <= HEIGHT


async def test_no_row_is_drawn_again_while_the_cursor_moves_over_it(pilot: Pilot[int]):
    rows = pilot.app.query_one("#peer-rows", RowList)
    # So few that no scroll bar comes and takes a column.
    source = CountedRows(8)
    rows.show(source, 4)
    for by in (1, -1, 1, -1):
        await pilot.pause()
        rows.move(by)
    await pilot.pause()
    assert max(source.asked.values()) <= 2, "at first, and when the bar of the rows before went"


async def test_a_search_draws_no_rows(pilot: Pilot[int]):
    app = pilot.app
    assert isinstance(app, Given)
    view = app.query_one(PeersView)
    drawn = len(view._drawn.sparks)
    assert view.search("10.0.1.99", 1)
    assert view.search("10.0.1.99", -1)
    assert not view.search("nobody at all", 1)
    assert len(view._drawn.sparks) == drawn


async def test_the_same_rows_shown_again_are_not_drawn_again(pilot: Pilot[int]):
    rows = pilot.app.query_one("#peer-rows", RowList)
    source = CountedRows(1_000)
    rows.show(source, 10)
    await pilot.pause()
    source.asked.clear()
    rows.show(source, 10)
    await pilot.pause()
    assert not source.asked


async def test_the_rows_of_peers_stay_while_only_the_moment_changes(pilot: Pilot[int]):
    app = pilot.app
    assert isinstance(app, Given)
    rows = app.query_one("#peer-rows", RowList)
    before = rows.source
    await pilot.press("m", "j", "k")
    app.changed()
    assert rows.source is before
    await pilot.press("S")
    assert rows.source is not before


async def test_a_drawing_stays_while_only_the_cursor_moves(pilot: Pilot[int]):
    app = pilot.app
    assert isinstance(app, Given)
    app.choose_peer("p7")
    await pilot.press("2")
    view = app.query_one(TimelineView)
    drawn = view._drawn
    assert drawn is not None
    await pilot.press("right")
    assert view._drawn is drawn
    await pilot.press("plus")
    assert view._drawn is not drawn


async def test_a_peer_with_very_much_is_listed_beside(pilot: Pilot[int]):
    app = pilot.app
    assert isinstance(app, Given)
    app.choose_peer("p1")
    peer = app.model.peer
    assert peer is not None
    assert app.model.listed(peer) is None
    assert app.model.events(peer) == []
    await Console(app, pilot).until(lambda: app.model.listed(peer) is not None)
    assert len(app.model.events(peer)) == 2 * len(peer.exchanges)


async def test_of_filters_typed_one_after_the_other_the_last_one_counts(pilot: Pilot[int]):
    app = pilot.app
    assert isinstance(app, Given)
    app._narrow(Filter.of("state:dead"))
    last = Filter.of("peer:10.0.0.3")
    app._narrow(last)
    await Console(app, pilot).until(lambda: app.model.filter is last)
    await pilot.pause(0.2)
    assert [peer.remote for peer in app.model.peers] == ["10.0.0.3"]


async def test_results_that_come_while_a_filter_is_worked_out_are_not_lost(
    pilot: Pilot[int], content: Content
):
    app = pilot.app
    assert isinstance(app, Given)
    app._narrow(Filter.of("peer:10.0.0.*"))
    fewer = replace(content, peers=content.peers[:5])
    digest = digest_of(fewer)
    ready = Ready(fewer, digest, None, shown_of(fewer, None, digest))
    app.post_message(ConsoleApp.Told(Outcome(fewer, done=True), ready))
    await Console(app, pilot).until(
        lambda: app.model.filter is not None and app.model.whole is fewer
    )
    await pilot.pause(0.2)
    assert len(app.model.peers) == 5


def test_a_digest_says_what_counting_everything_says(content: Content):
    digest = digest_of(content)
    assert digest.verdict == verdict_of(content.peers)
    assert list(digest.worst) == sorted(content.peers, key=worst_first)
    for peer in content.peers[:40]:
        tally = tally_of(peer, digest.findings.get(peer.id, ()))
        assert digest.tallies[peer.id] == tally
        assert tally.worst_first == worst_first(peer)
        assert tally.retries == sum(x.retries for x in peer.exchanges)
        assert list(digest.findings[peer.id]) == [f for f in content.findings if f.peer == peer.id]


def test_traffic_on_a_bar_is_all_of_it_at_any_width(content: Content):
    digest = digest_of(content)
    sent = sum(
        sum(p.activity.outbound) + sum(p.activity.inbound)
        for p in content.peers
        if p.activity is not None
    )
    for cells in (1, 7, 80, 200):
        # The last slice may reach beyond the last packet.
        both = digest.packets_per_cell(linear(Window(digest.start_ns, digest.end_ns), cells))
        assert sum(map(sum, both)) == pytest.approx(sent, rel=0.01)


@pytest.mark.parametrize("share", [1, 10, 1000])
def test_a_drawing_of_what_can_be_told_apart_is_that_of_everything(content: Content, share: int):
    peer = content.peers[0]
    whole_ns = peer.last_ns - peer.first_ns
    window = Window(peer.first_ns, peer.first_ns + whole_ns // share)
    times = PeerTimes(peer)
    scale = linear(window, WIDTH)
    thin = times.within(scale)
    assert len(thin.exchanges) <= 4 * WIDTH + 2
    everything = PeerTimes(peer)
    everything.within = lambda scale: peer  # type: ignore[method-assign]
    drawn, full = (draw(t, scale, glyphs(False)) for t in (times, everything))
    assert drawn.rows == full.rows


def test_a_model_finds_a_peer_without_looking_at_all(content: Content):
    model = Model(Content("bench"))
    model.take(content, done=True)
    assert model.peer is model.digest.worst[0]
    last = content.findings[-1]
    assert model.peer_of(last) is not None
    assert last in model.findings_on(last.refs[0])
