"""What another DPD policy would have left: mathematics of detection, replay, planning."""
