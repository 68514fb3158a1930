"""strongswan.conf: how charon retransmits, which is how IKEv2 comes to a verdict (charon.opt).

An option of the daemon's own section comes before that of `charon`, from which all daemons inherit.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

from analyzers.configs.charon import DEFAULT_RETRANSMISSION
from analyzers.configs.durations import duration_s
from analyzers.configs.formats import Reader
from analyzers.configs.lines import Line, within_limit
from analyzers.configs.settings_tree import Setting, Tree, View, parse, share
from analyzers.model.configuration import (
    ConfigFormat,
    Configuration,
    NatKeepalive,
    Retransmission,
)
from analyzers.model.records import Problem, ProblemKind, Ref

# The daemon that systemd starts, then what every daemon takes.
_DAEMONS: Final = ("charon-systemd", "charon")

# More makes a verdict of years, or none.
_MAX_TRIES: Final = 100
_MAX_BASE: Final = 100.0
_MAX_S: Final = 1e6


def read(lines: Sequence[Line], source: str) -> Configuration:
    """The retransmission and the NAT keepalive of a strongswan.conf."""
    lines, too_many = within_limit(lines, source)
    tree = parse(lines, source)
    retransmission, keepalive, refused = daemon_options(tree, source)
    return Configuration(
        source=source,
        format=ConfigFormat.STRONGSWAN_CONF,
        first_line=lines[0].number if lines else 1,
        last_line=lines[-1].number if lines else 1,
        nat_keepalive=keepalive,
        retransmission=retransmission,
        problems=(*too_many, *tree.problems, *refused),
    )


def daemon_options(
    tree: Tree, source: str
) -> tuple[Retransmission | None, NatKeepalive | None, list[Problem]]:
    """Retransmission (None: nothing is set), NAT keepalive, and options that are no numbers."""
    options = _Options([v for v in map(tree.view, _DAEMONS) if v is not None], source)
    retransmission = options.retransmission()
    keepalive = options.nat_keepalive()
    return retransmission, keepalive, options.problems


class _Options:
    """Options of a daemon, found in the nearest of its sections."""

    def __init__(self, sections: Sequence[View], source: str) -> None:
        self._sections = sections
        self._source = source
        self.problems: list[Problem] = []

    def retransmission(self) -> Retransmission | None:
        """What is set of it, over charon's defaults."""
        default = DEFAULT_RETRANSMISSION
        first = [self._get(f"retransmit_{key}") for key in ("timeout", "base", "tries", "limit")]
        known = [setting for setting in first if setting is not None]
        if not known:
            return None
        timeout, base, tries, limit = first
        return Retransmission(
            timeout_s=self._number(timeout, 0.001, _MAX_S) or default.timeout_s,
            base=self._number(base, 0.01, _MAX_BASE) or default.base,
            tries=self._tries(tries),
            limit_s=self._number(limit, 0.0, _MAX_S) or None,
            ref=Ref(self._source, min(setting.line for setting in known)),
        )

    def nat_keepalive(self) -> NatKeepalive | None:
        """`keep_alive`, in seconds."""
        setting = self._get("keep_alive")
        seconds = None if setting is None else duration_s(setting.value)
        if setting is None or seconds is None:
            return None
        return NatKeepalive(seconds, Ref(self._source, setting.line))

    def _tries(self, setting: Setting | None) -> int:
        number = self._number(setting, 0, _MAX_TRIES)
        return DEFAULT_RETRANSMISSION.tries if number is None else int(number)

    def _get(self, key: str) -> Setting | None:
        found = (section.get(key) for section in self._sections)
        return next((setting for setting in found if setting is not None), None)

    def _number(self, setting: Setting | None, low: float, high: float) -> float | None:
        if setting is None:
            return None
        try:
            number = float(setting.value[:30])
        except ValueError:
            number = -1.0
        if low <= number <= high:
            return number
        detail = f"{setting.key} takes a number from {low:g} to {high:g}; its default is used"
        ref = Ref(self._source, setting.line)
        self.problems.append(Problem(ProblemKind.CONFIG_LINE, detail, ref))
        return None


_SURE: Final = re.compile(
    r"\s*(?:charon(?:-systemd|-nm|-cmd|-svc)?|libstrongswan)\s*\{|\s*retransmit_\w{1,20}\s*="
)


def likeness(lines: Sequence[Line]) -> float:
    """Share of lines in the settings syntax, where one opens a section of a daemon."""
    return share(lines) if any(_SURE.match(line.text) for line in lines) else 0.0


READER: Final = Reader(ConfigFormat.STRONGSWAN_CONF, likeness, read)
