"""What the words of the engine mean, in sentences: the same ones in every front end.

The words live in the engine because the writers of files need them too.
"""

from analyzers.export.policy_words import *  # noqa: F403
from analyzers.export.words import *  # noqa: F403
