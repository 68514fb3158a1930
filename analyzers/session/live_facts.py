"""What has become final since the last look, for whoever writes it down as it happens.

A fact that changes all the same, because later packets put it in another light, is told again with
the next revision. Each fact has an id of its own that stays.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
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

Item = PeerView | Exchange | Delete | BlackHole | IkeMessage | Finding
_Key = tuple[object, ...]
_T = TypeVar("_T")


class Fact(NamedTuple):
    """Something that happened, and how often it was told before."""

    peer: PeerView | None
    item: Item
    revision: int


class _Told(Struct):
    """What was told of a peer."""

    state: PeerState | None = None
    states: int = 0
    last_message_ns: int = -1
    messages: set[_Key] = field(default_factory=set)
    """Of that time."""
    facts: dict[_Key, tuple[int, Item, str, int]] = field(default_factory=dict)
    """The latest facts: time, as last told, id, revision."""
    done_ns: int = 0
    """Facts that began before change no more."""


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
            if peer.state is not told.state:
                at_ns = peer.first_ns if told.state is None else peer.states[-1].start_ns
                found.append((at_ns, 0, Fact(peer, peer, told.states)))
                told.state, told.states = peer.state, told.states + 1
            found += [(m.at_ns, 1, Fact(peer, m, 0)) for m in _new_messages(peer, told)]
            for key, at_ns, item in _facts(peer, told, last=last):
                fact = self._fact(peer, key, at_ns, item, told)
                if fact is not None:
                    found.append((at_ns, 2, fact))
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
            self._findings[key] = (finding, revision)
            found.append(Fact(views.get(finding.peer or ""), finding, revision))
        return found

    def _fact(self, peer: PeerView, key: _Key, at_ns: int, item: Item, told: _Told) -> Fact | None:
        known = told.facts.get(key)
        if known is None:
            name = ""
            if isinstance(item, Exchange | BlackHole):
                letter = "x" if isinstance(item, Exchange) else "b"
                self._numbers[letter] += 1
                name = f"{letter}{self._numbers[letter]}"
            revision = 0
        else:
            _, before, name, revision = known
            item = _named(item, name)
            if item == before:
                return None
            revision += 1
        item = _named(item, name)
        told.facts[key] = (at_ns, item, name, revision)
        return Fact(peer, item, revision)


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


def _facts(peer: PeerView, told: _Told, *, last: bool) -> Iterator[tuple[_Key, int, Item]]:
    """What of a peer is final, with what names it and its time."""
    done_ns = told.done_ns
    for exchange in _since(peer.exchanges, done_ns, _begin_ns):
        if last or _is_settled(exchange):
            yield ("x", exchange.transmissions[0].ref), exchange.first_ns, exchange
    for delete in _since(peer.deletes, done_ns, _delete_ns):
        yield ("d", delete.ref), delete.at_ns, delete
    for hole in _since(peer.black_holes, done_ns, _hole_ns):
        if last or hole.stop_basis in _FINAL_STOPS:
            yield ("b", hole.sender, _hole_ns(hole)), hole.stop_ns, hole
    if len(peer.exchanges) > _RECENT:
        # A black hole is about questions, and may come to an end long after they began.
        open_ns = [_hole_ns(h) for h in peer.black_holes if h.stop_basis not in _FINAL_STOPS]
        told.done_ns = max(done_ns, min([peer.exchanges[-_RECENT].first_ns, *open_ns]))
        for key in [key for key, known in told.facts.items() if known[0] < told.done_ns]:
            del told.facts[key]


def _since(items: Sequence[_T], done_ns: int, time_of: Callable[[_T], int]) -> list[_T]:
    """The items from a time on; they are about in the order of time."""
    found: list[_T] = []
    for item in reversed(items):
        if time_of(item) < done_ns:
            break
        found.append(item)
    found.reverse()
    return found


def _begin_ns(exchange: Exchange) -> int:
    return exchange.first_ns


def _delete_ns(delete: Delete) -> int:
    return delete.at_ns


def _hole_ns(hole: BlackHole) -> int:
    return hole.first_exposed_ns or hole.last_proof_ns or hole.stop_ns


def _is_settled(exchange: Exchange) -> bool:
    if exchange.outcome is not Outcome.OPEN:
        return True
    # The peer was heard all the same: nobody knows more, ever.
    return exchange.confidence is Confidence.SUSPECT


def _named(item: Item, name: str) -> Item:
    if isinstance(item, Exchange | BlackHole):
        return replace(item, id=name)
    return item
