"""The table of peers, worst first; what does not fit the width goes to lines below its row."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from rich.cells import cell_len
from rich.text import Text

from analyzers.export.exchanges import median_round_trip
from analyzers.export.story import packets_of
from analyzers.export.unlisted import (
    NOT_SHOWN,
    hidden_deletes,
    hidden_holes,
    hidden_questions,
    not_shown,
)
from analyzers.model.exchange import Outcome
from analyzers.model.peer import PeerState, PeerView
from analyzers.model.policy import DpdPolicy, PolicyBasis, PolicyMode
from dpdlab.present import words
from dpdlab.present.formatting import (
    Severity,
    class_severity,
    count,
    counted,
    lasted,
    peer_severity,
    state_glyph,
    state_severity,
)
from dpdlab.present.text.page import (
    FAINT,
    GAP,
    LABEL,
    SEVERITY_STYLE,
    Column,
    Page,
    Part,
    fitted,
    row_line,
    widths,
)

ROWS_SHOWN: Final = 40
"""Rows without -v: a screen or two."""
POLICIES_OF_HEALTHY: Final = 5
"""Up to so many rows, healthy peers have a line for their policy too."""
HEALTHY_SHOWN: Final = 10
"""Healthy peers without -v: enough to see what healthy looks like here."""


def is_healthy(peer: PeerView) -> bool:
    """Whether nothing about a peer wants attention."""
    return peer_severity(peer) <= Severity.NOTE


def table(page: Page, peers: Sequence[PeerView]) -> None:
    """The table; `peers` come worst first."""
    shown = list(peers)
    if not page.verbose:
        sick = [p for p in peers if not is_healthy(p)][:ROWS_SHOWN]
        room = max(min(HEALTHY_SHOWN, ROWS_SHOWN - len(sick)), 0)
        shown = sick + [p for p in peers if is_healthy(p)][:room]
    page.line((f"Peers ({count(len(peers))}), worst first" if len(peers) > 1 else "Peer", LABEL))
    _Table(page, shown).write()
    seen = {id(peer) for peer in shown}
    hidden = [peer for peer in peers if id(peer) not in seen]
    if hidden:
        healthy = sum(1 for p in hidden if is_healthy(p))
        parts = [counted(healthy, "healthy peer")] if healthy else []
        if len(hidden) - healthy:
            parts.append(counted(len(hidden) - healthy, "peer") + " with trouble")
        rest = f"{page.signs.more} {' and '.join(parts)} not shown (-v shows all)"
        page.line(("  " + rest, FAINT))


class _Table:
    """Chooses what fits: columns that do not are told below the row instead."""

    def __init__(self, page: Page, peers: Sequence[PeerView]) -> None:
        self.page = page
        self.peers = peers
        self.stacked = False
        everything = [
            (Column("STATE"), self._state),
            (Column(f"LOCAL {page.signs.to} REMOTE"), self._addresses),
            (Column("IKE"), self._version),
            (Column("ANSWERED", "right"), self._answered),
            (Column("RETRIES", "right"), self._retries),
            (Column("RTT", "right"), self._rtt),
            (Column("DELETES", "right"), self._deletes),
            (Column("POLICY SEEN"), self._policy),
            (Column("BLACK HOLES"), self._holes),
        ]
        self.columns = [column for column, _ in everything]
        self.rows = [[make(peer) for _, make in everything] for peer in peers]
        self.natural = widths(self.columns, self.rows)
        self.kept = self._choose()

    def _choose(self) -> int:
        """How many columns stay in the row; the rest goes below it."""
        for kept in (9, 8, 7, 6, 5):
            if sum(self.natural[:kept]) + GAP * (kept - 1) <= self.page.width:
                return kept
        # Two long addresses: one above the other.
        self.stacked = True
        for row, peer in zip(self.rows, self.peers, strict=True):
            row[1] = Text(self.page.address(peer.local) + f" {self.page.signs.to}")
        self.natural = widths(self.columns, self.rows)
        remote = max(cell_len(self.page.remote(peer)) for peer in self.peers)
        self.natural[1] = max(self.natural[1], remote)
        for kept in (9, 8, 7, 6, 5):
            if sum(self.natural[:kept]) + GAP * (kept - 1) <= self.page.width:
                return kept
        return 5

    def write(self) -> None:
        page = self.page
        columns = [
            Column(c.title, c.align, elastic=index == 1)
            for index, c in enumerate(self.columns[: self.kept])
        ]
        sizes = fitted(page, columns, self.natural[: self.kept], page.width)
        titles = [Text(column.title, FAINT) for column in columns]
        page.line(row_line(page, columns, sizes, titles))
        indent = sizes[0] + GAP
        for peer, row in zip(self.peers, self.rows, strict=True):
            page.line(row_line(page, columns, sizes, row[: self.kept]))
            doubt = bool(words.doubt(peer)) and not is_healthy(peer)
            first: Part = (f"  {words.CONFIDENCE[peer.confidence]}", FAINT) if doubt else ""
            for parts in self._below(peer):
                page.listing(first, parts, indent=indent)
                first = ""
            if first:
                page.line(first)

    def brief(self, peer: PeerView) -> bool:
        """Whether a row stays without its policy: a long list of healthy peers is for the eye."""
        return len(self.peers) > POLICIES_OF_HEALTHY and is_healthy(peer) and not self.page.verbose

    def _below(self, peer: PeerView) -> list[list[Part]]:
        """Lines below a row, as the parts they may break between."""
        lines: list[list[Part]] = []
        if self.stacked:
            lines.append([self.page.remote(peer)])
        small: list[Part] = []
        if self.kept <= 5 and peer.rtt_ns is not None:
            small.append(f"RTT {median_round_trip(peer)}")
        if self.kept <= 6 and peer.deletes:
            small.append(counted(len(peer.deletes), "Delete"))
        if small:
            lines.append(small)
        if peer.state is PeerState.UNKNOWN:
            # An output proves no life, and is all there is to tell such peers apart.
            states = {sa.command: sa.state for sa in peer.shown if sa.state}
            if states:
                first, *more = dict.fromkeys(map(self.page.data, states.values()))
                lines.append([(f"shown: {first}", FAINT), *((state, FAINT) for state in more)])
        if self.kept <= 8 and peer.black_holes:
            lines.append(self._hole_parts(peer))
        elif self.kept <= 8 and peer.whole.black_holes:
            hidden = not_shown(hidden_holes(peer), "black hole")
            lines.append([(hidden, FAINT)])
        if self.kept <= 7 and self._policy_parts(peer) and not self.brief(peer):
            lines.append([(f"DPD {text}", FAINT) for text in self._policy_parts(peer)])
        return lines

    # --- cells ---

    def _state(self, peer: PeerView) -> Text:
        word = words.peer_word(peer)
        sign = state_glyph(peer.state, self.page.signs)
        return Text(f"{sign} {word}", SEVERITY_STYLE[state_severity(peer.state)])

    def _addresses(self, peer: PeerView) -> Text:
        return Text(self.page.ends(peer))

    def _version(self, peer: PeerView) -> Text:
        versions = peer.ike_versions
        if not versions:
            return Text(self.page.signs.none, FAINT)
        return Text("v" + "+".join(str(version) for version in versions))

    def _answered(self, peer: PeerView) -> Text:
        if not peer.exchanges:
            return Text(words.no_question(peer), FAINT)
        answered = sum(1 for x in peer.exchanges if x.outcome is Outcome.ANSWERED)
        lost = any(x.outcome is Outcome.UNANSWERED for x in peer.exchanges)
        text = f"{count(answered)} of {count(len(peer.exchanges))}"
        return Text(text, SEVERITY_STYLE[Severity.BAD] if lost else "")

    def _retries(self, peer: PeerView) -> Text:
        retries = sum(exchange.retries for exchange in peer.exchanges)
        return self._number(retries, hidden_questions(peer))

    def _deletes(self, peer: PeerView) -> Text:
        return self._number(len(peer.deletes), hidden_deletes(peer))

    def _number(self, number: int, hidden: int) -> Text:
        """Of what a filter hides nobody may read that it is nothing."""
        return Text(NOT_SHOWN if hidden and not number else count(number))

    def _rtt(self, peer: PeerView) -> Text:
        if peer.rtt_ns is None:
            return Text(self.page.signs.none, FAINT)
        return Text(median_round_trip(peer))

    def _holes(self, peer: PeerView) -> Text:
        if not peer.black_holes:
            hidden = hidden_holes(peer)
            told = f"{hidden} {NOT_SHOWN}" if hidden else self.page.signs.none
            return Text(told, FAINT)
        return self.page.dots(self._hole_parts(peer))

    def _hole_parts(self, peer: PeerView) -> list[Part]:
        holes = peer.black_holes
        worst = max(class_severity(hole.black_hole_class) for hole in holes)
        classes = dict.fromkeys(words.CLASS[hole.black_hole_class] for hole in holes)
        named = f"{counted(len(holes), 'black hole')} ({', '.join(classes)})"
        parts: list[Part] = [(named, SEVERITY_STYLE[worst])]
        if any(hole.max_seconds > 0 for hole in holes):
            parts.append(lasted(holes))
            packets = packets_of(peer)
            parts += [packets] if packets else []
        return parts

    def _policy(self, peer: PeerView) -> Text:
        parts = self._policy_parts(peer)
        return Text("; ".join(parts) if parts else self.page.signs.none, FAINT)

    def _policy_parts(self, peer: PeerView) -> list[str]:
        parts = []
        for policy in peer.policies:
            if not _says_something(policy):
                continue
            text = words.policy_summary(policy, self.page.signs)
            if policy.holder != peer.local:
                text = f"peer {text}" if policy.mode is PolicyMode.DISABLED else f"peer asks {text}"
            if policy.basis is not PolicyBasis.OBSERVED:
                text += f" ({words.policy_basis(policy)})"
            parts.append(text)
        return parts


def _says_something(policy: DpdPolicy) -> bool:
    return (
        policy.mode is not PolicyMode.UNKNOWN
        or policy.interval_s is not None
        or policy.retries is not None
    )
