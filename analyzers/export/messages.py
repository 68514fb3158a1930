"""IKE messages in words, as those who read captures call them."""

from __future__ import annotations

from typing import Final

from analyzers.model.observations import EXCHANGE_NAMES, IkeMessage, MessageKind

MESSAGE: Final = {
    **EXCHANGE_NAMES,
    MessageKind.LIVENESS: "liveness check",
    MessageKind.LIVENESS_MOBIKE: "liveness check (MOBIKE)",
    MessageKind.R_U_THERE: "R-U-THERE",
    MessageKind.R_U_THERE_ACK: "R-U-THERE-ACK",
    MessageKind.DELETE: "Delete",
    MessageKind.NOTIFY: "notify",
    MessageKind.CONFIG: "configuration",
    MessageKind.INFORMATIONAL: "Informational",
    MessageKind.FRAGMENT: "IKE fragment",
    MessageKind.OTHER: "other exchange",
}

_EMPTY: Final = (MessageKind.LIVENESS, MessageKind.LIVENESS_MOBIKE)


def message_word(message: IkeMessage) -> str:
    """What a message is: "IKE_AUTH request", "Main Mode"."""
    word = MESSAGE[message.kind]
    if message.kind is MessageKind.OTHER:
        word = f"exchange type {message.exchange_type}"
    if message.version != 2:
        return word
    if message.is_response and message.kind in _EMPTY:
        # Any request of this exchange type may be answered by nothing.
        return "empty INFORMATIONAL response"
    return f"{word} {'response' if message.is_response else 'request'}"
