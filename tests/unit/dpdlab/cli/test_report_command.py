from __future__ import annotations

import csv
import io
import json

import pytest

from analyzers.errors import AnalyzerError, KeyFileError, OptionError, SourceError
from analyzers.model.records import NO_DAMAGE, UNREADABLE, Problem, ProblemKind, SourceInfo
from dpdlab.cli import analysis
from dpdlab.cli.arguments import parse
from dpdlab.cli.diagnostics import ExitCode
from tests.model_builders import INITIATOR_SPI, A, healthy_peer, hint, peer, problem, source
from tests.unit.dpdlab.cli.conftest import Cli, StubSession


def session_options(*argv: str):
    return analysis.session_options(parse(["report", "x", *argv]).options, None)


@pytest.mark.parametrize("argv", [("report", "hub.pcap"), ("hub.pcap",)])
def test_text_is_the_default(cli: Cli, session: StubSession, argv):
    result = cli(*argv)
    assert result.code == ExitCode.OK
    assert "192.0.2.2" in result.out
    assert result.err == ""
    assert session.inputs == ("hub.pcap",)
    assert max(map(len, result.out.splitlines())) <= 80
    assert "\x1b" not in result.out


def test_json(cli: Cli, session: StubSession):
    result = cli("report", "hub.pcap", "--format", "json")
    assert result.code == ExitCode.OK
    assert json.loads(result.out)["peers"][0]["id"] == "p1"


def test_jsonl(cli: Cli, session: StubSession):
    lines = cli("report", "hub.pcap", "--format", "jsonl").out.splitlines()
    assert [json.loads(line)["type"] for line in lines][:2] == ["source", "peer"]


def test_csv(cli: Cli, session: StubSession):
    result = cli("report", "hub.pcap", "--format", "csv")
    assert [row["outcome"] for row in csv.DictReader(io.StringIO(result.out))] == [
        "answered",
        "unanswered",
    ]


def test_markdown(cli: Cli, session: StubSession):
    assert cli("report", "hub.pcap", "--format", "markdown").out.startswith("# IPsec liveness")


@pytest.mark.parametrize("report_format", ["text", "json", "jsonl", "csv", "markdown"])
def test_ascii(cli: Cli, session: StubSession, report_format):
    session.sources = [source(path="漢字.pcap")]
    result = cli("report", "hub.pcap", "--format", report_format, "--ascii")
    assert result.out.isascii()


@pytest.mark.parametrize("report_format", ["text", "json", "jsonl", "csv", "markdown"])
def test_hostile_text_cannot_reach_the_terminal(cli: Cli, session: StubSession, report_format):
    hostile = "\x1b]0;owned\x07\x9b2J\u202e\x7f"
    session.sources = [source(path=hostile, problems=[problem(detail=hostile)])]
    session.views = (peer(remote=hostile, hints=(hint(text=hostile),)),)
    session.sentences = [hostile]
    result = cli("report", "hub.pcap", "--format", report_format, "--color", "never")
    for character in "\x1b\x07\x9b\u202e\x7f":
        assert character not in result.out
        assert character not in result.err


def test_redact_reaches_every_format_and_stderr(cli: Cli, session: StubSession):
    session.sources = [source(path="acme/hub.pcap", problems=[problem(detail=f"of {A}")])]
    session.sentences = [f"acme/hub.pcap has only {A}."]
    for report_format in ("text", "json", "jsonl", "csv", "markdown"):
        result = cli("report", "acme/hub.pcap", "--format", report_format, "--redact")
        assert result.code == ExitCode.OK
        for secret in (A, "acme", INITIATOR_SPI):
            assert secret not in result.out, report_format
            assert secret not in result.err, report_format
        assert "host-1" in result.out


def test_the_options_reach_the_engine():
    options = session_options(
        "--keys", "k1", "--keys", "k2", "--local", "192.0.2.1", "--port", "4501", "--budget", "1m",
        "--black-hole-min", "0.5", "--since", "2024-11-20T21:31:50Z", "--until", "+90",
    )  # fmt: skip
    assert options.keys == ("k1", "k2")
    assert options.local == ("192.0.2.1",)
    assert options.ports == (4501,)
    assert options.budget_s == 60.0
    assert options.black_hole_min_s == 0.5
    assert options.since_ns == 1_732_138_310_000_000_000
    assert options.until_ns is None
    assert options.since_offset_ns is None
    assert options.until_offset_ns == 90_000_000_000


def test_the_defaults_of_the_engine_are_those_of_the_command_line():
    from analyzers.session import SessionOptions

    assert session_options() == SessionOptions()


