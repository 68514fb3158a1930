"""The configurations that `lint` was given: opened, told apart, and put together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path, PurePath
from typing import Final

from analyzers.configs.catalogue import READERS, read_configurations
from analyzers.configs.charon import with_retransmission
from analyzers.errors import SourceError
from analyzers.model.configuration import ConfigFormat, Configuration
from analyzers.model.records import source_id
from analyzers.sources.inputs import STDIN, InputSpec, expand, open_input

LIMIT_BYTES: Final = 64 << 20
"""Of one input: terminal logs with a configuration in them are no larger."""
_PIECE_BYTES: Final = 1 << 20

KINDS: Final = {
    "ios": ConfigFormat.CISCO_IOS,
    "asa": ConfigFormat.CISCO_ASA,
    **{reader.format.value: reader.format for reader in READERS},
}
"""`KIND:PATH`: what an input is, where its content does not tell."""

_OF_CHARON: Final = (ConfigFormat.SWANCTL, ConfigFormat.IPSEC_CONF)


@dataclass(frozen=True, slots=True)
class LintInputs:
    """What was read."""

    configurations: tuple[Configuration, ...]
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
    passed_over: list[str] = []
    for spec, known in _specs(names):
        source = source_id(len(paths))
        found = read_configurations(_text(spec), source, known)
        shown = "stdin" if spec.path == STDIN else spec.path
        if found:
            paths[source] = shown
            configurations += found
        elif spec.required:
            raise SourceError(f"{shown}: no configuration is recognised", _hint())
        else:
            passed_over.append(shown)
    if not configurations:
        raise SourceError("no configuration is recognised", _hint())
    together = _with_daemon_options(configurations, paths)
    return LintInputs(together, paths, tuple(passed_over))


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


# --- strongswan.conf ---


def _with_daemon_options(
    configurations: Sequence[Configuration], paths: dict[str, str]
) -> tuple[Configuration, ...]:
    """Connections of strongSwan with the retransmission of the strongswan.conf beside them.

    That is the one in the same directory or the nearest above it; the only one there is also
    serves the only configuration there is, wherever the two are.
    """
    daemons = [c for c in configurations if c.format is ConfigFormat.STRONGSWAN_CONF]
    gateways = [c for c in configurations if c.format in _OF_CHARON]
    alone = len(daemons) == 1 and len(gateways) == 1
    together = []
    for configuration in configurations:
        daemon = None
        if configuration.format in _OF_CHARON:
            near = [d for d in daemons if alone or _is_above(paths, d, configuration)]
            daemon = max(near, key=lambda d: len(_folder(paths, d).parts), default=None)
        if daemon is not None:
            configuration = _under(configuration, daemon)
        together.append(configuration)
    return tuple(together)


def _under(configuration: Configuration, daemon: Configuration) -> Configuration:
    if daemon.retransmission is not None:
        configuration = with_retransmission(configuration, daemon.retransmission)
    if configuration.nat_keepalive is None and daemon.nat_keepalive is not None:
        configuration = replace(configuration, nat_keepalive=daemon.nat_keepalive)
    return configuration


def _is_above(paths: dict[str, str], daemon: Configuration, other: Configuration) -> bool:
    return _folder(paths, other).is_relative_to(_folder(paths, daemon))


def _folder(paths: dict[str, str], configuration: Configuration) -> PurePath:
    return Path(paths[configuration.source]).absolute().parent
