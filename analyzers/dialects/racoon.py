"""racoon of ipsec-tools, and FortiClient, whose IKEv1 is racoon and whose IKEv2 is OpenBSD's iked.

Forms: log grammar section 7; the wording is that of ipsec-tools 0.8. RouterOS 6 speaks the same
words behind another tag.
"""

from __future__ import annotations

from typing import Final

from analyzers.dialects.dialect import Dialect, Pattern

_IP: Final = r"[0-9A-Za-z.:%*]{2,60}"
_SPIS: Final = r"(?P<ispi>[0-9a-f]{16}):(?P<rspi>[0-9a-f]{16})"
_LEVEL: Final = r"(?:INFO|DEBUG2?|NOTIFY|WARNING|ERROR):[ \t]{1,4}"
_PLACE: Final = r"\w{1,32}\.c:\d{1,6}:\w{1,64}\(\):[ \t]{0,4}"
_PEER: Final = rf"\[(?P<peer>{_IP})(?:\[\d{{1,5}}\])?\][ \t]{{1,4}}"
# A level alone may be any program's: then the words must be racoon's.
_WORDS: Final = (
    r"DPD|ISAKMP-SA|IPsec-SA|purg|received an? (?:valid )?R-U|received Vendor ID: DPD"
    r"|(?:initiate|respond) new phase|phase[12] negotiation|rescheduling send_r_u|Wrong DPD"
    r"|@\(#\)ipsec-tools"
    r"|\d{1,6} bytes (?:message received )?from"
    r"|delete payload for|sendto (?:Information|\([A-Z])|resend phase|received INITIAL-CONTACT"
)


def _end(name: str) -> str:
    return rf"(?P<{name}>{_IP})\[(?P<{name}_port>\d{{1,5}})\]"


