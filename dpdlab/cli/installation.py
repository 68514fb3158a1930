"""Whether the engine that Python would import is the one that came with this command."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

import dpdlab


def foreign_analyzers() -> Path | None:
    """The folder of another `analyzers` that is in the way; None when ours would be imported.

    The name is generic: under `python -m dpdlab` a package of that name in the current
    directory comes first, and another distribution may have installed one.
    """
    ours = Path(dpdlab.__file__).resolve().parent.parent / "analyzers"
    spec = find_spec("analyzers")
    if spec is None or spec.origin is None:
        # None at all, or a folder without __init__.py: the import says it best.
        return None if ours.is_dir() else ours
    found = Path(spec.origin).resolve().parent
    return None if found == ours else found
