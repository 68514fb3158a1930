"""What every public JSON document shares: its version, its scalars, and the shapes they all use.

What stands here is a promise to scripts: additions are free, a rename or a change of meaning
raises `SCHEMA_VERSION`. Times are integer nanoseconds since the epoch, UTC; unknown is null.
"""

from __future__ import annotations

from typing import Annotated, Final

from msgspec import Meta, Struct

from analyzers.model.records import ProblemKind

SCHEMA_VERSION: Final = 1
TOOL_NAME: Final = "dpdlab"


def about(text: str) -> Meta:
    """What the schema says of a member."""
    return Meta(description=text)


Nanoseconds = Annotated[int, about("Nanoseconds since the epoch, UTC.")]
DurationNs = Annotated[int, about("A duration in nanoseconds.")]
Address = Annotated[str, about("An IP address, or its pseudonym.")]
Spi = Annotated[str, about("SPI or cookie: lower-case hex without 0x.")]
MessageId = Annotated[str, Meta(pattern="^0x[0-9a-f]{8}$", description="0x and 8 hex digits.")]
Count = Annotated[int, Meta(ge=0)]


class Model(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, gc=False):
    """Closed and immutable: a field nobody declared is an error, not a surprise for a reader."""


class ReportRef(Model, frozen=True):
    """A place in the input: the frame number as Wireshark counts it, or the line number."""

    source: str
    record: int


class ReportTool(Model, frozen=True):
    """What wrote the report."""

    name: str
    version: str


class ReportProblem(Model, frozen=True):
    """Damage in the input, or a limit of what it can tell; repeats are counted."""

    kind: ProblemKind
    count: Count
    detail: str
    ref: ReportRef | None
