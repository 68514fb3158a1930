"""One peer in a few lines: what was lost and why, and what the rules say of it."""

from __future__ import annotations

from typing import Final

from rich.text import Text

from analyzers.export import story, words
from analyzers.export.formatting import Severity, class_severity, counted, duration
from analyzers.export.untrusted import safe
from analyzers.model.finding import Severity as FindingSeverity
from analyzers.model.peer import PeerView
from analyzers.session.expectations import expectations
from dpdlab.present.live_lines import expected
from dpdlab.present.times import signed
from dpdlab.tui.model import Model
from dpdlab.tui.palette import Palette

HOLES_SHOWN: Final = 3
FINDINGS_SHOWN: Final = 6
_SHADE: Final = {
    FindingSeverity.ERROR: Severity.BAD,
    FindingSeverity.WARNING: Severity.WARN,
    FindingSeverity.INFO: Severity.NOTE,
}


def lines(model: Model, peer: PeerView, palette: Palette) -> list[Text]:
    """The lines, longest ones still to be wrapped."""
    told = [_heading(model, peer, palette)]
    now_ns = model.now_ns
    if now_ns is not None:
        told += [
            Text(safe(expected(peer, question, now_ns)), palette.warn)
            for question in expectations(peer)
        ]
    holes = sorted(peer.black_holes, key=lambda h: -h.max_seconds)
    for hole in holes[:HOLES_SHOWN]:
        head = Text(f"black hole {safe(hole.sender)} {model.signs.to} {safe(hole.receiver)}  ")
        head.append(", ".join(story.bounds_of(hole)),
                    palette.severity(class_severity(hole.black_hole_class)))  # fmt: skip
        head.append(f"  {words.CLASS[hole.black_hole_class]}", palette.faint)
        told.append(head)
        first_ns: int | None = None
        for moment in story.moments(peer, hole, safe):
            first_ns = moment.at_ns if first_ns is None else first_ns
            line = Text(f"  {model.times.at(moment.at_ns)}  ")
            line.append(f"{signed(moment.at_ns - first_ns):>10}  ", palette.faint)
            told.append(line.append(moment.text))
    if len(holes) > HOLES_SHOWN:
        more = counted(len(holes) - HOLES_SHOWN, "more black hole")
        told.append(Text(f"{model.signs.more} {more} (2 shows all)", palette.faint))
    findings = model.digest.findings.get(peer.id, ())
    for finding in findings[:FINDINGS_SHOWN]:
        line = Text().append(
            f"{finding.severity.value:<8}", palette.severity(_SHADE[finding.severity])
        )
        line.append(safe(finding.title), palette.strong)
        told.append(line.append(f" [{finding.rule}]", palette.faint))
    if len(findings) > FINDINGS_SHOWN:
        more = counted(len(findings) - FINDINGS_SHOWN, "more finding")
        told.append(Text(f"{model.signs.more} {more} (4 shows all)", palette.faint))
    return told


def _heading(model: Model, peer: PeerView, palette: Palette) -> Text:
    ends = f"{safe(peer.local)} {model.signs.to} {safe(peer.remote)}"
    head = Text().append(ends, palette.strong)
    head.append(f"  {words.peer_phrase(peer)}", palette.faint)
    asked = len(peer.exchanges)
    if asked:
        answered = model.tally(peer).answered
        head.append(f"  {answered} of {counted(asked, 'question')} answered", palette.faint)
    if peer.rtt_ns is not None:
        head.append(f", {duration(peer.rtt_ns)}", palette.faint)
    return head
