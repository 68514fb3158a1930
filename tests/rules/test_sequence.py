"""Rules about sequence numbers: where each fires, where its traps are silent."""

from __future__ import annotations

from pathlib import Path
from typing import Protocol

import pytest

from analyzers.model.finding import Severity
from analyzers.model.records import Confidence
from analyzers.session import SessionOptions
from tests.rules.conftest import Tell
from tests.rules.coverage import fires, silent
from tests.scenarios.conftest import Told
from tests.scenarios.logs import isakmp
from tests.scenarios.timeline import key_log

START = "0 a>b v1 main-mode\n0.1 a>b v1 quick\n"


class Open(Protocol):
    """Runs timelines with their keys; further inputs as (file name, text)."""

    def __call__(self, text: str, *more: str | tuple[str, str]) -> Told: ...


@pytest.fixture
def opened(tell: Tell, tmp_path: Path) -> Open:
    def run(text: str, *more: str | tuple[str, str]) -> Told:
        keys = tmp_path / "keys.log"
        keys.write_text(key_log(text))
        return tell(text, *more, options=SessionOptions(keys=(str(keys),)))

    return run


def asks(at: float, number: int, sa: str = "1", more: str = "") -> str:
    """A question of a, and its answer."""
    return (
        f"{at} a>b v1 info says=ruthere seq={number} sa={sa} {more}\n"
        f"{at + 0.02:.2f} b>a v1 info says=ack seq={number} sa={sa}\n"
    )


def begins(at: float, number: int, sa: str) -> str:
    """A new IKE SA, and the first question on it."""
    return f"{at} a>b v1 main-mode sa={sa}\n" + asks(at + 10, number, sa)


RULES_OF_NUMBERS = (
    "dpd-first-seq-high-bit",
    "dpd-first-seq-predictable",
    "dpd-seq-not-plus-one",
    "dpd-seq-reuse-after-ack",
    "dpd-seq-reused-on-retry",
    "dpd-replay",
    "dpd-cookie-mismatch",
    "dpd-bad-doi-or-protocol",
    "dpd-hash-invalid",
    "ikev1-msgid-reuse",
)


def numbers(told: Told) -> list[str]:
    """Which rules of this family say something."""
    return [f.rule for f in told.findings if f.rule in RULES_OF_NUMBERS]


def test_nothing_is_said_of_numbers_that_count_up(opened: Open):
    text = START + "".join(asks(10 * n, 1_732_275_036 + n) for n in range(1, 7))
    assert numbers(opened(text)) == []


# --- dpd-first-seq-high-bit ----------------------------------------------------------------


@fires("dpd-first-seq-high-bit")
def test_dpd_first_seq_high_bit(opened: Open):
    told = opened(START + asks(10, 0x8000_0010) + asks(20, 0x8000_0011))
    (finding,) = told.of("dpd-first-seq-high-bit")
    assert finding.severity is Severity.WARNING
    assert finding.confidence is Confidence.CERTAIN
    assert "0x80000010" in finding.detail
    assert finding.refs == (("s1", 1), ("s1", 10))


@silent(
    "dpd-first-seq-high-bit",
    "the input does not show the SA's beginning: the number need not be the first",
)
def test_dpd_first_seq_high_bit_is_silent_where_the_sa_is_older(tell: Tell):
    text = START + "".join(
        f"{at} a>b v1 info 108 says=ruthere number={n}\n"
        f"{at}.02 b>a v1 info 108 says=ack number={n}\n"
        for n, at in ((0x8000_0010, 10), (0x8000_0011, 20))
    )
    log = ("r.log", isakmp(text))
    assert len(tell(text, log).of("dpd-first-seq-high-bit")) == 1
    assert tell(text + "capture 5..30", log).of("dpd-first-seq-high-bit") == []
    assert tell(log).of("dpd-first-seq-high-bit") == []


