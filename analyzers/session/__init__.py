"""The one driver of an analysis: inputs in, views out."""

from analyzers.session.driver import Session
from analyzers.session.options import (
    BATCH_ROWS,
    ClockOptions,
    Progress,
    SessionOptions,
    UnparsedLine,
)

__all__ = ["BATCH_ROWS", "ClockOptions", "Progress", "Session", "SessionOptions", "UnparsedLine"]
