"""What a device showed of its SAs at one moment, and what changed from one moment to the next."""

from __future__ import annotations

from enum import StrEnum

from msgspec import Struct

from analyzers.model.policy import PolicyMode
from analyzers.model.time import ClockQuality


class SnapshotFormat(StrEnum):
    """The commands whose output is read."""

    IOS_ISAKMP_SA = "ios-isakmp-sa"
    IOS_IKEV2_SA = "ios-ikev2-sa"
    IOS_CRYPTO_SESSION = "ios-crypto-session"
    CISCO_IPSEC_SA = "cisco-ipsec-sa"
    """`show crypto ipsec sa` of IOS, IOS XE and ASA."""
    ASA_VPN_SESSIONDB = "asa-vpn-sessiondb"
    ASA_IKEV1_SA = "asa-ikev1-sa"
    ASA_IKEV2_SA = "asa-ikev2-sa"
    SWANCTL_LIST_SAS = "swanctl-list-sas"
    STRONGSWAN_STATUSALL = "strongswan-statusall"
    LIBRESWAN_STATUS = "libreswan-status"
    LIBRESWAN_TRAFFICSTATUS = "libreswan-trafficstatus"
    FORTIGATE_IKE_GATEWAY = "fortigate-ike-gateway"
    FORTIGATE_VPN_TUNNEL = "fortigate-vpn-tunnel"


class SaRole(StrEnum):
    """The part of the device that shows the SA."""

    INITIATOR = "initiator"
    RESPONDER = "responder"


class DpdSetting(Struct, frozen=True):
    """DPD as the SA has it in force, which need not be what the configuration says now."""

    active: bool | None
    """False: the SA does without DPD; None: the output does not tell."""
    interval_s: float | None = None
    retry_s: float | None = None
    retries: int | None = None
    mode: PolicyMode = PolicyMode.UNKNOWN
    ios_keepalives: bool = False
    """IOS keepalives from before DPD are in force (capability K)."""
    evidence: str = ""
    """What it was read from, in the words of the output."""
    line: int = 0


class ChildSnapshot(Struct, frozen=True):
    """One Child SA (IPsec SA pair, or the flow whose counters are shown). SPIs are 8 hex digits.

    Counters are None where the output has none; `encaps` is what the device sent into the SA,
    `decaps` what it received from it.
    """

    line: int
    """Of its counters, else of its first line."""
    name: str = ""
    flow: str = ""
    """Both traffic selectors as the device writes them."""
    unique_id: str = ""
    """The device's own handle for this one SA; another handle is another SA."""
    inbound_spi: str = ""
    outbound_spi: str = ""
    further_spis: tuple[str, ...] = ()
    """SPIs of older or newer SAs of the same flow that exist beside these."""
    state: str = ""
    encaps_packets: int | None = None
    encaps_bytes: int | None = None
    decaps_packets: int | None = None
    decaps_bytes: int | None = None
    encaps_step_bytes: int = 1
    decaps_step_bytes: int = 1
    """Above 1 where the device rounds what it shows ("8KB")."""
    encap_errors: int | None = None
    decap_errors: int | None = None
    remaining_s: int | None = None
    """Of the lifetime, until it ends or is rekeyed, whichever the device counts down."""
    last_in_s: int | None = None
    last_out_s: int | None = None
    """Seconds since the last packet, as shown."""
    offloaded: bool = False
    """Hardware carries the packets; the counters can lag behind."""


class SaSnapshot(Struct, frozen=True):
    """One peer of a snapshot: its IKE SA where the output shows one, and its Child SAs."""

    line: int
    name: str = ""
    local: str = ""
    remote: str = ""
    local_port: int | None = None
    remote_port: int | None = None
    initiator: str = ""
    responder: str = ""
    """Addresses by part, for outputs that tell who began but not which side is the device."""
    ike_version: int | None = None
    conn_id: str = ""
    initiator_spi: str = ""
    responder_spi: str = ""
    role: SaRole | None = None
    state: str = ""
    encryption: str = ""
    remaining_s: int | None = None
    age_s: int | None = None
    """Since the SA, or the session, was established."""
    dpd: DpdSetting | None = None
    dpd_sent: int | None = None
    dpd_received: int | None = None
    """Last sequence numbers, where the device shows them."""
    children: tuple[ChildSnapshot, ...] = ()


class Snapshot(Struct, frozen=True):
    """One output of one command."""

    format: SnapshotFormat
    line: int
    """Of the echoed command, else of the first line of the output."""
    last_line: int
    command: str = ""
    """As it was typed; empty where no echo was found."""
    source: str = ""
    """Of which input it is."""
    hostname: str = ""
    at_text: str = ""
    at_ns: int | None = None
    """When the output was printed; read as UTC where `clock` is NO_ZONE or UNSYNCHRONISED."""
    clock: ClockQuality | None = None
    at_line: int | None = None
    """The line that told the time."""
    at_exact: bool = False
    """The time came with the output; False: another command told it, up to minutes before or
    after."""
    entries: tuple[SaSnapshot, ...] = ()


class ChangeKind(StrEnum):
    """What the counters of two snapshots of one Child SA are to one another."""

    COUNTED = "counted"
    RESET = "reset"
    """A counter fell: cleared by hand, reboot, or another SA under the same name."""
    REPLACED = "replaced"
    """The SAs are others: the peer negotiated between the two, so it was alive."""


class CounterChange(Struct, frozen=True):
    """How one Child SA moved between two snapshots. Growths are None unless COUNTED."""

    format: SnapshotFormat
    kind: ChangeKind
    local: str
    remote: str
    name: str
    flow: str
    inbound_spi: str
    outbound_spi: str
    encaps_packets: int | None
    encaps_bytes: int | None
    decaps_packets: int | None
    decaps_bytes: int | None
    encap_errors: int | None
    decap_errors: int | None
    silent: bool
    """Encaps grew, decaps did not: all that was sent between the two brought nothing back."""
    from_ns: int | None
    to_ns: int | None
    """When the two were taken; both None unless both are known, then only the order is."""
    clock: ClockQuality | None
    """The worse of both clocks, for `from_ns` and `to_ns`."""
    times_exact: bool
    """Both times came with their outputs; else they are those of other commands nearby."""
    elapsed_s: float | None
    """Between the two: by their times, else by the age of the SA or its remaining lifetime."""
    last_inbound_s: int | None
    """How long before the newer one the last packet came in, where the device shows it."""
    older_line: int
    newer_line: int
    older_source: str
    newer_source: str
    """The inputs of these lines."""
    evidence: str
    """For people: what changed, and the lines that it rests on."""
