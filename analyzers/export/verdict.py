"""The one line that answers the question: who is gone, what was lost, when it was noticed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Final, NamedTuple

from msgspec.structs import replace

from analyzers.export import troubles, words
from analyzers.export.causes import reason_in_short, restart_in_short
from analyzers.export.formatting import (
    Severity,
    count,
    counted,
    duration,
    lasted,
    peer_severity,
    seconds_range,
    state_severity,
    worst_first,
)
from analyzers.export.given_up import both_gave_up, gave_us_up
from analyzers.export.spans import is_side
from analyzers.export.story import IN_VAIN, SENT_FOR_NOTHING, arriving, exchange_of
from analyzers.export.unlisted import (
    HOLES_NOT_KNOWN,
    are_holes_known,
    is_silence_untold,
    why_unknown,
)
from analyzers.model.black_hole import BlackHole, BlackHoleClass
from analyzers.model.exchange import Exchange, Outcome
from analyzers.model.peer import PeerState, PeerView
from analyzers.model.sa import IkeSa, SaEnd
from analyzers.model.time import NS_PER_SECOND, seconds
from analyzers.rules.wording import times

# As short as a black hole that is worth telling.
_OUTAGE_NS: Final = 3 * NS_PER_SECOND
_UNNOTICED: Final = ("never noticed", "unnoticed")
IDLE: Final = words.CLASS[BlackHoleClass.IDLE]
# Who answered in vain, and what that means.
_THIS: Final = "this end"
_OTHER: Final = "the other end"
_BACK: Final = (_OTHER, "the way back is broken")
_CLOSE: Final = "within 1 s of each other"
_THERE: Final = (_THIS, "the way there is broken")


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


def verdict_of(
    peers: Sequence[PeerView], *, partial: bool = False, ongoing: bool = False
) -> Verdict:
    """The verdict on at least one peer; `partial`: of peers that are not shown as a whole, on
    which nothing can be said by what is missing. `ongoing`: what is open now is told from what is
    past."""
    worst = max((peer_severity(peer) for peer in peers), default=Severity.MUTE)
    first = min(peers, key=worst_first)
    state = None if worst > state_severity(first.state) else first.state
    everything = [(p, h) for p in peers for h in p.black_holes]
    owned = [(p, h) for p, h in everything if h.max_seconds > 0]
    holes = [hole for _, hole in owned]
    said, shorter = _states(peers)
    if ongoing and not shorter:
        # Beside it stands what the countdown is about, with how sure it is.
        word = words.peer_word(first)
        shorter = (f"{counted(len(peers), 'peer')} {word}",)
    parts = [VerdictPart(said, True, shorter)]
    if partial and not holes:
        return Verdict(worst, state, tuple(parts))
    by_both = {peer.id: order for peer in peers if (order := _order(peer)) is not None}
    if by_both and len(peers) == 1:
        parts.append(_by_both([*by_both.values()]))
    before = _given_up_before(peers, holes)
    if before:
        parts.append(VerdictPart(before, False, ("given up before",)))
    said, shorter = _holes(owned, len(everything) - len(owned), ongoing=ongoing)
    untold = any(map(is_silence_untold, peers)) or not any(map(are_holes_known, peers))
    if not everything and untold:
        said, shorter = why_unknown(peers), (HOLES_NOT_KNOWN,)
    parts.append(VerdictPart(said, bool(holes), shorter))
    if holes:
        # Of one peer the order of the verdicts says when it was noticed.
        if len(by_both) != 1 or any(peer.id not in by_both for peer, _ in owned):
            said, shorter = _noticed(owned)
            parts.append(VerdictPart(said, False, shorter))
        why = reason_in_short(owned)
    else:
        said, brief = _questions(peers)
        parts.append(VerdictPart(said, False, (brief,)))
        why = ""
    if by_both and len(peers) > 1:
        both = _by_both([*by_both.values()])
        said, *others = (f"both gave up: {form}" for form in (both.text, *both.shorter))
        parts.append(VerdictPart(said, False, tuple(others)))
    why = why or restart_in_short(peers)
    if why:
        parts.append(VerdictPart(why, False))
    elif holes:
        parts += _broken_ways(peers)
    return Verdict(worst, state, tuple(parts))


# Clauses, each with the same in fewer words, from longer to shorter.


def _states(peers: Sequence[PeerView]) -> tuple[str, tuple[str, ...]]:
    (phrase, number), *others = _by_state(peers)
    worst = f"{counted(number, 'peer')} {phrase}"
    if not others:
        return worst, ()
    said = ", ".join([worst, *(f"{number:,} {phrase}" for phrase, number in others)])
    # Those whose end is inferred are no others.
    dead = sum(peer.state is PeerState.DEAD for peer in peers)
    if dead > number:
        phrase, number = "dead or given up", dead
    rest = len(peers) - number
    brief = f"{counted(number, 'peer')} {phrase}"
    if rest:
        brief = f"{brief}, {counted(rest, 'other')}"
    return said, (brief, f"{number:,} of {len(peers):,} {phrase}")


def _by_state(peers: Sequence[PeerView]) -> list[tuple[str, int]]:
    """How many peers are in which state, the worst first."""
    tally = Counter((words.peer_phrase(peer), -state_severity(peer.state)) for peer in peers)
    ordered = sorted(tally.items(), key=lambda item: (item[0][1], item[0][0]))
    return [(phrase, number) for (phrase, _), number in ordered]


class _Order(NamedTuple):
    """Of a peer that both ends gave up, which end did so first."""

    first: str
    """As a verdict calls it; empty where the clocks do not tell."""
    after_ns: int | None
    """How long after the last proof of life, where that is known."""
    earlier: str
    later: str
    apart_ns: int


def _order(peer: PeerView) -> _Order | None:
    """None where one end gave up, and where the time of a verdict is in doubt."""
    verdicts = both_gave_up(peer)
    if not verdicts or any(hole.verdict_clock_off_ns is not None for hole in peer.black_holes):
        return None
    first, second = verdicts
    ends = (_THIS, _OTHER) if is_side(first.prober, peer.local, peer) else (_OTHER, _THIS)
    apart_ns = (second.verdict_ns or 0) - (first.verdict_ns or 0)
    after_ns = None
    if first.idle_ns is not None:
        after_ns = (first.verdict_ns or 0) - first.first_ns + first.idle_ns
    # Clocks agree no better than that for certain.
    clear = ends[0] if apart_ns >= NS_PER_SECOND else ""
    return _Order(clear, after_ns, *ends, apart_ns)


def _by_both(orders: Sequence[_Order]) -> VerdictPart:
    """Which end gave up first and when, and how much later the other one; of several peers, with
    how many of them."""
    one = orders[0]
    number = Counter(f"{each.first} first" if each.first else _CLOSE for each in orders)
    (brief, most), *others = number.most_common()
    if others:
        rest = ", ".join(f"{said} with {count(times)}" for said, times in others)
        brief = f"{brief} with {count(most)} of {count(len(orders))}"
        return VerdictPart(f"{brief}, {rest}", False, (brief,))
    apart_s = [seconds(each.apart_ns) for each in orders]
    later = (
        f"{seconds_range(min(apart_s), max(apart_s))} later" if one.first else "within 1 s of it"
    )
    if len(orders) > 1 or one.after_ns is None:
        said = f"{brief}, {one.later} {later}" if one.first else brief
        return VerdictPart(said, False, (brief,))
    after = duration(one.after_ns)
    said = f"{one.earlier} after {after} without proof of life, {one.later} {later}"
    return VerdictPart(said, False, (f"{one.earlier} after {after}, {one.later} {later}", brief))


def _given_up_before(peers: Sequence[PeerView], holes: Sequence[BlackHole]) -> str:
    """How often peers that are there again were given up; empty where a black hole tells it."""
    if any(hole.dead_ns is not None for hole in holes):
        return ""
    back = (peer for peer in peers if peer.state is not PeerState.DEAD)
    ended = [(p, sa) for p in back for sa in p.ike_sas if sa.end is SaEnd.DEAD_PEER]
    theirs = [each for peer, sa in ended for each in _verdicts(peer, sa)]
    whose = " by both ends" if len(ended) == 1 and len({*theirs}) > 1 else _by(theirs)
    return f"given up {times(len(ended))} before{whose}" if ended else ""


def _verdicts(peer: PeerView, sa: IkeSa) -> list[bool]:
    """Of the verdicts that ended an IKE SA, whether they are the other end's."""
    told = [x.prober for x in peer.whole.exchanges if x.ike_sa == sa.id and x.verdict_ns]
    if not told:
        return [gave_us_up(peer, sa.ended_ns)]
    return [prober != peer.local for prober in told]


