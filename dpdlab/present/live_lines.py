"""What happens, line by line, for people who watch without the console."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from analyzers.export.exchanges import late_words
from analyzers.export.story import arriving, broken_way, fate_of
from analyzers.model.black_hole import BlackHole, BlackHoleClass
from analyzers.model.exchange import Delete, Exchange, Outcome
from analyzers.model.finding import Finding
from analyzers.model.peer import PeerView
from analyzers.model.time import NS_PER_SECOND
from analyzers.session.expectations import Expectation
from analyzers.session.live_facts import Change, Fact
from analyzers.session.live_health import SourceHealth
from analyzers.sources.feed import SourceState
from dpdlab.present import words
from dpdlab.present.formatting import counted, duration, utc_time
from dpdlab.present.safe import safe

_SAID_OF: Final = {
    Change.GROWING: " so far",
    Change.CORRECTED: " (corrected)",
    Change.RETRACTED: " (taken back: it was none)",
}


def fact_lines(facts: Sequence[Fact]) -> Iterator[str]:
    """A line for each fact that people want to see at once; messages of exchanges are not."""
    for fact in facts:
        said = _said(fact)
        if said:
            at_ns, text = said
            yield f"{utc_time(at_ns)}  {text}{_SAID_OF.get(fact.change, '')}\n"


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
    return text


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
    return text + (f" ({safe(health.detail)})" if health.detail else "")


def _said(fact: Fact) -> tuple[int, str] | None:
    item, peer = fact.item, fact.peer
    match item:
        case PeerView():
            at_ns = item.states[-1].start_ns if fact.revision else item.first_ns
            return at_ns, f"{item.local} - {item.remote}  {words.peer_phrase(item)}"
        case Exchange():
            return item.first_ns, _exchange(item)
        case Delete():
            return item.at_ns, f"{item.sender}  Delete, protocol {item.protocol}"
        case BlackHole():
            there = frozenset() if peer is None else arriving(peer)
            sender, receiver = broken_way(item, there)
            text = f"{sender} > {receiver}  black hole of {item.max_seconds:.1f} s"
            if item.max_packets:
                text += f", up to {counted(item.max_packets, 'packet')}{fate_of(item, there)}"
            if item.black_hole_class is not BlackHoleClass.OPEN:
                text += f": {item.black_hole_class}"
            return item.stop_ns, text
        case Finding():
            where = "" if peer is None else f"{peer.local} - {peer.remote}  "
            at_ns = item.at_ns or (0 if peer is None else peer.last_ns)
            return at_ns, f"{where}{item.severity}: {safe(item.title)} ({item.rule})"
    return None


def _exchange(item: Exchange) -> str:
    asked = f"{item.prober} > {item.responder}  {item.kind}"
    if item.outcome is Outcome.ANSWERED:
        rtt = "" if item.rtt_ns is None else f" after {duration(item.rtt_ns)}"
        late = late_words(item)
        return f"{asked} answered {late}" if late else f"{asked} answered{rtt}"
    if item.outcome is Outcome.UNANSWERED:
        return f"{asked} unanswered, sent {counted(len(item.transmissions), 'time')}"
    return f"{asked} open, sent {counted(len(item.transmissions), 'time')}"
