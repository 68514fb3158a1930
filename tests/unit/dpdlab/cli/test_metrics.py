from __future__ import annotations

import socket
import threading
import time
import urllib.request

import pytest
from msgspec.structs import replace
from prometheus_client.parser import text_string_to_metric_families

from analyzers.model.exchange import Exchange
from analyzers.session.live_health import SourceHealth
from analyzers.sources.feed import SourceState
from dpdlab.cli import metrics
from dpdlab.cli.diagnostics import UsageError
from dpdlab.cli.metrics import Meter
from dpdlab.cli.metrics_server import MOST_CLIENTS, served
from tests.live_capture import open_descriptors
from tests.model_builders import A, B, answered, at, black_hole, healthy_peer, peer, unanswered

HEALTH = SourceHealth("eth0", "capture", SourceState.OPEN, "", 640, 12.5, 3, (), 1, 2_000_000_000)
Samples = dict[tuple[str, frozenset[tuple[str, str]]], float]


def _scrape(port: int) -> Samples:
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=5) as answer:
        text = answer.read().decode()
    found: Samples = {}
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            key = sample.name, frozenset(sample.labels.items())
            assert key not in found, key
            found[key] = sample.value
    return found


def _key(name: str, **labels: str) -> tuple[str, frozenset[tuple[str, str]]]:
    return f"dpdlab_{name}", frozenset(labels.items())


def _questions(count: int, start_s: float = 0.0) -> tuple[Exchange, ...]:
    """Unanswered questions, one a minute, three transmissions each."""
    made = []
    for number in range(count):
        moment = start_s + 60 * number
        sent = unanswered().transmissions
        moved = tuple(replace(t, at_ns=t.at_ns + at(moment) - at(0)) for t in sent)
        made.append(unanswered(id=f"x{number}", transmissions=moved))
    return tuple(made)


def test_what_a_scrape_says_of_a_peer_and_of_its_source():
    with served("127.0.0.1", 0) as (meter, port):
        meter.update([peer(), healthy_peer()], [HEALTH], at(30), 7)
        said = _scrape(port)
    pair = {"local": A, "remote": B}
    assert said[_key("peer_state", **pair, state="dead")] == 1
    assert said[_key("peer_state", **pair, state="alive")] == 0
    assert said[_key("peer_last_proof_age_seconds", **pair)] == 18
    assert said[_key("peer_rtt_seconds", **pair)] == pytest.approx(0.016)
    assert said[_key("peer_probes_total", **pair, prober="local")] == 2
    assert said[_key("peer_retries_total", **pair, prober="local")] == 2
    assert said[_key("peer_unanswered_total", **pair, prober="local")] == 1
    assert said[_key("peer_probes_total", **pair, prober="remote")] == 0
    assert said[_key("peer_black_hole_seconds", **pair, sender="local", bound="min")] == 6.1
    assert said[_key("peer_black_hole_seconds", **pair, sender="local", bound="max")] == 13.9
    assert said[_key("peers", state="dead")] == said[_key("peers", state="alive")] == 1
    assert said[_key("events_forgotten_total")] == 7
    source = {"source": "eth0", "kind": "capture"}
    assert said[_key("source_up", **source)] == 1
    assert said[_key("source_records_total", **source)] == 640
    assert said[_key("source_records_per_second", **source)] == 12.5
    assert said[_key("source_dropped_total", **source)] == 3
    assert said[_key("source_restarts_total", **source)] == 1
    assert said[_key("source_silent_seconds", **source)] == 2


def test_a_source_that_broke_off_is_down():
    with served("127.0.0.1", 0) as (meter, port):
        meter.update([], [replace(HEALTH, state=SourceState.WAITING, silent_ns=None)], at(0))
        said = _scrape(port)
    source = {"source": "eth0", "kind": "capture"}
    assert said[_key("source_up", **source)] == 0
    assert _key("source_silent_seconds", **source) not in said


def test_counts_survive_what_is_kept_no_more():
    meter = Meter()
    questions = _questions(500)
    for end in range(1, 501):
        kept = questions[max(0, end - 100) : end]
        meter.update([peer(exchanges=kept)], [], at(0))
        assert _counted(meter, "peer_probes") == end
    assert _counted(meter, "peer_retries") == 1000
    assert _counted(meter, "peer_unanswered") == 500


