"""dpd-timeout-ignored-ikev2: an option that is set and does nothing."""

from __future__ import annotations

from collections.abc import Iterator

from analyzers.configs.charon import UNREAD
from analyzers.model.finding import Severity
from analyzers.rules.configuration.estate import Estate, device_name, schedule_assumed
from analyzers.rules.configuration.examples import swanctl
from analyzers.rules.configuration.rule import ConfigurationRule
from analyzers.rules.configuration.wording import spoken
from analyzers.rules.rule import Found


def _check(estate: Estate) -> Iterator[Found]:
    for configuration in estate.configurations:
        for setting in configuration.dpd:
            for ignored in setting.ignored if setting.ike_version != 1 else ():
                worst_s = setting.policy.worst_case_s
                assumed = schedule_assumed(configuration, setting)
                when = f"By default ({UNREAD}) the verdict" if assumed else "The verdict"
                effect = f" {when} comes after {spoken(worst_s)} at worst." if worst_s else ""
                yield Found(
                    f"{device_name(configuration)}, {setting.scope}: {ignored.option} does nothing:"
                    f" {ignored.why}.{effect}",
                    (ignored.ref, setting.ref),
                )


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
