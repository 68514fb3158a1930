"""Which IKE SA a line of a log is about: by the device's own name of it, its SPIs, or its time.

Most logs name no SPIs. Message IDs begin anew with every IKE SA, so that two SAs taken for one
would lose what the second asked.
"""

from __future__ import annotations

from typing import Final

from analyzers.model.log_events import LogEvent, LogEventKind
from analyzers.model.observations import MessageKind
from analyzers.model.sa import SaEnd
from analyzers.model.time import NS_PER_SECOND
from analyzers.tracking.logged_questions import RECENT
from analyzers.tracking.peers import PeerTable
from analyzers.tracking.tracks import PeerTrack, SaTrack
from analyzers.tracking.witnesses import LIVENESS, QUESTIONS

STARTS: Final = frozenset({MessageKind.SA_INIT, MessageKind.MAIN_MODE, MessageKind.AGGRESSIVE})
"""Messages that begin an IKE SA."""
EXCHANGE_TYPES: Final = {
    MessageKind.SA_INIT: 34,
    MessageKind.AUTH: 35,
    MessageKind.CREATE_CHILD: 36,
    MessageKind.MAIN_MODE: 2,
    MessageKind.AGGRESSIVE: 4,
    MessageKind.QUICK_MODE: 32,
    MessageKind.TRANSACTION: 6,
}
"""The numbers that messages which set up SAs have on the wire."""
_ZERO_SPI: Final = "0" * 16
_SETTLING_NS: Final = 2 * NS_PER_SECOND
_ENDS: Final = (LogEventKind.PEER_DEAD, LogEventKind.GAVE_UP, LogEventKind.IKE_SA_DOWN)
"""Events that are about no SA that began later, though a capture may have shown that one first."""
_IN_VAIN: Final = (LogEventKind.PEER_DEAD, LogEventKind.GAVE_UP)
_OFFERS: Final = (LogEventKind.DPD_VENDOR_ID, LogEventKind.NO_DPD_VENDOR_ID)
BEFORE_UP: Final = STARTS | {MessageKind.AUTH}
"""Messages that an IKE SA is set up by."""
_WITHIN: Final = LIVENESS | {MessageKind.DELETE, MessageKind.CREATE_CHILD}
"""Messages that need an IKE SA which is set up."""
ESTABLISHED: Final = "it was ESTABLISHED"
"""What charon says an SA was before it was removed."""
# Python 3.11 is slow to find a member by its name, and these are asked for of every message.
_IKE_SA_UP: Final = LogEventKind.IKE_SA_UP
_REPLACED: Final = (SaEnd.REPLACED, SaEnd.REKEYED)


