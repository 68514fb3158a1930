"""All that one router writes: what several of its debugs say of one SA is told once.

`debug crypto isakmp` and `debug crypto ipsec` both name the SPIs of a Child SA, and event traces
log one removal twice; a syslog message about a session says nothing new while the debug of the
same peer is on.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable
from typing import ClassVar, Final

from analyzers.decode.assembly.cisco_ikev2 import CiscoIkev2Assembly
from analyzers.decode.assembly.cisco_ipsec import CiscoIpsecAssembly
from analyzers.decode.assembly.cisco_isakmp import CiscoIsakmpAssembly
from analyzers.decode.assembly.cisco_syslog import CiscoSyslogAssembly
from analyzers.decode.assembly.cisco_trace import CiscoTraceAssembly
from analyzers.decode.assembly.lines import Assembly, LogLine
from analyzers.model.log_events import LogEvent, LogEventKind
from analyzers.model.time import NS_PER_SECOND

_DEBUGS: Final = ("cisco-isakmp", "cisco-ikev2")
_SYSLOG: Final = "cisco-syslog"
_IKE_SA: Final = (LogEventKind.IKE_SA_UP, LogEventKind.IKE_SA_DOWN)
_CHILD_SA: Final = (LogEventKind.CHILD_SA_UP, LogEventKind.CHILD_SA_DOWN)
# A session changes within this of what the debug says of its IKE SA.
_DEBUGGED_NS: Final = 10 * NS_PER_SECOND
_MAX_REMEMBERED: Final = 65_536


class CiscoIosAssembly:
    """The state of one router."""

    useless: ClassVar[frozenset[str]] = frozenset(
        {"", "delete-node", "phase1-error-counter", "quick-mode-begins"}
    )

    def __init__(self) -> None:
        self._parts: dict[str, Assembly] = {
            "cisco-isakmp": CiscoIsakmpAssembly(),
            "cisco-ikev2": CiscoIkev2Assembly(),
            "cisco-ipsec": CiscoIpsecAssembly(),
            "cisco-trace": CiscoTraceAssembly(),
            _SYSLOG: CiscoSyslogAssembly(),
        }
        self._children: OrderedDict[str, LogEventKind] = OrderedDict()
        self._debugged: OrderedDict[str, int | None] = OrderedDict()

    def take(self, line: LogLine) -> Iterable[LogEvent]:
        """One line of any of the router's dialects."""
        events = self._parts[line.form.dialect.name].take(line)
        return self._once(events) if events else events

    def finish(self) -> Iterable[LogEvent]:
        """The log is over."""
        return [made for part in self._parts.values() for made in self._once(part.finish())]

    def _once(self, events: Iterable[LogEvent]) -> list[LogEvent]:
        kept = []
        for made in events:
            if made.dialect in _DEBUGS and made.remote is not None:
                self._debugged[made.remote] = made.at_ns
                if len(self._debugged) > _MAX_REMEMBERED:
                    self._debugged.popitem(last=False)
            elif made.dialect == _SYSLOG and made.kind in _IKE_SA and self._is_debugged(made):
                made.kind = LogEventKind.HINT
            if made.kind not in _CHILD_SA or self._is_new(made):
                kept.append(made)
        return kept

    def _is_debugged(self, made: LogEvent) -> bool:
        if made.remote is None or made.remote not in self._debugged:
            return False
        last_ns = self._debugged[made.remote]
        return last_ns is None or made.at_ns is None or made.at_ns - last_ns <= _DEBUGGED_NS

    def _is_new(self, made: LogEvent) -> bool:
        """Whether a change of a Child SA was not told before; its known SPIs are left out."""
        if not made.spis:
            return True
        made.spis = tuple(s for s in made.spis if self._children.get(s) is not made.kind)
        for spi in made.spis:
            self._children[spi] = made.kind
        while len(self._children) > _MAX_REMEMBERED:
            self._children.popitem(last=False)
        return bool(made.spis)
