"""Log text to values: prefixes and stamps, logical lines, and one module a dialect."""
