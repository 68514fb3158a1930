"""duplicate-sa: several IKE SAs between the same ends, alive side by side."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from msgspec import Struct

from analyzers.model.finding import Severity
from analyzers.model.records import Confidence
from analyzers.model.sa import IkeSa
from analyzers.model.time import nanoseconds
from analyzers.rules.case import Case
from analyzers.rules.peer_rule import PeerRule
from analyzers.rules.rule import Found, Needs
from analyzers.rules.wording import few, sa_name, spoken_ns

_MOST_NAMED: Final = 5


class _Life(Struct, frozen=True):
    """The time in which an IKE SA was used: protected messages at both ends of it."""

    sa: IkeSa
    start_ns: int
    end_ns: int


def _check(case: Case) -> Iterator[Found]:
    if not case.timed:
        return
    lives = sorted(_lives(case), key=lambda life: life.start_ns)
    most, length_ns, sas = _longest(lives, case.thresholds.duplicate_sa_pairs)
    if length_ns <= nanoseconds(case.thresholds.duplicate_sa_s):
        return
    names = ", ".join(sa_name(sa) for sa in sas[:_MOST_NAMED])
    yield Found(
        f"{most} IKE SAs between {case.ends[0]} and {case.ends[1]} were in use side by side for"
        f" {spoken_ns(length_ns)} ({names}).",
        few(sa.refs[0] for sa in sas),
        confidence=Confidence.CERTAIN,
        at_ns=max(sa.first_ns for sa in sas),
    )


def _lives(case: Case) -> Iterator[_Life]:
    for sa in case.peer.ike_sas:
        if sa.established_ns is None:
            continue
        last = max((m.at_ns for m in case.messages.get(sa.id, ()) if m.encrypted), default=None)
        if last is not None and last > sa.established_ns:
            yield _Life(sa, sa.established_ns, last)


def _longest(lives: list[_Life], allowed: int) -> tuple[int, int, tuple[IkeSa, ...]]:
    """How many more than allowed were used together, for how long, and which."""
    best: tuple[int, int, tuple[IkeSa, ...]] = (0, 0, ())
    beside: list[_Life] = []
    for life in lives:
        beside = [*(x for x in beside if x.end_ns > life.start_ns), life]
        if len(beside) <= allowed:
            continue
        # As long as more than are allowed go on.
        ends = sorted((x.end_ns for x in beside), reverse=True)
        length_ns = ends[allowed] - life.start_ns
        if length_ns > best[1]:
            best = (len(beside), length_ns, tuple(x.sa for x in beside))
    return best


RULE = PeerRule(
    id="duplicate-sa",
    severity=Severity.WARNING,
    title="More IKE SAs than needed between the same ends",
    rationale=(
        "Each has its own Child SAs, counters and DPD timers: traffic may go out on one and come"
        " back on another, one that dies is not missed, and their number grows. Typical of both"
        " ends starting anew after a dead peer."
    ),
    remedy=(
        "Let one end only restart the tunnel: in strongSwan dpd_action = restart and close_action ="
        " start on one end, dpd_action = clear on the other, and unique = replace; in VyOS"
        " close-action none. Clear the SAs that are too many."
    ),
    source="strongSwan and VyOS documentation of DPD and close actions",
    needs=(Needs.CAPTURE, Needs.LOG),
    traps=(
        "old and new SA overlap while they are rekeyed",
        "several Child SAs of one IKE SA are several networks",
        "an SA that is not used any more may just be forgotten",
        "clients behind one NAT are peers of their own",
    ),
    check=_check,
)
