"""IKEv2 messages of timelines: what is protected is random, and nobody can open it."""

from __future__ import annotations

import struct
from collections.abc import Mapping
from typing import Final

from tests.builders import ike_header
from tests.scenarios.ikev1_messages import esp_spi, ike_spi, payload, random_bytes

_INITIATOR, _RESPONSE = 0x08, 0x20
_NOTIFY, _SK, _SKF = 41, 46, 53
# IKEv2: exchange type, SK's Next Payload in request and response, length.
_V2: Final = {
    "auth": (35, 35, 36, 256),
    "create-child": (36, 33, 33, 240),
    "rekey-child": (36, 41, 33, 256),
    "liveness": (37, 0, 0, 80),
    "notify": (37, 41, 41, 128),
    "delete": (37, 42, 42, 80),
    "config": (37, 47, 47, 96),
}


def ikev2_message(
    words: tuple[str, ...],
    options: Mapping[str, str],
    *,
    name: str,
    number: int,
    initiates: bool,
) -> bytes:
    """The message of a line; `number` counts the moments of a stream.

    `initiates`: whether the initiator of the IKE SA `name` sends it.
    """
    verb = words[0]
    spis = (ike_spi(name, "i"), ike_spi(name, "r"))
    response = words[-1] == "resp"
    flags = _INITIATOR * initiates | _RESPONSE * response
    if verb == "sa-init":
        told = int(options.get("notify", "0"))
        seed = f"sa-init {name} {response}{options.get('bytes', '')}"
        body = payload(0, struct.pack(">BBH", 0, 0, told)) if told else _sa_init_body(seed)
        return ike_header(
            body,
            exchange=34,
            flags=flags,
            message_id=0,
            next_payload=_NOTIFY if told else 33,
            initiator_spi=spis[0],
            responder_spi=spis[1] if response and not told else bytes(8),
        )
    if verb == "unprotected":
        return _clear_notify(int(words[1]), options, spis, initiates)
    exchange, asked, answered, length = _V2[verb]
    counts = words[1].endswith("+")
    message_id = int(words[1].rstrip("+"), 0) + number * counts
    following = int(options.get("next", answered if response else asked))
    length = int(options.get("len", length))
    seed = f"{name} {verb} {message_id} {flags}"
    protected = random_bytes(seed + options.get("bytes", ""), length - 32)
    protects = _SK
    if "piece" in options:
        piece, _, pieces = options["piece"].partition("/")
        # RFC 7383 section 2.5: the first payload stands in the first fragment only.
        following *= piece == "1"
        protects = _SKF
        protected = struct.pack(">HH", int(piece), int(pieces)) + protected[4:]
    return ike_header(
        struct.pack(">BBH", following, 0, length - 28) + protected,
        exchange=exchange,
        flags=flags,
        message_id=message_id,
        next_payload=protects,
        initiator_spi=spis[0],
        responder_spi=spis[1],
    )


def _clear_notify(
    kind: int, options: Mapping[str, str], spis: tuple[bytes, bytes], initiates: bool
) -> bytes:
    """RFC 7296 section 1.5: about an IKE SA an answer with its SPIs, about ESP with others."""
    about = struct.pack(">I", esp_spi(options["esp"])) if "esp" in options else b""
    if about:
        none = options.get("spis") == "zero"
        spis = (bytes(8) if none else random_bytes(f"no SA {about.hex()}", 8), bytes(8))
    return ike_header(
        payload(0, struct.pack(">BBH", 0, 0, kind) + about),
        exchange=37,
        flags=_INITIATOR if about else _INITIATOR * initiates | _RESPONSE,
        message_id=int(options.get("id", "0"), 0),
        next_payload=_NOTIFY,
        initiator_spi=spis[0],
        responder_spi=spis[1],
    )


def _sa_init_body(seed: str) -> bytes:
    transforms = [(1, 12, b"\x80\x0e\x01\x00"), (2, 5, b""), (3, 12, b""), (4, 14, b"")]
    parts = b""
    for index, (kind, ident, attributes) in enumerate(transforms):
        more = 3 if index + 1 < len(transforms) else 0
        parts += struct.pack(">BBHBBH", more, 0, 8 + len(attributes), kind, 0, ident) + attributes
    proposal = struct.pack(">BBHBBBB", 0, 0, 8 + len(parts), 1, 1, 0, len(transforms)) + parts
    key_exchange = struct.pack(">HH", 14, 0) + random_bytes(seed + "ke", 256)
    return payload(34, proposal) + payload(40, key_exchange) + payload(0, random_bytes(seed, 32))
