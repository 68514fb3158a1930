from __future__ import annotations

import time

import pytest

from analyzers.configs.catalogue import (
    detect,
    find_configurations,
    read_configuration,
    read_configurations,
)
from analyzers.errors import SourceError
from analyzers.model.configuration import ConfigFormat
from analyzers.model.records import ProblemKind
from tests.unit.analyzers.configs.test_asa import FIREWALL
from tests.unit.analyzers.configs.test_ios import HUB

DEBUG = (
    "*Mar  1 00:01:02.003: ISAKMP:(1001): sending packet to 198.51.100.7 my_port 500\n"
    "*Mar  1 00:01:02.003: ISAKMP:(1001):Sending an IKE IPv4 Packet.\n"
)
SYSLOG = "<189>Mar  1 00:01:02 192.0.2.1 241: %SYS-5-CONFIG_I: Configured from console by vty0\n"
SA_TABLE = (
    "HUB#show crypto isakmp sa\nIPv4 Crypto ISAKMP SA\n"
    "dst             src             state          conn-id status\n"
    "192.0.2.1       198.51.100.7    QM_IDLE           1001 ACTIVE\n"
)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (HUB, ConfigFormat.CISCO_IOS),
        (FIREWALL, ConfigFormat.CISCO_ASA),
        ("crypto isakmp keepalive 10 periodic\n", ConfigFormat.CISCO_IOS),
        (HUB.replace("\n", "\r\n"), ConfigFormat.CISCO_IOS),
        ("\ufeff" + HUB, ConfigFormat.CISCO_IOS),
        ("HUB#sh run\nBuilding configuration...\n\n" + HUB, ConfigFormat.CISCO_IOS),
        (DEBUG, None),
        (SYSLOG, None),
        (SA_TABLE, None),
        ("", None),
        ("\x00\x01\x02" * 100, None),
        ("Dear all,\nour tunnel is down. We use crypto isakmp keepalive 10.\nRegards\n", None),
        (DEBUG * 50 + HUB, None),
        (HUB + DEBUG * 50, None),
        ("from typing import Final\n\nclass X:\n    crypto = 1\n", None),
        ("$ ip route 10.0.0.0\nno such thing\n", None),
    ],
)
def test_the_content_tells_the_format(text, expected):
    assert detect(text) is expected


def test_a_log_of_many_lines_is_refused_at_once():
    text = DEBUG * 200_000
    start = time.process_time()
    assert detect(text) is None
    assert time.process_time() - start < 0.5


def test_a_configuration_in_a_terminal_log_has_the_line_numbers_of_the_log():
    before = DEBUG * 20 + SA_TABLE
    text = before + "HUB#show running-config\nBuilding configuration...\n\n" + HUB + DEBUG * 20
    (config,) = read_configurations(text, "s1")
    lines = text.splitlines()
    assert detect(text) is None
    assert config.hostname == "HUB"
    assert lines[config.dpd[0].ref.record - 1] == "crypto isakmp keepalive 10 3"
    assert [lines[p.ref.record - 1] for p in config.connections[0].remotes] == [
        " set peer 203.0.113.1 default",
        " set peer 203.0.113.2",
    ]


def test_debug_lines_spliced_into_a_configuration_are_left_out():
    lines = HUB.splitlines()
    mixed = "\n".join(lines[:10]) + "\n" + DEBUG + "\n".join(lines[10:])
    (config,) = read_configurations(f"{DEBUG}HUB#show run\n{mixed}\nHUB#\n{DEBUG}", "s1")
    plain = read_configuration(HUB, "s1")
    assert [d.policy.worst_case_s for d in config.dpd] == [d.policy.worst_case_s for d in plain.dpd]
    assert len(config.connections) == len(plain.connections)


def test_pager_prompts_are_wiped():
    lines = HUB.splitlines()
    lines[9] = " --More-- \x08\x08\x08\x08\x08\x08\x08\x08\x08        \x08\x08\x08\x08" + lines[9]
    config = read_configuration("\n".join(lines), "s1")
    assert config.dpd[0].policy.interval_s == 10


