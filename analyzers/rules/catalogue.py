"""Every rule, named one by one: what is not here does not run."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from analyzers.model.finding import Finding, Severity
from analyzers.rules import answers, negotiation, sequence, state, timers, topology, traffic
from analyzers.rules.configuration import (
    dpd_configured_not_in_force,
    dpd_count_ambiguous_config,
    dpd_interval_unconfigured_default,
    dpd_not_negotiated,
    dpd_one_sided_initiator,
    dpd_option_unused,
    dpd_param_asymmetry,
    dpd_restart_on_both_ends,
    dpd_set_for_other_ike_version,
    dpd_slower_than_budget,
    dpd_timeout_ignored_ikev2,
    dpd_timeout_shorter_than_delay,
    dpd_too_few_retries,
    dpd_toward_virtual_address,
    dpd_vs_routing_hold_mismatch,
    easy_vpn_needs_dpd,
    gre_keepalive_ineffective,
    gre_keepalive_leaves_sas,
    ha_retry_too_short,
    hub_dpd_load,
    nat_keepalive_too_slow,
    no_liveness_mechanism,
    peer_list_without_dpd,
    sa_outlives_routing,
)
from analyzers.rules.configuration.estate import Estate
from analyzers.rules.configuration.rule import ConfigurationRule
from analyzers.rules.peer_rule import PeerRule
from analyzers.rules.rule import Rule
from analyzers.rules.run import RunRule

CONFIGURATION_RULES: Final[tuple[ConfigurationRule, ...]] = (
    dpd_timeout_shorter_than_delay.RULE,
    peer_list_without_dpd.RULE,
    no_liveness_mechanism.RULE,
    dpd_set_for_other_ike_version.RULE,
    dpd_not_negotiated.RULE,
    dpd_configured_not_in_force.RULE,
    dpd_timeout_ignored_ikev2.RULE,
    dpd_vs_routing_hold_mismatch.RULE,
    sa_outlives_routing.RULE,
    dpd_slower_than_budget.RULE,
    dpd_too_few_retries.RULE,
    hub_dpd_load.RULE,
    gre_keepalive_ineffective.RULE,
    gre_keepalive_leaves_sas.RULE,
    ha_retry_too_short.RULE,
    nat_keepalive_too_slow.RULE,
    dpd_interval_unconfigured_default.RULE,
    dpd_one_sided_initiator.RULE,
    dpd_param_asymmetry.RULE,
    dpd_toward_virtual_address.RULE,
    dpd_restart_on_both_ends.RULE,
    dpd_option_unused.RULE,
    easy_vpn_needs_dpd.RULE,
    dpd_count_ambiguous_config.RULE,
)

PEER_RULES: Final[tuple[PeerRule, ...]] = (
    *negotiation.RULES,
    *answers.RULES,
    *sequence.RULES,
    *timers.RULES,
    *traffic.RULES,
    *topology.RULES,
    *state.RULES,
)

RUN_RULES: Final[tuple[RunRule, ...]] = (
    *traffic.RUN_RULES,
    *topology.RUN_RULES,
    *state.RUN_RULES,
)

ABSENT: Final[dict[str, str]] = {}
"""Rules of dpd-semantics section 4 that are not here, and why."""


def rules_by_id() -> dict[str, tuple[Rule, ...]]:
    """All rules in the order of their ids; one may judge traffic and configurations apart."""
    found: dict[str, tuple[Rule, ...]] = {}
    for rule in (*PEER_RULES, *RUN_RULES, *CONFIGURATION_RULES):
        found[rule.id] = (*found.get(rule.id, ()), rule)
    return dict(sorted(found.items()))


_ORDER: Final = {Severity.ERROR: 0, Severity.WARNING: 1, Severity.INFO: 2}


def lint(estate: Estate) -> tuple[Finding, ...]:
    """What the configurations of an estate show to be wrong, the worst first, each thing once."""
    findings = [rule.finding(found) for rule in CONFIGURATION_RULES for found in rule.check(estate)]
    unique = dict.fromkeys(findings)
    return worst_first(list(unique))


def worst_first(findings: Sequence[Finding]) -> tuple[Finding, ...]:
    """Findings by severity; among equals in the order they were found."""
    return tuple(sorted(findings, key=lambda finding: _ORDER[finding.severity]))
