"""The console over a session that goes on: a capture that comes through a FIFO, piece by piece."""

from __future__ import annotations

import os
import re
import struct
import threading
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from analyzers.configs.vendors import parse_given
from analyzers.model.peer import PeerState
from analyzers.session import SessionOptions
from analyzers.session.live import LiveSession
from analyzers.sources.follow import FollowedFile
from analyzers.sources.pipe import PipeSource
from dpdlab.tui.app import ConsoleApp
from dpdlab.tui.dialogs.settings import ENTRIES
from dpdlab.tui.live_reading import LiveReader
from dpdlab.tui.views.ladder import LadderView
from dpdlab.tui.views.log import LogView
from tests.live_capture import now_ns
from tests.scenarios.timeline import BASE_NS, capture
from tests.tui.conftest import Console

ALIVE = """
0 a>b v2 handshake
2..10/2 a>b liveness 2+
2.02..10/2 b>a liveness 2+ resp
"""
ASKED = ALIVE + "11 a>b liveness 6\n13 a>b liveness 6\n15 a>b liveness 6\n"


class Feed:
    """Writes a capture into a FIFO: what is in it now, and more later."""

    def __init__(self, path: Path) -> None:
        os.mkfifo(path)
        self._written = 0
        self._path = path
        self._stream: int | None = None

    def write(self, text: str) -> None:
        """The capture of a timeline, as far as it was not written yet."""
        data = capture(text)
        if self._stream is None:
            self._stream = os.open(self._path, os.O_WRONLY)
        os.write(self._stream, data[self._written :])
        self._written = len(data)

    def close(self) -> None:
        """Nothing more comes."""
        if self._stream is not None:
            os.close(self._stream)
            self._stream = None


class Clock:
    """The time of the timelines: it goes on by itself, and jumps when told."""

    def __init__(self) -> None:
        self._began = time.monotonic_ns()
        self._ahead_ns = 0

    def to(self, seconds: float) -> None:
        """It is so late in the timeline now."""
        self._ahead_ns = round(seconds * 1e9) - (time.monotonic_ns() - self._began)

    def __call__(self) -> int:
        return BASE_NS + self._ahead_ns + time.monotonic_ns() - self._began


@pytest.fixture
def feed(tmp_path: Path) -> Feed:
    return Feed(tmp_path / "fifo")


def live_app(path: Path, clock: Clock, options: SessionOptions | None = None) -> ConsoleApp:
    session = LiveSession([PipeSource(str(path), "capture")], options or SessionOptions())
    return ConsoleApp(
        [str(path)],
        SessionOptions(),
        live=lambda tell: LiveReader(session, clock, tell),
    )


@asynccontextmanager
async def watching(
    feed: Feed, path: Path, clock: Clock, size: tuple[int, int] = (120, 36)
) -> AsyncIterator[Console]:
    """A console that has seen the peer alive, with all of its exchanges so far."""
    clock.to(10.5)
    app = live_app(path / "fifo", clock)
    async with app.run_test(size=size) as pilot:
        c = Console(app, pilot)
        # Opening a FIFO waits for who reads it.
        writer = threading.Thread(target=feed.write, args=(ALIVE,))
        writer.start()
        await c.until(lambda: bool(app.model.peers) and len(app.model.peers[0].exchanges) == 4)
        # What is written at once may be read in pieces: the last question before its answer.
        await c.until(lambda: app.model.peers[0].state is PeerState.ALIVE)
        writer.join()
        yield c
    feed.close()


async def test_a_peer_is_seen_probing_and_dead_while_it_happens(feed: Feed, tmp_path: Path):
    clock = Clock()
    async with watching(feed, tmp_path, clock) as c:
        app = c.app
        assert "5 exchanges" not in c.text
        clock.to(15.5)
        feed.write(ASKED)
        await c.until(lambda: "probing" in c.text)
        assert app.model.now_ns is not None
        assert "verdict" in c.text or "no known policy" in c.text
        feed.close()
        await c.until(lambda: app.model.done)
        await c.press("2")
        assert "state" in c.text
        await c.press("ctrl+q")


async def test_inputs_are_told_as_they_are_now_or_that_they_are_not(feed: Feed, tmp_path: Path):
    clock = Clock()
    async with watching(feed, tmp_path, clock, size=(120, 40)) as c:
        await c.press("i")
        assert "12 packets" in c.text
        assert "fifo " in c.text
        assert "/s" in c.text
        feed.write(ALIVE + "11 a>b liveness 6\n")
        await c.until(lambda: "13 packets" in c.text)
        await c.press("escape", "p", "i")
        assert "painting is paused: this is as it was then; reading goes on (p shows it)" in c.text
        feed.write(ALIVE + "11 a>b liveness 6\n11.02 b>a liveness 6 resp\n")
        await c.until(lambda: c.app._pending is not None)
        await c.pilot.pause(1.0)
        assert "13 packets" in c.text
        await c.press("escape", "p", "i")
        await c.until(lambda: "14 packets" in c.text)
        assert "painting is paused" not in c.text
        await c.press("escape")


