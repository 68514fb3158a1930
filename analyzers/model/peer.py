"""A peer with all that is known of it: the view that reports, rules and screens read."""

from __future__ import annotations

from enum import StrEnum

from msgspec import Struct

from analyzers.model.black_hole import BlackHole
from analyzers.model.exchange import Delete, Exchange
from analyzers.model.observations import IkeMessage
from analyzers.model.policy import DpdPolicy
from analyzers.model.records import Confidence, Problem, Ref
from analyzers.model.sa import EspFlow, IkeSa


class PeerState(StrEnum):
    """Liveness of a peer as its other side can know it."""

    ALIVE = "alive"
    QUESTIONABLE = "questionable"
    PROBING = "probing"
    DEAD = "dead"
    DELETED = "deleted"
    UNKNOWN = "unknown"


class LocalBasis(StrEnum):
    """Why an address is taken for the local one."""

    GIVEN = "given"
    CONFIG = "config"
    INTERFACE = "interface"
    LOG = "log"
    MOST_COMMON = "most-common"
    INITIATOR = "initiator"


class StateSpan(Struct, frozen=True):
    """The state of a peer from `start_ns` on, until the next span."""

    state: PeerState
    start_ns: int


class Activity(Struct, frozen=True):
    """ESP packets per equal slice of time, both directions; the last slice may be incomplete."""

    start_ns: int
    slice_ns: int
    outbound: tuple[int, ...]
    inbound: tuple[int, ...]


class HintKind(StrEnum):
    """What a hint is about, where something rests on it."""

    REMARK = "remark"
    """Anything else."""
    STARTED = "started"
    """The log of the sender says that it started anew."""
    NOT_SENT = "not-sent"
    """By the log of the sender its own system refused to send its packets."""
    UNKNOWN_SPI = "unknown-spi"
    """By the log of the sender ESP came for an SA that it does not have."""
    UNKNOWN_IKE_SA = "unknown-ike-sa"
    """By the log of the sender an IKE message came for an SA that it does not have."""
    PEER_DEAD = "peer-dead"
    """The log of the sender says that it gave the peer up, and shows no question."""
    GAVE_UP = "gave-up"
    """The log of the sender says that it repeated a request in vain, which asked for no life."""
    MOVED = "moved"
    """By the log of the sender its peer comes from another address or port: a NAT, or MOBIKE."""
    REFUSED = "refused"
    """By a log, which need not be its own, the sender refused to set up an SA."""
    COUNTERS = "counters"
    """Counters that the sender shows grew by what it sent, and by nothing that came back."""
    ICMP = "icmp"
    """An ICMP error about a packet of an end."""


class Hint(Struct, frozen=True):
    """Something that suggests trouble but proves nothing."""

    at_ns: int
    sender: str
    text: str
    ref: Ref
    unprotected: bool = False
    """It came as a packet that anybody could have written."""
    kind: HintKind = HintKind.REMARK
    reason: str = ""
    """What the log gives as the reason, in its own words."""
    times: int = 1
    """How often the log says it in a row."""
    until_ns: int | None = None
    """The last of these times; None: `at_ns`."""
    refused: str = ""
    """What was refused: "IKE_AUTH", "a Child SA" …; `reason` has the notify, or words."""

    @property
    def last_ns(self) -> int:
        """The last time that it is said."""
        return self.at_ns if self.until_ns is None else self.until_ns


class ShownSa(Struct, frozen=True):
    """What a device showed of its SA with a peer at one moment (`show crypto …`)."""

    at_ns: int | None
    ref: Ref
    command: str
    ike_version: int | None
    state: str
    uptime_s: int | None
    remaining_s: int | None
    dpd_active: bool | None
    """DPD in force on the SA; None: the output does not tell."""
    dpd: str | None
    """In the words of the output."""
    interval_s: float | None
    retry_s: float | None
    spis: tuple[str, ...]
    encaps_packets: int | None
    decaps_packets: int | None


class LoggedEnd(Struct, frozen=True):
    """An end whose own log is among the inputs, and the time that the log covers."""

    address: str
    first_ns: int
    last_ns: int
    """What it said last that anything understands."""
    end_ns: int
    """Its last line."""
    resolution_ns: int = 1
    """Of its stamps."""
    reads: bool = True
    """Whether it shows what comes, message by message."""


class PeerView(Struct, frozen=True):
    """Everything about one peer. All tuples are in time order."""

    id: str
    local: str
    remote: str
    local_basis: LocalBasis
    state: PeerState
    first_ns: int
    last_ns: int
    ike_sas: tuple[IkeSa, ...]
    esp_flows: tuple[EspFlow, ...]
    exchanges: tuple[Exchange, ...]
    deletes: tuple[Delete, ...]
    black_holes: tuple[BlackHole, ...]
    policies: tuple[DpdPolicy, ...]
    states: tuple[StateSpan, ...]
    activity: Activity | None
    hints: tuple[Hint, ...]
    problems: tuple[Problem, ...]
    last_proof_ns: int | None
    """Last fresh protected message or ESP packet from the remote side."""
    rtt_ns: int | None
    """Median round trip of answered exchanges, both probers."""
    ike_messages: int
    retransmissions: int
    """IKE requests of any kind that were sent again."""
    unknown_informationals: int
    """Encrypted IKEv1 Informationals that could not be told apart."""
    addresses: tuple[str, ...]
    """Every address seen for the remote side (NAT, MOBIKE)."""
    confidence: Confidence
    """Confidence of `state`."""
    unheard: tuple[str, ...] = ()
    """Addresses of a side of which nothing was captured."""
    until_ns: int | None = None
    """The end of the input: until then the last state lasts."""
    shown: tuple[ShownSa, ...] = ()
    """What devices showed of it, in the order of the inputs."""
    messages: tuple[IkeMessage, ...] = ()
    """Every IKE message, also those of no exchange; read only."""
    logged: tuple[LoggedEnd, ...] = ()
    """Ends whose own logs are among the inputs; () where there is but one input."""
    lost_deletes: tuple[Delete, ...] = ()
    """Deletes that their sender logged and the capture before the other end does not show."""
    unwatched: str = ""
    """Live: why nobody knows how it is, as its sources are gone; untrusted."""
    forgotten: int = 0
    """Older exchanges, messages and Deletes that a live session keeps no more."""
    unfiltered: PeerView | None = None
    """All of it, where a filter left only a part here; None: this is all."""

    @property
    def ike_versions(self) -> tuple[int, ...]:
        """Those of its IKE SAs, else those that devices show."""
        known = {sa.ike_version for sa in self.ike_sas if sa.version_told}
        shown = {sa.ike_version for sa in self.shown if sa.ike_version is not None}
        return tuple(sorted(known or shown))

    @property
    def whole(self) -> PeerView:
        """All of it: what is judged is judged from this, whatever a filter hides."""
        return self if self.unfiltered is None else self.unfiltered


__all__ = [
    "Activity",
    "Hint",
    "HintKind",
    "LocalBasis",
    "LoggedEnd",
    "PeerState",
    "PeerView",
    "ShownSa",
    "StateSpan",
]