def words(before: str) -> tuple[Pattern, ...]:
    """The patterns of racoon's words; `before` is the tag that their samples begin with."""
    spis = "0a1b2c3d4e5f6071:8192a3b4c5d6e7f8"
    ends = "192.0.2.1[500]-192.0.2.9[500]"
    return (
        Pattern(
            "dpd-sent",
            r"DPD R-U-There sent \((?P<code>-?\d{1,10})\)",
            (before + "DPD R-U-There sent (0)",),
        ),
        Pattern(
            "dpd-monitoring",
            r"DPD monitoring\.{2,6}(?:dpd_fails=(?P<fails>\d{1,4}))?",
            (before + "DPD monitoring....", before + "DPD monitoring....dpd_fails=1"),
        ),
        Pattern(
            "dpd-received",
            r"DPD R-U-There received",
            (before + "DPD R-U-There received",),
        ),
        Pattern(
            "dpd-answered",
            r"received a valid R-U-THERE, ACK sent",
            (before + "received a valid R-U-THERE, ACK sent",),
        ),
        Pattern(
            "dpd-ack-received",
            r"DPD R-U-There-Ack received",
            (before + "DPD R-U-There-Ack received",),
        ),
        Pattern(
            "dpd-ack-accepted",
            r"received an R-U-THERE-ACK",
            (before + "received an R-U-THERE-ACK",),
        ),
        Pattern(
            "dpd-wrong-sequence",
            r"(?P<reason>Wrong DPD sequence number \((?P<seq>\d{1,10})[^)\n]{0,60}\))",
            (
                before + "Wrong DPD sequence number (17, 18 expected).",
                before + "Wrong DPD sequence number (17; last_ack=17, seq=18).",
            ),
        ),
        Pattern(
            "dead",
            rf"DPD: (?P<who>remote|peer) (?:\(ISAKMP-SA spi={_SPIS}\) )?"
            r"(?P<how>(?:seems to be |is )?dead)",
            (
                before + f"DPD: remote (ISAKMP-SA spi={spis}) seems to be dead.",
                before + "DPD: remote seems to be dead",
                before + "DPD: peer dead",
            ),
        ),
        Pattern(
            "dpd-vendor-id",
            r"received Vendor ID: DPD",
            (before + "received Vendor ID: DPD",),
        ),
        Pattern(
            "phase1",
            r"(?:initiate|respond) new phase 1 (?:negotiation|\([\w ]{2,40}\)):"
            rf" {_end('local')}<=>{_end('peer')}",
            (
                before + "initiate new phase 1 negotiation: 192.0.2.1[500]<=>192.0.2.9[500]",
                before + "respond new phase 1 (Identity Protection): 192.0.2.1[500]"
                "<=>192.0.2.9[500]",
            ),
            words=("initiate", "respond"),
        ),
        Pattern(
            "ike-up",
            rf"ISAKMP-SA established {_end('local')}-{_end('peer')} spi:{_SPIS}",
            (before + f"ISAKMP-SA established {ends} spi:{spis}",),
        ),
        Pattern(
            "ike-down",
            r"ISAKMP-SA (?P<reason>expired|deleted)"
            rf" {_end('local')}-{_end('peer')} spi:{_SPIS}",
            (before + f"ISAKMP-SA deleted {ends} spi:{spis}",),
        ),
        Pattern(
            "ike-purged",
            rf"(?P<reason>purging|purged) ISAKMP-SA (?:proto_id=\w{{1,10}} )?spi={_SPIS}",
            (
                before + f"purging ISAKMP-SA spi={spis}.",
                before + f"purged ISAKMP-SA proto_id=ISAKMP spi={spis}.",
            ),
            words=("purging", "purged"),
        ),
        Pattern(
            "child-up",
            rf"IPsec-SA established: [A-Z]{{2,6}}/[A-Za-z]{{4,12}} {_end('src')}->{_end('dst')}"
            r" spi=\d{1,10}\((?P<spi>0x[0-9a-f]{1,8})\)",
            (
                before + "IPsec-SA established: ESP/Tunnel 192.0.2.9[500]->192.0.2.1[500]"
                " spi=168496145(0xa0b0c11)",
            ),
        ),
        Pattern(
            "child-purged",
            r"purg(?:ed|ing) (?:IPsec-SA )?(?:proto_id=\w{1,10} )?spi=(?P<decimal>\d{1,10})(?!\w)",
            (
                before + "purged IPsec-SA proto_id=ESP spi=168496145.",
                before + "purging spi=168496145.",
            ),
            words=("purged", "purging"),
        ),
        Pattern(
            "gave-up",
            r"(?P<reason>phase[12] negotiation failed due to time up)",
            (
                before + f"phase1 negotiation failed due to time up. {spis}",
                before + "phase2 negotiation failed due to time up waiting for phase1.",
            ),
        ),
        Pattern(
            "resent",
            r"resend phase(?P<phase>[12]) packet " + _SPIS,
            (before + f"resend phase1 packet {spis}",),
        ),
        Pattern(
            "delete-received",
            r"delete payload for protocol (?P<protocol>\w{2,10})",
            (before + "delete payload for protocol ESP",),
        ),
        Pattern(
            "delete-sent",
            r"sendto Information delete",
            (before + "sendto Information delete.",),
        ),
        Pattern(
            "packet",
            r"(?:={3,5} )?(?P<received>received )?\d{1,6} bytes (?P<received2>message received )?"
            rf"from {_end('src')} to {_end('dst')}",
            (
                before + "92 bytes from 192.0.2.1[500] to 192.0.2.9[500]",
                before + "92 bytes message received from 192.0.2.9[500] to 192.0.2.1[500]",
                before + "===== received 92 bytes from 192.0.2.9[500] to 192.0.2.1[500]",
            ),
            words=("bytes", "received"),
        ),
        Pattern(
            "initial-contact",
            r"(?P<reason>received INITIAL-CONTACT)",
            (before + "received INITIAL-CONTACT",),
        ),
    )


# What racoon says beside: negotiation, the kernel's table, its own state.
COMMON: Final = (
    r"(?:receive Information|compute|hash|HASH|begin|seen nptype|succeed|encryption|decrypt|IV)",
    r"(?:IPsec-SA expired|initiate new phase 2|respond new phase 2|rescheduling|delete phase|pk_)",
    r"(?:\d{1,6} (?:bytes|times)|sendto Information notify|sockname|send packet|received|new cook)",
    r"(?:get|getsainfo|phase[12]|pfkey|call|configuration|use|no |==|caught|try|alg|agreed|trns)",
)

_CLIENT: Final = "[2026-03-27 11:00:19.2073601 UTC-04:00] [3872:28148] [iked  446    info] "

