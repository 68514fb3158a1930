"""What is known of the inputs together, before anything is tracked."""

from __future__ import annotations

from msgspec import Struct, field

from analyzers.model.alignment import Alignment
from analyzers.model.log_events import LogEvent
from analyzers.model.peer import LoggedEnd
from analyzers.model.records import SourceInfo
from analyzers.tracking.passed import FlowKey, Numbers, Passed
from analyzers.tracking.sightings import Sighting
from analyzers.tracking.witnesses import Watched, Witnesses

Ends = tuple[str, str]


class CaptureClock(Struct):
    """A capture and the messages in it, for alignment."""

    number: int
    name: str
    info: SourceInfo
    sightings: list[Sighting]
    """Of the messages that another input may have."""
    ends: frozenset[Ends]
    """Source and destination of its IKE messages."""
    esp_ends: frozenset[Ends]
    """Source and destination of its ESP."""
    esp: dict[str, Ends]
    """The same by SPI, of the first packets."""
    esp_ns: dict[str, tuple[int, int]]
    """When its first and its last packet came, by SPI, on its own clock."""
    heard: dict[Ends, int]
    """When something went from one to the other for the last time, on its own clock."""
    first_ns: int
    last_ns: int
    shift_ns: int = 0
    """Added to all its times."""
    numbers: dict[FlowKey, Numbers] = {}
    """The sequence numbers of its ESP, where other captures may have them too."""
    incomplete: bool = False
    """Not every message can be found again in another capture: the snap length has cut off the end
    of some, or they are too many."""


class Left(Struct, frozen=True):
    """What of a capture is left to another one that shows the same traffic.

    Times are those of the common clock, and inclusive.
    """

    first_ns: int
    last_ns: int
    ike: frozenset[Ends]
    """Source and destination, both ways round."""
    esp: frozenset[Ends]


class Joined(Struct):
    """What the session feeds beside the captures."""

    witnesses: Witnesses = field(default_factory=Witnesses)
    streams: dict[int, list[LogEvent]] = field(default_factory=dict)
    """Events by number of the source, in the order of the common clock."""
    left: dict[int, list[Left]] = field(default_factory=dict)
    """By number of the capture."""
    frames: dict[int, frozenset[int]] = field(default_factory=dict)
    """Frames of a capture that another one tells, by number of the capture."""
    passed: dict[int, dict[FlowKey, list[Passed]]] = field(default_factory=dict)
    """ESP of a capture that others tell, by number of the capture."""
    arrivals: dict[FlowKey, Passed] = field(default_factory=dict)
    """Of flows that were captured at two places: what the one nearer to the receiver shows."""
    watched: list[Watched] = field(default_factory=list)
    evidence: set[int] = field(default_factory=set)
    astray: set[int] = field(default_factory=set)
    """Ids (`id()`) of events about messages that were sent, and did not come by."""
    reaches: list[LoggedEnd] = field(default_factory=list)
    unaligned: frozenset[str] = frozenset()
    """Logs whose times nothing ties to the captures."""
    spans: list[tuple[int, int]] = field(default_factory=list)
    """First and last time of each capture, on the common clock."""
    devices: list[str] = field(default_factory=list)
    """Addresses of the devices that wrote the logs."""
    alignments: list[Alignment] = field(default_factory=list)
