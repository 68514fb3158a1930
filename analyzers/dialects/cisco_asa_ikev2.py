"""Cisco ASA and FTD: `debug crypto ikev2 protocol` and `platform`.

Forms: log grammar section 4.2. The levels differ between releases and say nothing; records run
together, also in the middle of a line, and `decode.assembly.cisco_asa_ikev2` takes them apart.
"""

from __future__ import annotations

from typing import Final

from analyzers.dialects.cisco_refusals import CISCO_V2
from analyzers.dialects.dialect import Dialect, Pattern

# IPv6 peers are written without brackets in PROTO records: the port follows the last colon.
_END: Final = r"(?P<{0}>[0-9A-Za-z.:*%]{{2,60}}):(?P<{0}_port>\d{{1,5}})"
_WIRE_END: Final = r"\[(?P<{0}>[0-9A-Za-z.:*%]{{2,60}})\]:(?P<{0}_port>\d{{1,5}})"
_SPI: Final = r"(?:0x)?(?P<{0}>[0-9A-Fa-f]{{16}})"
# "(11): " stands before every line of a record, and anywhere else.
_MARK: Final = r"[\s\S]{0,24}?"
_REST: Final = r"(?P<rest>[\s\S]{0,1200})"

DIALECT = Dialect(
    name="cisco-asa-ikev2",
    family="asa",
    title="Cisco ASA debug crypto ikev2 protocol/platform",
    version=2,
    lenient=True,
    tag=(
        r"(?:[\w.\-/()]{1,64}[#>][ \t]{0,2})?(?:%(?:ASA|FTD)-\d-711001:[ \t]{0,4})?"
        r"IKEv2-(?:PROTO|PLAT)-\d{1,2}:\s{0,8}(?:\((?P<conn>\d{1,10})\):\s{0,8})?"
    ),
    patterns=(
        Pattern(
            "wire",
            r"(?P<way>SENT|RECV) PKT \[(?P<exchange>[A-Z_0-9]{4,24})\]"
            rf" {_WIRE_END.format('src')}->{_WIRE_END.format('dst')}"
            rf" InitSPI={_SPI.format('ispi')} RespSPI={_SPI.format('rspi')}"
            r" MID=(?P<mid_hex>[0-9A-Fa-f]{8})",
            (
                "IKEv2-PLAT-3: (11): SENT PKT [INFORMATIONAL] [192.0.2.1]:500->[192.0.2.9]:500"
                " InitSPI=0x0a1b2c3d4e5f6071 RespSPI=0x8192a3b4c5d6e7f8 MID=00000002",
                "IKEv2-PLAT-3: RECV PKT [INFORMATIONAL] [2001:db8::9]:500->[2001:db8::1]:500"
                " InitSPI=0x0a1b2c3d4e5f6071 RespSPI=0x8192a3b4c5d6e7f8 MID=00000002",
            ),
            words=("SENT", "RECV"),
        ),
        Pattern(
            "packet",
            rf"(?P<way>Sending|Received) Packet \[(?:To|From) {_END.format('peer')}/(?:From|To)"
            rf" {_END.format('local')}/VRF [^\]]{{0,40}}\]{_MARK}"
            rf"Initiator SPI : {_SPI.format('ispi')} - Responder SPI : {_SPI.format('rspi')}"
            rf" Message id: (?P<mid>\d{{1,10}}){_MARK}"
            r"IKEv2 (?P<exchange>[A-Z_0-9]{4,24}) Exchange (?P<kind>REQUEST|RESPONSE)" + _REST,
            (
                "IKEv2-PROTO-2: (11): Sending Packet [To 192.0.2.9:500/From 192.0.2.1:500/VRF"
                " i0:f0]\n(11): Initiator SPI : 0A1B2C3D4E5F6071 - Responder SPI :"
                " 8192A3B4C5D6E7F8 Message id: 2\n(11): IKEv2 INFORMATIONAL Exchange REQUEST",
                "IKEv2-PROTO-4: (22): Received Packet [From 192.0.2.9:4500/To 192.0.2.1:4500/VRF"
                " i0:f0]\nInitiator SPI : 0A1B2C3D4E5F6071 - Responder SPI : 8192A3B4C5D6E7F8"
                " Message id: 2\nIKEv2 INFORMATIONAL Exchange RESPONSE",
            ),
            words=("Sending", "Received"),
        ),
        Pattern(
            "header",
            rf"Next payload: \w{{1,20}}, version: 2\.0{_MARK}Exchange type:"
            rf" (?P<exchange>[A-Z_0-9]{{4,24}}), flags: (?!\s)(?P<flags>[A-Z \-]{{0,60}}){_MARK}"
            r"Message id: (?P<mid>\d{1,10}), length: (?P<length>\d{1,6})" + _REST,
            (
                "IKEv2-PROTO-3: (11): Next payload: ENCR, version: 2.0 (11): Exchange type:"
                " INFORMATIONAL, flags: INITIATOR (11): Message id: 2, length: 80(11): \nPayload"
                " contents: \n(11):  ENCR(11):   Next payload: NONE, reserved: 0x0, length: 52",
            ),
        ),
        Pattern(
            "decrypted",
            r"(?:REAL )?Decrypted packet:[\s\S]{0,16}?Data: (?P<octets>\d{1,6}) bytes" + _REST,
            (
                "IKEv2-PROTO-1: \n(11): REAL Decrypted packet:(11): Data: 8 bytes\n DELETE  Next"
                " payload: NONE, reserved: 0x0, length: 8",
            ),
            words=("REAL", "Decrypted"),
        ),
        Pattern(
            "build",
            r"Building packet for encryption\." + _REST,
            (
                "IKEv2-PROTO-2: (11): Building packet for encryption. \n(11): \nPayload contents:"
                " \n(11):  DELETE(11):   Next payload: NONE, reserved: 0x0, length: 8\n(11):    "
                " Security protocol id: IKE, spi size: 0, num of spi: 0",
            ),
        ),
        Pattern(
            "delete-info",
            r"(?P<way>Sending|Processing) DELETE INFO message for (?:IPsec|IKEv2|IKE) SA"
            rf" \[(?:SPI: (?P<spi>0x[0-9A-Fa-f]{{1,8}})|ISPI: {_SPI.format('ispi')}"
            rf" RSPI: {_SPI.format('rspi')})\]",
            (
                "IKEv2-PROTO-2: (11): Sending DELETE INFO message for IKEv2 SA [ISPI:"
                " 0x0A1B2C3D4E5F6071 RSPI: 0x8192A3B4C5D6E7F8]",
                "IKEv2-PROTO-2: (11): Processing DELETE INFO message for IPsec SA [SPI:"
                " 0x0A0B0C11]",
            ),
            words=("Sending", "Processing"),
        ),
        Pattern(
            "delete-reason",
            r"Sending Delete Reason Notify with error code : (?P<reason>\w{1,60})",
            (
                "IKEv2-PROTO-5: Sending Delete Reason Notify with error code :"
                " IKEV2_DELETE_BY_USER_COMMAND severity: INFORMATIONAL",
            ),
        ),
        Pattern(
            "liveness-sending",
            r"Sending DPD/liveness query",
            ("IKEv2-PROTO-2: (11): Sending DPD/liveness query",),
        ),
        Pattern(
            "liveness-received",
            r"Received DPD/liveness query",
            ("IKEv2-PROTO-2: (11): Received DPD/liveness query",),
        ),
        Pattern(
            "liveness-answered",
            r"Received response to DPD/liveness query",
            ("IKEv2-PROTO-2: (11): Received response to DPD/liveness query",),
        ),
        Pattern(
            "retransmitting",
            r"Retransmitting packet",
            ("IKEv2-PROTO-2: (11): Retransmitting packet",),
        ),
        Pattern(
            "given-up",
            r"Maximum number of retransmissions reached",
            ("IKEv2-PROTO-1: (11): Maximum number of retransmissions reached",),
        ),
        Pattern(
            "refused",
            rf"(?P<refusal>{CISCO_V2})",
            (
                "IKEv2-PROTO-1: (11): Received no proposal chosen notify",
                "IKEv2-PROTO-1: (11): There was no IPSEC policy found for received TS",
                "IKEv2-PROTO-1: (11): Failed to find a matching policy",
                "IKEv2-PROTO-1: (11): Failed to authenticate the IKE SA",
            ),
            words=("Received", "Failed", "There"),
        ),
        Pattern(
            "created",
            r"IKEV2 SA created; inserting SA into database",
            (
                "IKEv2-PROTO-2: (11): IKEV2 SA created; inserting SA into database. SA lifetime"
                " timer (86400 sec) started",
            ),
        ),
        Pattern(
            "status",
            r"CONNECTION STATUS: (?P<status>UP|DOWN|REGISTERED)\.{0,3} peer:"
            rf" {_END.format('peer')}, phase1_id: (?P<id>[^\n]{{0,120}})",
            ("IKEv2-PLAT-2: \nCONNECTION STATUS: UP... peer: 192.0.2.9:500, phase1_id: 192.0.2.9",),
        ),
        Pattern(
            "dpd-configured",
            r"Initializing DPD, configured for (?P<interval>\d{1,6}) seconds",
            ("IKEv2-PROTO-2: (11): Initializing DPD, configured for 10 seconds",),
        ),
        Pattern(
            "keys-loading",
            r"Load IPSEC key material",
            ("IKEv2-PROTO-2: (11): Load IPSEC key material",),
        ),
        Pattern(
            "key-engine",
            r"Received PFKEY (?P<what>SPI callback|add SA|update SA|delete SA) for SPI"
            r" (?P<spi>0x[0-9A-Fa-f]{1,8}),? error FALSE",
            (
                "IKEv2-PLAT-2: Received PFKEY add SA for SPI 0x0A0B0C11, error FALSE",
                "IKEv2-PLAT-2: Received PFKEY delete SA for SPI 0x0A0B0C11 error FALSE",
            ),
        ),
        Pattern(
            "deleting-sa",
            r"Deleting SA[ \t]{0,20}(?:\n|$)",
            ("IKEv2-PROTO-2: (11): Deleting SA",),
        ),
        Pattern(
            "hint",
            r"(?P<reason>session manager killed ikev2 tunnel\. Reason: [^\n]{1,60})",
            (
                "IKEv2-PLAT-2: (11): session manager killed ikev2 tunnel. Reason: Administrator"
                " Reset",
            ),
            words=("session",),
        ),
    ),
    ignored=(
        r"SM Trace->|Action: |\[IKEv2 ->|\[Crypto Engine|$",
        r"(?:AAA|Abort|Accounting|Active ike|attempting|Asynchronous|Auth|Base MTU|Build)",
        r"(?:Calculat|Check|Cisco|class attr|Clos|Complet|Comput|connection |Construct|Config)",
        r"(?:Create|Crypto|custom|Decrement|Decrypt success|decrypt queued|Delete all)",
        r"(?:Deleting neg|DPD Max|Encrypt|ESP Prop|Failed|Found|Fragment|Generat|Get|group|Host)",
        r"(?:idle|IKE Proposal|IKEv2 (?:received|session)|Increment|Info|Initial|Insert)",
        r"(?:INVALID PSH|IPv[46] filter|ipsec delete|Local|mapped|mib_index|[Mm]y[ _]|NAT)",
        r"(?:Negotiat|New ikev2|No |P1 ID|Parse|[Pp]eer|PROXY|PSH|Process)",
        r"(?:Received (?:PFKEY|valid|no)|Redirect|Remote|Request|Retriev|Searching|Selected)",
        r"(?:Sending (?:certificate|auth)|[Ss]ession|Set|Site to Site|SKEYSEED|Skip|Start)",
        r"(?:Success|supported|Translating|Trying|tg_name|tp_name|tunn|Us(?:e |ing)|Verif|With)",
        r"(?:Adding|Default|Detected|Opening)",
    ),
)
