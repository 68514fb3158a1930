"""nat-mapping-loss: a NAT forgot the mapping of an IKE SA that is in use."""

from __future__ import annotations

from collections.abc import Container, Iterator
from itertools import pairwise
from operator import attrgetter, itemgetter
from typing import Final, NamedTuple

from msgspec import Struct, field

from analyzers.model.exchange import Outcome
from analyzers.model.finding import Severity
from analyzers.model.observations import Encapsulation, IkeMessage, MessageKind
from analyzers.model.records import Confidence
from analyzers.model.sa import EspFlow, UsedPorts
from analyzers.model.time import NS_PER_SECOND
from analyzers.rules.case import Case, Place
from analyzers.rules.peer_rule import PeerRule
from analyzers.rules.rule import Found, Needs
from analyzers.rules.wording import few, sa_name, spoken_ns, times

# What was sent to the old mapping this soon after the new one showed was on its way.
_ON_ITS_WAY_NS: Final = NS_PER_SECOND
_ANSWERS: Final = frozenset({MessageKind.R_U_THERE_ACK})
_MOBIKE: Final = frozenset({MessageKind.NOTIFY, MessageKind.LIVENESS_MOBIKE})


class _Mapping(NamedTuple):
    address: str
    port: int

    def __str__(self) -> str:
        return f"[{self.address}]:{self.port}" if ":" in self.address else ":".join(map(str, self))


class _EspMove(NamedTuple):
    """ESP of a side comes under another mapping than before."""

    old: _Mapping
    new: _Mapping
    since_ns: int
    flow: EspFlow


class _Stale(NamedTuple):
    """ESP that goes on to a mapping that is gone."""

    flow: EspFlow
    lasted_ns: int

    def __str__(self) -> str:
        return (
            f"{self.flow.sender} went on sending ESP to the old one for"
            f" {spoken_ns(self.lasted_ns)} (SPI {self.flow.spi}): it arrives nowhere."
        )


class _Change(Struct):
    """A side is seen under another mapping than before."""

    last: IkeMessage
    """The last message under the old one."""
    first: IkeMessage
    lost: list[IkeMessage] = field(default_factory=list)
    """What the other end sent to the old one in vain."""
    stale: _Stale | None = None

    @property
    def old(self) -> _Mapping:
        return _Mapping(self.last.src, self.last.sport)

    @property
    def new(self) -> _Mapping:
        return _Mapping(self.first.src, self.first.sport)


def _check(case: Case) -> Iterator[Found]:
    told: set[tuple[_Mapping, _Mapping]] = set()
    for ike_sa, messages in case.packets.items():
        for source in dict.fromkeys(m.ref.source for m in messages):
            own = [m for m in messages if m.ref.source == source]
            for local in (True, False):
                changes = _changes(case, own, local=local)
                if changes:
                    told |= {(change.old, change.new) for change in changes}
                    yield _found(case, ike_sa, changes)
    yield from _only_of_esp(case, told)


def _changes(case: Case, messages: list[IkeMessage], *, local: bool) -> list[_Change]:
    found: list[_Change] = []
    last: IkeMessage | None = None
    since: list[IkeMessage] = []
    """What the other end has sent since."""
    seen: set[bytes] = set()
    for message in messages:
        floated = message.encapsulation is Encapsulation.NON_ESP_MARKER
        if not floated or not message.encrypted:
            continue
        # The second time a message may be on the other side of the NAT.
        is_new = message.fingerprint not in seen
        seen.add(message.fingerprint)
        if case.is_local(message.src) != local:
            since.append(message)
            if found and last is not None and _misses(message, found[-1], last):
                found[-1].lost.append(message)
        elif is_new:
            change = None if last is None else _Change(last, message)
            if (
                change is not None
                and change.old != change.new
                and not (_is_mobike(change) or _is_foreknown(case, change, since))
            ):
                change.lost = [m for m in since if _was_lost(case, m, change)]
                found.append(change)
            last, since = message, []
    return found


def _to(message: IkeMessage) -> _Mapping:
    return _Mapping(message.dst, message.dport)


def _was_lost(case: Case, message: IkeMessage, change: _Change) -> bool:
    """Whether a question to the old mapping came to nothing before the new one showed."""
    exchange, number, _ = case.places.get(message.ref, Place())
    if _to(message) != change.old or exchange is None or number is None:
        return False
    return exchange.outcome is not Outcome.ANSWERED


def _misses(message: IkeMessage, change: _Change, last: IkeMessage) -> bool:
    """Whether a message still goes to the old mapping, though the new one has shown.

    `last` is the latest message from there: its answer should go to where it came from.
    """
    if _to(message) != change.old:
        return False
    if message.version == 2:
        answers = message.is_response and message.message_id == last.message_id
    else:
        answers = message.kind in _ANSWERS
    return answers or message.at_ns - change.first.at_ns > _ON_ITS_WAY_NS


def _esp_moves(case: Case) -> Iterator[_EspMove]:
    """Where ESP of an SPI came under another mapping than before, and under that no more."""
    used: dict[tuple[str, str], list[tuple[int, _Mapping, EspFlow]]] = {}
    for flow in case.peer.esp_flows:
        for ports in flow.ports:
            here = ports.since_ns, _Mapping(flow.sender, ports.sender), flow
            used.setdefault((flow.spi, flow.receiver), []).append(here)
    for places in used.values():
        places.sort(key=itemgetter(0))
        for (_, old, before), (since_ns, new, flow) in pairwise(places):
            is_left = flow is before or before.last_ns < since_ns + _ON_ITS_WAY_NS
            if old != new and is_left:
                yield _EspMove(old, new, since_ns, flow)


