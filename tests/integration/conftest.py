"""What the tests with real tools share."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.live_capture import Link, link


@pytest.fixture(scope="module")
def wire() -> Iterator[Link]:
    with link() as made:
        yield made
