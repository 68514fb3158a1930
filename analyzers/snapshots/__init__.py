"""`show` output that people paste -> SAs, DPD settings in force, counters. No I/O."""
