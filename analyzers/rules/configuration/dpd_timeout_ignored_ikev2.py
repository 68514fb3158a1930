"""dpd-timeout-ignored-ikev2: an option that is set and does nothing."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from analyzers.configs.charon import UNREAD
from analyzers.configs.vendors import PROFILES
from analyzers.model.configuration import Configuration, DpdSetting
from analyzers.model.finding import Severity
from analyzers.model.policy import PolicyBasis
from analyzers.rules.configuration.estate import Estate, device_name, schedule_assumed
from analyzers.rules.configuration.examples import swanctl
from analyzers.rules.configuration.rule import ConfigurationRule
from analyzers.rules.configuration.wording import spoken
from analyzers.rules.rule import Found


def _check(estate: Estate) -> Iterator[Found]:
    either = {id(usage.setting) for usage in estate.usages if usage.either}
    for configuration in estate.configurations:
        for setting in configuration.dpd:
            for ignored in setting.ignored if setting.ike_version != 1 else ():
                if ignored.off:
                    continue
                worst_s = setting.policy.worst_case_s
                when = _by_what(configuration, setting)
                effect = f" {when} comes after {spoken(worst_s)} at worst." if worst_s else ""
                used = id(setting) in either  # by the same connection in IKEv1
                nothing = "nothing where IKEv2 is used" if used else "nothing"
                remedy = _REMEDIES.get(setting.policy.profile or "", "")
                yield Found(
                    f"{device_name(configuration)}, {setting.scope}: {ignored.option} does"
                    f" {nothing}: {ignored.why}.{effect}",
                    (ignored.ref, setting.ref),
                    remedy=_FOR_EITHER if used else remedy,
                    severity=Severity.INFO if used else None,
                    source=_SOURCES.get(setting.policy.profile or "", ""),
                )


_FOR_EITHER: Final = (
    "None, if the retransmission (charon.retransmit_* in strongswan.conf) is set as well."
)
_REMEDIES: Final = {
    "fortios-ikev2": (
        "Remove it: how IKEv2 retransmits is fixed, and only dpd-retryinterval brings the verdict"
        " nearer."
    ),
    "libreswan-ikev2": "Remove it; retransmit-timeout, in the conn, says when to give up.",
    "libreswan-5.4-ikev2": "Remove it; retransmit-timeout, in the conn, says when to give up.",
}
_SOURCES: Final = {name: f"RFC 7296 section 2.4; {PROFILES[name].source}" for name in _REMEDIES}


def _by_what(configuration: Configuration, setting: DpdSetting) -> str:
    """What the verdict follows from, where no file says it."""
    if not schedule_assumed(configuration, setting):
        return "The verdict"
    seen = setting.policy.retry_basis is PolicyBasis.OBSERVED
    return f"By {'the retries that were seen' if seen else 'default'} ({UNREAD}) the verdict"


RULE = ConfigurationRule(
    id="dpd-timeout-ignored-ikev2",
    severity=Severity.WARNING,
    title="A DPD option is set that IKEv2 does not use",
    rationale=(
        "In IKEv2 an unanswered liveness check is an unanswered request: retransmission decides"
        " when the peer is given up. Timeouts and counts of IKEv1 DPD are read and not used."
    ),
    remedy="Remove it and set the retransmission (charon.retransmit_* in strongswan.conf).",
    source="RFC 7296 section 2.4; swanctl.conf(5), dpd_timeout",
    check=_check,
    fires=((swanctl("192.0.2.1", "198.51.100.7", "dpd_delay = 10s\n  dpd_timeout = 30s"),),),
    silent=(
        (swanctl("192.0.2.1", "198.51.100.7", "dpd_delay = 10s"),),
        (swanctl("192.0.2.1", "198.51.100.7", "dpd_delay = 10s\n  dpd_timeout = 30s", version=1),),
    ),
)
