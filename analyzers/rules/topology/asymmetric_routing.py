"""asymmetric-routing: what goes out and what comes back take different ways."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from itertools import chain
from typing import Final, NamedTuple

from analyzers.model.exchange import Exchange, Transmission
from analyzers.model.finding import Severity
from analyzers.model.observations import IkeMessage
from analyzers.model.records import Confidence
from analyzers.model.sa import EspFlow
from analyzers.model.time import NS_PER_SECOND, seconds
from analyzers.rules.case import Case
from analyzers.rules.rule import Found, Needs
from analyzers.rules.run import Run, RunRule
from analyzers.rules.wording import few, weakest

_FEWEST_EXCHANGES: Final = 3
_SHORTEST_NS: Final = 30 * NS_PER_SECOND
_FEWEST_PACKETS: Final = 30
# Two halves of one conversation are about as large, and last about as long.
_ALIKE: Final = 0.5
_TOGETHER_SHARE: Final = 0.8


def _check(run: Run) -> Iterator[Found]:
    two_way = _two_way_sources(run)
    for case in run.cases:
        yield from _by_points(case, two_way)
    yield from _by_flows(run)


# --- two capture points --------------------------------------------------------------------


def _two_way_sources(run: Run) -> frozenset[str]:
    """Captures that show messages of both directions between some ends: no taps of one."""
    ways: dict[tuple[str, str, str], set[bool]] = defaultdict(set)
    for case in run.cases:
        for message in chain.from_iterable(case.packets.values()):
            for source in _sources(run, message):
                ways[source, case.peer.local, case.peer.remote].add(case.is_local(message.src))
    return frozenset(source for (source, *_), both in ways.items() if len(both) > 1)


def _sources(run: Run, seen: IkeMessage | Transmission) -> set[str]:
    """The captures that show a message."""
    captures = {info.id for info in run.sources if info.kind == "capture"}
    return {ref.source for ref in (seen.ref, *seen.seen)} & captures


def _by_points(case: Case, two_way: frozenset[str]) -> Iterator[Found]:
    if len(two_way) < 2 or len(case.peer.addresses) > 1:
        return
    for prober in case.ends:
        split = [(x, ways) for x in case.asked_by(prober) if (ways := _ways(case, x)) is not None]
        taken = {ways for _, ways in split}
        if len(split) < _FEWEST_EXCHANGES or len(taken) != 1:
            continue
        there, back = taken.pop()
        if there == back or not {there, back} <= two_way:
            continue
        exchanges = [x for x, _ in split]
        name, other = (case.source[each].path for each in (there, back))
        yield Found(
            f"{len(exchanges)} questions of {prober} to {exchanges[0].responder} passed"
            f" {name} only, and their answers {other} only.",
            few(
                ref
                for x in exchanges
                for ref in (x.transmissions[0].ref, *((x.answer.ref,) if x.answer else ()))
            ),
            confidence=weakest(x.confidence for x in exchanges),
            peer=case.peer.id,
            at_ns=exchanges[0].first_ns,
        )


def _ways(case: Case, exchange: Exchange) -> tuple[str, str] | None:
    """The one capture that shows the question, and the one that shows its answer."""
    if exchange.answer is None:
        return None
    there = {r.source for t in exchange.transmissions for r in (t.ref, *t.seen)}
    back = {r.source for r in (exchange.answer.ref, *exchange.answer.seen)}
    there, back = ({s for s in each if case.source[s].kind == "capture"} for each in (there, back))
    return (there.pop(), back.pop()) if len(there) == len(back) == 1 else None


# --- one capture point, two peers ----------------------------------------------------------


class _OneWay(NamedTuple):
    case: Case
    flows: tuple[EspFlow, ...]

    @property
    def packets(self) -> int:
        return sum(flow.packets for flow in self.flows)

    @property
    def span(self) -> tuple[int, int]:
        return min(f.first_ns for f in self.flows), max(f.last_ns for f in self.flows)


def _by_flows(run: Run) -> Iterator[Found]:
    there: dict[str, list[_OneWay]] = defaultdict(list)
    back: dict[str, list[_OneWay]] = defaultdict(list)
    for case in run.cases:
        one_way = _one_way(case)
        if one_way is not None:
            leaves = case.is_local(one_way.flows[0].sender)
            (there if leaves else back)[case.peer.local].append(one_way)
    for local, leaving in there.items():
        coming = back[local]
        # Several of a kind are one-way by design, or nobody can tell which belong together.
        if len(leaving) == len(coming) == 1 and _are_halves(leaving[0], coming[0]):
            yield _found(local, leaving[0], coming[0])


def _one_way(case: Case) -> _OneWay | None:
    """A peer whose IKE goes both ways and whose ESP goes one way only."""
    flows = case.peer.esp_flows
    if not flows:
        return None
    senders = {case.is_local(flow.sender) for flow in flows}
    talks = {case.is_local(m.src) for m in chain.from_iterable(case.packets.values())}
    return _OneWay(case, flows) if len(senders) == 1 and len(talks) == 2 else None


def _are_halves(one: _OneWay, other: _OneWay) -> bool:
    fewer, more = sorted((one.packets, other.packets))
    (start, end), (first, last) = one.span, other.span
    together = min(end, last) - max(start, first)
    return (
        fewer >= _FEWEST_PACKETS
        and fewer >= _ALIKE * more
        and together >= _SHORTEST_NS
        and together >= _TOGETHER_SHARE * max(end - start, last - first)
    )


def _found(local: str, leaving: _OneWay, coming: _OneWay) -> Found:
    out, back = leaving.case.peer.remote, coming.case.peer.remote
    since = max(leaving.span[0], coming.span[0])
    together_s = seconds(min(leaving.span[1], coming.span[1]) - since)
    sas = [case.peer.ike_sas[-1] for case in (leaving.case, coming.case)]
    return Found(
        f"{local} sends ESP to {out} only ({leaving.packets:,} packets) and gets it from {back}"
        f" only ({coming.packets:,} packets), for {together_s:,.0f} s; with both it keeps an"
        " IKE SA.",
        few(ref for sa in sas for ref in sa.refs[:1]),
        confidence=Confidence.INFERRED,
        peer=leaving.case.peer.id,
        at_ns=since,
    )


RULE = RunRule(
    id="asymmetric-routing",
    severity=Severity.WARNING,
    title="Traffic goes out one way and comes back another",
    rationale=(
        "Each SA then carries one direction only: an end that judges its peer by inbound traffic"
        " finds none and asks without need, or gives up a peer that is alive; a death on one way"
        " is not noticed on the other. Firewalls with state drop half of it."
    ),
    remedy=(
        "Let both directions use the same pair of addresses: source IKE and tunnel from a"
        " loopback, or make the routes to both ends agree."
    ),
    source="M. Conran, IPsec Fault Tolerance",
    needs=(Needs.CAPTURE,),
    traps=(
        "two taps, one for each direction of one link",
        "questions and answers that change ways at random (ECMP)",
        "an end that moved (MOBIKE)",
        "flows that are one-way by design, in other numbers or at other times",
    ),
    check=_check,
)
