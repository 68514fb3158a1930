"""Names of devices and connections do not survive `--redact`, in any text of a report."""

from __future__ import annotations

from pathlib import Path

from analyzers.export.content import Content
from analyzers.export.names import Names, names_of
from analyzers.export.redact import redacted
from analyzers.session import Session, SessionOptions

CONFIGS = Path(__file__).parents[4] / "sample_pcaps" / "configs"


def test_names_of_configurations_reach_no_finding():
    session = Session(SessionOptions())
    session.run([str(CONFIGS)])
    judgement = session.judgement()
    content = Content("0", tuple(session.sources), session.peers(), findings=judgement.findings)
    told = redacted(content, paths=[str(CONFIGS)], names=names_of(session.configurations()))
    text = " ".join(f"{f.title} {f.detail} {f.remedy}" for f in told.findings)
    assert len(told.findings) == len(judgement.findings) > 5
    for name in ("HUB", "SPOKE", "BRANCHES", "UPLINK"):
        assert any(name in finding.detail for finding in judgement.findings), name
        assert name not in text
    assert "device-1" in text
    assert "the default" in text


def test_an_address_in_the_place_of_a_name_keeps_its_pseudonym():
    assert Names(["192.0.2.1"]).text("192.0.2.1 asks") == "192.0.2.1 asks"


def test_part_of_a_word_is_no_name():
    names = Names(["hub"], ["map A 10"])
    assert names.text("hub, map A 10; hubs, map A 100") == "device-1, connection-1; hubs, map A 100"
