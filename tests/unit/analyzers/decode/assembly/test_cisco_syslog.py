from __future__ import annotations

import pytest

from analyzers.model.exchange import DeleteProtocol
from analyzers.model.log_events import LogEventKind
from tests.log_text import clock, events_of, story

DOWN = "%CRYPTO-5-SESSION_STATUS: Crypto tunnel is DOWN.  Peer 198.51.100.9:500       Id: spoke"


def stamped(time: str, text: str) -> str:
    return f"*Jun  3 08:{time}: {text}\n"


def test_a_session_goes_down():
    (made,) = events_of(stamped("47:45.395", DOWN))
    assert (made.kind, made.remote, made.remote_port, made.version) == (
        LogEventKind.IKE_SA_DOWN,
        "198.51.100.9",
        500,
        None,
    )
    assert (made.reason, clock(made)) == ("crypto session DOWN", "08:47:45.395")


@pytest.mark.parametrize(
    ("text", "kind", "remote", "version"),
    [
        (
            "%CRYPTO-5-SESSION_STATUS: Crypto tunnel is UP .  Peer 198.51.100.9:4500 Id: a",
            LogEventKind.IKE_SA_UP,
            "198.51.100.9",
            None,
        ),
        (
            "%CRYPTO-5-IKEV2_SESSION_STATUS: Crypto tunnel v2 is DOWN.  Peer 2001:DB8::9:500"
            "       Id: 2001:DB8::9",
            LogEventKind.IKE_SA_DOWN,
            "2001:db8::9",
            2,
        ),
        (
            "%CRYPTO-5-SESSION STATUS: Crypto tunnel is DOWN. Peer\n198.51.100.9:500\n"
            "                      Id: 198.51.100.9",
            LogEventKind.IKE_SA_DOWN,
            "198.51.100.9",
            None,
        ),
        (
            "%CRYPTO-5-SESSION_STATUS: Crypto tunnel is DOWN.  Peer x.x.x.x:500  Id: x.x.x.x",
            LogEventKind.IKE_SA_DOWN,
            "x.x.x.x",
            None,
        ),
        (
            "%FLEXVPN-6-FLEXVPN_CONNECTION_DOWN: FlexVPN(spoke) Client_public_addr = 192.0.2.1"
            " Server_public_addr = 198.51.100.9",
            LogEventKind.IKE_SA_DOWN,
            "198.51.100.9",
            None,
        ),
        (
            "%CRYPTO-6-EZVPN_CONNECTION_UP: (Server)  User=  Group=lab "
            " Client_public_addr=198.51.100.9  Server_public_addr=192.0.2.1",
            LogEventKind.IKE_SA_UP,
            "198.51.100.9",
            None,
        ),
        ("%IKEV2-5-SA_DOWN: SA DOWN", LogEventKind.IKE_SA_DOWN, None, 2),
    ],
)
def test_forms(text: str, kind: LogEventKind, remote: str | None, version: int | None):
    (made,) = events_of(stamped("00:01.000", text))
    assert (made.kind, made.remote, made.version) == (kind, remote, version)


def test_one_change_is_told_by_several_facilities():
    flex = (
        "%FLEXVPN-6-FLEXVPN_CONNECTION_DOWN: FlexVPN(spoke) Client_public_addr = 192.0.2.1"
        " Server_public_addr = 198.51.100.9"
    )
    text = stamped("00:01.000", DOWN) + stamped("00:01.200", flex)
    assert story(events_of(text)) == ["ike-sa-down"]
    assert story(events_of(text + stamped("05:01.000", DOWN))) == ["ike-sa-down", "ike-sa-down"]


@pytest.mark.parametrize("word", ["rec'd", "rec`d", "rec&#39;d"])
def test_esp_for_an_sa_that_is_gone(word: str):
    text = (
        f"<0>91: *Jun 03 08:10:04: gw.example %CRYPTO-4-RECVD_PKT_INV_SPI: decaps: {word} IPSEC"
        " packet has invalid spi for destaddr=192.0.2.1, prot=50, spi=0xA1B2C3D4(2712847316),"
        " srcaddr=198.51.100.9, input interface=GigabitEthernet1\n"
    )
    (made,) = events_of(text)
    assert (made.kind, made.spis, made.local, made.remote, made.protocol) == (
        LogEventKind.INVALID_SPI,
        ("a1b2c3d4",),
        "192.0.2.1",
        "198.51.100.9",
        DeleteProtocol.ESP,
    )
    assert made.resolution_ns == 10**9


@pytest.mark.parametrize(
    ("text", "remote", "reason"),
    [
        (
            "%CRYPTO-4-IKMP_BAD_MESSAGE: IKE message from 198.51.100.9 failed its sanity check or"
            " is malformed",
            "198.51.100.9",
            "IKE message from 198.51.100.9 failed its sanity check or is malformed",
        ),
        ("%CRYPTO-6-ISAKMP_ON_OFF: ISAKMP is OFFno shut", None, "ISAKMP is OFF"),
        (
            "%IKEV2-3-NEG_ABORT: Negotiation aborted due to ERROR: Auth exchange failed",
            None,
            "Auth exchange failed",
        ),
    ],
)
def test_what_explains_but_proves_nothing(text: str, remote: str | None, reason: str):
    (made,) = events_of(stamped("00:01.000", text))
    assert (made.kind, made.remote, made.reason) == (LogEventKind.HINT, remote, reason)


def test_an_ike_message_for_an_sa_that_is_gone():
    said = "IKE message from 198.51.100.9 has no SA and is not an initialization offer"
    (made,) = events_of(stamped("00:01.000", f"%CRYPTO-4-IKMP_NO_SA: {said}.!!!!"))
    assert (made.kind, made.reason) == (LogEventKind.UNKNOWN_IKE_SA, said)


def test_exhausted_retransmissions_are_no_verdict_on_the_peer():
    text = "%IKEV2-3-NEG_ABORT: Negotiation aborted due to ERROR: Maximum number of"
    (made,) = events_of(stamped("00:01.000", f"{text} retransmissions reached"))
    assert made.kind is LogEventKind.GAVE_UP


def test_other_facilities_are_not_crypto():
    text = stamped("00:01.000", "%LINEPROTO-5-UPDOWN: Line protocol on Interface Tunnel4, changed")
    assert events_of(text + stamped("00:02.000", "%SYS-5-CONFIG_I: Configured from console")) == []
