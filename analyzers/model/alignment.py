"""How far the clock of one input is from that of another."""

from __future__ import annotations

from enum import StrEnum

from msgspec import Struct


class ClockBasis(StrEnum):
    """Why an input's times are where they are."""

    REFERENCE = "reference"
    MATCHED = "matched"
    MANUAL = "manual"
    NONE = "none"


class Alignment(Struct, frozen=True):
    """A clock against another one: `source` shows `offset_ns` more than `against` (semantics 5.6).

    `spread_ns` is the median deviation of the pairs from the offset; it belongs to every bound that
    is made of times of both inputs.
    """

    source: str
    against: str
    matched: int
    offset_ns: int
    spread_ns: int
    drift_ppm: float
    evidence: str
    """What was identical in both: "message IDs", "SPIs and message IDs", "rhythm of probes" …"""
