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


def test_swanctl():
    snapshot = only(samples.swanctl_sas())
    assert snapshot.format is F.SWANCTL_LIST_SAS
    first, second = snapshot.entries
    assert (first.name, first.conn_id, first.state) == ("gw-branch", "3", "ESTABLISHED")
    assert (first.local, first.remote, first.remote_port) == ("192.0.2.1", "198.51.100.7", 4500)
    assert (first.initiator_spi, first.responder_spi) == ("0a1b2c3d4e5f6071", "8192a3b4c5d6e7f8")
    assert first.role is SaRole.INITIATOR
    assert (first.age_s, first.remaining_s) == (1842, 12453)
    assert first.encryption == "AES_CBC-256/HMAC_SHA2_256_128/PRF_HMAC_SHA2_256/MODP_2048"
    (child,) = first.children
    assert (child.name, child.unique_id, child.state) == ("net", "5", "INSTALLED")
    assert (child.inbound_spi, child.outbound_spi) == ("c3a7e891", "cf2d4180")
    assert (child.decaps_packets, child.decaps_bytes, child.last_in_s) == (112, 112 * 84, 23)
    assert (child.encaps_packets, child.encaps_bytes, child.last_out_s) == (154, 154 * 84, 0)
    assert child.remaining_s == 1384
    assert child.flow == "10.1.0.0/24 === 10.7.0.0/24 10.8.0.0/24"
    assert (second.role, second.responder_spi, second.state) == (SaRole.RESPONDER, "", "CONNECTING")
    assert (second.local, second.children) == ("2001:db8::1", ())


def test_swanctl_with_marks_and_unused_sas():
    text = samples.swanctl_sas()
    text = text.replace("in  c3a7e891,", "in  c3a7e891 (0x2a/0xff),")
    text = text.replace("    23s ago", "")
    lines = [line.rstrip(" ,") for line in text.splitlines()]
    (child,) = only("\n".join(lines)).entries[0].children
    assert (child.inbound_spi, child.decaps_packets) == ("c3a7e891", 112)
    assert child.last_in_s is None


def test_statusall():
    (entry,) = only(samples.STATUSALL).entries
    assert (entry.local, entry.remote, entry.conn_id) == ("192.0.2.1", "198.51.100.7", "4")
    assert (entry.ike_version, entry.role) == (2, SaRole.RESPONDER)
    assert entry.initiator_spi == "0a1b2c3d4e5f6071"
    assert (entry.age_s, entry.remaining_s) == (7200, 75_600)
    assert entry.dpd is not None
    assert (entry.dpd.active, entry.dpd.interval_s, entry.dpd.line) == (True, 30.0, 10)
    (child,) = entry.children
    assert (child.inbound_spi, child.outbound_spi) == ("c760f45e", "c0f20ccc")
    assert (child.decaps_packets, child.decaps_bytes, child.last_in_s) == (2, 120, 14)
    assert (child.encaps_packets, child.encaps_bytes, child.last_out_s) == (10, 840, 1)
    assert (child.remaining_s, child.flow) == (2520, "10.1.0.0/24 === 10.7.0.0/24")


def test_statusall_without_traffic():
    text = samples.STATUSALL.replace("120 bytes_i (2 pkts, 14s ago)", "0 bytes_i")
    (child,) = only(text).entries[0].children
    assert (child.decaps_packets, child.decaps_bytes, child.last_in_s) == (0, 0, None)


def test_libreswan_status():
    (entry,) = only(samples.libreswan_status()).entries
    assert (entry.name, entry.conn_id, entry.ike_version) == ("branch", "#2", 2)
    assert (entry.local, entry.remote) == ("192.0.2.1", "198.51.100.7")
    assert entry.remaining_s == 27980
    assert entry.dpd is not None
    assert (entry.dpd.active, entry.dpd.interval_s) == (True, 30.0)
    (child,) = entry.children
    assert (child.unique_id, child.remaining_s) == ("#3", 2780)
    assert (child.inbound_spi, child.outbound_spi) == ("b9e564dc", "0b81df6e")
    assert (child.decaps_bytes, child.decaps_step_bytes) == (8192, 1024)
    assert (child.encaps_bytes, child.encaps_step_bytes) == (4096, 1024)


