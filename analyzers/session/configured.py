"""What configurations say of DPD, in sentences: all that is known where nothing happened."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import PurePath
from typing import Final

from analyzers.export.formatting import counted
from analyzers.export.policy_words import asks, policy_summary
from analyzers.model.configuration import Configuration
from analyzers.model.policy import PolicyMode
from analyzers.rules.configuration.estate import UNNAMED, Estate, Usage, device_name
from analyzers.rules.configuration.wording import peer

_TOLD: Final = 8


def configured(configurations: Sequence[Configuration], paths: Mapping[str, str]) -> list[str]:
    """What each connection asks for; `paths` maps source ids to what the user named."""
    if not configurations:
        return []
    usages = Estate(configurations).usages
    number = counted(len(configurations), "configuration")
    has = "has" if len(configurations) == 1 else "have"
    what = counted(len(usages), "IPsec connection") if usages else "no IPsec connection"
    said = [f"{number} read, which {has} {what}; nothing that happened was given."]
    said += [_told(usage, paths) for usage in usages[:_TOLD]]
    if len(usages) > _TOLD:
        said.append(f"And {counted(len(usages) - _TOLD, 'more connection')}.")
    return [*said, "dpdlab lint tells all of them, and compares both ends."]


def _told(usage: Usage, paths: Mapping[str, str]) -> str:
    device = device_name(usage.configuration)
    if device == UNNAMED:
        source = usage.configuration.source
        device = PurePath(paths.get(source, source)).name
    policy = None if usage.setting is None else usage.setting.policy
    if policy is None:
        told = "when it asks is not known"
    elif policy.mode is PolicyMode.DISABLED:
        told = policy_summary(policy)
    else:
        told = f"{asks(policy.mode)}{policy_summary(policy)}"
    return f"{device}, {usage.connection.name} to {peer(usage)}: {told}."
