"""dpdlab: timelines, retries and black holes of IPsec Dead Peer Detection."""

__version__ = "0.1.0"
