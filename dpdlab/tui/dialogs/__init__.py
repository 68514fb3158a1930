"""Screens that stand over the views for a moment."""
