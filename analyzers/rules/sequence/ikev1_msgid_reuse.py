"""ikev1-msgid-reuse: an Informational has the message ID of another exchange."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from typing import Final

from analyzers.model.finding import Severity
from analyzers.model.observations import IkeMessage, MessageKind
from analyzers.model.records import Basis
from analyzers.rules.case import Case
from analyzers.rules.peer_rule import PeerRule
from analyzers.rules.rule import Found, Needs
from analyzers.rules.wording import few, sa_name, times, weakest

_INFORMATIONAL: Final = 5
_COMMIT: Final = 0x02
_CONNECTED: Final = 16384
_DPD: Final = frozenset({MessageKind.R_U_THERE, MessageKind.R_U_THERE_ACK})

_Pair = tuple[IkeMessage, IkeMessage]


def _check(case: Case) -> Iterator[Found]:
    for ike_sa, messages in case.messages.items():
        pairs: dict[str, list[_Pair]] = defaultdict(list)
        for before, after in _reused(messages):
            pairs[after.src].append((before, after))
        for sender, own in pairs.items():
            before, after = own[0]
            whose = "its own" if before.src == sender else f"one of {before.src}"
            count = f", {times(len(own))} in all" if len(own) > 1 else ""
            yield Found(
                f"{sender} sent an Informational with message ID 0x{after.message_id:08x} on"
                f" {sa_name(case.sas[ike_sa])}: that of another exchange, {whose}{count}.",
                few(m.ref for pair in own for m in pair),
                confidence=weakest(m.confidence for pair in own for m in pair),
                at_ns=after.at_ns,
                end=sender,
            )


def _reused(messages: list[IkeMessage]) -> Iterator[_Pair]:
    """Each Informational whose message ID was used before, with the one that had it."""
    first: dict[int, IkeMessage] = {}
    seen: set[bytes] = set()
    for message in messages:
        captured = message.version == 1 and message.basis is not Basis.LOG
        if not captured or not message.encrypted or not message.message_id:
            continue
        if message.kind is MessageKind.FRAGMENT or message.fingerprint in seen:
            continue
        seen.add(message.fingerprint)
        before = first.setdefault(message.message_id, message)
        if (
            before is not message
            and message.exchange_type == _INFORMATIONAL
            and not _belongs(message, before)
        ):
            yield before, message


def _belongs(message: IkeMessage, before: IkeMessage) -> bool:
    """Whether the message may be of the exchange that has its message ID."""
    if before.exchange_type != _INFORMATIONAL:
        # RFC 2408 section 4.8: CONNECTED tells the end of a Quick Mode with the commit bit.
        connected = any(n.type == _CONNECTED for n in message.notifies)
        return connected or bool((before.flags | message.flags) & _COMMIT)
    # Acknowledged Informationals are two messages of one exchange; DPD is never that.
    return before.src != message.src and message.kind not in _DPD


RULE = PeerRule(
    id="ikev1-msgid-reuse",
    severity=Severity.WARNING,
    title="A message ID is used for two exchanges",
    rationale=(
        "The message ID makes the IV of an exchange: used twice, two messages are encrypted alike."
        " Receivers take the second one for a retransmission and drop it, and a question or"
        " answer is lost."
    ),
    remedy="Update the sending end.",
    source="RFC 2409 section 5.7",
    needs=(Needs.CAPTURE,),
    traps=(
        "the same bytes twice are a duplicate",
        "CONNECTED after a Quick Mode with the commit bit has its message ID",
        "without keys, two messages in opposite directions may be an acknowledged Informational",
    ),
    check=_check,
)
