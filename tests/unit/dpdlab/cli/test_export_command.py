from __future__ import annotations

from pathlib import Path

import pytest

from dpdlab.cli import main
from dpdlab.cli.diagnostics import ExitCode

ROOT = Path(__file__).parents[4]
CAPTURE = ROOT / "sample_pcaps" / "ikev1-dead-peer" / "capture.pcap"
TERMINAL = ROOT / "sample_pcaps" / "ios-dead-peer-terminal" / "console.txt"
PCAPNG = b"\x0a\x0d\x0d\x0a"


def test_it_writes_a_pcapng(tmp_path, capsys):
    out = tmp_path / "out.pcapng"
    assert main(["export", str(CAPTURE), "-w", str(out)]) == ExitCode.OK
    assert out.read_bytes().startswith(PCAPNG)
    assert capsys.readouterr().out == ""
    assert list(tmp_path.iterdir()) == [out]


def test_it_is_the_same_every_time(tmp_path):
    for name in ("one", "two"):
        assert main(["export", str(CAPTURE), "-w", str(tmp_path / name), "-q"]) == ExitCode.OK
    assert (tmp_path / "one").read_bytes() == (tmp_path / "two").read_bytes()


def test_an_input_is_never_overwritten(tmp_path, capsys):
    own = tmp_path / "hub.pcap"
    own.write_bytes(CAPTURE.read_bytes())
    assert main(["export", str(own), "-w", str(own)]) == ExitCode.USAGE
    assert "would overwrite the input" in capsys.readouterr().err
    assert own.read_bytes() == CAPTURE.read_bytes()


def test_logs_have_no_packets(tmp_path, capsys):
    out = tmp_path / "out.pcapng"
    assert main(["export", str(TERMINAL), "-w", str(out)]) == ExitCode.INPUT
    assert "there is no capture among the inputs" in capsys.readouterr().err
    assert not out.exists()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([], "no input"),
        ([str(CAPTURE)], "there is no file to write"),
        ([str(CAPTURE), "-w", "/"], "is a directory"),
        ([str(CAPTURE), "-w", "x", "--esp", "some"], "invalid choice: 'some'"),
        (["/nowhere.pcap", "-w", "x"], "cannot open /nowhere.pcap"),
    ],
)
def test_what_is_wrong_is_said(arguments, said, capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert main(["export", *arguments]) in (ExitCode.USAGE, ExitCode.INPUT)
    told = capsys.readouterr().err
    assert said in told
    assert "Traceback" not in told
    assert list(tmp_path.iterdir()) == []


def test_a_filter_chooses(tmp_path):
    sizes = []
    for extra in ([], ["-Y", "kind:dpd"]):
        out = tmp_path / "out.pcapng"
        assert main(["export", str(CAPTURE), "-w", str(out), "-q", *extra]) == ExitCode.OK
        sizes.append(out.stat().st_size)
    assert sizes[1] < sizes[0]
