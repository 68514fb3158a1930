"""IKE messages that a debug log prints as hex: on the wire, or with their content in clear.

FortiOS prints whole messages, decrypted ones with the header they came with and an SK payload of
nothing but its own header; RouterOS prints the payloads that an IKEv1 hash is computed over, behind
the message ID. What does not have exactly the structure of a message is not decoded.
"""

from __future__ import annotations

from typing import Final

from msgspec import Struct

from analyzers.model.exchange import DeleteProtocol
from analyzers.model.log_events import LogEvent
from analyzers.model.observations import DeletePayload, MessageKind
from analyzers.wire import ikev1, ikev2
from analyzers.wire.ike import GENERIC_BYTES, HEADER_BYTES, Contents, Header, parse_header

# Longer dumps are certificates and offers, which tell nothing about liveness.
MAX_BYTES: Final = 4096
_NO_SPI: Final = bytes(8)
_PROTOCOLS: Final = {1: DeleteProtocol.IKE, 2: DeleteProtocol.AH, 3: DeleteProtocol.ESP}
_MESSAGE_ID_BYTES: Final = 4
# Padding of IKEv1 is less than a cipher block, but implementations may add whole ones.
_MAX_PADDING: Final = 32

_IKEV1_KINDS: Final = {
    ikev1.MAIN_MODE: MessageKind.MAIN_MODE,
    ikev1.AGGRESSIVE: MessageKind.AGGRESSIVE,
    ikev1.INFORMATIONAL: MessageKind.INFORMATIONAL,
    ikev1.TRANSACTION: MessageKind.TRANSACTION,
    ikev1.QUICK_MODE: MessageKind.QUICK_MODE,
}
_IKEV2_KINDS: Final = {
    ikev2.SA_INIT: MessageKind.SA_INIT,
    ikev2.AUTH: MessageKind.AUTH,
    ikev2.CREATE_CHILD: MessageKind.CREATE_CHILD,
    ikev2.INFORMATIONAL: MessageKind.INFORMATIONAL,
}
_CONTENT_KINDS: Final = {
    0: MessageKind.LIVENESS,
    ikev2.PAYLOAD_NOTIFY: MessageKind.NOTIFY,
    ikev2.PAYLOAD_DELETE: MessageKind.DELETE,
    ikev2.PAYLOAD_CONFIG: MessageKind.CONFIG,
}
_DPD_KINDS: Final = {
    ikev1.R_U_THERE: MessageKind.R_U_THERE,
    ikev1.R_U_THERE_ACK: MessageKind.R_U_THERE_ACK,
}


class Printed(Struct):
    """What printed bytes say; unknown parts are None."""

    version: int
    kind: MessageKind
    message_id: int | None = None
    initiator_spi: str | None = None
    responder_spi: str | None = None
    response: bool | None = None
    length: int | None = None
    sequence: int | None = None
    protocol: DeleteProtocol = DeleteProtocol.UNKNOWN
    spis: tuple[str, ...] = ()

    def tell(self, event: LogEvent) -> None:
        """Add what the bytes say to the event of their message; they know better than words."""
        event.version = self.version
        if self.kind is not MessageKind.INFORMATIONAL or event.message is None:
            event.message = self.kind
        event.response = self.response if self.version == 2 else None
        event.message_id = event.message_id if self.message_id is None else self.message_id
        event.initiator_spi = self.initiator_spi or event.initiator_spi
        event.responder_spi = self.responder_spi or event.responder_spi
        event.length = event.length or self.length
        event.sequence = event.sequence if self.sequence is None else self.sequence
        if self.protocol is not DeleteProtocol.UNKNOWN:
            event.protocol, event.spis = self.protocol, self.spis


def from_hex(text: str) -> bytes:
    """The bytes of a hex dump, blanks and line ends left out, up to the first other character."""
    digits: list[str] = []
    for char in text[: 3 * MAX_BYTES]:
        if char in "0123456789abcdefABCDEF":
            digits.append(char)
        elif not char.isspace():
            break
    usable = len(digits) - len(digits) % 2
    return bytes.fromhex("".join(digits[:usable]))


def read(data: bytes) -> Printed | None:
    """What a printed message says; None for bytes that are none."""
    header = parse_header(data)
    if header is not None and header.major in (1, 2) and _plausible(header, data):
        return _read_ikev1(header, data) if header.major == 1 else _read_ikev2(header, data)
    return None


