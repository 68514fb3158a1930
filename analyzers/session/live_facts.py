"""What has become final since the last look, for whoever writes it down as it happens.

A fact that changes all the same, because later packets or a log put it in another light, is told
again with the next revision; one that turns out to be none is taken back. A black hole is told
while it grows, in ever larger steps. Each fact has an id of its own that stays.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from enum import StrEnum
from operator import is_
from typing import Final, NamedTuple, TypeVar

from msgspec import Struct, field
from msgspec.structs import replace

from analyzers.model.black_hole import BlackHole, StopBasis
from analyzers.model.exchange import Delete, Exchange, Outcome
from analyzers.model.finding import Finding
from analyzers.model.observations import IkeMessage
from analyzers.model.peer import PeerState, PeerView
from analyzers.model.records import Confidence

# So many exchanges back, facts change no more.
_RECENT: Final = 32
_FINAL_STOPS: Final = frozenset({StopBasis.PROOF, StopBasis.DELETE, StopBasis.REPLACEMENT})
# One that goes on is told again whenever it is so many times as long.
_GROWN: Final = 1.5
# A verdict or a Delete at another time is another statement.
_DATED: Final = frozenset({PeerState.DEAD, PeerState.DELETED})

Item = PeerView | Exchange | Delete | BlackHole | IkeMessage | Finding
_Key = tuple[object, ...]
_T = TypeVar("_T")


class Change(StrEnum):
    """What is new about a fact."""

    NEW = "new"
    GROWING = "growing"
    """It goes on: there is more of it than before, and there may be still more."""
    CORRECTED = "corrected"
    RETRACTED = "retracted"
    """There was no such thing after all."""


class Fact(NamedTuple):
    """Something that happened, and how often it was told before."""

    peer: PeerView | None
    item: Item
    revision: int
    change: Change = Change.NEW


class _Present(NamedTuple):
    """Something of a peer that may have to be told."""

    key: _Key
    """What names it."""
    begin_ns: int
    at_ns: int
    """Where it belongs in the order of telling."""
    item: Exchange | Delete | BlackHole


class _Told(Struct):
    """What was told of a peer."""

    state: PeerState | None = None
    since_ns: int = 0
    """When that state began, where that matters."""
    states: int = 0
    last_message_ns: int = -1
    messages: set[_Key] = field(default_factory=set)
    """Of that time."""
    facts: dict[_Key, tuple[int, Item, str, int]] = field(default_factory=dict)
    """The latest facts: when each began, as last told, id, revision."""
    done_ns: int = 0
    """Facts that began before change no more."""
    forgotten: int = 0
    """Events of the peer that are kept no more: those were not taken back."""
    _seen: tuple[object, ...] = ()

    def has_seen(self, peer: PeerView) -> bool:
        """Whether a view holds what the one before held; from now on it does."""
        before = self._seen
        self._seen = peer.states, peer.messages, peer.exchanges, peer.deletes, peer.black_holes
        return bool(before) and all(map(is_, before, self._seen))


class FactLog:
    """Compares views with what was told before."""

    def __init__(self) -> None:
        self._peers: dict[str, _Told] = {}
        self._findings: dict[_Key, tuple[Finding, int]] = {}
        self._numbers = {"x": 0, "b": 0}

    def take(self, peers: Iterable[PeerView], *, last: bool = False) -> list[Fact]:
        """The facts that are new, in the order of time; `last`: what is open will stay so."""
        found: list[tuple[int, int, Fact]] = []
        for peer in peers:
            told = self._peers.setdefault(peer.id, _Told())
            if not last and told.has_seen(peer):
                continue
            found += _state(peer, told)
            found += [(m.at_ns, 1, Fact(peer, m, 0)) for m in _new_messages(peer, told)]
            present = list(_present(peer, told.done_ns))
            for each in present:
                ready = last or not isinstance(each.item, Exchange) or _is_settled(each.item)
                fact = self._fact(peer, each, told, last=last) if ready else None
                if fact is not None:
                    found.append((each.at_ns, 2, fact))
            found += _taken_back(peer, told, {each.key for each in present})
            _let_go(peer, told)
        found.sort(key=lambda each: each[:2])
        return [fact for _, _, fact in found]

    def findings(self, findings: Sequence[Finding], peers: Sequence[PeerView]) -> list[Fact]:
        """The findings that are new or changed."""
        views = {peer.id: peer for peer in peers}
        found = []
        for finding in findings:
            key = (finding.rule, finding.peer, finding.refs[:1], finding.at_ns)
            known = self._findings.get(key)
            if known is not None and replace(known[0], id=finding.id) == finding:
                continue
            revision = 0 if known is None else known[1] + 1
            change = Change.NEW if known is None else Change.CORRECTED
            self._findings[key] = (finding, revision)
            found.append(Fact(views.get(finding.peer or ""), finding, revision, change))
        return found

    def _fact(self, peer: PeerView, here: _Present, told: _Told, *, last: bool) -> Fact | None:
        item: Item = here.item
        known = told.facts.get(here.key)
        if known is None:
            name = ""
            if isinstance(item, Exchange | BlackHole):
                letter = "x" if isinstance(item, Exchange) else "b"
                self._numbers[letter] += 1
                name = f"{letter}{self._numbers[letter]}"
            revision, change = 0, Change.NEW
            if isinstance(item, BlackHole) and not _is_over(item):
                change = Change.GROWING
        else:
            _, before, name, revision = known
            item = _named(item, name)
            if item == before or not (last or _is_worth_telling(item, before)):
                return None
            revision, change = revision + 1, _change(item, before)
        item = _named(item, name)
        told.facts[here.key] = (here.begin_ns, item, name, revision)
        return Fact(peer, item, revision, change)


def _state(peer: PeerView, told: _Told) -> Iterator[tuple[int, int, Fact]]:
    """The state of a peer, where it is another one, or began at another time."""
    since_ns = peer.states[-1].start_ns if peer.state in _DATED else 0
    if peer.state is told.state and since_ns == told.since_ns:
        return
    change = Change.CORRECTED if peer.state is told.state else Change.NEW
    at_ns = peer.first_ns if told.state is None else peer.states[-1].start_ns
    yield at_ns, 0, Fact(peer, peer, told.states, change)
    told.state, told.since_ns, told.states = peer.state, since_ns, told.states + 1


def _taken_back(peer: PeerView, told: _Told, present: set[_Key]) -> Iterator[tuple[int, int, Fact]]:
    """Facts that were told and are gone."""
    if peer.forgotten != told.forgotten:
        told.forgotten = peer.forgotten
        return
    missing = [key for key in told.facts if key not in present]
    if not missing:
        return
    # Not everything is quite in the order of time.
    everything = {each.key for each in _present(peer, 0)}
    for key in missing:
        if key not in everything:
            begin_ns, item, _, revision = told.facts.pop(key)
            yield begin_ns, 2, Fact(peer, item, revision + 1, Change.RETRACTED)


def _new_messages(peer: PeerView, told: _Told) -> Iterator[IkeMessage]:
    """Messages after the last one that was told; they are in the order of arrival."""
    new: list[IkeMessage] = []
    for message in reversed(peer.messages):
        if message.at_ns < told.last_message_ns:
            break
        if message.at_ns == told.last_message_ns and message.ref in told.messages:
            continue
        new.append(message)
    for message in reversed(new):
        if message.at_ns > told.last_message_ns:
            told.last_message_ns = message.at_ns
            told.messages.clear()
        told.messages.add(message.ref)
        yield message


def _present(peer: PeerView, done_ns: int) -> Iterator[_Present]:
    """What there is of a peer, from a time on."""
    for exchange in _since(peer.exchanges, done_ns, lambda x: x.first_ns):
        key = ("x", exchange.transmissions[0].ref)
        yield _Present(key, exchange.first_ns, exchange.first_ns, exchange)
    for delete in _since(peer.deletes, done_ns, lambda d: d.at_ns):
        yield _Present(("d", delete.ref), delete.at_ns, delete.at_ns, delete)
    for hole in _since(peer.black_holes, done_ns, lambda h: h.begin_ns):
        began_ns = hole.begin_ns
        yield _Present(("b", hole.sender, began_ns), began_ns, hole.stop_ns, hole)


def _let_go(peer: PeerView, told: _Told) -> None:
    """Facts of long ago change no more."""
    if len(peer.exchanges) > _RECENT:
        # A black hole is about questions, and may come to an end long after they began.
        open_ns = [hole.begin_ns for hole in peer.black_holes if not _is_over(hole)]
        told.done_ns = max(told.done_ns, min([peer.exchanges[-_RECENT].first_ns, *open_ns]))
        for key in [key for key, known in told.facts.items() if known[0] < told.done_ns]:
            del told.facts[key]


def _is_over(hole: BlackHole) -> bool:
    return hole.stop_basis in _FINAL_STOPS or hole.recovered_ns is not None


def _is_worth_telling(item: Item, before: Item) -> bool:
    """Whether a fact that was told has changed enough to be told again."""
    if not (isinstance(item, BlackHole) and isinstance(before, BlackHole)):
        return True
    if _is_over(item) or _is_over(before) or item.dead_ns != before.dead_ns:
        return True
    return item.max_seconds >= _GROWN * before.max_seconds


def _change(item: Item, before: Item) -> Change:
    if isinstance(item, BlackHole) and isinstance(before, BlackHole) and not _is_over(before):
        return Change.NEW if _is_over(item) else Change.GROWING
    return Change.CORRECTED


def _since(items: Sequence[_T], done_ns: int, time_of: Callable[[_T], int]) -> list[_T]:
    """The items from a time on; they are about in the order of time."""
    found: list[_T] = []
    for item in reversed(items):
        if time_of(item) < done_ns:
            break
        found.append(item)
    found.reverse()
    return found


def _is_settled(exchange: Exchange) -> bool:
    if exchange.outcome is not Outcome.OPEN:
        return True
    # The peer was heard all the same: nobody knows more, ever.
    return exchange.confidence is Confidence.SUSPECT


def _named(item: Item, name: str) -> Item:
    if isinstance(item, Exchange | BlackHole):
        return replace(item, id=name)
    return item
