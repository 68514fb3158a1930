from __future__ import annotations

import pytest

from analyzers.model.exchange import DeleteProtocol
from analyzers.model.log_events import LogEventKind
from tests.log_text import clock, events_of, story

IDENTITY = "  (identity) local= {0}, remote= {1},\n    local_proxy= 10.1.0.0/255.255.0.0/256/0,\n"


def sa(
    time: str,
    what: str,
    dest: str,
    spi: str,
    identity: tuple[str, str] | None = ("192.0.2.1:0", "198.51.100.9:0"),
    proto: str = "sa_proto= 50",
) -> str:
    return (
        f"*Jun  3 08:{time}: IPSEC({what},\n  (sa) sa_dest= {dest}, {proto},\n"
        f"    sa_spi= 0x{spi}({int(spi, 16)}),\n    sa_trans= esp-aes 256 esp-sha256-hmac ,"
        " sa_conn_id= 2005\n    sa_lifetime(k/sec)= (4608000/3600),\n"
        + ("" if identity is None else IDENTITY.format(*identity))
    )


CREATED, DELETED = "create_sa): sa created", "delete_sa): deleting SA"
PAIR = sa("00:02.629", CREATED, "192.0.2.1", "A1B2C3D4") + sa(
    "00:02.630", CREATED, "198.51.100.9", "0E0F1011"
)


def test_child_sas_come_and_go():
    text = PAIR + sa("10:02.000", DELETED, "192.0.2.1", "A1B2C3D4")
    text += sa("10:02.001", DELETED, "198.51.100.9", "0E0F1011")
    events = events_of(text)
    assert [(e.kind, e.spis) for e in events] == [
        (LogEventKind.CHILD_SA_UP, ("a1b2c3d4",)),
        (LogEventKind.CHILD_SA_UP, ("0e0f1011",)),
        (LogEventKind.CHILD_SA_DOWN, ("a1b2c3d4",)),
        (LogEventKind.CHILD_SA_DOWN, ("0e0f1011",)),
    ]
    assert {(e.local, e.remote) for e in events} == {("192.0.2.1", "198.51.100.9")}
    assert clock(events[2]) == "08:10:02.000"
    assert events[0].protocol is DeleteProtocol.ESP
    assert events[0].version is None


@pytest.mark.parametrize(
    ("identity", "ends"),
    [
        (("192.0.2.1", "198.51.100.9"), ("192.0.2.1", "198.51.100.9")),
        (("2001:DB8::1:0", "2001:DB8::9:0"), ("2001:db8::1", "2001:db8::9")),
        (("192.0.2.1:500", "x.x.x.x:500"), ("192.0.2.1", "x.x.x.x")),
    ],
)
def test_ends(identity: tuple[str, str], ends: tuple[str, str]):
    (made,) = events_of(sa("00:02.629", CREATED, "192.0.2.1", "A1B2C3D4", identity))
    assert (made.local, made.remote) == ends


def test_ends_of_old_releases_come_before_the_record():
    text = (
        "*Jun  3 08:00:01.000: IPSEC(sa_request): ,\n"
        "  (key eng. msg.) OUTBOUND local= 192.0.2.1, remote= 198.51.100.9,\n"
        "    local_proxy= 10.1.0.0/255.255.0.0/0/0 (type=4),\n"
        + sa("00:02.629", CREATED, "192.0.2.1", "A1B2C3D4", None, "sa_prot= 50")
        + sa("00:02.629", CREATED, "198.51.100.9", "0E0F1011", None, "sa_prot= 51")
        + "*Jun  3 08:10:01.000: IPSEC(key_engine): got a queue event...\n"
        "*Jun  3 08:10:01.000: IPSEC(key_engine_delete_sas): rec'd delete notify from ISAKMP\n"
        "*Jun  3 08:10:01.001: IPSEC(key_engine_delete_sas): delete SA with spi 0xE0F1011 proto 51"
        " for 198.51.100.9\n" + sa("10:02.000", DELETED, "198.51.100.9", "0E0F1011", None)
    )
    events = events_of(text)
    assert story(events) == ["child-sa-up", "child-sa-up", "child-sa-down"]
    assert {(e.local, e.remote) for e in events} == {("192.0.2.1", "198.51.100.9")}
    assert (events[1].protocol, clock(events[2])) == (DeleteProtocol.AH, "08:10:01.001")


def test_a_record_with_lost_underscores_and_prompts():
    text = PAIR.replace("create_sa", "create sa").replace("sa_", "sa ")
    text = text.replace("    sa trans", "HUB#\n    sa trans").replace("\n", "\r\n")
    assert [e.spis for e in events_of(text)] == [("a1b2c3d4",), ("0e0f1011",)]


def test_an_sa_whose_ends_nothing_tells():
    (made,) = events_of(sa("00:02.629", DELETED, "192.0.2.1", "A1B2C3D4", None))
    assert (made.spis, made.remote) == (("a1b2c3d4",), None)
