from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from dpdlab.cli.diagnostics import ExitCode
from tests.unit.dpdlab.cli.conftest import Cli

SAMPLES = Path(__file__).parents[4] / "sample_pcaps"
NO_DPD = str(SAMPLES / "ikev2-no-dpd-blackhole" / "capture.pcap")
DEAD = str(SAMPLES / "ikev1-dead-peer" / "capture.pcap")
RESTART = str(SAMPLES / "ikev2-peer-restart" / "capture.pcap")
DATA_PLANE = str(SAMPLES / "ikev2-data-plane-dead" / "capture.pcap")
HEALTHY = str(SAMPLES / "ikev1-healthy" / "capture.pcap")
LOG = str(SAMPLES / "ikev1-dead-peer" / "charon-a.log")
CONSOLE = str(SAMPLES / "ios-dead-peer-terminal" / "console.txt")
ASA = "cisco-asa interval=10 retry=2"


def simulated(cli: Cli, *argv: str) -> dict[str, Any]:
    result = cli("simulate", *argv, "--format", "json")
    assert result.code == ExitCode.OK, result.err
    return dict(json.loads(result.out))


def results(document: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """The results of the only black hole, by label of the policy."""
    labels = {policy["id"]: policy["label"] for policy in document["policies"]}
    (hole,) = document["black_holes"]
    return {labels[found["policy"]]: found for found in hole["results"]}


def row(out: str, label: str) -> list[str]:
    """The first line of a page that is about a policy, without its name."""
    line = next(line for line in out.splitlines() if line.strip().startswith(label))
    return line.strip().removeprefix(label).split()


def test_the_observed_bounds_and_every_policy(cli: Cli):
    result = cli("simulate", NO_DPD)
    assert result.code == ExitCode.OK
    assert "observed  up to 25.1 s, up to 124 packets (15 kB)" in result.out
    assert row(result.out, "its own: never asked")[:4] == ["25.1", "s", "–", "124"]
    # 18 s after the last proof of life; the first packet leaves 0.2 s after it.
    assert row(result.out, "FTD on-idle 10 2") == [
        "17.8",
        "s",
        "–",
        "88",
        "11",
        "kB",
        "7.3",
        "s",
        "36",
    ]
    usual = ("IOS periodic 10 2", "IOS on-demand 10 2", "FortiGate on-demand 20 s")
    for label in (*usual, "strongSwan on-idle 30 s", "recommended: IOS periodic 20 2"):
        assert row(result.out, label)
    assert "10 + 4 × 2 = 18 s" in result.out
    text = " ".join(result.out.split())
    assert (
        "target 30 s: the budget (--budget); this black hole, of 25.1 s, is within it: what is"
        " to be noticed sooner needs a smaller one" in text
    )
    assert "what it has is in time" not in text
    assert "crypto ikev2 dpd 20 2 periodic" in result.out
    assert "Replayed over the packets that were observed" in result.out


@pytest.mark.parametrize(
    ("path", "formula"),
    [(DEAD, "5.1 + 3 × 5 = 20.1 s <= 30 s"), (CONSOLE, "10 + 5 × 2 = 20 s <= 30 s")],
)
def test_what_needs_no_change_is_told_so(cli: Cli, path: str, formula: str):
    text = " ".join(cli("simulate", path).out.split())
    assert "what it has is in time, too: " in text
    assert formula in text[text.index("what it has is in time, too: ") :]


@pytest.mark.parametrize("more", [[], ["-v"], ["--ascii"], ["--redact"], ["--hold", "15"]])
@pytest.mark.parametrize("inputs", [[NO_DPD], [DEAD, RESTART, DATA_PLANE], [LOG], [HEALTHY], []])
def test_text_fits_80_columns(cli: Cli, inputs, more):
    if not inputs and "--redact" not in more:
        more = [*more, "--every", "30", "--hold", "40", "--peers", "10000"]
    out = cli("simulate", *inputs, *more).out
    assert [line for line in out.splitlines() if len(line) > 80] == []
    if "--ascii" in more:
        assert out.isascii()


def test_windows_of_hours_fit_80_columns(cli: Cli):
    out = cli("simulate", DEAD, "--policy", "strongswan interval=15600").out
    assert " h " in out
    assert [line for line in out.splitlines() if len(line) > 80] == []


def test_bars_are_as_long_as_the_windows(cli: Cli):
    out = cli("simulate", NO_DPD, "--policy", ASA).out
    bars = [line for line in out.splitlines() if "▓" in line and " s" in line]
    lengths = {line.strip().split("  ")[0]: line.count("▓") + line.count("░") for line in bars}
    assert lengths["its own: never asked"] == max(lengths.values())
    (asa,) = [length for label, length in lengths.items() if label.startswith("cisco-asa")]
    share = asa / max(lengths.values())
    assert share == pytest.approx(17.8 / 25.1, abs=0.03)
    (observed,) = [line for line in out.splitlines() if line.strip().startswith("observed") and
                   "░" in line]  # fmt: skip
    assert "▓" not in observed, "nothing is certain where nobody asked"


def test_json_has_what_the_text_has(cli: Cli):
    document = simulated(cli, NO_DPD, "--policy", ASA)
    found = results(document)
    assert list(found) == ["its own: never asked", ASA, "recommended: IOS periodic 20 2"]
    (hole,) = document["black_holes"]
    assert hole["observed"]["max_packets"] == 124
    own, asa = found["its own: never asked"], found[ASA]
    assert own["left"]["packets"] == 124
    assert own["left"]["bytes"] == hole["observed"]["max_bytes"]
    assert asa["left"]["verdict"] == {"first_s": 18.0, "last_s": 18.0}
    assert (asa["left"]["packets"], asa["saved_packets"]) == (88, 36)
    assert asa["saved_seconds"] == pytest.approx(7.3, abs=0.01)
    policy = document["policies"][1]
    assert policy["worst_case"] == "interval + 4 × wait = 10 + 4 × 2 = 18 s"
    assert policy["probes_per_hour"] == 360
    assert [f["loss"] for f in policy["false_death"]] == [0.001, 0.01, 0.05]
    assert policy["false_death"][2]["probability"] == pytest.approx(0.0975**4)
    assert document["policies"][2]["config_lines"] == ["crypto ikev2 dpd 20 2 periodic"]


def test_what_is_slower_than_the_device_was_is_only_known_in_part(cli: Cli):
    found = results(simulated(cli, DEAD, "--policy", "fortios"))
    slow = found["fortios"]
    assert slow["left"]["seconds"] == pytest.approx(79.8, abs=0.01)
    assert slow["left"]["at_least"]
    assert slow["left"]["packets"] == 98
    assert slow["saved_seconds"] < 0
    assert slow["saved_packets"] is None


def test_a_configuration_is_the_own_policy(cli: Cli):
    config = str(SAMPLES / "ikev1-dead-peer" / "swanctl-a.conf")
    found = results(simulated(cli, DEAD, config))
    own = found["its own, as configured"]
    assert own["left"]["verdict"] == {"first_s": 20.0, "last_s": 20.0}
    # strongSwan could be told nothing that notices sooner and still asks often enough.
    assert found["recommended: its own"]["left"] == own["left"]


def test_a_log_alone_has_seconds_and_no_packets(cli: Cli):
    """It shows neither traffic nor the last packet of the peer: nothing is said to be saved."""
    found = results(simulated(cli, LOG, "--policy", ASA))
    assert found["its own: interval unknown"]["left"] is None
    assert found[ASA]["left"]["seconds"] == 18
    assert found[ASA]["left"]["packets"] is None
    assert found[ASA]["saved_seconds"] is None


def test_a_log_with_the_configuration_of_its_device(cli: Cli):
    config = str(SAMPLES / "ikev1-dead-peer" / "swanctl-a.conf")
    found = results(simulated(cli, LOG, config, "--policy", ASA))
    assert found["its own, as configured"]["left"]["seconds"] == 20
    assert found[ASA]["saved_seconds"] == pytest.approx(2, abs=0.1)


def test_a_dead_data_plane_has_a_reason_instead_of_results(cli: Cli):
    document = simulated(cli, DATA_PLANE)
    (hole,) = document["black_holes"]
    assert "no DPD policy notices it" in hole["note"]
    assert hole["results"] == []
    assert document["policies"] == []
    assert "recommended" not in cli("simulate", DATA_PLANE).out


def test_no_black_hole(cli: Cli):
    result = cli("simulate", HEALTHY)
    assert result.code == ExitCode.OK
    assert "no black hole: nothing to replay" in result.out
    assert simulated(cli, HEALTHY)["black_holes"] == []


def test_pseudonyms(cli: Cli):
    for text_format in ("text", "json", "markdown"):
        out = cli("simulate", NO_DPD, "--redact", "--format", text_format).out
        assert "192.0.2." not in out
        assert "host-1" in out


def test_markdown(cli: Cli):
    out = cli("simulate", NO_DPD, "--format", "markdown").out
    assert "| FTD on-idle 10 2 | 17.8 s | – | 88 | 11 kB | 7.3 s | 36 |" in out
    assert "```\ncrypto ikev2 dpd 20 2 periodic\n```" in out
    plan = cli("simulate", "--format", "markdown", "--ascii", "--hold", "40").out
    assert plan.isascii()
    assert "| ASA on-idle 10 2 | 18 s | 18.0 s |" in plan


def test_planning(cli: Cli):
    result = cli("simulate")
    assert result.code == ExitCode.OK
    assert row(result.out, "IOS periodic 10 2")[:2] == ["10–20", "s"]
    assert row(result.out, "strongSwan on-idle 30 s  ")[:2] == ["195.1", "s"]
    assert "interval + 5 × wait = 20 + 5 × 2 = 30 s <= 30 s" in " ".join(result.out.split())
    for line in ("crypto isakmp keepalive 20 2 periodic", "isakmp keepalive threshold 18 retry 3",
                 "set dpd-retryinterval 7", "dpd_delay = 19s"):  # fmt: skip
        assert line in result.out


def test_a_plan_of_ones_own(cli: Cli):
    document = json.loads(
        cli("simulate", "--interval", "20", "--retry", "5", "--retries", "3", "--mode", "periodic",
            "--every", "30", "--hold", "50", "--peers", "10000", "--both-ends", "--target", "40",
            "--format", "json").out
    )  # fmt: skip
    (found,) = document["policies"]
    assert found["policy"]["worst_case"] == "interval + 4 × wait = 20 + 4 × 5 = 40 s"
    result = found["result"]
    assert result["verdict"] == {"first_s": 20, "last_s": 40}
    assert result["fleet"]["mean_s"] == pytest.approx(30, abs=0.01)
    assert result["hub"]["messages_per_s_at_most"] == 2000
    assert result["routing"] == {"hold_s": 50, "backstop": False, "routing_first": False}
    assert result["meets_target"] is True
    assert {r["profile"] for r in document["recommended"]} >= {"cisco-ios", "fortios-ikev1"}
    text = cli("simulate", "--interval", "20", "--hold", "25").out
    assert "backstop: latest > 25 s" in text
    assert "half notice within 20.0 s" in text


def test_a_mode_that_a_product_has_no_setting_for_is_called_so(cli: Cli):
    periodic, idle = (f"strongswan-ikev2 interval=5{more}" for more in (" mode=periodic", ""))
    text = " ".join(cli("simulate", NO_DPD, "--policy", periodic, "--policy", idle).out.split())
    said = "nothing on strongSwan, IKEv2 sets mode periodic: there it is on-idle"
    assert f"{periodic}: {said}" in text
    assert text.count("nothing on ") == 1


def test_the_nearest_that_a_product_comes_is_said_to_be_that(cli: Cli):
    out = cli("simulate", "--target", "60").out
    assert "cheapest for fortios-ikev2 (the nearest it comes)" in out
    assert "= 98 s > 60 s" in " ".join(out.split())


@pytest.mark.parametrize(
    ("argv", "message"),
    [
        (["--policy", "bogus"], "no profile 'bogus'"),
        (["--policy", "cisco-ios interval=soon"], "interval=soon"),
        (["--interval", "0"], "more than 0"),
        (["--retry", "5"], "--interval"),
        (["--interval", "5", "--retries", "5000"], "no policy"),
        (["--peers", "0"], "no number"),
        (["--peers", "99999999"], "no number"),
        ([NO_DPD, "--every", "5"], "--every is for planning"),
        ([NO_DPD, "--both-ends"], "--both-ends is for planning"),
        (["--mode", "often"], "--mode"),
    ],
)
def test_what_cannot_be_meant(cli: Cli, argv, message):
    result = cli("simulate", *argv)
    assert result.code == ExitCode.USAGE
    assert message in result.error
    assert result.out == ""


def test_inputs_that_cannot_be_read(cli: Cli, tmp_path: Path):
    assert cli("simulate", str(tmp_path / "nothing.pcap")).code == ExitCode.INPUT
    empty = tmp_path / "capture.pcap"
    empty.write_bytes(
        b"\xd4\xc3\xb2\xa1\x02\x00\x04\x00" + bytes(8) + b"\xff\xff\x00\x00\x01\x00\x00\x00"
    )
    assert cli("simulate", str(empty)).code == ExitCode.INPUT
    assert cli("simulate", NO_DPD, "-o", NO_DPD).code == ExitCode.USAGE


def test_expected_timers_given_to_the_report(cli: Cli):
    text = "192.0.2.1 strongswan-ikev1 interval=5 timeout=15"
    document = json.loads(cli("report", DEAD, "--policy", text, "--format", "json").out)
    (peer,) = document["peers"]
    (given,) = [p for p in peer["policies"] if p["basis"] == "given"]
    assert (given["holder"], given["interval_s"], given["worst_case_s"]) == ("192.0.2.1", 5, 15)
    assert peer["black_holes"][0]["class"] == "slow-dpd"
    both = json.loads(cli("report", DEAD, "--policy", "aws", "--format", "json").out)
    holders = [p["holder"] for p in both["peers"][0]["policies"] if p["basis"] == "given"]
    assert holders == ["192.0.2.1", "192.0.2.2"]
    assert both["peers"][0]["black_holes"][0]["class"] == "detected"
    other = cli("report", DEAD, "--policy", "strongswan-ikev2 interval=5", "--format", "json")
    assert "given" not in [p["basis"] for p in json.loads(other.out)["peers"][0]["policies"]]
    assert cli("report", DEAD, "--policy", "bogus").code == ExitCode.USAGE


def test_a_policy_without_a_verdict_and_one_that_cannot_be_set_are_explained(cli: Cli):
    result = cli("simulate", "--policy", "racoon", "--policy", "cisco-ios interval=5")
    assert result.code == ExitCode.OK
    assert "asks nothing until it has an interval" in " ".join(result.out.split())
    assert "cisco-ios interval=5: interval 5: " in result.err
    assert "10 to 3600" in result.err
