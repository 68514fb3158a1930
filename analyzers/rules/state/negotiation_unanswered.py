"""negotiation-unanswered: a message that sets an SA up was sent again and again, in vain."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from msgspec import Struct

from analyzers.model.finding import Severity
from analyzers.model.observations import IkeMessage, MessageKind
from analyzers.model.peer import HintKind
from analyzers.model.records import Basis, Confidence
from analyzers.model.sa import IkeSa, SaEnd
from analyzers.model.time import NS_PER_SECOND
from analyzers.rules.case import Case
from analyzers.rules.causes import refusals, refused_within
from analyzers.rules.peer_rule import PeerRule
from analyzers.rules.reached import never_answered
from analyzers.rules.rule import Found, Needs
from analyzers.rules.wording import few, spoken_ns, times, weakest

_NAMES: Final = {
    MessageKind.SA_INIT: "IKE_SA_INIT",
    MessageKind.AUTH: "IKE_AUTH",
    MessageKind.MAIN_MODE: "Main Mode",
    MessageKind.AGGRESSIVE: "Aggressive Mode",
    MessageKind.QUICK_MODE: "Quick Mode",
    MessageKind.TRANSACTION: "Transaction (XAUTH, mode configuration)",
}
# What a peer sends of its own accord, or because somebody asked whether it lives.
_NO_REPLY: Final = frozenset(
    {MessageKind.R_U_THERE, MessageKind.R_U_THERE_ACK, MessageKind.FRAGMENT}
)
_BEGINNINGS: Final = frozenset({MessageKind.SA_INIT, MessageKind.MAIN_MODE, MessageKind.AGGRESSIVE})
_NOBODY: Final = ("", "0" * 16)
"""The responder's SPI where none has answered; logs need not tell it."""
_OFTEN: Final = 3
# The next retry would have come within twice the last gap (RFC 7296 section 2.4: growing gaps).
_GROWTH: Final = 2
# Who was heard within this before a message was there then; what is older says nothing of it.
_JUST_BEFORE_NS: Final = 60 * NS_PER_SECOND
_IKE_PORT: Final = 500
_ONE_PACKET: Final = 1472
"""Bytes of IKE that one packet of 1,500 bytes holds over IPv4; over IPv6 it is less."""

_SILENT_DROP: Final = (
    "Look at the log of the peer for the time of this message: what it cannot verify, or finds no"
    " configuration for, it drops without a word."
)
_REACHED: Final = (
    "See whether the peer runs and is reached, and whether it limits who may begin: its log says"
    " why it does not answer."
)
_REMEDIES: Final = {
    MessageKind.SA_INIT: _REACHED,
    MessageKind.AUTH: _SILENT_DROP,
    MessageKind.MAIN_MODE: (
        "Compare the pre-shared keys and the identities of both ends: a peer that cannot read a"
        f" message of Main Mode is silent. {_SILENT_DROP}"
    ),
    MessageKind.AGGRESSIVE: f"Compare identities and proposals of both ends. {_SILENT_DROP}",
    MessageKind.QUICK_MODE: (
        "Compare what both ends protect (crypto ACLs, traffic selectors), transform sets and the"
        f" group of PFS. {_SILENT_DROP}"
    ),
    MessageKind.TRANSACTION: f"See whether both ends want XAUTH or mode configuration."
    f" {_SILENT_DROP}",
}
_FRAGMENTS: Final = (
    "Suspect the path first: filters, NAT and cloud edges drop IP fragments, or the MTU is smaller"
    " on the way. Capture at the peer whether all fragments arrive; enable IKE fragmentation at"
    " both ends (RFC 7383), or send fewer and smaller certificates."
)
_OTHER_PORT: Final = (
    "Suspect a filter of UDP 4500 on the way: what was answered before went over UDP 500."
)


class _Turn(Struct):
    """A message of one end and its repetitions."""

    sent: list[IkeMessage]
    answered: bool = False


