from __future__ import annotations

from analyzers.model.policy import PolicyMode
from analyzers.model.snapshot import SaRole, Snapshot
from analyzers.model.snapshot import SnapshotFormat as F
from analyzers.snapshots.find import find_snapshots
from tests.unit.snapshots import samples
from tests.unit.snapshots.samples import numbered


def only(text: str) -> Snapshot:
    found = find_snapshots(numbered(text))
    assert len(found) == 1
    return found[0]


def test_isakmp_sa_tells_who_began_and_finds_the_router_as_the_common_end():
    snapshot = only(samples.ISAKMP_SA)
    assert snapshot.format is F.IOS_ISAKMP_SA
    first, second, v6 = snapshot.entries
    assert (first.local, first.remote, first.role) == (
        "192.0.2.1",
        "198.51.100.7",
        SaRole.INITIATOR,
    )
    assert (first.conn_id, first.state, first.ike_version) == ("1007", "QM_IDLE ACTIVE", 1)
    assert (second.local, second.remote) == ("192.0.2.1", "203.0.113.9")
    assert second.role is SaRole.RESPONDER
    assert second.state == "MM_NO_STATE ACTIVE (deleted)"
    assert (v6.initiator, v6.responder, v6.conn_id) == ("2001:db8::1", "2001:db8:7::1", "1005")
    assert (v6.local, v6.remote, v6.role) == ("", "", None)


def test_a_single_row_leaves_open_which_end_is_the_router():
    lines = samples.ISAKMP_SA.splitlines()[:3]
    entry = only("\n".join(lines)).entries[0]
    assert (entry.initiator, entry.responder) == ("192.0.2.1", "198.51.100.7")
    assert (entry.local, entry.remote, entry.role) == ("", "", None)


def test_another_output_of_the_router_tells_which_end_it_is():
    text = "hub#sh cry isa sa\n" + "\n".join(samples.ISAKMP_SA.splitlines()[:3])
    text += "\nhub#sh cry ips sa\n" + samples.ios_ipsec_sa()
    isakmp, ipsec = find_snapshots(numbered(text))
    assert isakmp.entries[0].local == "192.0.2.1"
    assert isakmp.entries[0].remote == "198.51.100.7"
    assert ipsec.entries[0].local == "192.0.2.1"


def test_isakmp_sa_detail_shows_dpd_in_force_by_its_letter():
    snapshot = only(samples.ISAKMP_SA_DETAIL)
    with_dpd, keepalives, without = snapshot.entries
    assert (with_dpd.local, with_dpd.remote, with_dpd.conn_id) == (
        "192.0.2.1",
        "198.51.100.7",
        "1007",
    )
    assert with_dpd.remaining_s == 23 * 3600 + 12 * 60 + 9
    assert with_dpd.encryption == "aes sha256 group 14"
    assert with_dpd.dpd is not None
    assert with_dpd.dpd.active
    assert with_dpd.dpd.evidence == "Cap. DN"
    assert with_dpd.dpd.line == with_dpd.line == 10
    assert keepalives.dpd is not None
    assert (keepalives.dpd.active, keepalives.dpd.ios_keepalives) == (False, True)
    assert keepalives.name == "red"
    assert without.dpd is not None
    assert (without.dpd.active, without.dpd.evidence) == (False, "Cap. (none)")
    assert without.remaining_s == 59


def test_ikev2_sa_detail():
    snapshot = only(samples.IOS_IKEV2_SA_DETAIL)
    first, second, v6 = snapshot.entries
    assert (first.local, first.local_port) == ("192.0.2.1", 4500)
    assert (first.remote, first.remote_port) == ("198.51.100.7", 4500)
    assert first.role is SaRole.RESPONDER
    assert first.initiator_spi == "8192a3b4c5d6e7f8"
    assert first.responder_spi == "0a1b2c3d4e5f6071"
    assert (first.age_s, first.remaining_s) == (1234, 86400 - 1234)
    assert first.encryption == "AES-CBC-256 SHA512 group 19"
    assert first.dpd is not None
    assert (first.dpd.active, first.dpd.interval_s, first.dpd.retry_s) == (True, 10.0, 2.0)
    assert first.dpd.evidence == "DPD configured for 10 seconds, retry 2"
    assert first.dpd.line == 16
    assert second.role is SaRole.INITIATOR
    assert (second.initiator_spi, second.responder_spi) == ("1111222233334444", "5555666677778888")
    assert second.dpd is not None
    assert (second.dpd.active, second.dpd.mode) == (False, PolicyMode.DISABLED)
    assert second.encryption == "AES-GCM-128 SHA256 group 14"
    assert (v6.local, v6.remote, v6.remote_port) == ("2001:db8::1", "2001:db8:7::1", 500)
    assert (v6.initiator_spi, v6.role, v6.dpd) == ("", None, None)


