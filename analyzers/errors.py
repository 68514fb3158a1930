"""Errors of the engine.

    AnalyzerError            base: a message for the user, and a hint what to do
    ├─ SourceError           an input cannot be opened, is no capture, or cannot go on
    │  └─ UnopenedError      the system does not open it
    ├─ KeyFileError          a key table cannot be used at all
    └─ OptionError           an option has a value the engine cannot use

Damage *inside* an input is never an error: it becomes a `model.records.Problem`.
"""

from __future__ import annotations


class AnalyzerError(Exception):
    """Something the user has to know, in one line, with an optional hint."""

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


class SourceError(AnalyzerError):
    """An input cannot be opened, is not recognised, or cannot be continued.

    `reason` is the message for a place where the input is named already.
    """

    def __init__(self, message: str, hint: str = "", reason: str = "") -> None:
        super().__init__(message, hint)
        self.reason = reason or message


class UnopenedError(SourceError):
    """The system does not open an input: what it holds, and whether it matters, is not known."""


class KeyFileError(AnalyzerError):
    """A key file cannot be read, or holds nothing usable."""


class OptionError(AnalyzerError):
    """An option has a value that cannot be used."""
