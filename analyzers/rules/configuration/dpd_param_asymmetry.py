"""dpd-param-asymmetry: both ends ask, but one is much slower to come to a verdict."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from analyzers.model.finding import Severity
from analyzers.rules.configuration.estate import Estate
from analyzers.rules.configuration.examples import site
from analyzers.rules.configuration.rule import ConfigurationRule
from analyzers.rules.configuration.wording import spoken, where
from analyzers.rules.rule import Found

RATIO: Final = 2.0


def _check(estate: Estate) -> Iterator[Found]:
    for link in estate.links:
        left, right = link.left.worst_case_s, link.right.worst_case_s
        if left is None or right is None or max(left, right) <= RATIO * min(left, right):
            continue
        fast, slow = (link.left, link.right) if left < right else (link.right, link.left)
        yield Found(
            f"{where(fast)}: {spoken(min(left, right))} at worst;"
            f" {where(slow)}: {spoken(max(left, right))}.",
            (*fast.refs, *slow.refs),
        )


RULE = ConfigurationRule(
    id="dpd-param-asymmetry",
    severity=Severity.INFO,
    title="The two ends come to a verdict at very different times",
    rationale=(
        "Timers are not negotiated, so this is allowed; but one end rebuilds the tunnel while the"
        " other still sends into the old SAs."
    ),
    remedy="Give both ends timers of the same order, unless one is slow on purpose.",
    source="RFC 3706 section 5",
    check=_check,
    fires=(
        (
            site("192.0.2.1", "198.51.100.7", dpd="crypto isakmp keepalive 10 2"),
            site("198.51.100.7", "192.0.2.1", dpd="crypto isakmp keepalive 60 10"),
        ),
    ),
    silent=(
        (
            site("192.0.2.1", "198.51.100.7", dpd="crypto isakmp keepalive 10 2"),
            site("198.51.100.7", "192.0.2.1", dpd="crypto isakmp keepalive 15 3"),
        ),
        (
            site("192.0.2.1", "198.51.100.7", dpd="crypto isakmp keepalive 10 2"),
            site("198.51.100.7", "192.0.2.99", dpd="crypto isakmp keepalive 60 10"),
        ),
    ),
)
