"""MikroTik RouterOS: topics `ipsec,info`, `ipsec,error` and `ipsec,debug`, IKEv1 and IKEv2.

Forms: log grammar section 7. Its IKEv1 is racoon's and speaks its words; decrypted payloads are
dumped in hex (`ipsec,debug,packet`).
"""

from __future__ import annotations

from typing import Final

from analyzers.dialects.dialect import Dialect, Pattern
from analyzers.dialects.racoon import COMMON, words

_IP: Final = r"[0-9A-Za-z.:%*]{2,60}"
_TOPIC: Final = "oct/27 22:40:29 ipsec,info "
_DEBUG: Final = "oct/27 22:40:29 ipsec,debug "
# A topic alone begins shell commands as well ("ipsec status"): then the words must be RouterOS's.
_WORDS: Final = (
    r"(?:->|<-) ike2|ike2 |IPsec-SA|ISAKMP-SA|DPD|sending dpd|payload seen|killing ike2|new ike2"
    r"|purg|phase[12] neg|initiate new|respond new|peer authorized|KA: "
)


def _ends() -> str:
    return (
        rf"(?:\S{{1,64}} )?(?P<local>{_IP})\[(?P<local_port>\d{{1,5}})\]-"
        rf"(?P<peer>{_IP})\[(?P<peer_port>\d{{1,5}})\]"
    )


DIALECT = Dialect(
    name="routeros",
    family="routeros",
    title="MikroTik RouterOS ipsec topics",
    tag=(
        r"ipsec(?:(?:,!?[a-z]{1,12}){1,4}:?[ \t]{1,4}|:[ \t]{1,4}|[ \t]{1,4}(?="
        + _WORDS
        + r"))(?:ipsec,[a-z,]{1,40}[ \t]{1,4})?"
        r"(?:(?P<peer2>\d{1,3}(?:\.\d{1,3}){3}|(?:[0-9a-f]{0,4}:){2,7}[0-9a-f]{0,4})[ \t]{1,2}"
        r"(?=[A-Za-z]))?"
    ),
    patterns=(
        *words(_DEBUG),
        Pattern(
            "dump",
            r"(?P<hex>[0-9a-f]{8}(?:\s{1,4}[0-9a-f]{2,8}){0,63})[ \t]{0,4}(?=\n|$)",
            (
                "oct/27 22:40:29 ipsec,debug,packet 00000020 00000001 01108d28 0a1b2c3d 4e5f6071"
                " 8192a3b4 c5d6e7f8 3e5f8000",
            ),
        ),
        Pattern(
            "ike2-packet",
            r"(?P<way>->|<-) ike2 (?:(?P<again>(?:init )?retransmit) )?(?P<kind>request|reply),"
            r" exchange: (?P<exchange>[A-Z_]{4,24}):(?P<mid>\d{1,10})"
            rf" (?P<peer>{_IP})\[(?P<peer_port>\d{{1,5}})\]",
            (
                "oct/27 22:40:29 ipsec -> ike2 request, exchange: INFORMATIONAL:5 192.0.2.9[4500]"
                " 0a1b2c3d4e5f6071:8192a3b4c5d6e7f8",
                "10:40:29 ipsec <- ike2 reply, exchange: INFORMATIONAL:5 192.0.2.9[4500]"
                " 0a1b2c3d4e5f6071:8192a3b4c5d6e7f8",
            ),
            words=("ike",),
        ),
        Pattern(
            "ike2-dpd",
            r"sending dpd packet",
            ("oct/27 22:40:29 ipsec sending dpd packet",),
        ),
        Pattern(
            "ike2-plain",
            r"(?:=> )?plain payload (?:\(trimmed\) )?\(size 0x(?P<size>[0-9a-f]{1,6})\)",
            (_DEBUG + "=> plain payload (trimmed) (size 0x0)",),
            words=("plain",),
        ),
        Pattern(
            "ike2-payload",
            r"payload seen: (?P<payload>\w{1,20})",
            ("oct/27 22:40:29 ipsec payload seen: DELETE (8 bytes)",),
        ),
        Pattern(
            "ike2-up",
            r"peer authorized: " + _ends() + r" spi:[0-9a-f]{16}:[0-9a-f]{16}",
            (
                "oct/27 22:40:29 ipsec,info,account peer authorized: hub 192.0.2.1[4500]"
                "-192.0.2.9[4500] spi:0a1b2c3d4e5f6071:8192a3b4c5d6e7f8",
            ),
        ),
        Pattern(
            "ike2-down",
            r"killing ike2 SA: " + _ends() + r" spi:[0-9a-f]{16}:[0-9a-f]{16}",
            (
                _TOPIC + "killing ike2 SA: 192.0.2.1[4500]-192.0.2.9[4500]"
                " spi:0a1b2c3d4e5f6071:8192a3b4c5d6e7f8",
            ),
        ),
        Pattern(
            "ike2-child-up",
            rf"IPsec-SA established: (?P<src>{_IP})\[(?P<src_port>\d{{1,5}})\]->(?P<dst>{_IP})"
            r"\[(?P<dst_port>\d{1,5})\] spi=(?P<spi>0x[0-9a-f]{1,8})",
            (_DEBUG + "IPsec-SA established: 192.0.2.9[4500]->192.0.2.1[4500] spi=0xa0b0c11",),
        ),
        Pattern(
            "ike2-child-down",
            rf"IPsec-SA killing: {_IP}\[\d{{1,5}}\]->{_IP}\[\d{{1,5}}\]"
            r" spi=(?P<spi>0x[0-9a-f]{1,8})",
            (_DEBUG + "IPsec-SA killing: 192.0.2.9[4500]->192.0.2.1[4500] spi=0xa0b0c11",),
        ),
    ),
    ignored=(
        *COMMON,
        r"(?:ike2|=>|<=|adding|processing|payload|my |peer|proposal|matched|notify|cert|auth|ID)",
        r"(?:respond|starting|new ike2|init|reply|create|initiator|KA:|generate|key|selected)",
    ),
)