@silent(
    "dpd-first-seq-high-bit",
    "a counter that goes on from the SA before is not at its first number",
)
@pytest.mark.parametrize(("first", "told"), [(0x8000_0001, 0), (0x9000_0001, 1)])
def test_dpd_first_seq_high_bit_is_silent_of_a_counter_that_goes_on(
    opened: Open, first: int, told: int
):
    text = START + asks(10, 0x7FFF_FFFF) + asks(20, 0x8000_0000) + begins(60, first, "2")
    assert len(opened(text).of("dpd-first-seq-high-bit")) == told


# --- dpd-first-seq-predictable -------------------------------------------------------------


@fires("dpd-first-seq-predictable")
def test_dpd_first_seq_predictable(opened: Open):
    (finding,) = opened(START + asks(10, 1) + asks(20, 2)).of("dpd-first-seq-predictable")
    assert finding.severity is Severity.INFO
    assert finding.confidence is Confidence.INFERRED
    assert "began to count at 1:" in finding.detail
    told = opened(START + asks(10, 1) + begins(60, 1, "2"))
    (finding,) = told.of("dpd-first-seq-predictable")
    assert finding.confidence is Confidence.CERTAIN
    assert "2 times in 2 IKE SAs" in finding.detail


def test_dpd_first_seq_predictable_where_three_sas_begin_alike(opened: Open):
    text = START + asks(10, 777) + begins(60, 777, "2") + begins(120, 777, "3")
    (finding,) = opened(text).of("dpd-first-seq-predictable")
    assert "began to count at 777: 3 times" in finding.detail
    assert len(finding.refs) == 3


@silent(
    "dpd-first-seq-predictable",
    "12 or 15 random bits are weak, but random: small first numbers that differ",
)
def test_dpd_first_seq_predictable_is_silent_of_weak_numbers_that_differ(opened: Open):
    text = START + asks(10, 2873) + begins(60, 12, "2") + begins(120, 777, "3")
    assert opened(text).of("dpd-first-seq-predictable") == []


@silent("dpd-first-seq-predictable", "the same first number on two SAs only")
def test_dpd_first_seq_predictable_is_silent_of_two_sas_that_begin_alike(opened: Open):
    text = START + asks(10, 777) + begins(60, 777, "2")
    assert opened(text).of("dpd-first-seq-predictable") == []


# --- dpd-seq-not-plus-one ------------------------------------------------------------------


@fires("dpd-seq-not-plus-one")
def test_dpd_seq_not_plus_one(opened: Open):
    text = START + "".join(asks(10 * n, 100 + 2 * n) for n in range(1, 6))
    (finding,) = opened(text).of("dpd-seq-not-plus-one")
    assert finding.severity is Severity.WARNING
    assert finding.confidence is Confidence.CERTAIN
    assert "from 102 (answered) to 104" in finding.detail
    assert "a step of +2" in finding.detail
    assert "4 times" in finding.detail


def test_dpd_seq_not_plus_one_among_retries(opened: Open):
    text = START + asks(10, 50) + "20 a>b v1 info says=ruthere seq=51\n"
    text += "22 a>b v1 info says=ruthere seq=90000\n24 a>b v1 info says=ruthere seq=4\n"
    (finding,) = opened(text).of("dpd-seq-not-plus-one")
    assert "from 51 (not answered) to 90000" in finding.detail


def test_dpd_seq_not_plus_one_in_the_log_of_a_router(tell: Tell):
    text = "".join(
        f"{10 * n} a>b v1 info 108 says=ruthere number={100 + 7000 * n}\n"
        f"{10 * n}.02 b>a v1 info 108 says=ack number={100 + 7000 * n}\n"
        for n in range(1, 6)
    )
    (finding,) = tell(("r.log", isakmp(text))).of("dpd-seq-not-plus-one")
    assert "+7,000" in finding.detail


@silent(
    "dpd-seq-not-plus-one", "questions that the input lost may have used the numbers in between"
)
def test_dpd_seq_not_plus_one_is_silent_where_questions_were_not_captured(opened: Open):
    text = START + "".join(asks(10 * n, 100 + n) for n in range(1, 9))
    for pair in ("a>b", "b>a"):
        text += f"unseen {pair} 35..65\n"
    assert opened(text).of("dpd-seq-not-plus-one") == []


