"""`dpdlab report`: run the engine over the inputs and write what it found."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final

from analyzers.errors import AnalyzerError, OptionError
from analyzers.export.content import Content
from analyzers.model.records import BENIGN_PROBLEMS, Problem, ProblemKind
from dpdlab import __version__
from dpdlab.cli.arguments import COMMANDS, Invocation
from dpdlab.cli.diagnostics import PROGRAM, CommandError, Diagnostics, ExitCode, UsageError
from dpdlab.cli.output import Output
from dpdlab.cli.progress import ProgressBar
from dpdlab.cli.values import Moment

if TYPE_CHECKING:
    from analyzers.session import ClockOptions, Session, SessionOptions

STANDARD_INPUT: Final = "-"
Writer = Callable[..., Iterable[str]]


def run(invocation: Invocation, diagnostics: Diagnostics) -> ExitCode:
    """Read, judge, write.

    Raises:
        CommandError: an input, a key file, an option or the output cannot be used.
    """
    options = invocation.options
    inputs = invocation.words
    _check_inputs(inputs, invocation.command)
    for option in (*options.year, *options.tz, *options.offset):
        _check_named(option.input, inputs)
    output = Output(getattr(options, "output", None), color=options.color, ascii_only=options.ascii)
    output.check([*inputs, *options.keys])
    session = _run_session(inputs, options, diagnostics)
    if options.unparsed:
        from dpdlab.cli.unparsed import listing

        output.write(listing(session.unparsed(), redact=options.redact))
        return ExitCode.OK
    judgement = session.judgement()
    content = Content(
        version=__version__,
        sources=tuple(session.sources),
        peers=session.peers(),
        alignments=session.alignments,
        diagnosis=tuple(session.diagnosis()),
        findings=judgement.findings,
        suppressed=judgement.suppressed,
    )
    if options.redact:
        from analyzers.export.redact import redacted

        content = redacted(content, paths=[*inputs, *options.keys])
    report_format = getattr(options, "format", "text")
    _write(content, report_format, output, verbose=options.verbose)
    return _judge(content, report_format, output, diagnostics, strict=options.strict)


def _check_inputs(inputs: Sequence[str], command: str | None) -> None:
    if not inputs:
        raise UsageError(
            "no input", f"{PROGRAM} report FILE, or - for standard input; see {PROGRAM} --help"
        )
    if "" in inputs:
        # An unset shell variable; as a path it would mean the whole current directory.
        raise UsageError("an input has an empty name", "write . for the current directory")
    if command is None and not _exists(inputs[0]):
        _suggest_command(inputs[0])
    reads_stdin = any(name.rpartition(":")[2] == STANDARD_INPUT for name in inputs)
    if reads_stdin and sys.stdin is not None and sys.stdin.isatty():
        raise UsageError(
            "standard input is a terminal",
            f"pipe a capture into it: tcpdump -w - ... | {PROGRAM} report -",
        )


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
    inputs: Sequence[str], options: argparse.Namespace, diagnostics: Diagnostics
) -> Session:
    bar = ProgressBar(
        wanted=not options.quiet, color=options.color != "never", ascii_only=options.ascii
    )
    try:
        session = _open_session(options)
        session.open(inputs)
        # A large input is being read ahead by now: what is needed to write costs no time here.
        _prepare(getattr(options, "format", "text"))
        with bar:
            session.read(bar)
    except AnalyzerError as error:
        diagnostics.traceback_of(error)
        code = ExitCode.USAGE if isinstance(error, OptionError) else ExitCode.INPUT
        raise CommandError(code, error.message, error.hint) from error
    return session


def _prepare(report_format: str) -> None:
    if report_format != "text":
        _writer(report_format)


def _open_session(options: argparse.Namespace) -> Session:
    from analyzers.session import Session

    return Session(_session_options(options))


def _session_options(options: argparse.Namespace) -> SessionOptions:
    from analyzers.session import SessionOptions

    since, until = options.since, options.until
    _check_window(since, until)
    return SessionOptions(
        keys=tuple(options.keys),
        local=tuple(options.local),
        ports=tuple(options.port),
        budget_s=options.budget,
        black_hole_min_s=options.black_hole_min,
        since_ns=_ns(since, relative=False),
        until_ns=_ns(until, relative=False),
        since_offset_ns=_ns(since, relative=True),
        until_offset_ns=_ns(until, relative=True),
        clocks=_clock_options(options),
        dialects=tuple(options.dialect),
    )


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


def _check_named(name: str | None, inputs: Sequence[str]) -> None:
    """An option for one input names one that is there."""
    if name is None or name in inputs or name in [Path(i.rpartition(":")[2]).name for i in inputs]:
        return
    if any(Path(i) in Path(name).parents for i in inputs):
        return
    raise UsageError(f"no input is called {name!r}", f"inputs are {', '.join(inputs)}")


def _check_window(since: Moment | None, until: Moment | None) -> None:
    if since and until and since.relative is until.relative and since.ns >= until.ns:
        raise UsageError(f"--since {since} is not before --until {until}")


def _ns(moment: Moment | None, *, relative: bool) -> int | None:
    return moment.ns if moment is not None and moment.relative is relative else None


def _write(content: Content, report_format: str, output: Output, *, verbose: int) -> None:
    if report_format == "text":
        from dpdlab.cli.text_report import render

        output.write_page(
            lambda console: render(
                content.sources,
                content.peers,
                console=console,
                ascii_only=output.ascii_only,
                verbose=verbose,
                diagnosis=content.diagnosis,
                alignments=content.alignments,
            )
        )
    else:
        chunks = _writer(report_format)
        output.write(chunks(content, ascii_only=output.ascii_requested))


def _writer(report_format: str) -> Writer:
    match report_format:
        case "json":
            from analyzers.export.json_writer import chunks as json_chunks

            return json_chunks
        case "jsonl":
            from analyzers.export.jsonl_writer import chunks as jsonl_chunks

            return jsonl_chunks
        case "csv":
            from analyzers.export.csv_writer import chunks as csv_chunks

            return csv_chunks
        case "markdown":
            from analyzers.export.markdown_writer import chunks as markdown_chunks

            return markdown_chunks
    raise ValueError(report_format)


def _judge(
    content: Content,
    report_format: str,
    output: Output,
    diagnostics: Diagnostics,
    *,
    strict: bool,
) -> ExitCode:
    """The exit code, with what led to it on stderr."""
    damage = _damage(content)
    if report_format != "text":
        # The text report tells it itself.
        _warn(damage, diagnostics)
    if not (report_format == "text" and output.to_terminal):
        for sentence in content.diagnosis:
            diagnostics.note(sentence)
        if not content.peers:
            diagnostics.error("nothing was recognised in the input")
    if not content.peers:
        return ExitCode.INPUT
    if strict and damage:
        kinds = ", ".join(dict.fromkeys(problem.kind for _, problem in damage))
        diagnostics.error(f"the input is damaged: {kinds}", "--strict")
        return ExitCode.DAMAGE
    return ExitCode.OK


def _warn(damage: Sequence[tuple[str, Problem]], diagnostics: Diagnostics) -> None:
    """One line a kind of damage: how often, and where first."""
    total: dict[ProblemKind, int] = {}
    first: dict[ProblemKind, tuple[str, Problem]] = {}
    for place, problem in damage:
        total[problem.kind] = total.get(problem.kind, 0) + problem.count
        first.setdefault(problem.kind, (place, problem))
    for kind, (place, problem) in first.items():
        times = f", first of {total[kind]:,}" if total[kind] > 1 else ""
        diagnostics.warning(f"{place}: {kind}{times}: {problem.detail}")


def _damage(content: Content) -> list[tuple[str, Problem]]:
    """Problems that are more than a limit of the input, with the place as people name it."""
    paths = {info.id: info.path for info in content.sources}
    return [
        (_place(problem, paths, owner), problem)
        for owner, problems in (
            *((info.path, info.problems) for info in content.sources),
            *((peer.id, peer.problems) for peer in content.peers),
        )
        for problem in problems
        if problem.kind not in BENIGN_PROBLEMS
    ]


def _place(problem: Problem, paths: dict[str, str], owner: str) -> str:
    if problem.ref is None:
        return owner
    return f"{paths.get(problem.ref.source, problem.ref.source)}:{problem.ref.record}"