class LoggedSas:
    """The IKE SAs that logs tell of."""

    def __init__(self, table: PeerTable) -> None:
        self._table = table
        self._by_handle: dict[tuple[str, str], SaTrack] = {}
        self._handles: dict[tuple[int, str], str] = {}
        """What each log calls an SA, by its index and the log."""
        self._guessed: set[int] = set()
        """Indices of SAs of which nothing has told the version yet."""

    def of(self, peer: PeerTrack, event: LogEvent, side: int) -> SaTrack:
        """The SA of an event that is about one; a new one if it can be none of those known."""
        source, handle = event.ref.source, event.handle
        known = None if handle is None else self._by_handle.get((source, handle))
        if known is not None and not _spis_agree(known, event):
            known = None  # devices use a handle again
        if event.kind in _OFFERS and known is not None and not known.is_half_open:
            # A phase 1 that is under way has got the handle.
            known = None if any(sa.is_half_open for sa in peer.sas[-1:]) else known
        if handle is not None and known is not None and event.kind in _IN_VAIN:
            # Of two that began at once a name may have been taken for that of the other one.
            number = event.message_id
            asked = (sa for sa in (known, *peer.sas[:-17:-1]) if _is_waiting(sa, side, number))
            known = self._by_handle[source, handle] = next(asked, known)
        if known is not None and _goes_on(known, event):
            known.ended_ns = known.end = known.end_ref = None
        if known is None or known.peer is not peer or _begins(known, event):
            known = self.newest(peer, event, side)
            if known is None or _begins(known, event) or self._is_another(known, event):
                known = self._begin(peer, event, side, known)
            if handle is not None:
                self._by_handle[source, handle] = known
                self._handles[known.index, source] = handle
        self._learn(known, event, side)
        return known

    def newest(self, peer: PeerTrack, event: LogEvent, side: int) -> SaTrack | None:
        """The SA an event without a known handle is about: by SPIs, else the newest."""
        spi = event.initiator_spi
        found = [
            sa
            for sa in reversed(peer.sas[-16:])
            if (event.version in (None, sa.version) or sa.index in self._guessed)
            and (spi is None or sa.initiator_spi in ("", spi))
        ]
        if event.kind in _ENDS:
            found = [sa for sa in found if _may_end(sa, event)] or found
        elif event.message in _WITHIN:
            found = [sa for sa in found if not sa.is_half_open] or found
        # What was asked on an SA is answered, asked again and given up there, also when another one
        # has taken its place meanwhile.
        if event.response:
            asked = 1 - sender_of(event, side), event.message_id
            used = [sa for sa in found if sa is found[0] or sa.rekeyed_into is found[0]]
            found = [sa for sa in used if asked in sa.requests] or found
        elif event.retransmission or event.kind in _IN_VAIN:
            asker = sender_of(event, side) if event.retransmission else side
            found = [sa for sa in found if _is_waiting(sa, asker, event.message_id)] or found
        return found[0] if found else None

    def given_up(self, peer: PeerTrack, event: LogEvent, side: int) -> SaTrack | None:
        """The SA on which a request met no answer, as it is known; None if it is another one."""
        sa = self.newest(peer, event, side)
        if sa is None or self._is_another(sa, event):
            return None
        if event.message in BEFORE_UP and not sa.is_half_open:
            return None
        self._learn(sa, event, side)
        return sa

    def started(self, peer: PeerTrack, at_ns: int) -> None:
        """A device has none of the SAs of before: what is negotiated next is another one."""
        for sa in reversed(peer.sas):
            if sa.lost:
                break
            sa.lost = sa.first_ns < at_ns

    def _is_another(self, sa: SaTrack, event: LogEvent) -> bool:
        """Whether the log has another name for the SA that an event seems to be about.

        Captures show by themselves which SAs there are.
        """
        if event.handle is None or sa.peer.captured:
            return False
        if event.initiator_spi is not None and event.initiator_spi == sa.initiator_spi:
            return False
        name = self._handles.get((sa.index, event.ref.source))
        return name is not None and name != event.handle

    def _begin(
        self, peer: PeerTrack, event: LogEvent, side: int, before: SaTrack | None
    ) -> SaTrack:
        version = event.version
        is_up = event.kind is LogEventKind.IKE_SA_UP
        if version is None:
            version = 1 if before is None else before.version
        sa = self._table.new_logged_sa(
            peer,
            version=version,
            version_told=event.version is not None or (before is not None and before.version_told),
            spis=(event.initiator_spi or "", event.responder_spi or ""),
            initiator=_initiator(event, side),
            at_ns=event.at_ns or 0,
            ref=event.ref,
            from_start=event.message in STARTS or (is_up and not is_renewal(event)),
        )
        sa.initiator_told = event.message in STARTS and event.kind is LogEventKind.MESSAGE
        if event.version is None:
            self._guessed.add(sa.index)
        return sa

    def _learn(self, sa: SaTrack, event: LogEvent, side: int) -> None:
        """Take what an event says of its SA."""
        if event.version is not None and sa.index in self._guessed:
            self._guessed.remove(sa.index)
            sa.version, sa.version_told = event.version, True
        if event.began is not None and not sa.peer.captured:
            sa.initiator, sa.initiator_told = side if event.began else 1 - side, True
        if event.initiator_spi and not sa.initiator_spi:
            sa.initiator_spi = event.initiator_spi
        if event.responder_spi and sa.responder_spi in ("", _ZERO_SPI):
            sa.responder_spi = event.responder_spi


def is_renewal(event: LogEvent) -> bool:
    """Whether an event is an IKE SA that another one made (RFC 7296 section 1.3.2)."""
    return event.kind is _IKE_SA_UP and event.message is MessageKind.CREATE_CHILD


