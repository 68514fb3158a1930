"""The console: a Textual application over the engine's results; it adds no analysis of its own."""