@pytest.mark.parametrize(
    ("since", "until"), [("+90", "+30"), ("1732138310", "1732138310"), ("2025-01-01", "2024-01-01")]
)
def test_a_window_that_ends_before_it_begins(cli: Cli, since, until):
    result = cli("report", "hub.pcap", "--since", since, "--until", until)
    assert result.code == ExitCode.USAGE
    assert "is not before --until" in result.error


def test_kind_prefixes_pass_through(cli: Cli, session: StubSession):
    cli("report", "pcap:hub.pcap", "dir/")
    assert session.inputs == ("pcap:hub.pcap", "dir/")


def test_no_input(cli: Cli):
    for argv in ((), ("report",)):
        result = cli(*argv)
        assert result.code == ExitCode.USAGE
        assert result.error.startswith("dpdlab: error: no input (")
        assert result.out == ""


def test_a_slip_in_the_command(cli: Cli):
    result = cli("repotr", "hub.pcap")
    assert result.code == ExitCode.USAGE
    assert "did you mean report?" in result.error


def test_standard_input_that_is_a_terminal(cli: Cli, monkeypatch):
    monkeypatch.setattr("sys.stdin.isatty", lambda: True, raising=False)
    result = cli("report", "-")
    assert result.code == ExitCode.USAGE
    assert "standard input is a terminal" in result.error


@pytest.mark.parametrize(
    ("failure", "code"),
    [
        (SourceError("cannot open hub.pcap: no such file"), ExitCode.INPUT),
        (KeyFileError("keys holds no key table"), ExitCode.INPUT),
        (OptionError("cannot use that"), ExitCode.USAGE),
    ],
)
def test_errors_of_the_engine_are_one_line(cli: Cli, session: StubSession, failure, code):
    failure.hint = "try another"
    session.failure = failure
    result = cli("report", "hub.pcap", "--format", "json")
    assert isinstance(failure, AnalyzerError)
    assert result.code == code
    assert result.error == f"dpdlab: error: {failure.message} (try another)"
    assert result.out == ""


def test_with_debug_an_error_says_where_it_came_from(cli: Cli, session: StubSession):
    session.failure = SourceError("no such file")
    assert "Traceback" in cli("report", "hub.pcap", "--debug").err


def test_a_bug_is_one_line(cli: Cli, session: StubSession):
    session.failure = ZeroDivisionError("secret\nsecond line")
    result = cli("report", "hub.pcap")
    assert result.code == ExitCode.INTERNAL
    assert result.error.startswith("dpdlab: error: internal error: ZeroDivisionError: secret (")
    assert "report this" in result.error
    shown = cli("--debug", "report", "hub.pcap")
    assert shown.code == ExitCode.INTERNAL
    assert "Traceback" in shown.err


def test_interrupted(cli: Cli, session: StubSession):
    session.failure = KeyboardInterrupt()
    result = cli("report", "hub.pcap")
    assert result.code == ExitCode.INTERRUPTED
    assert result.error == "dpdlab: interrupted"


@pytest.mark.parametrize("report_format", ["text", "json", "jsonl", "csv", "markdown"])
def test_an_empty_result_explains_itself(cli: Cli, session: StubSession, report_format):
    session.views = ()
    session.sentences = ["0 of 640 packets are IKE."]
    result = cli("report", "hub.pcap", "--format", report_format)
    assert result.code == ExitCode.INPUT
    assert "dpdlab: 0 of 640 packets are IKE." in result.err
    assert "error: nothing was recognised" in result.err
    if report_format in ("text", "markdown"):
        assert "0 of 640 packets are IKE." in result.out
    if report_format == "json":
        assert json.loads(result.out)["sources"][0]["packets"] == 640


def test_what_limits_a_result_is_narrated(cli: Cli, session: StubSession):
    session.sentences = ["Only one direction was captured."]
    result = cli("report", "hub.pcap", "--format", "csv")
    assert result.code == ExitCode.OK
    assert result.error == "dpdlab: Only one direction was captured."
    assert cli("report", "hub.pcap", "--format", "csv", "-q").err == ""


def test_damage_is_a_warning_and_under_strict_an_error(cli: Cli, session: StubSession):
    session.sources = [source(problems=[problem(), problem(count=4)])]
    result = cli("report", "hub.pcap", "--format", "json")
    assert result.code == ExitCode.OK
    assert result.error == (
        "dpdlab: warning: captures/hub.pcapng:640: truncated-tail, first of 5:"
        " the last record is cut off"
    )
    strict = cli("report", "hub.pcap", "--format", "json", "--strict", "-q")
    assert strict.code == ExitCode.DAMAGE
    assert strict.error == "dpdlab: error: the input is damaged: truncated-tail (--strict)"
    assert json.loads(strict.out)["peers"]


