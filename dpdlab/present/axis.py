"""Round times for a time axis.

The functions live in the engine because the drawings in files need them too.
"""

from analyzers.export.axis import *  # noqa: F403
