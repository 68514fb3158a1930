from __future__ import annotations

from analyzers.model.log_events import LogEventKind
from tests.log_text import events_of, story

DOWN = "%CRYPTO-5-SESSION_STATUS: Crypto tunnel is DOWN.  Peer 198.51.100.9:500       Id: spoke\n"
ISAKMP_DOWN = (
    'ISAKMP:(1001):deleting SA reason "No reason" state (I) QM_IDLE       (peer 198.51.100.9)\n'
)


def test_a_child_sa_that_two_debugs_name():
    text = """
        *Jun  3 08:00:02.629: IPSEC(create_sa): sa created,
          (sa) sa_dest= 192.0.2.1, sa_proto= 50,
            sa_spi= 0xA1B2C3D4(2712847316),
          (identity) local= 192.0.2.1:0, remote= 198.51.100.9:0,
        *Jun  3 08:00:02.703: ISAKMP: (1001):Successfully installed IPSEC SA (SPI:0xA1B2C3D4) on Di1
        *Jun  3 09:00:02.703: ISAKMP: (1):Enqueued KEY_MGR_DELETE_SAS for IPSEC SA (SPI:0xA1B2C3D4)
        *Jun  3 09:00:02.704: IPSEC(delete_sa): deleting SA,
          (sa) sa_dest= 192.0.2.1, sa_proto= 50,
            sa_spi= 0xA1B2C3D4(2712847316),
        """
    events = events_of(text, LogEventKind.CHILD_SA_UP, LogEventKind.CHILD_SA_DOWN)
    assert [(e.kind, e.dialect) for e in events] == [
        (LogEventKind.CHILD_SA_UP, "cisco-ipsec"),
        (LogEventKind.CHILD_SA_DOWN, "cisco-isakmp"),
    ]


def test_an_spi_can_be_used_again():
    text = "".join(
        f"*Jun  3 08:0{minute}:00.000: IPSEC({what},\n  (sa) sa_dest= 192.0.2.1, sa_proto= 50,\n"
        "    sa_spi= 0xA1B2C3D4(2712847316),\n"
        for minute, what in enumerate(["create_sa): sa created", "delete_sa): deleting SA"] * 2)
    )
    assert story(events_of(text)) == ["child-sa-up", "child-sa-down"] * 2


def test_a_session_whose_debug_is_on():
    text = f"*Jun  3 08:00:45.391: {ISAKMP_DOWN}*Jun  3 08:00:45.395: {DOWN}"
    events = events_of(text)
    assert story(events) == ["ike-sa-down", "hint"]
    assert events[1].reason == "crypto session DOWN"


def test_a_session_whose_debug_was_on_long_ago():
    text = f"*Jun  3 08:00:45.391: {ISAKMP_DOWN}*Jun  3 09:00:45.395: {DOWN}"
    assert story(events_of(text)) == ["ike-sa-down", "ike-sa-down"]


def test_a_session_of_another_peer_than_the_debugged_one():
    text = f"*Jun  3 08:00:45.391: {ISAKMP_DOWN}*Jun  3 08:00:45.395: {DOWN}"
    text = text.replace("Peer 198.51.100.9", "Peer 203.0.113.7")
    assert story(events_of(text)) == ["ike-sa-down", "ike-sa-down"]


def test_debugs_without_stamps():
    assert story(events_of(ISAKMP_DOWN + DOWN)) == ["ike-sa-down", "hint"]
