from __future__ import annotations

import pytest

from analyzers.model.addresses import same_address
from analyzers.model.configuration import (
    ConfigFormat,
    Configuration,
    Connection,
    ConnectionKind,
    DpdSetting,
    RemotePeer,
    Retransmission,
)
from analyzers.model.policy import DpdPolicy, PolicyBasis, PolicyMode
from analyzers.model.records import Ref

REF = Ref("s1", 1)


def policy(interval_s: float) -> DpdPolicy:
    return DpdPolicy(
        holder="192.0.2.1",
        profile="cisco-ios",
        mode=PolicyMode.PERIODIC,
        interval_s=interval_s,
        retry_s=2.0,
        retries=5,
        basis=PolicyBasis.CONFIG,
        worst_case_s=interval_s + 10,
        evidence="line 1",
    )


def setting(interval_s: float, *peers: str, **more) -> DpdSetting:
    return DpdSetting(scope="x", policy=policy(interval_s), ref=REF, peers=peers, **more)


def connection(name: str, *remotes: str, **more) -> Connection:
    return Connection(
        name=name,
        kind=ConnectionKind.POLICY_BASED,
        ref=REF,
        remotes=tuple(RemotePeer(remote, REF) for remote in remotes),
        **more,
    )


def configuration(*dpd: DpdSetting, connections: tuple[Connection, ...] = ()) -> Configuration:
    return Configuration("s1", ConfigFormat.CISCO_IOS, 1, 9, dpd=dpd, connections=connections)


def interval(found: DpdPolicy | None) -> float | None:
    return None if found is None else found.interval_s


def test_the_closest_setting_wins():
    config = configuration(
        setting(10),
        setting(20, "198.51.100.0/24"),
        setting(30, "198.51.100.0/28"),
        setting(40, "198.51.100.7"),
    )
    assert interval(config.policy_for(None, "203.0.113.9", 1)) == 10
    assert interval(config.policy_for(None, "198.51.100.77", 1)) == 20
    assert interval(config.policy_for(None, "198.51.100.8", 1)) == 30
    assert interval(config.policy_for(None, "198.51.100.7", 1)) == 40


def test_versions_and_local_addresses_keep_settings_apart():
    config = configuration(
        setting(10, ike_version=1),
        setting(20, ike_version=2),
        setting(30, ike_version=2, local="192.0.2.9"),
    )
    assert interval(config.policy_for("192.0.2.1", "203.0.113.9", 1)) == 10
    assert interval(config.policy_for("192.0.2.1", "203.0.113.9", 2)) == 20
    assert interval(config.policy_for("192.0.2.9", "203.0.113.9", 2)) == 30


def test_nothing_covers_a_peer():
    assert configuration().policy_for(None, "203.0.113.9", 1) is None
    assert configuration(setting(10, ike_version=1)).policy_for(None, "203.0.113.9", 2) is None


def test_a_connection_decides_by_its_profile():
    config = configuration(
        setting(10),
        setting(20, profile="SITES"),
        connections=(
            connection("one", "198.51.100.7", profile="SITES"),
            connection("two", "198.51.100.8"),
        ),
    )
    assert interval(config.policy_for(None, "198.51.100.7", 1)) == 20
    assert interval(config.policy_for(None, "198.51.100.8", 1)) == 10
    assert interval(config.policy_for(None, "203.0.113.1", 1)) == 10


def test_a_connection_for_any_peer_comes_before_a_setting_for_any_peer():
    config = configuration(
        setting(10),
        setting(20, profile="ROAMING"),
        setting(30, "203.0.113.1"),
        connections=(connection("any", profile="ROAMING"),),
    )
    assert interval(config.policy_for(None, "198.51.100.7", 1)) == 20
    assert interval(config.policy_for(None, "203.0.113.1", 1)) == 30


@pytest.mark.parametrize(
    ("left", "right", "same"),
    [
        ("2001:db8::1", "2001:0DB8:0::1", True),
        ("192.0.2.1", "192.0.2.1", True),
        ("192.0.2.1", "192.0.2.2", False),
        ("gw.example.net", "gw.example.net", True),
        ("x.x.x.x", "192.0.2.2", False),
    ],
)
def test_addresses_are_compared_as_addresses(left, right, same):
    assert same_address(left, right) is same


def test_retransmission_adds_up_to_the_verdict():
    # strongSwan's defaults: 4, 7.2, 12.96, 23.33, 41.99, 75.58 s
    default = Retransmission(4.0, 1.8, 5)
    assert default.total_s == pytest.approx(165.06, abs=0.01)
    assert Retransmission(4.0, 1.8, 5, limit_s=10.0).gaps_s == (4.0, 7.2, 10.0, 10.0, 10.0, 10.0)
