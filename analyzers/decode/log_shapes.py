"""What is known of lines that were read before: lines that differ in digits only are read alike.

A line is looked at by some dozens of regexes once; of its likes only numbers are taken. What is
found is what the regexes would find (`dialects.digits` tells how that is known).
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable
from enum import Enum, auto
from operator import itemgetter
from typing import Any, Final, Generic, TypeVar

from msgspec import Struct, field

from analyzers.decode.assembly.lines import Form, LogLine
from analyzers.dialects.dialect import Outline, Reader
from analyzers.dialects.digits import named_digits, zeroed
from analyzers.dialects.likeness import Alike, Likeness
from analyzers.dialects.logical_lines import LineJoiner, LineKind, Look, Match, stamp_at_start
from analyzers.dialects.stamps import Stamp, StampKind, form_of, read_stamp
from analyzers.model.log_events import LogEvent
from analyzers.model.time import NS_PER_SECOND

# So many kinds of lines and texts are remembered, of at most such a length; then it begins anew.
_MAX_SHAPES: Final = 1 << 14
_MAX_VARIANTS: Final = 256
_MAX_LENGTH: Final = 1000
_MAX_BEGUN: Final = 1 << 12
_LEAP_SECOND: Final = 60


Known = TypeVar("Known")
Taker = Callable[[LogLine], Iterable[LogEvent]]


class Reads(Enum):
    """Whether a text is read."""

    MATCHED = auto()
    IGNORED = auto()
    UNPARSED = auto()


class TextShape:
    """How all texts that are alike are read."""

    __slots__ = ("counts", "form", "host", "name", "reads", "take", "takes", "unparsed")

    def __init__(self, outline: Outline, *, takes: bool) -> None:
        """`takes`: what puts together the lines of the dialect wants to see such a text."""
        self.form = Form(outline)
        self.counts: dict[StampShape | None, Count] = {}
        self.takes = takes
        self.take: Taker | None = None
        """What takes such a line, where that is the same for all."""
        self.name = outline.dialect.name
        self.host = self.form.spans.get("host")
        if outline.pattern is not None:
            self.reads = Reads.MATCHED
        else:
            self.reads = Reads.IGNORED if outline.ignored else Reads.UNPARSED
        self.unparsed = self.reads is Reads.UNPARSED


class Begun(Struct):
    """When the minutes and seconds of stamps begin, by their text; the same for a whole log."""

    minutes: dict[str, int] = field(default_factory=dict)
    seconds: dict[str, int] = field(default_factory=dict)


class StampShape:
    """Where the parts of a stamp stand in all lines that are alike."""

    __slots__ = ("_begun", "_fraction", "_minute", "_scale", "_second", "_tail", "_whole", "kind",
                 "place", "resolution_ns", "unknown_zone", "unsynchronised", "zone")  # fmt: skip

    def __init__(self, match: Match, stamp: Stamp, begun: Begun) -> None:
        """`stamp` is that of one of the lines."""
        self.kind: StampKind = stamp.kind
        self.resolution_ns = stamp.resolution_ns
        self.zone, self.unsynchronised = stamp.zone, stamp.unsynchronised
        self.unknown_zone = stamp.unknown_zone
        self._begun = begun
        prefix = form_of(match)
        start, stop = match.span(prefix)
        if prefix == "K":
            stop = len(match.string)  # what counts stands further on in the line
        self.place = slice(start, stop)
        """Lines that have the same there are of the same time."""
        self._second: slice | None = None
        """None: the stamp has to be read as a whole."""
        self._minute = self._whole = self.place
        self._tail: slice | None = None
        """None: nothing follows that belongs to the time."""
        self._fraction, self._scale = slice(stop, stop), 0
        if prefix in "KU":
            return
        first, last = match.span(prefix.lower() + "s")
        self._minute, self._second = slice(start, first), slice(first, last)
        self._whole = slice(start, last)
        if match[prefix.lower() + "f"]:
            first, last = match.span(prefix.lower() + "f")
            self._fraction, self._scale = slice(first, last), int(10 ** (9 - (last - first)))
        self._tail = slice(last, stop) if last < stop else None

    def ns(self, line: str) -> int | None:
        """The stamp of `line` as `Stamp.ns`; None if it is an impossible time."""
        if self._second is None:
            return _read_ns(line)
        second = line[self._whole]
        if self._tail is not None:
            second += line[self._tail]
        seconds = self._begun.seconds
        begin_ns = seconds.get(second)
        if begin_ns is None:
            begin_ns = self._begin_ns(line, int(line[self._second]))
            if begin_ns is None:
                return None
            if len(seconds) >= _MAX_BEGUN:
                seconds.clear()
            seconds[second] = begin_ns
        return begin_ns + int(line[self._fraction]) * self._scale if self._scale else begin_ns

    def _begin_ns(self, line: str, second: int) -> int | None:
        """When the second of a stamp begins, by the minute; None if it is an impossible time."""
        if second > _LEAP_SECOND:
            return None
        minutes, after_ns = self._begun.minutes, second * NS_PER_SECOND
        minute = line[self._minute]
        if self._tail is not None:
            minute += line[self._tail]
        begin_ns = minutes.get(minute)
        if begin_ns is None:
            whole_ns = _read_ns(line)
            if whole_ns is None:
                return None
            if len(minutes) >= _MAX_BEGUN:
                minutes.clear()
            if self._scale:
                whole_ns -= int(line[self._fraction]) * self._scale
            begin_ns = minutes[minute] = whole_ns - after_ns
        return begin_ns + after_ns


def _read_ns(line: str) -> int | None:
    match = stamp_at_start(line)[0]
    stamp = None if match is None else read_stamp(match)
    return None if stamp is None else stamp.ns


# What all stamps of one form share: kind, resolution, whether with zone, unsynchronised.
StampForm = tuple[StampKind, int, bool, bool]


class Count(Struct):
    """How many lines there were of what counts as one."""

    dialect: str
    reads: Reads
    taken: bool
    stamp: StampForm | None
    """Of lines that are taken."""
    lines: int = 0


class LineShape:
    """What all physical lines are that are alike."""

    __slots__ = ("begins", "count", "goes_on", "host", "kind", "passes", "stamp", "text", "text_at")

    def __init__(self, kind: LineKind) -> None:
        self.kind = kind
        self.begins = kind is LineKind.STAMPED or kind is LineKind.TAGGED
        self.goes_on = kind is LineKind.PLAIN
        self.stamp: StampShape | None = None
        self.text_at = 0
        self.host: tuple[int, int] | None = None
        """Where a relay's name for the device stands."""
        self.text: TextShape | None = None
        """How the text behind the stamp is read, if no other line belongs to it."""
        self.count: Count | None = None
        self.passes = True
        """Nothing is to be done with such a line but to count it."""


