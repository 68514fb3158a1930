from __future__ import annotations

from msgspec.structs import replace

from analyzers.export.annotations import comments_on
from analyzers.model.exchange import NO_MESSAGE_ID, ExchangeKind
from analyzers.model.observations import MessageKind
from analyzers.model.records import Ref
from tests.export_content import everything, finding, message, sick_peer
from tests.model_builders import ref, sent, unanswered


def said(**changes) -> dict[int, list[str]]:
    """Comments by frame of the capture."""
    return {at.record: text for at, text in comments_on(everything(**changes)).items()}


def test_every_message_of_an_exchange_says_what_it_is():
    comments = said(findings=())
    assert comments[21] == ["R-U-THERE seq 1732275036, answered"]
    assert comments[22] == ["R-U-THERE-ACK seq 1732275036, after 16 ms"]
    assert comments[301] == ["R-U-THERE seq 1732275037, unanswered [inferred]"]
    assert comments[322] == ["R-U-THERE seq 1732275037, retry 1 of 2, unanswered [inferred]"]
    assert comments[343] == [
        "R-U-THERE seq 1732275037, retry 2 of 2, unanswered [inferred]",
        "no answer to this last one: declared dead (said by the log)",
    ]
    assert comments[365] == ["Delete of ESP SA c1a2b3d4, after the verdict"]


def test_findings_are_comments_of_their_own():
    comments = said(findings=(finding(), finding(rule="other")))
    title = "A liveness question was not answered [inferred]"
    assert comments[301][1:] == [f"error dpd-no-ack: {title}", f"error other: {title}"]


def test_all_other_messages_are_there():
    assert said()[1] == ["Main Mode"]


def test_a_message_of_an_exchange_is_told_once():
    peer = sick_peer(messages=(message(20, 301, kind=MessageKind.R_U_THERE),))
    assert said(peers=(peer,), findings=())[301] == [
        "R-U-THERE seq 1732275037, unanswered [inferred]"
    ]


def test_fragments_of_a_message():
    whole = message(0, 3, refs=(ref(1), ref(2), ref(3)), kind=MessageKind.AUTH, version=2)
    comments = said(peers=(sick_peer(messages=(whole,)),), findings=())
    assert comments[1] == ["fragment 1 of 3 of IKE_AUTH request"]
    assert comments[3] == ["IKE_AUTH request"]


def test_only_captures_have_packets():
    comments = comments_on(everything())
    assert {at.source for at in comments} == {"s1"}
    assert Ref("s2", 40) not in comments


def test_a_second_capture_of_the_same_message():
    asked = replace(sent(20, 1, 301), seen=(Ref("s3", 12),))
    peer = sick_peer(exchanges=(unanswered(transmissions=(asked,)),))
    content = everything(peers=(peer,))
    third = replace(content.sources[0], id="s3")
    comments = comments_on(replace(content, sources=(*content.sources, third)))
    assert comments[Ref("s3", 12)][0] == comments[Ref("s1", 301)][0]


def test_message_ids_name_what_has_no_number():
    exchange = unanswered(sequence=None, kind=ExchangeKind.DPD)
    comments = said(peers=(sick_peer(exchanges=(exchange,)),), findings=())
    assert comments[322][0] == "R-U-THERE ID 0x00000002, retry 1 of 2, unanswered [inferred]"
    unknown = unanswered(sequence=None, transmissions=(sent(20, NO_MESSAGE_ID, 301),))
    comments = said(peers=(sick_peer(exchanges=(unknown,)),), findings=())
    assert comments[301][0] == "R-U-THERE, unanswered [inferred]"


def test_what_a_filter_leaves_is_still_called_what_it_is():
    whole = everything()
    peer = whole.peers[0]
    narrowed = replace(whole, peers=(replace(peer, exchanges=(), black_holes=()),))
    frames = comments_on(narrowed)
    told = comments_on(narrowed, whole.peers)
    assert told.keys() == frames.keys()
    asked = next(ref for ref in whole.findings[0].refs if ref in frames)
    assert told[asked] == comments_on(whole)[asked]
