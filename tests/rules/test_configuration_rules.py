"""Every rule over configurations fires in its examples, and is silent in the others."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from analyzers.configs.catalogue import read_configuration
from analyzers.configs.charon import with_retransmission
from analyzers.model.configuration import Retransmission
from analyzers.model.finding import Severity
from analyzers.model.records import Confidence
from analyzers.rules import configuration
from analyzers.rules.catalogue import CONFIGURATION_RULES, lint
from analyzers.rules.configuration.estate import Estate
from analyzers.rules.configuration.examples import site, swanctl, tunnel
from analyzers.rules.configuration.rule import ConfigurationRule, Example
from analyzers.snapshots.find import snapshots_in

# Modules of the family that are no rules.
HELPERS = {"__init__", "estate", "examples", "rule", "seen", "wording"}


def estate(texts: Example) -> Estate:
    named = [(f"s{n}", text) for n, text in enumerate(texts, start=1)]
    shown = [s for source, text in named for s in snapshots_in(text, source)]
    return Estate([read_configuration(text, source) for source, text in named], shown=shown)


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


def fortios(*lines: str) -> str:
    """A FortiGate with one phase 1, `lines` being added to it."""
    more = "".join(f"        {line}\n" for line in lines)
    return (
        "#config-version=FGT60F-7.0.9-FW\nconfig system interface\n"
        '    edit "wan1"\n        set ip 192.0.2.1 255.255.255.0\n    next\nend\n'
        'config vpn ipsec phase1-interface\n    edit "site"\n        set interface "wan1"\n'
        f"{more}    next\nend\n"
    )


PLUTO = (
    "config setup\n\tlogfile=/var/log/pluto.log\n\nconn site\n\tikev2=yes\n"
    "\tleft=192.0.2.1\n\tright=198.51.100.7\n\tdpddelay=30\n\tdpdtimeout=120\n"
)
FORTI_V2 = fortios("set ike-version 2", "set remote-gw 198.51.100.7", "set dpd-retrycount 2")
FORTI_HUB = fortios("set type dynamic", "set dpd on-idle")
HSRP = " standby 1 ip 192.0.2.9\n standby 1 name HA\n crypto map M redundancy HA stateful\n"


@pytest.mark.parametrize(
    ("rule", "text", "remedy", "source"),
    [
        ("dpd-timeout-ignored-ikev2", FORTI_V2, "dpd-retryinterval", "Fortinet"),
        ("dpd-timeout-ignored-ikev2", PLUTO, "retransmit-timeout", "Libreswan"),
        ("dpd-slower-than-budget", FORTI_V2, "set dpd-retryinterval", "Fortinet"),
        ("dpd-slower-than-budget", PLUTO, "dpddelay=", "Libreswan"),
        ("dpd-interval-unconfigured-default", FORTI_V2, "set dpd on-idle", "Fortinet"),
        ("hub-dpd-load", FORTI_HUB, "set dpd on-demand", "Fortinet"),
        (
            "ha-retry-too-short",
            site(
                "192.0.2.1", "198.51.100.7", dpd="crypto isakmp keepalive 20 2 periodic", after=HSRP
            ),
            "crypto isakmp keepalive 20 10 periodic,",
            "Cisco",
        ),
    ],
)
def test_remedy_and_source_are_those_of_the_product(rule: str, text: str, remedy: str, source: str):
    found = [f for f in lint(estate((text,))) if f.rule == rule]
    assert found
    for finding in found:
        assert remedy in finding.remedy
        assert source in finding.reference
        for other in {"strongswan.conf", "periodic", "charon"} - set(remedy.split(" ")):
            assert other not in finding.remedy.replace(remedy, "")


def test_an_option_that_needs_another_one_is_not_one_that_ikev2_ignores():
    """strongSwan's dpddelay does nothing while no dpdaction is set; IKEv2 would use it."""
    text = (
        "config setup\n\tuniqueids=yes\n\nconn site\n\tkeyexchange=ikev2\n"
        "\tleft=192.0.2.1\n\tright=198.51.100.7\n\tdpddelay=30s\n\tauto=start\n"
    )
    rules = {finding.rule for finding in lint(estate((text,)))}
    assert "dpd-option-unused" in rules
    assert "dpd-timeout-ignored-ikev2" not in rules


def _details(rule: str, *texts: str) -> list[str]:
    return [one.detail for one in lint(estate(texts)) if one.rule == rule]


