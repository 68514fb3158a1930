"""What holds for all tests."""

from __future__ import annotations

import signal

from hypothesis import settings

# How long something takes is for the benchmarks: a busy machine fails no test.
settings.register_profile("dpdlab", deadline=None)
settings.load_profile("dpdlab")

# A shell's background jobs ignore interrupts, and so would every process that a test interrupts.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)
