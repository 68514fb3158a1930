"""Reads a large capture in a process of its own, so that decoding and tracking share two cores.

The child does what `CaptureReader` does and sends its batches through a pipe; it is never further
ahead than a small queue holds. Where there is no `fork`, or threads are running already, everything
stays in one process: the result is the same.
"""

from __future__ import annotations

import os
import pickle
import queue
import signal
import struct
import sys
import threading
from typing import Final

from analyzers.decode.captures import CaptureBatch, CaptureReader
from analyzers.errors import AnalyzerError, SourceError
from analyzers.model.records import Problem, SourceInfo

# Below this a second process costs more than it saves.
WORTHWHILE_BYTES: Final = 48 << 20
# A batch is some 150 kB: this is what the child may be ahead, and what it may take of memory.
_BATCHES_AHEAD: Final = 64
_PIPE_BYTES: Final = 1 << 20
_SET_PIPE_SIZE: Final = 1031
_LENGTH: Final = struct.Struct("<Q")


def can_read_ahead(size_bytes: int | None) -> bool:
    """Whether a second process is possible and worth it."""
    return (
        size_bytes is not None
        and size_bytes >= WORTHWHILE_BYTES
        and hasattr(os, "fork")
        and (os.cpu_count() or 1) > 1
        and threading.active_count() == 1
        and sys.platform != "darwin"
    )


class ReaderAhead:
    """The same face as `CaptureReader`; the reading happens in a child."""

    def __init__(self, reader: CaptureReader) -> None:
        self.info = reader.info
        self.position_bytes = 0
        self._done = False
        receive, send = os.pipe()
        _widen(send)
        sys.stdout.flush()
        sys.stderr.flush()
        self._child = os.fork()
        if self._child == 0:
            os.close(receive)
            _serve(reader, send)
        os.close(send)
        self._pipe = os.fdopen(receive, "rb", buffering=0)

    def read(self) -> CaptureBatch | None:
        """The next batch; None at the end. Raises SourceError as reading here would."""
        if self._done:
            return None
        header = self._receive(_LENGTH.size)
        (length,) = _LENGTH.unpack(header)
        message = pickle.loads(self._receive(length))
        if isinstance(message, AnalyzerError):
            self._done = True
            raise message
        batch, info, self.position_bytes = message
        self._take_over(info)
        if batch is None:
            self._done = True
        found: CaptureBatch | None = batch
        return found

    def note(self, problem: Problem) -> None:
        """Add a problem to the source's, folding repeats."""
        self.info.note(problem)

    def close(self) -> None:
        """End the child."""
        self._pipe.close()
        if self._child:
            child, self._child = self._child, 0
            if not self._done:
                os.kill(child, signal.SIGKILL)
            os.waitpid(child, 0)

    def _take_over(self, info: SourceInfo) -> None:
        """What the child counted; problems of decoding were added here."""
        own = self.info
        for name in ("format", "first_ns", "last_ns", "packets", "esp_packets", "protocols"):
            setattr(own, name, getattr(info, name))
        own.nat_keepalives, own.until_ns = info.nat_keepalives, info.until_ns
        own.gaps, own.addresses = info.gaps, info.addresses
        own.interfaces, own.clocks, own.leap = info.interfaces, info.clocks, info.leap
        for problem in info.problems:
            own.note(problem)

    def _receive(self, size: int) -> bytearray:
        data = bytearray(size)
        view = memoryview(data)
        filled = 0
        while filled < size:
            count = self._pipe.readinto(view[filled:])
            if not count:
                self._done = True
                raise SourceError(f"{self.info.path}: the reading process ended early")
            filled += count
        return data


def _serve(reader: CaptureReader, send: int) -> None:
    """The child: read to the end, send, and leave without running the parent's clean-up."""
    # An interrupt reaches the whole process group; the parent says what there is to say.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    try:
        messages: queue.Queue[bytes] = queue.Queue(_BATCHES_AHEAD)
        sender = threading.Thread(target=_send_all, args=(send, messages))
        sender.start()
        while True:
            try:
                batch = reader.read()
                message: object = (batch, reader.info, reader.position_bytes)
            except AnalyzerError as error:
                batch, message = None, error
            messages.put(pickle.dumps(message, protocol=5))
            # What was sent is not sent again.
            reader.info.problems.clear()
            if batch is None:
                break
        messages.put(b"")
        sender.join()
    finally:
        os._exit(0)


def _send_all(pipe: int, messages: queue.Queue[bytes]) -> None:
    """Write the messages until an empty one; leave at once if nobody reads any more."""
    try:
        while data := messages.get():
            for part in (_LENGTH.pack(len(data)), data):
                view = memoryview(part)
                while view:
                    view = view[os.write(pipe, view) :]
    except OSError:
        os._exit(0)


def _widen(pipe: int) -> None:
    """Let the pipe hold a whole batch, where the system allows it."""
    try:
        import fcntl

        fcntl.fcntl(pipe, _SET_PIPE_SIZE, _PIPE_BYTES)
    except (ImportError, OSError):
        return