ASKS = "crypto isakmp keepalive 10 2 periodic"


@pytest.mark.parametrize("shorter_here", [True, False])
def test_the_ends_of_a_cisco_tunnel_take_the_shorter_lifetime(*, shorter_here: bool):
    asking, silent = site("192.0.2.1", "198.51.100.7", dpd=ASKS), site("198.51.100.7", "192.0.2.1")
    default = "crypto isakmp policy 10\n"
    if shorter_here:
        silent = silent.replace(default, f"{default} lifetime 3600\n")
    else:
        asking = asking.replace(default, f"{default} lifetime 3600\n")
    (detail,) = _details("dpd-one-sided-initiator", asking, silent)
    assert "up to 3,600 s" in detail
    assert ("the shorter lifetime of both ends" in detail) is not shorter_here


def test_a_longer_lifetime_of_the_other_end_lengthens_nothing():
    asking = site("192.0.2.1", "198.51.100.7", dpd=ASKS)
    silent = site("198.51.100.7", "192.0.2.1").replace(
        "crypto isakmp policy 10\n", "crypto isakmp policy 10\n lifetime 7200\n"
    )
    (detail,) = _details("dpd-one-sided-initiator", asking, silent)
    assert detail.endswith("up to 7,200 s.")


def test_dpd_has_to_outlast_every_protocol_over_a_tunnel():
    text = tunnel(
        "192.0.2.1", "198.51.100.7", "ip ospf 1 area 0", dpd=ASKS,
        after="router bgp 65000\n neighbor 10.9.0.2 remote-as 65001",
    )  # fmt: skip
    found = [f for f in lint(estate((text,))) if f.rule == "dpd-vs-routing-hold-mismatch"]
    assert [("OSPF" in f.detail, "BGP" in f.detail) for f in found] == [(True, True)]
    assert "routing holds 180 s" in found[0].remedy


def test_bfd_speaks_for_the_protocols_beside_it():
    text = tunnel(
        "192.0.2.1", "198.51.100.7", "ip ospf 1 area 0", "bfd interval 500 min_rx 500 multiplier 3",
        "ip ospf bfd", dpd=ASKS,
    )  # fmt: skip
    assert _details("dpd-vs-routing-hold-mismatch", text) == []


@pytest.mark.parametrize(
    ("keepalive", "why"),
    [
        ("threshold infinite", "it is set to answer, and never to ask"),
        ("disable", "DPD is switched off"),
    ],
)
def test_an_asa_that_only_answers_is_not_switched_off(keepalive: str, why: str):
    text = (
        "ASA Version 9.8(4)\nhostname fw1\n"
        "interface GigabitEthernet0/0\n nameif outside\n ip address 192.0.2.1 255.255.255.0\n"
        "crypto map M 10 match address VPN\ncrypto map M 10 set peer 198.51.100.7\n"
        "crypto map M interface outside\ncrypto ikev1 enable outside\n"
        "tunnel-group 198.51.100.7 type ipsec-l2l\n"
        f"tunnel-group 198.51.100.7 ipsec-attributes\n isakmp keepalive {keepalive}\n"
    )
    (detail,) = _details("no-liveness-mechanism", text)
    assert why in detail


def test_one_setting_for_both_ike_versions_has_one_remedy():
    """dpd_delay is one option: what is advised for IKEv1 and for IKEv2 has to fit beside it."""
    text = swanctl("192.0.2.1", "198.51.100.7", "", version=0)
    found = [f for f in lint(estate((text,))) if f.rule == "no-liveness-mechanism"]
    (remedy,) = (f.remedy for f in found)
    assert remedy.count("dpd_delay = ") == remedy.count("dpd_timeout = ") == 1
    assert all(said in remedy for said in ("retransmit_tries", "(IKEv1)", "(IKEv2)"))
    options = dict(re.findall(r"(dpd_\w+) = (\d+s)", remedy))
    advised = "\n".join(f"{option} = {value}" for option, value in options.items())
    timeout_s, base, tries = re.findall(r"retransmit_\w+ = ([\d.]*\d)", remedy)
    read = read_configuration(swanctl("192.0.2.1", "198.51.100.7", advised, version=0), "s1")
    followed = with_retransmission(read, Retransmission(float(timeout_s), float(base), int(tries)))
    assert {f.severity for f in lint(Estate([followed]))} <= {Severity.INFO}
