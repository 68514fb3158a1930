"""Where outputs of `show` commands stand in a terminal log, and what they say.

An output begins with the echo of its command or, without one, with a line that only it has. Its
lines are gathered as long as its layout knows them; between them may stand what a terminal and a
debug put there. It ends with the next prompt, the next output, or where nothing is known any more.
Lines go by once; what is no part of an output costs a few containment tests.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from msgspec import Struct, field
from msgspec.structs import replace

from analyzers.model.snapshot import Snapshot
from analyzers.snapshots.catalogue import HEADS, LAYOUTS, TIME_HEADS, layout_of, may_begin
from analyzers.snapshots.cisco_ike import settle_local
from analyzers.snapshots.clock import Reading, read_clock
from analyzers.snapshots.commands import Said, read_command, read_prompt
from analyzers.snapshots.layout import Layout, Line
from analyzers.snapshots.terminal import (
    MAX_LINE,
    is_log_line,
    may_be_wrapped,
    may_lack_blank,
    plain,
    without_last_token,
    without_stamp,
)

# A hub with 1000 peers shows some 50,000 lines; more is not kept of one output, or of all.
_MAX_LINES: Final = 100_000
_MAX_SNAPSHOTS: Final = 10_000
# Lines that no layout knows, one after another, until an output is over.
_MAX_STRANGE: Final = 60
# Lines between a command and its output, and between a time and the output that it is taken for.
_MAX_WAIT: Final = 40
_MAX_CLOCK_DISTANCE: Final = 40
_MAX_CLOCK_AFTER: Final = 8


def snapshots_in(text: str, source: str) -> tuple[Snapshot, ...]:
    """All outputs in the text of an input."""
    found = find_snapshots(enumerate(text.split("\n"), 1))
    return tuple(replace(snapshot, source=source) for snapshot in found)


def find_snapshots(lines: Iterable[tuple[int, str]]) -> list[Snapshot]:
    """All outputs in numbered lines, in their order. Never raises on account of the text."""
    finder = _Finder()
    heads, watch = HEADS, finder.watch
    for number, text in lines:
        # Nearly all lines of a log fail here: no call, four tests.
        if finder.busy or (
            ("#" in text or ">" in text or "$" in text or text[:3] in heads) and may_begin(text)
        ):
            watch(number, text)
    return finder.finish()


class _Output(Struct):
    """An output while its lines are gathered."""

    layout: Layout
    said: Said | None
    hostname: str
    line: int
    clock: tuple[int, Reading] | None
    clock_fresh: bool
    stamp: str
    lines: list[Line] = field(default_factory=list)
    keys: set[str] = field(default_factory=set)
    strange: int = 0
    wrapped: bool = False
    """The last line fills the terminal, and its rest may follow."""
    torn: bool = False
    """Something else was printed after the wrapped line."""

    def append(self, number: int, text: str) -> None:
        """Add a line that the layout knows."""
        self.give_up_rest()
        self.strange = 0
        if len(self.lines) < _MAX_LINES:
            self.lines.append(Line(number, text))
            self.wrapped, self.torn = may_be_wrapped(text), False

    def join(self, text: str) -> None:
        """Add the rest of a wrapped line; a blank in the last column is not printed."""
        last = self.lines[-1]
        blank = " " if may_lack_blank(last.text) else ""
        self.lines[-1] = Line(last.number, f"{last.text}{blank}{text}"[:MAX_LINE])
        self.wrapped, self.torn = may_be_wrapped(text), False

    def give_up_rest(self) -> None:
        """What follows is not the rest of a line that may have been wrapped. Unless it follows at
        once, the rest may be lost and the last token be cut."""
        if self.wrapped and self.torn:
            last = self.lines[-1]
            self.lines[-1] = Line(last.number, without_last_token(last.text))
        self.wrapped = self.torn = False


class _Finder(Struct):
    busy: bool = False
    """Every line matters: an output is open or expected."""
    said: Said | None = None
    """The last command, until its outputs are over."""
    hostname: str = ""
    clock: tuple[int, Reading] | None = None
    clock_fresh: bool = False
    """Nothing was typed since `clock` was read."""
    waiting: int = 0
    """Lines that are still looked at for the output of the command."""
    answered: bool = False
    """The command has had an output already."""
    bare: Said | None = None
    """The line before was a prompt without a command."""
    output: _Output | None = None
    found: list[Snapshot] = field(default_factory=list)

    def watch(self, number: int, raw: str) -> None:
        """A line while an output is open or expected."""
        stamp, text = without_stamp(plain(raw))
        output, bare, self.bare = self.output, self.bare, None
        if output is not None:
            if self._inside(output, number, text, bare):
                return
            if self.output is not None:
                # Neither of this output nor of another: a line spliced in.
                output.strange += 1
                if output.strange > _MAX_STRANGE:
                    self._close()
                return
        if self.waiting:
            self.waiting -= 1
        self.busy = self.waiting > 0
        self._outside(number, text, stamp, bare)

    def finish(self) -> list[Snapshot]:
        """What was found, with addresses that one output learns from another."""
        self._close()
        own: dict[str, set[str]] = {}
        for snapshot in self.found:
            locals_of = own.setdefault(snapshot.hostname, set())
            locals_of.update(e.local for e in snapshot.entries if e.local)
        return [replace(s, entries=settle_local(s.entries, *own[s.hostname])) for s in self.found]

    def _inside(self, output: _Output, number: int, text: str, bare: Said | None) -> bool:
        """Take a line of the open output; False where it is none, the output may be over then."""
        if not text:
            output.wrapped = False
            return True
        layout = output.layout
        if layout.knows.match(text):
            self._take(output, number, text)
            return True
        if is_log_line(text):
            output.torn = True
            return False
        said = read_prompt(text, number) or (bare and read_command(text, number, bare))
        if said is not None and not said.command:
            output.torn = True
            output.hostname = output.hostname or said.hostname
            self.bare = said
            return True
        if said is not None:
            rest = f"   {said.command}"
            if not said.formats and layout.knows.match(rest):
                # A prompt that was printed into the output.
                self._take(output, number, rest)
                return True
            self._close(said.hostname)
            return False
        if layout_of(text) is not None:
            self._close()
            return False
        if output.wrapped:
            output.join(text)
            return True
        reading = read_clock(text)
        if reading is not None:
            # A loop of `date` and the command: the time of the next output.
            self.clock, self.clock_fresh = (number, reading), True
            return True
        return False

    def _take(self, output: _Output, number: int, text: str) -> None:
        entity = output.layout.entity.match(text)
        if entity is not None:
            key = " ".join(filter(None, entity.groups()))
            if key and key in output.keys:
                self._close()
                self._open(output.layout, number, text, "")
                return
            output.keys.add(key)
        output.append(number, text)

    def _outside(self, number: int, text: str, stamp: str, bare: Said | None) -> None:
        asked = self.said is not None and self.said.asks_time
        if asked or text.lstrip()[:3] in TIME_HEADS:
            reading = read_clock(text)
            if reading is not None:
                self._set_clock(number, reading, asked)
                return
        layout = self._expected(text) or layout_of(text)
        if layout is not None:
            self._open(layout, number, text, stamp)
            return
        said = read_prompt(text, number, stamp) or (bare and read_command(text, number, bare))
        if said is None:
            return
        self.hostname = said.hostname or self.hostname
        self.said, self.answered, self.clock_fresh = said, False, False
        self.waiting = _MAX_WAIT if said.formats or said.asks_time else 0
        if not said.command:
            # Some consoles print what is typed into the next line.
            self.bare, self.waiting = said, 1
        self.busy = self.waiting > 0

    def _expected(self, text: str) -> Layout | None:
        """The layout that the command leads to expect, where the line is one of its lines."""
        if self.said is None or not text:
            return None
        for each in self.said.formats:
            layout = LAYOUTS[each]
            if layout.header.match(text):
                return layout
        if len(self.said.formats) == 1:
            # Filtered outputs (`| include pkts`) have no header.
            layout = LAYOUTS[self.said.formats[0]]
            return layout if layout.knows.match(text) else None
        return None

    def _open(self, layout: Layout, number: int, text: str, stamp: str) -> None:
        said = self.said if self.said and layout.format in self.said.formats else None
        line = number if said is None or self.answered else said.line
        clock = self.clock
        if clock is not None and line - clock[0] > _MAX_CLOCK_DISTANCE:
            clock = None
        self.output = _Output(
            layout,
            said,
            self.hostname,
            line,
            clock,
            self.clock_fresh,
            (said.stamp if said and not self.answered else "") or stamp,
        )
        self.busy = self.answered = True
        self._take(self.output, number, text)

    def _close(self, hostname: str = "") -> None:
        """End the open output and read it."""
        output, self.output = self.output, None
        self.busy = self.waiting > 0
        if output is None or len(self.found) >= _MAX_SNAPSHOTS or not output.lines:
            return
        output.give_up_rest()
        entries = output.layout.read(output.lines, output.said.peer if output.said else "")
        if not entries and output.said is None:
            return
        reading = read_clock(output.stamp) if output.stamp else None
        at_line, exact = output.line, True
        if reading is None and output.clock is not None:
            (at_line, reading), exact = output.clock, output.clock_fresh
        self.found.append(
            Snapshot(
                format=output.layout.format,
                line=output.line,
                last_line=output.lines[-1].number,
                command=output.said.command if output.said else "",
                hostname=output.hostname or hostname,
                at_text=reading.text if reading else "",
                at_ns=reading.at_ns if reading else None,
                clock=reading.quality if reading else None,
                at_line=at_line if reading else None,
                at_exact=exact and reading is not None,
                entries=entries,
            )
        )

    def _set_clock(self, number: int, reading: Reading, asked: bool) -> None:
        self.clock, self.clock_fresh = (number, reading), True
        if not (asked and self.found):
            return
        last = self.found[-1]
        near = number - last.last_line <= _MAX_CLOCK_AFTER
        if near and not last.at_text and last.hostname in {"", self.hostname}:
            self.found[-1] = replace(
                last,
                at_text=reading.text,
                at_ns=reading.at_ns,
                clock=reading.quality,
                at_line=number,
            )
