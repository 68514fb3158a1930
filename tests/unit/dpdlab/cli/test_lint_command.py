from __future__ import annotations

import json
from pathlib import Path

import pytest

from analyzers.rules.configuration.dpd_configured_not_in_force import RULE
from analyzers.rules.configuration.examples import hub, site, swanctl
from dpdlab.cli.diagnostics import ExitCode
from tests.unit.dpdlab.cli.conftest import Cli

ASKS = "crypto isakmp keepalive 10 3 periodic"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def write(folder: Path, **texts: str) -> None:
    for name, text in texts.items():
        (folder / f"{name}.cfg").write_text(text, encoding="utf-8")


def rules(out: str) -> list[str]:
    return [finding["rule"] for finding in json.loads(out)["findings"]]


def test_the_table_says_what_each_device_does(cli: Cli, folder: Path):
    write(folder, a=site("192.0.2.1", "198.51.100.7", "198.51.100.8", dpd=ASKS))
    result = cli("lint", "a.cfg")
    assert result.code == ExitCode.OK
    head, titles, row = result.out.splitlines()[:3]
    assert head == "R1 · a.cfg · Cisco IOS"
    assert titles.split()[:6] == ["peer", "ike", "asks", "every", "retry", "sent"]
    assert " ".join(row.split()).startswith("198.51.100.7 +1 1 periodic 10 s 3 s 5 25 s 2 crypto")


def test_findings_say_where_what_and_what_to_do(cli: Cli, folder: Path):
    write(folder, a=site("192.0.2.1", "198.51.100.7", "198.51.100.8"))
    text = cli("lint", "a.cfg").out
    assert "error    a.cfg:5: Backup peers are configured, but the tunnel never fails over" in text
    assert "  remedy Configure crypto isakmp keepalive 20 2 periodic. At worst:" in text
    assert "clear crypto session" in text
    assert "[peer-list-without-dpd]" in text
    assert text.endswith("1 configuration: 1 error\n")


def test_a_peer_that_nothing_watches_is_told_with_the_bound(cli: Cli, folder: Path):
    write(folder, a=site("192.0.2.1", "198.51.100.7"))
    assert "up to 86,400 s, the default" in " ".join(cli("lint", "a.cfg").out.split())


def test_text_fits_80_columns(cli: Cli, folder: Path):
    v6 = [f"2001:db8:1234:5678:9abc:def0:1234:{n:x}" for n in range(0x1000, 0x1003)]
    write(
        folder,
        a=site("192.0.2.1", *v6),
        b=hub(ASKS, "keepalive 10 3", "ip ospf 1 area 0"),
        c=swanctl("192.0.2.1", "198.51.100.7", "dpd_delay = 30s\n  dpd_timeout = 90s"),
    )
    for more in ([], ["-v"], ["--ascii"]):
        lines = cli("lint", "a.cfg", "b.cfg", "c.cfg", *more).out.splitlines()
        assert [line for line in lines if len(line) > 80] == []


def test_both_ends_are_compared(cli: Cli, folder: Path):
    write(
        folder,
        a=site("192.0.2.1", "198.51.100.7", dpd=ASKS),
        b=site("198.51.100.7", "192.0.2.1"),
    )
    together = rules(cli("lint", "a.cfg", "b.cfg", "--format", "json").out)
    alone = rules(cli("lint", "b.cfg", "--format", "json").out)
    assert "dpd-one-sided-initiator" in together
    assert "no-liveness-mechanism" not in together
    assert alone == ["no-liveness-mechanism"]


def test_the_order_of_the_inputs_changes_no_rule(cli: Cli, folder: Path):
    write(
        folder,
        a=site("192.0.2.1", "198.51.100.7", dpd=ASKS),
        b=site("198.51.100.7", "192.0.2.1"),
        c=hub(ASKS),
    )
    one = rules(cli("lint", "a.cfg", "b.cfg", "c.cfg", "--format", "json").out)
    other = rules(cli("lint", "c.cfg", "b.cfg", "a.cfg", "--format", "json").out)
    assert sorted(one) == sorted(other)


@pytest.mark.parametrize(
    ("fail_on", "code"),
    [(None, 0), ("error", 0), ("warning", 1), ("info", 1)],
)
def test_fail_on(cli: Cli, folder: Path, fail_on, code):
    write(folder, a=site("192.0.2.1", "198.51.100.7"))
    options = [] if fail_on is None else ["--fail-on", fail_on]
    assert cli("lint", "a.cfg", *options).code == code