def _check(case: Case) -> Iterator[Found]:
    if never_answered(case.peer):
        return  # peer-never-answered tells it
    told: list[tuple[IkeSa, list[list[IkeMessage]]]] = []
    runs: dict[tuple[str, MessageKind], list[list[IkeMessage]]] = {}
    for sa in case.peer.ike_sas:
        if sa.established_ns is not None:
            runs = {}  # what was in vain before is over
        for turn in _turns(case, sa):
            if _is_lost(case, turn) and not _is_refused(case, turn.sent):
                first = turn.sent[0]
                if (first.src, first.kind) not in runs:
                    told.append((sa, runs.setdefault((first.src, first.kind), [])))
                runs[first.src, first.kind].append(turn.sent)
    for sa, lost in told:
        yield _found(case, sa, lost)


def _turns(case: Case, sa: IkeSa) -> list[_Turn]:
    """What each end sent to set an SA up, each with what came back meanwhile."""
    found: list[_Turn] = []
    open_turns: dict[tuple[bool, int, int], _Turn] = {}
    for message in case.messages.get(sa.id, ()):
        if message.kind in _NO_REPLY or message.integrity_ok is False:
            continue
        local = case.is_local(message.src)
        key = (message.message_id, message.exchange_type)
        for (by_local, *asked), turn in open_turns.items():
            if by_local is not local and _answers(message, turn, tuple(asked) == key):
                turn.answered = True
        if message.kind not in _NAMES or message.is_response:
            continue
        known = open_turns.get((local, *key))
        if known is not None and _is_again(known, message):
            known.sent.append(message)
            continue
        if known is not None:
            known.answered = True  # it went on to the next message
        open_turns[(local, *key)] = turn = _Turn([message])
        found.append(turn)
    return found


def _answers(message: IkeMessage, turn: _Turn, same_exchange: bool) -> bool:
    """Whether a message of the other end may be a reply, be it a refusal."""
    if message.version == 2 and message.is_response:
        return same_exchange
    if same_exchange:
        # In IKEv1 the other end sends its last message again until it hears the next one.
        return message.at_ns >= turn.sent[0].at_ns
    return message.kind in (
        MessageKind.DELETE,
        MessageKind.NOTIFY,
        MessageKind.INFORMATIONAL,
    )


def _is_again(turn: _Turn, message: IkeMessage) -> bool:
    first = turn.sent[0]
    return message.again or message.fingerprint == first.fingerprint or bool(message.refs)


def _is_lost(case: Case, turn: _Turn) -> bool:
    sent = turn.sent
    if turn.answered or len(sent) < 2 or not case.heard(sent[0].dst):
        return False
    return len(sent) >= _OFTEN or _ran_out(case, sent)


def _is_refused(case: Case, sent: Sequence[IkeMessage]) -> bool:
    """Whether the system of the end that sent it did not take it, as its log says."""
    first, last = sent[0], sent[-1]
    return all(message.basis is Basis.LOG for message in sent) and any(
        hint.sender == first.src and refused_within(hint, first.at_ns, last.at_ns)
        for hint in refusals(case.peer)
    )


def _ran_out(case: Case, sent: Sequence[IkeMessage]) -> bool:
    if not case.timed:
        return False
    last = sent[-1]
    gap_ns = last.at_ns - sent[-2].at_ns
    return case.end_ns - last.at_ns >= _GROWTH * gap_ns or any(
        hint.kind is HintKind.GAVE_UP and hint.sender == last.src and hint.at_ns >= last.at_ns
        for hint in case.peer.hints
    )