@silent(
    "dpd-seq-not-plus-one", "questions that the input lost may have used the numbers in between"
)
def test_dpd_seq_not_plus_one_is_silent_where_another_input_shows_the_numbers(tell: Tell):
    # A log that goes on while the capture has a hole, and more numbers than fit in by the rhythm.
    text = "".join(
        f"{at} a>b v1 info 108 says=ruthere number={100 + n}\n"
        f"{at}.02 b>a v1 info 108 says=ack number={100 + n}\n"
        for n, at in enumerate([10, 20, 30, 40, 42, 44, 46, 50, 60, 70])
    )
    holes = "unseen a>b 41..49\nunseen b>a 41..49\n"
    told = tell(text + holes, ("r.log", isakmp(text)))
    assert told.of("dpd-seq-not-plus-one") == []


@silent("dpd-seq-not-plus-one", "a new IKE SA may begin anew")
def test_dpd_seq_not_plus_one_is_silent_of_a_new_sa(opened: Open):
    assert opened(START + asks(10, 500) + begins(60, 90, "2")).of("dpd-seq-not-plus-one") == []


@silent(
    "dpd-seq-not-plus-one",
    "counters side by side, one for each Child SA, each count up by one",
)
def test_dpd_seq_not_plus_one_is_silent_of_two_counters(opened: Open):
    text = START
    for n in range(4):
        text += asks(10 + 10 * n, 500 + n) + asks(15 + 10 * n, 90_000 + n)
    assert numbers(opened(text)) == []


@silent("dpd-seq-not-plus-one", "the same number in a retry is not this")
@pytest.mark.parametrize(("again", "told"), [(42, 0), (90_042, 1)])
def test_dpd_seq_not_plus_one_is_silent_of_retries(opened: Open, again: int, told: int):
    text = START + "20 a>b v1 info says=ruthere seq=42\n"
    text += f"22..30/2 a>b v1 info says=ruthere seq={again}\n"
    assert len(opened(text).of("dpd-seq-not-plus-one")) == told


# --- dpd-seq-reuse-after-ack ---------------------------------------------------------------


@fires("dpd-seq-reuse-after-ack")
def test_dpd_seq_reuse_after_ack(opened: Open):
    text = START + asks(10, 41) + asks(20, 42) + asks(30, 43) + asks(40, 41) + asks(50, 42)
    (finding,) = opened(text).of("dpd-seq-reuse-after-ack")
    assert finding.severity is Severity.ERROR
    assert finding.confidence is Confidence.CERTAIN
    assert "asked with 41 again" in finding.detail
    assert "30 s after" in finding.detail
    assert "2 times" in finding.detail
    assert len(finding.refs) == 4


def test_dpd_seq_reuse_after_ack_where_the_log_shows_that_the_answer_came(tell: Tell):
    text = "".join(
        f"{10 * n} a>b v1 info 108 says=ruthere number=7\n"
        f"{10 * n}.02 b>a v1 info 108 says=ack number=7\n"
        for n in range(1, 4)
    )
    (finding,) = tell(("r.log", isakmp(text))).of("dpd-seq-reuse-after-ack")
    assert finding.severity is Severity.ERROR


@silent(
    "dpd-seq-reuse-after-ack",
    "the answer was captured but lost afterwards: the retry is right to repeat the number",
)
def test_dpd_seq_reuse_after_ack_is_no_error_where_the_answer_may_be_lost(opened: Open):
    text = START + asks(10, 41) + asks(20, 42) + asks(22, 42)
    (finding,) = opened(text).of("dpd-seq-reuse-after-ack")
    assert finding.severity is Severity.INFO
    assert finding.confidence is Confidence.SUSPECT
    assert "may have been lost behind" in finding.detail


def test_answers_that_do_not_arrive_where_a_number_is_asked_again_and_again(opened: Open):
    """vpnc, whose own firewall drops what comes."""
    text = START + asks(10, 41) + "".join(asks(20 + 5 * n, 42) for n in range(6))
    (finding,) = opened(text).of("dpd-answer-unheard")
    assert finding.severity is Severity.WARNING
    assert finding.confidence is Confidence.INFERRED
    assert "asked again with number 42, 5 times" in finding.detail


