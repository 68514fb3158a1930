"""Real strongSwan gateways, held to the timers that they had: no timer rule finds anything."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import pytest

from analyzers.configs.vendors import parse_policy
from analyzers.model.exchange import Outcome
from analyzers.model.policy import GivenPolicy
from analyzers.model.time import seconds
from analyzers.rules import timers
from analyzers.session import Session, SessionOptions

SAMPLES = Path(__file__).parents[2] / "sample_pcaps"
A, B = "192.0.2.1", "192.0.2.2"
CONSTANT = "strongswan interval={delay} retry=2 backoff=1 retries=5"
IKEV1 = "strongswan-ikev1 interval={delay} timeout={timeout}"

# Folders with the timers of their README; those of ikev2-healthy and the like were never retried.
GATEWAYS = {
    "ikev1-healthy": {A: IKEV1.format(delay=5, timeout=20)},
    "ikev1-both-sides": {
        A: IKEV1.format(delay=5, timeout=20),
        B: IKEV1.format(delay=3, timeout=15),
    },
    "ikev1-dead-peer": {A: IKEV1.format(delay=5, timeout=20)},
    "ikev1-one-way-loss": {A: IKEV1.format(delay=5, timeout=20)},
    "ikev1-clean-delete": {A: IKEV1.format(delay=4, timeout=20)},
    "ikev2-healthy": {A: CONSTANT.format(delay=4)},
    "ikev2-ipv6-healthy": {"2001:db8::1": CONSTANT.format(delay=4)},
    "ikev2-dead-peer": {A: CONSTANT.format(delay=5)},
    "ikev2-brief-outage": {A: CONSTANT.format(delay=3)},
    "ikev2-data-plane-dead": {A: CONSTANT.format(delay=4)},
    "ikev2-peer-restart": {A: CONSTANT.format(delay=4)},
    "ikev2-clean-delete": {A: CONSTANT.format(delay=4)},
}
RETRIED = {"ikev2-dead-peer", "ikev2-brief-outage", "ikev2-peer-restart"}
INPUTS = {
    "capture": ("capture.pcap",),
    "log": ("charon-a.log",),
    "both": ("capture.pcap", "charon-a.log", "charon-b.log"),
}


def session(folder: str, inputs: tuple[str, ...], policies: dict[str, str]) -> Session:
    given = tuple(GivenPolicy(parse_policy(text), end) for end, text in policies.items())
    keys = tuple(str(path) for path in (SAMPLES / folder).glob("ikev*_decryption_table"))
    run = Session(SessionOptions(policies=given, keys=keys))
    run.run([str(SAMPLES / folder / name) for name in inputs])
    return run


def timer_findings(run: Session) -> set[str]:
    own = {rule.id for rule in timers.RULES}
    return {f.rule for f in run.judgement().findings if f.rule in own}


@pytest.mark.parametrize("inputs", INPUTS.values(), ids=list(INPUTS))
@pytest.mark.parametrize("folder", list(GATEWAYS))
def test_gateways_keep_their_timers(folder: str, inputs: tuple[str, ...]):
    found = timer_findings(session(folder, inputs, GATEWAYS[folder]))
    captured = "capture.pcap" in inputs
    expected = {"ikev2-retransmit-not-exponential"} if folder in RETRIED and captured else set()
    assert found == expected


@pytest.mark.parametrize("folder", [name for name in GATEWAYS if "healthy" in name])
def test_nothing_is_wrong_with_healthy_gateways(folder: str):
    run = session(folder, ("capture.pcap",), {})
    assert not [f for f in run.judgement().findings if f.severity != "info"]


@pytest.mark.parametrize(
    ("folder", "policy", "rule"),
    [
        ("ikev2-dead-peer", "strongswan interval=5", "dpd-retry-spacing-wrong"),
        ("ikev2-dead-peer", "strongswan interval=5 retry=2 backoff=1 retries=2", "many"),
        ("ikev2-peer-restart", "strongswan interval=4 retry=2 backoff=1 retries=7", "few"),
        ("ikev1-healthy", "strongswan-ikev1 interval=10 timeout=30", "dpd-interval-too-short"),
        ("ikev2-healthy", "strongswan interval=1", "dpd-interval-too-long"),
    ],
)
def test_other_timers_are_found_out(folder: str, policy: str, rule: str):
    name = {"many": "dpd-too-many-retries", "few": "dpd-too-few-retries"}.get(rule, rule)
    assert name in timer_findings(session(folder, ("capture.pcap",), {A: policy}))


@pytest.mark.parametrize("folder", ["ikev1-dead-peer", "ikev1-one-way-loss", "ikev2-dead-peer"])
def test_the_schedule_of_the_profile_is_what_was_sent(folder: str):
    (peer,) = session(folder, ("capture.pcap", "charon-a.log"), GATEWAYS[folder]).peers()
    (lost,) = [x for x in peer.exchanges if x.outcome is Outcome.UNANSWERED]
    (policy,) = [p for p in peer.policies if p.basis == "given"]
    assert len(lost.transmissions) == policy.transmissions
    moments = [*(t.at_ns for t in lost.transmissions), lost.verdict_ns or 0]
    waits = [seconds(later - sooner) for sooner, later in pairwise(moments)]
    assert waits == pytest.approx(policy.waits_s, abs=0.1)
