"""Which product is at which end: by the logs beside a capture, and by several logs."""

from __future__ import annotations

from pathlib import Path

import pytest

from analyzers.session import Session

DEAD = Path(__file__).parents[4] / "sample_pcaps" / "ikev1-dead-peer"


@pytest.mark.parametrize(
    ("logs", "here", "there"),
    [
        (["charon-a.log"], "strongswan", None),
        (["charon-b.log"], None, "strongswan"),
        (["charon-a.log", "charon-b.log"], "strongswan", "strongswan"),
    ],
)
@pytest.mark.parametrize("capture", [[], ["capture.pcap"]])
def test_a_log_tells_of_the_end_that_wrote_it(
    capture: list[str], logs: list[str], here: str | None, there: str | None
):
    session = Session()
    session.run([str(DEAD / name) for name in (*capture, *logs)])
    (peer,) = session.peers()
    assert session.vendor_at(peer, "192.0.2.1") == here
    assert session.vendor_at(peer, "192.0.2.2") == there
