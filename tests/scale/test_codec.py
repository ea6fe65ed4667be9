"""Results as JSON: whole pages come back equal, and nothing else is taken for one."""

import pickle
import zlib
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from crawler import detect, html
from crawler.evidence.capture import Capture
from crawler.model import Candidate, Identifier, Link, Mention, Page, Report, Role
from crawler.scale.codec import pack, unpack
from crawler.store import PageRecord, QueueEntry

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
BODY = "<title>Casino 注册</title><p>đăng ký nhận thưởng <a href='http://b.test/'>go</a>".encode()


def record() -> PageRecord:
    page = Page("http://a.test/", "http://a.test/", 200, (("A", "\udcff b"),), BODY,
                html.parse(BODY, url="http://a.test/"), NOW)  # fmt: skip
    return PageRecord(
        page=page,
        via="report:r",
        depth=1,
        verdict=detect.judge(page, detect.load_model()),
        edges=(Link("http://b.test/", "go"),),
        identifiers=frozenset({Identifier("telegram", "x"), Identifier("email", "y")}),
        candidates=(QueueEntry(Candidate("http://b.test/", "b.test", "b.test", "v", "", 0.5, 2)),),
        report=Report("r1", "s", "web", "T", "en", None, NOW, "body"),
        mentions=(Mention("r1", "http://c.test/", "c.test", "c.test", Role.ACCUSED, "", 0.8),),
        captures=(Capture({"seq": 1, "url": "u", "certificate": None}, b"\x00\xff" * 50),),
    )


def test_a_record_comes_back_equal() -> None:
    assert unpack(PageRecord, pack(record())) == record()


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"plain",
        pickle.dumps(record()),
        zlib.compress(b"[]"),
        zlib.compress(b'{"page": {"url": 1}}'),
        pack(record())[:-10],
        pack(replace(record(), depth="deep")),  # type: ignore[arg-type]
        zlib.compress(b" " * 100_000_000),
    ],
    ids=range(8),
)
def test_nothing_else_is_taken_for_one(data: bytes) -> None:
    with pytest.raises(ValueError, match="not a PageRecord"):
        unpack(PageRecord, data)
