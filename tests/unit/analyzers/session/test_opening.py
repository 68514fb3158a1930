"""What inputs are, by their content: captures, logs, configurations, folders of them, stdin."""

from __future__ import annotations

import gzip
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Thread

import pytest

from analyzers.errors import SourceError
from analyzers.model.exchange import Outcome
from analyzers.model.policy import PolicyBasis
from analyzers.model.records import UNREADABLE, Basis, ProblemKind
from analyzers.model.time import NS_PER_SECOND
from analyzers.session import ClockOptions, Progress, Session, SessionOptions
from tests.scenarios.logs import Clock, Stamp, charon, isakmp, iso, star
from tests.scenarios.timeline import at, capture

TEXT = """
0 a>b v1 main-mode
0.1 a>b v1 quick
0.5..50/0.5 a>b esp out
0.6..35/0.5 b>a esp in
10..40/10 a>b v1 info 108 says=ruthere number=7
10.02..40/10 b>a v1 info 108 says=ack number=7
40 a>b v1 info 108 says=ruthere number=8
42 a>b v1 info 108 says=ruthere number=8
44 a>b v1 info 108 says=ruthere number=8
46 a>b v1 info 108 says=ruthere number=8
48 a>b v1 info 108 says=ruthere number=8
"""
DEAD = [(50.0, "ISAKMP:(1001):peer 192.0.2.2 not responding!")]
CONFIG = """!
hostname hub
crypto isakmp policy 10
 encryption aes 256
 authentication pre-share
crypto isakmp keepalive 10 2 periodic
crypto map SPOKES 10 ipsec-isakmp
 set peer 192.0.2.2
 match address S9
interface GigabitEthernet0/0
 ip address 192.0.2.1 255.255.255.0
 crypto map SPOKES
end
"""


def log() -> str:
    return isakmp(TEXT, "a", Clock(star, 77), said=DEAD)


def run(*names: str | Path, options: SessionOptions | None = None) -> Session:
    session = Session(options)
    session.run([str(name) for name in names])
    return session


def kinds(session: Session) -> list[tuple[str, str]]:
    return [(Path(s.path).name, s.kind) for s in session.sources]


@contextmanager
def stdin(content: bytes) -> Iterator[None]:
    """`content` is what a pipe brings."""
    reader, writer = os.pipe()

    def feed() -> None:
        with os.fdopen(writer, "wb") as pipe:
            pipe.write(content)

    thread = Thread(target=feed)
    thread.start()
    saved = sys.stdin
    with os.fdopen(reader) as sys.stdin:
        try:
            yield
        finally:
            sys.stdin.buffer.read()
            sys.stdin, opened = saved, sys.stdin
            opened.close()
            thread.join()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """What an engineer keeps of an incident, and some more."""
    (tmp_path / "hub.pcap").write_bytes(capture(TEXT))
    (tmp_path / "hub-console.txt").write_text(log())
    (tmp_path / "configs").mkdir()
    (tmp_path / "configs" / "hub.cfg").write_text(CONFIG)
    (tmp_path / "notes.txt").write_text("Call the provider about the outage of Tuesday.\n" * 9)
    (tmp_path / "empty").write_text("")
    (tmp_path / "image.bin").write_bytes(bytes(range(256)) * 40)
    return tmp_path


def test_a_folder_of_everything(folder: Path) -> None:
    session = run(folder)
    assert sorted(kinds(session)) == [
        ("hub-console.txt", "log"),
        ("hub.cfg", "config"),
        ("hub.pcap", "capture"),
    ]
    (peer,) = session.peers()
    assert {x.basis for x in peer.exchanges} == {Basis.CORRELATED}
    (configured,) = [p for p in peer.policies if p.basis is PolicyBasis.CONFIG]
    assert (configured.interval_s, configured.retry_s, configured.worst_case_s) == (10, 2, 20)
    assert configured.ref is not None
    assert configured.ref.record == 6
    assert peer.black_holes[0].dead_basis == "log"


