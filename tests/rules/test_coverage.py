"""Every rule fires in a scenario, and each of its traps keeps it silent in one."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path

import pytest

from analyzers.rules.catalogue import PEER_RULES, RUN_RULES
from analyzers.rules.rule import Rule
from tests.rules.coverage import FIRES, SILENT

for path in sorted(Path(__file__).parent.glob("test_*.py")):
    if path.stem != "test_coverage":
        import_module(f"tests.rules.{path.stem}")

RULES: tuple[Rule, ...] = (*PEER_RULES, *RUN_RULES)


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.id)
def test_a_rule_fires_and_its_traps_keep_it_silent(rule: Rule):
    assert FIRES[rule.id], "no scenario in which it fires"
    assert [trap for trap in rule.traps if not SILENT[rule.id, trap]] == []


def test_no_scenario_names_a_rule_or_a_trap_that_is_not_there():
    known = {(rule.id, trap) for rule in RULES for trap in rule.traps}
    assert {key for key, tests in SILENT.items() if tests} <= known
    assert {rule for rule, tests in FIRES.items() if tests} <= {rule.id for rule in RULES}
