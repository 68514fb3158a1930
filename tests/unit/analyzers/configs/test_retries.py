"""Retries are transmissions after the first, in every view and in what is typed."""

from __future__ import annotations

import pytest

from analyzers.configs.vendors import PROFILES, keys_of, out_of_range, parse_policy
from analyzers.export.policy_words import policy_summary
from dpdlab.present.draft import Draft, draft_of

COUNTED = [name for name, row in PROFILES.items() if "retries" in keys_of(row)]


@pytest.mark.parametrize("name", COUNTED)
@pytest.mark.parametrize("retries", [1, 2, 4])
def test_what_one_view_says_is_what_another_takes(name: str, retries: int) -> None:
    text = f"{name} interval=20 {'retry=5 ' if 'retry' in keys_of(PROFILES[name]) else ''}"
    policy = parse_policy(f"{text}retries={retries}")
    assert policy.repetitions == retries
    assert policy.transmissions == retries + 1
    assert f"{retries} retr" in policy_summary(policy)
    found = draft_of(policy)
    assert found is not None
    draft, exact = found
    assert exact
    assert draft.value("retries") == str(retries)
    assert parse_policy(draft.text).waits_s == policy.waits_s


def test_of_no_product_too() -> None:
    draft = Draft(None, (("interval", "10"), ("retries", "4"), ("retry", "2")))
    policy = draft.candidate().policy
    assert policy.waits_s == (2.0,) * 5
    assert (policy.retries, policy.repetitions) == (4, 4)
    assert "--retries 4" in draft.arguments


def test_the_option_of_a_product_that_counts_otherwise_stands_beside_it() -> None:
    draft = Draft("fortios-ikev1", (("interval", "10"), ("retries", "4")))
    assert draft.own_count_told == "dpd-retrycount = 5"
    assert Draft("strongswan-ikev2").own_count_told == ""
    assert "4 retries (dpd-retrycount 5) x 10 s" in policy_summary(draft.candidate().policy)
    assert Draft("cisco-ios").value("retries") == "4"


def test_ranges_are_counted_so_too() -> None:
    within = parse_policy("juniper-srx interval=10 retries=4")
    assert out_of_range(within) == ()
    (said,) = out_of_range(parse_policy("juniper-srx interval=10 retries=5"))
    assert "retries 5: " in said
    assert "takes 0 to 4 (threshold = 6)" in said
