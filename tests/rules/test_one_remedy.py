"""One tunnel has one remedy: who follows it hears no more of it, and every view says the same."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from analyzers.configs.catalogue import read_configuration
from analyzers.configs.charon import with_retransmission
from analyzers.configs.config_lines import lines_in_ipsec_conf
from analyzers.model.configuration import ConfigFormat, Configuration
from analyzers.model.finding import Finding, Severity
from analyzers.rules.catalogue import lint as judged
from analyzers.rules.configuration.estate import DEFAULT_BUDGET_S, Estate
from analyzers.rules.configuration.examples import hub
from analyzers.rules.remedies import advice, on_one_line
from analyzers.session.driver import Session
from analyzers.whatif.candidates import recommended
from analyzers.whatif.plan import Demand
from analyzers.whatif.recommend import Recommendation, recommend, target_s

SAMPLES = Path(__file__).parents[2] / "sample_pcaps"
NO_DPD = SAMPLES / "ikev2-no-dpd-blackhole"


def lint(configurations: list[Configuration]) -> list[Finding]:
    return list(judged(Estate(configurations)))


def advised(profile: str) -> Recommendation:
    return recommend(profile, Demand(target_s=DEFAULT_BUDGET_S))


def ios(version: int, dpd: str = "") -> str:
    profile = "crypto ikev2 profile V2\n match identity remote address 198.51.100.7\n"
    return (
        f"hostname R1\n{dpd}\n{profile if version == 2 else ''}crypto ipsec profile P\n"
        f" set transform-set T\n{' set ikev2-profile V2' if version == 2 else ''}\n"
        "interface Tunnel1\n ip address 10.9.0.1 255.255.255.252\n tunnel source 192.0.2.1\n"
        " tunnel destination 198.51.100.7\n tunnel protection ipsec profile P\n"
    )


def swanctl(version: int, options: str = "") -> str:
    return (
        f"connections {{\n gw {{\n  version = {version}\n  local_addrs = 192.0.2.1\n"
        f"  remote_addrs = 198.51.100.7\n  {options}\n"
        "  children {\n   net {\n    remote_ts = 10.2.0.0/24\n   }\n  }\n }\n}\n"
    )


def conn(options: tuple[str, ...], version: str, *, charon: bool) -> str:
    own = "closeaction=none" if charon else "encapsulation=auto"
    more = "".join(f"    {line}\n" for line in options)
    pluto = {"1": "ikev2=no", "2": "ikev2=yes"}
    exchange = f"keyexchange=ikev{version}" if charon else pluto[version]
    return (
        f"conn gw\n    left=192.0.2.1\n    right=198.51.100.7\n    rightsubnet=10.2.0.0/24\n"
        f"    {exchange}\n    {own}\n    auto=start\n{more}"
    )


def charon_conf(lines: tuple[str, ...]) -> str:
    return "\n".join(lines[lines.index("charon {") :]) + "\n" if "charon {" in lines else ""


def followed(profile: str) -> tuple[str, list[str]]:
    """A configuration without DPD, and what it becomes."""
    found = advised(profile)
    lines = found.lines
    match profile:
        case "cisco-ios" | "cisco-ios-ikev2":
            version = 2 if profile.endswith("2") else 1
            return ios(version), [ios(version, lines[0])]
        case "strongswan-ikev1" | "strongswan-ikev2":
            version = int(profile[-1])
            own = "\n  ".join(x.strip() for x in lines if "dpd_" in x)
            return swanctl(version), [swanctl(version, own), charon_conf(lines)]
        case "libreswan-ikev1" | "libreswan-ikev2":
            told = tuple(x.strip() for x in lines[1:])
            return conn((), profile[-1], charon=False), [conn(told, profile[-1], charon=False)]
    raise AssertionError(profile)


PROFILES = (
    "cisco-ios",
    "cisco-ios-ikev2",
    "strongswan-ikev1",
    "strongswan-ikev2",
    "libreswan-ikev1",
    "libreswan-ikev2",
)


def warnings(texts: list[str]) -> list[str]:
    read = [read_configuration(t, f"s{n}") for n, t in enumerate(texts, start=1) if t]
    for conf in [r.retransmission for r in read if r.format is ConfigFormat.STRONGSWAN_CONF]:
        assert conf is not None
        read = [with_retransmission(r, conf) for r in read]
    found = lint(read)
    return [f.rule for f in found if f.severity is not Severity.INFO]


@pytest.mark.parametrize("profile", PROFILES)
def test_who_follows_the_remedy_hears_no_more_of_it(profile: str) -> None:
    before, after = followed(profile)
    assert warnings([before]) == ["no-liveness-mechanism"]
    assert warnings(after) == []


@pytest.mark.parametrize("profile", PROFILES)
def test_the_remedy_of_a_configuration_is_the_recommendation(profile: str) -> None:
    before, _ = followed(profile)
    (found,) = [
        f for f in lint([read_configuration(before, "s1")]) if f.rule == "no-liveness-mechanism"
    ]
    assert on_one_line(advised(profile).lines) in found.remedy
    assert "within 30 s" in found.remedy


@pytest.mark.parametrize("version", ["1", "2"])
def test_charon_in_ipsec_conf_is_told_in_its_own_words(version: str) -> None:
    before = conn((), version, charon=True)
    lines = lines_in_ipsec_conf(advised(f"strongswan-ikev{version}").policy)
    (found,) = [
        f for f in lint([read_configuration(before, "s1")]) if f.rule == "no-liveness-mechanism"
    ]
    assert on_one_line(lines) in found.remedy
    own = tuple(x.strip() for x in lines if x.strip().startswith("dpd"))
    after = [conn(own, version, charon=True), charon_conf(lines)]
    assert warnings(after) == []


def test_a_slow_setting_is_told_the_same() -> None:
    (found,) = lint([read_configuration(swanctl(2, "dpd_delay = 30s"), "s1")])
    assert found.rule == "dpd-slower-than-budget"
    assert on_one_line(advised("strongswan-ikev2").lines) in found.remedy


def test_every_view_of_one_tunnel_says_the_same() -> None:
    session = Session()
    session.run([str(NO_DPD / "capture.pcap"), str(NO_DPD / "swanctl-a.conf")])
    ((peer, hole),) = [(p, h) for p in session.peers() for h in p.black_holes]
    found = {f.rule: f.remedy for f in session.judgement().findings}
    told = on_one_line(advised("strongswan-ikev2").lines)
    assert told in found["liveness-not-probed-one-way-out"]
    assert told in found["no-liveness-mechanism"]
    whatif = recommended(hole, "strongswan-ikev2", 2, target_s=None, budget_s=DEFAULT_BUDGET_S)
    assert on_one_line(whatif.lines) == told
    # What would not have been sooner says so.
    assert "25.1 s" in found["liveness-not-probed-one-way-out"]
    assert peer.black_holes


@pytest.mark.parametrize("profile", PROFILES)
@pytest.mark.parametrize("every", [0.2, 1.0, 7.0, 300.0])
def test_the_pauses_of_the_traffic_do_not_change_it(profile: str, every: float) -> None:
    found = recommend(profile, Demand(target_s=30.0, every_s=every))
    assert found.policy == advised(profile).policy


@pytest.mark.parametrize(("hold", "within"), [(None, 30.0), (15.0, 30.0), (40.0, 60.0)])
def test_beside_routing_dpd_is_the_backstop(hold: float | None, within: float) -> None:
    assert target_s(30.0, hold) == within


def test_a_tunnel_under_routing_is_told_what_lint_does_not_blame() -> None:
    text = ios(1).replace("255.255.255.252\n", "255.255.255.252\n ip ospf 1 area 0\n")
    (found,) = [f for f in lint([read_configuration(text, "s1")]) if f.severity != "info"]
    assert found.rule == "sa-outlives-routing"
    command = re.search(r"crypto isakmp keepalive \d+ \d+ periodic", found.remedy)
    assert command is not None
    assert warnings([f"{command[0]}\n{text}"]) == []


def test_an_unknown_product_gets_an_example() -> None:
    assert "the equivalent of crypto isakmp keepalive 20 2 periodic" in advice(None, 1, 30.0)


def test_a_hub_under_routing_is_told_what_no_other_rule_blames() -> None:
    text = hub("crypto isakmp keepalive 10 3 periodic", "ip ospf 1 area 0")
    told = {f.rule: f.remedy for f in lint([read_configuration(text, "s1")])}
    assert "hub-dpd-load" in told
    command = re.search(
        r"crypto isakmp keepalive \d+ \d+ on-demand", told["dpd-vs-routing-hold-mismatch"]
    )
    assert command is not None
    assert warnings([hub(command[0].removesuffix(" on-demand"), "ip ospf 1 area 0")]) == []
