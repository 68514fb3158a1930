"""The one line that answers the question: who is gone, what was lost, when it was noticed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple

from analyzers.export import troubles, words
from analyzers.export.formatting import (
    Severity,
    count,
    counted,
    duration,
    peer_severity,
    seconds_range,
    state_severity,
    worst_first,
)
from analyzers.model.black_hole import BlackHole, BlackHoleClass
from analyzers.model.exchange import Lost, Outcome
from analyzers.model.peer import PeerState, PeerView
from analyzers.model.time import seconds


class VerdictPart(NamedTuple):
    """A clause of the verdict."""

    text: str
    weighty: bool
    """Whether it is as bad as the whole."""
    shorter: tuple[str, ...] = ()
    """The same in fewer words, from longer to shorter."""


class Verdict(NamedTuple):
    """What a run comes to."""

    severity: Severity
    state: PeerState | None
    """Of the worst peer; None where something is worse than every state."""
    parts: tuple[VerdictPart, ...]


def verdict_of(peers: Sequence[PeerView], *, partial: bool = False) -> Verdict:
    """The verdict on at least one peer; `partial`: of peers that are not shown as a whole, on
    which nothing can be said by what is missing."""
    worst = max((peer_severity(peer) for peer in peers), default=Severity.MUTE)
    first = min(peers, key=worst_first)
    state = None if worst > state_severity(first.state) else first.state
    everything = [h for p in peers for h in p.black_holes]
    holes = [h for h in everything if h.max_seconds > 0]
    lost = _holes(holes)
    if everything and not holes:
        lost = "no black hole with traffic in it"
    parts = [VerdictPart(_states(peers), True, _states_in_short(peers))]
    if partial and not holes:
        return Verdict(worst, state, tuple(parts))
    parts.append(VerdictPart(lost, bool(holes), _holes_in_short(holes)))
    noticed = _noticed(holes)
    if noticed:
        parts.append(VerdictPart(noticed, False, _noticed_in_short(noticed)))
        if any(x.lost is Lost.ANSWER for peer in peers for x in peer.exchanges):
            parts.append(VerdictPart("the other end answered: the way back is broken", False))
    elif not holes:
        said, brief = _questions(peers)
        parts.append(VerdictPart(said, False, (brief,)))
    return Verdict(worst, state, tuple(parts))


def _states(peers: Sequence[PeerView]) -> str:
    groups = _by_state(peers)
    named = [counted(groups[0][1], "peer") + f" {groups[0][0]}"]
    return ", ".join([*named, *(f"{number:,} {phrase}" for phrase, number in groups[1:])])


def _states_in_short(peers: Sequence[PeerView]) -> tuple[str, ...]:
    """The worst state, and how many there are besides."""
    groups = _by_state(peers)
    phrase, number = groups[0]
    worst = f"{counted(number, 'peer')} {phrase}"
    if len(groups) == 1:
        return ()
    others = sum(number for _, number in groups[1:])
    return (f"{worst}, {counted(others, 'other')}", f"{number:,} of {len(peers):,} {phrase}")


def _by_state(peers: Sequence[PeerView]) -> list[tuple[str, int]]:
    """How many peers are in which state, the worst first."""
    tally = Counter((words.peer_phrase(peer), -state_severity(peer.state)) for peer in peers)
    ordered = sorted(tally.items(), key=lambda item: (item[0][1], item[0][0]))
    return [(phrase, number) for (phrase, _), number in ordered]


def _holes(holes: Sequence[BlackHole]) -> str:
    if not holes:
        return "no black hole"
    low_s = sum(hole.min_seconds for hole in holes)
    high_s = sum(hole.max_seconds for hole in holes)
    number = counted(len(holes), "black hole")
    together = " together" if len(holes) > 1 else ""
    packets = words.packets_lost(holes)
    so_far = " so far" if any(words.is_censored(hole) for hole in holes) else ""
    lost = f"{packets} lost{so_far}" if packets else words.packets_counted(holes)
    lost = lost or "what was lost is not in a log"
    return f"{number},{together} {seconds_range(low_s, high_s)} ({lost})"


def _holes_in_short(holes: Sequence[BlackHole]) -> tuple[str, ...]:
    if not holes:
        return ()
    bounds = seconds_range(sum(h.min_seconds for h in holes), sum(h.max_seconds for h in holes))
    number = counted(len(holes), "black hole")
    return f"{number}, {bounds}", number


def _noticed_in_short(noticed: str) -> tuple[str, ...]:
    """ "noticed after 19.1 s", or without the reason why nobody noticed."""
    first, _, rest = noticed.removesuffix(" after the first doubt").partition("noticed")
    if noticed.endswith(" after the first doubt"):
        return (f"{first}noticed after{rest.replace(',', '')}",)
    return ("never noticed", "unnoticed") if first == "never " else ()


def _noticed(holes: Sequence[BlackHole]) -> str:
    delays = [
        h.dead_ns - h.questionable_ns
        for h in holes
        if h.dead_ns is not None and h.questionable_ns is not None
    ]
    if delays:
        if len(holes) == 1:
            return f"noticed {duration(delays[0])} after the first doubt"
        bounds = seconds_range(seconds(min(delays)), seconds(max(delays)))
        return f"{len(delays)} of {len(holes)} noticed, {bounds} after the first doubt"
    asked = [
        h.dead_ns - h.first_probe_ns
        for h in holes
        if h.dead_ns is not None and h.first_probe_ns is not None
    ]
    if asked:
        bounds = seconds_range(seconds(min(asked)), seconds(max(asked)))
        return f"given up {bounds} after the first unanswered question"
    classes = {hole.black_hole_class for hole in holes}
    if classes == {BlackHoleClass.MISSING_DPD}:
        return "never noticed: nobody asked"
    if classes == {BlackHoleClass.DATA_PLANE}:
        return "never noticed: IKE kept answering"
    if classes == {BlackHoleClass.TRANSIENT}:
        return "passed before a verdict"
    return "no verdict" if holes else ""


def _questions(peers: Sequence[PeerView]) -> tuple[str, str]:
    """What became of all questions, and the same in fewer words."""
    asked = [x for peer in peers for x in peer.exchanges]
    if not asked:
        said, brief = troubles.clause(peers)
        if said:
            return said, brief
        return ("no liveness exchange seen", "no question seen")
    answered = sum(1 for x in asked if x.outcome is Outcome.ANSWERED)
    retries = sum(x.retries for x in asked)
    again = f", {counted(retries, 'retry', 'retries')}" if retries else ""
    brief = f"{count(answered)} of {count(len(asked))} answered{again}"
    if answered < len(asked):
        return f"{count(answered)} of {counted(len(asked), 'exchange')} answered{again}", brief
    if answered > 1:
        return f"{counted(answered, 'exchange')}, all answered{again}", brief
    return f"1 exchange, answered{again}", brief
