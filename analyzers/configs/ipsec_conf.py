"""ipsec.conf: connections of strongSwan (stroke), Libreswan and Openswan.

The three share the file and differ in what its options mean. Which one it is for is told by options
that only one of them knows; how it was told is in the evidence of each policy.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from enum import StrEnum
from typing import Final

from analyzers.configs import charon, pluto
from analyzers.configs.durations import duration_s
from analyzers.configs.endpoints import EVERYONE, Scope, endpoints, one_address
from analyzers.configs.formats import Reader
from analyzers.configs.ipsec_sections import Conn, IpsecConf, Option, parse
from analyzers.configs.lines import Line, within_limit
from analyzers.model.configuration import (
    ConfigFormat,
    Configuration,
    Connection,
    ConnectionKind,
    DpdSetting,
    IgnoredOption,
    Lifetime,
    LifetimeOf,
    RemotePeer,
)
from analyzers.model.records import Problem, ProblemKind, Ref


class Daemon(StrEnum):
    """Whose ipsec.conf it is."""

    STRONGSWAN = "strongSwan"
    LIBRESWAN = "Libreswan"
    OPENSWAN = "Openswan"


# Options that only one of them knows; those of pluto are Libreswan's unless there is more of
# Openswan's.
_CHARON: Final = re.compile(
    r"charondebug|charonstart|plutostart|cachecrls|closeaction|installpolicy|inactivity|me-peerid"
    r"|(?:left|right)(?:auth2|ca2|id2|cert2|firewall|hostaccess|dns|groups2)|mediat(?:ion|ed-by)"
    r"|eap-identity|xauth-identity|aaa-identity"
)
_PLUTO: Final = re.compile(
    r"phase2(?:alg)?|salifetime|ikev2|virtual-private|dumpdir|plutodebug|protostack|sha2-truncbug"
    r"|modecfg(?:pull|dns\d?|domain|banner)|(?:left|right)(?:xauth|modecfg)(?:server|client)"
    r"|(?:left|right)rsasigkey|xauthby|labeled-ipsec|policy-label"
)
_LIBRESWAN: Final = re.compile(
    r"retransmit-(?:timeout|interval)|encapsulation|ipsec-(?:lifetime|interface)|narrowing|nssdir"
    r"|vti-(?:interface|routing|shared)|(?:left|right)?addresspool|logfile|initial-contact"
    r"|cisco-unity|nic-offload|nat-keepalive|ikepad|dnssec-enable|(?:host|client)addrfamily"
    r"|(?:left|right)(?:interface-ip|vti|ckaid)|ocsp-\w{1,20}|crl-strict|ddos-\w{1,20}"
)
_OPENSWAN: Final = re.compile(r"nat-traversal|oe|force-keepalive|plutoopts|nhelpers|keep-alive")
# strongSwan: ipsec.conf(5).
_CHARON_DELAY_S: Final = 30.0
_CHARON_TIMEOUT_S: Final = 150.0
# IKE and Child SA. Libreswan: ikelifetime.xml, ipsec-lifetime.xml; it had 1 h for IKE before 4.2.
_LIFETIMES: Final = {
    Daemon.STRONGSWAN: (3 * 3600.0, 3600.0),
    Daemon.LIBRESWAN: (8 * 3600.0, 8 * 3600.0),
    Daemon.OPENSWAN: (3600.0, 8 * 3600.0),
}

_VERSIONS: Final = {"ike": (2, 1), "ikev1": (1,), "ikev2": (2,)}
_PLUTO_IKEV2: Final = {
    "no": (1,),
    "never": (1,),
    "permit": (1,),
    "yes": (2,),
    "propose": (2,),
    "insist": (2,),
}
_NO_TUNNEL: Final = frozenset({"passthrough", "pass", "drop", "reject"})
_ROUTED: Final = ("mark", "mark-in", "mark-out", "vti-interface", "ipsec-interface")
_HANDS_OUT: Final = ("rightsourceip", "rightaddresspool")
_IKE_LIFETIME: Final = ("ikelifetime",)
_CHILD_LIFETIME: Final = ("lifetime", "keylife", "salifetime", "ipsec-lifetime")
_MAX_PROBLEMS: Final = 50


def read(lines: Sequence[Line], source: str) -> Configuration:
    """The connections of an ipsec.conf."""
    lines, too_many = within_limit(lines, source)
    found = parse(lines, source)
    reader = _Reader(found, source)
    for conn in found.connections:
        reader.connection(conn)
    return Configuration(
        source=source,
        format=ConfigFormat.IPSEC_CONF,
        first_line=lines[0].number if lines else 1,
        last_line=lines[-1].number if lines else 1,
        addresses=tuple(reader.addresses),
        dpd=tuple(reader.dpd),
        connections=tuple(reader.connections),
        lifetimes=tuple(reader.lifetimes),
        problems=(*too_many, *found.problems, *reader.problems),
    )


def daemon_of(found: IpsecConf) -> tuple[Daemon, str]:
    """Whose file it is, and how that is known."""
    options = {
        option.line: option
        for every in (found.setup, *(conn.options for conn in found.connections))
        for option in every.values()
    }

    def marks(pattern: re.Pattern[str]) -> list[Option]:
        return [option for option in options.values() if pattern.fullmatch(option.key)]

    of_charon, libreswan, openswan = marks(_CHARON), marks(_LIBRESWAN), marks(_OPENSWAN)
    of_pluto = [*marks(_PLUTO), *libreswan, *openswan]
    if found.has_authorities:
        return Daemon.STRONGSWAN, "it has a ca section"
    if not of_charon and not of_pluto:
        return Daemon.STRONGSWAN, "nothing in it says Libreswan or Openswan"
    if len(of_charon) >= len(of_pluto):
        return Daemon.STRONGSWAN, _first(of_charon)
    if len(openswan) > len(libreswan):
        return Daemon.OPENSWAN, _first(openswan)
    return Daemon.LIBRESWAN, _first(libreswan or of_pluto)


def _first(marks: Sequence[Option]) -> str:
    first = min(marks, key=lambda option: option.line)
    return f"{first.key} in line {first.line}"


class _Reader:
    """Collects what each connection says to the daemon that it is for."""

    def __init__(self, found: IpsecConf, source: str) -> None:
        self._source = source
        self._daemon, why = daemon_of(found)
        self._reading = f"read as {self._daemon} ({why}): "
        self._told: set[tuple[int, str]] = set()
        self.addresses: dict[str, None] = {}
        self.dpd: list[DpdSetting] = []
        self.connections: list[Connection] = []
        self.lifetimes: list[Lifetime] = []
        self.problems: list[Problem] = []

    def connection(self, conn: Conn) -> None:
        """Add one connection, unless it names no peer or only lets traffic pass."""
        here, there = _ends(conn)
        if there not in conn.options or conn.text("type") in _NO_TUNNEL:
            return
        locals_ = endpoints(conn.text(here) or "")
        remotes = endpoints(conn.text(there) or "")
        self.addresses.update(dict.fromkeys(locals_))
        key = f"connection {conn.name}"
        local = one_address(locals_)
        scope = Scope(key, key, remotes or EVERYONE, local, locals_[0] if locals_ else "")
        versions = self._versions(conn)
        if self._daemon is Daemon.STRONGSWAN:
            self.dpd += charon.settings(self._of_charon(conn), scope, versions, None)
        else:
            written = self._of_pluto(conn)
            is_openswan = self._daemon is Daemon.OPENSWAN
            for version in versions:
                made = pluto.setting(
                    written, scope, version, is_openswan=is_openswan, source=self._source
                )
                self.dpd.append(made)
        single = next((name for name in remotes if "/" not in name), None)
        remote_line = conn.options[there].line
        self.connections.append(
            Connection(
                name=key,
                kind=_kind(conn, remotes),
                ref=self._ref(conn.line),
                remotes=() if single is None else (RemotePeer(single, self._ref(remote_line)),),
                local=local,
                ike_version=versions[0] if len(versions) == 1 else None,
                profile=key,
                interface=conn.text("vti-interface"),
            )
        )
        self._lifetimes(conn, key)

    def _versions(self, conn: Conn) -> tuple[int, ...]:
        exchange = (conn.text("keyexchange") or "").lower()
        if self._daemon is Daemon.STRONGSWAN:
            return _VERSIONS.get(exchange, _VERSIONS["ike"])
        if exchange in ("ikev1", "ikev2"):
            return _VERSIONS[exchange]
        default = "no" if self._daemon is Daemon.OPENSWAN else "yes"
        return _PLUTO_IKEV2.get((conn.text("ikev2") or default).lower(), _PLUTO_IKEV2[default])

    def _of_charon(self, conn: Conn) -> charon.Written:
        action, delay, timeout = (conn.options.get(k) for k in ("dpdaction", *_DPD_TIMES))
        wanted_s = self._seconds(delay)
        timeout_s = self._seconds(timeout)
        delay_s = _CHARON_DELAY_S if wanted_s is None else wanted_s
        delay_said = f"dpddelay={_CHARON_DELAY_S:g}s by default" if delay is None else str(delay)
        is_off = action is None or action.value == "none"
        said = "dpdaction=none by default" if action is None else str(action)
        anchor = action if is_off else delay or action
        unused = [o for o in (delay, timeout) if o is not None and is_off]
        return charon.Written(
            delay_s=0.0 if is_off else delay_s,
            delay_option=said if is_off else f"{said}, {delay_said}",
            ref=self._ref(conn.line if anchor is None else anchor.line),
            explicit=action is not None or bool(unused),
            timeout_s=_CHARON_TIMEOUT_S if timeout_s is None and not is_off else timeout_s,
            timeout_option=f"dpdtimeout={_CHARON_TIMEOUT_S:g}s by default"
            if timeout is None
            else str(timeout),
            timeout_ref=None if timeout is None or is_off else self._ref(timeout.line),
            action=None if action is None else action.value,
            reading=self._reading,
            unused=tuple(
                IgnoredOption(str(o), f"with {said} nothing is asked", self._ref(o.line), off=True)
                for o in unused
            ),
        )

    def _of_pluto(self, conn: Conn) -> pluto.Written:
        return pluto.Written(
            line=conn.line,
            reading=self._reading,
            delay=self._time(conn, "dpddelay"),
            timeout=self._time(conn, "dpdtimeout"),
            action=conn.options.get("dpdaction"),
            first_gap=self._time(conn, "retransmit-interval", "ms"),
            retransmit=self._time(conn, "retransmit-timeout"),
        )

    def _lifetimes(self, conn: Conn, scope: str) -> None:
        ike_s, child_s = _LIFETIMES[self._daemon]
        for of, keys, default_s in (
            (LifetimeOf.IKE, _IKE_LIFETIME, ike_s),
            (LifetimeOf.CHILD, _CHILD_LIFETIME, child_s),
        ):
            option = next((conn.options[key] for key in keys if key in conn.options), None)
            seconds = self._seconds(option)
            line = conn.line if option is None or seconds is None else option.line
            self.lifetimes.append(
                Lifetime(
                    of,
                    scope,
                    default_s if seconds is None else seconds,
                    self._ref(line),
                    explicit=seconds is not None,
                )
            )

    def _time(self, conn: Conn, key: str, unit: str = "s") -> pluto.Time | None:
        option = conn.options.get(key)
        seconds = self._seconds(option, unit)
        return None if option is None or seconds is None else pluto.Time(option, seconds)

    def _seconds(self, option: Option | None, unit: str = "s") -> float | None:
        if option is None:
            return None
        seconds = duration_s(option.value, unit)
        known = (option.line, option.key)
        if seconds is None and known not in self._told and len(self._told) < _MAX_PROBLEMS:
            self._told.add(known)
            detail = f"{option.key} takes a time such as 30s, 5m or 1h"
            problem = Problem(ProblemKind.CONFIG_LINE, detail, self._ref(option.line))
            self.problems.append(problem)
        return seconds

    def _ref(self, line: int) -> Ref:
        return Ref(self._source, line)


_DPD_TIMES: Final = ("dpddelay", "dpdtimeout")


def _ends(conn: Conn) -> tuple[str, str]:
    """The keys of this end and of the other.

    The daemons look which address they have; what is looked up is this end, else the left one.
    """
    right = conn.text("right") or ""
    return ("right", "left") if right.startswith("%default") else ("left", "right")


def _kind(conn: Conn, remotes: tuple[str, ...]) -> ConnectionKind:
    if not remotes or any(conn.text(key) for key in _HANDS_OUT):
        return ConnectionKind.REMOTE_ACCESS
    if any(conn.text(key) for key in _ROUTED):
        return ConnectionKind.ROUTE_BASED
    return ConnectionKind.POLICY_BASED


_SURE: Final = re.compile(r"(?:conn [\w%.-]{1,80}|config setup)\s*(?:#.*)?$")
_LIKE: Final = re.compile(r"\s*[a-zA-Z][\w-]{1,40}\s{0,10}=|(?:ca|include|version)\s")


def likeness(lines: Sequence[Line]) -> float:
    """Share of lines that can be of an ipsec.conf, where one opens a section of it."""
    texts = [line.text for line in lines if line.text.strip() and line.text.lstrip()[0] != "#"]
    sure = sum(bool(_SURE.match(text)) for text in texts)
    return (sure + sum(bool(_LIKE.match(text)) for text in texts)) / len(texts) if sure else 0.0


READER: Final = Reader(ConfigFormat.IPSEC_CONF, likeness, read)
