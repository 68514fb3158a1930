"""What is seen of a policy against what is expected: on real captures, and at the tolerances."""

from __future__ import annotations

from pathlib import Path

import pytest

from analyzers.configs.vendors import parse_policy
from analyzers.model.peer import PeerView
from analyzers.model.policy import GivenPolicy, PolicyBasis, PolicyMode
from analyzers.session import Session, SessionOptions
from dpdlab.present.policy_match import Agreement, foremost, match_of, sides
from tests.model_builders import A, B, healthy_peer, policy

SAMPLES = Path(__file__).parents[4] / "sample_pcaps"
SAME, NEAR, OTHER, UNSEEN = Agreement


def read(*inputs: Path, given: str = "") -> PeerView:
    """The one peer of some inputs."""
    policies = (GivenPolicy(parse_policy(given)),) if given else ()
    session = Session(SessionOptions(policies=policies))
    session.run([str(i) for i in inputs])
    (peer,) = session.peers()
    return peer


@pytest.mark.parametrize(
    ("folder", "holder", "wanted"),
    [
        ("ikev1-dead-peer", A, {"asks": SAME, "retries": SAME, "gives up": SAME}),
        ("ikev1-one-way-loss", A, {"asks": SAME, "retries": SAME, "gives up": SAME}),
        ("ikev1-healthy", A, {"asks": SAME, "retries": UNSEEN, "gives up": UNSEEN}),
        ("ikev1-both-sides", B, {"asks": SAME, "retries": UNSEEN, "gives up": UNSEEN}),
        ("ikev1-both-sides", A, {"asks": UNSEEN, "retries": UNSEEN, "gives up": UNSEEN}),
        ("ikev1-clean-delete", A, {"asks": NEAR, "retries": UNSEEN, "gives up": UNSEEN}),
        ("ikev2-healthy", A, {"asks": SAME, "retries": UNSEEN, "gives up": UNSEEN}),
        ("ikev2-dead-peer", A, {"asks": SAME, "retries": UNSEEN, "gives up": UNSEEN}),
        ("ikev2-no-dpd-blackhole", A, {"asks": SAME}),
        ("ikev2-no-dpd-blackhole", B, {"asks": SAME}),
        ("ios-dead-peer-terminal", A, {"asks": SAME, "retries": SAME, "gives up": SAME}),
    ],
)
def test_real_captures_keep_to_the_timers_of_their_configuration(
    folder: str, holder: str, wanted: dict[str, Agreement]
):
    found = match_of(read(SAMPLES / folder), holder)
    assert {part.name: part.agreement for part in found.parts} == wanted


def test_retries_that_no_file_sets_are_held_against_nothing():
    found = match_of(read(SAMPLES / "ikev2-dead-peer"), A)
    bases = {part.name: part.basis for part in found.parts}
    assert bases["asks"] is PolicyBasis.CONFIG
    assert bases["retries"] is bases["gives up"] is PolicyBasis.OBSERVED
    told = {part.name: (part.seen, part.wanted) for part in found.parts[1:]}
    assert told == {
        "retries": ("every 2 s", "no strongswan.conf"),
        "gives up": ("after 6 questions", "no strongswan.conf"),
    }
    assert found.agreement is SAME
    # Where nothing was repeated either, what would happen is what charon does by default.
    healthy = match_of(read(SAMPLES / "ikev2-healthy"), A)
    bases = {part.name: part.basis for part in healthy.parts}
    assert bases["retries"] is bases["gives up"] is PolicyBasis.DEFAULT
    strongswan_conf = "strongswan-ikev2 interval=5 retry=2 retries=5 backoff=1"
    given = match_of(read(SAMPLES / "ikev2-dead-peer", given=strongswan_conf), A)
    assert [part.agreement for part in given.parts] == [SAME, SAME, SAME]
    assert {part.basis for part in given.parts} == {PolicyBasis.GIVEN}


def test_another_interval_is_told():
    found = match_of(read(SAMPLES / "ikev2-healthy", given="strongswan-ikev2 interval=30"), A)
    (asks,) = found.parts_that(OTHER)
    assert (asks.seen, asks.wanted) == ("after 4 s", "on idle 30 s")


@pytest.mark.parametrize(
    ("expected_s", "agreement"),
    [(3.0, SAME), (3.2, SAME), (4.4, NEAR), (4.6, OTHER), (1.6, NEAR), (1.4, OTHER)],
)
def test_an_interval_may_be_off_by_what_clocks_and_jitter_do(
    expected_s: float, agreement: Agreement
):
    seen = policy(interval_s=3.0, retry_s=None, retries=None)
    wanted = policy(basis=PolicyBasis.CONFIG, interval_s=expected_s, retry_s=None, retries=None)
    peer = healthy_peer(policies=(seen, wanted))
    assert match_of(peer, A).agreement is agreement


def test_on_demand_asks_late_and_never_early():
    wanted = policy(basis=PolicyBasis.CONFIG, mode=PolicyMode.ON_DEMAND, interval_s=10.0)
    for seen_s, agreement in ((60.0, SAME), (8.4, OTHER)):
        seen = policy(interval_s=seen_s, mode=PolicyMode.ON_DEMAND)
        peer = healthy_peer(policies=(seen, wanted))
        assert match_of(peer, A).agreement is agreement


def test_who_should_never_ask_and_does_is_told():
    wanted = policy(basis=PolicyBasis.CONFIG, mode=PolicyMode.DISABLED, interval_s=None)
    peer = healthy_peer(policies=(policy(), wanted))
    assert match_of(peer, A).agreement is OTHER


def test_without_an_expectation_nothing_is_judged():
    peer = healthy_peer(policies=(policy(),))
    found = match_of(peer, A)
    assert (found.wanted, found.parts, found.agreement) == (None, (), UNSEEN)


def test_the_side_that_asks_is_told_first():
    peer = read(SAMPLES / "ikev1-both-sides")
    assert foremost(peer) == B
    assert sides(peer) == (B, A)
