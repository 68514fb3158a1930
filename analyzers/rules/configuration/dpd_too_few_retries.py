"""dpd-too-few-retries: ordinary packet loss is enough for a verdict."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from analyzers.model.finding import Severity
from analyzers.rules.configuration.estate import Estate, device_name
from analyzers.rules.configuration.examples import swanctl
from analyzers.rules.configuration.rule import ConfigurationRule
from analyzers.rules.rule import Found

ENOUGH: Final = 3
_LOSS: Final = 0.2
"""Of each direction, in the example of the detail."""


def _check(estate: Estate) -> Iterator[Found]:
    for configuration in estate.configurations:
        for setting in configuration.dpd:
            sent = setting.transmissions
            if sent is not None and 0 < sent < ENOUGH:
                lost = (1 - (1 - _LOSS) ** 2) ** sent
                questions = "1 question" if sent == 1 else f"{sent} questions"
                yield Found(
                    f"{device_name(configuration)}, {setting.scope}: {questions} before the"
                    f" verdict. With {_LOSS:.0%} loss each way, {lost:.0%} of the checks of a"
                    " living peer end in a verdict.",
                    (setting.ref,),
                )


RULE = ConfigurationRule(
    id="dpd-too-few-retries",
    severity=Severity.WARNING,
    title="Too few questions before the verdict",
    rationale=(
        "A question and its answer must both get through once. With loss p each way and n"
        " questions a living peer is given up with probability (1-(1-p)^2)^n; IKEv2 suggests a"
        " dozen tries over several minutes before giving up."
    ),
    remedy="Allow at least three questions, better five.",
    source="RFC 7296 section 2.4",
    check=_check,
    fires=(
        (swanctl("192.0.2.1", "198.51.100.7", "dpd_delay = 20s\n  dpd_timeout = 30s", version=1),),
    ),
    silent=(
        (swanctl("192.0.2.1", "198.51.100.7", "dpd_delay = 10s\n  dpd_timeout = 60s", version=1),),
        (swanctl("192.0.2.1", "198.51.100.7", "dpd_delay = 10s"),),
    ),
)
