"""What charon has answered: it sends the same answer when the same request comes again.

Of such a request there is no line that says what it is: that was said when it came first.
"""

from __future__ import annotations

from collections import OrderedDict

from msgspec.structs import replace

from analyzers.decode.assembly.lines import LogLine, number
from analyzers.decode.assembly.strongswan_requests import Place, handle_of, place_of, trim
from analyzers.model.log_events import LogEvent


class Answers:
    """The requests of the other ends by place, each with its answer; the last one at the end."""

    def __init__(self) -> None:
        self._asked: OrderedDict[Place, LogEvent] = OrderedDict()
        self._answered: OrderedDict[Place, tuple[LogEvent, LogEvent]] = OrderedDict()

    def asked(self, request: LogEvent) -> None:
        """A request came."""
        self._asked[place_of(request)] = request
        trim(self._asked)

    def answered(self, answer: LogEvent) -> None:
        """An answer was sent."""
        place = place_of(answer)
        request = self._asked.pop(place, None)
        if request is not None:
            self._answered[place] = request, answer
            self._answered.move_to_end(place)
            trim(self._answered)

    def again(
        self, line: LogLine, packet: LogLine | None, remote: str | None
    ) -> tuple[LogEvent | None, LogEvent | None]:
        """The request that a line says came again, and its answer, as they are this time.

        `packet`: the line of the request's packet, None where it has been told already; `remote`:
        who sent it, if known.
        """
        wanted, handle = number(line.field("mid"), 0xFFFFFFFF), handle_of(line)
        for (who, message_id), (request, answer) in reversed(self._answered.items()):
            ours = handle is None or request.handle in (None, handle)
            if message_id == wanted and ours and (remote is None or who == remote):
                return _repeated(request, packet), _repeated(answer, line)
        return None, None


def _repeated(made: LogEvent, line: LogLine | None) -> LogEvent | None:
    if line is None:
        return None
    return replace(made, at_ns=line.at_ns, ref=line.ref, retransmission=True)
