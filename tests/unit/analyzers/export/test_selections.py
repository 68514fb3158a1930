from __future__ import annotations

import json

import pytest

from analyzers.export import json_writer, jsonl_writer
from analyzers.export.content import Content
from analyzers.export.redact import redacted
from analyzers.export.selections import MAX_FRAMES, MAX_MESSAGES, Selection, Selector
from analyzers.model.exchange import NO_MESSAGE_ID
from analyzers.model.finding import Finding, Severity
from analyzers.model.observations import Encapsulation, IkeMessage, MessageKind
from analyzers.model.records import Confidence, Ref
from tests.model_builders import (
    A,
    B,
    black_hole,
    esp_flow,
    ike_message,
    peer,
    ref,
    source,
)

LOG = source(id="s2", kind="log")


def message(record: int = 21, **changes) -> IkeMessage:
    return ike_message(record, record, **changes)


def finding(*refs: Ref, of: str | None = "p1") -> Finding:
    severity, confidence = Severity.WARNING, Confidence.CERTAIN
    return Finding("dpd-no-ack", severity, confidence, "", "", "", "", refs, peer=of)


def selected(*messages: IkeMessage, refs: tuple[Ref, ...] = (), **changes) -> Selection:
    view = peer(messages=messages, **changes)
    chosen = refs or tuple(m.ref for m in messages)
    return Selector([source(), LOG], [view]).of_finding(finding(*chosen))


def test_a_message_of_ikev2():
    selection = selected(message())
    assert selection.frames == {"s1": "frame.number in {21}"}
    assert selection.display_filter == (
        f"ip.src == {A} && ip.dst == {B} && isakmp.ispi == a4:1a:c1:a6:92:5b:eb:a8"
        " && isakmp.rspi == 0b:6a:2d:51:c2:f8:e7:13 && isakmp.flag_r == 0"
        " && isakmp.messageid == 0x00000007 && !icmp && !icmpv6"
    )
    assert selection.bpf == (
        f"src host {A} and dst host {B} and udp"
        " and udp[8:4] = 0xa41ac1a6 and udp[12:4] = 0x925beba8"
        " and udp[16:4] = 0x0b6a2d51 and udp[20:4] = 0xc2f8e713"
        " and udp[27] & 0x20 = 0 and udp[28:4] = 0x00000007"
    )


def test_behind_the_marker_everything_is_four_octets_later():
    bpf = selected(message(encapsulation=Encapsulation.NON_ESP_MARKER)).bpf
    assert bpf is not None
    assert "udp[8:4] = 0 and udp[12:4] = 0xa41ac1a6" in bpf
    assert bpf.endswith("udp[31] & 0x20 = 0 and udp[32:4] = 0x00000007")


def test_ipv6_counts_from_its_header():
    selection = selected(message(src="2001:db8::1", dst="2001:db8::2"))
    assert selection.display_filter is not None
    assert selection.bpf is not None
    assert "ipv6.src == 2001:db8::1" in selection.display_filter
    assert "ip6[6] = 17 and ip6[48:4] = 0xa41ac1a6" in selection.bpf
    assert selection.bpf.endswith("ip6[68:4] = 0x00000007")
    assert "udp[" not in selection.bpf


def test_an_answer_is_told_from_a_question():
    bpf = selected(message(flags=0x20)).bpf
    assert bpf is not None
    assert "udp[27] & 0x20 != 0" in bpf


def test_ikev1_messages_of_one_id_are_told_by_their_length():
    selection = selected(message(version=1, flags=1, length=108))
    assert "isakmp.length == 108" in (selection.display_filter or "")
    assert "udp[32:4] = 108" in (selection.bpf or "")
    assert "flag_r" not in (selection.display_filter or "")


def test_fragments_have_lengths_of_their_own():
    fragmented = message(version=1, refs=(ref(20), ref(21)))
    assert "length" not in (selected(fragmented).display_filter or "")


def test_messages_of_one_sa_and_direction_share_a_clause():
    selection = selected(*(message(i, message_id=i) for i in (1, 2, 3)))
    assert selection.frames == {"s1": "frame.number in {1..3}"}
    assert selection.display_filter is not None
    assert selection.display_filter.count("isakmp.ispi") == 1
    assert "isakmp.messageid in {0x00000001, 0x00000002, 0x00000003}" in selection.display_filter
    assert (selection.bpf or "").count("src host") == 1


def test_many_messages_are_taken_by_their_sa():
    selection = selected(*(message(i, message_id=i) for i in range(MAX_MESSAGES + 1)))
    assert "messageid" not in (selection.display_filter or "")
    assert len(selection.bpf or "") < 300


def test_many_frames_have_no_filter_by_number():
    refs = tuple(ref(i) for i in range(1, MAX_FRAMES + 2))
    assert selected(message(), refs=refs).frames == {}
    assert selected(message(), refs=refs[:-1]).frames == {
        "s1": f"frame.number in {{1..{MAX_FRAMES}}}"
    }


