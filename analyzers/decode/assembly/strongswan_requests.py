"""The requests of a charon that nobody has answered, and which of them a line is about."""

from __future__ import annotations

from collections import OrderedDict
from sys import intern
from typing import Any, Final

from analyzers.decode.assembly.lines import LogLine, event, number
from analyzers.model.log_events import LogEvent, LogEventKind
from analyzers.model.observations import MessageKind

_MAX_REMEMBERED: Final = 4096
BEGIN: Final = frozenset({MessageKind.SA_INIT, MessageKind.MAIN_MODE, MessageKind.AGGRESSIVE})
"""Messages that begin an IKE SA."""
# Lines that announce nothing, and after which what was announced is still what is asked.
_OF_THE_SAME: Final = frozenset({"retransmit", "given-up", "dpd-timed-out"})

Place = tuple[str | None, int]
"""The peer, or else the IKE SA, and the message ID of a request."""


class Requests:
    """What was sent and not answered, the last one at the end."""

    def __init__(self) -> None:
        self._open: OrderedDict[Place, LogEvent] = OrderedDict()
        self._retried: OrderedDict[Place, tuple[str, LogEvent]] = OrderedDict()
        """Those that were retransmitted, with how often."""
        self._announced: OrderedDict[str | None, tuple[LogLine, MessageKind]] = OrderedDict()
        """By IKE SA: what the line before says is asked, where no line of the message follows."""

    def forget(self) -> None:
        """None of them is asked any more."""
        self._open.clear()
        self._retried.clear()
        self._announced.clear()

    def note(self, line: LogLine) -> None:
        """A line about no message: what it announces, or that it goes on with something else."""
        handle = handle_of(line)
        before = self._announced.get(handle)
        if line.id in _OF_THE_SAME:
            return
        if line.id == "dpd-sending":
            kind = MessageKind.LIVENESS
        elif line.id == "initiating":
            is_renewal = handle is not None and handle != line.field("sa")
            begun = MessageKind.MAIN_MODE if " Mode " in line.text else MessageKind.SA_INIT
            kind = MessageKind.CREATE_CHILD if is_renewal else begun
        else:
            # An IKE SA that is begun asks for more than one thing until it is there.
            if before is not None and (before[1] not in BEGIN or line.id == "established"):
                del self._announced[handle]
            return
        self._announced[handle] = line, kind
        trim(self._announced)

    def sent(self, made: LogEvent) -> None:
        """A request was sent, maybe again."""
        if self._announced:
            self._announced.pop(made.handle, None)
        place = _place_of(made)
        self._open[place] = made
        self._open.move_to_end(place)
        if len(self._open) > _MAX_REMEMBERED:
            trim(self._open)

    def answered(self, made: LogEvent) -> None:
        """The answer to one came."""
        place = _place_of(made)
        for known in (place, (None, place[1])):
            self._open.pop(known, None)
            if self._retried:
                self._retried.pop(known, None)

    def sent_again(self, line: LogLine) -> LogEvent | None:
        """The request that a line says is sent again."""
        wanted, handle = number(line.field("mid"), 0xFFFFFFFF), handle_of(line)
        for (_, number_sent), request in reversed(self._open.items()):
            if number_sent == wanted and (handle is None or request.handle in (None, handle)):
                return request
        return None

    def is_only(self, made: LogEvent) -> bool:
        """Whether no other IKE SA has a request of its number, as far as names tell."""
        same = [sent for (_, number), sent in self._open.items() if number == made.message_id]
        return made.handle is not None or len(same) < 2

    def announced(self, line: LogLine) -> LogEvent | None:
        """The request that a line says is sent again, and of which no line of its own tells.

        IKEv1 sends no question again: there it is something else. Without a name of the SA, only
        what was announced tells whose it is.
        """
        version = 1 if line.text[line.form.spans["again"]] else 2
        handle = handle_of(line)
        said, kind = self._announced.get(handle, (None, None))
        if kind is MessageKind.LIVENESS and version == 1:
            said, kind = None, None
        if said is None and handle is None:
            return None
        made = event(said or line, LogEventKind.MESSAGE, sent=True, response=False)
        made.version, made.message, made.handle = version, kind, handle
        made.message_id = number(line.field("mid"), 0xFFFFFFFF)
        return made

    def note_retry(self, retry: str, request: LogEvent, remote: str | None) -> None:
        """A request was sent again; requests to several peers may have its ID."""
        place = (remote or request.handle, request.message_id or 0)
        self._retried[place] = (retry, self._open.get(place, request))
        self._retried.move_to_end(place)
        trim(self._retried)

    def sent_so_often(self, retry: str, handle: str | None, peer: str | None) -> list[Place]:
        """The requests that were sent again as often as that, the first one first."""
        return [
            place
            for place, (times, sent) in self._retried.items()
            if times == retry
            and (handle is None or sent.handle in (None, handle))
            and (peer is None or place[0] == peer)
        ]

    def give_up(self, place: Place) -> LogEvent:
        """One that was sent again in vain."""
        return self._retried.pop(place)[1]


def _place_of(made: LogEvent) -> Place:
    return made.remote or made.handle, made.message_id or 0


def handle_of(line: LogLine) -> str | None:
    """The IKE SA that a line has the name and the number of."""
    spans, text = line.form.spans, line.text
    if "name" not in spans or "unique" not in spans:
        return None
    # Every message has one, and there are few.
    return intern(f"{text[spans['name']]}[{text[spans['unique']]}]")


def trim(known: OrderedDict[Any, Any]) -> None:
    """Forget the first ones of too many."""
    while len(known) > _MAX_REMEMBERED:
        known.popitem(last=False)
