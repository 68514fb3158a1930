from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analyzers.configs import swanctl
from analyzers.configs.charon import DEFAULT_RETRANSMISSION, with_retransmission
from analyzers.configs.lines import numbered
from analyzers.configs.strongswan_conf import READER, likeness, read
from analyzers.model.configuration import ConfigFormat, Configuration, Retransmission
from analyzers.model.policy import PolicyMode
from analyzers.model.records import Ref


def config(text: str) -> Configuration:
    return read(numbered(text.split("\n")), "s2")


def gateway(options: str) -> Configuration:
    text = f"connections {{ gw {{\n{options}\nremote_addrs = 192.0.2.2\n}} }}"
    return swanctl.read(numbered(text.split("\n")), "s1")


RECORDED = "charon {\n retransmit_timeout = 2.0\n retransmit_base = 1.0\n retransmit_tries = 5\n}"


def test_retransmission_over_its_defaults():
    found = config(RECORDED).retransmission
    assert found == Retransmission(2, 1, 5, None, Ref("s2", 2))
    assert found.total_s == 12
    only_tries = config("charon { retransmit_tries = 3\n}").retransmission
    assert only_tries == Retransmission(4, 1.8, 3, None, Ref("s2", 1))


def test_nothing_set_is_nothing():
    configuration = config("charon { install_routes = no\n}\nlibstrongswan { }")
    assert configuration.retransmission is None
    assert configuration.dpd == ()
    assert configuration.format is ConfigFormat.STRONGSWAN_CONF


def test_a_limit_caps_the_gaps():
    found = config("charon { retransmit_limit = 10\n}").retransmission
    assert found is not None
    assert found.gaps_s == pytest.approx((4, 7.2, 10, 10, 10, 10))


def test_the_section_of_the_daemon_comes_before_what_all_inherit():
    found = config(
        "charon-systemd { retransmit_tries = 1\n}\n"
        "charon { retransmit_tries = 9\n retransmit_base = 2\n}"
    ).retransmission
    assert found == Retransmission(4, 2, 1, None, Ref("s2", 1))


def test_the_nat_keepalive():
    found = config("charon {\n keep_alive = 30s\n}").nat_keepalive
    assert found is not None
    assert (found.interval_s, found.ref) == (30, Ref("s2", 2))


@pytest.mark.parametrize(
    "line",
    [
        "retransmit_tries = many",
        "retransmit_tries = 1000",
        "retransmit_base = -1",
        "retransmit_timeout = nan",
        "retransmit_timeout = inf",
        "retransmit_limit = 1e300",
    ],
)
def test_numbers_that_cannot_be_meant_are_told_and_the_default_stays(line):
    configuration = config(f"charon {{\n{line}\n}}")
    (problem,) = configuration.problems
    assert problem.ref == Ref("s2", 2)
    assert "its default is used" in problem.detail
    assert configuration.retransmission is not None
    assert configuration.retransmission.gaps_s == DEFAULT_RETRANSMISSION.gaps_s


def test_the_dead_peer_as_it_was_recorded():
    # sample_pcaps: A asks after 5 s, retransmits every 2 s, five times
    retransmission = config(RECORDED).retransmission
    assert retransmission is not None
    before = gateway("version = 2\ndpd_delay = 5s\ndpd_timeout = 30s")
    configuration = with_retransmission(before, retransmission)
    (setting,) = configuration.dpd
    policy = setting.policy
    assert (policy.interval_s, policy.retry_s, policy.retries, policy.backoff) == (5, 2, 5, 1)
    assert setting.transmissions == 6
    assert policy.worst_case_s == 17
    assert policy.evidence == (
        "dpd_delay = 5s; given up after 5 retransmissions, the first after 2 s, each gap × 1"
        " (as in strongswan.conf)"
    )
    assert policy.ref == before.dpd[0].policy.ref
    assert setting.ignored == before.dpd[0].ignored
    assert configuration.retransmission is retransmission


def test_retransmission_changes_nothing_where_another_timer_rules():
    slow = Retransmission(10, 2, 9)
    for options in ("version = 1\ndpd_delay = 5s\ndpd_timeout = 20s", "version = 2"):
        before = gateway(options)
        assert with_retransmission(before, slow).dpd == before.dpd


def test_an_ikev1_gateway_without_a_timeout_waits_as_long_as_retransmission():
    before = gateway("version = 1\ndpd_delay = 5s")
    (setting,) = with_retransmission(before, Retransmission(2, 1, 5)).dpd
    assert setting.policy.worst_case_s == 12
    assert setting.policy.mode is PolicyMode.ON_IDLE
    assert setting.transmissions == 2


def test_likeness():
    assert likeness(numbered(RECORDED.split("\n"))) == 1
    assert likeness(numbered(["connections {", " gw { version = 2", "} }"])) == 0
    assert likeness(numbered(["13[IKE] retransmit 1 of request with message ID 2"])) == 0
    assert READER.format is ConfigFormat.STRONGSWAN_CONF


@given(st.text(max_size=200), st.text(alphabet="0123456789.e+-xnaif ", max_size=20))
def test_any_text_is_read(text, value):
    config(text)
    for key in ("timeout", "base", "tries", "limit"):
        found = config(f"charon {{ retransmit_{key} = {value}\n}}").retransmission
        assert found is None or found.total_s >= 0
