"""What FortiOS calls its messages, and what is known of each phase 1 by its name."""

from __future__ import annotations

from collections import OrderedDict
from typing import Final

from msgspec import Struct, field

from analyzers.model.log_events import LogEvent, LogEventKind
from analyzers.model.observations import MessageKind

NOTIFIES: Final = {
    "R-U-THERE": MessageKind.R_U_THERE,
    "R-U-THERE-ACK": MessageKind.R_U_THERE_ACK,
    "probe": MessageKind.R_U_THERE,
    "ack": MessageKind.R_U_THERE_ACK,
}
_EXCHANGES: Final = {
    "Identity Protection": MessageKind.MAIN_MODE,
    "Aggressive": MessageKind.AGGRESSIVE,
    "Informational": MessageKind.INFORMATIONAL,
    "Quick": MessageKind.QUICK_MODE,
    "Mode config": MessageKind.TRANSACTION,
    "SA_INIT": MessageKind.SA_INIT,
    "AUTH": MessageKind.AUTH,
    "CREATE_CHILD": MessageKind.CREATE_CHILD,
    "INFORMATIONAL": MessageKind.INFORMATIONAL,
}
# What "sent IKE msg (…)" begins with.
_LABELS: Final = (
    ("R-U-THERE-ACK", 1, MessageKind.R_U_THERE_ACK),
    ("R-U-THERE", 1, MessageKind.R_U_THERE),
    ("ident", 1, MessageKind.MAIN_MODE),
    ("agg", 1, MessageKind.AGGRESSIVE),
    ("quick", 1, MessageKind.QUICK_MODE),
    ("cfg", 1, MessageKind.TRANSACTION),
    ("xauth", 1, MessageKind.TRANSACTION),
    ("P1_RETRANSMIT", 1, MessageKind.MAIN_MODE),
    ("P2_RETRANSMIT", 1, MessageKind.QUICK_MODE),
    ("ISAKMP SA", 1, MessageKind.DELETE),
    ("IPsec SA", 1, MessageKind.DELETE),
    ("SA_INIT", 2, MessageKind.SA_INIT),
    ("AUTH", 2, MessageKind.AUTH),
    ("CREATE_CHILD", 2, MessageKind.CREATE_CHILD),
    ("INFORMATIONAL", 2, MessageKind.INFORMATIONAL),
)
_QUESTIONS: Final = (MessageKind.R_U_THERE, MessageKind.LIVENESS, MessageKind.LIVENESS_MOBIKE)
_NO_SPI: Final = "0" * 16
_MAX_REMEMBERED: Final = 4096
_MAX_REQUESTS: Final = 64


# Initiator SPI, whether the device sent it, message ID.
_RequestKey = tuple[str | None, bool | None, int | None]


def kind_of_exchange(name: str) -> MessageKind:
    """What "IKEv2 exchange=…" names; answers end in "_RESPONSE"."""
    return _EXCHANGES.get(name.removesuffix("_RESPONSE"), MessageKind.OTHER)


def kind_of_label(label: str) -> tuple[int, MessageKind | None]:
    """IKE version and kind of "sent IKE msg (…)"; None for what is no IKE message."""
    name = label.removeprefix("RETRANSMIT_")
    for prefix, version, kind in _LABELS:
        if name.startswith(prefix):
            return version, kind
    return 0, None