def _stale(case: Case, old: _Mapping, since_ns: int) -> _Stale | None:
    """ESP that went on to the old mapping long after the new one showed: the longest.

    What is sent there once it is in use again arrives.
    """
    back_ns = min(
        (
            max(used.since_ns, since_ns)
            for flow, used, end_ns in _uses(case)
            if _Mapping(flow.sender, used.sender) == old and end_ns > since_ns + _ON_ITS_WAY_NS
        ),
        default=1 << 63,
    )
    found = []
    for flow, used, end_ns in _uses(case):
        until_ns = min(end_ns, back_ns)
        goes_there = _Mapping(flow.receiver, used.receiver) == old
        if goes_there and used.since_ns <= since_ns < until_ns - _ON_ITS_WAY_NS:
            found.append(_Stale(flow, until_ns - since_ns))
    return max(found, key=attrgetter("lasted_ns"), default=None)


def _uses(case: Case) -> Iterator[tuple[EspFlow, UsedPorts, int]]:
    """The ports that flows have used, each until when."""
    for flow in case.peer.esp_flows:
        ends_ns = [*(used.since_ns for used in flow.ports[1:]), flow.last_ns]
        for used, end_ns in zip(flow.ports, ends_ns, strict=bool(flow.ports)):
            yield flow, used, end_ns


def _is_mobike(change: _Change) -> bool:
    """An end that moves says so itself, in its first message from there (RFC 4555 section 3.5)."""
    return (
        change.first.version == 2
        and change.old.address != change.new.address
        and change.first.kind in _MOBIKE
        and not change.first.is_response
    )


def _is_foreknown(case: Case, change: _Change, since: list[IkeMessage]) -> bool:
    """The other end sends there before anything comes from there: no NAT's choice can be known.

    Who chooses another address of its peer keeps the port.
    """
    if change.old.port != change.new.port:
        return False
    sent = [m.at_ns for m in since if _to(m) == change.new]
    came = [change.first.at_ns]
    for flow in case.peer.esp_flows:
        for used in flow.ports:
            if used.since_ns > change.last.at_ns:
                if _Mapping(flow.receiver, used.receiver) == change.new:
                    sent.append(used.since_ns)
                if _Mapping(flow.sender, used.sender) == change.new:
                    came.append(used.since_ns)
    return bool(sent) and min(sent) < min(came)


def _found(case: Case, ike_sa: str, changes: list[_Change]) -> Found:
    moves = {(move.old, move.new): move.since_ns for move in _esp_moves(case)}
    for change in changes:
        since_ns = min(change.first.at_ns, moves.get((change.old, change.new), 1 << 63))
        change.stale = _stale(case, change.old, since_ns)
    losses = [change for change in changes if change.lost or change.stale]
    told = losses[0] if losses else changes[0]
    count = f" The mapping changed {times(len(changes))}." if len(changes) > 1 else ""
    lost = [message for change in changes for message in change.lost]
    stale = [change.stale for change in changes if change.stale is not None]
    harm = "" if losses else " Nothing is seen to have gone to the old one."
    if lost:
        what = "message" if len(lost) == 1 else "messages"
        harm = f" {lost[0].src} sent {len(lost)} {what} to the old mapping, which led nowhere."
    if stale:
        harm += f" {stale[0]}"
    idle = spoken_ns(told.first.at_ns - told.last.at_ns)
    refs = [m.ref for c in losses or changes for m in (c.last, *c.lost, c.first)]
    return Found(
        f"{told.old} became {told.new} on {sa_name(case.sas[ike_sa])}, {idle} after its last"
        f" message from there.{harm}{count}",
        few([*refs, *(each.flow.ref for each in stale if each.flow.ref is not None)]),
        severity=None if losses else Severity.WARNING,
        confidence=Confidence.INFERRED if stale and not lost else Confidence.CERTAIN,
        at_ns=told.first.at_ns,
    )


def _only_of_esp(case: Case, told: Container[tuple[_Mapping, _Mapping]]) -> Iterator[Found]:
    """Nobody asks, and so IKE says nothing of the new mapping, nor learns of it."""
    for move in _esp_moves(case):
        stale = None if (move.old, move.new) in told else _stale(case, move.old, move.since_ns)
        if stale is not None:
            refs = (each.ref for each in (move.flow, stale.flow) if each.ref is not None)
            yield Found(
                f"{move.old} became {move.new}: ESP comes from there. {stale}",
                few(refs),
                confidence=Confidence.INFERRED,
                at_ns=move.since_ns,
            )
            return


RULE = PeerRule(
    id="nat-mapping-loss",
    severity=Severity.ERROR,
    title="A NAT on the way lost its mapping",
    rationale=(
        "Behind a NAT an end can be reached only as long as the NAT remembers it. Once the mapping"
        " is gone, questions and traffic from outside are dropped until the inner end sends"
        " something itself; a peer that is alive is given up."
    ),
    remedy=(
        "Send NAT keepalives more often than the NAT forgets (20 s is the default of RFC 3948;"
        " Cisco: crypto isakmp nat keepalive 20), and let the end behind the NAT ask. Where ESP"
        " goes on to the old mapping although IKE has the new one, the outer end does not follow"
        " (RFC 7296 section 2.23): update it; until then renew the Child SA."
    ),
    source="RFC 3948 section 4; RFC 7296 section 2.23; RFC 4555 section 3.8",
    needs=(Needs.CAPTURE,),
    traps=(
        "the float from port 500 to 4500 at the start",
        "a NAT that keeps port 4500",
        "an end that moves and says so (MOBIKE)",
        "the other end goes over to another address of its peer (MOBIKE)",
        "messages that were on their way while the mapping changed",
        "a capture of both sides of the NAT shows each message under two mappings",
        "ESP follows to the new mapping within a second",
        "a mapping that comes back is used again",
    ),
    check=_check,
)
