"""The worst case of a configured policy is what counts as slow (contract, section 2)."""

from __future__ import annotations

from pathlib import Path

import pytest

from analyzers.model.black_hole import BlackHoleClass
from analyzers.model.policy import PolicyBasis
from analyzers.session import Session, SessionOptions

DEAD = Path(__file__).parents[2] / "sample_pcaps" / "ikev1-dead-peer"


def run(*inputs: str, budget_s: float = 30.0) -> Session:
    session = Session(SessionOptions(budget_s=budget_s))
    session.run([str(DEAD / name) for name in inputs])
    return session


@pytest.mark.parametrize(
    ("inputs", "found"),
    [
        (("capture.pcap",), BlackHoleClass.SLOW_DPD),
        # charon gives up 20 s after the last proof by its configuration: that is its worst case.
        (("capture.pcap", "swanctl-a.conf"), BlackHoleClass.DETECTED),
    ],
)
def test_the_budget_of_a_configuration_goes_before_the_option(
    inputs: tuple[str, ...], found: BlackHoleClass
) -> None:
    (peer,) = run(*inputs, budget_s=10.0).peers()
    (hole,) = peer.black_holes
    assert hole.black_hole_class is found


def test_the_configured_policy_has_its_line() -> None:
    session = run("capture.pcap", "swanctl-a.conf")
    (peer,) = session.peers()
    (policy,) = [p for p in peer.policies if p.basis is PolicyBasis.CONFIG]
    assert (policy.holder, policy.interval_s, policy.worst_case_s) == ("192.0.2.1", 5.0, 20.0)
    assert policy.ref is not None
    line = (DEAD / "swanctl-a.conf").read_text().splitlines()[policy.ref.record - 1]
    assert "dpd" in line
    assert session.sources[1].kind == "config"
