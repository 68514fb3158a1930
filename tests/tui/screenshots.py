"""Pictures of the console: those of the README, and what `test_snapshots` compares with.

`make screenshots` (or `python -m tests.tui.screenshots`) writes them anew; look at them then.
"""

from __future__ import annotations

import asyncio
import os
import re
import sys
from pathlib import Path
from typing import Final

from analyzers.session import SessionOptions
from dpdlab.tui.app import VIEWS, ConsoleApp

ROOT: Final = Path(__file__).parents[2]
FOLDER: Final = Path(__file__).with_name("snapshots")
SAMPLE: Final = Path("sample_pcaps") / "ikev1-dead-peer"
INPUTS: Final = ("capture.pcap", "charon-a.log", "swanctl-a.conf")
SIZES: Final = ((80, 24), (120, 36))
# What is pressed in a view before the picture is taken.
KEYS: Final = {"timeline": ("b",), "ladder": ("e",), "log": ("e",)}
_PATIENCE: Final = 400
_STEP_S: Final = 0.05


def path_of(view: str, size: tuple[int, int]) -> Path:
    """The file of one picture."""
    return FOLDER / f"{view}-{size[0]}x{size[1]}.svg"


async def picture(view: str, size: tuple[int, int]) -> str:
    """One view as SVG; the current directory is that of the project."""
    app = ConsoleApp([str(SAMPLE / name) for name in INPUTS], SessionOptions())
    async with app.run_test(size=size) as pilot:
        for _ in range(_PATIENCE):
            await pilot.pause(_STEP_S)
            if app.model.done:
                break
        app.open_view(view)
        for key in KEYS.get(view, ()):
            await pilot.pause(_STEP_S)
            await pilot.press(key)
        drawn = ""
        for _ in range(_PATIENCE):
            # What a view works out in the background is in the picture too.
            await pilot.pause(_STEP_S * 4)
            before, drawn = drawn, app.export_screenshot(title="dpdlab")
            if before == drawn and not app.workers._workers:
                break
    # Fonts from elsewhere are not fetched: what has a fixed width here will do.
    return re.sub(r"@font-face \{.*?\}", "", drawn, flags=re.DOTALL)


def main() -> int:
    """All views in all sizes, one file each."""
    os.chdir(ROOT)
    FOLDER.mkdir(exist_ok=True)
    for view in VIEWS:
        for size in SIZES:
            path = path_of(view.title, size)
            path.write_text(asyncio.run(picture(view.title, size)), encoding="utf-8")
            print(path.relative_to(ROOT))
    return 0


if __name__ == "__main__":
    sys.exit(main())
