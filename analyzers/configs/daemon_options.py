"""Connections of strongSwan under the options of their daemon, which are in a file of its own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path, PurePath
from typing import Final

from msgspec.structs import replace

from analyzers.configs.charon import with_retransmission
from analyzers.model.configuration import ConfigFormat, Configuration

_OF_CHARON: Final = (ConfigFormat.SWANCTL, ConfigFormat.IPSEC_CONF)


def with_daemon_options(
    configurations: Sequence[Configuration], paths: Mapping[str, str]
) -> tuple[Configuration, ...]:
    """Connections of strongSwan with the retransmission of the strongswan.conf beside them.

    That is the one in the same directory or the nearest above it; the only one there is also
    serves the only configuration there is, wherever the two are. `paths` are files by source.
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


def _is_above(paths: Mapping[str, str], daemon: Configuration, other: Configuration) -> bool:
    return _folder(paths, other).is_relative_to(_folder(paths, daemon))


def _folder(paths: Mapping[str, str], configuration: Configuration) -> PurePath:
    return Path(paths[configuration.source]).absolute().parent
