"""What a finding means: what is seen, why it matters, what to do, where that is written."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from rich.console import Group
from rich.padding import Padding
from rich.text import Text
from textual.app import ComposeResult
from textual.containers import VerticalScroll
from textual.screen import ModalScreen
from textual.widgets import Static

from analyzers.export.untrusted import safe
from analyzers.model.finding import Finding
from analyzers.model.time import ORDER_LIMIT_NS
from dpdlab.present.findings import SHADE, explained, sign
from dpdlab.tui.model import Model
from dpdlab.tui.palette import Palette
from dpdlab.tui.rows import plain


def findings_at(model: Model) -> list[Finding]:
    """The findings that rest on what the peer did at the moment of the cursor."""
    peer = model.peer
    if peer is None or model.at_ns is None:
        return []
    events = [event for event in model.events(peer) if event.at_ns == model.at_ns]
    refs = {event.ref for event in events if event.ref is not None}
    refs |= {ref for event in events if event.message is not None for ref in event.message.seen}
    return [f for f in model.content.findings if not refs.isdisjoint(f.refs)]


class ExplainScreen(ModalScreen[None]):
    """One page; gone with the key that brought it."""

    BINDINGS: ClassVar = [
        ("escape,q,x,enter", "dismiss", "close"),
        ("j", "scroll(1)", "down"),
        ("k", "scroll(-1)", "up"),
    ]

    def __init__(self, findings: Sequence[Finding], model: Model, palette: Palette) -> None:
        """`findings`: at least one."""
        super().__init__()
        self._findings = findings
        self._model = model
        self._palette = palette
        self._sources = {source.id: source for source in model.whole.sources}

    def compose(self) -> ComposeResult:
        """A scrolling page, with all findings one below the other."""
        with VerticalScroll(classes="dialog") as page:
            page.border_title = "why, and what to do"
            page.border_subtitle = "esc closes"
            parts: list[Text | Padding] = []
            for finding in self._findings:
                parts += self._parts(finding)
            yield Static(Group(*parts), markup=False)

    def _parts(self, finding: Finding) -> list[Text | Padding]:
        palette, signs = self._palette, self._model.signs
        shade = palette.severity(SHADE[finding.severity])
        head = Text().append(f"{sign(finding.severity, signs)} {finding.severity.value}  ", shade)
        head.append(safe(finding.title), palette.strong)
        head.append(f"  [{safe(finding.rule)}]", palette.faint)
        parts: list[Text | Padding] = [self._plain(head), self._plain(self._about(finding))]
        for section in explained(finding, self._sources):
            parts.append(Text(f"\n{section.title}", palette.strong))
            for text in section.texts:
                lead = f"{signs.dot} " if len(section.texts) > 1 else ""
                parts.append(Padding(self._plain(Text(lead + safe(text))), (0, 0, 0, 2)))
        return [*parts, Text("")]

    def _about(self, finding: Finding) -> Text:
        """Whose finding it is, and of when."""
        peer = self._model.peer_of(finding)
        signs = self._model.signs
        said = [] if peer is None else [f"{safe(peer.local)} {signs.to} {safe(peer.remote)}"]
        if finding.at_ns is not None and finding.at_ns >= ORDER_LIMIT_NS:
            said.append(self._model.times.at(finding.at_ns))
        return Text(f" {signs.dot} ".join(said), self._palette.faint)

    def _plain(self, text: Text) -> Text:
        return plain(text, self._model.ascii_only)

    def action_scroll(self, by: int) -> None:
        """A line up or down."""
        self.query_one(VerticalScroll).scroll_relative(y=by, animate=False)
