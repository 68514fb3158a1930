"""Black holes: silent periods in which one side kept sending (dpd-semantics section 5)."""

from __future__ import annotations

from enum import StrEnum
from typing import Final

from msgspec import Struct

from analyzers.model.records import Confidence, Ref
from analyzers.model.time import NS_PER_SECOND, seconds


class BlackHoleClass(StrEnum):
    """Why traffic was lost; the first that applies, in the order of the contract."""

    IDLE = "idle"
    DATA_PLANE = "data-plane"
    MISSING_DPD = "missing-dpd"
    TRANSIENT = "transient"
    SLOW_TEARDOWN = "slow-teardown"
    SLOW_DPD = "slow-dpd"
    DETECTED = "detected"
    OPEN = "open"
    """Without a verdict: the input ended, the sender asked no more, or another SA took over."""


_BY_VERDICT: Final = frozenset(
    {BlackHoleClass.DETECTED, BlackHoleClass.SLOW_DPD, BlackHoleClass.SLOW_TEARDOWN}
)


class StopBasis(StrEnum):
    """What ended the loss."""

    DELETE = "delete"
    REPLACEMENT = "replacement"
    PROOF = "proof"
    LAST_OUTBOUND = "last-outbound"
    CAPTURE_END = "capture-end"


class PhaseName(StrEnum):
    """Who or what the time of a black hole was spent on."""

    UNQUESTIONED = "unquestioned"
    UNPROBED = "unprobed"
    PROBING = "probing"
    TEARDOWN = "teardown"
    RECOVERY = "recovery"


class Phase(Struct, frozen=True):
    """A part of a black hole; phases but recovery add up to the window, if its begin is known."""

    name: PhaseName
    start_ns: int
    end_ns: int


class BlackHole(Struct, frozen=True):
    """A silent period of `sender` towards `receiver`, as a pair of bounds."""

    id: str
    sender: str
    receiver: str
    black_hole_class: BlackHoleClass
    last_proof_ns: int | None
    first_exposed_ns: int | None
    questionable_ns: int | None
    first_probe_ns: int | None
    dead_ns: int | None
    dead_basis: str | None
    """"log" or "inferred"."""
    stop_ns: int
    stop_basis: StopBasis
    recovered_ns: int | None
    min_seconds: float
    max_seconds: float
    min_packets: int
    max_packets: int
    max_bytes: int
    phases: tuple[Phase, ...]
    confidence: Confidence
    refs: tuple[Ref, ...]
    first_exposed_ref: Ref | None = None
    """The first packet into it."""
    probes: int = 0
    """Unanswered transmissions inside the window."""
    removed_ns: int | None = None
    """When the receiver, by its own log, had the SA no more: what was sent from then on is lost."""
    spis: tuple[str, ...] = ()
    """The SPIs of the one Child SA that was silent while others lived; empty: all of them.

    That of its way back alone where nothing tells which one goes with it.
    """
    traffic_known: bool = True
    """False: known from a log alone, which does not show what was sent into it."""
    begun_before: bool = False
    """The input begins amid it: nothing tells how long it had lasted by then."""
    counted_least: int | None = None
    """Packets that counters of the sender grew by within it, while nothing came back."""
    counted_most: int | None = None
    """Packets that they grew by around all of it."""
    counted_anew_ns: int | None = None
    """When the receiver's ESP began to count from 1 again on the same SPI: its numbers are used, so
    that it proves nothing, and is dropped where replay is checked."""
    unread: int = 0
    """Encrypted messages into it that may have been questions: without keys nobody can tell."""
    ceased_ns: int | None = None
    """When a retry was overdue: its sender asked no more, and no verdict shows."""
    lost_there: int | None = None
    """Packets sent into it that did not come by a second capture, near the receiver; None where
    that does not show all of the time."""
    lost_back: int | None = None
    """Packets that the receiver sent meanwhile and that did not come by one near the sender."""
    verdict_clock_off_ns: int | None = None
    """By how much messages contradict the clock, set by hand, of the log that has the verdict."""
    heard_again_ns: int | None = None
    """When the receiver was first heard on an SA that the sender, who gave it up, had no more."""

    @property
    def class_confidence(self) -> Confidence:
        """How sure its class is: one by a verdict is no surer than that is.

        Nobody knows that nobody asked where something may have been a question.
        """
        if self.black_hole_class is BlackHoleClass.MISSING_DPD and self.unread:
            return Confidence.SUSPECT
        inferred = self.black_hole_class in _BY_VERDICT and self.dead_basis != "log"
        certain = self.confidence is Confidence.CERTAIN
        return Confidence.INFERRED if inferred and certain else self.confidence

    @property
    def begin_ns(self) -> int:
        """When it begins: with the first packet into it, else with the last proof of life."""
        begins = self.first_exposed_ns, self.last_proof_ns, self.stop_ns
        return next(at_ns for at_ns in begins if at_ns is not None)

    @property
    def is_counted(self) -> bool:
        """Whether nothing but the counters of a device tell of it.

        It may have begun before their first output, and goes on behind the last one.
        """
        return not self.traffic_known and self.first_probe_ns is None and self.dead_ns is None

    @property
    def begin_known(self) -> bool:
        """Whether the upper bound is more than the time since the last proof in a log.

        Without the interval of who asks nothing tells since when the peer was silent.
        """
        if self.traffic_known or self.first_probe_ns is None:
            return True
        if self.begun_before:
            return False
        begun_ns = self.stop_ns - round(self.max_seconds * NS_PER_SECOND)
        unprobed = any(phase.name is PhaseName.UNPROBED for phase in self.phases)
        return unprobed or begun_ns >= self.first_probe_ns

    @property
    def sound_until_ns(self) -> int:
        """Until when the way was open: the last proof of life, else the first packet into it."""
        proofs = self.last_proof_ns, self.first_exposed_ns, self.stop_ns
        return next(at_ns for at_ns in proofs if at_ns is not None)

    @property
    def bytes_known(self) -> bool:
        """Whether `max_bytes` says anything: counters of a device may be of packets alone."""
        return self.traffic_known and (self.max_bytes > 0 or not self.max_packets)

    @property
    def duration_s(self) -> float:
        """The upper bound, in seconds."""
        return self.max_seconds

    def phase_s(self, name: PhaseName) -> float:
        """Seconds spent in one phase."""
        return sum(seconds(p.end_ns - p.start_ns) for p in self.phases if p.name is name)
