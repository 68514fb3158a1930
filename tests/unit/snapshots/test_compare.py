from __future__ import annotations

import pytest

from analyzers.model.snapshot import ChangeKind, CounterChange, Snapshot
from analyzers.model.time import ClockQuality
from analyzers.snapshots.compare import compare, compare_all
from analyzers.snapshots.find import find_snapshots
from tests.unit.snapshots import samples
from tests.unit.snapshots.samples import numbered


def shown(text: str, command: str = "", clock: str = "", host: str = "hub") -> str:
    stamp = f"Time source is NTP, {clock} UTC Tue Mar 4 2025\n" if clock else ""
    echo = f"{host}#{command}\n" if command else ""
    return f"{echo}{stamp}{text}"


def both(first: str, second: str) -> tuple[Snapshot, Snapshot]:
    older, newer = find_snapshots(numbered(first + second))
    return older, newer


def change(first: str, second: str) -> CounterChange:
    (one,) = compare(*both(first, second))
    return one


SILENT = {
    "ios ipsec sa": (samples.ios_ipsec_sa(100, 50), samples.ios_ipsec_sa(160, 50, life_s=3003)),
    "asa ipsec sa": (samples.asa_ipsec_sa(100, 50), samples.asa_ipsec_sa(160, 50)),
    "tunnel list": (samples.fortigate_tunnels(50, 100), samples.fortigate_tunnels(50, 160)),
    "swanctl": (samples.swanctl_sas(50, 100), samples.swanctl_sas(50, 160)),
}  # fmt: skip


@pytest.mark.parametrize("name", SILENT)
def test_encaps_that_grow_while_decaps_do_not(name):
    one = change(*SILENT[name])
    assert one.kind is ChangeKind.COUNTED
    assert (one.encaps_packets, one.decaps_packets) == (60, 0)
    assert one.silent
    assert one.remote == "198.51.100.7"
    assert "60 packets sent, 0 packets received" in one.evidence
    assert f"lines {one.older_line} and {one.newer_line}" in one.evidence


def test_sessions_of_both_ciscos():
    older, newer = both(
        samples.crypto_session(50, 100, 1437), samples.crypto_session(50, 160, 1407)
    )
    one, idle = compare(older, newer)
    assert (one.silent, one.encaps_packets, one.elapsed_s) == (True, 60, 30.0)
    assert not idle.silent
    older, newer = both(
        samples.asa_sessiondb(100, 50, 2701), samples.asa_sessiondb(160, 50, 2671, "5h:00m:29s")
    )
    one, idle = compare(older, newer)
    assert (one.silent, one.encaps_packets, one.elapsed_s) == (True, 60, 30.0)
    assert not idle.silent


def test_traffic_both_ways_is_no_silence():
    one = change(samples.ios_ipsec_sa(100, 50), samples.ios_ipsec_sa(160, 51))
    assert (one.silent, one.encaps_packets, one.decaps_packets) == (False, 60, 1)


def test_nothing_sent_is_no_silence():
    one = change(samples.ios_ipsec_sa(100, 50), samples.ios_ipsec_sa(100, 50))
    assert (one.silent, one.kind) == (False, ChangeKind.COUNTED)
    one = change(samples.ios_ipsec_sa(100, 50), samples.ios_ipsec_sa(100, 90))
    assert not one.silent


def test_who_sent_one_packet_did_not_go_on_sending():
    one = change(samples.ios_ipsec_sa(100, 50), samples.ios_ipsec_sa(101, 50))
    assert (one.silent, one.encaps_packets) == (False, 1)


def test_counters_that_fell_are_not_compared():
    one = change(samples.ios_ipsec_sa(100, 50), samples.ios_ipsec_sa(20, 0))
    assert one.kind is ChangeKind.RESET
    assert (one.silent, one.encaps_packets, one.decaps_packets) == (False, None, None)
    assert "fell" in one.evidence


