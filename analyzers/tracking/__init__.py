"""Observations to exchanges, SAs, peers and black holes, in event time."""
