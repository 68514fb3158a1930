"""dpd-vs-routing-hold-mismatch: IKE gives up before routing does, by what its questions show."""

from __future__ import annotations

from collections.abc import Iterator

from msgspec.structs import replace

from analyzers.configs.config_lines import config_lines
from analyzers.configs.durations import spoken_s
from analyzers.model.addresses import same_address
from analyzers.model.configuration import Configuration
from analyzers.model.finding import Severity
from analyzers.model.policy import DpdPolicy, PolicyBasis
from analyzers.model.records import Confidence
from analyzers.rules.case import Case
from analyzers.rules.configuration.estate import Estate, Usage
from analyzers.rules.peer_rule import PeerRule
from analyzers.rules.rule import Found, Needs


def _check(case: Case) -> Iterator[Found]:
    for holder in case.ends:
        configuration = _of(case, holder)
        policy = _shown(case, holder)
        usage = None if configuration is None else _usage(case, configuration, holder)
        if policy is None or policy.worst_case_s is None or usage is None:
            continue
        slowest = usage.outlasted
        # What the configuration itself says of DPD is judged beside it, without any traffic.
        if slowest is None or usage.worst_case_s is not None:
            continue
        if policy.worst_case_s > slowest.hold_s:
            continue
        given = policy.basis is PolicyBasis.GIVEN
        yield Found(
            f"{holder} gives up {spoken_s(policy.worst_case_s)} after the last proof of life at"
            f" the latest, {'as given' if given else 'by its own rhythm'}; its"
            f" {slowest.protocol} on {slowest.interface} holds the neighbour for"
            f" {spoken_s(slowest.hold_s)}.",
            tuple(ref for ref in (policy.ref, slowest.ref) if ref is not None),
            remedy=_remedy(case, holder, policy, slowest.hold_s),
            confidence=Confidence.CERTAIN if given else Confidence.INFERRED,
        )


def _of(case: Case, holder: str) -> Configuration | None:
    return next(
        (c for c in case.configurations if any(same_address(a, holder) for a in c.addresses)),
        None,
    )


def _shown(case: Case, holder: str) -> DpdPolicy | None:
    """What was given by hand, else what the questions show."""
    known = {p.basis: p for p in case.peer.policies if p.holder == holder}
    return known.get(PolicyBasis.GIVEN) or known.get(PolicyBasis.OBSERVED)


def _usage(case: Case, configuration: Configuration, holder: str) -> Usage | None:
    """The connection to this peer, if it is named."""
    remote = case.other(holder)
    return next(
        (
            usage
            for usage in Estate([configuration]).usages
            if any(same_address(peer.address, remote) for peer in usage.connection.remotes)
            and usage.connection.ike_version in (None, case.ike_version)
        ),
        None,
    )


def _remedy(case: Case, holder: str, policy: DpdPolicy, hold_s: float) -> str:
    longer = replace(policy, interval_s=hold_s, profile=None)
    lines = config_lines(longer, case.vendor(holder) or "", case.ike_version)
    said = f"Let DPD take longer than {spoken_s(hold_s)}, or shorten the hold time"
    return f"{said}: {'; '.join(lines)}." if lines else f"{said}."


RULE = PeerRule(
    id="dpd-vs-routing-hold-mismatch",
    severity=Severity.WARNING,
    title="DPD gives up before routing over the tunnel does",
    rationale=(
        "DPD is the backstop of routing: the protocol should have moved the traffic before IKE"
        " tears its SAs down. Where IKE is faster, a short outage that routing would have sat out"
        " costs a negotiation, and all SAs at once."
    ),
    remedy="Let DPD take longer than the hold time of the routing protocol.",
    source="M. Conran, Dead Peer Detection; M. Conran, IPsec Fault Tolerance",
    needs=(Needs.CAPTURE, Needs.LOG, Needs.CONFIGURATION),
    traps=(
        "no routing over the tunnel: there is nothing to wait for",
        "the hold time of the other end may be another",
        "what a configuration says of both is judged without traffic",
    ),
    check=_check,
)
