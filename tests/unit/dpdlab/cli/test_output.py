from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from dpdlab.cli.diagnostics import UsageError
from dpdlab.cli.output import Output
from dpdlab.present.text import PLAIN_WIDTH


def test_a_file_is_written_whole(tmp_path: Path):
    target = tmp_path / "out.txt"
    Output(str(target)).write(["ä", "b\n"])
    assert target.read_bytes() == "äb\n".encode()


def test_a_failing_writer_leaves_the_old_file_and_no_other(tmp_path: Path):
    target = tmp_path / "out.txt"
    target.write_text("old", encoding="utf-8")

    def chunks():
        yield "new"
        raise RuntimeError("in the middle")

    with pytest.raises(RuntimeError):
        Output(str(target)).write(chunks())
    assert target.read_text(encoding="utf-8") == "old"
    assert [path.name for path in tmp_path.iterdir()] == ["out.txt"]


def test_permissions_are_those_of_the_old_or_of_a_new_file(tmp_path: Path):
    old = tmp_path / "old"
    old.touch()
    old.chmod(0o640)
    new = tmp_path / "new"
    mask = os.umask(0o027)
    try:
        Output(str(old)).write(["x"])
        Output(str(new)).write(["x"])
    finally:
        os.umask(mask)
    assert stat.S_IMODE(old.stat().st_mode) == 0o640
    assert stat.S_IMODE(new.stat().st_mode) == 0o640


def test_a_link_stays_a_link(tmp_path: Path):
    real = tmp_path / "real"
    real.touch()
    link = tmp_path / "link"
    link.symlink_to(real)
    Output(str(link)).write(["x"])
    assert link.is_symlink()
    assert real.read_text(encoding="utf-8") == "x"


def test_a_device_is_written_to_and_not_replaced():
    Output(os.devnull).write(["x"])
    assert Path(os.devnull).is_char_device()


@pytest.mark.parametrize("spelling", ["{0}", "./{0}", "pcap:{0}", "link", "hard"])
def test_an_input_is_never_overwritten(tmp_path: Path, monkeypatch, spelling):
    monkeypatch.chdir(tmp_path)
    capture = tmp_path / "hub.pcap"
    capture.write_bytes(b"capture")
    (tmp_path / "link").symlink_to(capture)
    (tmp_path / "hard").hardlink_to(capture)
    with pytest.raises(UsageError, match="would overwrite the input"):
        Output("hub.pcap").check([spelling.format("hub.pcap")])


def test_nothing_in_an_input_directory_is_overwritten(tmp_path: Path):
    capture = tmp_path / "site" / "hub.pcap"
    capture.parent.mkdir()
    capture.touch()
    with pytest.raises(UsageError, match="would overwrite the input"):
        Output(str(capture)).check([str(tmp_path)])
    Output(str(capture.with_name("report.json"))).check([str(tmp_path)])


@pytest.mark.parametrize(
    ("name", "message"),
    [(".", "is a directory"), ("none/x", "there is no directory"), ("x" * 300, "cannot write")],
)
def test_what_cannot_be_written_is_said_before(tmp_path: Path, monkeypatch, name, message):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UsageError, match=message):
        Output(name).check([])


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_directory_without_permission(tmp_path: Path):
    tmp_path.chmod(0o500)
    with pytest.raises(UsageError, match="cannot write"):
        Output(str(tmp_path / "x")).write(["x"])


def test_a_full_disk():
    full = Path("/dev/full")
    if not full.exists():
        pytest.skip("this system has no /dev/full")
    with pytest.raises(UsageError, match="No space left"):
        Output(str(full)).write(["x" * 100_000])


def page(output: Output) -> dict[str, object]:
    seen: dict[str, object] = {}

    def draw(console) -> None:
        seen.update(width=console.width, colors=console.color_system, file=console.file)
        console.print("[not markup] :smile:", style="bold red")

    output.write_page(draw)
    return seen


def test_a_page_for_a_file(tmp_path: Path, monkeypatch):
    monkeypatch.setenv("COLUMNS", "133")
    monkeypatch.setenv("FORCE_COLOR", "1")
    target = tmp_path / "page.txt"
    assert page(Output(str(target)))["width"] == PLAIN_WIDTH
    assert target.read_text(encoding="utf-8") == "[not markup] :smile:\n"


@pytest.mark.parametrize("term", ["dumb", "", "xterm-256color"])
def test_colour_can_be_forced(tmp_path: Path, monkeypatch, term):
    monkeypatch.setenv("TERM", term)
    monkeypatch.setenv("NO_COLOR", "1")
    target = tmp_path / "page.txt"
    page(Output(str(target), color="always"))
    assert "\x1b[1;31m" in target.read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("color", "no_color", "colored"),
    [("auto", "", True), ("auto", "1", False), ("never", "", False), ("always", "1", True)],
)
def test_a_page_for_a_terminal(capsys, monkeypatch, color, no_color, colored):
    monkeypatch.setattr("sys.stdout.isatty", lambda: True)
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.setenv("COLUMNS", "133")
    monkeypatch.setenv("NO_COLOR", no_color)
    assert page(Output(color=color))["width"] == 133
    assert ("\x1b[" in capsys.readouterr().out) is colored


def test_ascii_only_follows_the_encoding_of_a_terminal_and_not_of_a_file(monkeypatch, tmp_path):
    class Latin:
        encoding = "latin-1"

    monkeypatch.setattr("sys.stdout", Latin())
    assert Output().ascii_only
    assert not Output().ascii_requested
    assert not Output(str(tmp_path / "x")).ascii_only
    assert Output(str(tmp_path / "x"), ascii_only=True).ascii_only
