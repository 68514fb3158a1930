"""Drawings that are finer than what was counted show ESP where it was."""

from __future__ import annotations

from pathlib import Path

import pytest

from analyzers.export.content import Content
from analyzers.export.html.document import chunks
from analyzers.export.html.peer import closer
from analyzers.session import Session
from dpdlab.cli import main
from dpdlab.present import exact_drawings
from dpdlab.present.exact_drawings import with_exact_esp
from tests.scenarios.timeline import at, capture

# A short outage in a long capture, which is counted in slices of seconds.
STORY = """
0 a>b v2 handshake
1..1200/0.5 a>b esp out1
1.01..600/0.5 b>a esp in1
606.01..1200/0.5 b>a esp in1
601 a>b liveness 2
603 a>b liveness 2
606 a>b liveness 2
606.005 b>a liveness 2 resp
"""


@pytest.fixture(scope="module")
def session(tmp_path_factory: pytest.TempPathFactory) -> Session:
    path = tmp_path_factory.mktemp("drawn") / "0.pcap"
    path.write_bytes(capture(STORY))
    session = Session()
    session.run([str(path)])
    return session


def content_of(session: Session) -> Content:
    return Content("0.1.0", tuple(session.sources), session.peers())


def exact(session: Session) -> Content:
    content = content_of(session)
    return with_exact_esp(
        content, content.peers, closer, session.captures(), session.packets_within
    )


def test_what_is_drawn_closer_is_read_again(session: Session) -> None:
    content = exact(session)
    ((times,),) = content.esp.values()
    (peer,) = content.peers
    (window,) = closer(peer)
    assert times.cover(window)
    half_s = range(2, 2400)
    sent = [at(n / 2) for n in half_s if window.start_ns <= at(n / 2) <= window.end_ns]
    assert times.out_ns.tolist() == sent
    assert not any(at(600) < ns < at(606) for ns in times.back_ns.tolist())
    assert "ESP is known per" in "".join(chunks(content_of(session)))
    assert "ESP is known per" not in "".join(chunks(content))


def test_a_drawing_of_more_than_is_kept_stays_as_it_was_counted(
    session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(exact_drawings, "MOST_PACKETS", 3)
    assert exact(session).esp == {}


def test_the_report_of_the_command_line_has_them(session: Session, tmp_path: Path) -> None:
    (capture_again,) = session.captures()
    page = tmp_path / "page.html"
    main(["report", capture_again.spec.path, "--format", "html", "--redact", "-o", str(page), "-q"])
    assert "Closer: " in page.read_text()
    assert "ESP is known per" not in page.read_text()
