"""The committed copy of the schema is the promise: a change shows in review."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from analyzers.export.contract import SCHEMA_VERSION
from analyzers.export.schema import json_schema

COMMITTED = Path(__file__).parents[3] / "golden" / "report.schema.json"
HOW = "run: dpdlab schema -o tests/golden/report.schema.json, and look at the difference"


def test_the_committed_schema_is_the_one_that_is_printed():
    assert json.loads(COMMITTED.read_text(encoding="utf-8")) == json_schema(), HOW


def test_the_schema_is_a_schema():
    jsonschema.Draft202012Validator.check_schema(json_schema())


def objects(node: object, path: str = "") -> list[tuple[str, dict[str, Any]]]:
    found = []
    if isinstance(node, dict):
        if "properties" in node:
            found.append((path, node))
        for key, value in node.items():
            found += objects(value, f"{path}/{key}")
    return found


@pytest.mark.parametrize(("path", "node"), objects(json_schema()))
def test_every_object_is_closed_and_complete(path, node):
    assert node["additionalProperties"] is False, path
    assert set(node["required"]) == set(node["properties"]), path


def test_the_version_is_pinned_in_the_schema():
    assert json_schema()["properties"]["schema_version"]["enum"] == [SCHEMA_VERSION]
