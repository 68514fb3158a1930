"""Rules that need configurations only: `dpdlab lint`."""
