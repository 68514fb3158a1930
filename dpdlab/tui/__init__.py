"""The console: a Textual application over the engine's results; it adds no analysis of its own."""

import os

# Textual's own switch, read when it is imported: a key that changes two panes needs two frames,
# and at 60 a second waits longer for them than they take to draw.
os.environ.setdefault("TEXTUAL_FPS", "120")
