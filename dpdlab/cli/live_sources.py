"""The sources and the files of a live session, from its command line."""

from __future__ import annotations

import argparse
import contextlib
import os
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final

from analyzers.errors import AnalyzerError, SourceError
from analyzers.session.live_store import CaptureStore
from analyzers.sources.capture_filter import capture_filter
from analyzers.sources.device import DeviceSource
from analyzers.sources.dumpcap import CaptureSource, find_tool, has_vlans
from analyzers.sources.feed import LiveSource
from analyzers.sources.follow import FollowedFile
from analyzers.sources.interfaces import exists
from analyzers.sources.pipe import PipeSource, is_named, is_pipe
from analyzers.sources.ring_files import RingFiles
from analyzers.sources.ssh_login import Device
from analyzers.sources.syslog import SyslogListener
from analyzers.sources.tshark_live import TsharkSource
from dpdlab import __version__
from dpdlab.cli.diagnostics import PROGRAM, CommandError, Diagnostics, ExitCode, UsageError
from dpdlab.cli.environment import may_run_tcpdump
from dpdlab.cli.interfaces_command import may_capture

if TYPE_CHECKING:
    from analyzers.model.configuration import Configuration
    from analyzers.session.live_log_store import LogStore

# What is kept in the cache, unless the user says where: of one session, and of all of them.
_AUTOSAVE_BYTES: Final = 64_000_000
_AUTOSAVE_FILES: Final = 4
_KEPT_FILES: Final = 32
_KEPT_LOGS: Final = 64
_MOST_CONFIG: Final = 16 << 20


def live_sources(options: argparse.Namespace) -> list[LiveSource]:
    """What the session reads.

    Raises:
        CommandError: something is not there, or there is no right to read it.
    """
    names, logs = options.interface, options.log
    piped = [name for name in names if is_pipe(name)]
    interfaces = _interfaces(options)
    for path in logs:
        if Path(path).is_dir():
            raise CommandError(
                ExitCode.INPUT,
                f"{path} is a directory",
                "name the file that grows; it is followed by name, through rotation",
            )
    sources: list[LiveSource] = []
    if interfaces:
        sources += _captures(interfaces, options)
    sources += [_pipe(name, "capture") for name in dict.fromkeys(piped)]
    for path in dict.fromkeys(logs):
        sources.append(_pipe(path, "log") if is_pipe(path) else FollowedFile(path))
    sources += [SyslogListener(where.host, where.port) for where in options.syslog]
    sources += [DeviceSource(Device(*login)) for login in dict.fromkeys(options.device)]
    return sources


def _pipe(path: str, kind: str) -> PipeSource:
    """A FIFO outlives who writes into it."""
    return PipeSource(path, kind, again=is_named(path))


def tell_filter(options: argparse.Namespace, diagnostics: Diagnostics) -> None:
    """What is captured here, if anything is."""
    interfaces, chosen = _interfaces(options), options.capture_filter
    if not interfaces:
        return
    shown = capture_filter(options.port, vlan=False) if chosen is None else chosen
    tagged = "" if chosen is not None else ", the same under VLAN tags"
    diagnostics.note(f"capture filter on {', '.join(interfaces)}: {shown or '(none)'}{tagged}")


def _interfaces(options: argparse.Namespace) -> list[str]:
    """What of `-i` is no pipe."""
    return list(dict.fromkeys(name for name in options.interface if not is_pipe(name)))


def _captures(interfaces: list[str], options: argparse.Namespace) -> list[LiveSource]:
    for name in interfaces:
        if not exists(name):
            raise CommandError(
                ExitCode.INPUT, f"there is no interface {name!r}", f"see {PROGRAM} interfaces"
            )
    privilege = may_capture()
    if privilege.allowed is False:
        raise CommandError(
            ExitCode.MISSING, f"nothing can be captured: {privilege.reason}", privilege.remedy
        )
    chosen = options.capture_filter
    filters = [
        chosen if chosen is not None else capture_filter(options.port, vlan=has_vlans(name))
        for name in interfaces
    ]
    tool = _tool(options.engine)
    pairs = list(zip(interfaces, filters, strict=True))
    try:
        if options.engine == "pyshark":
            return [TsharkSource(name, one) for name, one in pairs]
        beside = len(pairs) - 1
        return [CaptureSource(name, one, tool, beside=beside) for name, one in pairs]
    except SourceError as error:
        raise CommandError(ExitCode.MISSING, error.message, error.hint) from error


