"""What holds for all tests."""

from __future__ import annotations

import signal

# A shell's background jobs ignore interrupts, and so would every process that a test interrupts.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)
