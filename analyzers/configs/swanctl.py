"""swanctl.conf: connections of strongSwan, their DPD options, ends and lifetimes (swanctl.opt)."""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import islice
from typing import Final

from analyzers.configs import charon
from analyzers.configs.durations import duration_s
from analyzers.configs.endpoints import EVERYONE, Scope, endpoints, one_address
from analyzers.configs.formats import Reader
from analyzers.configs.lines import Line, within_limit
from analyzers.configs.settings_tree import Setting, View, parse, share
from analyzers.configs.strongswan_conf import daemon_options
from analyzers.model.configuration import (
    ConfigFormat,
    Configuration,
    Connection,
    ConnectionKind,
    DpdSetting,
    Lifetime,
    LifetimeOf,
    RemotePeer,
    Retransmission,
)
from analyzers.model.records import Problem, ProblemKind, Ref

# swanctl.opt: connections.<conn>.rekey_time, connections.<conn>.children.<child>.rekey_time.
_IKE_REKEY_S: Final = 4 * 3600.0
_CHILD_REKEY_S: Final = 3600.0
# Hard lifetimes are longer than the rekey time by this share, unless they are written.
_OVER: Final = 0.1

_MAX_CONNECTIONS: Final = 5_000
# Of each, for actions and lifetimes.
_MAX_CHILDREN: Final = 50
_MAX_PROBLEMS: Final = 50
# A version of 0 takes both, and initiates with IKEv2.
_VERSIONS: Final = {"0": (2, 1), "1": (1,), "2": (2,)}
_NO_TUNNEL: Final = frozenset({"pass", "drop"})
_ROUTED: Final = ("if_id_in", "if_id_out", "mark_in", "mark_out")


def read(lines: Sequence[Line], source: str) -> Configuration:
    """The connections of a swanctl.conf; options of charon in the same text are heeded."""
    lines, too_many = within_limit(lines, source)
    tree = parse(lines, source)
    retransmission, keepalive, refused = daemon_options(tree, source)
    reader = _Reader(source, retransmission)
    connections = tree.view("connections")
    if connections is not None:
        for name, view in islice(connections.sections(), _MAX_CONNECTIONS):
            reader.connection(name, view)
        for _, view in islice(connections.sections(), _MAX_CONNECTIONS, _MAX_CONNECTIONS + 1):
            reader.problem(view.line, f"more than {_MAX_CONNECTIONS:,} connections")
    return Configuration(
        source=source,
        format=ConfigFormat.SWANCTL,
        first_line=lines[0].number if lines else 1,
        last_line=lines[-1].number if lines else 1,
        addresses=tuple(reader.addresses),
        dpd=tuple(reader.dpd),
        connections=tuple(reader.connections),
        lifetimes=tuple(reader.lifetimes),
        nat_keepalive=keepalive,
        retransmission=retransmission,
        problems=(*too_many, *tree.problems, *refused, *reader.problems),
    )


