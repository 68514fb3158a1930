"""One IKE message after another, from its bytes to an `IkeMessage`, with and without keys.

Header facts are certain without any key, among them the Next Payload of an SK payload, which tells
an empty IKEv2 INFORMATIONAL from a Delete (RFC 7296 section 3.14). Nothing here relates messages to
each other, except what decryption and reassembly need.
"""

from __future__ import annotations

from collections.abc import Hashable
from hashlib import blake2b
from sys import intern
from typing import TYPE_CHECKING, Final

from msgspec.structs import replace

from analyzers.decode.ike_fragments import FragmentBuffers, Piece
from analyzers.model.observations import Datagram, IkeMessage, MessageKind, Notify
from analyzers.model.records import Basis, Confidence, Problem, ProblemKind, Ref
from analyzers.wire import ikev1, ikev2
from analyzers.wire.ike import (
    GENERIC,
    GENERIC_BYTES,
    HEADER,
    HEADER_BYTES,
    Contents,
    Header,
    Payload,
)
from analyzers.wire.ikev2 import Protected

if TYPE_CHECKING:
    from analyzers.decode.ikev1_decryption import Ikev1Decryption
    from analyzers.decode.ikev2_decryption import Ikev2Decryption
    from analyzers.wire.keys import KeyRing

FINGERPRINT_BYTES: Final = 16
# A damaged chain can break in many places; the first ones tell what is wrong.
MAX_MESSAGE_PROBLEMS: Final = 8

_IKEV1_KINDS: Final = {
    ikev1.MAIN_MODE: MessageKind.MAIN_MODE,
    ikev1.AGGRESSIVE: MessageKind.AGGRESSIVE,
    ikev1.INFORMATIONAL: MessageKind.INFORMATIONAL,
    ikev1.TRANSACTION: MessageKind.TRANSACTION,
    ikev1.QUICK_MODE: MessageKind.QUICK_MODE,
    ikev1.NEW_GROUP: MessageKind.NEW_GROUP,
}
_IKEV2_KINDS: Final = {
    ikev2.SA_INIT: MessageKind.SA_INIT,
    ikev2.AUTH: MessageKind.AUTH,
    ikev2.CREATE_CHILD: MessageKind.CREATE_CHILD,
    ikev2.INFORMATIONAL: MessageKind.INFORMATIONAL,
}
# An INFORMATIONAL by the type of its first payload, in clear or inside SK.
_IKEV2_INFORMATIONAL_KINDS: Final = {
    ikev2.PAYLOAD_NOTIFY: MessageKind.NOTIFY,
    ikev2.PAYLOAD_DELETE: MessageKind.DELETE,
    ikev2.PAYLOAD_CONFIG: MessageKind.CONFIG,
}
_DPD_KINDS: Final = {
    ikev1.R_U_THERE: MessageKind.R_U_THERE,
    ikev1.R_U_THERE_ACK: MessageKind.R_U_THERE_ACK,
}
# What nearly all messages have in common; held once, as each message is kept.
_ONLY_SK: Final = (ikev2.PAYLOAD_SK,)
_PORTS: Final = {port: port for port in (500, 4500)}
_NO_SK: Final = Payload(0, 0, 0, 0)


class _Draft:
    """A message in the making: the datagram, its bytes, and what is wrong with them."""

    __slots__ = ("cut_by_snaplen", "damage", "datagram", "header", "message", "notes", "problems")

    def __init__(self, datagram: Datagram, header: Header, message: IkeMessage) -> None:
        self.datagram = datagram
        self.header = header
        self.message = message
        self.damage: list[str] = []
        self.notes: list[str] = []
        self.problems: list[Problem] = []
        self.cut_by_snaplen = False

    def finish(self) -> tuple[IkeMessage, list[Problem]]:
        message = self.message
        if self.damage or self.notes:
            message.problems = tuple(self.damage[:MAX_MESSAGE_PROBLEMS] + self.notes)
        # Whoever cut the frame off has told of the snap length already.
        if self.damage and not self.cut_by_snaplen:
            if message.integrity_ok is not True:
                message.confidence = Confidence.SUSPECT
            detail = "; ".join(self.damage[:MAX_MESSAGE_PROBLEMS])
            self.problems.append(Problem(ProblemKind.MALFORMED_IKE, detail, message.ref))
        return message, self.problems