def test_runs_of_frames():
    refs = tuple(ref(i) for i in (9, 1, 2, 4, 5, 6, 9))
    assert selected(message(), refs=refs).frames["s1"] == "frame.number in {1, 2, 4..6, 9}"


def test_lines_of_a_log_have_no_frames_but_name_the_packets():
    told = message(ref=Ref("s2", 12), kind=MessageKind.SA_INIT, message_id=0, length=0)
    selection = selected(told)
    assert selection.frames == {}
    assert selection.display_filter is not None
    assert "isakmp.rspi" not in selection.display_filter
    # Whether there was a marker, the log does not tell.
    assert " or (udp and udp[8:4] = 0 and udp[12:4] = 0xa41ac1a6" in (selection.bpf or "")


def test_what_a_log_does_not_say_is_left_open():
    told = message(
        ref=Ref("s2", 12), initiator_spi="", responder_spi="", message_id=NO_MESSAGE_ID + 4
    )
    selection = selected(told)
    assert selection.display_filter is not None
    assert "isakmp" in selection.display_filter
    assert "messageid" not in selection.display_filter
    assert "ispi" not in selection.display_filter


def test_one_message_without_its_id_opens_the_clause():
    known, unknown = (
        message(i, ref=Ref("s2", i), message_id=m) for i, m in ((1, 7), (2, NO_MESSAGE_ID))
    )
    assert "messageid" not in (selected(known, unknown).display_filter or "")


@pytest.mark.parametrize("address", ["host-1", "192.0.x.x", "", "fe80::1%eth0"])
def test_what_is_no_address_selects_nothing(address):
    # Pseudonyms above all: a filter must not look as if it could work.
    selection = selected(message(src=address), local=address)
    assert selection.display_filter is None
    assert selection.bpf is None
    assert selection.frames == {"s1": "frame.number in {21}"}


def test_messages_in_tcp_have_no_fixed_place():
    selection = selected(message(encapsulation=Encapsulation.TCP))
    assert selection.bpf == f"src host {A} and dst host {B} and tcp"
    assert "isakmp.messageid == 0x00000007" in (selection.display_filter or "")


def test_a_finding_without_packets_selects_its_peer():
    selection = selected(message(), refs=(ref(999),), addresses=(B, "198.51.100.9"))
    assert selection.display_filter is not None
    assert f"ip.addr == {A} && ip.addr == 198.51.100.9" in selection.display_filter
    assert "host 198.51.100.9" in (selection.bpf or "")


def test_a_finding_about_no_peer_and_no_packet_selects_nothing():
    selector = Selector([source()], [peer()])
    assert selector.of_finding(finding(of=None)) == Selection()


def test_who_says_what_will_be_asked_gets_the_same():
    first, second = message(21), message(22, message_id=8)
    views = [peer(messages=(first, second))]
    wanted = finding(second.ref)
    narrow = Selector([source()], views, {second.ref})
    assert narrow.of_finding(wanted) == Selector([source()], views).of_finding(wanted)
    assert narrow.of_finding(wanted).display_filter is not None
    assert narrow.of_message(first).display_filter is None


def test_a_black_hole_is_esp_in_its_time_and_its_probes():
    probe = message(301)
    view = peer(messages=(probe,))
    selection = Selector([source()], [view]).of_black_hole(view, black_hole())
    assert selection.display_filter is not None
    assert "frame.time_epoch > 1732138322.000000000" in selection.display_filter
    assert "esp.spi == 0xc1a2b3d4" in selection.display_filter
    assert "d4c3b2a1" not in selection.display_filter
    assert "isakmp.messageid" in selection.display_filter
    assert "udp[8:4] = 0xc1a2b3d4" in (selection.bpf or "")


def test_esp_directly_over_ip():
    flows = (esp_flow(encapsulated=False),)
    view = peer(esp_flows=flows)
    bpf = Selector([source()], [view]).of_black_hole(view, black_hole()).bpf
    assert bpf is not None
    assert bpf.endswith("ip[(ip[0] & 0x0f) * 4:4] = 0xc1a2b3d4")


@pytest.mark.parametrize("writer", [json_writer, jsonl_writer])
def test_findings_are_written_with_their_filters(writer):
    view = peer(messages=(message(),))
    content = Content("1", (source(),), (view,), findings=(finding(ref(21)),))
    document = "".join(writer.chunks(content))
    if writer is json_writer:
        (told,) = json.loads(document)["findings"]
    else:
        lines = map(json.loads, document.splitlines())
        (told,) = [line for line in lines if line["type"] == "finding"]
    assert told["frame_filters"] == {"s1": "frame.number in {21}"}
    assert "isakmp.messageid == 0x00000007" in told["display_filter"]
    assert told["bpf"].endswith("udp[28:4] = 0x00000007")


def test_redacted_findings_keep_frame_numbers_only():
    view = peer(messages=(message(),))
    content = redacted(Content("1", (source(),), (view,), findings=(finding(ref(21)),)))
    selection = Selector(content.sources, content.peers).of_finding(content.findings[0])
    assert selection == Selection({"s1": "frame.number in {21}"}, None, None)