@silent("dpd-answer-unheard", "a prober that never counts: it asks with one number for ever")
def test_dpd_seq_reuse_after_ack_where_nobody_would_go_on_asking(opened: Open):
    text = START + "".join(asks(10 * n, 42) for n in range(1, 9))
    assert opened(text).of("dpd-answer-unheard") == []
    (finding,) = opened(text).of("dpd-seq-reuse-after-ack")
    assert finding.severity is Severity.WARNING
    assert finding.confidence is Confidence.INFERRED
    assert "7 times" in finding.detail


@silent("dpd-seq-reuse-after-ack", "counters side by side, one for each Child SA")
@pytest.mark.parametrize("other", [90_000, 3], ids=["above", "below"])
def test_dpd_seq_reuse_after_ack_is_no_error_where_another_counter_goes_on(
    opened: Open, other: int
):
    text = START + asks(10, 500) + asks(15, other) + asks(20, 501) + asks(25, other + 1)
    (finding,) = opened(text + asks(27, 501)).of("dpd-seq-reuse-after-ack")
    assert finding.severity is Severity.INFO
    assert finding.confidence is Confidence.SUSPECT
    (finding,) = opened(text + asks(27, 500)).of("dpd-seq-reuse-after-ack")
    assert finding.severity is Severity.ERROR


@silent(
    "dpd-seq-reuse-after-ack",
    "the same datagram, duplicated by the network: same message ID and bytes",
)
def test_dpd_seq_reuse_after_ack_is_silent_of_duplicates_of_the_network(opened: Open):
    text = START + asks(10, 41, more="id=0x51") + "10.5 a>b v1 info says=ruthere seq=41 id=0x51\n"
    assert numbers(opened(text + asks(20, 42))) == []


@silent("dpd-seq-reuse-after-ack", "a retry that crossed its answer on the way")
def test_dpd_seq_reuse_after_ack_is_silent_of_a_retry_that_crossed_its_answer(opened: Open):
    text = START + "10 a>b v1 info says=ruthere seq=41\n12 a>b v1 info says=ruthere seq=41\n"
    text += "11.99 b>a v1 info says=ack seq=41\n"
    assert opened(text).of("dpd-seq-reuse-after-ack") == []


# --- dpd-seq-reused-on-retry ---------------------------------------------------------------


@fires("dpd-seq-reused-on-retry")
def test_dpd_seq_reused_on_retry(opened: Open):
    text = START + asks(10, 41) + "20..30/2 a>b v1 info says=ruthere seq=42\n"
    (finding,) = opened(text).of("dpd-seq-reused-on-retry")
    assert finding.severity is Severity.INFO
    assert finding.confidence is Confidence.CERTAIN
    assert "asked 5 times with 42" in finding.detail
    assert len(finding.refs) == 5


def test_dpd_seq_reused_on_retry_is_silent_of_retries_that_count(opened: Open):
    text = START + asks(10, 41) + "20..30/2 a>b v1 info says=ruthere seq=42+\n"
    assert numbers(opened(text)) == []


@silent("dpd-seq-reused-on-retry", "a number that was answered in between is another matter")
def test_dpd_seq_reused_on_retry_is_silent_of_a_number_that_was_answered(opened: Open):
    told = opened(START + asks(10, 41) + asks(20, 42) + asks(30, 42))
    assert told.of("dpd-seq-reused-on-retry") == []
    assert len(told.of("dpd-seq-reuse-after-ack")) == 1


@silent(
    "dpd-seq-reused-on-retry", "the same datagram twice is a duplicate of the network, not a retry"
)
def test_dpd_seq_reused_on_retry_is_silent_of_the_same_datagram(opened: Open):
    text = START + asks(10, 41) + "20..20.9/0.3 a>b v1 info says=ruthere seq=42 id=0x77\n"
    assert numbers(opened(text)) == []