def test_counters_never_go_back():
    meter = Meter()
    meter.update([peer(exchanges=(answered(), unanswered()))], [], at(0))
    settled = replace(unanswered(), outcome=answered().outcome, answer=answered().answer)
    meter.update([peer(exchanges=(answered(), settled))], [], at(0))
    assert _counted(meter, "peer_unanswered") == 1


def _counted(meter: Meter, name: str) -> float:
    (family,) = [each for each in meter.metrics() if each.name == f"dpdlab_{name}"]
    return sum(sample.value for sample in family.samples)


def test_the_number_of_peers_with_series_is_bounded(monkeypatch):
    monkeypatch.setattr(metrics, "MOST_PEERS", 3)
    peers = [healthy_peer(id=f"p{n}", remote=f"198.51.100.{n}") for n in range(8)]
    with served("127.0.0.1", 0) as (meter, port):
        meter.update(peers, [], at(0))
        said = _scrape(port)
    remotes = {dict(labels)["remote"] for _, labels in said if "remote" in dict(labels)}
    assert remotes == {"198.51.100.0", "198.51.100.1", "198.51.100.2"}
    assert said[_key("peers_without_series")] == 5
    assert said[_key("peers", state="alive")] == 8


@pytest.mark.parametrize(
    "name", ['a"b', "a\\b", 'a\nb{c="d"} 1\n', "a\x1b[31mb", "a\udc80b", "x" * 9999]
)
def test_labels_are_no_way_in(name):
    with served("127.0.0.1", 0) as (meter, port):
        meter.update([peer(remote=name)], [replace(HEALTH, name=name)], at(0))
        said = _scrape(port)
    names = {dict(labels)["source"] for _, labels in said if "source" in dict(labels)}
    (told,) = names
    assert told[0] == name[0]
    assert len(told) <= 200
    assert told.isprintable()


def test_two_of_one_name_are_one_series():
    with served("127.0.0.1", 0) as (meter, port):
        meter.update([peer(), peer(id="p2")], [HEALTH, HEALTH], at(0))
        assert _scrape(port)[_key("peer_state", local=A, remote=B, state="dead")] == 1


def test_black_holes_of_both_sides_are_told_apart():
    holes = (black_hole(), black_hole(sender=B, receiver=A, min_seconds=1.0, max_seconds=2.0))
    with served("127.0.0.1", 0) as (meter, port):
        meter.update([peer(black_holes=holes)], [], at(0))
        said = _scrape(port)
    pair = {"local": A, "remote": B, "bound": "max"}
    assert said[_key("peer_black_hole_seconds", **pair, sender="remote")] == 2
    assert said[_key("peer_black_hole_seconds", **pair, sender="local")] == 13.9


def test_an_address_in_use_is_a_clear_error():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with (
            pytest.raises(UsageError, match=f"127.0.0.1:{port}.*in use"),
            served("127.0.0.1", port),
        ):
            pass


def test_nothing_is_left_behind_also_with_clients_that_say_nothing():
    with served("127.0.0.1", 0) as (meter, port):
        meter.update([peer()], [HEALTH], at(0))
        _scrape(port)
    descriptors, threads = open_descriptors(), threading.active_count()
    for _ in range(3):
        idle = []
        with served("127.0.0.1", 0) as (meter, port):
            meter.update([peer()], [HEALTH], at(0))
            _scrape(port)
            idle += [socket.create_connection(("127.0.0.1", port)) for _ in range(3)]
            time.sleep(0.1)
            began = time.monotonic()
        assert time.monotonic() - began < 0.5
        for client in idle:
            client.close()
    assert (open_descriptors(), threading.active_count()) == (descriptors, threads)


def test_many_idle_clients_do_not_grow_without_end():
    with served("127.0.0.1", 0) as (_, port):
        before = threading.active_count()
        idle = [socket.create_connection(("127.0.0.1", port)) for _ in range(3 * MOST_CLIENTS)]
        time.sleep(0.3)
        assert threading.active_count() - before <= MOST_CLIENTS
        for client in idle:
            client.close()


def test_other_methods_are_refused():
    with served("127.0.0.1", 0) as (_, port):
        request = urllib.request.Request(f"http://127.0.0.1:{port}/", b"x", method="POST")
        with pytest.raises(urllib.error.HTTPError, match="405") as refused:
            urllib.request.urlopen(request, timeout=5)
        refused.value.close()
