"""A peer's time drawn for the console: lanes, expected questions, log marks.

The lanes are those of the text report; this module adds what only a screen can show, and draws no
more of a peer than can be seen.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import Final

from msgspec import Struct
from msgspec.structs import replace

from analyzers.export.formatting import Glyphs, duration
from analyzers.export.lost import never_reached
from analyzers.export.no_esp import without_esp
from analyzers.export.spans import Window
from analyzers.model.exchange import Exchange
from analyzers.model.peer import HintKind, PeerView
from analyzers.model.policy import PolicyBasis
from analyzers.model.records import Basis
from analyzers.model.time import NS_PER_SECOND
from dpdlab.present.cells import BLANK, Cell, Role, Row, RowKind
from dpdlab.present.esp import EspTimes
from dpdlab.present.expected import expected_ns, policy_of
from dpdlab.present.folding import Moments, moments_of, starts_and_stops
from dpdlab.present.lane import folded, rows_of
from dpdlab.present.scale import Scale

_DENSE: Final = 4
"""More exchanges or marks than so many times the cells are looked up by cell."""
_LABELS: Final = {
    RowKind.STATE: "state",
    RowKind.PHASES_OUT: "",
    RowKind.PHASES_IN: "",
}


class Timeline(Struct, frozen=True):
    """The drawing of one peer."""

    scale: Scale
    rows: tuple[Row, ...]


class PeerTimes:
    """What drawings of one peer look up again and again; made once for a view of it."""

    def __init__(self, peer: PeerView, unseen: Sequence[Window] = ()) -> None:
        """`unseen`: the stretches of time that no input shows."""
        self.peer = peer
        self._kinds: dict[object, list[Exchange]] = defaultdict(list)
        for exchange in peer.exchanges:
            self._kinds[_looks_like(exchange)].append(exchange)
        self._firsts = {kind: [x.first_ns for x in of] for kind, of in self._kinds.items()}
        self._longest_ns = max((_last_ns(x) - x.first_ns for x in peer.exchanges), default=0)
        sides = (peer.local, peer.remote)
        self.expected = {side: expected_ns(peer, side, unseen) for side in sides}
        self.due_by = {side: _due_by(peer, side) for side in sides}
        """What the marks of expected questions are called."""
        self.logged = _logged(peer)
        self.further_sas = _further_sas(peer)
        """When SAs began that were not the first ones, the IKE SAs last."""
        self.without = {side: without_esp(peer, side) for side in sides}
        """When either side certainly sent no ESP."""
        self.moments: Moments = moments_of(_moments(peer))
        """When anything happened."""

    def within(self, scale: Scale) -> PeerView:
        """The peer with the exchanges that a drawing on a scale needs.

        Of exchanges that look alike and share a cell the first and the last are drawn: the others
        are under them. Drawing costs what is seen.
        """
        shown: list[Exchange] = []
        for kind, exchanges in self._kinds.items():
            firsts = self._firsts[kind]
            first = bisect_left(firsts, scale.start_ns - self._longest_ns)
            last = bisect_right(firsts, scale.end_ns)
            if last - first <= _DENSE * scale.width:
                shown += exchanges[first:last]
                continue
            places = _ends_of_cells(firsts, first, last, scale)
            shown += [exchanges[place] for place in places]
        if len(shown) == len(self.peer.exchanges):
            return self.peer
        shown.sort(key=lambda x: x.first_ns)
        return replace(self.peer, exchanges=tuple(shown))


class Logged(Struct, frozen=True):
    """When logs say something of a peer; times in ns, ascending."""

    messages: list[int]
    """Of all messages, retries too."""
    retries: list[int]
    verdicts: list[int]
    """The peer was given up."""
    starts: list[int]
    """Devices that began anew."""
    refusals: list[int]
    """Devices that could not send: the first and the last time of each spell."""


STARTED: Final = "S"
"""Where a daemon or a device begins anew."""


def draw(times: PeerTimes, scale: Scale, signs: Glyphs, esp: EspTimes | None = None) -> Timeline:
    """The lanes of a peer on a scale; `esp`: exact times of its packets, if they are known."""
    rows = [
        replace(row, label=_label(row, times.peer, signs))
        for row in rows_of(times.within(scale), scale, signs, esp, times.without)
    ]
    return Timeline(scale, tuple(_with_extras(scale, rows, times, signs)))


def _label(row: Row, peer: PeerView, signs: Glyphs) -> str:
    if peer.activity is not None and any(cell.role is Role.UNPLACED for cell in row.cells):
        return f"{row.label} {signs.plus_minus}{_rounded_up(peer.activity.slice_ns)}"
    return _LABELS.get(row.kind, row.label)


def _rounded_up(length_ns: int) -> str:
    """A duration that has few cells: "256 ms", "2.0 s", "9 min"."""
    for unit_ns, unit in ((3600 * NS_PER_SECOND, "h"), (60 * NS_PER_SECOND, "min")):
        if length_ns >= unit_ns:
            return f"{-(-length_ns // unit_ns)} {unit}"
    return duration(length_ns)


def _with_extras(
    scale: Scale, rows: Sequence[Row], times: PeerTimes, signs: Glyphs
) -> Iterator[Row]:
    """SAs below the state, expected questions above those sent, marks of log lines at the end."""
    peer = times.peer
    asking = (
        (RowKind.PROBES_OUT, peer.local, signs.to),
        (RowKind.PROBES_IN, peer.remote, signs.back),
    )
    kinds = [kind for kind, _, _ in asking]
    for row in rows:
        if row.kind in kinds:
            continue
        yield row
        if row.kind is RowKind.STATE:
            begun = _begun(scale, times.further_sas)
            if begun is not None:
                yield folded(Row(RowKind.SAS, "new SAs", begun), scale, signs)
            # Also where nobody asked: what was expected is then all there is to see.
            for kind, side, arrow in asking:
                marks = _marks(scale, times.expected[side], signs.ghost)
                if marks is not None:
                    due = Row(RowKind.EXPECTED, f"{times.due_by[side]} {arrow}", marks)
                    yield folded(due, scale, signs)
                yield from (asked for asked in rows if asked.kind is kind)
    marks = _log_marks(scale, times.logged, signs)
    if marks is not None:
        yield folded(Row(RowKind.LOG, "log", marks), scale, signs)


def _logged(peer: PeerView) -> Logged:
    told = [
        m
        for m in peer.messages
        if m.basis in (Basis.LOG, Basis.CORRELATED) or (m.seen and m.basis is not Basis.HEADER)
    ]
    again = {
        sent.ref for x in peer.exchanges for sent in x.transmissions[0 if x.first_missing else 1 :]
    }
    verdicts = [x.verdict_ns for x in peer.exchanges if x.verdict_ref is not None]
    return Logged(
        sorted(m.at_ns for m in told),
        sorted(m.at_ns for m in told if m.again or m.ref in again),
        sorted(at_ns for at_ns in verdicts if at_ns is not None),
        sorted(h.at_ns for h in peer.hints if h.kind is HintKind.STARTED),
        sorted(
            at_ns
            for h in peer.hints
            if h.kind is HintKind.NOT_SENT
            for at_ns in (h.at_ns, h.last_ns)
        ),
    )


def _log_marks(scale: Scale, logged: Logged, signs: Glyphs) -> tuple[Cell, ...] | None:
    """What logs say; where they say several things what matters most is over the others."""
    layers = (
        _marks(scale, logged.messages, signs.tick),
        _marks(scale, logged.retries, signs.retry, Role.RETRY),
        _marks(scale, logged.starts, STARTED, Role.RETRY),
        _marks(scale, logged.refusals, signs.questionable, Role.RETRY),
        _marks(scale, logged.verdicts, signs.dead, Role.DEAD),
    )
    drawn = [layer for layer in layers if layer is not None]
    if not drawn:
        return None
    return tuple(next((c for c in reversed(cells) if c is not BLANK), BLANK)
                 for cells in zip(*drawn, strict=True))  # fmt: skip


def _due_by(peer: PeerView, holder: str) -> str:
    """What tells when questions are due; the rhythm that was seen is nobody's expectation."""
    policy = policy_of(peer, holder)
    return "rhythm" if policy and policy.basis is PolicyBasis.OBSERVED else "expected"


