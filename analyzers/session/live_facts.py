"""What has become final since the last look, for whoever writes it down as it happens.

A fact that changes all the same, because later packets or a log put it in another light, is told
again with the next revision; one that turns out to be none is taken back. A black hole is told
while it grows, in ever larger steps. Each fact has an id of its own that stays. At the end
everything that is other than it was told is told once more, so that the last word on each fact is
that of a report.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from enum import StrEnum
from operator import is_
from typing import Final, NamedTuple, TypeVar

from msgspec import Struct, field
from msgspec.structs import replace

from analyzers.export.spans import is_ike_only
from analyzers.model.black_hole import BlackHole, StopBasis
from analyzers.model.exchange import Delete, Exchange, Outcome
from analyzers.model.finding import Finding
from analyzers.model.observations import IkeMessage
from analyzers.model.peer import PeerState, PeerView
from analyzers.model.records import Basis, Confidence, Ref
from analyzers.model.time import NS_PER_MS, NS_PER_SECOND
from analyzers.session.live_kinship import Named, successor
from analyzers.session.live_states import passed

# So many exchanges back, facts are not looked at again before the end.
_RECENT: Final = 32
# A question and its answer are two messages.
_RECENT_MESSAGES: Final = 2 * _RECENT
_FINAL_STOPS: Final = frozenset({StopBasis.PROOF, StopBasis.DELETE, StopBasis.REPLACEMENT})
# One that goes on is told again whenever it is so many times as long.
_GROWN: Final = 1.5
# A verdict or a Delete at another time is another statement.
_DATED: Final = frozenset({PeerState.DEAD, PeerState.DELETED})
# What is answered by then was an ordinary question: most are, within milliseconds.
SETTLES_NS: Final = 150 * NS_PER_MS
"""How long a peer has to be in question before that is told."""
# Retries that are so far apart are rare (dpd-semantics section 3).
_RETRIED_NS: Final = 30 * NS_PER_SECOND

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
    LAST = "last"
    """Of a peer: its state is as it was told, and this is all that is known of it in the end."""


class Fact(NamedTuple):
    """Something that happened, and how often it was told before."""

    peer: PeerView | None
    item: Item
    revision: int
    change: Change = Change.NEW
    before: Item | None = None
    """As it was told last."""
    became: str = ""
    """Of one that is taken back: the fact that it is a part of now; empty where it was none."""


class _Present(NamedTuple):
    """Something of a peer that may have to be told."""

    key: _Key
    """What names it."""
    begin_ns: int
    at_ns: int
    """Where it belongs in the order of telling."""
    item: Exchange | Delete | BlackHole


class _Known(NamedTuple):
    """A fact as it was told last."""

    begin_ns: int
    item: Exchange | Delete | BlackHole
    name: str
    revision: int


class _Told(Struct):
    """What was told of a peer."""

    view: PeerView | None = None
    """As it was told last, without its events."""
    since_ns: int = 0
    """When its state began, where that matters."""
    ike_only: bool = False
    """It was told that only its IKE lives."""
    states: int = 0
    state_ns: int | None = None
    """When the latest of them began."""
    moved: bool = False
    """Its last line stands where a later state began, and not where the peer did."""
    doubted_ns: int | None = None
    """When a look first found it in question, while that is not told yet."""
    messages: dict[Ref, tuple[IkeMessage, int]] = field(default_factory=dict)
    facts: dict[_Key, _Known] = field(default_factory=dict)
    """The latest facts."""
    settled: dict[_Key, _Known] = field(default_factory=dict)
    """Facts that began before `done_ns`: they are looked at again at the end."""
    done_ns: int = 0
    gone_ns: int = 0
    """Exchanges and Deletes of before are remembered no more."""
    messages_gone_ns: int = 0
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

    def __init__(self, settles_ns: int = SETTLES_NS) -> None:
        """`settles_ns`: how long a peer is in question before that is told."""
        self.settles_ns = settles_ns
        self.lines_settle_ns = settles_ns
        """The same where only a log tells of it."""
        self._peers: dict[str, _Told] = {}
        self._findings: dict[_Key, tuple[Finding, int]] = {}
        self._numbers = {"x": 0, "b": 0}
        self.due_ns: int | None = None
        """When something is to be told that is held back now, in event time."""

    def take(self, peers: Iterable[PeerView], now_ns: int, *, last: bool = False) -> list[Fact]:
        """The facts that are new, in the order of time.

        `now_ns` is now in event time; `last`: what is open will stay so.
        """
        found: list[tuple[int, int, Fact]] = []
        self.due_ns = None
        for peer in peers:
            told = self._peers.setdefault(peer.id, _Told())
            if not last and told.has_seen(peer) and told.doubted_ns is None:
                continue
            if last:
                _recall(told)
            for was in passed(peer, told.state_ns, self.settles_ns):
                found += self._state(was, told, now_ns, last=last, over=True)
            found += self._state(peer, told, now_ns, last=last)
            found += _messages(peer, told, last=last)
            present = {each.key: each for each in _present(peer, told, last=last)}
            _keep_names(peer, told, present)
            for each in present.values():
                ready = last or _is_settled(each.item, now_ns)
                fact = self._fact(peer, each, told, last=last) if ready else None
                if fact is not None:
                    found.append((each.at_ns, 2, fact))
            found += _taken_back(peer, told, present)
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
            before = None if known is None else known[0]
            found.append(Fact(views.get(finding.peer or ""), finding, revision, change, before))
        return found

    def _state(
        self, peer: PeerView, told: _Told, now_ns: int, *, last: bool, over: bool = False
    ) -> Iterator[tuple[int, int, Fact]]:
        """The state of a peer, where it is another one, or began at another time.

        That it is asked is told once the answer is not there at once. `over`: another state came.
        """
        before = told.view
        since_ns = peer.states[-1].start_ns if peer.state in _DATED else 0
        ike_only = is_ike_only(peer)
        same = before is not None and peer.state is before.state and ike_only is told.ike_only
        if same and since_ns == told.since_ns:
            told.doubted_ns = None
            if last and not over and before is not None and (told.moved or _head(peer) != before):
                told.moved = False
                yield peer.first_ns, 0, Fact(peer, peer, told.states, Change.LAST, before)
                told.view, told.states = _head(peer), told.states + 1
            return
        if peer.state is PeerState.PROBING and not (last or over):
            told.doubted_ns = now_ns if told.doubted_ns is None else told.doubted_ns
            logged = bool(peer.exchanges) and peer.exchanges[-1].basis is Basis.LOG
            due_ns = told.doubted_ns + (self.lines_settle_ns if logged else self.settles_ns)
            if now_ns < due_ns:
                self.due_ns = due_ns if self.due_ns is None else min(self.due_ns, due_ns)
                return
        told.doubted_ns = None
        change = Change.CORRECTED if same else Change.NEW
        # What is said of a peer comes after the peer itself.
        at_ns = peer.first_ns if before is None else peer.states[-1].start_ns
        yield at_ns, 0, Fact(peer, peer, told.states, change, before)
        told.view, told.since_ns, told.states = _head(peer), since_ns, told.states + 1
        told.ike_only = ike_only
        told.state_ns = max(told.state_ns or 0, peer.states[-1].start_ns)
        told.moved = before is not None

    def _fact(self, peer: PeerView, here: _Present, told: _Told, *, last: bool) -> Fact | None:
        item = here.item
        known = told.facts.get(here.key)
        before: Item | None = None
        if known is None:
            if here.begin_ns < told.gone_ns and not isinstance(item, BlackHole):
                return None
            name = ""
            if isinstance(item, Exchange | BlackHole):
                letter = "x" if isinstance(item, Exchange) else "b"
                self._numbers[letter] += 1
                name = f"{letter}{self._numbers[letter]}"
            item = _named(item, name)
            revision, change = 0, Change.NEW
            if isinstance(item, BlackHole) and not _is_over(item):
                change = Change.GROWING
        else:
            before, name = known.item, known.name
            item = _named(item, name)
            if item == before or not (last or _is_worth_telling(item, before)):
                return None
            revision, change = known.revision + 1, _change(item, before)
        told.facts[here.key] = _Known(here.begin_ns, item, name, revision)
        return Fact(peer, item, revision, change, before)


def _head(peer: PeerView) -> PeerView:
    """A peer without its events, and whenever it was looked at."""
    return replace(
        peer, exchanges=(), deletes=(), black_holes=(), messages=(), until_ns=None, forgotten=0
    )


def _recall(told: _Told) -> None:
    """Look at everything again."""
    told.facts = told.settled | told.facts
    told.settled = {}
    told.done_ns = 0


def _keep_names(peer: PeerView, told: _Told, present: dict[_Key, _Present]) -> None:
    """A fact that is named by another packet or line now is still the same fact."""
    new = [each for each in present.values() if each.key not in told.facts]
    if not new:
        return
    # What is kept no more lives on in nothing.
    kept_ns = peer.exchanges[0].first_ns if peer.forgotten and peer.exchanges else 0
    gone = [
        Named(key, known.item)
        for key, known in told.facts.items()
        if key not in present and (known.begin_ns >= kept_ns or isinstance(known.item, BlackHole))
    ]
    for each in new:
        known_as = successor(gone, each.item)
        if known_as is not None:
            known = told.facts.pop(known_as.key)
            told.facts[each.key] = known._replace(begin_ns=each.begin_ns)
            gone.remove(known_as)


def _taken_back(
    peer: PeerView, told: _Told, present: dict[_Key, _Present]
) -> Iterator[tuple[int, int, Fact]]:
    """Facts that were told and are gone."""
    if peer.forgotten > told.forgotten:
        told.forgotten = peer.forgotten
        return
    missing = [key for key in told.facts if key not in present]
    if not missing:
        return
    # Not everything is quite in the order of time.
    everything = {each.key for each in _since_ns(peer, 0, 0)}
    for key in missing:
        if key not in everything:
            begin_ns, item, _, revision = told.facts.pop(key)
            there = [Named(k, known.item) for k, known in told.facts.items() if k in present]
            whole = successor(there, item)
            became = "" if whole is None else told.facts[whole.key].name
            yield begin_ns, 2, Fact(peer, item, revision + 1, Change.RETRACTED, item, became)


def _messages(peer: PeerView, told: _Told, *, last: bool) -> Iterator[tuple[int, int, Fact]]:
    """Messages that are new, or known better: the latest ones, at the end all of them."""
    messages = peer.messages if last else peer.messages[-_RECENT_MESSAGES:]
    if not last:
        # More than usual may have come at once.
        place = len(peer.messages) - len(messages)
        while place > 0 and peer.messages[place - 1].ref not in told.messages:
            place -= 1
        messages = peer.messages[place:]
    for message in messages:
        known = told.messages.get(message.ref)
        if known is None:
            if message.at_ns >= told.messages_gone_ns:
                told.messages[message.ref] = (message, 0)
                yield message.at_ns, 1, Fact(peer, message, 0)
        elif message is not known[0] and message != known[0]:
            revision = known[1] + 1
            told.messages[message.ref] = (message, revision)
            yield message.at_ns, 1, Fact(peer, message, revision, Change.CORRECTED, known[0])
    if last and peer.forgotten <= told.forgotten:
        there = {message.ref for message in peer.messages}
        for gone, revision in [m for ref, m in told.messages.items() if ref not in there]:
            del told.messages[gone.ref]
            yield gone.at_ns, 1, Fact(peer, gone, revision + 1, Change.RETRACTED, gone)


def _present(peer: PeerView, told: _Told, *, last: bool) -> Iterator[_Present]:
    """What there is of a peer, from where it may still change; at the end all of it."""
    since_ns = told.gone_ns if last else told.done_ns
    return _since_ns(peer, since_ns, 0 if last else since_ns)


def _since_ns(peer: PeerView, since_ns: int, holes_ns: int) -> Iterator[_Present]:
    """What there is of a peer from a time on."""
    for exchange in _since(peer.exchanges, since_ns, lambda x: x.first_ns):
        key = ("x", exchange.transmissions[0].ref)
        yield _Present(key, exchange.first_ns, exchange.first_ns, exchange)
    for delete in _since(peer.deletes, since_ns, lambda d: d.at_ns):
        yield _Present(("d", delete.ref), delete.at_ns, delete.at_ns, delete)
    for hole in _since(peer.black_holes, holes_ns, lambda h: h.begin_ns):
        began_ns = hole.begin_ns
        yield _Present(("b", hole.sender, began_ns), began_ns, hole.stop_ns, hole)


def _let_go(peer: PeerView, told: _Told) -> None:
    """Facts of long ago are not looked at before the end; what the view lost is forgotten."""
    if len(peer.exchanges) > _RECENT:
        # A black hole is about questions, and may come to an end long after they began.
        open_ns = [hole.begin_ns for hole in peer.black_holes if not _is_over(hole)]
        told.done_ns = max(told.done_ns, min([peer.exchanges[-_RECENT].first_ns, *open_ns]))
        for key in [key for key, known in told.facts.items() if known.begin_ns < told.done_ns]:
            told.settled[key] = told.facts.pop(key)
    if peer.forgotten and peer.messages and peer.messages[0].at_ns > told.messages_gone_ns:
        gone_ns = told.messages_gone_ns = peer.messages[0].at_ns
        told.messages = {r: m for r, m in told.messages.items() if m[0].at_ns >= gone_ns}
    if peer.forgotten and peer.exchanges and peer.exchanges[0].first_ns > told.gone_ns:
        gone_ns = told.gone_ns = peer.exchanges[0].first_ns
        told.settled = {
            key: known
            for key, known in told.settled.items()
            if known.begin_ns >= gone_ns or isinstance(known.item, BlackHole)
        }


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
        if item.max_seconds < before.max_seconds:
            return Change.CORRECTED
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


def _is_settled(item: Item, now_ns: int) -> bool:
    if not isinstance(item, Exchange) or item.outcome is not Outcome.OPEN:
        return True
    # The peer was heard all the same: once no answer and no retry can come, nobody knows more.
    suspect = item.confidence is Confidence.SUSPECT
    return suspect and now_ns - item.last_ns >= _RETRIED_NS


def _named(item: Exchange | Delete | BlackHole, name: str) -> Exchange | Delete | BlackHole:
    if isinstance(item, Exchange | BlackHole):
        return replace(item, id=name)
    return item
