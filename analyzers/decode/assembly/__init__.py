"""From the lines of a dialect to the events that all dialects share."""