DIALECT = Dialect(
    name="racoon",
    family="racoon",
    title="racoon (ipsec-tools) and FortiClient",
    tag=(
        rf"(?:racoon(?:\[\d{{1,10}}\])?:[ \t]{{1,4}}(?:{_PEER})?(?:{_LEVEL})?(?:{_PLACE})?"
        rf"|\[(?P<peer2>{_IP})(?:\[\d{{1,5}}\])?\][ \t]{{1,4}}{_LEVEL}(?:{_PLACE})?"
        rf"|{_LEVEL}(?:{_PLACE}|(?={_WORDS}))"
        r"|\[\d{1,10}:\d{1,10}\][ \t]{0,4}\[(?:FortiIKE|iked|ipsec)[ \t]{1,8}\d{1,6}[ \t]{1,8}"
        r"\w{1,10}\][ \t]{0,4})"
    ),
    patterns=(
        *words("2026-03-11 12:00:00: [192.0.2.9] INFO: "),
        Pattern(
            "not-sent",
            r"sendto \((?P<reason>[A-Z][A-Za-z ]{2,60})\)",
            ("racoon: ERROR: sendto (Operation not permitted)",),
        ),
        Pattern(
            "started",
            r"@\(#\)(?P<reason>ipsec-tools) \d",
            (
                "racoon: INFO: @(#)ipsec-tools 0.8.2 (http://ipsec-tools.sourceforge.net)",
                "2026-03-11 12:00:00: INFO: @(#)ipsec-tools 0.8.0"
                " (http://ipsec-tools.sourceforge.net)",
            ),
            words=("ipsec",),
        ),
        Pattern(
            "iked-sent",
            r"(?:\w{2,24}\(\d{1,4}\) )?spi=0x(?P<ispi>[0-9a-f]{16}):\s{1,4}"
            r"(?P<again>re)?(?:send|transmit \d{1,4}) (?P<exchange>[A-Z_]{4,24})"
            rf" (?P<kind>req|res) (?P<mid>\d{{1,10}}) peer (?P<peer>{_IP}):(?P<peer_port>\d{{1,5}})"
            rf" local (?P<local>{_IP}):(?P<local_port>\d{{1,5}})(?:, (?P<length>\d{{1,6}}) bytes)?",
            (
                _CLIENT + "Informational(1) spi=0x0a1b2c3d4e5f6071:  send INFORMATIONAL req 9 peer"
                " 192.0.2.9:4500 local 192.0.2.1:50412, 80 bytes , NAT-T",
                _CLIENT + "spi=0x0a1b2c3d4e5f6071: retransmit 1 INFORMATIONAL req 9 peer"
                " 192.0.2.9:4500 local 192.0.2.1:50412",
            ),
            words=("Informational", "spi", "IKE", "Auth", "Create"),
        ),
        Pattern(
            "iked-received-id",
            r"ikev2_init_recv: Receive message with id: (?P<mid>\d{1,10})",
            (_CLIENT + "ikev2_init_recv: Receive message with id: 9",),
        ),
        Pattern(
            "iked-received",
            r"<== (?P<exchange>[A-Z_]{4,24}) (?P<kind>reply|request)",
            (_CLIENT + "<== INFORMATIONAL reply",),
            words=("INFORMATIONAL", "IKE", "CREATE"),
        ),
        Pattern(
            "iked-gave-up",
            r"(?:spi=0x(?P<ispi>[0-9a-f]{16}): )?(?P<reason>retransmit limit reached)"
            r" for (?:\w{4,24} )?req (?P<mid>\d{1,10})",
            (_CLIENT + "spi=0x0a1b2c3d4e5f6071: retransmit limit reached for req 9",),
            words=("spi", "retransmit"),
        ),
        Pattern(
            "client-dpd",
            r"config_getstatic: dpd_(?P<key>enabled|check_interval) (?P<value>\d{1,6})",
            (
                _CLIENT + "config_getstatic: dpd_enabled 1",
                _CLIENT + "config_getstatic: dpd_check_interval 5",
            ),
        ),
    ),
    ignored=(*COMMON, r"(?:config_|ikev2_|sendtofrom|spi=|[A-Za-z]{2,24}\(\d)"),
)
