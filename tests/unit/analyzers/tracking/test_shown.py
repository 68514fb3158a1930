"""What devices showed of their SAs: which peer it is about, and what counters prove."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec.structs import replace

from analyzers.model.black_hole import BlackHoleClass
from analyzers.model.peer import LocalBasis, PeerState, PeerView
from analyzers.model.policy import PolicyBasis, PolicyMode
from analyzers.model.records import Confidence, Ref
from analyzers.model.snapshot import (
    ChangeKind,
    ChildSnapshot,
    CounterChange,
    DpdSetting,
    SaRole,
    SaSnapshot,
    Snapshot,
    SnapshotFormat,
)
from analyzers.tracking.shown import Shown, with_shown
from tests.model_builders import A, B, answered, at, black_hole, esp_flow, healthy_peer, peer

C = "192.0.2.3"
IPSEC = SnapshotFormat.CISCO_IPSEC_SA


def entry(local: str = A, remote: str = B, **parts: Any) -> SaSnapshot:
    known: dict[str, Any] = {"line": 12, "local": local, "remote": remote, "state": "ACTIVE"}
    return SaSnapshot(**(known | parts))


def child(out: int, came: int, spis: tuple[str, str] = ("aaaa0001", "bbbb0001")) -> ChildSnapshot:
    return ChildSnapshot(
        line=14,
        inbound_spi=spis[0],
        outbound_spi=spis[1],
        encaps_packets=out,
        decaps_packets=came,
    )


def snapshot(*entries: SaSnapshot, at_ns: int | None = at(10)) -> Snapshot:
    return Snapshot(
        IPSEC, 10, 20, command="show crypto ipsec sa", at_ns=at_ns, entries=tuple(entries)
    )


def change(local: str = A, remote: str = B, **parts: Any) -> CounterChange:
    known: dict[str, Any] = {
        "format": IPSEC,
        "kind": ChangeKind.COUNTED,
        "local": local,
        "remote": remote,
        "name": "",
        "flow": "",
        "inbound_spi": "aaaa0001",
        "outbound_spi": "bbbb0001",
        "encaps_packets": 120,
        "encaps_bytes": 12_000,
        "decaps_packets": 0,
        "decaps_bytes": 0,
        "encap_errors": 0,
        "decap_errors": 0,
        "silent": True,
        "from_ns": at(100),
        "to_ns": at(130),
        "clock": None,
        "times_exact": True,
        "elapsed_s": 30.0,
        "last_inbound_s": None,
        "older_source": "s2",
        "newer_source": "s2",
        "older_line": 14,
        "newer_line": 44,
        "evidence": "Child SA with 192.0.2.2: 120 packets sent, 0 packets received",
    }
    return CounterChange(**(known | parts))


def shown(*snapshots: Snapshot, changes: tuple[CounterChange, ...] = ()) -> Shown:
    return Shown("s2", snapshots, changes)


def quiet(**parts: Any) -> PeerView:
    """A peer of which nothing bad is known."""
    return healthy_peer(**({"id": "p1", "remote": B, "addresses": (B,)} | parts))


# --- which peer ----------------------------------------------------------------------------------


def test_an_output_is_about_the_peer_with_its_ends() -> None:
    other = quiet(id="p2", remote=C, addresses=(C,))
    first, second = with_shown([quiet(), other], [shown(snapshot(entry()))], 3.0)
    (sa,) = first.shown
    assert (sa.command, sa.state, sa.ref, sa.at_ns) == (
        "show crypto ipsec sa",
        "ACTIVE",
        Ref("s2", 12),
        at(10),
    )
    assert second.shown == ()


@pytest.mark.parametrize(("local", "remote"), [(A, B), (B, A), ("", B), ("10.0.0.5", B)], ids=str)
def test_either_end_may_show_it(local: str, remote: str) -> None:
    (view,) = with_shown([quiet()], [shown(snapshot(entry(local, remote)))], 3.0)
    assert len(view.shown) == 1


def test_spis_tell_more_than_addresses() -> None:
    """Two peers of one remote address: the SPI says which of them it is."""
    clients = [
        quiet(id="p1", esp_flows=(esp_flow(spi="11110000"),)),
        quiet(id="p2", esp_flows=(esp_flow(spi="bbbb0001"),)),
    ]
    first, second = with_shown(clients, [shown(snapshot(entry(children=(child(5, 5),))))], 3.0)
    assert (len(first.shown), len(second.shown)) == (0, 1)


def test_a_peer_that_only_was_shown_comes_last() -> None:
    first, second = with_shown([quiet()], [shown(snapshot(entry("", C)))], 3.0)
    assert first.shown == ()
    assert (second.id, second.local, second.remote) == ("p2", "local", C)
    assert (second.state, second.confidence) == (PeerState.UNKNOWN, Confidence.SUSPECT)
    assert second.local_basis is LocalBasis.LOG
    assert (second.first_ns, second.last_ns) == (at(10), at(10))


def test_spokes_that_only_were_shown_are_found_again_behind_one_hub() -> None:
    hub, spokes = "203.0.113.1", [f"198.51.100.{n}" for n in range(1, 201)]
    outputs = [snapshot(*(entry(hub, spoke) for spoke in spokes)) for _ in range(2)]
    of_hub = [quiet(id="p1", local=hub, remote=spokes[7], addresses=(spokes[7],))]
    views = with_shown(of_hub, [shown(*outputs)], 3.0)
    assert [view.remote for view in views] == [spokes[7], *spokes[:7], *spokes[8:]]
    assert {len(view.shown) for view in views} == {2}


def test_an_output_that_names_nobody_is_about_nobody() -> None:
    assert with_shown([], [shown(snapshot(entry("", "")))], 3.0) == ()
    (view,) = with_shown([quiet()], [shown(snapshot(entry("", "")))], 3.0)
    assert view.shown == ()


def test_dpd_in_force_and_counters() -> None:
    setting = DpdSetting(True, 10, 2, evidence="DPD configured for 10 seconds, retry 2")
    with_children = entry(dpd=setting, age_s=77, children=(child(5, 4), child(7, 6)))
    (view,) = with_shown([quiet()], [shown(snapshot(with_children))], 3.0)
    (sa,) = view.shown
    assert (sa.dpd_active, sa.interval_s, sa.retry_s, sa.uptime_s) == (True, 10, 2, 77)
    assert sa.dpd == "DPD configured for 10 seconds, retry 2"
    assert (sa.encaps_packets, sa.decaps_packets) == (12, 10)
    assert sa.spis == ("aaaa0001", "bbbb0001")


def test_what_an_output_does_not_say_is_unknown() -> None:
    (view,) = with_shown([quiet()], [shown(snapshot(entry(), at_ns=None))], 3.0)
    (sa,) = view.shown
    assert (sa.at_ns, sa.dpd_active, sa.dpd, sa.encaps_packets) == (None, None, None, None)


def test_very_many_outputs_are_kept_within_bounds() -> None:
    (view,) = with_shown([quiet()], [shown(*[snapshot(entry())] * 5000)], 3.0)
    assert len(view.shown) == 200


# --- counters ------------------------------------------------------------------------------------


def test_packets_out_and_none_in_are_a_black_hole() -> None:
    (view,) = with_shown([quiet()], [shown(changes=(change(),))], 3.0)
    (hole,) = view.black_holes
    assert (hole.sender, hole.receiver) == (A, B)
    assert (hole.first_exposed_ns, hole.stop_ns) == (at(100), at(130))
    assert (hole.min_seconds, hole.max_seconds) == (0.0, 30.0)
    assert (hole.min_packets, hole.max_packets, hole.max_bytes) == (0, 120, 12_000)
    assert hole.confidence is Confidence.SUSPECT
    assert hole.refs == (Ref("s2", 14), Ref("s2", 44))
    assert (hole.spis, hole.traffic_known, hole.counted_least, hole.counted_most) == (
        (),
        False,
        120,
        120,
    )
    (hint,) = view.hints
    assert (hint.at_ns, hint.sender, hint.ref) == (at(130), A, Ref("s2", 44))
    assert "120 packets sent" in hint.text


def test_one_child_sa_is_silent_beside_others() -> None:
    """The spokes' other Child SA brings packets at the same time, by counters or in a capture."""
    came = change(silent=False, decaps_packets=7, inbound_spi="cccc0001", outbound_spi="dddd0001")
    (view,) = with_shown([quiet()], [shown(changes=(change(), came))], 3.0)
    assert view.black_holes[0].spis == ("aaaa0001", "bbbb0001")
    flow = esp_flow(spi="cccc0001", sender=B, receiver=A, first_ns=at(90), last_ns=at(140))
    (view,) = with_shown([quiet(esp_flows=(flow,))], [shown(changes=(change(),))], 3.0)
    assert view.black_holes[0].spis == ("aaaa0001", "bbbb0001")


