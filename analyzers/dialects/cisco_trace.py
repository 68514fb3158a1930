"""Cisco IOS XE: `show monitor event-trace crypto ikev2 | ipsec`, which records without debugging.

Forms: log grammar section 2.4. Peer and SA stand on every line; what a message contains follows
it, a line a payload, and message IDs are not written.
"""

from __future__ import annotations

from typing import Final

from analyzers.dialects.dialect import Dialect, Pattern

_IP: Final = r"[0-9A-Fa-fx.:*]{2,45}"
_SPI: Final = r"(?:0x)?(?P<{0}>[0-9A-Fa-f]{{16}})"
_EXCHANGE: Final = (
    r"(?P<exchange>IKE_SA_INIT|IKE_AUTH|CREATE_CHILD_SA|INFORMATIONAL|[A-Z][A-Z0-9]{3,24}) Exchange"
)
_SESSION: Final = r"-SA: (?:SESSION ID:\d{1,10}, )?sa (?P<what>delete|create) : \(sa\)"
_SAMPLE: Final = "SA ID:2 SESSION ID:4 Remote: 198.51.100.9/500 Local: 192.0.2.1/500  "

DIALECT = Dialect(
    name="cisco-trace",
    family="ios",
    title="Cisco IOS XE crypto event traces",
    version=2,
    lenient=True,
    tag=(
        r"SA\s{1,4}ID:(?P<conn>\d{1,10})\s{1,4}SESSION\s{1,4}ID:(?P<session>\d{1,10})\s{1,8}"
        rf"(?:Remote:\s{{1,4}}(?P<peer>{_IP})/(?P<peer_port>\d{{1,5}})\s{{1,4}}"
        rf"Local:\s{{1,4}}(?P<local>{_IP})/(?P<local_port>\d{{1,5}})\s{{0,8}})?"
        r"|IPSEC-EVENT:"
    ),
    patterns=(
        Pattern(
            "message",
            rf"\((?P<role>[IR])\) (?P<way>Sending|Received) IKEv2 {_EXCHANGE}"
            r" (?P<kind>REQUEST|RESPONSE)",
            (
                f"*Jun  3 08:00:10.484: {_SAMPLE}(I) Sending IKEv2 INFORMATIONAL Exchange REQUEST",
                "SA ID:2 SESSION ID:4 Remote: 2001:DB8::9/500 Local: 2001:DB8::1/500  (R) Received"
                " IKEv2 IKE_SA_INIT Exchange RESPONSE",
            ),
            words=("I", "R"),
        ),
        Pattern(
            "contains",
            rf"\((?P<role>[IR])\) IKEv2 {_EXCHANGE} Contains:"
            r" (?P<payloads>[A-Za-z]\w{0,30}(?:\([\w /\-]{0,80}\))?)",
            (f"*Jun  3 08:00:10.484: {_SAMPLE}(I) IKEv2 INFORMATIONAL Exchange Contains: DELETE",),
            words=("I", "R"),
        ),
        Pattern(
            "delete-info",
            r"(?P<way>Sending|Processing) DELETE INFO message for (?:IPsec|IKEv2|IKE) SA"
            rf" \[(?:SPI: (?P<spi>0x[0-9A-Fa-f]{{1,8}})|ISPI: {_SPI.format('ispi')}"
            rf" RSPI: {_SPI.format('rspi')})\]",
            (
                f"{_SAMPLE}Sending DELETE INFO message for IPsec SA [SPI: 0xA1B2C3D4]",
                f"{_SAMPLE}Processing DELETE INFO message for IKEv2 SA [ISPI: 0x0A1B2C3D4E5F6071"
                " RSPI: 0x8192A3B4C5D6E7F8]",
            ),
            words=("Sending", "Processing"),
        ),
        Pattern(
            "session-up",
            r"Session with IKE ID PAIR\s?\([^()]{0,300}\) is UP",
            (f"{_SAMPLE}Session with IKE ID PAIR(198.51.100.9 , 192.0.2.1) is UP",),
        ),
        Pattern(
            "retransmitting",
            r"Retransmitting packet",
            (f"{_SAMPLE}Retransmitting packet",),
        ),
        Pattern(
            "given-up",
            r":{0,2}\s{0,2}Maximum number of retransmissions reached",
            (f"{_SAMPLE}: Maximum number of retransmissions reached",),
            words=("Maximum",),
        ),
        Pattern(
            "child",
            rf"IPSEC-(?:DELETE|CREATE){_SESSION} sa_dest\s{{0,4}}=\s{{0,4}}(?P<dest>{_IP}),"
            r" sa_proto\s{0,4}=\s{0,4}(?P<proto>\d{1,3}),"
            r" sa_spi\s{0,4}=\s{0,4}(?P<spi>0x[0-9A-Fa-f]{1,8})",
            (
                "*Jun  3 08:00:10.826: IPSEC-EVENT:IPSEC-DELETE-SA:  SESSION ID:4, sa delete :"
                " (sa) sa_dest = 192.0.2.1, sa_proto = 50, sa_spi = 0xA1B2C3D4(2712847316),"
                " sa_trans = esp-aes esp-sha-hmac , sa_conn_id = 2021, sa_lifetime(k/sec) ="
                " (4608000/3600)",
                "IPSEC-EVENT:IPSEC-CREATE-SA:  sa create : (sa) sa_dest= 2001:DB8::1, sa_proto="
                " 50, sa_spi= 0x10A(266), sa_trans= esp-gcm 256 ,",
            ),
        ),
        Pattern(
            "child-ends",
            rf"IPSEC-(?:DELETE|CREATE){_SESSION}, loc: (?P<loc>{_IP}), rem: (?P<rem>{_IP}),",
            (
                "IPSEC-EVENT:IPSEC-DELETE-SA:  sa delete : (sa),  loc: 192.0.2.1, rem:"
                " 198.51.100.9, l_proxy: 0.0.0.0/0/256, r_proxy: 0.0.0.0/0/256",
            ),
        ),
    ),
    ignored=(
        r"IPSEC-(?:SEND|RECV)-KMI|IKEV2|Completed|Negotiat",
        r"\([IR]\)\s{1,4}(?:Process|Verif|Generat|NAT)",
    ),
)
