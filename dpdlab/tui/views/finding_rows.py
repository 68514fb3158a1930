"""Findings as rows: groups with their headers, findings, and what is silenced."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from msgspec import Struct
from msgspec.structs import replace
from rich.cells import cell_len
from rich.text import Text

from analyzers.export import words
from analyzers.export.formatting import count
from analyzers.export.spans import is_side
from analyzers.export.untrusted import safe
from analyzers.model.finding import Finding, Suppressed
from analyzers.model.finding import Severity as FindingSeverity
from analyzers.model.time import ORDER_LIMIT_NS
from dpdlab.present.findings import SHADE, Group, GroupBy, input_name, sign, title_of
from dpdlab.tui.model import Model
from dpdlab.tui.palette import Palette
from dpdlab.tui.rows import cut

_SIGN: Final = 2
_GO_IN_TURN: Final = ("severity", "time", "whose")
"""What goes where a sentence has no room."""
_SEVERITY: Final = 9
_GAP: Final = 2
_LEAST_SENTENCE: Final = 36
_GOOD_SENTENCE: Final = 50
"""What tells one sentence from the next: for its rule a longer one may be cut."""
_MOST_PEER: Final = 40
_SAMPLE: Final = 200
SILENCED: Final = "silenced"


class Head(Struct, frozen=True):
    """The row above a group."""

    group: Group
    folded: bool


class SilencedHead(Struct, frozen=True):
    """The row above what is silenced."""

    number: int
    folded: bool


Item = Head | SilencedHead | Finding | Suppressed


def items_of(
    groups: Sequence[Group], silenced: Sequence[Suppressed], folded: frozenset[str]
) -> list[Item]:
    """The rows; of a folded group only its header."""
    items: list[Item] = []
    for group in groups:
        shut = group.key in folded
        items.append(Head(group, shut))
        if not shut:
            items += group.findings
    if silenced:
        shut = SILENCED in folded
        items.append(SilencedHead(len(silenced), shut))
        if not shut:
            items += silenced
    return items


def title(group: Group, model: Model) -> str:
    """The title of a group; made where it is read, as of ten thousand few are."""
    return safe(title_of(group, model.whole_digest.peers, model.signs))


class _Sizes(Struct, frozen=True):
    """Cells of the columns; 0: there is none."""

    severity: int
    arrow: int
    whose: int
    time: int
    title: int
    """What sentences would like to have."""
    rule: int

    @property
    def lead(self) -> int:
        """What signs and the severity take before the other columns."""
        return _SIGN + self.severity + (self.arrow and self.arrow + 1)

    @property
    def used(self) -> int:
        """What all of them take beside the sentence."""
        return self.lead + sum(size + _GAP for size in (self.whose, self.time, self.rule) if size)

    def sentence(self, width: int) -> int:
        """What the sentence has of a row: the rule stands behind the longest one."""
        return min(width - self.used, self.title)


class FindingRows:
    """The rows of the list."""

    def __init__(
        self, model: Model, items: Sequence[Item], by: GroupBy, *, back: bool = False
    ) -> None:
        self.model = model
        self.items = items
        self.by = by
        self.back = back
        self._peers = model.whole_digest.peers
        self._sources = {source.id: source for source in model.whole.sources}
        self._sizes: tuple[int, _Sizes] | None = None
        self._measured = self._measure()

    def __len__(self) -> int:
        return len(self.items)

    def _laid_out(self, width: int) -> _Sizes:
        """The room of each column; of one there is all that it wants, or nothing.

        What the header of the group says goes first, and the rule before sentences are cut short:
        the detail begins with it.
        """
        if self._sizes is not None and self._sizes[0] == width:
            return self._sizes[1]
        sizes = wanted = self._measured
        if self.by is GroupBy.PEER:
            sizes = replace(sizes, whose=0)
        if self.by is GroupBy.RULE:
            sizes = replace(sizes, rule=0)
        if width - sizes.used < min(wanted.title, _GOOD_SENTENCE):
            sizes = replace(sizes, rule=0)
        if sizes.used + wanted.title > width:
            sizes = replace(sizes, whose=min(sizes.whose, max(width // 5, 12)))
        for name in ("severity", "whose") if self.by is GroupBy.TIME else _GO_IN_TURN:
            if width - sizes.used < _LEAST_SENTENCE:
                sizes = replace(sizes, **{name: 0})
        self._sizes = (width, sizes)
        return sizes

    def _measure(self) -> _Sizes:
        """What the columns would like to have."""
        sample = [item for item in self.items[:_SAMPLE] if isinstance(item, Finding)]
        dated = any(finding.at_ns is not None for finding in sample)
        return _Sizes(
            # The header of a group by severity says it in words.
            severity=0 if self.by is GroupBy.SEVERITY else _SEVERITY,
            arrow=int(any(finding.end is not None for finding in sample)),
            whose=min(max([4, *(cell_len(self.whose(f)) for f in sample)]), _MOST_PEER),
            # Of what configurations show there is none.
            time=max([6, *(cell_len(self.at(f)) for f in sample)]) if dated else 0,
            title=max([_LEAST_SENTENCE, *(cell_len(self._sentence(f)) for f in sample)]),
            rule=max([4, *(len(finding.rule) for finding in sample)]),
        )

    def header(self, width: int, palette: Palette) -> Text | None:
        """Titles of the columns; what is sorted by has a mark."""
        if not self.items:
            return None
        sizes = self._laid_out(width)
        line = f"{'severity' if sizes.severity else '':<{sizes.lead}}"
        way = "▾" if self.back else "▴"
        for title, size in (("peer", sizes.whose), (f"time {way}", sizes.time)):
            line += f"{title:<{size}}{' ' * _GAP}" if size else ""
        if not sizes.rule:
            return Text(f"{line}what".ljust(width))
        return Text(f"{line}{'what':<{sizes.sentence(width)}}{' ' * _GAP}rule".ljust(width))

    def row(self, index: int, width: int, palette: Palette) -> Text:
        """One row."""
        item = self.items[index]
        match item:
            case Head():
                return self._head(item, width, palette)
            case SilencedHead():
                lead = self._fold_sign(item.folded)
                told = f"{lead} {SILENCED} ({count(item.number)})"
                return Text(told, palette.faint + palette.strong)
            case Suppressed():
                told = f"  {safe(item.reason)}: {safe(item.finding.title)}"
                return Text(f"{told} [{safe(item.finding.rule)}]", palette.faint)
            case Finding():
                return self._finding(item, width, palette)

    def _fold_sign(self, folded: bool) -> str:
        if self.model.ascii_only:
            return "+" if folded else "-"
        return "▸" if folded else "▾"

    def _head(self, head: Head, width: int, palette: Palette) -> Text:
        group = head.group
        shade = palette.severity(SHADE[group.severity])
        number = f" ({count(len(group.findings))})"
        room = max(width - len(number) - 4, 8)
        line = Text().append(f"{self._fold_sign(head.folded)} ", palette.faint)
        if self.by is not GroupBy.SEVERITY:
            line.append(f"{sign(group.severity, self.model.signs)} ", shade)
        line.append_text(cut(Text(title(group, self.model), palette.strong), room))
        return line.append(number, palette.faint)

    def _finding(self, finding: Finding, width: int, palette: Palette) -> Text:
        sizes = self._laid_out(width)
        shade = palette.severity(SHADE[finding.severity])
        line = Text().append(f"{sign(finding.severity, self.model.signs)} ", shade)
        if sizes.severity:
            line.append(f"{finding.severity.value:<{sizes.severity}}", shade)
        if sizes.arrow:
            line.append(f"{self._arrow(finding)} ", palette.faint)
        for text, size in ((self.whose(finding), sizes.whose), (self.at(finding), sizes.time)):
            if size:
                cell = cut(Text(text), size)
                line.append_text(cell).append(" " * (size - cell.cell_len + _GAP))
        room = sizes.sentence(width) if sizes.rule else width - line.cell_len
        doubt = words.confidence_mark(finding.confidence)
        said = cut(Text(safe(finding.title)), room - len(doubt)).append(doubt)
        line.append_text(said)
        if sizes.rule:
            line.append(" " * (room - said.cell_len + _GAP))
            line.append(safe(finding.rule), palette.faint)
        return line

    def _sentence(self, finding: Finding) -> str:
        return safe(finding.title) + words.confidence_mark(finding.confidence)

    def _arrow(self, finding: Finding) -> str:
        """Which end it is about: who asked, gave up or sent, this one or the other one."""
        peer = self._peers.get(finding.peer or "")
        if peer is None or finding.end is None:
            return " "
        is_local = is_side(finding.end, peer.local, peer)
        return self.model.signs.to if is_local else self.model.signs.back

    def whose(self, finding: Finding) -> str:
        """The peer, or the file that is meant where there is none."""
        peer = self._peers.get(finding.peer or "")
        if peer is not None:
            return safe(peer.remote)
        return safe(input_name(finding.refs[0], self._sources)) if finding.refs else "all"

    def at(self, finding: Finding) -> str:
        """When; of what a configuration shows there is no time."""
        if finding.at_ns is None:
            return self.model.signs.none
        return self.model.times.at(finding.at_ns)


def is_of(item: Item, severity: FindingSeverity) -> bool:
    """Whether a row is a finding of a severity."""
    return isinstance(item, Finding) and item.severity is severity


def timed(finding: Finding) -> int | None:
    """The time of a finding, if it is one of a clock."""
    at_ns = finding.at_ns
    return at_ns if at_ns is not None and at_ns >= ORDER_LIMIT_NS else None
