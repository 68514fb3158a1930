"""IKEv2 requests and the times they were sent: what a message ID was used for on the wire."""

from __future__ import annotations

from collections.abc import Iterator

from msgspec import Struct, field

from analyzers.model.observations import IkeMessage, MessageKind
from analyzers.rules.case import Case
from analyzers.rules.once import once

_UNFIT = frozenset({MessageKind.SA_INIT, MessageKind.FRAGMENT})


class Request(Struct):
    """One request of one end, and everything sent under its ID before it was answered."""

    sent: list[IkeMessage] = field(default_factory=list)
    answer: IkeMessage | None = None

    @property
    def first(self) -> IkeMessage:
        """Its first transmission."""
        return self.sent[0]


@once
def requests(case: Case) -> tuple[list[Request], ...]:
    """The captured IKEv2 requests of each end on each IKE SA, in the order of time.

    Left out: IKE_SA_INIT, which is sent anew with a cookie or another group; what came in
    fragments, which may be cut anew; and messages that are damaged, or fail their check.
    """
    return tuple(_requests(case))


def _requests(case: Case) -> Iterator[list[Request]]:
    for messages in case.packets.values():
        of_end: dict[bool, list[Request]] = {}
        current: dict[tuple[bool, int], Request] = {}
        for message in messages:
            if message.version != 2:
                continue
            end = case.is_local(message.src)
            if message.is_response:
                asked = current.get((not end, message.message_id))
                if asked is not None and asked.answer is None:
                    asked.answer = message
                continue
            if not _is_whole(message):
                continue
            known = current.get((end, message.message_id))
            if known is None or known.answer is not None or not _same_use(known, message):
                known = Request()
                current[end, message.message_id] = known
                of_end.setdefault(end, []).append(known)
            known.sent.append(message)
        yield from of_end.values()


def _is_whole(message: IkeMessage) -> bool:
    return (
        message.kind not in _UNFIT
        and not message.refs
        and not message.problems
        and message.integrity_ok is not False
    )


def _same_use(known: Request, message: IkeMessage) -> bool:
    return known.first.exchange_type == message.exchange_type
