"""`-Y FILTER`: understood before anything is read, applied before anything is redacted."""

from __future__ import annotations

import argparse
from dataclasses import replace
from typing import TYPE_CHECKING

from analyzers.export.content import Content
from dpdlab.cli.diagnostics import UsageError

if TYPE_CHECKING:
    from dpdlab.present.filter import Filter


def wanted(options: argparse.Namespace) -> Filter | None:
    """The filter of a command line; None without one.

    Raises:
        UsageError: it cannot be understood; with the place.
    """
    text = getattr(options, "filter", None)
    if text is None:
        return None
    from dpdlab.present.filter import Filter, FilterError

    try:
        return Filter.of(text)
    except FilterError as error:
        message = f"-Y, column {error.column}: {error.message}"
        raise UsageError(message, error.hint, error.caret()) from None


def filtered(content: Content, options: argparse.Namespace) -> Content:
    """The content with what the filter of the command line keeps."""
    chosen = wanted(options)
    if chosen is None:
        return content
    from dpdlab.present.filter import narrowed

    if options.redact:
        # It names what is not to be told.
        chosen = replace(chosen, text="(redacted)")
    return narrowed(content, chosen)
