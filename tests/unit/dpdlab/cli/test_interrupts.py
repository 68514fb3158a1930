from __future__ import annotations

import gc
import sys

import pytest

from dpdlab.cli import interrupts


class Finalised:
    """Raises where Python cannot pass it on."""

    def __init__(self, failure: BaseException) -> None:
        self.failure = failure

    def __del__(self) -> None:
        raise self.failure


def lose(failure: BaseException) -> None:
    Finalised(failure)
    gc.collect()


def test_a_lost_interrupt_is_raised_when_somebody_asks(capsys):
    usual = sys.unraisablehook
    with interrupts.kept():
        lose(KeyboardInterrupt())
        with pytest.raises(KeyboardInterrupt):
            interrupts.check()
    assert sys.unraisablehook is usual
    assert capsys.readouterr().err == ""


def test_a_lost_interrupt_is_raised_at_the_end():
    with pytest.raises(KeyboardInterrupt), interrupts.kept():
        lose(KeyboardInterrupt())  # the only statement: leaving raises


def test_other_failures_go_where_they_went(monkeypatch):
    seen = []
    monkeypatch.setattr(sys, "unraisablehook", lambda unraisable: seen.append(unraisable.exc_type))
    with interrupts.kept():
        lose(ZeroDivisionError())
    assert seen == [ZeroDivisionError]


def test_nothing_lost_is_nothing_raised():
    with interrupts.kept():
        interrupts.check()
