"""IKEv2 exchanges: requests, their retransmissions and answers, and what they say of the peer.

Everything here is in clear: the header, and the SK payload's Next Payload byte (RFC 7296 3.14).
"""

from __future__ import annotations

from typing import Final

from analyzers.decode.captures import LATENESS_NS
from analyzers.model.exchange import (
    NO_MESSAGE_ID,
    AnswerEvidence,
    DeleteProtocol,
    ExchangeKind,
)
from analyzers.model.observations import IkeMessage, MessageKind
from analyzers.model.records import Basis, Confidence, Problem, ProblemKind
from analyzers.model.sa import SaEnd
from analyzers.model.time import NS_PER_SECOND
from analyzers.tracking.marks import Marks
from analyzers.tracking.tracks import (
    DeleteTrack,
    ExchangeTrack,
    MarkKind,
    RequestTrack,
    SaTrack,
    transmission,
)

_ZERO_SPI: Final = "0" * 16
_SET_WINDOW_SIZE: Final = 16385
_PAYLOAD_NOTIFY, _PAYLOAD_EAP = 41, 48
_PROTOCOL_IKE: Final = 1
# Who has renewed an IKE SA deletes the old one at once (RFC 7296 section 2.8).
_DELETED_WITHIN_NS: Final = 2 * NS_PER_SECOND
_PROTOCOLS: Final = {
    1: DeleteProtocol.IKE,
    2: DeleteProtocol.AH,
    3: DeleteProtocol.ESP,
}
# Requests that are kept for late answers; a window is 1, so more only helps damaged captures.
_MAX_REQUESTS: Final = 64
# Python 3.11 is slow to find a member by its name, and these are asked for of every message.
_FRAGMENT, _SA_INIT, _AUTH = MessageKind.FRAGMENT, MessageKind.SA_INIT, MessageKind.AUTH
_CREATE_CHILD, _DELETE = MessageKind.CREATE_CHILD, MessageKind.DELETE
_NOTIFY, _LIVENESS = MessageKind.NOTIFY, MessageKind.LIVENESS
_LOG: Final = Basis.LOG
_PROOF, _PROBE, _ANSWERED = MarkKind.PROOF, MarkKind.PROBE, MarkKind.ANSWERED
_QUESTION, _ANSWER_SEEN = ExchangeKind.LIVENESS, AnswerEvidence.MESSAGE

# Lengths of a message with two NAT detection notifies, over all suites (dpd-semantics 2.5).
_NAT_DETECTION_LENGTHS: Final = frozenset({105, 109, 113, 116, 120, 124, 128, 136, 144})

_BEFORE_LIVENESS: Final = frozenset({MessageKind.SA_INIT, MessageKind.AUTH})
LIVENESS_KINDS: Final = frozenset({MessageKind.LIVENESS, MessageKind.LIVENESS_MOBIKE})
_INFORMATIONALS: Final = LIVENESS_KINDS | {
    MessageKind.DELETE,
    MessageKind.NOTIFY,
    MessageKind.CONFIG,
    MessageKind.INFORMATIONAL,
}
_EXCHANGES: Final = {
    MessageKind.SA_INIT: "IKE_SA_INIT",
    MessageKind.AUTH: "IKE_AUTH",
    MessageKind.CREATE_CHILD: "CREATE_CHILD_SA",
    MessageKind.OTHER: "another exchange type",
}


def _exchange_name(kind: MessageKind) -> str:
    """The exchange type of a message: INFORMATIONAL has many kinds."""
    return _EXCHANGES.get(kind, "INFORMATIONAL")


_NEVER_THE_SAME: Final = frozenset({MessageKind.LIVENESS, _DELETE})


