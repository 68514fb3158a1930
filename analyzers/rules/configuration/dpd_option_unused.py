"""dpd-option-unused: an option of DPD that does nothing without another one."""

from __future__ import annotations

from collections.abc import Iterator

from analyzers.model.finding import Severity
from analyzers.rules.configuration.estate import Estate, device_name
from analyzers.rules.configuration.examples import swanctl
from analyzers.rules.configuration.rule import ConfigurationRule
from analyzers.rules.rule import Found


def _check(estate: Estate) -> Iterator[Found]:
    for configuration in estate.configurations:
        for setting in configuration.dpd:
            for ignored in setting.ignored:
                if setting.ike_version != 1 and not ignored.off:
                    continue
                yield Found(
                    f"{device_name(configuration)}, {setting.scope}: {ignored.option} does nothing:"
                    f" {ignored.why}.",
                    (ignored.ref, setting.ref),
                )


RULE = ConfigurationRule(
    id="dpd-option-unused",
    severity=Severity.INFO,
    title="A DPD option is set that does nothing by itself",
    rationale=(
        "A timeout or an action is used once something is asked. Where DPD is off, or has no delay,"
        " nothing ever is, and the option suggests a protection that is not there."
    ),
    remedy="Switch DPD on as well (its delay, and its action where it has one), or remove it.",
    source="swanctl.conf(5), dpd_delay and dpd_timeout; Libreswan, dpddelay",
    check=_check,
    fires=((swanctl("192.0.2.1", "198.51.100.7", "dpd_timeout = 30s", version=1),),),
    silent=(
        (swanctl("192.0.2.1", "198.51.100.7", "dpd_delay = 10s\n  dpd_timeout = 30s", version=1),),
        (swanctl("192.0.2.1", "198.51.100.7", "dpd_timeout = 30s", version=2),),
    ),
)
