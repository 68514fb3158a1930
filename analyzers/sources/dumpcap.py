"""Live capture: a dumpcap or tcpdump child, whose output is piped in.

Only the child needs the right to capture. One that dies is started again; what it says on stderr is
told, and its count of what the kernel dropped is kept.
"""

from __future__ import annotations

import contextlib
import os
import re
import select
import shutil
import signal
import subprocess
from collections.abc import Sequence
from pathlib import Path
from time import monotonic, sleep
from typing import IO, Final

from analyzers.errors import SourceError
from analyzers.sources.again import LOOK_EVERY_S, capture_again, look
from analyzers.sources.feed import Feed, Reading, SourceState

TOOLS: Final = ("dumpcap", "tcpdump")
"""In the order in which they are tried."""
_SBIN: Final = os.pathsep.join(("/usr/sbin", "/sbin", "/usr/local/sbin"))
_PIECE_BYTES: Final = 1 << 18
_PIPE_BYTES: Final = 1 << 20
_SET_PIPE_SIZE: Final = 1031
_POLL_MS: Final = 200
_BUFFER_MIB: Final = 16
"""Of the kernel: what it holds while nobody reads."""
# Where nothing is held up, every packet takes the room of the longest one: this is a tenth of a
# second of 20,000 packets each.
_IMMEDIATE_BUFFER_MIB: Final = 128
_MEMORY_SHARE: Final = 32
_IMMEDIATE_NICENESS: Final = -10
_LULL_S: Final = 0.005
"""What comes closer together than this is read together."""
_END_S: Final = 0.4
_COUNT_EVERY_S: Final = 2.0
_DROPPED: Final = "dropped by the kernel: no room in its buffer"
_MOST_SAID: Final = 4000
_ETHERNET_TYPES: Final = frozenset({"1", "772"})
_DUMPCAP_DROPS: Final = re.compile(
    r"received/dropped on interface .{1,200}?: (\d{1,18})/(\d{1,18})"
)
_TCPDUMP_DROPS: Final = re.compile(r"(\d{1,18}) packets? dropped by (kernel|interface)")
_LISTENS: Final = "listening on"
_NARRATION: Final = (
    "Capturing on", "File:", "Packets captured", "Packets received", "tcpdump: listening",
    "dropped privs", "packets captured", "packet captured", "received by filter",
    "dropped by kernel", "dropped by interface", "tcpdump: verbose", "data link type",
    "Running as user", "[Main MESSAGE]", "[Capture MESSAGE]",
)  # fmt: skip


def find_tool(names: Sequence[str] = TOOLS) -> str | None:
    """The path of what captures here, the first of these that there is; None where nothing does."""
    for name in names:
        path = shutil.which(name) or shutil.which(name, path=_SBIN)
        if path is not None:
            return path
    return None


def has_vlans(interface: str) -> bool:
    """Whether frames of an interface may have VLAN tags, as far as the kernel tells."""
    if "/" in interface:
        return False
    try:
        kind = Path("/sys/class/net", interface, "type").read_text(encoding="ascii")
    except (OSError, ValueError):
        return False
    return kind.strip() in _ETHERNET_TYPES


