"""Black holes by counters: what went into a Child SA, and did not come out of it.

One end sees that nothing comes back; where the way is broken, the counters of both ends tell. What
lies between two outputs is a lower bound: nothing may have come before the first one either.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Container, Iterator, Sequence
from typing import Final

from msgspec import Struct
from msgspec.structs import replace

from analyzers.model.black_hole import BlackHole, BlackHoleClass, Phase, PhaseName, StopBasis
from analyzers.model.exchange import Outcome
from analyzers.model.peer import Hint, HintKind, PeerView
from analyzers.model.records import Confidence, Ref
from analyzers.model.snapshot import ChangeKind, CounterChange
from analyzers.model.time import nanoseconds, seconds

_MISSING_DPD_NS: Final = nanoseconds(10)
_UNTOLD: Final = "which way is broken one end cannot tell"


class _Silence(Struct, frozen=True):
    """One Child SA from output to output, while nothing came out of it."""

    changes: tuple[CounterChange, ...]
    ended: CounterChange | None
    """What came afterwards."""

    @property
    def span_ns(self) -> tuple[int, int] | None:
        """Since and until when it is known; None without times."""
        start, stop = self.changes[0].from_ns, self.changes[-1].to_ns
        return None if start is None or stop is None or stop <= start else (start, stop)


def with_silences(peer: PeerView, changes: Sequence[CounterChange], least_s: float) -> PeerView:
    """A peer with the black holes that counters show, and what they say of it.

    `least_s`: shorter ones are not reported.
    """
    for silence in _silences(changes):
        said = [_said(peer, change, _far(change, changes), least_s) for change in silence.changes]
        peer = replace(peer, hints=tuple(sorted((*peer.hints, *said), key=lambda h: h.at_ns)))
        hole = _hole(peer, silence, changes, least_s)
        if hole is not None and not _is_told(peer, hole):
            holes = sorted((*peer.black_holes, hole), key=lambda h: h.stop_ns)
            peer = replace(peer, black_holes=tuple(holes))
    return peer


def came_in(change: CounterChange) -> bool:
    """Whether packets came out of a Child SA, or another one was negotiated in its place."""
    return change.kind is ChangeKind.REPLACED or _got(change) > 0


def sender_of(peer: PeerView, change: CounterChange) -> str:
    """The device that shows its counters is the one that sends."""
    return peer.remote if change.local in {peer.remote, *peer.addresses} else peer.local


def _silences(changes: Sequence[CounterChange]) -> Iterator[_Silence]:
    """Those of each Child SA, as far as one output follows the other."""
    by_child: dict[tuple[object, ...], list[CounterChange]] = defaultdict(list)
    for change in changes:
        spis = change.inbound_spi, change.outbound_spi
        ends = change.local, change.remote, change.name, change.flow
        by_child[(change.format, *ends, *spis)].append(change)
    for following in by_child.values():
        run: list[CounterChange] = []
        for change in following:
            if run and change.from_ns != run[-1].to_ns:
                yield _Silence(tuple(run), None)
                run = []
            if change.silent:
                run.append(change)
            elif run:
                yield _Silence(tuple(run), change if came_in(change) else None)
                run = []
        if run:
            yield _Silence(tuple(run), None)


# --- the other end --------------------------------------------------------------------------------


def _far(change: CounterChange, changes: Sequence[CounterChange]) -> CounterChange | None:
    """The same Child SA by the counters of the other end, for most of the same time."""
    shared = [
        (_shared_ns(change, other), other)
        for other in changes
        if other.outbound_spi == change.inbound_spi != ""
        and other.inbound_spi == change.outbound_spi != ""
        and other.kind is ChangeKind.COUNTED
    ]
    most_ns, far = max(shared, key=lambda each: each[0], default=(0, None))
    return far if most_ns > 0 else None


def _shared_ns(one: CounterChange, two: CounterChange) -> int:
    if one.from_ns is None or one.to_ns is None or two.from_ns is None or two.to_ns is None:
        return 0
    return min(one.to_ns, two.to_ns) - max(one.from_ns, two.from_ns)


def _got(change: CounterChange) -> int:
    """What came out of it; 0: nothing, or nobody knows."""
    return change.decaps_packets or change.decaps_bytes or 0


def _sent(change: CounterChange) -> int:
    return change.encaps_packets or change.encaps_bytes or 0


def _is_way_back(far: CounterChange | None) -> bool:
    """Whether what was sent arrived, and what the other end sent meanwhile did not."""
    return far is not None and _got(far) > 0


def _said(peer: PeerView, change: CounterChange, far: CounterChange | None, least_s: float) -> Hint:
    brief = change.elapsed_s is not None and change.elapsed_s < least_s
    sender = sender_of(peer, change)
    receiver = peer.remote if sender == peer.local else peer.local
    if far is None:
        told = _UNTOLD
    else:
        lines = f"{far.older_source}#{far.older_line} and {far.newer_source}#{far.newer_line}"
        counts = f"by its own counters (lines {lines}) {receiver} received {_got(far):,}"
        told = f"{counts} and sent {_sent(far):,} meanwhile: {_broken(sender, receiver, far)}"
    kind = HintKind.REMARK if brief or _is_one_way(far) else HintKind.COUNTERS
    at_ns, ref = change.to_ns or peer.first_ns, Ref(change.newer_source, change.newer_line)
    return Hint(at_ns, sender, f"{change.evidence}; {told}", ref, kind=kind)


def _is_one_way(far: CounterChange | None) -> bool:
    """Whether all of it arrived at an end that sends nothing."""
    return far is not None and _got(far) > 0 and not _sent(far)


def _broken(sender: str, receiver: str, far: CounterChange) -> str:
    if not _is_way_back(far):
        return f"the way from {sender} to {receiver} is broken"
    if _is_one_way(far):
        return "nothing was sent back"
    return f"the way from {receiver} to {sender} is broken"


# --- black holes ----------------------------------------------------------------------------------


def _hole(
    peer: PeerView, silence: _Silence, changes: Sequence[CounterChange], least_s: float
) -> BlackHole | None:
    """The black hole of a silence; None without times, and where nothing was lost for long."""
    known = silence.span_ns
    if known is None:
        return None
    start, stop = known
    last, ended = silence.changes[-1], silence.ended
    inbound_s, proof_ns = last.last_inbound_s, None
    if inbound_s is not None and stop - nanoseconds(inbound_s) >= start:
        # The device says itself since when nothing has come in.
        start = proof_ns = stop - nanoseconds(inbound_s)
    known_s = seconds(stop - start)
    far = [_far(change, changes) for change in silence.changes]
    if known_s < least_s or all(map(_is_one_way, far)):
        return None
    back = all(map(_is_way_back, far))
    lost = [f for f in far if f is not None] if back else silence.changes
    sent = sum(change.encaps_packets or 0 for change in lost)
    sent_bytes = sum(change.encaps_bytes or 0 for change in lost)
    sender = sender_of(peer, last)
    receiver = peer.remote if sender == peer.local else peer.local
    if back:
        sender, receiver = receiver, sender
    certain_s, most = (0.0 if None in far else known_s), sent
    if ended is not None and ended.to_ns is not None:
        stop, certain_s, most = ended.to_ns, 0.0, sent + (ended.encaps_packets or 0)
        sent_bytes += ended.encaps_bytes or 0
    chosen = _class(peer, start, stop)
    if ended is not None and chosen is BlackHoleClass.OPEN:
        chosen = BlackHoleClass.TRANSIENT
    spis = {spi: None for spi in (last.inbound_spi, last.outbound_spi) if spi}
    lives = any(_is_beside(c, other) for c in silence.changes for other in changes)
    return BlackHole(
        id=f"{peer.id}-shown{len(peer.black_holes) + 1}",
        sender=sender,
        receiver=receiver,
        black_hole_class=chosen,
        last_proof_ns=proof_ns,
        first_exposed_ns=start,
        questionable_ns=None,
        first_probe_ns=None,
        dead_ns=None,
        dead_basis=None,
        stop_ns=stop,
        stop_basis=StopBasis.CAPTURE_END if ended is None else StopBasis.PROOF,
        recovered_ns=None if ended is None else stop,
        min_seconds=round(certain_s, 6),
        max_seconds=round(seconds(stop - start), 6),
        min_packets=0,
        max_packets=most,
        max_bytes=sent_bytes,
        phases=(Phase(PhaseName.UNQUESTIONED, start, stop),),
        confidence=Confidence.SUSPECT if None in far else Confidence.INFERRED,
        refs=(
            Ref(silence.changes[0].older_source, silence.changes[0].older_line),
            Ref(last.newer_source, last.newer_line),
        ),
        spis=tuple(spis) if lives or _other_flows(peer, spis, start, stop) else (),
        traffic_known=False,
        counted_least=sent or None,
        counted_most=most or None,
    )


def _is_told(peer: PeerView, hole: BlackHole) -> bool:
    """Whether packets, questions, or another output show it, too."""
    return any(
        _overlap(other, hole.begin_ns, hole.stop_ns)
        and (other.sender == hole.sender or not other.is_counted)
        for other in peer.black_holes
    )


def _is_beside(silent: CounterChange, other: CounterChange) -> bool:
    """Whether packets came out of another Child SA of the device while one was silent."""
    first, last = silent.from_ns, silent.to_ns
    if not came_in(other) or first is None or last is None or other.local != silent.local:
        return False
    return other.from_ns == first and other.to_ns == last


def _other_flows(peer: PeerView, spis: Container[str], start: int, stop: int) -> bool:
    """Whether the capture shows ESP of other Child SAs from the remote side at that time."""
    return any(
        flow.spi not in spis
        and flow.sender in peer.addresses
        and flow.first_ns <= stop
        and flow.last_ns >= start
        for flow in peer.esp_flows
    )


def _overlap(hole: BlackHole, start: int, stop: int) -> bool:
    begins = [hole.first_exposed_ns, hole.last_proof_ns, hole.first_probe_ns, hole.stop_ns]
    first = next(at_ns for at_ns in begins if at_ns is not None)
    return first <= stop and hole.stop_ns >= start


def _class(peer: PeerView, start: int, stop: int) -> BlackHoleClass:
    """What the questions of that time say: answered ones leave the data plane."""
    asked = [x for x in peer.exchanges if start <= x.first_ns <= stop]
    if any(x.outcome is Outcome.ANSWERED for x in asked):
        return BlackHoleClass.DATA_PLANE
    if peer.exchanges and not asked and stop - start >= _MISSING_DPD_NS:
        return BlackHoleClass.MISSING_DPD
    return BlackHoleClass.OPEN
