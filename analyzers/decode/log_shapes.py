"""What is known of lines that were read before: lines that differ in digits only are read alike.

A line is looked at by some dozens of regexes once; of its likes only numbers are taken. What is
found is what the regexes would find (`dialects.digits` tells how that is known).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from enum import Enum, auto
from operator import itemgetter
from typing import Any, Final

from analyzers.decode.assembly.lines import LogLine
from analyzers.dialects.dialect import Outline, Reader
from analyzers.dialects.digits import named_digits, zeroed
from analyzers.dialects.likeness import Alike, Likeness
from analyzers.dialects.logical_lines import LineJoiner, LineKind, Look, Match, stamp_at_start
from analyzers.dialects.stamps import Stamp, StampKind, form_of, read_stamp
from analyzers.model.log_events import LogEvent

# So many kinds of lines and texts are remembered, of at most such a length; then it begins anew.
_MAX_SHAPES: Final = 1 << 14
_MAX_VARIANTS: Final = 256
_MAX_LENGTH: Final = 1000
_MAX_SECONDS: Final = 4096


Taker = Callable[[LogLine], Iterable[LogEvent]]


class Reads(Enum):
    """Whether a text is read."""

    MATCHED = auto()
    IGNORED = auto()
    UNPARSED = auto()


class TextShape:
    """How all texts that are alike are read."""

    __slots__ = ("dialect", "host", "ignored", "name", "outline", "pattern", "reads", "spans",
                 "take", "takes")  # fmt: skip

    def __init__(self, outline: Outline, *, takes: bool) -> None:
        """`takes`: what puts together the lines of the dialect wants to see such a text."""
        self.outline = outline
        self.dialect, self.pattern, self.ignored, self.spans = outline
        self.takes = takes
        self.take: Taker | None = None
        """What takes such a line, where that is the same for all."""
        self.name = outline.dialect.name
        self.host = next(((a, b) for name, a, b in outline.spans if name == "host"), None)
        if outline.pattern is not None:
            self.reads = Reads.MATCHED
        else:
            self.reads = Reads.IGNORED if outline.ignored else Reads.UNPARSED


class StampShape:
    """Where the parts of a stamp stand in all lines that are alike."""

    __slots__ = ("_end", "_fraction", "_scale", "_seconds", "_start", "_stop", "kind",
                 "resolution_ns", "unsynchronised", "zone")  # fmt: skip

    def __init__(self, match: Match, stamp: Stamp, seconds: dict[str, int | None]) -> None:
        """`stamp` is that of one of the lines; `seconds` remembers stamps without fractions."""
        self.kind: StampKind = stamp.kind
        self.resolution_ns = stamp.resolution_ns
        self.zone, self.unsynchronised = stamp.zone, stamp.unsynchronised
        self._seconds = seconds
        prefix = form_of(match)
        self._start, self._stop = match.span(prefix)
        self._end = self._fraction = self._stop
        self._scale = 0
        if prefix == "K":
            self._start = -1  # what counts stands further on in the line
        elif prefix != "U" and match[prefix.lower() + "f"]:
            self._end, self._fraction = match.span(prefix.lower() + "f")
            self._scale = int(10 ** (9 - (self._fraction - self._end)))

    def ns(self, line: str) -> int | None:
        """The stamp of `line` as `Stamp.ns`; None if it is an impossible time."""
        if self._start < 0:
            return _read_ns(line)
        text = line[self._start : self._end] + line[self._fraction : self._stop]
        seconds = self._seconds
        if text in seconds:
            base = seconds[text]
        else:
            base = _read_ns(line)
            if base is not None and self._scale:
                base -= int(line[self._end : self._fraction]) * self._scale
            if len(seconds) >= _MAX_SECONDS:
                seconds.clear()
            seconds[text] = base
        if base is None or not self._scale:
            return base
        return base + int(line[self._end : self._fraction]) * self._scale


def _read_ns(line: str) -> int | None:
    match = stamp_at_start(line)[0]
    stamp = None if match is None else read_stamp(match)
    return None if stamp is None else stamp.ns


# What all stamps of one form share: kind, resolution, whether with zone, unsynchronised.
StampForm = tuple[StampKind, int, bool, bool]


@dataclass(slots=True)
class Count:
    """How many lines there were of what counts as one."""

    dialect: str
    reads: Reads
    stamp: StampForm | None
    lines: int = 0


class LineShape:
    """What all physical lines are that are alike."""

    __slots__ = ("begins", "count", "host", "kind", "passes", "stamp", "text", "text_at")

    def __init__(self, kind: LineKind) -> None:
        self.kind = kind
        self.begins = kind is LineKind.STAMPED or kind is LineKind.TAGGED
        self.stamp: StampShape | None = None
        self.text_at = 0
        self.host: tuple[int, int] | None = None
        """Where a relay's name for the device stands."""
        self.text: TextShape | None = None
        """How the text behind the stamp is read, if no other line belongs to it."""
        self.count: Count | None = None
        self.passes = True
        """Nothing is to be done with such a line but to count it."""