def test_the_device_that_shows_it_is_the_one_that_sends() -> None:
    (view,) = with_shown([quiet()], [shown(changes=(change(B, A),))], 3.0)
    (hole,) = view.black_holes
    assert (hole.sender, hole.receiver) == (B, A)
    assert view.hints[0].sender == B


def test_the_device_says_since_when_nothing_has_come() -> None:
    (view,) = with_shown([quiet()], [shown(changes=(change(last_inbound_s=12),))], 3.0)
    (hole,) = view.black_holes
    assert (hole.first_exposed_ns, hole.max_seconds) == (at(118), 12.0)
    (before,) = with_shown([quiet()], [shown(changes=(change(last_inbound_s=500),))], 3.0)
    assert before.black_holes[0].first_exposed_ns == at(100)


@pytest.mark.parametrize(
    "parts",
    [
        {"silent": False},
        {"from_ns": None, "to_ns": None},
        {"to_ns": at(102)},
        {"to_ns": at(90)},
    ],
    ids=["packets came", "no times", "shorter than is reported", "backwards"],
)
def test_what_is_no_black_hole(parts: dict[str, Any]) -> None:
    (view,) = with_shown([quiet()], [shown(changes=(change(**parts),))], 3.0)
    assert view.black_holes == ()


def test_counters_without_times_are_told_as_a_hint() -> None:
    silent = change(from_ns=None, to_ns=None)
    (view,) = with_shown([quiet()], [shown(changes=(silent,))], 3.0)
    assert len(view.hints) == 1


