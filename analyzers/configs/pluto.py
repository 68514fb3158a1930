"""Libreswan and Openswan: the policy that the options of a connection make.

IKEv1 needs both `dpddelay` and `dpdtimeout`; the timeout runs from the first unanswered question.
IKEv2 gives up by retransmission: gaps that double from `retransmit-interval` until
`retransmit-timeout` is reached, whose default went from 60 to 30 s with Libreswan 5.4.
Sources: Libreswan d.ipsec.conf/*.xml, retransmit.c, pluto_constants.h; Openswan docs/README.DPD.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from msgspec import Struct
from msgspec.structs import replace

from analyzers.configs.durations import spoken_s
from analyzers.configs.endpoints import Scope
from analyzers.configs.ipsec_sections import Option
from analyzers.configs.profiles import Timers, VendorProfile
from analyzers.configs.vendors import PROFILES
from analyzers.model.configuration import DpdSetting, IgnoredOption
from analyzers.model.policy import PolicyBasis
from analyzers.model.records import Ref

IKEV1: Final = PROFILES["libreswan-ikev1"]
IKEV2: Final = PROFILES["libreswan-ikev2"]
IKEV2_SINCE_5_4: Final = PROFILES["libreswan-5.4-ikev2"]
OPENSWAN: Final = PROFILES["openswan"]

# Openswan: what the other one is where only one of the two is written.
_OPENSWAN_DELAY_S: Final = 30.0
_OPENSWAN_TIMEOUT_S: Final = 120.0


class Time(Struct, frozen=True):
    """An option that is a duration."""

    option: Option
    seconds: float

    def __str__(self) -> str:
        """As evidence cites it."""
        return str(self.option)


class Written(Struct, frozen=True):
    """The options of one connection that matter to DPD; None where one is absent."""

    line: int
    """That opens the connection."""
    reading: str
    """How the product was recognised."""
    delay: Time | None = None
    timeout: Time | None = None
    action: Option | None = None
    first_gap: Time | None = None
    """`retransmit-interval`"""
    retransmit: Time | None = None
    """`retransmit-timeout`"""


def setting(
    written: Written, scope: Scope, version: int, *, is_openswan: bool, source: str
) -> DpdSetting:
    """What the options make for one IKE version."""
    maker = _Maker(written, scope, version, source)
    if version == 2:
        return maker.ikev2()
    return maker.openswan() if is_openswan else maker.ikev1()


class _Maker:
    """Makes settings of one connection."""

    def __init__(self, written: Written, scope: Scope, version: int, source: str) -> None:
        self._written = written
        self._scope = scope
        self._version = version
        self._source = source
        self._delay_s = written.delay.seconds if written.delay is not None else 0.0
        self._timeout_s = written.timeout.seconds if written.timeout is not None else 0.0

    def ikev1(self) -> DpdSetting:
        """Libreswan, IKEv1."""
        delay, timeout = self._written.delay, self._written.timeout
        if self._delay_s and self._timeout_s:
            timers = Timers(interval_s=self._delay_s, timeout_s=self._timeout_s)
            return self._made(IKEV1, timers, f"{delay}, {timeout}")
        lone = (
            (delay, "IKEv1 needs dpdtimeout too"),
            (timeout, "IKEv1 needs dpddelay too"),
        )
        ignored = [self._ignored(t.option, why) for t, why in lone if t is not None and t.seconds]
        said = "IKEv1 asks nothing unless both dpddelay and dpdtimeout are set"
        return self._made(IKEV1, Timers(), said, ignored)

    def openswan(self) -> DpdSetting:
        """Openswan: one of the two options is enough."""
        delay, timeout = self._written.delay, self._written.timeout
        if not self._delay_s and (delay is not None or not self._timeout_s):
            said = "neither dpddelay nor dpdtimeout is set" if delay is None else str(delay)
            return self._made(OPENSWAN, Timers(), said)
        timers = Timers(
            interval_s=self._delay_s or _OPENSWAN_DELAY_S,
            timeout_s=self._timeout_s or _OPENSWAN_TIMEOUT_S,
        )
        first = str(delay) if delay is not None else "dpddelay 30 s by default"
        second = str(timeout) if self._timeout_s else "dpdtimeout 120 s by default"
        return self._made(OPENSWAN, timers, f"{first}, {second}")

    def ikev2(self) -> DpdSetting:
        """Libreswan, IKEv2, up to 5.3; where it matters, later releases are the alternative."""
        delay, timeout, action = self._written.delay, self._written.timeout, self._written.action
        ignored = []
        if timeout is not None and timeout.seconds:
            ignored.append(self._ignored(timeout.option, "IKEv2 gives up by retransmission"))
        if action is not None:
            ignored.append(self._ignored(action, "recent releases take no dpdaction with IKEv2"))
        if not self._delay_s:
            said = "dpddelay=0 by default" if delay is None else str(delay)
            return self._made(IKEV2, Timers(), said, ignored)
        made = self._retransmitted(IKEV2, ignored)
        if self._written.retransmit is not None:
            return made
        other = self._retransmitted(IKEV2_SINCE_5_4, ignored)
        return replace(made, alternatives=(other.policy,))

    def _retransmitted(
        self, profile: VendorProfile, ignored: Sequence[IgnoredOption]
    ) -> DpdSetting:
        w = self._written
        default = profile.defaults
        timers = Timers(
            interval_s=self._delay_s,
            retry_s=w.first_gap.seconds if w.first_gap is not None else default.retry_s,
            timeout_s=w.retransmit.seconds if w.retransmit is not None else default.timeout_s,
        )
        said = ", ".join(str(t) for t in (w.delay, w.first_gap, w.retransmit) if t is not None)
        if w.retransmit is None and default.timeout_s is not None:
            product = profile.title.partition(",")[0]
            said += f", retransmit-timeout {spoken_s(default.timeout_s)} by default in {product}"
        total_s = sum(profile.waits_s(timers) or ())
        return self._made(
            profile, timers, f"{said}; given up after {spoken_s(total_s)} of doubled gaps", ignored
        )

    def _ignored(self, option: Option, why: str) -> IgnoredOption:
        return IgnoredOption(str(option), why, Ref(self._source, option.line))

    def _made(
        self,
        profile: VendorProfile,
        timers: Timers,
        said: str,
        ignored: Sequence[IgnoredOption] = (),
    ) -> DpdSetting:
        w, scope = self._written, self._scope
        explicit = w.delay is not None or w.timeout is not None
        ref = Ref(self._source, w.line if w.delay is None else w.delay.option.line)
        policy = profile.policy(
            timers,
            w.reading + said,
            basis=PolicyBasis.CONFIG if explicit else PolicyBasis.DEFAULT,
            holder=scope.holder,
            ref=ref,
        )
        waits = profile.waits_s(timers)
        return DpdSetting(
            scope=scope.name,
            policy=policy,
            ref=ref,
            peers=scope.peers,
            local=scope.local,
            ike_version=self._version,
            profile=scope.profile,
            explicit=explicit,
            transmissions=len(waits) if waits else None,
            timeout_s=None if w.timeout is None else w.timeout.seconds,
            action=None if w.action is None else w.action.value,
            ignored=tuple(ignored),
        )
