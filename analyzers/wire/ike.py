"""What IKEv1 and IKEv2 share on the wire: the fixed header, the payload chain, SA attributes.

Sources: RFC 2408 sections 3.1 to 3.6 and 3.12, RFC 7296 sections 3.1 to 3.3. Every length that is
read is checked against the bytes that are there; damage is told in words, never raised.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Container
from typing import Final, NamedTuple

from msgspec import Struct, field

from analyzers.model.observations import DeletePayload, Notify, Proposal, Transform, VendorId

HEADER_BYTES: Final = 28
HEADER: Final = struct.Struct(">8s8sBBBBII")

GENERIC: Final = struct.Struct(">BBH")
GENERIC_BYTES: Final = 4

# Real messages carry a few dozen payloads; 64 KiB of 4-byte payloads would be 16,000 objects.
MAX_PAYLOADS: Final = 512
# An offer of a permissive client has some 100 transforms; each costs an object.
MAX_TRANSFORMS: Final = 1024
# A transform has about 6 attributes.
MAX_ATTRIBUTES: Final = 64
# The count field allows 65,535 SPIs; a Delete names the Child SAs of one peer.
MAX_SPIS: Final = 4096

PROPOSAL: Final = 2
TRANSFORM: Final = 3

_U16: Final = struct.Struct(">H")
_PROPOSAL: Final = struct.Struct(">BBBB")


class Header(NamedTuple):
    """The fixed header (RFC 7296 section 3.1), numbers as on the wire."""

    initiator_spi: bytes
    responder_spi: bytes
    next_payload: int
    version: int
    """Both halves: 0x10 or 0x20."""
    exchange_type: int
    flags: int
    message_id: int
    length: int

    @property
    def major(self) -> int:
        """Major version."""
        return self.version >> 4


def parse_header(data: bytes) -> Header | None:
    """The header at the start of `data`; None when there are fewer than 28 bytes."""
    if len(data) < HEADER_BYTES:
        return None
    return Header._make(HEADER.unpack_from(data))


class Payload(NamedTuple):
    """Where one payload lies: `start` is its generic header, `end` the first byte after it."""

    type: int
    next: int
    start: int
    end: int


class Chain(Struct):
    """A walk along a payload chain, as far as it could be followed."""

    payloads: list[Payload]
    end: int
    """First byte after the last payload."""
    problem: str = ""
    reserved: int = 0
    """All reserved octets or-ed together: 0 in a well-formed IKEv1 chain, 0 or 0x80 in IKEv2."""


def walk(data: bytes, first: int, start: int, end: int, last: Container[int] = ()) -> Chain:
    """Follow the chain from a payload of type `first` at `start`, not beyond `end`.

    Types in `last` end the chain whatever their Next Payload says (SK and SKF, whose Next Payload
    is that of the plaintext). A payload that runs over `end` is listed, cut off there.
    """
    payloads: list[Payload] = []
    chain = Chain(payloads, start)
    kind = first
    at = start
    while kind:
        if len(payloads) >= MAX_PAYLOADS:
            chain.problem = f"more than {MAX_PAYLOADS} payloads"
            break
        if at + GENERIC_BYTES > end:
            chain.problem = f"payload {kind} at byte {at} is missing"
            if kind in last and at < end:
                # Of what is encrypted its first byte is all that can be read anyway.
                payloads.append(Payload(kind, data[at], at, end))
                chain.end = end
            break
        following, reserved, length = GENERIC.unpack_from(data, at)
        if length < GENERIC_BYTES:
            payloads.append(Payload(kind, following, at, at + GENERIC_BYTES))
            chain.problem = f"payload {kind} at byte {at} has length {length}"
            chain.end = at + GENERIC_BYTES
            break
        stop = at + length
        if stop > end:
            payloads.append(Payload(kind, following, at, end))
            chain.problem = f"payload {kind} at byte {at} has length {length}, {end - at} are there"
            chain.end = end
            break
        payloads.append(Payload(kind, following, at, stop))
        chain.reserved |= reserved
        chain.end = at = stop
        if kind in last:
            break
        kind = following
    return chain


class Contents(Struct):
    """What could be read of a chain of payloads."""

    types: list[int] = field(default_factory=list)
    """Payload types in order, proposals (2) and transforms (3) after their SA."""
    payloads: list[Payload] = field(default_factory=list)
    notifies: list[Notify] = field(default_factory=list)
    deletes: list[DeletePayload] = field(default_factory=list)
    vendor_ids: list[VendorId] = field(default_factory=list)
    proposals: list[Proposal] = field(default_factory=list)
    key_exchange: bytes = b""
    problems: list[str] = field(default_factory=list)
    end: int = 0
    """First byte after the last payload."""
    reserved: int = 0

    def find(self, kind: int) -> Payload | None:
        """The first payload of this type."""
        return next((p for p in self.payloads if p.type == kind), None)


def read_contents(
    data: bytes, chain: Chain, read_payload: Callable[[bytes, Payload, Contents], None]
) -> Contents:
    """What a version of the protocol reads of each payload of a chain."""
    contents = Contents(payloads=chain.payloads, end=chain.end, reserved=chain.reserved)
    if chain.problem:
        contents.problems.append(chain.problem)
    for payload in chain.payloads:
        contents.types.append(payload.type)
        read_payload(data, payload, contents)
    return contents


def read_attributes(data: bytes, at: int, end: int) -> tuple[tuple[int, int | bytes], ...] | None:
    """Data attributes, short (TV) and long (TLV) ones (RFC 2408 section 3.3); None if damaged."""
    found: list[tuple[int, int | bytes]] = []
    while at < end:
        if at + 4 > end or len(found) >= MAX_ATTRIBUTES:
            return None
        (kind,) = _U16.unpack_from(data, at)
        (value,) = _U16.unpack_from(data, at + 2)
        at += 4
        if kind & 0x8000:
            found.append((kind & 0x7FFF, value))
            continue
        if at + value > end:
            return None
        found.append((kind, data[at : at + value]))
        at += value
    return tuple(found)


def number(value: int | bytes) -> int:
    """An attribute's value as a number, whichever form it came in."""
    return value if isinstance(value, int) else int.from_bytes(value[:8], "big")


