from __future__ import annotations

import sys

import pytest

from dpdlab.cli.diagnostics import Diagnostics, ExitCode


def test_the_exit_codes_are_those_of_the_contract():
    assert [int(code) for code in ExitCode] == [0, 1, 2, 3, 4, 5, 70, 130]


def test_an_error_is_one_line_with_a_hint(capsys):
    Diagnostics().error("no such\nfile \x1b[31m", "look\u202e")
    captured = capsys.readouterr()
    assert captured.err == "dpdlab: error: no such\\x0afile \\x1b[31m (look\\u202e)\n"
    assert captured.out == ""


def test_quiet_keeps_errors(capsys):
    quiet = Diagnostics(quiet=True)
    quiet.note("n")
    quiet.warning("w")
    assert capsys.readouterr().err == ""
    quiet.error("e")
    assert capsys.readouterr().err == "dpdlab: error: e\n"


def test_stdout_comes_first(monkeypatch):
    order: list[str] = []

    class Stream:
        def __init__(self, name: str) -> None:
            self.name = name

        def write(self, _text: str) -> None:
            order.append(f"write {self.name}")

        def flush(self) -> None:
            order.append(f"flush {self.name}")

    monkeypatch.setattr(sys, "stdout", Stream("stdout"))
    monkeypatch.setattr(sys, "stderr", Stream("stderr"))
    Diagnostics().note("x")
    assert order == ["flush stdout", "write stderr", "flush stderr"]


@pytest.mark.parametrize("broken", [BrokenPipeError(), ValueError("closed"), None])
def test_a_lost_stderr_changes_nothing(monkeypatch, broken):
    class Lost:
        def write(self, _text: str) -> None:
            assert broken is not None
            raise broken

        def flush(self) -> None: ...

    monkeypatch.setattr(sys, "stderr", None if broken is None else Lost())
    Diagnostics().error("x")