class _Memory(Generic[Known]):
    """What is known of texts, by what they must share to be alike."""

    def __init__(self) -> None:
        self.zeroed: dict[bytes, Known] = {}
        """By all but the digits."""
        self._named: dict[bytes, tuple[Callable[[str], Any], dict[Any, Known]]] = {}
        """The same, and by the digits of names."""

    def find(self, key: bytes, text: str) -> Known | None:
        """What is known of a text; `key` is the zeroed text."""
        named = self._named.get(key)
        return self.zeroed.get(key) if named is None else named[1].get(named[0](text))

    def keep(self, key: bytes, text: str, start: int, alike: Alike, known: Known) -> None:
        """Remember what is known; names are looked for from `start` on."""
        if alike is Alike.NOT or len(key) != len(text) or len(key) > _MAX_LENGTH:
            return
        places = named_digits(text, start) if alike is Alike.NAMED else ()
        if not places:
            if len(self.zeroed) >= _MAX_SHAPES:
                self.zeroed.clear()
            self.zeroed[key] = known
            return
        if key not in self._named:
            if len(self._named) >= _MAX_SHAPES:
                self._named.clear()
            self._named[key] = (itemgetter(*places), {})
        pick, variants = self._named[key]
        if len(variants) >= _MAX_VARIANTS:
            variants.clear()
        variants[pick(text)] = known


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
        self.counts: dict[tuple[str, Reads, bool, StampForm | None], Count] = {}
        self._joiner, self._reader, self._takes = joiner, reader, takes
        self._likeness = likeness
        self._lines: _Memory[LineShape] = _Memory()
        self._texts: _Memory[tuple[TextShape | None]] = _Memory()
        self._outlines: dict[Hashable, TextShape] = {}
        self._begun = Begun()
        self._stamps: dict[bytes, StampShape] = {}
        """By all before the text but the digits."""
        self.known = self._lines.zeroed.get
        """The shape of a zeroed line, if that is enough."""

    def learn(self, line: str, key: bytes) -> LineShape:
        """The shape of a line that is not `known`; `key` is the zeroed line."""
        shape = self._lines.find(key, line)
        if shape is None:
            shape, alike = self._shape(line, key, self._joiner.look(line))
            self._lines.keep(key, line, shape.text_at, alike, shape)
        return shape

    def _shape(self, line: str, key: bytes, look: Look) -> tuple[LineShape, Alike]:
        shape = LineShape(look.kind)
        if look.stamp is None and look.kind is not LineKind.TAGGED:
            # What it is depends on its having no tag, where a prompt stands too.
            alike = self._likeness.of_tag(line)
            odd = look.kind is LineKind.ODD and alike is not Alike.ZEROED
            return shape, Alike.NOT if odd else alike
        shape.text_at, shape.host = look.text_at, look.host
        found, alike = self._text(line[look.text_at :])
        if found is None:
            return shape, alike
        if look.stamp is not None:
            shape.stamp = self._stamp(look.stamp, key[: look.text_at])
            if shape.stamp is None:
                # The line begins anew, but at no known time.
                alike = Alike.NOT
        shape.text = found
        shape.count = self.count(found, shape.stamp)
        shape.passes = not found.takes and not found.unparsed
        return shape, alike

    def _stamp(self, match: Match, begin: bytes) -> StampShape | None:
        """The stamp of lines that begin so; None for an impossible time."""
        shape = self._stamps.get(begin)
        if shape is None and (stamp := read_stamp(match)) is not None:
            shape = StampShape(match, stamp, self._begun)
            # Of "K" some stands further on in the line.
            if form_of(match) != "K" and len(self._stamps) < _MAX_SHAPES:
                self._stamps[begin] = shape
        return shape

    def _text(self, text: str) -> tuple[TextShape | None, Alike]:
        tag = self._reader.tag.match(text)
        if tag is None or (tag.end() > text.find("\n") >= 0 and not self._is_tagged(text)):
            return None, self._likeness.of_tag(text)
        outline = self._reader.outline(text, tag)
        alike = max(self._likeness.of_tag(text), self._likeness.of_text(text, tag.end(), outline))
        return self._outlined(outline), alike

    def _outlined(self, outline: Outline) -> TextShape:
        """How texts of that outline are read: all that differ in the letters of hexadecimal
        numbers alone have one."""
        pattern = None if outline.pattern is None else outline.pattern.id
        key = (outline.dialect.name, pattern, outline.ignored, outline.spans)
        shape = self._outlines.get(key)
        if shape is None:
            if len(self._outlines) >= _MAX_SHAPES:
                self._outlines.clear()
            shape = self._outlines[key] = TextShape(outline, takes=self._takes(outline))
        return shape

    def _is_tagged(self, text: str) -> bool:
        """Whether the first of several lines has a tag by itself."""
        return self._reader.tag.match(text.partition("\n")[0]) is not None

    def text(self, text: str) -> TextShape | None:
        """How a text is read that was put together from several lines."""
        key = zeroed(text)
        known = self._texts.find(key, text)
        if known is None:
            shape, alike = self._text(text)
            known = (shape,)
            self._texts.keep(key, text, 0, alike, known)
        return known[0]

    def count(self, text: TextShape, stamp: StampShape | Stamp | None) -> Count:
        """Where lines of a text with such a stamp are counted."""
        if not isinstance(stamp, Stamp) and stamp in text.counts:
            return text.counts[stamp]
        form = None
        if stamp is not None and text.takes:
            form = (stamp.kind, stamp.resolution_ns, stamp.zone, stamp.unsynchronised)
        key = (text.name, text.reads, text.takes, form)
        if key not in self.counts:
            self.counts[key] = Count(*key)
        if not isinstance(stamp, Stamp):
            if len(text.counts) >= _MAX_VARIANTS:
                text.counts.clear()
            text.counts[stamp] = self.counts[key]
        return self.counts[key]