class Ikev2Tracker:
    """Takes the IKEv2 messages of all SAs in the order of time."""

    def __init__(self, marks: Marks) -> None:
        self._marks = marks

    def feed(self, sa: SaTrack, message: IkeMessage, side: int) -> None:
        """One message, sent by `side`; incomplete fragments and clear notifies say nothing."""
        if message.kind is _FRAGMENT or (message.kind is _NOTIFY and not message.encrypted):
            return
        if message.notifies and any(n.type == _SET_WINDOW_SIZE for n in message.notifies):
            sa.window_one = False
        if message.is_response:
            self._response(sa, message, side)
        else:
            self._request(sa, message, side)

    def _request(self, sa: SaTrack, message: IkeMessage, side: int) -> None:
        known = sa.requests.get((side, message.message_id))
        if known is not None and _exchange_name(known.kind) != _exchange_name(message.kind):
            self._id_used_twice(sa, known, message)
            known = None
        elif known is not None and (
            {known.kind, message.kind} == _NEVER_THE_SAME or _is_past(sa, known, message)
        ):
            known = None  # a log that does not name its SAs means another one
        if known is not None and not self._starts_over(known, message):
            self._retransmission(sa, known, message, side)
            return
        if message.kind is not _SA_INIT:
            self._assume_answered(sa, message, side)
        request = RequestTrack(
            message.message_id,
            side,
            message.kind,
            message.fingerprint,
            message.at_ns,
            message.at_ns,
            ref=message.ref,
            astray=not self._marks.proving,
            renews_child=message.sk_next_payload == _PAYLOAD_NOTIFY,
        )
        sa.requests[side, message.message_id] = request
        _forget_old(sa, side)
        if message.encrypted and message.integrity_ok is not False:
            self._marks.add(_PROOF, sa, 1 - side, message)
        if message.kind in LIVENESS_KINDS or _may_be_question(message):
            request.exchange = self._new_exchange(sa, message, side)
        elif message.kind is _DELETE and message.encrypted:
            request.delete = self._new_delete(sa, message, side)
        elif message.encrypted and message.kind not in _BEFORE_LIVENESS:
            request.exchange = self._new_exchange(sa, message, side, listed=False)
        early = sa.early
        if early is not None and early.message_id == message.message_id:
            sa.early = None
            if 0 <= message.at_ns - early.at_ns <= LATENESS_NS:
                self._response(sa, early, 1 - side)

    @staticmethod
    def _id_used_twice(sa: SaTrack, known: RequestTrack, message: IkeMessage) -> None:
        """A message ID in another exchange type than before: no repetition of anything."""
        synchronises = message.message_id == 0 and message.kind in _INFORMATIONALS
        if message.basis is Basis.LOG or message.integrity_ok is False or synchronises:
            return  # RFC 6311: a cluster says in message 0 which IDs it goes on with
        before, now = (_exchange_name(kind) for kind in (known.kind, message.kind))
        sa.peer.problems.append(
            Problem(
                ProblemKind.MESSAGE_ID_REUSED,
                f"a request of {now} has message ID {message.message_id}, which a request of"
                f" {before} of the same end had before (RFC 7296 section 2.2: each request has the"
                " next one)",
                message.ref,
            )
        )

    @staticmethod
    def _starts_over(known: RequestTrack, message: IkeMessage) -> bool:
        """Whether an ID is used for a new request: IKE_SA_INIT again with a cookie or group."""
        return (
            message.kind is _SA_INIT and known.answered and known.fingerprint != message.fingerprint
        )

    def _retransmission(
        self, sa: SaTrack, request: RequestTrack, message: IkeMessage, side: int
    ) -> None:
        sa.retransmissions += 1
        sa.peer.retransmissions += 1
        request.last_ns = message.at_ns
        request.sent += 1
        if request.astray and self._marks.proving:
            # Nobody had it before, and these are the first bytes of it.
            request.astray, request.fingerprint = False, message.fingerprint
            if message.encrypted and message.integrity_ok is not False:
                self._marks.add(_PROOF, sa, 1 - side, message)
        if (
            request.fingerprint != message.fingerprint
            and message.encrypted
            and not message.refs
            and message.basis is not Basis.LOG
        ):
            sa.peer.problems.append(
                Problem(
                    ProblemKind.RETRANSMISSION_DIFFERS,
                    f"message ID {message.message_id} was sent again with other bytes"
                    " (RFC 7296 section 2.1: bitwise identical)",
                    message.ref,
                )
            )
        if request.assumed and not request.answered:
            # Sent again although the next request was out: the window is larger than 1.
            request.assumed = False
            sa.window_one = False
            if request.exchange is not None:
                request.exchange.evidence = None
        exchange = request.exchange
        if exchange is not None and not exchange.is_answered_after(message.at_ns):
            sa.unit.answered[side] -= exchange.answer is not None
            if not exchange.listed and len(exchange.transmissions) == 1:
                sa.peer.sent_again.append(exchange)
            exchange.ask_again(transmission(message))
            exchange.arrived = exchange.arrived or message.arrived
            self._marks.add(_PROBE, sa, side, message, exchange=exchange)
        if request.delete is not None:
            request.delete.transmissions += 1

    def _assume_answered(self, sa: SaTrack, message: IkeMessage, side: int) -> None:
        """With a window of 1, request n + 1 is only sent when n was answered (RFC 7296 2.3).

        Of requests that a log does not number, a later one need not be another one.
        """
        if not sa.window_one or message.message_id >= NO_MESSAGE_ID:
            return
        previous = _last_before(sa, side, message.message_id)
        if previous is None or previous.is_settled:
            return
        if message.kind is _DELETE and previous.last_ns > previous.at_ns:
            return  # some stacks say goodbye to a peer that has stopped answering
        previous.assumed = True
        exchange = previous.exchange
        if exchange is not None:
            exchange.evidence = AnswerEvidence.NEXT_REQUEST
            sa.unit.answered[side] += 1
        self._marks.implied(sa, side, message, exchange, previous.last_ns)

    def _response(self, sa: SaTrack, message: IkeMessage, side: int) -> None:
        self._note_handshake(sa, message, side)
        request = sa.requests.get((1 - side, message.message_id))
        if request is None:
            sa.early = message
            return
        exchange = request.exchange
        if message.astray:
            if exchange is not None and exchange.answer is None:
                exchange.note_astray(message)
            return
        if request.answered and (exchange is None or exchange.answer is not None):
            return
        if request.assumed and request.sent == 1 and _is_overtaken(sa, request):
            sa.window_one = False
        request.answered = True
        if message.kind is _CREATE_CHILD or request.kind is _CREATE_CHILD:
            sa.last_create_child_ns = message.at_ns
            if not request.renews_child:
                sa.renewed_ns = message.at_ns
        if not message.encrypted or message.integrity_ok is False:
            return
        if exchange is not None and exchange.is_given_up(message.at_ns):
            exchange.note_lost_answer(transmission(message))
        elif exchange is not None:
            if exchange.evidence is None:
                sa.unit.answered[1 - side] += 1
            exchange.answer = transmission(message)
            exchange.evidence = _ANSWER_SEEN
            self._marks.add(_ANSWERED, sa, 1 - side, message, exchange=exchange)
        if request.delete is not None:
            self._answer_delete(sa, request.delete, message)
        self._marks.add(_PROOF, sa, 1 - side, message)

    def _note_handshake(self, sa: SaTrack, message: IkeMessage, side: int) -> None:
        if message.kind is _SA_INIT:
            if side != sa.initiator and message.responder_spi != _ZERO_SPI:
                sa.responder_spi = message.responder_spi
            return
        # An error notify first is a refusal, EAP first goes on; an identity or AUTH is success.
        unfinished = (None, _PAYLOAD_NOTIFY, _PAYLOAD_EAP)
        if message.kind is _AUTH and message.sk_next_payload not in unfinished:
            sa.established_ns = message.at_ns

    def _new_exchange(
        self, sa: SaTrack, message: IkeMessage, side: int, *, listed: bool = True
    ) -> ExchangeTrack:
        """A question; requests with another purpose tell as much of the peer (RFC 7296 2.4)."""
        sure = message.kind in LIVENESS_KINDS or not listed
        exchange = ExchangeTrack(
            sa=sa,
            kind=_QUESTION,
            side=side,
            sequence=None,
            transmissions=[transmission(message)],
            basis=message.basis if sure or message.basis is _LOG else Basis.RHYTHM,
            confidence=message.confidence if sure else Confidence.INFERRED,
            length=message.length,
            listed=listed,
            candidate=not sure,
            arrived=message.arrived,
        )
        if listed:
            sa.peer.exchanges.append(exchange)
        self._marks.add(_PROBE, sa, side, message, exchange=exchange)
        return exchange

    def _new_delete(self, sa: SaTrack, message: IkeMessage, side: int) -> DeleteTrack:
        protocol = DeleteProtocol.UNKNOWN
        spis: tuple[str, ...] = ()
        if message.deletes:
            protocol = _PROTOCOLS.get(message.deletes[0].protocol, DeleteProtocol.UNKNOWN)
            spis = tuple(spi for d in message.deletes for spi in d.spis)
        delete = DeleteTrack(
            sa=sa,
            side=side,
            at_ns=message.at_ns,
            protocol=protocol,
            spis=spis,
            reason="",
            basis=message.basis,
            confidence=message.confidence,
            ref=message.ref,
            answered=False,
        )
        sa.peer.deletes.append(delete)
        self._marks.add(MarkKind.DELETE, sa, side, message, delete=delete)
        if protocol is DeleteProtocol.IKE:
            _end(sa, delete)
        return delete

    def _answer_delete(self, sa: SaTrack, delete: DeleteTrack, message: IkeMessage) -> None:
        delete.answered, delete.answer = True, transmission(message)
        if delete.protocol is not DeleteProtocol.UNKNOWN:
            return
        # The answer to the Delete of an IKE SA is empty, that of a Child SA carries the Delete of
        # its other half (RFC 7296 section 1.4.1).
        delete.basis = Basis.HEADER
        delete.confidence = Confidence.INFERRED
        if message.kind is _LIVENESS:
            delete.protocol = DeleteProtocol.IKE
            _end(sa, delete)
        else:
            delete.protocol = DeleteProtocol.ESP


