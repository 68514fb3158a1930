"""dpd-set-for-other-ike-version: DPD is configured, but for an IKE version that nothing uses."""

from __future__ import annotations

from collections.abc import Iterator

from analyzers.model.configuration import Configuration, DpdSetting
from analyzers.model.finding import Severity
from analyzers.model.policy import PolicyMode
from analyzers.rules.configuration.estate import Estate, Usage
from analyzers.rules.configuration.examples import site
from analyzers.rules.configuration.rule import ConfigurationRule
from analyzers.rules.configuration.wording import switch_on, where
from analyzers.rules.rule import Found

_IKEV2 = (
    "crypto ikev2 profile V2\n match identity remote address 198.51.100.7\n"
    "crypto ipsec profile P\n set ikev2-profile V2\n"
    "interface Tunnel1\n tunnel source 192.0.2.1\n tunnel destination 198.51.100.7\n"
    " tunnel protection ipsec profile P\n"
)


def _check(estate: Estate) -> Iterator[Found]:
    for configuration in estate.configurations:
        usages = [u for u in estate.usages if u.configuration is configuration]
        used = {usage.connection.ike_version for usage in usages}
        for setting in _unused(configuration, used):
            for silent in (u for u in usages if not u.asks):
                yield _found(setting, silent, estate.budget_s)
                break


def _unused(configuration: Configuration, used: set[int | None]) -> Iterator[DpdSetting]:
    for setting in configuration.dpd:
        version = setting.ike_version
        is_global = setting.explicit and setting.profile is None
        asks = setting.policy.mode is not PolicyMode.DISABLED
        if is_global and asks and version is not None and not used & {version, None}:
            yield setting


def _found(setting: DpdSetting, silent: Usage, budget_s: float) -> Found:
    return Found(
        f"{where(silent)} uses IKEv{silent.connection.ike_version}, where nothing asks; the DPD"
        f" setting is for IKEv{setting.ike_version}.",
        (setting.ref, silent.connection.ref),
        remedy=switch_on(silent, budget_s),
    )


RULE = ConfigurationRule(
    id="dpd-set-for-other-ike-version",
    severity=Severity.WARNING,
    title="DPD is configured for an IKE version that no tunnel uses",
    rationale=(
        "IKEv1 and IKEv2 have DPD commands of their own. crypto isakmp keepalive does nothing for"
        " a tunnel with an IKEv2 profile, and crypto ikev2 dpd nothing for the others."
    ),
    remedy="Configure DPD for the version that the tunnel uses.",
    source="M. Conran, Dead Peer Detection",
    check=_check,
    fires=(("crypto isakmp keepalive 10 3 periodic\n" + _IKEV2,),),
    silent=(
        ("crypto ikev2 dpd 10 3 periodic\n" + _IKEV2,),
        (site("192.0.2.1", "198.51.100.7", dpd="crypto isakmp keepalive 10 3 periodic"),),
    ),
)