OUTAGE = """
0 a>b v1 main-mode
0.1..26/0.2 a>b esp out
0.15..10/0.2 b>a esp in
14.95..26/5 a>b v1 info 108
"""


@pytest.mark.parametrize("size", [(80, 24), (132, 43)])
async def test_the_age_of_the_last_proof_is_on_the_screen_in_an_outage(
    feed: Feed, tmp_path: Path, size: tuple[int, int]
):
    """With its tint, beside how long the verdict is away, and what is lost."""
    clock = Clock()
    clock.to(26.0)
    policy = parse_given("192.0.2.1 strongswan-ikev1 interval=5 timeout=20")
    app = live_app(tmp_path / "fifo", clock, SessionOptions(policies=(policy,)))
    async with app.run_test(size=size) as pilot:
        c = Console(app, pilot)
        writer = threading.Thread(target=feed.write, args=(OUTAGE,))
        writer.start()
        await c.until(lambda: "probing 3 of 3" in c.text and "! 16 s" in c.text)
        writer.join()
        row = next(line for line in c.lines if "probing 3 of 3, " in line and "! 16 s" in line)
        assert "192.0.2.2" in row
        assert "1 open" in row
        # An address that all peers have says less than the policy.
        assert ("(=)" in row) is (size[0] > 80)
        assert "192.0.2.1" not in row
        await c.press("ctrl+q")
    feed.close()


BUSY = """
0 a>b v2 handshake
0.1..{out}/0.25 a>b esp out
0.15..{back}/0.25 b>a esp in
"""


async def test_the_list_and_the_story_tell_of_one_moment(feed: Feed, tmp_path: Path):
    """However their painting falls, before and after the peer has fallen silent."""
    clock = Clock()
    clock.to(0.5)
    app = live_app(tmp_path / "fifo", clock)
    ages, bounds = set(), set()
    async with app.run_test(size=(132, 43)) as pilot:
        c = Console(app, pilot)
        text = BUSY.format(out=0.5, back=0.5)
        writer = threading.Thread(target=feed.write, args=(text,))
        writer.start()
        await c.until(lambda: "alive" in c.text)
        writer.join()
        began_s = time.monotonic()
        while (now_s := 0.5 + time.monotonic() - began_s) < 7.5:
            feed.write(BUSY.format(out=round(now_s, 1), back=min(round(now_s, 1), 2.5)))
            await pilot.pause(0.03)
            text = c.text
            told = re.search(r"last proof .* (\d+) s ago", text)
            listed = re.search(r" 192\.0\.2\.2 .* (\d+) s ", text)
            assert told, text
            assert listed, text
            assert listed[1] == told[1], text
            ages.add(listed[1])
            grown = re.search(r"1 open, ≤(\S+) s", text)
            if grown:
                bounds.add(grown[1])
                assert f"up to {grown[1]} s, up to" in text, text
                assert f"black hole, up to {grown[1]} s" in text, text
        await c.press("ctrl+q")
    feed.close()
    assert len(ages) > 2
    assert len(bounds) > 2


async def test_pausing_stops_painting_and_not_watching(feed: Feed, tmp_path: Path):
    clock = Clock()
    async with watching(feed, tmp_path, clock) as c:
        app = c.app
        await c.press("p")
        clock.to(15.5)
        feed.write(ASKED)
        for _ in range(20):
            await c.pilot.pause(0.05)
        assert app.model.peers[0].state is PeerState.ALIVE
        assert "PAUSED 22:13:" in c.text.splitlines()[0]
        await c.press("2")
        assert "PAUSED 22:13:" in c.text.splitlines()[0]
        await c.press("1", "p")
        assert "PAUSED" not in c.text
        await c.until(lambda: len(app.model.peers[0].exchanges) == 5)
        await c.press("ctrl+q")


async def test_following_stays_at_the_end(feed: Feed, tmp_path: Path):
    clock = Clock()
    async with watching(feed, tmp_path, clock) as c:
        app = c.app
        await c.press("2", "A")
        assert [app.following] == [False]
        await c.press("g", "A")
        assert app.following
        assert app.model.at_ns == app.model.end_ns
        await c.press("ctrl+q")


async def test_leaving_leaves_nothing_behind(feed: Feed, tmp_path: Path):
    async with watching(feed, tmp_path, Clock(), (80, 24)) as c:
        await c.press("ctrl+q")
    assert not [t for t in threading.enumerate() if t.name.startswith("dpdlab")]


