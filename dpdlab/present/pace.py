"""When whoever drives a live session takes what has come, and looks at what is known by then.

The first thing after a rest is taken and shown at once. What follows closely is taken together:
looking costs the same for one packet as for many.
"""

from __future__ import annotations

from typing import Final

WAIT_S: Final = 0.02
_GATHER_S: Final = 0.01
_LOOK_EVERY_S: Final = 0.05
# So many times what a look costs passes before the next one.
_REST_SHARE: Final = 2


class Pace:
    """Times are seconds of one monotonic clock, which the caller reads."""

    def __init__(self, quiet_s: float) -> None:
        """`quiet_s`: a look is due this often even when nothing comes, since silence goes on."""
        self._quiet_s = quiet_s
        self._taken_s = 0.0
        self._due_s = 0.0
        self._quiet_due_s = 0.0

    def wait_s(self, now_s: float, *, news: bool) -> float:
        """How long to wait for something; with `news` no longer than until they may be shown."""
        return min(WAIT_S, max(0.0, self._due_s - now_s)) if news else WAIT_S

    def gather_s(self, now_s: float) -> float:
        """How long more may come before what has come is taken."""
        return max(0.0, self._taken_s + _GATHER_S - now_s)

    def taken(self, now_s: float) -> None:
        """What had come is taken."""
        self._taken_s = now_s

    def is_due(self, now_s: float, *, news: bool) -> bool:
        """Whether to look now."""
        return now_s >= self._due_s and (news or now_s >= self._quiet_due_s)

    def looked(self, began_s: float, ended_s: float) -> None:
        """A look is done."""
        rest_s = (1 + _REST_SHARE) * (ended_s - began_s)
        self._due_s = began_s + max(_LOOK_EVERY_S, rest_s)
        self._quiet_due_s = began_s + max(self._quiet_s, rest_s)