def _by(theirs: Sequence[bool]) -> str:
    """Whose verdicts they are, where all are the other end's; with a blank before it."""
    return " by the other end" if theirs and all(theirs) else ""


def _fate(holes: Sequence[tuple[PeerView, BlackHole]]) -> str:
    """What became of the packets: where they arrived, something may have come of them."""
    there = {peer.id: arriving(peer) for peer, _ in holes}
    known = [(peer, hole) for peer, hole in holes if hole.traffic_known]
    arrived = sum(1 for peer, hole in known if hole.id in there[peer.id])
    if not arrived:
        return IN_VAIN
    return SENT_FOR_NOTHING if arrived == len(known) else f"{IN_VAIN} or without an answer"


def _holes(
    owned: Sequence[tuple[PeerView, BlackHole]], idle: int, *, ongoing: bool
) -> tuple[str, tuple[str, ...]]:
    """What was lost; of `idle` black holes more nothing was."""
    holes = [hole for _, hole in owned]
    if not holes and idle:
        number = counted(idle, "black hole")
        return f"{number}, nothing was sent into {'it' if idle == 1 else 'them'}", (
            f"{number} ({IDLE})",
        )
    if not holes:
        return "no black hole", ()
    bounds = lasted(holes)
    number = _number(holes) if ongoing else counted(len(holes) + idle, "black hole")
    if idle:
        number += f" and {idle:,} {IDLE}" if ongoing else f" ({idle:,} {IDLE})"
    together = " together" if len(holes) > 1 else ""
    packets = words.packets_lost(holes)
    so_far = " so far" if any(words.is_censored(hole) for hole in holes) else ""
    happened, comma, then = _fate(owned).partition(",")
    lost = f"{packets} {happened}{so_far}{comma}{then}" if packets else words.packets_counted(holes)
    lost = lost or "what was lost is not in a log"
    told = f"{number},{together} {bounds}"
    brief = (f"black hole {bounds}",) if len(holes) == 1 and not idle and not ongoing else ()
    return f"{told} ({lost})", (told, *brief, number)


