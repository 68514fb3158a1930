from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analyzers.model.exchange import DeleteProtocol
from analyzers.model.log_events import LogEvent, LogEventKind
from analyzers.model.observations import MessageKind
from tests.log_text import clock, decoder, events_of, messages_of, story

PEER = "198.51.100.9"
TAGS = {
    "12.2": ("ISAKMP (0:3): ", "ISAKMP (0:3): "),
    "12.3T software": ("ISAKMP:(0:3:SW:1):", "ISAKMP (0:134217731): "),
    "12.3T hardware": ("ISAKMP:(0:3:HW:2):", "ISAKMP (0:268435459): "),
    "12.4T": ("ISAKMP:(3):", "ISAKMP (0:3): "),
    "15": ("ISAKMP:(3):", "ISAKMP (3): "),
    "XE": ("ISAKMP: (3):", "ISAKMP-PAK: (3):"),
}
SA, PAK = TAGS["12.3T hardware"]
OTHER = "ISAKMP: "

Line = tuple[str, str]


def probe(at: str, node: int, *, timer: str = "IM_ALIVE", new_node: bool = True) -> list[Line]:
    """An R-U-THERE as 12.x prints it: without a word of it."""
    return [
        *[(at, f"{OTHER}set new node {node} to QM_IDLE")] * new_node,
        (at, f"{SA} sending packet to {PEER} my_port 500 peer_port 500 (I) QM_IDLE"),
        (at, f"{SA}purging node {node}"),
        (at, f"{SA}Input = IKE_MESG_FROM_TIMER, IKE_TIMER_{timer}"),
        (at, f"{SA}Old State = IKE_P1_COMPLETE  New State = IKE_P1_COMPLETE"),
    ]


def answer(at: str, node: int, sequence: str = "0xC") -> list[Line]:
    return [
        (at, f"{PAK}received packet from {PEER} dport 500 sport 500 Global (I) QM_IDLE"),
        (at, f"{OTHER}set new node {node} to QM_IDLE"),
        (at, f"{SA} processing HASH payload. message ID = {node}"),
        (
            at,
            f"{SA} processing NOTIFY R_U_THERE_ACK protocol 1\n    spi 0, message ID = {node},"
            " sa = 82AA41D4",
        ),
        (at, f"{SA} DPD/R_U_THERE_ACK received from peer {PEER}, sequence {sequence}"),
        (at, f'{SA}deleting node {node} error FALSE reason "informational (in) state 1"'),
        (at, f"{SA}Input = IKE_MESG_FROM_PEER, IKE_INFO_NOTIFY"),
        (at, f"{SA}Old State = IKE_P1_COMPLETE  New State = IKE_P1_COMPLETE"),
    ]


COUNTER = f"{SA}incrementing error counter on sa: PEERS_ALIVE_TIMER"
NODES = (-70123456, -1400200300, 1600700800, 250260270, -640650660)
HEALTHY = [
    ("05:00.000", f"{SA}IKE_DPD is enabled, initializing timers"),
    *probe("06:40.107", 780790800, new_node=False),
    *answer("06:40.123", -410420430),
]
DYING = [
    *probe("40:10.343", NODES[0]),
    ("40:11.611", f"{SA}purging node 1410420430"),
    *[("40:12.351", COUNTER), *probe("40:12.351", NODES[1], timer="PEERS_ALIVE")],
    *[("40:14.363", COUNTER), *probe("40:14.363", NODES[2], timer="PEERS_ALIVE")],
    *[("40:16.375", COUNTER), *probe("40:16.375", NODES[3], timer="PEERS_ALIVE")],
    *[("40:18.387", COUNTER), *probe("40:18.387", NODES[4], timer="PEERS_ALIVE")],
    ("40:20.391", COUNTER),
    ("40:20.391", f"{SA}peer {PEER} not responding!"),
    ("40:20.391", f"{SA}peer does not do paranoid keepalives."),
    (
        "40:20.391",
        f'{SA}deleting SA reason "peers alive" state (I) QM_IDLE       (peer {PEER}) input queue 0',
    ),
    ("40:20.395", f"{OTHER}Unlocking IPSEC struct 0x82AA41D4 from delete_siblings, count 0"),
    *probe("40:20.411", -2000000065, timer="PEERS_ALIVE")[:-1],
    ("40:20.411", f"{SA}Old State = IKE_P1_COMPLETE  New State = IKE_DEST_SA"),
    (
        "40:20.415",
        f'{SA}deleting SA reason "peers alive" state (I) QM_IDLE       (peer {PEER}) input queue 0',
    ),
    ("40:20.415", f'{SA}deleting node -1060000752 error TRUE reason "peers alive"'),
    ("40:20.419", f"{SA}Input = IKE_MESG_INTERNAL, IKE_PHASE1_DEL"),
    ("40:20.419", f"{SA}Old State = IKE_DEST_SA  New State = IKE_DEST_SA"),
    ("40:20.419", f"{OTHER}received ke message (4/1)"),
    (
        "40:20.423",
        f"{OTHER}ignoring request to send delete notify (no ISAKMP sa) src 192.0.2.1 dst {PEER}"
        " for SPI 0xA1B2C3D4",
    ),
    (
        "40:20.423",
        f'{SA}deleting SA reason "" state (I) MM_NO_STATE (peer {PEER}) input queue 0',
    ),
    ("40:20.427", f"{SA}Input = IKE_MESG_FROM_PEER, IKE_MM_EXCH"),
]
WORDS = [
    "dpd-agreed",
    "sent r-u-there",
    "received r-u-there-ack",
    "sent r-u-there",
    *["sent r-u-there again"] * 4,
    "peer-dead",
    "ike-sa-down",
    "sent delete",
    "child-sa-down",
]


