"""IKEv1 without keys: what encrypted Informationals are, by length, direction and rhythm.

The rules are those of dpd-semantics section 2.7. An R-U-THERE, its ACK and an ISAKMP Delete often
have the same length, so nothing here is ever more than inferred:

a. two equal lengths in opposite directions within a round trip are question and answer;
b. equal lengths in one direction at a constant spacing are retries;
c. the last of them is a Delete if the SA was given up with it (judged in `views`, afterwards);
e. different lengths in one direction within milliseconds are Deletes.

What fits nothing stays unknown, and is counted.
"""

from __future__ import annotations

from typing import Final

from analyzers.model.exchange import AnswerEvidence, DeleteProtocol, ExchangeKind, Transmission
from analyzers.model.observations import IkeMessage, MessageKind
from analyzers.model.records import Basis, Confidence
from analyzers.model.sa import SaEnd
from analyzers.model.time import NS_PER_MS, NS_PER_SECOND
from analyzers.tracking.marks import Marks
from analyzers.tracking.tracks import (
    DeleteTrack,
    ExchangeTrack,
    MarkKind,
    SaTrack,
    transmission,
)
from analyzers.wire.ikev1 import r_u_there_lengths

# An answer later than this is not paired by length alone.
ANSWER_NS: Final = 2 * NS_PER_SECOND
# Deletes of one teardown leave within this time.
GROUP_NS: Final = 50 * NS_PER_MS
# Retries keep their spacing within this share (dpd-semantics section 4: tolR), or grow by it.
_SPACING_TOLERANCE: Final = 0.2
_MAX_GROWTH: Final = 2.6
# INITIAL-CONTACT and other notices leave right after phase 1 and have the length of a question;
# Deletes of renewed Child SAs leave right after phase 2.
_SETTLING_NS: Final = NS_PER_SECOND
# No stack repeats faster: two messages this close are parts of one teardown.
_MIN_RETRY_NS: Final = 200 * NS_PER_MS
_RECENT: Final = 16
# So many answered ones have a distance.
_FEWEST_DUE: Final = 2
# Questions whose answers length and time alone have told so far.
_PAIRED: Final = (Basis.RHYTHM, Basis.CORRELATED)
# No stack waits longer between two tries.
MAX_RETRY_NS: Final = 75 * NS_PER_SECOND

ALL_LENGTHS: Final = frozenset(
    length
    for block in (8, 16)
    for digest in (16, 20, 32, 48, 64)
    for length in r_u_there_lengths(block, digest)
)
"""All lengths an R-U-THERE can have, for SAs whose suite was not seen: (block, hash) bytes."""


def feed(marks: Marks, sa: SaTrack, message: IkeMessage, side: int) -> None:
    """One encrypted Informational of unknown content, sent by `side`."""
    previous = sa.informationals[-1] if sa.informationals else None
    sa.informationals = [*sa.informationals[-3:], message]
    grouped = previous is not None and _is_group(sa, previous, message)
    if previous is not None and grouped and not _follows_last_try(sa, previous, message, side):
        _take_for_deletes(marks, sa, previous, message, side)
        return
    if message.length not in _lengths(sa) or _is_due_delete(sa, message):
        sa.peer.unknown_informationals += 1
        return
    asked = sa.open_dpd[1 - side]
    if asked is not None and _answers(asked, message):
        if message.astray:
            asked.note_astray(message)
        else:
            _answer(marks, sa, asked, message, side)
        return
    crossed = _crossed(sa, previous, message, side)
    if crossed is not None and previous is not None:
        _uncross(marks, sa, crossed, previous, message)
        return
    run = sa.open_dpd[side]
    sent = transmission(message)
    if run is not None and continues(run, message):
        run.transmissions.append(sent)
        if len(run.transmissions) > 2:
            run.candidate = False  # twice the same spacing is a rhythm
    else:
        first = None if run is None else _dissolve(sa, run, message)
        run = _asked(sa, message, side)
        if first is not None:
            run.transmissions.insert(0, first)
        sa.open_dpd[side] = run
    marks.add(MarkKind.PROBE, sa, side, message, exchange=run)


def _asked(sa: SaTrack, message: IkeMessage, side: int) -> ExchangeTrack:
    exchange = ExchangeTrack(
        sa=sa,
        kind=ExchangeKind.DPD,
        side=side,
        sequence=None,
        transmissions=[transmission(message)],
        basis=Basis.RHYTHM,
        confidence=Confidence.INFERRED,
        length=message.length,
        candidate=True,
        renewed_ns=max(sa.used_ns),
    )
    sa.peer.exchanges.append(exchange)
    return exchange


