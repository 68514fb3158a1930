"""A configuration beside the log of its device: how a line is to be read, and whose log it is."""

from __future__ import annotations

from pathlib import Path

import pytest

from analyzers.model.peer import LocalBasis, PeerView
from analyzers.model.policy import DpdPolicy, PolicyBasis
from analyzers.rules.configuration.examples import site
from analyzers.session import Session
from tests.scenarios.inputs import together
from tests.scenarios.logs import Clock, isakmp, star

A, B = "192.0.2.1", "192.0.2.2"
RULE = "dpd-count-ambiguous-config"


def log(*retries_s: float, every_s: float) -> str:
    """The log of a router whose peer dies after three answers; a verdict one wait later."""
    asked = [f"{s} a>b v1 info 108 says=ruthere number=7" for s in (10, 20, 30)]
    heard = [f"{s}.02 b>a v1 info 108 says=ack number=7" for s in (10, 20, 30)]
    lost = [f"{40 + s} a>b v1 info 108 says=ruthere number=8" for s in (0, *retries_s)]
    dead_s = 40 + retries_s[-1] + every_s
    text = "\n".join(line for pair in zip(asked, heard, strict=True) for line in pair)
    text = "\n".join([text, *lost])
    return isakmp(
        text, "a", Clock(star), said=[(dead_s, f"ISAKMP:(1001):peer {B} not responding!")]
    )


def config(command: str, peer: str = B) -> str:
    return site(A, peer, dpd=command)


def configured(peer: PeerView) -> DpdPolicy:
    (policy,) = [p for p in peer.policies if p.basis is PolicyBasis.CONFIG]
    return policy


@pytest.mark.parametrize(
    ("command", "retries_s", "every_s", "waits_s", "basis"),
    [
        # The second argument is seconds: five questions, as Cisco's debug shows, or six.
        ("10 3", (3, 6, 9, 12), 3, (3.0,) * 5, None),
        ("10 3", (3, 6, 9, 12, 15), 3, (3.0,) * 6, None),
        # It is a number of questions.
        ("10 4", (2, 4, 6), 2, (2.0,) * 4, None),
        # It is neither.
        ("10 3", (2, 4, 6, 8), 2, (2.0,) * 5, PolicyBasis.OBSERVED),
    ],
)
def test_the_questions_up_to_a_verdict_settle_it(
    tmp_path: Path,
    command: str,
    retries_s: tuple[int, ...],
    every_s: int,
    waits_s: object,
    basis: object,
) -> None:
    line = f"crypto isakmp keepalive {command} periodic"
    policy = configured(together(tmp_path, config(line), log(*retries_s, every_s=every_s)).peer)
    assert policy.waits_s == waits_s
    assert policy.settled
    assert policy.retry_basis is basis
    assert policy.worst_case_s == 10 + sum(policy.waits_s)
    assert f"'{line}': " in policy.evidence
    assert "its questions" in policy.evidence
    assert RULE not in findings(tmp_path)


@pytest.mark.parametrize("retries_s", [(3, 6), (3,)])
def test_fewer_questions_of_the_same_spacing_settle_nothing(
    tmp_path: Path, retries_s: tuple[int, ...]
) -> None:
    line = "crypto isakmp keepalive 10 3 periodic"
    policy = configured(together(tmp_path, config(line), log(*retries_s, every_s=3)).peer)
    assert policy.waits_s == (3.0,) * 5
    assert not policy.settled
    assert RULE in findings(tmp_path)


def findings(folder: Path) -> set[str]:
    session = Session()
    session.run([str(folder / "0.txt"), str(folder / "1.txt")])
    return {finding.rule for finding in session.judgement().findings}


def test_a_log_without_an_own_address_has_that_of_its_configuration(tmp_path: Path) -> None:
    text = log(3, 6, 9, 12, every_s=3)
    assert together(tmp_path, text).peer.local == "local"
    peer = together(tmp_path, config("crypto isakmp keepalive 10 3 periodic"), text).peer
    assert (peer.local, peer.local_basis) == (A, LocalBasis.CONFIG)
    assert {x.prober for x in peer.exchanges} == {A}


def test_another_configuration_names_nobody(tmp_path: Path) -> None:
    text = log(3, 6, 9, 12, every_s=3)
    elsewhere = config("crypto isakmp keepalive 10 3 periodic", "203.0.113.9")
    assert together(tmp_path, elsewhere, text).peer.local == "local"
    # The configuration of the other end, and two of which either may be that of the log.
    other_end = site(B, A, dpd="crypto isakmp keepalive 10 3 periodic")
    assert together(tmp_path, other_end, text).peer.local != A
    second = site("192.0.2.9", B, dpd="crypto isakmp keepalive 10 3 periodic")
    assert together(tmp_path, config("no ip http server"), second, text).peer.local == "local"