def test_other_spis_are_another_sa():
    one = change(
        samples.ios_ipsec_sa(100, 50),
        samples.ios_ipsec_sa(160, 50, inbound="AAAA", outbound="BBBB"),
    )
    assert one.kind is ChangeKind.REPLACED
    assert (one.silent, one.encaps_packets) == (False, None)
    assert (one.inbound_spi, one.outbound_spi) == ("0000aaaa", "0000bbbb")
    one = change(
        samples.swanctl_sas(50, 100),
        samples.swanctl_sas(50, 160, spi_in="c0000001", spi_out="c0000002"),
    )
    assert one.kind is ChangeKind.REPLACED


def test_a_lifetime_that_rose_is_another_sa_where_no_spi_is_shown():
    older, newer = both(samples.crypto_session(50, 100, 100), samples.crypto_session(50, 160, 3590))
    one, _ = compare(older, newer)
    assert one.kind is ChangeKind.REPLACED


def test_another_start_of_the_sa_is_another_sa():
    older, newer = both(
        samples.trafficstatus(10, 20), samples.trafficstatus(10, 90, since=1741099999)
    )
    one, other = compare(older, newer)
    assert one.kind is ChangeKind.REPLACED
    assert other.kind is ChangeKind.COUNTED
    one = compare(*both(samples.trafficstatus(10, 20), samples.trafficstatus(10, 90)))[0]
    assert (one.silent, one.encaps_bytes) == (True, 70)
    assert "70 bytes sent, 0 bytes received" in one.evidence


def test_a_rounded_counter_cannot_show_that_nothing_came():
    one = change(samples.libreswan_status("8KB", "4KB"), samples.libreswan_status("8KB", "9KB"))
    assert (one.silent, one.encaps_bytes) == (False, 5 * 1024)
    one = change(samples.libreswan_status("0B", "4KB"), samples.libreswan_status("0B", "9KB"))
    assert one.silent


def test_times_of_both_bound_the_silence():
    first = shown(samples.ios_ipsec_sa(100, 50), "sh cry ips sa", "12:00:00.000")
    second = shown(samples.ios_ipsec_sa(160, 50), "sh cry ips sa", "12:01:30.500")
    one = change(first, second)
    assert one.from_ns is not None
    assert one.to_ns is not None
    assert one.to_ns - one.from_ns == 90_500_000_000
    assert (one.elapsed_s, one.times_exact, one.clock) == (90.5, True, ClockQuality.ABSOLUTE)
    assert "by the times of lines 2 and" in one.evidence


def test_without_times_only_the_order_and_the_lifetime_are_known():
    one = change(*SILENT["ios ipsec sa"])
    assert (one.from_ns, one.to_ns, one.clock, one.times_exact) == (None, None, None, False)
    assert one.elapsed_s == 30.0
    assert "within 30 s (by the remaining lifetime of the SA)" in one.evidence


def test_where_no_lifetime_is_counted_down_the_age_tells():
    one = change(
        samples.swanctl_sas(50, 100, rekeying_s=-1, age_s=3605),
        samples.swanctl_sas(50, 160, rekeying_s=-1, age_s=3665),
    )
    assert (one.silent, one.elapsed_s) == (True, 60.0)
    assert "within 60 s (by the age of the SA)" in one.evidence


def test_a_clock_nearby_yields_to_the_lifetime():
    clock = "hub#sh clock\n{}.000 UTC Tue Mar 4 2025\n"
    first = clock.format("12:00:00") + shown(
        samples.ios_ipsec_sa(100, 50, life_s=3000), "sh cry ips sa"
    )
    second = clock.format("12:10:00") + shown(
        samples.ios_ipsec_sa(160, 50, life_s=2900), "sh cry ips sa"
    )
    one = change(first, second)
    assert (one.elapsed_s, one.times_exact) == (100.0, False)
    assert one.from_ns is not None


def test_coarse_lifetimes_are_no_measure_of_time():
    first = samples.STATUSALL
    second = first.replace("840 bytes_o (10 pkts", "1680 bytes_o (20 pkts").replace(
        "42 min", "41 min"
    )
    one = change(first, second)
    assert (one.silent, one.elapsed_s) == (True, None)


