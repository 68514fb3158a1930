"""Every rule over configurations fires in its examples, and is silent in the others."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from analyzers.configs.catalogue import read_configuration
from analyzers.model.finding import Severity
from analyzers.model.records import Confidence
from analyzers.rules import configuration
from analyzers.rules.catalogue import CONFIGURATION_RULES
from analyzers.rules.configuration.estate import Estate
from analyzers.rules.configuration.rule import ConfigurationRule, Example

# Modules of the family that are no rules.
HELPERS = {"__init__", "estate", "examples", "rule", "seen", "wording"}


def estate(texts: Example) -> Estate:
    return Estate([read_configuration(text, f"s{n}") for n, text in enumerate(texts, start=1)])


def cases(which: str) -> list[object]:
    return [
        pytest.param(rule, texts, id=f"{rule.id}-{number}")
        for rule in CONFIGURATION_RULES
        for number, texts in enumerate(getattr(rule, which))
    ]


@pytest.mark.parametrize(("rule", "texts"), cases("fires"))
def test_fires(rule: ConfigurationRule, texts: Example):
    found = [rule.finding(one) for one in rule.check(estate(texts))]
    assert found
    order = list(Severity)
    for finding in found:
        assert finding.rule == rule.id
        assert order.index(finding.severity) >= order.index(rule.severity)
        assert finding.detail
        assert finding.remedy
        assert finding.reference
        lines = {f"s{n}": text.splitlines() for n, text in enumerate(texts, start=1)}
        assert finding.refs
        for ref in finding.refs:
            assert lines[ref.source][ref.record - 1].strip(), ref
        if finding.confidence is Confidence.SUSPECT:
            assert finding.severity is not Severity.ERROR


@pytest.mark.parametrize(("rule", "texts"), cases("silent"))
def test_is_silent(rule: ConfigurationRule, texts: Example):
    assert list(rule.check(estate(texts))) == []


@pytest.mark.parametrize("rule", CONFIGURATION_RULES, ids=lambda rule: rule.id)
def test_every_rule_says_what_it_is(rule: ConfigurationRule):
    assert re.fullmatch(r"[a-z0-9]+(?:-[a-z0-9]+)*", rule.id)
    assert rule.title
    assert not rule.title.endswith(".")
    for text in (rule.rationale, rule.remedy):
        assert text.endswith(".")
    assert rule.source
    assert rule.fires
    assert rule.silent


def test_the_worst_example_has_the_severity_of_the_rule():
    for rule in CONFIGURATION_RULES:
        told = {
            rule.finding(found).severity
            for texts in rule.fires
            for found in rule.check(estate(texts))
        }
        assert rule.severity in told, rule.id


def test_every_module_of_the_family_is_in_the_catalogue():
    folder = Path(configuration.__path__[0])
    modules = {path.stem for path in folder.glob("*.py")} - HELPERS
    assert modules == {rule.id.replace("-", "_") for rule in CONFIGURATION_RULES}
    assert len({rule.id for rule in CONFIGURATION_RULES}) == len(CONFIGURATION_RULES)


def test_nothing_is_said_of_nothing():
    for rule in CONFIGURATION_RULES:
        assert list(rule.check(Estate([]))) == []
        assert list(rule.check(estate(("hostname R1\ninterface Loopback0\n",)))) == []
