"""What is typed on a device so that it shows its IKE debug, and what takes that back.

Only what was off before is switched on, and exactly that is switched off again: `undebug all` would
end the debugging of others, too.
"""

from __future__ import annotations

from typing import Final

from msgspec import Struct


class Debug(Struct, frozen=True):
    """One debug of a platform."""

    on: str
    off: str
    shown: str
    """What the list of active debugs says of it, in lower case; a pattern."""


class Platform(Struct, frozen=True):
    """How one kind of device is spoken to."""

    name: str
    version: str
    """What `show version` says on no other one, in lower case."""
    prepare: tuple[str, ...]
    debugs: tuple[Debug, ...]
    active: str
    """Lists the debugs that are on."""
    show: str
    """Has them shown on this line from now on; nothing comes amid answers before. Empty where they
    are shown on the line that switched them on."""
    hide: str


WHICH: Final = "show version | include Software"
"""Understood by all of them."""
REFUSED: Final = ("% invalid", "% incomplete", "% ambiguous", "error: %", "authorization failed")
"""In an answer, in lower case: the command was not taken."""

_ISAKMP: Final = Debug("debug crypto isakmp", "no debug crypto isakmp", r"isakmp debugging is on")
_IKEV2: Final = Debug(
    "debug crypto ikev2", "no debug crypto ikev2", r"ikev2 (?:default )?debugging is on"
)
_PREPARE_IOS: Final = ("terminal length 0", "terminal width 0")
_SHOW_IOS, _HIDE_IOS = "terminal monitor", "terminal no monitor"

# Cisco IOS Debug Command Reference, commands A through D; Cisco ASA Series Command Reference, A-H.
PLATFORMS: Final = (
    Platform(
        "Cisco IOS XE", "ios xe software", _PREPARE_IOS, (_ISAKMP, _IKEV2), "show debugging",
        _SHOW_IOS, _HIDE_IOS,
    ),
    Platform(
        "Cisco IOS", "ios software", _PREPARE_IOS, (_ISAKMP, _IKEV2), "show debugging",
        _SHOW_IOS, _HIDE_IOS,
    ),
    Platform(
        "Cisco IOS", "internetwork operating system", _PREPARE_IOS, (_ISAKMP, _IKEV2),
        "show debugging", _SHOW_IOS, _HIDE_IOS,
    ),
    Platform(
        "Cisco ASA", "adaptive security appliance", ("terminal pager 0",),
        (
            Debug("debug crypto ikev1 127", "no debug crypto ikev1", "debug crypto ikev1 enabled"),
            Debug(
                "debug crypto ikev2 protocol 127", "no debug crypto ikev2 protocol",
                "debug crypto ikev2 protocol enabled",
            ),
        ),
        "show debug", "", "",
    ),
)  # fmt: skip


def platform_of(answer: str) -> Platform | None:
    """The platform that gave this answer to WHICH; None where it is none of them."""
    said = answer.lower()
    return next((each for each in PLATFORMS if each.version in said), None)
