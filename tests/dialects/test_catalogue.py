"""Every dialect against its own sample lines, and tables that must be refused."""

from __future__ import annotations

import ipaddress
import re

import pytest
from msgspec import structs

from analyzers.decode.logs import LogDecoder
from analyzers.dialects.catalogue import DIALECTS, families
from analyzers.dialects.dialect import MAX_TEXT, Dialect, Pattern, Reader, Says, check
from analyzers.dialects.stamps import STAMP_AT_START
from analyzers.model.log_events import LogEventKind
from analyzers.model.records import SourceInfo

READER = Reader(DIALECTS)
SAMPLES = [
    pytest.param(dialect, pattern, sample, id=f"{dialect.name}-{pattern.id}-{number}")
    for dialect in DIALECTS
    for pattern in dialect.patterns
    for number, sample in enumerate(pattern.samples)
]
DOCUMENTATION = [
    ipaddress.ip_network(network)
    for network in (
        "192.0.2.0/24",
        "198.51.100.0/24",
        "203.0.113.0/24",
        "10.0.0.0/8",
        "172.16.0.0/12",
        "192.168.0.0/16",
        "0.0.0.0/32",
        "255.0.0.0/8",
        "127.0.0.0/8",
    )
]


def test_all_tables() -> None:
    assert list(check(DIALECTS)) == []


@pytest.mark.parametrize(("dialect", "pattern", "sample"), SAMPLES)
def test_a_sample_is_read_as_it_is_meant(dialect: Dialect, pattern: Pattern, sample: str) -> None:
    stamp = STAMP_AT_START.match(sample)
    reading = READER.read(sample if stamp is None else sample[stamp.end() :])
    assert reading is not None
    assert (reading.dialect.name, reading.pattern) == (dialect.name, pattern)
    assert all(isinstance(value, str) for value in reading.fields.values())


@pytest.mark.parametrize(("dialect", "pattern", "sample"), SAMPLES)
def test_a_sample_is_a_line_of_a_log(dialect: Dialect, pattern: Pattern, sample: str) -> None:
    """Decoded alone and behind a stamp it counts as a matched line, or as several of them."""
    stamped = f"Nov 12 2025 09:14:02.125 UTC: {sample}"
    for text in (sample, sample + "\n", sample.replace("\n", "\r\n"), stamped):
        decoder = LogDecoder(SourceInfo("s1", "", "log", ""), DIALECTS)
        decoder.feed(text)
        decoder.finish()
        assert decoder.tally.matched >= 1
        assert decoder.tally.dialects[dialect.name] >= 1
        assert decoder.tally.unparsed == 0
        if STAMP_AT_START.match(sample):
            break


@pytest.mark.parametrize(("dialect", "pattern", "sample"), SAMPLES)
def test_samples_are_nobodys(dialect: Dialect, pattern: Pattern, sample: str) -> None:
    """Addresses of documentation and of private networks; no names of anybody's."""
    for text in re.findall(r"(?<![\w.])\d{1,3}(?:\.\d{1,3}){3}(?![\w.]*\d)", sample):
        address = ipaddress.ip_address(text)
        assert any(address in network for network in DOCUMENTATION), text


@pytest.mark.parametrize("dialect", DIALECTS, ids=lambda dialect: dialect.name)
def test_names_and_words(dialect: Dialect) -> None:
    assert re.fullmatch(r"[a-z0-9][a-z0-9-]*", dialect.name)
    assert dialect.title
    assert dialect.family
    for pattern in dialect.patterns:
        assert re.fullmatch(r"[a-z0-9][a-z0-9-]*", pattern.id)
        assert all(re.fullmatch(r"[A-Za-z]+", word) for word in pattern.words)


@pytest.mark.parametrize("dialect", DIALECTS, ids=lambda dialect: dialect.name)
def test_words_hide_no_sample(dialect: Dialect) -> None:
    """A pattern is found by the first word of a text as it is without it."""
    wordless = structs.replace(
        dialect,
        patterns=tuple(
            structs.replace(p, regex=f"(?:{p.regex})", words=()) for p in dialect.patterns
        ),
    )
    reader = Reader((wordless,))
    for pattern in dialect.patterns:
        for sample in pattern.samples:
            stamp = STAMP_AT_START.match(sample)
            reading = reader.read(sample if stamp is None else sample[stamp.end() :])
            assert reading is not None
            assert reading.pattern is not None
            assert reading.pattern.id == pattern.id


def test_families_in_the_order_of_the_catalogue() -> None:
    assert families()[0] == "ios"
    assert len(set(families())) == len(families())


GOOD = Dialect(
    "good",
    "A good table",
    r"good: ",
    (
        Pattern("up", r"up (?P<peer>[\d.]{7,15})", ("good: up 192.0.2.9",)),
        Pattern("down", r"down", ("Nov 12 09:14:02 gw good: down",), Says(LogEventKind.HINT)),
    ),
    ignored=(r"noise",),
)


def changed(**parts: object) -> Dialect:
    pattern = structs.replace(GOOD.patterns[0], **parts)
    return structs.replace(GOOD, patterns=(pattern, GOOD.patterns[1]))


