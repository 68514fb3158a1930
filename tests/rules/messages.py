"""Hand-made IKE messages, for what no timeline can say."""

from __future__ import annotations

from typing import Any

from analyzers.model.observations import IkeMessage, MessageKind
from analyzers.model.records import Basis
from tests.model_builders import ike_message

_EXCHANGE_TYPES = {
    MessageKind.SA_INIT: 34,
    MessageKind.AUTH: 35,
    MessageKind.CREATE_CHILD: 36,
}
_RESPONSE = 0x20


def message(
    seconds: float,
    src: str,
    dst: str,
    kind: MessageKind,
    *,
    sa: str = "i1",
    clear: bool = False,
    response: bool = False,
    **changes: Any,
) -> IkeMessage:
    """An IKEv2 message that keys have opened; its frame is its time in tenths of a second."""
    record = round(seconds * 10) + 1
    told: dict[str, Any] = {
        "src": src,
        "dst": dst,
        "exchange_type": _EXCHANGE_TYPES.get(kind, 37),
        "flags": _RESPONSE * response,
        "message_id": record,
        "length": 80,
        "fingerprint": record.to_bytes(16, "big"),
        "kind": kind,
        "encrypted": not clear,
        "basis": Basis.HEADER if clear else Basis.DECRYPTED,
        "ike_sa": sa,
    }
    return ike_message(seconds, record, **told | changes)
