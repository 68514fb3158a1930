"""Lines by number: the same lines that the decoder counts, whatever the text is kept in."""

from __future__ import annotations

import gzip
import io
import tempfile
from pathlib import Path

import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from analyzers.dialects.physical_lines import DECIDING, LineCutter, ends_with_cr
from analyzers.sources import lines as module
from analyzers.sources.lines import BLOCK_LINES, MAX_SHOWN, Kept, LineFile, plain_text
from analyzers.sources.streams import PlainStream

YES = lambda: True  # noqa: E731


def cut(text: str) -> list[str]:
    cutter = LineCutter()
    return cutter.feed(text) + cutter.finish()


def lines_of(path: Path, limit: int = 1 << 20) -> list[str]:
    file = plain_text(str(path), YES)
    assert file is not None
    first = file.read(DECIDING * 4).decode("utf-8", "replace")
    found = LineFile(file, cr_ends=ends_with_cr(first), limit_lines=limit)
    assert found.index(YES)
    blocks = range(-(-len(found) // BLOCK_LINES))
    got = [line for number in blocks for line in found.block(number)]
    assert len(got) == len(found)
    found.close()
    return got


@given(st.text("ab\r\n\u20ac", max_size=60))
def test_lines_are_those_of_the_decoder(text: str):
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "x.log"
        path.write_bytes(text.encode())
        wanted = cut(text)
        assert [line.rstrip("\r") for line in lines_of(path)] == [x.rstrip("\r") for x in wanted]


@given(st.text("ab\0\r\n", max_size=60), st.integers(1, 20))
def test_lines_behind_gaps_are_those_of_the_decoder(text: str, piece: int):
    """A line begins with what is no NUL, wherever the pieces in which it is read are cut."""
    with tempfile.TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "_PIECE_BYTES", piece)
        path = Path(folder) / "x.log"
        path.write_bytes(text.encode())
        wanted = cut(text)
        got = lines_of(path)
        assert [line.strip("\r\0") for line in got] == [x.strip("\r\0") for x in wanted]
        assert not any(line.startswith("\0") for line in got)


def test_a_line_behind_a_long_gap_has_its_text(tmp_path: Path):
    path = tmp_path / "x.log"
    path.write_bytes(bytes(3 << 20) + b"one\n" + bytes(1 << 20) + b"two\n" + bytes(70_000))
    assert lines_of(path) == ["one", "two", ""]


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_line_ends_of_long_texts(tmp_path: Path, end: str):
    text = "".join(f"line {n}{end}" for n in range(40_000))
    path = tmp_path / "x.log"
    path.write_bytes(text.encode())
    assert lines_of(path) == [f"line {n}" for n in range(40_000)] == cut(text)


@pytest.mark.parametrize(
    "packed",
    [
        lambda text: gzip.compress(text.encode()),
        lambda text: zstandard.compress(text.encode()),
        lambda text: text.encode("utf-16"),
        lambda text: gzip.compress(text.encode("utf-16")),
        lambda text: text.encode("utf-8-sig"),
    ],
    ids=["gz", "zst", "utf-16", "utf-16.gz", "bom"],
)
def test_what_the_text_is_kept_in_does_not_matter(tmp_path: Path, packed):
    text = "".join(f"zeile {n} \u00fc\u20ac\r\n" for n in range(3000))
    path = tmp_path / "x.log"
    path.write_bytes(packed(text))
    assert lines_of(path) == text.split("\r\n")[:-1]


def test_bytes_that_are_no_utf8_are_replaced(tmp_path: Path):
    path = tmp_path / "x.log"
    path.write_bytes(b"a\xff\nb\xe2\x82\nc\n")
    assert lines_of(path) == ["a\ufffd", "b\ufffd", "c"]


def test_long_lines_are_cut_in_lists_and_whole_on_demand(tmp_path: Path):
    path = tmp_path / "x.log"
    path.write_text("".join(f"{'x' * 20_000}{n}\n" for n in range(200)))
    file = plain_text(str(path), YES)
    assert file is not None
    found = LineFile(file, cr_ends=False, limit_lines=1000)
    assert found.index(YES)
    assert [len(line) for line in found.block(0)] == [MAX_SHOWN] * BLOCK_LINES
    assert found.whole(150).endswith("x150")
    found.close()
    assert found.block(0) == []
    assert found.whole(0) == ""


def test_no_more_lines_than_wanted(tmp_path: Path):
    path = tmp_path / "x.log"
    path.write_text("a\nb\nc\n")
    assert lines_of(path, limit=2) == ["a", "b"]
    assert lines_of(path, limit=0) == []


def test_indexing_stops_when_it_is_told_to(tmp_path: Path):
    path = tmp_path / "x.log"
    path.write_text("a\n")
    file = plain_text(str(path), YES)
    assert file is not None
    found = LineFile(file, cr_ends=False, limit_lines=9)
    assert not found.index(lambda: False)
    found.close()


def test_a_copy_is_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(module, "KEPT_BYTES", 10)
    path = tmp_path / "x.log.gz"
    path.write_bytes(gzip.compress(b"abc\n" * 1000))
    assert lines_of(path) == ["abc", "abc", "ab"]


def test_what_is_read_of_a_pipe_is_kept_up_to_a_limit(tmp_path: Path):
    path = tmp_path / "x"
    path.write_bytes(b"0123456789")
    with io.FileIO(path) as raw:
        kept = Kept(PlainStream(raw), 6)
        view = memoryview(bytearray(4))
        while kept.read_into(view):
            pass
        assert kept.position == 10
        assert Path(kept.file.name).read_bytes() == b"012345"
        kept.stop()
