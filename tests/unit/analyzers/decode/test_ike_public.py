"""Captures that other projects published, beside tshark; they are not part of this project."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from analyzers.decode.ike import IkeDecoder
from analyzers.model.observations import Datagram, Encapsulation, IkeMessage, MessageKind
from analyzers.model.records import Basis, Confidence, Problem, ProblemKind, Ref
from analyzers.wire.keys import KeyRing, parse_keys
from tests.unit.analyzers.ike_messages import SAMPLES, tshark, tshark_fields

PUBLIC = Path(
    os.environ.get("DPDLAB_PUBLIC_CAPTURES", SAMPLES.parent.parent / "shared/captures/public")
)

pytestmark = [
    pytest.mark.tshark,
    pytest.mark.skipif(tshark() is None, reason="tshark is not installed"),
    pytest.mark.skipif(not PUBLIC.is_dir(), reason=f"no public captures in {PUBLIC}"),
]

AES_CTR = (
    "81f24c0acd8fa55c,192383172724c706,aaa06839eaf0959d486eeecda7a48b23080963b5fd7217928e8fbf58,"
    '92dc96ec87076caa84e26b3621c7c469427e2e4bcc1b962362a3dde3,"AES-CTR-192 [RFC5930]",'
    "65777be31ee2137f31cf23fa0ee834dfede11cc0adc9a84541026642c09df2bf"
    "96056a2036e97a67ce7d3c5b6f37e17e8fe64f4ef23e14f5997fb7671df3adaf,"
    "42abd4709f1b94fd8c2270c74aae3fbe61c0b9c109c55f3e3b9ed7e480bc75c3"
    "985c15234caa623c8ca0606c303921d7cfd44861df1e798370b2ee95fe712e52,"
    '"HMAC_SHA2_512_256 [RFC4868]"'
)
WRONG_CHECKSUM = (
    "0001020304050607,c02e7a3031a03188,3f44bf47cafd8150591deb088199fcbf,"
    'bedb67ec7dc3d00cccac42e70cd63bde,"AES-CBC-128 [RFC3602]",'
    "4ea8e662b07cdd430f6944c6723e4b82d5722418,515b0bd22e6d76b34fdb760aa7bfad80b109b75d,"
    '"HMAC_SHA1_96 [RFC2404]"'
)

FIELDS = [
    "frame.number",
    "udp.dstport",
    "udp.payload",
    "isakmp.ispi",
    "isakmp.rspi",
    "isakmp.exchangetype",
    "isakmp.flags",
    "isakmp.messageid",
    "isakmp.length",
    "isakmp.typepayload",
    "isakmp.notify.msgtype",
    "isakmp.delete.spi",
]


def read(
    name: str, keys: KeyRing | None = None, row: str = ""
) -> list[tuple[IkeMessage | None, list[str], list[Problem]]]:
    """What we and tshark say of each message that tshark takes for IKE."""
    options = [f"uat:ikev2_decryption_table:{row}"] if row else []
    decoder = IkeDecoder(keys)
    found = []
    for line in tshark_fields(PUBLIC / name, FIELDS, options):
        columns = line + [""] * (len(FIELDS) - len(line))
        if not columns[3]:
            continue
        payload = bytes.fromhex(columns[2])
        if columns[1] == "4500":
            payload = payload[4:]
        ref = Ref("s1", int(columns[0]))
        each = Datagram(ref.record, ref, "a", "b", 500, 500, payload, Encapsulation.UDP)
        message, problems = decoder.decode(each)
        found.append((message, columns[3:], problems))
    return found


def ours(found: IkeMessage) -> list[str]:
    return [
        found.initiator_spi,
        found.responder_spi,
        str(found.exchange_type),
        f"0x{found.flags:02x}",
        f"0x{found.message_id:08x}",
        str(found.length),
        ",".join(map(str, found.payload_types)),
        ",".join(str(n.type) for n in found.notifies),
        ",".join(s for d in found.deletes for s in d.spis),
    ]


@pytest.mark.parametrize(
    ("name", "messages"),
    [
        ("corelight-ikev1-main-mode.pcap", 9),
        ("corelight-ipsec_client-ipfrag-retries.pcap", 5),
        ("joy-ikev2-aes192ctr.pcap", 6),
        ("tcpdump-ikev2four.pcap", 21),
        ("tcpdump-ikev2pI2.pcap", 2),
        ("tcpdump-isakmp4500.pcap", 15),
        ("tcpdump-isakmp-no-none-np.pcapng", 1),
    ],
)
def test_without_keys_all_is_what_tshark_says(name, messages):
    found = read(name)
    assert len(found) == messages
    for message, told, _ in found:
        assert message is not None
        assert ours(message) == told


def test_aes_ctr_decrypts_and_verifies():
    keys = parse_keys(AES_CTR, "t")
    found = read("joy-ikev2-aes192ctr.pcap", keys, AES_CTR)
    for message, told, problems in found:
        assert message is not None
        assert ours(message) == told
        assert problems == []
        assert message.integrity_ok is (True if message.encrypted else None)
    assert keys.unused() == []
    last = found[-1][0]
    assert last is not None
    assert (last.kind, last.payload_types) == (MessageKind.LIVENESS, (46,))


def test_what_no_checksum_confirms_is_not_shown():
    found = read("tcpdump-ikev2pI2.pcap", parse_keys(WRONG_CHECKSUM, "t"), WRONG_CHECKSUM)
    message, _, problems = found[1]
    assert message is not None
    assert (message.basis, message.confidence) == (Basis.HEADER, Confidence.CERTAIN)
    assert message.integrity_ok is None
    assert [p.kind for p in problems] == [ProblemKind.DECRYPTION_FAILED]
    assert "its integrity checksum is wrong" in problems[0].detail


def test_the_encrypted_informational_without_keys_stays_unknown():
    kinds = [m.kind for m, _, _ in read("tcpdump-isakmp4500.pcap") if m is not None]
    assert kinds.count(MessageKind.INFORMATIONAL) == 1
    assert not {MessageKind.R_U_THERE, MessageKind.R_U_THERE_ACK} & set(kinds)


@pytest.mark.parametrize(
    "name",
    [
        "corelight-ikev1-zero-length.pcap",
        "tcpdump-ikev2pI2-segfault.pcapng",
        "tcpdump-isakmp-delete-segfault.pcap",
        "tcpdump-isakmp-pointer-loop.pcap",
        "tcpdump-isakmp-various-oobr.pcap",
    ],
)
def test_malformed_messages_are_no_event_and_are_told(name):
    for message, _, problems in read(name):
        assert problems
        if message is not None:
            assert message.confidence is Confidence.SUSPECT
            assert message.kind in {MessageKind.SA_INIT, MessageKind.OTHER}
