"""An output in a file of its own, without the prompt and the command before it."""

from __future__ import annotations

from pathlib import Path

import pytest

from analyzers.model.snapshot import SnapshotFormat as F
from analyzers.session import Session
from tests.unit.snapshots import samples

OUTPUTS = {
    "isakmp": (samples.ISAKMP_SA, F.IOS_ISAKMP_SA),
    "isakmp-detail": (samples.ISAKMP_SA_DETAIL, F.IOS_ISAKMP_SA),
    "ikev2-detail": (samples.IOS_IKEV2_SA_DETAIL, F.IOS_IKEV2_SA),
    "ikev2-session": (samples.IOS_IKEV2_SESSION, F.IOS_IKEV2_SA),
    "crypto-session": (samples.crypto_session(), F.IOS_CRYPTO_SESSION),
    "ios-ipsec": (samples.ios_ipsec_sa(), F.CISCO_IPSEC_SA),
    "asa-ipsec": (samples.asa_ipsec_sa(), F.CISCO_IPSEC_SA),
    "asa-sessiondb": (samples.asa_sessiondb(), F.ASA_VPN_SESSIONDB),
    "asa-old": (samples.ASA_IKEV1_SA_OLD, F.ASA_IKEV1_SA),
    "swanctl": (samples.swanctl_sas(), F.SWANCTL_LIST_SAS),
    "statusall": (samples.STATUSALL, F.STRONGSWAN_STATUSALL),
    "libreswan": (samples.libreswan_status(), F.LIBRESWAN_STATUS),
    "libreswan-v1": (samples.LIBRESWAN_STATUS_V1, F.LIBRESWAN_STATUS),
    "trafficstatus": (samples.trafficstatus(), F.LIBRESWAN_TRAFFICSTATUS),
    "fortigate-gateway": (samples.FORTIGATE_GATEWAYS, F.FORTIGATE_IKE_GATEWAY),
    "fortigate-tunnel": (samples.fortigate_tunnels(), F.FORTIGATE_VPN_TUNNEL),
}


@pytest.mark.parametrize("name", OUTPUTS)
@pytest.mark.parametrize("prefix", ["", "log:"], ids=["told", "said"])
def test_is_read(tmp_path: Path, name: str, prefix: str) -> None:
    text, form = OUTPUTS[name]
    path = tmp_path / f"{name}.txt"
    path.write_text(text, encoding="utf-8")
    session = Session()
    session.run([f"{prefix}{path}"])
    assert session.sources[0].format == form
    assert any(peer.shown for peer in session.peers())
