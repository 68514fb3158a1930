from __future__ import annotations

from analyzers.model.exchange import DeleteProtocol
from analyzers.model.log_events import LogEventKind
from tests.log_text import decoder, events_of, story

COOKIES = "0102030405060708/1112131415161718"


def entry(action: str, logid: str, more: str = "", second: int = 17, cookies: str = COOKIES) -> str:
    return (
        f'date=2026-07-17 time=21:43:{second:02} devname="fw1" devid="FGT1" logid="01010{logid}"'
        f' type="event" subtype="vpn" level="notice" vd="root" eventtime=17843389{second}'
        f' logdesc="x" msg="IPsec phase 1" action="{action}" remip=198.51.100.9 locip=192.0.2.1'
        f' remport=4500 locport=4500 outintf="wan1" cookies="{cookies}" user="N/A" group="N/A"'
        f' vpntunnel="hub" {more}\n'
    )


DEAD = entry("dpd", "37136", 'status="dpd_failure" msg="IPsec DPD failure"')
IKE_DOWN = entry("delete_phase1_sa", "37134")
TUNNEL_DOWN = entry("tunnel-down", "37138", "tunnelid=7 sentbyte=931 rcvdbyte=0")
IKE_UP = entry("negotiate", "37127", 'status="success" stage=3 role="initiator" result="DONE"')
SPIS = 'role="initiator" in_spi="0a0b0c11" out_spi="0d0e0f22"'


def test_a_dead_peer_and_the_end_of_its_tunnel():
    told = events_of(IKE_UP + DEAD + IKE_DOWN + TUNNEL_DOWN)
    assert story(told) == ["ike-sa-up", "peer-dead", "ike-sa-down"]
    dead, down = told[1:]
    assert (dead.remote, dead.local, dead.remote_port) == ("198.51.100.9", "192.0.2.1", 4500)
    assert (dead.handle, dead.reason) == ("hub", "IPsec DPD failure")
    assert (dead.initiator_spi, dead.responder_spi) == tuple(COOKIES.split("/"))
    assert (down.protocol, down.ref.record) == (DeleteProtocol.IKE, 3)


def test_a_dpd_entry_that_tells_of_no_failure_is_none():
    text = entry("dpd", "37136", 'status="success"')
    assert events_of(text) == []


def test_child_sas_have_both_their_spis():
    text = (
        entry("install_sa", "37133", SPIS)
        + entry("install_sa", "37133", SPIS)
        + entry("delete_ipsec_sa", "37135", SPIS)
        + entry("delete_ipsec_sa", "37135", SPIS)
    )
    up, down = events_of(text)
    assert (up.kind, up.spis) == (LogEventKind.CHILD_SA_UP, ("0a0b0c11", "0d0e0f22"))
    assert (down.kind, down.spis) == (LogEventKind.CHILD_SA_DOWN, ("0a0b0c11", "0d0e0f22"))


def test_a_tunnel_is_told_by_its_interface_where_phase_1_is_not_logged():
    text = (
        entry("tunnel-up", "37138", "tunnelid=7")
        + TUNNEL_DOWN
        + entry("tunnel-up", "37138", "tunnelid=8")
        + TUNNEL_DOWN
    )
    assert story(events_of(text)) == ["ike-sa-up", "ike-sa-down"] * 2


def test_an_sa_that_was_rekeyed_goes_without_its_tunnel():
    later = IKE_UP.replace("0102030405060708", "2122232425262728")
    told = events_of(IKE_UP + later + IKE_DOWN + TUNNEL_DOWN.replace(COOKIES, "N/A"))
    assert story(told) == ["ike-sa-up", "ike-sa-up", "ike-sa-down", "ike-sa-down"]
    assert [e.initiator_spi for e in told[2:]] == ["0102030405060708", None]


def test_esp_for_an_unknown_spi():
    text = entry(
        "error",
        "37131",
        'status="esp_error" error_num="Received ESP packet with unknown SPI." spi="0a0b0c11"',
    )
    (invalid,) = events_of(text)
    assert (invalid.kind, invalid.spis) == (LogEventKind.INVALID_SPI, ("0a0b0c11",))


def test_a_negotiation_that_times_out_is_no_dead_peer():
    text = entry("negotiate", "37124", 'status="negotiate_error" reason="negotiation timeout"')
    (failed,) = events_of(text)
    assert (failed.kind, failed.reason) == (LogEventKind.GAVE_UP, "negotiation timeout")


def test_syslog_around_it_and_keys_without_quotes():
    text = (
        "<189>Jul 17 21:43:17 192.0.2.254 "
        + IKE_UP
        + "Jul 17 21:43:18 fw1 logver=700 idseq=7 "
        + DEAD.replace('"', "").replace("IPsec DPD failure", "failure")
    )
    assert story(events_of(text)) == ["ike-sa-up", "peer-dead"]


def test_events_of_other_subsystems_are_no_crypto_lines():
    text = IKE_UP.replace('subtype="vpn"', 'subtype="system"').replace("negotiate", "login")
    reader, events = decoder(text + entry("tunnel-stats", "37141", "sentbyte=1"))
    assert (events, reader.tally.unparsed) == ([], 0)
    assert sum(reader.tally.dialects.values()) == 1