def plain(lines: list[Line]) -> str:
    return "".join(f"*Mar 25 15:{at}: {text}\n" for at, text in lines)


def wrapped(lines: list[Line]) -> str:
    """As a terminal of 80 columns cuts it, at a blank."""
    found = []
    for line in plain(lines).splitlines():
        while len(line) > 80:
            cut = line.rfind(" ", 20, 80)
            if cut < 0:
                break
            found.append(line[: cut + 1])
            line = line[cut + 1 :]
        found.append(line)
    return "\n".join(found) + "\n"


def glued(lines: list[Line]) -> str:
    """As a web page shows it: two and more on a line, and stamps that stand alone at its end."""
    text = plain(lines).replace("to QM_IDLE\n", "to QM_IDLE ")
    text = re.sub(r"(purging node -?\d+)\n(\S+ \S+ \S+ )", r"\1 \2\n\n ", text)
    return text.replace("IKE_TIMER_PEERS_ALIVE\n*Mar 25 ", "IKE_TIMER_PEERS_ALIVE *Mar\n25 ")


def scanned(lines: list[Line]) -> str:
    text = plain(lines).replace("QM_IDLE", "QM IDLE").replace("IKE_MESG_FROM", "IKE MESG FROM")
    text = text.replace("PEERS_ALIVE", "PEERS ALIVE").replace("my_port", r"my\_port")
    text = text.replace(f"{SA}incrementing", f"{{\\tt {SA.replace(':', ': ', 1)}incrementing")
    return text.replace("IKE_P1_COMPLETE  New State = IKE_P1", "IKE P1 COMPLETE New State = IKE P1")


def spliced(lines: list[Line]) -> str:
    text = plain(lines).replace("(I) QM_IDLE\n", "(I) QM_IDLE\nHUB#\nHUB# \n\n")
    return "\ufeff" + text.replace("not responding!\n", "not responding!.....\n --More-- \n")


DAMAGES: dict[str, Callable[[list[Line]], str]] = {
    "plain": plain,
    "wrapped": wrapped,
    "glued": glued,
    "scanned": scanned,
    "spliced": spliced,
    "CRLF": lambda lines: spliced(lines).replace("\n", "\r\n"),
    "lone CR": lambda lines: plain(lines).replace("\n", "\r\n").replace("ALIVE\r\n", "ALIVE\r"),
    "markdown": lambda lines: plain(lines).replace("*Mar", "- Mar"),
    "quoted": lambda lines: "> " + plain(lines).replace("\n", "\n> "),
    "HTML": lambda lines: "<pre>" + plain(lines).replace("\n", "<br>\n").replace('"', "&quot;"),
    "a page on one line": lambda lines: (
        "<p>" + plain(lines).replace(" ", "&nbsp;").replace("\n", "</p><p>")
    ),
    "sequence numbers": lambda lines: plain(lines).replace("*Mar", "000123: *Mar"),
    "syslog": lambda lines: plain(lines).replace("*Mar 25", "<191>4711: *Mar 25"),
    "relayed": lambda lines: plain(lines).replace("*Mar", "Mar 25 15:41:00 hub 4711: *Mar"),
    "zones": lambda lines: re.sub(r"(\.\d{3}): ", r"\1 UTC: ", plain(lines)),
    "underscores are blanks": lambda lines: plain(lines).replace("_", " "),
    "underscores are gone": lambda lines: plain(lines).replace("_", ""),
    "underscores are eaten in pairs": lambda lines: re.sub(r"_(\w)_", r"\1", plain(lines)),
    "bold": lambda lines: re.sub("DPD|peers? |ISAKMP", r"**\g<0>**", plain(lines)),
    "bold stamps": lambda lines: re.sub(r"(?m)^(\S+ \S+ \S+):", r"**\1**:", plain(lines)),
    "typeset": lambda lines: re.sub('"(.*?)"', "\u201c\\1\u201d", plain(lines)),
    "minus signs": lambda lines: plain(lines).replace(" -", " \u2212"),
    "newest clock": lambda lines: plain(lines).replace("*Mar 25 15", ".Mar 25 2026 15"),
}  # fmt: skip


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_healthy_peer_that_dies(damage: str):
    events = events_of(DAMAGES[damage](HEALTHY + DYING))
    assert story(events) == WORDS
    sent = [e for e in events if e.message is MessageKind.R_U_THERE]
    assert [e.message_id for e in sent] == [780790800, *(n & 0xFFFFFFFF for n in NODES)]
    assert {e.remote for e in events[1:]} == {PEER}
    assert {e.handle for e in events} == {"3"}


