"""The page that the text report is written on: width, signs, margin, styles, untrusted text.

Lines are laid out here and handed to rich finished, as `Text`: nothing in the data is ever read
as markup, and rich neither wraps nor cuts what was laid out.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, Literal

from msgspec import Struct
from rich.cells import cell_len
from rich.console import Console
from rich.text import Text

from analyzers.model.peer import PeerView
from analyzers.model.records import Ref
from dpdlab.present.formatting import TIME_DIGITS, Clock, Severity, ascii_formula, glyphs
from dpdlab.present.safe import safe

NARROWEST: Final = 50
"""Columns under which lines run over the edge rather than lose their sense."""
WIDEST: Final = 200
"""Columns beyond which lines get hard to follow with the eye."""
PROSE: Final = 100
"""Columns of running text."""
LONGEST_ADDRESS: Final = 60
"""Cells: a full IPv6 address with a zone and a port."""
GAP: Final = 2
"""Blanks between columns."""

SEVERITY_STYLE: Final = {
    Severity.MUTE: "dim",
    Severity.GOOD: "green",
    Severity.NOTE: "cyan",
    Severity.WARN: "yellow",
    Severity.BAD: "bold red",
}
LABEL: Final = "bold"
FAINT: Final = "dim"

Part = str | tuple[str, str] | Text


def assemble(*parts: Part) -> Text:
    """A `Text` of plain strings, (string, style) pairs and other texts."""
    return Text.assemble(*parts)


def joined(parts: Sequence[Part], separator: str) -> Text:
    """Parts with a faint separator between them."""
    text = Text()
    for index, part in enumerate(parts):
        if index:
            text.append(separator, FAINT)
        text.append_text(assemble(part))
    return text


class Column(Struct, frozen=True):
    """A column of a table: its title, its side, and whether it may be cut to fit."""

    title: str
    align: Literal["left", "right"] = "left"
    elastic: bool = False


class Page:
    """Writes lines of one report to a console."""

    def __init__(
        self,
        console: Console,
        *,
        ascii_only: bool,
        verbose: int,
        clock: Clock,
        several_days: bool = False,
        several_sources: bool = False,
        texts: frozenset[str] = frozenset(),
        alike: frozenset[str] = frozenset(),
    ) -> None:
        """`texts`: ids of the sources that are texts, whose places are lines, not frames.

        `alike`: ids of the peers that have both addresses of another.
        """
        self.console = console
        self.ascii_only = ascii_only
        self.verbose = verbose
        self.clock = clock
        self.signs = glyphs(ascii_only)
        self.width = max(NARROWEST, min(console.width, WIDEST))
        self.several_sources = several_sources
        self._texts = texts
        self._alike = alike
        self.digits = 6 if verbose else TIME_DIGITS
        day = len("12-31 ") if several_days else 0
        self.margin = day + len("00:00:00.") + self.digits
        self.blank_before = False

    # --- words and values ---

    def data(self, text: str) -> str:
        """Text from outside, harmless on this terminal and on this page's alphabet."""
        clean = safe(text)
        if self.ascii_only:
            return ascii_formula(clean).encode("ascii", "backslashreplace").decode("ascii")
        return clean

    def address(self, text: str) -> str:
        """An address; logs may hold anything in the place of one, so it is cut at a bound."""
        return self.clip_middle(self.data(text), LONGEST_ADDRESS)

    def dots(self, parts: Sequence[Part]) -> Text:
        """Parts of one line, told apart by a dot."""
        return joined(parts, f" {self.signs.dot} ")

    def at(self, at_ns: int) -> str:
        """A time as this page writes it; lines without stamps have none."""
        return self.clock.at(at_ns, self.digits)

    def arrow(self, address: str, local: str) -> str:
        """Which way something goes that `address` sent."""
        return self.signs.to if address == local else self.signs.back

    def pair(self, local: str, remote: str) -> str:
        """Two addresses and the arrow between them."""
        return f"{self.address(local)} {self.signs.to} {self.address(remote)}"

    def remote(self, peer: PeerView) -> str:
        """The other end of a peer; several behind one NAT are told apart by their ids."""
        known = f" ({peer.id})" if peer.id in self._alike else ""
        return f"{self.address(peer.remote)}{known}"

    def ends(self, peer: PeerView) -> str:
        """Both ends of a peer, and the arrow between them."""
        return f"{self.address(peer.local)} {self.signs.to} {self.remote(peer)}"

    def frame(self, ref: Ref) -> str:
        """A frame number, with its source where there are several."""
        return f"{self.data(ref.source)}#{ref.record}" if self.several_sources else f"{ref.record}"

    def frames(self, refs: Sequence[Ref]) -> str:
        """One frame number, or the first and the last of several; empty for none."""
        if not refs:
            return ""
        if len(refs) == 1:
            return self.place(refs[0])
        first, last = refs[0], refs[-1]
        between = ", " if len(refs) == 2 else self.signs.dash
        end = str(last.record) if first.source == last.source else self.frame(last)
        what = "lines" if {first.source, last.source} <= self._texts else "frames"
        if (first.source in self._texts) != (last.source in self._texts):
            return f"{self.place(first)}{between}{self.place(last)}"
        return f"{what} {self.frame(first)}{between}{end}"

    def place(self, ref: Ref) -> str:
        """A frame of a capture or a line of a text, in words."""
        return f"{'line' if ref.source in self._texts else 'frame'} {self.frame(ref)}"

    # --- lines ---

    def line(self, text: Part = "") -> None:
        """One finished line."""
        line = assemble(text)
        line.rstrip()
        self.console.print(line, soft_wrap=True, markup=False, highlight=False, emoji=False)
        self.blank_before = not line.plain

    def gap(self) -> None:
        """One blank line, never two."""
        if not self.blank_before:
            self.line()

    def wrapped(self, text: Part, first: Part = "", indent: int = 0) -> None:
        """Running text from `indent` on, `first` standing before its first line."""
        width = max(min(self.width, PROSE + indent) - indent, NARROWEST // 2)
        lines = assemble(text).wrap(self.console, width, overflow="fold")
        for index, line in enumerate(lines):
            lead = padded(assemble(first), indent) if index == 0 else Text(" " * indent)
            lead.append_text(line)
            self.line(lead)

    def entry(self, label: Part, text: Part, *, label_style: str = LABEL) -> None:
        """A label in the margin and running text beside it."""
        lead = Text(label, label_style) if isinstance(label, str) else assemble(label)
        self.wrapped(text, first=lead, indent=self.margin + GAP)

    def listing(
        self,
        label: Part,
        parts: Sequence[Part],
        *,
        label_style: str = LABEL,
        indent: int | None = None,
        separator: str | None = None,
    ) -> None:
        """A label in the margin and parts beside it; a line breaks between parts where it can."""
        lead = Text(label, label_style) if isinstance(label, str) else assemble(label)
        indent = self.margin + GAP if indent is None else indent
        between = f" {self.signs.dot} " if separator is None else separator
        room = min(self.width, PROSE + indent) - indent
        for group in _flowed(parts, room, len(between)):
            self.wrapped(joined(group, between), first=lead, indent=indent)
            lead = Text()

    def at_margin(self, label: Part, text: Text) -> None:
        """A label in the margin and one line that is already laid out."""
        lead = padded(assemble(label), self.margin + GAP)
        lead.append_text(text)
        self.line(lead)

    @property
    def beside(self) -> int:
        """Columns beside the margin."""
        return self.width - self.margin - GAP

    def clip(self, text: Text, width: int) -> Text:
        """A text cut to a width; the cut is marked."""
        if text.cell_len <= width:
            return text
        mark = self.signs.more
        short = text.copy()
        short.truncate(max(width - len(mark), 0), overflow="crop")
        short.rstrip()
        short.append(mark[: max(width, 0)], FAINT)
        return short

    def clip_middle(self, text: str, width: int) -> str:
        """A path cut in its middle, where it says least; the cut is marked."""
        if cell_len(text) <= width:
            return text
        mark = self.signs.more
        room = max(width - len(mark), 2)
        tail = len(text)
        while tail > 0 and cell_len(text[tail - 1 :]) <= room * 2 // 3:
            tail -= 1
        head = 0
        while cell_len(text[: head + 1]) <= room - cell_len(text[tail:]):
            head += 1
        return text[:head] + mark + text[tail:]


def _flowed(parts: Sequence[Part], width: int, between: int) -> Sequence[Sequence[Part]]:
    """Parts in lines of a width; a part longer than a line has lines of its own."""
    lines: list[list[Part]] = []
    room = 0
    for part in parts:
        size = assemble(part).cell_len
        if not lines or size + between > room:
            lines.append([part])
            room = width - size
        else:
            lines[-1].append(part)
            room -= size + between
    return lines


def padded(text: Text, width: int, align: Literal["left", "right"] = "left") -> Text:
    """A text filled with blanks to a width; a longer one stays as it is, and a blank follows."""
    missing = width - text.cell_len
    if missing < 1:
        return assemble(text, "" if missing == 0 else " ")
    blanks = " " * missing
    return assemble(text, blanks) if align == "left" else assemble(blanks, text)


def widths(columns: Sequence[Column], rows: Sequence[Sequence[Text]]) -> list[int]:
    """The natural width of each column, its title included."""
    return [
        max([cell_len(column.title), *(row[index].cell_len for row in rows)])
        for index, column in enumerate(columns)
    ]


def fitted(page: Page, columns: Sequence[Column], natural: Sequence[int], room: int) -> list[int]:
    """Widths that fit: what is too much is taken from the elastic columns, the last one first."""
    sizes = list(natural)
    over = sum(sizes) + GAP * (len(sizes) - 1) - room
    for index in reversed(range(len(columns))):
        if over > 0 and columns[index].elastic:
            least = max(cell_len(columns[index].title), len(page.signs.more) + 1)
            taken = min(over, max(sizes[index] - least, 0))
            sizes[index] -= taken
            over -= taken
    return sizes


def row_line(
    page: Page, columns: Sequence[Column], sizes: Sequence[int], cells: Sequence[Text]
) -> Text:
    """One row of a table as a line."""
    line = Text()
    for index, (column, size, cell) in enumerate(zip(columns, sizes, cells, strict=True)):
        if index:
            line.append(" " * GAP)
        line.append_text(padded(page.clip(cell, size), size, column.align))
    return line
