"""What happens to sources, on stderr."""

from __future__ import annotations

import pytest

from analyzers.session.live import LiveSession
from analyzers.sources.feed import SourceState
from dpdlab.cli.diagnostics import Diagnostics
from dpdlab.cli.live_news import SourceNews
from tests.given_source import GivenSource


def _said(capsys: pytest.CaptureFixture[str]) -> list[str]:
    return [line.partition(": ")[2] for line in capsys.readouterr().err.splitlines()]


def test_what_is_lost_is_told_while_that_happens(capsys: pytest.CaptureFixture[str]):
    source = GivenSource("syslog", "127.0.0.1:5514", remote=True)
    session = LiveSession([source])
    session.start()
    news = SourceNews(session, [source], Diagnostics())
    news.tell(100.0)
    assert _said(capsys) == []
    source.feed.lose("dropped by the kernel", dropped=3)
    news.tell(100.1)
    assert _said(capsys) == ["warning: 127.0.0.1:5514: 3 dropped by the kernel"]
    source.feed.lose("dropped by the kernel", dropped=1000)
    source.feed.lose("emptied in place")
    news.tell(101.0)
    # A flood is no flood of lines; another reason is told at once.
    assert _said(capsys) == ["warning: 127.0.0.1:5514: emptied in place"]
    news.tell(105.2)
    assert _said(capsys) == ["warning: 127.0.0.1:5514: 1,003 dropped by the kernel"]
    source.feed.lose("dropped by the kernel", dropped=1)
    news.tell(105.3, last=True)
    assert _said(capsys) == ["warning: 127.0.0.1:5514: 1,004 dropped by the kernel"]
    source.feed.lose("dropped: too many", dropped=2, sender="192.0.2.9")
    news.tell(105.4)
    assert _said(capsys) == ["warning: 127.0.0.1:5514: 192.0.2.9: 2 dropped: too many"]
    session.end(0)


def test_a_source_that_breaks_off_and_goes_on(capsys: pytest.CaptureFixture[str]):
    source = GivenSource("syslog", "127.0.0.1:5514", remote=True)
    session = LiveSession([source])
    session.start()
    news = SourceNews(session, [source], Diagnostics())
    for state, why in (
        (SourceState.OPEN, ""),
        (SourceState.WAITING, "gone"),
        (SourceState.WAITING, "gone"),
        (SourceState.OPEN, ""),
    ):
        source.feed.tell(state, why)
        news.tell(1.0)
    told = ["warning: 127.0.0.1:5514: gone", "127.0.0.1:5514: it goes on"]
    assert _said(capsys) == told
    session.end(0)
