"""The signs of the drawings. Each has a form of its own: colour only repeats what the form says."""

from __future__ import annotations

from enum import IntEnum
from typing import Final

import htpy
from htpy import Element, Node

from analyzers.export.exchanges import DID_NOT_ARRIVE
from analyzers.export.svg.canvas import group, path, text


class Sign(IntEnum):
    """What stands at an instant; of several in one place the highest is drawn."""

    ANSWER = 1
    ANSWERED = 2
    ASKED = 3
    RETRY = 4
    OPEN = 5
    UNANSWERED = 6
    DELETE = 7
    LOST = 8
    LOST_BACK = 9


_LOST: Final = f"sent, {DID_NOT_ARRIVE}"
MEANING: Final = {
    Sign.ANSWERED: "answered",
    Sign.ANSWER: "its answer apart",
    Sign.UNANSWERED: "unanswered",
    Sign.ASKED: "answered to a retry",
    Sign.RETRY: "retry",
    Sign.OPEN: "open",
    Sign.DELETE: "Delete",
    Sign.LOST: _LOST,
    Sign.LOST_BACK: _LOST,
}

_RING: Final = "M3.2 -2.6A4.1 4.1 0 1 0 4.1 0.6"
_RHOMBUS: Final = "M0 -4.5L4.5 0L0 4.5L-4.5 0Z"
_HEAD: Final = "M4.4 -6L4 -2.2L0.4 -3.2"
_BROKEN: Final = "M-7 0H7M3.8 -3.2L7 0L3.8 3.2M-3.6 4.2L0.4 -4.2"
_BROKEN_BACK: Final = "M7 0H-7M-3.8 -3.2L-7 0L-3.8 3.2M3.6 4.2L-0.4 -4.2"
_CROSS: Final = "M-3.6 -3.6L3.6 3.6M-3.6 3.6L3.6 -3.6"


def sign(kind: Sign, x: float, y: float, said: str = "") -> Element:
    """A sign with its centre at a place; `said` is what it says to those who point at it."""
    title = htpy.title[said] if said else None
    css = f"sign {kind.name.lower()}"
    return group(css, move=(x, y))[title, _form(kind)]


def _form(kind: Sign) -> Node:
    match kind:
        case Sign.ANSWERED:
            return htpy.circle(r="4", class_="full")
        case Sign.ANSWER:
            return htpy.circle(r="3.5", class_="stroke")
        case Sign.UNANSWERED:
            return path(_CROSS, "stroke strong")
        case Sign.ASKED:
            return path(_RHOMBUS, "stroke")
        case Sign.RETRY:
            return path(_RING + _HEAD, "stroke")
        case Sign.OPEN:
            return [htpy.circle(r="4.5", class_="stroke dotted"), text(0, 3.2, "?", "mid tiny")]
        case Sign.LOST:
            return path(_BROKEN, "stroke")
        case Sign.LOST_BACK:
            return path(_BROKEN_BACK, "stroke")
        case Sign.DELETE:
            return [htpy.circle(r="6", class_="full"), text(0, 3.4, "D", "mid tiny inverse")]


def cross(x: float, y: float, css: str) -> Element:
    """A cross: an end."""
    return group(css, move=(x, y))[path(_CROSS, "stroke strong")]
