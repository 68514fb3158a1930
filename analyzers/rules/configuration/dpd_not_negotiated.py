"""dpd-not-negotiated: DPD is not even offered, so the peer cannot ask either."""

from __future__ import annotations

from collections.abc import Iterator

from analyzers.model.finding import Severity
from analyzers.rules.configuration.estate import Estate, device_name
from analyzers.rules.configuration.rule import ConfigurationRule
from analyzers.rules.rule import Found


def _check(estate: Estate) -> Iterator[Found]:
    for configuration in estate.configurations:
        for setting in configuration.dpd:
            under = [c.ike_version for c in estate.under(configuration, setting)]
            # In IKEv2 there is nothing to offer, and an answer is mandatory.
            if not setting.answers and (not under or set(under) != {2}):
                yield Found(
                    f"{device_name(configuration)}, {setting.scope}: {setting.policy.evidence}."
                    " Without the vendor ID of both ends neither of them may ask.",
                    (setting.ref,),
                )


RULE = ConfigurationRule(
    id="dpd-not-negotiated",
    severity=Severity.WARNING,
    title="DPD is not offered to the peer",
    rationale=(
        "In IKEv1 both ends must send the DPD vendor ID before either may ask. A device that does"
        " not send it is never asked, and the peer goes on sending into a dead SA."
    ),
    remedy=(
        "If this end must not ask, let it answer: isakmp keepalive threshold infinite instead of"
        " isakmp keepalive disable."
    ),
    source="RFC 3706 section 5.1",
    check=_check,
    fires=(
        (
            "tunnel-group 198.51.100.7 type ipsec-l2l\n"
            "tunnel-group 198.51.100.7 ipsec-attributes\n isakmp keepalive disable\n",
        ),
    ),
    silent=(
        (
            "tunnel-group 198.51.100.7 type ipsec-l2l\n"
            "tunnel-group 198.51.100.7 ipsec-attributes\n isakmp keepalive threshold infinite\n",
        ),
        (
            "crypto map OUT 10 set peer 198.51.100.7 198.51.100.8\n"
            "crypto map OUT 10 set ikev2 ipsec-proposal P\ncrypto map OUT interface outside\n"
            "tunnel-group 198.51.100.7 type ipsec-l2l\n"
            "tunnel-group 198.51.100.7 ipsec-attributes\n isakmp keepalive disable\n"
            "tunnel-group 198.51.100.8 type ipsec-l2l\n"
            "tunnel-group 198.51.100.8 ipsec-attributes\n isakmp keepalive disable\n",
        ),
    ),
)
