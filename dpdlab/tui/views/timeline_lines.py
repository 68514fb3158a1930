"""The lines of the timeline: heading, axis, lanes, the window in all of the time, the readout."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from rich.text import Text

from analyzers.export import policy_words, sa_words
from analyzers.export.formatting import count, counted, duration, lasted, short_spi
from analyzers.export.spans import Window
from analyzers.export.story import class_named
from analyzers.export.untrusted import safe
from analyzers.model.peer import PeerView
from analyzers.model.sa import IkeSa
from dpdlab.present.axes import axis_name, axis_of
from dpdlab.present.cells import Cell, Row, RowKind
from dpdlab.present.events import Event
from dpdlab.present.expected import policy_of
from dpdlab.present.folding import Folding
from dpdlab.present.policy_match import foremost
from dpdlab.present.readout import Column, told
from dpdlab.present.scale import Scale
from dpdlab.present.timeline import Timeline
from dpdlab.tui.model import Model
from dpdlab.tui.painted import append_runs
from dpdlab.tui.palette import Palette
from dpdlab.tui.rows import CUT, cut
from dpdlab.tui.views.lanes import LABEL

_SAS_NAMED: Final = 2
_FIRST_TO_GO: Final = (RowKind.LOG, RowKind.EXPECTED, RowKind.SAS, RowKind.PHASES_OUT,
                       RowKind.PHASES_IN, RowKind.ESP_OUT, RowKind.ESP_IN)  # fmt: skip
"""Lanes that a low screen does without."""
NO_EVENT: Final = "no message, no question, no verdict"


class TimelineLines:
    """Paints drawings that share a scale."""

    def __init__(self, model: Model, palette: Palette, scale: Scale) -> None:
        self.model = model
        self.palette = palette
        self.scale = scale

    def heading(self, peer: PeerView, width: int, *, folding: bool) -> Text:
        """Who is shown, with which policy, and how much of the time."""
        line = Text().append(
            f"{safe(peer.local)} {self.model.signs.to} {safe(peer.remote)}", self.palette.strong
        )
        extent = Text(self._extent(folding), self.palette.faint)
        room = width - extent.cell_len - 2
        sas, policies = self._sas(peer), self._policy(peer)
        # The timers lose their basis first, then the SAs their names, and both what is left.
        told = [(said, policy) for said in sas for policy in policies[:2]]
        told += [(said, policy) for policy in policies[2:] for said in sas]
        left = room - line.cell_len
        for said in next((pair for pair in told if sum(map(len, pair)) <= left), ()):
            line.append(said, self.palette.faint)
        line = cut(line, max(room, 0))
        return line.append(" " * (width - line.cell_len - extent.cell_len)).append_text(extent)

    def _sas(self, peer: PeerView) -> list[str]:
        """The IKE SAs of the time that is drawn, in longer and shorter forms."""
        sas = [sa for sa in peer.ike_sas if self._is_drawn(sa)]
        if not sas:
            return [""]
        signs = self.model.signs
        spis = [short_spi(safe(sa.initiator_spi), signs) or signs.none for sa in sas]
        versions = "/".join(sorted({sa_words.version(sa) for sa in sas}))
        told = any(sa.initiator_spi for sa in sas)
        forms = [f"  {versions} {', '.join(spis)}"] if told and len(sas) <= _SAS_NAMED else []
        if len(sas) == 1 and not told:
            forms.append(f"  {versions}")
        if len(sas) > 1:
            forms.append(f"  {counted(len(sas), f'{versions} SA')}")
        return forms

    def _is_drawn(self, sa: IkeSa) -> bool:
        return sa.first_ns <= self.scale.end_ns and self._ends_ns(sa) >= self.scale.start_ns

    def _ends_ns(self, sa: IkeSa) -> int:
        """Until when anybody can say that it was there: to the end of the inputs that show it."""
        if sa.ended_ns is not None:
            return sa.ended_ns
        shown_by = {ref.source for ref in sa.refs}
        ends = (s.until_ns or s.last_ns for s in self.model.whole.sources if s.id in shown_by)
        return max([sa.last_ns, *(end_ns for end_ns in ends if end_ns is not None)])

    def _policy(self, peer: PeerView) -> list[str]:
        """The policy of who asks in longer and shorter forms; all is in the peers view, too."""
        holder = foremost(peer)
        policy = policy_of(peer, holder)
        if policy is None:
            return ["", "", ""]
        asks = "" if holder == peer.local else f"{self.model.signs.back} "
        summary = f"{asks}{policy_words.policy_summary(policy, self.model.signs)}"
        forms = (f"{summary} ({policy.basis.value})", summary, summary.partition(",")[0])
        return [*(f"  {form}" for form in forms), ""]

    def _extent(self, folding: bool) -> str:
        """How much of the time is drawn, and how much of that is folded."""
        span, scale = self.model.span, self.scale
        length = duration(min(scale.end_ns - scale.start_ns, span.end_ns - span.start_ns))
        # A window that reaches beyond the input shows all of it.
        whole = scale.start_ns <= span.start_ns and scale.end_ns >= span.end_ns
        told = f"all {length}" if whole else f"{length} of {duration(span.end_ns - span.start_ns)}"
        folded_ns = _folded_ns(scale, span)
        if folding:
            told += f", {duration(folded_ns)} folded" if folded_ns else ", nothing folded"
        elif folded_ns:
            told += f", {duration(folded_ns)} of it in no input"
        return told

    def axis(self, cursor: int | None) -> Text:
        """The times over the lanes, told as elsewhere."""
        times = self.model.times
        return self.line(axis_name(times), axis_of(times, self.scale, self.model.signs), cursor)

    def lanes(
        self,
        drawings: Sequence[tuple[PeerView, Timeline]],
        cursor: int | None,
        chosen: PeerView,
        room: int,
    ) -> list[Text]:
        """The lanes of a peer, or of several under their names; what has no room is named."""
        kept = {peer.id: list(drawn.rows) for peer, drawn in drawings}
        names = len(drawings) if len(drawings) > 1 else 0
        left = _without(list(kept.values()), room - names)
        # What is left out is told in a line of its own.
        blocks = {
            peer.id: [
                *([self._name(peer, chosen)] if names else []),
                *(self.line(row.label, row.cells, cursor) for row in kept[peer.id]),
            ]
            for peer, _ in drawings
        }
        fitting = self._fitting(blocks, chosen, room - bool(left)) if names else list(blocks)
        gone = len(blocks) - len(fitting)
        lines = [line for name in fitting for line in blocks[name]]
        if gone:
            left.insert(0, counted(gone, "more selected peer"))
        if left:
            said = Text(f"{CUT} no room for {', '.join(left)}", self.palette.faint)
            lines.append(cut(said, LABEL + self.scale.width))
        return lines

    def _fitting(
        self, blocks: Mapping[str, Sequence[Text]], chosen: PeerView, room: int
    ) -> list[str]:
        """The peers that have room; that of the cursor stays."""
        if sum(map(len, blocks.values())) <= room:
            return list(blocks)
        first = chosen.id
        kept, used = {first}, len(blocks[first]) + 1
        for name, lines in blocks.items():
            if name != first and used + len(lines) <= room:
                kept.add(name)
                used += len(lines)
        return [name for name in blocks if name in kept]

    def _name(self, peer: PeerView, chosen: PeerView) -> Text:
        named = Text(f"{safe(peer.local)} {self.model.signs.to} {safe(peer.remote)}")
        named.stylize(self.palette.strong if peer is chosen else self.palette.faint)
        return named

    def line(self, label: str, cells: tuple[Cell, ...], cursor: int | None) -> Text:
        """A lane under its name."""
        line = Text().append(label.ljust(LABEL)[:LABEL], self.palette.faint)
        append_runs(line, ((cell.glyph, self.palette.role(cell.role)) for cell in cells))
        for fold in self.scale.folds:
            line.stylize(self.palette.fold, LABEL + fold.first, LABEL + fold.first + fold.width)
        if cursor is not None and 0 <= cursor < len(cells):
            line.stylize(self.palette.cursor, LABEL + cursor, LABEL + cursor + 1)
        return line

    def minimap(self, peer: PeerView) -> Text:
        """Where the window is in all of the time, column by column as in the overview."""
        cells = self.scale.width
        everything = self.model.scale(self.model.span, cells)
        line = Text(" " * LABEL + self.model.signs.rule * cells, self.palette.faint)
        first, last = map(everything.nearest, (self.scale.start_ns, self.scale.end_ns))
        if (first, last) != (0, cells - 1):
            line.stylize(self.palette.selected, LABEL + first, LABEL + last + 1)
        for hole in peer.black_holes:
            place = everything.nearest(hole.stop_ns)
            line.stylize(self.palette.bad, LABEL + place, LABEL + place + 1)
        return line

    # --- the cursor ------------------------------------------------------------------------

    def readout(
        self,
        peer: PeerView,
        column: Column,
        event: Event | None,
        at_ns: int,
        width: int,
        esp_note: str = "",
    ) -> list[Text]:
        """The moment of the cursor, and all that its column stands for.

        `esp_note`: why ESP is not told more exactly.
        """
        states = f" {self.model.signs.to} ".join(column.states) or self._why_no_state(peer, at_ns)
        if event is None or event.at_ns != at_ns:
            event = column.foremost
        told_ns = at_ns if event is None else event.at_ns
        first = Text().append(f"{self.model.times.at(told_ns)}  ", self.palette.strong)
        first.append(states, self.palette.faint)
        if event is not None:
            first.append(f"  {safe(event.label)}", self.palette.severity(event.severity))
        elif column.before is not None:
            since = duration(at_ns - column.before.at_ns)
            first.append(f"  no event here, the one before was {since} earlier", self.palette.faint)
        else:
            first.append("  no event here, and none before", self.palette.faint)
        return [cut(first, width), cut(self._all_of(column, esp_note), width)]

    def _why_no_state(self, peer: PeerView, at_ns: int) -> str:
        """Beyond the inputs that show a peer it has none."""
        ended = peer.until_ns is not None and at_ns > peer.until_ns and self.model.now_ns is None
        return "the input has ended" if ended else ""

    def _all_of(self, column: Column, esp_note: str) -> Text:
        """Everything in a column, counted."""
        length = duration(column.span.end_ns - column.span.start_ns + 1)
        fold = ", folded" if column.folded else ""
        line = Text().append(f"column of {length}{fold}: ", self.palette.faint)
        parts = [Text(told(column.events))]
        if column.packets is not None:
            signs = self.model.signs
            out, back = map(count, column.packets)
            far = column.within_ns > column.span.end_ns - column.span.start_ns + 1
            within = f" in {duration(column.within_ns)}" if far else ""
            note = f" ({safe(esp_note)})" if esp_note else ""
            parts.append(Text(f"ESP {out} {signs.to} {back} {signs.back}{within}{note}"))
        for hole in column.holes:
            bounds = lasted([hole])
            said = f"black hole {bounds}: {class_named(hole)}"
            parts.append(Text(said, self.palette.bad))
        return line.append_text(Text(", ").join(parts))


def _without(drawings: Sequence[list[Row]], room: int) -> list[str]:
    """Take out what all drawings together can do without, until they have room; gives the names.

    The line that tells them has to have room, too.
    """
    gone: list[str] = []
    for kind in _FIRST_TO_GO:
        while sum(map(len, drawings)) + bool(gone) > room:
            # The same lanes of all of them: drawings below each other are compared.
            found = [row for rows in drawings for row in rows if row.kind is kind]
            if not found:
                break
            label = found[0].label
            for rows in drawings:
                rows[:] = [row for row in rows if row.kind is not kind or row.label != label]
            gone.append(label or "phases")
    return list(dict.fromkeys(gone))


def why_no_event(model: Model, peer: PeerView) -> str:
    """Why the list is empty, which may stand under lanes that are not."""
    if model.filter is not None:
        return f"{NO_EVENT} matches the filter; states and ESP are those of the whole peer"
    if model.range_ns is not None:
        return f"{NO_EVENT} of this peer in the stretch of time: {model.range_left}"
    return f"{NO_EVENT} of this peer: only ESP" if peer.activity else NO_EVENT


def _folded_ns(scale: Scale, span: Window) -> int:
    """How much of the time of the inputs is folded: a window may reach beyond them."""
    inside = (
        min(fold.end_ns, span.end_ns) - max(fold.start_ns, span.start_ns) for fold in scale.folds
    )
    return sum(max(ns, 0) for ns in inside)


def folded_words(folding: Folding | None, span: Window) -> str:
    """What became of the silence; None: nobody wants it folded. `span`: the time of the inputs."""
    if folding is None:
        return "time is to scale"
    folds = folding.scale.folds
    if folds:
        length = duration(_folded_ns(folding.scale, span))
        number = counted(len(folds), "stretch", "stretches")
        return f"{number} without an event folded: {length}"
    if folding.even:
        return "nothing to fold: it would bring no two events farther apart"
    longest = duration(folding.longest_ns)
    return f"nothing to fold: the longest time without an event, {longest}, takes little room"
