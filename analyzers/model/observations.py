"""What was observed on the wire, before any of it is related to anything else."""

from __future__ import annotations

from enum import StrEnum
from typing import Final

from msgspec import Struct, field

from analyzers.model.records import Basis, Confidence, Ref


class Encapsulation(StrEnum):
    """How an IKE message travelled."""

    UDP = "udp"
    """Plain UDP, as on port 500."""
    NON_ESP_MARKER = "udp-4500"
    """UDP with the four zero bytes of RFC 3948 section 2.2."""
    TCP = "tcp"
    """RFC 8229 / RFC 9329 stream."""


class Datagram(Struct):
    """One IKE message as it was carried; `payload` starts at the initiator SPI."""

    at_ns: int
    ref: Ref
    src: str
    dst: str
    sport: int
    dport: int
    payload: bytes
    encapsulation: Encapsulation
    missing_bytes: int = 0
    """Bytes that the snap length cut off the end."""
    checksum_bad: bool = False


class EspPacket(Struct):
    """One ESP or AH packet from the slow path; `length` counts from the ESP (AH) header on."""

    at_ns: int
    record: int
    src: str
    dst: str
    sport: int
    """0 when carried directly over IP."""
    dport: int
    spi: int
    sequence: int
    length: int


class IcmpHint(Struct):
    """An ICMP error about an IKE or ESP packet: a hint, never a proof (RFC 7296 section 2.4)."""

    at_ns: int
    ref: Ref
    reporter: str
    src: str
    """Source of the packet the error is about."""
    dst: str
    detail: str
    """For people: "port unreachable", "host unreachable", "fragmentation needed (MTU 1400)" …"""


class MessageKind(StrEnum):
    """What an IKE message is, as far as it can be told."""

    # IKEv2
    SA_INIT = "sa-init"
    AUTH = "auth"
    CREATE_CHILD = "create-child"
    LIVENESS = "liveness"
    """IKEv2 INFORMATIONAL with an empty SK payload (request or response)."""
    LIVENESS_MOBIKE = "liveness-mobike"
    """IKEv2 INFORMATIONAL that carries NAT detection notifies and nothing else."""
    # IKEv1
    MAIN_MODE = "main-mode"
    AGGRESSIVE = "aggressive"
    QUICK_MODE = "quick-mode"
    TRANSACTION = "transaction"
    NEW_GROUP = "new-group"
    R_U_THERE = "r-u-there"
    R_U_THERE_ACK = "r-u-there-ack"
    # both
    DELETE = "delete"
    NOTIFY = "notify"
    CONFIG = "config"
    INFORMATIONAL = "informational"
    """IKEv1 encrypted Informational whose content is unknown, or IKEv2 with unusual content."""
    FRAGMENT = "fragment"
    """A part of a message that is not complete (yet): neither fresh nor judged."""
    OTHER = "other"
    """Unknown exchange type; the number is in `exchange_type`."""


EXCHANGE_NAMES: Final = {
    MessageKind.SA_INIT: "IKE_SA_INIT",
    MessageKind.AUTH: "IKE_AUTH",
    MessageKind.CREATE_CHILD: "CREATE_CHILD_SA",
    MessageKind.MAIN_MODE: "Main Mode",
    MessageKind.AGGRESSIVE: "Aggressive Mode",
    MessageKind.QUICK_MODE: "Quick Mode",
    MessageKind.TRANSACTION: "Transaction",
    MessageKind.NEW_GROUP: "New Group Mode",
}
"""Exchanges that have names of their own in RFC 7296, RFC 2409 and their extensions."""


class Notify(Struct, frozen=True, gc=False):
    """A Notify payload. `protocol` and `type` are the wire numbers."""

    type: int
    protocol: int
    spi: str
    """Hex, may be empty."""
    data: bytes
    doi: int | None = None
    """IKEv1 only."""


class DeletePayload(Struct, frozen=True, gc=False):
    """A Delete payload: protocol 1 IKE/ISAKMP, 2 AH, 3 ESP; SPIs in hex."""

    protocol: int
    spis: tuple[str, ...]


class VendorId(Struct, frozen=True, gc=False):
    """A Vendor ID payload: bytes in hex, and a name where the value is known."""

    value: str
    name: str | None


class Transform(Struct, frozen=True, gc=False):
    """One transform (IKEv2) or one attribute set (IKEv1), numbers as on the wire."""

    protocol: int
    kind: int
    """IKEv2 transform type (1 ENCR, 2 PRF, 3 INTEG, 4 D-H, 5 ESN); 0 for an IKEv1 transform."""
    id: int
    key_bits: int | None = None
    attributes: tuple[tuple[int, int | bytes], ...] = ()


class Proposal(Struct, frozen=True, gc=False):
    """One proposal of an SA payload."""

    number: int
    protocol: int
    spi: str
    transforms: tuple[Transform, ...]


class IkeMessage(Struct, gc=False):
    """One IKE message, header and everything that could be read of its payloads.

    SPIs (cookies in IKEv1) are 16 hex digits. `kind` is what the message is by itself; what it
    means in its exchange is for `tracking`.
    """

    at_ns: int
    ref: Ref
    src: str
    dst: str
    sport: int
    dport: int
    encapsulation: Encapsulation
    version: int
    """Major version, 1 or 2."""
    initiator_spi: str
    responder_spi: str
    exchange_type: int
    flags: int
    message_id: int
    length: int
    """The header's Length field, bytes."""
    first_payload: int
    """The header's Next Payload."""
    fingerprint: bytes
    """16-byte digest of the message bytes; equal digests mean identical messages."""
    kind: MessageKind = MessageKind.OTHER
    encrypted: bool = False
    sk_next_payload: int | None = None
    """IKEv2: the clear Next Payload byte of the SK payload (of SKF fragment 1), RFC 7296 3.14."""
    payload_types: tuple[int, ...] = ()
    """All payload types in order, inner ones included when decrypted; as tshark's typepayload."""
    notifies: tuple[Notify, ...] = ()
    deletes: tuple[DeletePayload, ...] = ()
    vendor_ids: tuple[VendorId, ...] = ()
    proposals: tuple[Proposal, ...] = ()
    dpd_sequence: int | None = None
    basis: Basis = Basis.HEADER
    confidence: Confidence = Confidence.CERTAIN
    integrity_ok: bool | None = None
    """True: verified with the user's keys; False: it is wrong; None: not checked."""
    refs: tuple[Ref, ...] = ()
    """All frames of a message that came in fragments, the last one being `ref`; else empty."""
    seen: tuple[Ref, ...] = ()
    """Where else the message was seen: lines of logs, frames of a second capture."""
    arrived: bool = False
    """Its receiver's log, or a capture nearer to it, shows that it came."""
    unread: bool = False
    """Its receiver's log says that it did not come, though it was captured on its way."""
    lost: bool = False
    """It did not come by a capture that is nearer to its receiver."""
    again: bool = False
    """The log of its sender calls it a retransmission."""
    ike_sa: str = ""
    """Id of its IKE SA; set when it is tracked. Empty: an unprotected notify that names none."""
    problems: tuple[str, ...] = field(default=())

    @property
    def astray(self) -> bool:
        """Whether its receiver is known not to have got it."""
        return self.unread or self.lost

    @property
    def is_response(self) -> bool:
        """IKEv2: the R flag (RFC 7296 section 3.1)."""
        return self.version == 2 and bool(self.flags & 0x20)

    @property
    def from_initiator(self) -> bool:
        """IKEv2: the I flag, set by the original initiator of the IKE SA."""
        return bool(self.flags & 0x08)
