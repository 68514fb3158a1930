"""Liveness of a peer over time, derived from what is kept: exchanges, black holes, Deletes, SAs."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence

from analyzers.model.black_hole import BlackHole, BlackHoleClass
from analyzers.model.exchange import Delete, Exchange, Outcome
from analyzers.model.peer import PeerState, StateSpan
from analyzers.model.records import Basis, Confidence
from analyzers.model.sa import IkeSa, SaEnd
from analyzers.model.time import NS_PER_SECOND
from analyzers.tracking.verdicts import Heard, came_anew, replaced_before

# SAs of a peer that can overlap with one another in time: renewed ones, and strays.
_NEIGHBOURS = 8
# What was under way when an SA ended comes in within this.
_UNDER_WAY_NS = 2 * NS_PER_SECOND
# Python 3.11 is slow to find a member by its name, and these are asked for of every question.
_ANSWERED, _ALIVE = Outcome.ANSWERED, PeerState.ALIVE


def spans(
    local: str,
    sas: Sequence[IkeSa],
    exchanges: Sequence[Exchange],
    holes: Sequence[BlackHole],
    deletes: Sequence[Delete],
    first_ns: int,
    heard_ns: Sequence[int] = (),
    others: Sequence[Exchange] = (),
) -> list[StateSpan]:
    """States in the order of time, each different from the one before; never empty.

    The states are what the sides can know of each other; where both ask, the worse counts.
    `heard_ns`: when each ESP flow of the other side began, which proves that it lives where the
    negotiation was not captured (RFC 7296 section 2.4). `others`: requests with another purpose
    that test liveness, too; verdicts on them are those of their SAs.
    """
    events: list[tuple[int, int, PeerState]] = [(first_ns, 0, PeerState.UNKNOWN)]
    for number, sa in enumerate(sas):
        near = sas[max(0, number - _NEIGHBOURS) : number + _NEIGHBOURS]
        if sa.established_ns is not None:
            events.append((sa.established_ns, 1, PeerState.ALIVE))
        if sa.end is SaEnd.DELETE and sa.ended_ns is not None and not _another_lives(sa, near):
            events.append((sa.ended_ns, 5, PeerState.DELETED))
        if sa.end is SaEnd.DEAD_PEER and sa.ended_ns is not None:
            # What begins with the verdict comes of it.
            before = [other for other in near if other.first_ns < sa.ended_ns]
            if not _another_lives(sa, before):
                events.append((sa.ended_ns, 4, PeerState.DEAD))
    ended = sorted(sa.ended_ns for sa in sas if sa.ended_ns is not None)
    events += [(at_ns, 1, PeerState.ALIVE) for at_ns in heard_ns if not _is_under_way(at_ns, ended)]
    place = {sa.id: number for number, sa in enumerate(sas)}
    certain: list[tuple[int, int]] = []
    asked = [*exchanges, *(x for x in others if not _is_outlasted(x, exchanges))]
    heard = Heard(exchanges)
    for exchange in asked:
        if exchange.outcome is _ANSWERED:
            if exchange.prober == local or not exchange.unheard_answers:
                events += _exchange_events(exchange)
            else:
                # Who asks again all the same lives, and hears nothing: nobody doubts that it lives.
                events.append((exchange.first_ns, 4, PeerState.ALIVE))
            continue
        number = place.get(exchange.ike_sa, 0)
        only_deaf = exchange.peer_heard and exchange.verdict_ns is None
        if only_deaf or exchange.heard_beside or _may_be_answered(exchange, local):
            continue
        later = sas[number + 1 : number + _NEIGHBOURS]
        if replaced_before(exchange, heard, later):
            continue
        if came_anew(exchange, later) is not None or heard.answers_beside(exchange):
            events.append((exchange.first_ns, 3, PeerState.PROBING))
        elif not _moved_on(exchange, later):
            events += _exchange_events(exchange)
            if exchange.verdict_ref is not None and exchange.verdict_ns is not None:
                certain.append((exchange.first_ns, exchange.verdict_ns))
    asked_ns = sorted(at_ns for at_ns, _, state in events if state is PeerState.PROBING)
    beside = {t.ref for x in asked if x.heard_beside for t in x.transmissions}
    for hole in holes:
        if not beside.intersection(hole.refs):
            events += _hole_events(hole, asked_ns)
    if certain:
        # What a device says of a death goes before what was inferred of it meanwhile.
        said = _said_deaths_ns(sas, exchanges)
        events = [
            e
            for e in events
            if e[2] is not PeerState.DEAD or e[0] in said or not _is_within(e[0], certain)
        ]
    events.sort(key=lambda e: e[:2])
    found: list[StateSpan] = []
    for at_ns, _, state in events:
        if found and found[-1].state is state:
            continue
        if found and found[-1].state is PeerState.DEAD and state in _BELOW_DEAD:
            continue
        if found and found[-1].start_ns == at_ns:
            found.pop()
            if found and found[-1].state is state:
                continue
        found.append(StateSpan(state, at_ns))
    return found


def _is_outlasted(other: Exchange, exchanges: Sequence[Exchange]) -> bool:
    """Whether a question of either end was without an answer when another request got its own."""
    answer = other.answer
    return answer is not None and any(
        x.outcome is not Outcome.ANSWERED
        and x.first_ns < answer.at_ns
        and (x.verdict_ns is None or x.verdict_ns > answer.at_ns)
        for x in exchanges
    )


def _said_deaths_ns(sas: Sequence[IkeSa], exchanges: Sequence[Exchange]) -> set[int]:
    """Ends of SAs that no question shows: a device says so in its log."""
    inferred = {x.verdict_ns for x in exchanges if x.verdict_ref is None}
    ended = {sa.ended_ns for sa in sas if sa.end is SaEnd.DEAD_PEER and sa.ended_ns is not None}
    return ended - inferred


def _is_within(at_ns: int, asked: Sequence[tuple[int, int]]) -> bool:
    """Whether a time is after a question and before the verdict on it; `asked` is in order."""
    place = bisect_right(asked, at_ns, key=lambda each: each[0])
    return any(at_ns < verdict_ns for _, verdict_ns in asked[max(0, place - 2) : place])


def _may_be_answered(exchange: Exchange, local: str) -> bool:
    """A question that reached the device of a log, which need not log its answer."""
    asked = exchange.basis is Basis.LOG and exchange.prober != local
    return asked and exchange.outcome is Outcome.OPEN and not exchange.retries


def with_untold(
    spans: list[StateSpan], untold: Sequence[tuple[int, int | None]]
) -> list[StateSpan]:
    """The states, with times of which nobody can tell whether the peer lived taken out of life.

    `untold`: from and to, ns, in time order; None is the end of the input.
    """
    for start_ns, end_ns in untold:
        before = [s for s in spans if s.start_ns <= start_ns]
        if not before or before[-1].state is not PeerState.ALIVE:
            continue
        within = [s for s in spans if end_ns is None or s.start_ns < end_ns]
        after = spans[len(within) :]
        if within[-1].state is not PeerState.ALIVE:
            continue
        spans = [*before, StateSpan(PeerState.UNKNOWN, start_ns)]
        if end_ns is not None:
            begins = after[:1] and after[0].start_ns == end_ns
            spans += [*([] if begins else [StateSpan(PeerState.ALIVE, end_ns)]), *after]
        if before[-1].start_ns == start_ns:
            spans.remove(before[-1])
    return spans


def with_doubt(spans: list[StateSpan], doubt_ns: int | None) -> list[StateSpan]:
    """The states, with a silence that goes on and is no black hole yet; None: there is none.

    It began before the question that it led to.
    """
    last = next((s for s in reversed(spans) if s.state is not PeerState.PROBING), spans[0])
    after = spans[spans.index(last) + 1 :]
    if doubt_ns is None or last.state is not PeerState.ALIVE:
        return spans
    start_ns = max(doubt_ns, last.start_ns)
    if after and after[0].start_ns <= start_ns:
        return spans
    return [*spans[: len(spans) - len(after)], StateSpan(PeerState.QUESTIONABLE, start_ns), *after]


def with_blind(
    spans: list[StateSpan], blind: Sequence[tuple[int, int]], heard_ns: Sequence[int]
) -> list[StateSpan]:
    """The states, with times in which nobody watched as unknown, until the peer is heard again.

    `blind`: from and to, ns, in time order; `heard_ns`: when the other side was heard.
    """
    for start_ns, end_ns in blind:
        before = [span for span in spans if span.start_ns < start_ns]
        after = [span for span in spans if span.start_ns >= end_ns]
        told = len(before) + len(after) < len(spans)
        if told or not before or before[-1].state in _SETTLED:
            continue
        found = [*before, StateSpan(PeerState.UNKNOWN, start_ns)]
        again_ns = min((at_ns for at_ns in heard_ns if at_ns >= end_ns), default=None)
        if again_ns is not None and (not after or again_ns < after[0].start_ns):
            found.append(StateSpan(PeerState.ALIVE, again_ns))
            after = after[1:] if after and after[0].state is PeerState.ALIVE else after
        spans = [*found, *after]
    return spans


def _moved_on(exchange: Exchange, later: Sequence[IkeSa]) -> bool:
    """Whether a question without an answer was asked on an SA that another one had replaced."""
    return (
        exchange.outcome is Outcome.UNANSWERED
        and exchange.verdict_ns is None
        and any(
            sa.established_ns is not None
            and sa.established_ns <= exchange.first_ns
            and (sa.ended_ns is None or sa.ended_ns > exchange.last_ns)
            for sa in later
        )
    )


def _is_under_way(at_ns: int, ended_ns: Sequence[int]) -> bool:
    """Whether an SA had ended just before; `ended_ns` ascends."""
    place = bisect_right(ended_ns, at_ns)
    return place > 0 and at_ns - ended_ns[place - 1] <= _UNDER_WAY_NS


def _another_lives(sa: IkeSa, sas: Sequence[IkeSa]) -> bool:
    """Whether the peer keeps another IKE SA when this one is deleted."""
    deleted_ns = sa.ended_ns or sa.last_ns
    return any(
        other is not sa
        and other.first_ns <= deleted_ns
        and (other.ended_ns is None or other.ended_ns > deleted_ns)
        and (other.established_ns is not None or other.last_ns > deleted_ns)
        for other in sas
    )


_SETTLED = frozenset({PeerState.DEAD, PeerState.DELETED, PeerState.UNKNOWN})
_BELOW_DEAD = frozenset({PeerState.QUESTIONABLE, PeerState.PROBING})


def confidence(
    exchanges: Sequence[Exchange],
    deletes: Sequence[Delete],
    states: Sequence[StateSpan],
    sas: Sequence[IkeSa] = (),
    inferred_ns: frozenset[int] = frozenset(),
) -> Confidence:
    """How sure the last state is; `inferred_ns`: verdicts on requests that are no exchanges."""
    state = states[-1].state
    if state is PeerState.DEAD:
        died = {sa.ended_ns for sa in sas[-_NEIGHBOURS:] if sa.end is SaEnd.DEAD_PEER}
        shown = {x.verdict_ns for x in exchanges} | inferred_ns
        if any(ns is not None and ns >= states[-1].start_ns for ns in died - shown):
            return Confidence.CERTAIN  # no question shows it: a device says so
    if state is PeerState.UNKNOWN:
        return Confidence.SUSPECT
    if state is PeerState.DEAD and any(_is_told(x, states[-1]) for x in exchanges[-_NEIGHBOURS:]):
        return Confidence.CERTAIN  # the device says so itself, however its questions are known
    if state is PeerState.DEAD:
        return Confidence.INFERRED  # the verdict itself is never visible on the wire
    if state is PeerState.PROBING and exchanges:
        return exchanges[-1].confidence
    if state is PeerState.DELETED and deletes:
        return deletes[-1].confidence
    return Confidence.CERTAIN if state is PeerState.ALIVE else Confidence.INFERRED


def _is_told(exchange: Exchange, death: StateSpan) -> bool:
    """Whether a device says in its log that it gave its peer up, and that death is this one."""
    if exchange.verdict_ref is None or exchange.verdict_ns is None:
        return False
    return exchange.verdict_ns >= death.start_ns


def _exchange_events(exchange: Exchange) -> list[tuple[int, int, PeerState]]:
    events: list[tuple[int, int, PeerState]] = []
    if exchange.outcome is _ANSWERED:
        if exchange.retries:
            events.append((exchange.first_ns, 3, PeerState.PROBING))
        answer = exchange.answer
        at_ns = exchange.last_ns if answer is None else answer.at_ns
        events.append((at_ns, 4, _ALIVE))
        return events
    if exchange.outcome is Outcome.OPEN and exchange.confidence is Confidence.SUSPECT:
        return events  # the peer was heard all the same, or could not be heard at all
    events.append((exchange.first_ns, 3, PeerState.PROBING))
    if exchange.outcome is Outcome.UNANSWERED and exchange.verdict_ns is not None:
        events.append((exchange.verdict_ns, 4, PeerState.DEAD))
    elif exchange.ceased_ns is not None:
        events.append((exchange.ceased_ns, 4, PeerState.UNKNOWN))
    return events


def _hole_events(hole: BlackHole, asked_ns: Sequence[int]) -> list[tuple[int, int, PeerState]]:
    """What a black hole tells; `asked_ns`: when questions in vain began, in order.

    In doubt is who was not asked yet.
    """
    events: list[tuple[int, int, PeerState]] = []
    if hole.black_hole_class is BlackHoleClass.DATA_PLANE:
        return events  # IKE answers: the peer lives, its data plane does not
    doubt, probe = hole.questionable_ns, hole.first_probe_ns
    if probe is None and doubt is not None:
        place = bisect_right(asked_ns, hole.last_proof_ns or hole.first_exposed_ns or doubt)
        probe = asked_ns[place] if place < len(asked_ns) else None
    if doubt is not None and (probe is None or doubt < probe):
        events.append((doubt, 2, PeerState.QUESTIONABLE))
    if hole.dead_ns is not None and hole.confidence is not Confidence.SUSPECT:
        events.append((hole.dead_ns, 4, PeerState.DEAD))
    if hole.ceased_ns is not None and hole.stop_ns > hole.ceased_ns:
        events.append((hole.ceased_ns, 5, PeerState.QUESTIONABLE))
    if hole.recovered_ns is not None:
        events.append((hole.recovered_ns, 6, PeerState.ALIVE))
    return events
