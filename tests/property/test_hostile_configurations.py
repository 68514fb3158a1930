"""Configurations cut, joined, reordered and spliced: values or problems, and lint that holds."""

from __future__ import annotations

import random
from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from analyzers.configs.catalogue import READERS, detect, read_configurations
from analyzers.configs.lines import split_lines
from analyzers.model.configuration import Configuration
from analyzers.rules.catalogue import lint
from analyzers.rules.configuration.estate import Estate

SAMPLES = Path(__file__).parents[2] / "sample_pcaps"
TEXTS = [
    path.read_text(encoding="utf-8")
    for path in sorted(SAMPLES.glob("configs/*.c*")) + sorted(SAMPLES.glob("*/swanctl-a.conf"))[:2]
]
DEBUG = "*Mar  1 00:01:02.003: ISAKMP:(1001): sending packet to 198.51.100.7 my_port 500"
TOKENS = (
    "crypto", "isakmp", "keepalive", "ikev2", "dpd", "map", "interface", "Tunnel1", "set", "peer",
    "10", "0", "periodic", "198.51.100.7", "conn", "{", "}", "=", "dpd_delay", "config", "edit",
    "next", "end", "tunnel-group", "ipsec-attributes", "threshold", "infinite", "2001:db8::1",
    "255.255.255.0", "!", "#", "router", "bgp", "neighbor", "timers", "network", "99999999999",
    "\x00", "é", "standby", "redundancy", "tunnel", "protection", "ipsec", "profile", "\t",
)  # fmt: skip


def holds(configurations: tuple[Configuration, ...], text: str) -> None:
    """Everything that is said has a place in the text."""
    lines = len(split_lines(text))
    refs = [setting.ref for c in configurations for setting in c.dpd]
    refs += [connection.ref for c in configurations for connection in c.connections]
    refs += [timer.ref for c in configurations for timer in c.routing]
    refs += [p.ref for c in configurations for p in c.problems if p.ref is not None]
    for configuration in configurations:
        for setting in configuration.dpd:
            worst_s = setting.policy.worst_case_s
            assert worst_s is None or worst_s >= 0
    for finding in lint(Estate(configurations)):
        assert finding.refs
        assert finding.detail
        refs += finding.refs
    for ref in refs:
        assert ref.source == "s1"
        assert 1 <= ref.record <= lines


@settings(max_examples=150, suppress_health_check=[HealthCheck.too_slow])
@given(st.sampled_from(TEXTS), st.integers(0, 2**32))
def test_damaged_configurations(text: str, seed: int):
    chance = random.Random(seed)
    lines = text.splitlines()
    for _ in range(chance.randint(1, 12)):
        place = chance.randrange(len(lines))
        match chance.randrange(7):
            case 0:
                lines[place] = lines[place][: chance.randint(0, len(lines[place]))]
            case 1:
                lines[place : place + 2] = ["".join(lines[place : place + 2])]
            case 2:
                lines.insert(chance.randrange(len(lines)), lines[place])
            case 3:
                lines.insert(place, DEBUG)
            case 4:
                lines[place] = lines[place].strip()
            case 5:
                words = lines[place].split()
                chance.shuffle(words)
                lines[place] = " ".join(words)
            case _:
                del lines[place]
        lines = lines or [""]
    damaged = "\n".join(lines)
    holds(read_configurations(damaged, "s1"), damaged)
    for reader in READERS:
        holds(read_configurations(damaged, "s1", reader.format), damaged)


@settings(max_examples=200)
@given(st.lists(st.lists(st.sampled_from(TOKENS), max_size=8), max_size=25))
def test_words_of_configurations_in_any_order(lines: list[list[str]]):
    text = "\n".join(" ".join(line) for line in lines)
    for reader in READERS:
        holds(read_configurations(text or "!", "s1", reader.format), text or "!")


@settings(max_examples=200)
@given(st.text(max_size=400))
def test_any_text_is_refused_or_read(text: str):
    detect(text)
    holds(read_configurations(text, "s1"), text)
