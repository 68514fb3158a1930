"""What was given and fits no peer is said."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from analyzers.configs.catalogue import read_configurations
from analyzers.configs.vendors import parse_given
from analyzers.session import Session, SessionOptions
from analyzers.session.unfit import unfit
from tests.live_capture import SAMPLES
from tests.model_builders import ike_sa, peer

PEER = peer()


@pytest.mark.parametrize(
    ("policy", "said"),
    [
        ("cisco-ios interval=10", ""),
        (f"{PEER.local} cisco-ios interval=10", ""),
        ("203.0.113.99 cisco-ios interval=10", "for 203.0.113.99 fits no peer: none has that"),
    ],
)
def test_a_policy_for_nobody(policy: str, said: str) -> None:
    sentences = unfit([PEER], [parse_given(policy)], (), {})
    assert bool(sentences) is bool(said)
    assert said in "".join(sentences)


def test_a_policy_of_another_version_of_ike() -> None:
    given = replace(parse_given("strongswan interval=2"), ike_version=1)
    (sentence,) = unfit([peer(ike_sas=(ike_sa(ike_version=2),))], [given], (), {})
    assert sentence.endswith("it is one of IKEv1, and IKEv2 was seen.")


@pytest.mark.parametrize(
    ("local", "told"), [((), 0), (("203.0.113.99",), 1), (("203.0.113.99", PEER.remote), 0)]
)
def test_an_address_of_ours_that_nobody_has(local: tuple[str, ...], told: int) -> None:
    sentences = unfit([PEER], (), (), {}, local)
    assert len(sentences) == told
    assert all("no peer has such an address" in said for said in sentences)


def test_where_nobody_was_seen_nothing_is_said() -> None:
    assert unfit([], [parse_given("203.0.113.99 cisco-ios interval=10")], (), {}) == []


@pytest.mark.parametrize(("other", "used"), [("192.0.2.", True), ("198.51.100.", False)])
def test_the_configuration_of_a_device_that_is_not_there(other: str, used: bool) -> None:
    folder = SAMPLES / "ikev2-healthy"
    text = (folder / "swanctl-a.conf").read_text().replace("192.0.2.", other)
    configurations = read_configurations(text, "c1")
    session = Session(SessionOptions())
    session.run([str(folder / "capture.pcap")])
    said = unfit(session.peers(), (), configurations, {"c1": "/etc/swanctl.conf"})
    assert bool(said) is not used
    assert all("swanctl.conf is that of no end of a peer" in sentence for sentence in said)
