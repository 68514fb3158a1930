"""One peer in a few lines: what was lost and why, and what the rules say of it."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from typing import Final

from rich.text import Text

from analyzers.export import exchanges, story, words
from analyzers.export.causes import where_lost
from analyzers.export.formatting import class_severity, counted
from analyzers.export.unlisted import hidden_holes
from analyzers.export.untrusted import safe
from analyzers.model.exchange import Outcome
from analyzers.model.peer import PeerView
from analyzers.session.expectations import expectations
from dpdlab.present.findings import SHADE
from dpdlab.present.live_lines import expected
from dpdlab.present.times import signed
from dpdlab.tui.model import Model
from dpdlab.tui.palette import Palette

HOLES_SHOWN: Final = 3
FINDINGS_SHOWN: Final = 6
QUESTIONS_SHOWN: Final = 5
DELETES_SHOWN: Final = 4


def lines(model: Model, peer: PeerView, palette: Palette, *, in_full: bool = False) -> list[Text]:
    """The lines, longest ones still to be wrapped; `in_full` with what findings say and advise."""
    told = [_heading(model, peer, palette)]
    if model.is_partial:
        told.append(Text(_of_what(model, peer), palette.warn))
    now_ns = model.now_ns
    if now_ns is not None:
        told += [
            Text(safe(expected(question, now_ns)), palette.warn) for question in expectations(peer)
        ]
    # While things happen the last one is what it is about; afterwards it is the longest.
    live = now_ns is not None
    holes = sorted(peer.black_holes, key=lambda h: -h.stop_ns if live else -h.max_seconds)
    there = story.arriving(peer) if holes else frozenset()
    for hole in holes[:HOLES_SHOWN]:
        sender, receiver = story.broken_way(hole, there)
        head = Text(f"black hole {safe(sender)} {model.signs.to} {safe(receiver)}  ")
        head.append(", ".join(story.bounds_of(hole, there, ongoing=model.ongoing)),
                    palette.severity(class_severity(hole.black_hole_class)))  # fmt: skip
        head.append(f"  {story.class_named(hole)}", palette.faint)
        told.append(head)
        moments = list(story.moments(peer, hole, safe, ongoing=model.ongoing))
        ago_ns = [moment.at_ns - moments[0].at_ns for moment in moments]
        offsets = [signed(each, model.times.step_ns if each > 0 else 1) for each in ago_ns]
        column = max([10, *map(len, offsets)])
        for moment, offset in zip(moments, offsets, strict=True):
            line = Text(f"  {model.times.at(moment.at_ns)}  ")
            line.append(f"{offset:>{column}}  ", palette.faint)
            told.append(line.append(moment.text))
        remarks = story.remarks(peer, hole, model.times.at, safe, ongoing=model.ongoing)
        told += [Text(f"  {remark}", palette.faint) for remark in remarks]
    if len(holes) > HOLES_SHOWN:
        more = counted(len(holes) - HOLES_SHOWN, "more black hole")
        told.append(Text(f"{model.signs.more} {more} (2 shows all)", palette.faint))
    if model.tally(peer).unanswered:
        asked = (x for x in peer.exchanges if x.lost is not None)
        lost = dict.fromkeys(where_lost(peer, x, safe) for x in asked)
        told += [Text(f"  {where}", palette.warn) for where in lost]
    hidden = hidden_holes(peer)
    if hidden:
        told.append(Text(f"{counted(hidden, 'black hole')} not shown: the filter", palette.warn))
    findings = model.digest.findings.get(peer.id, ())
    for finding in findings[:FINDINGS_SHOWN]:
        line = Text().append(
            f"{finding.severity.value:<8}", palette.severity(SHADE[finding.severity])
        )
        line.append(safe(finding.title), palette.strong)
        told.append(line.append(f" [{finding.rule}]", palette.faint))
        if in_full:
            doubt = words.confidence_mark(finding.confidence)
            told.append(Text(f"  seen    {safe(finding.detail)}{doubt}"))
            remedy = finding.remedy.partition("\n")[0]
            told.append(Text().append("  remedy  ", palette.faint).append(safe(remedy)))
    if len(findings) > FINDINGS_SHOWN:
        more = counted(len(findings) - FINDINGS_SHOWN, "more finding")
        told.append(Text(f"{model.signs.more} {more} (4 shows all)", palette.faint))
    told += _questions(model, peer, palette)
    told += _deletes(model, peer, palette)
    return told


def _of_what(model: Model, peer: PeerView) -> str:
    """What is of a part, and what of all: nobody can tell the state of a peer from a part."""
    tally = model.tally(peer)
    everything = model.whole_digest.tallies.get(peer.id, tally)
    asked = f"{tally.probes:,} of {counted(everything.probes, 'question')}"
    if everything.deletes:
        asked += f", {tally.deletes:,} of {counted(everything.deletes, 'Delete')}"
    if model.range_ns is None:
        return f"the filter leaves {asked}; state, proof, round trip and policy are of all"
    lasts = model.range_lasts
    return f"counts and traffic are those of {lasts} ({asked}); all else is of all of the time"


def _questions(model: Model, peer: PeerView, palette: Palette) -> Iterator[Text]:
    """Questions that were repeated, or met a late answer or none outside a black hole."""
    if not peer.exchanges:
        # That a filter hides them stands above.
        if not peer.whole.exchanges:
            yield Text(words.why_no_question(peer), palette.faint)
        return
    if not model.tally(peer).retries and not model.tally(peer).unanswered:
        # Of a million healthy questions none is looked at.
        return
    in_holes = {id(story.exchange_of(peer, hole)) for hole in peer.black_holes[:HOLES_SHOWN]}
    found = islice(
        (
            x
            for x in peer.exchanges
            if exchanges.is_remarkable(x, peer.rtt_ns) and id(x) not in in_holes
        ),
        QUESTIONS_SHOWN + 1,
    )
    for number, exchange in enumerate(found):
        if number == QUESTIONS_SHOWN:
            yield Text(f"{model.signs.more} more of them (3 shows all)", palette.faint)
            return
        line = Text(f"  {model.times.at(exchange.first_ns)}  ")
        named = f"{words.KIND[exchange.kind]} {exchanges.identity(exchange)}".rstrip()
        became = exchanges.became(exchange, model.signs)
        line.append(f"{named} by {safe(exchange.prober)} ")
        answered = exchange.outcome is Outcome.ANSWERED
        shade = palette.warn if answered else palette.bad
        yield line.append(f"{words.OUTCOME[exchange.outcome]}{became}", shade)


def _deletes(model: Model, peer: PeerView, palette: Palette) -> Iterator[Text]:
    """The last Deletes: they closed what is closed."""
    more = len(peer.deletes) - DELETES_SHOWN
    if more > 0:
        said = counted(more, "Delete")
        yield Text(f"{model.signs.more} {said} before (3 shows all)", palette.faint)
    for delete in peer.deletes[-DELETES_SHOWN:]:
        line = Text(f"  {model.times.at(delete.at_ns)}  ")
        said = f"{exchanges.delete_words(delete)} by {safe(delete.sender)}"
        yield line.append(safe(said), palette.note)


def _heading(model: Model, peer: PeerView, palette: Palette) -> Text:
    ends = f"{safe(peer.local)} {model.signs.to} {safe(peer.remote)}"
    head = Text().append(ends, palette.strong)
    head.append(f"  {words.peer_phrase(peer)}", palette.faint)
    asked = model.tally(peer).probes
    if asked:
        answered = model.tally(peer).answered
        head.append(f"  {answered} of {counted(asked, 'question')} answered", palette.faint)
        retries = model.tally(peer).retries
        if retries:
            again = counted(retries, "retry", "retries")
            head.append(f", {again}", palette.warn if answered == asked else palette.faint)
    if peer.rtt_ns is not None:
        head.append(f", {exchanges.median_round_trip(peer)}", palette.faint)
    return head
