"""Exchanges and Deletes of a peer: what went wrong, with the last good ones as context."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from rich.text import Text

from analyzers.export.causes import where_lost
from analyzers.export.exchanges import (
    answers_sent,
    became,
    delete_outcome,
    identity,
    rtt_range,
    worth_showing,
)
from analyzers.export.unlisted import NOT_SHOWN
from analyzers.model.exchange import (
    NO_MESSAGE_ID,
    Delete,
    Exchange,
    Outcome,
)
from analyzers.model.peer import PeerView
from analyzers.model.records import Basis, Confidence
from dpdlab.present import words
from dpdlab.present.formatting import (
    Severity,
    count,
    counted,
    duration,
    message_id,
    outcome_glyph,
    short_spi,
)
from dpdlab.present.text.page import FAINT, GAP, PROSE, SEVERITY_STYLE, Page, Part, assemble, padded

DELETES_SHOWN: Final = 8
_BELOW: Final = 4
"""Cells by which that is set in."""
_OUTCOME_STYLE: Final = {
    Outcome.ANSWERED: SEVERITY_STYLE[Severity.GOOD],
    Outcome.UNANSWERED: SEVERITY_STYLE[Severity.BAD],
    Outcome.OPEN: SEVERITY_STYLE[Severity.WARN],
}


def exchanges(page: Page, peer: PeerView) -> None:
    """The list of exchanges, folded where nothing happened."""
    everything = peer.exchanges
    if not everything:
        why = words.why_no_question(peer)
        page.entry("exchanges", why if peer.whole.exchanges else f"none seen: {why}")
        return
    shown = set(range(len(everything))) if page.verbose else worth_showing(peer)
    common = _common_knowledge(everything)
    page.listing("exchanges", _title(peer, common))
    last = -1
    left = len(everything) - len(shown)
    for index in [*sorted(shown), len(everything)]:
        hidden = everything[last + 1 : index]
        left -= len(hidden)
        if hidden:
            _fold(page, hidden, hint=left == 0)
        if index < len(everything):
            _exchange(page, peer, everything[index], common is None)
        last = index


def _title(peer: PeerView, common: tuple[Basis, Confidence] | None) -> list[Part]:
    total = len(peer.exchanges)
    named = words.KIND if total == 1 else words.KINDS
    kinds = ", ".join(dict.fromkeys(named[x.kind] for x in peer.exchanges))
    parts: list[Part] = [f"{count(total)} {kinds}"]
    for outcome in Outcome:
        number = sum(1 for x in peer.exchanges if x.outcome is outcome)
        if number:
            parts.append((f"{count(number)} {words.OUTCOME[outcome]}", _OUTCOME_STYLE[outcome]))
    if common is not None:
        parts.append((f"basis {words.known_by(*common)}", FAINT))
    hidden = len(peer.whole.exchanges) - total
    if hidden:
        parts.append((f"{count(hidden)} more {NOT_SHOWN} by the filter", FAINT))
    return parts


def _common_knowledge(everything: Sequence[Exchange]) -> tuple[Basis, Confidence] | None:
    known = {(x.basis, x.confidence) for x in everything}
    return known.pop() if len(known) == 1 else None


def _fold(page: Page, hidden: Sequence[Exchange], *, hint: bool) -> None:
    answered = [x for x in hidden if x.outcome is Outcome.ANSWERED]
    what = counted(len(hidden), "answered exchange" if len(answered) == len(hidden) else "exchange")
    text = f"{page.signs.more} {what} not shown"
    how = " (-v shows all)" if hint else ""
    spread = rtt_range(answered)
    if len(answered) == len(hidden) and spread:
        spread = f", RTT {spread}"
        if len(text + spread + how) <= page.beside:
            text += spread
    elif len(answered) < len(hidden):
        text += f", {count(len(hidden) - len(answered))} of them not answered"
    page.entry("", (text + how, FAINT))


def _exchange(page: Page, peer: PeerView, exchange: Exchange, tell_basis: bool) -> None:
    style = _OUTCOME_STYLE[exchange.outcome]
    sign = outcome_glyph(exchange.outcome, page.signs)
    arrow = page.arrow(exchange.prober, peer.local)
    what = assemble(f"{arrow} ", (f"{sign} {words.OUTCOME[exchange.outcome]}", style))
    what.append(became(exchange, page.signs))
    refs = [seen.ref for seen in (*exchange.transmissions, *exchange.answers)]
    tail = Text(f"{identity(exchange)}  {page.frames(refs)}", FAINT)
    stamp = Text(page.at(exchange.first_ns))
    # The tail is right-aligned as far as prose reaches: identifiers line up, and stay near.
    reach = min(page.beside, PROSE)
    if what.cell_len + tail.cell_len + GAP <= reach:
        page.at_margin(stamp, assemble(padded(what, reach - tail.cell_len), tail))
    else:
        page.at_margin(stamp, what)
        page.at_margin("", assemble("    ", tail))
    lost = where_lost(peer, exchange, page.address)
    if lost:
        _below(page, lost)
        where = page.frames([lost.ref for lost in exchange.lost_answers])
        if where:
            _below(page, (f"{answers_sent(exchange)}: {where}", FAINT))
    if tell_basis and exchange.confidence is not Confidence.CERTAIN:
        known = words.known_by(exchange.basis, exchange.confidence)
        _below(page, (known, FAINT))
    if page.verbose and exchange.retries:
        _transmissions(page, exchange)


def _below(page: Page, text: Part) -> None:
    """What is more to say of an exchange, under its line."""
    page.wrapped(text, indent=page.margin + GAP + _BELOW)


def _transmissions(page: Page, exchange: Exchange) -> None:
    before: int | None = None
    for sent in exchange.transmissions:
        gap = "" if before is None else f"+{duration(sent.at_ns - before)}"
        number = message_id(sent.message_id) if sent.message_id < NO_MESSAGE_ID else "no ID told"
        text = f"    {number}  {page.place(sent.ref)}"
        page.at_margin((page.at(sent.at_ns), FAINT), assemble((f"{text}  {gap}", FAINT)))
        before = sent.at_ns


# --- Deletes --------------------------------------------------------------------------------


def deletes(page: Page, peer: PeerView) -> None:
    """Who deleted what, and how that is known."""
    limit = len(peer.deletes) if page.verbose else DELETES_SHOWN
    for delete in peer.deletes[:limit]:
        _delete(page, delete)
    if len(peer.deletes) > limit:
        rest = counted(len(peer.deletes) - limit, "more Delete")
        page.entry("", (f"{page.signs.more} {rest} not shown (-v shows all)", FAINT))


def _delete(page: Page, delete: Delete) -> None:
    what = words.DELETE_OF[delete.protocol]
    spis = [short_spi(page.data(spi), page.signs) for spi in delete.spis[:4]]
    if len(delete.spis) > len(spis):
        spis.append(page.signs.more)
    parts: list[Part] = [
        assemble(
            ("Delete", "bold magenta"),
            f" of {what} {', '.join(spis)}".rstrip(),
            f" by {page.address(delete.sender)}",
        )
    ]
    if delete.reason:
        parts.append(page.data(delete.reason))
    if delete.transmissions > 1:
        parts.append(f"sent {delete.transmissions} {page.signs.times}")
    if delete.answered is not None:
        parts.append(delete_outcome(delete))
    parts.append((page.frames(delete.refs), FAINT))
    parts.append((words.known_by(delete.basis, delete.confidence), FAINT))
    page.listing(Text(page.at(delete.at_ns)), parts)