def _begun(scale: Scale, sas: Sequence[tuple[str, int]]) -> tuple[Cell, ...] | None:
    cells = [BLANK] * scale.width
    for sign, at_ns in sas:
        if scale.holds(at_ns):
            cells[scale.at(at_ns)] = Cell(sign, Role.SA)
    return None if all(cell is BLANK for cell in cells) else tuple(cells)


def _marks(
    scale: Scale, at: Sequence[int], glyph: str, role: Role = Role.GHOST
) -> tuple[Cell, ...] | None:
    first, last = bisect_left(at, scale.start_ns), bisect_right(at, scale.end_ns)
    if first == last:
        return None
    cells = [BLANK] * scale.width
    places: Sequence[int] | Iterator[int] = range(first, last)
    if last - first > _DENSE * scale.width:
        places = _ends_of_cells(at, first, last, scale)
    for place in places:
        cells[scale.at(at[place])] = Cell(glyph, role)
    return tuple(cells)


def _ends_of_cells(at: Sequence[int], first: int, last: int, scale: Scale) -> Iterator[int]:
    """The first and the last of sorted times in each cell of a scale, and what is before it."""
    place = first
    # What is before the first cell counts as a cell of its own.
    for end in (scale.start_ns, *(scale.span_of(c).end_ns + 1 for c in range(scale.width))):
        after = bisect_left(at, end, place, last)
        if after > place:
            yield place
            if after - 1 > place:
                yield after - 1
        place = after


def _looks_like(exchange: Exchange) -> object:
    """What decides the look of an exchange in a drawing, but its time."""
    sent = len(exchange.transmissions)
    lost = (never_reached(exchange, 0), never_reached(exchange, -1), bool(exchange.lost_answers))
    return (exchange.prober, exchange.outcome, sent, exchange.answer is None, lost)


def _further_sas(peer: PeerView) -> list[tuple[str, int]]:
    found: list[tuple[str, int]] = []
    seen: set[str] = set()
    for flow in sorted(peer.esp_flows, key=lambda f: f.first_ns):
        if flow.sender in seen:
            found.append(("E", flow.first_ns))
        seen.add(flow.sender)
    further = sorted(peer.ike_sas, key=lambda sa: sa.first_ns)[1:]
    return [*found, *(("I", sa.established_ns or sa.first_ns) for sa in further)]


def _moments(peer: PeerView) -> set[int]:
    times = {m.at_ns for m in peer.messages} | {d.at_ns for d in peer.deletes}
    times |= {hint.at_ns for hint in peer.hints} | {d.at_ns for d in peer.lost_deletes}
    for exchange in peer.exchanges:
        times |= {message.at_ns for message in exchange.messages}
        times.add(exchange.verdict_ns or 0)
    for hole in peer.black_holes:
        times |= {hole.stop_ns, hole.first_exposed_ns or 0, hole.dead_ns or 0}
    times |= {span.start_ns for span in peer.states}
    if peer.activity is not None:
        times |= starts_and_stops(peer.activity)
    times.discard(0)
    return times


def _last_ns(exchange: Exchange) -> int:
    ends = [exchange.last_ns]
    if exchange.answer is not None:
        ends.append(exchange.answer.at_ns)
    return max(ends)