def test_times_of_a_peer_that_dies():
    events = events_of(plain(HEALTHY + DYING))
    assert [clock(e) for e in events] == [
        "15:05:00.000",
        "15:06:40.107",
        "15:06:40.123",
        "15:40:10.343",
        "15:40:12.351",
        "15:40:14.363",
        "15:40:16.375",
        "15:40:18.387",
        "15:40:20.391",
        "15:40:20.391",
        "15:40:20.411",
        "15:40:20.423",
    ]
    ack, down, delete, child = events[2], events[9], events[10], events[11]
    assert (ack.message_id, ack.sequence) == (-410420430 & 0xFFFFFFFF, 12)
    assert (ack.remote_port, ack.version) == (None, 1)
    assert (down.reason, down.protocol) == ("peers alive", DeleteProtocol.IKE)
    assert (delete.message_id, delete.protocol) == (-2000000065 & 0xFFFFFFFF, DeleteProtocol.IKE)
    assert (child.spis, child.local) == (("a1b2c3d4",), "192.0.2.1")


@pytest.mark.parametrize("era", TAGS)
def test_tags_of_all_eras(era: str):
    sa, pak = TAGS[era]
    text = plain(HEALTHY + DYING).replace(SA, sa).replace(PAK, pak)
    assert story(events_of(text)) == WORDS


def test_message_ids_without_a_sign():
    unsigned = [
        (at, re.sub(r"-\d{7,}", lambda m: str(int(m[0]) & 0xFFFFFFFF), text))
        for at, text in HEALTHY + DYING
    ]
    ids = [e.message_id for e in messages_of(plain(HEALTHY + DYING))]
    assert [e.message_id for e in messages_of(plain(unsigned))] == ids


@pytest.mark.parametrize(
    "masked", ["x.x.x.x", "203.0.113.y", "XXX.XXX.XXX.XXX", "000.000.000.000", "198.51.100.x"]
)
def test_masked_addresses(masked: str):
    events = events_of(plain(HEALTHY + DYING).replace(PEER, masked))
    assert story(events) == WORDS
    assert {e.remote for e in events if e.remote} == {masked}


def test_a_scan_that_begins_with_the_retries():
    text = plain(DYING[6:])
    assert story(events_of(text)) == WORDS[4:]


@pytest.mark.parametrize(
    "reason", ["Peers alive", "P1 errcounter exceeded (PEERS_ALIVE_TIMER)", "PEERS ALIVE TIMER"]
)
def test_a_deleted_sa_whose_verdict_line_is_lost(reason: str):
    kept = [line for line in DYING if "not responding" not in line[1]]
    text = plain(HEALTHY + kept).replace('"peers alive"', f'"{reason}"')
    assert story(events_of(text)) == WORDS


NEWER = """
    *Mar  1 00:05:58.407: ISAKMP: set new node -2070000150 to QM_IDLE
    *Mar  1 00:05:58.411: ISAKMP:(1001):Sending NOTIFY {0}R_U_THERE protocol 1
            spi 1701000992, message ID = -2070000150
    *Mar  1 00:05:58.415: ISAKMP:(1001): seq. no 0x5E0C4F45
    *Mar  1 00:05:58.419: ISAKMP:(1001): sending packet to 198.51.100.9 my_port 500 peer_port 500 (I) QM_IDLE
    *Mar  1 00:05:58.423: ISAKMP:(1001):purging node -2070000150
    *Mar  1 00:05:58.423: ISAKMP:(1001):Input = IKE_MESG_FROM_TIMER, IKE_TIMER_PEERS_ALIVE
    *Mar  1 00:05:58.510: ISAKMP (1001): received packet from 198.51.100.9 dport 500 sport 500 Global (I) QM_IDLE
    *Mar  1 00:05:58.515: ISAKMP:(1001): processing NOTIFY {0}R_U_THERE_ACK protocol 1
            spi 0, message ID = 1250000423, sa = 0x67F5A6E8
    *Mar  1 00:05:58.523: ISAKMP:(1001): DPD/R_U_THERE_ACK received from peer 198.51.100.9, sequence 0x5E0C4F45
    *Mar  1 00:05:58.523: ISAKMP:(1001):deleting node 1250000423 error FALSE reason "Informational (in) state 1"
    *Mar  1 00:05:58.523: ISAKMP:(1001):Input = IKE_MESG_FROM_PEER, IKE_INFO_NOTIFY
    """  # noqa: E501