class SpiList(NamedTuple):
    """SPIs of a Delete payload and whether the length fits them exactly."""

    spis: tuple[str, ...]
    exact: bool


def read_spis(data: bytes, at: int, end: int, size: int, count: int) -> SpiList:
    """`count` SPIs of `size` bytes at `at`, as many as are there."""
    if size == 0:
        return SpiList((), at == end)
    there = min(count, (end - at) // size, MAX_SPIS)
    spis = tuple(data[i : i + size].hex() for i in range(at, at + there * size, size))
    return SpiList(spis, at + count * size == end)


def read_proposals(data: bytes, start: int, end: int, version: int, into: Contents) -> None:
    """The proposals of an SA payload, `start` being the first one (RFC 7296 3.3, RFC 2408 3.5)."""
    at = start
    room = MAX_TRANSFORMS
    more = PROPOSAL
    while more == PROPOSAL and at < end:
        if at + 8 > end:
            into.problems.append(f"proposal at byte {at} is cut off")
            return
        more, _, length = GENERIC.unpack_from(data, at)
        into.types.append(PROPOSAL)
        if length < 8 or at + length > end:
            into.problems.append(f"proposal at byte {at} has length {length}")
            return
        num, protocol, spi_size, count = _PROPOSAL.unpack_from(data, at + 4)
        stop = at + length
        body = at + 8 + spi_size
        if body > stop:
            into.problems.append(f"proposal at byte {at} has an SPI of {spi_size} bytes")
            return
        spi = data[at + 8 : body].hex()
        transforms = _read_transforms(data, body, stop, (version, protocol, count, room), into)
        room -= len(transforms)
        into.proposals.append(Proposal(num, protocol, spi, tuple(transforms)))
        at = stop
    if more == PROPOSAL or at != end:
        into.problems.append("SA payload and its proposals differ in length")


def _read_transforms(
    data: bytes, at: int, end: int, expected: tuple[int, int, int, int], into: Contents
) -> list[Transform]:
    version, protocol, count, room = expected
    transforms: list[Transform] = []
    for _ in range(count):
        if at + 8 > end or len(transforms) >= room:
            into.problems.append(f"{len(transforms)} of {count} transforms are there")
            return transforms
        _, _, length = GENERIC.unpack_from(data, at)
        into.types.append(TRANSFORM)
        if length < 8 or at + length > end:
            into.problems.append(f"transform at byte {at} has length {length}")
            return transforms
        attributes = read_attributes(data, at + 8, at + length)
        if attributes is None:
            into.problems.append(f"attributes of the transform at byte {at} are damaged")
            attributes = ()
        transforms.append(_transform(data, at, version, protocol, attributes))
        at += length
    if at != end:
        into.problems.append("proposal and its transforms differ in length")
    return transforms


# Key Length: IKEv2 and IKEv1 phase 1 (RFC 7296 3.3.5, RFC 2409 appendix A), IKEv1 phase 2
# (RFC 2407 section 4.5).
_KEY_LENGTH: Final = 14
_KEY_LENGTH_PHASE_2: Final = 6
_PROTOCOL_ISAKMP: Final = 1


def _transform(
    data: bytes,
    at: int,
    version: int,
    protocol: int,
    attributes: tuple[tuple[int, int | bytes], ...],
) -> Transform:
    wanted = _KEY_LENGTH
    if version == 2:
        kind = data[at + 4]
        (ident,) = _U16.unpack_from(data, at + 6)
    else:
        kind = 0
        ident = data[at + 5]
        if protocol != _PROTOCOL_ISAKMP:
            wanted = _KEY_LENGTH_PHASE_2
    bits = next((number(v) for k, v in attributes if k == wanted), None)
    return Transform(protocol, kind, ident, bits, attributes)
