"""What editing begins with: configured, then observed, then the product, then what is common."""

from __future__ import annotations

from pathlib import Path

import pytest
from msgspec.structs import replace

from analyzers.configs.vendors import parse_given
from analyzers.model.peer import PeerView
from analyzers.model.policy import PolicyBasis
from analyzers.session import Session, SessionOptions
from dpdlab.present.starting import Start, starting_policy

SAMPLES = Path(__file__).parents[4] / "sample_pcaps"
DEAD = SAMPLES / "ikev1-dead-peer"
UNASKED = SAMPLES / "ikev2-no-dpd-blackhole"


def _run(*inputs: Path, options: SessionOptions | None = None) -> tuple[Session, PeerView]:
    """The session of these inputs, and its only peer."""
    session = Session(options or SessionOptions())
    session.run([str(path) for path in inputs])
    (peer,) = session.peers()
    return session, peer


def _start(*inputs: Path, options: SessionOptions | None = None) -> Start:
    session, peer = _run(*inputs, options=options)
    return starting_policy(peer, session.vendor_at)


def test_a_configuration_comes_before_what_was_observed():
    start = _start(DEAD / "capture.pcap", DEAD / "charon-a.log", DEAD / "swanctl-a.conf")
    assert start.draft.text == "strongswan-ikev1 interval=5 timeout=20"
    assert start.whence == "what is configured at 192.0.2.1"


def test_retries_that_no_file_sets_are_those_that_were_seen():
    restart = SAMPLES / "ikev2-peer-restart"
    start = _start(restart / "capture.pcap", restart / "swanctl-a.conf")
    assert start.draft.text == "strongswan-ikev2 interval=4 retry=2 backoff=1"
    assert start.whence == "retries as seen, the rest what is configured at 192.0.2.1"


def test_what_was_given_comes_before_the_configuration():
    given = parse_given("strongswan-ikev1 interval=7 timeout=30")
    options = SessionOptions(policies=(given,))
    start = _start(DEAD / "capture.pcap", DEAD / "swanctl-a.conf", options=options)
    assert start.draft.text == "strongswan-ikev1 interval=7 timeout=30"
    assert start.whence == "the policy that was given for 192.0.2.1"


def test_what_was_observed_is_put_as_the_product_that_the_log_tells_of_has_it():
    start = _start(DEAD / "capture.pcap", DEAD / "charon-a.log")
    assert start.draft.profile == "strongswan-ikev1"
    timing = start.draft.candidate().timing
    assert timing is not None
    verdict = timing.verdict()
    assert verdict is not None
    assert verdict.last_s == pytest.approx(20.1, abs=0.5)
    assert start.whence == "what 192.0.2.1 was seen to do, as strongSwan, IKEv1 has it"


def test_what_was_observed_without_a_product_is_numbers_alone():
    start = _start(DEAD / "capture.pcap")
    assert start.draft.profile is None
    assert start.draft.value("interval") == "5.1"
    assert start.whence.startswith("what 192.0.2.1 was seen to do")


@pytest.mark.parametrize(
    ("product", "profile"),
    [
        ("strongswan", "strongswan-ikev2"),
        ("fortios", "fortios-ikev2"),
        ("cisco-ios", "cisco-ios-ikev2"),
    ],
)
def test_a_known_product_that_never_asked(product: str, profile: str):
    _, peer = _run(UNASKED / "capture.pcap")
    start = starting_policy(peer, lambda *_: product)
    assert start.draft.profile == profile
    assert start.whence.startswith("what is usual on ")


def test_where_nothing_is_known_it_is_said():
    start = _start(UNASKED / "capture.pcap")
    assert start.draft.text == "cisco-ios-ikev2 interval=10 retry=2"
    assert "neither timers nor product of 192.0.2.1 are known" in start.whence


def test_without_a_black_hole_the_local_side_counts():
    healthy = SAMPLES / "ikev2-healthy"
    start = _start(healthy / "capture.pcap", healthy / "swanctl-a.conf")
    assert start.draft.profile == "strongswan-ikev2"
    assert start.whence == "retries by default, the rest what is configured at 192.0.2.1"


