"""Lines that a device's own reader understands as the policy they were made of."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analyzers.configs.catalogue import read_configurations
from analyzers.configs.config_lines import NAME, as_set_on, config_lines, configurable, mode_instead
from analyzers.configs.vendors import parse_policy
from analyzers.model.policy import DpdPolicy, PolicyMode

AROUND = {
    "cisco-ios": "hostname r\ncrypto isakmp policy 10\n encryption aes 256\n{}\n",
    "cisco-ios-ikev2": (
        "hostname r\ncrypto ikev2 proposal P\n encryption aes-cbc-256\n{}\n"
        "crypto ikev2 profile X\n match identity remote address 0.0.0.0\n"
    ),
    "cisco-asa": (
        "ASA Version 9.8(2)\nhostname fw\ntunnel-group 198.51.100.7 type ipsec-l2l\n{}\n"
        "crypto map M 1 set peer 198.51.100.7\n"
    ),
    "fortios-ikev1": "{}\n",
    "fortios-ikev2": "{}\n",
    "strongswan-ikev1": "{}\n",
    "strongswan-ikev2": "{}\n",
    "libreswan-ikev1": "{}\n    ikev2=no\n    right=198.51.100.7\n    encapsulation=auto\n",
    "libreswan-ikev2": "{}\n    ikev2=yes\n    right=198.51.100.7\n    encapsulation=auto\n",
}


def read_back(policy: DpdPolicy, vendor: str) -> DpdPolicy:
    """The policy that the reader of configurations finds in the lines."""
    lines = "\n".join(config_lines(policy, vendor)).replace(NAME, "198.51.100.7")
    if vendor.startswith("fortios"):
        edit = '    edit "198.51.100.7"\n        set remote-gw 198.51.100.7\n'
        version = vendor[-1]
        lines = lines.replace(
            '    edit "198.51.100.7"\n', f"{edit}        set ike-version {version}\n"
        )
    if vendor.startswith("strongswan"):
        head, _, conf = lines.partition("# strongswan.conf")
        version = vendor[-1]
        lines = head.replace("        dpd_delay", f"        version = {version}\n        dpd_delay")
        assert vendor != "strongswan-ikev2" or "charon {" in conf or policy.retry_s == 4
    (found,) = read_configurations(AROUND[vendor].format(lines), "s1")
    settings = [s.policy for s in found.dpd if s.policy.profile == vendor and s.explicit]
    assert settings, lines
    return settings[-1]


@pytest.mark.parametrize("vendor", configurable())
@pytest.mark.parametrize("worst_s", [30, 60, 120, 600])
def test_the_reader_of_a_product_finds_the_policy(vendor: str, worst_s: int) -> None:
    wanted = parse_policy(f"cisco-ios interval={worst_s - 10} retry=2 mode=on-demand")
    fitted = as_set_on(wanted, vendor)
    assert fitted is not None
    found = read_back(fitted, vendor)
    assert (found.mode, found.interval_s) == (fitted.mode, fitted.interval_s)
    if vendor != "strongswan-ikev2":  # whose retransmission is in another file
        assert found.waits_s == fitted.waits_s
    if vendor != "fortios-ikev2" or worst_s > 93:
        assert fitted.worst_case_s is not None
        assert fitted.worst_case_s <= worst_s


def test_fortios_cannot_be_faster_in_ikev2() -> None:
    fitted = as_set_on(parse_policy("cisco-ios interval=20"), "fortios-ikev2")
    assert fitted is not None
    assert fitted.worst_case_s == 94


@pytest.mark.parametrize(
    ("policy", "vendor", "version", "line"),
    [
        ("cisco-ios interval=10 retry=2 mode=periodic", "cisco-ios", None,
         "crypto isakmp keepalive 10 2 periodic"),
        ("cisco-ios interval=10 retry=2", "cisco-ios", 2, "crypto ikev2 dpd 10 2 on-demand"),
        ("cisco-ios-ikev2 interval=40 retry=5", "cisco-ios", None,
         "crypto ikev2 dpd 40 5 periodic"),
        ("cisco-asa", "cisco-asa", 1, " isakmp keepalive threshold 10 retry 2"),
        ("fortios", "fortios", None, "        set dpd-retrycount 3"),
        ("strongswan interval=15", "strongswan", 2, "        dpd_delay = 15s"),
        ("cisco-asa", "strongswan", 1, "        dpd_timeout = 18s"),
    ],
)  # fmt: skip
def test_lines(policy: str, vendor: str, version: int | None, line: str) -> None:
    assert line in config_lines(parse_policy(policy), vendor, version)


@pytest.mark.parametrize(
    ("policy", "vendor", "instead"),
    [
        ("strongswan-ikev2 interval=5 mode=periodic", "strongswan-ikev2", PolicyMode.ON_IDLE),
        ("strongswan-ikev2 interval=5", "strongswan-ikev2", None),
        ("strongswan-ikev2 interval=5 mode=disabled", "strongswan-ikev2", None),
        ("cisco-ios interval=10 mode=on-idle", "cisco-ios", PolicyMode.ON_DEMAND),
        ("cisco-ios interval=10 mode=periodic", "cisco-ios", None),
        ("cisco-ios interval=10 mode=periodic", "cisco-asa", PolicyMode.ON_IDLE),
        ("iked", "iked", None),
    ],
)
def test_lines_set_no_mode_that_the_product_does_not_have(
    policy: str, vendor: str, instead: PolicyMode | None
) -> None:
    wanted = parse_policy(policy)
    assert mode_instead(wanted, vendor) is instead
    if instead is not None:
        assert str(wanted.mode) not in " ".join(config_lines(wanted, vendor))


def test_charons_own_retransmission_needs_no_lines() -> None:
    lines = config_lines(parse_policy("strongswan interval=15"), "strongswan-ikev2")
    assert not any("charon" in line for line in lines)


def test_growing_gaps_are_charons_lines() -> None:
    lines = config_lines(parse_policy("cisco-ios interval=20 retry=5"), "strongswan-ikev2")
    assert "    retransmit_timeout = 1.11" in lines
    assert "    retransmit_tries = 4" in lines


@pytest.mark.parametrize("vendor", configurable())
def test_off(vendor: str) -> None:
    off = parse_policy("strongswan")
    assert off.mode is PolicyMode.DISABLED
    assert config_lines(off, vendor)
    assert as_set_on(off, vendor) is None


def test_other_products_have_no_lines() -> None:
    assert config_lines(parse_policy("iked"), "iked") == ()
    assert config_lines(parse_policy("iked"), "nobody") == ()
    assert config_lines(parse_policy("google-cloud"), "cisco-ios") == ()


@given(
    st.sampled_from(configurable()),
    st.integers(1, 100_000),
    st.integers(1, 1000),
    st.sampled_from(["periodic", "on-demand", "on-idle"]),
)
def test_any_policy_is_put_into_the_ranges_of_the_product(vendor, interval, retry, mode) -> None:
    wanted = parse_policy(f"racoon interval={interval} retry={retry} mode={mode}")
    fitted = as_set_on(wanted, vendor)
    assert fitted is not None
    assert fitted.profile == vendor
    assert fitted.waits_s
    again = as_set_on(fitted, vendor)
    assert again == fitted
    if vendor.startswith("cisco-ios"):
        assert 10 <= (fitted.interval_s or 0) <= 3600
        assert 2 <= (fitted.retry_s or 0) <= 60
