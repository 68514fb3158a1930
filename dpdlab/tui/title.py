"""The first line: what is open, and what it comes to, in as many words as there is room for."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import product
from typing import Final

from rich.style import Style
from rich.text import Text

from analyzers.export.formatting import counted, utc_time
from analyzers.export.untrusted import safe
from analyzers.export.verdict import VerdictPart
from dpdlab.present.findings import tally
from dpdlab.tui.model import Model
from dpdlab.tui.palette import Palette
from dpdlab.tui.rows import CUT, cut

_NAME: Final = " dpdlab "
_NAMES_SHOWN: Final = 3
_LEAST_NAME: Final = 10
_NEXT_TO_NOTHING: Final = 2
"""After so many forms the last one keeps only the head of its clause."""
BETWEEN: Final = " · "


def title_of(model: Model, palette: Palette, width: int) -> Text:
    """What is open, and what it comes to: with a filter, what is left by it."""
    paths = _paths(model)
    number = [counted(len(paths), "input")] if len(paths) > 1 else []
    names = [*_names(model), *number]
    # The names have what the verdict leaves.
    name_room = min(len(min(names, key=len)), _LEAST_NAME)
    lead, told = _lead(model, ""), Text()
    for leaving in (f", {model.range_left}", ""):
        before = _lead(model, leaving)
        found = _verdict(model, palette, width - len(_NAME) - len(before) - name_room - 4)
        if not told or _clauses(found) > _clauses(told):
            lead, told = before, found
        if not found.plain.endswith(CUT):
            break
    left = Text().append(_NAME, Style(bold=True, reverse=True)).append(" ")
    left.append(lead, palette.warn)
    told.append(" ")
    room = width - left.cell_len - told.cell_len - 2
    shown = next((name for name in names if len(name) <= room), names[-1])
    left.append_text(cut(Text(shown), max(room, 0)))
    return left + Text(" " * max(width - left.cell_len - told.cell_len, 2)) + told


def _lead(model: Model, leaving: str) -> str:
    """Of when all is while painting is paused, and of how much of the time, where not of all."""
    lead = ""
    if model.paused and not model.done:
        at_ns = model.now_ns
        lead = "PAUSED  " if at_ns is None else f"PAUSED {utc_time(at_ns, 0)}  "
    return f"{lead}only {model.range_lasts}{leaving}  " if model.range_ns is not None else lead


def _clauses(verdict: Text) -> int:
    return verdict.plain.removesuffix(BETWEEN + CUT).count(BETWEEN)


def _paths(model: Model) -> list[str]:
    return [source.path for source in model.whole.sources] or list(model.opening)


def _names(model: Model) -> list[str]:
    """The names of the inputs, in longer and shorter forms."""
    paths = _paths(model)
    names = [safe(path.rpartition("/")[2] or path) for path in paths[:_NAMES_SHOWN]]
    forms = []
    for shown in range(len(names), 0, -1):
        more = [f"{len(paths) - shown} more"] if len(paths) > shown else []
        forms.append(" + ".join([*names[:shown], *more]))
    return forms or [""]


def _verdict(model: Model, palette: Palette, room: int) -> Text:
    verdict = model.digest.verdict
    parts = [*_of_failure(model), *_of_how_many(model)]
    if verdict is not None:
        parts += verdict.parts
        severity = palette.severity(verdict.severity)
        kept = fitting(parts, room - len(model.of_all))
        told = _joined([(said, severity if weighty else Style()) for said, weighty in kept])
        return Text().append(model.of_all, palette.faint).append_text(told)
    if parts:
        return _joined([(said, palette.warn) for said, _ in fitting(parts, room)])
    found = without_peers(model)
    if found and model.done and not model.failure:
        return Text(found, palette.warn)
    said = "cannot be read" if model.failure else "no peer found"
    doing = "watching" if model.now_ns is not None else "reading"
    return Text(said if model.done else doing, palette.warn if model.done else "")


def without_peers(model: Model) -> str:
    """What was found in inputs without a peer, in their configurations; empty for nothing."""
    found = ", ".join(told for told, _ in tally(model.content.findings))
    read = sum(source.kind == "config" for source in model.whole.sources)
    if model.whole.peers or not (found or read):
        return ""
    # Of configurations alone nobody expects one.
    told = ["no peer"] if read < len(model.whole.sources) else []
    if read:
        told.append(counted(read, "configuration"))
    if found:
        told.append(f"{found} ({model.key('view-findings')} shows them)")
    return BETWEEN.join(told)


def _of_failure(model: Model) -> Iterator[VerdictPart]:
    """What follows is all that was known when the reading ended before the inputs did."""
    if model.failure and model.whole.peers:
        why = safe(model.failure.split("\n", 1)[0])
        yield VerdictPart(f"not all is told: {why}", True, ("not all is told",))


def _of_how_many(model: Model) -> Iterator[VerdictPart]:
    """With a filter: what follows is about these peers only."""
    number, every = len(model.peers), len(model.whole.peers)
    if model.filter is not None and every:
        said = f"filtered: {number:,} of {counted(every, 'peer')}"
        yield VerdictPart(said, False, ("filtered",))


def fitting(parts: Sequence[VerdictPart], room: int) -> list[tuple[str, bool]]:
    """What of a verdict fits: in fewer words, then without its last clauses, which leaves a mark.

    A clause that would say next to nothing in its shortest words is kept before the others go only
    where it is the second one: what was lost comes right after who is gone.
    """
    best: tuple[tuple[bool, bool, bool, int, int], list[tuple[str, bool]]] | None = None
    for shown in range(len(parts), 0, -1):
        kept = parts[:shown]
        mark = [] if shown == len(parts) else [(CUT, False)]
        for chosen in product(*(enumerate((part.text, *part.shorter)) for part in kept)):
            told = [(text, part.weighty) for (_, text), part in zip(chosen, kept, strict=True)]
            length = len(BETWEEN.join(text for text, _ in (*told, *mark)))
            telling = all(
                place < max(_NEXT_TO_NOTHING, len(part.shorter))
                for (place, _), part in zip(chosen, kept, strict=True)
            )
            rank = (length <= room, shown >= min(2, len(parts)), telling, shown, length)
            if length > room:
                rank = (False, False, False, -shown, -length)
            if best is None or rank > best[0]:
                best = rank, [*told, *mark]
    return [] if best is None else best[1]


def _joined(parts: Sequence[tuple[str, Style]]) -> Text:
    return Text(BETWEEN).join(Text(text, style) for text, style in parts)