def test_a_budget_decides_what_is_slow(cli: Cli, folder: Path):
    write(folder, a=site("192.0.2.1", "198.51.100.7", dpd=ASKS))
    late = "dpd-slower-than-budget"
    assert late not in rules(cli("lint", "a.cfg", "--format", "json").out)
    assert late in rules(cli("lint", "a.cfg", "--budget", "20", "--format", "json").out)


def test_lines_that_cannot_be_used_are_told_and_are_damage_under_strict(cli: Cli, folder: Path):
    write(folder, a=site("192.0.2.1", "198.51.100.7", dpd="crypto isakmp keepalive 5"))
    result = cli("lint", "a.cfg")
    assert result.code == ExitCode.OK
    assert "line 2: an interval of 5 s: the device takes 10 to 3600 s" in result.out
    assert cli("lint", "a.cfg", "--strict").code == ExitCode.DAMAGE


def test_what_is_no_configuration_is_an_error_with_the_kinds(cli: Cli, folder: Path):
    write(folder, a="*Mar  1 00:00:01.000: ISAKMP:(0): SA request profile is (NULL)\n" * 9)
    result = cli("lint", "a.cfg")
    assert result.code == ExitCode.INPUT
    assert "a.cfg: no configuration is recognised" in result.error
    assert "cisco-ios" in result.error


def test_a_kind_says_what_the_content_does_not(cli: Cli, folder: Path):
    write(folder, a="keepalive 10\nno hint at all\n")
    assert cli("lint", "a.cfg").code == ExitCode.INPUT
    result = cli("lint", "ios:a.cfg")
    assert result.code == ExitCode.OK
    assert "no IPsec connection and no DPD setting in it" in result.out


@pytest.mark.parametrize(
    ("argv", "message"),
    [
        ([], "no configuration"),
        ([""], "an input has an empty name"),
        (["missing.cfg"], "cannot open missing.cfg"),
    ],
)
def test_inputs_that_cannot_be(cli: Cli, folder: Path, argv, message):
    result = cli("lint", *argv)
    assert result.code in (ExitCode.USAGE, ExitCode.INPUT)
    assert message in result.error


def test_a_directory_gives_its_configurations(cli: Cli, folder: Path):
    write(folder, a=site("192.0.2.1", "198.51.100.7", dpd=ASKS))
    (folder / "notes.txt").write_text("call the provider\n", encoding="utf-8")
    (folder / "capture.pcap").write_bytes(b"\xd4\xc3\xb2\xa1" + bytes(100))
    result = cli("lint", ".")
    assert result.code == ExitCode.OK
    assert "R1" in result.out
    assert "2 files are no configuration, passed over (-v names them)" in result.err
    assert "notes.txt: no configuration, passed over" in cli("lint", ".", "-v").err
    assert "notes.txt" not in cli("lint", ".", "-v", "--redact").err


def test_json_has_settings_and_findings(cli: Cli, folder: Path):
    write(folder, a=site("192.0.2.1", "198.51.100.7", dpd=ASKS))
    report = json.loads(cli("lint", "a.cfg", "--format", "json").out)
    assert report["schema_version"] == 1
    assert report["tool"]["name"] == "dpdlab"
    assert report["sources"] == [{"id": "s1", "path": "a.cfg"}]
    (device,) = report["configurations"]
    assert (device["source"], device["device"], device["format"]) == ("s1", "R1", "cisco-ios")
    (setting,) = device["settings"]
    assert setting["remotes"] == ["198.51.100.7"]
    assert setting["ref"] == {"source": "s1", "record": 2}
    policy = setting["policy"]
    assert policy["holder"] == "192.0.2.1"
    assert (policy["mode"], policy["basis"]) == ("periodic", "config")
    assert (policy["interval_s"], policy["retry_s"], policy["worst_case_s"]) == (10, 3, 25)
    (finding,) = report["findings"]
    assert finding["id"] == "f1"
    assert finding["rule"] == "dpd-count-ambiguous-config"


def test_a_strongswan_conf_beside_it_decides_how_charon_gives_up(cli: Cli, folder: Path):
    write(folder, gw=swanctl("192.0.2.1", "198.51.100.7", "dpd_delay = 10s"))
    (folder / "strongswan.conf").write_text(
        "charon {\n  retransmit_tries = 2\n  retransmit_timeout = 2.0\n"
        "  retransmit_base = 1.0\n}\n",
        encoding="utf-8",
    )
    report = json.loads(cli("lint", "gw.cfg", "strongswan.conf", "--format", "json").out)
    (setting,) = report["configurations"][0]["settings"]
    assert setting["policy"]["worst_case_s"] == 10 + 3 * 2
    assert "3 x 2 s" not in cli("lint", "gw.cfg").out