class Shapes:
    """All that is known of the lines of one log."""

    def __init__(
        self,
        joiner: LineJoiner,
        reader: Reader,
        likeness: Likeness,
        takes: Callable[[Outline], bool],
    ) -> None:
        """`takes` says whether a text of that outline is wanted."""
        self.lines: dict[bytes, LineShape] = {}
        """By `zeroed` line."""
        self.counts: dict[tuple[str, Reads, StampForm | None], Count] = {}
        self._joiner, self._reader, self._takes = joiner, reader, takes
        self._likeness = likeness
        self._variants: dict[bytes, tuple[Callable[[str], Any], dict[Any, LineShape]]] = {}
        self._texts: dict[bytes, TextShape | None] = {}
        self._seconds: dict[str, int | None] = {}

    def learn(self, line: str, key: bytes) -> LineShape:
        """The shape of a line of which `lines` does not know it; `key` is the zeroed line."""
        variants = self._variants.get(key)
        if variants is not None:
            pick, known = variants
            shape = known.get(pick(line))
            if shape is not None:
                return shape
        if len(key) != len(line) or len(key) > _MAX_LENGTH:
            return self._shape(line, self._joiner.look(line))[0]
        shape, alike = self._shape(line, self._joiner.look(line))
        if alike is Alike.NOT:
            return shape
        places = named_digits(line, shape.text_at) if alike is Alike.NAMED else ()
        if not places:
            if len(self.lines) >= _MAX_SHAPES:
                self.lines.clear()
            self.lines[key] = shape
            return shape
        if variants is None:
            if len(self._variants) >= _MAX_SHAPES:
                self._variants.clear()
            variants = self._variants[key] = (itemgetter(*places), {})
        pick, known = variants
        if len(known) >= _MAX_VARIANTS:
            known.clear()
        known[pick(line)] = shape
        return shape

    def _shape(self, line: str, look: Look) -> tuple[LineShape, Alike]:
        shape = LineShape(look.kind)
        likeness = self._likeness
        if look.stamp is None:
            # What a line without a stamp is depends on whether it has a tag.
            alike = likeness.of_tag(line)
            if look.kind is LineKind.ODD and alike is not Alike.ZEROED:
                alike = Alike.NOT
            if look.kind is not LineKind.TAGGED:
                return shape, alike
            stamp = None
        else:
            alike = Alike.ZEROED
            stamp = read_stamp(look.stamp)
            shape.text_at, shape.host = look.text_at, look.host
            if stamp is None:
                # The line begins anew, but at no known time.
                alike = Alike.NOT
            else:
                shape.stamp = StampShape(look.stamp, stamp, self._seconds)
        found, more = self._text(line[look.text_at :])
        if found is not None:
            shape.text = found
            shape.count = self.count(found, stamp)
            shape.passes = not found.takes and found.reads is not Reads.UNPARSED
        return shape, max(alike, more)

    def _text(self, text: str) -> tuple[TextShape | None, Alike]:
        tag = self._reader.tag.match(text)
        if tag is None or (tag.end() > text.find("\n") >= 0 and not self._is_tagged(text)):
            return None, self._likeness.of_tag(text)
        outline = self._reader.outline(text, tag)
        alike = max(self._likeness.of_tag(text), self._likeness.of_text(text, tag.end(), outline))
        return TextShape(outline, takes=self._takes(outline)), alike

    def _is_tagged(self, text: str) -> bool:
        """Whether the first of several lines has a tag by itself."""
        return self._reader.tag.match(text.partition("\n")[0]) is not None

    def text(self, text: str) -> TextShape | None:
        """How a text is read that was put together from several lines."""
        if len(text) > _MAX_LENGTH or not text.isascii():
            return self._text(text)[0]
        key = zeroed(text)
        if key in self._texts:
            return self._texts[key]
        shape, alike = self._text(text)
        if alike is Alike.ZEROED:
            if len(self._texts) >= _MAX_SHAPES:
                self._texts.clear()
            self._texts[key] = shape
        return shape

    def count(self, text: TextShape, stamp: StampShape | Stamp | None) -> Count:
        """Where lines of a text with such a stamp are counted."""
        form = None
        if stamp is not None:
            form = (stamp.kind, stamp.resolution_ns, stamp.zone, stamp.unsynchronised)
        key = (text.name, text.reads, form)
        if key not in self.counts:
            self.counts[key] = Count(text.name, text.reads, form)
        return self.counts[key]
