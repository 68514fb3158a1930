"""How inputs are named."""

from pathlib import Path

import pytest

from analyzers.sources.names import any_is_standard_input, is_standard_input, kind_and_path, shown


def test_a_kind_before_a_path_is_taken_off() -> None:
    assert kind_and_path("ios:r1.txt") == ("ios", "r1.txt")
    assert kind_and_path("r1.txt") == ("", "r1.txt")
    assert kind_and_path("nothing:r1.txt") == ("", "nothing:r1.txt")


def test_a_file_that_is_called_like_a_kind_and_a_path_is_that_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("log:-").touch()
    assert kind_and_path("log:-") == ("", "log:-")
    assert not is_standard_input("log:-")


@pytest.mark.parametrize("name", ["-", "log:-", "pcapng:-"])
def test_standard_input_is_known_with_and_without_its_kind(name: str) -> None:
    assert is_standard_input(name)
    assert any_is_standard_input(["a.pcap", name])


@pytest.mark.parametrize("name", ["", "x:-", "a-", "-.pcap"])
def test_other_names_are_not_standard_input(name: str) -> None:
    assert not any_is_standard_input([name])


def test_standard_input_is_shown_by_its_name() -> None:
    assert [shown(path) for path in ("-", "a.pcap")] == ["stdin", "a.pcap"]
