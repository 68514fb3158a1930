"""What public Cisco IOS logs say beyond the counts of `test_public_logs`: times, SPIs, reasons."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from analyzers.model.exchange import DeleteProtocol
from analyzers.model.log_events import LogEvent, LogEventKind
from analyzers.model.observations import MessageKind
from tests.log_text import NS_PER_DAY, decoder

PUBLIC = Path(os.environ.get("DPDLAB_PUBLIC_LOGS", Path(__file__).parents[3] / "shared" / "logs"))
pytestmark = pytest.mark.skipif(not PUBLIC.is_dir(), reason=f"no public logs in {PUBLIC}")


def read(number: str) -> list[LogEvent]:
    path = next(PUBLIC.glob(f"{number}-*.log"))
    with path.open(encoding="utf-8", errors="replace", newline="") as text:
        return decoder(text.read())[1]


@pytest.mark.parametrize("number", ["01", "02"])
def test_the_transcripts_of_the_guide(number: str):
    events = read(number)
    probes = [e.at_ns for e in events if e.message is MessageKind.R_U_THERE and e.at_ns]
    gaps_ms = [(b - a) // 1_000_000 for a, b in zip(probes[-4:], probes[-3:], strict=False)]
    (dead,) = [e for e in events if e.kind is LogEventKind.PEER_DEAD]
    assert all(2008 <= gap <= 2016 for gap in gaps_ms), gaps_ms
    assert dead.at_ns is not None
    assert dead.at_ns % NS_PER_DAY // 1_000_000 == ((15 * 60 + 47) * 60 + 45) * 1000 + 391
    assert [e.reason for e in events if e.kind is LogEventKind.IKE_SA_DOWN] == ["peers alive"]


def test_the_first_lost_probe_and_the_verdict():
    events = read("02")
    (first,) = [
        e
        for e in events
        if e.message_id == -90798077 & 0xFFFFFFFF and e.message is MessageKind.R_U_THERE
    ]
    (dead,) = [e for e in events if e.kind is LogEventKind.PEER_DEAD]
    assert first.at_ns is not None
    assert dead.at_ns is not None
    assert (dead.at_ns - first.at_ns) // 1_000_000 == 10_048


def test_spis_are_the_identity_of_ikev2_sas():
    down = [e for e in read("07") if e.kind is LogEventKind.IKE_SA_DOWN]
    assert [e.initiator_spi for e in down] == [None, "1d418169b24bf95a", "161b5964ad200fb7"]
    assert len({e.handle for e in down}) == 3


def test_deletes_of_the_event_trace():
    deletes = [
        (e.sent, e.protocol, e.spis, e.initiator_spi)
        for e in read("08")
        if e.message is MessageKind.DELETE and not e.response
    ]
    assert deletes == [
        (True, DeleteProtocol.ESP, ("28dc063c",), None),
        (True, DeleteProtocol.IKE, (), "52c79670608a3068"),
        (False, DeleteProtocol.ESP, ("335da6c6",), None),
        (False, DeleteProtocol.IKE, (), "d4821bb75e54ae19"),
    ]


def test_the_peer_still_uses_an_sa_that_is_gone():
    (invalid,) = [e for e in read("04") if e.kind is LogEventKind.INVALID_SPI]
    assert (invalid.spis, invalid.local, invalid.remote) == (
        ("3ea71aed",),
        "61.128.1.1",
        "103.1.1.1",
    )
