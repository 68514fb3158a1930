"""Own readers against the templates of ntc-templates, where both read an output."""

from __future__ import annotations

from ntc_templates.parse import parse_output

from analyzers.snapshots.find import find_snapshots
from analyzers.snapshots.spis import esp_spi
from tests.unit.snapshots import samples
from tests.unit.snapshots.samples import numbered


def entry_of(text: str):
    (snapshot,) = find_snapshots(numbered(text))
    return snapshot.entries[0]


def test_ios_ipsec_sa_detail():
    text = samples.IOS_IPSEC_SA_DETAIL
    rows = parse_output("cisco_ios", "show crypto ipsec sa detail", text)
    by_way = {row["sa_orientation"]: row for row in rows}
    entry = entry_of(text)
    child = entry.children[0]
    row = by_way["outbound"]
    assert (entry.local, entry.remote) == (row["local_addr"], row["current_peer"])
    assert str(entry.remote_port) == row["port"]
    assert child.outbound_spi == esp_spi(row["sa_spi_hex"])
    assert child.inbound_spi == esp_spi(by_way["inbound"]["sa_spi_hex"])
    assert str(child.encaps_packets) == row["pkts_encaps"]
    assert str(child.decaps_packets) == row["pkts_decaps"]
    assert str(child.remaining_s) == row["sa_lifetime_sec"]
    errors = ("pkts_no_sa", "pkts_encaps_failed", "pkts_internal_err_send")
    assert child.encap_errors == sum(int(row[name]) for name in errors)


def test_asa_ipsec_sa():
    text = samples.asa_ipsec_sa()
    (row,) = parse_output("cisco_asa", "show crypto ipsec sa", text)
    entry = entry_of(text)
    child = entry.children[0]
    assert (entry.name, entry.local) == (row["interface"], row["local_address"])
    assert entry.remote == row["current_peer"]
    assert child.inbound_spi == esp_spi(row["inbound_spi_hex"])
    assert child.outbound_spi == esp_spi(row["outbound_spi_hex"])
    assert str(child.encaps_packets) == row["packets_encapsulated"]
    assert str(child.decaps_packets) == row["packets_decapsulated"]
    assert str(child.encap_errors) == row["send_errors"]
    assert str(child.decap_errors) == row["receive_errors"]
    assert str(child.remaining_s) == row["outbound_remaining_lifetime"]


def test_ios_crypto_session_detail():
    text = samples.crypto_session()
    text = text[: text.rindex("\nInterface:") + 1]
    (row,) = parse_output("cisco_ios", "show crypto session detail", text)
    entry = entry_of(text)
    assert (entry.name, entry.remote) == (row["interface"], row["peer"])
    assert (entry.local, str(entry.local_port)) == (row["local_ip"], row["local_port"])
    assert entry.conn_id == row["conn_id"]
    assert entry.dpd is not None
    assert entry.dpd.evidence == f"Capabilities:{row['capabilities']}"
