"""The requests of a charon that nobody has answered, and which of them a line is about."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator
from sys import intern
from typing import Any, Final

from msgspec.structs import replace

from analyzers.decode.assembly.lines import LogLine, event, number
from analyzers.model.log_events import LogEvent, LogEventKind
from analyzers.model.observations import MessageKind

_MAX_REMEMBERED: Final = 4096
BEGIN: Final = frozenset({MessageKind.SA_INIT, MessageKind.MAIN_MODE, MessageKind.AGGRESSIVE})
"""Messages that begin an IKE SA."""

_ABOUT_RETRIES: Final = frozenset({"retransmit", "given-up"})
_ASKS: Final = {
    "dpd-sending": MessageKind.LIVENESS,
    "child-asked": MessageKind.CREATE_CHILD,
}
# Lines after which nothing that was announced is asked any more.
_OVER: Final = frozenset({"established", "given-up", "dpd-timed-out"})

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
        self._held: dict[str | None, list[LogEvent]] = {}
        """By IKE SA: such a question and its retries. What answers it would not be told either."""
        self._gave_up: str | None = None
        """The IKE SA that was given up last."""

    def forget(self) -> None:
        """None of them is asked any more."""
        self._open.clear()
        self._retried.clear()
        self._announced.clear()
        self._held.clear()
        self._gave_up = None

    def note(self, line: LogLine) -> None:
        """A line about no message: what it announces, or that it goes on with something else."""
        handle = handle_of(line)
        # An IKE SA that is begun asks for more than one thing until it is there.
        begins = self._announced.get(handle, (line, None))[1] in BEGIN
        if line.id == "given-up":
            self._gave_up = handle
        if line.id == "initiating":
            new = line.field("sa")
            # Who gives an SA up begins the next one under its name.
            place = new if handle == self._gave_up is not None else handle
            begun = MessageKind.MAIN_MODE if " Mode " in line.text else MessageKind.SA_INIT
            is_renewal = place is not None and place != new
            self._announced[place] = line, MessageKind.CREATE_CHILD if is_renewal else begun
        elif line.id in _ASKS and not begins:
            self._announced[handle] = line, _ASKS[line.id]
        elif line.id in _OVER or not (begins or line.id == "retransmit"):
            self._announced.pop(handle, None)
        trim(self._announced)
        if line.id not in _ABOUT_RETRIES:
            # Nothing else is asked before there is an answer.
            for question in self._held.pop(handle, [])[:1]:
                self.answered(question)

    def sent(self, made: LogEvent) -> None:
        """A request was sent, maybe again."""
        for handle in (made.handle, None) if self._announced else ():
            self._announced.pop(handle, None)
        place = place_of(made)
        self._open[place] = made
        self._open.move_to_end(place)
        if len(self._open) > _MAX_REMEMBERED:
            trim(self._open)

    def hold(self, question: LogEvent) -> None:
        """A question that is known by its first retry only: it is told if it was in vain."""
        self.sent(question)
        if len(self._held) < _MAX_REMEMBERED:
            self._held[question.handle] = [question]

    def hold_again(self, request: LogEvent, again: LogEvent) -> bool:
        """Keep a retry with its question, if that is one of these; whether it is."""
        held = self._held.get(request.handle)
        if not held or held[0] is not request:
            return False
        held.append(again)
        return True

    def in_vain(self, line: LogLine | None) -> list[LogEvent]:
        """The question that a line gives up, with its retries; all of them at the end of a log."""
        handles = list(self._held) if line is None else [handle_of(line)]
        return [made for handle in handles for made in self._held.pop(handle, [])]

    def answered(self, made: LogEvent) -> None:
        """The answer to one came."""
        place = place_of(made)
        for known in (place, (None, place[1])):
            self._open.pop(known, None)
            if self._retried:
                self._retried.pop(known, None)

    def is_open(self, message_id: int | None, remote: str) -> bool:
        """Whether a peer is asked something under a message ID."""
        return (remote, message_id or 0) in self._open

    def sent_again(self, line: LogLine) -> LogEvent | None:
        """The request that a line says is sent again."""
        wanted, handle = number(line.field("mid"), 0xFFFFFFFF), handle_of(line)
        for (_, number_sent), request in reversed(self._open.items()):
            if number_sent == wanted and (handle is None or request.handle in (None, handle)):
                return request
        return None

    def is_only(self, made: LogEvent) -> bool:
        """Whether no other IKE SA has a request of its number, as far as names tell."""
        numbers = [number for _, number in self._open] if made.handle is None else []
        return numbers.count(made.message_id or 0) < 2

    def announced(self, line: LogLine) -> LogEvent | None:
        """The request that a line says is sent again, where only a line before tells of it.

        IKEv1 sends no question again: there it is something else.
        """
        said, kind = self._announced.get(handle_of(line), (None, None))
        if said is None or (kind is MessageKind.LIVENESS and _is_ikev1(line)):
            return None
        return _request(line, said, kind)

    def unknown(self, line: LogLine) -> LogEvent | None:
        """The same, where nothing tells what it is; None if the line does not tell whose."""
        return None if handle_of(line) is None else _request(line, line, None)

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
        self._open.pop(place, None)
        return self._retried.pop(place)[1]

    @staticmethod
    def removal(gave_up: LogEvent) -> Iterator[LogEvent]:
        """The end of the IKE SA on which an IKEv1 Quick Mode is given up.

        charon removes it with that (ike_sa.c: retransmit); its log says so at higher levels only.
        """
        of_phase_2 = gave_up.message in (None, MessageKind.QUICK_MODE) and gave_up.message_id
        if gave_up.kind is LogEventKind.GAVE_UP and gave_up.version == 1 and of_phase_2:
            down, quick = LogEventKind.IKE_SA_DOWN, MessageKind.QUICK_MODE
            yield replace(gave_up, kind=down, message=quick, message_id=None, reason="")


def _is_ikev1(line: LogLine) -> bool:
    return bool(line.field("again"))


def _request(line: LogLine, said: LogLine, kind: MessageKind | None) -> LogEvent:
    """What a line says is sent again, as it was sent at another line."""
    made = event(said, LogEventKind.MESSAGE, sent=True, response=False, message=kind)
    made.version, made.handle = 1 if _is_ikev1(line) else 2, handle_of(line)
    made.message_id = number(line.field("mid"), 0xFFFFFFFF)
    return made


def place_of(made: LogEvent) -> Place:
    """Where a request is kept."""
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
