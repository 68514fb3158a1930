"""The one way for text from outside to reach a terminal.

The function lives in the engine because the writers of files need it too.
"""

from __future__ import annotations

from analyzers.export.untrusted import safe

__all__ = ["safe"]
