"""Cisco IOS and IOS XE: `debug crypto ipsec`, whose records are several lines each.

Forms: log grammar section 2.2. It tells Child SAs by their SPIs, one direction a record.
"""

from __future__ import annotations

from typing import Final

from analyzers.dialects.dialect import Dialect, Pattern

_IP: Final = r"[0-9A-Fa-fx.:*]{2,45}"
_SPI: Final = r"0x[0-9A-Fa-f]{1,8}"
_ATTRIBUTES: Final = (
    rf" \(sa\) sa_dest\s{{0,4}}=\s{{0,4}}(?P<dest>{_IP}), sa_prot(?:o)?\s{{0,4}}=\s{{0,4}}"
    rf"(?P<proto>\d{{1,3}}), sa_spi\s{{0,4}}=\s{{0,4}}(?P<spi>{_SPI})"
    rf"(?:[\s\S]{{0,300}}?\(identity\) local\s{{0,4}}=\s{{0,4}}(?P<local_end>{_IP}),"
    rf" remote\s{{0,4}}=\s{{0,4}}(?P<peer_end>{_IP}))?"
)
_SAMPLE: Final = (
    "\n  (sa) sa_dest= {0}, sa_proto= 50,\n    sa_spi= 0xA1B2C3D4(2712847316),\n"
    "    sa_trans= esp-aes 256 esp-sha256-hmac , sa_conn_id= 2005\n"
)
_IDENTITY: Final = (
    "    sa_lifetime(k/sec)= (4608000/3600),\n  (identity) local= 192.0.2.1:0,"
    " remote= 198.51.100.9:0,\n    local_proxy= 10.1.0.0/255.255.0.0/256/0,"
)

DIALECT = Dialect(
    name="cisco-ipsec",
    family="ios",
    title="Cisco IOS/IOS XE debug crypto ipsec",
    lenient=True,
    tag=r"IPSEC ?\((?=[a-z])",
    patterns=(
        Pattern(
            "created",
            r"create_sa\)\s?: sa created," + _ATTRIBUTES,
            (
                "*Jun  3 08:00:02.629: IPSEC(create_sa): sa created,"
                + _SAMPLE.format("192.0.2.1")
                + _IDENTITY,
                "IPSEC(create_sa): sa created,\n  (sa) sa_dest= 198.51.100.9, sa_prot= 50,\n"
                "    sa_spi= 0xE060044(235274308),\n    sa_trans= esp-des esp-sha-hmac ,"
                " sa_conn_id= 2001",
            ),
        ),
        Pattern(
            "deleted",
            r"delete_sa\)\s?: deleting SA," + _ATTRIBUTES,
            (
                "*Jun  3 09:00:02.629: IPSEC(delete_sa): deleting SA,"
                + _SAMPLE.format("2001:DB8::1")
                + _IDENTITY,
            ),
        ),
        Pattern(
            "delete-asked",
            rf"key_engine_delete_sas\)\s?: delete SA with spi (?P<spi>{_SPI}) proto"
            rf" (?P<proto>\d{{1,3}}) for (?P<peer>{_IP})",
            (
                "IPSEC(key_engine_delete_sas): delete SA with spi 0xA1B2C3D4 proto 50 for"
                " 198.51.100.9",
            ),
        ),
        Pattern(
            "ends",
            r"(?:sa_request|initialize_sas|validate_(?:transform_)?proposal(?:_request)?)\)\s?:"
            rf"[\s\S]{{0,120}}?local\s{{0,4}}=\s{{0,4}}(?P<local_end>{_IP}),"
            rf" remote\s{{0,4}}=\s{{0,4}}(?P<peer_end>{_IP})",
            (
                "IPSEC(sa_request): ,\n  (key eng. msg.) OUTBOUND local= 192.0.2.1:500, remote="
                " 198.51.100.9:500,\n    local_proxy= 10.1.0.0/255.255.0.0/256/0,",
                "IPSEC(validate_proposal_request): proposal part #1,\n  (key eng. msg.) INBOUND"
                " local= 192.0.2.1, remote= 198.51.100.9,",
            ),
            words=("sa", "initialize", "validate"),
        ),
    ),
    ignored=(
        r"(?:add mtree|adjust_remote|check_delete|create_map|create_sa|crypto_ipsec_\w{2,40})",
        r"(?:decapsulate|delete_\w{2,20}|epa_\w{2,20}|get_\w{2,40}|ident_\w{2,40}|ipsec_\w{2,40})",
        r"(?:kei_proxy|key_engine|lifetime|map_|mtree_|rte_mgr|sa_(?:aging|get|initiate|request))",
        r"(?:send_delete|set_|sibling_|spi_response|STATES|update_\w{2,40}|validate_\w{2,40})",
    ),
)
