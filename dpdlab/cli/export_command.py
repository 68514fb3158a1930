"""`dpdlab export`: the packets behind the report as a pcapng file with comments."""

from __future__ import annotations

from collections.abc import Iterator

from analyzers.errors import AnalyzerError
from dpdlab.cli.analysis import analysed, content_of, opened_output
from dpdlab.cli.arguments import Invocation
from dpdlab.cli.diagnostics import PROGRAM, CommandError, Diagnostics, ExitCode, UsageError
from dpdlab.cli.judging import exit_code


def run(invocation: Invocation, diagnostics: Diagnostics) -> ExitCode:
    """Read, judge, copy.

    Raises:
        CommandError: an input, a key file, an option or the output cannot be used.
    """
    options = invocation.options
    if invocation.words and options.output is None:
        raise UsageError(
            "there is no file to write", f"{PROGRAM} export INPUT... -w FILE, or -w - for a pipe"
        )
    output = opened_output(invocation)
    if output.to_terminal:
        raise UsageError("a capture is nothing for a terminal", "-w FILE, or pipe -w - into tshark")
    session = analysed(invocation, diagnostics)
    try:
        captures = session.captures()
        if not captures:
            raise CommandError(
                ExitCode.INPUT,
                "there is no capture among the inputs, and so no packet to copy",
                f"{PROGRAM} report shows what logs say",
            )
        content = content_of(session, invocation)

        def packets() -> Iterator[bytes]:
            from analyzers.session.packet_export import EspChoice, annotated_packets

            esp = EspChoice(options.esp)
            try:
                yield from annotated_packets(
                    captures, content, session.options, esp, whole=session.peers()
                )
            except AnalyzerError as error:
                raise CommandError(ExitCode.INPUT, error.message, error.hint) from error

        output.write_bytes(packets())
    finally:
        session.close()
    return exit_code(content, diagnostics, strict=options.strict)
