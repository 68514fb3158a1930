"""Types only: what the engine reads, keeps and tells. No behaviour beyond properties."""
