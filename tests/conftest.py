"""What holds for all tests."""

from __future__ import annotations

import gc
import signal

from hypothesis import settings

# How long something takes is for the benchmarks: a busy machine fails no test.
settings.register_profile("dpdlab", deadline=None)
settings.load_profile("dpdlab")

_COLLECTION = gc.get_threshold()


def pytest_runtest_teardown() -> None:
    """A command sets it for its process, and here one process runs many."""
    gc.set_threshold(*_COLLECTION)


# A shell's background jobs ignore interrupts, and so would every process that a test interrupts.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)
