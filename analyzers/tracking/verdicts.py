"""Black holes as the log of the device tells them: its own verdict, and no view of the traffic."""

from __future__ import annotations

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterator, Sequence
from functools import cached_property
from itertools import islice
from operator import itemgetter
from typing import Final

from msgspec.structs import replace

from analyzers.model.black_hole import BlackHole, BlackHoleClass, Phase, PhaseName, StopBasis
from analyzers.model.exchange import Delete, DeleteProtocol, Exchange, Outcome, Transmission
from analyzers.model.records import Confidence, Ref
from analyzers.model.sa import IkeSa
from analyzers.model.time import NS_PER_SECOND, ORDER_LIMIT_NS, nanoseconds, seconds
from analyzers.tracking.holes import BY_VERDICT, HoleTrack, class_by_verdict

# A log that says nothing of a peer for longer than this need not be complete.
_QUIET_NS: Final = 60 * NS_PER_SECOND
_MOST_INTERVALS: Final = 3
# A device deletes the SA of a peer it gave up within this.
_TEARDOWN_NS: Final = 30 * NS_PER_SECOND
_time_of: Final = itemgetter(0)


def judged_by_log(track: HoleTrack, budget_ns: int) -> HoleTrack:
    """A black hole with the time at which the device says it gave the peer up, if it does."""
    dead_ns = None if track.run is None else track.run.exchange.dead_ns
    if dead_ns is None or dead_ns < track.silence.last_proof_ns:
        return track
    if track.stop_basis is StopBasis.PROOF and dead_ns > track.stop_ns:
        return track  # it ended before: the verdict is that on a later silence
    chosen = track.hole_class
    if chosen in BY_VERDICT:
        chosen = class_by_verdict(track.silence, dead_ns, track.stop_ns, budget_ns)
    return replace(track, dead_ns=dead_ns, hole_class=chosen)


def holes_of_log(
    exchanges: Sequence[Exchange],
    deletes: Sequence[Delete],
    sas: Sequence[IkeSa],
    intervals_s: dict[str, float],
    budgets_ns: dict[str, int],
    first_ns: int,
) -> Iterator[BlackHole]:
    """The black holes of a peer that only logs tell of (dpd-semantics 5.4); ids are empty.

    What was sent into them is unknown: the loss lies between nothing and the time from the last
    proof of life to the end of the SA. Where a holder's interval is known, the last proof is at
    most that long before its first question; where it is not, what is before that is no phase.
    `budgets_ns`: within which each end should notice; `first_ns`: when the peer was first told of.
    """
    alive = alive_ns(sas, exchanges)
    heard = Heard(exchanges)
    for exchange in exchanges:
        if exchange.verdict_ref is None or exchange.verdict_ns is None:
            continue
        if exchange.first_ns < ORDER_LIMIT_NS:
            continue  # lines without stamps have no durations
        sent, proof_ns = _unheard(exchange, exchange.verdict_ns, heard)
        back = alive
        if heard.answers_beside(exchange) or replaced_before(exchange, heard, sas):
            proof_ns, back = heard.last_answer_ns(exchange), []
        if sent:
            yield _until_anew(
                _hole(
                    exchange,
                    sent,
                    proof_ns,
                    exchange.verdict_ns,
                    deletes,
                    intervals_s,
                    budgets_ns[exchange.prober],
                    first_ns,
                    back,
                ),
                came_anew(exchange, sas, heard.last_answer_ns(exchange)),
            )