class IkeDecoder:
    """Decodes the IKE messages of an input in their order; the order is all it depends on."""

    def __init__(self, keys: KeyRing | None = None) -> None:
        """`keys` are marked as they turn out to be of use."""
        self._fragments = FragmentBuffers()
        self._ikev1: Ikev1Decryption | None = None
        self._ikev2: Ikev2Decryption | None = None
        # Most runs have no keys and start faster without all that concerns them.
        if keys is not None and keys.ikev1:
            from analyzers.decode.ikev1_decryption import Ikev1Decryption

            self._ikev1 = Ikev1Decryption(keys)
        if keys is not None and keys.ikev2:
            from analyzers.decode.ikev2_decryption import Ikev2Decryption

            self._ikev2 = Ikev2Decryption(keys)

    def decode(self, datagram: Datagram) -> tuple[IkeMessage | None, list[Problem]]:
        """The message in a datagram, and what is wrong with it; never raises.

        None when it is no IKE at all. The last missing piece of a fragmented message gives the
        whole message, every other piece a message of kind FRAGMENT.
        """
        return self._decode(datagram, whole=False)

    def finish(self) -> list[Problem]:
        """At the end of the input: fragmented messages that never became whole."""
        return self._fragments.finish()

    def _decode(self, datagram: Datagram, whole: bool) -> tuple[IkeMessage | None, list[Problem]]:
        data = datagram.payload
        if len(data) < HEADER_BYTES:
            detail = f"{len(data)} bytes are no IKE message"
            return None, [Problem(ProblemKind.MALFORMED_IKE, detail, datagram.ref)]
        header = Header._make(HEADER.unpack_from(data))
        major = header.version >> 4
        if major not in (1, 2):
            detail = f"IKE version {major}.{header.version & 15} does not exist"
            return None, [Problem(ProblemKind.MALFORMED_IKE, detail, datagram.ref)]
        message = IkeMessage(
            at_ns=datagram.at_ns,
            ref=datagram.ref,
            # Every message is kept; what many of them share is held once.
            src=intern(datagram.src),
            dst=intern(datagram.dst),
            sport=_PORTS.get(datagram.sport, datagram.sport),
            dport=_PORTS.get(datagram.dport, datagram.dport),
            encapsulation=datagram.encapsulation,
            version=major,
            initiator_spi=intern(header.initiator_spi.hex()),
            responder_spi=intern(header.responder_spi.hex()),
            exchange_type=header.exchange_type,
            flags=header.flags,
            message_id=header.message_id,
            length=header.length,
            first_payload=header.next_payload,
            fingerprint=b"",
        )
        draft = _Draft(datagram, header, message)
        length = header.length
        if length != len(data):
            data = _cut_to_length(draft, data)
        message.fingerprint = blake2b(data, digest_size=FINGERPRINT_BYTES).digest()
        if major == 2:
            self._read_ikev2(draft, data)
        elif header.next_payload == ikev1.PAYLOAD_CISCO_FRAGMENT:
            return self._take_cisco_piece(draft, data, whole)
        else:
            self._read_ikev1(draft, data)
        return draft.finish()

    # IKEv2

    def _read_ikev2(self, draft: _Draft, data: bytes) -> None:
        header, message = draft.header, draft.message
        kind = _IKEV2_KINDS.get(header.exchange_type, MessageKind.OTHER)
        message.kind = kind
        if header.next_payload == ikev2.PAYLOAD_SK and len(data) >= HEADER_BYTES + GENERIC_BYTES:
            # By far the most frequent case: nothing but an SK payload.
            following, _, length = GENERIC.unpack_from(data, HEADER_BYTES)
            end = HEADER_BYTES + length
            if end == len(data) and length >= GENERIC_BYTES:
                message.payload_types = _ONLY_SK
                sk = Payload(ikev2.PAYLOAD_SK, following, HEADER_BYTES, end)
                self._read_protected(draft, data, sk)
                return
        contents = ikev2.read(data, header.next_payload, HEADER_BYTES, len(data))
        _fill(message, contents)
        draft.damage += contents.problems
        last = contents.payloads[-1] if contents.payloads else _NO_SK
        if last.type in ikev2.ENCRYPTED_PAYLOADS:
            if contents.end != len(data):
                draft.damage.append(f"{len(data) - contents.end} bytes follow the SK payload")
            if last.type == ikev2.PAYLOAD_SK:
                self._read_protected(draft, data, last)
            else:
                self._take_skf(draft, data, last)
            return
        if contents.end < len(data) and not contents.problems:
            draft.notes.append(f"{len(data) - contents.end} bytes follow the last payload")
        if kind is MessageKind.INFORMATIONAL:
            # Unprotected: a hint at most (RFC 7296 section 2.4); an empty one is no liveness.
            message.kind = _IKEV2_INFORMATIONAL_KINDS.get(header.next_payload, kind)
        elif self._ikev2 is not None and kind is MessageKind.SA_INIT and message.is_response:
            self._ikev2.note_chosen(header, contents.proposals)

    def _read_protected(self, draft: _Draft, data: bytes, sk: Payload) -> None:
        self._describe_protected(draft, sk.next)
        if sk.end - sk.start < GENERIC_BYTES + ikev2.MIN_PROTECTED_BYTES and not draft.damage:
            draft.damage.append(f"an SK payload of {sk.end - sk.start} bytes holds no message")
        if self._ikev2 is not None and not draft.damage:
            self._decrypt_ikev2(draft, [Protected(data, sk)], sk.next)

    def _describe_protected(self, draft: _Draft, inner: int) -> None:
        message = draft.message
        message.encrypted = True
        message.sk_next_payload = inner
        if message.kind is MessageKind.INFORMATIONAL:
            message.kind = (
                MessageKind.LIVENESS
                if inner == 0
                else _IKEV2_INFORMATIONAL_KINDS.get(inner, MessageKind.INFORMATIONAL)
            )

    def _decrypt_ikev2(self, draft: _Draft, parts: list[Protected], inner: int) -> None:
        if self._ikev2 is None:
            return
        opened = self._ikev2.open(draft.header, parts, inner)
        if opened is None:
            return
        message = draft.message
        message.integrity_ok = opened.integrity_ok
        message.confidence = opened.confidence
        if opened.problem is not None:
            _note_undecrypted(draft, *opened.problem)
        contents = opened.contents
        if contents is None:
            return
        message.basis = Basis.DECRYPTED
        outer = message.payload_types
        _fill(message, contents)
        message.payload_types = outer + message.payload_types
        draft.damage += contents.problems
        types = {n.type for n in contents.notifies}
        if (
            message.kind is MessageKind.NOTIFY
            and len(contents.notifies) == len(contents.payloads)
            and types <= ikev2.NAT_DETECTION
        ):
            message.kind = MessageKind.LIVENESS_MOBIKE

    def _take_skf(self, draft: _Draft, data: bytes, skf: Payload) -> None:
        message, header = draft.message, draft.header
        real = message.kind
        message.encrypted = True
        message.kind = MessageKind.FRAGMENT
        numbers = ikev2.fragment_header(data, skf)
        if numbers is None:
            draft.damage.append("SKF payload with an impossible fragment number")
        if numbers is None or draft.damage:
            return
        if numbers.number == 1:
            message.sk_next_payload = skf.next
        key: Hashable = (2, header[:2], header.message_id, header.exchange_type, header.flags)
        pieces, problems = self._fragments.add(
            key, numbers.number, numbers.total, Piece(data, message.ref), message.at_ns
        )
        draft.problems += problems
        if pieces is None:
            return
        message.kind = real
        message.refs = _in_order(pieces)
        joined = b"".join(p.data for p in pieces)
        message.fingerprint = blake2b(joined, digest_size=FINGERPRINT_BYTES).digest()
        # Each piece passed this very check, so each has its SKF payload last.
        parts = [Protected(p.data, _last_payload(p.data)) for p in pieces]
        inner = parts[0].payload.next
        self._describe_protected(draft, inner)
        self._decrypt_ikev2(draft, parts, inner)

    # IKEv1

    def _read_ikev1(self, draft: _Draft, data: bytes) -> None:
        header, message = draft.header, draft.message
        kind = _IKEV1_KINDS.get(header.exchange_type, MessageKind.OTHER)
        message.kind = kind
        if header.flags & ikev1.FLAG_ENCRYPTED:
            message.encrypted = True
            body_bytes = len(data) - HEADER_BYTES
            if not draft.damage and (body_bytes % 8 or not body_bytes):
                draft.damage.append(f"{body_bytes} encrypted bytes are no whole cipher blocks")
            if self._ikev1 is not None and not draft.damage:
                self._decrypt_ikev1(draft, data)
            return
        contents = ikev1.read(data, header.next_payload, HEADER_BYTES, len(data))
        _fill(message, contents)
        draft.damage += contents.problems
        if contents.end < len(data) and not contents.problems:
            draft.notes.append(f"{len(data) - contents.end} bytes follow the last payload")
        if kind is MessageKind.INFORMATIONAL:
            _tell_informational(draft, contents)
        elif self._ikev1 is not None:
            self._ikev1.note_clear(header, draft.datagram.src, contents)

    def _decrypt_ikev1(self, draft: _Draft, data: bytes) -> None:
        if self._ikev1 is None:
            return
        message = draft.message
        opened = self._ikev1.open(draft.header, data, message.fingerprint)
        if opened is None:
            return
        draft.notes += opened.notes
        if opened.problem is not None:
            _note_undecrypted(draft, *opened.problem)
        if opened.contents is None:
            return
        message.basis = Basis.DECRYPTED
        message.confidence = opened.confidence
        message.integrity_ok = opened.integrity_ok
        _fill(message, opened.contents)
        if message.kind is MessageKind.INFORMATIONAL:
            _tell_informational(draft, opened.contents)

    def _take_cisco_piece(
        self, draft: _Draft, data: bytes, whole: bool
    ) -> tuple[IkeMessage | None, list[Problem]]:
        """A piece of a message that was cut up with its header (Cisco's payload 132)."""
        message, header = draft.message, draft.header
        message.kind = MessageKind.FRAGMENT
        contents = ikev1.read(data, header.next_payload, HEADER_BYTES, len(data))
        message.payload_types = tuple(contents.types)
        draft.damage += contents.problems
        piece = ikev1.cisco_fragment(data, contents.payloads[0]) if contents.payloads else None
        if piece is None and not draft.damage:
            draft.damage.append("Cisco fragment without a number")
        if whole:
            draft.damage.append("a fragment within fragments")
        if piece is None or draft.damage:
            return draft.finish()
        ident, number, last, body = piece
        datagram = draft.datagram
        key: Hashable = (
            *(1, datagram.src, datagram.dst, header[:2]),
            *(header.message_id, header.exchange_type, ident),
        )
        pieces, problems = self._fragments.add(
            key, number, number if last else None, Piece(body, message.ref), message.at_ns
        )
        draft.problems += problems
        if pieces is None:
            return draft.finish()
        joined = b"".join(p.data for p in pieces)
        complete, more = self._decode(
            replace(datagram, payload=joined, missing_bytes=0), whole=True
        )
        if complete is None:
            draft.problems += more
            return draft.finish()
        complete.refs = _in_order(pieces)
        complete.payload_types = message.payload_types + complete.payload_types
        return complete, draft.problems + more


