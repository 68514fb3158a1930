"""strongSwan charon: file, journal and syslog, whose lines have a thread and subsystem.

Only what charon-systemd hands to the journal has neither. Forms: log grammar section 5; the wording
is that of charon 5.9. The addresses of a message stand only in its NET line, which
`decode.assembly.strongswan` brings together with the ENC line.
"""

from __future__ import annotations

from analyzers.dialects.dialect import Dialect, Pattern

_END = r"(?P<{0}>[0-9A-Fa-fx.:%]{{2,45}})\[(?P<{0}_port>\d{{1,5}})\]"
_NAME = r"(?P<sa>[^\s\[\]]{1,100}\[\d{1,10}\])"

DIALECT = Dialect(
    name="strongswan",
    family="strongswan",
    title="strongSwan charon",
    tag=(
        r"(?:(?:charon|charon-systemd|ipsec|strongswan|charon-nm|swanctl)(?:\[\d{1,10}\])?:[ \t]+)?"
        r"(?:\w{3} [ \d]\d \d\d:\d\d:\d\d[ \t]+)?"
        # Where no thread is told, all of a process is taken for one.
        r"(?P<thread>\d{1,3}(?=[ \t]?\[)|charon(?:-systemd|-nm)?(?:\[\d{1,10}\])?(?=:))"
        r"(?:[ \t]?\[(?P<subsystem>[A-Z]{3})\d?\]|:)[ \t]+"
        r"(?:<(?P<name>[^<>|]{0,80})\|(?P<unique>\d{1,10})>[ \t]+|<\d{1,10}>[ \t]+)?"
    ),
    patterns=(
        Pattern(
            "packet",
            r"(?P<way>sending|received) packet: from "
            + _END.format("src")
            + " to "
            + _END.format("dst")
            + r" \((?P<length>\d{1,6}) bytes\)",
            (
                "2026-01-31 13:56:27.120 05[NET] sending packet: from 192.0.2.1[4500] to"
                " 192.0.2.9[4500] (108 bytes)",
                "Jul  4 08:34:01 gw charon[2814]: 09[NET] <gw|3> received packet: from"
                " 192.0.2.9[500] to 192.0.2.1[500] (80 bytes)",
            ),
            words=("sending", "received"),
        ),
        Pattern(
            "message",
            r"(?P<way>generating|parsed) (?P<exchange>[A-Z_0-9]{4,24})"
            r" (?P<kind>request|response) (?P<mid>\d{1,10}) \[(?P<payloads>[^\[\]]{0,1500})\]",
            (
                "05[ENC] generating INFORMATIONAL_V1 request 1108000347 [ HASH N(DPD) ]",
                "09[ENC] parsed INFORMATIONAL response 5 [ ]",
            ),
            words=("generating", "parsed"),
        ),
        Pattern(
            "dpd-sending",
            r"sending DPD request",
            (
                "12[IKE] <gw|1> sending DPD request",
                "feb 22 08:11:42 gw charon-systemd[2978]: sending DPD request",
            ),
        ),
        Pattern(
            "retransmit",
            r"(?P<again>(?:sending )?)retransmit (?P<retry>\d{1,4}) of (?P<kind>request|response)"
            r"(?: with)? message ID (?P<mid>\d{1,10})",
            (
                "12[IKE] <gw|1> retransmit 3 of request with message ID 4",
                "10[IKE] <gw|2> sending retransmit 1 of request message ID 0, seq 1",
            ),
        ),
        Pattern(
            "request-again",
            r"received retransmit of request with ID (?P<mid>\d{1,10}), retransmitting response",
            ("13[IKE] <gw|1> received retransmit of request with ID 2, retransmitting response",),
        ),
        Pattern(
            "given-up",
            r"giving up after (?P<retry>\d{1,4}) retransmits",
            ("12[IKE] <gw|1> giving up after 5 retransmits",),
        ),
        Pattern(
            "delete-failed",
            r"proper IKE_SA delete failed, peer not responding",
            ("10[IKE] proper IKE_SA delete failed, peer not responding",),
        ),
        Pattern(
            "dpd-timed-out",
            r"DPD check timed out, enforcing DPD action",
            ("02[JOB] DPD check timed out, enforcing DPD action",),
        ),
        Pattern(
            "established",
            rf"IKE_SA {_NAME} (?P<how>established|rekeyed) between"
            r" (?P<local>[^\s\[\]]{2,64})\[[^\]]{0,200}\]\.\.\.(?P<peer>[^\s\[\]]{2,64})\[",
            (
                "14[IKE] IKE_SA gw[1] established between 192.0.2.1[a.example]..."
                "192.0.2.9[b.example]",
                "10[IKE] IKE_SA gw[2] rekeyed between 192.0.2.1[a.example]...192.0.2.9[b.example]",
            ),
        ),
        Pattern(
            "state",
            rf"IKE_SA {_NAME} state change: (?P<old>[A-Z]{{4,20}}) => (?P<new>[A-Z]{{4,20}})",
            ("14[IKE] IKE_SA gw[1] state change: ESTABLISHED => DELETING",),
        ),
        Pattern(
            "child-up",
            r"(?:inbound |outbound )?CHILD_SA (?P<child>[^\s]{1,100}\{\d{1,10}\}) established"
            r" with SPIs (?P<spi>[0-9a-f]{8})_i (?P<spi2>[0-9a-f]{8})_o",
            (
                "15[IKE] CHILD_SA net{1} established with SPIs a2b20052_i 990b00ae_o and TS"
                " 10.1.0.0/24 === 10.2.0.0/24",
            ),
            words=("CHILD", "inbound", "outbound"),
        ),
        Pattern(
            "child-asked",
            r"establishing CHILD_SA (?P<child>[^\s]{1,100})",
            ("11[IKE] <gw|1> establishing CHILD_SA net{2} reqid 1",),
        ),
        Pattern(
            "child-closing",
            r"closing CHILD_SA (?P<child>[^\s]{1,100}\{\d{1,10}\}) with SPIs"
            r" (?P<spi>[0-9a-f]{8})_i \([^)]{0,40}\) (?P<spi2>[0-9a-f]{8})_o",
            (
                "07[IKE] closing CHILD_SA net{1} with SPIs a2b20052_i (3360 bytes) 990b00ae_o"
                " (3360 bytes) and TS 10.1.0.0/24 === 10.2.0.0/24",
            ),
        ),
        Pattern(
            "delete-ike",
            rf"(?P<way>sending|received) DELETE for IKE_SA {_NAME}",
            (
                "07[IKE] sending DELETE for IKE_SA gw[1]",
                "07[IKE] received DELETE for IKE_SA gw[1]",
            ),
            words=("sending", "received"),
        ),
        Pattern(
            "delete-child",
            r"(?P<way>sending|received) DELETE for ESP CHILD_SA with SPI (?P<spi>[0-9a-f]{8})",
            (
                "07[IKE] sending DELETE for ESP CHILD_SA with SPI a2b20052",
                "07[IKE] received DELETE for ESP CHILD_SA with SPI 990b00ae",
            ),
            words=("sending", "received"),
        ),
        Pattern(
            "deleting",
            rf"deleting IKE_SA {_NAME} between (?P<local>[^\s\[\]]{{2,64}})\["
            r"[^\]]{0,200}\]\.\.\.(?P<peer>[^\s\[\]]{2,64})\[",
            ("07[IKE] deleting IKE_SA gw[1] between 192.0.2.1[a]...192.0.2.9[b]",),
        ),
        Pattern(
            "deleted",
            r"IKE_SA deleted",
            ("07[IKE] <gw|1> IKE_SA deleted",),
        ),
        Pattern(
            "initiating",
            rf"initiating (?:(?:Main|Aggressive) Mode )?IKE_SA {_NAME} to (?P<peer>[^\s]{{2,64}})",
            (
                "15[IKE] initiating Main Mode IKE_SA gw[1] to 192.0.2.9",
                "09[IKE] initiating IKE_SA gw[2] to 2001:db8::9",
            ),
        ),
        Pattern(
            "started",
            r"(?P<reason>Starting (?:IKE(?:v\d)? )?charon(?:-\w{1,16})?(?: IKE)? daemon)",
            (
                "00[DMN] Starting IKE charon daemon (strongSwan 5.9.8, Linux 6.1.0, x86_64)",
                "00[DMN] Starting charon-systemd IKE daemon (strongSwan 5.9.13, Linux 6.1.0,"
                " x86_64)",
            ),
        ),
        # Of a daemon whose first line is not in the log.
        Pattern(
            "spawned",
            r"(?P<reason>spawning \d{1,4} worker threads)",
            (
                "00[JOB] spawning 16 worker threads",
                "2026-01-31T10:01:02+0000 gw charon-systemd[1903]: spawning 16 worker threads",
            ),
        ),
        Pattern(
            "dpd-vendor-id",
            r"(?P<way>sending|received) DPD vendor ID",
            ("15[IKE] sending DPD vendor ID", "02[IKE] received DPD vendor ID"),
            words=("sending", "received"),
        ),
        Pattern(
            "wrong-sequence",
            r"received invalid DPD sequence number (?P<seq>\d{1,10}) \(expected \d{1,10}\)",
            (
                "02[IKE] <gw|1> received invalid DPD sequence number 1234500 (expected 1234501),"
                " ignored",
            ),
        ),
        Pattern(
            "terminate",
            r"(?P<order>(?:vici|received stroke:) terminate (?:(?:IKE|CHILD)_SA )?"
            r"['#](?P<conn>[^'\s\[{]{1,100})[^\n]{0,40})",
            (
                "12[CFG] vici terminate IKE_SA 'gw'",
                "12[CFG] vici terminate CHILD_SA #3",
                "07[CFG] received stroke: terminate 'gw[1]'",
            ),
            words=("vici", "received"),
        ),
        Pattern(
            "moved",
            r"remote endpoint changed from (?P<old>[^\s\[\]]{2,64}\[\d{1,5}\]) to"
            r" (?P<new>(?P<peer>[^\s\[\]]{2,64})\[\d{1,5}\])",
            (
                "13[IKE] remote endpoint changed from 192.0.2.9[45367] to 192.0.2.9[55516]",
                "13[IKE] <gw|1> remote endpoint changed from 2001:db8::9[4500] to"
                " 2001:db8::10[4500]",
            ),
        ),
        Pattern(
            "not-sent",
            r"error writing to socket: (?P<reason>[A-Za-z ]{1,60})",
            ("16[NET] error writing to socket: Operation not permitted",),
        ),
        Pattern(
            "action",
            r"(?P<reason>restarting CHILD_SA|trapping CHILD_SA) (?P<child>[^\s]{1,100})",
            ("01[IKE] restarting CHILD_SA net",),
            words=("restarting", "trapping"),
        ),
    ),
    ignored=(
        r"(?:queueing|activating|reinitiating|nothing to|delaying|\w{1,60} task)",
        r"(?:sending|received) [\w\s().\\/-]{1,80} (?:vendor ID|notify|payload)",
        r"(?:loaded|loading|added|selected|looking|dropped|created|providers|Starting)",
        r"(?:scheduling|maximum|authentication of|successfully|(?:remote|local) host)",
        r"(?:peer supports|got additional|keeping connection|sending address|flags changed)",
        r"peer not responding, trying again|creating (?:rekey|delete|acquire) job|"
        r"(?:local|remote) endpoint changed|vici|\d+\.\d+\.\d+\.\d+ is initiating|restarting",
    ),
)
