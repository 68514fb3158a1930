"""Measure the console: first paint, every key in every view of a big session, leaving.

    python -m tests.benchmarks.run_console [--events N] [--peers N] [--rounds N] [--check]

Keys are measured from the event to the last frame that follows from it, painted without a
terminal. Beside the wall time stands what the thread of the console worked: the rest is the pace
of frames (60 a second) and what else the machine does.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import resource
import statistics
import sys
import tempfile
import threading
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Final

from msgspec import Struct, field

from tests.benchmarks.first_paint import first_paint
from tests.benchmarks.measure import MIB
from tests.benchmarks.results import Results, print_machine
from tests.benchmarks.run import ROOT

SAMPLE = ROOT / "sample_pcaps" / "ikev1-dead-peer" / "capture.pcap"
EVENTS, PEERS = 1_000_000, 10_000
SIZE = (132, 43)

MAX_FIRST_PAINT_S: Final = 0.8
MAX_KEY_MS: Final = 50.0
MAX_LEAVING_S: Final = 1.0
SHARE: Final = 0.95

QUIET_S: Final = 0.03
"""So long without a frame, and the key has done all it does."""
NOTHING_S: Final = 0.25
"""So long without any frame, and it does nothing here."""
AT_MOST_S: Final = 10.0

# Keys that open nothing, each as near as may be to the one that takes it back.
_KEYS: Final = (
    "down up j k ctrl+d ctrl+u pagedown pageup G g end home e E w W b B full_stop comma "
    "right_square_bracket left_square_bracket right left l h plus minus C C F T T T T T m "
    "apostrophe S c c c space space r r n N"
)
KEYS: Final = tuple(_KEYS.split(" "))
DIALOG_ROUNDS: Final = 5
SEARCHED: Final = "10.0.39.1"
"""What n and N look for: one peer of all."""
VIEWS: Final = "123456"
DIALOGS: Final = {
    "help": "question_mark",
    "palette": "ctrl+p",
    "export": "s",
    "settings": "f10",
    "inputs": "i",
    "open": "o",
    "filter": "f",
    "copy": "y",
    "explain": "x",
}
"""What opens over a view, and with which key; escape closes it."""


Press = Callable[[str], Awaitable[tuple[float, float] | None]]


class Measured(Struct):
    """Milliseconds from key to frame, and those of them that the console worked."""

    wall_ms: list[float] = field(default_factory=list)
    own_ms: list[float] = field(default_factory=list)
    slowest: list[tuple[float, str]] = field(default_factory=list)

    def add(self, key: str, wall_ms: float, own_ms: float) -> None:
        """One key."""
        self.wall_ms.append(wall_ms)
        self.own_ms.append(own_ms)
        self.slowest = sorted([*self.slowest, (wall_ms, key)], reverse=True)[:5]


def percentile(values: list[float], share: float) -> float:
    """The value that a share of all does not exceed."""
    ordered = sorted(values)
    return ordered[min(int(share * len(ordered)), len(ordered) - 1)]


async def keys(results: Results, events: int, peers: int, rounds: int) -> None:
    """A session by hand: every key in every view."""
    from textual import events as textual_events

    from analyzers.rules.catalogue import rules_by_id
    from analyzers.session import SessionOptions
    from dpdlab.tui.app import ConsoleApp
    from dpdlab.tui.reading import Outcome
    from tests.benchmarks.console_content import Size, content_of

    content = content_of(Size(events, peers))
    # Whoever has read anything has judged it.
    rules_by_id()
    held_mib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / MIB

    class Given(ConsoleApp):
        """A console whose reader has everything at once."""

        CSS_PATH = str(ROOT / "dpdlab" / "tui" / "styles.tcss")
        frames = 0
        painted_s = own_s = 0.0

        def _read(self) -> None:
            outcome = Outcome(content, done=True)
            threading.Thread(target=self._told, args=(outcome,), daemon=True).start()

        def _display(self, screen: object, renderable: object) -> None:
            super()._display(screen, renderable)  # type: ignore[arg-type]
            if renderable is not None:
                if hasattr(renderable, "render_segments"):
                    # What a terminal would be sent is part of the work.
                    renderable.render_segments(self.console)
                self.frames += 1
                self.painted_s, self.own_s = time.perf_counter(), time.thread_time()

    app = Given(["hub.pcap"], SessionOptions())
    app.searched = SEARCHED

    async def press(key: str) -> tuple[float, float] | None:
        """Milliseconds, wall and own; None for a key that paints nothing."""
        await asyncio.sleep(0.005)
        own_s, begin_s, before = time.thread_time(), time.perf_counter(), app.frames
        driver = app._driver
        assert driver is not None
        driver.send_message(textual_events.Key(key, key if len(key) == 1 else None))
        while (now_s := time.perf_counter()) - begin_s < AT_MOST_S:
            await asyncio.sleep(0.002)
            if app.frames > before and now_s - app.painted_s > QUIET_S:
                break
            if app.frames == before and now_s - begin_s > NOTHING_S:
                return None
        return (app.painted_s - begin_s) * 1000, (app.own_s - own_s) * 1000

    async with app.run_test(size=SIZE) as pilot:
        begin_s = time.perf_counter()
        while not app.model.done:
            await asyncio.sleep(0.01)
        await pilot.pause()
        results.line("all of it on the screen", f"{time.perf_counter() - begin_s:.2f} s")
        everything = Measured()
        for number in VIEWS:
            opened = await press(number)
            of_view = Measured()
            if opened is not None:
                of_view.add(f"open {number}", *opened)
            # What is listed beside is there before the keys of the view are measured.
            for _ in range(400):
                peer = app.model.peer
                if peer is None or app.model.listed(peer) is not None:
                    break
                await asyncio.sleep(0.02)
            for _ in range(rounds):
                for key in KEYS:
                    took = await press(key)
                    if took is not None:
                        of_view.add(key, *took)
            _told(results, app.view.title, of_view)
            for wall, own in zip(of_view.wall_ms, of_view.own_ms, strict=True):
                everything.add("", wall, own)
        await dialogs(results, press, rounds)
        p95 = percentile(everything.wall_ms, SHARE)
        text = f"{p95:.0f} ms"
        target, reached = f"< {MAX_KEY_MS:.0f} ms", p95 < MAX_KEY_MS
        results.line("any key, p95", text, target, reached=reached)
        own_p95 = percentile(everything.own_ms, SHARE)
        results.line("any key, p95 of the console's own work", f"{own_p95:.0f} ms")
    peak_mib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / MIB
    results.line("memory of the report", f"{held_mib:.0f} MiB")
    results.line("memory of the console on top of it", f"{peak_mib - held_mib:.0f} MiB")


async def dialogs(results: Results, press: Press, rounds: int) -> None:
    """What opens over the first view, and closes again; the first time loads what it needs."""
    await press(VIEWS[0])
    for name, key in DIALOGS.items():
        first = await press(key)
        await press("escape")
        of_dialog = Measured()
        for _ in range(max(rounds, 1) * DIALOG_ROUNDS):
            took = await press(key)
            if took is not None:
                of_dialog.add(key, *took)
            await press("escape")
        note = f"own work < {MAX_KEY_MS:.0f} ms"
        note += "" if first is None else f"; first {first[0]:.0f} ms"
        p50, own = (percentile(of, 0.5) for of in (of_dialog.wall_ms, of_dialog.own_ms))
        slowest = max(of_dialog.wall_ms)
        reached = own < MAX_KEY_MS
        results.line(
            f"{name}: p50, slowest, p50 own work",
            f"{p50:.0f} {slowest:.0f} {own:.0f} ms",
            note,
            reached=reached,
        )


def _told(results: Results, view: str, measured: Measured) -> None:
    if not measured.wall_ms:
        return
    p50, p95 = (percentile(measured.wall_ms, share) for share in (0.5, SHARE))
    own = percentile(measured.own_ms, SHARE)
    slowest = ", ".join(f"{key} {wall:.0f}" for wall, key in measured.slowest[:3])
    results.line(
        f"{view}: p50, p95, p95 own work",
        f"{p50:.0f} {p95:.0f} {own:.0f} ms",
        f"slowest {slowest}",
    )


def start_up(results: Results, rounds: int) -> None:
    """From the start of the process to its first frame."""
    command = [sys.executable, "-m", "dpdlab", str(SAMPLE)]
    runs = [first_paint(command, ROOT) for _ in range(rounds)]
    first_s = statistics.median(run.first_s for run in runs)
    target = f"< {MAX_FIRST_PAINT_S} s"
    reached = first_s < MAX_FIRST_PAINT_S
    results.line("first paint", f"{first_s:.2f} s", target, reached=reached)
    keys_s = statistics.median(run.keys_s for run in runs)
    results.line("first key is read", f"{keys_s:.2f} s")


def leaving(results: Results, peers: int) -> None:
    """The key that leaves, while a big capture is read."""
    from tests.benchmarks.run import capture

    path = capture(400_000, peers)
    command = [sys.executable, "-m", "dpdlab", str(path)]
    slowest_s = max(first_paint(command, ROOT, after_s).exit_s for after_s in (0.3, 2.0, 6.0))
    target = f"< {MAX_LEAVING_S:.0f} s"
    reached = slowest_s < MAX_LEAVING_S
    results.line("leaving while reading, slowest", f"{slowest_s:.2f} s", target, reached=reached)


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--events", type=int, default=EVENTS)
    parser.add_argument("--peers", type=int, default=PEERS)
    parser.add_argument("--rounds", type=int, default=2, help="times each key (default 2)")
    parser.add_argument("--check", action="store_true", help="exit code 1 when a target is missed")
    options = parser.parse_args()
    results = Results()
    print_machine()
    print(
        f"load {os.getloadavg()[0]:.1f} before; {options.events:,} events, {options.peers:,} peers"
    )
    with tempfile.TemporaryDirectory() as state, results.told(check=options.check):
        os.environ["XDG_STATE_HOME"] = str(Path(state))
        start_up(results, 5)
        leaving(results, options.peers)
        asyncio.run(keys(results, options.events, options.peers, options.rounds))
        print(f"load {os.getloadavg()[0]:.1f} after")


if __name__ == "__main__":
    main()
