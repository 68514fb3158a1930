"""All rules over a run: findings, worst first, and those that somebody asked not to hear."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fnmatch import fnmatchcase
from ipaddress import ip_address, ip_network
from typing import Final

from msgspec import Struct
from msgspec.structs import replace

from analyzers.model.finding import Finding, Severity, Suppressed
from analyzers.model.peer import PeerView
from analyzers.rules.catalogue import PEER_RULES, RUN_RULES, lint
from analyzers.rules.configuration.estate import Estate
from analyzers.rules.configuration.seen import as_seen
from analyzers.rules.contradicted import (
    across_a_step,
    as_far_as_clocks_go,
    clock_steps,
    contradicted,
    if_it_is_one_session,
    unsure,
)
from analyzers.rules.options import RuleOptions, Suppression
from analyzers.rules.run import Run

_ORDER: Final = {Severity.ERROR: 0, Severity.WARNING: 1, Severity.INFO: 2}


class Judgement(Struct, frozen=True):
    """What the rules say of a run."""

    findings: tuple[Finding, ...] = ()
    suppressed: tuple[Suppressed, ...] = ()


def judge(run: Run, options: RuleOptions | None = None) -> Judgement:
    """The findings of all rules: each thing once, the worst first, then in the order of time."""
    chosen = RuleOptions() if options is None else options
    wrong = contradicted(run.sources)
    doubted, stepped = unsure(run.sources), clock_steps(run.sources)
    findings = [
        if_it_is_one_session(as_far_as_clocks_go(across_a_step(each, stepped), wrong), doubted)
        for case in run.cases
        for rule in PEER_RULES
        for found in rule.check(case)
        for each in [rule.finding(replace(found, peer=case.peer.id))]
    ]
    findings += [rule.finding(found) for rule in RUN_RULES for found in rule.check(run)]
    if run.configurations:
        findings += lint(Estate(as_seen(run.configurations, run.peers), run.thresholds.budget_s))
    told: list[Finding] = []
    suppressed: list[Suppressed] = []
    peers = {peer.id: peer for peer in run.peers}
    for finding in dict.fromkeys(findings):
        severity = chosen.severities.get(finding.rule, finding.severity)
        if severity is None:
            continue
        told_as = replace(finding, severity=severity)
        reason = _reason(told_as, peers, chosen.suppressions)
        if reason is None:
            told.append(told_as)
        else:
            suppressed.append(Suppressed(told_as, reason))
    told.sort(key=lambda f: (_ORDER[f.severity], f.at_ns is None, f.at_ns or 0))
    return Judgement(
        tuple(replace(f, id=f"f{number}") for number, f in enumerate(told, start=1)),
        tuple(suppressed),
    )


def _reason(
    finding: Finding, peers: Mapping[str, PeerView], suppressions: Sequence[Suppression]
) -> str | None:
    peer = peers.get(finding.peer or "")
    addresses = () if peer is None else (peer.local, peer.remote, *peer.addresses)
    for suppression in suppressions:
        named = suppression.peer == "*" or any(
            _is_meant(address, suppression.peer) for address in addresses
        )
        if named and fnmatchcase(finding.rule, suppression.rule):
            return suppression.reason
    return None


def _is_meant(address: str, peer: str) -> bool:
    """Whether a suppression for a network, or a glob, is about an address; logs mask some."""
    if "/" not in peer:
        return fnmatchcase(address, peer)
    try:
        return ip_address(address) in ip_network(peer, strict=False)
    except ValueError:
        return False
