"""The command as a process: pipes, terminals and directories as users have them."""

from __future__ import annotations

import json
import os
import pty
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from analyzers.session import Progress
from dpdlab.cli.progress import ProgressBar

ROOT = Path(__file__).parents[4]
CAPTURE = ROOT / "sample_pcaps" / "ikev1-dead-peer" / "capture.pcap"
DPDLAB = [sys.executable, "-m", "dpdlab"]

pytestmark = pytest.mark.skipif(not CAPTURE.exists(), reason="the sample captures are not here")


def run(*argv: str, **options) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*DPDLAB, *argv], capture_output=True, text=True, check=False, cwd=ROOT, **options
    )


def shell(command: str) -> subprocess.CompletedProcess[str]:
    """A pipeline whose exit code is the one of dpdlab."""
    return subprocess.run(
        ["bash", "-o", "pipefail", "-c", command.replace("dpdlab", f"{sys.executable} -m dpdlab")],
        capture_output=True,
        text=True,
        check=False,
        cwd=ROOT,
    )


def test_a_capture_from_a_file_and_from_a_pipe_is_the_same():
    reports = [
        json.loads(run("report", str(CAPTURE), "--format", "json").stdout),
        json.loads(shell(f"cat {CAPTURE} | dpdlab report - --format json").stdout),
    ]
    assert reports[0]["peers"] == reports[1]["peers"]
    assert reports[0]["peers"][0]["black_holes"]


@pytest.mark.parametrize("report_format", ["text", "json", "jsonl", "csv", "markdown"])
def test_a_reader_that_leaves_changes_nothing(report_format):
    done = shell(f"dpdlab report {CAPTURE} --format {report_format} | head -n 1")
    assert done.returncode == 0
    assert done.stderr == ""
    assert len(done.stdout.splitlines()) == 1


def test_a_reader_that_never_came():
    done = shell(f"dpdlab report {CAPTURE} --format json | true; exit ${{PIPESTATUS[0]}}")
    assert (done.returncode, done.stderr) == (0, "")


def test_a_full_disk_is_one_line():
    done = shell(f"dpdlab report {CAPTURE} --format json > /dev/full")
    assert done.returncode == 2
    assert done.stderr == (
        "dpdlab: error: cannot write to standard output: No space left on device\n"
    )


def test_closed_streams():
    done = shell(f"dpdlab report {CAPTURE} >&-")
    assert done.returncode == 2
    assert "standard output is closed" in done.stderr
    assert shell(f"dpdlab report {CAPTURE} 2>&- >/dev/null").returncode == 0
    assert shell("dpdlab report /nonexistent 2>&-").returncode == 3


@pytest.mark.parametrize(
    ("window", "code"),
    [
        (["--since", "+5", "--until", "+18"], 0),
        (["--since", "+1h"], 3),
        (["--until", "2001-01-01"], 3),
    ],
)
def test_a_window_of_time(window, code):
    done = run("report", str(CAPTURE), "--format", "json", "-q", *window)
    assert done.returncode == code, done.stderr
    for view in json.loads(done.stdout)["peers"]:
        first_ns = json.loads(done.stdout)["sources"][0]["first_ns"]
        sent_ns = [t["at_ns"] for x in view["exchanges"] for t in x["transmissions"]]
        assert all(5e9 <= at_ns - first_ns <= 18e9 for at_ns in sent_ns)


def test_an_input_that_cannot_be_read():
    done = run("report", "/nonexistent/hub.pcap")
    assert done.returncode == 3
    assert len(done.stderr.splitlines()) == 1
    assert done.stdout == ""


def test_something_that_is_no_capture():
    done = run("report", "pyproject.toml")
    assert done.returncode == 3
    assert len(done.stderr.splitlines()) == 1


def test_a_cut_off_capture_under_strict(tmp_path):
    cut = tmp_path / "cut.pcap"
    cut.write_bytes(CAPTURE.read_bytes()[:20_000])
    assert run("report", str(cut)).returncode == 0
    done = run("report", str(cut), "--strict", "--format", "json")
    assert done.returncode == 4
    assert json.loads(done.stdout)["sources"][0]["problems"][0]["kind"] == "truncated-tail"


def test_utf8_whatever_the_locale(tmp_path):
    capture = tmp_path / "漢字.pcap"
    capture.write_bytes(CAPTURE.read_bytes())
    environment = {**os.environ, "PYTHONIOENCODING": "ascii", "LC_ALL": "C"}
    done = subprocess.run(
        [*DPDLAB, "report", str(capture), "--format", "json"],
        capture_output=True,
        check=True,
        cwd=ROOT,
        env=environment,
    )
    assert json.loads(done.stdout)["sources"][0]["path"] == str(capture)
    done = subprocess.run(
        [*DPDLAB, "report", str(capture)],
        capture_output=True,
        check=True,
        cwd=ROOT,
        env=environment,
    )
    assert done.stdout.isascii()