def _is_overtaken(sa: SaTrack, request: RequestTrack) -> bool:
    """Whether an unanswered request had the next one answered, or two more sent, after it.

    With a window of 1 that cannot be; one that was sent is what two taps may stamp too early.
    """
    following = (sa.requests.get((request.side, request.message_id + n)) for n in (1, 2))
    first, second = (r if r and r.at_ns >= request.at_ns else None for r in following)
    return first is not None and (first.answered or second is not None)


def _is_past(sa: SaTrack, known: RequestTrack, message: IkeMessage) -> bool:
    """Whether a log has a new request with the ID of one that was answered before later ones."""
    if message.basis is not Basis.LOG or message.again or not known.answered:
        return False
    return any(side == known.side and number > known.message_id for side, number in sa.requests)


def _last_before(sa: SaTrack, side: int, message_id: int) -> RequestTrack | None:
    """The request before this one; where the capture has gaps, the last one that it shows."""
    previous = sa.requests.get((side, message_id - 1))
    if previous is not None:
        return previous
    earlier = [number for who, number in sa.requests if who == side and number < message_id]
    return sa.requests[side, max(earlier)] if earlier else None


def _may_be_question(message: IkeMessage) -> bool:
    """Whether a request whose content nobody can read may be a liveness question.

    A peer behind a NAT adds both NAT detection notifies to it (RFC 4555 section 3.8), and a log
    need not list what a request carries. `outcomes` tells, by their rhythm.
    """
    if message.basis is _LOG:
        return message.kind is MessageKind.INFORMATIONAL
    return (
        message.kind is _NOTIFY
        and message.encrypted
        and message.basis is Basis.HEADER
        and message.length in _NAT_DETECTION_LENGTHS
    )


def _end(sa: SaTrack, delete: DeleteTrack) -> None:
    if sa.ended_ns is None:
        sa.ended_ns = delete.at_ns
        sa.end_ref = delete.ref
        # What takes its place need not have spoken yet.
        renewed = sa.renewed_ns is not None and (
            0 <= delete.at_ns - sa.renewed_ns <= _DELETED_WITHIN_NS
        )
        is_new = sa.rekeyed_into is not None or renewed
        sa.end = SaEnd.REKEYED if is_new else SaEnd.DELETE


def _forget_old(sa: SaTrack, side: int) -> None:
    if len(sa.requests) > _MAX_REQUESTS:
        del sa.requests[next(iter(sa.requests))]
