"""`dpdlab schema`: the JSON Schema of the report."""

from __future__ import annotations

import json

from analyzers.export.schema import json_schema
from dpdlab.cli.arguments import Invocation
from dpdlab.cli.diagnostics import Diagnostics, ExitCode, UsageError
from dpdlab.cli.output import Output


def run(invocation: Invocation, _diagnostics: Diagnostics) -> ExitCode:
    """Print it."""
    options = invocation.options
    if invocation.words:
        raise UsageError(f"schema takes no input, got {invocation.words[0]!r}")
    output = Output(options.output, color=options.color, ascii_only=options.ascii)
    output.check(())
    output.write([json.dumps(json_schema(), indent=2) + "\n"])
    return ExitCode.OK