@pytest.mark.parametrize("underscore", ["_", " ", ""])
@pytest.mark.parametrize("prefix", ["DPD/", ""])
def test_newer_releases_say_what_they_send(prefix: str, underscore: str):
    sent, received = messages_of(NEWER.format(prefix).replace("_", underscore))
    assert (sent.message, sent.message_id, sent.sequence, sent.retransmission) == (
        MessageKind.R_U_THERE,
        -2070000150 & 0xFFFFFFFF,
        0x5E0C4F45,
        False,
    )
    assert clock(sent) == "00:05:58.419"
    assert (received.message, received.message_id, received.sequence) == (
        MessageKind.R_U_THERE_ACK,
        1250000423,
        0x5E0C4F45,
    )
    assert clock(received) == "00:05:58.510"


@pytest.mark.parametrize(
    ("counter", "tries"),
    [
        ("DPD incrementing error counter (1/5)", 5),
        ("incrementing error counter on sa: PEERS_ALIVE_TIMER", None),
        ("DPD incrementing error counter on sa, attempt 1 of 6: PEERS_ALIVE_TIMER", 6),
        ("DPD incrementing error counter (1/99999)", None),
    ],
)
def test_an_error_counter_makes_the_next_probe_a_retry(counter: str, tries: int | None):
    text = NEWER.format("DPD/").partition("    *Mar  1 00:05:58.510")[0]
    again = text.replace("-2070000150", "1234")
    found = messages_of(f"{text}    *Mar  1 00:06:00.425: ISAKMP:(1001):{counter}\n{again}")
    assert [e.retransmission for e in found] == [False, True]
    assert [e.tries for e in found] == [None, tries]
    assert [e.retry for e in found] == [None, 1 if "1" in counter else None]


SEARCHED = """
    *Mar  1 00:05:58.411: ISAKMP:(1001):Sending NOTIFY DPD/R_U_THERE protocol 1
            spi 1701000992, message ID = -2070000150
    *Mar  1 00:05:58.523: ISAKMP:(1001): DPD/R_U_THERE_ACK received from peer 198.51.100.9, sequence 0x5E0C4F45
    *Mar  1 00:06:08.411: ISAKMP:(1001):Sending NOTIFY DPD/R_U_THERE protocol 1
            spi 1701000992, message ID = 1000
    *Mar  1 00:06:10.411: ISAKMP:(1001):DPD incrementing error counter (1/5)
    *Mar  1 00:06:10.412: ISAKMP:(1001):Sending NOTIFY DPD/R_U_THERE protocol 1
            spi 1701000992, message ID = 1001
    *Mar  1 00:06:12.411: ISAKMP:(1001):DPD incrementing error counter (2/5)
    *Mar  1 00:06:12.411: ISAKMP:(1001):peer 198.51.100.9 not responding!
    *Mar  1 00:06:12.412: ISAKMP:(1001):deleting SA reason "peers alive" state (I) QM_IDLE (peer 198.51.100.9)
    """  # noqa: E501
SEARCHED_WORDS = [
    "sent r-u-there",
    "received r-u-there-ack",
    "sent r-u-there",
    "sent r-u-there again",
    "peer-dead",
    "ike-sa-down",
]


def test_a_log_that_was_searched_for_words_shows_no_packets():
    events = events_of(SEARCHED)
    assert story(events) == SEARCHED_WORDS
    asked = [e for e in events if e.message is MessageKind.R_U_THERE]
    assert [e.message_id for e in asked] == [-2070000150 & 0xFFFFFFFF, 1000, 1001]
    assert [clock(e) for e in asked] == ["00:05:58.411", "00:06:08.411", "00:06:10.412"]


