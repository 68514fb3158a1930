"""Cisco IOS and IOS XE: the syslog messages about crypto sessions, which need no debugging.

Forms: log grammar section 2.5.
"""

from __future__ import annotations

from typing import Final

from analyzers.dialects.dialect import Dialect, Pattern, Says
from analyzers.model.log_events import LogEventKind

_IP: Final = r"[0-9A-Fa-fxX.:*]{2,45}"

DIALECT = Dialect(
    name="cisco-syslog",
    family="ios",
    title="Cisco IOS/IOS XE crypto syslog",
    lenient=True,
    tag=(
        r"(?:%IOSXE\w{0,12}-\d-PLATFORM:[^%\n]{0,120})?%(?:(?:CRYPTO|IKEV2|FLEXVPN|IPSEC)-(?:SW\d_)?"
        r"\d-|SYS-\d-(?=RESTART:|RELOAD:))"
    ),
    patterns=(
        Pattern(
            "session",
            r"(?P<v2>IKEV2_)?SESSION_STATUS: Crypto tunnel(?: v2)? is"
            rf" (?P<status>UP|DOWN)\s{{0,4}}\. Peer (?P<peer>{_IP}):(?P<peer_port>\d{{1,5}})",
            (
                "*Jun  3 08:00:45.395: %CRYPTO-5-SESSION_STATUS: Crypto tunnel is DOWN.  Peer"
                " 198.51.100.9:500       Id: 198.51.100.9",
                "Jun  3 08:00:45: %CRYPTO-5-SESSION_STATUS: Crypto tunnel is UP .  Peer"
                " 198.51.100.9:4500       Id: spoke.example",
                "%CRYPTO-5-IKEV2_SESSION_STATUS: Crypto tunnel v2 is UP.  Peer"
                " 2001:DB8::9:500       Id: 2001:DB8::9",
            ),
            words=("SESSION", "IKEV"),
        ),
        Pattern(
            "invalid-spi",
            r"RECVD_PKT_INV_SPI: decaps:? rec.{0,3}d IPSEC packet has invalid spi for"
            rf" destaddr=(?P<local>{_IP}), prot=(?P<proto>\d{{1,3}}),"
            rf" spi=(?P<spi>0x[0-9A-Fa-f]{{1,8}})(?:\(\d{{1,10}}\))?, srcaddr=(?P<peer>{_IP})",
            (
                "<0>91: *Jun 03 08:10:04: gw.example %CRYPTO-4-RECVD_PKT_INV_SPI: decaps: rec'd"
                " IPSEC packet has invalid spi for destaddr=192.0.2.1, prot=50,"
                " spi=0xA1B2C3D4(2712847316), srcaddr=198.51.100.9, input"
                " interface=GigabitEthernet1",
            ),
        ),
        Pattern(
            "no-sa",
            rf"IKMP_NO_SA: (?P<reason>IKE message from (?P<peer>{_IP}) has no SA and is not an"
            r" initialization offer)",
            (
                "*Jun  3 08:16:01.153: %CRYPTO-4-IKMP_NO_SA: IKE message from 198.51.100.9 has"
                " no SA and is not an initialization offer",
            ),
            Says(LogEventKind.UNKNOWN_IKE_SA),
        ),
        Pattern(
            "trouble",
            r"IKMP_(?:BAD_MESSAGE|INVAL_CRYPTO|NOT_ENCRYPTED|BAD_DOI_NOTIFY): "
            rf"(?P<reason>[^\n]{{0,80}}?(?:from|peer at|peer) (?P<peer>{_IP})[^\n]{{0,80}})",
            (
                "%CRYPTO-4-IKMP_BAD_MESSAGE: IKE message from 198.51.100.9 failed its sanity"
                " check or is malformed",
            ),
            Says(LogEventKind.HINT),
        ),
        Pattern(
            "mode-failed",
            r"IKMP_MODE_FAILURE: (?P<reason>Processing of (?P<mode>\w{2,20}) mode failed with"
            rf" peer at (?P<peer>{_IP}))",
            (
                "%CRYPTO-6-IKMP_MODE_FAILURE: Processing of Quick mode failed with peer at"
                " 198.51.100.9",
                "%CRYPTO-6-IKMP_MODE_FAILURE: Processing of Informational mode failed with peer at"
                " 198.51.100.9",
            ),
        ),
        Pattern(
            "switched",
            r"ISAKMP_ON_OFF: (?P<reason>ISAKMP is (?:ON|OFF))",
            ("*Jun  3 08:05:37.450: %CRYPTO-6-ISAKMP_ON_OFF: ISAKMP is OFF",),
            Says(LogEventKind.HINT),
        ),
        Pattern(
            "ikev2-sa",
            r"SA_(?P<status>UP|DOWN):(?:[^\n]{0,160}?\b(?:[Pp]eer|[Rr]emote)\b\W{1,4}"
            rf"(?P<peer>{_IP}))?",
            (
                "%IKEV2-5-SA_UP: SA UP",
                "%IKEV2-5-SA_DOWN: SA DOWN, peer 198.51.100.9",
            ),
        ),
        Pattern(
            "started",
            r"(?P<reason>RESTART: System restarted|RELOAD: Reload requested)",
            (
                "*Mar  1 00:00:12.403: %SYS-5-RESTART: System restarted --",
                "Jun  3 08:00:45.395: %SYS-5-RELOAD: Reload requested by admin on vty0"
                " (192.0.2.7). Reload Reason: Reload Command.",
            ),
            Says(LogEventKind.STARTED),
            words=("RESTART", "RELOAD"),
        ),
        Pattern(
            "aborted",
            r"NEG_ABORT: Negotiation aborted due to ERROR: (?P<reason>[^\n]{1,160})",
            (
                "%IKEV2-3-NEG_ABORT: Negotiation aborted due to ERROR: Maximum number of"
                " retransmissions reached",
            ),
        ),
        Pattern(
            "client",
            r"(?:FLEXVPN|EZVPN)_CONNECTION_(?P<status>UP|DOWN|TERMINATE):"
            rf"[^\n]{{0,160}}?Client_public_addr\s{{0,2}}=\s{{0,2}}(?P<client>{_IP})"
            rf" Server_public_addr\s{{0,2}}=\s{{0,2}}(?P<server>{_IP})",
            (
                "%FLEXVPN-6-FLEXVPN_CONNECTION_DOWN: FlexVPN(spoke) Client_public_addr ="
                " 192.0.2.1 Server_public_addr = 198.51.100.9",
                "%CRYPTO-6-EZVPN_CONNECTION_UP: (Client)  User=  Group=lab "
                " Client_public_addr=192.0.2.1  Server_public_addr=198.51.100.9",
            ),
        ),
        Pattern(
            "packet-error",
            r"(?:HMAC|REPLAY)_ERROR: (?P<reason>IPSec SA receives [\w\-]{2,20} error), DP Handle"
            rf" \d{{1,10}}, src_addr (?P<peer>{_IP}), dest_addr (?P<local>{_IP}),"
            r" SPI (?P<spi>0x[0-9A-Fa-f]{1,8})",
            (
                "%IOSXE-3-PLATFORM: R0/0: cpp_cp: QFP:0.0 Thread:001 TS:00000012 %IPSEC-3-"
                "REPLAY_ERROR: IPSec SA receives anti-replay error, DP Handle 7, src_addr"
                " 198.51.100.9, dest_addr 192.0.2.1, SPI 0xA1B2C3D4",
            ),
            Says(LogEventKind.HINT),
            words=("HMAC", "REPLAY"),
        ),
    ),
    ignored=(
        r"(?:GDOI|GM|KS|PKI|CERT|CONFIG|ENGINE|VERSION|PKT_REPLAY|RECVD_PKT|SELF_TEST)_?",
        r"(?:IKMP_POLICY|OSAL_|RECV_CONNECTION|VPN_HW)",
    ),
)
