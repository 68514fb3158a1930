"""Peers that nothing but outputs tells of, beside the configuration of their device."""

from __future__ import annotations

from pathlib import Path

import pytest

from analyzers.model.peer import LocalBasis, PeerView
from analyzers.model.policy import PolicyBasis, PolicyMode
from analyzers.rules.configuration.examples import site
from analyzers.session import Session
from tests.unit.snapshots import samples

CONFIG = site("192.0.2.1", "198.51.100.7", dpd="crypto isakmp keepalive 10 3 periodic")
OUTPUT = f"hub#show crypto isakmp sa detail\n{samples.ISAKMP_SA_DETAIL}"


def peers(folder: Path, *texts: str) -> dict[str, PeerView]:
    paths = []
    for number, text in enumerate(texts):
        path = folder / f"{number}.txt"
        path.write_text(text, encoding="utf-8")
        paths.append(str(path))
    session = Session()
    session.run(paths)
    return {peer.remote: peer for peer in session.peers()}


@pytest.mark.parametrize(
    "texts", [(CONFIG, OUTPUT), (f"hub#show running-config\n{CONFIG}end\n\n{OUTPUT}",)]
)
def test_what_is_configured_is_a_policy(tmp_path: Path, texts: tuple[str, ...]) -> None:
    peer = peers(tmp_path, *texts)["198.51.100.7"]
    (policy,) = peer.policies
    assert (policy.holder, policy.basis) == ("192.0.2.1", PolicyBasis.CONFIG)
    assert (policy.mode, policy.interval_s, policy.retry_s) == (PolicyMode.PERIODIC, 10, 3)
    assert policy.ref is not None
    assert "keepalive 10 3" in texts[0].splitlines()[policy.ref.record - 1]
    assert (peer.local, peer.local_basis) == ("192.0.2.1", LocalBasis.CONFIG)


def test_other_peers_have_none_of_it(tmp_path: Path) -> None:
    config = CONFIG.replace("198.51.100.7", "203.0.113.250").replace("192.0.2.1", "203.0.113.251")
    peer = peers(tmp_path, config, OUTPUT)["198.51.100.7"]
    assert peer.policies == ()
    assert peer.local_basis is LocalBasis.LOG
