"""Writes the pictures of the README: `python -m tests.tui.screenshots`, or `make screenshots`."""

from __future__ import annotations

import asyncio
import re
import sys
from pathlib import Path
from typing import Final

from analyzers.session import SessionOptions
from dpdlab.tui.app import VIEWS, ConsoleApp

ROOT: Final = Path(__file__).parents[2]
FOLDER: Final = Path(__file__).with_name("screenshots")
SAMPLE: Final = Path("sample_pcaps") / "ikev1-dead-peer"
INPUTS: Final = ("capture.pcap", "charon-a.log", "swanctl-a.conf")
SIZE: Final = (120, 34)
# What is pressed in a view before the picture is taken.
KEYS: Final = {"timeline": ("b",), "ladder": ("e",)}
_PATIENCE: Final = 400


async def picture(view: str) -> str:
    """One view as SVG."""
    app = ConsoleApp([str(SAMPLE / name) for name in INPUTS], SessionOptions())
    async with app.run_test(size=SIZE) as pilot:
        for _ in range(_PATIENCE):
            await pilot.pause(0.05)
            if app.model.done:
                break
        app.open_view(view)
        await pilot.pause(1.0)
        for key in KEYS.get(view, ()):
            await pilot.press(key)
            await pilot.pause(0.3)
        drawn = app.export_screenshot(title="dpdlab")
    # Fonts from elsewhere are not fetched: what has the fixed width here will do.
    return re.sub(r"@font-face \{.*?\}", "", drawn, flags=re.DOTALL)


def main() -> int:
    """All views, one file each."""
    FOLDER.mkdir(exist_ok=True)
    for view in VIEWS:
        path = FOLDER / f"{view.title}.svg"
        path.write_text(asyncio.run(picture(view.title)), encoding="utf-8")
        print(path.relative_to(ROOT))
    return 0


if __name__ == "__main__":
    sys.exit(main())
