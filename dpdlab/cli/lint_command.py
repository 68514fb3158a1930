"""`dpdlab lint`: DPD settings of device configurations, both ends compared."""

from __future__ import annotations

import argparse
from collections.abc import Sequence

from analyzers.errors import AnalyzerError
from analyzers.export.lint_content import LintContent, gather, redacted_lint
from analyzers.rules.catalogue import lint
from analyzers.rules.configuration.estate import Estate
from analyzers.sources.names import any_is_standard_input
from dpdlab import __version__
from dpdlab.cli import lint_inputs
from dpdlab.cli.analysis import settings_of
from dpdlab.cli.arguments import Invocation
from dpdlab.cli.diagnostics import PROGRAM, CommandError, Diagnostics, ExitCode, UsageError
from dpdlab.cli.judging import as_bad_as
from dpdlab.cli.option_groups import DEFAULT_BUDGET_S
from dpdlab.cli.output import Output
from dpdlab.cli.terminals import refuse_typing
from dpdlab.present.formatting import counted


def run(invocation: Invocation, diagnostics: Diagnostics) -> ExitCode:
    """Read, compare, write.

    Raises:
        CommandError: an input holds no configuration, or the output cannot be written.
    """
    options = invocation.options
    _check_inputs(invocation.words)
    output = Output(options.output, color=options.color, ascii_only=options.ascii)
    output.check(invocation.words)
    try:
        inputs = lint_inputs.read(invocation.words)
    except AnalyzerError as error:
        diagnostics.traceback_of(error)
        raise CommandError(ExitCode.INPUT, error.message, error.hint) from error
    names = bool(options.verbose) and not options.redact
    _tell_passed_over(inputs.passed_over, diagnostics, names=names)
    estate = Estate(inputs.configurations, _budget_s(options), inputs.snapshots)
    content = gather(estate, lint(estate), inputs.paths, version=__version__)
    if options.redact:
        content = redacted_lint(content)
    _write(content, options.format, output, verbose=options.verbose)
    return _judge(content, diagnostics, fail_on=options.fail_on, strict=options.strict)


def _budget_s(options: argparse.Namespace) -> float:
    if options.budget is not None:
        return float(options.budget)
    own = settings_of(options)
    return DEFAULT_BUDGET_S if own is None else own.report.budget_s


def _check_inputs(names: Sequence[str]) -> None:
    if not names:
        raise UsageError(
            "no configuration", f"{PROGRAM} lint FILE..., or - for standard input; see --help"
        )
    if "" in names:
        raise UsageError("an input has an empty name", "write . for the current directory")
    if any_is_standard_input(names):
        refuse_typing("pipe a configuration into it")


def _tell_passed_over(paths: Sequence[str], diagnostics: Diagnostics, *, names: bool) -> None:
    if names:
        for path in paths:
            diagnostics.note(f"{path}: no configuration, passed over")
    elif paths:
        files = counted(len(paths), "file is", "files are")
        diagnostics.note(f"{files} no configuration, passed over (-v names them)")


def _write(content: LintContent, text_format: str, output: Output, *, verbose: int) -> None:
    if text_format == "json":
        from analyzers.export.lint_json import chunks

        output.write(chunks(content, ascii_only=output.ascii_requested))
        return
    from dpdlab.present.formatting import Clock
    from dpdlab.present.text.lint import render
    from dpdlab.present.text.page import Page

    output.write_page(
        lambda console: render(
            Page(
                console,
                ascii_only=output.ascii_only,
                verbose=verbose,
                clock=Clock.starting(0),
            ),
            content,
        )
    )


def _judge(
    content: LintContent, diagnostics: Diagnostics, *, fail_on: str | None, strict: bool
) -> ExitCode:
    damaged = [device for device in content.devices if device.problems]
    if strict and damaged:
        number = sum(len(device.problems) for device in damaged)
        diagnostics.error(f"lines that cannot be used: {number}", "--strict")
        return ExitCode.DAMAGE
    if as_bad_as(content.findings, fail_on):
        return ExitCode.FINDINGS
    return ExitCode.OK
