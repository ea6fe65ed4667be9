"""Addresses as people write them, and what is no address."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crawler.reports.refang import extract, refang

TABLE = [
    ("https://evil.com/", ["https://evil.com/"]),
    ("hxxp://evil.com/a", ["http://evil.com/a"]),
    ("hxxps://evil[.]com", ["https://evil.com/"]),
    ("hXXps://evil[.]com", ["https://evil.com/"]),
    ("h**p://evil.com", ["http://evil.com/"]),
    ("h__p://evil.com", ["http://evil.com/"]),
    ("hxxp[:]//evil[.]com", ["http://evil.com/"]),
    ("hxxp[://]evil[.]com", ["http://evil.com/"]),
    ("http:// evil.com", ["http://evil.com/"]),
    ("HTTPS:\\\\evil.com\\x", ["https://evil.com/x"]),
    ("evil[.]com", ["http://evil.com/"]),
    ("evil(.)com", ["http://evil.com/"]),
    ("evil{.}com", ["http://evil.com/"]),
    ("evil[dot]com", ["http://evil.com/"]),
    ("evil (dot) com", ["http://evil.com/"]),
    ("evil DOT com", ["http://evil.com/"]),
    ("evil[.com", ["http://evil.com/"]),
    ("evil.]com", ["http://evil.com/"]),
    ("evil\\.com", ["http://evil.com/"]),
    ("evil。com", ["http://evil.com/"]),
    ("evil．com", ["http://evil.com/"]),
    ("evil 。 com", ["http://evil.com/"]),
    ("ｅｖｉｌ．ｃｏｍ", ["http://evil.com/"]),
    ("evil . com", ["http://evil.com/"]),
    ("evil\u200b.\u200bcom", ["http://evil.com/"]),
    ("ev\u00adil.com", ["http://evil.com/"]),
    ("访问evil.com注册", ["http://evil.com/"]),
    ("https://evil.com注册送", ["https://evil.com/"]),
    ("ที่evil.co.thนะ", ["http://evil.co.th/"]),
    ("https://evil.com/路径", ["https://evil.com/"]),
    ("http://evil.com。下一句", ["http://evil.com/"]),
    ("(https://evil.com/a)", ["https://evil.com/a"]),
    ("https://evil.com/a_(b)", ["https://evil.com/a_(b)"]),
    ("see https://evil.com/a.", ["https://evil.com/a"]),
    ("“https://evil.com/”，", ["https://evil.com/"]),
    ("<https://evil.com/a>", ["https://evil.com/a"]),
    ("1) https://www.jys.husa.pro", ["https://www.jys.husa.pro/"]),
    ("www.http://goldos.co2g.de", ["http://goldos.co2g.de/"]),
    ("https://webull-trade.com I", ["https://webull-trade.com/"]),
    ("https://excentral-int.net/), operated by", ["https://excentral-int.net/"]),
    ("(https://telegram.org/k/#@pel", ["https://telegram.org/k/"]),
    ("LinkedIn: https://www.linkedin.com/company/x/", ["https://www.linkedin.com/company/x/"]),
    ("https://bank.com@evil.top/x", ["https://evil.top/x"]),
    ("https://bank.com:pw@evil.top/", ["https://evil.top/"]),
    ("http://evil.com:8080/a", ["http://evil.com:8080/a"]),
    ("evil.com:8080", ["http://evil.com:8080/"]),
    ("evil.com/reg?a=1&b=2", ["http://evil.com/reg?a=1&b=2"]),
    ("http://evil.com/?to=http://x.com/y", ["http://evil.com/?to=http://x.com/y"]),
    ("http://2130706433/", ["http://127.0.0.1/"]),
    ("http://0x7f.0.0.1/", ["http://127.0.0.1/"]),
    ("http://0177.0.0.1/a", ["http://127.0.0.1/a"]),
    ("http://203.0.113.7:81/a", ["http://203.0.113.7:81/a"]),
    ("bücher.de", ["http://xn--bcher-kva.de/"]),
    ("https://xn--bcher-kva.de/", ["https://xn--bcher-kva.de/"]),
    ("тест.рф", ["http://xn--e1aybc.xn--p1ai/"]),
    ("例子.中国", ["http://xn--fsqu00a.xn--fiqs8s/"]),
    ("*.evil.com", ["http://evil.com/"]),
    (".evil.com", ["http://evil.com/"]),
    ("evil.com.", ["http://evil.com/"]),
    (
        "evil.com,evil2.net;evil3.org",
        ["http://evil.com/", "http://evil2.net/", "http://evil3.org/"],
    ),
    ("https://t.me/scam", ["https://t.me/scam"]),
    ("https://wa.me/85512345678", ["https://wa.me/85512345678"]),
    ("lucky88-01[.]test", ["http://lucky88-01.test/"]),
    ("https://evil.com/app.apk", ["https://evil.com/app.apk"]),
    ("dangky tại nhacai88.vip nhé", ["http://nhacai88.vip/"]),
    ("mail me@evil.com", []),
    ("setup.py and node.js and report.pdf", []),
    ("In the end.This is", []),
    ("e.g. a, i.e. b", []),
    ("version 1.2.3 at 10.30", []),
    ("github.io and co.uk", []),
    ("ftp://files/x", []),
    ("3.5% per day", []),
    ("javascript:alert(1)", []),
    ("file:///etc/passwd", []),
    ("no address here", []),
    ("http://", []),
    ("https://localhost/", []),
]


@pytest.mark.parametrize(("text", "expected"), TABLE, ids=[text for text, _ in TABLE])
def test_each_way_of_writing_is_read(text: str, expected: list[str]) -> None:
    assert [item.url for item in extract(refang(text))] == expected


def test_a_cell_of_a_table_is_taken_at_its_word() -> None:
    assert [item.url for item in extract("setup.py", cell=True)] == ["http://setup.py/"]


@given(st.text(max_size=300))
def test_any_text_is_read(text: str) -> None:
    mended = refang(text)
    for item in extract(mended):
        assert item.url.startswith(("http://", "https://"))
        assert 0 <= item.start < item.end <= len(mended)


@pytest.mark.parametrize(
    "text",
    ["a." * 200_000, "h" * 500_000, "[.]" * 200_000, "http://" * 100_000, "((" * 200_000,
     "a-" * 200_000 + ".com", "。" * 300_000, "http://a.com/" + "(" * 100_000, "x dot " * 100_000],
    ids=["labels", "letters", "brackets", "schemes", "parens", "hyphens", "stops", "path", "dots"],
)  # fmt: skip
def test_hostile_text_takes_linear_time(text: str) -> None:
    list(extract(refang(text)))
