"""Cisco ASA, PIX and FTD: IKEv1 in syslog and on the console, and the IPsec and IKEv2 syslog.

Forms: log grammar section 4.1. Syslog and console (`debug crypto isakmp`) say the same sentences
behind different tags. What a notify or a Delete is stands in other lines than its packet:
`decode.assembly.cisco_asa` brings them together.
"""

from __future__ import annotations

from typing import Final

from analyzers.dialects.dialect import Dialect, Pattern

_IP: Final = r"[0-9A-Fa-fxyzXYZ.:*]{2,45}"
_SPI: Final = r"(?P<{0}>0x[0-9A-Fa-f]{{1,8}})"
_SEQUENCE: Final = r"\(seq number (?:(?P<seq_hex>0x[0-9A-Fa-f]{1,8})|(?P<seq>\d{1,10}))\s?\)"
_ENDS_V2: Final = (
    rf"Local:(?P<local>{_IP}):(?P<local_port>\d{{1,5}}) Remote:(?P<peer>{_IP})"
    r":(?P<peer_port>\d{1,5}) Username:\s{0,3}(?:\S{1,100} ){0,6}?"
)
_REASON: Final = r"Reason: (?P<reason>[^\n]{1,120})"
_FROM_PEER: Final = "Group = 192.0.2.9, IP = 192.0.2.9, "