class Connection(Struct):
    """What is known of one phase 1."""

    name: str = ""
    local: str | None = None
    remote: str | None = None
    spis: tuple[str | None, str | None] = (None, None)
    version: int | None = None
    idle: bool = False
    """The link is idle: the next IKEv2 request that nothing else explains is a probe."""
    waiting: bool = False
    """A question, or again any IKEv2 request on an IKE SA, has been sent, and nothing answered."""
    asked: int | None = None
    """Number of the R-U-THERE that waits for its answer."""
    asking: int | None = None
    """Number of the peer's last R-U-THERE."""
    requests: OrderedDict[_RequestKey, LogEvent] = field(default_factory=OrderedDict)
    """IKEv2 requests that are not answered yet."""
    up: bool | None = None
    dead: bool = False
    gone: str | None = None
    """Initiator SPI of the IKE SA whose end has been told."""

    def pair(self, made: LogEvent) -> None:
        """Questions and answers: which are repeated, and what an answer is about."""
        if not made.sent or made.message in _QUESTIONS:
            self.dead = False  # there is a peer again, or an SA with one
        if made.sent:
            self.waiting |= made.message in _QUESTIONS and not made.response
        elif made.response or made.message is MessageKind.R_U_THERE_ACK:
            self.waiting = False
        match made.message:
            case MessageKind.R_U_THERE if made.sent:
                # FortiOS repeats the number of a probe until it is answered.
                made.retransmission = made.sequence is not None and made.sequence == self.asked
                self.asked = made.sequence
            case MessageKind.R_U_THERE:
                self.asking = made.sequence
            case MessageKind.R_U_THERE_ACK if made.sent:
                made.sequence = self.asking if made.sequence is None else made.sequence
            case MessageKind.R_U_THERE_ACK:
                made.sequence = self.asked if made.sequence is None else made.sequence
                self.asked = None
            case _:
                pass
        if made.version != 2 or made.message_id is None:
            return
        if made.response:
            question = self.requests.pop((made.initiator_spi, not made.sent, made.message_id), None)
            if question is not None:
                _tell_answer(made, question.message)
            return
        key = (made.initiator_spi, made.sent, made.message_id)
        first = self.requests.get(key)
        if first is None:
            self.requests[key] = made
        elif made.message in (first.message, MessageKind.INFORMATIONAL):
            made.message, made.retransmission = first.message, True
        within = made.message not in (MessageKind.SA_INIT, MessageKind.AUTH)
        self.waiting |= bool(made.sent) and made.retransmission and within
        while len(self.requests) > _MAX_REQUESTS:
            self.requests.popitem(last=False)


class Connections:
    """All connections of a log; the oldest are forgotten when there are too many."""

    def __init__(self) -> None:
        self._by_name: OrderedDict[str, Connection] = OrderedDict()
        self._names: OrderedDict[str, str] = OrderedDict()
        """Names by initiator SPI."""

    def of(self, name: str) -> Connection:
        """The connection of this name; a new one each time for lines that name none."""
        here = self._by_name.get(name)
        if here is None:
            here = Connection(name)
            if name:
                self._by_name[name] = here
                while len(self._by_name) > _MAX_REMEMBERED:
                    self._by_name.popitem(last=False)
        return here

    def of_spi(self, initiator: str | None) -> Connection:
        """The connection whose IKE SA has this initiator SPI."""
        return self.of(self._names.get(initiator or "", ""))

    def complete(self, made: LogEvent, here: Connection) -> None:
        """Addresses, SPIs and version; without any address the name is the peer."""
        here.local, here.remote = made.local or here.local, made.remote or here.remote
        made.local, made.remote = here.local, here.remote or here.name or None
        made.handle = here.name or None
        if made.responder_spi == _NO_SPI:
            made.responder_spi = None
        if made.initiator_spi is not None:
            here.spis = (made.initiator_spi, made.responder_spi)
            if here.name:
                self._names[made.initiator_spi] = here.name
                while len(self._names) > _MAX_REMEMBERED:
                    self._names.popitem(last=False)
        elif made.kind is not LogEventKind.MESSAGE:
            made.initiator_spi, made.responder_spi = here.spis
        made.version = here.version = made.version or here.version


def _tell_answer(made: LogEvent, question: MessageKind | None) -> None:
    """What an answer is about, where its own words or bytes do not say it.

    An empty one is about liveness only if the question was: Deletes are answered so, too.
    """
    about_liveness = question in _QUESTIONS
    if made.message is MessageKind.INFORMATIONAL and about_liveness:
        made.message = question
    elif made.message is MessageKind.LIVENESS and not about_liveness:
        made.message = MessageKind.INFORMATIONAL
