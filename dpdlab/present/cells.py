"""What lanes are made of: cells with a glyph and a role, in rows."""

from __future__ import annotations

from enum import StrEnum
from typing import Final, NamedTuple

from msgspec import Struct


class Role(StrEnum):
    """What a cell means; the front end maps it to a style."""

    BLANK = "blank"
    ALIVE = "alive"
    QUESTIONABLE = "questionable"
    IKE_ONLY = "ike-only"
    """IKE is alive, and no ESP comes back."""
    PROBING = "probing"
    DEAD = "dead"
    DELETED = "deleted"
    UNKNOWN = "unknown"
    ANSWERED = "answered"
    UNANSWERED = "unanswered"
    ASKED = "asked"
    """A question that was answered when it was sent again."""
    RETRY = "retry"
    OPEN = "open"
    DELETE = "delete"
    MORE = "more"
    """Beside a sign: other signs that matter lie under it."""
    ANSWER = "answer"
    LOST = "lost"
    """A message that its sender logged, and that did not arrive."""
    ESP = "esp"
    UNPLACED = "unplaced"
    """ESP that is counted in slices of several cells: somewhere around here."""
    POSSIBLE = "possible"
    CERTAIN = "certain"
    PHASE = "phase"
    AXIS = "axis"
    GHOST = "ghost"
    """What was expected, or is told elsewhere."""
    SA = "sa"
    """An SA takes over from another one."""
    FOLD = "fold"
    """Silence that takes no room."""


class RowKind(StrEnum):
    """The rows of a lane, in their order from the top."""

    STATE = "state"
    SAS = "sas"
    EXPECTED = "expected"
    PROBES_OUT = "probes-out"
    PROBES_IN = "probes-in"
    LOST_OUT = "lost-out"
    LOST_IN = "lost-in"
    ESP_OUT = "esp-out"
    ESP_IN = "esp-in"
    HOLE_OUT = "hole-out"
    PHASES_OUT = "phases-out"
    HOLE_IN = "hole-in"
    PHASES_IN = "phases-in"
    LOG = "log"
    AXIS = "axis"


class Cell(NamedTuple):
    """One character of a row."""

    glyph: str
    role: Role


class Row(Struct, frozen=True):
    """One row: a label for the margin and exactly as many cells as its scale has."""

    kind: RowKind
    label: str
    cells: tuple[Cell, ...]


BLANK: Final = Cell(" ", Role.BLANK)


def write(cells: list[Cell], first: int, text: str, role: Role) -> None:
    """Put a text into a row, from a cell on."""
    for offset, character in enumerate(text):
        cells[first + offset] = Cell(character, role)