def test_the_last_packet_that_came_in():
    one = change(
        samples.swanctl_sas(50, 100, used_in_s=5), samples.swanctl_sas(50, 160, used_in_s=65)
    )
    assert (one.silent, one.last_inbound_s) == (True, 65)
    assert "last packet in 65 s before" in one.evidence


def test_hardware_counters_are_marked():
    one = change(
        samples.fortigate_tunnels(50, 100), samples.fortigate_tunnels(50, 160, npu_flag="03")
    )
    assert "can lag" in one.evidence


def test_other_devices_and_other_commands_are_not_compared():
    first = shown(samples.ios_ipsec_sa(100, 50), "sh cry ips sa", host="hub")
    second = shown(samples.ios_ipsec_sa(160, 50), "sh cry ips sa", host="spoke")
    assert compare(*both(first, second)) == ()
    assert compare(*both(samples.ios_ipsec_sa(), samples.crypto_session())) == ()


def test_both_ends_in_one_file_are_not_one_sa():
    here = samples.ios_ipsec_sa(100, 50, inbound="AAAA", outbound="BBBB")
    there = samples.ios_ipsec_sa(160, 50, inbound="BBBB", outbound="AAAA", peer="192.0.2.1")
    there = there.replace("local addr 192.0.2.1", "local addr 198.51.100.7")
    there = there.replace("local crypto endpt.: 192.0.2.1", "local crypto endpt.: 198.51.100.7")
    assert compare(*both(here, there)) == ()


def test_unnamed_counters_are_matched_by_order_for_the_same_command_only():
    def caps(*counts: tuple[int, int]) -> str:
        rows = (f"    #pkts encaps: {e}, x\n    #pkts decaps: {d}, x\n" for e, d in counts)
        return shown("".join(rows), "sh cry ips sa | i caps")

    older, newer = both(caps((1, 1), (10, 10)), caps((2, 2), (15, 10)))
    changes = compare(older, newer)
    assert [c.silent for c in changes] == [False, True]
    assert all("matched by their order" in c.evidence for c in changes)
    assert compare(*both(caps((1, 1), (10, 10)), caps((15, 10)))) == ()


def test_all_snapshots_of_a_log():
    text = "".join(
        f"{shown(samples.ios_ipsec_sa(sent, 50), 'show crypto ipsec sa')}"
        f"{shown(samples.swanctl_sas(50, sent), 'swanctl -l', host='gw')}"
        for sent in (100, 160, 170)
    )
    changes = compare_all(find_snapshots(numbered(text)))
    assert [c.encaps_packets for c in changes] == [60, 60, 10, 10]
    assert all(c.silent for c in changes)


def test_a_filter_between_does_not_hide_the_earlier_output():
    whole = "show crypto ipsec sa"
    other = samples.ios_ipsec_sa(
        7, 7, peer="203.0.113.9", interface="Tunnel1", inbound="1", outbound="2"
    )
    text = shown(samples.ios_ipsec_sa(100, 50), whole)
    text += shown(other, f"{whole} peer 203.0.113.9")
    text += shown(samples.ios_ipsec_sa(160, 50), whole)
    (one,) = compare_all(find_snapshots(numbered(text)))
    assert (one.encaps_packets, one.older_line) == (60, 11)


def test_newest_first_is_put_into_order_by_exact_times():
    newest = shown(samples.ios_ipsec_sa(160, 50), "sh cry ips sa", "12:01:00.000")
    oldest = shown(samples.ios_ipsec_sa(100, 50), "sh cry ips sa", "12:00:00.000")
    (one,) = compare_all(find_snapshots(numbered(newest + oldest)))
    assert (one.silent, one.encaps_packets, one.elapsed_s) == (True, 60, 60.0)


def test_a_damaged_newer_output_is_still_the_same_sa():
    first = samples.ios_ipsec_sa(100, 50)
    second = samples.ios_ipsec_sa(160, 50)
    second = second[: second.index("     inbound esp sas:")]
    one = change(first, second)
    assert (one.kind, one.silent) == (ChangeKind.COUNTED, True)
