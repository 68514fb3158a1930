"""The text report: its pages, and the parts of them from top to bottom."""

from __future__ import annotations

from typing import Final

PLAIN_WIDTH: Final = 80
"""Columns of what goes into a pipe or a file: text that fits everywhere it may be pasted."""
