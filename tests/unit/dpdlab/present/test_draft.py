"""Policies that are edited: steps, values, products."""

from __future__ import annotations

from functools import partial

import pytest

from analyzers.configs.vendors import PROFILES, parse_policy
from analyzers.errors import OptionError
from analyzers.whatif.candidates import common
from dpdlab.present.draft import Draft, draft_of, next_duration_s, turned_to, wrong_with

IOS = Draft("cisco-ios", (("interval", "10"), ("mode", "periodic")))


def test_the_text_is_what_the_option_takes():
    assert IOS.text == "cisco-ios interval=10 mode=periodic"
    assert IOS.arguments == "--policy 'cisco-ios interval=10 mode=periodic'"
    assert IOS.candidate().policy == parse_policy(IOS.text)


def test_steps_are_those_that_people_set():
    up = [10.0]
    while up[-1] < 150:
        up.append(next_duration_s(up[-1], 1))
    assert up[:3] == [10, 11, 12]
    assert up[10:14] == [20, 25, 30, 35]
    assert up[-4:] == [100, 110, 120, 150]
    down = list(up)
    assert [next_duration_s(value, -1) for value in down[1:]] == up[:-1]
    assert next_duration_s(1.0, -1) == 0.9
    assert next_duration_s(0.1, -1) == 0.1


def test_steps_stay_within_what_the_product_takes():
    draft = IOS
    for _ in range(3):
        draft = draft.stepped("interval", -1)
    assert draft.value("interval") == "10"
    outside = Draft("cisco-ios", (("interval", "5"),))
    assert outside.out_of_range("interval") == "10 to 3600"
    assert outside.stepped("interval", 1).value("interval") == "10"


@pytest.mark.parametrize(
    ("product", "key", "value", "said"),
    [
        ("cisco-ios", "retry", "99999", "IKEv1 takes 2 to 60, not 99999"),
        ("cisco-ios", "interval", "5", "takes 10 to 3600, not 5"),
        ("cisco-asa", "retry", "11", "takes 2 to 10"),
        ("juniper-srx", "retries", "5", "takes 0 to 4"),
        ("cisco-ios-ikev2", "retry", "99999", "retry takes 0.1 to 3600, not 99999"),
        ("strongswan-ikev2", "retries", "101", "retries takes 0 to 100, not 101"),
        ("strongswan-ikev1", "timeout", "2d", "timeout takes 1 to 86400, not 172800"),
        (None, "interval", "100000", "interval takes 0.1 to 86400"),
        (None, "retries", "500", "retries takes 0 to 100"),
    ],
)
def test_no_value_beyond_what_makes_sense(product: str | None, key: str, value: str, said: str):
    draft = turned_to(IOS, product)
    assert said in wrong_with(partial(draft.typed, key, value))


@pytest.mark.parametrize("product", [None, *PROFILES])
def test_every_hint_is_a_range_that_holds(product: str | None):
    draft = Draft(product, (("interval", "10"),))
    for key in draft.keys:
        if key == "mode":
            continue
        least, _, most = draft.range_of(key).partition(" to ")
        assert not wrong_with(partial(draft.typed, key, most)), (key, most)
        assert float(least) < float(most)
        beyond = wrong_with(partial(draft.typed, key, str(int(float(most)) + 1)))
        assert beyond, (key, most)


@pytest.mark.parametrize("value", ["x", "1 2", "-3", "0", "9" * 40, "1,2", "nan", "inf"])
def test_bad_values_are_refused_in_the_words_of_the_option(value: str):
    with pytest.raises(OptionError):
        IOS.typed("interval", value)


def test_an_empty_value_is_the_products_own():
    assert IOS.typed("retry", "7").typed("retry", "").value("retry") == "2"
    said = wrong_with(lambda: IOS.typed("interval", ""))
    assert "asks nothing until it has an interval" in said


def test_modes_go_round():
    modes = [IOS.value("mode")]
    draft = IOS
    for _ in range(4):
        draft = draft.stepped("mode", 1)
        modes.append(draft.value("mode"))
    assert modes == ["periodic", "on-demand", "on-idle", "disabled", "periodic"]


@pytest.mark.parametrize("name", [*PROFILES, None])
def test_every_product_can_be_turned_to(name: str | None):
    draft = turned_to(IOS, name)
    draft.candidate()
    for key in draft.keys:
        for by in (1, -1):
            wrong_with(partial(draft.stepped, key, by))


def test_what_no_source_tells_stays_untold():
    assert turned_to(IOS, "azure") == Draft("azure")
    assert turned_to(IOS, "azure").candidate().timing is None


def test_numbers_without_a_product():
    draft = turned_to(IOS, None).typed("retries", "3")
    assert draft.arguments == "--interval 10 --retry 2 --retries 3 --mode periodic"
    assert draft.candidate().policy.waits_s == (2.0, 2.0, 2.0, 2.0)
    assert draft.typed("retries", "0").candidate().policy.waits_s == (2.0,)
    with pytest.raises(OptionError):
        draft.typed("retries", "-1")


@pytest.mark.parametrize("version", [1, 2])
def test_the_usual_policies_can_be_edited(version: int):
    for candidate in common(version):
        found = draft_of(candidate.policy)
        assert found is not None
        assert found[1], candidate.label
        assert found[0].candidate().timing == candidate.timing
