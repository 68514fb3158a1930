"""What happens, line by line, for people who watch without the console."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from analyzers.export.exchanges import late_words, unheard
from analyzers.export.spans import is_ike_only, last_esp_back_ns
from analyzers.export.story import arriving, broken_way, fate_of
from analyzers.model.black_hole import BlackHole, BlackHoleClass, StopBasis
from analyzers.model.exchange import Delete, Exchange, Outcome
from analyzers.model.finding import Finding
from analyzers.model.observations import IkeMessage
from analyzers.model.peer import PeerView
from analyzers.model.time import NS_PER_MS, NS_PER_SECOND
from analyzers.session.expectations import Expectation
from analyzers.session.live_facts import Change, Fact, Item
from analyzers.session.live_health import SourceHealth
from analyzers.sources.feed import Loss, SourceState
from dpdlab.present import words
from dpdlab.present.formatting import count_range, counted, duration, holes_seconds, utc_time
from dpdlab.present.safe import safe

_SAID_OF: Final = {
    Change.GROWING: " so far",
    Change.CORRECTED: " (corrected)",
    Change.RETRACTED: " (taken back: it was none)",
}
_PART: Final = " (taken back: part of a longer one)"
_ANSWERED: Final = " (taken back: what was asked in it was answered, if late)"
_PAUSE: Final = " (taken back: the flow pauses like this)"
# What is about everything has no time.
_ANY_TIME: Final = 0
# What was so for longer before anybody could know it is told when it is known.
_LATE_NS: Final = 500 * NS_PER_MS
_LONG_S: Final = 120
# A log and a capture of the same verdict differ by less.
_SAME_MOMENT_NS: Final = 100 * NS_PER_MS


class FactLines:
    """Writes one line after the other: their times never go back.

    What is known only after later things were told is told when it is known, and says when it was.
    """

    def __init__(self) -> None:
        self._last_ns = 0

    def of(self, facts: Sequence[Fact], now_ns: int) -> Iterator[str]:
        """A line for each fact that people want to see; messages of exchanges are not.

        `now_ns` is now in event time.
        """
        said = [(fact, told) for fact in facts if (told := _news(fact)) is not None]
        said.sort(key=lambda each: each[1][0] or now_ns)
        for fact, (at_ns, text) in said:
            late = f", {'since' if isinstance(fact.item, PeerView) else 'at'} {utc_time(at_ns)}"
            is_late = at_ns == _ANY_TIME or _is_known_late(fact, at_ns, now_ns)
            known_ns = now_ns if is_late else at_ns
            when = late if _ANY_TIME < at_ns < max(self._last_ns, known_ns) else ""
            parts = [when, _said_of(fact)]
            if fact.change is Change.GROWING:
                parts.reverse()
            yield self.line(known_ns, text + "".join(parts), now_ns)

    def line(self, at_ns: int, text: str, now_ns: int) -> str:
        """A line about a moment; where later ones were told, about now."""
        shown_ns = at_ns if at_ns >= self._last_ns else max(now_ns, self._last_ns)
        self._last_ns = shown_ns
        return f"{utc_time(shown_ns)}  {text}\n"


def expected(open_question: Expectation, now_ns: int) -> str:
    """An open question in words: "questionable, probing 2 of 5, verdict expected in 6 s"."""
    of = "" if open_question.of is None else f" of {open_question.of}"
    pair = f"{open_question.prober} > {open_question.responder}"
    doubt = "questionable, " if now_ns >= open_question.questionable_ns else ""
    text = f"{pair}  {doubt}probing {open_question.sent}{of}"
    if open_question.verdict_ns is not None:
        left_ns = open_question.verdict_ns - now_ns
        when = f"in {round_up(left_ns)} s" if left_ns > 0 else "now"
        text += f", verdict expected {when}"
    elif open_question.of is None:
        text += ", no known policy tells when the verdict is due"
    return text + _contradicted(open_question)


def _contradicted(open_question: Expectation) -> str:
    """Which part of a policy stands, where the questions so far contradict another one."""
    basis, spacing_ns = open_question.basis, open_question.spacing_ns
    if basis is open_question.spacing_basis or basis is None or spacing_ns is None:
        return ""
    of = open_question.of
    stands = "the timeout" if of is None else f"{of} tries"
    return f" ({stands}: {words.POLICY_BASIS[basis]}; every {duration(spacing_ns)}: observed)"


def unread(asked: IkeMessage) -> str:
    """An encrypted message that may be a question in vain."""
    return (
        f"{asked.src} > {asked.dst}  unanswered: an encrypted Informational as long as an"
        " R-U-THERE; without keys or a log nobody can tell whether it is one"
    )


def unwatched_words(peer: PeerView) -> str:
    """Why nobody knows how a peer is."""
    return f"nobody watches it now ({safe(peer.unwatched)})"


def countdown(open_question: Expectation, now_ns: int) -> str:
    """The same in a few cells: " 2 of 5, 6 s"."""
    of = "" if open_question.of is None else f" of {open_question.of}"
    text = f" {open_question.sent}{of}"
    if open_question.verdict_ns is not None:
        text += f", {max(round_up(open_question.verdict_ns - now_ns), 0)} s"
    return text


def round_up(left_ns: int) -> int:
    """Whole seconds that are left, never 0 while some are."""
    return -(-left_ns // NS_PER_SECOND)


def age(of_ns: int, now_ns: int) -> str:
    """How long ago something was, in whole seconds: they count while somebody looks."""
    seconds = max(now_ns - of_ns, 0) // NS_PER_SECOND
    return f"{seconds} s" if seconds < _LONG_S else duration(seconds * NS_PER_SECOND)


def health_line(health: SourceHealth) -> str:
    """How a source is, in a few words."""
    unit = "packet" if health.kind == "capture" else "line"
    text = f"{health.name}: {counted(health.records, unit)}"
    if health.state is SourceState.OPEN:
        text += f", {health.per_second:.0f}/s"
    else:
        text += f", {health.state}"
    if health.dropped:
        text += f", {health.dropped:,} dropped"
    if health.restarts:
        text += f", begun again {counted(health.restarts, 'time')}"
    told = [health.detail] if health.detail else []
    told += map(lost, health.losses)
    return text + (f" ({safe('; '.join(told))})" if told else "")


def lost(loss: Loss) -> str:
    """What is missing of a source, and why; from our own words."""
    whose = f"{loss.sender}: " if loss.sender else ""
    if loss.why.startswith("dropped"):
        return f"{whose}{loss.times:,} {loss.why}"
    return whose + loss.why + (f", {counted(loss.times, 'time')}" if loss.times > 1 else "")


def _said_of(fact: Fact) -> str:
    """What is new about a fact, behind it."""
    if fact.became:
        return _PART
    if fact.change is Change.RETRACTED and isinstance(fact.item, BlackHole):
        hole = fact.item
        # Nothing but the pace unmakes a silence that ESP ended and in which nobody asked.
        by_esp = hole.stop_basis is StopBasis.PROOF and hole.traffic_known and not hole.spis
        if by_esp and hole.first_probe_ns is None:
            return _PAUSE
        if fact.peer is not None and _is_answered_in(hole, fact.peer):
            return _ANSWERED
    return _SAID_OF.get(fact.change, "")


def _is_answered_in(hole: BlackHole, peer: PeerView) -> bool:
    """Whether an answer came to what its sender asked in a silence."""
    return any(
        x.answer is not None
        and x.prober == hole.sender
        and hole.begin_ns <= x.answer.at_ns
        and x.first_ns <= hole.stop_ns
        for x in peer.exchanges
    )


def _is_known_late(fact: Fact, at_ns: int, now_ns: int) -> bool:
    """Whether a state or a verdict was inferred from the silence after it."""
    item = fact.item
    if isinstance(item, PeerView):
        return fact.before is not None and now_ns - at_ns > _LATE_NS
    verdict = isinstance(item, Exchange) and item.outcome is Outcome.UNANSWERED
    return verdict and now_ns - at_ns > _LATE_NS


def _news(fact: Fact) -> tuple[int, str] | None:
    """When and what, unless just that was said before."""
    if fact.change is Change.LAST:
        return None
    said = _said(fact.item, fact.peer)
    if fact.before is None or fact.change in (Change.NEW, Change.RETRACTED):
        return said
    if isinstance(fact.item, PeerView) and isinstance(fact.before, PeerView):
        now, then = fact.item, fact.before
        apart_ns = abs(now.states[-1].start_ns - then.states[-1].start_ns)
        same = (now.state, now.confidence) == (then.state, then.confidence)
        return None if same and apart_ns < _SAME_MOMENT_NS else said
    before = _said(fact.before, fact.peer)
    return None if said and before and said[1] == before[1] else said


def _said(item: Item, peer: PeerView | None) -> tuple[int, str] | None:
    """When something came to be so, and what."""
    match item:
        case PeerView():
            told = f"{item.local} - {item.remote}  {words.peer_phrase(item)}"
            if item.unwatched:
                told += f": {unwatched_words(item)}"
            if not is_ike_only(item):
                return item.states[-1].start_ns, told
            back_ns = last_esp_back_ns(item)
            since = "the session began" if back_ns is None else utc_time(back_ns)
            return _ANY_TIME, f"{told} since {since}"
        case Exchange():
            return _exchange(item)
        case Delete():
            return item.at_ns, f"{item.sender}  Delete, protocol {item.protocol}"
        case BlackHole():
            there = frozenset() if peer is None else arriving(peer)
            sender, receiver = broken_way(item, there)
            bounds = holes_seconds([item])
            text = f"{sender} > {receiver}  black hole of {bounds}"
            if item.black_hole_class is BlackHoleClass.IDLE:
                return item.stop_ns, f"{sender} > {receiver}  idle: nothing was sent into it"
            if item.max_packets:
                packets = count_range(item.min_packets, item.max_packets, "packet")
                text += f", {packets}{fate_of(item, there)}"
            if item.black_hole_class is not BlackHoleClass.OPEN:
                text += f": {item.black_hole_class}"
            return item.stop_ns, text
        case Finding():
            where = "" if peer is None else f"{peer.local} - {peer.remote}  "
            at_ns = item.at_ns or (_ANY_TIME if peer is None else peer.last_ns)
            return at_ns, f"{where}{item.severity}: {safe(item.title)} ({item.rule})"
    return None


def _exchange(item: Exchange) -> tuple[int, str]:
    asked = f"{item.prober} > {item.responder}  {item.kind}"
    times = counted(len(item.transmissions), "time")
    if item.outcome is Outcome.ANSWERED:
        rtt = "" if item.rtt_ns is None else f" after {duration(item.rtt_ns)}"
        late = late_words(item)
        answered_ns = item.last_ns if item.answer is None else item.answer.at_ns
        told = f"{asked} answered {late}" if late else f"{asked} answered{rtt}"
        return max(item.first_ns, answered_ns), "; ".join(filter(None, [told, unheard(item)]))
    if item.outcome is Outcome.UNANSWERED:
        return item.verdict_ns or item.last_ns, f"{asked} unanswered, sent {times}"
    return item.last_ns, f"{asked} open, sent {times}"