def _number(holes: Sequence[BlackHole]) -> str:
    """How many, and how many of them go on now."""
    still = sum(words.is_censored(hole) for hole in holes)
    if still in (0, len(holes)):
        return counted(len(holes), f"{'open' if still else 'past'} black hole")
    return f"{counted(len(holes), 'black hole')}, {still} open"


def _noticed(owned: Sequence[tuple[PeerView, BlackHole]]) -> tuple[str, tuple[str, ...]]:
    if all(words.is_presumed(hole) for _, hole in owned):
        return "perhaps noticed as the capture ends", ()
    owned = [
        (peer, replace(hole, dead_ns=None) if words.is_presumed(hole) else hole)
        for peer, hole in owned
    ]
    holes = [hole for _, hole in owned]
    # A log alone does not show when the peer was questionable, nor its last packet.
    delays = [
        h.dead_ns - h.last_proof_ns
        for h in holes
        if h.dead_ns is not None and h.last_proof_ns is not None and h.questionable_ns is not None
    ]
    by = _by([h.sender != peer.local for peer, h in owned if h.dead_ns is not None])
    if delays and len(holes) == 1:
        after = duration(delays[0])
        if holes[0].verdict_clock_off_ns is not None:
            said = f"{after} after the last proof of life by a clock set by hand, which messages"
            return f"noticed{by} {said} contradict", (f"noticed after {after} by a doubtful clock",)
        return f"noticed{by} {after} after the last proof of life", (f"noticed after {after}",)
    if delays:
        noticed = sum(hole.dead_ns is not None for hole in holes)
        some = f"{noticed} of {len(holes)} noticed{by}"
        far = ", as far as captured" if noticed > len(delays) else ""
        bounds = seconds_range(seconds(min(delays)), seconds(max(delays)))
        said = f"{some}{far}, {bounds} after the last proof of life"
        return said, (f"{some} after {bounds}{far}",)
    runs = [exchange_of(peer, hole) for peer, hole in owned]
    asked = [
        # The peer may have been heard while it was asked.
        h.dead_ns - (h.first_probe_ns if run is None else run.first_ns)
        for h, run in zip(holes, runs, strict=True)
        if h.dead_ns is not None and h.first_probe_ns is not None
    ]
    if asked:
        bounds = seconds_range(seconds(min(asked)), seconds(max(asked)))
        if any(run is not None and run.first_missing for run in runs):
            bounds += " or more"
        return f"given up{by} {bounds} after the first unanswered question", ()
    classes = {hole.black_hole_class for hole in holes}
    theirs = _given_up_by_others(owned)
    sender, receiver = _ends(owned)
    if classes == {BlackHoleClass.MISSING_DPD} and not theirs:
        asked_back = any(_asks_into(peer, hole) for peer, hole in owned)
        tried = _renewals_in_vain(owned)
        if tried:
            return f"noticed only as a new IKE SA got no answer, {tried}", (
                "a renewal got no answer",
            )
        who = sender if asked_back else "nobody"
        return f"never noticed: {who} {'did not ask' if asked_back else 'asked'}", _UNNOTICED
    if classes == {BlackHoleClass.DATA_PLANE}:
        return "never noticed: IKE kept answering", _UNNOTICED
    if classes == {BlackHoleClass.TRANSIENT}:
        later = any(x.verdict_ns for peer, _ in owned for x in peer.whole.exchanges)
        return f"passed before {'the' if later else 'a'} verdict", ()
    if theirs:
        idle = "did not ask" if classes == {BlackHoleClass.MISSING_DPD} else "gave no verdict"
        said = f"{sender} {idle}; given up by {receiver} {theirs}"
        return f"{said} after its first unanswered question", (f"given up by {receiver}",)
    return "no verdict", ()


