"""`dpdlab doctor`: what dpdlab finds here, and what to do about what it does not find.

Plain text and the standard library only: it has to work where something else is broken.
"""

from __future__ import annotations

import json
import os
import platform
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import dpdlab
from dpdlab.cli import environment
from dpdlab.cli.arguments import Invocation
from dpdlab.cli.diagnostics import Diagnostics, ExitCode, UsageError
from dpdlab.cli.installation import foreign_analyzers
from dpdlab.cli.output import Output

_LABEL_WIDTH = 19


def run(invocation: Invocation, _diagnostics: Diagnostics) -> ExitCode:
    """Print the findings; MISSING when dpdlab cannot work here, OK even without capture tools."""
    options = invocation.options
    if invocation.words:
        raise UsageError(f"doctor takes no input, got {invocation.words[0]!r}")
    output = Output(options.output, color=options.color, ascii_only=options.ascii)
    output.check(())
    findings = examine(output)
    if options.format == "json":
        output.write([json.dumps(findings, indent=2) + "\n"])
    else:
        output.write_text("".join(f"{line}\n" for line in _lines(findings)))
    return ExitCode.OK if findings["ok"] else ExitCode.MISSING


def examine(output: Output) -> dict[str, Any]:
    """Everything as one JSON object."""
    in_the_way = foreign_analyzers()
    libraries = environment.libraries()
    privilege = environment.capture_privilege()
    missing = [library.name for library in libraries if library.version is None]
    return {
        "ok": not missing and in_the_way is None,
        "dpdlab": {
            "version": dpdlab.__version__,
            "path": str(Path(dpdlab.__file__).resolve().parent),
            "analyzers_shadowed_by": None if in_the_way is None else str(in_the_way),
        },
        "python": {
            "version": platform.python_version(),
            "implementation": platform.python_implementation(),
            "path": sys.executable,
            "platform": platform.platform(),
        },
        "libraries": [library._asdict() for library in libraries],
        "tools": [tool._asdict() for tool in environment.tools()],
        "capture": privilege._asdict(),
        "terminal": {
            "is_terminal": output.to_terminal,
            "columns": shutil.get_terminal_size().columns,
            "encoding": output.encoding,
            "unicode": not output.ascii_only,
            "color": output.colored,
            "term": os.environ.get("TERM"),
            "no_color": bool(os.environ.get("NO_COLOR")),
        },
    }


def _lines(findings: dict[str, Any]) -> Iterator[str]:
    own, python = findings["dpdlab"], findings["python"]
    yield _line("dpdlab", f"{own['version']}  {own['path']}")
    if own["analyzers_shadowed_by"]:
        yield _line("", f"PROBLEM: {own['analyzers_shadowed_by']} hides its engine")
        yield _line("", "  start the dpdlab command instead of python -m, or change the directory")
    yield _line("python", f"{python['version']} ({python['implementation']})  {python['path']}")
    yield _line("platform", python["platform"])
    yield ""
    for library in findings["libraries"]:
        version = library["version"]
        yield _line(library["name"], version or "PROBLEM: missing, install dpdlab again")
    yield ""
    for tool in findings["tools"]:
        if tool["path"] is None:
            yield _line(tool["name"], f"not found (only for: {tool['purpose']})")
        else:
            yield _line(tool["name"], tool["version"] or "version unknown")
            yield _line("", tool["path"])
    capture = findings["capture"]
    word = {True: "yes", False: "no", None: "unknown"}[capture["allowed"]]
    yield _line("may capture", f"{word}: {capture['reason']}")
    if capture["remedy"]:
        yield _line("", f"  {capture['remedy']}")
    yield ""
    terminal = findings["terminal"]
    kind = f"{terminal['columns']} columns" if terminal["is_terminal"] else "no terminal"
    unicode = "unicode" if terminal["unicode"] else "ASCII only"
    color = "colour" if terminal["color"] else "no colour"
    yield _line("stdout", f"{kind}, {terminal['encoding']}, {unicode}, {color}")
    yield ""
    yield "Fine." if findings["ok"] else "Something that dpdlab needs is missing: see PROBLEM."


def _line(label: str, text: str) -> str:
    return f"{label:<{_LABEL_WIDTH}}{text}".rstrip()
