"""IKEv2 requests of one IKE SA, each with its retransmissions and its answer."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

from msgspec import Struct

from analyzers.model.exchange import NO_MESSAGE_ID
from analyzers.model.observations import IkeMessage, MessageKind
from analyzers.model.records import Basis

SET_WINDOW_SIZE: Final = 16385
_PAYLOAD_NOTIFY: Final = 41
_INFORMATIONAL: Final = 37

_NAMES: Final = {
    MessageKind.AUTH: "IKE_AUTH",
    MessageKind.CREATE_CHILD: "CREATE_CHILD_SA",
    MessageKind.LIVENESS: "liveness",
    MessageKind.LIVENESS_MOBIKE: "liveness",
    MessageKind.DELETE: "Delete",
}


class Request(Struct, frozen=True):
    """A request of the initiator of its IKE SA, or of the responder."""

    by_initiator: bool
    message_id: int
    sent: tuple[IkeMessage, ...]
    answer: IkeMessage | None

    @property
    def first(self) -> IkeMessage:
        """Its first transmission."""
        return self.sent[0]

    @property
    def name(self) -> str:
        """The exchange, for people: "CREATE_CHILD_SA", "liveness", "INFORMATIONAL"."""
        return _NAMES.get(self.first.kind, "INFORMATIONAL")


def requests_of(messages: Iterable[IkeMessage]) -> list[Request]:
    """The protected requests of one IKE SA as packets show them, in the order of time.

    A message ID that comes again with other bytes is another request: what that means is for rules.
    """
    order: list[tuple[bool, list[IkeMessage]]] = []
    latest: dict[tuple[bool, int], list[IkeMessage]] = {}
    answers: dict[int, IkeMessage] = {}
    for message in _protected(messages):
        if message.is_response:
            asked = latest.get((not message.from_initiator, message.message_id))
            if asked is not None:
                answers.setdefault(id(asked), message)
            continue
        key = (message.from_initiator, message.message_id)
        known = latest.get(key)
        if known is not None and _same(known[0], message):
            known.append(message)
            continue
        latest[key] = [message]
        order.append((message.from_initiator, latest[key]))
    return [
        Request(by_initiator, sent[0].message_id, tuple(sent), answers.get(id(sent)))
        for by_initiator, sent in order
    ]


def synchronises(request: Request) -> bool:
    """Whether it may be the MESSAGE_ID_SYNC of a cluster, after which IDs jump (RFC 6311)."""
    message = request.first
    return (
        message.message_id == 0
        and message.exchange_type == _INFORMATIONAL
        and message.sk_next_payload in (None, _PAYLOAD_NOTIFY)
    )


def window_known(messages: Iterable[IkeMessage]) -> bool | None:
    """Whether the window is 1: False if one side says otherwise; None where it is encrypted."""
    read = False
    for message in messages:
        if any(n.type == SET_WINDOW_SIZE for n in message.notifies):
            return False
        read = read or (message.kind is MessageKind.AUTH and message.basis is Basis.DECRYPTED)
    return True if read else None


def _protected(messages: Iterable[IkeMessage]) -> Iterator[IkeMessage]:
    for message in messages:
        if (
            message.version == 2
            and message.encrypted
            and message.integrity_ok is not False
            and message.kind is not MessageKind.FRAGMENT
            and message.basis is not Basis.LOG
            and message.message_id < NO_MESSAGE_ID
        ):
            yield message


def _same(known: IkeMessage, message: IkeMessage) -> bool:
    # A message that came in fragments may be cut in another way when it is sent again.
    return known.fingerprint == message.fingerprint or bool(known.refs) or bool(message.refs)
