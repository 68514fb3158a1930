"""What is wrong, the worst first, and what each finding rests on."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import lru_cache
from typing import ClassVar, Final

from msgspec.structs import replace
from rich.style import Style
from rich.text import Text
from textual.app import ComposeResult
from textual.widgets import Static

from analyzers.export.content import Content
from analyzers.export.troubles import troubles
from analyzers.export.untrusted import safe
from analyzers.model.finding import Finding, Suppressed
from analyzers.model.finding import Severity as FindingSeverity
from analyzers.model.records import Ref
from analyzers.model.time import NS_PER_SECOND
from dpdlab.present.events import event_at
from dpdlab.present.findings import Group, GroupBy, copies, grouped, place, tally
from dpdlab.tui.dialogs.explain import ExplainScreen
from dpdlab.tui.fixed import Fixed
from dpdlab.tui.model import Model
from dpdlab.tui.palette import Palette
from dpdlab.tui.rows import RowList, plain
from dpdlab.tui.text_pane import TextPane, TextRows
from dpdlab.tui.title import BETWEEN, fitting
from dpdlab.tui.views import finding_detail
from dpdlab.tui.views.finding_rows import (
    SILENCED,
    FindingRows,
    Head,
    Item,
    SilencedHead,
    is_of,
    items_of,
    timed,
    title,
)
from dpdlab.tui.views.list_view import DetailView, next_place

_VERDICT_ROWS: Final = 3
_FAR_NS: Final = NS_PER_SECOND
"""What is so long before a finding is not where it happened."""
"""Rows that the verdict has."""


class Verdict(Static, Fixed):
    """What the session comes to."""


class FindingsView(DetailView):
    """View 4."""

    title = "findings"
    hints: ClassVar[tuple[str, ...]] = (
        "into", "explain", "sort", "next-error", "next-warning", "copy", "search", "filter", "help",
    )  # fmt: skip
    DEFAULT_CSS: ClassVar[str] = """
    FindingsView #findings-verdict { height: auto; max-height: 3; }
    FindingsView #finding-detail { height: 8; }
    FindingsView.beside #finding-detail { width: 38%; min-width: 46; height: 1fr; }
    """

    def __init__(self, model: Model, palette: Palette) -> None:
        super().__init__(model, palette)
        self.verdict = Verdict("", id="findings-verdict", markup=False)
        self.list = RowList(palette, id="finding-rows", empty="no finding")
        self.list.moved = self.moved
        self.detail = TextPane(palette, id="finding-detail")
        self.by = GroupBy.SEVERITY
        self.back = False
        """Whether the latest comes before the earlier ones."""
        self.folded: frozenset[str] = frozenset()
        self._groups: tuple[object, dict[tuple[GroupBy, bool], list[Group]]] = (None, {})
        """By what they were made of."""
        self._items: list[Item] = []
        self._folding: object = None
        self._ways: object = None
        self._rows: FindingRows | None = None
        self._told: object = None
        self._of_range: tuple[tuple[object, ...], Content] | None = None

    def compose(self) -> ComposeResult:
        """The verdict, the list, and the detail beside or under it."""
        yield self.verdict
        yield from super().compose()

    # --- painting --------------------------------------------------------------------------

    def show(self) -> None:
        """All findings that the filter leaves; the cursor stays on its finding."""
        self.list.palette = self.palette
        self.place_detail()
        before = self._current
        about = self._about
        folding = (about, self.by, self.back, self.folded)
        if folding != self._folding:
            self._folding = folding
            self._items = items_of(
                self._grouped_by(self.by), self.model.content.suppressed, self.folded
            )
        cursor = self._place_of(before)
        self.list.empty = "" if self._items else self._why_empty()
        ways = (folding, self.model.times, self.palette)
        if self._rows is None or ways != self._ways:
            self._ways = ways
            self._rows = FindingRows(self.model, self._items, self.by, back=self.back)
        self.list.show(self._rows, cursor)
        told = (about, self.palette, self.room.width)
        if told != self._told:
            self._told = told
            self.verdict.update(plain(self._verdict(), self.model.ascii_only))
        self.show_detail()

    @property
    def _about(self) -> object:
        """What the groups are made of."""
        return self.model.revision, self.model.range_ns, id(self.model.log)

    def _grouped_by(self, by: GroupBy) -> list[Group]:
        """All findings in groups, made once."""
        if self._groups[0] != self._about:
            self._groups = (self._about, {})
        groups, key = self._groups[1], (by, self.back)
        if key not in groups:
            groups[key] = grouped(self._content.findings, by, back=self.back)
        return groups[key]

    def ahead(self) -> Iterator[None]:
        """The findings in all groups."""
        for by in GroupBy:
            self._grouped_by(by)
            yield

    @property
    def _content(self) -> Content:
        """What is shown: without findings of other times than those that are chosen."""
        content = self.model.content
        if self.model.range_ns is None:
            return content
        key = (content, self.model.range_ns, self.model.log)
        known = self._of_range
        if known is None or any(a is not b for a, b in zip(known[0], key, strict=True)):
            findings = tuple(self.model.of_range_findings(content.findings))
            known = self._of_range = (key, replace(content, findings=findings))
        return known[1]

    def _place_of(self, before: Item | None) -> int:
        """Where what was under the cursor is now; else the first finding."""
        if isinstance(before, Finding | Suppressed):
            same = next((n for n, item in enumerate(self._items) if item is before), None)
            if same is not None or before in self._items:
                return self._items.index(before) if same is None else same
        if isinstance(before, Head):
            for place, item in enumerate(self._items):
                if isinstance(item, Head) and item.group.key == before.group.key:
                    return place
        if isinstance(before, SilencedHead):
            return next(
                (n for n, item in enumerate(self._items) if isinstance(item, SilencedHead)), 0
            )
        return next((n for n, item in enumerate(self._items) if isinstance(item, Finding)), 0)

    def _why_empty(self) -> str:
        model = self.model
        if model.filter is not None and model.whole.findings:
            return "no finding matches the filter (f changes it, an empty one shows all)"
        if model.range_ns is not None and model.content.findings:
            return f"no finding is of the stretch of time: {model.range_left}"
        if not model.done:
            return "findings are made when everything is read"
        if model.failure:
            return model.failure
        if not model.whole.peers:
            said = [safe(sentence) for sentence in model.content.diagnosis]
            return "\n".join(said) or "no IPsec peer, and so nothing to find"
        if model.damaged or model.unread:
            key = model.key("inputs")
            wrong = "damaged" if model.damaged else "not read"
            return f"no rule has anything to say, but an input is {wrong}: {key} shows it"
        wrong_with = troubles(model.whole.peers)
        if wrong_with:
            return "\n".join(["no rule has anything to say, but", *map(safe, wrong_with)])
        return "no rule has anything to say of what these inputs show"

    def _verdict(self) -> Text:
        """How much was found, and what the session comes to in the words that there is room for."""
        width, line = max(self.room.width, 1), Text()
        for room in range(_VERDICT_ROWS * width, 0, -max(width // 8, 1)):
            line = self._verdict_in(room)
            if len(line.wrap(self.app.console, width)) <= _VERDICT_ROWS:
                break
        return line

    def _verdict_in(self, room: int) -> Text:
        said, verdict = self._number_found(), self.model.digest.verdict
        left = room - sum(len(text) + len(BETWEEN) for text in said)
        if verdict is not None:
            shade = self.palette.severity(verdict.severity)
            said += [
                Text(safe(text), shade if weighty else Style())
                for text, weighty in fitting(verdict.parts, left)
            ]
        lead = self.model.of_all if said else ""
        return Text().append(lead, self.palette.faint).append_text(Text(BETWEEN).join(said))

    def _number_found(self) -> list[Text]:
        content = self.model.content
        parts = [
            Text(said, self.palette.severity(shade)) for said, shade in tally(content.findings)
        ]
        if content.suppressed:
            parts.append(Text(f"{len(content.suppressed)} {SILENCED}", self.palette.faint))
        hidden = len(content.findings) - len(self._content.findings)
        if hidden:
            said = f"{hidden} of other times not shown, {self.model.range_left}"
            parts.append(Text(said, self.palette.warn))
        return parts

    @property
    def _current(self) -> Item | None:
        """What is under the cursor."""
        place = self.list.cursor
        return self._items[place] if 0 <= place < len(self._items) else None

    @property
    def _finding(self) -> Finding | None:
        """The finding under the cursor, also a silenced one."""
        item = self._current
        if isinstance(item, Suppressed):
            return item.finding
        return item if isinstance(item, Finding) else None

    def show_detail(self) -> None:
        """What the finding says, what it rests on, and what to do."""
        beside = self.has_class("beside")
        lines = finding_detail.lines(self.model, self._current, self.palette, in_full=beside)
        rows = TextRows(lines, indent=finding_detail.LABEL, heading=True)
        self.detail.tell(rows, self.palette, self._current)

    # --- moving ----------------------------------------------------------------------------

    def moved(self, index: int) -> None:
        """The detail is that of the cursor."""
        self.show_detail()

    def on_row_list_chosen(self, message: RowList.Chosen) -> None:
        """A double click opens."""
        if message.rows is self.list:
            self.do_into()

    def do_into(self) -> None:
        """To the evidence in the ladder; a header folds its group or opens it."""
        item = self._current
        if isinstance(item, Head):
            self._fold(item.group.key)
        elif isinstance(item, SilencedHead):
            self._fold(SILENCED)
        elif (finding := self._finding) is not None:
            self._to_evidence(finding)

    def _fold(self, key: str) -> None:
        self.folded ^= {key}
        self.show()

    def _to_evidence(self, finding: Finding) -> None:
        peer = self.model.peer_of(finding)
        if peer is None:
            sources = {source.id: source for source in self.model.whole.sources}
            where = place(finding.refs[0], sources) if finding.refs else "no single place"
            self.console_app.say(f"this rests on {where}: x says more")
            return
        self.console_app.choose_peer(peer.id)
        at_ns = self._first_ns(finding, finding.refs[:1])
        if at_ns is not None:
            self.console_app.go_to_moment(at_ns)
        self.console_app.open_view("ladder")

    def _first_ns(self, finding: Finding, refs: tuple[Ref, ...]) -> int | None:
        """The time of the first place that a finding rests on."""
        peer, at_ns = self.model.peer_of(finding), timed(finding)
        event = None if peer is None else event_at(self.model.events(peer), refs)
        if event is None or (at_ns is not None and event.at_ns < at_ns - _FAR_NS):
            # What a black hole rests on may be long before it.
            return at_ns
        return event.at_ns

    def do_sort(self) -> None:
        """Group by the next thing."""
        self.by, self.back = self.by.next(), False
        self.folded = frozenset()
        self.show()
        told = "all in the order of time" if self.by is GroupBy.TIME else f"grouped by {self.by}"
        self.console_app.say(told)

    def do_sort_back(self) -> None:
        """The latest first, or the earliest again; the worst still before the others."""
        self.back = not self.back
        self.show()
        self.console_app.say(f"the {'latest' if self.back else 'earliest'} first")

    def do_colour(self) -> None:
        """Group by the next thing: what is alike stands together."""
        self.do_sort()

    def do_explain(self) -> None:
        """Why it matters, what to do, and where that is written."""
        item, finding = self._current, self._finding
        if finding is None and isinstance(item, Head):
            finding = item.group.findings[0]
        if finding is None:
            self.console_app.say("no finding is chosen")
            return
        self.console_app.push_screen(ExplainScreen([finding], self.model, self.palette))

    def do_next_error(self) -> None:
        """The next error."""
        self._jump(lambda item: is_of(item, FindingSeverity.ERROR), 1, "error")

    def do_previous_error(self) -> None:
        """The error before."""
        self._jump(lambda item: is_of(item, FindingSeverity.ERROR), -1, "error")

    def do_next_warning(self) -> None:
        """The next warning."""
        self._jump(lambda item: is_of(item, FindingSeverity.WARNING), 1, "warning")

    def do_previous_warning(self) -> None:
        """The warning before."""
        self._jump(lambda item: is_of(item, FindingSeverity.WARNING), -1, "warning")

    def do_next_event(self) -> None:
        """The next finding of the same peer."""
        self._of_peer(1)

    def do_previous_event(self) -> None:
        """The finding before of the same peer."""
        self._of_peer(-1)

    def _of_peer(self, by: int) -> None:
        finding = self._finding
        whose = None if finding is None else finding.peer
        self._jump(
            lambda item: isinstance(item, Finding) and item.peer == whose, by, "finding of the peer"
        )

    def _jump(self, wanted: Callable[[Item], bool], by: int, what: str) -> None:
        place = self.list.cursor + by
        while 0 <= place < len(self._items):
            if wanted(self._items[place]):
                self.list.go_to(place)
                return
            place += by
        self.console_app.say(f"no {'further' if by > 0 else 'earlier'} {what} in this list")

    def search(self, text: str, by: int) -> bool:
        """The next finding that has the text in what it says."""
        wanted, items = text.casefold(), self._items
        place = next_place(
            len(items),
            self.list.cursor,
            by,
            lambda n: _says(items[n], wanted, self.model),
        )
        if place is not None:
            self.list.go_to(place)
        return place is not None

    def copy_text(self) -> dict[str, str]:
        """The finding under the cursor."""
        finding = self._finding
        return {} if finding is None else copies(self.model.whole, finding)


def _says(item: Item, wanted: str, model: Model) -> bool:
    """Whether a row says what is looked for, in small letters."""
    match item:
        case Head():
            return wanted in title(item.group, model).casefold()
        case SilencedHead():
            return wanted in SILENCED.casefold()
        case Suppressed():
            said = f"{item.reason} {item.finding.title} {item.finding.rule}"
            return wanted in said.casefold()
        case Finding():
            # Many findings share all but their detail.
            shared = map(_folded, (item.rule, item.title, item.remedy))
            return wanted in item.detail.casefold() or any(wanted in said for said in shared)


_folded = lru_cache(1024)(str.casefold)
