"""Questions that may have begun before what the inputs show of them, or be those of several SAs.

Where a loss lies between who asks and the capture, its first transmissions are not captured: what
is seen of them has no known silence before it, and is no count of retries.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Final

from msgspec.structs import replace

from analyzers.model.exchange import Exchange, ExchangeKind
from analyzers.model.records import Basis, Confidence
from analyzers.model.sa import IkeSa

_NEVER_NS: Final = 1 << 63
# Python 3.11 is slow to find a member by its name, and this is asked for of every question.
_LOG: Final = Basis.LOG


def as_far_as_shown(
    holder: str, exchanges: Sequence[Exchange], sas: Sequence[IkeSa]
) -> list[Exchange]:
    """The questions of `holder`, in the order of time, each with what is known of its beginning.

    One that may have begun unseen is told as one whose first transmission is missing, and without
    its verdict: nobody counted what led to it. One that may be made of those on several IKE SAs is
    suspect as well.
    """
    own = [x for x in exchanges if x.prober == holder]
    asked_ns: list[int] = []
    told_ns: list[int] = []
    if not all(map(_is_shown_whole, own)):
        others = [x for x in exchanges if x.prober != holder]
        asked_ns = sorted(at_ns for x in others for at_ns in _not_answered(x))
        told_ns = sorted(
            [m.at_ns for x in own for m in x.transmissions]
            + [m.at_ns for x in others for m in x.answers]
            + [sa.established_ns for sa in sas if sa.established_ns is not None]
        )
    found = []
    for x in own:
        if _may_be_of_several(x, sas):
            x = replace(x, first_missing=True, verdict_ns=None, confidence=Confidence.SUSPECT)
        elif not _is_shown_whole(x) and (x.unheard_answers or _in_vain(x, asked_ns, told_ns)):
            x = replace(x, first_missing=True, verdict_ns=None)
        found.append(x)
    return found


def _not_answered(exchange: Exchange) -> Iterator[int]:
    """When it was asked, and no answer came before it was asked again, if that was seen."""
    times = [sent.at_ns for sent in exchange.transmissions]
    answers_ns = [answer.at_ns for answer in exchange.answers]
    for at_ns, until_ns in pairwise([*times, _NEVER_NS]):
        if not any(at_ns <= answer_ns < until_ns for answer_ns in answers_ns):
            yield at_ns


def _is_shown_whole(exchange: Exchange) -> bool:
    """Whether the log of who asks, or that of two captures near it, shows all that it asked."""
    if exchange.basis is _LOG or exchange.by_capture:
        return True
    return all(len(sent.seen) > sent.arrived for sent in exchange.transmissions)


def _in_vain(exchange: Exchange, asked_ns: list[int], told_ns: list[int]) -> bool:
    """Whether it was asked, and nothing of it came by, since it had been heard last before this.

    Where it lives, it was cut off from the capture until now, or for a while.
    """
    before = bisect_left(told_ns, exchange.first_ns)
    heard_ns = told_ns[before - 1] if before else 0
    return bisect_left(asked_ns, exchange.first_ns) > bisect_left(asked_ns, heard_ns + 1)


def _may_be_of_several(exchange: Exchange, sas: Sequence[IkeSa]) -> bool:
    """Whether only a log shows it while there was more than one IKE SA, and no number tells.

    IKEv2 numbers what is asked on each; R-U-THEREs in a log are told apart by nothing.
    """
    if exchange.basis is not _LOG or len(exchange.transmissions) == 1:
        return False
    if exchange.kind is not ExchangeKind.DPD or exchange.sequence is not None:
        return False  # told apart
    first_ns, last_ns = exchange.first_ns, exchange.last_ns
    up = (
        sa.established_ns is not None
        and sa.established_ns <= last_ns
        # One that is replaced may go on for a while.
        and (sa.ended_ns is None or first_ns <= max(sa.ended_ns, sa.last_ns))
        for sa in sas
    )
    return sum(up) > 1