def test_ikev2_session_has_the_child_sas():
    (entry,) = only(samples.IOS_IKEV2_SESSION).entries
    (child,) = entry.children
    assert (child.inbound_spi, child.outbound_spi) == ("0a6fdeb3", "25da684c")
    assert child.flow == "10.1.0.0/0 - 10.1.0.255/65535 === 10.7.0.0/0 - 10.7.0.255/65535"


def test_crypto_session_detail():
    first, second, third = only(samples.crypto_session()).entries
    assert (first.name, first.ike_version, first.conn_id) == ("Tunnel0", 2, "3")
    assert first.state == "UP-ACTIVE, IKE Active"
    assert first.age_s == 93_600
    assert first.remaining_s == 22 * 3600 + 7 * 60 + 17
    assert first.dpd is not None
    assert (first.dpd.active, first.dpd.evidence) == (True, "Capabilities:DN")
    (child,) = first.children
    assert (child.encaps_packets, child.decaps_packets) == (477, 668)
    assert (child.encap_errors, child.decap_errors) == (3, 0)
    assert (child.remaining_s, child.state, child.line) == (1437, "2 active SAs", 20)
    assert child.flow == "permit 47 host 192.0.2.1 host 198.51.100.7"
    # Two IKE SAs of one peer; its flow stands under the first.
    assert (second.conn_id, third.conn_id) == ("1012", "1013")
    assert second.dpd is not None
    assert third.dpd is not None
    assert (second.dpd.active, third.dpd.active) == (False, True)
    assert (len(second.children), len(third.children)) == (1, 0)


def test_ipsec_sa_of_ios():
    (entry,) = only(samples.ios_ipsec_sa()).entries
    assert (entry.name, entry.local, entry.remote) == ("Tunnel0", "192.0.2.1", "198.51.100.7")
    assert (entry.local_port, entry.remote_port) == (None, 500)
    assert entry.encryption == "esp-256-aes esp-sha-hmac"
    (child,) = entry.children
    assert (child.inbound_spi, child.outbound_spi) == ("4a0c4498", "041dd788")
    assert (child.encaps_packets, child.decaps_packets) == (233, 117)
    assert (child.encap_errors, child.decap_errors) == (3, 1)
    assert (child.remaining_s, child.state) == (3033, "ACTIVE")
    assert child.flow == "192.0.2.1/255.255.255.255/47/0 === 198.51.100.7/255.255.255.255/47/0"
    assert child.line == 10


def test_ipsec_sa_detail_counts_errors_by_direction():
    (entry,) = only(samples.IOS_IPSEC_SA_DETAIL).entries
    (child,) = entry.children
    assert (child.encap_errors, child.decap_errors) == (4 + 2 + 1, 1 + 5 + 7)
    assert (child.encaps_packets, child.decaps_packets) == (8203, 7875)


def test_several_flows_of_one_interface_keep_their_own_counters():
    first = samples.ios_ipsec_sa(10, 20)
    second = samples.ios_ipsec_sa(30, 40, inbound="AA", outbound="BB", peer="203.0.113.9")
    text = first + second[second.index("   protected vrf") :]
    one, other = only(text).entries
    assert (one.remote, one.children[0].encaps_packets) == ("198.51.100.7", 10)
    assert (other.remote, other.children[0].encaps_packets) == ("203.0.113.9", 30)
    assert other.children[0].inbound_spi == "000000aa"
    assert other.local == "192.0.2.1"


def test_a_flow_without_sas_has_counters_and_no_spis():
    text = samples.ios_ipsec_sa(5, 0, outbound="0")
    text = text[: text.index("      spi: 0x4A0C4498")]
    (child,) = only(text).entries[0].children
    assert (child.inbound_spi, child.outbound_spi) == ("", "")
    assert (child.encaps_packets, child.decaps_packets) == (5, 0)


def test_two_generations_of_sas_during_a_rekey():
    text = samples.ios_ipsec_sa()
    old_in = "      spi: 0x11111111(286331153)\n        transform: esp-256-aes esp-sha-hmac ,\n"
    old_in += "        sa timing: remaining key lifetime (k/sec): (4607976/7)\n"
    old_out = old_in.replace("0x11111111(286331153)", "0x22222222(572662306)")
    text = text.replace("inbound esp sas:\n", f"inbound esp sas:\n{old_in}", 1)
    text = text.replace("outbound esp sas:\n", f"outbound esp sas:\n{old_out}", 1)
    (child,) = only(text).entries[0].children
    assert (child.inbound_spi, child.outbound_spi) == ("4a0c4498", "041dd788")
    assert set(child.further_spis) == {"11111111", "22222222"}
    assert child.remaining_s == 3033


def test_ipsec_sa_of_asa():
    (entry,) = only(samples.asa_ipsec_sa()).entries
    assert (entry.name, entry.local, entry.remote) == ("outside", "192.0.2.1", "198.51.100.7")
    assert (entry.local_port, entry.remote_port) == (4500, 4500)
    (child,) = entry.children
    assert (child.inbound_spi, child.outbound_spi) == ("32f752ff", "50023ddc")
    assert (child.encaps_packets, child.decaps_packets) == (1391, 2360)
    assert (child.encap_errors, child.decap_errors) == (2, 6)
    assert (child.remaining_s, child.name) == (25461, "outside_map")


