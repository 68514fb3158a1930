"""The public report and its writers."""