def _cut_to_length(draft: _Draft, data: bytes) -> bytes:
    """The bytes that belong to the message; notes where the header says something else."""
    length = draft.header.length
    if length < HEADER_BYTES:
        draft.damage.append(f"the header gives a length of {length} bytes")
        return data[:HEADER_BYTES]
    if length < len(data):
        draft.notes.append(f"{len(data) - length} bytes follow the message")
        return data[:length]
    missing = length - len(data)
    draft.cut_by_snaplen = missing <= draft.datagram.missing_bytes
    reason = "cut off by the snap length" if draft.cut_by_snaplen else "missing"
    draft.damage.append(f"{missing} of {length} bytes are {reason}")
    return data


def _fill(message: IkeMessage, contents: Contents) -> None:
    message.payload_types = tuple(contents.types)
    message.notifies = tuple(contents.notifies)
    message.deletes = tuple(contents.deletes)
    message.vendor_ids = tuple(contents.vendor_ids)
    message.proposals = tuple(contents.proposals)


def _last_payload(data: bytes) -> Payload:
    return ikev2.read(data, data[16], HEADER_BYTES, len(data)).payloads[-1]


def _in_order(pieces: list[Piece]) -> tuple[Ref, ...]:
    return tuple(sorted({p.ref for p in pieces}, key=lambda r: (r.source, r.record)))


