"""Live capture through tshark's dissection, by pyshark: `live --engine pyshark`.

dumpcap captures, tshark dissects, pyshark reads tshark's EK lines with the bytes of each frame, and
those go on as pcap. pyshark needs an event loop of its own: all of it happens in the thread of
the source. pyshark is imported only there.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import re
import shutil
import struct
import subprocess
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING, Any, Final

from analyzers.errors import SourceError
from analyzers.sources.again import LOOK_EVERY_S, capture_again, look
from analyzers.sources.cancelling import Cancelling
from analyzers.sources.dumpcap import complaint, tied_to_us
from analyzers.sources.feed import Feed, Reading, SourceState

if TYPE_CHECKING:
    from collections.abc import Callable

_END_S: Final = 0.4
_LOOK_S: Final = 0.05
_MOST_SAID: Final = 4000
_LONGEST_LINE: Final = 16 << 20
"""Of tshark's output, one frame a line: beyond this nobody reads on."""
_NS: Final = 1_000_000_000
_MOST_LENGTH: Final = (1 << 32) - 1
_MOST_NS: Final = _NS << 32
_MOST_BYTES: Final = 262_144
_PCAP_NS: Final = 0xA1B2_3C4D
_ISO: Final = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d")
# Wireshark's numbers of link layers (wiretap/wtap.h) and those of captures.
_LINK_TYPES: Final = {1: 1, 4: 9, 7: 101, 15: 0, 25: 113, 129: 228, 130: 229, 210: 276}
# What each of the two programs says once it is ready.
_READY: Final = ("Capturing on", "File:")


class TsharkSource:
    """One interface, dissected by tshark from the start."""

    kind = "capture"
    # A frame comes when tshark is done with it: time goes by the frames, not by our clock.
    remote = True

    def __init__(self, interface: str, capture_filter: str) -> None:
        """Raises SourceError where dumpcap or tshark is missing."""
        for tool in ("tshark", "dumpcap"):
            if shutil.which(tool) is None:
                raise SourceError(f"{tool} is not installed", "sudo apt install tshark")
        self.name = interface
        self.feed = Feed()
        self._filter = capture_filter
        self._reading = Reading(self.feed, self._run, f"tshark-{interface}")
        self._cancelling = Cancelling()
        self._said = b""
        self._ready = False
        """The children of now capture: what they say afterwards is no news of that."""
        self.processes: tuple[int, ...] = ()
        """Process ids of the children, while there are some."""

    def start(self) -> None:
        """Begin to capture, in a thread of its own."""
        self._reading.start()

    def stop(self) -> None:
        """Ask it to stop; returns at once."""
        self.feed.stopping.set()
        self._cancelling.cancel()

    def close(self, timeout_s: float) -> None:
        """Wait until it has stopped."""
        self.stop()
        self._reading.close(timeout_s)

    # --- the thread ------------------------------------------------------------------------

    def _run(self) -> None:
        capture_again(self.feed, self.name, self._one_capture)

    def _one_capture(self) -> str:
        """Capture until it ends, or somebody ends it; why it ended."""
        self._said, self._ready = b"", False
        reason = self._captured_with_pyshark()
        return complaint(self._said) or reason or "tshark ended"

    def _captured_with_pyshark(self) -> str:
        import pyshark.capture.capture as pyshark_capture

        with asyncio.Runner() as runner:
            loop = runner.get_loop()
            try:
                return str(runner.run(self._captured(loop)))
            except asyncio.CancelledError:
                return ""
            except pyshark_capture.TSharkCrashException:
                return "tshark crashed"
            except (OSError, ValueError, KeyError, AttributeError, TypeError) as error:
                # What tshark writes is read by pyshark, with whatever it makes of it.
                return f"what tshark says cannot be read: {error!r}"
            finally:
                self._cancelling.disarm()

    async def _captured(self, loop: asyncio.AbstractEventLoop) -> str:
        self._cancelling.arm()
        if self.feed.stopping.is_set():
            return ""
        capture = _capture_class()(self.name, self._filter, loop)
        capture.told = self._listen
        try:
            process = await capture._get_tshark_process()
            self.processes = tuple(each.pid for each in capture._running_processes)
            reading = asyncio.ensure_future(self._read(capture, process.stdout))
            dying = asyncio.ensure_future(_death(process))
            looking = asyncio.ensure_future(self._look_out())
            try:
                # A child of tshark's own holds its output open: no end of it tells of its death.
                await asyncio.wait({reading, dying}, return_when=asyncio.FIRST_COMPLETED)
                await asyncio.wait({reading}, timeout=_END_S)
                return reading.result() if reading.done() else ""
            finally:
                for each in (reading, dying, looking):
                    each.cancel()
                await asyncio.gather(reading, dying, looking, return_exceptions=True)
        finally:
            self.processes = ()
            await _ended(capture)

    async def _read(self, capture: Any, output: Any) -> str:
        """Hand all frames on; why there are no more."""
        parser = capture._setup_tshark_output_parser()
        frames = _Frames()
        rest, first = b"", False
        while True:
            try:
                packet, rest = await parser.get_packets_from_stream(output, rest, first)
            except EOFError:
                return ""
            if packet is None:
                if len(rest) > _LONGEST_LINE:
                    return "tshark wrote a line without an end"
                continue
            first = True
            if not self.feed.put(frames.written(packet)):
                return ""

    async def _look_out(self) -> None:
        while True:
            await asyncio.sleep(LOOK_EVERY_S)
            if self._ready:
                look(self.feed, self.name)

    def _listen(self, line: bytes) -> None:
        """What dumpcap or tshark said; both are ready once both said so."""
        self._said = (self._said + line)[-_MOST_SAID:]
        text = self._said.decode("utf-8", "replace")
        if not self._ready and text.count(_READY[0]) >= 2 and _READY[1] in text:
            self._ready = True
            self.feed.tell(SourceState.OPEN)


