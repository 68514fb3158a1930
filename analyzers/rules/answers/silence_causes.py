"""Why a question was not answered, as far as inputs of both ends tell it."""

from __future__ import annotations

from typing import Final

from msgspec import Struct

from analyzers.model.exchange import Exchange, Lost
from analyzers.model.peer import Hint
from analyzers.model.records import Basis, Ref
from analyzers.rules.case import Case
from analyzers.rules.causes import (
    covers_all,
    ended_log,
    refusal_behind,
    refusal_remedy,
    refusals,
)
from analyzers.rules.once import once
from analyzers.rules.state.restarts import LOOK_FOR_IT, restart_of_sa
from analyzers.rules.wording import spoken_ns, times


class Cause(Struct, frozen=True):
    """What is known of the cause, and what to do about it."""

    said: str
    remedy: str
    """Empty: that of the rule."""
    refs: tuple[Ref, ...] = ()


_WAY: Final = "the way to the peer: filters for UDP 500 and 4500, NAT mappings, the route"
_WHERE: Final = {
    Lost.REQUEST: "By the other end's log no question arrived: it was lost on the way.",
    Lost.ANSWER: "The other end answered by its log: the answer was lost on the way.",
    Lost.UNREAD: (
        "Its answers were captured on their way, and the log of who asked has none: they were"
        " dropped behind the capture."
    ),
    Lost.NEVER_ANSWERED: "By the other end's log the question arrived, and was not answered.",
    Lost.TOO_LATE: "The other end answered only when it had been given up.",
}
QUESTION_LOST: Final = f"Follow {_WAY}; the question does not arrive."
_BY_CAPTURE: Final = {
    Lost.REQUEST: "A second capture, near the other end, has none of it: it was lost on the way.",
    Lost.ANSWER: "It was answered: the answer is in the capture near the other end, and was lost.",
    Lost.NEVER_ANSWERED: (
        "By the capture near the other end the question arrived, and was not answered."
    ),
}
_NOT_READ: Final = (
    "Look at the peer: a filter of its own drops what comes in (nft list ruleset, iptables -S"
    " INPUT), its IKE process is stuck or overloaded, or it no longer has this SA."
)
_LOST_BEHIND: Final = (
    "The capture has it; by the other end's log no question arrived: it was lost between the two."
)
_BEHIND: Final = (
    f"Follow {_WAY} from where the capture was made; where that is the other end, its own filter"
    " for what comes in (nft list ruleset, iptables -S INPUT)."
)
REMEDIES: Final = {
    Lost.REQUEST: QUESTION_LOST,
    Lost.ANSWER: (
        "Follow the way back: filters for UDP 500 and 4500 and the route from the peer to this"
        " end; the answer does not arrive."
    ),
    Lost.UNREAD: (
        "Look between the capture and the IKE process of who asked: the filters of its own system,"
        " and counters of packets that it dropped."
    ),
    Lost.NEVER_ANSWERED: (
        "Look at the peer: its IKE process is stuck or overloaded, or it no longer has this SA."
    ),
    Lost.TOO_LATE: (
        "Look at what held up the IKE process of the peer, or the packets on their way: load, a"
        " machine that was paused, a lookup that blocks. Until then allow more or longer retries."
    ),
}


def cause_of(case: Case, exchange: Exchange) -> Cause | None:
    """The cause that comes nearest to the question; None where no log tells any."""
    if not case.timed:
        return None if exchange.lost is None else _place(exchange, exchange.lost)
    refused = _refused(case, exchange) or _restarted(case, exchange)
    if refused is not None:
        return refused
    if exchange.lost is None:
        return None if exchange.unheard_answers else _silent(case, exchange)
    if exchange.lost is Lost.REQUEST and exchange.basis is not Basis.LOG:
        return _place(exchange, Lost.REQUEST, Cause(_LOST_BEHIND, _BEHIND))
    return _place(exchange, exchange.lost)


def _place(exchange: Exchange, lost: Lost, by_log: Cause | None = None) -> Cause:
    if exchange.by_capture and lost in _BY_CAPTURE:
        # What a capture shows need not have come to the process behind it.
        remedy = _NOT_READ if lost is Lost.NEVER_ANSWERED else REMEDIES[lost]
        return Cause(_BY_CAPTURE[lost], remedy)
    return by_log or Cause(_WHERE[lost], REMEDIES[lost])


@once
def _spells(case: Case) -> list[Hint]:
    return refusals(case.peer)


def _refused(case: Case, exchange: Exchange) -> Cause | None:
    """An end whose own system did not take its packets."""
    hint = refusal_behind(_spells(case), exchange)
    if hint is None:
        return None
    end = hint.sender
    why = f" ({hint.reason})" if hint.reason else ""
    refused = f"its own system refused to send, {times(hint.times)}{why}"
    if end == exchange.prober:
        left = "did not leave it" if covers_all(hint, exchange) else "need not have left it"
        said = f"By the log of {end} {refused}: the question {left}."
    elif exchange.lost is Lost.ANSWER:
        said = f"By its log {end} answered, but {refused}; the answers were among that."
    else:
        said = f"By the log of {end} {refused}: no answer could leave it."
    return Cause(said, refusal_remedy(hint), (hint.ref,))


def _restarted(case: Case, exchange: Exchange) -> Cause | None:
    """A start of the device that was asked, which cost it the SA."""
    start = restart_of_sa(case).get(exchange.ike_sa)
    if start is None or start.sender != exchange.responder:
        return None
    if start.at_ns > (exchange.verdict_ns or exchange.last_ns):
        return None
    ahead_ns = exchange.first_ns - start.at_ns
    when = f"{spoken_ns(ahead_ns)} before" if ahead_ns > 0 else "meanwhile"
    said = f"By its log {start.sender} started anew {when}: it no longer knew this SA."
    return Cause(said, LOOK_FOR_IT, (start.ref,))


def _silent(case: Case, exchange: Exchange) -> Cause | None:
    """The log of the device that was asked is there, and does not tell of that time."""
    end = exchange.responder
    begins_ns = min((log.first_ns for log in case.peer.logged if log.address == end), default=None)
    if begins_ns is None:
        return None
    log = ended_log(case.peer, end, exchange.last_ns)
    if begins_ns > exchange.last_ns:
        after = spoken_ns(begins_ns - exchange.last_ns)
        return Cause(
            f"The log of {end} begins {after} after the last question: it does not tell of it.",
            f"Look for what {end} logged before. Else follow {_WAY}.",
        )
    if log is None and any(_arrived(x) for x in case.asked_by(exchange.prober)):
        said = f"The log of {end} goes on and shows no question, as it did others: it was lost on"
        return Cause(f"{said} the way.", QUESTION_LOST)
    if log is None:
        return Cause(
            f"The log of {end} goes on and shows no question: it was lost on the way, or the log"
            " does not tell of questions.",
            f"Follow {_WAY}. See whether the log of {end} shows questions at all.",
        )
    ahead_ns = exchange.first_ns - log.end_ns
    since = "before the last question"
    if ahead_ns > 0:
        since = f"{spoken_ns(ahead_ns)} before the first question"
    return Cause(
        f"The log of {end} is there, and its last line is {since}: if it is complete, nothing"
        " arrived any more. That its device was down is not proven by it: a log that was cut looks"
        " the same.",
        f"See whether {end} ran then, and whether its log is complete. If both, follow {_WAY}.",
    )


def _arrived(exchange: Exchange) -> bool:
    """Whether the log of the end that was asked shows a question."""
    return any(sent.arrived for sent in exchange.transmissions)
