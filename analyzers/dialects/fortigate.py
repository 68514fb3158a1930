"""FortiGate: `diagnose debug application ike -1`, FortiOS 5 to 7.

Forms: log grammar section 7; the DPD lines are those of Fortinet's technical tips on DPD. Messages
are printed as hex, with and without encryption: `decode.assembly.fortigate` reads them.
"""

from __future__ import annotations

from typing import Final

from analyzers.dialects.dialect import Dialect, Pattern

_SPIS: Final = r"(?P<ispi>[0-9A-Fa-f]{16})/(?P<rspi>[0-9A-Fa-f]{16})"
_ID: Final = rf"id={_SPIS}(?::(?P<mid_hex>[0-9A-Fa-f]{{8}}))?"
_SPI: Final = r"(?P<{0}>[0-9A-Fa-f]{{8}})"


def _end(name: str) -> str:
    """Address and port; the port follows the last colon."""
    return rf"(?P<{name}>\[?[0-9A-Za-z.:*%]{{2,50}}\]?):(?P<{name}_port>\d{{1,5}})"


_LINK: Final = rf"\d{{1,5}} (?P<local>\[?[0-9A-Za-z.:*%]{{2,50}}\]?)->{_end('peer')}"

DIALECT = Dialect(
    name="fortigate",
    family="fortigate",
    title="FortiGate diagnose debug application ike",
    tag=(
        r"ike[ \t]{1,2}(?:V=[\w.\-]{1,32}:)?\d{1,4}:"
        r"(?:(?P<name>[^\s:]{1,64})(?::(?P<conn>\d{1,10}))?"
        r"(?::(?P<child>[^\s:]{1,64})(?::\d{1,10})?)?:)?[ \t]{1,4}"
    ),
    patterns=(
        # --- liveness
        Pattern(
            "dpd",
            r"(?P<way>send|sent|recv|received) IKEv(?P<version>[12]) DPD (?P<notify>probe|ack)"
            r"(?:,? seqno[ =](?P<seq>\d{1,10}))?",
            (
                "2026-03-23 22:21:46.588954 ike 0:hub:4: send IKEv1 DPD probe, seqno 1",
                "ike V=root:0:hub:4: recv IKEv1 DPD ack, seqno 1",
            ),
            words=("send", "sent", "recv", "received"),
        ),
        Pattern(
            "idle",
            rf"link is idle {_LINK} dpd=(?P<dpd>\d{{1,4}}) seqno=\w{{1,10}}",
            ("ike 0:hub: link is idle 6 192.0.2.1->192.0.2.9:0 dpd=1 seqno=1 rr=0",),
        ),
        Pattern(
            "dead",
            rf"(?P<reason>link fail) {_LINK} dpd=[1-9]\d{{0,3}}",
            ("ike 0:hub: link fail 6 192.0.2.1->192.0.2.9:0 dpd=1",),
        ),
        Pattern(
            "dpd-failed",
            r"(?P<reason>(?:IPsec )?DPD (?:failed|failure|timeout|timed out))",
            ("ike 0:hub:4: DPD timeout",),
        ),
        Pattern(
            "notify",
            r"notify msg received: (?P<notify>R-U-THERE(?:-ACK)?)(?=\s|$)",
            ("ike 0:hub:4: notify msg received: R-U-THERE-ACK",),
        ),
        Pattern(
            "dpd-agreed",
            r"DPD negotiated",
            ("ike 0:hub:4: DPD negotiated",),
        ),
        Pattern(
            "dpd-vendor-id",
            r"VID DPD AFCAD71368A1F1C96B8696FC7757",
            ("ike 0:hub:4: VID DPD AFCAD71368A1F1C96B8696FC77570100",),
        ),
        # --- messages
        Pattern(
            "comes",
            rf"comes {_end('peer')}->{_end('local')},\s?ifindex=\d{{1,5}}",
            (
                "ike 0: comes 192.0.2.9:500->192.0.2.1:500,ifindex=6....",
                "ike V=root:0: comes 192.0.2.9:4500->192.0.2.1:4500,ifindex=6,vrf=0,len=92....",
            ),
        ),
        Pattern(
            "exchange",
            r"IKEv(?P<version>[12]) exchange=(?P<exchange>[A-Za-z_]{2,30}(?: [A-Za-z]{2,20})?)"
            rf" {_ID}(?: len=(?P<length>\d{{1,6}}))?",
            (
                "ike 0: IKEv1 exchange=Informational id=0a1b2c3d4e5f6071/8192a3b4c5d6e7f8:9c6a1e02"
                " len=92",
                "ike V=root:0: IKEv2 exchange=INFORMATIONAL_RESPONSE"
                " id=0a1b2c3d4e5f6071/8192a3b4c5d6e7f8:00000002 len=80",
            ),
        ),
        Pattern(
            "bytes",
            r"(?P<way>in|out|enc|dec) (?P<hex>[0-9A-Fa-f]{8,2000})",
            (
                "ike 0: in 0A1B2C3D4E5F60718192A3B4C5D6E7F8081005019C6A1E020000005C",
                "ike 0:hub:4: dec 0A1B2C3D4E5F60718192A3B4C5D6E7F8081005019C6A1E020000005C",
            ),
            words=("in", "out", "enc", "dec"),
        ),
        Pattern(
            "sent",
            rf"sent IKE msg \((?P<what>[^)\n]{{2,40}})\): {_end('local')}->{_end('peer')},"
            rf" len=(?P<length>\d{{1,6}}),(?: vrf=\d{{1,5}},)? {_ID}",
            (
                "ike 0:hub:4: sent IKE msg (R-U-THERE): 192.0.2.1:500->192.0.2.9:500, len=92,"
                " id=0a1b2c3d4e5f6071/8192a3b4c5d6e7f8:7e11a9d0",
                "ike V=root:0:hub:4: sent IKE msg (INFORMATIONAL): 192.0.2.1:500->192.0.2.9:500,"
                " len=80, vrf=0, id=0a1b2c3d4e5f6071/8192a3b4c5d6e7f8:00000002",
            ),
        ),
        Pattern(
            "delete-received",
            r"recv (?P<what>ISAKMP SA|IKE SA|IPsec SA) delete"
            rf"(?:,? {_SPIS}|, spi count \d{{1,4}})?",
            (
                "ike 0:hub:4: recv ISAKMP SA delete 0a1b2c3d4e5f6071/8192a3b4c5d6e7f8",
                "ike 0:hub:4: recv IPsec SA delete, spi count 1",
            ),
        ),
        Pattern(
            "delete-sending",
            r"send (?P<what>ISAKMP SA|IKE SA|IPsec SA) delete"
            rf"(?:,? (?:spi {_SPI.format('spi')}|{_SPIS}))?",
            (
                "ike 0:hub:4: send IKE SA delete 0a1b2c3d4e5f6071/8192a3b4c5d6e7f8",
                "ike 0:hub:4: send IPsec SA delete, spi 0a0b0c11",
            ),
        ),
        # --- SAs
        Pattern(
            "ike-up",
            rf"established IKE SA {_SPIS}",
            ("ike 0:hub:4: established IKE SA 0a1b2c3d4e5f6071/8192a3b4c5d6e7f8",),
        ),
        Pattern(
            "ike-down",
            rf"scheduled? delete of IKE SA {_SPIS}",
            ("ike 0:hub:4: schedule delete of IKE SA 0a1b2c3d4e5f6071/8192a3b4c5d6e7f8",),
        ),
        Pattern(
            "connection-down",
            r"(?:deleting|connection expiring due to phase1 down)[ \t]{0,8}(?=\n|$)",
            (
                "ike 0:hub: deleting",
                "ike 0:hub: connection expiring due to phase1 down",
            ),
            words=("deleting", "connection"),
        ),
        Pattern(
            "child-up",
            rf"added IPsec SA: SPIs={_SPI.format('spi')}/{_SPI.format('spi2')}",
            ("ike 0:hub:4:net:7: added IPsec SA: SPIs=0a0b0c11/0d0e0f22",),
        ),
        Pattern(
            "child-down",
            rf"(?:delet(?:ing|ed) )?IPsec SA with SPI {_SPI.format('spi')}",
            (
                "ike 0:hub: deleting IPsec SA with SPI 0d0e0f22",
                "ike 0:hub:net: IPsec SA with SPI 0d0e0f22 deletion successful",
            ),
            words=("deleting", "deleted", "IPsec"),
        ),
        Pattern(
            "gave-up",
            r"(?P<reason>negotiation timeout, deleting"
            r"|negotiation of IKE SA failed due to retry timeout)",
            (
                "ike 0:hub:4: negotiation timeout, deleting",
                "ike 0:hub:4: negotiation of IKE SA failed due to retry timeout",
            ),
            words=("negotiation",),
        ),
        Pattern(
            "not-sent",
            rf"could not send IKE Packet\([^\n)]{{1,60}}\):{_end('local')}->{_end('peer')},"
            r" len=\d{1,6}: error \d{1,4}:(?P<reason>[A-Z][A-Za-z ]{2,60})",
            (
                "2026-03-23 22:21:46 ike 0:hub:79: could not send IKE Packet(ISAKMP SA"
                " DELETE-NOTIFY):192.0.2.1:500->192.0.2.9:500, len=92: error 101:Network is"
                " unreachable",
            ),
        ),
        Pattern(
            "refused",
            r"(?:received notify type (?P<notify>NO_PROPOSAL_CHOSEN|AUTHENTICATION_FAILED"
            r"|TS_UNACCEPTABLE)|no SA proposal chosen)",
            (
                "ike 0:hub:4: received notify type AUTHENTICATION_FAILED",
                "ike V=root:0:hub:4: no SA proposal chosen",
            ),
            words=("received", "no"),
        ),
        Pattern(
            "unknown-spi",
            rf"unknown SPI {_SPI.format('spi')} \d{{1,5}} {_end('peer')}->{_end('local')}",
            ("ike 0: unknown SPI 0a0b0c11 6 192.0.2.9:0->192.0.2.1:0",),
        ),
        Pattern(
            "hint",
            r"(?P<reason>invalid ESP \d{1,3} \([\w ]{2,30}\) SPI [0-9A-Fa-f]{8}"
            r"|received notify type INITIAL_CONTACT|processing INITIAL-CONTACT)",
            (
                "ike V=root:0:hub: invalid ESP 4 (replay) SPI 3fe60a6c seq 00000000:00a02e94 7"
                " 192.0.2.9->192.0.2.1:0",
                "ike 0:hub:4: received notify type INITIAL_CONTACT",
            ),
            words=("invalid", "received", "processing"),
        ),
    ),
    ignored=(
        r"(?:link down|flush|deleted|delete dynamic|reset NAT|sending SNMP|carrier|NAT keep-alive)",
        r"(?:cache|cached|add route|del route|route|set oper|tun_device|update|schedule|auto-neg)",
        r"(?:proposal|incoming|my proposal|protocol|encapsulation|type=|trans|lifetime|matched)",
        r"(?:responder|initiator|peer|received|processing|process|cookie|VID|PSK|auth|psk|gw)",
        r"(?:config|using|unable|negotiation result|IPsec SA|IKE SA|chosen|create|created|send)",
        r"(?:out FF|sent|HA|mode-cfg|ISAKMP SA|shrank|detected|NAT|selected|dpd|expire|keepalive)",
        r"(?:recv|retrans)",
    ),
)
