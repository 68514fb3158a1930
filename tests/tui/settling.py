"""Waiting until a console under test has nothing left to do.

`Pilot.pause` takes a process that gets no CPU for an idle one: on a busy machine it comes back
before all is laid out and painted.
"""

from __future__ import annotations

import asyncio
from typing import Final

from textual.app import App
from textual.message_pump import MessagePump
from textual.pilot import Pilot

_ROUNDS: Final = 500
_STEP_S: Final = 0.005


async def settle(pilot: Pilot[int]) -> None:
    """Until no widget has a message or a callback to see to, and nothing is to be painted.

    Or until the console is being left.
    """
    for _ in range(_ROUNDS):
        await pilot.pause()
        if pilot.app._exit or not _busy(pilot.app):
            return
        await asyncio.sleep(_STEP_S)
    raise AssertionError("the console does not come to rest")


def _busy(app: App[int]) -> bool:
    screen = app.screen
    return (
        bool(screen._callbacks or screen._dirty_widgets)
        or screen._layout_required
        or any(map(_has_more, (app, *screen.walk_children(with_self=True))))
    )


def _has_more(pump: MessagePump) -> bool:
    return pump.message_queue_size > 0 or bool(pump._next_callbacks)
