"""`dpdlab live` as a user runs it: signals, ends, pipes, full disks, network namespaces."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import socket
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import IO

import pytest

from tests.live_capture import (
    DPDLAB,
    PATIENCE_S,
    SAMPLES,
    Link,
    captures_on,
    children_of,
    eventually,
    frames,
    link,
    needs_capture,
    said,
    send,
)
from tests.scenarios.timeline import capture

SAMPLE = SAMPLES / "ikev2-dead-peer" / "capture.pcap"


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    return {**os.environ, "XDG_CACHE_HOME": str(tmp_path / "cache"), "COLUMNS": "80"}


@contextmanager
def live(
    environment: dict[str, str], *words: str, stdin: int | IO[bytes] = subprocess.DEVNULL
) -> Iterator[subprocess.Popen[bytes]]:
    """A running session; it is ended at the end."""
    process = subprocess.Popen(
        # The tests themselves may run under nohup.
        ["env", "--default-signal=HUP", *DPDLAB, "live", *words],
        stdin=stdin,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=environment,
    )
    try:
        yield process
    finally:
        if process.poll() is None:
            process.kill()
        process.communicate()


def _is_running(process: int) -> bool:
    try:
        return "Z" not in Path(f"/proc/{process}/stat").read_text().rpartition(")")[2][:3]
    except OSError:
        return False


def _report(path: Path) -> dict[str, object]:
    made = subprocess.run(
        [*DPDLAB, "report", str(path), "--format", "json"], capture_output=True, check=True
    )
    document: dict[str, object] = json.loads(made.stdout)
    return document


def _lines(output: bytes) -> list[dict[str, object]]:
    return [json.loads(line) for line in output.decode().splitlines()]


# --- captures from elsewhere ----------------------------------------------------------------------


def test_a_capture_on_standard_input_ends_with_a_report(environment: dict[str, str]) -> None:
    with SAMPLE.open("rb") as file, live(environment, "-i", "-", stdin=file) as process:
        out, err = process.communicate(timeout=PATIENCE_S)
    assert process.returncode == 0, err
    assert b"black hole" in out
    assert b"frame" in out
    assert b"packets are in" in err
    (kept,) = [word for word in err.decode().split() if word.endswith(".pcapng")]
    assert len(_report(Path(kept))["peers"]) == 1  # type: ignore[arg-type]


def test_a_pipe_whose_writer_ends_is_told_and_read_on(
    environment: dict[str, str], tmp_path: Path
) -> None:
    fifo = tmp_path / "packets"
    os.mkfifo(fifo)
    with live(environment, "-i", str(fifo), "--no-save") as process:
        fifo.write_bytes(SAMPLE.read_bytes())
        said(process.stderr, b"has ended; the next one is waited for")
        with fifo.open("wb", buffering=0) as writer:
            writer.write(SAMPLE.read_bytes())
            said(process.stderr, b"packets: it goes on")
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=PATIENCE_S)
    assert process.returncode == 0
    assert b"begun again 1 time" in err


def test_who_was_unknown_in_the_end_is_not_told_alive_again(
    environment: dict[str, str], tmp_path: Path
) -> None:
    """The report is about what was captured, up to the end of that."""
    fifo = tmp_path / "packets"
    os.mkfifo(fifo)
    with live(environment, "-i", str(fifo), "--no-save", "--format", "text") as process:
        fifo.write_bytes(capture("0 a>b v2 handshake\n1..5/1 a>b esp out\n1.1..5/1 b>a esp in\n"))
        lines = said(process.stdout, b"unknown")
        process.send_signal(signal.SIGINT)
        out, _ = process.communicate(timeout=PATIENCE_S)
    told, _, report = (lines + out).decode().partition("\n\n")
    states = [line.rsplit("  ", 1)[1] for line in told.splitlines() if " - " in line]
    assert [s.split()[0].strip(",") for s in states if "info" not in s] == ["alive", "unknown"]
    # On a busy machine the session goes on for long enough without its writer to be told.
    missed = "capturing was interrupted" in report
    assert ("1 peer unknown" if missed else "1 peer alive") in report


def test_the_end_of_one_source_is_told_while_others_go_on(
    environment: dict[str, str], tmp_path: Path
) -> None:
    log = tmp_path / "r1.log"
    log.touch()
    words = ("-i", "-", "--log", str(log), "--no-save")
    with SAMPLE.open("rb") as file, live(environment, *words, stdin=file) as process:
        said(process.stderr, b"stdin: it has ended")
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=PATIENCE_S)


def test_a_log_that_never_was_is_an_input_that_cannot_be_read(
    environment: dict[str, str], tmp_path: Path
) -> None:
    words = ("--log", str(tmp_path / "never.log"), "--duration", "1")
    with live(environment, *words) as process:
        _, err = process.communicate(timeout=PATIENCE_S)
    assert process.returncode == 3, err
    assert b"error: " in err
    assert b"never.log: there is no such file" in err


def test_a_log_that_is_there_and_says_nothing_is_fine(
    environment: dict[str, str], tmp_path: Path
) -> None:
    (tmp_path / "quiet.log").touch()
    words = ("--log", str(tmp_path / "quiet.log"), "--duration", "1")
    with live(environment, *words) as process:
        process.communicate(timeout=PATIENCE_S)
    assert process.returncode == 0


CHARON = (
    "11[IKE] sending DPD request",
    "11[ENC] generating INFORMATIONAL_V1 request {0} [ HASH N(DPD) ]",
    "11[NET] sending packet: from 192.0.2.1[4500] to 192.0.2.2[4500] (108 bytes)",
    "12[NET] received packet: from 192.0.2.2[4500] to 192.0.2.1[4500] (108 bytes)",
    "12[ENC] parsed INFORMATIONAL_V1 request 9{0} [ HASH N(DPD_ACK) ]",
)


def _stamps() -> Iterator[str]:
    """Now, as files and as RFC 3164 and 5424 tell it."""
    for stamp in ("%Y-%m-%dT%H:%M:%SZ charon:", "%b %e %H:%M:%S r1 charon:"):
        yield time.strftime(stamp, time.gmtime())


@pytest.mark.parametrize("number", [0, 1])
def test_a_question_whose_answer_came_with_it_was_never_open(
    environment: dict[str, str], tmp_path: Path, number: int
) -> None:
    """In a log, and as messages of syslog; whole seconds may be a second ago."""
    log = tmp_path / "r1.log"
    log.touch()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    words = ("--log", str(log), "--syslog", f"127.0.0.1:{port}", "--no-save", "--format", "text")
    with (
        live(environment, *words) as process,
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender,
    ):
        eventually(lambda: bool(_is_listening(port)))
        for question in range(4):
            stamp = list(_stamps())[number]
            lines = [f"{stamp} {line.format(1000 + question)}" for line in CHARON]
            if number:
                for line in lines:
                    sender.sendto(f"<30>{line}".encode(), ("127.0.0.1", port))
            else:
                with log.open("a") as file:
                    file.write("\n".join([*lines, ""]))
            time.sleep(0.45)  # several in one second
        time.sleep(0.3)
        process.send_signal(signal.SIGINT)
        out, _ = process.communicate(timeout=PATIENCE_S)
    told = out.decode().partition("\n\n")[0]
    assert told.count("dpd answered") == 4, told
    assert "probing" not in told
    assert "questionable" not in told


def _is_listening(port: int) -> bool:
    rows = Path("/proc/net/udp").read_text().splitlines()[1:]
    return any(row.split()[1].endswith(f":{port:04X}") for row in rows)


def test_jsonl_has_each_fact_once_and_the_sources_at_the_end(environment: dict[str, str]) -> None:
    words = ("-i", "-", "--format", "jsonl", "--no-save")
    with SAMPLE.open("rb") as file, live(environment, *words, stdin=file) as process:
        out, _ = process.communicate(timeout=PATIENCE_S)
    lines = _lines(out)
    kinds = [line["type"] for line in lines]
    assert kinds[0] == "peer"
    assert kinds[-1] == "source"
    assert kinds.count("exchange") == 1
    # One may have been seen while it grew.
    assert len({line["id"] for line in lines if line["type"] == "black_hole"}) == 1
    assert "finding" in kinds
    assert all("revision" in line for line in lines if line["type"] != "source")
    assert not (Path(environment["XDG_CACHE_HOME"]) / "dpdlab").exists()


def test_a_problem_is_a_line_as_it_becomes_known(environment: dict[str, str]) -> None:
    data = capture("0 a>b v2 handshake\n1 a>b liveness 2 kept=40\n2 a>b liveness 3\n")
    with live(environment, "-i", "-", "--format", "jsonl", stdin=subprocess.PIPE) as process:
        assert process.stdin is not None
        process.stdin.write(data)
        process.stdin.flush()
        so_far = _lines(said(process.stdout, b'"type":"problem"'))
        process.send_signal(signal.SIGINT)
        rest, _ = process.communicate(timeout=PATIENCE_S)
    assert "source" not in {line["type"] for line in so_far}
    lines = so_far + _lines(rest)
    (first, *_) = told = [line for line in lines if line["type"] == "problem" and line["source"]]
    assert (first["kind"], first["source"], first["revision"]) == ("snaplen-short", "s1", 0)
    assert first["ref"] == {"source": "s1", "record": 5}
    assert len(told) == 1


def test_a_question_of_a_quiet_tunnel_is_a_line_at_once(environment: dict[str, str]) -> None:
    """Nothing else says that the peer is in question: nobody waits a second for that."""
    text = "0 a>b v2 handshake\n1 a>b liveness 2\n1.02 b>a liveness 2 resp\n2 a>b liveness 3\n"
    data = bytearray(capture(text))
    now_s, place = time.time(), 24  # noqa: TID251 - as packets are stamped
    records = []
    while place < len(data):
        size = 16 + int.from_bytes(data[place + 8 : place + 12], "little")
        records.append(data[place : place + size])
        place += size
    for record in records:
        # All of it happened in the last two seconds, but for the last question, which is asked now.
        record[:4] = (int(now_s) - 2 + (record is records[-1]) * 2).to_bytes(4, "little")
    with live(environment, "-i", "-", "--format", "jsonl", stdin=subprocess.PIPE) as process:
        assert process.stdin is not None
        process.stdin.write(bytes(data[:24]) + b"".join(records[:-1]))
        process.stdin.flush()
        said(process.stdout, b'"outcome":"answered"')
        asked_s = time.monotonic()
        process.stdin.write(records[-1])
        process.stdin.flush()
        said(process.stdout, b'"type":"question"')
        assert time.monotonic() - asked_s < 0.7


def test_fail_on_is_exit_code_1(environment: dict[str, str]) -> None:
    words = ("-i", "-", "--fail-on", "warning")
    with SAMPLE.open("rb") as file, live(environment, *words, stdin=file) as process:
        process.communicate(timeout=PATIENCE_S)
    assert process.returncode == 1


def test_what_is_no_capture_is_said(environment: dict[str, str]) -> None:
    with live(environment, "-i", "-", "--no-save", stdin=subprocess.PIPE) as process:
        _, said = process.communicate(b"no capture at all" * 9, timeout=20)
    assert process.returncode == 3
    assert b"it is no capture" in said


def test_until_ends_it(environment: dict[str, str]) -> None:
    read, write = os.pipe()
    words = ("-i", "-", "--until", "state:probing")
    with live(environment, *words, stdin=read) as process:
        os.close(read)
        data = SAMPLE.read_bytes()
        feeder = threading.Thread(target=os.write, args=(write, data[:-10]))
        feeder.start()
        _, err = process.communicate(timeout=PATIENCE_S)
        feeder.join()
        os.close(write)
    assert process.returncode == 0
    assert b"--until state:probing has come" in err


def test_until_sees_a_state_that_is_over_before_anybody_looks(environment: dict[str, str]) -> None:
    words = ("-i", "-", "--until", "state:dead", "--format", "text", "--no-save")
    data = (SAMPLES / "ikev2-peer-restart" / "capture.pcap").read_bytes()
    with live(environment, *words, stdin=subprocess.PIPE) as process:
        out, err = process.communicate(data, timeout=PATIENCE_S)
    assert process.returncode == 0
    assert b"--until state:dead has come" in err
    states = [line.split()[4] for line in out.decode().splitlines() if " - 192.0.2.2  " in line]
    assert "given" in [state.strip(",") for state in states]


def test_of_what_comes_at_once_everything_is_told(environment: dict[str, str]) -> None:
    """More than a session keeps of a peer in the long run."""
    asked = "0 a>b v2 handshake\n1..401/1 a>b liveness 2+\n1.01..401/1 b>a liveness 2+ resp\n"
    words = ("-i", "-", "--format", "jsonl", "--no-save")
    with live(environment, *words, stdin=subprocess.PIPE) as process:
        out, _ = process.communicate(capture(asked), timeout=PATIENCE_S)
    assert sum(line["type"] == "exchange" for line in _lines(out)) == 400


@pytest.mark.parametrize(("wanted", "come"), [("state:probing", True), ("rtt>1h", False)])
def test_whether_what_was_waited_for_has_come_is_said_last(
    environment: dict[str, str], wanted: str, come: bool
) -> None:
    words = ("-i", "-", "--until", wanted, "--format", "jsonl", "--no-save")
    with live(environment, *words, stdin=subprocess.PIPE) as process:
        out, err = process.communicate(SAMPLE.read_bytes()[:-10], timeout=PATIENCE_S)
    assert process.returncode == (0 if come else 1)
    told = json.loads(out.splitlines()[-1])
    assert (told["type"], told["filter"], told["come"]) == ("until", wanted, come)
    said = "has come" if come else "has not come"
    assert f"ended: --until {wanted} {said}".encode() in err


@pytest.mark.parametrize(("sample", "code"), [("ikev2-dead-peer", 1), ("ikev2-healthy", 0)])
def test_with_fail_on_the_findings_alone_are_the_exit_code(
    environment: dict[str, str], sample: str, code: int
) -> None:
    words = ("-i", "-", "--until", "rtt>1h", "--fail-on", "info", "--no-save")
    with live(environment, *words, stdin=subprocess.PIPE) as process:
        data = (SAMPLES / sample / "capture.pcap").read_bytes()
        process.communicate(data, timeout=PATIENCE_S)
    assert process.returncode == code


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ((), b"nothing to watch"),
        (("--until", "state:"), b"--until, column"),
        (("-i", "-", "--log", "-"), b"one source only"),
        (("--log", "x.log", "-w", "x.pcapng"), b"nothing is captured"),
        (("-i", "-", "-w", "y.pcapng", "-b", "files:3"), b"filesize"),
        (("-i", "-", "-b", "files:none"), b"filesize:100000"),
        (("--syslog", "0"), b"is no port"),
        (("lo",), b"an interface is named with -i lo"),
        ((str(SAMPLE),), b"report"),
        (("-i", "-", "-f", "udp"), b"-f is about what is captured here"),
        (("-i", "lo", "-f", "udp portt 500"), b"-f 'udp portt 500': "),
        (("-i", "no-such-interface", "-f", "udp portt 500"), b"-f 'udp portt 500': "),
        (("-i", "no-such-interface", "-b", "files:3"), b"add -w FILE"),
        (("no-such-file", "-i", "no-such-interface", "--policy", "cisco-ios x=1"), b"of a policy"),
        (("-i", "-", "--policy", "1.2.3 strongswan"), b"'1.2.3' is no address"),
        (("-i", "-", "--no-save", "-w", "y.pcapng"), b"--no-save keeps nothing"),
    ],
)
def test_what_makes_no_sense_is_a_usage_error(
    environment: dict[str, str], words: tuple[str, ...], said: bytes
) -> None:
    with live(environment, *words) as process:
        _, err = process.communicate(timeout=PATIENCE_S)
    assert process.returncode == 2
    assert said in err


def test_a_directory_is_no_log(environment: dict[str, str], tmp_path: Path) -> None:
    with live(environment, "--log", str(tmp_path)) as process:
        out, err = process.communicate(timeout=PATIENCE_S)
    assert process.returncode == 3
    assert b"is a directory" in err
    assert not out


@pytest.mark.parametrize("source", ["-i", "--log"])
def test_a_pipe_in_which_nothing_comes_cannot_be_read(
    environment: dict[str, str], source: str
) -> None:
    with live(environment, source, "-", "--no-save") as process:
        _, err = process.communicate(timeout=PATIENCE_S)
    assert process.returncode == 3
    assert b"stdin: it is empty" in err


@needs_capture
def test_what_cannot_be_written_or_listened_at_is_said_first(
    environment: dict[str, str], tmp_path: Path
) -> None:
    for words in (("-w", str(tmp_path / "no" / "x.pcapng")), ("--metrics", "192.0.2.200:1")):
        with live(environment, "-i", "lo", "--duration", "1", *words) as process:
            _, err = process.communicate(timeout=PATIENCE_S)
        assert process.returncode == 2
        assert b"capture filter on" not in err, err


def test_a_reader_that_goes_away_ends_it_quietly(environment: dict[str, str]) -> None:
    read, write = os.pipe()
    with live(environment, "-i", "-", "--format", "jsonl", stdin=read) as process:
        os.close(read)
        assert process.stdout is not None
        process.stdout.close()
        data = SAMPLE.read_bytes()
        os.write(write, data[:20_000])
        time.sleep(0.5)
        with contextlib.suppress(BrokenPipeError):
            # It may have noticed already.
            os.write(write, data[20_000:])
        process.wait(PATIENCE_S)
        os.close(write)
        assert process.stderr is not None
        assert b"rror" not in process.stderr.read()
        process.stdout = None


@pytest.mark.parametrize("form", ["jsonl", "text"])
def test_a_reader_that_goes_away_is_noticed_while_nothing_happens(
    environment: dict[str, str], form: str
) -> None:
    read, write = os.pipe()
    with live(environment, "-i", "-", "--format", form, stdin=read) as process:
        os.close(read)
        assert process.stdout is not None
        os.write(write, SAMPLE.read_bytes()[:20_000])
        process.stdout.readline()
        process.stdout.close()
        began = time.monotonic()
        process.wait(PATIENCE_S)
        took = time.monotonic() - began
        os.close(write)
        assert process.stderr is not None
        assert b"rror" not in process.stderr.read()
        process.stdout = None
    assert took < 2.0, "a second, and as much again for a busy machine"


# --- interfaces -----------------------------------------------------------------------------------


@needs_capture
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_ends_it_within_a_second(
    wire: Link, environment: dict[str, str], number: signal.Signals
) -> None:
    with live(environment, "-i", wire.receiver, "--format", "jsonl") as process:
        said(process.stderr, b"capture filter")
        eventually(lambda: bool(children_of(process.pid)))
        (child,) = children_of(process.pid)
        time.sleep(1.5)
        send(wire.sender, frames("ikev2-dead-peer")[:40], 1000)
        said(process.stdout, b'"type":"peer"')
        time.sleep(0.4)  # dumpcap holds the rest of them for 250 ms at most
        began = time.monotonic()
        process.send_signal(number)
        out, err = process.communicate(timeout=PATIENCE_S)
        took = time.monotonic() - began
    assert process.returncode == 0, err
    (source,) = [line for line in _lines(out) if line["type"] == "source"]
    assert source["packets"] == 40
    assert not _is_running(child)
    assert took < 2.0, "a second, and as much again for a busy machine"


@needs_capture
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_before_anything_was_captured_ends_with_a_report(
    wire: Link, environment: dict[str, str], number: signal.Signals
) -> None:
    with live(environment, "-i", wire.receiver, "--format", "jsonl") as process:
        said(process.stderr, b"capture filter")
        eventually(lambda: bool(children_of(process.pid)))
        process.send_signal(number)
        out, err = process.communicate(timeout=PATIENCE_S)
    assert process.returncode == 0, err
    assert [(line["type"], line["packets"]) for line in _lines(out)] == [("source", 0)]
    assert b"no IKE and no ESP was seen" in err


def test_under_nohup_it_outlives_the_terminal(environment: dict[str, str], tmp_path: Path) -> None:
    log = tmp_path / "r1.log"
    log.touch()
    words = ["nohup", *DPDLAB, "live", "--log", str(log), "--format", "jsonl", "--duration", "2"]
    process = subprocess.Popen(
        words,
        env=environment,
        stdin=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
    )
    time.sleep(1.0)
    process.send_signal(signal.SIGHUP)
    _, err = process.communicate(timeout=PATIENCE_S)
    assert (process.returncode, b"ended after 2 s" in err) == (0, True), err


@needs_capture
def test_killed_it_leaves_whole_records_and_no_child(
    wire: Link, environment: dict[str, str], tmp_path: Path
) -> None:
    path = tmp_path / "kept.pcapng"
    with live(environment, "-i", wire.receiver, "-w", str(path)) as process:
        eventually(lambda: path.exists() and bool(children_of(process.pid)))
        (child,) = children_of(process.pid)
        time.sleep(0.5)
        stop = threading.Event()

        def flood() -> None:
            while not stop.is_set():
                send(wire.sender, frames("ikev2-dead-peer"), 100_000)

        sender = threading.Thread(target=flood)
        sender.start()
        eventually(lambda: path.stat().st_size > 500_000)
        process.kill()
        process.wait()
        stop.set()
        sender.join()
        eventually(lambda: not _is_running(child), "the end of the child")
    problems = [p for s in _report(path)["sources"] for p in s["problems"]]  # type: ignore[attr-defined]
    assert not [p for p in problems if p["kind"] == "truncated-tail"]


@needs_capture
def test_a_full_disk_stops_the_writing_and_not_the_session(
    wire: Link, environment: dict[str, str], tmp_path: Path
) -> None:
    small = tmp_path / "small"
    small.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=32k", "tmpfs", str(small)]
    if subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("no file system can be mounted here")
    packets = frames("ikev2-dead-peer")
    path = small / "kept.pcapng"
    try:
        words = ("-i", wire.receiver, "-w", str(path), "--format", "jsonl")
        with live(environment, *words) as process:
            eventually(lambda: path.exists() and bool(children_of(process.pid)))
            time.sleep(1.5)
            send(wire.sender, packets, 100)
            last = said(process.stderr, b"nothing more is written")
            assert b"full" in last or b"No space" in last
            send(wire.sender, packets[:10], 100)
            time.sleep(0.7)
            process.send_signal(signal.SIGINT)
            out, _ = process.communicate(timeout=PATIENCE_S)
        assert process.returncode == 0
        (source,) = [line for line in _lines(out) if line["type"] == "source"]
        assert source["packets"] == len(packets) + 10
        # On a slow machine the first writing may be more than fits: then nothing is kept.
        again = [*DPDLAB, "report", str(path), "--format", "json"]
        kept = subprocess.run(again, capture_output=True, check=False).stdout
        problems = [p for s in json.loads(kept)["sources"] for p in s["problems"]]
        assert not [p for p in problems if p["kind"] == "truncated-tail"]
    finally:
        subprocess.run(["umount", str(small)], check=False)


@needs_capture
@pytest.mark.parametrize(
    ("engine", "captures"),
    [("dumpcap", "dumpcap"), ("tcpdump", "tcpdump"), ("auto", "tcpdump")],
)
def test_who_captures_can_be_chosen(
    environment: dict[str, str], wire: Link, engine: str, captures: str
) -> None:
    if shutil.which(captures) is None:
        pytest.skip(f"{captures} is not installed")
    words = ("-i", wire.receiver, "--engine", engine, "--format", "jsonl")
    with live(environment, *words) as process:
        eventually(lambda: bool(children_of(process.pid)), "the capture")
        (child,) = children_of(process.pid)
        eventually(lambda: Path(f"/proc/{child}/comm").read_text().strip() == captures, engine)
        time.sleep(1.0)
        send(wire.sender, frames("ikev2-healthy")[:10], 1000)
        time.sleep(1.0)
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=PATIENCE_S)
    assert process.returncode == 0, err
    assert _lines(out)[-1]["packets"] == 10


@needs_capture
@pytest.mark.parametrize("engine", ["auto", "dumpcap"])
def test_an_interface_that_goes_away_leaves_the_others(
    environment: dict[str, str], wire: Link, engine: str
) -> None:
    packets = frames("ikev2-healthy")[:10]
    with ExitStack() as stack:
        with link() as lost:
            words = ("-i", lost.receiver, "-i", wire.receiver, "--engine", engine)
            process = stack.enter_context(live(environment, *words, "--format", "jsonl"))
            ends = (lost.receiver, wire.receiver)
            eventually(lambda: all(map(captures_on, ends)), "the captures")
            time.sleep(1.0)
        said(process.stderr, b"no such interface")
        send(wire.sender, packets, 1000)
        with link(again=lost):
            said(process.stderr, b"it goes on")
            time.sleep(1.0)
            send(lost.sender, packets[:4], 1000)
            time.sleep(1.0)
            process.send_signal(signal.SIGINT)
            out, err = process.communicate(timeout=PATIENCE_S)
    assert process.returncode == 0, err
    found = {line["path"]: line["packets"] for line in _lines(out) if line.get("type") == "source"}
    assert found == {lost.receiver: 4, wire.receiver: 10}


@needs_capture
def test_in_a_network_namespace(environment: dict[str, str]) -> None:
    name = f"dpdns{os.getpid()}"
    if subprocess.run(["ip", "netns", "add", name], capture_output=True, check=False).returncode:
        pytest.skip("no network namespace can be made here")
    inside = ["ip", "netns", "exec", name]
    try:
        subprocess.run([*inside, "ip", "link", "set", "lo", "up"], check=True)
        listed = subprocess.run(
            [*inside, *DPDLAB, "interfaces", "--format", "json"], capture_output=True, check=True
        )
        known = {each["name"]: each["can"] for each in json.loads(listed.stdout)["interfaces"]}
        assert known["lo"] is True
        process = subprocess.Popen(
            [*inside, *DPDLAB, "live", "-i", "lo", "--until", "kind:message", "--duration", "12"],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=environment,
        )
        said(process.stderr, b"capture filter")
        time.sleep(1.0)
        code = (
            "import socket; s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM);"
            "s.sendto(bytes.fromhex('a1b2c3d4e5f60718' + '0' * 16 + '21202208' + '00000000'"
            " + '0000001c'), ('127.0.0.1', 500))"
        )
        for _ in range(5):
            subprocess.run([*inside, DPDLAB[0], "-c", code], check=True)
            time.sleep(0.1)
        out, err = process.communicate(timeout=PATIENCE_S)
        assert process.returncode == 0, err
        assert b"127.0.0.1" in out
    finally:
        subprocess.run(["ip", "netns", "del", name], check=False)


def test_without_the_right_the_command_that_grants_it(environment: dict[str, str]) -> None:
    if shutil.which("setpriv") is None or os.geteuid() != 0 or shutil.which("dumpcap") is None:
        pytest.skip("setpriv, dumpcap and root are needed to lose rights")
    nobody = ["setpriv", "--reuid", "65534", "--clear-groups", "--inh-caps", "-all"]
    for words in (["live", "-i", "lo"], ["interfaces"]):
        made = subprocess.run(
            [*nobody, "--bounding-set", "-all", *DPDLAB, *words],
            capture_output=True,
            check=False,
            env=environment,
        )
        if b"Permission denied" in made.stderr and b"python" in made.stderr:
            pytest.skip("nobody may not run this Python")
        assert made.returncode == 5, made.stderr
        assert b"sudo " in made.stderr
