"""Stories of a peer that falls silent at 20 s and is back at 60 s, as rules are tried on them."""

from __future__ import annotations

ESP = """
0.2..60/0.2 a>b esp out
0.3..20/0.2 b>a esp in
"""
V2 = (
    """
0 a>b v2 handshake
5 a>b liveness 2
5.02 b>a liveness 2 resp
30 a>b liveness 3
32 a>b liveness 3
36 a>b liveness 3
60 a>b v2 handshake sa=2
"""
    + ESP
)
V1 = """
0 a>b v1 main-mode
0.1 a>b v1 quick
10 a>b v1 info 108 says=ruthere number=7
10.02 b>a v1 info 108 says=ack number=7
30 a>b v1 info 108 says=ruthere number=8
35 a>b v1 info 108 says=ruthere number=8
40 a>b v1 info 108 says=ruthere number=8
60 a>b v1 main-mode sa=2
60.1 a>b v1 quick sa=2
"""