def test_what_the_capture_shows_is_not_told_again() -> None:
    known = peer()
    (hole,) = known.black_holes
    inside = change(from_ns=hole.stop_ns - 5 * 10**9, to_ns=hole.stop_ns + 10**9)
    (view,) = with_shown([known], [shown(changes=(inside,))], 3.0)
    assert view.black_holes == known.black_holes


@pytest.mark.parametrize(
    ("spans", "least", "most"),
    [
        ([(15, 20)], 120, None),
        ([(14, 18), (18, 24)], 240, None),
        ([(10, 30)], None, 120),
        ([(10, 30), (15, 20)], 120, 120),
        # Neither in it nor around it: what of them went into it is not known.
        ([(10, 20)], None, None),
        ([(20, 30)], None, None),
    ],
)
def test_counters_bound_what_a_log_does_not_show(
    spans: list[tuple[float, float]], least: int | None, most: int | None
) -> None:
    """The black hole is from 12.2 to 26.1 s."""
    hole = black_hole(traffic_known=False, sender=A, receiver=B)
    changes = tuple(change(from_ns=at(first), to_ns=at(last)) for first, last in spans)
    (view,) = with_shown([quiet(black_holes=(hole,))], [shown(changes=changes)], 3.0)
    assert [(h.counted_least, h.counted_most) for h in view.black_holes] == [(least, most)]


