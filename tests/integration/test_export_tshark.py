"""tshark and capinfos are the oracles of exported captures."""

from __future__ import annotations

import gzip
import hashlib
import shutil
import subprocess
from pathlib import Path

import pytest

from dpdlab.cli import main

ROOT = Path(__file__).parents[2]
SAMPLES = sorted(p.parent for p in (ROOT / "sample_pcaps").glob("*/capture.pcap"))

pytestmark = [
    pytest.mark.tshark,
    pytest.mark.skipif(
        shutil.which("tshark") is None or shutil.which("capinfos") is None,
        reason="tshark or capinfos is not installed",
    ),
]


def export(*given: str | Path, to: Path, options: tuple[str, ...] = ()) -> Path:
    assert main(["export", *map(str, given), "-w", str(to), "-q", *options]) == 0
    return to


def tshark(path: Path, *fields: str, only: str = "") -> list[tuple[str, ...]]:
    command = ["tshark", "-n", "-r", str(path), "-T", "fields"]
    command += ["-E", "occurrence=a", "-E", "aggregator=|"]
    for field in fields:
        command += ["-e", field]
    if only:
        command += ["-Y", only]
    run = subprocess.run(command, capture_output=True, text=True, check=True)
    complaints = [line for line in run.stderr.splitlines() if "Running as user" not in line]
    assert complaints == []
    return [tuple(line.split("\t")) for line in run.stdout.splitlines()]


def frames(path: Path) -> list[tuple[str, str]]:
    """Time and digest of the bytes of each frame."""
    run = subprocess.run(
        ["tshark", "-n", "-r", str(path), "-T", "jsonraw", "-x"],
        capture_output=True,
        text=True,
        check=True,
    )
    import json

    raw = [packet["_source"]["layers"]["frame_raw"][0] for packet in json.loads(run.stdout)]
    times = [row[0] for row in tshark(path, "frame.time_epoch")]
    digests = [hashlib.sha256(bytes.fromhex(data)).hexdigest() for data in raw]
    return list(zip(times, digests, strict=True))


@pytest.mark.parametrize("sample", SAMPLES, ids=lambda path: path.name)
def test_frames_are_those_of_the_input(sample: Path, tmp_path: Path) -> None:
    out = export(sample, to=tmp_path / "out.pcapng", options=("--esp", "all"))
    original = frames(sample / "capture.pcap")
    copied = frames(out)
    # In the order of the input, each of them once, and none that it does not have.
    place = iter(original)
    assert all(frame in place for frame in copied)
    assert subprocess.run(["capinfos", str(out)], capture_output=True, check=False).returncode == 0
    # Nothing of IKE is missing.
    of_ike = "isakmp and not udpencap.nat_keepalive"
    assert len(tshark(out, "frame.number", only=of_ike)) == len(
        tshark(sample / "capture.pcap", "frame.number", only=of_ike)
    )


def test_comments_are_what_wireshark_shows(tmp_path: Path) -> None:
    out = export(ROOT / "sample_pcaps" / "ikev2-dead-peer", to=tmp_path / "out.pcapng")
    comments = [row[0] for row in tshark(out, "frame.comment")]
    assert any(text.startswith("IKE_SA_INIT request") for text in comments)
    asked = [text for text in comments if text.startswith("liveness check ID")]
    assert any(", retry 1 of " in text and ", unanswered" in text for text in asked)
    # Several comments are several options, and findings are comments of their own.
    assert any("|error dpd-no-ack: " in text for text in asked)
    assert "black hole b1: the last packet sent into it" in comments


def test_esp_is_bounded_unless_it_is_wanted(tmp_path: Path) -> None:
    sample = ROOT / "sample_pcaps" / "ikev2-no-dpd-blackhole"
    sizes = {}
    for choice in ("none", "edges", "all"):
        out = export(sample, to=tmp_path / f"{choice}.pcapng", options=("--esp", choice))
        sizes[choice] = len(tshark(out, "frame.number", only="esp"))
    assert sizes["none"] == 0
    assert 2 <= sizes["edges"] <= 10
    assert sizes["all"] >= 100


def test_compressed_and_piped_inputs(tmp_path: Path) -> None:
    capture = ROOT / "sample_pcaps" / "ikev1-dead-peer" / "capture.pcap"
    packed = tmp_path / "hub.pcap.gz"
    packed.write_bytes(gzip.compress(capture.read_bytes()))
    plain = export(capture, to=tmp_path / "plain.pcapng")
    assert frames(export(packed, to=tmp_path / "packed.pcapng")) == frames(plain)


def test_a_pipe_in_and_a_pipe_out(tmp_path: Path) -> None:
    import sys

    capture = ROOT / "sample_pcaps" / "ikev1-dead-peer" / "capture.pcap"
    run = subprocess.run(
        [sys.executable, "-m", "dpdlab", "export", "-", "-w", "-", "-q"],
        input=capture.read_bytes(),
        capture_output=True,
        cwd=ROOT,
        check=True,
    )
    piped = tmp_path / "piped.pcapng"
    piped.write_bytes(run.stdout)
    assert frames(piped) == frames(export(capture, to=tmp_path / "plain.pcapng"))


def editcap(*arguments: str | Path) -> None:
    if shutil.which("editcap") is None:
        pytest.skip("editcap is not installed")
    subprocess.run(["editcap", *map(str, arguments)], check=True, capture_output=True)


def test_interface_resolution_and_comments_of_a_pcapng_are_kept(tmp_path: Path) -> None:
    capture = ROOT / "sample_pcaps" / "ikev1-dead-peer" / "capture.pcap"
    own = tmp_path / "own.pcapng"
    editcap("-F", "nsecpcap", capture, tmp_path / "ns.pcap")
    editcap("-F", "pcapng", "-a", "1:written by hand", tmp_path / "ns.pcap", own)
    out = export(own, to=tmp_path / "out.pcapng")
    (first, *_) = tshark(out, "frame.comment", "frame.time_epoch")
    assert first == ("written by hand|Main Mode", tshark(own, "frame.time_epoch")[0][0])
    told = subprocess.run(["capinfos", str(out)], capture_output=True, text=True, check=True)
    assert "Time precision = nanoseconds (9)" in told.stdout


def test_two_captures_are_two_interfaces_in_time_order(tmp_path: Path) -> None:
    capture = ROOT / "sample_pcaps" / "ikev1-dead-peer" / "capture.pcap"
    early, late = tmp_path / "early.pcap", tmp_path / "late.pcap"
    editcap("-r", "-F", "pcap", capture, early, "1-120")
    editcap("-r", "-F", "pcap", capture, late, "121-250")
    out = export(late, early, to=tmp_path / "out.pcapng")
    rows = tshark(out, "frame.time_epoch", "frame.interface_description")
    assert [row[0] for row in rows] == sorted(row[0] for row in rows)
    assert {Path(row[1]).name for row in rows} == {"early.pcap", "late.pcap"}
