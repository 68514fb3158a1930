"""FortiOS: phase 1 of IPsec tunnels, as `show` and `show full-configuration` print it.

    config vpn ipsec phase1-interface
        edit "to-hub"
            set dpd on-idle
        next
    end

Fortinet community 192616, 260424 and 294932: on-demand, 3 probes 20 s apart are the defaults;
`disable` still answers; IKEv2 retransmits after 3, 6, 12, 24 and 48 s, whatever the retry count.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Final

from analyzers.configs.durations import spoken_s
from analyzers.configs.endpoints import EVERYONE, address
from analyzers.configs.formats import Reader
from analyzers.configs.fortios_tables import MAX_ENTRIES, Entry, Value, entries, statement
from analyzers.configs.lines import Line, within_limit
from analyzers.configs.profiles import Timers
from analyzers.configs.vendors import PROFILES
from analyzers.model.configuration import (
    ConfigFormat,
    Configuration,
    Connection,
    ConnectionKind,
    DpdSetting,
    IgnoredOption,
    Lifetime,
    LifetimeOf,
    NatKeepalive,
    RemotePeer,
)
from analyzers.model.policy import PolicyBasis, PolicyMode
from analyzers.model.records import Problem, ProblemKind, Ref

_PROFILES: Final = {1: PROFILES["fortios-ikev1"], 2: PROFILES["fortios-ikev2"]}
_MODES: Final = {
    "disable": PolicyMode.DISABLED,
    "on-idle": PolicyMode.ON_IDLE,
    "on-demand": PolicyMode.ON_DEMAND,
    # Before there was a choice; what triggered a probe is not documented.
    "enable": PolicyMode.UNKNOWN,
}
_INTERVAL_S: Final = 20.0
_COUNT: Final = 3
_KEYLIFE_S: Final = 86_400.0
_CHILD_KEYLIFE_S: Final = 43_200.0

_MAX_PROBLEMS: Final = 50

_PHASE1: Final = {
    "vpn ipsec phase1-interface": ConnectionKind.ROUTE_BASED,
    "vpn ipsec phase1": ConnectionKind.POLICY_BASED,
}
_PHASE2: Final = frozenset({"vpn ipsec phase2-interface", "vpn ipsec phase2"})
# Nothing else is kept of an entry, least of all its secrets.
_WANTED: Final = {
    **dict.fromkeys(
        _PHASE1,
        frozenset(
            (
                *("type", "interface", "ike-version", "remote-gw", "remote-gw6", "remotegw-ddns"),
                *("local-gw", "local-gw6", "dpd", "dpd-retrycount", "dpd-retryinterval"),
                *("keylife", "keepalive", "nattraversal", "auto-discovery-sender"),
            )
        ),
    ),
    **dict.fromkeys(_PHASE2, frozenset({"phase1name", "keylifeseconds"})),
    "system interface": frozenset({"ip"}),
    "system global": frozenset({"hostname"}),
}


def read(lines: Sequence[Line], source: str) -> Configuration:
    """The tunnels of a FortiOS configuration, or of a part of one."""
    lines, too_many = within_limit(lines, source)
    found = entries(lines, _WANTED)
    reader = _Reader(found, source)
    if len(found) >= MAX_ENTRIES:
        reader.problem(found[-1].line, f"more than {MAX_ENTRIES:,} entries; no more are read")
    for entry in found:
        if entry.table in _PHASE1:
            reader.phase1(entry)
        elif entry.table in _PHASE2:
            reader.phase2(entry)
    return Configuration(
        source=source,
        format=ConfigFormat.FORTIOS,
        first_line=lines[0].number if lines else 1,
        last_line=lines[-1].number if lines else 1,
        hostname=reader.hostname,
        addresses=tuple(reader.addresses),
        dpd=tuple(reader.dpd),
        connections=tuple(reader.connections),
        lifetimes=tuple(reader.lifetimes),
        nat_keepalive=reader.nat_keepalive,
        problems=(*too_many, *reader.problems),
    )


class _Reader:
    """Collects what each phase 1 says."""

    def __init__(self, found: Sequence[Entry], source: str) -> None:
        self._source = source
        self._interfaces = dict(_interface_addresses(found))
        self.hostname = next(
            (text for e in found if e.table == "system global" if (text := e.text("hostname"))),
            None,
        )
        local = (self._local(entry) for entry in found if entry.table in _PHASE1)
        self.addresses = dict.fromkeys(
            [*(text for text in local if text is not None), *self._interfaces.values()]
        )
        self.dpd: list[DpdSetting] = []
        self.connections: list[Connection] = []
        self.lifetimes: list[Lifetime] = []
        self.nat_keepalive: NatKeepalive | None = None
        self.problems: list[Problem] = []

    def phase1(self, entry: Entry) -> None:
        """Add one tunnel."""
        key = f"phase1 {entry.name}"
        version = 2 if entry.text("ike-version") == "2" else 1
        local = self._local(entry)
        remotes = self._remotes(entry)
        self.dpd.append(self._setting(entry, key, version, local, remotes))
        self.connections.append(
            Connection(
                name=key,
                kind=_kind(entry),
                ref=self._ref(entry.line),
                remotes=remotes,
                local=local,
                ike_version=version,
                profile=key,
                interface=entry.name
                if _PHASE1[entry.table] is ConnectionKind.ROUTE_BASED
                else entry.text("interface"),
            )
        )
        keylife = entry.values.get("keylife")
        seconds = self._number(keylife)
        self._lifetime(LifetimeOf.IKE, key, entry, keylife, seconds, _KEYLIFE_S)
        keepalive = entry.values.get("keepalive")
        interval_s = self._number(keepalive)
        if keepalive is not None and interval_s is not None and self.nat_keepalive is None:
            self.nat_keepalive = NatKeepalive(interval_s, self._ref(keepalive.line))

    def phase2(self, entry: Entry) -> None:
        """Add the lifetime of one phase 2."""
        life = entry.values.get("keylifeseconds")
        seconds = self._number(life)
        self._lifetime(
            LifetimeOf.CHILD, f"phase2 {entry.name}", entry, life, seconds, _CHILD_KEYLIFE_S
        )

    def _setting(
        self,
        entry: Entry,
        key: str,
        version: int,
        local: str | None,
        remotes: tuple[RemotePeer, ...],
    ) -> DpdSetting:
        dpd, count, interval = (
            entry.values.get(k) for k in ("dpd", "dpd-retrycount", "dpd-retryinterval")
        )
        mode = self._mode(dpd)
        counted = self._number(count)
        interval_s = self._interval_s(interval)
        profile = _PROFILES[version]
        own_count = _COUNT if counted is None else int(counted)
        timers = Timers(
            interval_s=_INTERVAL_S if interval_s is None else interval_s,
            retry_s=profile.defaults.retry_s,
            retries=own_count if version == 1 else profile.defaults.retries,
            backoff=profile.defaults.backoff,
        )
        written = [value for value in (dpd, count, interval) if value is not None]
        ref = self._ref(written[0].line if written else entry.line)
        policy = profile.policy(
            timers,
            _evidence(dpd, count, interval, mode, version),
            basis=PolicyBasis.CONFIG if written else PolicyBasis.DEFAULT,
            mode=mode,
            holder=local or next(iter(self.addresses), None) or self.hostname or "",
            ref=ref,
        )
        asks = policy.mode is not PolicyMode.DISABLED
        waits = profile.waits_s(timers) if asks else None
        ignored = []
        if version == 2 and count is not None and asks:
            why = "IKEv2 retransmits after 3, 6, 12, 24 and 48 s, whatever is set"
            ignored.append(IgnoredOption(str(count), why, self._ref(count.line)))
        return DpdSetting(
            scope=key,
            policy=policy,
            ref=ref,
            peers=tuple(peer.address for peer in remotes) or EVERYONE,
            local=local,
            ike_version=version,
            profile=key,
            explicit=bool(written),
            mode_explicit=dpd is not None,
            transmissions=len(waits) if waits else None,
            ignored=tuple(ignored),
        )

    def _mode(self, dpd: Value | None) -> PolicyMode:
        if dpd is None:
            return PolicyMode.ON_DEMAND
        mode = _MODES.get(dpd.text)
        if mode is None:
            self.problem(dpd.line, "dpd is disable, on-idle or on-demand; taken for on-demand")
            return PolicyMode.ON_DEMAND
        return mode

    def _interval_s(self, value: Value | None) -> float | None:
        """Seconds, and in older releases milliseconds behind them."""
        if value is None:
            return None
        whole, _, rest = value.text.partition(" ")
        seconds = self._number(Value(value.key, whole, value.line))
        milliseconds = self._number(Value(value.key, rest, value.line)) if rest else 0.0
        return None if seconds is None else seconds + (milliseconds or 0.0) / 1000

    def _remotes(self, entry: Entry) -> tuple[RemotePeer, ...]:
        if entry.text("type") == "dynamic":
            return ()
        keys = ("remotegw-ddns",) if entry.text("type") == "ddns" else ("remote-gw", "remote-gw6")
        for key in keys:
            value = entry.values.get(key)
            if value is not None and value.text not in ("", "0.0.0.0", "::"):
                return (RemotePeer(value.text, self._ref(value.line)),)
        return ()

    def _local(self, entry: Entry) -> str | None:
        for key in ("local-gw", "local-gw6"):
            text = entry.text(key)
            if text and text not in ("0.0.0.0", "::") and address(text) is not None:
                return text
        return self._interfaces.get(entry.text("interface") or "")

    def _lifetime(
        self,
        of: LifetimeOf,
        scope: str,
        entry: Entry,
        value: Value | None,
        seconds: float | None,
        default_s: float,
    ) -> None:
        line = entry.line if value is None or seconds is None else value.line
        life_s = default_s if seconds is None else seconds
        explicit = seconds is not None
        self.lifetimes.append(Lifetime(of, scope, life_s, self._ref(line), explicit=explicit))

    def _number(self, value: Value | None) -> float | None:
        if value is None:
            return None
        if value.text.isascii() and value.text.isdigit() and len(value.text) <= 9:
            return float(value.text)
        self.problem(value.line, f"{value.key} takes a number")
        return None

    def problem(self, line: int, detail: str) -> None:
        """Tell what cannot be used, up to a limit."""
        if len(self.problems) < _MAX_PROBLEMS:
            self.problems.append(Problem(ProblemKind.CONFIG_LINE, detail, self._ref(line)))

    def _ref(self, line: int) -> Ref:
        return Ref(self._source, line)


def _interface_addresses(found: Sequence[Entry]) -> Iterator[tuple[str, str]]:
    for entry in found:
        text = (entry.text("ip") or "").partition(" ")[0].partition("/")[0]
        if entry.table == "system interface" and text != "0.0.0.0" and address(text) is not None:
            yield entry.name, text


def _kind(entry: Entry) -> ConnectionKind:
    if entry.text("type") != "dynamic":
        return _PHASE1[entry.table]
    is_hub = entry.text("auto-discovery-sender") == "enable"
    return ConnectionKind.MULTIPOINT if is_hub else ConnectionKind.REMOTE_ACCESS


def _evidence(
    dpd: Value | None, count: Value | None, interval: Value | None, mode: PolicyMode, version: int
) -> str:
    if mode is PolicyMode.DISABLED:
        return f"{dpd}: asks nothing, still answers"
    said = [str(dpd) if dpd is not None else "dpd on-demand by default"]
    if version == 1:
        said.append(str(count) if count is not None else f"dpd-retrycount {_COUNT} by default")
    default = f"dpd-retryinterval {spoken_s(_INTERVAL_S)} by default"
    said.append(str(interval) if interval is not None else default)
    text = ", ".join(said)
    return text if version == 1 else f"{text}; IKEv2 gives up after 3+6+12+24+48 s"


_SURE: Final = re.compile(
    r"config (?:vpn ipsec phase[12](?:-interface)?|system (?:global|interface|admin)"
    r"|firewall (?:policy|address)|router (?:static|bgp|ospf|policy)|vdom|log \S{1,40} setting)$"
)
_LIKE: Final = re.compile(r"(?:config|edit|set|unset) \S|(?:next|end)$|#")


def likeness(lines: Sequence[Line]) -> float:
    """Share of lines that can be FortiOS configuration, where one opens a table of it."""
    texts = [text for line in lines if (text := statement(line.text))]
    if not any(_SURE.match(text) for text in texts):
        return 0.0
    inside = False
    like = 0
    for text in texts:
        like += inside or bool(_LIKE.match(text))
        # A certificate stands between quotes, over many lines.
        inside ^= text.replace('\\"', "").count('"') % 2 == 1
    return like / len(texts)


READER: Final = Reader(ConfigFormat.FORTIOS, likeness, read)
