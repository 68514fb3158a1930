"""What is known while a pipe pauses that has to be whole before anything of it is aligned.

A capture on standard input beside other inputs is kept on disk first: aligning reads it twice. A
look reads what has come so far, and the other inputs with it, as if that were all.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Final

from msgspec.structs import replace

from analyzers.errors import AnalyzerError
from analyzers.model.records import ProblemKind
from analyzers.session.driver import Session
from analyzers.session.options import Progress
from analyzers.sources.inputs import InputSpec, expand
from analyzers.sources.names import is_standard_input

MOST_BYTES: Final = 64 << 20
"""More than this is not read again and again: meanwhile the pipe would run full."""


def look(session: Session, check: Callable[[Progress], None]) -> Session:
    """A session over what has come so far, else `session` itself. What `check` raises ends it."""
    coming = session.coming
    if coming is None:
        return session
    inputs = [coming if _is_pipe(name) else name for name in session.inputs]
    found = Session(replace(session.options, read_again=False))
    try:
        if sum(map(_size_bytes, expand(inputs, missing_too=True))) > MOST_BYTES:
            return session
        found.run(inputs, check)
    except AnalyzerError:
        # What has come may be less than a packet.
        return session
    for info in found.sources:
        if info.path == coming.shown_as:
            info.problems = [p for p in info.problems if p.kind is not ProblemKind.TRUNCATED_TAIL]
    return found


def _is_pipe(name: str | InputSpec) -> bool:
    return isinstance(name, str) and is_standard_input(name)


def _size_bytes(spec: InputSpec) -> int:
    try:
        return Path(spec.path).stat().st_size
    except OSError:
        return 0
