"""Findings as rows: groups with their headers, findings, and what is silenced."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from msgspec import Struct
from rich.cells import cell_len
from rich.style import Style
from rich.text import Text

from analyzers.export import words
from analyzers.export.formatting import count
from analyzers.export.untrusted import safe
from analyzers.model.finding import Finding, Suppressed
from analyzers.model.finding import Severity as FindingSeverity
from analyzers.model.time import ORDER_LIMIT_NS
from dpdlab.present.findings import SHADE, Group, GroupBy, place, sign, title_of
from dpdlab.tui.model import Model
from dpdlab.tui.palette import Palette
from dpdlab.tui.rows import cut

_SIGN: Final = 2
_SEVERITY: Final = 9
_GAP: Final = 2
_LEAST_SENTENCE: Final = 36
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


class FindingRows:
    """The rows of the list."""

    def __init__(self, model: Model, items: Sequence[Item], by: GroupBy) -> None:
        self.model = model
        self.items = items
        self.by = by
        self._peers = model.whole_digest.peers
        self._sources = {source.id: source for source in model.whole.sources}
        self._sizes: tuple[int, tuple[int, int, int]] | None = None
        self._measured = self._measure()
        # The header of a group by severity says it in words.
        self._lead = _SIGN if by is GroupBy.SEVERITY else _SEVERITY + _GAP

    def __len__(self) -> int:
        return len(self.items)

    def _laid_out(self, width: int) -> tuple[int, int, int]:
        """Widths of rule, peer and time; 0 where there is no room for one.

        What the header of the group says goes first.
        """
        if self._sizes is not None and self._sizes[0] == width:
            return self._sizes[1]
        rule, whose, time = self._measured
        sizes = {"time": time, "peer": min(whose, max(width // 5, 12)), "rule": rule}
        if self.by is not GroupBy.SEVERITY:
            sizes[self.by.value] = 0
        for name in ("rule", "time", "peer"):
            used = self._lead + sum(size + _GAP for size in sizes.values() if size)
            if width - used >= _LEAST_SENTENCE:
                break
            sizes[name] = 0
        self._sizes = (width, (sizes["rule"], sizes["peer"], sizes["time"]))
        return self._sizes[1]

    def _measure(self) -> tuple[int, int, int]:
        """What rule, peer and time would like to have."""
        sample = [item for item in self.items[:_SAMPLE] if isinstance(item, Finding)]
        rule = max((len(finding.rule) for finding in sample), default=4)
        whose = max((cell_len(self.whose(finding)) for finding in sample), default=4)
        time = max((cell_len(self.at(finding)) for finding in sample), default=4)
        return max(rule, 4), min(max(whose, 4), _MOST_PEER), max(time, 4)

    def header(self, width: int, palette: Palette) -> Text | None:
        """Titles of the columns."""
        rule, whose, time = self._laid_out(width)
        line = f"{'' if self.by is GroupBy.SEVERITY else 'severity':<{self._lead}}"
        for title, size in (("rule", rule), ("peer", whose), ("time", time)):
            line += f"{title:<{size}}{' ' * _GAP}" if size else ""
        return Text(f"{line}what".ljust(width))

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
        rule, whose, time = self._laid_out(width)
        shade = palette.severity(SHADE[finding.severity])
        line = Text().append(f"{sign(finding.severity, self.model.signs)} ", shade)
        if self.by is not GroupBy.SEVERITY:
            line.append(f"{finding.severity.value:<{self._lead - _SIGN}}", shade)
        plain = Style()
        for text, size, style in (
            (safe(finding.rule), rule, palette.faint),
            (self.whose(finding), whose, plain),
            (self.at(finding), time, plain),
        ):
            if size:
                cell = cut(Text(text, style), size)
                line.append_text(cell).append(" " * (size - cell.cell_len + _GAP))
        line.append(safe(finding.title)).append(words.confidence_mark(finding.confidence))
        bare = not rule and self.by is not GroupBy.RULE
        return line.append(f"  {safe(finding.rule)}", palette.faint) if bare else line

    def whose(self, finding: Finding) -> str:
        """The peer, or the file that is meant where there is none."""
        peer = self._peers.get(finding.peer or "")
        if peer is not None:
            return safe(peer.remote)
        return safe(place(finding.refs[0], self._sources)) if finding.refs else "all"

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