async def test_ctrl_c_ends_it(feed: Feed, tmp_path: Path):
    async with watching(feed, tmp_path, Clock(), (80, 24)) as c:
        await c.press("question_mark", "ctrl+c")
        assert c.app._exit


async def test_who_goes_back_in_time_stays_there(feed: Feed, tmp_path: Path):
    clock = Clock()
    async with watching(feed, tmp_path, clock) as c:
        app = c.app
        await c.press("3", "g")
        here = app.model.at_ns
        assert "staying here: A follows again" in c.text
        clock.to(15.5)
        feed.write(ASKED)
        await c.until(lambda: len(app.model.peers[0].exchanges) == 5)
        assert app.model.at_ns == here
        await c.press("A")
        assert app.model.at_ns == app.model.end_ns
        assert app.following
        await c.press("ctrl+q")


async def test_what_is_selected_and_read_stays_while_more_comes(feed: Feed, tmp_path: Path):
    clock = Clock()
    async with watching(feed, tmp_path, clock, (80, 24)) as c:
        app = c.app
        await c.press("3", "C", "g", "space", "j", "space", "right", "right")
        ladder = app.query_one(LadderView)
        selected = [ladder._events[place].ref for place in ladder.selected]
        below = ladder.detail.top
        assert len(selected) == 2
        assert below == 2
        clock.to(15.5)
        feed.write(ASKED)
        await c.until(lambda: len(app.model.peers[0].exchanges) == 5)
        assert [ladder._events[place].ref for place in ladder.selected] == selected
        assert ladder.detail.top == below
        await c.press("d")
        assert "compared" in c.text
        await c.press("ctrl+q")


@pytest.mark.parametrize("can_be_kept", [True, False])
async def test_what_concerns_the_reading_is_only_kept_where_that_is_possible(
    feed: Feed, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, can_be_kept: bool
):
    config = tmp_path / "config"
    monkeypatch.setenv("XDG_CONFIG_HOME", str(config))
    if not can_be_kept:
        config.write_text("a file where the folder would be")
    async with watching(feed, tmp_path, Clock()) as c:
        budget = [entry.label for entry in ENTRIES].index("budget")
        await c.press("f10", "home", *["down"] * budget, "enter", *"2m", "enter", "s")
        told = ("counts from the next start on", "nothing is kept")
        assert [said in c.lines[-1] for said in told] == [can_be_kept, not can_be_kept]
        assert config.is_dir() is can_be_kept
        await c.press("ctrl+q")


async def test_what_comes_while_the_console_is_taken_down_is_not_shown(feed: Feed, tmp_path: Path):
    async with watching(feed, tmp_path, Clock(), (80, 24)) as c:
        app = c.app
        for widget in list(app.screen.children):
            await widget.remove()
        app.changed()
        app.bars()


def test_the_feed_writes_whole_captures():
    data = capture(ALIVE)
    assert struct.unpack_from("<I", data)[0] in (0xA1B2C3D4, 0xA1B23C4D)


def _said(number: int, text: str = "sending DPD request") -> str:
    stamp = time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime())
    return f"{stamp} 07[IKE] <gw|1> {text} {number}\n"


async def test_lines_of_logs_stand_in_view_5_as_they_come(tmp_path: Path):
    path = tmp_path / "charon.log"
    path.touch()
    session = LiveSession([FollowedFile(str(path))], SessionOptions(), keep_lines=True)
    app = ConsoleApp(
        [str(path)], SessionOptions(), live=lambda tell: LiveReader(session, now_ns, tell)
    )
    async with app.run_test(size=(120, 24)) as pilot:
        c = Console(app, pilot)
        await c.press("5")
        await c.until(lambda: "No line has come so far" in c.text)
        with path.open("a") as file:
            file.writelines(_said(number) for number in range(100))
        await c.until(lambda: "request 99" in c.text)
        assert "request 60" not in c.text
        # Who scrolls back stays there.
        await c.press("ctrl+u", "ctrl+u", "ctrl+u")
        shown = app.query_one(LogView).list
        here = shown.source.row(shown.cursor, 120, app.colours).plain
        with path.open("a") as file:
            file.writelines(_said(number) for number in range(100, 150))
        await c.until(lambda: "150 lines" in c.text)
        assert "staying here, A follows" in c.text
        assert shown.source.row(shown.cursor, 120, app.colours).plain == here
        assert "request 149" not in c.text
        # Who comes to the end goes along again.
        await c.press("G")
        with path.open("a") as file:
            file.write(_said(150))
        await c.until(lambda: "request 150" in c.text)
        assert "staying here" not in c.text
        await c.press("ctrl+q")
