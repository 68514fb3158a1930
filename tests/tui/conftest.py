"""Consoles over real captures, with the screen as text."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Final

import pytest
from textual.pilot import Pilot

from analyzers.session import SessionOptions
from dpdlab.tui.app import ConsoleApp
from tests.tui.settling import settle

SAMPLES = Path(__file__).parents[2] / "sample_pcaps"

_ROUNDS: Final = 400
_STEP_S: Final = 0.05

Opened = AbstractAsyncContextManager["Console"]


class Console:
    """A running console."""

    def __init__(self, app: ConsoleApp, pilot: Pilot[int]) -> None:
        self.app = app
        self.pilot = pilot

    async def press(self, *keys: str) -> None:
        """Press keys, one after the other, and let them work."""
        for key in keys:
            await self.pilot.press(key)
        await self.settle()

    async def settle(self) -> None:
        """Wait until everything is painted."""
        await settle(self.pilot)

    async def read(self) -> None:
        """Wait until the inputs are read."""
        await self.until(lambda: self.app.model.done)
        await self.settle()

    async def until(self, wanted: Callable[[], bool]) -> None:
        """Wait until something is so, for what other threads and processes do."""
        for _ in range(_ROUNDS):
            await self.pilot.pause(_STEP_S)
            if wanted():
                return
        raise AssertionError(f"still not so after {_ROUNDS * _STEP_S:.0f} s:\n{self.text}")

    @property
    def lines(self) -> list[str]:
        """The screen as text."""
        height = self.app.size.height
        strips = self.app.screen._compositor.render_strips()
        return ["".join(s.text for s in strip).rstrip() for strip in strips[:height]][:height]

    @property
    def text(self) -> str:
        """The screen as one text."""
        return "\n".join(self.lines)


@pytest.fixture
def console() -> Callable[..., Opened]:
    """Opens a console over inputs, and waits until they are read."""

    @asynccontextmanager
    async def opened(
        *inputs: str | Path,
        size: tuple[int, int] = (120, 36),
        options: SessionOptions | None = None,
        ascii_only: bool = False,
    ) -> AsyncIterator[Console]:
        app = ConsoleApp(
            [str(i) for i in inputs], options or SessionOptions(), ascii_only=ascii_only
        )
        async with app.run_test(size=size) as pilot:
            running = Console(app, pilot)
            await running.read()
            yield running

    return opened
