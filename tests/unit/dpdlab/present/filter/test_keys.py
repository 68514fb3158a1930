from __future__ import annotations

from pathlib import Path

import pytest

from dpdlab.present.filter import keys
from dpdlab.present.filter.facts import facts_of
from dpdlab.present.filter.parser import parse
from dpdlab.present.filter.tree import written


def test_every_key_has_facts_and_help():
    for name, key in keys.KEYS.items():
        assert callable(facts_of(name))
        assert key.help
        assert key.type.described


def test_the_keys_of_the_contract_are_there():
    promised = {"peer", "state", "kind", "ike", "dir", "gap", "rtt", "retries", "sev", "rule"}
    promised |= {"source", "spi", "basis"}
    assert promised <= set(keys.KEYS)


@pytest.mark.parametrize("width", [60, 80, 120])
def test_help_fits(width):
    text = keys.help_text(width)
    assert max(map(len, text.partition("keys:")[2].splitlines())) <= width
    assert all(f"\n  {name} " in text for name in keys.KEYS)


def test_help_fits_a_terminal():
    assert max(map(len, keys.help_text().splitlines())) <= 80


def test_the_example_is_a_filter():
    assert written(parse(keys.EXAMPLE)) == keys.EXAMPLE.replace(" -", " not ")


def test_the_readme_has_the_table():
    readme = Path(__file__).parents[5] / "README.md"
    assert keys.markdown_table() in readme.read_text(encoding="utf-8")


def test_the_markdown_table_has_a_row_a_key():
    rows = keys.markdown_table().splitlines()
    assert len(rows) == len(keys.KEYS) + 2
    assert {row.count(" | ") for row in rows[2:]} == {2}
