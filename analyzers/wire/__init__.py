"""Bytes to values: framing, classification, link layers, IP, IKE. No I/O."""
