"""Files, directories, pipes: told by content, one clear line where something is wrong."""

from __future__ import annotations

import errno
import gzip
import io
import os
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import zstandard

from analyzers.errors import KeyFileError, SourceError
from analyzers.model.records import ProblemKind
from analyzers.session import Session, SessionOptions

SAMPLE = Path(__file__).parents[4] / "sample_pcaps" / "ikev2-dead-peer" / "capture.pcap"


def run(*inputs: str | Path, **options) -> Session:
    session = Session(SessionOptions(**options))
    session.run([str(name) for name in inputs])
    return session


@pytest.mark.parametrize("pack", [bytes, gzip.compress, zstandard.compress])
def test_content_tells_the_kind_not_the_name(tmp_path: Path, pack) -> None:
    path = tmp_path / "notes.txt"
    path.write_bytes(pack(SAMPLE.read_bytes()))
    assert run(path).peers() == run(SAMPLE).peers()


def test_a_pipe_is_read_like_a_file(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    writer = threading.Thread(target=pipe.write_bytes, args=(SAMPLE.read_bytes(),))
    writer.start()
    peers = run(pipe).peers()
    writer.join()
    assert peers == run(SAMPLE).peers()


def test_a_directory_gives_its_captures(tmp_path: Path) -> None:
    (tmp_path / "deep").mkdir()
    (tmp_path / "deep" / "a.pcap").write_bytes(SAMPLE.read_bytes())
    (tmp_path / "readme.md").write_text("no capture")
    (tmp_path / "empty").touch()
    assert [Path(s.path).name for s in run(tmp_path).sources] == ["a.pcap"]


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "is empty"),
        (b"hello", "neither capture, log nor configuration"),
        (None, "cannot open"),
    ],
)
def test_what_is_no_capture(tmp_path: Path, content: bytes | None, says: str) -> None:
    path = tmp_path / "x"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(SourceError, match=says):
        run(path)


@pytest.mark.parametrize(
    ("where", "call"), [("secret.pcap", "open"), ("secret.pcap", "look"), ("closed", "list")]
)
def test_what_cannot_be_opened_in_a_directory_is_a_problem_with_its_place(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, where: str, call: str
) -> None:
    (tmp_path / "a.pcap").write_bytes(SAMPLE.read_bytes())
    (tmp_path / "readme.md").write_text("no capture")
    if where == "closed":
        (tmp_path / where).mkdir()
    else:
        (tmp_path / where).write_bytes(SAMPLE.read_bytes())
    closed = str(tmp_path / where)
    _forbid(monkeypatch, closed, call)
    sources = run(tmp_path).sources
    told = [(s.path, [(p.kind, p.detail) for p in s.problems]) for s in sources[1:]]
    why = "it cannot be opened: Permission denied"
    assert told == [(closed, [(ProblemKind.UNREADABLE, why)])]
    assert Path(sources[0].path).name == "a.pcap"


def _forbid(monkeypatch: pytest.MonkeyPatch, closed: str, call: str) -> None:
    """Root may read everything: the calls of the system say that nobody may."""
    known: dict[str, Callable[..., Any]] = {
        "open": io.FileIO, "list": Path.iterdir, "look": Path.is_dir,
    }  # fmt: skip

    def forbidden(path: object, *args: object) -> object:
        if str(path) == closed:
            raise PermissionError(errno.EACCES, "Permission denied", closed)
        return known[call](path, *args)

    if call == "open":
        monkeypatch.setattr(io, "FileIO", forbidden)
    else:
        monkeypatch.setattr(Path, {"list": "iterdir", "look": "is_dir"}[call], forbidden)


def test_a_directory_without_captures(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("x")
    with pytest.raises(SourceError, match="no capture and no log in"):
        run(tmp_path)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_permission_denied(tmp_path: Path) -> None:
    path = tmp_path / "x"
    path.write_bytes(SAMPLE.read_bytes())
    path.chmod(0)
    with pytest.raises(SourceError, match="Permission denied"):
        run(path)


def test_truncated_compression_is_damage_not_an_end(tmp_path: Path) -> None:
    path = tmp_path / "x.gz"
    packed = gzip.compress(SAMPLE.read_bytes())
    path.write_bytes(packed[: len(packed) * 2 // 3])
    kinds = {p.kind for p in run(path).sources[0].problems}
    assert ProblemKind.BAD_COMPRESSION in kinds


def test_a_broken_key_row_loses_no_other(tmp_path: Path) -> None:
    table = SAMPLE.with_name("ikev2_decryption_table").read_text()
    keys = tmp_path / "keys"
    keys.write_text("not,a,row\n" + table)
    session = run(SAMPLE, keys=(str(keys),))
    assert [p.kind for p in session.sources[0].problems] == [ProblemKind.KEY_ROW]
    assert {x.basis.value for x in session.peers()[0].exchanges} == {"decrypted"}


def test_keys_that_fit_nothing_are_told(tmp_path: Path) -> None:
    other = SAMPLE.parents[1] / "ikev2-healthy"
    session = run(SAMPLE, keys=(str(other),))
    assert [p.kind for p in session.sources[0].problems] == [ProblemKind.KEYS_UNUSED]
    assert {x.basis.value for x in session.peers()[0].exchanges} == {"header"}


def test_key_files_without_a_key(tmp_path: Path) -> None:
    keys = tmp_path / "keys"
    keys.write_text("nothing here\n")
    with pytest.raises(KeyFileError, match="no usable key"):
        run(SAMPLE, keys=(str(keys),))
    with pytest.raises(KeyFileError, match="no key table"):
        run(SAMPLE, keys=(str(tmp_path),))


def test_a_window_keeps_keys_from_before_it() -> None:
    """The handshake lies before the window; what it taught about keys does not."""
    folder = SAMPLE.parents[1] / "ikev1-healthy"
    whole = run(folder / "capture.pcap", keys=(str(folder),)).peers()[0]
    third = whole.exchanges[2].first_ns
    part = run(folder / "capture.pcap", keys=(str(folder),), since_ns=third - 1).peers()[0]
    assert [(x.sequence, x.basis, x.confidence) for x in part.exchanges] == [
        (x.sequence, x.basis, x.confidence) for x in whole.exchanges[2:]
    ]
    assert part.first_ns >= third - 1


def test_an_empty_result_explains_itself(tmp_path: Path) -> None:
    from tests.builders import eth, ipv4, tcp, udp
    from tests.capture_files import pcap

    path = tmp_path / "dns.pcap"
    frames = [eth(ipv4(udp(b"q", 33000, 53))), eth(ipv4(tcp(b"x", 1, sport=33000, dport=80), 6))]
    path.write_bytes(pcap([(10**18 + i, f) for i, f in enumerate(frames)]))
    said = " ".join(run(path).diagnosis())
    assert "0 of 2 packets are IKE" in said
    assert "udp:53 (1)" in said
    assert "tcp:80 (1)" in said
    assert "--port" in said
