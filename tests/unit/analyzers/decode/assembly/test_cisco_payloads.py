from __future__ import annotations

import pytest

from analyzers.decode.assembly.cisco_payloads import (
    answer_kind,
    content_of,
    is_encrypted,
    payload_names,
)
from analyzers.model.observations import MessageKind as K


@pytest.mark.parametrize(
    ("text", "names"),
    [
        (None, None),
        (" \n", ()),
        (" \n DELETE", ("DELETE",)),
        (" \n VID IDr AUTH\n NOTIFY(SET_WINDOW_SIZE) ", ("VID", "IDr", "AUTH",
                                                         "NOTIFY(SET_WINDOW_SIZE)")),
        (" \n NOTIFY(NAT DETECTION SOURCE IP)", ("NOTIFY(NAT_DETECTION_SOURCE_IP)",)),
        (" \n DELETE\nHUB#show clock", ("DELETE",)),
        (" \n\nHUB#show clock", ()),
        (" \n!!!!!\n", ()),
        (" \n ..!!!HUB(config-if)#", ()),
        (" \nConfiguring from terminal", None),
        (" \n SOMETHING NEW", None),
        (" \n DELETED", None),
    ],
)  # fmt: skip
def test_lists(text: str | None, names: tuple[str, ...] | None):
    assert payload_names(text) == names


@pytest.mark.parametrize(
    ("names", "kind"),
    [
        ((), K.LIVENESS),
        (("DELETE",), K.DELETE),
        (("NOTIFY", "DELETE"), K.DELETE),
        (("NOTIFY",), K.NOTIFY),
        (("NOTIFY(COOKIE2)",), K.NOTIFY),
        (("NOTIFY(NAT_DETECTION_SOURCE_IP)",), K.LIVENESS_MOBIKE),
        (("NOTIFY(NAT_DETECTION_SOURCE_IP)", "DELETE"), K.DELETE),
        (("CFG", "NOTIFY"), K.CONFIG),
        (("VID",), K.INFORMATIONAL),
        (("SA", "N", "KE"), K.OTHER),
    ],
)
def test_contents(names: tuple[str, ...], kind: K):
    assert content_of(names) is kind


def test_the_envelope_is_not_the_content():
    assert is_encrypted(("ENCR",))
    assert is_encrypted(("ENCR_FRAG",))
    assert not is_encrypted(("DELETE",))


@pytest.mark.parametrize(
    ("asked", "content", "kind"),
    [
        (K.LIVENESS, K.LIVENESS, K.LIVENESS),
        (K.LIVENESS, None, K.LIVENESS),
        (K.LIVENESS_MOBIKE, K.LIVENESS_MOBIKE, K.LIVENESS_MOBIKE),
        (K.DELETE, K.LIVENESS, K.INFORMATIONAL),
        (K.DELETE, K.DELETE, K.DELETE),
        (None, K.LIVENESS, K.INFORMATIONAL),
        (None, None, K.INFORMATIONAL),
    ],
)
def test_answers(asked: K | None, content: K | None, kind: K):
    assert answer_kind(asked, content) is kind