def _tell_informational(draft: _Draft, contents: Contents) -> None:
    """An IKEv1 Informational by its first Notification or Delete, wherever the HASH stands.

    RFC 3706 draws NOTIFY before HASH, RFC 2409 after it; both are in use.
    """
    message = draft.message
    first = next(
        (t for t in contents.types if t in (ikev1.PAYLOAD_NOTIFY, ikev1.PAYLOAD_DELETE)), 0
    )
    if first == ikev1.PAYLOAD_DELETE:
        message.kind = MessageKind.DELETE
    elif first == ikev1.PAYLOAD_NOTIFY and contents.notifies:
        notify = contents.notifies[0]
        message.kind = _DPD_KINDS.get(notify.type, MessageKind.NOTIFY)
        if notify.type in _DPD_KINDS:
            _read_dpd(draft, notify)


def _note_undecrypted(draft: _Draft, kind: ProblemKind, detail: str) -> None:
    draft.problems.append(Problem(kind, detail, draft.message.ref))
    if kind is not ProblemKind.DECRYPTION_FAILED:
        # Keys that do not fit are no fault of the message.
        draft.notes.append(detail)


def _read_dpd(draft: _Draft, notify: Notify) -> None:
    """The sequence number, and whether the SPI names this SA (RFC 3706 section 5.3)."""
    message = draft.message
    name = ikev1.notify_name(notify.type)
    if len(notify.data) == 4:
        message.dpd_sequence = int.from_bytes(notify.data, "big")
    else:
        draft.damage.append(f"{name} with {len(notify.data)} bytes in place of a sequence number")
    if not notify.spi:
        draft.notes.append(f"{name} without an SPI")
    elif notify.spi == message.responder_spi + message.initiator_spi:
        draft.notes.append(f"{name} with swapped cookies as SPI")
    elif notify.spi != message.initiator_spi + message.responder_spi:
        draft.notes.append(f"{name} with an SPI that is not the cookies of this SA")
