from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analyzers.wire.keys import MAX_PROBLEMS, KeyRing, parse_keys
from tests.unit.analyzers.ike_messages import SAMPLES

V1_ROW = "0102030405060708," + "ab" * 32
V2_ROW = (
    "0102030405060708,1112131415161718,"
    + "aa" * 32
    + ","
    + "bb" * 32
    + ',"AES-CBC-256 [RFC3602]",'
    + "cc" * 32
    + ","
    + "dd" * 32
    + ',"HMAC_SHA2_256_128 [RFC4868]"'
)


def test_both_tables_in_one_text_with_comments():
    ring = parse_keys(f"\ufeff# made by hand\n\n{V1_ROW}\r\n{V2_ROW}\n", "table")
    assert not ring.problems
    (one,), (two,) = ring.ikev1, ring.ikev2
    assert (one.initiator_spi, one.key, one.line) == ("0102030405060708", b"\xab" * 32, 3)
    assert (two.initiator_spi, two.responder_spi) == ("0102030405060708", "1112131415161718")
    assert two.encryption is not None
    assert two.encryption.name == "AES-CBC-256"
    assert two.integrity is not None
    assert two.integrity.name == "HMAC-SHA2-256-128"
    assert (two.sk_ei[0], two.sk_er[0], two.sk_ai[0], two.sk_ar[0]) == (0xAA, 0xBB, 0xCC, 0xDD)


def test_quotes_and_case_are_optional():
    row = V2_ROW.replace('"', "").replace("AES-CBC-256 [RFC3602]", "aes_cbc_256").upper()
    assert len(parse_keys(row, "t").ikev2) == 1
    assert len(parse_keys('"' + V1_ROW.replace(",", '","') + '"', "t").ikev1) == 1


def test_a_zero_responder_spi_leaves_it_open():
    row = V2_ROW.replace("1112131415161718", "0" * 16)
    ring = parse_keys(row, "t")
    assert ring.ikev2[0].responder_spi == ""
    assert ring.ikev2_for("0102030405060708", "feedfacefeedface") == (ring.ikev2[0],)


@pytest.mark.parametrize(
    ("row", "told"),
    [
        ("0102,abcd,ef", "3 columns"),
        ("01020304050607,abcd", "16 hex digits"),
        ("0102030405060708,abc", "odd number"),
        ("0102030405060708,zz", "not hex"),
        ("0102030405060708," + "ab" * 8, "8 bytes"),
        (V2_ROW.replace("aa" * 32, "aa" * 31 + "a"), "SK_ei"),
        (V2_ROW.replace("AES-CBC-256 [RFC3602]", "ROT13"), "encryption algorithm"),
        (V2_ROW.replace("HMAC_SHA2_256_128 [RFC4868]", "CRC32"), "integrity algorithm"),
        (V2_ROW.replace("AES-CBC-256", "AES-CBC-128"), "16 bytes, here are 32"),
        (V2_ROW.replace("cc" * 32, "cc" * 20), "here are 20"),
        (V2_ROW.replace("0102030405060708,11", "0102030405060708,xx"), "SPI"),
    ],
)
def test_a_broken_row_is_told_and_costs_no_other(row, told):
    ring = parse_keys(f"{V1_ROW}\n{row}\n{V2_ROW}\n", "my_table")
    assert (len(ring.ikev1), len(ring.ikev2)) == (1, 1)
    ((line, text),) = ring.problems
    assert line == 2
    assert told in text
    assert text.startswith("my_table: ")
    assert "abab" not in text


def test_another_file_gives_a_bounded_number_of_problems():
    ring = parse_keys("hello\n" * 1000, "t")
    assert not ring
    assert len(ring.problems) == MAX_PROBLEMS + 1


def test_key_bytes_are_in_no_repr():
    ring = parse_keys(f"{V1_ROW}\n{V2_ROW}", "t")
    assert "abab" not in repr(ring)
    assert "\\xab" not in repr(ring)
    assert "\\xaa" not in repr(ring)


def test_merged_and_unused():
    one, two = parse_keys(V1_ROW, "one"), parse_keys(V2_ROW + "\nbroken", "two")
    ring = one.merged(two)
    assert len(ring) == 2
    assert ring.problems == two.problems
    assert len(ring.unused()) == 2
    assert "fits no IKE SA" in ring.unused()[0]
    ring.mark(ring.ikev1[0], decrypted=False)
    assert "decrypted nothing" in ring.unused()[0]
    ring.mark(ring.ikev1[0], decrypted=True)
    (line,) = ring.unused()
    assert line.startswith("two line 1")
    assert not KeyRing()


def test_sample_tables_have_no_broken_rows():
    tables = sorted(SAMPLES.glob("*/ikev?_decryption_table"))
    assert len(tables) >= 8
    for table in tables:
        ring = parse_keys(table.read_text(), table.name)
        assert ring, table
        assert not ring.problems


def _dump(prefix: str, name: str, value: bytes) -> str:
    lines = [f"{prefix}{name} => {len(value)} bytes @ 0x7f0a1c0030d0"]
    for at in range(0, len(value), 16):
        row = value[at : at + 16]
        text = "".join(chr(b) if 32 <= b < 127 else "." for b in row)
        lines.append(f"{prefix}{at:4d}: {row.hex(' ').upper():47s}  {text}")
    return "\n".join(lines)


STAMP = "2026-11-20 19:54:13.811 "
SPI_I, SPI_R = bytes.fromhex("87dc0b8979f1f55b"), bytes.fromhex("17f4152c20d76087")


