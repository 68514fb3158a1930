"""peer-dead-switch-failed: the peer is dead, and the next one in the list is not tried."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from typing import Final

from msgspec import Struct

from analyzers.configs.durations import spoken_s
from analyzers.model.addresses import address_key, same_address
from analyzers.model.configuration import Configuration, Connection
from analyzers.model.exchange import Exchange
from analyzers.model.finding import Severity
from analyzers.model.records import Confidence, Ref
from analyzers.model.sa import IkeSa
from analyzers.model.time import NS_PER_SECOND, nanoseconds
from analyzers.rules.case import PHASE1_KINDS, Case
from analyzers.rules.rule import Found, Needs
from analyzers.rules.run import Run, RunRule
from analyzers.rules.wording import few, weakest

# Traffic that flowed this shortly before the verdict waits after it.
_JUST_BEFORE_NS: Final = 5 * NS_PER_SECOND


class _Death(Struct, frozen=True):
    case: Case
    local: str
    remote: str
    exchange: Exchange
    at_ns: int
    next_peers: tuple[str, ...]
    lines: tuple[Ref, ...]
    """Of the list of peers."""


def _check(run: Run) -> Iterator[Found]:
    within_ns = nanoseconds(run.thresholds.switch_s)
    of_end = _cases_by_end(run.cases)
    for death in _deaths(run):
        waits = _waits(death)
        if not waits or death.case.end_ns < death.at_ns + within_ns:
            continue
        if any(
            _has_sa(case, death) or _tries(case, death.at_ns, within_ns)
            for peer in death.next_peers
            for case in of_end.get(address_key(peer), ())
            if _has_end(case, death.local)
        ):
            continue
        again = _tries(death.case, death.at_ns, within_ns)
        instead = f" It tried {death.remote} again instead." if again else ""
        yield Found(
            f"{death.local} gave {death.remote} up, and did not begin with"
            f" {' or '.join(death.next_peers)} within {spoken_s(run.thresholds.switch_s)},"
            f" though traffic was waiting.{instead}",
            few((*(t.ref for t in death.exchange.transmissions), *waits, *death.lines)),
            confidence=weakest([death.exchange.confidence, Confidence.INFERRED]),
            peer=death.case.peer.id,
            at_ns=death.at_ns,
        )


def _deaths(run: Run) -> Iterator[_Death]:
    """Peers that a configured device gave up, and that have somebody after them in its list."""
    for case in run.cases:
        for exchange in case.peer.exchanges:
            if exchange.verdict_ns is None:
                continue
            for configuration, connection in _lists(run, exchange.prober, exchange.responder):
                others = [
                    address
                    for address in connection.named
                    if not same_address(address, exchange.responder)
                ]
                if not others or not _may_ask(configuration, connection, case):
                    continue
                yield _Death(
                    case,
                    exchange.prober,
                    exchange.responder,
                    exchange,
                    exchange.verdict_ns,
                    tuple(others),
                    tuple(peer.ref for peer in connection.remotes),
                )


def _lists(run: Run, local: str, remote: str) -> Iterator[tuple[Configuration, Connection]]:
    """The lists of peers of the local device that have the remote one in them."""
    for configuration in run.configurations:
        if any(same_address(address, local) for address in configuration.addresses):
            for connection in configuration.connections_to(remote):
                yield configuration, connection


def _may_ask(configuration: Configuration, connection: Connection, case: Case) -> bool:
    """Whether the connection can be of this IKE version."""
    setting = configuration.setting_of(connection)
    version = connection.ike_version or (setting and setting.ike_version)
    return version in (None, case.ike_version)


def _waits(death: _Death) -> tuple[Ref, ...]:
    """What shows that there was traffic to send: who asks on demand needs some to begin anew."""
    flows = [
        flow
        for flow in death.case.peer.esp_flows
        if same_address(flow.sender, death.local)
        and flow.last_ns >= death.exchange.last_ns - _JUST_BEFORE_NS
    ]
    begun = [
        m.ref
        for m in death.case.peer.messages
        if m.kind in PHASE1_KINDS and m.at_ns > death.at_ns and m.src == death.local
    ]
    if begun:
        return (begun[0],)
    return (death.exchange.transmissions[-1].ref,) if flows else ()


def _ends(case: Case) -> set[str]:
    ends = (case.peer.local, case.peer.remote, *case.peer.addresses)
    return {address_key(end) for end in ends}


def _cases_by_end(cases: Iterable[Case]) -> dict[str, list[Case]]:
    found: dict[str, list[Case]] = defaultdict(list)
    for case in cases:
        for end in _ends(case):
            found[end].append(case)
    return found


def _has_end(case: Case, address: str) -> bool:
    return address_key(address) in _ends(case)


def _tries(case: Case, after_ns: int, within_ns: int) -> bool:
    """Whether a negotiation begins there in time; a little before, as the verdict is inferred."""
    begun = [m.at_ns for m in case.peer.messages if m.kind in PHASE1_KINDS and not m.encrypted]
    begun += [sa.first_ns for sa in case.peer.ike_sas]
    return any(-_JUST_BEFORE_NS <= at_ns - after_ns <= within_ns for at_ns in begun)


def _has_sa(case: Case, death: _Death) -> bool:
    """Whether the next peer had an SA already."""
    return any(_lives(sa, death.at_ns) for sa in case.peer.ike_sas) or any(
        flow.first_ns <= death.at_ns <= flow.last_ns for flow in case.peer.esp_flows
    )


def _lives(sa: IkeSa, at_ns: int) -> bool:
    return sa.first_ns <= at_ns and (sa.ended_ns is None or sa.ended_ns > at_ns)


RULE = RunRule(
    id="peer-dead-switch-failed",
    severity=Severity.WARNING,
    title="The next peer of the list is not tried",
    rationale=(
        "The list of peers is there for this moment: the first one is dead, the SAs are gone, and"
        " traffic waits. Until somebody acts nothing goes through, though a backup stands by."
    ),
    remedy=(
        "Check that the next peer is reachable and that its addresses fit the crypto ACL and the"
        " key ring; on IOS, `clear crypto session` makes it begin anew. A `default` peer is"
        " tried first again: set crypto map ... set peer ... default only where that is wanted."
    ),
    source="Cisco, IPsec Dead Peer Detection Periodic Message Option",
    needs=(Needs.CAPTURE, Needs.LOG),
    traps=(
        "no traffic waits: nothing begins anew on demand",
        "the next peer had an SA already",
        "the input ends too early to see it",
    ),
    check=_check,
)
