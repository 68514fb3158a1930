"""Cisco IOS and IOS XE: `debug crypto ikev2`, with packet, internal and error debugging.

Forms: log grammar section 3. A packet is one record over several lines; what an encrypted packet
carries stands in the lines before it. `decode.assembly.cisco_ikev2` brings them together.
"""

from __future__ import annotations

from typing import Final

from analyzers.dialects.cisco_refusals import CISCO_V2
from analyzers.dialects.dialect import Dialect, Pattern

# IPv6 peers are written without brackets: the port follows the last colon.
_END: Final = r"(?P<{0}>[0-9A-Za-z.:*%<>\-]{{2,60}}):(?P<{0}_port>\d{{1,5}})"
_PAYLOADS: Final = r"(?: Payload contents:(?P<payloads>[\s\S]{0,1200}))?"
_EXCHANGE: Final = (
    r"(?P<exchange>IKE_SA_INIT|IKE_AUTH|CREATE_CHILD_SA|INFORMATIONAL|[A-Z][A-Z0-9]{3,24})"
)
_SPI: Final = r"(?:0x)?(?P<{0}>[0-9A-Fa-f]{{16}})"
_ENCRYPTED: Final = (
    " [To {0}:500/From {1}:500/VRF i0:f0] \nInitiator SPI : 0A1B2C3D4E5F6071 - Responder SPI :"
    " 8192A3B4C5D6E7F8 Message id: 4\nIKEv2 INFORMATIONAL Exchange REQUEST \nPayload contents: \n"
    " ENCR "
)

