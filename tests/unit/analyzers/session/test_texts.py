"""What is kept of the text of a log: nothing, unless it may show more than log lines."""

from __future__ import annotations

from pathlib import Path

import pytest

from analyzers.dialects.catalogue import DIALECTS
from analyzers.model.records import SourceInfo
from analyzers.session.texts import TextInput, read_log
from analyzers.sources.inputs import expand, open_input

DEBUG = "*Mar  1 00:05:58.407: ISAKMP:(1001):"


@pytest.mark.parametrize(
    ("line", "kept"),
    [
        (f"{DEBUG}      hash SHA", False),
        (f"{DEBUG}purging node 1", False),
        ("hub#sh crypto isakmp sa", True),
        ("hub# show crypto session", True),
    ],
)
def test_the_text_is_kept_where_a_command_may_stand(tmp_path: Path, line: str, kept: bool) -> None:
    path = tmp_path / "hub.log"
    path.write_text(f"{line}\n", encoding="utf-8")
    (spec,) = expand([str(path)])
    item = open_input(spec)
    log = read_log(TextInput(item), 0, "", SourceInfo("s1", "", "log", ""), DIALECTS)
    item.close()
    assert bool(log.text) is kept
