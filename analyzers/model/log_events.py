"""What a device says in its debug log: the one vocabulary into which every dialect is read."""

from __future__ import annotations

from enum import StrEnum

from msgspec import Struct

from analyzers.model.exchange import DeleteProtocol
from analyzers.model.observations import MessageKind
from analyzers.model.records import Ref


class LogEventKind(StrEnum):
    """What happened, as the device that wrote the log saw it."""

    MESSAGE = "message"
    """An IKE message was sent or received; `message` says which."""
    PEER_DEAD = "peer-dead"
    """The device declared the peer dead, for want of answers to liveness questions."""
    GAVE_UP = "gave-up"
    """Retransmissions of a request that is no liveness question were exhausted."""
    IKE_SA_UP = "ike-sa-up"
    IKE_SA_DOWN = "ike-sa-down"
    """The device removed an IKE SA; `reason` in its own words. No message is implied."""
    CHILD_SA_UP = "child-sa-up"
    CHILD_SA_DOWN = "child-sa-down"
    INVALID_SPI = "invalid-spi"
    """ESP arrived for an SPI the device does not have: the peer still uses a removed SA."""
    UNKNOWN_IKE_SA = "unknown-ike-sa"
    """An IKE message arrived for an SA the device does not have; `reason` in its words."""
    DPD_AGREED = "dpd-agreed"
    """DPD is on for this SA; `interval_s` where the log says it."""
    DPD_VENDOR_ID = "dpd-vendor-id"
    """The peer (`sent` False) or the device offered DPD in phase 1."""
    NO_DPD_VENDOR_ID = "no-dpd-vendor-id"
    """It did not, in a phase 1 of which the log shows the vendor IDs."""
    STARTED = "started"
    """The device, or its IKE daemon, started: it has none of the SAs of before."""
    NOT_SENT = "not-sent"
    """The device's own system refused to send a packet; `reason` in its words."""
    MOVED = "moved"
    """The peer comes from another address or port; `reason` says from where to where."""
    REFUSED = "refused"
    """The device (`sent`), or its peer, refused an SA; `refusal` or `reason` says with what."""
    HINT = "hint"
    """Something that explains but proves nothing; `reason` in the device's own words."""


class LogEvent(Struct, gc=False):
    """One thing a log says. Unknown parts are None.

    `at_ns` is the time of the log's own clock until the session has put it on the common one;
    None where the log has no stamps. A log with a resolution of a second has times of whole
    seconds: `resolution_ns` belongs to every bound made from them.
    """

    kind: LogEventKind
    at_ns: int | None
    ref: Ref
    dialect: str
    sent: bool | None = None
    """A message the device sent; False: received."""
    local: str | None = None
    remote: str | None = None
    """Addresses as written; masked ones stay as they are."""
    began: bool | None = None
    """Whether the device began the IKE SA, and not its peer, where the log says who did."""
    handle: str | None = None
    """The device's own name of the IKE SA: connection id, "name[3]", "con1|39" …"""
    version: int | None = None
    message: MessageKind | None = None
    """Of `IKE_SA_UP` the exchange that made it, if another IKE SA did; of `IKE_SA_DOWN` that of
    an attempt that made none, or Quick Mode, where it goes as nobody answered that; of `GAVE_UP`
    the request, of `REFUSED` what was refused."""
    message_id: int | None = None
    """As on the wire: unsigned, 32 bits."""
    response: bool | None = None
    """IKEv2: an answer."""
    retransmission: bool = False
    """The log itself calls it one, or implies it by an error counter."""
    retry: int | None = None
    """A question that is asked again: for the how manieth time, as the device counts."""
    tries: int | None = None
    """A question that is asked again: the device gives the peer up after so many."""
    sequence: int | None = None
    initiator_spi: str | None = None
    responder_spi: str | None = None
    spis: tuple[str, ...] = ()
    """Child SAs, 8 hex digits each."""
    protocol: DeleteProtocol = DeleteProtocol.UNKNOWN
    reason: str = ""
    refusal: str = ""
    """The error notify with which a message refuses to set up an SA, as RFCs name it."""
    interval_s: float | None = None
    length: int | None = None
    """Octets of the message, where the log says so."""
    resolution_ns: int = 1
    local_port: int | None = None
    remote_port: int | None = None
    device_port: int | None = None
    """The port that tells the other end from others which have its address, behind one NAT."""
    host: str | None = None
    """What a relay calls the device, where it is not the first one that writes the log."""
    payload: bytes | None = None
    """The decrypted message that a log prints as hex."""