def test_the_same_counters_in_two_commands_are_counted_once() -> None:
    hole = black_hole(traffic_known=False, sender=A, receiver=B)
    parts: dict[str, Any] = {"from_ns": at(15), "to_ns": at(20)}
    changes = (change(**parts), change(format=SnapshotFormat.IOS_CRYPTO_SESSION, **parts))
    (view,) = with_shown([quiet(black_holes=(hole,))], [shown(changes=changes)], 3.0)
    assert view.black_holes[0].counted_least == 120


@pytest.mark.parametrize("parts", [{"local": B, "remote": A}, {"encaps_packets": None}])
def test_counters_of_the_other_end_or_of_bytes_bound_no_packets(parts: dict[str, Any]) -> None:
    hole = black_hole(traffic_known=False, sender=A, receiver=B)
    silent = change(**({"from_ns": at(15), "to_ns": at(20)} | parts))
    (view,) = with_shown([quiet(black_holes=(hole,))], [shown(changes=(silent,))], 3.0)
    assert view.black_holes[0].counted_least is None


def test_answered_questions_leave_the_data_plane() -> None:
    asked = answered()
    (view,) = with_shown(
        [quiet(exchanges=(asked,))],
        [shown(changes=(change(from_ns=asked.first_ns - 10**10, to_ns=asked.first_ns + 10**10),))],
        3.0,
    )
    assert view.black_holes[0].black_hole_class is BlackHoleClass.DATA_PLANE


def test_nobody_asked() -> None:
    asked = quiet(exchanges=(answered(),))
    (view,) = with_shown([asked], [shown(changes=(change(),))], 3.0)
    assert view.black_holes[0].black_hole_class is BlackHoleClass.MISSING_DPD


def test_a_peer_of_which_nothing_else_is_known_is_in_doubt() -> None:
    (view,) = with_shown([], [shown(snapshot(entry()), changes=(change(),))], 3.0)
    assert view.state is PeerState.QUESTIONABLE
    assert [s.state for s in view.states] == [PeerState.UNKNOWN, PeerState.QUESTIONABLE]
    assert view.black_holes[0].black_hole_class is BlackHoleClass.OPEN


CAME = {"silent": False, "encaps_packets": 300, "decaps_packets": 300}


@pytest.mark.parametrize(
    ("changes", "state", "confidence"),
    [
        ([CAME], PeerState.ALIVE, Confidence.INFERRED),
        ([CAME | {"elapsed_s": 3600.0}], PeerState.UNKNOWN, Confidence.SUSPECT),
        ([CAME | {"elapsed_s": None}], PeerState.UNKNOWN, Confidence.SUSPECT),
        ([CAME | {"decaps_packets": 0}], PeerState.UNKNOWN, Confidence.SUSPECT),
        ([{}, CAME], PeerState.ALIVE, Confidence.INFERRED),
        (
            [CAME, {"older_line": 44, "newer_line": 74, "from_ns": at(130), "to_ns": at(160)}],
            PeerState.QUESTIONABLE,
            Confidence.SUSPECT,
        ),
        (
            [{}, CAME | {"older_line": 44, "newer_line": 74, "from_ns": at(130)}],
            PeerState.ALIVE,
            Confidence.INFERRED,
        ),
    ],
    ids=["came", "long ago", "no times", "nothing at all", "beside", "then silent", "came back"],
)
def test_a_peer_that_only_counters_show_is_as_they_last_show_it(
    changes: list[dict[str, Any]], state: PeerState, confidence: Confidence
) -> None:
    known = shown(snapshot(entry()), changes=tuple(change(**parts) for parts in changes))
    (view,) = with_shown([], [known], 3.0)
    assert (view.state, view.confidence) == (state, confidence)
    assert view.states[-1].state is state


def test_everything_of_a_peer_is_in_the_order_of_time() -> None:
    """A counter may be of before what the capture shows."""
    later = black_hole(first_exposed_ns=at(1000), last_proof_ns=at(999), stop_ns=at(1100))
    (view,) = with_shown([peer(black_holes=(later,), hints=())], [shown(changes=(change(),))], 3.0)
    assert [h.stop_ns for h in view.black_holes] == [at(130), at(1100)]


