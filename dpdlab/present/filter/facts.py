"""What an item says for each key.

Items belong to a peer. What is told of the peer as such (its addresses, its state, the modes of
its policies) every item of it says, too; all else an item says for itself. Findings and problems
name places of the input: they are about the exchanges, Deletes, black holes and messages there,
and take SPIs, message IDs and sequence numbers from them.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import PurePath
from typing import Final

from analyzers.model.black_hole import BlackHole
from analyzers.model.exchange import NO_MESSAGE_ID, Delete, Exchange, ExchangeKind, Outcome
from analyzers.model.finding import Finding
from analyzers.model.observations import IkeMessage, MessageKind
from analyzers.model.peer import PeerView
from analyzers.model.records import Problem, Ref
from analyzers.model.time import ORDER_LIMIT_NS, nanoseconds
from dpdlab.present.filter.sayings import texts_of

Item = PeerView | Exchange | Delete | BlackHole | Finding | IkeMessage | Problem
Facts = Iterable[str | int]

_AS_DPD: Final = frozenset({MessageKind.R_U_THERE, MessageKind.R_U_THERE_ACK})


class Surroundings:
    """What has to be looked up for the items of one peer, made once and kept with it."""

    def __init__(self, peer: PeerView | None, sources: Mapping[str, str]) -> None:
        """`sources` are the paths of the inputs by id."""
        self.peer = peer
        self.sources = {
            source: (source, path, PurePath(path).name) for source, path in sources.items()
        }
        sas = () if peer is None else peer.ike_sas
        self.versions = {sa.id: sa.ike_version for sa in sas if sa.version_told}
        self.sa_spis = {
            sa.id: tuple(spi for spi in (sa.initiator_spi, sa.responder_spi) if spi) for sa in sas
        }
        flows = () if peer is None else peer.esp_flows
        self.esp_spis = tuple(flow.spi for flow in flows)
        self._at: dict[Ref, list[Item]] | None = None
        self._message_times: Sequence[int] | None = None

    def at(self, refs: Iterable[Ref]) -> list[Item]:
        """The exchanges, Deletes, black holes and messages at these places, each once."""
        if self._at is None:
            self._at = defaultdict(list)
            for item in self._with_places():
                for ref in refs_of(item):
                    self._at[ref].append(item)
        found = {id(item): item for ref in refs for item in self._at.get(ref, ())}
        return list(found.values())

    def _with_places(self) -> Iterable[Item]:
        peer = self.peer
        if peer is None:
            return ()
        return (*peer.exchanges, *peer.deletes, *peer.black_holes, *peer.messages)

    def since_message_before(self, message: IkeMessage) -> int | None:
        """Time since the message of the peer before this one, in nanoseconds."""
        messages = () if self.peer is None else self.peer.messages
        if self._message_times is None:
            self._message_times = [m.at_ns for m in messages]
        place = bisect_left(self._message_times, message.at_ns)
        while place < len(messages) and messages[place] is not message:
            place += 1
        if not 0 < place < len(messages) or message.at_ns < ORDER_LIMIT_NS:
            return None
        return message.at_ns - messages[place - 1].at_ns


def refs_of(item: Item) -> tuple[Ref, ...]:
    """The places of the input that show an item."""
    match item:
        case Exchange():
            refs = [ref for one in item.messages for ref in (one.ref, *one.seen)]
            return (*refs, *((item.verdict_ref,) if item.verdict_ref is not None else ()))
        case Delete():
            return (item.ref,)
        case BlackHole() | Finding():
            return item.refs
        case IkeMessage():
            return (item.ref, *item.refs, *item.seen)
        case Problem():
            return () if item.ref is None else (item.ref,)
        case PeerView():
            parts: tuple[Item, ...] = (*item.exchanges, *item.deletes, *item.black_holes)
            parts = (*parts, *item.problems, *item.messages)
            refs = [ref for part in parts for ref in refs_of(part)]
            return (*refs, *(ref for sa in item.ike_sas for ref in sa.refs))


def facts_of(name: str) -> Callable[[Surroundings, Item], Facts]:
    """What an item says for a key; nothing where it has no such thing."""
    return _FACTS[name]


# --- of the peer, for every item of it --------------------------------------------------------


def _peer(around: Surroundings, item: Item) -> Facts:
    peer = around.peer
    if peer is None:
        # A configuration's finding names its peer by address.
        named = item.peer if isinstance(item, Finding) else None
        return () if named is None else (named,)
    return (peer.id, peer.local, peer.remote, *peer.addresses)


def _local(around: Surroundings, item: Item) -> Facts:
    return () if around.peer is None else (around.peer.local,)


def _remote(around: Surroundings, item: Item) -> Facts:
    return () if around.peer is None else (around.peer.remote, *around.peer.addresses)


def _state(around: Surroundings, item: Item) -> Facts:
    return () if around.peer is None else (around.peer.state,)


def _mode(around: Surroundings, item: Item) -> Facts:
    return () if around.peer is None else [policy.mode for policy in around.peer.policies]


def _ike(around: Surroundings, item: Item) -> Facts:
    match item:
        case Exchange() | Delete() if item.ike_sa in around.versions:
            return (around.versions[item.ike_sa],)
        case IkeMessage():
            return (item.version,)
    return around.versions.values()


# --- of the item itself -----------------------------------------------------------------------


def _kind(around: Surroundings, item: Item) -> Facts:
    match item:
        case PeerView():
            return ("peer",)
        case Exchange():
            return ("exchange", item.kind)
        case Delete():
            return ("delete",)
        case BlackHole():
            return ("black-hole",)
        case Finding():
            return ("finding",)
        case Problem():
            return ("problem",)
        case IkeMessage():
            if item.kind in _AS_DPD:
                return ("message", item.kind, ExchangeKind.DPD)
            if item.kind is MessageKind.LIVENESS_MOBIKE:
                return ("message", item.kind, ExchangeKind.LIVENESS)
            return ("message", item.kind)


def _from(around: Surroundings, item: Item) -> Facts:
    match item:
        case Exchange():
            return (item.prober,)
        case Delete() | BlackHole():
            return (item.sender,)
        case IkeMessage():
            return (item.src,)
    return ()


def _to(around: Surroundings, item: Item) -> Facts:
    match item:
        case Exchange():
            return (item.responder,)
        case BlackHole():
            return (item.receiver,)
        case IkeMessage():
            return (item.dst,)
        case Delete() if around.peer is not None:
            return (around.peer.local if _is_inbound(around, item.sender) else around.peer.remote,)
    return ()


def _dir(around: Surroundings, item: Item) -> Facts:
    return ["in" if _is_inbound(around, str(sender)) else "out" for sender in _from(around, item)]


def _is_inbound(around: Surroundings, sender: str) -> bool:
    peer = around.peer
    return peer is not None and sender in (peer.remote, *peer.addresses)


def _outcome(around: Surroundings, item: Item) -> Facts:
    match item:
        case Exchange():
            return (item.outcome,)
        case Delete() if item.answered is not None:
            return (Outcome.ANSWERED if item.answered else Outcome.UNANSWERED,)
    return ()


def _rtt(around: Surroundings, item: Item) -> Facts:
    return _known(item.rtt_ns) if isinstance(item, Exchange | PeerView) else ()


def _retries(around: Surroundings, item: Item) -> Facts:
    match item:
        case Exchange():
            return (item.retries,)
        case Delete():
            return (item.transmissions - 1,)
    return ()


def _gap(around: Surroundings, item: Item) -> Facts:
    match item:
        case Exchange():
            return _known(item.since_proof_ns)
        case BlackHole():
            return (nanoseconds(item.max_seconds),)
        case IkeMessage():
            return _known(around.since_message_before(item))
    return ()


def _seconds(around: Surroundings, item: Item) -> Facts:
    match item:
        case BlackHole():
            return (nanoseconds(item.max_seconds),)
        case PeerView() if item.first_ns >= ORDER_LIMIT_NS:
            return (item.last_ns - item.first_ns,)
        case Exchange() if item.first_ns >= ORDER_LIMIT_NS:
            ends = [item.last_ns]
            ends += [] if item.answer is None else [item.answer.at_ns]
            ends += [] if item.verdict_ns is None else [item.verdict_ns]
            return (max(ends) - item.first_ns,)
    return ()


def _packets(around: Surroundings, item: Item) -> Facts:
    match item:
        case PeerView():
            return (sum(flow.packets for flow in item.esp_flows),)
        case BlackHole() if item.traffic_known:
            return (item.max_packets,)
    return ()


def _class(around: Surroundings, item: Item) -> Facts:
    return (item.black_hole_class,) if isinstance(item, BlackHole) else ()


def _sev(around: Surroundings, item: Item) -> Facts:
    return (item.severity,) if isinstance(item, Finding) else ()


def _rule(around: Surroundings, item: Item) -> Facts:
    return (item.rule,) if isinstance(item, Finding) else ()


def _basis(around: Surroundings, item: Item) -> Facts:
    return (item.basis,) if isinstance(item, Exchange | Delete | IkeMessage) else ()


def _confidence(around: Surroundings, item: Item) -> Facts:
    return () if isinstance(item, Problem) else (item.confidence,)


def _spi(around: Surroundings, item: Item) -> Facts:
    match item:
        case PeerView():
            spis = [spi for of_sa in around.sa_spis.values() for spi in of_sa]
            return (*spis, *around.esp_spis)
        case Exchange():
            return around.sa_spis.get(item.ike_sa, ())
        case Delete():
            return (*item.spis, *around.sa_spis.get(item.ike_sa, ()))
        case BlackHole():
            return item.spis or around.esp_spis
        case IkeMessage():
            deleted = [spi for delete in item.deletes for spi in delete.spis]
            return (item.initiator_spi, item.responder_spi, *deleted)
    return _of_related(around, item, _spi)


def _id(around: Surroundings, item: Item) -> Facts:
    match item:
        case Exchange():
            return [one.message_id for one in item.messages if one.message_id < NO_MESSAGE_ID]
        case IkeMessage():
            return (item.message_id,) if item.message_id < NO_MESSAGE_ID else ()
        case Delete():
            messages = [i for i in around.at((item.ref,)) if isinstance(i, IkeMessage)]
            return [m.message_id for m in messages if m.message_id < NO_MESSAGE_ID]
    return _of_related(around, item, _id)


def _seq(around: Surroundings, item: Item) -> Facts:
    match item:
        case Exchange():
            return _known(item.sequence)
        case IkeMessage():
            return _known(item.dpd_sequence)
    return _of_related(around, item, _seq)


def _of_related(
    around: Surroundings, item: Item, fact: Callable[[Surroundings, Item], Facts]
) -> Facts:
    """What those say that are at the places of a finding or a problem."""
    if not isinstance(item, Finding | Problem):
        return ()
    return [known for other in around.at(refs_of(item)) for known in fact(around, other)]


def _source(around: Surroundings, item: Item) -> Facts:
    ids = dict.fromkeys(ref.source for ref in refs_of(item))
    if isinstance(item, PeerView) and len(around.sources) == 1:
        # ESP has no places, and there is nowhere else it could be from.
        ids = dict.fromkeys(around.sources)
    return [name for source in ids for name in around.sources.get(source, (source,))]


def _frame(around: Surroundings, item: Item) -> Facts:
    return [ref.record for ref in refs_of(item)]


def _text(around: Surroundings, item: Item) -> Facts:
    return texts_of(item)


def _known(number: int | None) -> Facts:
    return () if number is None else (number,)


_FACTS: Final[dict[str, Callable[[Surroundings, Item], Facts]]] = {
    "peer": _peer,
    "local": _local,
    "remote": _remote,
    "state": _state,
    "mode": _mode,
    "ike": _ike,
    "kind": _kind,
    "from": _from,
    "to": _to,
    "dir": _dir,
    "outcome": _outcome,
    "rtt": _rtt,
    "retries": _retries,
    "gap": _gap,
    "seconds": _seconds,
    "packets": _packets,
    "class": _class,
    "sev": _sev,
    "rule": _rule,
    "basis": _basis,
    "confidence": _confidence,
    "spi": _spi,
    "id": _id,
    "seq": _seq,
    "source": _source,
    "frame": _frame,
    "text": _text,
}