def test_a_pager_that_is_overwritten_makes_no_lines():
    text = HUB.replace("crypto isakmp keep", " --More-- \r          \rcrypto isakmp keep")
    config = read_configuration(text.replace("\n", "\r\n"), "s1")
    assert config.dpd[0].policy.interval_s == 10
    assert config.dpd[0].ref.record == HUB.splitlines().index("crypto isakmp keepalive 10 3") + 1


def test_lines_are_counted_as_editors_count_them():
    text = "hostname R1\nbanner motd a\x0cb\x1c\u2028c\ncrypto isakmp keepalive 10\n"
    assert read_configuration(text, "s1").dpd[0].ref.record == 3
    assert read_configuration("hostname R1\rcrypto isakmp keepalive 10\r", "s1").dpd[0].ref == (
        "s1",
        2,
    )


def test_parts_shown_one_by_one_are_one_configuration():
    text = (
        "SPOKE#show run | include keepalive\ncrypto isakmp keepalive 30 5 periodic\n"
        "SPOKE#show run | section crypto map\ncrypto map M 10 ipsec-isakmp\n"
        " set peer 192.0.2.1\n match address 101\nSPOKE#show clock\n*00:00:10.000 UTC\n"
    )
    (config,) = read_configurations(text, "s1")
    found = config.policy_for(None, "192.0.2.1", 1)
    assert found is not None
    assert found.interval_s == 30


def test_what_is_shown_last_is_in_force():
    text = (
        "R1#sh run | inc keepalive\ncrypto isakmp keepalive 30\nR1#conf t\n"
        "R1(config)#crypto isakmp keepalive 10 periodic\nR1(config)#end\n"
        "R1#sh run | inc keepalive\ncrypto isakmp keepalive 10 periodic\nR1#\n"
    )
    (config,) = read_configurations(text, "s1")
    (setting,) = config.dpd
    assert (setting.policy.interval_s, setting.ref.record) == (10, 7)


def test_two_devices_in_one_log_are_two_configurations():
    text = (
        "HUB#show run\n" + HUB + "HUB#ssh 198.51.100.7\n"
        "SPOKE#show run\nhostname SPOKE\ncrypto isakmp keepalive 30\nend\nSPOKE#exit\n"
    )
    hub, spoke = read_configurations(text, "s1")
    assert (hub.hostname, spoke.hostname) == ("HUB", "SPOKE")
    assert spoke.dpd[0].policy.interval_s == 30


def test_sections_of_a_tech_support_file():
    text = (
        "------------------ show clock ------------------\n\n*00:00:01.000 UTC\n"
        f"------------------ show running-config ------------------\n\n{HUB}"
        "------------------ show crypto isakmp sa ------------------\n\ndst src state\n"
    )
    (block,) = find_configurations(text.splitlines())
    assert block.format is ConfigFormat.CISCO_IOS


def test_other_output_after_a_prompt_is_no_configuration():
    assert list(find_configurations((SA_TABLE + "HUB#\n").splitlines())) == []
    assert list(find_configurations(["HUB#show run", "% Invalid input detected", "HUB#"])) == []


def test_nothing_recognised_is_an_error_with_the_formats():
    with pytest.raises(SourceError, match="no configuration is recognised") as caught:
        read_configuration(DEBUG, "s1")
    assert "cisco-ios" in caught.value.hint
    assert read_configurations(DEBUG, "s1") == ()


def test_a_given_format_is_not_questioned():
    assert read_configuration("nothing of use", "s1", "cisco-ios").dpd == ()


@pytest.mark.parametrize(
    "text",
    [
        "x" * 5_000_000,
        "interface Tunnel1\n" * 250_000,
        "crypto map " * 500_000,
        ("#" * 80 + "\n") * 50_000,
        "HUB#show run\n" * 50_000,
    ],
    ids=["one line", "many sections", "one command", "many prompts", "many commands"],
)
def test_hostile_sizes_cost_no_more_than_their_length(text):
    start = time.process_time()
    found = read_configurations(text, "s1")
    assert time.process_time() - start < 10
    assert all(p.kind is ProblemKind.CONFIG_LINE for config in found for p in config.problems)