def read_payloads(data: bytes) -> Printed | None:
    """What a dump of IKEv1 payloads without a header says, with or without a message ID before.

    Only a DPD notify or a Delete is recognised: nothing else has a structure of its own.
    """
    for start in (0, _MESSAGE_ID_BYTES):
        for first in (ikev1.PAYLOAD_HASH, ikev1.PAYLOAD_NOTIFY, ikev1.PAYLOAD_DELETE):
            contents = ikev1.read(data, first, start, len(data))
            if not _whole_ikev1(data, contents):
                continue
            told = Printed(1, MessageKind.INFORMATIONAL)
            _tell_informational(told, contents)
            if told.kind in (MessageKind.INFORMATIONAL, MessageKind.NOTIFY):
                continue
            if start:
                told.message_id = int.from_bytes(data[:start], "big")
            return told
    return None


def _plausible(header: Header, data: bytes) -> bool:
    known = _IKEV1_KINDS if header.major == 1 else _IKEV2_KINDS
    # The header of a decrypted message keeps the length it had on the wire.
    fits = HEADER_BYTES <= header.length <= len(data) + 1024
    return fits and header.exchange_type in known and header.initiator_spi != _NO_SPI


def _of_header(header: Header, kind: MessageKind) -> Printed:
    responder = header.responder_spi
    return Printed(
        header.major,
        kind,
        header.message_id,
        header.initiator_spi.hex(),
        None if responder == _NO_SPI else responder.hex(),
        bool(header.flags & ikev2.FLAG_RESPONSE) if header.major == 2 else None,
        header.length,
    )


def _read_ikev1(header: Header, data: bytes) -> Printed:
    told = _of_header(header, _IKEV1_KINDS[header.exchange_type])
    if told.kind is MessageKind.INFORMATIONAL:
        contents = ikev1.read(data, header.next_payload, HEADER_BYTES, len(data))
        if _whole_ikev1(data, contents):
            _tell_informational(told, contents)
    return told


def _whole_ikev1(data: bytes, contents: Contents) -> bool:
    """Whether bytes are a chain of payloads and its padding, and not a cipher text."""
    if not contents.payloads or len(data) - contents.end > _MAX_PADDING:
        return False
    return ikev1.well_formed(data, contents, None)


def _tell_informational(told: Printed, contents: Contents) -> None:
    if contents.deletes:
        told.kind = MessageKind.DELETE
        _tell_delete(told, contents.deletes[0])
    elif contents.notifies:
        notify = contents.notifies[0]
        told.kind = _DPD_KINDS.get(notify.type, MessageKind.NOTIFY)
        if told.kind is not MessageKind.NOTIFY and len(notify.data) == 4:
            told.sequence = int.from_bytes(notify.data, "big")


def _tell_delete(told: Printed, delete: DeletePayload) -> None:
    told.protocol = _PROTOCOLS.get(delete.protocol, DeleteProtocol.UNKNOWN)
    if told.protocol is not DeleteProtocol.IKE:
        told.spis = delete.spis


def _read_ikev2(header: Header, data: bytes) -> Printed:
    told = _of_header(header, _IKEV2_KINDS[header.exchange_type])
    if told.kind is not MessageKind.INFORMATIONAL:
        return told
    outer = ikev2.read(data, header.next_payload, HEADER_BYTES, len(data))
    sk = outer.payloads[-1] if outer.payloads else None
    if sk is None or sk.type != ikev2.PAYLOAD_SK:
        return told
    # The Next Payload of an SK payload is in clear, also on the wire (RFC 7296 section 3.14).
    told.kind = _CONTENT_KINDS.get(sk.next, told.kind)
    if sk.end - sk.start == GENERIC_BYTES:
        _tell_ikev2(told, ikev2.read(data, sk.next, sk.end, len(data)))
    return told


def _tell_ikev2(told: Printed, contents: Contents) -> None:
    """The content of an SK payload in clear."""
    if not ikev2.well_formed(contents):
        return
    types = {notify.type for notify in contents.notifies}
    only_notifies = len(contents.notifies) == len(contents.payloads)
    if types and only_notifies and types <= ikev2.NAT_DETECTION:
        told.kind = MessageKind.LIVENESS_MOBIKE
    elif contents.deletes:
        _tell_delete(told, contents.deletes[0])
