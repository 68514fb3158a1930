"""What was read from a log, in numbers."""

from __future__ import annotations

from collections import Counter
from typing import Final

from msgspec import Struct, field

from analyzers.decode.log_shapes import Count, Reads, StampShape
from analyzers.dialects.stamps import Stamp, StampKind
from analyzers.model.time import NS_PER_SECOND

# Between questions of liveness are seconds: what is coarser tells nothing of them but the order.
_COARSEST_NS: Final = 60 * NS_PER_SECOND


class LogTally(Struct):
    """What was read from a log; grows with it."""

    dialects: Counter[str] = field(default_factory=Counter)
    """Lines of each dialect."""
    matched: int = 0
    """Lines that a pattern knows."""
    unparsed: int = 0
    """Lines of a known dialect that nothing knows."""
    samples: list[tuple[int, str]] = field(default_factory=list)
    """Some of those, with their line numbers."""
    stamps: Counter[StampKind | None] = field(default_factory=Counter)
    """Lines that say something, by the kind of time that they have."""
    coarse: int = 0
    """Of those without one: lines whose stamps tell hours at best, as "1d02h" does."""
    unsynchronised: int = 0
    zoned: int = 0
    unknown_zones: dict[str, int] = field(default_factory=dict)
    """Zones of stamps that nobody can place, each with the first line that has it."""
    hosts: int = 0
    """Names that relays have for the devices that wrote it."""
    first_host: str | None = None
    """The first one of them."""
    resolution_ns: int = 0
    """The finest resolution of its stamps."""
    repeated: tuple[int, int] | None = None
    """Lines between which the second time begins of an hour that the end of summer time repeats."""

    def know_zone(self, stamp: Stamp | StampShape | None, record: int) -> None:
        """See the stamp of a line."""
        if stamp is not None and stamp.unknown_zone:
            self.unknown_zones.setdefault(stamp.unknown_zone, record)

    def add(self, count: Count, kind: StampKind | None) -> None:
        """Add lines, whose stamps are on the scale of `kind`."""
        lines, count.lines = count.lines, 0
        self.dialects[count.dialect] += lines
        self.matched += lines if count.reads is Reads.MATCHED else 0
        self.unparsed += lines if count.reads is Reads.UNPARSED else 0
        is_coarse = count.stamp is not None and count.stamp[1] > _COARSEST_NS
        if count.taken:
            self.stamps[None if is_coarse else kind] += lines
            self.coarse += lines * is_coarse
        if count.stamp is not None:
            _, resolution_ns, zone, unsynchronised = count.stamp
            self.zoned += lines * zone
            self.unsynchronised += lines * unsynchronised
            self.resolution_ns = min(self.resolution_ns or resolution_ns, resolution_ns)
