"""Drawings of a peer: its timeline and its ladder."""
