"""Opens the inputs, each told by its content: captures, logs, configurations."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Sequence
from typing import IO, TYPE_CHECKING, Final

import numpy as np
from msgspec import Struct, field
from msgspec.structs import replace

from analyzers.decode.captures import CaptureBatch, CaptureReader, capture_format
from analyzers.decode.flows import joined
from analyzers.errors import SourceError, UnopenedError
from analyzers.model.log_events import LogEvent
from analyzers.model.records import UNREADABLE, Problem, ProblemKind, SourceInfo, source_id
from analyzers.session.options import SessionOptions
from analyzers.sources.inputs import (
    Input,
    InputSpec,
    expand,
    open_input,
    read_text,
    spooled,
)
from analyzers.sources.lines import Kept
from analyzers.sources.names import shown
from analyzers.sources.pipe import is_pipe
from analyzers.sources.waiting import Waited

if TYPE_CHECKING:
    from analyzers.dialects.dialect import Dialect
    from analyzers.model.configuration import Configuration
    from analyzers.session.texts import LogSource, TextInput

_KINDS_HINT: Final = (
    "captures are pcap or pcapng files, also .gz and .zst; logs are the text of a router's or"
    " daemon's IKE debug, configurations what `show running-config` prints"
)
_MAX_CONFIG: Final = 16 << 20
_MAX_DIALECT: Final = 1 << 20
REPLAYED: Final = 1 << 14
"""Events of a log that are tracked at once."""


class OpenText(Struct):
    """A text that is a log."""

    number: int
    name: str
    text: TextInput
    dialects: tuple[Dialect, ...]
    kept: IO[bytes] | None = None
    """What is read of a pipe."""
    read: LogSource | None = None
    """Where all of it had to be read to know that; else it is not read yet."""


class Opened(Struct):
    """All inputs, by number of their source."""

    sources: list[SourceInfo] = field(default_factory=list)
    specs: list[InputSpec] = field(default_factory=list)
    readers: list[CaptureReader | LogReplay] = field(default_factory=list)
    """Of captures; a log has an empty one until it is read."""
    texts: list[OpenText] = field(default_factory=list)
    items: list[Input] = field(default_factory=list)
    dialects: tuple[Dialect, ...] = ()
    configurations: list[Configuration] = field(default_factory=list)
    coming: InputSpec | None = None
    """What has come so far of a pipe that is kept on disk before it is read."""
    refused: list[tuple[InputSpec, SourceError]] = field(default_factory=list)
    """What cannot be read, though the user named it or its directory, and why."""

    def begin_keeping(self, coming: InputSpec) -> None:
        """A pipe is being kept, as a file that grows."""
        self.coming = coming

    @property
    def total_bytes(self) -> int | None:
        """Size of all inputs; None with a pipe among them."""
        sizes = [item.size_bytes for item in self.items]
        return None if None in sizes else sum(size or 0 for size in sizes)

    def close(self) -> None:
        """Release the files."""
        for item in self.items:
            item.close()


class LogReplay:
    """The events of a log, in the face of a capture reader."""

    def __init__(self, info: SourceInfo, events: Iterable[LogEvent] = ()) -> None:
        """`events` in the order of the common clock; whoever gives them should not keep them."""
        self.info = info
        self.position_bytes = info.size_bytes or 0
        self._events = deque(events)

    def read(self) -> CaptureBatch | None:
        """The next events, which are held no more; None afterwards."""
        if not self._events:
            return None
        ready = min(REPLAYED, len(self._events))
        events = [self._events.popleft() for _ in range(ready)]
        keys = [event.at_ns or 0 for event in events]
        after = self._events[0].at_ns or 0 if self._events else keys[-1]
        return CaptureBatch(joined([]), None, [], events, keys, after)

    def close(self) -> None:
        """Nothing is held."""


def open_all(
    names: Sequence[str | InputSpec],
    options: SessionOptions,
    waited: Waited | None = None,
    opened: Opened | None = None,
) -> Opened:
    """Open what the user named; `waited` hears of a pipe that pauses, now and while it is read.

    `opened` is what is filled, for who looks at it meanwhile. An input that cannot be read is told
    as a source with a problem, behind the others. Raises SourceError if nothing else is left, and
    for a name that does not exist.
    """
    opened = opened or Opened()
    try:
        if options.dialects:
            opened.dialects = dialects_of(options)
        specs = expand(names, missing_too=options.missing_too)
        for spec in specs:
            try:
                _open(spec, opened, options, waited, several=len(specs) > 1)
            except SourceError as error:
                # What is no input at all may lie in a directory; what it is has to be seen first.
                if spec.required or isinstance(error, UnopenedError):
                    opened.refused.append((spec, error))
        _check(opened, names, configurations_alone=options.configurations_alone)
        _tell_refused(opened)
    except BaseException:
        opened.close()
        raise
    return opened


def _check(opened: Opened, names: Sequence[str | InputSpec], *, configurations_alone: bool) -> None:
    if configurations_alone and opened.configurations:
        return
    if opened.refused and all(info.kind == "config" for info in opened.sources):
        error = opened.refused[0][1]
        others = [other.message for _, other in opened.refused[1:]]
        raise SourceError("; ".join((error.message, *others)), error.hint, error.reason)
    if not opened.sources:
        named = [name if isinstance(name, str) else name.path for name in names]
        raise SourceError(f"no capture and no log in {', '.join(named)}", _KINDS_HINT)
    if all(info.kind == "config" for info in opened.sources):
        raise SourceError(
            "there are configurations only, and nothing that happened",
            "dpdlab lint CONFIG... says what is wrong with them",
        )


def _tell_refused(opened: Opened) -> None:
    """They come last: a report of the others has the same numbers without them."""
    for spec, error in opened.refused:
        info = SourceInfo(source_id(len(opened.sources)), shown(spec.path), UNREADABLE, "unknown")
        info.note(Problem(ProblemKind.UNREADABLE, error.reason))
        _add(opened, spec, info, LogReplay(info))


def _open(
    spec: InputSpec,
    opened: Opened,
    options: SessionOptions,
    waited: Waited | None,
    *,
    several: bool,
) -> None:
    item = open_input(spec, waited)
    number = len(opened.sources)
    is_capture = capture_format(item.head) is not None
    if is_pipe(spec.path) and (several or (is_capture and options.read_again)):
        # Aligning reads all of it before the others, and a capture twice, as does who asks for its
        # packets; who waits for it looks at what has come.
        spec, item = spooled(item, spec.name, opened.begin_keeping)
        opened.coming = None
    if is_capture:
        opened.items.append(item)
        info = info_of(item, number, "capture")
        _add(opened, spec, info, capture_reader(item, spec, info, options))
        return
    if not item.head:
        item.close()
        raise SourceError(f"{item.path} is empty", reason="it is empty")
    _open_text(spec, item, opened, options)


def _open_text(spec: InputSpec, item: Input, opened: Opened, options: SessionOptions) -> None:
    from analyzers.session.texts import TextInput, kind_of, read_on

    if not opened.dialects:
        opened.dialects = dialects_of(options)
    kept: Kept | None = None
    if is_pipe(spec.path) and options.keep_lines:
        item.stream = kept = Kept(item.stream)
    spool = item.spool
    text = TextInput(item)
    kind: str | None = None
    if not text.binary:
        forced = "config" if spec.kind == "config" else "log" if spec.forced else None
        kind = forced or kind_of(text, opened.dialects, named=spec.required)
    number = len(opened.sources)
    info = info_of(item, number, kind or "log")
    read: LogSource | None = None
    if kind is None:
        read = read_on(text, number, spec.name, info, opened.dialects, named=spec.required)
        kind = "log" if read is not None else None
    if kept is not None and kind != "log":
        kept.stop()
    if kind is None:
        item.close()
        what = "is neither capture, log nor configuration"
        raise SourceError(f"{item.path} {what}", _KINDS_HINT, f"it {what}")
    opened.items.append(item)
    if kind == "config":
        opened.configurations += _configurations(text, info)
    else:
        chosen = _of_family(opened.dialects, spec.kind)
        file = spool if kept is None else kept.file
        if spool is not None and options.keep_lines:
            # It stays for whoever asks for its lines.
            item.spool = None
        opened.texts.append(OpenText(number, spec.name, text, chosen, file, read))
    _add(opened, spec, info, LogReplay(info))


def dialects_of(options: SessionOptions) -> tuple[Dialect, ...]:
    """The user's own dialects go first: they may refine what is known.

    Raises SourceError and OptionError.
    """
    from analyzers.dialects.catalogue import DIALECTS

    dialects = DIALECTS
    if options.dialects:
        from analyzers.dialects.user import load_dialect

        for path in options.dialects:
            own = load_dialect(read_text(path, _MAX_DIALECT), path, dialects)
            dialects = (own, *dialects)
    return dialects


def _of_family(dialects: tuple[Dialect, ...], family: str) -> tuple[Dialect, ...]:
    """The dialects that `KIND:PATH` means; all of them for a plain log."""
    chosen = tuple(d for d in dialects if d.family == family)
    return chosen or dialects


def _configurations(text: TextInput, info: SourceInfo) -> list[Configuration]:
    from analyzers.configs.catalogue import read_configurations
    from analyzers.decode import log_gaps

    whole = text.all(_MAX_CONFIG)
    if log_gaps.NUL in whole:
        before, _, _ = whole.partition(log_gaps.NUL)
        info.note(log_gaps.problem(info.id, before.count("\n") + 1))
        whole = log_gaps.without(whole)
    found = read_configurations(whole, info.id)
    info.lines = whole.count("\n") + (not whole.endswith("\n"))
    info.format = found[0].format.value if found else "unknown"
    for configuration in found:
        for problem in configuration.problems:
            info.note(problem)
    return list(found)


def info_of(item: Input, number: int, kind: str) -> SourceInfo:
    """What is known of an input before it is read."""
    return SourceInfo(
        id=source_id(number), path=item.path, kind=kind, format="", size_bytes=item.size_bytes
    )


def capture_reader(
    item: Input, spec: InputSpec, info: SourceInfo, options: SessionOptions
) -> CaptureReader:
    """Who reads a capture that is open."""
    return CaptureReader(
        item.stream,
        item.head,
        info,
        frozenset(options.ports),
        options.chunk_bytes,
        piped=item.give_what_is_there(),
        interfaces=spec.one_clock,
        ahead=spec.ahead,
    )


def _add(
    opened: Opened, spec: InputSpec, info: SourceInfo, reader: CaptureReader | LogReplay
) -> None:
    opened.sources.append(info)
    opened.specs.append(spec)
    opened.readers.append(reader)


def shifted(batch: CaptureBatch, shift_ns: int) -> CaptureBatch:
    """A batch with all its times moved."""
    if not shift_ns:
        return batch
    esp = replace(batch.esp, at_ns=batch.esp.at_ns + np.int64(shift_ns))
    keys = None if batch.esp_key is None else batch.esp_key + np.int64(shift_ns)
    for event in batch.events:
        if event.at_ns is not None:
            event.at_ns += shift_ns
    return replace(
        batch,
        esp=esp,
        esp_key=keys,
        event_key=[key + shift_ns for key in batch.event_key],
        watermark_ns=batch.watermark_ns + shift_ns,
        moves=[move._replace(at_ns=move.at_ns + shift_ns) for move in batch.moves],
    )
