"""What a command line of `live` gets wrong, told before anything is opened or started.

First what is wrong in itself, then that there is nothing to watch, and then what does not go
together. What the system refuses comes after all of that: who has to mend the command line anyway
is told about that first.
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from analyzers.sources.filter_check import refusal
from analyzers.sources.interfaces import exists
from analyzers.sources.names import STDIN
from analyzers.sources.pipe import is_pipe
from dpdlab.cli import filtering
from dpdlab.cli.diagnostics import PROGRAM, UsageError
from dpdlab.cli.terminals import refuse_typing
from dpdlab.present.whole_file import is_same_or_inside

if TYPE_CHECKING:
    from dpdlab.present.filter import Filter


def checked(options: argparse.Namespace, words: Sequence[str]) -> Filter | None:
    """The filter of `--until`, if there is one. Raises UsageError for what makes no sense."""
    chosen = _until(options)
    filtering.wanted(options)
    _check_sources(options, words)
    _check_files(options)
    _check_capture_filter(options)
    return chosen


def _check_sources(options: argparse.Namespace, words: Sequence[str]) -> None:
    names, logs = options.interface, options.log
    if not (names or logs or options.syslog or options.device):
        raise UsageError("there is nothing to watch", _instead(words))
    count = [*names, *logs].count(STDIN)
    if count > 1:
        raise UsageError("standard input can be one source only", "name a FIFO for the other")
    if count:
        refuse_typing(f"pipe into it: ssh gw tcpdump -U -w - ... | {PROGRAM} live -i -")


def _instead(words: Sequence[str]) -> str:
    """What was meant, as far as the words tell."""
    for word in words:
        if exists(word):
            return f"an interface is named with -i {word}"
        if os.path.exists(word):  # noqa: PTH110 - of any word, also of one that is no path
            return f"what is in files already is for {PROGRAM} report; a log is followed with --log"
    return (
        f"{PROGRAM} live -i IFACE, --log PATH, --syslog PORT or --device NAME;"
        f" {PROGRAM} interfaces lists interfaces"
    )


def _until(options: argparse.Namespace) -> Filter | None:
    """The filter of `--until`. Raises UsageError with the place of what cannot be understood."""
    if options.until is None:
        return None
    from dpdlab.present.filter import Filter, FilterError

    try:
        return Filter.of(options.until)
    except FilterError as error:
        message = f"--until, column {error.column}: {error.message}"
        raise UsageError(message, error.hint, error.caret()) from None


def _check_files(options: argparse.Namespace) -> None:
    if options.ring_buffer and options.write is None:
        raise UsageError("-b is about the files of -w", "add -w FILE")
    limits = {limit.what for limit in options.ring_buffer}
    if "files" in limits and "filesize" not in limits:
        raise UsageError("-b files:N needs -b filesize:KB", "it says when another file begins")
    if options.write is None:
        return
    if options.no_save and not (options.log or options.syslog or options.device):
        raise UsageError("--no-save keeps nothing, and -w is to keep packets", "leave one out")
    if not options.interface:
        raise UsageError("-w keeps packets, and nothing is captured", "add -i IFACE")
    for given in [*options.log, *options.interface]:
        if is_same_or_inside(Path(options.write), given):
            raise UsageError(f"{options.write} would overwrite the input {given}")


def _check_capture_filter(options: argparse.Namespace) -> None:
    chosen = options.capture_filter
    if chosen is None:
        return
    interfaces = [name for name in options.interface if not is_pipe(name)]
    if not interfaces:
        raise UsageError(
            "-f is about what is captured here, and no interface is", "-i IFACE names one"
        )
    for name in interfaces:
        why = refusal(chosen, name)
        if why:
            raise UsageError(f"-f {chosen!r}: {why}", "man pcap-filter describes capture filters")
