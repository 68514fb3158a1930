"""DPD messages that were opened with keys."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from analyzers.model.observations import IkeMessage, MessageKind
from analyzers.model.records import Basis
from analyzers.rules.case import Case
from analyzers.rules.once import once
from analyzers.rules.sequence.numbers import is_believed

_DPD: Final = {
    MessageKind.R_U_THERE: "R-U-THERE",
    MessageKind.R_U_THERE_ACK: "R-U-THERE-ACK",
}


@once
def opened_dpd(case: Case) -> tuple[IkeMessage, ...]:
    """R-U-THEREs and their answers whose payloads can be read, each once."""
    return tuple(_opened(case))


def _opened(case: Case) -> Iterator[IkeMessage]:
    seen: set[bytes] = set()
    for message in case.peer.messages:
        if message.kind not in _DPD or message.basis is not Basis.DECRYPTED:
            continue
        if message.notifies and is_believed(message) and message.fingerprint not in seen:
            seen.add(message.fingerprint)
            yield message


def dpd_name(message: IkeMessage) -> str:
    """What RFC 3706 calls a message."""
    return _DPD[message.kind]