@pytest.mark.parametrize("kind", ProblemKind)
def test_strict_knows_damage_from_limits(cli: Cli, session: StubSession, kind):
    for sources, peers in (
        ([source(problems=[problem(kind)])], (healthy_peer(),)),
        ([source()], (healthy_peer(problems=(problem(kind, ref=None),)),)),
    ):
        session.sources, session.views = sources, peers
        code = cli("report", "hub.pcap", "--strict").code
        assert code == (ExitCode.OK if kind in NO_DAMAGE else ExitCode.DAMAGE)


def test_a_clock_by_hand_that_cannot_be_is_a_warning_and_no_damage(cli: Cli, session: StubSession):
    doubt = problem(ProblemKind.CLOCK_CONTRADICTED)
    session.sources = [source(problems=[doubt])]
    result = cli("report", "hub.pcap", "--format", "json", "--strict")
    assert result.code == ExitCode.OK
    assert "warning: captures/hub.pcapng:640: clock-contradicted" in result.error


def test_nothing_recognised_goes_before_damage(cli: Cli, session: StubSession):
    session.sources, session.views = [source(problems=[problem()])], ()
    assert cli("report", "hub.pcap", "--strict").code == ExitCode.INPUT


def test_output_to_a_file(cli: Cli, session: StubSession, tmp_path):
    target = tmp_path / "report.json"
    result = cli("report", "hub.pcap", "--format", "json", "-o", str(target))
    assert (result.code, result.out, result.err) == (ExitCode.OK, "", "")
    assert json.loads(target.read_text(encoding="utf-8"))["peers"]
    assert [path.name for path in tmp_path.iterdir()] == ["report.json"]


def test_a_refused_output_is_refused_before_any_work(cli: Cli, session: StubSession, tmp_path):
    capture = tmp_path / "hub.pcap"
    capture.write_bytes(b"capture")
    keys = tmp_path / "keys"
    keys.write_bytes(b"keys")
    session.failure = AssertionError("the engine must not run")
    for given in (capture, keys):
        result = cli("report", f"pcap:{capture}", "--keys", str(keys), "-o", str(given))
        assert result.code == ExitCode.USAGE
        assert "would overwrite the input" in result.error
    assert (capture.read_bytes(), keys.read_bytes()) == (b"capture", b"keys")


@pytest.mark.parametrize("name", ["x" * 5000, "a\0b", ""])
def test_names_that_can_be_no_file(cli: Cli, name):
    assert cli(name).code in (ExitCode.INPUT, ExitCode.USAGE)
    assert cli("report", name).code in (ExitCode.INPUT, ExitCode.USAGE)


# --- inputs that cannot be read ------------------------------------------------------------------


def unreadable(path: str) -> SourceInfo:
    why = "it is neither capture, log nor configuration"
    told = Problem(ProblemKind.UNREADABLE, why)
    return SourceInfo("s2", path, UNREADABLE, "unknown", problems=[told])


@pytest.mark.parametrize("report_format", ["text", "json", "jsonl", "csv", "markdown", "html"])
def test_an_input_that_cannot_be_read_is_named_beside_the_report(
    cli: Cli, session: StubSession, report_format
):
    session.sources = [source(), unreadable("image.bin")]
    result = cli("report", "hub.pcap", "image.bin", "--format", report_format)
    assert result.code == ExitCode.INPUT
    assert result.error == (
        "dpdlab: error: image.bin: it is neither capture, log nor configuration"
        " (the others were read)"
    )
    assert "192.0.2.1" in result.out
    if report_format == "json":
        told = json.loads(result.out)["sources"][1]
        assert (told["kind"], told["problems"][0]["kind"]) == ("unreadable", "unreadable-input")
    elif report_format != "csv":
        assert "it is neither capture" in result.out


@pytest.mark.parametrize(
    "argv",
    [
        ("report", "--fail-on", "info"),
        ("report", "--strict"),
        ("report", "--unparsed"),
        ("report", "-q"),
        ("check",),
    ],
)
def test_an_input_that_cannot_be_read_decides_the_exit_code(cli: Cli, session: StubSession, argv):
    session.sources = [source(problems=[problem()]), unreadable("image.bin")]
    result = cli(*argv, "hub.pcap", "image.bin")
    assert result.code == ExitCode.INPUT
    assert "error: image.bin: it is neither" in result.err


def test_of_many_inputs_that_cannot_be_read_some_are_named(cli: Cli, session: StubSession):
    session.sources = [source(), *(unreadable(f"{n}.bin") for n in range(9))]
    lines = cli("check", "hub.pcap").err.splitlines()
    assert sum("it is neither" in line for line in lines) == 5
    assert "dpdlab: error: 4 more inputs were not read" in lines
