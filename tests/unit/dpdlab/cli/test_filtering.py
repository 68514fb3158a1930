from __future__ import annotations

import csv
import io
import json

import pytest

from dpdlab.cli.diagnostics import ExitCode
from tests.model_builders import A, healthy_peer, peer
from tests.unit.dpdlab.cli.conftest import Cli, StubSession

FORMATS = ["text", "json", "jsonl", "csv", "markdown", "html"]


@pytest.fixture
def two(session: StubSession) -> StubSession:
    well = healthy_peer(id="p2", remote="198.51.100.2", addresses=("198.51.100.2",))
    session.views = (peer(), well)
    return session


def test_json(cli: Cli, two: StubSession):
    result = cli("report", "hub.pcap", "--format", "json", "-Y", "outcome:unanswered")
    assert result.code == ExitCode.OK
    document = json.loads(result.out)
    assert document["filter"] == "outcome:unanswered"
    assert [x["id"] for p in document["peers"] for x in p["exchanges"]] == ["x2"]
    assert "1 of 2 peers" in result.err


def test_without_a_filter_the_report_is_whole(cli: Cli, two: StubSession):
    document = json.loads(cli("report", "hub.pcap", "--format", "json").out)
    assert document["filter"] is None
    assert len(document["peers"]) == 2


@pytest.mark.parametrize("argv", [("-Y", "retries:2"), ("--filter", "retries:2"), ("-Yretries:2",)])
def test_csv(cli: Cli, two: StubSession, argv):
    result = cli("report", "hub.pcap", "--format", "csv", *argv)
    assert [row["exchange"] for row in csv.DictReader(io.StringIO(result.out))] == ["x2"]


def test_text_names_the_filter_and_says_nothing_of_what_it_left_out(cli: Cli, two: StubSession):
    result = cli("report", "hub.pcap", "-Y", "kind:dpd state:dead")
    assert "kind:dpd state:dead" in result.out
    assert "0 of 1 black hole" in " ".join(result.out.split())
    assert "no black hole" not in result.out
    assert "198.51.100.2" not in result.out


def test_inputs_without_a_command_can_be_filtered(cli: Cli, two: StubSession):
    assert "198.51.100.2" not in cli("hub.pcap", "-Y", "state:dead").out


@pytest.mark.parametrize("report_format", FORMATS)
def test_an_empty_result_is_no_error_and_says_what_the_filter_was(
    cli: Cli, two: StubSession, report_format
):
    result = cli("report", "hub.pcap", "--format", report_format, "-Y", "state:probing rtt>1h")
    assert result.code == ExitCode.OK
    assert "state:probing rtt>1h" in result.err
    assert "2 peers" in result.err
    assert "nothing was recognised" not in result.err
    if report_format in ("text", "markdown"):
        assert "Nothing matches the filter" in result.out


def test_an_input_with_nothing_in_it_is_still_an_error(cli: Cli, session: StubSession):
    session.views = ()
    assert cli("report", "hub.pcap", "-Y", "state:dead").code == ExitCode.INPUT


def test_a_mistake_is_shown_before_anything_is_read(cli: Cli, session: StubSession):
    result = cli("report", "hub.pcap", "-Y", "peer:192.0.2.1 stat:dead")
    assert result.code == ExitCode.USAGE
    assert result.out == ""
    message, shown, carets = result.err.splitlines()
    assert "column 16: no key 'stat'" in message
    assert "did you mean state?" in message
    assert shown == "  peer:192.0.2.1 stat:dead"
    assert carets == "  " + " " * 15 + "^^^^"
    assert session.inputs == ()


def test_a_hostile_filter_cannot_reach_the_terminal(cli: Cli, session: StubSession):
    result = cli("report", "hub.pcap", "-Y", '"\x1b[2J" stat:dead')
    assert "\x1b" not in result.err


def test_redact_tells_neither_the_filter_nor_what_it_names(cli: Cli, two: StubSession):
    for report_format in FORMATS:
        result = cli("report", "hub.pcap", "--format", report_format, "--redact", "-Y", f"peer:{A}")
        assert result.code == ExitCode.OK
        assert A not in result.out
        assert A not in result.err


@pytest.mark.parametrize(
    ("report_format", "told"),
    [("text", "\n  retries "), ("markdown", "| `retries`, `retry` |"), ("json", '"retries"')],
)
def test_explain_filter(cli: Cli, report_format, told):
    result = cli("explain", "filter", "--format", report_format)
    assert result.code == ExitCode.OK
    assert told in result.out
