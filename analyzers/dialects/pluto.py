"""Libreswan and Openswan pluto: syslog, pluto.log and what `ipsec up` prints, both IKE versions.

Forms: log grammar section 6; the wording is that of Libreswan 3 to 5 and of Openswan 2. Lines
about an SA name the connection and the serial number of its state; debug lines begin with a bar
and name the state at most. Probes are silent without debugging.
"""

from __future__ import annotations

from typing import Final

from analyzers.dialects.dialect import Dialect, Pattern

_IP: Final = r"[0-9A-Za-z.:%]{2,60}?"
_STATE_NAME: Final = r"(?P<state_name>[A-Z][A-Z_0-9]{3,40})"
_STATE_WORDS: Final = (
    *("STATE", "ESTABLISHED", "V", "MAIN", "AGGR", "QUICK", "PARENT", "IKE", "XAUTH", "MODE"),
    *("REKEY", "CREATE", "CHILD", "LARVAL"),
)
_EXCHANGE: Final = (
    r"(?P<exchange>IKE_SA_INIT|IKE_AUTH|IKE_INTERMEDIATE|CREATE_CHILD_SA|(?:Main|Aggressive|Quick)"
    r" Mode)"
)
_CHILD: Final = (
    r"(?:[^\n{]{0,300}\{(?:ESP|AH|IPCOMP)[^\n=]{0,40}=>0x(?P<out>\w{1,8}) <0x(?P<in>\w{1,8}))?"
    r"(?:[^\n}]{0,200}? DPD=(?P<dpd>\w{4,12}))?"
)
# The debug lines that matter, of some hundred kinds.
_DEBUG: Final = (
    r"DPD:|liveness:|processing informational|received an INFORMATIONAL liveness|\*received \d"
    r"|sending \d|\*\*(?:parse|emit) ISAKMP|[ \t]{0,4}[Mm]essage ID:"
)


def _end(name: str) -> str:
    """Address and port; test transcripts have a word for a port that changes."""
    return rf"(?P<{name}>{_IP}):(?:UDP/|TCP/)?(?P<{name}_port>\d{{1,5}}|[A-Z]{{1,8}})"