# --- IKE SAs and policies ------------------------------------------------------------------------

V2 = SnapshotFormat.IOS_IKEV2_SA
SPIS = {"initiator_spi": "0a1b2c3d4e5f6071", "responder_spi": "8192a3b4c5d6e7f8"}


def v2_entry(**parts: Any) -> SaSnapshot:
    known: dict[str, Any] = {
        "ike_version": 2,
        "role": SaRole.INITIATOR,
        "state": "READY",
        "age_s": 7,
        **SPIS,
    }
    return entry(**(known | parts))


def v2(*entries: SaSnapshot, at_ns: int | None = at(10)) -> Snapshot:
    return replace(snapshot(*entries, at_ns=at_ns), format=V2, command="show crypto ikev2 sa")


def test_an_ike_sa_that_only_was_shown() -> None:
    (view,) = with_shown([], [shown(v2(v2_entry()), v2(v2_entry(age_s=27), at_ns=at(30)))], 3.0)
    (sa,) = view.ike_sas
    assert (sa.ike_version, sa.initiator, sa.responder) == (2, A, B)
    assert (sa.initiator_spi, sa.responder_spi) == tuple(SPIS.values())
    assert (sa.first_ns, sa.established_ns, sa.last_ns) == (at(3), at(3), at(30))
    assert view.ike_versions == (2,)


def test_the_peer_may_have_begun() -> None:
    (view,) = with_shown([], [shown(v2(v2_entry(role=SaRole.RESPONDER)))], 3.0)
    assert (view.ike_sas[0].initiator, view.ike_sas[0].responder) == (B, A)


@pytest.mark.parametrize(
    "parts",
    [{"role": None}, {"state": "MM_NO_STATE ACTIVE (deleted)"}, {"state": "CONNECTING"}],
    ids=["nobody tells who began", "gone", "not yet up"],
)
def test_what_is_no_ike_sa_to_tell_of(parts: dict[str, Any]) -> None:
    (view,) = with_shown([], [shown(v2(v2_entry(**parts)))], 3.0)
    assert view.ike_sas == ()
    assert view.ike_versions == (2,)


def test_when_an_ike_sa_came_up_is_unknown_without_times() -> None:
    (view,) = with_shown([], [shown(v2(v2_entry(), at_ns=None))], 3.0)
    assert view.ike_sas[0].established_ns is None


def test_a_peer_that_something_else_tells_of_keeps_its_ike_sas() -> None:
    known = quiet()
    (view,) = with_shown([known], [shown(v2(v2_entry(dpd=DpdSetting(True, 60, 3))))], 3.0)
    assert (view.ike_sas, view.policies) == (known.ike_sas, known.policies)


def test_dpd_in_force_is_the_policy_of_the_device() -> None:
    setting = DpdSetting(True, 60, 3, evidence="DPD configured for 60 seconds, retry 3", line=21)
    (view,) = with_shown([], [shown(v2(v2_entry(dpd=setting)))], 3.0)
    (policy,) = view.policies
    assert (policy.holder, policy.basis, policy.mode) == (A, PolicyBasis.CONFIG, PolicyMode.UNKNOWN)
    assert (policy.interval_s, policy.retry_s, policy.worst_case_s) == (60, 3, 75)
    assert policy.ref == Ref("s2", 21)
    assert "'DPD configured for 60 seconds, retry 3' in show crypto ikev2 sa" in policy.evidence


def test_of_a_product_whose_schedule_is_not_told_the_interval_is_known() -> None:
    setting = DpdSetting(True, 20, None, retries=3, evidence="idle=20000ms")
    (view,) = with_shown([], [shown(snapshot(entry(dpd=setting)))], 3.0)
    (policy,) = view.policies
    assert (policy.interval_s, policy.retries, policy.worst_case_s) == (20, 3, None)
