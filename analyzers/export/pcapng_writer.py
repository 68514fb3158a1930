"""Packets with comments as a pcapng file that Wireshark shows (draft-ietf-opsawg-pcapng)."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from typing import Final

from analyzers.export.untrusted import safe
from analyzers.wire.pcapng import BYTE_ORDER_MAGIC, ENHANCED_PACKET, INTERFACE, SECTION_HEADER
from analyzers.wire.raw_packets import RawInterface, RawPacket, option, split_options

MOST_COMMENT_BYTES: Final = 4000
"""Of one comment; an option could hold 65,535."""
MOST_COMMENTS: Final = 40
"""Of one packet, those of the input aside."""
_COMMENT: Final = 1
_USER_APPLICATION: Final = 4
_IF_NAME: Final = 2
_IF_DESCRIPTION: Final = 3
_END: Final = struct.pack("<HH", 0, 0)


class PcapngWriter:
    """One little-endian section; interfaces are described when their first packet comes."""

    def __init__(self) -> None:
        self._numbers: dict[int, int] = {}
        self._interfaces: list[RawInterface] = []
        """Held, so that no other one gets the identity of one that is numbered."""

    def section(self, application: str, comment: str) -> bytes:
        """The section header; `application` is what wrote the file."""
        body = struct.pack("<IHHq", BYTE_ORDER_MAGIC, 1, 0, -1)
        body += _text(_COMMENT, comment) + _text(_USER_APPLICATION, application) + _END
        return _block(SECTION_HEADER, body)

    def packet(self, packet: RawPacket, comments: Sequence[str], origin: str = "") -> bytes:
        """A packet, byte for byte, with its own options, and each comment as one of its own.

        `origin` describes its interface where that has neither name nor description.
        """
        described = b""
        number = self._numbers.get(id(packet.interface))
        if number is None:
            number = len(self._interfaces)
            self._numbers[id(packet.interface)] = number
            self._interfaces.append(packet.interface)
            described = _interface(packet.interface, origin)
        options = packet.options
        options += b"".join(_text(_COMMENT, comment) for comment in comments[:MOST_COMMENTS])
        body = struct.pack(
            "<IIIII",
            number,
            packet.ticks >> 32 & 0xFFFFFFFF,
            packet.ticks & 0xFFFFFFFF,
            len(packet.data),
            packet.wire_bytes,
        )
        body += packet.data + bytes(-len(packet.data) % 4)
        if options:
            body += options + _END
        return described + _block(ENHANCED_PACKET, body)


def _interface(interface: RawInterface, origin: str) -> bytes:
    options = interface.options
    named = any(code in (_IF_NAME, _IF_DESCRIPTION) for code, _ in split_options(options))
    if origin and not named:
        options = _text(_IF_DESCRIPTION, origin) + options
    body = struct.pack("<HHI", interface.link_type, 0, interface.snap_length)
    return _block(INTERFACE, body + (options + _END if options else b""))


def _block(kind: int, body: bytes) -> bytes:
    length = struct.pack("<I", len(body) + 12)
    return struct.pack("<I", kind) + length + body + length


def _text(code: int, text: str) -> bytes:
    value = safe(text).encode("utf-8")
    if len(value) > MOST_COMMENT_BYTES:
        value = value[: MOST_COMMENT_BYTES - 3].decode("utf-8", "ignore").encode() + "…".encode()
    return option(code, value)
