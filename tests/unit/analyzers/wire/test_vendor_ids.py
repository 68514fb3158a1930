from __future__ import annotations

import hashlib

import pytest

from analyzers.wire.vendor_ids import dpd_version, vendor_name


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("RFC 3947", "NAT-T RFC 3947"),
        ("draft-ietf-ipsec-nat-t-ike-02\n", "NAT-T draft-02 (newline)"),
        ("draft-ietf-ipsec-nat-t-ike-03", "NAT-T draft-03"),
        ("draft-ietf-ipsec-nat-t-ike-08", "NAT-T draft-08"),
        ("FRAGMENTATION", "Cisco Fragmentation"),
        ("strongSwan", "strongSwan"),
        ("KAME/racoon", "racoon (KAME/ipsec-tools)"),
        ("Vid-Initial-Contact", "Microsoft Vid-Initial-Contact"),
        ("MS NT5 ISAKMPOAKLEY", "Microsoft NT5 ISAKMPOAKLEY"),
    ],
)
def test_vendor_ids_that_are_the_digest_of_a_text(text, name):
    assert vendor_name(hashlib.md5(text.encode(), usedforsecurity=False).digest()) == name


@pytest.mark.parametrize(
    ("value", "name"),
    [
        ("afcad71368a1f1c96b8696fc77570100", "DPD 1.0"),
        ("afcad71368a1f1c96b8696fc77570203", "DPD 2.3"),
        ("afcad71368a1f1c96b8696fc7757", "DPD"),
        ("09002689dfd6b712", "XAUTH"),
        ("12f5f28c457168a9702d9fe274cc0100", "Cisco Unity 1.0"),
        ("4048b7d56ebce88525e7de7f00d6c2d3c0000000", "Cisco Fragmentation"),
        ("1e2b516905991c7d7c96fcbfb587e46100000009", "Microsoft NT5 ISAKMPOAKLEY 9"),
        (b"CISCO-DELETE-REASON".hex(), "Cisco Delete Reason"),
        (b"FLEXVPN-SUPPORTED".hex(), "Cisco FlexVPN"),
        (b"OE-Libreswan-4.10".hex(), "Libreswan 4.10"),
        (b"OE-Libreswan-\x1b[2J".hex(), "Libreswan"),
        (b"OpenIKED-7.2".hex(), "OpenIKED 7.2"),
        (b"OpenIKED".hex(), "OpenIKED"),
        ("", None),
        ("00112233", None),
    ],
)
def test_names(value, name):
    assert vendor_name(bytes.fromhex(value)) == name


def test_dpd_version():
    assert dpd_version("afcad71368a1f1c96b8696fc77570100") == (1, 0)
    assert dpd_version("afcad71368a1f1c96b8696fc7757") is None
    assert dpd_version("09002689dfd6b712") is None
