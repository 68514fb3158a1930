from __future__ import annotations

import pytest
from msgspec.structs import replace

from analyzers.export import problem_words, sa_words
from analyzers.model.black_hole import BlackHoleClass, PhaseName, StopBasis
from analyzers.model.exchange import DeleteProtocol, ExchangeKind, Outcome
from analyzers.model.peer import LocalBasis, PeerState
from analyzers.model.policy import PolicyBasis, PolicyMode
from analyzers.model.records import Basis, Confidence, ProblemKind
from analyzers.model.sa import SaEnd
from dpdlab.present import words
from dpdlab.present.formatting import UNICODE
from tests.unit.dpdlab.present import stories as s

TABLES = [
    (words.STATE, PeerState),
    (words.STATE_MEANS, PeerState),
    (words.BASIS, Basis),
    (words.BASIS_MEANS, Basis),
    (words.CONFIDENCE, Confidence),
    (words.CONFIDENCE_MEANS, Confidence),
    (words.LOCAL_BASIS, LocalBasis),
    (words.KIND, ExchangeKind),
    (words.KINDS, ExchangeKind),
    (words.OUTCOME, Outcome),
    (words.OUTCOME_MEANS, Outcome),
    (words.DELETE_OF, DeleteProtocol),
    (words.SA_END, SaEnd),
    (words.CLASS, BlackHoleClass),
    (words.CLASS_WHY, BlackHoleClass),
    (words.PHASE, PhaseName),
    (words.PHASE_MEANS, PhaseName),
    (words.STOP, StopBasis),
    (words.POLICY_BASIS, PolicyBasis),
    (problem_words.PROBLEM, ProblemKind),
]


@pytest.mark.parametrize(("table", "vocabulary"), TABLES)
def test_every_word_of_the_engine_has_words_for_people(table, vocabulary):
    assert set(table) == set(vocabulary)
    assert all(text and text.isascii() for text in table.values())


def test_a_death_that_nothing_confirms_is_not_called_dead():
    assert words.state_word(PeerState.DEAD, Confidence.CERTAIN) == "dead"
    assert words.state_word(PeerState.DEAD, Confidence.INFERRED) == "given up"
    assert words.state_word(PeerState.ALIVE, Confidence.CERTAIN) == "alive"


def test_a_verdict_says_how_it_is_known():
    hole, run = s.black_hole(), s.given_up()
    assert words.verdict_phrase(hole, run) == "given up (inferred: last retry + 2 s)"
    early = replace(hole, dead_ns=run.last_ns + 1_800_000_000)
    assert words.verdict_phrase(early, run) == (
        "given up about here (inferred: last retry + 1.8 s)"
    )
    assert words.verdict_phrase(hole, None) == "given up (inferred)"
    assert words.verdict_phrase(replace(hole, dead_basis="log"), run).endswith("(said by the log)")
    assert words.verdict_phrase(replace(hole, dead_ns=None), run) == "no verdict"


def test_policies_are_one_line():
    policy = s.dead_peer().policies[0]
    assert words.policy_summary(policy) == "on idle 5.1 s, 5 retries x 2 s, worst case 17.1 s"
    assert "5 retries × 2 s" in words.policy_summary(policy, UNICODE)
    periodic = replace(policy, mode=PolicyMode.PERIODIC, retries=None, worst_case_s=None)
    assert words.policy_summary(periodic) == "every 5.1 s, retry after 2 s"
    growing = replace(policy, backoff=1.8, retry_s=4.0)
    assert "5 retries from 4 s, each 1.8 x the last" in words.policy_summary(growing)
    nothing = replace(policy, mode=PolicyMode.UNKNOWN, interval_s=None, retry_s=None, retries=None)
    assert words.policy_summary(replace(nothing, worst_case_s=None)) == "at an unknown interval"
    once = replace(nothing, worst_case_s=None, about_s=5.13)
    assert words.policy_summary(once) == "after about 5.1 s"
    assert words.policy_summary(replace(nothing, mode=PolicyMode.DISABLED)).startswith("never asks")


def test_what_could_not_be_told_says_what_would_help():
    assert sa_words.unknown_informationals(9).startswith(
        "9 encrypted IKEv1 Informationals could not"
    )
    assert "--keys" in sa_words.unknown_informationals(1)