DIALECT = Dialect(
    name="cisco-ikev2",
    family="ios",
    title="Cisco IOS/IOS XE debug crypto ikev2",
    version=2,
    lenient=True,
    tag=(
        r"IKEv2(?:-(?:INTERNAL|ERROR|PAK))?:{1,2}[ \t]?"
        r"(?:\((?:SESSION\s{1,4}ID\s{1,4}=\s{1,4}(?P<session>\d{1,10}),\s{0,4})?"
        r"SA\s{1,4}ID\s{1,4}=\s{1,4}(?P<conn>\d{1,10})\)[ \t]?:{0,2})?\s{0,4}"
    ),
    patterns=(
        Pattern(
            "packet",
            rf"(?P<way>Sending|Received) Packet \[(?:(?:To|From) {_END.format('peer')}/(?:From|To)"
            rf" {_END.format('local')}/VRF [^\]]{{0,40}}\] Initiator SPI : {_SPI.format('ispi')}"
            rf" - Responder SPI : {_SPI.format('rspi')} Message id: (?P<mid>\d{{1,10}})"
            rf"(?: IKEv2 {_EXCHANGE} Exchange"
            r" (?P<kind>REQUEST|RESPONSE))?" + _PAYLOADS + ")?",
            (
                "IKEv2:(SESSION ID = 5,SA ID = 1):Sending Packet"
                + _ENCRYPTED.format("192.0.2.9", "192.0.2.1"),
                "Jun  3 2026 08:00:01.120 UTC: IKEv2:(SESSION ID = 5,SA ID = 1):Sending Packet"
                + _ENCRYPTED.format("2001:DB8::9", "2001:DB8::1"),
                "IKEv2:(SA ID = 1):Received Packet [From x.x.x.x:4500/To 192.0.2.1:4500/VRF"
                " i0:f0]\nInitiator SPI : 0A1B2C3D4E5F6071 - Responder SPI : 8192A3B4C5D6E7F8"
                " Message id: 4\nIKEv2 INFORMATIONAL Exchange RESPONSE\nPayload contents: \n",
                "IKEv2:(SESSION ID = 5,SA ID = 1):Received Packet [From 192.0.2.9:500/To 192.",
            ),
            words=("Sending", "Received"),
        ),
        Pattern(
            "build",
            r"Building packet for encryption\." + _PAYLOADS,
            (
                "IKEv2:(SESSION ID = 5,SA ID = 1):Building packet for encryption.  \n"
                "Payload contents: \n DELETE",
                "IKEv2:(SESSION ID = 5,SA ID = 1):Building packet for encryption.",
            ),
        ),
        Pattern(
            "delete-info",
            r"(?P<way>Sending|Processing) DELETE INFO message for (?:IPsec|IKEv2|IKE) SA"
            rf" \[(?:SPI: (?P<spi>0x[0-9A-Fa-f]{{1,8}})|ISPI: {_SPI.format('ispi')}"
            rf" RSPI: {_SPI.format('rspi')})\]",
            (
                "IKEv2:(SESSION ID = 5,SA ID = 1):Sending DELETE INFO message for IPsec SA [SPI:"
                " 0x0A0B0C11]",
                "IKEv2:(SESSION ID = 5,SA ID = 1):Processing DELETE INFO message for IKEv2 SA"
                " [ISPI: 0x0A1B2C3D4E5F6071 RSPI: 0x8192A3B4C5D6E7F8]",
            ),
            words=("Sending", "Processing"),
        ),
        Pattern(
            "liveness-sending",
            r"Sending DPD/liveness query",
            ("IKEv2:(SESSION ID = 5,SA ID = 1):Sending DPD/liveness query",),
        ),
        Pattern(
            "liveness-received",
            r"Received DPD/liveness query",
            ("IKEv2:(SESSION ID = 5,SA ID = 1):Received DPD/liveness query",),
        ),
        Pattern(
            "answer-sending",
            r"Sending ACK to informational exchange",
            ("IKEv2:(SESSION ID = 5,SA ID = 1):Sending ACK to informational exchange",),
        ),
        Pattern(
            "answer-received",
            r"(?:Processing ACK to informational exchange|Received response to DPD/liveness query)",
            (
                "IKEv2:(SESSION ID = 5,SA ID = 1):Processing ACK to informational exchange",
                "IKEv2:(SESSION ID = 5,SA ID = 1):Received response to DPD/liveness query",
            ),
            words=("Processing", "Received"),
        ),
        Pattern(
            "retransmitting",
            r"Retransmitting packet",
            ("IKEv2:(SESSION ID = 5,SA ID = 1):Retransmitting packet ",),
        ),
        Pattern(
            "given-up",
            r"Maximum number of retransmissions reached",
            (
                "IKEv2-ERROR:(SESSION ID = 5,SA ID = 1):: Maximum number of retransmissions"
                " reached",
                "IKEv2:: Maximum number of retransmissions reached",
            ),
        ),
        Pattern(
            "refused",
            rf"(?:: )?(?P<refusal>{CISCO_V2})",
            (
                "IKEv2-ERROR:(SESSION ID = 5,SA ID = 1):: Received no proposal chosen notify",
                "IKEv2-ERROR:(SESSION ID = 5,SA ID = 1):: There was no IPSEC policy found for"
                " received TS",
                "IKEv2-ERROR:(SESSION ID = 5,SA ID = 1):: Failed to find a matching policy",
                "IKEv2-ERROR:(SESSION ID = 5,SA ID = 1):Failed to authenticate the IKE SA",
            ),
            words=("Received", "Failed", "There"),
        ),
        Pattern(
            "exchange-failed",
            r"(?P<reason>(?:Initial|Auth|Create child|Informational) exchange failed|"
            r"Failed SA init exchange)",
            (
                "IKEv2-ERROR:(SESSION ID = 5,SA ID = 1):Initial exchange failed: Initial exchange"
                " failed",
                "IKEv2:(SESSION ID = 5,SA ID = 1):Failed SA init exchange",
            ),
            words=("Initial", "Auth", "Create", "Informational", "Failed"),
        ),
        Pattern(
            "state-machine",
            rf"SM Trace-> SA: I_SPI={_SPI.format('ispi')} R_SPI={_SPI.format('rspi')}"
            r" \((?P<role>[IR])\) MsgID = [0-9A-Fa-f]{1,8} CurState: (?P<state>\w{2,40})"
            r" Event: EV_(?P<input>\w{2,40})",
            (
                "Jun  3 2026 08:00:09.120 UTC: IKEv2-INTERNAL:(SESSION ID = 5,SA ID = 1):SM"
                " Trace-> SA: I_SPI=0A1B2C3D4E5F6071 R_SPI=8192A3B4C5D6E7F8 (I) MsgID = 4"
                " CurState: INFO_I_WAIT Event: EV_RE_XMT",
            ),
        ),
        Pattern(
            "created",
            r"IKEV2 SA created; inserting SA into database",
            (
                "IKEv2:(SESSION ID = 5,SA ID = 1):IKEV2 SA created; inserting SA into database."
                " SA lifetime timer (86400 sec) started",
            ),
        ),
        Pattern(
            "session-up",
            r"Session with IKE ID PAIR \((?P<ids>[^()]{0,300})\) is UP",
            (
                "IKEv2:(SESSION ID = 5,SA ID = 1):Session with IKE ID PAIR (192.0.2.9, 192.0.2.1)"
                " is UP",
            ),
        ),
        Pattern(
            "delete-queued",
            r"Queuing IKE SA delete request reason: (?P<reason>[^\n]{1,100})",
            ("IKEv2:(SESSION ID = 5,SA ID = 1):Queuing IKE SA delete request reason: unknown",),
        ),
        Pattern(
            "deleting-sa",
            r"Deleting SA[ \t]{0,20}(?:\n|$)",
            ("IKEv2:(SESSION ID = 5,SA ID = 1):Deleting SA",),
        ),
        Pattern(
            "dpd-configured",
            r"Initializing DPD, configured for (?P<interval>\d{1,6}) seconds",
            (
                "IKEv2-INTERNAL:(SESSION ID = 5,SA ID = 1):Initializing DPD, configured for 10"
                " seconds",
            ),
        ),
    ),
    ignored=(
        r"%|\[(?:IKEv2|Crypto)|$",
        r"(?:Adding|Asynchronous|Attrib|Authentication|Calculat|Check|Choosing|Completed|Comput)",
        r"(?:Config|Constructing|Create|Delete all|Detected|Enqueuing|Found|Generat|Get)",
        r"(?:Have|Host is|Insert|(?:IKE|ESP|AH) Proposal|IKE_|IKEv2 |Load|Local|Looking|Matched)",
        r"(?:My auth|NAT |No |Opening|Parse|Peer|Request|Retriev|Saving|Searching|Set |Skip|Start)",
        r"(?:Process(?:ing)? (?:IKE_|auth|ID|nat|notify|init|config|CERT|delete req|CREATE_))",
        r"(?:Sending (?:certificate|NAT)|Received (?:valid|custom|no|Security|config))",
        r"(?:Session (?:has|info)|Success|Us(?:e|ing) |Verif|Valid|found matching|not a VPN|KMI)",
    ),
)
