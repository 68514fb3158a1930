"""Numbers, times and signs as people read them.

The functions live in the engine because the writers of files need them too.
"""

from analyzers.export.formatting import *  # noqa: F403
