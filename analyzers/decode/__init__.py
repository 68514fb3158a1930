"""Records to observations, in the order of time."""
