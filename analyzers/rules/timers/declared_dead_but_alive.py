"""declared-dead-but-alive: the peer was heard on its old SAs after it was given up."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Iterator
from itertools import accumulate
from typing import Final, NamedTuple

from analyzers.model.exchange import Exchange
from analyzers.model.finding import Severity
from analyzers.model.observations import IkeMessage, MessageKind
from analyzers.model.records import Basis, Confidence, Ref
from analyzers.model.sa import EspFlow
from analyzers.model.time import NS_PER_SECOND, seconds
from analyzers.rules.answers.silence_causes import cause_of
from analyzers.rules.case import Case
from analyzers.rules.once import once
from analyzers.rules.peer_rule import PeerRule
from analyzers.rules.rule import Found, Needs
from analyzers.rules.timers.evidence import a_question, first_refs, spoken, times, weakest
from analyzers.rules.timers.verdict import GivenUp, verdicts

# What was under way at the verdict arrives within this.
_UNDER_WAY_NS: Final = NS_PER_SECOND
_LOSS: Final = 0.05


class _Life(NamedTuple):
    at_ns: int
    said: str
    refs: tuple[Ref, ...]
    confidence: Confidence


def _check(case: Case) -> Iterator[Found]:
    if not case.timed:
        return
    for _, exchange, verdict in verdicts(case):
        life = _life(case, exchange, verdict)
        if life is not None:
            yield _found(case, exchange, verdict, life)
        elif exchange.peer_heard and exchange.verdict_ns is not None:
            yield _heard_meanwhile(case, exchange, verdict)


def _life(case: Case, exchange: Exchange, verdict: GivenUp) -> _Life | None:
    """The first sign of life on the old SAs after a verdict."""
    signs = [*_esp(case, exchange, verdict)]
    if not exchange.answered_in_vain:  # else what else it sends need not come either
        signs += _ike(case, exchange, verdict)
    return min(signs, key=lambda sign: sign.at_ns, default=None)


def _ike(case: Case, exchange: Exchange, verdict: GivenUp) -> Iterator[_Life]:
    fresh = _fresh(case).get((exchange.ike_sa, case.is_local(exchange.responder)))
    if fresh is not None:
        place = bisect_right(fresh.until_ns, verdict.at_ns)
        for message in fresh.messages[place : place + 1]:
            yield _Life(message.at_ns, "an IKE message", (message.ref,), message.confidence)


class _Fresh(NamedTuple):
    """What one side sent on an IKE SA for the first time, and what came."""

    messages: list[IkeMessage]
    until_ns: list[int]
    """The latest time up to each; messages of several clocks need not be in order."""


@once
def _fresh(case: Case) -> dict[tuple[str, bool], _Fresh]:
    """By IKE SA with a verdict, and whether the local side sent it."""
    found: dict[tuple[str, bool], list[IkeMessage]] = defaultdict(list)
    since_ns: dict[str, int] = {}
    for _, exchange, verdict in verdicts(case):
        first_ns = since_ns.get(exchange.ike_sa, verdict.at_ns)
        since_ns[exchange.ike_sa] = min(first_ns, verdict.at_ns)
    for ike_sa, verdict_ns in since_ns.items():
        messages = case.messages.get(ike_sa, ())
        later = {m.fingerprint for m in messages if m.at_ns > verdict_ns}
        known: set[tuple[bool, bytes]] = set()
        for message in messages if later else ():
            if not message.encrypted or message.fingerprint not in later:
                continue
            local = case.is_local(message.src)
            fresh = (local, message.fingerprint) not in known
            known.add((local, message.fingerprint))
            whole = message.kind is not MessageKind.FRAGMENT and message.integrity_ok is not False
            came = not message.unread and (message.basis is not Basis.LOG or message.arrived)
            if fresh and whole and came:
                found[ike_sa, local].append(message)
    return {
        key: _Fresh(messages, list(accumulate((m.at_ns for m in messages), max)))
        for key, messages in found.items()
    }


def _esp(case: Case, exchange: Exchange, verdict: GivenUp) -> Iterator[_Life]:
    """ESP of the peer on flows that are older than the question; which SA they belong to is only
    clear where there was no other."""
    sent = _sent_by(case)[case.is_local(exchange.responder)]
    older = bisect_left(sent.first_ns, exchange.first_ns)
    latest_ns = sent.until_ns[older - 1] if older else 0
    after_ns = verdict.at_ns + _UNDER_WAY_NS
    if latest_ns > after_ns and not _another_lives(case, exchange, verdict):
        flow = next(flow for flow in sent.flows[:older] if flow.last_ns > after_ns)
        said = f"ESP with SPI {flow.spi}, the last of it"
        yield _Life(flow.last_ns, said, (), Confidence.INFERRED)


class _Sent(NamedTuple):
    """The ESP flows of one side in the order of their beginnings."""

    flows: list[EspFlow]
    first_ns: list[int]
    until_ns: list[int]
    """When the last of those up to each was seen last."""


@once
def _sent_by(case: Case) -> dict[bool, _Sent]:
    """By whether the local side sent them."""
    found = {}
    for local in (True, False):
        flows = [f for f in case.peer.esp_flows if case.is_local(f.sender) is local]
        flows.sort(key=lambda flow: flow.first_ns)
        until_ns = list(accumulate((flow.last_ns for flow in flows), max))
        found[local] = _Sent(flows, [flow.first_ns for flow in flows], until_ns)
    return found


def _another_lives(case: Case, exchange: Exchange, verdict: GivenUp) -> bool:
    return any(
        sa.id != exchange.ike_sa
        and sa.rekeyed_into != exchange.ike_sa
        and (sa.established_ns or sa.first_ns) < verdict.at_ns
        and (sa.ended_ns is None or sa.ended_ns > exchange.first_ns)
        for sa in case.peer.ike_sas
    )


def _found(case: Case, exchange: Exchange, verdict: GivenUp, life: _Life) -> Found:
    sent = len(exchange.transmissions)
    after_s = seconds(life.at_ns - verdict.at_ns)
    chance = (1 - (1 - _LOSS) ** 2) ** sent
    cause = cause_of(case, exchange)
    why = (
        f"By chance, with {_LOSS:.0%} loss each way, all of them get lost once in"
        f" {round(1 / chance):,} checks."
    )
    return Found(
        f"{exchange.prober} gave {exchange.responder} up after {a_question(exchange)} sent"
        f" {times(sent)} ({verdict.how}), but {exchange.responder} still sent on the old SA:"
        f" {life.said} {spoken(after_s)} later. {why if cause is None else cause.said}",
        first_refs([*(t.ref for t in exchange.transmissions), verdict.ref, *life.refs]),
        remedy="" if cause is None else cause.remedy,
        confidence=weakest(exchange.confidence, verdict.confidence, life.confidence),
        at_ns=verdict.at_ns,
        end=exchange.prober,
    )


def _heard_meanwhile(case: Case, exchange: Exchange, verdict: GivenUp) -> Found:
    cause = cause_of(case, exchange)
    return Found(
        f"{exchange.prober} gave {exchange.responder} up after {a_question(exchange)} sent"
        f" {times(len(exchange.transmissions))} ({verdict.how}), but {exchange.responder} was still"
        " heard after the last of them: its traffic came, its answers did not."
        + ("" if cause is None else f" {cause.said}"),
        first_refs([*(t.ref for t in exchange.transmissions), verdict.ref]),
        remedy="" if cause is None else cause.remedy,
        confidence=weakest(exchange.confidence, verdict.confidence),
        at_ns=verdict.at_ns,
        end=exchange.prober,
    )


RULE = PeerRule(
    id="declared-dead-but-alive",
    severity=Severity.ERROR,
    title="A living peer was given up",
    rationale=(
        "The tunnel was torn down although the other end had it: an outage that DPD made. Either"
        " the verdict came within an outage that the path would have got over, or the answers get"
        " lost where the data does not."
    ),
    remedy=(
        "Give more or longer retries than the path's outages last (reroutes, a rebooting switch);"
        " where only IKE is lost, look for a policer or a filter on UDP 500 and 4500."
    ),
    source="RFC 7296 section 2.4; RFC 3706 section 5.4",
    needs=(Needs.CAPTURE, Needs.LOG),
    traps=(
        "ESP that was under way when the verdict came",
        "retransmissions and replays are not fresh",
        "a peer that starts anew has new SPIs",
        "with two IKE SAs at once nobody can tell whose ESP it is",
        "an IKE message that comes as little as the answers before it",
        "the verdict is the other end's, on the SA that both ask on",
    ),
    check=_check,
)
