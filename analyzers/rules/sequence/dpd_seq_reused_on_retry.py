"""dpd-seq-reused-on-retry: retries carry the number of the first question."""

from __future__ import annotations

from collections.abc import Iterator

from analyzers.model.finding import Severity
from analyzers.model.observations import IkeMessage, MessageKind
from analyzers.rules.case import Case
from analyzers.rules.peer_rule import PeerRule
from analyzers.rules.rule import Found, Needs
from analyzers.rules.sequence.numbers import Stream, askers, number
from analyzers.rules.wording import few, times, weakest


def _check(case: Case) -> Iterator[Found]:
    for asker, streams in askers(case):
        runs = [run for stream in streams for run in _runs(stream)]
        if not runs:
            continue
        longest = max(runs, key=len)
        more = f" It did so for {len(runs)} questions." if len(runs) > 1 else ""
        yield Found(
            f"{asker} asked {times(len(longest))} with {number(longest[0])}, each time in a new"
            f" message.{more}",
            few(m.ref for run in runs for m in run),
            confidence=weakest(m.confidence for run in runs for m in run),
            at_ns=runs[0][0].at_ns,
            end=asker,
        )


def _runs(stream: Stream) -> list[list[IkeMessage]]:
    """Questions without an answer between them that have one number and several message IDs."""
    runs: list[list[IkeMessage]] = [[]]
    for message in stream.messages:
        run = runs[-1]
        if message.kind is MessageKind.R_U_THERE_ACK:
            if run and number(run[-1]) == number(message):
                runs.append([])
        elif not run or number(run[-1]) != number(message):
            runs.append([message])
        elif all(m.message_id != message.message_id for m in run):
            run.append(message)
    return [run for run in runs if len(run) > 1]


RULE = PeerRule(
    id="dpd-seq-reused-on-retry",
    severity=Severity.INFO,
    title="Retries repeat the sequence number",
    rationale=(
        "RFC 3706 does not say whether a retry counts up. strongSwan, isakmpd and FortiOS keep the"
        " number until it is answered; Libreswan and racoon count each sending, and Libreswan"
        " takes the same number for a duplicate, which it answers three times only."
    ),
    remedy=(
        "None, unless the other end is Libreswan or racoon and stops answering: then ask from"
        " that end."
    ),
    source="RFC 3706 section 6.2; dpd behaviour of Libreswan (ikev1_dpd.c)",
    needs=(Needs.KEYS, Needs.LOG),
    traps=(
        "the same datagram twice is a duplicate of the network, not a retry",
        "a number that was answered in between is another matter",
    ),
    check=_check,
)