def _tool(engine: str) -> str | None:
    """Who captures. Raises CommandError where the one wanted is missing."""
    # What dumpcap reads is there up to 250 ms later.
    prompt = engine == "auto" and may_run_tcpdump()
    if engine != "tcpdump" and not prompt:
        return find_tool()
    tcpdump = find_tool(["tcpdump"])
    if tcpdump is None:
        raise CommandError(ExitCode.MISSING, "tcpdump is not installed", "sudo apt install tcpdump")
    return tcpdump


def live_store(options: argparse.Namespace, sources: Sequence[LiveSource]) -> CaptureStore | None:
    """Where the packets are kept; None where there are none, or they are not wanted.

    Raises:
        CommandError: the file cannot be written.
    """
    if not any(source.kind == "capture" for source in sources):
        return None
    application = f"{PROGRAM} {__version__}"
    if options.write is None:
        if options.no_save:
            return None
        # The cache is a convenience: without room for it nothing is missing.
        with contextlib.suppress(SourceError, OSError):
            return CaptureStore(_autosave(), application)
        return None
    path = Path(options.write)
    limits = {limit.what: limit.value for limit in options.ring_buffer}
    try:
        files = RingFiles(path, most_bytes=limits.get("filesize"), most_files=limits.get("files"))
    except SourceError as error:
        raise UsageError(error.message, error.hint) from error
    return CaptureStore(files, application)


def configurations(words: Sequence[str]) -> list[Configuration]:
    """The configurations of devices that were named.

    Raises:
        CommandError: one cannot be read, or is none.
    """
    from analyzers.configs.catalogue import read_configurations
    from analyzers.configs.daemon_options import with_daemon_options
    from analyzers.sources.inputs import read_text

    found: list[Configuration] = []
    paths = configuration_paths(words)
    for source, word in paths.items():
        try:
            read = read_configurations(read_text(word, _MOST_CONFIG), source)
        except AnalyzerError as error:
            raise CommandError(ExitCode.INPUT, error.message, error.hint) from error
        if not read:
            raise CommandError(
                ExitCode.INPUT,
                f"{word} is no configuration",
                f"captures and logs are for {PROGRAM} report; a log is followed with --log {word}",
            )
        found += read
    return list(with_daemon_options(found, paths))


def configuration_paths(words: Sequence[str]) -> dict[str, str]:
    """What was named for each source of a configuration."""
    return {f"c{number}": word for number, word in enumerate(words, 1)}


def log_store(options: argparse.Namespace, sources: Sequence[LiveSource]) -> LogStore | None:
    """Where the text of logs is kept: in the cache, also where -w names a file for the packets."""
    if options.no_save or all(source.kind == "capture" for source in sources):
        return None
    from analyzers.session.live_log_store import LogStore
    from analyzers.sources.kept_clock import remove_lonely

    # A convenience as well.
    with contextlib.suppress(OSError):
        folder = _cache()
        _make_room(folder, "*.log", _KEPT_LOGS)
        remove_lonely(folder)
        return LogStore(folder, _stem())
    return None


def _autosave() -> RingFiles:
    """A ring of files in the cache of the user. Raises OSError and SourceError."""
    folder = _cache()
    _make_room(folder, "*.pcapng", _KEPT_FILES - _AUTOSAVE_FILES)
    path = folder / f"{_stem()}.pcapng"
    return RingFiles(path, most_bytes=_AUTOSAVE_BYTES, most_files=_AUTOSAVE_FILES)


def _cache() -> Path:
    """The folder for what is kept. Raises OSError."""
    cache = os.environ.get("XDG_CACHE_HOME") or ""
    root = Path(cache) if cache.startswith("/") else Path.home() / ".cache"
    folder = root / PROGRAM / "live"
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    return folder


def _make_room(folder: Path, pattern: str, most: int) -> None:
    """Remove the oldest files of earlier sessions. Raises OSError."""
    kept = sorted(folder.glob(pattern), key=lambda path: path.stat().st_mtime)
    for old in kept[: max(0, len(kept) - most)]:
        with contextlib.suppress(OSError):
            old.unlink()


def _stem() -> str:
    """What the names of all files of this session begin with."""
    return time.strftime("%Y%m%dT%H%M%S") + f"-{os.getpid()}"
