"""Text of device configurations to values. No I/O."""