DIALECT = Dialect(
    name="pluto",
    family="libreswan",
    title="Libreswan/Openswan pluto",
    tag=(
        r"(?:(?:pluto|ipsec__plutorun)(?:\[\d{1,10}\])?:[ \t]{1,4})?(?:\d{3}[ \t])?(?:ERROR: )?"
        r'(?:"(?P<name>[^"\n]{1,100})"(?:\[\d{1,10}\]){0,2}'
        r'(?:[ \t](?:\.\.\.)?(?P<instance>[^\s"#]{2,60}))?[ \t]#(?P<serial>\d{1,10}):[ \t]'
        rf"|\|[ \t](?={_DEBUG})"
        rf"|packet from {_end('peer')}:[ \t]"
        r"|(?=Starting Pluto ))"
    ),
    patterns=(
        Pattern(
            "started",
            r"(?P<reason>Starting Pluto) \(",
            ("pluto[812]: Starting Pluto (Libreswan Version 4.12 IKEv2 IKEv1 XFRM) pid:812",),
        ),
        # --- IKEv1 Dead Peer Detection
        Pattern(
            "dpd-sending",
            rf"DPD: sending R_U_THERE (?P<seq>\d{{1,10}}) to {_end('peer')}"
            r" \(state #(?P<state>\d{1,10})\)",
            ("| DPD: sending R_U_THERE 10777 to 192.0.2.9:500 (state #1)",),
        ),
        Pattern(
            "dpd-for",
            r"DPD: processing for state #(?P<child>\d{1,10}) \(\"(?P<connection>[^\"\n]{1,100})\"",
            ('| DPD: processing for state #2 ("gw")',),
        ),
        Pattern(
            "dpd-not-sent",
            r"DPD: could not send (?P<notify>R_U_THERE(?:_ACK)?)",
            ('"gw" #1: DPD: could not send R_U_THERE',),
        ),
        Pattern(
            "not-sent",
            rf"sendto on \S{{1,40}} to {_end('peer')} failed in [^\n.:]{{1,80}}"
            r"(?:\. Errno \d{1,4})?: (?P<reason>[A-Z][A-Za-z ]{2,60})",
            (
                'ERROR: "gw" #1: sendto on eth1 to 192.0.2.9:500 failed in delete notification.'
                " Errno 1: Operation not permitted",
                'ERROR: "gw" #1: sendto on eth1 to 192.0.2.9:500 failed in retransmission: Network'
                " is unreachable (errno 101)",
            ),
        ),
        Pattern(
            "dpd-arrived",
            r"processing informational (?P<notify>R_U_THERE(?:_ACK)?) \(\d{5}\)",
            ("| processing informational R_U_THERE (36136)",),
        ),
        Pattern(
            "dpd-received",
            r"DPD: received R_U_THERE seq:(?P<seq>\d{1,10})[^\n(]{0,60}"
            r"(?:\(state=#(?P<state>\d{1,10}))?",
            (
                '| DPD: received R_U_THERE seq:24580 monotime:1234.5 (state=#1 name="gw")',
                "| DPD: received R_U_THERE seq:24580 time:1540000000",
            ),
        ),
        Pattern(
            "dpd-ack-received",
            r"DPD: R_U_THERE_ACK, seqno received: (?P<seq>\d{1,10}) expected: \d{1,10}"
            r"(?: \(state=#(?P<state>\d{1,10})\))?",
            ("| DPD: R_U_THERE_ACK, seqno received: 10777 expected: 10777 (state=#1)",),
        ),
        Pattern(
            "dpd-ack-unexpected",
            r"DPD: (?:unexpected R_U_THERE_ACK packet with|R_U_THERE_ACK has unexpected)"
            r" sequence number (?P<seq>\d{1,10})",
            (
                '"gw" #8: DPD: unexpected R_U_THERE_ACK packet with sequence number 49217',
                '"gw" #8: DPD: R_U_THERE_ACK has unexpected sequence number 5 (expected was 6)',
            ),
        ),
        Pattern(
            "dpd-duplicate",
            r"(?P<reason>DPD: received (?:old or duplicate R_U_THERE"
            r"|\d{1,3} or more duplicate R_U_THERE's - will no longer answer))",
            (
                '"gw" #8: DPD: received old or duplicate R_U_THERE',
                '"gw" #8: DPD: received 8 or more duplicate R_U_THERE\'s - will no longer answer',
            ),
        ),
        Pattern(
            "dead",
            r"(?P<reason>DPD action - [^\n]{4,100}|liveness action - [^\n]{4,100}"
            r"|DPD: (?:Info: )?No response from peer - declaring peer dead)",
            (
                '"gw" #1: DPD action - clearing connection kind CK_PERMANENT',
                '"gw"[1] 192.0.2.9 #1: liveness action - putting connection into hold',
                '"gw" #8: DPD: No response from peer - declaring peer dead',
                '"gw" #8: DPD: Info: No response from peer - declaring peer dead',
            ),
            words=("DPD", "liveness"),
        ),
        Pattern(
            "dpd-agreed",
            r"Dead Peer Detection \(RFC 3706\): enabled",
            ('"gw" #8: Dead Peer Detection (RFC 3706): enabled',),
        ),
        Pattern(
            "dpd-vendor-id",
            r"received Vendor ID payload \[Dead Peer Detection\]",
            (
                "packet from 192.0.2.9:500: received Vendor ID payload [Dead Peer Detection]",
                '"gw" #8: received Vendor ID payload [Dead Peer Detection]',
            ),
        ),
        # --- IKEv2 liveness
        Pattern(
            "liveness-queued",
            rf"liveness: #(?P<child>\d{{1,10}}) queueing liveness probe for {_end('peer')}"
            r"(?: using #(?P<state>\d{1,10}))?",
            ("| liveness: #2 queueing liveness probe for 192.0.2.9:500 using #1",),
        ),
        Pattern(
            "liveness-scheduled",
            rf"liveness: #(?P<child>\d{{1,10}}) scheduling next check for {_end('peer')}",
            (
                "| liveness: #2 scheduling next check for 192.0.2.9:EPHEM in 9.1 seconds (recent"
                " IPsec traffic was 0.9 seconds ago)",
            ),
        ),
        Pattern(
            "liveness-received",
            r"received an INFORMATIONAL liveness check (?P<kind>request|response)",
            (
                "| received an INFORMATIONAL liveness check request",
                "| received an INFORMATIONAL liveness check response",
            ),
        ),
        # --- other messages
        Pattern(
            "retransmitting",
            rf"{_STATE_NAME}: retransmission; will wait (?P<wait>[\d.]{{1,12}}) seconds? for resp",
            (
                '"gw" #1: STATE_MAIN_I1: retransmission; will wait 0.5 seconds for response',
                '"gw" #1: ESTABLISHED_IKE_SA: retransmission; will wait 32 seconds for response',
            ),
            words=_STATE_WORDS,
        ),
        Pattern(
            "timed-out",
            rf"{_STATE_NAME}: (?P<reason>(?:[\d.]{{1,12}} second timeout exceeded after"
            r" \d{1,6} retransmits|max number of retransmissions \(\d{1,6}\) reached))",
            (
                '"gw"[1] 192.0.2.9 #1: ESTABLISHED_IKE_SA: 10 second timeout exceeded after 0'
                " retransmits.  No response (or no acceptable response) to our IKEv2 message",
                '"gw" #1: STATE_MAIN_I1: max number of retransmissions (8) reached after 64'
                " seconds",
            ),
            words=_STATE_WORDS,
        ),
        Pattern(
            "timed-out-old",
            rf"(?P<reason>max number of retransmissions \(\d{{1,6}}\) reached) {_STATE_NAME}",
            ('"gw" #1: max number of retransmissions (2) reached STATE_MAIN_I1',),
        ),
        Pattern(
            "sent",
            rf"sent {_EXCHANGE} (?P<kind>request|response|reply|I\d|R\d)"
            rf"(?: to {_end('peer')}(?=[;\s]|$))?"
            r"(?:[^\n]{0,80}? using IKE SA #(?P<state>\d{1,10}))?",
            (
                '"gw" #1: sent IKE_SA_INIT request to 192.0.2.9:UDP/500',
                '"gw" #1: sent Main Mode I2',
                '"gw" #3: sent CREATE_CHILD_SA request to rekey Child SA #2 using IKE SA #1',
            ),
        ),
        Pattern(
            "received",
            rf"process(?:ed|ing) (?:decrypted )?{_EXCHANGE} (?P<kind>request|response)"
            rf"(?: from {_end('peer')}|: SK\{{)",
            (
                '"gw" #1: processing decrypted IKE_AUTH request: SK{IDi,AUTH,SA,TSi,TSr}',
                '"gw" #1: processed IKE_SA_INIT response from 192.0.2.9:UDP/500 {cipher=AES_GCM},'
                " initiating IKE_AUTH",
                '"gw" #1: processing IKE_AUTH request from 192.0.2.9:UDP/500 containing SK{IDi}',
            ),
            words=("processed", "processing"),
        ),
        Pattern(
            "refused",
            r"(?:(?:IKE_)?AUTH response contained the error notification"
            r"|IKE SA authentication request rejected by peer:"
            r"|(?P<sent>responding to) [^\n]{1,120}? with (?:un)?encrypted notification"
            r"|(?P<sent_v1>sending) (?:encrypted )?notification"
            r"|ignoring informational payload"
            r"|(?:STATE_\w{2,30}: )?received unauthenticated|dropping unexpected [^\n]{1,80}"
            r" message containing) (?:v2N_)?(?P<notify>[A-Z_]{7,40})(?=[\s,;.]|$)"
            r"(?:, msgid=(?P<msgid>[0-9a-f]{8}))?",
            (
                '"gw" #1: IKE_AUTH response contained the error notification NO_PROPOSAL_CHOSEN',
                '"gw" #1: IKE SA authentication request rejected by peer: AUTHENTICATION_FAILED',
                '"gw" #1: responding to IKE_AUTH message (ID 1) from 192.0.2.9:4500 with encrypted'
                " notification AUTHENTICATION_FAILED",
                '"gw" #1: sending notification NO_PROPOSAL_CHOSEN to 192.0.2.9:500',
                '"gw" #1: ignoring informational payload NO_PROPOSAL_CHOSEN, msgid=00000000,'
                " length=12",
                '"gw" #1: STATE_PARENT_I1: received unauthenticated v2N_NO_PROPOSAL_CHOSEN -'
                " ignored",
                '"gw" #1: dropping unexpected IKE_SA_INIT message containing NO_PROPOSAL_CHOSEN'
                " notification; message payloads: N; missing payloads: SA,KE,Ni",
            ),
            words=(
                *("IKE", "AUTH", "responding", "sending", "ignoring", "STATE", "received"),
                "dropping",
            ),
        ),
        Pattern(
            "negotiating",
            r"(?:initiating|responding to) (?![^\n]{1,120} notification )[^\n]{0,80}?"
            r"(?:connection|Mode|SA)(?: connection)?(?: to replace #(?P<replaced>\d{1,10}))?"
            rf"(?: (?:to|from)(?: unknown peer)? (?P<peer>{_IP})(?=[\s:]|$))?",
            (
                '"gw" #1: initiating IKEv2 connection to 192.0.2.9 using UDP',
                '"gw"[1] 192.0.2.9 #1: responding to Main Mode from unknown peer 192.0.2.9:500',
                '"gw" #3: initiating IKEv1 Main Mode connection to replace #1',
            ),
            words=("initiating", "responding"),
        ),
        # --- Deletes
        Pattern(
            "delete-received",
            r"received Delete SA(?:\(0x(?P<spi>[0-9a-f]{1,8})\))? payload: (?:self-)?(?:deleting"
            r"|replace) (?P<what>ISAKMP|IPSEC|IPsec) State #(?P<state>\d{1,10})(?P<later> in \d)?",
            (
                '"gw" #43: received Delete SA payload: deleting ISAKMP State #43',
                '"gw" #49: received Delete SA(0xfa2b0be8) payload: deleting IPSEC State #34',
                '"gw" #1: received Delete SA(0x0a0b0c11) payload: deleting IPsec State #2',
                '"gw" #1: received Delete SA payload: replace IPSEC State #2 in 10 seconds',
            ),
        ),
        Pattern(
            "delete-received-via",
            r"received Delete SA payload via #(?P<state>\d{1,10})",
            ('"gw" #9: received Delete SA payload via #8',),
        ),
        Pattern(
            "deleting",
            r"deleting (?:other )?(?P<what>state|IKE SA|ISAKMP SA|IPsec SA|Child SA)"
            rf"(?: #(?P<state>\d{{1,10}}))?(?: connection)?(?: \S{{1,100}})? \({_STATE_NAME}\)"
            r"(?: aged [\d.]{1,16}s)?(?: and (?P<silent>NOT )?(?P<sending>sending) notification)?",
            (
                '"gw" #1: deleting state (STATE_MAIN_I4) aged 9.1s and sending notification',
                '"gw" #1: deleting other state #2 (STATE_QUICK_I2) aged 9.0s and NOT sending'
                " notification",
                '"gw" #2: deleting IPsec SA (QUICK_R2) aged 9.999015s and NOT sending notification',
                '"gw" #1: deleting state #1 (STATE_MAIN_I4)',
            ),
        ),
        Pattern(
            "delete-sent",
            r"sent INFORMATIONAL request to delete (?P<what>IKE SA|\w{1,16} Child SA)"
            r"(?: using IKE SA #(?P<state>\d{1,10}))?",
            (
                '"gw" #1: sent INFORMATIONAL request to delete IKE SA',
                '"gw" #2: sent INFORMATIONAL request to delete established Child SA using IKE SA'
                " #1",
            ),
        ),
        # --- SAs
        Pattern(
            "ike-up",
            r"(?:STATE_\w{2,30}: )?(?:(?:received|sent) \w{2,4}, )?(?P<what>ISAKMP SA established"
            r"|IKE SA established|PARENT SA established"
            r"|(?:initiator |responder )?(?:established|rekeyed) IKE SA)" + _CHILD,
            (
                '"gw" #1: STATE_MAIN_I4: ISAKMP SA established {auth=PRESHARED_KEY}',
                '"gw" #1: IKE SA established {auth=PRESHARED_KEY cipher=AES_CBC_256}',
                '"gw" #1: initiator established IKE SA; authenticated peer using authby=secret',
                '"gw" #2: STATE_PARENT_R2: received v2I2, PARENT SA established tunnel mode'
                " {ESP=>0x0a0b0c11 <0x0d0e0f22 xfrm=AES_256-HMAC_SHA1 DPD=enabled}",
            ),
            words=(
                "STATE",
                "received",
                *("ISAKMP", "IKE", "PARENT"),
                *("initiator", "responder"),
                "established",
                "rekeyed",
            ),
        ),
        Pattern(
            "child-up",
            r"(?:STATE_\w{2,30}: )?(?:sent \w{2,4}, )?(?:IPsec SA established"
            r"|(?:initiator |responder )?(?:established|rekeyed) Child SA)(?: #\d{1,10})?"
            r"(?: using #(?P<state>\d{1,10}))?" + _CHILD,
            (
                '"gw" #2: IPsec SA established tunnel mode {ESP=>0x0a0b0c11 <0x0d0e0f22'
                " xfrm=AES_CBC_128-HMAC_SHA1_96 DPD=active}",
                '"gw" #2: STATE_QUICK_I2: sent QI2, IPsec SA established tunnel mode'
                " {ESP=>0x0a0b0c11 <0x0d0e0f22 xfrm=AES_256-HMAC_SHA1 NATOA=none DPD=enabled}",
                '"gw"[1] 192.0.2.9 #4: initiator established Child SA using #3; IPsec tunnel'
                " [10.1.0.0/24===10.2.0.0/24] {ESP/ESN=>0x0a0b0c11 <0x0d0e0f22 DPD=active}",
            ),
            words=("STATE", "IPsec", "initiator", "responder", "established", "rekeyed"),
        ),
        # --- debugging of packets
        Pattern(
            "packet-received",
            rf"\*received (?P<length>\d{{1,6}}) bytes from {_end('peer')} on"
            rf" \S{{1,40}} \(?{_end('local')}",
            (
                "| *received 92 bytes from 192.0.2.9:500 on eth1 192.0.2.1:500 using UDP",
                "| *received 92 bytes from 192.0.2.9:4500 on eth1 (192.0.2.1:4500)",
            ),
            words=("received",),
        ),
        Pattern(
            "header",
            r"\*\*(?P<way>parse|emit) ISAKMP Message",
            ("| **parse ISAKMP Message:", "| **emit ISAKMP Message:"),
            words=("parse", "emit"),
        ),
        Pattern(
            "message-id",
            r"[Mm]essage ID:[ \t]{1,4}(?:(?P<mid>\d{1,10})[ \t]\("
            r"|(?P<mid_bytes>[0-9a-f]{2}(?:[ \t]{1,2}[0-9a-f]{2}){3}))",
            (
                "|    Message ID: 3446193991 (0xcd68bf47)",
                "|    message ID:  cd 68 bf 47",
            ),
            words=("message",),
        ),
        Pattern(
            "packet-sent",
            r"sending (?P<length>\d{1,6}) bytes for (?P<what>[^\n]{1,80}?) through \S{1,40} from"
            rf" {_end('local')} to {_end('peer')}(?: using \w{{2,8}})?"
            r" \((?:for|using) #(?P<state>\d{1,10})\)",
            (
                "| sending 92 bytes for notification packet through eth1 from 192.0.2.1:500 to"
                " 192.0.2.9:500 using UDP (for #1)",
            ),
        ),
    ),
    ignored=(
        r"DPD: (?:dpd_init|Peer supports|scheduling|not yet|out event|deleting|out)",
        r"(?:DPD: (?:received less|Putting|Clearing|Restarting)|liveness:|ESP traffic|peer)",
        r"(?:authenticated|sending \d|enabling|transition|STATE_|loaded|switched|I am)",
        r"(?:negotiated|started|keyid|Peer ID|the|NAT-Traversal|local|certificate|reply)",
        r"(?:retransmitting in response to dupl|INFORMATIONAL \w{7,8} has|proposal \d)",
        r"(?:failed to pull|netlink response)",
        r"(?:deleting (?:ISAKMP|IKE) SA but|[ \t]{1,4}us: |WARNING: |Message ID: (?:IKE|upd))",
    ),
)
