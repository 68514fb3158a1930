"""An IKEv2 pair whose questions come at chosen times."""

from __future__ import annotations

from typing import Final

SETUP: Final = "0 a>b v2 handshake\n"


def asked(*times: float) -> str:
    """Answered questions at these times, IDs from 2 on."""
    return "".join(
        f"{t} a>b liveness {number}\n{t + 0.02:.2f} b>a liveness {number} resp\n"
        for number, t in enumerate(times, 2)
    )
