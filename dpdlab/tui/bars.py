"""The lines around a view: what is open, the whole time at a glance, hints and the state."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import ClassVar, Final

from rich.style import Style
from rich.text import Text
from textual import events
from textual.geometry import clamp
from textual.message import Message

from analyzers.export.formatting import Severity, byte_count, count, counted
from analyzers.export.spans import steadied
from analyzers.export.unlisted import NOT_SHOWN
from analyzers.export.untrusted import safe
from analyzers.model.time import ORDER_LIMIT_NS
from analyzers.session import Progress
from analyzers.session.live_health import SourceHealth
from analyzers.sources.feed import SourceState
from dpdlab.present.axes import axis_name, axis_of
from dpdlab.present.scale import Scale
from dpdlab.tui.model import Model
from dpdlab.tui.painted import Painted, append_runs
from dpdlab.tui.palette import Palette
from dpdlab.tui.rows import cut, plain
from dpdlab.tui.views.lanes import LABEL


class Line(Painted):
    """One line of text."""

    DEFAULT_CSS: ClassVar[str] = "Line { height: 1; width: 1fr; }"

    def __init__(self, id: str) -> None:
        super().__init__(id=id)
        self.ascii_only = False

    def say(self, text: Text) -> None:
        """Show a text; what does not fit is cut, and the cut marked."""
        self.paint([text])

    def line_for(self, text: Text, width: int) -> Text:
        """The text, as wide as the line."""
        return plain(cut(text, width), self.ascii_only)


def footer_of(
    model: Model, palette: Palette, hints: Mapping[str, str], progress: Progress | None, width: int
) -> Text:
    """Keys that help here, and on the right filter, times and progress.

    `hints`: what is called how, by the ids of actions.
    """
    state: list[Text] = []
    if progress is not None and not model.done:
        state.append(Text(progress_text(progress), palette.note))
    if model.live is not None:
        state.append(health_of(model.live.sources, palette))
    inputs = model.key("inputs")
    if model.unread:
        state.append(Text(f"{counted(model.unread, 'input')} not read ({inputs})", palette.bad))
    if model.damaged:
        state.append(Text(f"damaged input ({inputs})", palette.warn))
    if model.unused:
        state.append(Text(f"given and not used: {model.unused} ({inputs})", palette.warn))
    if model.clock_by_hand:
        doubt = ", contradicted" if model.clock_doubts else ""
        state.append(Text(f"clock by hand{doubt}", palette.warn))
    if model.filter is not None:
        state.append(Text(f"filter {safe(model.filter.text)}", palette.warn))
    if model.range_ns is not None:
        state.append(Text(_range_text(model), palette.warn))
    state.append(Text(model.times.counts, palette.faint))
    right = Text(" · ", palette.faint).join(state)
    keys = [_hint(model, name, hints[name]) for name in sorted(hints, key="help".__eq__)]
    left = _fitting(keys, width - min(right.cell_len, width // 2) - 1, model.signs.more)
    room = width - left.cell_len - right.cell_len - 1
    if room < 1:
        right = cut(right, max(width - left.cell_len - 2, 0))
        room = 1
    return left + Text(" " * room) + right


def _range_text(model: Model) -> str:
    """The stretch of time that was chosen, and the key that leaves it."""
    lasts = model.range_lasts
    said = f"nothing in these {lasts}" if model.silent_range else f"only {lasts}"
    return f"{said}, {model.range_left}"


def _hint(model: Model, name: str, called: str) -> Text:
    """A key and what it does; a click does it too."""
    key = model.key(name)
    told = Text.assemble(" ", (key, Style(bold=True)), f" {called}")
    told.stylize(Style.from_meta({"@click": f"app.act('{name}')"}), 1)
    return told


def _fitting(hints: Sequence[Text], room: int, more: str) -> Text:
    """Hints as many as fit; the last one, which leads to all others, stays."""
    if sum(hint.cell_len for hint in hints) <= room:
        return Text().join(hints)
    left = Text()
    for hint in hints[:-1]:
        if left.cell_len + hint.cell_len + len(more) + 1 + hints[-1].cell_len > room:
            break
        left.append_text(hint)
    return left.append(f" {more}").append_text(hints[-1])


def health_of(sources: Sequence[SourceHealth], palette: Palette) -> Text:
    """How the sources of a live session are: "eth0 1,234/s", and what is wrong."""
    told: list[Text] = []
    for source in sources:
        name = safe(source.name.rpartition("/")[2] or source.name)
        if source.state is SourceState.OPEN:
            text = Text().append(f"{name} {source.per_second:,.0f}/s", palette.good)
        else:
            text = Text().append(f"{name} {source.state.value}", palette.bad)
        if source.dropped:
            text.append(f" {count(source.dropped)} dropped", palette.bad)
        told.append(text)
    return Text(", ").join(told)


def progress_text(progress: Progress) -> str:
    """How far the reading is."""
    told = f"{count(progress.packets)} packets, {count(progress.ike_messages)} IKE"
    if progress.waits:
        # A pipe: what came may be less than a packet yet.
        source = safe(progress.path.rpartition("/")[2] or progress.path)
        return f"waiting for {source} · {byte_count(progress.read_bytes)} · {told}"
    if progress.total_bytes:
        share = clamp(progress.read_bytes / progress.total_bytes, 0, 1)
        filled = int(share * 10)
        return f"reading {'█' * filled}{'░' * (10 - filled)} {share:.0%} · {told}"
    return f"reading · {told}"


_ROWS: Final = 3


class Overview(Painted):
    """The whole time on a few lines: traffic, what went wrong, black holes, the chosen range.

    Its columns are those of the timeline when that shows all of the time.
    """

    DEFAULT_CSS: ClassVar[str] = "Overview { height: 3; width: 1fr; }"

    class Ranged(Message):
        """A range was chosen with the mouse; None is all of it."""

        def __init__(self, range_ns: tuple[int, int] | None) -> None:
            super().__init__()
            self.range_ns = range_ns

    def __init__(self, model: Model, palette: Palette) -> None:
        super().__init__(id="overview")
        self.model = model
        self.palette = palette
        self._drag_from: int | None = None
        self._bar: tuple[object, list[Text]] | None = None

    def set_palette(self, palette: Palette) -> None:
        """Other colours."""
        self.palette = palette
        self._bar = None
        self.show()

    def on_resize(self, _: events.Resize) -> None:
        """Another width is another bar."""
        self.show()

    @property
    def _scale(self) -> Scale:
        """The time that the lines stand for, on their columns."""
        return self.model.scale(self.model.span, self.size.width - LABEL)

    def show(self) -> None:
        """Paint what changed: with the content or the width all, else the axis with its marks."""
        scale = self._scale
        untimed = scale.start_ns < ORDER_LIMIT_NS
        # While things are read times may still come.
        self.styles.height = 1 if untimed and self.model.done else _ROWS
        if untimed:
            few = "hardly any" if self.model.times.not_before_ns else "no"
            said = f"{few} times in these inputs" if self.model.done else "no times so far"
            self.paint([Text(said, self.palette.faint)])
            return
        key = (self.model.revision, scale)
        if self._bar is None or self._bar[0] != key:
            self._bar = (key, [self._traffic(scale), self._events(scale)])
        self.paint([*self._bar[1], self._axis(scale)])

    def _label(self, name: str) -> Text:
        """What a line is about: all peers, or those that the filter leaves."""
        if self.model.filter is None:
            return Text().append(name.ljust(LABEL), self.palette.faint)
        return Text().append(f"{name} shown".ljust(LABEL), self.palette.warn)

    def _traffic(self, scale: Scale) -> Text:
        """ESP of the peers, both ways."""
        line = self._label("esp")
        digest = self.model.digest
        if not any(digest.packets_out) and not any(digest.packets_back):
            return line.append("none", self.palette.faint)
        density = self.model.signs.density
        both = map(steadied, digest.packets_per_cell(scale))
        steady = [out + back for out, back in zip(*both, strict=True)]
        top = max(steady, default=0.0) or 1.0
        levels = [min(int(rate / top * len(density)), len(density) - 1) for rate in steady]
        drawn = [density[n] if rate > 0 else " " for n, rate in zip(levels, steady, strict=True)]
        return line.append("".join(drawn), self.palette.esp)

    def _events(self, scale: Scale) -> Text:
        """Black holes, verdicts and retries of the peers; the worst of a cell shows."""
        signs, digest = self.model.signs, self.model.digest
        cells, cell = scale.width, scale.nearest
        marks: list[tuple[str, Severity]] = [(" ", Severity.MUTE)] * cells
        drawn = {
            (cell(s.begin_ns), cell(s.stop_ns), cells if s.asked_ns is None else cell(s.asked_ns))
            for s in digest.silences
        }
        for begin, stop, asked in sorted(drawn):
            for place in range(begin, stop + 1):
                if place >= asked:
                    marks[place] = (signs.certain, Severity.BAD)
                elif marks[place][1] < Severity.BAD:
                    marks[place] = (signs.possible, Severity.WARN)
        for place in {cell(at_ns) for at_ns in digest.repeats_ns}:
            if marks[place][1] is Severity.MUTE:
                marks[place] = (signs.retry, Severity.WARN)
        for place in {cell(at_ns) for at_ns in digest.given_up_ns}:
            marks[place] = (signs.dead, Severity.BAD)
        line = self._label("trouble")
        if not digest.peers:
            return line.append("no peer", self.palette.faint)
        if not drawn and not digest.given_up_ns and not digest.repeats_ns:
            whole = self.model.whole_digest
            hidden = whole.silences or whole.given_up_ns or whole.repeats_ns
            nothing = "none: no black hole, nobody given up, no question repeated"
            said = f"{NOT_SHOWN} by the filter" if hidden else nothing
            return line.append(said, self.palette.faint)
        return append_runs(line, ((sign, self.palette.severity(shade)) for sign, shade in marks))

    def _axis(self, scale: Scale) -> Text:
        times = self.model.times
        line = Text().append(axis_name(times).ljust(LABEL), self.palette.faint)
        cells = axis_of(times, scale, self.model.signs)
        axis = append_runs(Text(), ((cell.glyph, self.palette.role(cell.role)) for cell in cells))
        chosen = self.model.range_ns
        if chosen is not None:
            first, last = map(scale.nearest, chosen)
            axis.stylize(Style(reverse=True), first, last + 1)
        elif self.model.window is not None and self.model.window != self.model.span:
            # What the view below shows of it.
            first, last = map(scale.nearest, self.model.window)
            axis.stylize(self.palette.selected, first, last + 1)
        if self.model.at_ns is not None and scale.holds(self.model.at_ns):
            place = scale.at(self.model.at_ns)
            axis.stylize(self.palette.cursor, place, place + 1)
        return line.append_text(axis)

    # --- mouse -----------------------------------------------------------------------------

    def _time_at(self, x: int) -> int:
        scale = self._scale
        return scale.time_at(clamp(x - LABEL, 0, scale.width))

    def on_mouse_down(self, event: events.MouseDown) -> None:
        """A drag begins."""
        self._drag_from = event.get_content_offset_capture(self).x
        self.capture_mouse()

    def on_mouse_up(self, event: events.MouseUp) -> None:
        """A drag ends: its stretch is the range; a click without one takes the range away."""
        self.release_mouse()
        begun, self._drag_from = self._drag_from, None
        if begun is None:
            return
        first, last = sorted((begun, event.get_content_offset_capture(self).x))
        if last - first < 1:
            self.post_message(self.Ranged(None))
        else:
            self.post_message(self.Ranged((self._time_at(first), self._time_at(last + 1))))
