"""The configurations that `lint` was given: opened, told apart, and put together."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Final

from msgspec import Struct

from analyzers.configs.catalogue import READERS, read_configurations
from analyzers.configs.daemon_options import with_daemon_options
from analyzers.errors import SourceError
from analyzers.model.configuration import ConfigFormat, Configuration
from analyzers.model.records import source_id
from analyzers.model.snapshot import Snapshot
from analyzers.snapshots.find import snapshots_in
from analyzers.sources.inputs import InputSpec, expand, open_input
from analyzers.sources.names import shown

LIMIT_BYTES: Final = 64 << 20
"""Of one input: terminal logs with a configuration in them are no larger."""
_PIECE_BYTES: Final = 1 << 20

KINDS: Final = {
    "ios": ConfigFormat.CISCO_IOS,
    "asa": ConfigFormat.CISCO_ASA,
    **{reader.format.value: reader.format for reader in READERS},
}
"""`KIND:PATH`: what an input is, where its content does not tell."""


class LintInputs(Struct, frozen=True):
    """What was read."""

    configurations: tuple[Configuration, ...]
    snapshots: tuple[Snapshot, ...]
    """What their devices showed of the SAs that are up."""
    paths: dict[str, str]
    """Source id to path."""
    passed_over: tuple[str, ...]
    """Files of a directory that are no configuration."""


def read(names: Sequence[str]) -> LintInputs:
    """The configurations behind the names, in their order.

    Raises:
        SourceError: an input cannot be read, or one that was named holds no configuration.
    """
    configurations: list[Configuration] = []
    paths: dict[str, str] = {}
    snapshots: list[Snapshot] = []
    passed_over: list[str] = []
    for spec, known in _specs(names):
        source, text = source_id(len(paths)), _text(spec)
        found = read_configurations(text, source, known)
        outputs = snapshots_in(text, source)
        name = shown(spec.path)
        if found or outputs:
            paths[source] = name
            configurations += found
            snapshots += outputs
        elif spec.required:
            raise SourceError(f"{name}: no configuration is recognised", _hint())
        else:
            passed_over.append(name)
    if not configurations:
        raise SourceError("no configuration is recognised", _hint())
    together = with_daemon_options(configurations, paths)
    return LintInputs(together, tuple(snapshots), paths, tuple(passed_over))


def _specs(names: Sequence[str]) -> list[tuple[InputSpec, ConfigFormat | None]]:
    found: list[tuple[InputSpec, ConfigFormat | None]] = []
    for name in names:
        kind, colon, rest = name.partition(":")
        known = KINDS.get(kind) if colon and rest and not Path(name).exists() else None
        specs = expand([name if known is None else rest])
        found += [(spec, known) for spec in specs]
    return found


def _hint() -> str:
    return f"KIND:PATH says what it is; kinds are {', '.join(KINDS)}"


def _text(spec: InputSpec) -> str:
    item = open_input(spec)
    data = bytearray()
    try:
        view = memoryview(bytearray(_PIECE_BYTES))
        while count := item.stream.read_into(view):
            data += view[:count]
            if len(data) > LIMIT_BYTES:
                raise SourceError(f"{item.path} is larger than {LIMIT_BYTES >> 20} MiB")
    finally:
        item.close()
    return data.decode("utf-8", errors="replace")
