"""The dpdlab engine: bytes and text in, peers, exchanges, black holes and problems out.

The package never imports a front end, never writes to a terminal and never reads a clock.
"""
