from __future__ import annotations

import os
import time
from datetime import UTC, datetime
from pathlib import Path

import pytest

from analyzers.model.snapshot import Snapshot
from analyzers.model.snapshot import SnapshotFormat as F
from analyzers.model.time import ClockQuality
from analyzers.snapshots.compare import compare_all
from analyzers.snapshots.find import find_snapshots
from tests.unit.snapshots import samples
from tests.unit.snapshots.samples import numbered

PUBLIC = Path(os.environ.get("DPDLAB_PUBLIC_LOGS", Path(__file__).parents[4] / "shared" / "logs"))
NOON_NS = int(datetime(2025, 3, 4, 12, 0, tzinfo=UTC).timestamp()) * 10**9
DEBUG = (
    "*Mar  4 12:00:00.107: ISAKMP:(1007): sending packet to 198.51.100.7 my_port 500 (I) QM_IDLE"
)


def find(text: str) -> list[Snapshot]:
    return find_snapshots(numbered(text))


def wrapped(text: str, width: int = 80) -> str:
    """The text as a terminal of this width shows it."""
    rows: list[str] = []
    for line in text.splitlines():
        rows.extend(line[i : i + width].rstrip() for i in range(0, len(line), width))
        if not line:
            rows.append("")
    return "\n".join(rows)


EVERY = {
    F.IOS_ISAKMP_SA: ("sh cry isa sa det", samples.ISAKMP_SA_DETAIL),
    F.IOS_IKEV2_SA: ("sh cry ikev2 sa det", samples.IOS_IKEV2_SA_DETAIL),
    F.IOS_CRYPTO_SESSION: ("sh cry ses de", samples.crypto_session()),
    F.CISCO_IPSEC_SA: ("sh cry ips sa", samples.ios_ipsec_sa()),
    F.ASA_VPN_SESSIONDB: ("sh vpn-s det l2l", samples.asa_sessiondb()),
    F.ASA_IKEV1_SA: ("sh cry ikev1 sa", samples.ASA_IKEV1_SA_OLD),
    F.SWANCTL_LIST_SAS: ("swanctl --list-sas", samples.swanctl_sas()),
    F.STRONGSWAN_STATUSALL: ("ipsec statusall", samples.STATUSALL),
    F.LIBRESWAN_STATUS: ("ipsec status", samples.libreswan_status()),
    F.LIBRESWAN_TRAFFICSTATUS: ("ipsec trafficstatus", samples.trafficstatus()),
    F.FORTIGATE_IKE_GATEWAY: ("diag vpn ike gateway list", samples.FORTIGATE_GATEWAYS),
    F.FORTIGATE_VPN_TUNNEL: ("diag vpn tunnel list", samples.fortigate_tunnels()),
}
every = pytest.mark.parametrize("kind", EVERY, ids=str)


def facts(snapshot: Snapshot) -> list[tuple[object, ...]]:
    """What a snapshot says, without the numbers of its lines."""
    told: list[tuple[object, ...]] = []
    for sa in snapshot.entries:
        told.append((sa.name, sa.local, sa.remote, sa.conn_id, sa.initiator_spi, sa.remaining_s))
        told.append((sa.role, sa.state, sa.encryption, sa.age_s, sa.dpd and sa.dpd.active))
        for c in sa.children:
            told.append((c.inbound_spi, c.outbound_spi, c.remaining_s, c.last_in_s))
            told.append((c.encaps_packets, c.encaps_bytes, c.encap_errors))
            told.append((c.decaps_packets, c.decaps_bytes, c.decap_errors))
    return told


@every
def test_an_output_after_its_command(kind):
    command, text = EVERY[kind]
    (snapshot,) = find(f"hub#terminal length 0\nhub#{command}\n{text}hub#\nhub#conf t\n")
    assert snapshot.format is kind
    assert (snapshot.line, snapshot.command, snapshot.hostname) == (2, command, "hub")
    assert 2 < snapshot.last_line <= 2 + len(text.splitlines())
    assert snapshot.entries


