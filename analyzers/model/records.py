"""References into the input, problems found in it, and what is known of a source."""

from __future__ import annotations

from enum import StrEnum
from typing import Final, NamedTuple

from msgspec import Struct, field

from analyzers.model.alignment import ClockBasis
from analyzers.model.time import ClockQuality, seconds


def source_id(number: int) -> str:
    """The public id of the n-th source, counted from 0."""
    return f"s{number + 1}"


class Ref(NamedTuple):
    """A place in the input: source id and frame number (as Wireshark counts) or line number."""

    source: str
    record: int


class Basis(StrEnum):
    """How a statement is known."""

    DECRYPTED = "decrypted"
    HEADER = "header"
    LOG = "log"
    CORRELATED = "correlated"
    RHYTHM = "rhythm"


class Confidence(StrEnum):
    """How far a statement can be relied on."""

    CERTAIN = "certain"
    INFERRED = "inferred"
    SUSPECT = "suspect"


class ProblemKind(StrEnum):
    """Kinds of damage and of insufficient input. The value is public."""

    TRUNCATED_TAIL = "truncated-tail"
    BAD_RECORD = "bad-record"
    BAD_BLOCK = "bad-block"
    UNKNOWN_LINK_TYPE = "unknown-link-type"
    SNAPLEN_SHORT = "snaplen-short"
    BAD_LENGTH = "bad-length"
    BAD_CHECKSUM = "bad-checksum"
    TIME_BACKWARDS = "time-backwards"
    BAD_TIMESTAMP = "bad-timestamp"
    LONG_LINE = "long-line"
    BAD_ENCODING = "bad-encoding"
    UNPARSED_LINES = "unparsed-lines"
    NO_TIMES = "no-times"
    CLOCK_GUESSED = "clock-guessed"
    NOT_ALIGNED = "not-aligned"
    CLOCK_CONTRADICTED = "clock-contradicted"
    """What the user says of a clock cannot be."""
    CLOCK_SET = "clock-set"
    """It was set amid the input, and what follows is put right."""
    SEVERAL_CLOCKS = "several-clocks"
    """The interfaces of a capture have clocks that differ."""
    CAPTURE_EDGE = "capture-edge"
    PACKETS_DROPPED = "packets-dropped"
    FRAGMENT_LOST = "fragment-lost"
    FRAGMENT_LIMIT = "fragment-limit"
    FLOW_LIMIT = "flow-limit"
    STREAM_GAP = "stream-gap"
    MALFORMED_IKE = "malformed-ike"
    DECRYPTION_FAILED = "decryption-failed"
    INTEGRITY_FAILED = "integrity-failed"
    CAPTURE_DUPLICATE = "capture-duplicate"
    CAPTURE_INSUFFICIENT = "capture-insufficient"
    BAD_COMPRESSION = "bad-compression"
    KEY_ROW = "key-row"
    KEYS_UNUSED = "keys-unused"
    NOTHING_FOUND = "nothing-found"
    RETRANSMISSION_DIFFERS = "retransmission-differs"
    MESSAGE_ID_REUSED = "message-id-reused"
    """Requests of different exchange types have one message ID."""
    ADDRESS_CHANGED = "address-changed"
    REQUEST_UNANSWERED = "request-unanswered"
    CONFIG_LINE = "config-line"
    NUL_BYTES = "nul-bytes"
    LINES_LOST = "lines-lost"
    """A log or a listener that was followed could not be read whole."""
    UNREADABLE = "unreadable-input"
    """Nothing of an input was read."""


# Kinds that describe the reach of the input rather than damage in it: `--strict` ignores them.
BENIGN_PROBLEMS = frozenset(
    {
        ProblemKind.CAPTURE_DUPLICATE,
        ProblemKind.CAPTURE_INSUFFICIENT,
        ProblemKind.NOTHING_FOUND,
        ProblemKind.KEYS_UNUSED,
        ProblemKind.ADDRESS_CHANGED,
        ProblemKind.REQUEST_UNANSWERED,
        ProblemKind.UNPARSED_LINES,
        ProblemKind.NO_TIMES,
        ProblemKind.CLOCK_GUESSED,
        ProblemKind.NOT_ALIGNED,
        ProblemKind.CLOCK_SET,
        ProblemKind.SEVERAL_CLOCKS,
        ProblemKind.CAPTURE_EDGE,
    }
)
NO_DAMAGE = BENIGN_PROBLEMS | {ProblemKind.CLOCK_CONTRADICTED}
"""And what is to be told, but is no fault of the input."""


class Problem(Struct, frozen=True):
    """Damage in the input, or a limit of what it can tell; `count` repeats are folded into one."""

    kind: ProblemKind
    detail: str
    ref: Ref | None = None
    count: int = 1


