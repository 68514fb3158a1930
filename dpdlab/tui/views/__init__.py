"""The six views of the console."""