def _renewals_in_vain(owned: Sequence[tuple[PeerView, BlackHole]]) -> str:
    """How long after the last proof of life who sent began an IKE SA that met no answer; empty
    where none did."""
    waits_s = [
        seconds(sa.first_ns - hole.last_proof_ns)
        for peer, hole in owned
        for sa in peer.whole.ike_sas
        if sa.end is SaEnd.FAILED and sa.initiator == hole.sender
        if hole.last_proof_ns is not None and hole.last_proof_ns < sa.first_ns <= hole.stop_ns
    ]
    if not waits_s:
        return ""
    return f"{seconds_range(min(waits_s), min(waits_s))} after the last proof of life"


def _ends(owned: Sequence[tuple[PeerView, BlackHole]]) -> tuple[str, str]:
    """Who sent into the black holes, and to whom, as a verdict calls them."""
    sides = {hole.sender == peer.local for peer, hole in owned}
    if len(sides) > 1:
        return "the sender", "the receiver"
    return (_THIS, _OTHER) if True in sides else (_OTHER, _THIS)


def _given_up_by_others(owned: Sequence[tuple[PeerView, BlackHole]]) -> str:
    """How long who was sent to asked before it gave the sender up; empty where none did."""
    waits_s = [
        seconds(x.verdict_ns - x.first_ns)
        for peer, hole in owned
        for x in peer.whole.exchanges
        if x.verdict_ns is not None and x.prober != hole.sender
    ]
    return seconds_range(min(waits_s), max(waits_s)) if waits_s else ""


def _asks_into(peer: PeerView, hole: BlackHole) -> bool:
    """Whether the other end asked in a black hole, as far as anything shows."""
    return any(
        x.prober != hole.sender and hole.begin_ns <= x.last_ns and x.first_ns <= hole.stop_ns
        for x in peer.whole.exchanges
    )


def _broken_ways(peers: Sequence[PeerView]) -> list[VerdictPart]:
    """The ways on which answers are known to have been lost."""
    lost = [(p, x) for p in peers for x in p.whole.exchanges if x.answered_in_vain]
    ways = {_THERE if x.responder == peer.local else _BACK for peer, x in lost}
    return [VerdictPart(f"{who} answered: {way}", False, (way,)) for who, way in sorted(ways)]


def _outage(asked: Sequence[Exchange]) -> str:
    """How long a peer that answered in the end was asked in vain; empty where it was not long."""
    waits_ns = (x.answer.at_ns - x.first_ns for x in asked if x.answer is not None and x.retries)
    longest_ns = max(waits_ns, default=0)
    return "" if longest_ns < _OUTAGE_NS else f"only after {duration(longest_ns)}"


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
    outage = _outage(asked)
    if len(asked) == answered == 1:
        return f"1 exchange, {f'answered {outage}'.rstrip()}{again}", brief
    again += f", one {outage}" if outage else ""
    if answered < len(asked):
        return f"{count(answered)} of {counted(len(asked), 'exchange')} answered{again}", brief
    return f"{counted(answered, 'exchange')}, all answered{again}", brief
