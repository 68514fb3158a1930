"""Views of a session that goes on: those of peers of which nothing is new are kept.

Where only more ESP went by, that alone is counted again: most peers are in use all the time.
"""

from __future__ import annotations

from typing import Final, NamedTuple

from msgspec.structs import replace

from analyzers.model.exchange import Outcome
from analyzers.model.peer import PeerState, PeerView
from analyzers.model.records import Confidence
from analyzers.model.time import NS_PER_SECOND
from analyzers.tracking.engine import Tracker
from analyzers.tracking.tracks import PeerTrack
from analyzers.tracking.views import LocalSide, Viewer

# In these states time alone changes what is known.
_RESTLESS: Final = frozenset({PeerState.QUESTIONABLE, PeerState.PROBING})
_RECENT: Final = 4
# What ESP tells of gaps of the capture is worked out so often.
_WHOLE_EVERY_NS: Final = 5 * NS_PER_SECOND
# The golden section spreads any number of peers evenly.
_STAGGER_NS: Final = 3_090_169_944
# After a pause all of them are due: in one look no more than this many, or one in so many.
_AT_ONCE: Final = 2
_SHARE: Final = 50

_Mark = tuple[object, ...]


class _Kept(NamedTuple):
    mark: _Mark
    packets: int
    made_ns: int
    view: PeerView
    restless: bool


class Snapshots:
    """The views of all peers, as they were when each changed last."""

    def __init__(self, local: frozenset[str]) -> None:
        self._local = local
        self._kept: dict[int, _Kept] = {}
        self._guessed: dict[int, LocalSide] = {}
        """What was guessed once stays so while it is looked at."""
        self._spare = 0
        """How many more peers may be looked at as a whole for no other reason than that."""

    def peers(self, tracker: Tracker, end_ns: int, *, exact: bool = False) -> tuple[PeerView, ...]:
        """All peers in the order in which they appeared; `end_ns` is now, in event time.

        `exact`: every packet counts.
        """
        self._spare = max(_AT_ONCE, len(tracker.table.peers) // _SHARE)
        viewer = Viewer(
            tracker,
            self._local,
            end_ns,
            one_by_one=True,
            ongoing=not exact,
            guessed=self._guessed,
        )
        return tuple(self._view(viewer, tracker, p, end_ns, exact) for p in tracker.table.peers)

    def _view(
        self, viewer: Viewer, tracker: Tracker, peer: PeerTrack, end_ns: int, exact: bool
    ) -> PeerView:
        mark = (sum(map(len, tracker.gaps.values())), *_mark(viewer, peer))
        packets = int(tracker.flows.packets[peer.flows].sum()) if peer.flows else 0
        kept = self._kept.get(peer.index)
        if kept is not None and kept.mark == mark and not kept.restless:
            if kept.packets == packets:
                return replace(kept.view, until_ns=end_ns)
            if not exact and not _awaits_proof(kept.view):
                if not self._spare or not _is_due(peer, kept.made_ns, end_ns):
                    return viewer.with_traffic(kept.view, peer)
                self._spare -= 1
        view = viewer.view(peer)
        self._kept[peer.index] = _Kept(mark, packets, end_ns, view, _is_restless(view))
        return view


def _mark(viewer: Viewer, peer: PeerTrack) -> _Mark:
    """What is different when anything of a peer is, but for the packets of flows that are known."""
    side, _ = viewer.local_side(peer)
    return (
        side,
        viewer.holes_known(peer),
        len(peer.flows),
        peer.ike_messages,
        # What is forgotten changes nothing of what is told.
        peer.forgotten + _kept_of(peer),
        sum(hint.times for hint in peer.hints),
        len(peer.sas),
        peer.last_ns,
        sum(sa.ended_ns is not None for sa in peer.sas[-_RECENT:]),
        peer.named,
    )


def _kept_of(peer: PeerTrack) -> int:
    """Events of a peer that are kept."""
    deletes = len(peer.deletes) + len(peer.lost_deletes)
    return len(peer.messages) + len(peer.exchanges) + deletes


def _awaits_proof(view: PeerView) -> bool:
    """Whether the next packet may show that a peer lives which nobody watched for a while."""
    return view.state is PeerState.UNKNOWN and len(view.states) > 1


def _is_due(peer: PeerTrack, made_ns: int, end_ns: int) -> bool:
    """Whether a peer is to be looked at as a whole again: each at a time of its own.

    All of them in one look would hold up what else is new.
    """
    phase_ns = peer.index * _STAGGER_NS % _WHOLE_EVERY_NS
    return (made_ns + phase_ns) // _WHOLE_EVERY_NS != (end_ns + phase_ns) // _WHOLE_EVERY_NS


def _is_restless(view: PeerView) -> bool:
    if view.state in _RESTLESS:
        return True
    return any(
        x.outcome is Outcome.OPEN and x.confidence is not Confidence.SUSPECT
        for x in view.exchanges[-_RECENT:]
    )
