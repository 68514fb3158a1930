"""dpd-slower-than-budget: the verdict comes later than the black hole may last."""

from __future__ import annotations

from collections.abc import Iterator

from analyzers.model.finding import Severity
from analyzers.model.policy import PolicyMode
from analyzers.model.records import Confidence
from analyzers.rules.configuration.estate import Estate, Usage
from analyzers.rules.configuration.examples import site, swanctl, tunnel
from analyzers.rules.configuration.rule import ConfigurationRule
from analyzers.rules.configuration.wording import source_of, spoken, switch_on, where
from analyzers.rules.rule import Found


def _check(estate: Estate) -> Iterator[Found]:
    told: set[int] = set()
    for usage in estate.usages:
        worst_s, setting = usage.worst_case_s, usage.setting
        if setting is None or worst_s is None or worst_s <= estate.budget_s or usage.routing:
            continue
        if id(setting) in told:
            continue
        told.add(id(setting))
        yield Found(
            f"{where(usage)}: a verdict after {spoken(worst_s)} at worst{_parts(usage)}; no more"
            f" than {spoken(estate.budget_s)} is wanted (--budget)." + usage.rests_on,
            usage.refs,
            remedy=switch_on(usage, estate.budget_s),
            title=f"A dead peer is noticed after {spoken(worst_s)}",
            source=source_of(setting),
            confidence=Confidence.INFERRED if usage.assumed else Confidence.CERTAIN,
        )


def _parts(usage: Usage) -> str:
    policy = usage.setting.policy if usage.setting is not None else None
    if policy is None or policy.interval_s is None or policy.worst_case_s is None:
        return ""
    until = "traffic is sent into it" if policy.mode is PolicyMode.ON_DEMAND else "it is asked"
    rest_s = policy.worst_case_s - policy.interval_s
    return f", {spoken(policy.interval_s)} until {until} and {spoken(rest_s)} of asking"


RULE = ConfigurationRule(
    id="dpd-slower-than-budget",
    severity=Severity.WARNING,
    title="A dead peer is noticed late",
    rationale=(
        "Without routing over the tunnel, DPD alone ends the black hole. What it takes is the"
        " interval and all retries; in IKEv2 retransmission dominates: 165 s in strongSwan, 93 s"
        " in FortiOS, 64 s in Libreswan up to 5.3."
    ),
    remedy=(
        "Shorten the interval and the retries; in IKEv2 the retransmission (strongSwan:"
        " charon.retransmit_tries and retransmit_timeout, for all connections)."
    ),
    source="strongSwan, charon.opt; Cisco, IPsec Dead Peer Detection Periodic Message Option",
    check=_check,
    fires=(
        (swanctl("192.0.2.1", "198.51.100.7", "dpd_delay = 30s"),),
        (site("192.0.2.1", "198.51.100.7", dpd="crypto isakmp keepalive 60 10 periodic"),),
    ),
    silent=(
        (site("192.0.2.1", "198.51.100.7", dpd="crypto isakmp keepalive 10 3 periodic"),),
        (
            tunnel(
                "192.0.2.1", "198.51.100.7", "ip ospf 1 area 0", dpd="crypto isakmp keepalive 40 5"
            ),
        ),
    ),
)
