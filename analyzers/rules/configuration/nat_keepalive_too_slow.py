"""nat-keepalive-too-slow: a NAT may forget the mapping between two keepalives."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from analyzers.model.finding import Severity
from analyzers.rules.configuration.estate import Estate, device_name
from analyzers.rules.configuration.rule import ConfigurationRule
from analyzers.rules.configuration.wording import spoken
from analyzers.rules.rule import Found

USUAL_S: Final = 20.0
SHORTEST_MAPPING_S: Final = 120.0


def _check(estate: Estate) -> Iterator[Found]:
    for configuration in estate.configurations:
        keepalive = configuration.nat_keepalive
        if keepalive is not None and keepalive.interval_s > SHORTEST_MAPPING_S:
            yield Found(
                f"{device_name(configuration)}: a NAT keepalive every"
                f" {spoken(keepalive.interval_s)}. A NAT may forget a UDP mapping after"
                f" {spoken(SHORTEST_MAPPING_S)}; the usual interval is {spoken(USUAL_S)}.",
                (keepalive.ref,),
            )


RULE = ConfigurationRule(
    id="nat-keepalive-too-slow",
    severity=Severity.WARNING,
    title="NAT keepalives are rarer than a NAT remembers",
    rationale=(
        "Behind a NAT the peer reaches this end through a mapping only. When it is forgotten,"
        " questions of the peer get lost and it declares a living device dead."
    ),
    remedy="Set the NAT keepalive to 20 s.",
    source="RFC 3948 section 4; RFC 4787 REQ-5",
    check=_check,
    fires=(
        ("hostname R1\ncrypto isakmp nat keepalive 300\n",),
        ("hostname R1\ncrypto ikev2 nat keepalive 900\n",),
    ),
    silent=(
        ("hostname R1\ncrypto isakmp nat keepalive 20\n",),
        ("hostname R1\ncrypto isakmp nat keepalive 0\n",),
    ),
)
