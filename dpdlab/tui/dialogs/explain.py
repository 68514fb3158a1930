"""What a finding means: what is seen, why it matters, what to do, where that is written."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import ClassVar

from rich.text import Text

from analyzers.export.untrusted import safe
from analyzers.model.finding import Finding
from analyzers.model.time import ORDER_LIMIT_NS
from dpdlab.present.findings import SHADE, explained, sign
from dpdlab.tui.dialogs.page import Page
from dpdlab.tui.model import Model
from dpdlab.tui.palette import Palette


def findings_at(model: Model) -> list[Finding]:
    """The findings that rest on what the peer did at the moment of the cursor."""
    peer = model.peer
    if peer is None or model.at_ns is None:
        return []
    events = [event for event in model.events(peer) if event.at_ns == model.at_ns]
    refs = {event.ref for event in events if event.ref is not None}
    refs |= {ref for event in events if event.message is not None for ref in event.message.seen}
    return [f for f in model.content.findings if not refs.isdisjoint(f.refs)]


class ExplainScreen(Page):
    """All findings one below the other; gone with the key that brought it, too."""

    BINDINGS: ClassVar = [("x,enter", "dismiss", "close")]

    def __init__(self, findings: Sequence[Finding], model: Model, palette: Palette) -> None:
        """`findings`: at least one."""
        super().__init__("why, and what to do", palette, ascii_only=model.ascii_only)
        self._findings = findings
        self._model = model
        self._sources = {source.id: source for source in model.whole.sources}

    def lines(self) -> Iterator[Text]:
        """What is seen, why it matters, what to do, where that is written."""
        palette, signs = self._palette, self._model.signs
        for finding in self._findings:
            shade = palette.severity(SHADE[finding.severity])
            head = Text().append(
                f"{sign(finding.severity, signs)} {finding.severity.value}  ", shade
            )
            head.append(safe(finding.title), palette.strong)
            yield head.append(f"  [{safe(finding.rule)}]", palette.faint)
            yield self._about(finding)
            for section in explained(finding, self._sources):
                yield Text()
                yield Text(section.title, palette.strong)
                lead = f"{signs.dot} " if len(section.texts) > 1 else ""
                for text in section.texts:
                    yield from (Text(f"  {lead}{safe(line)}") for line in text.splitlines())
            yield Text()

    def _about(self, finding: Finding) -> Text:
        """Whose finding it is, and of when."""
        peer = self._model.peer_of(finding)
        signs = self._model.signs
        said = [] if peer is None else [f"{safe(peer.local)} {signs.to} {safe(peer.remote)}"]
        if finding.at_ns is not None and finding.at_ns >= ORDER_LIMIT_NS:
            said.append(self._model.times.at(finding.at_ns))
        return Text(f" {signs.dot} ".join(said), self._palette.faint)
