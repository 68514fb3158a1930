"""Rules that hold what happened against what was configured."""