def _found(case: Case, sa: IkeSa, lost: Sequence[Sequence[IkeMessage]]) -> Found:
    sent = lost[0]
    first, last = sent[0], sent[-1]
    name = _NAMES[first.kind]
    said = f"{first.src} sent its {name} message to {first.dst} {times(len(sent))}"
    if case.timed:
        said += f" within {spoken_ns(last.at_ns - first.at_ns)}"
    large = first.length > _ONE_PACKET
    if large:
        said += f", {first.length:,} bytes each, which take IP fragments"
    said += "; no answer is in the input."
    if _renews(case, sa, first):
        said += " It was to renew an IKE SA, which ends without it when its lifetime is over."
    silent_ns = _silent_ns(case, first)
    before = None if silent_ns else _answered_before(case, sa, first)
    if before is not None:
        said += f" {before.dst} had answered what came before: it is there, and reached."
    elif silent_ns:
        said += f" The last that came from {first.dst} was {spoken_ns(silent_ns)} before that."
        if sa.end is SaEnd.DEAD_PEER:
            said += " It was given up for it."
    if len(lost) > 1:
        said += f" So it went {times(len(lost) - 1)} more"
        if case.timed:
            said += f", for {spoken_ns(lost[-1][-1].at_ns - first.at_ns)} in all"
        said += "."
    confidence = weakest(m.confidence for each in lost for m in each)
    if case.timed and not any(_ran_out(case, each) for each in lost):
        said += " The input ends before the next repetition was due."
        confidence = weakest([confidence, Confidence.INFERRED])
    return Found(
        said,
        few(m.ref for each in lost for m in each),
        title=f"{name} is not answered",
        remedy=_remedy(first, before, large=large, silent=silent_ns > 0),
        confidence=confidence,
        at_ns=first.at_ns if case.timed else None,
        end=first.src,
    )


def _silent_ns(case: Case, first: IkeMessage) -> int:
    """For how long nothing had come from the other end, which was not heard again either; 0 where
    it was there, or no clock tells."""
    own = case.is_local(first.src)
    heard_ns = [m.at_ns for m in case.peer.messages if case.is_local(m.src) is not own]
    heard_ns += [f.last_ns for f in case.peer.esp_flows if case.is_local(f.sender) is not own]
    silent_ns = first.at_ns - max(heard_ns, default=first.at_ns)
    return silent_ns if case.timed and silent_ns > _JUST_BEFORE_NS else 0


def _answered_before(case: Case, sa: IkeSa, first: IkeMessage) -> IkeMessage | None:
    """The message of the same end before this one, where the other end answered it."""
    asked: IkeMessage | None = None
    found: IkeMessage | None = None
    for message in case.messages.get(sa.id, ()):
        if message is first:
            break
        if message.src == first.src:
            asked = message
        elif asked is not None:
            found = asked
    return found


def _renews(case: Case, sa: IkeSa, first: IkeMessage) -> bool:
    """Whether the end that began had an IKE SA with its peer."""
    return first.kind in _BEGINNINGS and any(
        older.established_ns is not None
        and older.established_ns <= first.at_ns
        and (older.ended_ns is None or older.ended_ns > first.at_ns)
        for older in case.peer.ike_sas
        if older is not sa
    )


def _remedy(first: IkeMessage, before: IkeMessage | None, *, large: bool, silent: bool) -> str:
    begins = first.kind is MessageKind.MAIN_MODE and first.responder_spi in _NOBODY
    told = _REACHED if begins or silent else _REMEDIES[first.kind]
    if large:
        return f"{_FRAGMENTS} {told}"
    if before is not None and before.dport == _IKE_PORT != first.dport:
        return f"{_OTHER_PORT} {told}"
    return told


RULE: Final = PeerRule(
    id="negotiation-unanswered",
    severity=Severity.WARNING,
    title="A message that sets up an SA is not answered",
    rationale=(
        "Without the answer there is no SA, hence no tunnel, and nobody asks whether the peer"
        " lives. Where the message before it was answered, both ends reach each other: what fails"
        " is this message. IKE_AUTH and the last messages of Main Mode carry certificates, and are"
        " the first that need IP fragments, and that move to UDP 4500."
    ),
    remedy="Look for the message in a capture and in the log of the peer.",
    source="RFC 7296 section 2.1; RFC 7383 section 1; RFC 2408 section 5.1",
    needs=(Needs.CAPTURE, Needs.LOG),
    traps=(
        "nothing of the other end was captured: its answers may have taken another path",
        "the input ends after one repetition",
        "a refusal is an answer, also one in an exchange of its own",
        "where not a single message was answered, peer-never-answered tells it",
        "what the sender's own system refused to send, as its log says: sending-refused tells it",
    ),
    check=_check,
)