class Heard:
    """What the ends of a peer heard of each other, for who looks up what there is at a time."""

    def __init__(self, exchanges: Sequence[Exchange]) -> None:
        self._exchanges = exchanges

    @cached_property
    def _answers(self) -> dict[str, list[tuple[int, str]]]:
        """When each prober was answered, and on which IKE SA, in the order of time."""
        found: dict[str, list[tuple[int, str]]] = defaultdict(list)
        for x in self._exchanges:
            if x.answer is not None:
                found[x.prober].append((x.answer.at_ns, x.ike_sa))
        for answers in found.values():
            answers.sort()
        return found

    @cached_property
    def _questions_ns(self) -> dict[str, list[int]]:
        """When questions of each prober arrived, in order."""
        found: dict[str, list[int]] = defaultdict(list)
        for x in self._exchanges:
            found[x.prober] += [sent.at_ns for sent in x.transmissions if sent.arrived]
        for times in found.values():
            times.sort()
        return found

    def answers_beside(self, exchange: Exchange) -> bool:
        """Whether the peer answered on another IKE SA while it was asked in vain on one.

        It has an SA less, by the log of who asked; it was not away.
        """
        verdict_ns = exchange.verdict_ns
        if exchange.verdict_ref is None or verdict_ns is None:
            return False
        answers = self._answers.get(exchange.prober, [])
        first = bisect_right(answers, exchange.first_ns, key=_time_of)
        last = bisect_right(answers, verdict_ns, key=_time_of)
        return any(ike_sa != exchange.ike_sa for _, ike_sa in answers[first:last])

    def last_answer_ns(self, exchange: Exchange) -> int | None:
        """When an end had answered last on the IKE SA of a question, until that was asked."""
        found = []
        for answers in self._answers.values():
            until = bisect_right(answers, exchange.first_ns, key=_time_of)
            on_sa = (at_ns for at_ns, sa in reversed(answers[:until]) if sa == exchange.ike_sa)
            found += list(islice(on_sa, 1))
        return max(found, default=None)

    def last_question_ns(self, exchange: Exchange, until_ns: int) -> int | None:
        """When the peer asked last itself after it was asked; None if it did not until a time."""
        times = self._questions_ns.get(exchange.responder, [])
        place = bisect_right(times, until_ns)
        return times[place - 1] if place and times[place - 1] > exchange.first_ns else None


def replaced_before(exchange: Exchange, heard: Heard, sas: Sequence[IkeSa]) -> bool:
    """Whether a log tells of a verdict on an IKE SA in whose place there was another one before
    it was asked on."""
    if exchange.verdict_ref is None:
        return False
    newer = came_anew(exchange, sas, heard.last_answer_ns(exchange))
    return newer is not None and (newer.established_ns or 0) <= exchange.first_ns


def came_anew(
    exchange: Exchange, sas: Sequence[IkeSa], answered_ns: int | None = None
) -> IkeSa | None:
    """The IKE SA that the ends set up while one of them asked in vain on an older one.

    Who is given up for that is the older SA: its peer had proven that it lives. `answered_ns`: when
    that had answered last on the older one; what was set up since has replaced it.
    """
    verdict_ns = exchange.verdict_ns
    if verdict_ns is None:
        return None
    since_ns = exchange.first_ns if answered_ns is None else answered_ns
    for sa in sas:
        up_ns = sa.established_ns
        if sa.id == exchange.ike_sa or up_ns is None or not since_ns < up_ns < verdict_ns:
            continue
        if sa.ended_ns is None or sa.ended_ns > verdict_ns:
            return sa
    return None


def _until_anew(hole: BlackHole, newer: IkeSa | None) -> BlackHole:
    """A black hole that a newer IKE SA ended before the verdict on the older one."""
    if newer is None or newer.established_ns is None:
        return hole
    up_ns = newer.established_ns
    phases = [replace(p, end_ns=min(p.end_ns, up_ns)) for p in hole.phases if p.start_ns < up_ns]
    lost_ns = (hole.stop_ns or up_ns) - up_ns
    asked = hole.first_probe_ns is not None and hole.first_probe_ns < up_ns
    return replace(
        hole,
        first_probe_ns=hole.first_probe_ns if asked else None,
        probes=hole.probes if asked else 0,
        black_hole_class=BlackHoleClass.TRANSIENT,
        dead_ns=None,
        dead_basis=None,
        stop_ns=up_ns,
        stop_basis=StopBasis.REPLACEMENT,
        recovered_ns=up_ns,
        max_seconds=round(max(0.0, hole.max_seconds - seconds(lost_ns)), 6),
        phases=tuple(phases),
    )


def quiet_times(
    exchanges: Sequence[Exchange], intervals_s: dict[str, float]
) -> list[tuple[int, int]]:
    """Times before questions in vain of which a log says nothing, from and to, in time order.

    Traffic may have shown that the peer lived, or lines may be missing: an excerpt looks the same.
    For a while after it was heard it is taken to live. `intervals_s`: those of the holders that
    are known.
    """
    found = []
    for exchange in exchanges:
        quiet_ns = exchange.since_proof_ns
        if quiet_ns is None or exchange.answer is not None or exchange.first_ns < ORDER_LIMIT_NS:
            continue
        usual_ns = nanoseconds(intervals_s.get(exchange.prober, 0.0))
        if quiet_ns > max(_QUIET_NS, _MOST_INTERVALS * usual_ns):
            heard_ns = exchange.first_ns - quiet_ns
            found.append((heard_ns + _QUIET_NS, exchange.first_ns))
    return found


