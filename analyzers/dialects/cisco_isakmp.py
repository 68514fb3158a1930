"""Cisco IOS and IOS XE: `debug crypto isakmp`, every era from 12.2 to 17.x.

Forms and their meaning: log grammar sections 2 and 9. What only neighbouring lines tell (a sent
R-U-THERE has no text of its own on 12.x) is put together by `decode.assembly.cisco_isakmp`.
"""

from __future__ import annotations

from analyzers.dialects.dialect import Dialect, Pattern, Says
from analyzers.model.log_events import LogEventKind

# Also masked ones: 203.0.113.x, XXX.XXX.XXX.XXX, <peer>.
_IP = r"[0-9A-Za-z.:*<>_-]{2,45}"
_MID = r"(?P<mid>-?\d{1,10})"
_NOTIFY_ID = r"(?:[\s\S]{0,40}?message ID = (?P<mid>-?\d{1,10}))?"

DIALECT = Dialect(
    name="cisco-isakmp",
    family="ios",
    title="Cisco IOS/IOS XE debug crypto isakmp",
    version=1,
    lenient=True,
    tag=(
        r"ISAKMP(?:-(?:PAK|ERROR))?[ \t]?:?[ \t]?"
        r"(?:\([ \t]*(?:\d{1,10}:)?(?P<conn>\d{1,10})(?::(?:HW|SW):\d{1,4})?[ \t]*\))?[ \t]*:{0,2}"
    ),
    patterns=(
        Pattern(
            "dpd-enabled",
            r"IKE_DPD is enabled",
            ("*Mar  1 00:04:12.003: ISAKMP:(0:3:SW:1):IKE_DPD is enabled, initializing timers",),
        ),
        Pattern(
            "dpd-vendor-id",
            r"vendor ID is DPD",
            ("ISAKMP:(1007): vendor ID is DPD",),
        ),
        Pattern(
            "other-vendor-id",
            r"vendor ID (?:is (?!DPD)|seems )",
            (
                "ISAKMP:(1007): vendor ID is Unity",
                "ISAKMP:(0): vendor ID seems Unity/DPD but major 69 mismatch",
            ),
        ),
        Pattern(
            "new-node",
            rf"set new node {_MID} to (?P<state>\w+)",
            (
                "*Mar  1 00:05:58.407: ISAKMP: set new node -2079454155 to QM_IDLE",
                "ISAKMP: (1003):set new node 3329000046 to QM_IDLE",
            ),
        ),
        Pattern(
            "packet-sent",
            rf"sending packet to (?P<peer>{_IP})(?: my_port (?P<local_port>\d+)"
            r" peer_port (?P<peer_port>\d+))?(?: \((?P<role>[IRN])\) (?P<state>\w+))?",
            (
                "*Mar  1 00:05:58.419: ISAKMP:(1001): sending packet to 192.0.2.9 my_port 500"
                " peer_port 500 (I) QM_IDLE",
                "ISAKMP-PAK: (1004):sending packet to 192.0.2.9 my_port 4500 peer_port 4500 (R)"
                " QM_IDLE",
                "ISAKMP (0:3): sending packet to 192.0.2.9 (I) MM_NO_STATE",
            ),
        ),
        Pattern(
            "packet-received",
            rf"received packet from (?P<peer>{_IP})(?: dport (?P<local_port>\d+)"
            r" sport (?P<peer_port>\d+)(?: [\w-]{1,60})?)? \((?P<role>[IRN])\) (?P<state>\w+)",
            (
                "*Mar  1 00:05:58.500: ISAKMP (0:268435459): received packet from 192.0.2.9 dport"
                " 500 sport 500 Global (I) QM_IDLE",
                "ISAKMP-PAK: (1004):received packet from 192.0.2.9 dport 4500 sport 4500 Global"
                " (R) QM_IDLE",
                "ISAKMP (0:3): received packet from 192.0.2.9 (N) NEW SA",
            ),
        ),
        Pattern(
            "retransmitting",
            r"retransmitting phase (?P<phase>[12])"
            r" (?:(?P<node>-?\d{1,10}) )?(?P<state>[A-Z]{2,6}_[A-Z_]{2,20})"
            r"(?:\s{1,12}(?P<mid>-?\d{1,10}))?",
            (
                "ISAKMP:(1001): retransmitting phase 2 -889000300 QM_IDLE",
                "*Mar  1 00:05:58.400: ISAKMP:(0): retransmitting phase 1 MM_SA_SETUP...",
                "ISAKMP:(1001): retransmitting phase 2 QM_IDLE       -889000300 ...",
            ),
        ),
        Pattern(
            "purge-node",
            rf"purging node {_MID}",
            ("*Mar  1 00:05:58.423: ISAKMP:(1001):purging node -2079454155",),
        ),
        Pattern(
            "delete-node",
            rf"deleting node {_MID} error (?:TRUE|FALSE)",
            (
                "*Mar  1 00:05:58.523: ISAKMP:(1001):deleting node 1256387423 error FALSE reason"
                ' "Informational (in) state 1"',
            ),
        ),
        Pattern(
            "notify-sending",
            r"Sending NOTIFY (?:DPD/)?(?P<notify>R_U_THERE(?:_ACK)?|\w+) protocol \d" + _NOTIFY_ID,
            (
                "*Mar  1 00:05:58.411: ISAKMP:(1001):Sending NOTIFY DPD/R_U_THERE protocol 1",
                "ISAKMP:(1001):Sending NOTIFY DPD/R_U_THERE_ACK protocol 1",
            ),
        ),
        Pattern(
            "sequence",
            r"seq\. no (?P<seq_hex>0x[0-9A-Fa-f]{1,8})",
            ("*Mar  1 00:05:58.415: ISAKMP:(1001): seq. no 0x5E0C4F45",),
        ),
        Pattern(
            "notify-processing",
            r"processing NOTIFY (?:DPD/)?(?P<notify>R_U_THERE(?:_ACK)?|\w+) protocol \d"
            + _NOTIFY_ID,
            (
                "ISAKMP:(1001): processing NOTIFY DPD/R_U_THERE_ACK protocol 1",
                "ISAKMP:(0:3:SW:1): processing NOTIFY R_U_THERE protocol 1",
            ),
        ),
        Pattern(
            "dpd-received",
            rf"(?:DPD/)?(?P<notify>R_U_THERE(?:_ACK)?) received from peer (?P<peer>{_IP})"
            r", sequence (?P<seq_hex>0x[0-9A-Fa-f]{1,8})",
            (
                "ISAKMP:(1001): DPD/R_U_THERE_ACK received from peer 192.0.2.9, sequence"
                " 0x5E0C4F45",
                "ISAKMP:(1001): DPD/R_U_THERE received from peer 192.0.2.9, sequence 0x1B",
            ),
            words=("DPD", "R", "RU", "RUTHERE", "RUTHEREACK"),
        ),
        Pattern(
            "dpd-error-counter",
            r"(?:DPD )?incrementing error counter"
            r"(?: \((?P<retry>\d{1,9})/(?P<tries>\d{1,9})\)"
            r"| on sa[,:]?(?: attempt (?P<of_retry>\d{1,9}) of (?P<of_tries>\d{1,9}):)?"
            r" PEERS_ALIVE_TIMER)",
            (
                "*Mar  1 00:06:08.000: ISAKMP:(1001):DPD incrementing error counter (1/5)",
                "ISAKMP:(0:3:SW:1):incrementing error counter on sa: PEERS_ALIVE_TIMER",
                "ISAKMP:(1001):DPD incrementing error counter on sa, attempt 2 of 5:"
                " PEERS_ALIVE_TIMER",
            ),
            words=("DPD", "incrementing"),
        ),
        Pattern(
            "phase1-error-counter",
            r"incrementing error counter on (?:sa|node), attempt \d+ of \d+: retransmit phase \d",
            (
                "ISAKMP (0): incrementing error counter on sa, attempt 2 of 5: retransmit phase 1",
                "ISAKMP (0:1001): incrementing error counter on node, attempt 2 of 5: retransmit"
                " phase 2",
            ),
        ),
        Pattern(
            "not-responding",
            rf"peer (?P<peer>{_IP}) not responding!",
            ("*Mar  1 00:06:18.050: ISAKMP:(1001):peer 192.0.2.9 not responding!",),
        ),
        Pattern(
            "sa-deleted",
            r'deleting SA reason "(?P<reason>[^"\n]{0,80})"'
            rf"(?: state(?: \((?P<role>[IRN])\) (?P<state>\w+))? \(peer (?P<peer>{_IP})\))?",
            (
                'ISAKMP:(1001):deleting SA reason "peers alive" state (I) QM_IDLE      '
                " (peer 192.0.2.9) input queue 0",
                'ISAKMP:(1001):deleting SA reason "" state (I) MM_NO_STATE (peer 192.0.2.9)',
            ),
        ),
        Pattern(
            "delete-received",
            rf"processing DELETE(?:_WITH_REASON)? payload\. message ID = {_MID}",
            ("ISAKMP:(1001): processing DELETE payload. message ID = -1042000812",),
        ),
        Pattern(
            "child-delete-queued",
            r"Enqueued KEY_MGR_DELETE_SAS for IPSEC SA \(SPI:(?P<spi>0x[0-9A-Fa-f]{1,8})\)",
            ("ISAKMP: (1003):Enqueued KEY_MGR_DELETE_SAS for IPSEC SA (SPI:0x0A0B0C11)",),
        ),
        Pattern(
            "delete-ignored",
            r"ignoring request to send delete notify \(no ISAKMP sa\)"
            rf" src (?P<local>{_IP}) dst (?P<peer>{_IP}) for SPI (?P<spi>0x[0-9A-Fa-f]{{1,8}})",
            (
                "ISAKMP: ignoring request to send delete notify (no ISAKMP sa) src 192.0.2.1 dst"
                " 192.0.2.9 for SPI 0x0A0B0CBF",
                "ISAKMP-ERROR: (0):ignoring request to send delete notify (no ISAKMP sa) src"
                " 192.0.2.1 dst 192.0.2.9 for SPI 0x0A0B0CBF",
            ),
        ),
        Pattern(
            "input",
            r"Input = IKE_MESG_(?:FROM_TIMER|FROM_PEER|INTERNAL|\w+),"
            r" (?P<input>IKE_(?:TIMER_IM_ALIVE|TIMER_PEERS_ALIVE|PHASE1_DEL|\w+))",
            (
                "ISAKMP:(1001):Input = IKE_MESG_FROM_TIMER, IKE_TIMER_PEERS_ALIVE",
                "ISAKMP:(1001):Input = IKE_MESG_INTERNAL, IKE_PHASE1_DEL",
            ),
        ),
        Pattern(
            "node-input",
            rf"Node {_MID}, Input = IKE_MESG",
            ("ISAKMP:(1001):Node -889000300, Input = IKE_MESG_INTERNAL, IKE_INIT_QM",),
        ),
        # Not from IKE_P1_COMPLETE or IKE_DEST_SA, wherever a terminal parted them.
        Pattern(
            "established",
            r"Old State = \.?(?!IKE_[PD])IKE_\w+(?: \w+){0,2}?"
            r" New State = \.?IKE_P1_COMPLETE",
            ("ISAKMP:(1001):Old State = IKE_I_MM6  New State = IKE_P1_COMPLETE",),
        ),
        Pattern(
            "quick-mode-begins",
            r"beginning Quick Mode exchange, M-ID of (?P<mid>-?\d{1,10})",
            ("ISAKMP:(1001):beginning Quick Mode exchange, M-ID of -889000300",),
        ),
        Pattern(
            "authenticated",
            rf"SA has been authenticated with (?P<peer>{_IP})",
            ("ISAKMP:(1001):SA has been authenticated with 192.0.2.9",),
        ),
        Pattern(
            "ends-known",
            rf"Trying to insert a peer (?P<local>{_IP})/(?P<peer>{_IP})/\d+",
            (
                "ISAKMP: Trying to insert a peer 192.0.2.1/192.0.2.9/500/,  and inserted"
                " successfully 66440000.",
            ),
        ),
        Pattern(
            "ends-replaced",
            r"Process initial contact, bring down existing phase 1 and 2 SA.{0,3}s with local"
            rf" (?P<local>{_IP}) remote (?P<peer>{_IP}) remote port",
            (
                "ISAKMP: (1003):Process initial contact,\nbring down existing phase 1 and 2 SA's"
                " with local 192.0.2.1 remote 192.0.2.9 remote port 4501",
            ),
        ),
        Pattern(
            "child-installed",
            r"Successfully installed IPSEC SA \(SPI:(?P<spi>0x[0-9A-Fa-f]{1,8})\)",
            ("ISAKMP: (1003):Successfully installed IPSEC SA (SPI:0x0A0B0C11) on Tunnel1",),
            Says(LogEventKind.CHILD_SA_UP),
        ),
        Pattern(
            "child-spi",
            r"has spi (?:0x(?P<spi>[0-9A-Fa-f]{1,8})|(?P<spi_decimal>\d{1,10}))(?: and|$|\s)",
            (
                "ISAKMP:      has spi 0x5E390070 and conn_id 2000",
                "ISAKMP:      has spi 235330088 and conn_id 2001",
            ),
        ),
        Pattern(
            "initial-contact",
            r"received initial contact, deleting SA",
            ("ISAKMP:(1003):received initial contact, deleting SA",),
        ),
    ),
    ignored=(
        r"peer does not do paranoid keepalives|Old State = ",
        r"processing (?:vendor id|SA|KE|NONCE|ID|HASH|CERT|SIG|CERT_REQ|responder lifetime)",
        r"(?:Unl|L)ocking|Deleting peer node|(?:New p|Created a p)eer|insert|purging SA",
        r"(?:Encryption|Hash|Authentication|Diffie-Hellman|Proposed|Acceptable atts|Fill atts)",
        r"(?:default group|encryption|hash|auth|life (?:type|duration)|keylength|attributes in)",
        r"(?:transform|authenticator|encaps|SA life|group is|key length|client|IPSec|proxy)",
        r"(?:Checking I|atts are|Scanning|[Ff]ound |local |beginning|SA is doing|ID payload)",
        r"(?:Total payload|received ke message|Send initial|constructed|NAT|His hash|No NAT)",
        r"(?:Detected port|Using|Looking|Host|SKEYID|Creating|Creator|Asking|start processing)",
        r"(?:restart ike|QM |Returning|Started lifetime|Basic life|Can not start|peer matches)",
        r"(?:speaking to|Setting|Processing|Process initial|[Ss]ending (?:an IKE|phase 1 resp))",
        r"(?:cleaning up|isadb|Unknown|Profile|callback|received payload|debugging is)",
        r"(?:address|protocol|next-payload|pre-shared key|SA authentication|and inserted)",
        r"(?:Failed to find peer index|Find a dup sa|Trying to find|Can't decrement IKE Call)",
        r"SA request profile is",
        r"(?:Received IPSec Install|phase [12] packet is a duplicate|retransmission skipped)",
    ),
)
