"""The templates of ntc-templates, read so that damage costs a field and not the whole output.

The templates refuse an output for one line that they do not know. Outputs that people paste have
such lines (a debug message, a newer release), so the refusing rule is left out: what a template
does not know, it passes over.
"""

from __future__ import annotations

import io
from collections.abc import Sequence
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Final

from analyzers.snapshots.layout import Line

if TYPE_CHECKING:
    from textfsm import TextFSM

_REFUSAL: Final = "-> Error"


def rows(template: str, lines: Sequence[Line]) -> list[tuple[int, dict[str, str]]]:
    """The records of a template: the number of the last line of each, and its fields by name."""
    machine = _machine(template)
    machine.Reset()
    records: list[tuple[int, dict[str, str]]] = []
    last = lines[0].number if lines else 0
    for number, text in lines:
        # A record is complete when a later line begins the next one.
        result = machine.ParseText(text, eof=False)
        records.extend((last, _fields(machine, row)) for row in result[len(records) :])
        last = number
    result = machine.ParseText("", eof=True)
    records.extend((last, _fields(machine, row)) for row in result[len(records) :])
    return records


def _fields(machine: TextFSM, row: list[object]) -> dict[str, str]:
    return {name: str(value) for name, value in zip(machine.header, row, strict=True)}


@cache
def _machine(template: str) -> TextFSM:
    from textfsm import TextFSM

    path = files("ntc_templates").joinpath("templates", f"{template}.textfsm")
    kept = [
        line
        for line in path.read_text(encoding="utf-8").splitlines(keepends=True)
        if not line.rstrip().endswith(_REFUSAL)
    ]
    return TextFSM(io.StringIO("".join(kept)))
