from __future__ import annotations

import csv
import io

from analyzers.export import csv_writer
from analyzers.export.content import Content
from analyzers.export.csv_writer import HEADER, chunks
from analyzers.model.exchange import NO_MESSAGE_ID
from tests.model_builders import answered, healthy_peer, peer, sent, unanswered

STORY = """\
peer,local,remote,ike_sa,ike_version,exchange,kind,prober,responder,sequence,first_utc,first_ns,\
last_ns,transmissions,retries,message_ids,outcome,answer_ns,answer_evidence,rtt_ms,verdict_ns,\
since_proof_ns,basis,confidence,source,record,answer_source,answer_record
p1,192.0.2.1,192.0.2.2,i1,1,x1,dpd,192.0.2.1,192.0.2.2,1732275036,\
2024-11-20T21:31:55.000000000Z,1732138315000000000,1732138315000000000,1,0,0xf2c790da,answered,\
1732138315016000000,message,16.0,,4000000000,decrypted,certain,s1,21,s1,22
p1,192.0.2.1,192.0.2.2,i1,1,x2,dpd,192.0.2.1,192.0.2.2,1732275037,\
2024-11-20T21:32:10.000000000Z,1732138330000000000,1732138334000000000,3,2,\
0x00000001 0x00000002 0x00000003,unanswered,,,,1732138336000000000,8000000000,rhythm,inferred,\
s1,301,,
"""


def rows(content: Content) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO("".join(chunks(content)))))


def test_one_row_an_exchange():
    assert "".join(chunks(Content("0", (), (peer(), healthy_peer())))) == STORY


def test_nothing_is_a_header():
    assert "".join(chunks(Content("0"))) == ",".join(HEADER) + "\n"


def test_the_columns_are_documented():
    documented = csv_writer.__doc__ or ""
    for column in HEADER:
        assert column in documented, column


def test_text_from_outside_is_no_formula_and_no_second_row():
    hostile = "=cmd|' /C calc'!A0\"\n,x"
    view = peer(remote=hostile, exchanges=(answered(responder="@SUM(1)"),))
    (row,) = rows(Content("0", (), (view,)))
    assert row["remote"] == "'=cmd|' /C calc'!A0\"\\x0a,x"
    assert row["responder"] == "'@SUM(1)"


def test_numbers_stay_numbers():
    (row,) = rows(Content("0", (), (peer(exchanges=(answered(),)),)))
    assert float(row["rtt_ms"]) == 16.0
    assert int(row["sequence"]) == 1_732_275_036


def test_a_message_id_that_no_log_says_is_missing():
    for number, written in ((NO_MESSAGE_ID + 1, ""), (0, "0x00000000")):
        exchange = answered(transmissions=(sent(5, number, 21),))
        (row,) = rows(Content("0", (), (peer(exchanges=(exchange,)),)))
        assert row["message_ids"] == written


def test_an_exchange_of_an_unknown_sa_has_no_version():
    (row,) = rows(Content("0", (), (peer(ike_sas=(), exchanges=(unanswered(),)),)))
    assert row["ike_version"] == ""


def test_ascii_only_is_ascii():
    written = "".join(chunks(Content("0", (), (peer(local="漢字"),)), ascii_only=True))
    assert written.isascii()
    assert r"\u6f22\u5b57" in written