DIALECT = Dialect(
    name="cisco-asa",
    family="asa",
    title="Cisco ASA/PIX IKEv1 debug and VPN syslog",
    lenient=True,
    tag=(
        r"(?::[ \t]{1,4})?(?:\w{1,16}\.\w{1,16}[ \t]{1,4})?"
        r"(?:%(?:ASA|PIX|FTD)-(?:\w{1,20}-)?\d-"
        r"(?P<code>113019|199002|402\d{3}|602\d{3}|713\d{3}|714\d{3}|715\d{3}|750\d{3}):\s{0,4}"
        r"|(?:%(?:ASA|PIX|FTD)-\d-711001:\s{0,4})?\[IKEv1(?:[ \t]{1,2}[A-Z]{1,10})?\]:?\s{0,4})"
        r"(?:Group\s{1,4}=\s{1,4}(?P<group>[^,\n]{1,100}),\s{1,4})?"
        r"(?:Username\s{1,4}=\s{1,4}(?P<user>[^,\n]{1,100}),\s{1,4})?"
        rf"(?:IP\s{{1,4}}=\s{{1,4}}(?P<peer>{_IP}),?\s{{1,4}})?"
    ),
    patterns=(
        Pattern(
            "packet",
            r"IKE_DECODE (?P<way>SENDING|RECEIVED|RESENDING) Message"
            r" \(msgid=(?P<mid_hex>[0-9A-Fa-f]{1,8})\) with payloads :"
            r" (?P<payloads>HDR[\w+()\s\-]{0,500}?) total length\s{0,3}:\s{0,3}(?P<length>\d{1,6})",
            (
                "Sep 15 2025 03:14:00: %ASA-7-713236: IP = 192.0.2.9, IKE_DECODE SENDING Message"
                " (msgid=4c1a90e2) with payloads : HDR + HASH (8) + NOTIFY (11) + NONE (0) total"
                " length : 80",
                "Sep 15 03:14:00 [IKEv1]IP = 192.0.2.9, IKE_DECODE RESENDING Message (msgid=0)"
                " with payloads : HDR + KE (4) + NONCE (10) + NONE (0) total length :256",
            ),
        ),
        Pattern(
            "dpd-received",
            r"Received keep-alive of type (?:DPD )?(?P<notify>R-U-THERE(?:-ACK)?) " + _SEQUENCE,
            (
                "192.0.2.254:514 : local7.debug %PIX-7-715075: Group = 192.0.2.9, IP = 192.0.2.9,"
                " Received keep-alive of type DPD R-U-THERE (seq number 0x47e40a70)",
                "[IKEv1 DEBUG]: " + _FROM_PEER + "Received keep-alive of type DPD R-U-THERE-ACK"
                " (seq number 0x47e40a71 )",
            ),
        ),
        Pattern(
            "dpd-sending",
            r"Sending keep-alive of type (?:DPD )?(?P<notify>R-U-THERE(?:-ACK)?) " + _SEQUENCE,
            (
                "Sep 15 2025 03:14:00 fw1 : %ASA-7-715036: " + _FROM_PEER + "Sending keep-alive"
                " of type DPD R-U-THERE-ACK (seq number 0x47e40a70)",
            ),
        ),
        Pattern(
            "dead",
            r"IKE lost contact with remote peer, deleting connection"
            r" \(keepalive type: (?P<keepalive>(?!\s)[\w ]{1,20})\)",
            (
                "%ASA-3-713123: Group = g1, Username = u1, IP = 192.0.2.9, IKE lost contact with"
                " remote peer, deleting connection (keepalive type: DPD)",
                "%PIX-3-713123: Group = g1, Username = u1, IP = 192.0.2.9 IKE lost contact with"
                " remote peer, deleting connection (keepalive type: DPD)",
            ),
        ),
        Pattern(
            "dpd-agreed",
            r"Keep-alive type for this connection: (?P<keepalive>\w{1,20})",
            ("%ASA-7-713121: IP = 192.0.2.9, Keep-alive type for this connection: DPD",),
        ),
        Pattern(
            "dpd-vendor-id-received",
            r"Received DPD VID",
            ("%ASA-7-715049: IP = 192.0.2.9, Received DPD VID",),
        ),
        Pattern(
            "dpd-vendor-id-sent",
            r"constructing dpd vid payload",
            ("%ASA-7-715046: " + _FROM_PEER + "constructing dpd vid payload",),
        ),
        Pattern(
            "hint",
            r"(?P<reason>Keep-alives configured [^\n]{0,160}|Received DPD sequence number"
            r" [^\n]{0,120}|Received keep-alive of type [^\n]{1,40}, not the negotiated type"
            r"|Starting IOS keepalive monitor: [^\n]{0,40}"
            r"|Received an? (?:un-encrypted|encrypted) [A-Z_]{4,40} notify message[^\n]{0,40}"
            r"|QM FSM error[^\n]{0,80}|Connection terminated for peer [^\n]{0,160})",
            (
                "%ASA-5-713904: IP = 192.0.2.9, Received an un-encrypted INVALID_COOKIE notify"
                " message, dropping",
                "%ASA-7-715035: IP = 192.0.2.9 Starting IOS keepalive monitor: 80 sec.",
                "%ASA-3-713122: IP = 192.0.2.9 Keep-alives configured on but peer 192.0.2.9 does"
                " not support keep-alives (type = None)",
                "%ASA-6-713124: " + _FROM_PEER + "Received DPD sequence number 7 in DPD"
                " R-U-THERE-ACK, expected seq # 8",
                "%ASA-5-713050: " + _FROM_PEER + "Connection terminated for peer 192.0.2.9. "
                " Reason: Peer Terminate  Remote Proxy 10.2.0.0, Local Proxy 10.1.0.0",
            ),
            words=("Keep", "Received", "Starting", "QM", "Connection"),
        ),
        Pattern(
            "refusal-received",
            r"Received non-routine Notify message: [^\n()]{1,60}\((?P<notify>\d{1,5})\)",
            (
                "%ASA-5-713068: " + _FROM_PEER + "Received non-routine Notify message: No proposal"
                " chosen (14)",
            ),
        ),
        Pattern(
            "refused",
            r"All (?P<child>IPSec )?SA proposals found unacceptable",
            (
                "%ASA-5-713904: " + _FROM_PEER + "All IPSec SA proposals found unacceptable!",
                "%ASA-5-713904: IP = 192.0.2.9, All SA proposals found unacceptable",
            ),
        ),
        Pattern(
            "phase1-up",
            r"PHASE 1 COMPLETED",
            ("%ASA-5-713119: " + _FROM_PEER + "PHASE 1 COMPLETED",),
        ),
        Pattern(
            "child-up",
            r"Security negotiation complete for (?!\s)[^\n]{1,120}?\)"
            r"\s{1,4}(?:Initiator|Responder),"
            rf" Inbound SPI = {_SPI.format('spi')}, Outbound SPI = {_SPI.format('spi2')}",
            (
                "%ASA-5-713049: " + _FROM_PEER + "Security negotiation complete for LAN-to-LAN"
                " Group (192.0.2.9)  Initiator, Inbound SPI = 0x850a7900, Outbound SPI ="
                " 0x2cc71500",
            ),
        ),
        Pattern(
            "child",
            r"IPSEC: An (?:in|out)bound (?:[\w\-]{1,20} ){1,4}?SA"
            r" \(SPI=\s{0,2}(?P<spi>0x[0-9A-Fa-f]{1,8})"
            rf"\) between (?P<one>{_IP}) and (?P<other>{_IP})"
            r" \(user=\s{0,2}(?P<owner>[^)\n]{0,100})\) has been (?P<what>created|deleted)",
            (
                "%ASA-6-602303: IPSEC: An outbound LAN-to-LAN SA (SPI= 0x2CC71500) between"
                " 192.0.2.1 and 192.0.2.9 (user= 192.0.2.9) has been created.",
                "%FTD-6-602304: IPSEC: An inbound LAN-to-LAN SA (SPI= 0x850A7900) between"
                " 192.0.2.1 and 192.0.2.9 (user= 192.0.2.9) has been deleted.",
            ),
        ),
        Pattern(
            "delete-building",
            r"constructing (?P<what>IPSec|IPsec|IKE) delete payload",
            (
                "%ASA-7-715046: " + _FROM_PEER + "constructing IPSec delete payload",
                "[IKEv1 DEBUG]" + _FROM_PEER + "constructing IKE delete payload",
            ),
        ),
        Pattern(
            "torn-down",
            r"Session is being torn down\. " + _REASON,
            ("%ASA-5-713259: " + _FROM_PEER + "Session is being torn down. Reason: Lost Service",),
        ),
        Pattern(
            "disconnected",
            r"Session disconnected\. Session Type: (?P<type>(?!\s)[^,\n]{1,40}),"
            r"[\s\S]{1,200}?" + _REASON,
            (
                "%ASA-4-113019: Group = 192.0.2.9, Username = 192.0.2.9, IP = 192.0.2.9, Session"
                " disconnected. Session Type: LAN-to-LAN, Duration: 0h:04m:12s, Bytes xmt: 9310,"
                " Bytes rcv: 0, Reason: Lost Service",
            ),
        ),
        Pattern(
            "terminating",
            r"IKE SA [A-Z]{2}:[0-9A-Fa-f]{8} terminating:",
            (
                "%ASA-7-713906: " + _FROM_PEER + "IKE SA MM:c6b81e02 terminating:  flags"
                " 0x01000002, refcnt 0, tuncnt 0",
            ),
        ),
        Pattern(
            "gave-up",
            r"IKE (?:MM|AM|QM|SA) (?:Initiator|Responder) FSM error history"
            r" (?P<history>[^\n]{0,1200})",
            (
                "%ASA-7-715065: IP = 192.0.2.9, IKE MM Initiator FSM error history (struct"
                " 0xcd8f0000)  <state>, <event>:  MM_DONE, EV_ERROR-->MM_WAIT_MSG2, EV_RETRY-->"
                "MM_WAIT_MSG2, EV_TIMEOUT",
            ),
        ),
        Pattern(
            "invalid-spi",
            rf"IPSEC: Received an? \w{{2,8}} packet \(SPI\s{{0,2}}=\s{{0,2}}{_SPI.format('spi')},"
            r" sequence number\s{0,2}=\s{0,2}0x[0-9A-Fa-f]{1,8}\)"
            rf" from (?P<peer>{_IP})(?: \(user=[^)\n]{{0,100}}\))?"
            rf" to (?P<local>{_IP}) with an invalid SPI",
            (
                "%ASA-4-402114: IPSEC: Received an ESP packet (SPI= 0x0A0B0C11, sequence number="
                " 0x0000001c) from 192.0.2.9 to 192.0.2.1 with an invalid SPI.",
            ),
        ),
        Pattern(
            "invalid-spi-old",
            rf"decaps: rec'd IPSEC packet has invalid spi for destaddr=(?P<local>{_IP}),"
            rf" prot=\w{{1,8}}, spi={_SPI.format('spi')}(?:\(\d{{1,10}}\))?"
            rf"(?:, srcaddr=(?P<peer>{_IP}))?",
            (
                "%PIX-4-402101: decaps: rec'd IPSEC packet has invalid spi for"
                " destaddr=192.0.2.1, prot=esp, spi=0x0A0B0C11(168496145)",
            ),
        ),
        Pattern(
            "ikev2-sa",
            _ENDS_V2 + r"IKEv2 SA (?P<what>UP|DOWN)\. " + _REASON,
            (
                "%ASA-5-750006: Local:192.0.2.1:500 Remote:192.0.2.9:500 Username:192.0.2.9 IKEv2"
                " SA UP. Reason: New Connection Established",
                "%ASA-5-750007: Local:192.0.2.1:500 Remote:192.0.2.9:500 Username:192.0.2.9 IKEv2"
                " SA DOWN. Reason: peer lost",
            ),
        ),
        Pattern(
            "ikev2-asked",
            _ENDS_V2 + r"IKEv2 Received a IKE_INIT_SA request",
            (
                "%ASA-5-750002: Local:192.0.2.1:500 Remote:192.0.2.9:500 Username:Unknown IKEv2"
                " Received a IKE_INIT_SA request",
            ),
        ),
        Pattern(
            "started",
            r"(?P<reason>Startup completed)\.",
            ("%ASA-6-199002: Startup completed.  Beginning operation.",),
        ),
        Pattern(
            "ikev2-failed",
            _ENDS_V2 + r"(?:IKEv2 )?Negotiation aborted due to ERROR: (?P<reason>[^\n]{1,120})",
            (
                "%ASA-4-750003: Local:192.0.2.1:500 Remote:192.0.2.9:500 Username:192.0.2.9 IKEv2"
                " Negotiation aborted due to ERROR: Maximum number of retransmissions reached",
            ),
        ),
    ),
    ignored=(
        r"(?:constructing|[Cc]onstructing|processing|Processing|Oakley|oakley|Generating|Computing)",
        r"(?:IKE (?:Initiator|Responder|Peer|got|Received|Remote|AM|MM|SA)|Pitcher|Starting P\d)",
        r"(?:Received (?!\s)[\w/ +\-]{1,60}(?: VID|client)|Send |loading|Transmitting)",
        r"Connection landed",
        r"(?:ID_\w+ ID received|PHASE 2 COMPLETED|Queuing KEY|Information Exchange|Active unit)",
        r"(?:NP encrypt|Static Crypto Map|Adding static|Deleting static|Automatic NAT|Remov)",
        r"(?:sending delete|Duplicate|P\d Retransmit|Deleting|Freeing|Setting|Sending|Keepalive)",
        _ENDS_V2,
    ),
)
