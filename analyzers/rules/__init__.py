"""What is wrong, why, and what to do about it: one rule a module, one family a folder."""
