"""`dpdlab check`: one line a finding, as linters write them, and an exit code."""

from __future__ import annotations

from collections.abc import Iterator

from analyzers.export.content import Content
from analyzers.export.untrusted import safe
from analyzers.model.finding import Finding
from analyzers.model.records import Ref
from dpdlab.cli.analysis import analysed, content_of, opened_output
from dpdlab.cli.arguments import Invocation
from dpdlab.cli.diagnostics import Diagnostics, ExitCode
from dpdlab.cli.judging import exit_code


def run(invocation: Invocation, diagnostics: Diagnostics) -> ExitCode:
    """Read, judge, list.

    Raises:
        CommandError: an input, a key file, an option or the output cannot be used.
    """
    options = invocation.options
    output = opened_output(invocation)
    content = content_of(analysed(invocation, diagnostics), invocation)
    if options.format == "json":
        from analyzers.export.json_writer import chunks

        output.write(chunks(content, ascii_only=output.ascii_requested))
    else:
        output.write(_lines(content, verbose=bool(options.verbose)))
    _summary(content, diagnostics)
    return exit_code(content, diagnostics, strict=options.strict, fail_on=options.fail_on)


def _lines(content: Content, *, verbose: bool) -> Iterator[str]:
    paths = {info.id: info.path for info in content.sources}
    for finding in content.findings:
        yield _line(finding, paths) + "\n"
        if verbose:
            yield f"    remedy: {safe(finding.remedy)}\n"
            yield f"    source: {safe(finding.reference)}\n"


def _line(finding: Finding, paths: dict[str, str]) -> str:
    place = _place(finding.refs[0], paths) if finding.refs else "-"
    doubt = "" if finding.confidence == "certain" else f" ({finding.confidence})"
    detail = safe(finding.detail or finding.title)
    return f"{place}: {finding.severity}: {detail}{doubt} [{finding.rule}]"


def _place(ref: Ref, paths: dict[str, str]) -> str:
    return f"{safe(paths.get(ref.source, ref.source))}:{ref.record}"


def _summary(content: Content, diagnostics: Diagnostics) -> None:
    if not content.peers and not content.findings:
        return
    from analyzers.export.troubles import troubles
    from dpdlab.present.formatting import counted
    from dpdlab.present.text.findings import tally

    # A tunnel that does not come up need not be a finding of a rule, and is more than nothing.
    told_of = {finding.peer for finding in content.findings}
    wrong = [safe(each) for each in troubles([p for p in content.peers if p.id not in told_of])]
    found = tally(content.findings).plain or ("no finding" if wrong else "nothing to report")
    told = "; ".join([found, *wrong])
    held_back = len(content.suppressed)
    silenced = f", {counted(held_back, 'finding')} silenced" if held_back else ""
    diagnostics.note(f"{counted(len(content.peers), 'peer')}: {told}{silenced}")
