"""FortiGate event log of VPNs: key=value, from a file, FortiAnalyzer or a syslog server.

Forms: log grammar section 7 and the FortiOS log message reference (message IDs 37124 to 37141).
The order of the keys is not fixed: `decode.assembly.fortigate_events` reads them.
"""

from __future__ import annotations

from typing import Final

from analyzers.dialects.dialect import Dialect, Pattern

_HEAD: Final = (
    'date=2026-07-17 time=21:43:17 logid="01010{}" type="event" subtype="vpn" level="notice"'
    ' vd="root" eventtime=1784338997'
)
_TIMEOUT: Final = r'[^"\n]{0,60}(?:timeout|timed out)'
_ENDS: Final = (
    ' remip=192.0.2.9 locip=192.0.2.1 remport=500 locport=500 outintf="wan1"'
    ' cookies="0a1b2c3d4e5f6071/8192a3b4c5d6e7f8" vpntunnel="hub"'
)


def _key(name: str, value: str) -> str:
    """A key and its value anywhere in the line.

    The search is for the letters of the key, which is quick, and not after blanks: a line of
    nothing else is looked through once.
    """
    return rf'(?!\s)(?=[^\n]{{0,1500}}?{name}(?<=\b{name})="?{value})'


def _action(names: str) -> str:
    return _key("action", rf'(?:{names})"?(?:\s|$)')


DIALECT = Dialect(
    name="fortigate-events",
    family="fortigate",
    title="FortiGate VPN event log",
    tag=(
        r'(?=(?:date|time|itime|eventtime|devname|devid|logver|logid|log_id|id|timezone|tz|idseq)="?'
        r'[^\n]{0,700}?subtype(?<=\bsubtype)="?(?:vpn|ipsec)"?(?:\s|$))'
    ),
    patterns=(
        Pattern(
            "dead",
            rf"{_action('dpd(?:_failure)?')}{_key('status', 'dpd_failure')}"
            rf"|{_key('logdesc', 'IPsec DPD failed')}",
            (
                _HEAD.format("37136") + ' logdesc="IPsec DPD failed" msg="IPsec DPD failure"'
                ' action="dpd"' + _ENDS + ' status="dpd_failure"',
                _HEAD.format("37136") + ' logdesc="IPsec DPD failed" action="dpd_failure"' + _ENDS,
            ),
        ),
        Pattern(
            "ike-up",
            _action("negotiate") + _key("msg", r'[^"\n]{0,40}phase 1') + _key("result", "DONE"),
            (
                _HEAD.format("37127") + ' logdesc="Progress IPsec phase 1" msg="progress IPsec'
                ' phase 1" action="negotiate"' + _ENDS + ' status="success" init="local"'
                ' mode="main" dir="outbound" stage=3 role="initiator" result="DONE"',
            ),
        ),
        Pattern(
            "child-up",
            _action("install_sa"),
            (
                _HEAD.format("37133") + ' logdesc="IPsec SA installed" msg="install IPsec SA"'
                ' action="install_sa"' + _ENDS + ' role="initiator" in_spi="0a0b0c11"'
                ' out_spi="0d0e0f22"',
            ),
        ),
        Pattern(
            "child-down",
            _action("delete_ipsec_sa"),
            (
                _HEAD.format("37135")
                + ' msg="delete IPsec phase 2 SA" action="delete_ipsec_sa"'
                + _ENDS
                + ' in_spi="0a0b0c11" out_spi="0d0e0f22"',
            ),
        ),
        Pattern(
            "ike-down",
            _action("delete_phase1_sa"),
            (
                _HEAD.format("37134") + ' msg="delete IPsec phase 1 SA"'
                ' action="delete_phase1_sa"' + _ENDS,
            ),
        ),
        Pattern(
            "tunnel-down",
            _action("tunnel-down"),
            (
                _HEAD.format("37138") + ' msg="IPsec connection status change"'
                ' action="tunnel-down"' + _ENDS + " tunnelid=7 sentbyte=9 rcvdbyte=0",
            ),
        ),
        Pattern(
            "tunnel-up",
            _action("tunnel-up"),
            (
                _HEAD.format("37138") + ' msg="IPsec connection status change"'
                ' action="tunnel-up"' + _ENDS + " tunnelid=7",
            ),
        ),
        Pattern(
            "invalid-spi",
            _action("error") + _key("error_num", "Received ESP packet with unknown SPI"),
            (
                _HEAD.format("37131")
                + ' msg="IPsec ESP" action="error"'
                + _ENDS
                + ' status="esp_error" error_num="Received ESP packet with unknown SPI."'
                ' spi="0a0b0c11" seq="00000001"',
            ),
        ),
        Pattern(
            "gave-up",
            rf"{_action('negotiate')}(?:{_key('reason', _TIMEOUT)}|{_key('msg', _TIMEOUT)})",
            (
                _HEAD.format("37124")
                + ' msg="IPsec phase 1 error" action="negotiate"'
                + _ENDS
                + ' status="negotiate_error" reason="negotiation timeout"',
            ),
        ),
    ),
    ignored=(_key("action", ""),),
)
