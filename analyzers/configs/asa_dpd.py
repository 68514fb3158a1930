"""`isakmp keepalive` of ASA tunnel groups and of PIX.

The count of questions is documented in one place only, and not how long the last one is waited
for: three retransmissions, so the verdict comes after four waits, or after three.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from msgspec import Struct
from msgspec.structs import replace

from analyzers.configs.lines import Line, quoted, unusable
from analyzers.configs.sections import Section, after, is_address, number, starting
from analyzers.model.configuration import Connection, DpdSetting
from analyzers.model.policy import DpdPolicy, PolicyBasis, PolicyMode
from analyzers.model.records import Problem, Ref

L2L_DEFAULT: Final = (10, 2)
REMOTE_ACCESS_DEFAULT: Final = (300, 2)
RETRANSMISSIONS: Final = 3
THRESHOLD_RANGE: Final = range(10, 3601)
RETRY_RANGE: Final = range(2, 11)

_L2L_PARENT: Final = "DefaultL2LGroup"
ACCESS_PARENTS: Final = ("DefaultRAGroup", "DefaultWEBVPNGroup")
_ACCESS_TYPES: Final = ("remote-access", "ipsec-ra", "webvpn")


class Group(Struct, frozen=True):
    """One tunnel group; L2L groups are named by the address of their peer."""

    name: str
    remote_access: bool
    line: Line
    keepalive: Line | None


def tunnel_groups(found: Sequence[Section]) -> dict[str, Group]:
    """The tunnel groups by name."""
    groups: dict[str, Group] = {}
    for section in starting(found, "tunnel-group"):
        words = section.words
        if len(words) < 3:
            continue
        name = words[1]
        known = groups.get(name, Group(name, name in ACCESS_PARENTS, section.line, None))
        remote_access, keepalive = known.remote_access, known.keepalive
        if words[2] == "type":
            remote_access = words[3:4] != [] and words[3] in _ACCESS_TYPES
        for line in section.children:
            if line.words[:2] == ["isakmp", "keepalive"]:
                keepalive = line
        groups[name] = Group(name, remote_access, known.line, keepalive)
    return groups


def dpd_settings(
    found: Sequence[Section],
    groups: dict[str, Group],
    connections: Sequence[Connection],
    holder: str,
    source: str,
) -> tuple[tuple[DpdSetting, ...], list[Problem]]:
    """DPD settings, and the lines that cannot be meant."""
    reader = _KeepaliveReader(groups, holder, source)
    settings = [reader.setting(group) for group in groups.values()]
    settings += [reader.pix(section.line) for section in starting(found, "isakmp", "keepalive")]
    # Peers without a group of their own land in the default one.
    if connections and _L2L_PARENT not in groups and not any(s.profile is None for s in settings):
        settings.append(reader.setting(Group(_L2L_PARENT, False, _at(connections[0]), None)))
    return tuple(settings), reader.problems


def _at(connection: Connection) -> Line:
    return Line(connection.ref.record, "")


class _KeepaliveReader:
    """`isakmp keepalive` of tunnel groups, which inherit from the default group of their kind."""

    def __init__(self, groups: dict[str, Group], holder: str, source: str) -> None:
        self._groups = groups
        self._holder = holder
        self._source = source
        self.problems: list[Problem] = []

    def setting(self, group: Group) -> DpdSetting:
        """The setting of a tunnel group, its own, inherited, or the default of the device."""
        line = group.keepalive
        parent = self._groups.get(ACCESS_PARENTS[0] if group.remote_access else _L2L_PARENT)
        inherited = line is None and parent is not None and parent.keepalive is not None
        if inherited and parent is not None:
            line = parent.keepalive
        default = REMOTE_ACCESS_DEFAULT if group.remote_access else L2L_DEFAULT
        base = DpdSetting(
            scope=f"tunnel-group {group.name}",
            policy=self._disabled("", Ref(self._source, group.line.number)),
            ref=Ref(self._source, (line or group.line).number),
            peers=(group.name,) if is_address(group.name) else (),
            profile=None if group.name == _L2L_PARENT else f"tunnel-group {group.name}",
            explicit=line is not None,
        )
        return self._read(base, line, default, inherited=inherited)

    def pix(self, line: Line) -> DpdSetting:
        """`isakmp keepalive SECONDS [RETRY]` of PIX 6, for every peer."""
        words = line.words
        threshold, retry = number(" ".join(words[2:3])), number(" ".join(words[3:4]))
        ref = Ref(self._source, line.number)
        if threshold is None:
            self.problems.append(unusable(line, self._source, "a keepalive without seconds"))
            return DpdSetting("global", self._disabled(quoted(line), ref), ref, ike_version=1)
        readings = self._readings(threshold, retry or L2L_DEFAULT[1], quoted(line), ref)
        return _with(DpdSetting("global", readings[0], ref, ike_version=1), readings)

    def _read(
        self, base: DpdSetting, line: Line | None, default: tuple[int, int], *, inherited: bool
    ) -> DpdSetting:
        said = f"{base.scope}: no keepalive configured, the default of its kind"
        if line is not None:
            said = quoted(line) + (" of the default group" if inherited else "")
        words = [] if line is None else line.words
        basis = PolicyBasis.DEFAULT if line is None else PolicyBasis.CONFIG
        threshold, retry = default
        if "disable" in words or words[:2] == ["no", "isakmp"]:
            policy = self._disabled(f"{said}: off, and DPD is not even offered", base.ref, basis)
            return _with(base, [policy], answers=False)
        if after(words, "threshold") == "infinite":
            policy = self._disabled(f"{said}: answers, but never asks", base.ref, basis)
            return _with(base, [policy])
        if line is not None:
            threshold = number(after(words, "threshold")) or threshold
            retry = number(after(words, "retry")) or retry
            self._check(line, threshold, retry)
        return _with(base, self._readings(threshold, retry, said, base.ref, basis))

    def _check(self, line: Line, threshold: int, retry: int) -> None:
        if threshold not in THRESHOLD_RANGE:
            detail = f"a threshold of {threshold} s: the device takes 10 to 3600 s"
            self.problems.append(unusable(line, self._source, detail))
        if retry not in RETRY_RANGE:
            detail = f"a retry of {retry} s: the device takes 2 to 10 s"
            self.problems.append(unusable(line, self._source, detail))

    def _readings(
        self,
        threshold: int,
        retry: int,
        said: str,
        ref: Ref,
        basis: PolicyBasis = PolicyBasis.CONFIG,
    ) -> list[DpdPolicy]:
        def reading(waits: int, text: str) -> DpdPolicy:
            return DpdPolicy(
                holder=self._holder,
                profile="cisco-asa",
                mode=PolicyMode.ON_IDLE,
                interval_s=float(threshold),
                retry_s=float(retry),
                retries=RETRANSMISSIONS,
                basis=basis,
                worst_case_s=float(threshold + waits * retry),
                evidence=f"{said}: {text}",
                ref=ref,
                waits_s=(float(retry),) * waits,
            )

        return [
            reading(RETRANSMISSIONS + 1, "a question and three retransmissions, each waited for"),
            reading(RETRANSMISSIONS, "the verdict at the third retransmission"),
        ]

    def _disabled(
        self, evidence: str, ref: Ref, basis: PolicyBasis = PolicyBasis.CONFIG
    ) -> DpdPolicy:
        return DpdPolicy(
            holder=self._holder,
            profile="cisco-asa",
            mode=PolicyMode.DISABLED,
            interval_s=None,
            retry_s=None,
            retries=None,
            basis=basis,
            worst_case_s=None,
            evidence=evidence,
            ref=ref,
        )


def _with(base: DpdSetting, readings: list[DpdPolicy], *, answers: bool = True) -> DpdSetting:
    asks = readings[0].mode is not PolicyMode.DISABLED
    return replace(
        base,
        policy=readings[0],
        alternatives=tuple(readings[1:]),
        answers=answers,
        transmissions=RETRANSMISSIONS + 1 if asks else None,
    )
