"""What `dpdlab live` kept tells the same as the session did: lines of files and of senders."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.live_capture import DPDLAB, PATIENCE_S, eventually, now_ns

TOLD = ("peer", "message", "exchange", "black_hole", "delete", "finding")
# Of the report of a peer: what is only about the inputs, and about looking on.
ABOUT = {"revision", "id", "refs", "frame_filters"}


def told(lines: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """What was said last of each thing, however it is numbered."""
    last: dict[tuple[str, str], dict[str, Any]] = {}
    for line in lines:
        if line["type"] in TOLD:
            last[line["type"], line["id"] if "id" in line else json.dumps(line["ref"])] = line
    kept = [line for line in last.values() if not line.get("retracted")]
    plain = [{k: v for k, v in line.items() if k not in ABOUT} for line in kept]
    return sorted(plain, key=json.dumps)


def parsed(output: bytes) -> list[dict[str, Any]]:
    return [json.loads(line) for line in output.decode().splitlines()]


def saved(err: bytes) -> list[str]:
    """The files that the last words name, in the order of the sources."""
    return re.findall(r"^dpdlab: .* are in (\S+)", err.decode(), re.MULTILINE)


def report(*inputs: str) -> list[dict[str, Any]]:
    made = subprocess.run(
        [*DPDLAB, "report", *inputs, "--format", "jsonl"], capture_output=True, check=True
    )
    return parsed(made.stdout)


def charon(began: datetime, stamp: str) -> list[str]:
    """An answered question, and one that runs out."""
    said = [
        (0.0, "05[ENC] generating INFORMATIONAL request 7 [ ]"),
        (0.0, "05[NET] sending packet: from 192.0.2.1[4500] to 192.0.2.2[4500] (76 bytes)"),
        (0.1, "06[NET] received packet: from 192.0.2.2[4500] to 192.0.2.1[4500] (76 bytes)"),
        (0.1, "06[ENC] parsed INFORMATIONAL response 7 [ ]"),
        (5.0, "07[IKE] sending DPD request"),
        (5.0, "07[ENC] generating INFORMATIONAL request 8 [ ]"),
        (5.0, "07[NET] sending packet: from 192.0.2.1[4500] to 192.0.2.2[4500] (76 bytes)"),
        (7.0, "08[IKE] retransmit 1 of request with message ID 8"),
        (7.0, "08[NET] sending packet: from 192.0.2.1[4500] to 192.0.2.2[4500] (76 bytes)"),
        (9.0, "09[IKE] giving up after 1 retransmits"),
        (9.0, "09[IKE] IKE_SA gw[1] state change: ESTABLISHED => DESTROYING"),
    ]
    return [f"{(began + timedelta(seconds=at)).strftime(stamp)} {text}" for at, text in said]


@pytest.fixture
def port() -> int:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def watch(folder: Path, port: int, *words: str) -> tuple[bytes, bytes]:
    """A session with a sender of syslog messages and a log that grows; what it said."""
    log = folder / "r2.log"
    log.write_text("2020-01-01 00:00:00 05[IKE] before anybody looked\n")
    process = subprocess.Popen(
        [*DPDLAB, "live", "--syslog", str(port), "--log", str(log), *words],
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        env={**os.environ, "XDG_CACHE_HOME": str(folder / "cache"), "TZ": "UTC"},
    )  # fmt: skip
    try:
        listening = Path(f"/proc/{process.pid}/net/udp")
        eventually(lambda: f":{port:04X} " in listening.read_text(), "the listener")
        time.sleep(0.3)
        began = datetime.fromtimestamp(now_ns() // 10**9 - 12, UTC)
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
            for line in charon(began, "<30>1 %Y-%m-%dT%H:%M:%S.%fZ gw charon - - -"):
                sender.sendto(line.encode(), ("127.0.0.1", port))
        with log.open("a") as file:
            for line in charon(began + timedelta(seconds=1), "%Y-%m-%d %H:%M:%S"):
                file.write(line.replace("192.0.2.2", "192.0.2.3") + "\n")
        time.sleep(2.0)
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=PATIENCE_S)
    finally:
        process.kill()
        process.communicate()
    assert process.returncode == 0, err
    return out, err


def test_the_lines_of_a_sender_and_of_a_file(tmp_path: Path, port: int) -> None:
    out, err = watch(tmp_path, port, "--format", "jsonl")
    paths = saved(err)
    assert len(paths) == 2, err
    live = parsed(out)
    assert len([line for line in live if line["type"] == "exchange"]) >= 4
    assert len([line for line in live if line["type"] == "finding"]) >= 2
    assert told(live) == told(report(*paths))
    kept = "".join(Path(path).read_text() for path in paths)
    assert "before anybody looked" not in kept
    assert kept.endswith("\n")


def test_where_nothing_was_kept_the_report_says_that_clocks_are_as_they_were(
    tmp_path: Path, port: int
) -> None:
    out, err = watch(tmp_path, port, "--no-save", "--format", "text")
    assert not saved(err)
    assert not (tmp_path / "cache").exists()
    assert "its clock was not aligned with the other sources" in " ".join(out.decode().split())
