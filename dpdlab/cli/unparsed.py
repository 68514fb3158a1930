"""`--unparsed`: the log lines that nothing understands, for the author of the next dialect."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from analyzers.session import UnparsedLine
from dpdlab.present.safe import safe


def listing(lines: Iterable[UnparsedLine], *, redact: bool) -> Iterator[str]:
    """`path:line: text`, a line each, fit for a terminal; addresses go with `redact`."""
    from analyzers.export.redact import Redactor

    redactor = Redactor() if redact else None
    for line in lines:
        path, text = line.path, line.text
        if redactor is not None:
            path, text = redactor.path(path), redactor.text(text)
        yield f"{safe(path)}:{line.line}: {safe(text)}\n"
