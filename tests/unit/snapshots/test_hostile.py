from __future__ import annotations

import time

from hypothesis import given
from hypothesis import strategies as st

from analyzers.model.snapshot import Snapshot
from analyzers.snapshots.catalogue import LAYOUTS
from analyzers.snapshots.compare import compare, compare_all
from analyzers.snapshots.find import find_snapshots
from tests.unit.snapshots.samples import numbered
from tests.unit.snapshots.test_find import DEBUG, EVERY

ROWS = [row for _, text in EVERY.values() for row in text.splitlines()]
ECHOES = [f"hub#{command}" for command, _ in EVERY.values()]
OUTPUTS = [f"hub#{command}\n{text}hub#".splitlines() for command, text in EVERY.values()]

any_line = st.one_of(
    st.sampled_from(ROWS),
    st.sampled_from(ECHOES),
    st.sampled_from(["", "hub#", DEBUG, "Time source is NTP, 12:00:00.000 UTC Tue Mar 4 2025"]),
    st.text(max_size=200),
)


@st.composite
def mangled(draw: st.DrawFn) -> list[str]:
    """Outputs with lines lost, cut, doubled, joined, exchanged and spliced in."""
    rows = [
        row for output in draw(st.lists(st.sampled_from(OUTPUTS), max_size=3)) for row in output
    ]
    for _ in range(draw(st.integers(0, 8))):
        if not rows:
            break
        at = draw(st.integers(0, len(rows) - 1))
        match draw(st.integers(0, 5)):
            case 0:
                del rows[at]
            case 1:
                rows[at] = rows[at][: draw(st.integers(0, 100))]
            case 2:
                rows.insert(at, draw(any_line))
            case 3:
                rows[at : at + 2] = ["".join(rows[at : at + 2])]
            case 4:
                del rows[at:]
            case _:
                other = draw(st.integers(0, len(rows) - 1))
                rows[at], rows[other] = rows[other], rows[at]
    return rows


def check(found: list[Snapshot], lines: int) -> None:
    for snapshot in found:
        assert 1 <= snapshot.line <= snapshot.last_line <= lines
        assert (snapshot.at_ns is None) or snapshot.clock is not None
        for sa in snapshot.entries:
            assert snapshot.line <= sa.line <= snapshot.last_line
            for spi in (sa.initiator_spi, sa.responder_spi):
                assert len(spi) in {0, 16}
            for child in sa.children:
                assert snapshot.line <= child.line <= snapshot.last_line
                for spi in (child.inbound_spi, child.outbound_spi, *child.further_spis):
                    assert len(spi) in {0, 8}
    changes = compare_all(found)
    for older in found:
        for newer in found:
            compare(older, newer)
    for change in changes:
        if change.silent:
            sent = (change.encaps_packets, change.encaps_bytes)
            came = (change.decaps_packets, change.decaps_bytes)
            assert any(count is not None and count > 0 for count in sent)
            assert any(count == 0 for count in came)


@given(st.lists(any_line, max_size=60))
def test_any_lines(rows):
    check(find_snapshots(numbered_rows(rows)), len(rows))


@given(mangled())
def test_mangled_outputs(rows):
    check(find_snapshots(numbered_rows(rows)), len(rows))


@given(st.lists(st.binary(max_size=120), max_size=30))
def test_any_bytes_as_latin_1(rows):
    texts = [row.decode("latin-1") for row in rows]
    check(find_snapshots(numbered_rows(texts)), len(rows))


@given(st.sampled_from(list(EVERY)), st.integers(0, 60), st.integers(0, 100))
def test_outputs_cut_anywhere(kind, rows, columns):
    command, text = EVERY[kind]
    kept = f"hub#{command}\n{text}".splitlines()[: rows + 1]
    kept[-1] = kept[-1][:columns]
    check(find_snapshots(numbered_rows(kept)), len(kept))


def numbered_rows(rows: list[str]) -> list[tuple[int, str]]:
    return list(enumerate(rows, 1))


def cost_s(lines: list[tuple[int, str]]) -> float:
    start = time.process_time()
    find_snapshots(lines)
    return time.process_time() - start


def test_near_misses_of_every_pattern_cost_no_more_than_their_length():
    parts = ["#", "A", "0", " ", "1.2.3.4 ", "a:", "Tunnel-id ", "name: ", '000 #1: "x" ', "More "]
    for layout in LAYOUTS.values():
        header = next(row for row in ROWS if layout.knows.match(row))
        for part in parts:
            lines = numbered_rows([header, *[(part * 100_000)[:100_000]] * 20])
            assert cost_s(lines) < 1.0, (layout.format, part)


def test_a_hub_of_many_peers_takes_time_in_proportion():
    command, text = EVERY[next(kind for kind in EVERY if "ipsec" in kind)]
    rows = []
    for peer in range(1000):
        rows += text.replace("Tunnel0", f"Tunnel{peer}").splitlines()
    lines = numbered(f"hub#{command}\n" + "\n".join(rows))
    start = time.process_time()
    (snapshot,) = find_snapshots(lines)
    assert len(snapshot.entries) == 1000
    assert time.process_time() - start < 4.0