def test_timers_that_are_not_told_begin_nothing():
    session, peer = _run(DEAD / "capture.pcap")
    bare = replace(peer, policies=(), black_holes=(), exchanges=())
    start = starting_policy(bare, session.vendor_at)
    assert start.draft.profile == "cisco-ios"


@pytest.mark.parametrize(
    ("name", "text", "known", "asker"),
    [
        (
            "ikev2-data-plane-dead",
            "strongswan-ikev2 interval=4",
            "the interval of 4 s",
            "192.0.2.1",
        ),
        (
            "ikev2-brief-outage",
            "strongswan-ikev2 interval=3 retry=2",
            "the interval of 3 s and the retry of 2 s",
            "192.0.2.1",
        ),
        ("ikev1-both-sides", "strongswan-ikev1 interval=3", "the interval of 3 s", "192.0.2.2"),
    ],
)
def test_a_known_interval_is_used_though_the_rest_is_not_known(
    name: str, text: str, known: str, asker: str
):
    _, peer = _run(SAMPLES / name / "capture.pcap")
    start = starting_policy(peer, lambda *_: "strongswan")
    title = "strongSwan, IKEv1" if name.startswith("ikev1") else "strongSwan, IKEv2"
    assert start.draft.text == text
    assert start.whence == f"{known} seen at {asker}; the rest is the default of {title}"


def test_what_the_log_of_an_asa_says_of_ikev2_is_not_put_into_its_ikev1_profile():
    _, peer = _run(SAMPLES / "ikev2-healthy" / "capture.pcap")
    (seen,) = peer.policies
    told = replace(seen, basis=PolicyBasis.CONFIG, interval_s=10.0)
    start = starting_policy(replace(peer, policies=(told, seen)), lambda *_: "cisco-asa")
    assert start.draft.profile is None
    assert start.draft.value("interval") == "10"
    assert start.whence == (
        "the interval of 10 s configured at 192.0.2.1; the rest is a guess: no source tells it"
    )


def test_a_product_without_a_profile_of_the_version_is_not_called_unknown():
    _, peer = _run(UNASKED / "capture.pcap")
    start = starting_policy(peer, lambda *_: "cisco-asa")
    assert start.whence.endswith("nor what is usual on cisco-asa in IKEv2")


def test_a_product_is_offered_no_lines_of_another_one():
    """The numbers alone: what they would be on it in configuration nobody knows."""
    _, peer = _run(UNASKED / "capture.pcap")
    draft = starting_policy(peer, lambda *_: "cisco-asa").draft
    assert draft.profile is None
    assert (draft.value("interval"), draft.value("retry")) == ("10", "2")


def test_an_even_spacing_is_put_exactly_where_the_product_can_be_told_it():
    dead = SAMPLES / "ikev2-dead-peer"
    start = _start(dead / "capture.pcap", dead / "charon-a.log")
    assert start.draft.text == "strongswan-ikev2 interval=5 retry=2 backoff=1"
    assert start.whence == "what 192.0.2.1 was seen to do, as strongSwan, IKEv2 has it"


def test_a_spacing_that_the_product_cannot_be_told_is_only_near():
    _, peer = _run(SAMPLES / "ikev2-dead-peer" / "capture.pcap")
    (seen,) = peer.policies
    uneven = replace(seen, interval_s=5.0, waits_s=(1.0, 3.0, 2.0, 2.0))
    start = starting_policy(replace(peer, policies=(uneven,)), lambda *_: "strongswan")
    assert start.draft.profile == "strongswan-ikev2"
    assert start.whence.endswith("has it, only near: it waited 1 + 3 + 2 + 2 s")


def test_without_a_peer_it_is_said_why():
    start = starting_policy(None, lambda *_: None, "no peer matches the filter")
    assert start.draft.profile == "cisco-ios"
    assert start.whence == "IOS periodic 10 2: no peer matches the filter"


def test_only_what_nobody_stated_is_called_a_default():
    observed = _start(DEAD / "capture.pcap", DEAD / "charon-a.log")
    assert observed.defaults == frozenset()
    configured = _start(SAMPLES / "ios-dead-peer-terminal" / "console.txt")
    assert configured.whence == "what is configured at 192.0.2.1"
    assert configured.defaults == frozenset({"retries", "backoff"})
