"""tshark's own dissection of a packet, by pyshark: the second opinion on what was decoded.

pyshark needs an event loop of its own and cannot live in one that runs: call this from a thread
that has none. It is imported only here, and only then.
"""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Sequence
from typing import Final

from analyzers.errors import SourceError

_MOST_LINES: Final = 5_000
_MOST_CHARACTERS: Final = 400
_TIMEOUT_S: Final = 30.0


def dissected(path: str, record: int, preferences: Sequence[str] = ()) -> list[str]:
    """The dissection of one packet of a capture: layers, the innermost first, with their fields.

    `preferences` are values of tshark's `-o`. Raises SourceError where tshark is missing or
    cannot read the capture.
    """
    if shutil.which("tshark") is None:
        raise SourceError("tshark is not installed", "apt install tshark")
    import pyshark
    from pyshark.capture.capture import TSharkCrashException

    loop = asyncio.new_event_loop()
    parameters = [word for value in preferences for word in ("-o", value)]
    capture = pyshark.FileCapture(
        path,
        display_filter=f"frame.number == {record}",
        keep_packets=False,
        custom_parameters=parameters or None,
        eventloop=loop,
    )
    try:
        packet = loop.run_until_complete(asyncio.wait_for(_first(capture), _TIMEOUT_S))
    except TSharkCrashException as error:
        raise SourceError(f"tshark cannot read the packet: {str(error)[:200]}") from error
    except (TimeoutError, OSError) as error:
        raise SourceError(f"tshark does not answer: {error}") from error
    finally:
        loop.run_until_complete(capture.close_async())
        loop.close()
    if packet is None:
        raise SourceError(f"tshark finds no packet {record}")
    return _lines(packet)


async def _first(capture: object) -> object | None:
    from pyshark.capture.capture import StopCapture

    found: list[object] = []

    def take(packet: object) -> None:
        found.append(packet)
        raise StopCapture

    # A number of packets would be tshark's `-c`, which counts before the filter does.
    await capture.packets_from_tshark(take)  # type: ignore[attr-defined]
    return found[0] if found else None


def _lines(packet: object) -> list[str]:
    lines: list[str] = []
    # What carries the message is known already.
    for layer in reversed(packet.layers):  # type: ignore[attr-defined]
        lines.append(str(layer.layer_name).upper())
        for field in layer._get_all_field_lines():
            text = str(field).strip()
            if text:
                lines.append(f"  {text[:_MOST_CHARACTERS]}")
            if len(lines) >= _MOST_LINES:
                return lines
    return lines
