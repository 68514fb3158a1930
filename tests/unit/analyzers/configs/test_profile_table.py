"""The table of products: read lazily, once, and refused with its place where it cannot be meant."""

from __future__ import annotations

import subprocess
import sys

import pytest

from analyzers.configs.profile_table import ProfileTableError, read_rows, rows
from analyzers.configs.profiles import Looks, Verdict
from analyzers.model.policy import PolicyMode

ROW = """
[acme]
title = "Acme"
mode = "on-idle"
sources = ["Acme, manual"]
"""


def test_a_row_with_everything() -> None:
    text = ROW + (
        "ike-version = 2\ninterval-s = 10\nretry-s = 0.5\nretries = 3\nbackoff = 2\nlimit-s = 8\n"
        'timeout-s = 30\nverdict = "since-probe"\nuncounted = -1\notherwise-uncounted = 1\n'
        'slack-s = 1\nlooks = "free-running"\nretry-is-interval = true\nafter = "resets"\n'
        'knobs = [{ option = "delay", sets = "interval", least = 1, most = 9, default = 5 }]\n'
        'notes = ["a", "b"]\n'
    )
    (profile,) = read_rows(text).values()
    assert (profile.name, profile.ike_version, profile.mode) == ("acme", 2, PolicyMode.ON_IDLE)
    assert profile.verdict is Verdict.SINCE_PROBE
    assert profile.looks is Looks.FREE_RUNNING
    assert (profile.defaults.interval_s, profile.defaults.limit_s) == (10.0, 8.0)
    assert (profile.uncounted, profile.otherwise_uncounted, profile.slack_s) == (-1, 1, 1.0)
    knob = profile.knob("interval")
    assert knob is not None
    assert (knob.option, knob.least, knob.most, knob.default) == ("delay", 1, 9, 5)
    assert profile.knob("retry") is None
    assert (profile.after, profile.notes) == ("resets", ("a", "b"))


def test_what_is_absent_is_unknown() -> None:
    (profile,) = read_rows(ROW).values()
    assert profile.ike_version is None
    assert (profile.defaults.interval_s, profile.defaults.retries) == (None, None)
    assert profile.worst_case_s(profile.defaults) is None


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[acme", "profiles.toml"),
        ("acme = 1", "[acme]: a table"),
        (ROW.replace('title = "Acme"', ""), "[acme] title: a text"),
        (ROW.replace('"on-idle"', '"often"'), "[acme] mode: one of periodic"),
        (ROW.replace('["Acme, manual"]', "[]"), "[acme] sources"),
        (ROW + "interval-s = 0", "[acme] interval-s: more than 0"),
        (ROW + 'interval-s = "10"', "[acme] interval-s: a number"),
        (ROW + "interval-s = true", "[acme] interval-s: a number"),
        (ROW + "retries = -1", "[acme] retries: a whole number"),
        (ROW + "retries = 2.5", "[acme] retries: a whole number"),
        (ROW + "ike-version = 3", "[acme] ike-version: 1 or 2"),
        (ROW + 'verdict = "soon"', "[acme] verdict: one of retries"),
        (ROW + 'retry-is-interval = "yes"', "[acme] retry-is-interval: true or false"),
        (ROW + "intervall-s = 10", "[acme] intervall-s: no such key"),
        (ROW + 'notes = "one"', "[acme] notes: a list of texts"),
        (ROW + "knobs = [1]", "[acme] knobs"),
        (ROW + 'knobs = [{ option = "x", sets = "colour" }]', "[acme] knobs"),
        (ROW + 'knobs = [{ option = "x", sets = "retry", leest = 1 }]', "knobs leest: no such key"),
        (ROW + 'knobs = [{ option = "x", sets = "retry", least = "1" }]', "knobs least: a number"),
    ],
)
def test_a_mistake_in_the_table_says_where(text: str, message: str) -> None:
    with pytest.raises(ProfileTableError) as caught:
        read_rows(text)
    assert message in str(caught.value)


def test_the_table_is_read_once_and_not_before_it_is_asked() -> None:
    assert rows() is rows()
    code = (
        "import analyzers.configs.vendors as v, analyzers.configs.profile_table as t;"
        "assert t.rows.cache_info().currsize == 0; v.PROFILES['iked'];"
        "assert t.rows.cache_info().currsize == 1"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