UNREADABLE: Final = "unreadable"
"""The kind of an input of which nothing was read."""

# Hostile input makes as many different messages as it likes; the rest is only counted.
_MAX_DETAILS_PER_KIND = 20


def interrupted(start_ns: int, end_ns: int) -> str:
    """What a gap of a capture comes to, in words."""
    lasted = f"{seconds(end_ns - start_ns):,.1f} s"
    return f"capturing was interrupted for {lasted}: nobody can tell what was sent meanwhile"


class Interfaces(Struct):
    """What the interfaces of a capture missed, and whom they show."""

    gaps: dict[int, list[tuple[int, int]]] = field(default_factory=dict)
    """From and to, by interface, in their order."""
    shown: dict[tuple[str, str], set[int]] = field(default_factory=dict)
    """On which interfaces packets from one address to another came by."""


class InterfaceClock(Struct, frozen=True):
    """Interfaces of a capture that have one clock, where others have another one."""

    ahead_ns: int
    """Of the clock of the first interface."""
    interfaces: frozenset[int]


class Leap(Struct, frozen=True):
    """The longest time between two frames of a capture that follow each other."""

    record: int
    """The second one."""
    start_ns: int
    end_ns: int


class ClockAhead(Struct, frozen=True):
    """The clock of a capture was set ahead before a frame."""

    record: int
    by_ns: int


class SourceInfo(Struct):
    """What is known of one input. Counters grow while it is read."""

    id: str
    path: str
    kind: str
    """ "capture", "log", "config" or UNREADABLE."""
    format: str
    first_ns: int | None = None
    last_ns: int | None = None
    until_ns: int | None = None
    """Until when was captured, where a capture says so: then nothing came after `last_ns`."""
    last_line_ns: int | None = None
    """When the last line of a log was written, understood or not."""
    packets: int = 0
    ike_messages: int = 0
    esp_packets: int = 0
    nat_keepalives: int = 0
    lines: int = 0
    log_lines: int = 0
    """Lines of a log that belong to a known dialect."""
    unparsed_lines: int = 0
    """Lines of a known dialect that nothing understands."""
    dialects: dict[str, int] = field(default_factory=dict)
    """Lines of a log by dialect."""
    log_events: dict[str, int] = field(default_factory=dict)
    """What the log says, by kind."""
    clock_basis: ClockBasis = ClockBasis.NONE
    clock_offset_ns: int | None = None
    """How far its clock is ahead of the common one."""
    clock_spread_ns: int | None = None
    clock_contradicted_ns: int | None = None
    """By how much messages of another input contradict a clock that the user has set."""
    clock_unsure: bool = False
    """Message IDs and timers alone have told it: it may show another session of the tunnel."""
    resolution_ns: int = 1
    """The finest resolution of the stamps of a log."""
    uptime: bool = False
    """Its own times are those since its device started."""
    not_before_ns: tuple[int | None, ...] = ()
    """Of a log in which hardly any line has a time: for each place in the order of its events the
    last stamp up to there, in some year."""
    size_bytes: int | None = None
    clock: ClockQuality = ClockQuality.ABSOLUTE
    problems: list[Problem] = field(default_factory=list)
    protocols: dict[str, int] = field(default_factory=dict)
    """Packets by what they were ("tcp", "udp:53", "arp", …): why a result may be empty."""
    addresses: frozenset[str] = frozenset()
    """Of the interfaces that were captured on, as far as a capture names them."""
    gaps: list[tuple[int, int]] = field(default_factory=list)
    """From and to: when capturing was interrupted, where a capture says so."""
    interfaces: Interfaces | None = None
    """Where a capture of several interfaces says when one of them was interrupted."""
    clocks: tuple[InterfaceClock, ...] = ()
    """Of the interfaces of a capture, where these have several."""
    leap: Leap | None = None
    """Of a capture of one interface whose clock was never set back."""

    def note_gap(self, start_ns: int, end_ns: int) -> None:
        """Capturing was interrupted."""
        self.gaps.append((start_ns, end_ns))
        self.note(Problem(ProblemKind.CAPTURE_INSUFFICIENT, interrupted(start_ns, end_ns)))

    def note(self, problem: Problem) -> None:
        """Add a problem; repeats are folded into a count at the first place."""
        known = self.problems
        same_kind = [i for i, other in enumerate(known) if other.kind is problem.kind]
        place = next((i for i in same_kind if known[i].detail == problem.detail), None)
        if place is None and len(same_kind) < _MAX_DETAILS_PER_KIND:
            known.append(problem)
            return
        if place is None:
            place, detail = same_kind[-1], "and others of this kind"
        else:
            detail = problem.detail
        other = known[place]
        known[place] = Problem(other.kind, detail, other.ref, other.count + problem.count)