class CaptureSource:
    """One capturing child on one interface: where that goes away, other ones are not disturbed."""

    kind = "capture"
    remote = False

    def __init__(
        self, interface: str, capture_filter: str, tool: str | None = None, *, beside: int = 0
    ) -> None:
        """`beside` so many others on this machine. Raises SourceError if nothing can capture."""
        found = tool or find_tool()
        if found is None:
            raise SourceError(
                "neither dumpcap nor tcpdump is installed", "sudo apt install wireshark-common"
            )
        self.name = interface
        self.tool = Path(found).name
        self.feed = Feed()
        self._command = [*tied_to_us(), *_command(found, interface, capture_filter, 1 + beside)]
        self._reading = Reading(self.feed, self._run, f"capture-{self.name}")
        self._child: subprocess.Popen[bytes] | None = None
        self._said = b""
        self._counts = False
        """Whether the child tells its counters when it is asked: a tcpdump that does not listen yet
        would end."""
        self._drops_before = 0
        """Of children that have ended."""
        self._drops_now = 0

    @property
    def process(self) -> int | None:
        """The process id of the child, while there is one."""
        child = self._child
        return None if child is None else child.pid

    def start(self) -> None:
        """Begin to capture, in a thread of its own."""
        self._reading.start()

    def stop(self) -> None:
        """Ask it to stop; returns at once."""
        self.feed.stopping.set()
        child = self._child
        if child is not None:
            with contextlib.suppress(OSError):
                child.terminate()

    def close(self, timeout_s: float) -> None:
        """Wait until it has stopped."""
        self.stop()
        self._reading.close(timeout_s)

    # --- the thread ------------------------------------------------------------------------

    def _run(self) -> None:
        capture_again(self.feed, self.name, self._one_child)

    def _one_child(self) -> str:
        """Run one child to its end; why that came. Raises SourceError."""
        self._said, self._drops_now, self._counts = b"", 0, False
        try:
            child = subprocess.Popen(
                self._command,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                bufsize=0,
                # Ctrl+C reaches the whole process group: ending is for us to ask.
                start_new_session=True,
            )
        except OSError as error:
            raise SourceError(f"{self.tool}: {error.strerror or error}") from error
        self._child = child
        if self.feed.stopping.is_set():
            child.terminate()
        try:
            self._pump(child)
        finally:
            self._end(child)
            self._drops_before += self._drops_now
        return complaint(self._said) or f"{self.tool} ended"

    def _pump(self, child: subprocess.Popen[bytes]) -> None:
        """Take what the child says until it has nothing more to say."""
        if child.stdout is None or child.stderr is None:
            return
        out, err = child.stdout, child.stderr
        _widen(out)
        poll = select.poll()
        for stream in (out, err):
            os.set_blocking(stream.fileno(), False)
            poll.register(stream, select.POLLIN)
        open_streams = {out.fileno(): out, err.fileno(): err}
        got_any, count_due_s, read_s = False, monotonic() + _COUNT_EVERY_S, 0.0
        deadline_s: float | None = None
        look_due_s = monotonic()
        while open_streams:
            if self.feed.stopping.is_set():
                deadline_s = deadline_s or monotonic() + _END_S
                if monotonic() >= deadline_s:
                    break
            for handle, _ in poll.poll(_POLL_MS if deadline_s is None else 20):
                data = _read(open_streams[handle])
                if data is None:
                    continue
                if not data:
                    poll.unregister(handle)
                    del open_streams[handle]
                elif handle == err.fileno():
                    self._listen(data)
                else:
                    if not got_any:
                        self.feed.tell(SourceState.OPEN)
                    elif self.feed.status.state is SourceState.DOWN:
                        # What comes may be of an interface that is up again.
                        look(self.feed, self.name)
                    got_any = True
                    if not self.feed.put(data):
                        break
                    if len(data) < _PIECE_BYTES:
                        # tcpdump writes every packet by itself; the first after a rest is not held.
                        sleep(max(0.0, read_s + _LULL_S - monotonic()))
                    read_s = monotonic()
            if got_any and monotonic() >= look_due_s and deadline_s is None:
                look_due_s = monotonic() + LOOK_EVERY_S
                look(self.feed, self.name)
            if self._counts and monotonic() >= count_due_s and deadline_s is None:
                # It answers with its counters; dumpcap tells them at its end only.
                count_due_s = monotonic() + _COUNT_EVERY_S
                with contextlib.suppress(OSError):
                    child.send_signal(signal.SIGUSR1)

    def _end(self, child: subprocess.Popen[bytes]) -> None:
        """Leave neither process nor descriptor."""
        try:
            child.terminate()
            child.wait(_END_S)
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait()
        finally:
            for stream in (child.stdout, child.stderr):
                if stream is not None:
                    stream.close()
            self._child = None

    # --- stderr ----------------------------------------------------------------------------

    def _listen(self, data: bytes) -> None:
        self._said = (self._said + data)[-_MOST_SAID:]
        text = self._said.decode("utf-8", "replace")
        drops = self._drops_now
        if self.tool == "tcpdump":
            self._counts = self._counts or _LISTENS in text
            by: dict[str, int] = {}
            for found in _TCPDUMP_DROPS.finditer(text):
                by[found[2]] = int(found[1])  # counters: the last ones count
            drops = max(drops, sum(by.values()))
        else:
            drops = max(drops, sum(int(found[2]) for found in _DUMPCAP_DROPS.finditer(text)))
        if drops > self._drops_now:
            self.feed.lose(_DROPPED, dropped=drops - self._drops_now)
            self._drops_now = drops


def complaint(said: bytes) -> str:
    """What a child said beside its usual narration, on one line."""
    lines = said.decode("utf-8", "replace").splitlines()
    telling = [
        line.strip()
        for line in lines
        if not _is_cut_off(line.split()) and not any(usual in line for usual in _NARRATION)
    ]
    return " ".join(telling)


def _is_cut_off(said: Sequence[str]) -> bool:
    """Whether a line says nothing: a child that is killed may leave no more than its name."""
    return not said or (len(said) == 1 and said[0].endswith(":"))


def tied_to_us() -> list[str]:
    """What ends the child when we are killed: else it would go on until its next packet.

    A dumpcap with rights of its own is beyond its reach.
    """
    path = shutil.which("setpriv")
    return [] if path is None else [path, "--pdeathsig", "TERM", "--"]


def _command(tool: str, interface: str, chosen: str, captures: int) -> list[str]:
    if Path(tool).name == "tcpdump":
        return _tcpdump_command(tool, interface, chosen, captures)
    command = [tool, "-q", "-w", "-", "-i", interface, "-B", str(_BUFFER_MIB)]
    return [*command, "-f", chosen] if chosen else command


def _tcpdump_command(tool: str, interface: str, chosen: str, captures: int) -> list[str]:
    command = [
        tool, "-i", interface, "-n", "-U", "--immediate-mode", "-s", "65535",
        "-B", str(_immediate_buffer_kib(captures)),
    ]  # fmt: skip
    if hasattr(os, "geteuid") and os.geteuid() == 0:
        # Its buffer is short, and it works little: it goes before what computes.
        nice = shutil.which("nice")
        command = [*([nice, "-n", str(_IMMEDIATE_NICENESS)] if nice else []), *command]
        # Who becomes somebody else is untied from us.
        command += ["-Z", "root"]
    return [*command, "-w", "-", "--", chosen]


def _immediate_buffer_kib(captures: int) -> int:
    try:
        memory_kib = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") >> 10
    except (AttributeError, OSError, ValueError):
        return _IMMEDIATE_BUFFER_MIB << 10
    return min(_IMMEDIATE_BUFFER_MIB << 10, memory_kib // (_MEMORY_SHARE * captures))


def _read(stream: IO[bytes]) -> bytes | None:
    """What there is; empty at the end, None where there is nothing now."""
    try:
        return os.read(stream.fileno(), _PIECE_BYTES)
    except BlockingIOError:
        return None
    except OSError:
        return b""


def _widen(stream: IO[bytes]) -> None:
    """Let the pipe hold more, where the system allows it."""
    with contextlib.suppress(ImportError, OSError):
        import fcntl

        fcntl.fcntl(stream.fileno(), _SET_PIPE_SIZE, _PIPE_BYTES)