def sender_of(event: LogEvent, side: int) -> int:
    """The side that sent the message of an event in the log of `side`."""
    return side if event.sent else 1 - side


def _begins(sa: SaTrack, event: LogEvent) -> bool:
    """Whether an event can only be about a later SA."""
    kind = event.kind
    renews = is_renewal(event)
    if kind in _ENDS:
        return event.message in STARTS and not sa.is_half_open
    if _asks_after_end(sa, event):
        return True
    if kind is _IKE_SA_UP and not renews:
        return sa.lost or sa.ended_ns is not None
    if not renews and (event.message not in STARTS or event.response):
        return False
    if sa.lost or sa.ended_ns is not None:
        return True
    if sa.established_ns is None:
        return renews or (sa.protected and not sa.from_start)
    # The end that finishes first logs it before the last message of the other arrives.
    return (event.at_ns or 0) - sa.established_ns > _SETTLING_NS


def _goes_on(sa: SaTrack, event: LogEvent) -> bool:
    """Whether a device goes on asking on an SA that another one seemed to have replaced."""
    replaced = sa.end in _REPLACED and not sa.peer.captured
    return replaced and sa.version == 1 and bool(event.sent) and event.message in QUESTIONS


def _asks_after_end(sa: SaTrack, event: LogEvent) -> bool:
    """Whether a device that has removed an SA asks under its name: what came between is missing.

    Captures show by themselves which SAs there are.
    """
    asks = event.message in QUESTIONS and event.sent and not event.response
    if not asks or sa.ended_ns is None or sa.end_ref is None or sa.peer.captured:
        return False
    by_itself = sa.end_ref.source == event.ref.source
    return by_itself and (event.at_ns or 0) - sa.ended_ns > _SETTLING_NS


def _may_end(sa: SaTrack, event: LogEvent) -> bool:
    """Whether an event can be the end of an SA: it had begun, and got as far as that."""
    if event.message in STARTS:
        could_be = sa.is_half_open
    else:
        needs_more = event.reason == ESTABLISHED or event.kind is LogEventKind.PEER_DEAD
        could_be = not (sa.is_half_open and needs_more)
    return sa.first_ns <= (event.at_ns or 0) and could_be


def _is_waiting(sa: SaTrack, side: int, message_id: int | None) -> bool:
    """Whether a request of a side has met no answer, on an SA whose peer was not given up."""
    request = None if message_id is None else sa.requests.get((side, message_id))
    return request is not None and not request.is_settled and sa.end is not SaEnd.DEAD_PEER


def _initiator(event: LogEvent, side: int) -> int:
    if event.message in STARTS:
        return sender_of(event, side) if not event.response else 1 - sender_of(event, side)
    return side


def _spis_agree(sa: SaTrack, event: LogEvent) -> bool:
    initiator, responder = event.initiator_spi, event.responder_spi
    if initiator and sa.initiator_spi and initiator != sa.initiator_spi:
        return False
    return not responder or sa.responder_spi in ("", _ZERO_SPI, responder)


def was_up(sa: SaTrack, side: int) -> bool:
    """Whether an SA was no mere attempt: established, or used as only such are."""
    begun_before = not sa.from_start and sa.version == 2
    if begun_before and any(r.kind not in BEFORE_UP for r in sa.requests.values()):
        return True
    return sa.established_ns is not None or any(
        x.sa is sa and x.side == side and x.answered and not x.dissolved
        for x in sa.peer.exchanges[-RECENT:]
    )


def is_vain(sa: SaTrack, side: int, end: LogEvent) -> bool:
    """Whether what ended is an attempt: its log says so, or from its first message on a side met
    no answer."""
    if end.kind is LogEventKind.IKE_SA_DOWN and end.message in STARTS:
        return True
    if not sa.is_half_open or sa.initiator != side:
        return False
    asked, other = False, sa.peer.address(1 - sa.initiator)
    for message in reversed(sa.peer.messages):
        if message.at_ns < sa.first_ns:
            break
        if message.ike_sa == sa.id:
            if message.src == other:
                return False
            asked = True
    return asked
