"""What is taken elsewhere."""

from __future__ import annotations

from analyzers.export.content import Content
from dpdlab.present.copying import of_peer
from tests.model_builders import source
from tests.unit.dpdlab.present import stories


def text_of(peer) -> list[str]:
    return of_peer(Content("t", (source(),), (peer,)), peer)["text"].splitlines()


def test_a_peer_is_copied_with_what_became_of_it():
    """A ticket needs more than a state: a peer that is alive again may have lost half a minute."""
    first, hole, *moments = text_of(stories.dead_peer())
    assert first.startswith("192.0.2.1 to 192.0.2.2: given up (inferred); 1 black hole, 11.8 to")
    assert "noticed 17.1 s after the last proof of life" in first
    assert hole.startswith("black hole 192.0.2.1 to 192.0.2.2, detected (inferred): 11.8 to ")
    assert any(line.endswith("last proof from 192.0.2.2") for line in moments)
    assert all(" UTC  " in line for line in moments)


def test_a_sound_peer_is_one_line():
    (line,) = text_of(stories.healthy())
    assert line.startswith("192.0.2.1 to 192.0.2.2: alive; no black hole")
