from __future__ import annotations

import pytest

from analyzers.model.snapshot import SnapshotFormat as F
from analyzers.snapshots.commands import read_prompt


@pytest.mark.parametrize(
    ("text", "hostname", "command", "formats"),
    [
        ("r#show crypto isakmp sa detail", "r", "show crypto isakmp sa detail", F.IOS_ISAKMP_SA),
        ("hub#sh cry isa sa", "hub", "sh cry isa sa", F.IOS_ISAKMP_SA),
        ("hub# sh crypt ikev2 sa det", "hub", "sh crypt ikev2 sa det", F.IOS_IKEV2_SA),
        ("hub(config)#do sh cry ses de", "hub", "do sh cry ses de", F.IOS_CRYPTO_SESSION),
        ("r1>sho cry ips sa | i pkts", "r1", "sho cry ips sa | i pkts", F.CISCO_IPSEC_SA),
        ("fw/pri/act# sh vpn-sess det l2l", "fw", "sh vpn-sess det l2l", F.ASA_VPN_SESSIONDB),
        ("fw# show crypto ikev1 sa detail", "fw", "show crypto ikev1 sa detail", F.ASA_IKEV1_SA),
        ("root@gw:~# swanctl --list-sas", "gw", "swanctl --list-sas", F.SWANCTL_LIST_SAS),
        ("[ada@g ~]# ipsec trafficstatus", "g", "ipsec trafficstatus", F.LIBRESWAN_TRAFFICSTATUS),
        ("ada@gw:~$ sudo ipsec statusall", "gw", "sudo ipsec statusall", F.STRONGSWAN_STATUSALL),
        ("# /usr/sbin/swanctl -l", "", "/usr/sbin/swanctl -l", F.SWANCTL_LIST_SAS),
        ("FW01 (root) # dia vpn ike gat li", "FW01", "dia vpn ike gat li", F.FORTIGATE_IKE_GATEWAY),
        ("FW1 # diagnose vpn tunn list", "FW1", "diagnose vpn tunn list", F.FORTIGATE_VPN_TUNNEL),
        ("gw# date; swanctl --list-sas", "gw", "date; swanctl --list-sas", F.SWANCTL_LIST_SAS),
    ],
)  # fmt: skip
def test_commands_are_known_however_they_are_abbreviated(text, hostname, command, formats):
    said = read_prompt(text, 7)
    assert said is not None
    assert (said.line, said.hostname, said.command) == (7, hostname, command)
    assert formats in said.formats


@pytest.mark.parametrize(
    "text",
    [
        "hub#show crypto map",
        "hub#show run | s crypto",
        "hub#s cry isa sa",
        "hub#show crypto isakmp policy",
        "hub#clear crypto sa",
        "hub#show crypto isakmpx sa",
    ],
)
def test_other_commands_end_an_output_and_begin_none(text):
    said = read_prompt(text, 1)
    assert said is not None
    assert said.command
    assert said.formats == ()


@pytest.mark.parametrize(
    "text",
    [
        "",
        "    #pkts encaps: 5, #pkts encrypt: 5, #pkts digest: 5",
        '000 #3: "branch":4500 STATE_MAIN_R3',
        "Jul  4 08:34:01 gw charon: 05[IKE] <con1|5> sending DPD request",
        "*Mar 25 15:47:37.343: ISAKMP:(1001): sending packet to 192.0.2.9",
        "! a comment # with a mark",
    ],
)
def test_lines_that_are_no_prompt(text):
    assert read_prompt(text, 1) is None


def test_a_bare_prompt_has_no_command():
    said = read_prompt("hub#", 3)
    assert said is not None
    assert (said.hostname, said.command) == ("hub", "")


def test_a_clock_is_asked_for():
    for text in (
        "hub#show clock",
        "hub#sh clo det",
        "gw$ date",
        "gw# date -u",
        "fw # get sys stat",
    ):
        said = read_prompt(text, 1)
        assert said is not None
        assert said.asks_time, text


@pytest.mark.parametrize(
    ("text", "peer"),
    [
        ("hub#sh cry ips sa peer 198.51.100.7 | i pkts", "198.51.100.7"),
        ("hub#show crypto session remote 2001:DB8::7 detail", "2001:db8::7"),
        ("hub#show crypto ipsec sa", ""),
    ],
)
def test_the_peer_that_a_command_is_restricted_to(text, peer):
    said = read_prompt(text, 1)
    assert said is not None
    assert said.peer == peer
