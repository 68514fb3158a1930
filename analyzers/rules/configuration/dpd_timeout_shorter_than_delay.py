"""dpd-timeout-shorter-than-delay: the verdict timer ends before the first question."""

from __future__ import annotations

from collections.abc import Iterator

from analyzers.model.finding import Severity
from analyzers.rules.configuration.estate import Estate, device_name
from analyzers.rules.configuration.examples import swanctl
from analyzers.rules.configuration.rule import ConfigurationRule
from analyzers.rules.configuration.wording import spoken
from analyzers.rules.rule import Found


def _check(estate: Estate) -> Iterator[Found]:
    for configuration in estate.configurations:
        for setting in configuration.dpd:
            timeout_s, delay_s = setting.timeout_s, setting.policy.interval_s
            if setting.ike_version == 2 or not timeout_s or not delay_s or timeout_s > delay_s:
                continue
            yield Found(
                f"{device_name(configuration)}, {setting.scope}: a timeout of"
                f" {spoken(timeout_s)} is not longer than the delay of {spoken(delay_s)}.",
                (setting.ref,),
            )


RULE = ConfigurationRule(
    id="dpd-timeout-shorter-than-delay",
    severity=Severity.ERROR,
    title="The DPD timeout is not longer than the delay",
    rationale=(
        "The timeout has to leave room for at least one question and its answer. strongSwan"
        " subtracts the delay from it without a sign, so the verdict practically never comes;"
        " Libreswan asks for a larger value."
    ),
    remedy="Set the timeout to at least three times the delay.",
    source="strongSwan, task_manager_v1.c; Libreswan, dpdtimeout",
    check=_check,
    fires=(
        (swanctl("192.0.2.1", "198.51.100.7", "dpd_delay = 30s\n  dpd_timeout = 20s", version=1),),
        (swanctl("192.0.2.1", "198.51.100.7", "dpd_delay = 30s\n  dpd_timeout = 30s", version=1),),
    ),
    silent=(
        (swanctl("192.0.2.1", "198.51.100.7", "dpd_delay = 10s\n  dpd_timeout = 30s", version=1),),
        (swanctl("192.0.2.1", "198.51.100.7", "dpd_delay = 30s\n  dpd_timeout = 20s", version=2),),
    ),
)
