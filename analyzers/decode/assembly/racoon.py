"""Puts together what racoon says of its SAs, and what FortiClient says of the same in fewer words.

A received R-U-THERE, its answer, and a received answer are two lines each; the number behind a sent
one is what sending returned. FortiClient counts its questions: `dpd_fails` rises with every one and
falls with an answer, so that a count of one is normal (log grammar sections 7 and 8).
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable, Iterator
from typing import ClassVar, Final

from analyzers.decode.assembly.child_pairs import ChildPairs
from analyzers.decode.assembly.lines import LogLine, address, event, number
from analyzers.model.exchange import DeleteProtocol
from analyzers.model.log_events import LogEvent, LogEventKind
from analyzers.model.observations import MessageKind
from analyzers.model.time import NS_PER_SECOND

_PROTOCOLS: Final = {
    "ISAKMP": DeleteProtocol.IKE,
    "ESP": DeleteProtocol.ESP,
    "AH": DeleteProtocol.AH,
}
_RESENT: Final = {"1": MessageKind.MAIN_MODE, "2": MessageKind.QUICK_MODE}
_EXCHANGES: Final = {
    "IKE_SA_INIT": MessageKind.SA_INIT,
    "IKE_AUTH": MessageKind.AUTH,
    "CREATE_CHILD_SA": MessageKind.CREATE_CHILD,
    "INFORMATIONAL": MessageKind.INFORMATIONAL,
}
# The lines about one message follow each other within this.
_TOGETHER_NS: Final = NS_PER_SECOND
_MAX_SAS: Final = 4096
_MAX_WAITING: Final = 4096
# FortiClient has one peer, and names it nowhere in its IKEv1; so its words call it.
_UNNAMED: Final = "remote"


class RacoonAssembly:
    """The state of one racoon."""

    useless: ClassVar[frozenset[str]] = frozenset({""})
    """Ids of patterns whose lines it has no use for; "" is that of lines that nothing knows."""

    def __init__(self) -> None:
        self._ends: OrderedDict[str, LogEvent] = OrderedDict()
        """The IKE SAs by initiator SPI."""
        self._last: LogEvent | None = None
        """The last event that names a peer."""
        self._peers: set[str] = set()
        self._told: LogEvent | None = None
        """A message that a second line may tell again."""
        self._down: OrderedDict[str, bool] = OrderedDict()
        self._half: LogEvent | None = None
        """One direction of a Child SA that came up."""
        self._children = ChildPairs()
        self._tick: tuple[LogEvent, int] | None = None
        """FortiClient's last question, and how many there were without an answer."""
        self._says_sent = False
        self._dpd_enabled = False
        self._interval_s: float | None = None
        self._refused: LogEvent | None = None
        """The last packet that the system did not take, in its words."""
        self._received_id: int | None = None
        self._requests: OrderedDict[int, LogEvent] = OrderedDict()
        """IKEv2 requests by message ID."""
        self._unsure: LogEvent | None = None
        """The last of them, if it may be a liveness question or a Delete."""
        self._waiting: list[LogEvent] = []
        """Events that a later line may say more of."""

    def take(self, line: LogLine) -> Iterable[LogEvent]:
        """One line."""
        told: list[LogEvent] = []
        for made in self._take(line):
            if made is self._unsure:
                told += self._waiting
                self._waiting = []
            self._waiting.append(made)
        named = bool(self._peers)
        if (named and self._unsure is None) or len(self._waiting) >= _MAX_WAITING:
            told += self._told_all(named=named)
        return told

    def finish(self) -> Iterable[LogEvent]:
        """The log is over."""
        self._waiting += self._rest()
        return self._told_all(named=False)

    def _told_all(self, *, named: bool = True) -> list[LogEvent]:
        """What waited; `named` False: the name of the peer is waited for no more."""
        told, self._waiting = self._waiting, []
        self._unsure = None
        if not named and not self._peers:
            for made in told:
                made.remote = _UNNAMED
        return told

    def _rest(self) -> Iterator[LogEvent]:
        yield from self._half_told()

    def _take(self, line: LogLine) -> Iterator[LogEvent]:
        half = self._half
        if half is not None and (line.id != "child-up" or not _near(half, line)):
            yield from self._half_told()
        match line.id:
            case "started":
                yield event(line, LogEventKind.STARTED)
            case "phase1":
                self._about(line, LogEventKind.HINT)
            case "ike-up":
                yield self._about(line, LogEventKind.IKE_SA_UP, version=1)
            case "ike-down" | "ike-purged":
                yield from self._ike_down(line)
            case "child-up":
                yield from self._child_up(line)
            case "child-purged":
                yield from self._child_down(line)
            case "gave-up":
                yield self._about(line, LogEventKind.GAVE_UP, version=1)
            case "initial-contact" | "dpd-wrong-sequence":
                yield self._about(line, LogEventKind.HINT, sequence=None)
            case "client-dpd":
                self._settings(line)
            case "packet":
                self._packet_passes(line)
            case _ if line.id.startswith("iked"):
                yield from self._ikev2(line)
            case _:
                yield from self._message(line)

    def _about(self, line: LogLine, kind: LogEventKind, **parts: object) -> LogEvent:
        """An event; its peer is the one it names, that of its SA, or that of the line before."""
        made = event(line, kind, **parts)
        named = line.fields.get("peer2")
        if named is not None:
            made.remote = address(named)
        known = self._ends.get(made.initiator_spi or "") or self._of_peer(made.remote, line)
        if known is not None:
            made.local, made.remote = made.local or known.local, made.remote or known.remote
            made.local_port = made.local_port or known.local_port
            made.remote_port = made.remote_port or known.remote_port
            if kind is not LogEventKind.MESSAGE:
                made.initiator_spi = made.initiator_spi or known.initiator_spi
                made.responder_spi = made.responder_spi or known.responder_spi
        if made.remote is not None:
            self._last = made
            if len(self._peers) < _MAX_SAS:
                self._peers.add(made.remote)
        if made.local is not None and made.initiator_spi is not None:
            self._ends[made.initiator_spi] = made
            while len(self._ends) > _MAX_SAS:
                self._ends.popitem(last=False)
        return made

    def _of_peer(self, remote: str | None, line: LogLine) -> LogEvent | None:
        """The last SA with a peer; without a name, that of the lines right before."""
        last = self._last
        if last is None or last.remote == remote:
            return last
        if remote is None:
            return last if len(self._peers) == 1 or _near(last, line) else None
        return next((e for e in reversed(self._ends.values()) if e.remote == remote), None)

    def _packet_passes(self, line: LogLine) -> bool:
        """A packet tells whose the next lines are; whether it was received."""
        fields = line.fields
        src, dst = address(fields["src"]), address(fields["dst"])
        arrived = "received" in fields or "received2" in fields or src in self._peers
        local, remote = (dst, src) if arrived else (src, dst)
        self._about(line, LogEventKind.HINT, local=local, remote=remote)
        return arrived

    # --- IKEv1 messages --------------------------------------------------------------------

    def _message(self, line: LogLine) -> Iterator[LogEvent]:
        fields = line.fields
        match line.id:
            case "dpd-sent":
                self._says_sent, self._tick = True, None
                if not fields["code"].strip("0"):
                    yield self._sent(line, MessageKind.R_U_THERE)
                elif self._refused is None or not _near(self._refused, line):
                    reason = f"sending an R-U-THERE returned {fields['code']}"
                    yield self._about(line, LogEventKind.NOT_SENT, reason=reason)
            case "not-sent":
                self._refused = self._about(line, LogEventKind.NOT_SENT)
                yield self._refused
            case "dpd-monitoring":
                yield from self._monitoring(line)
            case "dpd-received":
                yield self._received(line, MessageKind.R_U_THERE)
            case "dpd-answered":
                if not self._is_told(line, MessageKind.R_U_THERE):
                    yield self._received(line, MessageKind.R_U_THERE)
                yield self._sent(line, MessageKind.R_U_THERE_ACK)
            case "dpd-ack-received":
                yield self._received(line, MessageKind.R_U_THERE_ACK)
            case "dpd-ack-accepted":
                if not self._is_told(line, MessageKind.R_U_THERE_ACK):
                    yield self._received(line, MessageKind.R_U_THERE_ACK)
            case "dead":
                self._tick = None
                reason = f"DPD: {fields['who']} {fields['how']}"
                yield self._about(line, LogEventKind.PEER_DEAD, reason=reason, version=1)
            case "dpd-vendor-id":
                yield self._about(line, LogEventKind.DPD_VENDOR_ID, sent=False, version=1)
            case "resent":
                made = self._sent(line, _RESENT[fields["phase"]])
                made.retransmission = True
                yield made
            case "delete-received":
                made = self._received(line, MessageKind.DELETE)
                made.protocol = _PROTOCOLS.get(fields["protocol"], DeleteProtocol.UNKNOWN)
                yield made
            case "delete-sent":
                yield self._sent(line, MessageKind.DELETE)
            case _:
                pass

    def _sent(self, line: LogLine, kind: MessageKind) -> LogEvent:
        return self._about(line, LogEventKind.MESSAGE, sent=True, version=1, message=kind)

    def _received(self, line: LogLine, kind: MessageKind) -> LogEvent:
        made = self._about(line, LogEventKind.MESSAGE, sent=False, version=1, message=kind)
        self._told = made
        return made

    def _is_told(self, line: LogLine, kind: MessageKind) -> bool:
        """Whether the line before has told of a message already."""
        told, self._told = self._told, None
        return told is not None and told.message is kind and _near(told, line)

    def _monitoring(self, line: LogLine) -> Iterator[LogEvent]:
        """A question that is not logged otherwise, once it is known to have had no answer."""
        fails = number(line.fields.get("fails", ""), 9999)
        if fails is None or self._says_sent:
            return
        before = self._tick
        if before is not None and fails == before[1] + 1:
            yield before[0]
        made = self._sent(line, MessageKind.R_U_THERE)
        made.retransmission, made.retry = fails > 1, fails - 1 if fails > 1 else None
        self._tick = made, fails

    # --- IKEv2 of FortiClient --------------------------------------------------------------

    def _settings(self, line: LogLine) -> None:
        value = number(line.fields["value"], 999_999)
        if line.fields["key"] == "enabled":
            self._dpd_enabled = value == 1
        elif value:
            self._interval_s = float(value)

    def _ikev2(self, line: LogLine) -> Iterator[LogEvent]:
        fields = line.fields
        match line.id:
            case "iked-received-id":
                self._received_id = number(fields["mid"], 0xFFFFFFFF)
            case "iked-sent":
                yield from self._ikev2_sent(line)
            case "iked-received":
                yield self._ikev2_received(line)
            case _:
                # A Delete is an INFORMATIONAL, too: which it was is not said.
                self._unsure = None
                yield self._about(line, LogEventKind.GAVE_UP, version=2, message_id=None)

    def _ikev2_sent(self, line: LogLine) -> Iterator[LogEvent]:
        fields = line.fields
        made = self._about(line, LogEventKind.MESSAGE, sent=True, version=2)
        made.response = fields["kind"] == "res"
        made.message = self._exchange(fields["exchange"])
        if self._dpd_enabled and self._interval_s is not None:
            agreed = self._about(line, LogEventKind.DPD_AGREED, version=2, message_id=None)
            agreed.interval_s, self._interval_s = self._interval_s, None
            yield agreed
        if not made.response and made.message_id is not None:
            made.retransmission = fields.get("again") is not None
            if not made.retransmission:
                self._goes_on(made)
            self._requests[made.message_id] = made
            while len(self._requests) > _MAX_SAS:
                self._requests.popitem(last=False)
        yield made

    def _goes_on(self, made: LogEvent) -> None:
        """An IKE SA that asks on was not deleted: what it asked for without a word was liveness."""
        before, self._unsure = self._unsure, None
        if made.message is not MessageKind.INFORMATIONAL:
            return
        rekeyed = self._requests.get((made.message_id or 0) - 1)
        if rekeyed is None or rekeyed.message is not MessageKind.CREATE_CHILD:
            self._unsure = made  # else it deletes the Child SA of before
        if before is None or before.initiator_spi != made.initiator_spi:
            return
        for told in self._waiting:
            ours = told.sent is not told.response
            unsaid = told.message is MessageKind.INFORMATIONAL
            if ours and unsaid and told.message_id == before.message_id:
                told.message = MessageKind.LIVENESS

    def _ikev2_received(self, line: LogLine) -> LogEvent:
        made = self._about(line, LogEventKind.MESSAGE, sent=False, version=2)
        made.message_id, self._received_id = self._received_id, None
        made.response = line.fields["kind"] == "reply"
        made.message = self._exchange(line.fields["exchange"])
        request = self._requests.get(made.message_id or 0) if made.response else None
        if made.response and request is None and made.message is MessageKind.LIVENESS:
            made.message = MessageKind.INFORMATIONAL
        return made

    def _exchange(self, name: str) -> MessageKind:
        """With DPD on, the INFORMATIONAL messages of a client are its liveness questions."""
        kind = _EXCHANGES.get(name, MessageKind.OTHER)
        if kind is MessageKind.INFORMATIONAL and self._dpd_enabled:
            return MessageKind.LIVENESS
        return kind

    # --- SAs -------------------------------------------------------------------------------

    def _ike_down(self, line: LogLine) -> Iterator[LogEvent]:
        made = self._about(line, LogEventKind.IKE_SA_DOWN, version=1, protocol=DeleteProtocol.IKE)
        name = made.initiator_spi or ""
        if name not in self._down:
            self._down[name] = True
            while len(self._down) > _MAX_SAS:
                self._down.popitem(last=False)
            yield made

    def _child_up(self, line: LogLine) -> Iterator[LogEvent]:
        """The two directions of a Child SA are two lines."""
        fields = line.fields
        made = event(line, LogEventKind.CHILD_SA_UP, protocol=DeleteProtocol.ESP)
        src, dst = address(fields["src"]), address(fields["dst"])
        last = self._last
        inbound = last is not None and (dst == last.local or src == last.remote)
        half, self._half = self._half, None
        if half is not None and (half.local, half.remote) in ((src, dst), (dst, src)):
            half.spis = (*made.spis, *half.spis) if inbound else (*half.spis, *made.spis)
            if self._children.up(half.spis):
                yield half
            return
        if half is not None:
            self._half = half
            yield from self._half_told()
        made.local, made.remote = (dst, src) if inbound else (src, dst)
        if last is not None:
            made.initiator_spi, made.responder_spi = last.initiator_spi, last.responder_spi
        self._half = made

    def _half_told(self) -> Iterator[LogEvent]:
        half, self._half = self._half, None
        if half is not None and self._children.up(half.spis):
            yield half

    def _child_down(self, line: LogLine) -> Iterator[LogEvent]:
        value = number(line.fields["decimal"], 0xFFFFFFFF)
        if value is None:
            return
        gone = self._children.down((f"{value:08x}",))
        if gone is not None:
            made = self._about(line, LogEventKind.CHILD_SA_DOWN, protocol=DeleteProtocol.ESP)
            made.spis = gone
            yield made


def _near(before: LogEvent, line: LogLine) -> bool:
    if before.at_ns is None or line.at_ns is None:
        return True
    return 0 <= line.at_ns - before.at_ns <= _TOGETHER_NS
