"""tshark's dissection of one message: any message, and not just the first."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from analyzers.errors import SourceError
from analyzers.sources.tshark import dissected

CAPTURE = Path(__file__).parents[2] / "sample_pcaps" / "ikev2-dead-peer" / "capture.pcap"

pytestmark = pytest.mark.skipif(shutil.which("tshark") is None, reason="tshark is not installed")


@pytest.mark.parametrize("record", [1, 2, 3])
def test_any_message_is_dissected_with_its_innermost_layer_first(record: int) -> None:
    lines = dissected(str(CAPTURE), record)
    assert lines[0] == "ISAKMP"
    assert any("Exchange type: " in line for line in lines)
    assert "ETH" in lines


def test_a_packet_that_is_not_there_is_said() -> None:
    with pytest.raises(SourceError, match="no packet 999999"):
        dissected(str(CAPTURE), 999_999)