def test_a_file_name_that_is_no_text(tmp_path):
    capture = os.fsencode(tmp_path) + b"/caf\xe9\x1b[31m.pcap"
    Path(os.fsdecode(capture)).write_bytes(CAPTURE.read_bytes())
    for report_format in ("text", "json", "csv"):
        done = subprocess.run(
            [*DPDLAB, "report", capture, "--format", report_format],
            capture_output=True,
            check=True,
            cwd=ROOT,
        )
        assert b"\x1b" not in done.stdout
        assert done.stderr == b""
        done.stdout.decode("utf-8")


def test_another_analyzers_in_the_way_is_named(tmp_path):
    other = tmp_path / "analyzers"
    other.mkdir()
    (other / "__init__.py").touch()
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        [*DPDLAB, "report", str(CAPTURE)],
        capture_output=True,
        text=True,
        check=False,
        cwd=tmp_path,
        env=environment,
    )
    assert done.returncode == 5
    assert str(other) in done.stderr
    assert len(done.stderr.splitlines()) == 1
    (other / "__init__.py").unlink()
    harmless = subprocess.run(
        [*DPDLAB, "--version"], capture_output=True, check=False, cwd=tmp_path, env=environment
    )
    assert harmless.returncode == 0


def test_interrupted():
    read_end, write_end = os.pipe()
    with subprocess.Popen(
        [*DPDLAB, "report", "-"],
        stdin=read_end,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        cwd=ROOT,
    ) as process:
        os.close(read_end)
        os.write(write_end, CAPTURE.read_bytes()[:1_000])
        # It waits for the rest of the capture by then.
        time.sleep(0.8)
        process.send_signal(signal.SIGINT)
        try:
            _, errors = process.communicate(timeout=10)
        finally:
            # Also where the interrupt did not reach it: then it ends with its input.
            os.close(write_end)
    assert process.returncode == 130
    assert errors == b"dpdlab: interrupted\n"


def on_terminal(*argv: str, **environment: str) -> str:
    """What a terminal of 100 columns shows."""
    master, slave = pty.openpty()
    with subprocess.Popen(
        [*DPDLAB, *argv],
        stdin=subprocess.DEVNULL,
        stdout=slave,
        stderr=slave,
        cwd=ROOT,
        env={**os.environ, "TERM": "xterm-256color", "COLUMNS": "100", **environment},
    ) as process:
        os.close(slave)
        shown = b""
        while True:
            try:
                chunk = os.read(master, 65_536)
            except OSError:
                break
            if not chunk:
                break
            shown += chunk
        process.wait(timeout=10)
    os.close(master)
    return shown.decode()


def test_colour_on_a_terminal_unless_it_is_not_wanted():
    assert "\x1b[" in on_terminal("report", str(CAPTURE), NO_COLOR="")
    assert "\x1b[" not in on_terminal("report", str(CAPTURE), NO_COLOR="1")
    assert "\x1b[" not in on_terminal("report", str(CAPTURE), "--color", "never", NO_COLOR="")


def test_an_empty_result_is_told_once_on_a_terminal(tmp_path):
    # A pcap header and no packet.
    empty = tmp_path / "empty.pcap"
    empty.write_bytes(CAPTURE.read_bytes()[:24])
    shown = on_terminal("report", str(empty), NO_COLOR="1")
    assert shown.count("There are no packets") == 1


def note(read_bytes: int) -> Progress:
    return Progress("a/very/long/path/of/a/capture-of-some-distant-hub.pcap", read_bytes, 1_000,
                    12_345, 67, False)  # fmt: skip


def test_the_bar_appears_late_and_only_for_people(monkeypatch, capsys):
    now = 100.0
    monkeypatch.setattr("dpdlab.cli.progress.time.monotonic", lambda: now)
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    monkeypatch.setenv("TERM", "xterm-256color")
    with ProgressBar(wanted=True, color="never", ascii_only=False) as bar:
        now += 0.4
        bar(note(100))
        assert capsys.readouterr().err == ""
        now += 0.4
        bar(note(200))
        now += 0.4
        bar(note(300))
    shown = capsys.readouterr().err
    assert "/? bytes" not in shown
    assert "...some-distant-hub.pcap  12,345 packets, 67 IKE" in shown
    for wanted, terminal in ((False, True), (True, False)):
        monkeypatch.setattr(sys.stderr, "isatty", lambda terminal=terminal: terminal)
        with ProgressBar(wanted=wanted, color="never", ascii_only=False) as bar:
            now += 1.0
            bar(note(200))
        assert capsys.readouterr().err == ""