class _Reader:
    """Collects what each connection says."""

    def __init__(self, source: str, retransmission: Retransmission | None) -> None:
        self._source = source
        self._retransmission = retransmission
        self.addresses: dict[str, None] = {}
        self.dpd: list[DpdSetting] = []
        self.connections: list[Connection] = []
        self.lifetimes: list[Lifetime] = []
        self.problems: list[Problem] = []

    def connection(self, name: str, view: View) -> None:
        """Add one connection, unless it only lets traffic pass or drops it."""
        below = view.at(("children",))
        children = [] if below is None else list(islice(below.sections(), _MAX_CHILDREN))
        if children and all(_value(child, "mode") in _NO_TUNNEL for _, child in children):
            return
        key = f"connection {name}"
        locals_ = endpoints(_value(view, "local_addrs") or "")
        self.addresses.update(dict.fromkeys(locals_))
        remotes = endpoints(_value(view, "remote_addrs") or "")
        local = one_address(locals_)
        versions = self._versions(view)
        scope = Scope(
            name=key,
            profile=key,
            peers=remotes or EVERYONE,
            local=local,
            holder=locals_[0] if locals_ else "",
        )
        written = self._written(view, [child for _, child in children])
        self.dpd += charon.settings(written, scope, versions, self._retransmission)
        self.connections.append(
            Connection(
                name=key,
                kind=_kind(view, [child for _, child in children]),
                ref=self._ref(view.line),
                remotes=self._remotes(view, remotes),
                local=local,
                ike_version=versions[0] if len(versions) == 1 else None,
                profile=key,
                interface=None,
            )
        )
        self._ike_lifetime(key, view)
        for child_name, child in children:
            self._child_lifetime(f"child {name}.{child_name}", child)

    def _versions(self, view: View) -> tuple[int, ...]:
        setting = view.get("version")
        if setting is None:
            return _VERSIONS["0"]
        if setting.value not in _VERSIONS:
            self.problem(setting.line, "a version is 0, 1 or 2; taken for 0")
        return _VERSIONS.get(setting.value, _VERSIONS["0"])

    def _written(self, view: View, children: Sequence[View]) -> charon.Written:
        delay, timeout = view.get("dpd_delay"), view.get("dpd_timeout")
        delay_s = self._seconds(delay)
        timeout_s = self._seconds(timeout)
        actions = (_value(child, "dpd_action") for child in children)
        return charon.Written(
            delay_s=delay_s or 0.0,
            delay_option=str(delay) if delay_s is not None else "dpd_delay = 0s by default",
            ref=self._ref(delay.line if delay is not None else view.line),
            explicit=delay_s is not None,
            timeout_s=timeout_s,
            timeout_option=str(timeout) if timeout_s is not None else "",
            timeout_ref=None if timeout is None else self._ref(timeout.line),
            action=", ".join(dict.fromkeys(a for a in actions if a is not None)) or None,
        )

    def _remotes(self, view: View, remotes: tuple[str, ...]) -> tuple[RemotePeer, ...]:
        """The first single address or name: charon turns to no other by itself."""
        setting = view.get("remote_addrs")
        single = next((name for name in remotes if "/" not in name), None)
        if setting is None or single is None:
            return ()
        return (RemotePeer(single, self._ref(setting.line)),)

    def _ike_lifetime(self, scope: str, view: View) -> None:
        rekey, reauth = view.get("rekey_time"), view.get("reauth_time")
        reauth_s = self._seconds(reauth) or 0.0
        rekey_s = self._seconds(rekey)
        if rekey_s is None:
            rekey_s = 0.0 if reauth_s else _IKE_REKEY_S
        soft_s = max(rekey_s, reauth_s)
        over_s = self._seconds(view.get("over_time"))
        total_s = soft_s + (soft_s * _OVER if over_s is None else over_s)
        self._lifetime(LifetimeOf.IKE, scope, view, rekey or reauth, total_s if soft_s else 0.0)

    def _child_lifetime(self, scope: str, child: View) -> None:
        rekey, life = child.get("rekey_time"), child.get("life_time")
        rekey_s = self._seconds(rekey)
        life_s = self._seconds(life)
        if life_s is None:
            life_s = (_CHILD_REKEY_S if rekey_s is None else rekey_s) * (1 + _OVER)
        self._lifetime(LifetimeOf.CHILD, scope, child, life or rekey, life_s)

    def _lifetime(
        self, of: LifetimeOf, scope: str, view: View, setting: Setting | None, seconds: float
    ) -> None:
        if seconds:
            line = view.line if setting is None else setting.line
            self.lifetimes.append(
                Lifetime(
                    of, scope, round(seconds, 3), self._ref(line), explicit=setting is not None
                )
            )

    def _seconds(self, setting: Setting | None) -> float | None:
        """A duration in seconds; a problem where it is none."""
        if setting is None:
            return None
        seconds = duration_s(setting.value)
        if seconds is None:
            self.problem(setting.line, f"{setting.key} takes a time such as 30s, 5m or 1h")
        return seconds

    def problem(self, line: int, detail: str) -> None:
        """Tell what cannot be used, up to a limit."""
        if len(self.problems) < _MAX_PROBLEMS:
            self.problems.append(Problem(ProblemKind.CONFIG_LINE, detail, self._ref(line)))

    def _ref(self, line: int) -> Ref:
        return Ref(self._source, line)


def _value(view: View, key: str) -> str | None:
    found = view.get(key)
    return None if found is None else found.value


def _kind(view: View, children: Sequence[View]) -> ConnectionKind:
    if _value(view, "pools") or _value(view, "vips"):
        return ConnectionKind.REMOTE_ACCESS
    if any(_value(part, key) for part in (view, *children) for key in _ROUTED):
        return ConnectionKind.ROUTE_BASED
    return ConnectionKind.POLICY_BASED


_SURE: Final = re.compile(r"\s*connections\s*\{|\s*(?:remote|local)_addrs\s*=|\s*dpd_delay\s*=")


def likeness(lines: Sequence[Line]) -> float:
    """Share of lines in the settings syntax, where one can only be of a connection."""
    return share(lines) if any(_SURE.match(line.text) for line in lines) else 0.0


READER: Final = Reader(ConfigFormat.SWANCTL, likeness, read)