def test_a_strongswan_conf_of_another_directory_is_another_device(cli: Cli, folder: Path):
    write(folder, gw=swanctl("192.0.2.1", "198.51.100.7", "dpd_delay = 10s"))
    for name in ("left", "right"):
        (folder / name).mkdir()
    gateway = swanctl("192.0.2.1", "198.51.100.7", "dpd_delay = 10s")
    (folder / "left" / "swanctl.conf").write_text(gateway, encoding="utf-8")
    (folder / "right" / "swanctl.conf").write_text(gateway, encoding="utf-8")
    (folder / "left" / "strongswan.conf").write_text(
        "charon {\n  retransmit_tries = 1\n}\n", encoding="utf-8"
    )
    names = ["left/swanctl.conf", "right/swanctl.conf", "left/strongswan.conf"]
    devices = json.loads(cli("lint", *names, "--format", "json").out)["configurations"]
    worst = [device["settings"][0]["policy"]["worst_case_s"] for device in devices[:2]]
    assert worst == [pytest.approx(21.2), pytest.approx(175.061)]


def test_pseudonyms_leave_no_name(cli: Cli, folder: Path):
    write(
        folder,
        a=site("192.0.2.1", "198.51.100.7", "198.51.100.8").replace("hostname R1", "hostname ACME"),
        b=site("198.51.100.7", "192.0.2.1", dpd=ASKS).replace("hostname R7", "hostname SITE"),
    )
    for text_format in ("text", "json"):
        result = cli("lint", "a.cfg", "b.cfg", "--redact", "--format", text_format)
        for name in ("ACME", "SITE", "192.0.2", "198.51.100", "a.cfg"):
            assert name not in result.out, name
        assert "device-1" in result.out
        assert "host-1" in result.out
        assert "s1.cfg" in result.out


def test_many_alike_are_folded(cli: Cli, folder: Path):
    entries = "".join(
        f"crypto map M {n} ipsec-isakmp\n set peer 198.51.100.{n}\n match address 1\n"
        for n in range(1, 101)
    )
    write(folder, a=f"hostname R1\n{entries}")
    text = cli("lint", "a.cfg").out
    assert text.count("[no-liveness-mechanism]") == 4
    assert "96 more cases of no-liveness-mechanism (-v tells all)" in text
    assert "88 more peers (-v tells all)" in text
    assert cli("lint", "a.cfg", "-v").out.count("[no-liveness-mechanism]") == 100


def test_text_of_a_configuration_cannot_steer_the_terminal(cli: Cli, folder: Path):
    evil = "R\x1b[31m\x07\u202e1"
    write(
        folder,
        a=site("192.0.2.1", "198.51.100.7", "198.51.100.8").replace("R1", evil)
        + "crypto isakmp keepalive 10 \x1b]0;x\x07\n",
    )
    for text_format in ("text", "json"):
        out = cli("lint", "a.cfg", "--format", text_format).out
        for character in ("\x1b", "\x07", "\u202e"):
            assert character not in out


def test_a_thousand_tunnels_with_both_ends_take_seconds(cli: Cli, folder: Path):
    import time

    entries = "".join(
        f"crypto map M {n} ipsec-isakmp\n set peer 10.{n // 250}.{n % 250}.1\n match address 1\n"
        for n in range(1, 2001)
    )
    write(
        folder,
        a=f"hostname R1\n{ASKS}\n{entries}interface Gi0/0\n ip address 192.0.2.1 255.0.0.0\n"
        " crypto map M\n",
    )
    for n in range(1, 21):
        write(folder, **{f"b{n}": site(f"10.{n // 250}.{n % 250}.1", "192.0.2.1")})
    start = time.process_time()
    result = cli("lint", ".", "--format", "json")
    assert time.process_time() - start < 10
    assert rules(result.out).count("dpd-one-sided-initiator") == 20


def test_what_the_device_shows_of_its_sas_may_be_in_another_file(cli: Cli, folder: Path):
    (together,) = RULE.fires[0]
    config, prompt, output = together.partition("R1#show crypto isakmp sa detail")
    write(folder, a=config, b=prompt + output)
    told = rules(cli("lint", "a.cfg", "b.cfg", "--format", "json").out)
    assert RULE.id in told
    other = (prompt + output).replace("R1#", "R2#")
    write(folder, c=other)
    assert RULE.id not in rules(cli("lint", "a.cfg", "c.cfg", "--format", "json").out)


def test_outputs_alone_are_no_configuration(cli: Cli, folder: Path):
    (together,) = RULE.fires[0]
    write(folder, b=together[together.index("R1#show crypto isakmp") :])
    assert cli("lint", "b.cfg").code == ExitCode.INPUT
