"""What the user chose, and how far the reading is."""

from __future__ import annotations

from datetime import tzinfo
from typing import Final

from msgspec import Struct, field

from analyzers.decode.captures import CHUNK_BYTES
from analyzers.model.policy import GivenPolicy
from analyzers.rules.options import RuleOptions

# Vector operations on fewer rows cost more for being called than for what they do.
BATCH_ROWS: Final = 1 << 15


class ClockOptions(Struct, frozen=True):
    """Clock repair; keys of the mappings are inputs as the user named them."""

    align: bool = True
    year: int | None = None
    years: dict[str, int] = field(default_factory=dict)
    zone: tzinfo | None = None
    zones: dict[str, tzinfo] = field(default_factory=dict)
    offsets_ns: dict[str, int] = field(default_factory=dict)
    """What is added to the times of an input."""


class SessionOptions(Struct, frozen=True):
    """What the user chose. Times in ns since the epoch, durations in seconds."""

    keys: tuple[str, ...] = ()
    local: tuple[str, ...] = ()
    ports: tuple[int, ...] = ()
    budget_s: float = 30.0
    black_hole_min_s: float = 3.0
    since_ns: int | None = None
    until_ns: int | None = None
    since_offset_ns: int | None = None
    """Relative to the first packet of all inputs; instead of `since_ns`."""
    until_offset_ns: int | None = None
    chunk_bytes: int = CHUNK_BYTES
    """How much of a capture is read at once; the result does not depend on it."""
    batch_rows: int = BATCH_ROWS
    """How many observations are tracked at once; the result does not depend on it."""
    clocks: ClockOptions = field(default_factory=ClockOptions)
    dialects: tuple[str, ...] = ()
    """Files with dialects of the user's own."""
    rules: RuleOptions = field(default_factory=RuleOptions)
    policies: tuple[GivenPolicy, ...] = ()
    """What the user says is in force."""
    read_again: bool = False
    """Captures are asked for packets after they were read; what is piped in is kept on disk."""
    keep_lines: bool = False
    """Logs are asked for their lines after they were read; one that is piped in is kept on disk."""
    configurations_alone: bool = False
    """Configurations without anything that happened are taken too: for what they say of DPD."""
    missing_too: bool = False
    """An input that is not there is told as one that cannot be read, and the others are read."""


class UnparsedLine(Struct, frozen=True):
    """A line of a known dialect that nothing understands."""

    path: str
    line: int
    text: str


class Progress(Struct, frozen=True):
    """How far the reading is."""

    path: str
    read_bytes: int
    total_bytes: int | None
    packets: int
    ike_messages: int
    done: bool
    waits: bool = False
    """For a pipe that has paused."""