@every
def test_an_output_in_a_file_of_its_own(kind):
    _, text = EVERY[kind]
    (snapshot,) = find(text)
    assert (snapshot.format, snapshot.command, snapshot.hostname) == (kind, "", "")
    (echoed,) = find(f"hub#{EVERY[kind][0]}\n{text}hub#")
    assert facts(echoed) == facts(snapshot)


@every
def test_two_outputs_in_a_row_without_any_prompt(kind):
    _, text = EVERY[kind]
    first, second = find(text + text)
    assert facts(first) == facts(second)
    assert first.last_line < second.line


@every
def test_lines_wrapped_at_80_columns(kind):
    _, text = EVERY[kind]
    (snapshot,) = find(text)
    (narrow,) = find(wrapped(text))
    assert facts(narrow) == facts(snapshot)


@every
def test_debug_lines_between_the_lines(kind):
    _, text = EVERY[kind]
    rows = [row for line in text.splitlines() for row in (line, DEBUG)]
    (plain,), (noisy,) = find(text), find("\n".join(rows))
    assert facts(noisy) == facts(plain)


@every
def test_what_terminals_leave_in_a_log(kind):
    command, text = EVERY[kind]
    (plain,) = find(text)
    rows = text.splitlines()
    last = len(rows) - 1
    rows[last] = f" --More-- \x08\x08\x08\x08\x08\x08\x08\x08\x08        {rows[last]}"
    rows[last // 2] = f"<--- More --->\r              \r{rows[last // 2]}"
    rows = [f"\x1b[0m{row}\r" for row in rows]
    (damaged,) = find(f"hub#{command}\r\n" + "\n".join(rows) + "\r\nhub#")
    assert facts(damaged) == facts(plain)


@every
def test_prompts_spliced_in(kind):
    _, text = EVERY[kind]
    rows = text.splitlines()
    for place in (len(rows) - 2, len(rows) // 2, 8):
        rows.insert(place, "hub#")
    (plain,), (spliced,) = find(text), find("\n".join(rows))
    assert facts(spliced) == facts(plain)
    assert spliced.hostname == "hub"


@every
def test_an_output_that_is_cut_off_keeps_what_could_be_read(kind):
    _, text = EVERY[kind]
    (whole,) = find(text)
    rows = text.splitlines()
    for end in range(len(rows)):
        found = find("\n".join(rows[:end]))
        assert len(found) <= 1
        for snapshot in found:
            assert len(snapshot.entries) <= len(whole.entries)
            for sa, full in zip(snapshot.entries, whole.entries, strict=False):
                assert sa.conn_id in {"", full.conn_id}
                for child, whole_child in zip(sa.children, full.children, strict=False):
                    assert child.encaps_packets in {None, whole_child.encaps_packets}
                    assert child.decaps_packets in {None, whole_child.decaps_packets}


def test_a_counter_cut_by_a_lost_rest_of_its_line_is_not_a_smaller_counter():
    text = samples.libreswan_status("1200B", "1300B")
    rows = wrapped(text).splitlines()
    at = next(i for i, row in enumerate(rows) if "esp.b81df6e" in row)
    (whole,) = find("\n".join(rows))
    assert whole.entries[0].children[0].decaps_bytes == 1200
    # The line breaks within the handle; what follows is another event.
    rows[at + 1 : at + 3] = [DEBUG, DEBUG]
    (torn,) = find("\n".join(rows))
    assert torn.entries[0].children[0].decaps_bytes is None


def test_a_wrapped_line_with_a_debug_line_before_its_rest():
    rows = wrapped(samples.STATUSALL).splitlines()
    at = next(i for i, row in enumerate(rows) if "bytes_i" in row)
    rows.insert(at + 1, DEBUG)
    (torn,), (whole,) = find("\n".join(rows)), find(samples.STATUSALL)
    assert facts(torn) == facts(whole)


def test_filtered_output_belongs_to_the_peer_of_the_command():
    text = (
        "hub#sh cry ips sa peer 198.51.100.7 | i pkts\n"
        "    #pkts encaps: 10, #pkts encrypt: 10, #pkts digest: 10\n"
        "    #pkts decaps: 7, #pkts decrypt: 7, #pkts verify: 7\n"
        "    #pkts compressed: 0, #pkts decompressed: 0\n"
        "hub#"
    )
    (snapshot,) = find(text)
    (entry,) = snapshot.entries
    assert entry.remote == "198.51.100.7"
    assert (entry.children[0].encaps_packets, entry.children[0].decaps_packets) == (10, 7)


def test_filtered_output_of_several_flows():
    text = "hub#sh cry ips sa | i caps\n"
    text += "".join(f"    #pkts encaps: {n}, x\n    #pkts decaps: {n + 1}, x\n" for n in (1, 5, 9))
    (snapshot,) = find(text)
    children = [child for sa in snapshot.entries for child in sa.children]
    assert [(c.encaps_packets, c.decaps_packets) for c in children] == [(1, 2), (5, 6), (9, 10)]


def test_a_command_that_shows_nothing_is_told_as_such():
    (snapshot,) = find("fw# show crypto ikev1 sa\n\nThere are no IKEv1 SAs\n\nfw#")
    assert (snapshot.format, snapshot.entries) == (F.ASA_IKEV1_SA, ())


def test_the_time_of_the_header_that_a_terminal_prints():
    text = (
        "hub#sh cry ips sa\n"
        "Load for five secs: 1%/0%; one minute: 2%; five minutes: 3%\n"
        "Time source is NTP, 12:00:00.250 UTC Tue Mar 4 2025\n"
        f"{samples.ios_ipsec_sa()}hub#"
    )
    (snapshot,) = find(text)
    assert snapshot.at_ns == NOON_NS + 250_000_000
    assert (snapshot.clock, snapshot.at_line) == (ClockQuality.ABSOLUTE, 3)
    assert snapshot.at_exact


def test_show_clock_before_and_after():
    clock = "hub#show clock\n12:00:00.000 UTC Tue Mar 4 2025\n"
    output = f"hub#sh cry ips sa\n{samples.ios_ipsec_sa()}"
    for text in (f"{clock}{output}hub#", f"{output}{clock}hub#"):
        (snapshot,) = find(text)
        assert snapshot.at_ns == NOON_NS
        assert not snapshot.at_exact
    (alone,) = find(
        f"{clock}{'hub#' + chr(10)}{DEBUG + chr(10)}".replace(DEBUG, "\n" * 60) + output
    )
    assert alone.at_ns is None


def test_stamps_of_the_terminal_program():
    rows = [f"hub#{'sh cry ips sa'}", *samples.ios_ipsec_sa().splitlines(), "hub#"]
    text = "\n".join(f"[2025-03-04 12:00:{i // 10:02}.5] {row}" for i, row in enumerate(rows))
    (snapshot,) = find(text)
    assert snapshot.at_ns == NOON_NS + 500_000_000
    assert (snapshot.clock, snapshot.at_exact) == (ClockQuality.NO_ZONE, True)
    (plain,) = find(samples.ios_ipsec_sa())
    assert facts(snapshot) == facts(plain)


def test_a_loop_of_date_and_the_command():
    text = "".join(
        f"Tue Mar  4 12:00:{second:02} UTC 2025\n{samples.swanctl_sas(packets_out=100 + second)}"
        for second in (0, 10, 20)
    )
    found = find(text)
    assert [s.at_ns for s in found] == [NOON_NS + second * 10**9 for second in (0, 10, 20)]
    assert all(s.at_exact for s in found)
    found = find(f"root@gw:~# while :; do date; swanctl -l; sleep 10; done\n{text}")
    assert len(found) == 3


def test_date_and_command_in_one_line():
    text = f"gw# date; swanctl --list-sas\nTue Mar  4 12:00:00 UTC 2025\n{samples.swanctl_sas()}"
    (snapshot,) = find(text)
    assert (snapshot.at_ns, snapshot.at_exact) == (NOON_NS, True)
    assert snapshot.command == "date; swanctl --list-sas"


def test_outputs_between_a_debug():
    text = "\n".join([DEBUG] * 50)
    text += f"\nhub#sh cry ips sa\n{samples.ios_ipsec_sa()}hub#\n"
    text += "\n".join([DEBUG] * 50) + f"\nhub#sh cry isa sa det\n{samples.ISAKMP_SA_DETAIL}hub#\n"
    first, second = find(text)
    assert (first.line, first.format) == (51, F.CISCO_IPSEC_SA)
    assert second.format is F.IOS_ISAKMP_SA


def test_an_output_is_over_when_nothing_of_it_follows():
    text = samples.ios_ipsec_sa() + "\n".join([DEBUG] * 5000) + "\n    #pkts encaps: 1, x\n"
    first, stray = find(text)
    assert first.last_line < 60
    assert stray.entries[0].remote == ""


def test_other_commands_are_not_taken_for_outputs():
    text = (
        "hub#show interfaces Tunnel0\nTunnel0 is up, line protocol is up\n  Hardware is Tunnel\n"
        "hub#show running-config\ninterface Tunnel0\n ip address 10.0.0.1 255.255.255.0\n"
        " crypto map VPN\n!\nhub#show crypto map\n"
        'Crypto Map "VPN" 10 ipsec-isakmp\n        Peer = 198.51.100.7\nhub#'
    )
    assert find(text) == []


def test_pluto_and_charon_logs_are_not_taken_for_outputs():
    text = (
        'Jul  4 08:34:01 gw pluto[2814]: "branch" #3: STATE_QUICK_I2: sent QI2\n'
        'Jul  4 08:34:02 gw pluto[2814]: "branch" #3: DPD action - clearing connection\n'
        "Jul  4 08:34:03 gw charon: 05[IKE] <branch|1> sending DPD request\n"
    )
    assert find(text * 30) == []


def test_line_numbers_are_those_of_the_input():
    lines = [(10 * n, text) for n, text in numbered(samples.ios_ipsec_sa(), 100)]
    (snapshot,) = find_snapshots(iter(lines))
    assert snapshot.line == 10 * 101
    assert snapshot.entries[0].children[0].line == 10 * 109


def test_what_is_typed_may_stand_in_the_line_after_the_prompt():
    run = f"west #\n ipsec whack --trafficstatus\n{samples.trafficstatus(84, 84)}west #\n"
    text = (
        f"west #\n ../ping-once.sh 192.0.2.254\nup\n{run} ../ping-once.sh 192.0.2.254\ndown\n{run}"
    )
    first, second = find(text)
    assert first.command == second.command == "ipsec whack --trafficstatus"
    assert first.hostname == second.hostname == "west"
    assert (first.line, first.last_line) == (5, 7)
    assert second.line == 12


def test_lines_that_are_nothing_are_refused_at_little_cost():
    lines = [(n, f"{DEBUG} {n}") for n in range(300_000)]
    start = time.process_time()
    assert find_snapshots(lines) == []
    # Some 0.2 µs a line on an idle machine.
    assert time.process_time() - start < 1.5


@pytest.mark.skipif(not PUBLIC.is_dir(), reason=f"no public logs in {PUBLIC}")
def test_a_public_console_log_shows_the_silence_of_a_dead_peer():
    path = next(PUBLIC.glob("23-*.log"))
    found = find(path.read_text(encoding="utf-8", errors="replace"))
    assert [s.format for s in found] == [F.LIBRESWAN_TRAFFICSTATUS] * 4
    changes = compare_all(found)
    assert [(c.encaps_bytes, c.decaps_bytes, c.silent) for c in changes] == [
        (0, 0, False),
        (0, 0, False),
        (84, 0, True),
    ]


@pytest.mark.skipif(not PUBLIC.is_dir(), reason=f"no public logs in {PUBLIC}")
def test_public_logs_without_outputs_show_none():
    with_outputs = {"23", "24"}
    for path in PUBLIC.glob("*.log"):
        if path.name[:2] not in with_outputs:
            assert find(path.read_text(encoding="utf-8", errors="replace")) == [], path.name
