from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dpdlab import __version__
from dpdlab.cli.arguments import COMMANDS, LATER_COMMANDS, parse
from dpdlab.cli.diagnostics import UsageError
from dpdlab.cli.option_groups import FORMATS
from dpdlab.cli.parser import TextRequested

LATER = sorted(LATER_COMMANDS)


def help_of(*argv: str) -> str:
    with pytest.raises(TextRequested) as request:
        parse(argv)
    return request.value.text


@pytest.mark.parametrize(
    "argv",
    [
        ["report", "a", "b", "--keys", "k", "--format", "json"],
        ["--keys", "k", "report", "a", "--format", "json", "b"],
        ["--keys=k", "--format=json", "report", "a", "b"],
        ["report", "--format", "json", "a", "--keys", "k", "--", "b"],
    ],
)
def test_options_stand_anywhere(argv):
    found = parse(argv)
    assert found.command == "report"
    assert found.words == ("a", "b")
    assert found.options.keys == ["k"]
    assert found.options.format == "json"


def test_inputs_without_a_command():
    found = parse(["a", "-v", "b"])
    assert found.command is None
    assert found.words == ("a", "b")


def test_the_defaults_are_those_of_the_contract():
    options = parse(["report", "a"]).options
    assert options.format == "text"
    # None: the settings, then what the contract says; see test_report_command.
    assert options.budget is None
    assert options.black_hole_min is None
    assert options.color == "auto"
    assert options.since is None
    assert options.output is None
    assert [options.redact, options.strict, options.ascii, options.quiet] == [False] * 4


def test_repeatable_options():
    options = parse(
        ["report", "a", "--local", "192.0.2.1", "--local", "2001:DB8::1", "--port", "4501",
         "--port", "10500", "-vv"]
    ).options  # fmt: skip
    assert options.local == ["192.0.2.1", "2001:db8::1"]
    assert options.port == [4501, 10500]
    assert options.verbose == 2


@pytest.mark.parametrize("argv", [["-qo", "x", "report", "a"], ["report", "-qox", "a"]])
def test_short_options_together(argv):
    found = parse(argv)
    assert found.options.output == "x"
    assert found.options.quiet
    assert found.words == ("a",)


def test_a_word_behind_two_dashes_is_never_a_command():
    found = parse(["--", "report"])
    assert found.command is None
    assert found.words == ("report",)


def test_a_value_is_never_a_command():
    assert parse(["a", "--keys", "report"]).command is None


def test_a_dash_is_an_input_and_a_file():
    found = parse(["report", "-", "-o", "-"])
    assert found.words == ("-",)
    assert found.options.output == "-"


@pytest.mark.parametrize("command", LATER)
def test_a_command_of_a_later_version_is_said_to_be_missing(command):
    with pytest.raises(UsageError, match=f"no command '{command}'") as refused:
        parse([command, "x"])
    assert f"./{command}" in refused.value.hint


@pytest.mark.parametrize(
    ("argv", "message", "hint"),
    [
        (["report", "a", "--budgt", "3"], "unknown option --budgt", "did you mean --budget?"),
        (["report", "a", "--qqqq"], "unknown option --qqqq", "see dpdlab report --help"),
        (["report", "a", "--budget"], "--budget: expected one argument", "dpdlab report --help"),
        (["report", "a", "--budget", "0"], "--budget: must be more than 0", "--help"),
        (["report", "a", "--local", "hub"], "--local: 'hub' is no IP address", "--help"),
        (["report", "a", "--port", "99999"], "--port: '99999' is no port", "--help"),
        (["report", "a", "--since", "x"], "--since: 'x' is no time", "--help"),
        (["report", "a", "--format", "docx"], "--format: invalid choice: 'docx'", "--help"),
        (["report", "a", "--color", "maybe"], "--color: invalid choice", "--help"),
        (["a", "--format", "json"], "--format is an option of the report command", "report"),
        (["doctor", "--keys", "k"], "--keys is an option of the report command", "report"),
        (["report", "a", "--strict=1"], "--strict: ignored explicit argument", "--help"),
        (["report", "a", "--form", "json"], "unknown option --form", "--format"),
        (["report", "-5"], "unknown option -5", "--help"),
        (["report", "--keys", "--format", "json"], "--keys: expected one argument", "--help"),
    ],
)
def test_what_is_wrong_is_said_in_one_line(argv, message, hint):
    with pytest.raises(UsageError) as refused:
        parse(argv)
    assert message in refused.value.message
    assert hint in refused.value.hint
    assert "\n" not in refused.value.message + refused.value.hint


def test_help_names_what_there_is_and_nothing_else():
    text = help_of("--help")
    for command in COMMANDS:
        assert f"dpdlab {command}" in text
    for name in LATER_COMMANDS:
        assert f"dpdlab {name}" not in text
        assert f"\n  {name}" not in text
    for option in ("--keys", "--local", "--budget", "--black-hole-min", "--port", "--since",
                   "--until", "--redact", "--strict", "--color", "--ascii", "--debug"):  # fmt: skip
        assert option in text, option
    assert "dpdlab report hub.pcapng --keys ikev1_decryption_table" in text


def test_every_example_of_the_help_is_understood():
    text = help_of("report", "--help")
    examples = [line.rpartition("dpdlab ")[2] for line in text.splitlines() if "  dpdlab " in line]
    examples += [line.rpartition("dpdlab ")[2] for line in text.splitlines() if "| dpdlab " in line]
    assert len(examples) >= 4
    for example in examples:
        assert parse(example.split()).command == "report"


def test_help_fits_80_columns(monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    for argv in (["-h"], ["report", "-h"], ["lint", "-h"], ["schema", "-h"], ["doctor", "-h"]):
        long = [line for line in help_of(*argv).splitlines() if len(line) > 100]
        assert not long, argv


def test_help_of_a_command():
    assert "--format {text,json,jsonl,csv,markdown,html,svg}" in help_of("report", "a", "--help")
    assert "--format {text,json}" in help_of("doctor", "-h")
    assert "--keys" not in help_of("schema", "-h")


def test_version():
    assert help_of("--version") == f"dpdlab {__version__}\n"
    assert help_of("report", "--version") == f"dpdlab {__version__}\n"


def test_formats():
    for name in FORMATS:
        assert parse(["report", "a", "--format", name]).options.format == name


@given(st.lists(st.text(max_size=12) | st.sampled_from(["report", "--keys", "-o", "-", "--"])))
def test_any_command_line_is_understood_or_refused(argv):
    with contextlib.suppress(UsageError, TextRequested):
        parse(argv)


@pytest.mark.parametrize("flag", ["-Y", "--filter"])
@pytest.mark.parametrize(
    "text",
    ["-basis:rhythm", "-rule:dpd-*", "-rtt>200ms", '-"no answer"', "-(a or b)", "-/x/i", "a"],
)
def test_a_filter_may_begin_with_not(flag: str, text: str):
    invocation = parse(["check", "a.pcap", flag, text, "-q"])
    assert invocation.options.filter == text
    assert invocation.words == ("a.pcap",)


@pytest.mark.parametrize("value", ["-q", "--quiet", "--fail-on=info"])
def test_an_option_is_no_filter(value: str):
    with pytest.raises(UsageError, match="expected one argument"):
        parse(["check", "a.pcap", "-Y", value])


def test_a_password_on_the_command_line_is_refused_and_never_repeated():
    with pytest.raises(UsageError) as refused:
        parse(["live", "--device", "user:s3cret@hub"])
    assert "no password belongs on a command line" in refused.value.message
    assert "s3cret" not in refused.value.message