def test_charon_log_of_ikev1_takes_the_cookies_of_the_nat_detection_chunk():
    prefix = STAMP + "10[IKE] "
    key = bytes(range(0x41, 0x41 + 32))
    log = "\n".join(
        [
            STAMP + "10[NET] received packet: from 192.0.2.2[500] to 192.0.2.1[500] (396 bytes)",
            _dump(prefix, "SKEYID_a", bytes(20)),
            _dump(prefix, "SKEYID_e", bytes(20)),
            _dump(prefix, "encryption key Ka", key),
            _dump(prefix, "initial IV", bytes(16)),
            _dump(prefix, "natd_chunk", SPI_I + SPI_R + bytes(6)),
        ]
    )
    ring = parse_keys(log, "charon.log")
    assert not ring.problems
    (found,) = ring.ikev1
    assert (found.initiator_spi, found.key, found.skeyid_a) == (SPI_I.hex(), key, bytes(20))


@pytest.mark.parametrize("mark", ["10[IKE] ", "10[IKE4] ", "10[IKE] <gw|1> ", "charon: 10[IKE] "])
def test_charon_log_of_ikev2_with_its_proposal(mark):
    prefix = STAMP + mark
    log = "\n".join(
        [
            prefix.replace("IKE", "CFG")
            + "selected proposal: IKE:AES_CBC_256/HMAC_SHA2_256_128/PRF_HMAC_SHA2_256/MODP_2048",
            _dump(prefix, "natd_chunk", SPI_I + bytes(8) + bytes(6)),
            _dump(prefix, "Sk_ai secret", b"\1" * 32),
            _dump(prefix, "Sk_ar secret", b"\2" * 32),
            _dump(prefix, "Sk_ei secret", b"\3" * 32),
            _dump(prefix, "Sk_er secret", b"\4" * 32),
            _dump(prefix, "Sk_pi secret", b"\5" * 32),
            _dump(prefix, "natd_chunk", SPI_I + SPI_R + bytes(18)),
        ]
    )
    (found,) = parse_keys(log, "charon.log").ikev2
    assert (found.initiator_spi, found.responder_spi) == (SPI_I.hex(), SPI_R.hex())
    assert (found.sk_ai, found.sk_ar) == (b"\1" * 32, b"\2" * 32)
    assert (found.sk_ei, found.sk_er) == (b"\3" * 32, b"\4" * 32)
    ((encryption, integrity),) = found.suites()
    assert (encryption.name, integrity.name) == ("AES-CBC-256", "HMAC-SHA2-256-128")


def test_charon_log_of_an_aead_without_spis_or_proposal():
    prefix = STAMP + "07[IKE] "
    log = _dump(prefix, "Sk_ei secret", bytes(36)) + "\n" + _dump(prefix, "Sk_er secret", bytes(36))
    (found,) = parse_keys(log, "charon.log").ikev2
    assert found.initiator_spi == ""
    names = {encryption.name for encryption, _ in found.suites()}
    assert names == {"AES-GCM-8-256", "AES-GCM-12-256", "AES-GCM-16-256", "ChaCha20-Poly1305"}


def test_charon_log_takes_the_looked_up_sa_for_a_first_message_only():
    prefix = STAMP + "07[IKE] "
    lookup = (
        STAMP + f"07[MGR] checkout IKEv2 SA by message with SPIs {SPI_I.hex()}_i {SPI_R.hex()}_r"
    )
    received = STAMP + "07[NET] received packet: from 192.0.2.2[500] to 192.0.2.1[500] (472 bytes)"
    keys = [_dump(prefix, "Sk_ei secret", bytes(36)), _dump(prefix, "Sk_er secret", bytes(36))]
    first = STAMP + "07[ENC] parsed IKE_SA_INIT response 0 [ SA KE No ]"
    rekey = STAMP + "07[ENC] parsed CREATE_CHILD_SA response 2 [ SA No KE ]"
    (found,) = parse_keys("\n".join([lookup, received, first, *keys]), "l").ikev2
    assert (found.initiator_spi, found.responder_spi) == (SPI_I.hex(), SPI_R.hex())
    (found,) = parse_keys("\n".join([lookup, received, rekey, *keys]), "l").ikev2
    assert (found.initiator_spi, found.responder_spi) == ("", "")


def test_charon_log_with_two_threads_at_once():
    one = _dump(STAMP + "01[IKE] ", "encryption key Ka", b"\x01" * 32).splitlines()
    two = _dump(STAMP + "02[IKE] ", "encryption key Ka", b"\x02" * 32).splitlines()
    mixed = [line for pair in zip(one, two, strict=True) for line in pair]
    ring = parse_keys("\n".join(mixed), "l")
    assert sorted(k.key for k in ring.ikev1) == [b"\x01" * 32, b"\x02" * 32]


def test_charon_log_with_a_dump_that_is_cut_off():
    lines = _dump(STAMP + "01[IKE] ", "encryption key Ka", b"\x01" * 32).splitlines()
    ring = parse_keys("\n".join([*lines[:2], STAMP + "01[IKE] something else"]), "l")
    assert not ring
    assert "cut off" in ring.problems[0][1]


def test_charon_log_without_dumps_says_what_is_missing():
    log = (SAMPLES / "ikev1-healthy" / "charon-a.log").read_text()
    ring = parse_keys(log, "charon-a.log")
    assert not ring
    assert "ike = 4" in ring.problems[0][1]


@given(st.text(max_size=400))
def test_any_text_gives_a_ring(text):
    parse_keys(text, "t")


@given(
    st.lists(
        st.sampled_from(
            [
                V1_ROW,
                V2_ROW,
                STAMP,
                "10[IKE] ",
                " => 32 bytes",
                "Sk_ei secret => 2 bytes",
                "   0: AB CD",
                "natd_chunk => 22 bytes",
                ",",
                "\n",
            ]
        ),
        max_size=30,
    )
)
def test_any_mixture_gives_a_ring(parts):
    parse_keys("".join(parts), "t")
