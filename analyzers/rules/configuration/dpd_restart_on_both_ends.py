"""dpd-restart-on-both-ends: after a verdict both ends negotiate at once."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from analyzers.model.finding import Severity
from analyzers.rules.configuration.estate import Estate, Usage
from analyzers.rules.configuration.examples import swanctl
from analyzers.rules.configuration.rule import ConfigurationRule
from analyzers.rules.configuration.wording import where
from analyzers.rules.rule import Found

RESTARTING: Final = frozenset({"restart", "start"})


def _check(estate: Estate) -> Iterator[Found]:
    for link in estate.links:
        if _restarts(link.left) and _restarts(link.right):
            yield Found(
                f"{where(link.left)} and {where(link.right)} both restart after a verdict.",
                (*link.left.refs, *link.right.refs),
            )


def _restarts(usage: Usage) -> bool:
    setting = usage.setting
    return setting is not None and usage.asks and (setting.action or "").lower() in RESTARTING


def _gateway(local: str, peer: str, action: str) -> str:
    return swanctl(local, peer, "dpd_delay = 10s").replace(
        "remote_ts", f"dpd_action = {action}\n    remote_ts"
    )


RULE = ConfigurationRule(
    id="dpd-restart-on-both-ends",
    severity=Severity.INFO,
    title="Both ends restart the tunnel after a verdict",
    rationale=(
        "After a fault of the path both ends come to a verdict, and both negotiate. The two"
        " attempts cross and can leave two sets of SAs for the same traffic."
    ),
    remedy="Let one end restart, and the other clear or trap.",
    source="swanctl.conf(5), dpd_action; VyOS, site-to-site VPN, close-action",
    check=_check,
    fires=(
        (
            _gateway("192.0.2.1", "198.51.100.7", "restart"),
            _gateway("198.51.100.7", "192.0.2.1", "restart"),
        ),
    ),
    silent=(
        (
            _gateway("192.0.2.1", "198.51.100.7", "restart"),
            _gateway("198.51.100.7", "192.0.2.1", "clear"),
        ),
    ),
)
