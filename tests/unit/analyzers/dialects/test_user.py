"""Dialects of the user's own."""

from __future__ import annotations

from pathlib import Path

import pytest

from analyzers.dialects.catalogue import DIALECTS
from analyzers.dialects.user import load_dialect
from analyzers.errors import OptionError, SourceError
from analyzers.model.exchange import Outcome
from analyzers.session import Session, SessionOptions

EXAMPLE = Path(__file__).parents[4] / "sample_pcaps" / "dialects" / "acme-ike.toml"

HEAD = 'name = "x-ike"\ntag = "x-ike: "\n'
PATTERN = '[[pattern]]\nid = "a"\nregex = "probe"\nsamples = ["x-ike: probe"]\n'

LOG = """\
Nov 12 09:14:02 gw acme-ike[12]: DPD probe to 192.0.2.9 seq 17
Nov 12 09:14:02 gw acme-ike[12]: DPD reply from 192.0.2.9 seq 17
Nov 12 09:14:12 gw acme-ike[12]: DPD probe to 192.0.2.9 seq 18
Nov 12 09:14:15 gw acme-ike[12]: still here
Nov 12 09:14:22 gw acme-ike[12]: DPD probe to 192.0.2.9 seq 18
Nov 12 09:14:32 gw acme-ike[12]: peer 192.0.2.9 is gone, no reply to two probes
Nov 12 09:14:33 gw acme-ike[12]: something new
"""


def test_the_example_reads_its_log(tmp_path: Path) -> None:
    log = tmp_path / "ike.log"
    log.write_text(LOG)
    session = Session(SessionOptions(dialects=(str(EXAMPLE),)))
    session.run([str(log)])
    (peer,) = session.peers()
    assert [(x.sequence, len(x.transmissions), x.outcome) for x in peer.exchanges] == [
        (17, 1, Outcome.ANSWERED),
        (18, 2, Outcome.UNANSWERED),
    ]
    assert session.sources[0].format == "acme-ike"
    assert [u.line for u in session.unparsed()] == [7]


def test_without_it_the_log_is_nothing(tmp_path: Path) -> None:
    log = tmp_path / "ike.log"
    log.write_text(LOG)
    with pytest.raises(SourceError, match="neither capture, log nor configuration"):
        Session(SessionOptions()).run([str(log)])


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("name = ", "no TOML"),
        ('name = "x"\ntag = "t"\n', "no \\[\\[pattern\\]\\]"),
        ('name = "X Y"\ntag = "t"\n' + PATTERN, "small letters"),
        ('name = "strongswan"\ntag = "t"\n' + PATTERN, "there is a dialect"),
        (HEAD + 'colour = "red"\n' + PATTERN, "unknown key 'colour'"),
        (HEAD + PATTERN + "extra = 1\n", "unknown key 'extra'"),
        (HEAD + PATTERN.replace('"probe"\nsamples', '"pro("\nsamples'), "no regular expression"),
        (HEAD + PATTERN.replace('"x-ike: probe"', '"x-ike: answer"'), "matches nothing"),
        (HEAD + PATTERN.replace('["x-ike: probe"]', "[]"), "no sample line"),
        (HEAD + PATTERN + 'kind = "death"\n', "pattern 1 \\(a\\).*death"),
        (HEAD + PATTERN + 'kind = "message"\n', "needs message"),
        (HEAD + PATTERN.replace('"probe"\ns', '"(.+)+"\ns'), "may take too long"),
        (HEAD + PATTERN.replace('"probe"\ns', '".*p.*r.*obe"\ns'), "may take too long"),
        (HEAD + "version = 3\n" + PATTERN, "version is 1 or 2"),
        (HEAD + "pattern = 7\n", "no \\[\\[pattern\\]\\]"),
    ],
)
def test_what_cannot_be_used_is_refused_with_its_place(text: str, says: str) -> None:
    with pytest.raises(OptionError, match=says) as raised:
        load_dialect(text, "own.toml", DIALECTS)
    assert str(raised.value).startswith("own.toml")
