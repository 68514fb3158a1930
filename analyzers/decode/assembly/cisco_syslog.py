"""Sessions in the syslog of a router: one change of state is said by several facilities."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable
from typing import Final

from analyzers.decode.assembly.direct import DirectAssembly
from analyzers.decode.assembly.lines import LogLine, address, event
from analyzers.decode.assembly.refusals import cisco_refusal
from analyzers.model.exchange import DeleteProtocol
from analyzers.model.log_events import LogEvent, LogEventKind
from analyzers.model.observations import MessageKind
from analyzers.model.time import NS_PER_SECOND

_PROTOCOLS: Final = {"50": DeleteProtocol.ESP, "51": DeleteProtocol.AH}
_STATES: Final = {"UP": LogEventKind.IKE_SA_UP, "DOWN": LogEventKind.IKE_SA_DOWN}
_MODES: Final = {
    "Main": MessageKind.MAIN_MODE,
    "Aggressive": MessageKind.AGGRESSIVE,
    "Quick": MessageKind.QUICK_MODE,
}
"""What a device refuses that cannot go on with it; an Informational tells that its peer does."""
# CRYPTO, IKEV2 and FLEXVPN tell the same change within this.
_SAME_CHANGE_NS: Final = 10 * NS_PER_SECOND
_MAX_PEERS: Final = 4096


class CiscoSyslogAssembly:
    """The state of one router's syslog."""

    def __init__(self) -> None:
        self._direct = DirectAssembly()
        self._states: OrderedDict[str | None, tuple[LogEventKind, int | None]] = OrderedDict()

    def take(self, line: LogLine) -> Iterable[LogEvent]:
        """One message."""
        match line.id:
            case "session":
                version = 2 if "v2" in line.fields else None
                return self._change(line, event(line, LogEventKind.HINT, version=version))
            case "ikev2-sa":
                return self._change(line, event(line, LogEventKind.HINT, version=2))
            case "client":
                return self._change(line, self._of_client(line))
            case "invalid-spi":
                protocol = _PROTOCOLS.get(line.fields["proto"], DeleteProtocol.UNKNOWN)
                return (event(line, LogEventKind.INVALID_SPI, protocol=protocol),)
            case "mode-failed":
                kind = _MODES.get(line.fields["mode"])
                made = event(line, LogEventKind.REFUSED, sent=kind is not None, version=1)
                made.message = kind
                return (made,)
            case "aborted":
                return (_aborted(line),)
            case _:
                return self._direct.take(line)

    def finish(self) -> Iterable[LogEvent]:
        """Nothing waits."""
        return ()

    def _of_client(self, line: LogLine) -> LogEvent:
        """Client and server, of which the one that logs is not the one it names in brackets."""
        client, server = address(line.fields["client"]), address(line.fields["server"])
        ends = (server, client) if "(Server)" in line.text else (client, server)
        return event(line, LogEventKind.HINT, local=ends[0], remote=ends[1])

    def _change(self, line: LogLine, made: LogEvent) -> Iterable[LogEvent]:
        made.kind = _STATES.get(line.fields["status"], LogEventKind.IKE_SA_DOWN)
        made.reason = f"crypto session {line.fields['status']}"
        before = self._states.get(made.remote)
        self._states[made.remote] = made.kind, made.at_ns
        if len(self._states) > _MAX_PEERS:
            self._states.popitem(last=False)
        if before is not None and before[0] is made.kind and _near(before[1], made.at_ns):
            return ()
        return (made,)


def _aborted(line: LogLine) -> LogEvent:
    refused = cisco_refusal(line.fields["reason"])
    if refused is not None:
        sent, name = refused
        return event(line, LogEventKind.REFUSED, version=2, sent=sent, refusal=name)
    exhausted = "retransmissions" in line.fields["reason"]
    return event(line, LogEventKind.GAVE_UP if exhausted else LogEventKind.HINT, version=2)


def _near(before_ns: int | None, at_ns: int | None) -> bool:
    if before_ns is None or at_ns is None:
        return True
    return abs(at_ns - before_ns) <= _SAME_CHANGE_NS
