"""Interfaces of one capture that have clocks of their own are read as captures of their own."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from msgspec.structs import replace

from analyzers.export.formatting import clock_distance
from analyzers.model.records import Problem, ProblemKind, SourceInfo
from analyzers.session.opening import Opened
from analyzers.sources.inputs import InputSpec

_GONE: Final = "what both show is told twice, at two times; a file, and no pipe, is put right"


def of_one_clock_each(opened: Opened) -> list[InputSpec] | None:
    """The inputs with each clock as an input, now that all is read; None where nothing changes.

    What a pipe gave is gone: there it can only be told.
    """
    several = [info for info in opened.sources if info.clocks]
    if not several:
        return None
    if any(item.size_bytes is None for item in opened.items):
        for info in several:
            for clock in info.clocks[1:]:
                off = f"that of {_named(clock.interfaces)} is {_off(clock.ahead_ns)}"
                info.note(Problem(ProblemKind.SEVERAL_CLOCKS, f"{off}: {_GONE}"))
        return None
    apart: list[InputSpec] = []
    for spec, info in zip(opened.specs, opened.sources, strict=True):
        apart += _each(spec, info) if info.clocks else [spec]
    return apart


def _each(spec: InputSpec, info: SourceInfo) -> Iterable[InputSpec]:
    for clock in info.clocks:
        named = _named(clock.interfaces)
        # A clock by hand is that of the first one, to which the others are put.
        name = f"{spec.name}#{min(clock.interfaces)}" if clock.ahead_ns else spec.name
        shown = f"{info.path} ({named})"
        yield replace(spec, name=name, one_clock=clock.interfaces, shown_as=shown)


def note_clocks(opened: Opened) -> None:
    """Say of each clock but the first of a file what was done with it."""
    for spec, info in zip(opened.specs, opened.sources, strict=True):
        off_ns = info.clock_offset_ns
        if spec.one_clock is not None and off_ns:
            told = "told as a capture of its own, on that clock"
            info.note(Problem(ProblemKind.SEVERAL_CLOCKS, f"{_off(off_ns)}: {told}"))


def _off(ahead_ns: int) -> str:
    how = "ahead of" if ahead_ns > 0 else "behind"
    return f"{clock_distance(abs(ahead_ns))} {how} that of interface 0"


def _named(interfaces: Iterable[int]) -> str:
    numbers = sorted(interfaces)
    return f"interface{'s' * (len(numbers) > 1)} {', '.join(map(str, numbers))}"