class _Frames:
    """Writes what pyshark gives as a pcap stream with nanoseconds."""

    def __init__(self) -> None:
        self._link_type: int | None = None

    def written(self, packet: Any) -> bytes:
        """A record, after the header of the stream. Raises ValueError for what cannot be one."""
        info: dict[str, object] = packet.frame_info._fields_dict
        encapsulation = int(str(info["frame_frame_encap_type"]))
        link_type = _LINK_TYPES.get(encapsulation)
        if link_type is None:
            raise ValueError(f"link layer {encapsulation} of Wireshark is not known")
        made = b""
        if self._link_type is None:
            self._link_type = link_type
            made = struct.pack("<IHHiIII", _PCAP_NS, 2, 4, 0, 0, _MOST_BYTES, link_type)
        elif self._link_type != link_type:
            raise ValueError("an interface has one link layer")
        data = _bytes_of(packet)
        at_s, rest_ns = divmod(_nanoseconds(str(packet.sniff_timestamp)), _NS)
        length = min(max(int(packet.length), len(data)), _MOST_LENGTH)
        return made + struct.pack("<IIII", at_s, rest_ns, len(data), length) + data


def _bytes_of(packet: Any) -> bytes:
    for layer in packet.layers:
        if layer.layer_name == "frame_raw":
            raw = layer._fields_dict
            # A list where several data sources have the name: the frame is the first.
            data = bytes.fromhex(str(raw[0] if isinstance(raw, list) else raw))
            if len(data) > _MOST_BYTES:
                break
            return data
    raise ValueError("a packet without its bytes")


def _nanoseconds(text: str) -> int:
    """Of seconds since the epoch, or as newer versions write: ISO 8601, UTC, nine digits."""
    fraction = 0
    if _ISO.match(text):
        from datetime import UTC, datetime

        moment, _, digits = text.rstrip("Z").partition(".")
        parsed = datetime.fromisoformat(moment).replace(tzinfo=UTC)
        text, fraction = str(int(parsed.timestamp())), int(digits[:9].ljust(9, "0"))
    try:
        at_ns = int(Decimal(text) * _NS) + fraction
    except InvalidOperation as error:
        raise ValueError(f"{text[:40]!r} is no time") from error
    if not 0 <= at_ns < _MOST_NS:
        raise ValueError("a time that is none")
    return at_ns


def _capture_class() -> Any:
    """pyshark's LiveCapture, without what it leaves behind.

    The original keeps both ends of the pipe between dumpcap and tshark open in this process: tshark
    would never see that dumpcap has died.
    """
    import pyshark
    from pyshark.capture.capture import Capture
    from pyshark.tshark.output_parser.tshark_ek import TsharkEkJsonParser
    from pyshark.tshark.tshark import get_process_path

    class LiveCapture(pyshark.LiveCapture):  # type: ignore[misc]
        told: Callable[[bytes], None]

        def __init__(self, interface: str, capture_filter: str, loop: Any) -> None:
            # Without asking tshark for all interfaces, twice: dumpcap says what it cannot have.
            Capture.__init__(self, use_ek=True, include_raw=True, eventloop=loop)
            self.interfaces = [interface]
            self.bpf_filter = capture_filter
            self.monitor_mode = False

        def _verify_capture_parameters(self) -> None:
            pass

        async def _get_tshark_process(self, packet_count: Any = None, stdin: Any = None) -> Any:
            read, write = os.pipe()
            try:
                dumpcap = await asyncio.create_subprocess_exec(
                    *tied_to_us(),
                    get_process_path(process_name="dumpcap", tshark_path=self.tshark_path),
                    *self._get_dumpcap_parameters(),
                    stdin=subprocess.DEVNULL,
                    stdout=write,
                    stderr=subprocess.PIPE,
                    start_new_session=True,
                )
                self._create_stderr_handling_task(dumpcap.stderr)
                self._running_processes.add(dumpcap)
                return await Capture._get_tshark_process(self, stdin=read)
            finally:
                os.close(read)
                os.close(write)

        def _setup_tshark_output_parser(self) -> Any:
            # Without the mapping of all fields, which takes seconds to make: bytes have no type.
            return TsharkEkJsonParser()

        async def _handle_process_stderr_forever(self, stderr: Any) -> None:
            while line := await stderr.read(_MOST_SAID):
                self.told(line)

    return LiveCapture


async def _ended(capture: Any) -> None:
    """Leave no process of a capture, and no descriptor."""
    processes = list(capture._running_processes)
    capture._running_processes.clear()
    for process in processes:
        with contextlib.suppress(ProcessLookupError):
            process.terminate()
    for process in processes:
        try:
            await asyncio.wait_for(_death(process), _END_S)
        except TimeoutError:
            with contextlib.suppress(ProcessLookupError):
                process.kill()
            await _death(process)
        process._transport.close()
    for task in capture._stderr_handling_tasks:
        task.cancel()
    await asyncio.gather(*capture._stderr_handling_tasks, return_exceptions=True)


async def _death(process: asyncio.subprocess.Process) -> None:
    """Wait for the end of a process alone; `wait` waits for the end of its output, too."""
    while process.returncode is None:
        await asyncio.sleep(_LOOK_S)
