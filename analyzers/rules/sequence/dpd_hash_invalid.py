"""dpd-hash-invalid: the HASH(1) of an Informational does not fit what it protects."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from typing import Final

from analyzers.model.finding import Severity
from analyzers.model.observations import IkeMessage, MessageKind
from analyzers.rules.case import Case
from analyzers.rules.peer_rule import PeerRule
from analyzers.rules.rule import Found, Needs
from analyzers.rules.wording import few, sa_name, times

_INFORMATIONAL: Final = 5
# Acknowledged Informationals hash nonces too (Windows; MS-IKEE 3.8.4.1).
_NONCE: Final = 10
_NAMES: Final = {
    MessageKind.R_U_THERE: "an R-U-THERE",
    MessageKind.R_U_THERE_ACK: "an R-U-THERE-ACK",
    MessageKind.DELETE: "a Delete",
}


def _check(case: Case) -> Iterator[Found]:
    for ike_sa, messages in case.messages.items():
        # One right hash shows that the key is right.
        if not any(m.version == 1 and m.integrity_ok for m in messages):
            continue
        wrong: dict[str, list[IkeMessage]] = defaultdict(list)
        for message in messages:
            if message.integrity_ok is False and _is_plain(message):
                wrong[message.src].append(message)
        for sender, all_of in wrong.items():
            name = _NAMES.get(all_of[0].kind, "a Notification")
            yield Found(
                f"{sender} sent {name} with a wrong HASH on {sa_name(case.sas[ike_sa])},"
                f" {times(len(all_of))}; the hashes of other messages of this SA are right.",
                few(m.ref for m in all_of),
                at_ns=all_of[0].at_ns,
                end=sender,
            )


def _is_plain(message: IkeMessage) -> bool:
    return message.exchange_type == _INFORMATIONAL and _NONCE not in message.payload_types


RULE = PeerRule(
    id="dpd-hash-invalid",
    severity=Severity.ERROR,
    title="The HASH of an Informational is wrong",
    rationale=(
        "The receiver must drop the message: a question is then never answered, and an answer"
        " never counts. Either the sender computes it wrongly, or somebody changed the message."
    ),
    remedy=(
        "If it is every message of one end, update that end (the HASH covers the message ID and"
        " the Notification as sent); if it is a single one, look for who sent it."
    ),
    source="RFC 2409 section 5.7",
    needs=(Needs.KEYS,),
    traps=(
        "no hash of the SA is right: then the key is wrong",
        "the order of the payloads does not matter: it covers the Notification only",
        "an acknowledged Informational with a Nonce hashes that too",
    ),
    check=_check,
)