def test_libreswan_status_of_ikev1():
    (entry,) = only(samples.LIBRESWAN_STATUS_V1).entries
    assert (entry.name, entry.conn_id, entry.ike_version) == ("new", "#6", 1)
    assert entry.dpd is not None
    assert (entry.dpd.active, entry.dpd.interval_s) == (True, 30.0)
    (child,) = entry.children
    assert (child.encaps_bytes, child.decaps_bytes, child.decaps_step_bytes) == (840, 0, 1)
    assert (child.inbound_spi, child.outbound_spi) == ("5e6f7081", "1a2b3c4d")


def test_libreswan_status_names_both_ends_without_their_addresses_again():
    (entry,) = only(samples.LIBRESWAN_STATUS_4).entries
    assert (entry.name, entry.conn_id, entry.ike_version) == ("gw", "#1", 1)
    assert (entry.local, entry.remote) == ("192.0.2.1", "198.51.100.7")
    assert [child.unique_id for child in entry.children] == ["#2"]


def test_trafficstatus():
    snapshot = only(samples.trafficstatus())
    assert snapshot.format is F.LIBRESWAN_TRAFFICSTATUS
    first, second = snapshot.entries
    assert (first.name, first.remote) == ("branch", "")
    assert (first.children[0].decaps_bytes, first.children[0].encaps_bytes) == (1008, 2016)
    assert first.children[0].unique_id == "#3 add_time=1741089922"
    assert second.remote == "203.0.113.9"


def test_fortigate_gateways():
    snapshot = only(samples.FORTIGATE_GATEWAYS)
    first, second, v6 = snapshot.entries
    assert (first.name, first.ike_version, first.conn_id) == ("to-branch", 1, "71")
    assert (first.local, first.local_port) == ("192.0.2.1", 500)
    assert (first.initiator_spi, first.responder_spi) == ("e412d996a3f9731b", "a23fe38afa532c1b")
    assert (first.role, first.state, first.age_s) == (SaRole.INITIATOR, "established", 142)
    assert (first.encryption, first.remaining_s) == ("aes256-sha1", 85957)
    assert (first.dpd_sent, first.dpd_received) == (4, 10)
    assert (second.name, second.conn_id, second.role) == ("to-branch", "72", SaRole.RESPONDER)
    assert (second.state, second.age_s) == ("connecting", None)
    assert (v6.local, v6.remote, v6.remote_port) == ("2001:db8::1", "2001:db8:7::1", 500)


def test_fortigate_tunnels():
    snapshot = only(samples.fortigate_tunnels())
    first, spare = snapshot.entries
    assert (first.name, first.local, first.remote) == ("to-branch", "192.0.2.1", "198.51.100.7")
    assert first.dpd is not None
    assert (first.dpd.mode, first.dpd.interval_s) == (PolicyMode.ON_DEMAND, 20.0)
    assert (first.dpd.retry_s, first.dpd.retries) == (20.0, 3)
    (child,) = first.children
    assert (child.inbound_spi, child.outbound_spi) == ("1071b4ee", "ec89b7e3")
    assert (child.decaps_packets, child.encaps_packets) == (102, 105)
    assert (child.last_in_s, child.last_out_s) == (12, 2)
    assert (child.remaining_s, child.offloaded) == (42254, False)
    assert spare.dpd is not None
    assert (spare.dpd.active, spare.dpd.mode) == (False, PolicyMode.DISABLED)
    assert spare.children == ()


def test_no_key_of_a_fortigate_is_kept():
    for text in (samples.FORTIGATE_GATEWAYS, samples.fortigate_tunnels()):
        assert "00112233445566" in text
        assert "00112233445566" not in repr(find_snapshots(numbered(text)))


def test_a_trafficstatus_line_cut_in_its_last_counter():
    whole, other = samples.trafficstatus(count_out=2016).splitlines()
    cut = whole[: whole.index("016, max")]
    first, second = only(f"{cut}\n{other}").entries
    assert (first.children[0].encaps_bytes, first.children[0].decaps_bytes) == (None, 1008)
    assert second.children[0].encaps_bytes == 0
    # Old releases have nothing after it.
    (entry,) = only(whole[: whole.index(", max")]).entries
    assert entry.children[0].encaps_bytes == 2016
