"""What commands that read captures and logs have in common: inputs, options, the session."""

from __future__ import annotations

import argparse
import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from msgspec.structs import replace

from analyzers.errors import AnalyzerError, OptionError
from analyzers.export.content import Content
from analyzers.sources.names import any_is_standard_input
from dpdlab import settings
from dpdlab.cli import filtering
from dpdlab.cli.arguments import COMMANDS, Invocation
from dpdlab.cli.diagnostics import PROGRAM, CommandError, Diagnostics, ExitCode, UsageError
from dpdlab.cli.output import Output
from dpdlab.cli.progress import ProgressBar
from dpdlab.cli.terminals import refuse_typing
from dpdlab.cli.values import ForInput, Moment
from dpdlab.present.whole import whole

if TYPE_CHECKING:
    from analyzers.session import ClockOptions, Session, SessionOptions
    from dpdlab.settings.model import Settings


def opened_output(invocation: Invocation) -> Output:
    """Where the command writes. Raises CommandError for what can be no output, or is an input."""
    options = invocation.options
    check_inputs(invocation)
    filtering.wanted(options)
    output = Output(getattr(options, "output", None), color=options.color, ascii_only=options.ascii)
    output.check([*invocation.words, *options.keys])
    return output


def analysed(
    invocation: Invocation,
    diagnostics: Diagnostics,
    *,
    meanwhile: Callable[[], None] = lambda: None,
) -> Session:
    """The inputs of a command, read and tracked, with progress on a terminal.

    `meanwhile` is called once reading has begun. Raises CommandError for an input, a key file or
    an option that cannot be used.
    """
    return _run_session(invocation.words, invocation.options, diagnostics, meanwhile)


def content_of(session: Session, invocation: Invocation) -> Content:
    """What was found, as every writer takes it; filtered and redacted if that is wanted."""
    content = filtering.filtered(whole(session), invocation.options)
    if not invocation.options.redact:
        return content
    from analyzers.export.names import names_of
    from analyzers.export.redact import redacted

    paths = [*invocation.words, *invocation.options.keys]
    return redacted(content, paths=paths, names=names_of(session.configurations()))


def check_inputs(invocation: Invocation) -> None:
    """Raises UsageError for inputs that cannot be any, and for options that name none of them.

    Options that name an input by its id name its path afterwards, where that is known.
    """
    options = invocation.options
    _check_names(invocation.words, invocation.command)
    for kind in ("year", "tz", "offset"):
        given: list[ForInput] = getattr(options, kind)
        setattr(options, kind, [v._replace(input=_named(v.input, invocation.words)) for v in given])


def _check_names(inputs: Sequence[str], command: str | None) -> None:
    if not inputs:
        raise UsageError(
            "no input", f"{PROGRAM} report FILE, or - for standard input; see {PROGRAM} --help"
        )
    if "" in inputs:
        # An unset shell variable; as a path it would mean the whole current directory.
        raise UsageError("an input has an empty name", "write . for the current directory")
    if command is None and not _exists(inputs[0]):
        _suggest_command(inputs[0])
    if any_is_standard_input(inputs):
        refuse_typing(f"pipe a capture into it: tcpdump -w - ... | {PROGRAM} report -")


def _exists(name: str) -> bool:
    try:
        return Path(name).exists()
    except (OSError, ValueError):
        # Too long for a file name, or with a NUL in it.
        return False


def _suggest_command(word: str) -> None:
    """`dpdlab repotr` is a slip and no file name."""
    from difflib import get_close_matches

    near = get_close_matches(word, COMMANDS, n=1, cutoff=0.7)
    if near:
        raise UsageError(f"no file and no command {word!r}", f"did you mean {near[0]}?")