def test_a_good_table() -> None:
    assert list(check((GOOD,))) == []
    assert list(check((GOOD, *DIALECTS))) == []


@pytest.mark.parametrize(
    ("dialects", "says"),
    [
        ((changed(id="down"),), "good/down: the id is used twice"),
        ((changed(samples=()),), "good/up: no sample line"),
        ((changed(samples=("good: upwards",)),), "good/up: the sample matches nothing"),
        ((changed(samples=("good: down",)),), r"good/up: the sample matches \['down'\]"),
        ((changed(samples=("up 192.0.2.9",)),), "good/up: the sample has no tag of any dialect"),
        ((changed(samples=("bad: up 192.0.2.9",)),), "good/up: the sample has no tag"),
        ((changed(regex=r"\w+ ?[\d.]*"),), r"good/down: the sample matches \['down', 'up'\]"),
        ((changed(words=("on",)),), "good/up: the sample begins with none of the words"),
        (
            (structs.replace(GOOD, name="other", patterns=()), GOOD),
            "good/up: the sample is taken for other",
        ),
    ],
)
def test_tables_that_are_refused(dialects: tuple[Dialect, ...], says: str) -> None:
    wrong = list(check(dialects))
    assert any(re.match(says, text) for text in wrong), wrong


@pytest.mark.parametrize(
    "dialect",
    [
        changed(regex="up (?P<peer"),
        changed(regex="up (?P<peer>a)(?P<peer>b)"),
        structs.replace(GOOD, tag="good("),
        structs.replace(GOOD, ignored=("*",)),
    ],
)
def test_regexes_that_are_none(dialect: Dialect) -> None:
    with pytest.raises(re.error):
        list(check((dialect,)))


def test_lenient_tables_take_damaged_blanks_and_underscores() -> None:
    lenient = structs.replace(
        GOOD,
        lenient=True,
        patterns=(Pattern("node", r"new node (?P<my_id>\d+) to QM_IDLE_*[ _]\d", ("good: x",)),),
    )
    reader = Reader((lenient,))
    for text in (
        "new node 12 to QM_IDLE 1",
        "new  node\n12 to QM IDLE_1",
        "new node\t12 to QM\\_IDLE 1",
        "new node 12 to QMIDLE 1",
        "new node 12 to QM_\nIDLE 1",
    ):
        reading = reader.read("good: " + text)
        assert reading is not None
        assert reading.fields == {"my_id": "12"}
    strict = Reader((structs.replace(lenient, lenient=False),)).read("good: new  node 12")
    assert strict is not None
    assert strict.pattern is None


def test_fields_of_tags_and_hosts() -> None:
    dialect = structs.replace(
        GOOD,
        tag=r"(?:good|bad)\[(?P<conn>\d+)\](?P<peer>x)?: ",
        patterns=(Pattern("up", r"up (?P<peer>[\d.]{7,15})?", ("good[1]: up ",)),),
    )
    reader = Reader((dialect,))
    reading = reader.read("gw1: 000012: good[7]: up 192.0.2.9")
    assert reading is not None
    assert reading.fields == {"peer": "192.0.2.9", "conn": "7", "host": "gw1"}
    # What the text does not say, the tag may.
    reading = reader.read("good[7]x: up ")
    assert reading is not None
    assert reading.fields == {"peer": "x", "conn": "7"}


def test_known_lines_that_say_nothing() -> None:
    reader = Reader((GOOD,))
    noise, unknown = reader.read("good: noise here"), reader.read("good: what?")
    assert noise is not None
    assert unknown is not None
    assert (noise.pattern, noise.ignored) == (None, True)
    assert (unknown.pattern, unknown.ignored) == (None, False)
    assert reader.read("none of ours") is None


def test_no_pattern_looks_far() -> None:
    far = changed(regex=r"up[\s\S]*(?P<peer>192[\d.]+)", samples=("good: up 192.0.2.9",))
    reading = Reader((far,)).read("good: up " + " " * MAX_TEXT + "192.0.2.9")
    assert reading is not None
    assert reading.pattern is None


@pytest.mark.parametrize(
    ("known", "plain"),
    [
        (
            "*Mar  1 00:05:58.419: ISAKMP:(1001):peer 192.0.2.9 not responding!",
            "*Mar  1 00:05:59.000: ISAKMP:(0): SA request profile is (NULL)",
        ),
        (
            "12[IKE] <gw|1> giving up after 5 retransmits",
            "12[IKE] <gw|1> peer not responding, trying again (2/3)",
        ),
        (
            "12[IKE] <gw|1> giving up after 5 retransmits",
            "11[KNL] creating rekey job for CHILD_SA ESP/0xc1a2b3c4/198.51.100.1",
        ),
    ],
)
def test_plain_text_of_a_vendor_is_not_listed_as_unknown(known: str, plain: str) -> None:
    decoder = LogDecoder(SourceInfo("s1", "a.log", "log", ""), DIALECTS)
    events = [*decoder.feed(f"{known}\n{plain}\n"), *decoder.finish()]
    assert len(events) == 1
    assert decoder.tally.unparsed == 0
