from __future__ import annotations

import re

import pytest
from msgspec import structs

from analyzers.export.content import Content
from analyzers.export.json_writer import chunks as json_chunks
from analyzers.export.redact import Redactor, redacted
from analyzers.model.peer import ShownSa
from tests.export_content import finding
from tests.model_builders import (
    INITIATOR_SPI,
    RESPONDER_SPI,
    A,
    B,
    delete,
    healthy_peer,
    hint,
    ike_sa,
    peer,
    problem,
    ref,
    source,
)


def content() -> Content:
    return Content(
        version="0.1.0",
        sources=(
            source(
                path="/home/bob/acme/hub.pcapng.gz",
                problems=[problem(detail=f"SPI c1a2b3d4 of {A} in /home/bob/acme/hub.pcapng.gz")],
            ),
            source(id="s2", path="-"),
        ),
        peers=(
            peer(
                hints=(hint(text=f"port unreachable, from {B} about {INITIATOR_SPI}"),),
                deletes=(delete(spis=("c1a2b3d4", INITIATOR_SPI + RESPONDER_SPI)),),
            ),
            healthy_peer(),
        ),
        findings=(finding(detail=f"{A} asked {B} in vain.", end=A),),
        diagnosis=("hub.pcapng.gz holds 3 packets of 203.0.113.99 and 2001:db8::99.",),
    )


def everything(value: object) -> str:
    return "".join(json_chunks(value)) + " ".join(value.diagnosis)  # type: ignore[arg-type,attr-defined]


def test_nothing_that_identifies_is_left():
    text = everything(redacted(content()))
    for secret in (A, B, "2001:db8::7", "203.0.113.99", "2001:db8::99", "bob", "acme", "hub",
                   INITIATOR_SPI, RESPONDER_SPI, "c1a2b3d4", "d4c3b2a1"):  # fmt: skip
        assert secret not in text, secret


def test_what_the_report_is_for_stays():
    text = everything(redacted(content()))
    for kept in ("0xf2c790da", "DPD 1.0 (RFC 3706)", "1732275036", "truncated-tail"):
        assert kept in text


def test_the_same_input_gives_the_same_pseudonyms():
    assert redacted(content()) == redacted(content())


def test_one_thing_has_one_pseudonym_everywhere():
    first = redacted(content())
    view = first.peers[0]
    assert (view.local, view.remote) == ("host-1", "host-2")
    assert view.exchanges[0].prober == view.black_holes[0].sender == view.policies[0].holder
    assert view.ike_sas[0].vendor_ids[0][0] == view.local
    assert view.hints[0].text == (
        f"port unreachable, from host-2 about {view.ike_sas[0].initiator_spi}"
    )
    assert view.deletes[0].spis == (
        view.esp_flows[0].spi,
        view.ike_sas[0].initiator_spi + view.ike_sas[0].responder_spi,
    )
    assert first.peers[1].remote == "host6-3"


def test_identifiers_keep_their_shape():
    view = redacted(content()).peers[0]
    assert re.fullmatch("[0-9a-f]{16}", view.ike_sas[0].initiator_spi)
    assert re.fullmatch("[0-9a-f]{8}", view.esp_flows[0].spi)


def test_an_spi_that_was_not_chosen_yet_stays_zero():
    view = redacted(Content("0", (), (peer(ike_sas=(ike_sa(responder_spi="0" * 16),)),))).peers[0]
    assert view.ike_sas[0].responder_spi == "0" * 16


def test_files_become_their_source_with_the_extension():
    one, two = redacted(content()).sources
    assert one.path == "s1.pcapng.gz"
    assert two.path == "-"
    assert one.problems[0].detail == "SPI 00000003 of host-1 in s1.pcapng.gz"


def test_the_given_values_are_not_touched():
    given = content()
    before = structs.replace(
        given, sources=tuple(structs.replace(s, problems=[*s.problems]) for s in given.sources)
    )
    redacted(given)
    assert given == before


@pytest.mark.parametrize(
    ("text", "result"),
    [
        ("at 12:30:45 on port 4500", "at 12:30:45 on port 4500"),
        ("2001:DB8::1: unreachable", "host6-1: unreachable"),
        ("[2001:db8::1]:500", "[host6-1]:500"),
        ("strongSwan 5.9.8, 3 of 12345678", "strongSwan 5.9.8, 3 of 12345678"),
        ("192.0.2.1.", "host-1."),
        ("192.0.2.1:4500", "host-1:4500"),
        ("999.0.2.1", "999.0.2.1"),
        ("keys in ~/keys/x.txt and C:\\keys\\x", "keys in (path) and (path)"),
        ("AES-CBC-256 / SHA2-256, ESP/AH", "AES-CBC-256 / SHA2-256, ESP/AH"),
        ("cookie 0xA41AC1A6925BEBA8", "cookie 0x0000000000000001"),
        ("key 00112233445566778899aabbccddeeff0011223344", "key (hex)"),
        ("a::b or :: alone", "host6-1 or :: alone"),
        (
            "on IKE SA f4fc6d16…, of which nothing is known",
            "on IKE SA (SPI), of which nothing is known",
        ),
    ],
)
def test_free_text(text, result):
    assert Redactor().text(text) == result


def test_what_is_shown_of_an_spi_is_redacted():
    redactor = Redactor()
    redactor.address("192.0.2.1")
    assert redactor.spi("f4fc6d16ed938a04") == "0000000000000001"
    assert redactor.text("on IKE SA f4fc6d16…. Until then") == "on IKE SA …00000001. Until then"


def test_further_paths_are_redacted_with_what_lies_in_them():
    redactor = Redactor(["customers/acme", "customers/acme keys"])
    redactor.content(Content("0"))
    assert redactor.text("in customers/acme/ikev1_decryption_table, line 3") == "in file-1, line 3"
    assert redactor.text("customers/acme keys") == "file-2"
    assert redactor.text("acme") == "file-1"


def test_a_masked_address_has_a_pseudonym_too():
    redactor = Redactor()
    assert redactor.address("10.1.x.x") == "host-1"
    assert redactor.text("from 10.1.x.x to 10.2.x.x") == "from host-1 to 10.2.x.x"


def test_what_a_log_gives_as_its_reason_is_redacted() -> None:
    told = hint(text=f"it could not send: no route to {B}", reason=f"no route to {B}", times=3)
    (kept,) = redacted(Content("0.1.0", (), (peer(hints=(told,)),))).peers[0].hints
    assert kept.reason == "no route to host-2"
    assert B not in kept.text


def test_an_spi_that_only_a_device_shows_has_a_pseudonym_in_what_is_said_of_it():
    shown = ShownSa(
        at_ns=None,
        ref=ref(7),
        command="swanctl --list-sas",
        ike_version=2,
        state="ESTABLISHED",
        uptime_s=60,
        remaining_s=None,
        dpd_active=None,
        dpd=None,
        interval_s=None,
        retry_s=None,
        spis=("c7654321",),
        encaps_packets=700,
        decaps_packets=360,
    )
    told = hint(text="Child SA c7654321: 300 packets sent, 0 packets received")
    text = everything(redacted(Content("0.1.0", (), (peer(shown=(shown,), hints=(told,)),))))
    assert "c7654321" not in text