def test_old_ways_to_write_the_peer():
    text = samples.ios_ipsec_sa().replace(
        "current_peer 198.51.100.7 port 500", "current_peer: 198.51.100.7:4500"
    )
    (entry,) = only(text).entries
    assert (entry.remote, entry.remote_port) == ("198.51.100.7", 4500)


def test_isakmp_sa_detail_of_asa_has_both_versions():
    text = f"fw# show crypto isakmp sa detail\n{samples.ASA_ISAKMP_SA_DETAIL}fw#"
    ikev1, ikev2 = find_snapshots(numbered(text))
    assert (ikev1.format, ikev2.format) == (F.ASA_IKEV1_SA, F.ASA_IKEV2_SA)
    assert ikev1.command == ikev2.command == "show crypto isakmp sa detail"
    assert ikev1.hostname == ikev2.hostname == "fw"
    assert ikev1.line == 1
    assert ikev2.line > ikev1.last_line
    first, second = ikev1.entries
    assert (first.remote, first.role, first.state) == (
        "198.51.100.7",
        SaRole.INITIATOR,
        "MM_ACTIVE",
    )
    assert (first.encryption, first.remaining_s) == ("aes-256 SHA", 76776)
    assert (second.role, second.remaining_s) == (SaRole.RESPONDER, None)
    (entry,) = ikev2.entries
    assert entry.role is SaRole.INITIATOR
    assert (entry.initiator_spi, entry.responder_spi) == ("0102030405060708", "1112131415161718")
    assert entry.dpd is not None
    assert (entry.dpd.interval_s, entry.dpd.retry_s) == (10.0, 2.0)
    assert entry.children[0].inbound_spi == "02345678"


def test_ikev1_sa_of_old_asa_by_the_template():
    first, second = only(samples.ASA_IKEV1_SA_OLD).entries
    assert (first.remote, first.role, first.state) == (
        "198.51.100.7",
        SaRole.INITIATOR,
        "MM_Active",
    )
    assert (second.role, second.encryption, second.line) == (SaRole.RESPONDER, "aes SHA", 3)


def test_vpn_sessiondb_by_the_template():
    first, second = only(samples.asa_sessiondb()).entries
    assert (first.remote, first.ike_version, first.conn_id) == ("198.51.100.7", 1, "19065")
    assert (first.encryption, first.remaining_s) == ("3DES SHA1", 68400)
    assert first.age_s == 4 * 3600 + 59 * 60 + 59
    (child,) = first.children
    assert (child.encaps_packets, child.encaps_bytes) == (38888, 42097723)
    assert (child.decaps_packets, child.decaps_bytes) == (32412, 2549385)
    assert (child.unique_id, child.remaining_s) == ("19065.2", 2701)
    assert child.flow == "10.1.0.0/255.255.255.0 === 10.7.0.0/255.255.255.0"
    assert "Pkts Tx" in samples.asa_sessiondb().splitlines()[child.line - 1]
    assert (second.remote, second.ike_version) == ("203.0.113.9", 2)
    assert second.children[0].unique_id == "19066.2"


def test_a_session_that_lost_its_address_does_not_take_that_of_the_session_before():
    text = samples.asa_sessiondb().replace(
        "Index        : 19066                  IP Addr      : 203.0.113.9\n", ""
    )
    _, second = only(text).entries
    assert second.remote == "203.0.113.9"
    text = text.replace("Connection   : 203.0.113.9", "Connection   :")
    _, second = only(text).entries
    assert (second.remote, second.conn_id) == ("", "")
    assert second.children[0].encaps_packets == 2


def test_vpn_sessiondb_without_detail_has_the_counters_of_the_session():
    text = samples.asa_sessiondb()
    text = "Session Type: LAN-to-LAN\n" + text[text.index("\nConnection") : text.index("\nIKEv1 T")]
    (entry,) = only(text).entries
    (child,) = entry.children
    assert (entry.remote, child.unique_id) == ("198.51.100.7", "19065")
    assert (child.encaps_bytes, child.decaps_bytes) == (56006870, 4062567)
    assert (child.encaps_packets, child.line) == (None, 8)


def test_crypto_session_without_detail():
    text = (
        "Crypto session current status\n\nInterface: GigabitEthernet0/1\nSession status: UP-IDLE\n"
        "Peer: 198.51.100.7 port 500\n  Session ID: 0\n"
        "  IKEv1 SA: local 192.0.2.1/500 remote 198.51.100.7/500 Active\n"
        "  IPSEC FLOW: permit ip 10.1.0.0/255.255.255.0 10.7.0.0/255.255.255.0\n"
        "        Active SAs: 0, origin: crypto map\n"
    )
    (entry,) = only(text).entries
    assert (entry.local, entry.state, entry.dpd) == ("192.0.2.1", "UP-IDLE, IKE Active", None)
    assert entry.children[0].encaps_packets is None