@pytest.mark.parametrize("lines", [1, 3])
def test_a_question_at_the_end_of_a_searched_log_is_none_the_less_one(lines: int):
    cut = "\n".join(SEARCHED.splitlines()[: lines + 1])
    assert story(events_of(cut + "\n")) == SEARCHED_WORDS[: (lines + 1) // 2]


def test_a_conn_id_dies_again():
    again = SEARCHED.replace(" 00:", " 01:")
    found = story(events_of(SEARCHED + again))
    assert found == [*SEARCHED_WORDS, *SEARCHED_WORDS]


def test_an_answer_ends_the_retries():
    text = NEWER.format("DPD/")
    counter = "    *Mar  1 00:05:58.400: ISAKMP:(1001):DPD incrementing error counter (1/5)\n"
    found = messages_of(f"{counter}{text}{text.replace('-2070000150', '1234')}")
    assert [e.retransmission for e in found if e.sent] == [True, False]


ASKED = """
    *Mar  1 00:06:08.000: ISAKMP (1001): received packet from 198.51.100.9 dport 500 sport 500 Global (R) QM_IDLE
    *Mar  1 00:06:08.000: ISAKMP: set new node -990000123 to QM_IDLE
    *Mar  1 00:06:08.000: ISAKMP:(1001): processing HASH payload. message ID = -990000123
    *Mar  1 00:06:08.000: ISAKMP:(1001): processing NOTIFY DPD/R_U_THERE protocol 1
            spi 0, message ID = -990000123, sa = 0x67F5A6E8
    *Mar  1 00:06:08.001: ISAKMP:(1001): DPD/R_U_THERE received from peer 198.51.100.9, sequence 0x1B
    *Mar  1 00:06:08.002: ISAKMP: set new node 450000678 to QM_IDLE
    """  # noqa: E501
ANSWERED_IN_WORDS = """
    *Mar  1 00:06:08.004: ISAKMP:(1001):Sending NOTIFY DPD/R_U_THERE_ACK protocol 1
            spi 1701000992, message ID = 450000678
    *Mar  1 00:06:08.004: ISAKMP:(1001): seq. no 0x1B
    """
ANSWER_LEAVES = """
    *Mar  1 00:06:08.005: ISAKMP:(1001): sending packet to 198.51.100.9 my_port 500 peer_port 500 (R) QM_IDLE
    *Mar  1 00:06:08.005: ISAKMP:(1001):purging node 450000678
    *Mar  1 00:06:08.006: ISAKMP:(1001):Input = IKE_MESG_FROM_PEER, IKE_INFO_NOTIFY
    """  # noqa: E501


@pytest.mark.parametrize("words", [ANSWERED_IN_WORDS, ""], ids=["in words", "implied"])
def test_a_question_of_the_peer(words: str):
    received, sent = messages_of(ASKED + words + ANSWER_LEAVES)
    assert (received.message, received.sent, received.sequence, received.message_id) == (
        MessageKind.R_U_THERE,
        False,
        27,
        -990000123 & 0xFFFFFFFF,
    )
    assert clock(received) == "00:06:08.000"
    assert (sent.message, sent.sent, sent.sequence, sent.message_id) == (
        MessageKind.R_U_THERE_ACK,
        True,
        27,
        450000678,
    )
    assert (sent.local_port, sent.remote_port) == (500, 500)


PHASE1 = """
    ISAKMP-PAK: (0):received packet from 198.51.100.9 dport 500 sport 512 Global (N) NEW SA
    ISAKMP: (0):Created a peer struct for 198.51.100.9, peer port 512
    ISAKMP: (0):Input = IKE_MESG_FROM_PEER, IKE_MM_EXCH
    ISAKMP: (0):Old State = IKE_READY  New State = IKE_R_MM1

    ISAKMP: (0):vendor ID seems Unity/DPD but major 69 mismatch
    ISAKMP: (0):vendor ID is NAT-T RFC 3947
    ISAKMP-PAK: (0):sending packet to 198.51.100.9 my_port 500 peer_port 512 (R) MM_SA_SETUP
    ISAKMP: (0):Sending an IKE IPv4 Packet.
    ISAKMP: (0):retransmitting phase 1 MM_SA_SETUP...
    ISAKMP: (0):incrementing error counter on sa, attempt 1 of 5: retransmit phase 1
    ISAKMP: (0):retransmitting phase 1 MM_SA_SETUP
    ISAKMP-PAK: (0):sending packet to 198.51.100.9 my_port 500 peer_port 512 (R) MM_SA_SETUP
    ISAKMP-PAK: (0):received packet from 198.51.100.9 dport 500 sport 512 Global (R) MM_SA_SETUP
    ISAKMP: (1003):vendor ID is DPD
    ISAKMP-PAK: (1003):sending packet to 198.51.100.9 my_port 500 peer_port 512 (R) MM_KEY_EXCH
    ISAKMP-PAK: (1003):received packet from 198.51.100.9 dport 4500 sport 4501 Global (R) MM_KEY_EXCH
    ISAKMP: (1003):processing NOTIFY INITIAL_CONTACT protocol 1
            spi 0, message ID = 0, sa = 0x7EFF654479B0
    ISAKMP: (1003):SA has been authenticated with 198.51.100.9
    ISAKMP: (0):Trying to insert a peer 192.0.2.1/198.51.100.9/4501/,
    ISAKMP-PAK: (1003):sending packet to 198.51.100.9 my_port 4500 peer_port 4501 (R) MM_KEY_EXCH
    ISAKMP: (1003):Old State = IKE_R_MM5  New State = IKE_P1_COMPLETE

    ISAKMP: (1003):Old State = IKE_P1_COMPLETE  New State = IKE_P1_COMPLETE
    """  # noqa: E501
PHASE2 = """
    ISAKMP-PAK: (1003):received packet from 198.51.100.9 dport 4500 sport 4501 Global (R) QM_IDLE
    ISAKMP: (1003):set new node 1410000668 to QM_IDLE
    ISAKMP: (1003):processing HASH payload. message ID = 1410000668
    ISAKMP: (1003):Node 1410000668, Input = IKE_MESG_FROM_PEER, IKE_QM_EXCH
    ISAKMP: (1003):Old State = IKE_QM_READY  New State = IKE_QM_SPI_STARVE
    ISAKMP: (1003):Successfully installed IPSEC SA (SPI:0xA5AC7011) on GigabitEthernet1
    ISAKMP-PAK: (1003):sending packet to 198.51.100.9 my_port 4500 peer_port 4501 (R) QM_IDLE
    ISAKMP: (1003):Node 1410000668, Input = IKE_MESG_FROM_IPSEC, IPSEC_INSTALL_DONE
    ISAKMP-PAK: (1003):received packet from 198.51.100.9 dport 4500 sport 4501 Global (R) QM_IDLE
    ISAKMP: (1003):deleting node 1410000668 error FALSE reason "QM done (await)"
    ISAKMP: (1003):Node 1410000668, Input = IKE_MESG_FROM_PEER, IKE_QM_EXCH
    """


def test_both_phases_of_a_responder():
    events = events_of(PHASE1 + PHASE2)
    assert story(events) == [
        "received main-mode",
        "sent main-mode",
        "sent main-mode again",
        "received main-mode",
        "dpd-vendor-id",
        "sent main-mode",
        "received main-mode",
        "sent main-mode",
        "ike-sa-up",
        "received quick-mode",
        "child-sa-up",
        "sent quick-mode",
        "received quick-mode",
    ]
    assert all(e.at_ns is None for e in events)
    vendor, up, child = events[4], events[8], events[10]
    assert (vendor.sent, vendor.remote, vendor.handle) == (False, PEER, "1003")
    assert (up.remote, up.handle) == (PEER, "1003")
    assert (child.spis, child.protocol) == (("a5ac7011",), DeleteProtocol.ESP)
    quick = [e for e in events if e.message is MessageKind.QUICK_MODE]
    assert {e.message_id for e in quick} == {1410000668}
    assert (quick[1].local_port, quick[1].remote_port) == (4500, 4501)
    assert [e.handle for e in events[:3]] == [None] * 3


@pytest.mark.parametrize("kind", ["main", "aggressive"])
def test_phase_1_that_nobody_answers_is_no_dead_peer(kind: str):
    text = """
        *Mar  1 00:01:00.000: ISAKMP:(0): sending packet to 198.51.100.9 my_port 500 peer_port 500 (I) MM_NO_STATE
        *Mar  1 00:01:10.000: ISAKMP:(0): retransmitting phase 1 MM_NO_STATE...
        *Mar  1 00:01:10.000: ISAKMP (0): incrementing error counter on sa, attempt 1 of 5: retransmit phase 1
        *Mar  1 00:01:10.000: ISAKMP:(0): sending packet to 198.51.100.9 my_port 500 peer_port 500 (I) MM_NO_STATE
        *Mar  1 00:02:00.000: ISAKMP:(0):peer does not do paranoid keepalives.
        *Mar  1 00:02:00.000: ISAKMP:(0):deleting SA reason "Death by retransmission P1" state (I) MM_NO_STATE (peer 198.51.100.9)
        *Mar  1 00:02:00.000: ISAKMP:(0):deleting SA reason "Death by retransmission P1" state (I) MM_NO_STATE (peer 198.51.100.9)
        """  # noqa: E501
    if kind == "aggressive":
        text = text.replace("MM_NO_STATE", "AG_INIT_EXCH")
    events = events_of(text)
    mode = f"sent {'main-mode' if kind == 'main' else 'aggressive'}"
    assert story(events) == [mode, f"{mode} again", "gave-up", "ike-sa-down"]
    assert events[3].reason == "Death by retransmission P1"


def test_two_negotiations_at_once_share_conn_id_0():
    text = """
        ISAKMP:(0): sending packet to 198.51.100.9 my_port 500 peer_port 500 (I) MM_NO_STATE
        ISAKMP:(0): sending packet to 203.0.113.7 my_port 500 peer_port 500 (I) MM_NO_STATE
        ISAKMP:(0):deleting SA reason "Death by retransmission P1" state (I) MM_NO_STATE (peer 198.51.100.9)
        ISAKMP:(0):deleting SA reason "Death by retransmission P1" state (I) MM_NO_STATE (peer 203.0.113.7)
        """  # noqa: E501
    down = events_of(text, LogEventKind.IKE_SA_DOWN)
    assert [e.remote for e in down] == [PEER, "203.0.113.7"]


def deletes(what: str) -> list[LogEvent]:
    return events_of(f"""
        ISAKMP:(9001):Old State = IKE_I_MM6  New State = IKE_P1_COMPLETE
        ISAKMP (0:9001): received packet from 198.51.100.9 dport 500 sport 500 Global (I) QM_IDLE
        ISAKMP: set new node -1042000812 to QM_IDLE
        ISAKMP:(9001): processing HASH payload. message ID = -1042000812
        ISAKMP:(9001): processing DELETE payload. message ID = -1042000812
        ISAKMP:(9001):peer does not do paranoid keepalives.
        {what}
        ISAKMP:(9001):deleting node -1042000812 error FALSE reason "Informational (in) state 1"
        """)


def test_a_delete_of_the_ike_sa_is_received():
    events = deletes(
        'ISAKMP:(9001):deleting SA reason "No reason" state (I) QM_IDLE (peer x.x.x.x)'
    )
    assert story(events) == ["ike-sa-up", "received delete", "ike-sa-down"]
    assert (events[1].message_id, events[1].protocol, events[1].remote) == (
        -1042000812 & 0xFFFFFFFF,
        DeleteProtocol.IKE,
        PEER,
    )
    assert events[2].reason == "No reason"


def test_what_is_fed_to_a_deleted_sa_is_no_message():
    events = deletes("ISAKMP:(9001):Input = IKE_MESG_FROM_PEER, IKE_MM_EXCH")
    assert story(events) == ["ike-sa-up", "received delete"]


def test_quick_mode_is_sent_again():
    (sent,) = messages_of("""
        ISAKMP:(1001): retransmitting phase 2 QM_IDLE       -889000300 ...
        ISAKMP:(1001): sending packet to 198.51.100.9 my_port 500 peer_port 500 (I) QM_IDLE
        """)
    assert (sent.message, sent.retransmission, sent.message_id) == (
        MessageKind.QUICK_MODE,
        True,
        -889000300 & 0xFFFFFFFF,
    )


def test_a_delete_of_a_child_sa_is_received():
    events = deletes("ISAKMP: (9001):Enqueued KEY_MGR_DELETE_SAS for IPSEC SA (SPI:0xA5AC7011)")
    assert story(events) == ["ike-sa-up", "received delete", "child-sa-down"]
    assert (events[1].protocol, events[1].spis) == (DeleteProtocol.ESP, ("a5ac7011",))


def test_a_delete_that_says_nothing_more():
    events = deletes("")
    assert story(events) == ["ike-sa-up", "received delete"]
    assert events[1].protocol is DeleteProtocol.UNKNOWN


@pytest.mark.parametrize(
    ("cause", "protocol"),
    [("IKE_PHASE1_DEL", DeleteProtocol.IKE), ("IKE_PHASE2_DEL", DeleteProtocol.ESP)],
)
def test_deletes_that_are_sent(cause: str, protocol: DeleteProtocol):
    (sent,) = events_of(f"""
        ISAKMP: set new node 1819000877 to GDOI_IDLE
        ISAKMP:(1003): sending packet to 198.51.100.9 my_port 848 peer_port 848 (R) GDOI_IDLE
        ISAKMP:(1003):Sending an IKE IPv4 Packet.
        ISAKMP:(1003):purging node 1819000877
        ISAKMP:(1003):cleaning up GDOI node 1819000877
        ISAKMP:(1003):Input = IKE_MESG_INTERNAL, {cause}
        """)
    assert (sent.message, sent.sent, sent.protocol, sent.message_id) == (
        MessageKind.DELETE,
        True,
        protocol,
        1819000877,
    )


def test_initial_contact_replaces_an_sa():
    events = events_of("""
        ISAKMP:(1003):received initial contact, deleting SA
        ISAKMP:(1003):peer does not do paranoid keepalives.
        ISAKMP:(1003):deleting SA reason "Receive initial contact" state (R) GDOI_IDLE       (peer 198.51.100.9)
        ISAKMP:(1003):deleting SA reason "Receive initial contact" state (R) GDOI_IDLE       (peer 198.51.100.9)
        """)  # noqa: E501
    assert story(events) == ["hint", "ike-sa-down"]
    assert events[1].reason == "Receive initial contact"


@pytest.mark.parametrize(
    "line",
    [
        "ISAKMP: (0):Trying to insert a peer 192.0.2.1/198.51.100.9/4501/,",
        "ISAKMP: Trying to insert a peer 192.0.2.1/198.51.100.9/500/,  and inserted",
        "ISAKMP: (1003):Process initial contact,\nbring down existing phase 1 and 2 SA's with"
        " local 192.0.2.1 remote 198.51.100.9 remote port 848",
    ],
)
def test_the_own_address_towards_a_peer(line: str):
    deleting = 'ISAKMP:(1003):deleting SA reason "No reason" state (R) QM_IDLE (peer 198.51.100.9)'
    (down,) = events_of(f"{line}\n{deleting}\n")
    assert (down.local, down.remote) == ("192.0.2.1", PEER)


def test_another_notify():
    (sent,) = messages_of("""
        ISAKMP: set new node -43000837 to GDOI_IDLE
        ISAKMP:(1004):Sending NOTIFY RESPONDER_LIFETIME protocol 1
                spi 1747218296, message ID = -43000837
        ISAKMP:(1004): sending packet to 198.51.100.9 my_port 848 peer_port 848 (R) GDOI_IDLE
        ISAKMP:(1004):purging node -43000837
        ISAKMP:(1004):Input = IKE_MESG_INTERNAL, IKE_PHASE1_COMPLETE
        """)
    assert (sent.message, sent.message_id) == (MessageKind.NOTIFY, -43000837 & 0xFFFFFFFF)


def test_child_sas_of_old_releases():
    (up,) = events_of(
        """
        - Mar  1 00:55:42.451: ISAKMP (0:2): Creating IPSec SAs
        - Mar  1 00:55:42.451:         inbound SA from 198.51.100.9 to 192.0.2.1 (f/i)  0/ 0
        - Mar  1 00:55:42.451: ISAKMP:      has spi 0x5E390070 and conn_id 2000 and flags 2
        - Mar  1 00:55:42.451: ISAKMP:      lifetime of 3600 seconds
        - Mar  1 00:55:42.455: ISAKMP:      has spi 235330088 and conn_id 2001 and flags A
        """,
        LogEventKind.CHILD_SA_UP,
    )
    assert up.spis == ("5e390070", f"{235330088:08x}")


def test_a_delete_notify_that_cannot_be_sent_needs_a_history():
    ignored = (
        "ISAKMP-ERROR: (0):ignoring request to send delete notify (no ISAKMP sa) src 192.0.2.1"
        " dst 198.51.100.9 for SPI 0xA1B2C3D4\n"
    )
    assert events_of(ignored) == []
    damaged = ignored.replace("dst 198.51.100.9", "dst 1r cr\nHQ#clear crypto 98.51.100.9")
    assert events_of(damaged) == []


def test_stray_characters_of_a_slow_console():
    (up,) = events_of("ISAKMP:(9577):Old State = .IKE_I_MM6  New State = IKE_P1_COMPLETE\n")
    assert up.kind is LogEventKind.IKE_SA_UP


@pytest.mark.parametrize("state", ["IKE_DEST_SA", "IKE_P1_COM\nPLETE", "IKE_P1_\nCOMPLETE"])
def test_an_sa_that_is_up_or_goes_does_not_come_up(state: str):
    assert events_of(f"ISAKMP:(9577):Old State = {state}  New State = IKE_P1_COMPLETE\n") == []


SURVIVOR = plain([*HEALTHY, *DYING[:28]]) + plain(HEALTHY[1:]).replace("06:4", "41:4")


@settings(max_examples=200)
@given(st.data())
def test_no_damage_kills_a_peer(data: st.DataObject):
    lines = SURVIVOR.splitlines(keepends=True)
    for _ in range(data.draw(st.integers(0, 20))):
        at = data.draw(st.integers(0, len(lines) - 1))
        what = data.draw(st.sampled_from(["lose", "join", "cut", "swap"]))
        if what == "lose" and len(lines) > 1:
            del lines[at]
        elif what == "join":
            lines[at] = lines[at].rstrip("\n")
        elif what == "cut":
            lines[at] = lines[at][: data.draw(st.integers(0, len(lines[at])))]
        else:
            other = data.draw(st.integers(0, len(lines) - 1))
            lines[at], lines[other] = lines[other], lines[at]
    kinds = [e.kind for e in decoder("".join(lines))[1]]
    assert LogEventKind.PEER_DEAD not in kinds


WHOLE = wrapped(HEALTHY + DYING)


@given(st.lists(st.integers(0, len(WHOLE)), max_size=8))
def test_any_cutting_of_the_text_gives_the_same(cuts: list[int]):
    assert decoder(WHOLE, cuts)[1] == decoder(WHOLE)[1]
