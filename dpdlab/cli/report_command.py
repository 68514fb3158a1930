"""`dpdlab report`: run the engine over the inputs and write what it found."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterable
from importlib import import_module
from typing import TYPE_CHECKING, Final

from analyzers.export.content import Content
from dpdlab.cli.analysis import analysed, content_of, opened_output
from dpdlab.cli.arguments import Invocation
from dpdlab.cli.diagnostics import Diagnostics, ExitCode, UsageError
from dpdlab.cli.judging import exit_code, tell_unread
from dpdlab.cli.output import Output

if TYPE_CHECKING:
    from analyzers.session import Session

_IDS_SHOWN: Final = 8

Writer = Callable[..., Iterable[str]]


def run(invocation: Invocation, diagnostics: Diagnostics) -> ExitCode:
    """Read, judge, write.

    Raises:
        CommandError: an input, a key file, an option or the output cannot be used.
    """
    options = invocation.options
    output = opened_output(invocation)
    report_format = getattr(options, "format", "text")
    # A large input is being read ahead by then: what is needed afterwards costs no time there.
    session = analysed(invocation, diagnostics, meanwhile=lambda: _prepare(report_format))
    if options.unparsed:
        from dpdlab.cli.unparsed import listing

        output.write(listing(session.unparsed(), redact=options.redact))
        unread = tell_unread(session.sources, diagnostics)
        return ExitCode.INPUT if unread else ExitCode.OK
    content = content_of(session, invocation)
    if report_format in ("svg", "html"):
        content = _with_exact_esp(content, session, report_format)
    _write(content, report_format, output, options)
    text = report_format == "text"
    return exit_code(
        content,
        diagnostics,
        strict=options.strict,
        fail_on=options.fail_on,
        damage_told=text,
        diagnosis_told=text and output.to_terminal,
    )


def _with_exact_esp(content: Content, session: Session, report_format: str) -> Content:
    """The content with what its drawings show closer than the engine has counted it."""
    from dpdlab.present.exact_drawings import in_drawing, on_page, with_exact_esp

    drawn = on_page if report_format == "html" else in_drawing
    return with_exact_esp(
        content, session.peers(), drawn, session.captures(), session.packets_within
    )


def _write(
    content: Content, report_format: str, output: Output, options: argparse.Namespace
) -> None:
    if report_format == "text":
        from dpdlab.present.text.report import render

        output.write_page(
            lambda console: render(
                content, console=console, ascii_only=output.ascii_only, verbose=options.verbose
            )
        )
    elif report_format == "svg":
        output.write(_svg(content, options, ascii_only=output.ascii_requested))
    else:
        chunks = _writer(report_format)
        output.write(chunks(content, ascii_only=output.ascii_requested))


def _svg(content: Content, options: argparse.Namespace, *, ascii_only: bool) -> Iterable[str]:
    from analyzers.export.svg.document import Drawing, chunks

    known = [peer.id for peer in content.peers]
    for wanted in options.peer:
        if known and wanted not in known:
            raise UsageError(f"there is no peer {wanted!r}", f"they are {_few(known)}")
    drawing = Drawing(options.svg)
    return chunks(content, ascii_only=ascii_only, drawing=drawing, peers=options.peer)


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
        case "html":
            from analyzers.export.html.document import chunks as html_chunks

            return html_chunks
    raise ValueError(report_format)


def _few(ids: list[str]) -> str:
    return ", ".join(ids) if len(ids) <= _IDS_SHOWN else f"{ids[0]} to {ids[-1]}"


def _prepare(report_format: str) -> None:
    import_module("analyzers.rules.judge")
    if report_format == "text":
        import_module("dpdlab.present.text.report")
    elif report_format != "svg":
        _writer(report_format)
