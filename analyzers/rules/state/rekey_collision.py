"""rekey-collision: both ends rekey at the same moment."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import Final

from msgspec import Struct

from analyzers.model.exchange import NO_MESSAGE_ID, Exchange, Outcome
from analyzers.model.finding import Severity
from analyzers.model.observations import IkeMessage, MessageKind
from analyzers.model.records import Confidence, Ref
from analyzers.model.sa import IkeSa
from analyzers.model.time import NS_PER_SECOND, nanoseconds
from analyzers.rules.case import Case
from analyzers.rules.once import once
from analyzers.rules.peer_rule import PeerRule
from analyzers.rules.rule import Found, Needs
from analyzers.rules.wording import few, spoken_ns

_TEMPORARY_FAILURE: Final = 43
_PAYLOAD_NOTIFY: Final = 41
_REKEYS: Final = frozenset({MessageKind.CREATE_CHILD, MessageKind.QUICK_MODE})
# Two starts this close together crossed on the way, where no round trip is known.
_TOGETHER_NS: Final = NS_PER_SECOND


class _Negotiation(Struct):
    """A CREATE_CHILD_SA or a Quick Mode."""

    first: IkeMessage
    end_ns: int | None = None
    """When the other side answered it."""


def _check(case: Case) -> Iterator[Found]:
    if not case.timed:
        return
    for sa in case.peer.ike_sas:
        messages = _rekeys(case).get(sa.id, ())
        crossing = _crossing(case, sa, _negotiations(sa, messages))
        refused = [
            m
            for m in messages
            if m.kind is MessageKind.CREATE_CHILD
            and m.is_response
            and any(n.type == _TEMPORARY_FAILURE for n in m.notifies)
        ]
        lasting = bool(refused) and refused[-1].at_ns - refused[0].at_ns >= nanoseconds(
            case.thresholds.collision_s
        )
        if crossing:
            yield _found(case, sa, crossing, refused if lasting else [])
        elif lasting:
            yield _refused(refused)


@once
def _rekeys(case: Case) -> dict[str, list[IkeMessage]]:
    """The messages that rekey, by IKE SA: few of many."""
    found: dict[str, list[IkeMessage]] = defaultdict(list)
    for message in case.peer.messages:
        if message.kind in _REKEYS:
            found[message.ike_sa].append(message)
    return found


def _negotiations(sa: IkeSa, messages: Sequence[IkeMessage]) -> list[_Negotiation]:
    wanted = MessageKind.CREATE_CHILD if sa.ike_version == 2 else MessageKind.QUICK_MODE
    found: dict[tuple[int, bool | None], _Negotiation] = {}
    for message in messages:
        if message.kind is not wanted or message.message_id >= NO_MESSAGE_ID:
            continue
        # IKEv1 message IDs are random: one belongs to one Quick Mode.
        side = None
        if sa.ike_version == 2:
            side = message.from_initiator is not message.is_response
        known = found.get((message.message_id, side))
        if known is None:
            if not message.is_response:
                found[message.message_id, side] = _Negotiation(message)
        elif message.src != known.first.src and known.end_ns is None:
            known.end_ns = message.at_ns
    return sorted(found.values(), key=lambda n: n.first.at_ns)


def _crossing(
    case: Case, sa: IkeSa, negotiations: Sequence[_Negotiation]
) -> list[tuple[_Negotiation, _Negotiation]]:
    if len(negotiations) < 2:
        return []
    together_ns = max(_TOGETHER_NS, 2 * (case.rtt_ns(sa.id) or 0))
    found = []
    for place, one in enumerate(negotiations):
        for other in negotiations[place + 1 :]:
            if other.first.at_ns - one.first.at_ns > together_ns:
                break
            open_then = one.end_ns is None or one.end_ns > other.first.at_ns
            if other.first.src != one.first.src and open_then and _alike(one, other):
                found.append((one, other))
    return found


def _alike(one: _Negotiation, other: _Negotiation) -> bool:
    """IKEv2: both rekey a Child SA, or neither does; a new Child SA is no rekey."""
    begins = {m.sk_next_payload == _PAYLOAD_NOTIFY for m in (one.first, other.first)}
    return one.first.version == 1 or len(begins) == 1


def _found(
    case: Case,
    sa: IkeSa,
    crossing: Sequence[tuple[_Negotiation, _Negotiation]],
    refused: Sequence[IkeMessage],
) -> Found:
    one, other = crossing[0]
    name = "CREATE_CHILD_SA" if sa.ike_version == 2 else "Quick Mode"
    apart = spoken_ns(other.first.at_ns - one.first.at_ns)
    said = (
        f"{one.first.src} and {other.first.src} both began a {name} on one IKE SA, {apart} apart"
        " and before either was answered"
    )
    if len(crossing) > 1:
        said += f"; it happened {len(crossing)} times"
    unanswered = _question_within(case, sa, crossing)
    refs: list[Ref] = [n.first.ref for pair in crossing for n in pair]
    if unanswered is not None:
        said += f". A question of {unanswered.prober} fell into it and was not answered"
        refs += [t.ref for t in unanswered.transmissions]
    if refused:
        said += f". TEMPORARY_FAILURE came for {spoken_ns(refused[-1].at_ns - refused[0].at_ns)}"
        refs += [m.ref for m in refused]
    rekeys = all(n.first.sk_next_payload == _PAYLOAD_NOTIFY for pair in crossing for n in pair)
    return Found(
        said + ".",
        few(refs),
        severity=Severity.WARNING if refused or unanswered is not None else Severity.INFO,
        confidence=Confidence.CERTAIN if rekeys else Confidence.INFERRED,
        at_ns=one.first.at_ns,
    )


def _question_within(
    case: Case, sa: IkeSa, crossing: Sequence[tuple[_Negotiation, _Negotiation]]
) -> Exchange | None:
    for one, other in crossing:
        ends = [n.end_ns for n in (one, other) if n.end_ns is not None]
        until_ns = max(ends) if len(ends) == 2 else case.end_ns
        for exchange in case.exchanges_of.get(sa.id, ()):
            within = one.first.at_ns <= exchange.first_ns <= until_ns
            if within and exchange.outcome is Outcome.UNANSWERED:
                return exchange
    return None


def _refused(refused: Sequence[IkeMessage]) -> Found:
    return Found(
        f"{refused[0].src} refused what {refused[0].dst} wanted to rekey with TEMPORARY_FAILURE"
        f" {len(refused)} times in {spoken_ns(refused[-1].at_ns - refused[0].at_ns)}.",
        few(m.ref for m in refused),
        at_ns=refused[0].at_ns,
    )


RULE = PeerRule(
    id="rekey-collision",
    severity=Severity.WARNING,
    title="Both ends rekeyed at the same moment",
    rationale=(
        "The standard has rules for it and it usually resolves itself; but products differ, and"
        " it leaves duplicate SAs, or SAs that only one end has. A liveness question that falls"
        " into it may stay unanswered."
    ),
    remedy=(
        "Give the ends different lifetimes, or let one end rekey only: in strongSwan rekey_time"
        " with rand_time, on Cisco a shorter lifetime on one end."
    ),
    source="RFC 7296 sections 2.8.1 and 2.25",
    needs=(Needs.CAPTURE, Needs.LOG),
    traps=(
        "one after the other: the second began when the first was answered",
        "a new Child SA beside a rekey",
        "a retransmission long after",
    ),
    check=_check,
)