def _run_session(
    inputs: Sequence[str],
    options: argparse.Namespace,
    diagnostics: Diagnostics,
    meanwhile: Callable[[], None],
) -> Session:
    bar = ProgressBar(wanted=not options.quiet, color=options.color, ascii_only=options.ascii)
    try:
        session = open_session(options)
        session.open(inputs)
        meanwhile()
        with bar:
            session.read(bar)
    except AnalyzerError as error:
        diagnostics.traceback_of(error)
        code = ExitCode.USAGE if isinstance(error, OptionError) else ExitCode.INPUT
        raise CommandError(code, error.message, error.hint) from error
    return session


def open_session(options: argparse.Namespace) -> Session:
    """A session with the options of a command line; key files are read at once."""
    from analyzers.session import Session

    return Session(session_options(options, settings_of(options)))


def session_options(options: argparse.Namespace, own: Settings | None) -> SessionOptions:
    """The options of a command line, and the user's settings, as the engine takes them."""
    from analyzers.configs.vendors import parse_given
    from analyzers.session import SessionOptions

    since, until = options.since, options.until
    _check_window(since, until)
    base = SessionOptions()
    if own is not None:
        base = replace(
            base,
            budget_s=own.report.budget_s,
            black_hole_min_s=own.report.black_hole_min_s,
            local=own.report.local,
            ports=own.report.ports,
            rules=own.rule_options(),
        )
    return replace(
        base,
        keys=tuple(options.keys),
        local=tuple(options.local) or base.local,
        ports=tuple(options.port) or base.ports,
        budget_s=base.budget_s if options.budget is None else options.budget,
        black_hole_min_s=(
            base.black_hole_min_s if options.black_hole_min is None else options.black_hole_min
        ),
        since_ns=_ns(since, relative=False),
        until_ns=_ns(until, relative=False),
        since_offset_ns=_ns(since, relative=True),
        until_offset_ns=_ns(until, relative=True),
        clocks=_clock_options(options),
        dialects=tuple(options.dialect),
        policies=tuple(parse_given(text) for text in getattr(options, "expected", ())),
        read_again=getattr(options, "read_again", False),
    )


def settings_of(options: argparse.Namespace) -> Settings | None:
    """The settings of a file; None without one. Raises OptionError if they cannot be used."""
    path = settings.found(options.settings)
    if path is None:
        return None
    # What reads it is heavy, and most people have none.
    from dpdlab.settings.model import load
    from dpdlab.tui.keymap import keymap_of

    own = load(path)
    keymap_of(own.keys, str(path))
    return own


def _clock_options(options: argparse.Namespace) -> ClockOptions:
    from analyzers.session import ClockOptions

    years = {v.input: v.value for v in options.year}
    zones = {v.input: v.value for v in options.tz}
    return ClockOptions(
        align=options.align == "auto",
        year=years.get(None),
        years={name: year for name, year in years.items() if name is not None},
        zone=zones.get(None),
        zones={name: zone for name, zone in zones.items() if name is not None},
        offsets_ns={v.input: v.value for v in options.offset if v.input is not None},
    )


def _named(name: str | None, inputs: Sequence[str]) -> str | None:
    """What an option for one input means: the name or path of one that is there, or its id."""
    if name is None or name in inputs or name in [Path(i.rpartition(":")[2]).name for i in inputs]:
        return name
    if any(Path(i) in Path(name).parents for i in inputs):
        return name
    from analyzers.model.records import source_id
    from analyzers.sources.inputs import expand

    for number, spec in enumerate(expand(inputs, missing_too=True)):
        if name == Path(spec.path).name:
            return name
        if name == source_id(number):
            # Of the files in a directory some are no input: which ones, reading them tells.
            return name if any(map(os.path.isdir, inputs)) else spec.path
    raise UsageError(f"no input is called {name!r}", f"inputs are {', '.join(inputs)}")


def _check_window(since: Moment | None, until: Moment | None) -> None:
    if since and until and since.relative is until.relative and since.ns >= until.ns:
        raise UsageError(f"--since {since} is not before --until {until}")


def _ns(moment: Moment | None, *, relative: bool) -> int | None:
    return moment.ns if moment is not None and moment.relative is relative else None