def _crossed(
    sa: SaTrack, previous: IkeMessage | None, message: IkeMessage, side: int
) -> ExchangeTrack | None:
    """The question of `side` that another question, which this message answers, has crossed.

    Nobody asks again so soon: what came between was no answer.
    """
    if previous is None or not 0 <= message.at_ns - previous.at_ns <= GROUP_NS:
        return None
    for exchange in reversed(sa.peer.exchanges[-_RECENT:]):
        if exchange.sa is sa and exchange.side == side:
            answer = exchange.answer
            taken = answer is not None and answer.ref == previous.ref
            told = exchange.confidence is Confidence.CERTAIN
            return exchange if taken and not told and exchange.basis in _PAIRED else None
    return None


def _uncross(
    marks: Marks, sa: SaTrack, crossed: ExchangeTrack, asked: IkeMessage, message: IkeMessage
) -> None:
    """What was taken for the answer of a question is one itself, and this message answers it."""
    side = crossed.side
    take_back_answer(marks, crossed, asked)
    exchange = _asked(sa, asked, 1 - side)
    marks.add(MarkKind.PROBE, sa, 1 - side, asked, exchange=exchange)
    _answer(marks, sa, exchange, message, side)


def take_back_answer(marks: Marks, exchange: ExchangeTrack, message: IkeMessage) -> None:
    """What was taken for the answer of a question is something else."""
    sa, side = exchange.sa, exchange.side
    exchange.answer = exchange.evidence = None
    if exchange.basis is Basis.CORRELATED:
        exchange.confidence = Confidence.CERTAIN  # that it is a question
    sa.unit.answered[side] -= 1
    if sa.open_dpd[side] is None:
        sa.open_dpd[side] = exchange
    marks.add(MarkKind.RETRACTED, sa, side, message, exchange=exchange)


def take_back_question(exchange: ExchangeTrack) -> None:
    """What was taken for its only transmission is something else."""
    exchange.dissolved = True
    if exchange.sa.open_dpd[exchange.side] is exchange:
        exchange.sa.open_dpd[exchange.side] = None


def _lengths(sa: SaTrack) -> frozenset[int] | set[int]:
    """Lengths an R-U-THERE of this SA can have: learned, else from its suite, else any.

    What was learned without the suite may be Deletes of both ends: a question is no shorter.
    """
    learned = sa.r_u_there_lengths
    if sa.suite is not None:
        return learned or r_u_there_lengths(*sa.suite)
    if learned:
        return {length for length in ALL_LENGTHS if length in learned or length > max(learned)}
    return ALL_LENGTHS


def _is_due_delete(sa: SaTrack, message: IkeMessage) -> bool:
    """Whether a length that nothing shows to be a question's comes right after a Quick Mode.

    Then the Child SA that it renewed is deleted.
    """
    known = sa.suite is not None or message.length in sa.r_u_there_lengths
    return not known and 0 <= message.at_ns - max(sa.used_ns) <= _SETTLING_NS


def _is_group(sa: SaTrack, previous: IkeMessage, message: IkeMessage) -> bool:
    return (
        sa.peer.side_of(previous.src) == sa.peer.side_of(message.src)
        and previous.length != message.length
        and 0 <= message.at_ns - previous.at_ns <= GROUP_NS
    )


def _follows_last_try(sa: SaTrack, previous: IkeMessage, message: IkeMessage, side: int) -> bool:
    """Whether the message before was due as a retry, and only this one begins the Deletes.

    A Delete of the length of a question is the ISAKMP one, and that goes last.
    """
    run = sa.open_dpd[side]
    return (
        run is not None
        and not run.candidate
        and run.transmissions[-1].ref == previous.ref
        and message.length not in _lengths(sa)
    )


def _answers(asked: ExchangeTrack, message: IkeMessage) -> bool:
    return (
        asked.length == message.length
        and not asked.astray
        and 0 <= message.at_ns - asked.last_ns <= ANSWER_NS
        and all(t.message_id != message.message_id for t in asked.transmissions)
    )


def _answer(
    marks: Marks, sa: SaTrack, asked: ExchangeTrack, message: IkeMessage, side: int
) -> None:
    asked.candidate = False
    asked.answer = transmission(message)
    asked.evidence = AnswerEvidence.MESSAGE
    # A log that has named the question has not named the answer yet.
    asked.confidence = Confidence.INFERRED
    prober = 1 - side
    sa.open_dpd[prober] = None
    sa.r_u_there_lengths.add(message.length)
    sa.unit.answered[prober] += 1
    marks.add(MarkKind.ANSWERED, sa, prober, message, exchange=asked)