def test_a_folder_without_any(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("nothing of interest\n")
    with pytest.raises(SourceError, match="no capture and no log"):
        run(tmp_path)


NO_INPUTS = [
    ("notes.txt", "it is neither capture, log nor configuration"),
    ("image.bin", "it is neither capture, log nor configuration"),
    ("empty", "it is empty"),
]


@pytest.mark.parametrize(("name", "why"), NO_INPUTS)
def test_what_cannot_be_read_does_not_hide_the_others(folder: Path, name: str, why: str) -> None:
    session = run(folder / name, folder / "hub.pcap", folder / "hub-console.txt")
    assert kinds(session) == [
        ("hub.pcap", "capture"),
        ("hub-console.txt", "log"),
        (name, UNREADABLE),
    ]
    told = session.sources[2]
    assert [(p.kind, p.detail) for p in told.problems] == [(ProblemKind.UNREADABLE, why)]
    without = run(folder / "hub.pcap", folder / "hub-console.txt")
    assert session.peers() == without.peers()
    assert session.judgement() == without.judgement()


def test_what_cannot_be_read_alone_is_refused(folder: Path) -> None:
    for name, _ in NO_INPUTS:
        with pytest.raises(SourceError, match=name):
            run(folder / name)
        with pytest.raises(SourceError, match=name):
            run(folder / name, folder / "configs")
    with pytest.raises(SourceError, match=r"notes\.txt .*; .*empty is empty"):
        run(folder / "notes.txt", folder / "empty")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_folder_that_may_not_be_read_in_one_that_may(folder: Path) -> None:
    (folder / "configs").chmod(0)
    assert kinds(run(folder)) == [
        ("hub-console.txt", "log"), ("hub.pcap", "capture"), ("configs", UNREADABLE),
    ]  # fmt: skip
    (folder / "configs").chmod(0o700)


def test_a_name_that_does_not_exist(folder: Path) -> None:
    gone = folder / "gone.pcap"
    with pytest.raises(SourceError, match="cannot open"):
        run(folder / "hub.pcap", gone)
    lenient = SessionOptions(missing_too=True)
    session = run(gone, folder / "hub.pcap", options=lenient)
    assert kinds(session) == [("hub.pcap", "capture"), ("gone.pcap", UNREADABLE)]
    with pytest.raises(SourceError, match="cannot open"):
        run(gone, options=lenient)


def test_configurations_alone_are_for_lint(folder: Path) -> None:
    with pytest.raises(SourceError, match="configurations only") as error:
        run(folder / "configs")
    assert "lint" in (error.value.hint or "")


def test_configurations_alone_may_be_wanted(folder: Path) -> None:
    session = run(folder / "configs", options=SessionOptions(configurations_alone=True))
    assert {info.kind for info in session.sources} == {"config"}
    first, *told, last = session.diagnosis()
    assert "nothing that happened was given" in first
    assert any("asks" in sentence for sentence in told)
    assert "dpdlab lint" in last


def test_compressed_and_in_utf_16(folder: Path) -> None:
    packed = folder / "log.gz"
    packed.write_bytes(gzip.compress(log().encode()))
    wide = folder / "wide.txt"
    wide.write_bytes(log().encode("utf-16"))
    for name in (packed, wide):
        session = run(folder / "hub.pcap", name)
        assert [a.matched for a in session.alignments] == [11]


def test_bytes_that_are_no_text_are_counted(folder: Path) -> None:
    damaged = folder / "damaged.txt"
    damaged.write_bytes(log().encode().replace(b"QM_IDLE", b"QM\xff\xfe_IDLE"))
    session = run(damaged)
    (problem,) = [p for p in session.sources[0].problems if p.kind is ProblemKind.BAD_ENCODING]
    assert problem.count == 2 * log().count("QM_IDLE")


# --- gaps ----------------------------------------------------------------------------------------


def lines_of_problem(session: Session) -> list[tuple[int, int]]:
    """Where NULs were first, and in how many lines."""
    problems = [p for p in session.sources[-1].problems if p.kind is ProblemKind.NUL_BYTES]
    return [(p.ref.record, p.count) for p in problems if p.ref is not None]


@pytest.mark.parametrize("gap", [1, 2, 5000, 70_000, 1 << 20])
def test_nuls_in_a_log_are_damage_and_nothing_more(folder: Path, gap: int) -> None:
    """In the middle of a line, behind its end, and at the end of the file."""
    lines = log().encode().splitlines(keepends=True)
    damaged = folder / "damaged.txt"
    holes = b"".join((*lines[:5], lines[5][:40], bytes(gap), lines[5][40:], *lines[6:9],
                      bytes(gap), *lines[9:], bytes(gap)))  # fmt: skip
    damaged.write_bytes(holes)
    whole, session = run(folder / "hub-console.txt"), run(damaged)
    assert session.peers() == whole.peers()
    assert lines_of_problem(session) == [(6, 3)]
    assert session.sources[0].lines == whole.sources[0].lines + 1


@pytest.mark.parametrize("gap", [300, 600_000])
def test_a_log_that_begins_with_a_gap(folder: Path, gap: int) -> None:
    """It was emptied while a program wrote to it."""
    sparse = folder / "sparse.log"
    sparse.write_bytes(bytes(gap) + log().encode())
    session = run(folder / "hub.pcap", sparse)
    assert kinds(session)[1] == ("sparse.log", "log")
    assert session.peers() == run(folder / "hub.pcap", folder / "hub-console.txt").peers()
    assert lines_of_problem(session) == [(1, 1)]


@pytest.mark.parametrize("stamp", [star, iso])
def test_a_line_that_a_crash_cut_does_not_hide_the_next_one(folder: Path, stamp: Stamp) -> None:
    text = isakmp(TEXT, "a", Clock(stamp, 77), said=DEAD)
    lines = text.encode().splitlines(keepends=True)
    at = len(lines) - 1
    assert b"not responding" in lines[at]
    (folder / "whole.txt").write_text(text)
    crashed = folder / "crashed.txt"
    crashed.write_bytes(b"".join((*lines[:at], lines[at - 1][:50], bytes(4096), lines[at])))
    session = run(crashed)
    (peer,), (whole,) = session.peers(), run(folder / "whole.txt").peers()
    assert peer.state is whole.state
    assert [x.outcome for x in peer.exchanges] == [x.outcome for x in whole.exchanges]
    assert peer.exchanges[-1].verdict_ns == whole.exchanges[-1].verdict_ns


def test_nuls_in_a_configuration(folder: Path) -> None:
    damaged = folder / "damaged.cfg"
    damaged.write_bytes(CONFIG.encode().replace(b" authentication", bytes(9) + b" authentication"))
    session = run(folder / "hub.pcap", damaged)
    assert lines_of_problem(session) == [(5, 1)]
    (configured,) = [p for p in session.peers()[0].policies if p.basis is PolicyBasis.CONFIG]
    assert (configured.interval_s, configured.retry_s, configured.worst_case_s) == (10, 2, 20)


# --- stdin ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["-", "pcap:-"])
def test_a_capture_on_stdin_beside_a_log(folder: Path, name: str) -> None:
    """Aligning reads the capture twice, a pipe can be read once."""
    with stdin(capture(TEXT)):
        session = run(name, folder / "hub-console.txt")
    assert [a.matched for a in session.alignments] == [11]
    (peer,) = session.peers()
    assert [x.outcome for x in peer.exchanges] == [Outcome.ANSWERED] * 3 + [Outcome.UNANSWERED]
    assert {x.basis for x in peer.exchanges} == {Basis.CORRELATED}
    assert session.sources[0].path == "stdin"
    assert session.sources[0].esp_packets == 168


def test_a_log_on_stdin_beside_a_capture(folder: Path) -> None:
    with stdin(log().encode()):
        session = run(folder / "hub.pcap", "-")
    assert [a.matched for a in session.alignments] == [11]


def test_an_offset_for_what_comes_on_stdin(folder: Path) -> None:
    clocks = ClockOptions(offsets_ns={"-": 3600 * NS_PER_SECOND})
    with stdin(capture(TEXT)):
        session = run("-", options=SessionOptions(clocks=clocks))
    (peer,) = session.peers()
    assert peer.exchanges[0].first_ns == at(3610)
    assert session.sources[0].esp_packets == 168
    with stdin(capture(TEXT)):
        session = run("-", folder / "hub-console.txt", options=SessionOptions(clocks=clocks))
    assert session.peers()[0].exchanges[0].first_ns == at(3610)


@pytest.mark.parametrize("through", ["hub.pcap", "hub-console.txt"])
def test_a_fifo_is_read_once(folder: Path, through: str) -> None:
    pipe = folder / "fifo"
    os.mkfifo(pipe)
    data = (folder / through).read_bytes()
    Thread(target=lambda: pipe.write_bytes(data), daemon=True).start()
    (folder / through).unlink()
    names = [pipe if name == through else folder / name for name in ("hub.pcap", "hub-console.txt")]
    session = run(*names)
    assert [a.matched for a in session.alignments] == [11]
    assert [Path(s.path) for s in session.sources] == names


def test_stdin_is_nothing(folder: Path) -> None:
    with stdin(b""), pytest.raises(SourceError, match="stdin is empty"):
        run("-")
    with stdin(b""):
        assert kinds(run(folder / "hub.pcap", "-"))[1] == ("stdin", UNREADABLE)


# --- what the user says it is --------------------------------------------------------------------


def test_a_kind_that_is_given(folder: Path) -> None:
    part = folder / "part.txt"
    part.write_text("crypto isakmp keepalive 10 2 periodic\n")
    with pytest.raises(SourceError):
        run(f"log:{folder / 'image.bin'}")
    session = run(folder / "hub.pcap", f"config:{part}")
    assert kinds(session)[1] == ("part.txt", "config")


def test_a_dialect_family_that_is_given(folder: Path) -> None:
    """Of a file with two dialects, only the lines of one."""
    both = folder / "both.txt"
    other = charon("10 a>c liveness 2\n10.02 c>a liveness 2 resp\n", "a", Clock(iso))
    both.write_text(log() + other)
    assert len(run(both).peers()) == 2
    (peer,) = run(f"strongswan:{both}").peers()
    assert peer.remote == "192.0.2.3"


# --- configurations beside what happened ---------------------------------------------------------


def test_the_worst_case_of_the_configuration_is_the_budget(folder: Path) -> None:
    """Given up 10 s after the first question: late for 5 s, in time for what is configured."""
    slow = SessionOptions(budget_s=5.0)
    (alone,) = run(folder / "hub.pcap", folder / "hub-console.txt", options=slow).peers()
    (configured,) = run(folder, options=slow).peers()
    classes = [p.black_holes[0].black_hole_class.value for p in (alone, configured)]
    assert classes == ["slow-dpd", "detected"]


def test_a_configuration_in_a_terminal_log(folder: Path) -> None:
    shown = folder / "session.txt"
    shown.write_text("hub#show running-config\n" + CONFIG + "hub#debug crypto isakmp\n" + log())
    session = run(folder / "hub.pcap", shown)
    assert kinds(session)[1] == ("session.txt", "log")
    (peer,) = session.peers()
    (configured,) = [p for p in peer.policies if p.basis is PolicyBasis.CONFIG]
    assert configured.ref is not None
    assert (configured.ref.source, configured.ref.record) == ("s2", 7)
    # The same configuration as a file of its own is the same configuration.
    again = run(folder / "hub.pcap", shown, folder / "configs" / "hub.cfg").peers()[0]
    assert len([p for p in again.policies if p.basis is PolicyBasis.CONFIG]) == 1


@pytest.mark.parametrize("cut", [24, 100, 20_000])
def test_a_pipe_that_pauses_shows_what_came_so_far(tmp_path: Path, cut: int):
    path = tmp_path / "whole.pcap"
    path.write_bytes(capture(TEXT))
    content = path.read_bytes()
    cut = min(cut, len(content) // 2)
    reader, writer = os.pipe()
    os.write(writer, content[:cut])
    session, rest = Session(), content[cut:]
    seen: list[tuple[Progress, int]] = []

    def progress(now: Progress) -> None:
        nonlocal rest
        seen.append((now, len(session.peers_so_far())))
        if rest and sum(each.waits for each, _ in seen) == 2:
            os.write(writer, rest)
            os.close(writer)
            rest = b""

    saved = sys.stdin
    with os.fdopen(reader) as sys.stdin:
        try:
            session.run(["-"], progress)
        finally:
            sys.stdin = saved
    paused = [(now, peers) for now, peers in seen if now.waits]
    assert [(now.path, now.read_bytes) for now, _ in paused][:2] == [("stdin", cut)] * 2
    if cut > 10_000:
        now, peers = paused[1]
        assert now.packets > 50
        assert now.ike_messages > 0
        assert peers == 1
    whole = run(path)
    assert session.sources[0].packets == whole.sources[0].packets
    assert session.peers() == whole.peers()


@pytest.mark.parametrize("length", [200_000, 262_144, 700_000, 3 << 20])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_a_long_first_line_hides_no_log(tmp_path: Path, length: int, end: str):
    path = tmp_path / "huge.log"
    path.write_bytes((("x" * length + "\n") + log()).replace("\n", end).encode())
    told = [peer.exchanges for peer in run(path).peers()]
    (tmp_path / "plain.log").write_text("x\n" + log(), encoding="utf-8")
    assert told == [peer.exchanges for peer in run(tmp_path / "plain.log").peers()]
    assert told


@pytest.mark.parametrize("length", [300_000, 3 << 20])
def test_a_long_line_alone_is_no_log(tmp_path: Path, length: int):
    path = tmp_path / "huge.log"
    path.write_bytes(b"x" * length)
    with pytest.raises(SourceError, match="neither capture, log nor configuration"):
        run(path)


def test_what_was_read_so_far_counts_the_messages_of_each_input(tmp_path: Path):
    path = tmp_path / "hub.pcap"
    path.write_bytes(capture(TEXT))
    session = Session(SessionOptions())
    counted: list[tuple[int, int]] = []

    def look(progress: Progress) -> None:
        if progress.ike_messages and session.peers_so_far():
            counted.append((session.sources[0].ike_messages, progress.ike_messages))

    session.run([str(path)], look)
    assert counted
    assert all(of_input == of_all for of_input, of_all in counted)


def test_a_log_is_one_wherever_the_first_line_of_ike_stands(tmp_path: Path) -> None:
    cron = "".join(
        f"Mar  1 0{n // 3600}:{n // 60 % 60:02d}:{n % 60:02d} hub CRON[{n}]: (root) CMD (true)\n"
        for n in range(8_000)
    )
    unknown = "Mar  1 00:00:00.000: ISAKMP:(1001): widgets were counted, and none is missing\n"
    shown = "     5 minute input rate 1000 bits/sec, 1 packets/sec\n"
    for n, before in enumerate((cron, unknown * 5_000, shown * 6_000)):
        assert len(before) > 256 << 10
        path = tmp_path / str(n) / "messages"
        path.parent.mkdir()
        path.write_text(before + log())
        session = run(path)
        (peer,) = session.peers()
        assert [x.outcome for x in peer.exchanges][-1] is Outcome.UNANSWERED
        assert peer.exchanges[-1].transmissions[0].ref.record > before.count("\n")
        # Of what is found in a directory, only what looks like a log is read so far.
        found = Session()
        if before.startswith("Mar"):
            found.run([str(path.parent)])
            assert found.peers() == session.peers()
        else:
            with pytest.raises(SourceError, match="no capture and no log"):
                found.run([str(path.parent)])


def test_few_lines_of_ike_make_a_found_file_a_log_if_it_looks_like_one(tmp_path: Path) -> None:
    few = "Mar  1 10:00:00 hub CRON[1]: (root) CMD (true)\n" * 400
    said = "Mar  1 10:00:01 hub charon: 05[IKE] <gw|1> giving up after 5 retransmits\n"
    (tmp_path / "messages").write_text(few + said)
    assert [info.kind for info in run(tmp_path).sources] == ["log"]
