"""dpd-replay: a protected message comes again, byte for byte, long after it was sent."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from typing import Final

from analyzers.model.finding import Severity
from analyzers.model.observations import IkeMessage, MessageKind
from analyzers.model.records import Basis, Confidence
from analyzers.model.time import nanoseconds
from analyzers.rules.case import Case
from analyzers.rules.peer_rule import PeerRule
from analyzers.rules.rule import Found, Needs
from analyzers.rules.wording import few, sa_name, spoken_ns, times, weakest

_INFORMATIONAL: Final = 5
_NAMES: Final = {
    MessageKind.R_U_THERE: "R-U-THERE",
    MessageKind.R_U_THERE_ACK: "R-U-THERE-ACK",
    MessageKind.DELETE: "Delete",
    MessageKind.NOTIFY: "Notification",
}
# Where so many messages of a peer, or packets of a flow, come twice, the recording has two points
# in it, or two clocks.
_RECORDED_TWICE_SHARE: Final = 0.5


def _check(case: Case) -> Iterator[Found]:
    yield from _messages(case)
    for flow in case.peer.esp_flows:
        if flow.repeat_ref is None or _is_recorded_twice(flow.repeats, flow.packets):
            continue
        again = "1 packet" if flow.repeats == 1 else f"{flow.repeats:,} packets"
        yield Found(
            f"{again} of the ESP flow {flow.spi} of {flow.sender} came again, more"
            " than a second after the sequence number had passed.",
            (flow.repeat_ref,),
            at_ns=flow.repeat_ns,
            end=flow.sender,
        )


def _is_recorded_twice(repeats: int, everything: int) -> bool:
    return repeats >= _RECORDED_TWICE_SHARE * (everything - repeats)


def _messages(case: Case) -> Iterator[Found]:
    if not case.packets:
        return
    repeated, messages = _repeated(case), _captured(case)
    if _is_recorded_twice(len(repeated), len(messages)):
        return
    found: dict[tuple[str, str], list[tuple[IkeMessage, IkeMessage]]] = defaultdict(list)
    for original, again in repeated:
        if _is_one_way(case, original):
            found[again.ike_sa, again.src].append((original, again))
    for (ike_sa, sender), pairs in found.items():
        yield _found(case, ike_sa, sender, pairs)


def _captured(case: Case) -> list[IkeMessage]:
    return [m for m in case.peer.messages if m.basis is not Basis.LOG and m.version == 1]


def _repeated(case: Case) -> list[tuple[IkeMessage, IkeMessage]]:
    """Encrypted messages that one input shows again later than a network would bring them."""
    first: dict[tuple[str, bytes, str], IkeMessage] = {}
    found = []
    late_ns = nanoseconds(case.thresholds.replay_s)
    for message in _captured(case):
        if not message.encrypted or message.kind is MessageKind.FRAGMENT:
            continue
        key = (message.ref.source, message.fingerprint, message.ike_sa)
        original = first.setdefault(key, message)
        if message.at_ns - original.at_ns > late_ns:
            found.append((original, message))
    return found


def _is_one_way(case: Case, message: IkeMessage) -> bool:
    """An Informational that nobody answers under its message ID: it is never retransmitted."""
    return message.exchange_type == _INFORMATIONAL and not any(
        other.message_id == message.message_id and other.src == message.dst
        for other in case.messages[message.ike_sa]
        if other.exchange_type == _INFORMATIONAL
    )


def _found(
    case: Case, ike_sa: str, sender: str, pairs: list[tuple[IkeMessage, IkeMessage]]
) -> Found:
    original, again = pairs[0]
    name = _NAMES.get(original.kind, "encrypted Informational")
    known = original.kind in _NAMES
    more = f" {times(len(pairs)).capitalize()} in all." if len(pairs) > 1 else ""
    return Found(
        f"{sender} sent {'an' if name[0] in 'RIe' else 'a'} {name}"
        f" (message ID 0x{original.message_id:08x}) on {sa_name(case.sas[ike_sa])}, and the very"
        f" same bytes came again {spoken_ns(again.at_ns - original.at_ns)} later.{more}",
        few(m.ref for pair in pairs for m in pair),
        severity=None if known else Severity.WARNING,
        confidence=weakest([original.confidence, *([] if known else [Confidence.INFERRED])]),
        at_ns=again.at_ns,
        end=sender,
    )


RULE = PeerRule(
    id="dpd-replay",
    severity=Severity.ERROR,
    title="A protected message was replayed",
    rationale=(
        "An Informational is never retransmitted: a retry is a new message; and ESP uses no number"
        " twice. The same bytes again come from somebody who recorded them, or from a path that"
        " keeps packets. A receiver that tracks no numbers takes them for proof of life."
    ),
    remedy=(
        "Compare source MAC address, TTL and IP ID of both packets to see where the second one"
        " came from."
    ),
    source="RFC 3706 section 7; RFC 2408 section 5.14; RFC 4303 section 3.4.3",
    needs=(Needs.CAPTURE,),
    traps=(
        "a duplicate of the network comes within a second",
        "an SA that is given the SPI of an older one counts from 1 again",
        "ESP packets that overtake each other on the way",
        "a capture of two points, or merged from two clocks, shows most messages twice",
        "an Informational that is answered under its message ID may be retransmitted",
    ),
    check=_check,
)
