"""`crypto isakmp keepalive`, `crypto ikev2 dpd` and their forms in profiles, Cisco IOS and IOS XE.

Cisco's guide "IPsec Dead Peer Detection Periodic Message Option" gives the ranges and defaults.
It counts retries in two ways ("five retries can be missed"; a debug of five transmissions, the
first included), and its IOS XE edition calls the second argument a number of retries. The readings
that are not used are kept beside the one that is.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NamedTuple

from analyzers.configs.lines import Line, quoted, unusable
from analyzers.configs.sections import number
from analyzers.model.configuration import DpdSetting
from analyzers.model.policy import DpdPolicy, PolicyBasis, PolicyMode
from analyzers.model.records import Problem, Ref

PROFILES: Final = {1: "cisco-ios", 2: "cisco-ios-ikev2"}
TRANSMISSIONS: Final = 5
DEFAULT_RETRY_S: Final = 2
INTERVAL_RANGE: Final = range(10, 3601)
RETRY_RANGE: Final = range(2, 61)

_COUNTED_BY: Final = "as Cisco's debug shows"
_MODES: Final = {"periodic": PolicyMode.PERIODIC, "on-demand": PolicyMode.ON_DEMAND}


class Timers(NamedTuple):
    """The arguments of a DPD command as written; None where one is absent."""

    interval_s: int
    second: int | None
    mode: PolicyMode | None
    named: bool = False
    """The word "retry" stands before the second: then it is no count."""


def timers(arguments: Sequence[str]) -> Timers | None:
    """`seconds [retry] [periodic | on-demand]`; the word "retry" may stand before the second."""
    words = [word for word in arguments if word != "retry"]
    mode = next((_MODES[word] for word in words if word in _MODES), None)
    values = [number(word) for word in words if word not in _MODES]
    if not values or values[0] is None:
        return None
    second = values[1] if len(values) > 1 else None
    return Timers(values[0], second, mode, named="retry" in arguments)


def out_of_range(found: Timers, line: Line, source: str) -> list[Problem]:
    """What the device would refuse; 0 switches DPD off and is no mistake."""
    problems = []
    if found.interval_s and found.interval_s not in INTERVAL_RANGE:
        detail = f"an interval of {found.interval_s} s: the device takes 10 to 3600 s"
        problems.append(unusable(line, source, detail))
    if found.second and found.second not in RETRY_RANGE:
        detail = f"a retry of {found.second} s: the device takes 2 to 60 s"
        problems.append(unusable(line, source, detail))
    return problems


class Target(NamedTuple):
    """What a DPD command is for."""

    scope: str
    ike_version: int
    holder: str
    peers: tuple[str, ...] = ()
    local: str | None = None
    profile: str | None = None


def setting(found: Timers, target: Target, line: Line, source: str) -> DpdSetting:
    """What a DPD command sets, with the readings that were not used beside it."""
    ref = Ref(source, line.number)
    if found.interval_s:
        policy, *others = _readings(found, target, line, ref)
    else:
        evidence = f"{quoted(line)}: an interval of 0 is off"
        policy, others = _disabled(target.ike_version, target.holder, evidence, ref), []
    return DpdSetting(
        scope=target.scope,
        policy=policy,
        ref=ref,
        peers=target.peers,
        local=target.local,
        ike_version=target.ike_version,
        profile=target.profile,
        mode_explicit=found.mode is not None,
        transmissions=TRANSMISSIONS if found.interval_s else None,
        alternatives=tuple(others),
    )


def never_asks(ike_version: int, holder: str, ref: Ref) -> DpdSetting:
    """The default: the device answers, and asks nothing."""
    command = "crypto isakmp keepalive" if ike_version == 1 else "crypto ikev2 dpd"
    evidence = f"there is no '{command}': the device answers, but never asks by itself"
    return DpdSetting(
        scope="default",
        policy=_disabled(ike_version, holder, evidence, ref, PolicyBasis.DEFAULT),
        ref=ref,
        ike_version=ike_version,
        explicit=False,
    )


def _readings(found: Timers, target: Target, line: Line, ref: Ref) -> list[DpdPolicy]:
    given_s = found.second or DEFAULT_RETRY_S
    mode = "" if found.mode is not None else "; no mode written, so on-demand"
    is_clear = found.named or target.ike_version == 2
    if not found.second:
        second = f"retry of {DEFAULT_RETRY_S} s by default"
    else:
        second = "retry seconds" if is_clear else "second argument read as retry seconds"

    def reading(retry_s: int, transmissions: int, text: str, uncounted: int = 0) -> DpdPolicy:
        return DpdPolicy(
            holder=target.holder,
            profile=PROFILES[target.ike_version],
            mode=found.mode or PolicyMode.ON_DEMAND,
            interval_s=float(found.interval_s),
            retry_s=float(retry_s),
            retries=transmissions - uncounted,
            basis=PolicyBasis.CONFIG,
            worst_case_s=float(found.interval_s + transmissions * retry_s),
            evidence=f"{quoted(line)}: {text}{mode}",
            ref=ref,
            waits_s=(float(retry_s),) * transmissions,
        )

    readings = [
        reading(given_s, TRANSMISSIONS, f"{second}; {TRANSMISSIONS} transmissions, {_COUNTED_BY}"),
        reading(given_s, TRANSMISSIONS + 1, f"{second}; a first question and 5 retries", 1),
    ]
    if found.second and not is_clear:
        text = f"second argument read as a number of questions, {DEFAULT_RETRY_S} s apart"
        readings.append(reading(DEFAULT_RETRY_S, found.second, text))
    return readings


def _disabled(
    ike_version: int,
    holder: str,
    evidence: str,
    ref: Ref,
    basis: PolicyBasis = PolicyBasis.CONFIG,
) -> DpdPolicy:
    return DpdPolicy(
        holder=holder,
        profile=PROFILES[ike_version],
        mode=PolicyMode.DISABLED,
        interval_s=None,
        retry_s=None,
        retries=None,
        basis=basis,
        worst_case_s=None,
        evidence=evidence,
        ref=ref,
    )
