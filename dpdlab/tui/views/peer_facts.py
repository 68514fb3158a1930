"""What is known of one peer beside its story: policies, questions, Deletes, SAs and traffic."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import chain
from typing import Final

from rich.text import Text

from analyzers.export import exchanges, sa_words, words
from analyzers.export.formatting import (
    Severity,
    byte_count,
    count,
    counted,
    duration,
    short_spi,
)
from analyzers.export.messages import message_word
from analyzers.export.untrusted import safe
from analyzers.model.exchange import Exchange, Outcome
from analyzers.model.peer import PeerView
from analyzers.model.sa import EspFlow, IkeSa
from analyzers.model.time import ORDER_LIMIT_NS
from dpdlab.present.live_lines import age, unwatched_words
from dpdlab.tui.model import Model
from dpdlab.tui.palette import Palette
from dpdlab.tui.views import policy_cells

LABEL: Final = policy_cells.LABEL
QUESTIONS_SHOWN: Final = 8
MESSAGES_SHOWN: Final = 5
SAS_SHOWN: Final = 3
FLOWS_SHOWN: Final = 6
_OUTCOME: Final = {
    Outcome.ANSWERED: Severity.GOOD,
    Outcome.UNANSWERED: Severity.BAD,
    Outcome.OPEN: Severity.WARN,
}


def lines(model: Model, peer: PeerView, palette: Palette) -> list[Text]:
    """The lines, longest ones still to be wrapped; each part under its heading."""
    parts = (
        list(policy_cells.lines(peer, model, palette)),
        list(_proof(model, peer, palette)),
        list(_questions(model, peer, palette)),
        list(_messages(model, peer, palette)),
        list(_sas(model, peer, palette)),
        list(_flows(model, peer, palette)),
    )
    return list(chain.from_iterable(part for part in parts if part))


def _proof(model: Model, peer: PeerView, palette: Palette) -> Iterator[Text]:
    """The last sign of life, and how long ago that is now, or was when the capture ended."""
    if peer.unwatched:
        yield Text().append("unknown     ", palette.strong).append(unwatched_words(peer))
    at_ns = peer.last_proof_ns
    if at_ns is None:
        return
    line = Text().append("last proof  ", palette.strong).append(model.times.at(at_ns))
    if peer.until_ns is not None and at_ns >= ORDER_LIMIT_NS:
        if model.now_ns is not None:
            said = f"{age(at_ns, model.now_ns)} ago"
        else:
            captured = any(source.kind == "capture" for source in model.whole.sources)
            before = duration(max(peer.until_ns - at_ns, 0))
            of = "capture" if captured else "input"
            ends = f"the {of} ends" if model.done else "the end so far"
            said = f"{before} before {ends}"
        line.append(f"  {said}", palette.faint)
    yield line


def _questions(model: Model, peer: PeerView, palette: Palette) -> Iterator[Text]:
    """The last questions of either side."""
    if not peer.exchanges:
        return
    yield _heading("last questions", len(peer.exchanges), QUESTIONS_SHOWN, palette)
    for exchange in peer.exchanges[-QUESTIONS_SHOWN:]:
        yield _question(model, peer, exchange, palette)


def _question(model: Model, peer: PeerView, exchange: Exchange, palette: Palette) -> Text:
    signs = model.signs
    arrow = signs.to if exchange.prober != peer.remote else signs.back
    line = Text(f"  {model.times.at(exchange.first_ns)}  {arrow} ")
    line.append(f"{words.KIND[exchange.kind]} {exchanges.identity(exchange)}".rstrip() + " ")
    told = f"{words.OUTCOME[exchange.outcome]}{exchanges.became(exchange, signs)}"
    severity = _OUTCOME[exchange.outcome]
    if severity is Severity.GOOD and exchange.retries:
        severity = Severity.WARN
    line.append(told, palette.severity(severity))
    return line.append(exchanges.bracketed(exchange.confidence), palette.faint)


def _messages(model: Model, peer: PeerView, palette: Palette) -> Iterator[Text]:
    """How many messages there are, and where nobody asked anything the last ones."""
    if not peer.ike_messages:
        return
    told = [counted(peer.ike_messages, "message")]
    if peer.retransmissions:
        told.append(counted(peer.retransmissions, "request sent again", "requests sent again"))
    if peer.unknown_informationals:
        told.append(f"{count(peer.unknown_informationals)} that cannot be told apart without keys")
    shown = () if peer.whole.exchanges else peer.messages[-MESSAGES_SHOWN:]
    line = Text("IKE ", palette.strong).append(", ".join(told), palette.text)
    if shown and len(shown) < len(peer.messages):
        of = f" (the last {len(shown)} of {count(len(peer.messages))})"
        line.append(of, palette.faint)
    yield line
    for message in shown:
        arrow = (
            model.signs.back if message.src in (peer.remote, *peer.addresses) else model.signs.to
        )
        line = Text(f"  {model.times.at(message.at_ns)}  {arrow} ")
        yield line.append(safe(message_word(message)))


def _sas(model: Model, peer: PeerView, palette: Palette) -> Iterator[Text]:
    """The last IKE SAs: what was agreed, and how each ended."""
    if not peer.ike_sas:
        return
    yield _heading("IKE SAs", len(peer.ike_sas), SAS_SHOWN, palette)
    for sa in peer.ike_sas[-SAS_SHOWN:]:
        yield _sa(model, sa, palette)


def _sa(model: Model, sa: IkeSa, palette: Palette) -> Text:
    line = Text(f"  {model.times.at(sa.first_ns)}  {sa_words.version(sa)} ")
    line.append(short_spi(safe(sa.initiator_spi), model.signs) or model.signs.none, palette.faint)
    if sa.end is not None:
        line.append(f"  {words.SA_END[sa.end]}", palette.note)
        if sa.ended_ns is not None:
            between = " " if sa.ended_ns >= ORDER_LIMIT_NS else ", "
            line.append(f"{between}{model.times.at(sa.ended_ns)}", palette.note)
    if sa.proposal:
        line.append(f"  {safe(sa.proposal)}", palette.faint)
    return line


def _flows(model: Model, peer: PeerView, palette: Palette) -> Iterator[Text]:
    """ESP by SPI, the last ones."""
    flows = peer.esp_flows
    if not flows:
        return
    yield _heading("ESP", len(flows), FLOWS_SHOWN, palette)
    shown = flows[-FLOWS_SHOWN:]
    for flow in shown:
        yield _flow(model, peer, flow, shown, palette)


def _flow(
    model: Model, peer: PeerView, flow: EspFlow, shown: Sequence[EspFlow], palette: Palette
) -> Text:
    signs = model.signs
    arrow = signs.back if flow.sender in (peer.remote, *peer.addresses) else signs.to
    width = max(len(count(other.packets)) for other in shown)
    line = Text(f"  {model.times.at(flow.first_ns)}  {arrow} ")
    line.append(short_spi(safe(flow.spi), signs), palette.faint)
    line.append(f"  {count(flow.packets):>{width}} packets, {byte_count(flow.bytes)}")
    if flow.last_ns > flow.first_ns:
        line.append(f" in {duration(flow.last_ns - flow.first_ns)}", palette.faint)
    if flow.missing_sequences:
        line.append(f"  {count(flow.missing_sequences)} missing", palette.warn)
    if flow.lost:
        line.append(f"  {count(flow.lost)} lost", palette.warn)
    if flow.repeats:
        line.append(f"  {counted(flow.repeats, 'repeat')}", palette.warn)
    return line


def _heading(title: str, number: int, shown: int, palette: Palette) -> Text:
    of = f" (the last {shown} of {count(number)})" if number > shown else ""
    return Text(title, palette.strong).append(of, palette.faint)