def _is_repeated(run: ExchangeTrack, message: IkeMessage) -> bool:
    gap = message.at_ns - run.last_ns
    return run.length == message.length and _MIN_RETRY_NS <= gap <= MAX_RETRY_NS


def continues(run: ExchangeTrack, message: IkeMessage) -> bool:
    """Whether a message comes when the next retry of a run is due."""
    if not _is_repeated(run, message):
        return False
    if run.basis is Basis.CORRELATED:
        return True  # a log names its questions: it tells if this is none
    if _is_renewed(run) and not _keeps_distance(run, message.at_ns):
        return False
    if len(run.transmissions) == 1:
        established = run.sa.established_ns
        return established is None or run.first_ns - established > _SETTLING_NS
    last = run.last_ns - run.transmissions[-2].at_ns
    if last <= 0:
        return False
    ratio = (message.at_ns - run.last_ns) / last
    return 1 - _SPACING_TOLERANCE <= ratio <= _MAX_GROWTH


def _is_renewed(run: ExchangeTrack) -> bool:
    """Whether who asks has begun another phase 1 since: the Delete of this SA is due."""
    return any(
        sa.index > run.sa.index
        and sa.version == 1
        and sa.from_start
        and sa.initiator == run.side
        and sa.first_ns > run.last_ns
        for sa in run.sa.peer.sas[-_RECENT:]
    )


def _usual_ns(run: ExchangeTrack) -> tuple[int, int] | None:
    """When the last answered question came before a run, and its distance to the one before it."""
    earlier = [
        x.last_ns
        for x in run.sa.peer.exchanges[-_RECENT:]
        if x.sa is run.sa and x.side == run.side and x.answered and x.length == run.length
    ]
    if len(earlier) < _FEWEST_DUE:
        return None
    return earlier[-1], earlier[-1] - earlier[-2]


def _is_due(run: ExchangeTrack) -> bool:
    """Whether it comes when the next question of its side was due, after those with answers."""
    known = _usual_ns(run)
    return known is not None and _is_about(run.first_ns - known[0], known[1])


def _keeps_distance(run: ExchangeTrack, at_ns: int) -> bool:
    """Whether a further question comes as long after the last one as that came after another."""
    if len(run.transmissions) > 1:
        return _is_about(at_ns - run.last_ns, run.last_ns - run.transmissions[-2].at_ns)
    known = _usual_ns(run)
    return known is None or _is_about(at_ns - run.last_ns, known[1])


def _is_about(gap_ns: int, usual_ns: int) -> bool:
    return abs(gap_ns - usual_ns) <= _SPACING_TOLERANCE * usual_ns


def _dissolve(sa: SaTrack, run: ExchangeTrack, message: IkeMessage) -> Transmission | None:
    """A run without rhythm or answer was no question, as far as anybody can tell.

    Its last message may be the first of a run that `message` continues: only a lone one
    was before it.
    """
    if not run.candidate or _is_due(run):
        return None
    run.dissolved = True
    first = None
    if len(run.transmissions) > 1 and _is_repeated(run, message):
        first = run.transmissions.pop()
    sa.peer.unknown_informationals += len(run.transmissions)
    return first


def _take_for_deletes(
    marks: Marks, sa: SaTrack, previous: IkeMessage, message: IkeMessage, side: int
) -> None:
    run = sa.open_dpd[side]
    if run is not None and run.transmissions[-1].ref == previous.ref:
        run.transmissions.pop()
        if not run.transmissions:
            run.dissolved = True
            run.transmissions.append(transmission(previous))
            sa.open_dpd[side] = None
    elif previous.length not in _lengths(sa):
        sa.peer.unknown_informationals -= 1
    known = {d.ref for d in sa.peer.deletes[-4:]}
    # The ISAKMP Delete goes last: after it there is no SA to protect another one.
    for part, protocol in ((previous, DeleteProtocol.ESP), (message, DeleteProtocol.IKE)):
        if part.ref in known:
            for delete in sa.peer.deletes[-4:]:
                if delete.ref == part.ref:
                    delete.protocol = DeleteProtocol.ESP
            continue
        named = part.kind is MessageKind.DELETE
        delete = DeleteTrack(
            sa=sa,
            side=side,
            at_ns=part.at_ns,
            protocol=protocol,
            spis=(),
            reason="",
            basis=part.basis if named else Basis.RHYTHM,
            confidence=part.confidence if named else Confidence.INFERRED,
            ref=part.ref,
        )
        sa.peer.deletes.append(delete)
        marks.add(MarkKind.DELETE, sa, side, part, delete=delete)
    sa.ended_ns, sa.end, sa.end_ref = message.at_ns, SaEnd.DELETE, message.ref