def _unheard(
    exchange: Exchange, dead_ns: int, heard: Heard
) -> tuple[Sequence[Transmission], int | None]:
    """What of a question was sent into the silence before its verdict, and the last proof before.

    Questions of the other end that came meanwhile prove that it lived.
    """
    came_ns = heard.last_question_ns(exchange, dead_ns)
    if came_ns is not None:
        return [t for t in exchange.transmissions if t.at_ns > came_ns], came_ns
    quiet_ns = exchange.since_proof_ns
    return exchange.transmissions, None if quiet_ns is None else exchange.first_ns - quiet_ns


def _hole(
    exchange: Exchange,
    sent: Sequence[Transmission],
    proof_ns: int | None,
    dead_ns: int,
    deletes: Sequence[Delete],
    intervals_s: dict[str, float],
    budget_ns: int,
    first_ns: int,
    alive: Sequence[int],
) -> BlackHole:
    asked_ns = sent[0].at_ns
    start_ns = first_ns if proof_ns is None else proof_ns
    interval_s = intervals_s.get(exchange.prober)
    if interval_s is not None:
        start_ns = max(start_ns, asked_ns - nanoseconds(interval_s))
    # Without the interval nobody can tell whether the peer was silent before it was first asked.
    known = interval_s is not None or sent[0] is not exchange.transmissions[0]
    # Since when the peer was questionable a log does not tell: at the latest when it was asked.
    is_slow = dead_ns - asked_ns > budget_ns
    stop_ns, basis, ref = _stop(exchange, dead_ns, deletes)
    cuts = [
        (PhaseName.UNPROBED, start_ns if known else asked_ns, asked_ns),
        (PhaseName.PROBING, asked_ns, dead_ns),
        (PhaseName.TEARDOWN, dead_ns, stop_ns),
    ]
    later = bisect_right(alive, stop_ns)
    recovered_ns = alive[later] if later < len(alive) else None
    phases = [Phase(name, begin, end) for name, begin, end in cuts if end > begin]
    if recovered_ns is not None and recovered_ns > stop_ns:
        phases.append(Phase(PhaseName.RECOVERY, stop_ns, recovered_ns))
    refs = [t.ref for t in sent]
    refs += [r for r in (exchange.verdict_ref, ref) if r is not None]
    return BlackHole(
        id="",
        sender=exchange.prober,
        receiver=exchange.responder,
        black_hole_class=BlackHoleClass.SLOW_DPD if is_slow else BlackHoleClass.DETECTED,
        last_proof_ns=proof_ns,
        first_exposed_ns=None,
        questionable_ns=None,
        first_probe_ns=asked_ns,
        dead_ns=dead_ns,
        dead_basis="log",
        stop_ns=stop_ns,
        stop_basis=basis,
        recovered_ns=recovered_ns,
        min_seconds=0.0,
        max_seconds=round(max(0.0, seconds(stop_ns - start_ns)), 6),
        min_packets=0,
        max_packets=0,
        max_bytes=0,
        phases=tuple(phases),
        confidence=Confidence.INFERRED,
        refs=tuple(refs),
        probes=len(sent),
        traffic_known=False,
        begun_before=proof_ns is None and exchange.first_missing,
    )


def _stop(
    exchange: Exchange, dead_ns: int, deletes: Sequence[Delete]
) -> tuple[int, StopBasis, Ref | None]:
    """The Delete that followed the verdict, else the verdict: the device removes the SA with it."""
    for delete in deletes:
        own = delete.ike_sa == exchange.ike_sa and delete.sender == exchange.prober
        soon = dead_ns <= delete.at_ns <= dead_ns + _TEARDOWN_NS
        if own and soon and delete.protocol is DeleteProtocol.IKE:
            return delete.at_ns, StopBasis.DELETE, delete.ref
    return dead_ns, StopBasis.DELETE, exchange.verdict_ref


def alive_ns(sas: Sequence[IkeSa], exchanges: Sequence[Exchange]) -> list[int]:
    """The times at which the peer showed that it lives, in their order."""
    times = [sa.established_ns for sa in sas if sa.established_ns is not None]
    times += [
        x.last_ns if x.answer is None else x.answer.at_ns
        for x in exchanges
        if x.outcome is Outcome.ANSWERED
    ]
    return sorted(times)
