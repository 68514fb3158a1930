"""A finding in full: what is seen, what to do, why it matters, and what it rests on."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from rich.text import Text

from analyzers.export import words
from analyzers.export.formatting import counted
from analyzers.export.untrusted import safe
from analyzers.model.finding import Finding, Suppressed
from analyzers.model.peer import PeerView
from analyzers.model.records import Ref
from analyzers.model.time import ORDER_LIMIT_NS
from dpdlab.present.evidence import evidence_at
from dpdlab.present.findings import SHADE, Group, place, rule_of, sign, tally
from dpdlab.tui.model import Model
from dpdlab.tui.palette import Palette
from dpdlab.tui.views.finding_rows import SILENCED, Head, Item, timed, title

LABEL: Final = 10
_PLACES_SHOWN: Final = 6
_MORE_PLACES_SHOWN: Final = 12
_PEERS_SHOWN: Final = 12


def lines(model: Model, item: Item | None, palette: Palette, *, in_full: bool) -> list[Text]:
    """The lines, longest ones still to be wrapped; `in_full` where there is a pane for them."""
    match item:
        case Head():
            return list(_group(model, item.group, palette, in_full=in_full))
        case Suppressed():
            silenced = _said(SILENCED, item.reason, palette)
            return list(_finding(model, item.finding, palette, silenced, in_full=in_full))
        case Finding():
            return list(_finding(model, item, palette, None, in_full=in_full))
        case _:
            return []


def _finding(
    model: Model, finding: Finding, palette: Palette, silenced: Text | None, *, in_full: bool
) -> Iterator[Text]:
    shade = palette.severity(SHADE[finding.severity])
    head = Text().append(f"{sign(finding.severity, model.signs)} ", shade)
    head.append(safe(finding.title), palette.strong)
    yield head.append(f" [{safe(finding.rule)}]", palette.faint)
    if silenced is not None:
        yield silenced
    yield _said("seen", finding.detail + words.confidence_mark(finding.confidence), palette)
    # A remedy may end with lines for a configuration.
    for number, text in enumerate(finding.remedy.split("\n")):
        yield _said("" if number else "remedy", text, palette)
    rule = rule_of(finding) if in_full else None
    if rule is not None:
        yield _said("why", rule.rationale, palette)
    peer = model.peer_of(finding)
    if peer is not None:
        yield _said("peer", f"{peer.local} {model.signs.to} {peer.remote}", palette)
    if finding.end is not None:
        yield _said("about", finding.end, palette)
    if timed(finding) is not None:
        yield _said("time", model.times.at(finding.at_ns or 0), palette)
    yield from _places(model, finding, peer, palette, in_full=in_full)
    yield _said("source", finding.reference, palette)
    if rule is not None:
        for number, trap in enumerate(rule.traps):
            yield _said("" if number else "not where", trap, palette)


def _places(
    model: Model, finding: Finding, peer: PeerView | None, palette: Palette, *, in_full: bool
) -> Iterator[Text]:
    """The places it rests on, in full with what stands there."""
    sources = {source.id: source for source in model.whole.sources}
    most = _MORE_PLACES_SHOWN if in_full else _PLACES_SHOWN
    for number, ref in enumerate(finding.refs[:most]):
        line = _said("" if number else "rests on", place(ref, sources), palette)
        yield line.append_text(_stands_there(model, ref, peer, palette)) if in_full else line
    if len(finding.refs) > most:
        more = counted(len(finding.refs) - most, "more place")
        yield _said("", f"{model.signs.more} {more}", palette)


def _stands_there(model: Model, ref: Ref, peer: PeerView | None, palette: Palette) -> Text:
    found = evidence_at(ref, peer, model.log)
    if found is None:
        return Text()
    line = Text("  ")
    if found.at_ns is not None and found.at_ns >= ORDER_LIMIT_NS:
        line.append(f"{model.times.at(found.at_ns)}  ", palette.faint)
    if peer is not None and found.sender is not None:
        arrow = model.signs.to if found.sender == peer.local else model.signs.back
        line.append(f"{arrow} ", palette.faint)
    return line.append(safe(found.text), palette.note)


def _group(model: Model, group: Group, palette: Palette, *, in_full: bool) -> Iterator[Text]:
    yield Text(title(group, model), palette.strong)
    for said, shade in tally(group.findings):
        yield Text(said, palette.severity(shade))
    yield Text("enter folds the group or opens it", palette.faint)
    if not in_full:
        return
    peers = dict.fromkeys(f.peer for f in group.findings if f.peer is not None)
    known = [model.digest.peers[peer_id] for peer_id in peers if peer_id in model.digest.peers]
    for number, peer in enumerate(known[:_PEERS_SHOWN]):
        ends = f"{peer.local} {model.signs.to} {peer.remote}"
        yield _said("" if number else "peers", ends, palette)
    if len(known) > _PEERS_SHOWN:
        more = counted(len(known) - _PEERS_SHOWN, "more peer")
        yield _said("", f"{model.signs.more} {more}", palette)


def _said(label: str, text: str, palette: Palette) -> Text:
    return Text().append(f"{label:<{LABEL}}", palette.faint).append(safe(text))
